#include "plane/hands.h"

#define CHORD_MAX 8

struct own_hand {
    struct display *d;
    struct pool *pool;
    int type_delay_ms;
};

static int press_button(struct own_hand *h, const struct action *a, struct err *err)
{
    int r = display_move(h->d, a->x, a->y, err);
    int clicks = a->type == ACTION_DOUBLE_CLICK ? 2 : a->clicks ? a->clicks : 1;
    return r ? r : display_button(h->d, a->button, clicks, err);
}

/* Keys that are held are let go whatever happens. */
static int click(struct own_hand *h, const struct action *a, struct err *err)
{
    const char *names[CHORD_MAX];
    int n = 0;
    if (!a->keys)
        return press_button(h, a, err);
    int r = action_keys(h->pool, a->keys, names, CHORD_MAX, &n, err);
    if (!r)
        r = display_hold(h->d, names, n, true, err);
    if (r)
        return r;
    r = press_button(h, a, err);
    int up = display_hold(h->d, names, n, false, r ? NULL : err);
    return r ? r : up;
}

static int type_text(struct own_hand *h, const struct action *a, struct err *err)
{
    return display_type(h->d, a->text, h->type_delay_ms, err);
}

static int press_keys(struct own_hand *h, const struct action *a, struct err *err)
{
    const char *names[CHORD_MAX];
    int n;
    int r = action_keys(h->pool, a->keys, names, CHORD_MAX, &n, err);
    return r ? r : display_chord(h->d, names, n, err);
}

static int scroll(struct own_hand *h, const struct action *a, struct err *err)
{
    int r = display_move(h->d, a->x, a->y, err);
    return r ? r : display_wheel(h->d, a->dx, a->dy, err);
}

static int drag(struct own_hand *h, const struct action *a, struct err *err)
{
    return display_drag(h->d, a->x, a->y, a->to_x, a->to_y, err);
}

static int move(struct own_hand *h, const struct action *a, struct err *err)
{
    return display_move(h->d, a->x, a->y, err);
}

static const struct {
    int (*act)(struct own_hand *h, const struct action *a, struct err *err);
    bool chance;
} table[] = {
    [ACTION_CLICK] = {click, true},          [ACTION_DOUBLE_CLICK] = {click, true},
    [ACTION_TYPE_TEXT] = {type_text, false}, [ACTION_KEY_PRESS] = {press_keys, true},
    [ACTION_SCROLL] = {scroll, false},       [ACTION_DRAG] = {drag, true},
    [ACTION_MOVE] = {move, false},           [ACTION_WAIT] = {NULL, false},
    [ACTION_DONE] = {NULL, false},
};

int hands_do(struct display *d, struct pool *pool, const struct action *action, int type_delay_ms,
             struct err *err)
{
    struct own_hand h = {d, pool, type_delay_ms};
    return table[action->type].act ? table[action->type].act(&h, action, err) : 0;
}

bool hands_need_chance(const struct action *action)
{
    return table[action->type].chance;
}
