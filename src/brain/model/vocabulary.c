/*
 * vocabulary.c - every word for an action that a model may use, and how its arguments are read. One
 * table for all models: the same word means the same thing to all of them; a profile's "actions"
 * maps what differs. Arguments may have any of the names that models give them.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/reading.h"

#define SCROLL_DEFAULT 3 /* notches */
#define SCROLL_MAX     40
#define WAIT_DEFAULT_S 1.0
#define WAIT_MAX_S     10.0
#define HELD_KEYS      4
#define TOOL_SUMMARY   4000 /* characters of a done that was a tool call */

struct verb;
typedef bool verb_fn(struct reading *r, const struct verb *v, const json_t *args,
                     struct action *out);

struct verb {
    const char *name; /* compared without case and underscores */
    verb_fn *read;
    const char *positional; /* names of positional arguments; the last takes the rest when it ends
                               with "*" */
    const char *def;        /* what it is when the arguments do not say, NULL none */
    enum action_type type;
    enum button button;
    int clicks;
    double seconds;
};

/* The note is copied; where it was cut within a character, that is mended. */
static bool no_action(struct reading *r, const char *note)
{
    r->note = json_string_value(json_keep(r->pool, json_string_safe(note)));
    return false;
}

static const char *const point_names[] = {"coordinate", "coord", "coordinates",
                                          "position",   "point", NULL};
static const char *const start_names[] = {"start_coordinate", "start", "from", NULL};
static const char *const end_names[] = {"end_coordinate", "end",         "to",
                                        "coordinate",     "coordinates", NULL};

static bool read_point(struct reading *r, const struct verb *v, const json_t *args,
                       struct action *out)
{
    struct point at;
    if (!point_read(r, args, point_names, "x", "y", &at))
        return no_action(r, pool_printf(r->pool, "%s needs a point on the screen", v->name));
    out->x = at.x;
    out->y = at.y;
    return true;
}

static enum button button_of(const json_t *args, enum button def)
{
    const char *name = json_str(args, "button", "");
    return str_eq_fold(name, "right")    ? BUTTON_RIGHT
           : str_eq_fold(name, "middle") ? BUTTON_MIDDLE
                                         : def;
}

/* Keys held during a click: "shift", as Anthropic's tool says it. Other models say there what they
 * mean to click: that is no key. */
static const char *held_keys(struct reading *r, const json_t *args)
{
    const char *keys = argument_text(r->pool, argument(args, "text modifiers"));
    const char *names[HELD_KEYS];
    int n;
    if (str_empty(keys) || action_keys(r->pool, keys, names, HELD_KEYS, &n, NULL))
        return NULL;
    for (int i = 0; i < n; i++)
        if (!str_ends(names[i], "_L") && !str_ends(names[i], "_R"))
            return NULL;
    return keys;
}

static bool read_click(struct reading *r, const struct verb *v, const json_t *args,
                       struct action *out)
{
    int64_t clicks = json_int(args, "clicks", v->clicks);
    out->button = button_of(args, v->button);
    out->clicks = clicks == 3 ? 3 : 0;
    out->keys = held_keys(r, args);
    if (clicks == 2 && out->button == BUTTON_LEFT)
        out->type = ACTION_DOUBLE_CLICK;
    return read_point(r, v, args, out);
}

static bool read_drag(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    struct point from = r->facts->pointer, to;
    bool known = point_read(r, args, start_names, "start_x", "start_y", &from) || from.x >= 0;
    if (!point_read(r, args, end_names, "end_x", "end_y", &to) &&
        !point_read(r, args, end_names, "x", "y", &to))
        return no_action(r, "a drag needs the point where it ends");
    if (!known)
        return no_action(r, "a drag needs the point where it begins");
    out->x = from.x;
    out->y = from.y;
    out->to_x = to.x;
    out->to_y = to.y;
    return true;
}

/* --- text and keys --------------------------------------------------------------------------- */

