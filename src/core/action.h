/*
 * action.h - one thing a hand can do to a computer (agent-loop.md section 2), and key names.
 */
#ifndef MANTIS_CORE_ACTION_H
#define MANTIS_CORE_ACTION_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

enum action_type {
    ACTION_CLICK,
    ACTION_DOUBLE_CLICK,
    ACTION_TYPE_TEXT,
    ACTION_KEY_PRESS,
    ACTION_SCROLL,
    ACTION_DRAG,
    ACTION_MOVE, /* pointer only: hover */
    ACTION_WAIT,
    ACTION_DONE,
};

enum button {
    BUTTON_LEFT = 1, /* X button numbers */
    BUTTON_MIDDLE = 2,
    BUTTON_RIGHT = 3,
};

/* Which fields count depends on type; coordinates are screen pixels, clamped by the plane. */
struct action {
    enum action_type type;
    int x, y;         /* click, double_click, move, drag start; scroll: -1,-1 = screen centre */
    int to_x, to_y;   /* drag */
    enum button button; /* click */
    int clicks;         /* click: 3 in a row; 0 is once */
    const char *text;   /* type_text: UTF-8 */
    bool clear_first, press_enter; /* type_text: ctrl+a before, Return after */
    const char *keys;   /* key_press: "ctrl+a", names of agent-loop.md section 2; click: held down
                           meanwhile, NULL none */
    int dx, dy;         /* scroll: wheel notches, right and down positive, each -40..40 */
    double seconds;     /* wait, <= 10 */
    const char *fact;   /* wait: what the brain wants to be told again later, NULL none */
    bool success;       /* done */
    const char *summary; /* done */
    const char *reasoning; /* may be NULL */
    bool unparsed; /* wait: stands for an action that nobody knows */
};

const char *action_type_name(enum action_type type); /* "click" */

/* {"action_type","params",["reasoning"]}: typed text is given in full; redact before logging. */
json_t *action_to_json(const struct action *action);

/* Read a tool call {name, arguments} with the aliases of agent-loop.md section 2. Strings live in
 * pool. E_INVALID with a message that can be fed back to a model. */
int action_parse(struct pool *pool, const char *name, const json_t *args, struct action *out,
                 struct err *err) MUST_CHECK;

/*
 * "ctrl+shift+Tab" -> X keysym names in press order, for example {"Control_L","Shift_L","Tab"}.
 * Unknown names: E_INVALID naming the key. n_max keys at most.
 */
int action_keys(struct pool *pool, const char *keys, const char **out_names, int n_max, int *ret_n,
                struct err *err) MUST_CHECK;

#endif
