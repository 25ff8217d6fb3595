/*
 * select_option.c - choose in a drop-down or list, and read back what it shows (plans.md 8.6).
 *
 * Input is X input only. A native drop-down is opened and gone through with the arrow keys: the
 * page knows its options and which one is chosen, so the way is known; letters are typed where it
 * is long. The options of a native list that stands open are clicked, with Ctrl where several are
 * wanted. A list that the page paints itself is opened, searched for the option by its words, and
 * clicked.
 */
#include "run/steps/steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/journal.h"
#include "run/look.h"
#include "run/steps/choices.h"
#include "run/toggle.h"

#define FAR_OPTIONS   12 /* further than that the first letters are typed */
#define NATIVE_TRIES  3
#define LIST_SCROLLS  40
#define GOT_BYTES     40
#define WANTED_BYTES  30
#define OPTION_TRIES  6    /* things of that name which stood there before the list opened */
#define OPENED_MS     600  /* for the options of a list that was opened to be there */
#define TYPED_MS      3000 /* for suggestions */
#define LOOK_AGAIN_MS 100

struct select {
    struct choices choices; /* what is wanted */
    struct target_query query;
    struct observation obs;
    struct target target;
};

static int mismatch(struct run *run, const struct select *s, const char *got,
                    struct step_result *out)
{
    return step_fail(run, out, "selector_miss", "select_mismatch:got=%s_wanted=%s",
                     str_cut(run->step_pool, got, GOT_BYTES),
                     str_cut(run->step_pool, s->choices.text, WANTED_BYTES));
}

static int chosen(struct run *run, const struct select *s, struct step_result *out)
{
    out->verified_change = true;
    return step_ok(run, out, "select:%s=%s", out->label, s->choices.text);
}

/* Look again at the same control: it may stand elsewhere now. */
static int look_again(struct run *run, struct select *s, struct err *err)
{
    struct target t;
    int r = run_look(run, &s->obs, err);
    if (!r && reader_find(run->reader, run->step_pool, &s->obs, &s->query, &t, NULL) == 0)
        s->target = t;
    else
        s->target.node = choice_node_at(&s->obs, s->target.at);
    return r;
}

/* --- native drop-down --------------------------------------------------------------------------
 */

static int press_times(struct run *run, const char *key, int times, struct err *err)
{
    int r = 0;
    for (int i = 0; !r && i < times; i++)
        r = run_key(run, key, CAP_TYPE_MS, err);
    return r;
}

/* The open list stands at the chosen option; the letters typed go to the first that begins so. */
static int walk_to(struct run *run, const struct native *n, int wanted, bool by_letters,
                   struct err *err)
{
    int steps = native_steps(n, native_selected(n), wanted);
    if (by_letters && abs(steps) > FAR_OPTIONS)
        return run_type(run, native_name(n, wanted), err);
    return press_times(run, steps < 0 ? "Up" : "Down", abs(steps), err);
}

static int look_at_native(struct run *run, struct select *s, struct native *n, struct err *err)
{
    int r = look_again(run, s, err);
    *n = native_read(run->step_pool, s->obs.page, s->target.node);
    return r;
}

/* A list that is open keeps its choice until Return. One that did not open, or that a scroll closed
 * again, follows the keys: there Return would open it. */
static int walk_native(struct run *run, struct select *s, struct native *n, int wanted, bool *opens,
                       bool by_letters, struct err *err)
{
    struct settled done = {0};
    int before = native_selected(n);
    int r = *opens ? run_click(run, s->target.at, BUTTON_LEFT, &done, err) : 0;
    r = r ? r : walk_to(run, n, wanted, by_letters, err);
    r = r ? r : look_at_native(run, s, n, err);
    *opens = native_selected(n) == before;
    if (r || !*opens)
        return r;
    r = run_key(run, "Return", CAP_CLICK_MS, err);
    return r ? r : look_at_native(run, s, n, err);
}

static int choose_native(struct run *run, struct select *s, struct step_result *out,
                         struct err *err)
{
    struct native n = native_read(run->step_pool, s->obs.page, s->target.node);
    int wanted = native_find(run->step_pool, &n, s->choices.names[0]), r = 0;
    bool opens = true;
    if (wanted < 0)
        return step_fail(run, out, "selector_miss", "option_not_found");
    if (native_disabled(&n, wanted))
        return step_fail(run, out, "selector_miss", "select_pick_error:'%s' is disabled",
                         native_name(&n, wanted));
    for (int i = 0; !r && native_selected(&n) != wanted && i < NATIVE_TRIES; i++)
        r = walk_native(run, s, &n, wanted, &opens, i == 0, err);
    if (r)
        return r;
    if (n.n && native_selected(&n) != wanted)
        return mismatch(run, s, native_shown(run->step_pool, &n), out);
    return chosen(run, s, out);
}