static bool read_text(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    const char *text = argument_text(r->pool, argument(args, "text content value message"));
    if (!text || !*text)
        return no_action(r, "there is no text to type");
    out->text = text;
    out->clear_first = argument_flag(args, "clear_first delete_existing_text clear");
    out->press_enter = argument_flag(args, "press_enter");
    return true;
}

/* "mailto:" and the like; "localhost:8000" is a host and its port. */
static bool has_scheme(const char *url)
{
    size_t len = 0;
    while (isalnum((unsigned char)url[len]) || (len && strchr("+.-", url[len]) && url[len]))
        len++;
    return len && url[len] == ':' && !isdigit((unsigned char)url[len + 1]);
}

static bool read_url(struct reading *r, const struct verb *v, const json_t *args,
                     struct action *out)
{
    const char *url = argument_text(r->pool, argument(args, "url text address"));
    url = url ? str_squash(r->pool, url) : "";
    bool web = str_starts(url, "http://") || str_starts(url, "https://");
    if (!*url || (!web && has_scheme(url)))
        return no_action(r, "there is no web address to open");
    out->text = web ? url : pool_printf(r->pool, "https://%s", url);
    return true;
}

static const char *form_encoded(struct pool *pool, const char *s)
{
    const char *out = "";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (isalnum(c) || strchr("-_.~", c))
            out = pool_printf(pool, "%s%c", out, c);
        else
            out = c == ' ' ? pool_printf(pool, "%s+", out) : pool_printf(pool, "%s%%%02X", out, c);
    }
    return out;
}

static bool read_search(struct reading *r, const struct verb *v, const json_t *args,
                        struct action *out)
{
    const char *query = argument_text(r->pool, argument(args, "query text q"));
    if (str_empty(query))
        return no_action(r, "there is nothing to search for");
    query = form_encoded(r->pool, str_cut(r->pool, query, 500));
    out->text = pool_printf(r->pool, "https://www.google.com/search?q=%s", query);
    return true;
}

/* Lower case, with the names that differ. */
static const char *plain_key(struct pool *pool, const char *name)
{
    static const struct {
        const char *said, *plain;
    } names[] = {{"return", "enter"}, {"page_up", "pageup"}, {"page_down", "pagedown"},
                 {"cmd", "ctrl"},     {"command", "ctrl"},   {"meta", "ctrl"},
                 {"control", "ctrl"}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq_fold(name, names[i].said))
            return names[i].plain;
    return strlen(name) > 1 ? str_lower(pool, name) : name;
}

static const char *plain_keys(struct pool *pool, const char *keys)
{
    const char *out = "";
    if (strstr(keys, "++") || !strcmp(keys, "+"))
        return keys;
    while (*keys) {
        size_t len = strcspn(keys, "+");
        out = pool_printf(pool, "%s%s%s", out, *out ? "+" : "",
                          plain_key(pool, pool_strndup(pool, keys, len)));
        keys += len;
        keys += *keys == '+';
    }
    return out;
}

static const char *keys_of(struct pool *pool, const json_t *v)
{
    const char *out = "";
    size_t i;
    json_t *key;
    if (!json_is_array(v))
        return argument_text(pool, v);
    json_array_foreach ((json_t *)v, i, key) {
        const char *name = argument_text(pool, key);
        if (name && i < HELD_KEYS * 2)
            out = pool_printf(pool, "%s%s%s", out, *out ? "+" : "", name);
    }
    return out;
}

static bool read_keys(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    const char *keys = keys_of(r->pool, argument(args, "keys key hotkey text")), *names[8];
    struct err err = {0};
    int n;
    keys = keys && *keys ? keys : v->def;
    if (!keys || !*keys)
        return no_action(r, "no key is named");
    if (r->profile->keys == KEYS_PLAIN)
        keys = plain_keys(r->pool, keys);
    if (action_keys(r->pool, keys, names, 8, &n, &err))
        return no_action(r, err.msg);
    out->keys = keys;
    return true;
}

/* --- scrolling and waiting ------------------------------------------------------------------- */

