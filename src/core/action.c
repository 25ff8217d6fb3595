#include "core/action.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define SCROLL_MAX 40 /* notches */
#define SCROLL_DEFAULT 3
#define WAIT_MAX_S 10.0
#define CLICKS_MAX 3 /* twice is its own action */

static const char *const type_names[] = {
    [ACTION_CLICK] = "click",         [ACTION_DOUBLE_CLICK] = "double_click",
    [ACTION_TYPE_TEXT] = "type_text", [ACTION_KEY_PRESS] = "key_press",
    [ACTION_SCROLL] = "scroll",       [ACTION_DRAG] = "drag",
    [ACTION_MOVE] = "move",           [ACTION_WAIT] = "wait",
    [ACTION_DONE] = "done",
};

const char *action_type_name(enum action_type type)
{
    return type_names[type];
}

/* --- printing ------------------------------------------------------------------------------- */

static void put_point(json_t *params, const char *x_key, int x, const char *y_key, int y)
{
    json_put_int(params, x_key, x);
    json_put_int(params, y_key, y);
}

static const char *button_name(enum button button)
{
    return button == BUTTON_RIGHT ? "right" : button == BUTTON_MIDDLE ? "middle" : "left";
}

static void print_click(const struct action *a, json_t *params)
{
    put_point(params, "x", a->x, "y", a->y);
    json_put_str(params, "button", button_name(a->button));
    if (a->clicks > 1)
        json_put_int(params, "clicks", a->clicks);
}

static void print_point(const struct action *a, json_t *params)
{
    put_point(params, "x", a->x, "y", a->y);
}

static void print_text(const struct action *a, json_t *params)
{
    json_put(params, "text", json_string_safe(a->text ? a->text : ""));
    if (a->clear_first)
        json_put_bool(params, "clear_first", true);
    if (a->press_enter)
        json_put_bool(params, "press_enter", true);
}

static void print_keys(const struct action *a, json_t *params)
{
    json_put(params, "keys", json_string_safe(a->keys ? a->keys : ""));
}

static void print_scroll(const struct action *a, json_t *params)
{
    if (a->dx && a->dy) { /* slanted: direction and amount cannot say it */
        json_put_int(params, "dx", a->dx);
        json_put_int(params, "dy", a->dy);
    } else {
        int notches = a->dx ? a->dx : a->dy;
        json_put_str(params, "direction",
                     a->dx ? (a->dx < 0 ? "left" : "right") : (a->dy < 0 ? "up" : "down"));
        json_put_int(params, "amount", abs(notches));
    }
    if (a->x >= 0 && a->y >= 0)
        put_point(params, "x", a->x, "y", a->y);
}

static void print_drag(const struct action *a, json_t *params)
{
    put_point(params, "start_x", a->x, "start_y", a->y);
    put_point(params, "end_x", a->to_x, "end_y", a->to_y);
}

static void print_wait(const struct action *a, json_t *params)
{
    json_put_num(params, "seconds", a->seconds);
    if (a->fact)
        json_put(params, "memorize_fact", json_string_safe(a->fact));
}

static void print_done(const struct action *a, json_t *params)
{
    json_put_bool(params, "success", a->success);
    json_put(params, "summary", json_string_safe(a->summary ? a->summary : ""));
}

typedef void print_fn(const struct action *a, json_t *params);

json_t *action_to_json(const struct action *action)
{
    static print_fn *const print[] = {
        [ACTION_CLICK] = print_click,    [ACTION_DOUBLE_CLICK] = print_point,
        [ACTION_TYPE_TEXT] = print_text, [ACTION_KEY_PRESS] = print_keys,
        [ACTION_SCROLL] = print_scroll,  [ACTION_DRAG] = print_drag,
        [ACTION_MOVE] = print_point,     [ACTION_WAIT] = print_wait,
        [ACTION_DONE] = print_done,
    };
    json_t *out = json_object(), *params = json_object();
    print[action->type](action, params);
    json_put_str(out, "action_type", type_names[action->type]);
    json_put(out, "params", params);
    if (action->reasoning)
        json_put(out, "reasoning", json_string_safe(action->reasoning));
    return out;
}