/* --- native list that stands open ---------------------------------------------------------------
 */

/* Bring one option into the list's own view. */
static int roll_to(struct run *run, struct select *s, int option, struct err *err)
{
    struct settled done = {0};
    int r = 0;
    for (int i = 0; !r && i < LIST_SCROLLS; i++) {
        struct native n = native_read(run->step_pool, s->obs.page, s->target.node);
        int way = option < n.n ? native_hidden(&n, option) : 0;
        if (!way)
            break;
        struct action wheel = {
            .type = ACTION_SCROLL, .x = s->target.at.x, .y = s->target.at.y, .dy = way};
        r = run_act(run, &wheel, CAP_SCROLL_MS, &done, err);
        r = r ? r : look_again(run, s, err);
    }
    return r;
}

static int click_option(struct run *run, struct select *s, int option, bool add, struct err *err)
{
    struct settled done = {0};
    int r = roll_to(run, s, option, err);
    if (r)
        return r;
    struct native n = native_read(run->step_pool, s->obs.page, s->target.node);
    if (option >= n.n)
        return err_set(err, E_NOT_FOUND, "the list changed while it was read");
    struct point at = node_point(s->obs.page, n.options[option]);
    struct action a = {.type = ACTION_CLICK,
                       .x = at.x,
                       .y = at.y,
                       .button = BUTTON_LEFT,
                       .keys = add ? "ctrl" : NULL};
    r = run_act(run, &a, CAP_CLICK_MS, &done, err);
    return r ? r : look_again(run, s, err);
}

static int choose_in_list(struct run *run, struct select *s, struct step_result *out,
                          struct err *err)
{
    struct native n = native_read(run->step_pool, s->obs.page, s->target.node);
    int wanted[CHOICES_MAX], r = 0;
    if (s->choices.n == 1 && native_find(run->step_pool, &n, s->choices.names[0]) < 0)
        choices_split(run->step_pool, &s->choices);
    for (int i = 0; i < s->choices.n; i++)
        if ((wanted[i] = native_find(run->step_pool, &n, s->choices.names[i])) < 0)
            return step_fail(run, out, "selector_miss", "option_not_found");
    if (native_is_set(&n, wanted, s->choices.n))
        return chosen(run, s, out);
    for (int i = 0; !r && i < s->choices.n; i++)
        r = click_option(run, s, wanted[i], i > 0, err);
    if (r)
        return r;
    n = native_read(run->step_pool, s->obs.page, s->target.node);
    if (!native_is_set(&n, wanted, s->choices.n))
        return mismatch(run, s, native_shown(run->step_pool, &n), out);
    return chosen(run, s, out);
}

/* --- a list of the page's own --------------------------------------------------------------------
 */

struct search {
    const char *name;
    const struct observation *before; /* the look at the closed list */
    bool typed;                       /* the control takes text */
    struct point avoid[OPTION_TRIES];
    int n_avoid;
};

static bool is_choice(struct run *run, const struct target *t, const char *name)
{
    return !*t->label || field_same_choice(run->step_pool, t->label, name);
}

/* An option by its role; else whatever bears that name and was not there before. */
static int find_option(struct run *run, void *arg, const struct observation *obs,
                       struct target *out, struct err *err)
{
    struct search *s = arg;
    struct target_query q = {.label = s->name, .intent = "", .kind = TARGET_OPTION};
    if (reader_find(run->reader, run->step_pool, obs, &q, out, NULL) == 0 &&
        is_choice(run, out, s->name))
        return 0;
    q.kind = TARGET_THING;
    q.avoid = s->avoid;
    q.n_avoid = s->n_avoid;
    int r = reader_find(run->reader, run->step_pool, obs, &q, out, err);
    if (!r && !is_choice(run, out, s->name))
        return err_set(err, E_NOT_FOUND, "'%s' is not '%s'", out->label, s->name);
    return r;
}

/* What bears the name already is not the option that is about to show. */
static void avoid_known(struct run *run, struct search *s)
{
    struct target t;
    struct target_query q = {
        .label = s->name, .intent = "", .kind = TARGET_THING, .avoid = s->avoid};
    while (s->n_avoid < OPTION_TRIES) {
        q.n_avoid = s->n_avoid;
        if (reader_find(reader_free(run->reader), run->step_pool, s->before, &q, &t, NULL) ||
            !strcmp(t.role, "option"))
            return;
        s->avoid[s->n_avoid++] = t.at;
    }
}

