#include "run/inner/recover.h"

#include <stdlib.h>

#include "base/str.h"

#define REPEAT_PX   8
#define TOP_PX      100
#define TOP_NEAR_X  80
#define TOP_NEAR_Y  40
#define TOP_NOTCHES 5

static bool has_any(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; text && i < n; i++)
        if (str_has_words_fold(text, words[i]))
            return true;
    return false;
}

bool recover_submit_shaped(const char *text)
{
    static const char *const words[] = {"submit", "sign in", "sign-in", "signin",
                                        "log in", "log-in",  "login",   "register",
                                        "save",   "confirm", "continue"};
    return has_any(text, words, ARRAY_SIZE(words));
}

bool recover_form_like(const char *task)
{
    static const char *const words[] = {"fill",     "type",       "enter",   "form",   "field",
                                        "fields",   "input",      "sign in", "log in", "login",
                                        "register", "search for", "write"};
    return has_any(task, words, ARRAY_SIZE(words));
}

static bool moves_forward(const char *task)
{
    static const char *const words[] = {"next",     "scroll",    "forward", "further", "more",
                                        "continue", "following", "each",    "every",   "all"};
    return has_any(task, words, ARRAY_SIZE(words));
}

static struct action press(const char *keys, const char *why)
{
    return (struct action){.type = ACTION_KEY_PRESS, .keys = keys, .reasoning = why};
}

static struct action type_value(const struct pending_value *pending, const char *why)
{
    return (struct action){
        .type = ACTION_TYPE_TEXT, .text = pending->value, .clear_first = true, .reasoning = why};
}

const char *recover_from_loop(const struct action *a, const struct loop_facts *f,
                              struct action *out)
{
    static const char typed[] = "type_pending_value", sent[] = "press_return_for_submit",
                      tabbed[] = "tab_to_next_field";
    bool submit =
        f->same_frames && (recover_submit_shaped(f->reasoning) || recover_submit_shaped(f->task));
    const char *why = !f->field_focused ? submit ? sent : NULL
                      : f->pending      ? typed
                      : submit          ? sent
                                        : tabbed;
    if (a->type != ACTION_CLICK || !why)
        return NULL;
    *out = why == typed ? type_value(f->pending, why) : press(why == sent ? "Return" : "Tab", why);
    return why;
}

static bool within(int ax, int ay, int bx, int by, int dx, int dy)
{
    return abs(ax - bx) <= dx && abs(ay - by) <= dy;
}

bool guard_repeated_click(const struct action *a, const struct action *previous, const char *task,
                          const struct pending_value *pending, struct action *out)
{
    if (a->type != ACTION_CLICK || !previous || previous->type != ACTION_CLICK || !pending ||
        !recover_form_like(task) ||
        !within(a->x, a->y, previous->x, previous->y, REPEAT_PX, REPEAT_PX))
        return false;
    *out = type_value(pending, "force-fill: the field was clicked twice");
    return true;
}

bool guard_top_click(const struct action *a, const struct point *previous_top, const char *task,
                     struct action *out)
{
    if (a->type != ACTION_CLICK || a->y > TOP_PX || previous_top->x < 0 || !moves_forward(task) ||
        !within(a->x, a->y, previous_top->x, previous_top->y, TOP_NEAR_X, TOP_NEAR_Y))
        return false;
    *out =
        (struct action){.type = ACTION_SCROLL,
                        .x = -1,
                        .y = -1,
                        .dy = TOP_NOTCHES,
                        .reasoning = "the same spot at the top was clicked before: scrolling on"};
    return true;
}