/* --- reading -------------------------------------------------------------------------------- */

/* First of the keys (NULL-terminated) that is there and not null. */
static const json_t *pick(const json_t *args, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *v = json_object_get(args, *keys);
        if (v && !json_is_null(v))
            return v;
    }
    return NULL;
}

/* A number, or a string that starts with one ("640px"). */
static bool to_number(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    if (!json_is_string(v))
        return false;
    const char *s = json_string_value(v);
    char *end;
    *out = (double)strtol(s, &end, 10);
    return end != s;
}

static int to_px(double v)
{
    return (int)lround(fmax(-CAP_SCREEN_SIDE_PX, fmin(CAP_SCREEN_SIDE_PX, v)));
}

/* [x, y] under one of pair_keys, else x_key and y_key. found may stay false: nothing was given. */
static int read_point(const json_t *args, const char *const *pair_keys, const char *x_key,
                      const char *y_key, int *x, int *y, bool *found, struct err *err)
{
    const json_t *pair = pick(args, pair_keys);
    const json_t *vx = pair ? json_array_get(pair, 0) : json_object_get(args, x_key);
    const json_t *vy = pair ? json_array_get(pair, 1) : json_object_get(args, y_key);
    double dx, dy;
    *found = false;
    if (!pair && !vx && !vy)
        return 0;
    if (!to_number(vx, &dx) || !to_number(vy, &dy))
        return err_set(err, E_INVALID, "'%s' and '%s' must both be numbers, in pixels", x_key, y_key);
    *x = to_px(dx);
    *y = to_px(dy);
    *found = true;
    return 0;
}

static const char *const point_keys[] = {"coordinate", "coordinates", "position", "point", NULL};

static int need_point(const json_t *args, const char *name, struct action *a, struct err *err)
{
    bool found;
    int r = read_point(args, point_keys, "x", "y", &a->x, &a->y, &found, err);
    if (!r && !found)
        return err_set(err, E_INVALID, "%s needs 'x' and 'y', in pixels of the screenshot", name);
    return r;
}

static int read_click(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    const char *button = json_str(args, "button", NULL);
    if (!button)
        button = button_name(a->button ? a->button : BUTTON_LEFT);
    if (str_eq_fold(button, "left"))
        a->button = BUTTON_LEFT;
    else if (str_eq_fold(button, "middle"))
        a->button = BUTTON_MIDDLE;
    else if (str_eq_fold(button, "right"))
        a->button = BUTTON_RIGHT;
    else
        return err_set(err, E_INVALID, "button must be left, middle or right, not '%.40s'", button);
    a->clicks = json_int(args, "clicks", 1) == CLICKS_MAX ? CLICKS_MAX : 0;
    return need_point(args, "click", a, err);
}

static int read_triple_click(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    int r = read_click(pool, args, a, err);
    a->clicks = CLICKS_MAX;
    return r;
}

static int read_double_click(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    a->button = BUTTON_LEFT;
    return need_point(args, "double_click", a, err);
}

static int read_move(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    return need_point(args, "move", a, err);
}

static bool to_flag(const json_t *v, bool def)
{
    if (!v || json_is_null(v))
        return def;
    if (!json_is_string(v))
        return json_truthy(v);
    const char *s = json_string_value(v);
    return !(str_empty(s) || str_eq_fold(s, "false") || str_eq_fold(s, "no") || !strcmp(s, "0"));
}

static int read_text(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    static const char *const keys[] = {"text", "content", NULL};
    const json_t *text = pick(args, keys);
    if (!json_is_string(text))
        return err_set(err, E_INVALID, "type_text needs 'text', a string");
    a->text = pool_strdup(pool, json_string_value(text));
    a->clear_first = to_flag(json_object_get(args, "clear_first"), false);
    a->press_enter = to_flag(json_object_get(args, "press_enter"), false);
    return 0;
}

static int read_url(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    const char *url = json_str(args, "url", NULL);
    if (!url || !(str_starts(url, "http://") || str_starts(url, "https://")))
        return err_set(err, E_INVALID, "navigate needs 'url', starting with http:// or https://");
    a->text = pool_strdup(pool, url);
    return 0;
}

