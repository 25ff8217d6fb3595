#include "core/hand.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

static int read_place(const json_t *m, struct hand *h, struct err *err)
{
    const json_t *x = json_object_get(m, "x"), *y = json_object_get(m, "y");
    if (!json_is_number(x) || !json_is_number(y))
        return err_set(err, E_INVALID, "'x' and 'y' must be numbers: pixels of the screen");
    double at[] = {json_number_value(x), json_number_value(y)};
    for (int i = 0; i < 2; i++)
        if (!(at[i] >= -CAP_SCREEN_SIDE_PX && at[i] <= CAP_SCREEN_SIDE_PX))
            return err_set(err, E_INVALID, "'%c' is outside of every screen", "xy"[i]);
    h->x = (int)at[0];
    h->y = (int)at[1];
    return 0;
}

/* The row of `event` in names, whose place is added to the first type. */
static int read_event(const json_t *m, const char *const *names, int n, const char *def, enum hand_type first,
                      struct hand *h, struct err *err)
{
    const char *event = json_str(m, "event", def);
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], event)) {
            h->type = first + (enum hand_type)i;
            return 0;
        }
    return err_set(err, E_INVALID, "'event' must be one of down, up and %s", names[first == HAND_MOVE ? 0 : 2]);
}

static int read_button(const json_t *m, struct hand *h, struct err *err)
{
    static const char *const names[] = {"left", "middle", "right"};
    const char *name = json_str(m, "button", "left");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(names[i], name)) {
            h->button = BUTTON_LEFT + (enum button)i;
            return 0;
        }
    return err_set(err, E_INVALID, "'button' must be left, middle or right");
}

static int read_pointer(struct pool *pool, const json_t *m, struct hand *h, struct err *err)
{
    static const char *const events[] = {"move", "down", "up"};
    int r = read_event(m, events, ARRAY_SIZE(events), "move", HAND_MOVE, h, err);
    r = r ? r : read_button(m, h, err);
    return r ? r : read_place(m, h, err);
}

static int read_notches(const json_t *m, const char *key, int *out, struct err *err)
{
    double n = json_num(m, key, 0);
    if (!(n >= -HAND_NOTCHES_MAX && n <= HAND_NOTCHES_MAX))
        return err_set(err, E_INVALID, "'%s' must be from %d to %d notches", key, -HAND_NOTCHES_MAX,
                       HAND_NOTCHES_MAX);
    *out = (int)n;
    return 0;
}

static int read_wheel(struct pool *pool, const json_t *m, struct hand *h, struct err *err)
{
    h->type = HAND_WHEEL;
    int r = read_notches(m, "dx", &h->dx, err);
    r = r ? r : read_notches(m, "dy", &h->dy, err);
    return r ? r : read_place(m, h, err);
}

/* action_keys() would quote it, and it may be the letter of a password. */
static int read_key(struct pool *pool, const json_t *m, struct hand *h, struct err *err)
{
    static const char *const events[] = {"down", "up", "press"};
    const char *key = json_str(m, "key", "");
    int r = read_event(m, events, ARRAY_SIZE(events), "press", HAND_KEY_DOWN, h, err);
    if (r)
        return r;
    if (strlen(key) > 64 || action_keys(pool, key, h->keys, HAND_KEYS_MAX, &h->n_keys, NULL))
        return err_set(err, E_INVALID,
                       "'key' is not known: one character, or a name as Enter, Tab, Escape, Backspace, F5, "
                       "ctrl+a");
    return 0;
}

static int read_text(struct pool *pool, const json_t *m, struct hand *h, struct err *err)
{
    h->text = json_str(m, "text", NULL);
    if (!h->text || !*h->text)
        return err_set(err, E_INVALID, "'text' is missing or empty");
    for (const char *p = h->text; *p; p++)
        if ((unsigned char)*p < ' ' && !strchr("\t\n\r", *p))
            return err_set(err, E_INVALID, "'text' has a control character");
    return 0;
}

static int read_nothing(struct pool *pool, const json_t *m, struct hand *h, struct err *err)
{
    return 0;
}

static const struct {
    const char *type;
    int (*read)(struct pool *pool, const json_t *m, struct hand *h, struct err *err);
    enum hand_type first;
} table[] = {
    {"pointer", read_pointer, HAND_MOVE}, {"wheel", read_wheel, HAND_WHEEL},
    {"key", read_key, HAND_KEY_PRESS},    {"text", read_text, HAND_TEXT},
    {"paste", read_text, HAND_PASTE},     {"clipboard", read_text, HAND_CLIPBOARD},
    {"copy", read_nothing, HAND_COPY},
};

static int row_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (!strcmp(table[i].type, type))
            return (int)i;
    return -1;
}

bool hand_is(const char *type)
{
    return row_of(type) >= 0;
}

bool hand_is_move(const json_t *message)
{
    return !strcmp(json_str(message, "type", ""), "pointer") && !strcmp(json_str(message, "event", "move"), "move");
}

int hand_read(struct pool *pool, const json_t *m, struct hand *out, struct err *err)
{
    struct hand h = {0};
    int row = row_of(json_str(m, "type", ""));
    if (row < 0)
        return err_set(err, E_INVALID, "'type' is not known");
    h.type = table[row].first;
    int r = table[row].read(pool, m, &h, err);
    if (!r)
        *out = h;
    return r;
}
