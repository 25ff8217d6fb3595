#include "base/clock.h"
#include "plane/hands.h"

#define COPY_MS  3000 /* for the page to take CLIPBOARD over, and to answer */
#define TAKE_MS  1000 /* it has by then, when the browser answers at once; where nothing is selected it never does */
#define TAKE_LAG 20   /* times as long as the browser took to read the key: the machine is that slow now */

static int person_move(struct display *d, const struct hand *h, struct err *err)
{
    return display_move(d, h->x, h->y, err);
}

static int person_button(struct display *d, const struct hand *h, struct err *err)
{
    int r = display_move(d, h->x, h->y, err);
    return r ? r : display_press(d, h->button, h->type == HAND_DOWN, err);
}

static int person_wheel(struct display *d, const struct hand *h, struct err *err)
{
    int r = display_move(d, h->x, h->y, err);
    return r ? r : display_wheel(d, h->dx, h->dy, err);
}

static int person_key(struct display *d, const struct hand *h, struct err *err)
{
    return display_hold(d, h->keys, h->n_keys, h->type == HAND_KEY_DOWN, err);
}

static int person_press(struct display *d, const struct hand *h, struct err *err)
{
    return display_chord(d, h->keys, h->n_keys, err);
}

static int person_text(struct display *d, const struct hand *h, struct err *err)
{
    return display_type(d, h->text, 0, err);
}

static int person_clipboard(struct display *d, const struct hand *h, struct err *err)
{
    return display_clipboard_set(d, h->text, err);
}

static int person_paste(struct display *d, const struct hand *h, struct err *err)
{
    static const char *const paste[] = {"Control_L", "v"};
    int r = display_clipboard_set(d, h->text, err);
    return r ? r : display_chord(d, paste, ARRAY_SIZE(paste), err);
}

/* E_TIMEOUT: nothing was selected. */
static int wait_taken(struct display *d, struct err *err)
{
    int64_t from = clock_mono_ms();
    int r = display_ping(d, from + COPY_MS, err);
    int64_t now = clock_mono_ms(), by = now + TAKE_MS + TAKE_LAG * (now - from);
    return r ? r : display_clipboard_wait_taken(d, by < from + COPY_MS ? by : from + COPY_MS, err);
}

/* That the browser took the clipboard over is seen when it was ours. Where nothing is selected it stays as it
 * was. */
static int person_copy(struct display *d, struct pool *pool, const char **ret_text, struct err *err)
{
    static const char *const copy[] = {"Control_L", "c"};
    const char *before;
    int r = display_clipboard_get(d, pool, clock_mono_ms() + COPY_MS, &before, err);
    if (r == E_TIMEOUT)
        before = "";
    if (!r || r == E_TIMEOUT)
        r = display_clipboard_set(d, before, err);
    if (!r)
        r = display_chord(d, copy, ARRAY_SIZE(copy), err);
    if (!r)
        r = wait_taken(d, err);
    if (r == E_TIMEOUT) {
        *ret_text = before;
        return 0;
    }
    return r ? r : display_clipboard_get(d, pool, clock_mono_ms() + COPY_MS, ret_text, err);
}

static int (*const person[])(struct display *d, const struct hand *h, struct err *err) = {
    [HAND_MOVE] = person_move,       [HAND_DOWN] = person_button,
    [HAND_UP] = person_button,       [HAND_WHEEL] = person_wheel,
    [HAND_KEY_DOWN] = person_key,    [HAND_KEY_UP] = person_key,
    [HAND_KEY_PRESS] = person_press, [HAND_TEXT] = person_text,
    [HAND_PASTE] = person_paste,     [HAND_CLIPBOARD] = person_clipboard,
};

int hands_person(struct display *d, struct pool *pool, const struct hand *hand, const char **ret_text,
                 struct err *err)
{
    *ret_text = "";
    return hand->type == HAND_COPY ? person_copy(d, pool, ret_text, err) : person[hand->type](d, hand, err);
}