static char *join_keys(struct pool *pool, const json_t *array)
{
    char *out = pool_strdup(pool, "");
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)array, i, v)
        out = pool_printf(pool, "%s%s%s", out, *out ? "+" : "",
                          json_is_string(v) ? json_string_value(v) : "");
    return out;
}

#define CHORD_MAX 8

static int read_keys(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    static const char *const keys[] = {"keys", "key", "hotkey", NULL};
    const json_t *v = pick(args, keys);
    const char *names[CHORD_MAX];
    int n;
    if (json_is_string(v))
        a->keys = pool_strdup(pool, json_string_value(v));
    else if (json_is_array(v))
        a->keys = join_keys(pool, v);
    else
        return err_set(err, E_INVALID, "key_press needs 'keys', for example \"ctrl+a\"");
    return action_keys(pool, a->keys, names, CHORD_MAX, &n, err);
}

static int clamp_notches(double v)
{
    return (int)fmax(-SCROLL_MAX, fmin(SCROLL_MAX, v));
}

static int read_amount(const json_t *args, const char *key, double def, double *out, struct err *err)
{
    const json_t *v = json_object_get(args, key);
    *out = def;
    if (v && !json_is_null(v) && !to_number(v, out))
        return err_set(err, E_INVALID, "'%s' must be a number", key);
    return 0;
}

static int read_direction(const json_t *args, struct action *a, struct err *err)
{
    static const struct {
        const char *name;
        int dx, dy;
    } directions[] = {{"down", 0, 1}, {"up", 0, -1}, {"left", -1, 0}, {"right", 1, 0}};
    const char *name = json_str(args, "direction", "down");
    double amount;
    int r = read_amount(args, "amount", SCROLL_DEFAULT, &amount, err);
    if (r)
        return r;
    int notches = clamp_notches(fmax(0, amount));
    for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
        if (str_eq_fold(name, directions[i].name)) {
            a->dx = directions[i].dx * notches;
            a->dy = directions[i].dy * notches;
            return 0;
        }
    return err_set(err, E_INVALID, "direction must be up, down, left or right, not '%.40s'", name);
}

static int read_scroll(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    bool found;
    double dx, dy;
    a->x = a->y = -1;
    int r = read_point(args, point_keys, "x", "y", &a->x, &a->y, &found, err);
    if (r)
        return r;
    if (!json_object_get(args, "dx") && !json_object_get(args, "dy"))
        return read_direction(args, a, err);
    if ((r = read_amount(args, "dx", 0, &dx, err)) || (r = read_amount(args, "dy", 0, &dy, err)))
        return r;
    a->dx = clamp_notches(dx);
    a->dy = clamp_notches(dy);
    return 0;
}

static int read_drag(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    static const char *const start[] = {"start_coordinate", NULL}, *const end[] = {"end_coordinate", NULL};
    bool from, to = false;
    int r = read_point(args, start, "start_x", "start_y", &a->x, &a->y, &from, err);
    if (!r)
        r = read_point(args, end, "end_x", "end_y", &a->to_x, &a->to_y, &to, err);
    if (!r && !(from && to))
        return err_set(err, E_INVALID, "drag needs 'start_x', 'start_y', 'end_x' and 'end_y'");
    return r;
}

static int read_wait(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    const json_t *v = json_object_get(args, "seconds");
    char *end;
    a->seconds = 1;
    if (json_is_number(v)) {
        a->seconds = json_number_value(v);
    } else if (json_is_string(v)) {
        a->seconds = strtod(json_string_value(v), &end);
        if (end == json_string_value(v))
            return err_set(err, E_INVALID, "'seconds' must be a number");
    }
    a->seconds = fmax(0, fmin(WAIT_MAX_S, a->seconds));
    const char *fact = json_str(args, "memorize_fact", NULL);
    a->fact = fact ? pool_strdup(pool, fact) : NULL;
    return 0;
}

static int read_done(struct pool *pool, const json_t *args, struct action *a, struct err *err)
{
    const char *status = json_str(args, "status", NULL);
    bool by_status = !status || str_eq_fold(status, "success");
    a->success = to_flag(json_object_get(args, "success"), by_status);
    a->summary = pool_strdup(pool, json_str(args, "summary", ""));
    return 0;
}