/* Lists are filled by timers and answers that no settle waits for: look until the deadline. */
static int await_option(struct run *run, struct search *s, int within_ms, struct observation *obs,
                        struct target *out, struct err *err)
{
    int64_t deadline = clock_mono_ms() + within_ms;
    for (;;) {
        int r = run_bring(run, find_option, s, obs, out, err);
        if (r != E_NOT_FOUND || clock_mono_ms() >= deadline)
            return r;
        r = loop_wait(run->loop, NULL, NULL, clock_mono_ms() + LOOK_AGAIN_MS);
        if (r && r != E_TIMEOUT)
            return err_set(err, r, "select: interrupted");
    }
}

/* A list that shortens while one types shows the option once its name stands in the field. */
static int type_to_find(struct run *run, struct search *s, struct observation *obs,
                        struct target *out, struct err *err)
{
    struct settled done = {0};
    struct action a = {.type = ACTION_TYPE_TEXT, .text = s->name, .clear_first = true};
    if (!obs->page || !look_focused(obs))
        return E_NOT_FOUND;
    int r = run_act(run, &a, CAP_TYPE_MS, &done, err);
    return r ? r : await_option(run, s, TYPED_MS, obs, out, err);
}

static int find_in_open(struct run *run, struct search *s, struct observation *obs,
                        struct target *out, struct err *err)
{
    struct err miss = {0};
    int r = await_option(run, s, s->typed ? 0 : OPENED_MS, obs, out, &miss);
    if (r == E_NOT_FOUND)
        r = type_to_find(run, s, obs, out, &miss);
    return r && r != E_NOT_FOUND ? err_set(err, r, "%s", miss.msg) : r;
}

static int missing(struct run *run, struct step_result *out, struct err *err)
{
    int r = run_key(run, "Escape", CAP_TYPE_MS, err);
    return r ? r : step_fail(run, out, "selector_miss", "option_not_found");
}

static bool ends_attempt(int r)
{
    return r == E_GONE || r == E_CANCELLED;
}

/* What the list shows now; "" when nobody can tell. */
static int shown_now(struct run *run, const struct select *s, const char *name, const char **out,
                     struct err *err)
{
    struct err miss = {0};
    *out = choice_shown(run->step_pool, &s->obs, s->target.node, name);
    if (**out || !reader_is_model(run->reader))
        return 0;
    int64_t start = clock_mono_us();
    int r =
        reader_shown_value(run->reader, run->step_pool, &s->obs, s->choices.dropdown, out, &miss);
    meter_add(&run->step_meter, METER_EXTRACT, clock_mono_us() - start);
    return r && r != E_NOT_FOUND ? err_set(err, r, "%s", miss.msg) : 0;
}

static int choose_custom(struct run *run, struct select *s, struct step_result *out,
                         struct err *err)
{
    struct settled done = {0};
    struct target option;
    const struct node *n = field_node(&s->obs, &s->target);
    struct search search = {.name = s->choices.names[0],
                            .before = &s->obs,
                            .typed = n && (n->flags & NODE_EDITABLE),
                            .avoid = {s->target.at},
                            .n_avoid = 1};
    struct observation open;
    avoid_known(run, &search);
    int r = run_click(run, s->target.at, BUTTON_LEFT, &done, err);
    if (r)
        return ends_attempt(r)
                   ? r
                   : step_fail(run, out, "selector_miss", "select_open_error:%s", err->msg);
    r = find_in_open(run, &search, &open, &option, err);
    if (r == E_NOT_FOUND)
        return missing(run, out, err);
    r = r ? r : run_click(run, option.at, BUTTON_LEFT, &done, err);
    if (r)
        return ends_attempt(r)
                   ? r
                   : step_fail(run, out, "selector_miss", "select_pick_error:%s", err->msg);
    const char *shown;
    r = look_again(run, s, err);
    r = r ? r : shown_now(run, s, search.name, &shown, err);
    if (r)
        return r;
    if (*shown && !field_same_choice(run->step_pool, shown, search.name))
        return mismatch(run, s, shown, out);
    return chosen(run, s, out);
}

/* --- boxes that stand open
 * ------------------------------------------------------------------------ */