static const struct {
    const char *name;
    int dx, dy;
} directions[] = {{"down", 0, 1}, {"up", 0, -1}, {"left", -1, 0}, {"right", 1, 0}};

/* wheel: how far, in the sense of pyautogui: up and right are positive. */
static void by_wheel(const struct verb *v, double notches, struct action *out)
{
    bool across = v->def && !strcmp(v->def, "right");
    int n = (int)fmax(-SCROLL_MAX, fmin(SCROLL_MAX, trunc(notches)));
    out->dx = across ? n : 0;
    out->dy = across ? 0 : -n;
}

static bool by_direction(struct reading *r, const json_t *args, struct action *out)
{
    double amount = SCROLL_DEFAULT;
    bool decimal;
    const char *name = argument_text(r->pool, argument(args, "direction scroll_direction"));
    argument_number(argument(args, "amount scroll_amount clicks"), &amount, &decimal);
    int n = (int)fmin(SCROLL_MAX, fabs(trunc(amount)));
    n = !name && amount < 0 ? -n : n;
    for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
        if (str_eq_fold(name ? name : "down", directions[i].name)) {
            out->dx = directions[i].dx * n;
            out->dy = directions[i].dy * n;
            return true;
        }
    return no_action(
        r, pool_printf(r->pool, "'%.40s' is no direction: up, down, left or right", name));
}

static bool read_scroll(struct reading *r, const struct verb *v, const json_t *args,
                        struct action *out)
{
    struct point at;
    double notches;
    bool decimal;
    out->x = out->y = -1;
    if (point_read(r, args, point_names, "x", "y", &at) && (at.x || at.y)) {
        out->x = at.x;
        out->y = at.y;
    }
    const json_t *direction = argument(args, "direction scroll_direction");
    const json_t *wheel = json_is_number(direction) ? direction
                          : direction               ? NULL
                                                    : argument(args, "clicks");
    if (argument_number(wheel, &notches, &decimal))
        by_wheel(v, notches, out);
    else if (!by_direction(r, args, out))
        return false;
    return out->dx || out->dy ? true : no_action(r, "a scroll by nothing");
}

static bool read_wait(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    bool decimal;
    out->seconds = v->seconds;
    argument_number(argument(args, "seconds duration time"), &out->seconds, &decimal);
    out->seconds = fmax(0, fmin(WAIT_MAX_S, out->seconds));
    return true;
}

/* --- the end --------------------------------------------------------------------------------- */

static bool read_done(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    const json_t *success = json_object_get(args, "success"),
                 *status = json_object_get(args, "status");
    const char *summary =
        argument_text(r->pool, argument(args, "summary message answer text result"));
    bool known, yes = argument_truth(success, &known);
    if (success && !known && json_is_string(success) && !summary) {
        summary = argument_text(r->pool, success); /* done('Total: 12') */
        yes = known = true;
    }
    bool by_status =
        !status || json_is_null(status) || str_eq_fold(json_str(args, "status", ""), "success");
    out->success = success && !json_is_null(success) ? known && yes : by_status;
    out->summary =
        cut_chars(r->pool, summary ? summary : "",
                  r->in_words || !strcmp(v->name, "terminate") ? SUMMARY_CHARS : TOOL_SUMMARY);
    return true;
}

/* --- the rest -------------------------------------------------------------------------------- */

static bool read_fixed(struct reading *r, const struct verb *v, const json_t *args,
                       struct action *out)
{
    out->keys = v->type == ACTION_KEY_PRESS ? v->def : NULL;
    out->seconds = v->seconds;
    return true;
}

static bool read_fact(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    const char *fact = argument_text(r->pool, argument(args, "text fact content"));
    out->seconds = v->seconds;
    out->fact = str_empty(fact) ? NULL : cut_chars(r->pool, fact, FACT_CHARS);
    return true;
}