typedef int read_fn(struct pool *pool, const json_t *args, struct action *a, struct err *err);

static const struct name {
    const char *name;
    enum action_type type;
    read_fn *read;
    enum button button;
} names[] = {
    {"click", ACTION_CLICK, read_click, BUTTON_LEFT},
    {"left_click", ACTION_CLICK, read_click, BUTTON_LEFT},
    {"right_click", ACTION_CLICK, read_click, BUTTON_RIGHT},
    {"middle_click", ACTION_CLICK, read_click, BUTTON_MIDDLE},
    {"triple_click", ACTION_CLICK, read_triple_click, BUTTON_LEFT},
    {"double_click", ACTION_DOUBLE_CLICK, read_double_click, 0},
    {"type_text", ACTION_TYPE_TEXT, read_text, 0},
    {"type", ACTION_TYPE_TEXT, read_text, 0},
    {"write", ACTION_TYPE_TEXT, read_text, 0},
    {"typewrite", ACTION_TYPE_TEXT, read_text, 0},
    {"enter_text", ACTION_TYPE_TEXT, read_text, 0},
    {"navigate", ACTION_TYPE_TEXT, read_url, 0},
    {"goto", ACTION_TYPE_TEXT, read_url, 0},
    {"key_press", ACTION_KEY_PRESS, read_keys, 0},
    {"key", ACTION_KEY_PRESS, read_keys, 0},
    {"press", ACTION_KEY_PRESS, read_keys, 0},
    {"hotkey", ACTION_KEY_PRESS, read_keys, 0},
    {"scroll", ACTION_SCROLL, read_scroll, 0},
    {"drag", ACTION_DRAG, read_drag, 0},
    {"move", ACTION_MOVE, read_move, 0},
    {"hover", ACTION_MOVE, read_move, 0},
    {"wait", ACTION_WAIT, read_wait, 0},
    {"done", ACTION_DONE, read_done, 0},
    {"terminate", ACTION_DONE, read_done, 0},
    {"finish", ACTION_DONE, read_done, 0},
    {"complete", ACTION_DONE, read_done, 0},
};

int action_parse(struct pool *pool, const char *name, const json_t *args, struct action *out,
                 struct err *err)
{
    const char *reasoning = json_is_object(args) ? json_str(args, "reasoning", NULL) : NULL;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!str_eq_fold(name, names[i].name))
            continue;
        struct action a = {.type = names[i].type, .button = names[i].button};
        int r = names[i].read(pool, args, &a, err);
        if (r)
            return r;
        a.reasoning = reasoning ? pool_strdup(pool, reasoning) : NULL;
        *out = a;
        return 0;
    }
    *out = (struct action){
        .type = ACTION_WAIT,
        .seconds = 1,
        .unparsed = true,
        .reasoning = pool_printf(pool, "unknown action '%.60s': waited 1 s instead", name),
    };
    return 0;
}

/* --- key names ------------------------------------------------------------------------------ */

static const struct key_name {
    const char *name;
    const char *keysym; /* NULL: the same */
    bool modifier;
} key_table[] = {
    {"ctrl", "Control_L", true},
    {"control", "Control_L", true},
    {"cmd", "Control_L", true},
    {"command", "Control_L", true},
    {"meta", "Control_L", true},
    {"Control_L", NULL, true},
    {"Control_R", NULL, true},
    {"shift", "Shift_L", true},
    {"Shift_L", NULL, true},
    {"Shift_R", NULL, true},
    {"alt", "Alt_L", true},
    {"option", "Alt_L", true},
    {"Alt_L", NULL, true},
    {"Alt_R", NULL, true},
    {"super", "Super_L", true},
    {"win", "Super_L", true},
    {"Super_L", NULL, true},
    {"enter", "Return", false},
    {"return", "Return", false},
    {"KP_Enter", NULL, false},
    {"tab", "Tab", false},
    {"escape", "Escape", false},
    {"esc", "Escape", false},
    {"backspace", "BackSpace", false},
    {"delete", "Delete", false},
    {"del", "Delete", false},
    {"insert", "Insert", false},
    {"up", "Up", false},
    {"down", "Down", false},
    {"left", "Left", false},
    {"right", "Right", false},
    {"arrowup", "Up", false},
    {"arrowdown", "Down", false},
    {"arrowleft", "Left", false},
    {"arrowright", "Right", false},
    {"home", "Home", false},
    {"end", "End", false},
    {"pageup", "Page_Up", false},
    {"page_up", "Page_Up", false},
    {"pagedown", "Page_Down", false},
    {"page_down", "Page_Down", false},
    {"space", "space", false},
    {"plus", "plus", false},
    {"minus", "minus", false},
    {"menu", "Menu", false},
    {"F1", NULL, false},
    {"F2", NULL, false},
    {"F3", NULL, false},
    {"F4", NULL, false},
    {"F5", NULL, false},
    {"F6", NULL, false},
    {"F7", NULL, false},
    {"F8", NULL, false},
    {"F9", NULL, false},
    {"F10", NULL, false},
    {"F11", NULL, false},
    {"F12", NULL, false},
};