/* A row of boxes or radio buttons under its name: the one called so is pressed. */
static int find_box(struct run *run, void *arg, const struct observation *obs, struct target *out,
                    struct err *err)
{
    const struct select *s = arg;
    struct target_query q = {.label = s->choices.names[0],
                             .intent = "",
                             .near = s->choices.dropdown,
                             .kind = TARGET_OPTION};
    int r = reader_find(run->reader, run->step_pool, obs, &q, out, err);
    q.kind = TARGET_THING;
    r = r == E_NOT_FOUND ? reader_find(run->reader, run->step_pool, obs, &q, out, err) : r;
    if (!r && !field_same_choice(run->step_pool, out->label, s->choices.names[0]))
        return err_set(err, E_NOT_FOUND, "'%s' is not '%s'", out->label, s->choices.names[0]);
    return r;
}

static bool is_ticked(const struct node *n)
{
    return n && n->flags & (NODE_CHECKED | NODE_SELECTED);
}

static int press_box(struct run *run, struct select *s, struct aim *box, struct step_result *out,
                     struct err *err)
{
    struct observation after;
    struct action a = {
        .type = ACTION_CLICK, .x = box->target.at.x, .y = box->target.at.y, .button = BUTTON_LEFT};
    out->at = box->target.at;
    if (is_ticked(field_node(&box->obs, &box->target)))
        return chosen(run, s, out);
    int r = step_act(run, &box->obs, &a, out, err);
    if (!r && !out->verified_change)
        r = run_look(run, &after, err);
    if (!r && !out->verified_change)
        r = toggle_seen(run, box, &after, &out->verified_change, err);
    if (r)
        return r;
    return out->verified_change ? chosen(run, s, out) : mismatch(run, s, "unchanged", out);
}

/* --- the step ----------------------------------------------------------------------------------
 */

/* What a field holds may only be typed, not chosen. */
static bool shows_already(const struct node *n, const char *name)
{
    return n && !(n->flags & NODE_EDITABLE) && *n->value && str_eq_fold(n->value, name);
}

static bool is_drop_down(const struct node *n)
{
    return !n || (n->flags & NODE_EDITABLE) || !strcmp(n->role, "combobox") ||
           !strcmp(n->role, "listbox") || node_attr(n, "aria-haspopup");
}

static int choose(struct run *run, struct select *s, struct step_result *out, struct err *err)
{
    const struct node *n = field_node(&s->obs, &s->target);
    if (n && !strcmp(n->tag, "select"))
        return native_is_list(n) ? choose_in_list(run, s, out, err)
                                 : choose_native(run, s, out, err);
    if (shows_already(n, s->choices.names[0]))
        return chosen(run, s, out);
    struct aim box;
    struct err miss = {0};
    int r =
        is_drop_down(n) ? E_NOT_FOUND : run_bring(run, find_box, s, &box.obs, &box.target, &miss);
    if (r && r != E_NOT_FOUND)
        return err_set(err, r, "%s", miss.msg);
    return r ? choose_custom(run, s, out, err) : press_box(run, s, &box, out, err);
}

/* Nothing opens under that name; perhaps the choices stand there. */
static int without_drop_down(struct run *run, struct select *s, struct step_result *out,
                             struct err *err)
{
    struct aim box;
    struct err miss = {0};
    int r = run_bring(run, find_box, s, &box.obs, &box.target, &miss);
    if (r == E_NOT_FOUND)
        return step_fail(run, out, "selector_miss", "form_target_not_found");
    return r ? err_set(err, r, "%s", miss.msg) : press_box(run, s, &box, out, err);
}

/* The choice itself is the submit. */
static bool sends_form(const struct select *s)
{
    const struct node *n = field_node(&s->obs, &s->target);
    const char *then = n ? node_attr(n, "onchange") : NULL;
    return then && strstr(then, "submit");
}

int step_select_option(struct run *run, struct step_result *out, struct err *err)
{
    struct select s = {.query = step_query(run, TARGET_SELECT)};
    struct err miss = {0};
    choices_read(run->step_pool, run->step, &s.choices);
    if (!s.choices.n)
        return step_fail(run, out, "selector_miss", "option_not_found");
    out->label = s.query.label = s.choices.dropdown;
    s.query.intent = s.choices.dropdown;
    int r = run_settle(run, CAP_TYPE_MS, err);
    r = r ? r : step_find(run, &s.query, &s.obs, &s.target, &miss);
    if (r == E_NOT_FOUND)
        return without_drop_down(run, &s, out, err);
    if (r)
        return *miss.msg ? err_set(err, r, "%s", miss.msg) : r;
    out->at = s.target.at;
    if (sends_form(&s))
        r = journal_send(run, &s.obs, out, err);
    return r ? r : choose(run, &s, out, err);
}