static bool read_pointer(struct reading *r, const struct verb *v, const json_t *args,
                         struct action *out)
{
    const struct point at = r->facts->pointer;
    double x, y;
    out->reasoning = "where the pointer is, is not known";
    if (at.x < 0)
        return true;
    space_from_screen(&r->profile->space, &r->facts->view, at, &x, &y);
    out->reasoning = pool_printf(r->pool, "the pointer is at (%g,%g)", x, y);
    return true;
}

static bool read_zoom(struct reading *r, const struct verb *v, const json_t *args,
                      struct action *out)
{
    static const char *const corner[] = {"corner", NULL};
    const json_t *region = json_object_get(args, "region");
    struct point a, b;
    json_t *first = json_keep(r->pool, json_object()), *second = json_keep(r->pool, json_object());
    for (size_t i = 0; i < 4 && json_array_get(region, i); i++)
        json_put(i < 2 ? first : second, i % 2 ? "y" : "x", json_incref(json_array_get(region, i)));
    if (!point_read(r, first, corner, "x", "y", &a) ||
        !point_read(r, second, corner, "x", "y", &b) || b.x <= a.x || b.y <= a.y)
        return no_action(r, "zoom needs a region: left, top, right, bottom");
    r->out->zoom = true;
    r->out->zoom_area = (struct rect){a.x, a.y, b.x - a.x, b.y - a.y};
    return true;
}

static bool not_offered(struct reading *r, const struct verb *v, const json_t *args,
                        struct action *out)
{
    return no_action(r, pool_printf(r->pool, "%s is not offered here: %s", v->name, v->def));
}

/* clang-format off */
#define CLICK(word, b, n) {.name = word, .read = read_click, .positional = "x y", .type = ACTION_CLICK, .button = b, .clicks = n}
#define KEYS(word, key) {.name = word, .read = read_keys, .positional = "keys*", .def = key, .type = ACTION_KEY_PRESS}
#define TEXT(word) {.name = word, .read = read_text, .positional = "text", .type = ACTION_TYPE_TEXT}
#define URL(word, fn) {.name = word, .read = fn, .positional = "url", .type = ACTION_TYPE_TEXT}
#define MOVE(word) {.name = word, .read = read_point, .positional = "x y", .type = ACTION_MOVE}
#define DONE(word, first) {.name = word, .read = read_done, .positional = first, .type = ACTION_DONE}
#define BACK(word) {.name = word, .read = read_fixed, .type = ACTION_KEY_PRESS, .def = "alt+Left"}
#define WAITS(word, fn, s) {.name = word, .read = fn, .positional = "seconds", .type = ACTION_WAIT, .seconds = s}
#define SCROLLS(word, along) {.name = word, .read = read_scroll, .positional = "direction amount", .type = ACTION_SCROLL, .def = along}
#define DRAGS(word, names) {.name = word, .read = read_drag, .positional = names, .type = ACTION_DRAG}
#define REFUSED(word, instead) {.name = word, .read = not_offered, .type = ACTION_WAIT, .def = instead}