/* Code point of a text that is exactly one character, else 0. */
static uint32_t single_char(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc0 ? 2 : 1;
    if (strlen(s) != len || !str_is_utf8(s, len) || *p < 0x20 || *p == 0x7f)
        return 0;
    uint32_t cp = len > 1 ? *p & (0x7fu >> len) : *p;
    for (size_t i = 1; i < len; i++)
        cp = cp << 6 | (p[i] & 0x3f);
    return cp;
}

/* X has a name for every character: letters and digits are their own, others "U<hex>". */
static const char *char_keysym(struct pool *pool, uint32_t cp, bool with_modifier)
{
    if (cp < 0x80 && isalnum((int)cp))
        return pool_printf(pool, "%c", with_modifier ? tolower((int)cp) : (int)cp);
    return cp == ' ' ? "space" : pool_printf(pool, "U%04X", cp);
}

static const char *keysym_of(struct pool *pool, const char *name, bool with_modifier, bool *modifier)
{
    *modifier = false;
    for (size_t i = 0; i < ARRAY_SIZE(key_table); i++)
        if (str_eq_fold(name, key_table[i].name)) {
            *modifier = key_table[i].modifier;
            return key_table[i].keysym ? key_table[i].keysym : key_table[i].name;
        }
    uint32_t cp = single_char(name);
    return cp ? char_keysym(pool, cp, with_modifier) : NULL;
}

/* The next name of "a+b": a '+' that stands where a name should is the plus key itself. */
static char *next_name(struct pool *pool, const char **keys)
{
    const char *p = *keys;
    while (*p == ' ')
        p++;
    const char *end = *p ? p + 1 : p;
    while (*end && *end != '+')
        end++;
    *keys = *end ? end + 1 : end;
    while (end > p + 1 && end[-1] == ' ')
        end--;
    return pool_strndup(pool, p, (size_t)(end - p));
}

static bool holds(const char *const *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i], name))
            return true;
    return false;
}

int action_keys(struct pool *pool, const char *keys, const char **out_names, int n_max, int *ret_n,
                struct err *err)
{
    int n = 0;
    bool with_modifier = false, modifier;
    if (keys && !strcmp(keys, " "))
        keys = "space";
    if (str_empty(keys))
        return err_set(err, E_INVALID, "no key was named");
    for (const char *p = keys; *p;) {
        char *name = next_name(pool, &p);
        const char *sym = keysym_of(pool, name, with_modifier, &modifier);
        if (!sym)
            return err_set(err, E_INVALID,
                           "unknown key '%.40s': use one character or enter, tab, escape, "
                           "backspace, delete, space, up, down, left, right, home, end, pageup, "
                           "pagedown, f1-f12, with ctrl+, shift+ or alt+ in front",
                           name);
        with_modifier |= modifier && strcmp(sym, "Shift_L") && strcmp(sym, "Shift_R");
        if (holds(out_names, n, sym))
            continue;
        if (n == n_max)
            return err_set(err, E_INVALID, "more than %d keys at once in '%.60s'", n_max, keys);
        out_names[n++] = sym;
    }
    *ret_n = n;
    return 0;
}