static const struct verb verbs[] = {
    CLICK("click", BUTTON_LEFT, 1), CLICK("left_click", BUTTON_LEFT, 1), CLICK("right_click", BUTTON_RIGHT, 1),
    CLICK("middle_click", BUTTON_MIDDLE, 1), CLICK("double_click", BUTTON_LEFT, 2),
    CLICK("triple_click", BUTTON_LEFT, 3),
    MOVE("mouse_move"), MOVE("move_to"), MOVE("move"), MOVE("hover"),
    TEXT("type_text"), TEXT("type"), TEXT("write"), TEXT("typewrite"), TEXT("enter_text"), TEXT("input_text"),
    URL("navigate", read_url), URL("goto", read_url), URL("visit_url", read_url), URL("open_url", read_url),
    {.name = "web_search", .read = read_search, .positional = "query", .type = ACTION_TYPE_TEXT},
    KEYS("key_press", NULL), KEYS("key", NULL), KEYS("press", NULL), KEYS("hotkey", NULL), KEYS("press_key", NULL),
    KEYS("hold_key", NULL), KEYS("submit", "Return"), KEYS("enter", "Return"), KEYS("return", "Return"),
    KEYS("tab", "tab"), KEYS("escape", "escape"), KEYS("esc", "escape"), KEYS("backspace", "backspace"),
    KEYS("delete", "delete"), KEYS("page_up", "pageup"), KEYS("page_down", "pagedown"), KEYS("home", "home"),
    KEYS("end", "end"),
    SCROLLS("scroll", "down"), SCROLLS("vscroll", "down"), SCROLLS("hscroll", "right"),
    DRAGS("drag", "start_x start_y end_x end_y"), DRAGS("left_click_drag", "start_x start_y end_x end_y"),
    DRAGS("drag_to", "x y"),
    WAITS("wait", read_wait, WAIT_DEFAULT_S), WAITS("sleep", read_wait, WAIT_DEFAULT_S),
    WAITS("screenshot", read_fixed, 0.5), WAITS("cursor_position", read_pointer, 0), WAITS("zoom", read_zoom, 0),
    WAITS("pause_and_memorize_fact", read_fact, 0.2),
    BACK("history_back"), BACK("go_back"),
    DONE("done", "success summary"), DONE("finish", "success summary"), DONE("finished", "success summary"),
    DONE("complete", "success summary"), DONE("terminate", "status summary"),
    REFUSED("left_mouse_down", "use left_click_drag"), REFUSED("left_mouse_up", "use left_click_drag"),
    REFUSED("launch_app", "only the browser is at hand"),
};

/* clang-format on */

/* --- looking up ------------------------------------------------------------------------------ */

/* Without case and underscores: doubleClick is double_click. */
static bool same_word(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "_-");
        b += strspn(b, "_-");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static const struct verb *verb_named(const char *name)
{
    for (size_t i = 0; *name && i < ARRAY_SIZE(verbs); i++)
        if (same_word(name, verbs[i].name))
            return &verbs[i];
    return NULL;
}

static const struct verb *verb_said(const struct reading *r, const char *name)
{
    return verb_named(json_str(r->profile->actions, name, name));
}

bool reply_knows(const char *action)
{
    return verb_named(action) != NULL;
}

bool vocabulary_has(const struct reading *r, const char *name)
{
    return verb_said(r, name) != NULL;
}

/* named and positional arguments by their names; what has none is dropped. */
static json_t *all_named(struct reading *r, const struct verb *v, const json_t *named,
                         const json_t *positional)
{
    json_t *args = json_is_object(named) ? json_copy((json_t *)named) : json_object();
    const char *names = v->positional ? v->positional : "";
    json_keep(r->pool, args);
    for (size_t i = 0; *names && i < json_array_size(positional); i++) {
        size_t len = strcspn(names, " *");
        char *name = pool_strndup(r->pool, names, len);
        bool rest = names[len] == '*' && json_array_size(positional) > i + 1;
        if (!json_object_get(args, name))
            json_put(args, name,
                     json_incref(rest ? (json_t *)positional : json_array_get(positional, i)));
        names += len;
        names += strspn(names, " *");
    }
    return args;
}

bool vocabulary_read(struct reading *r, const char *name, const json_t *named,
                     const json_t *positional, bool bare, struct action *out)
{
    const struct verb *v = verb_said(r, name);
    if (!v)
        return no_action(r, pool_printf(r->pool, "unknown action '%.60s'", name));
    if (bare && v->type == ACTION_TYPE_TEXT)
        return no_action(r, "text to type stands in quotes");
    const json_t *args = all_named(r, v, named, positional);
    struct action a = {.type = v->type};
    if (!v->read(r, v, args, &a))
        return false;
    const char *reasoning = json_str(args, "reasoning", NULL);
    if (reasoning)
        a.reasoning = cut_chars(r->pool, reasoning, REASONING_CHARS);
    if (json_is_array(json_object_get(args, "expected")) && !r->out->predicted)
        r->out->predicted = json_object_get(args, "expected");
    *out = a;
    return true;
}
