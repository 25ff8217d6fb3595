/*
 * page.c - the "page" kind: carries out a sub-goal of one act by finding what it names.
 *
 * It acts once and then looks whether that showed: first whatever stands in the way (an overlay
 * over the target, a target out of view), then the act, then a check of the success criterion or of
 * a change. What it cannot find or confirm it says, instead of trying about.
 */
#include "brain/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "brain/clauses.h"
#include "brain/subgoal.h"

#define MAX_SCROLLS    14  /* turns spent on bringing a target into view */
#define NOTCH_PX       100 /* about what one wheel notch moves; corrected by looking again */
#define SCROLL_NOTCHES 6   /* one pass of a scroll sub-goal */
#define FAR_PX         60  /* from the middle: a header or footer may lie there */
#define MAX_CHECKS     2   /* waits for a criterion that does not show yet */

enum stage { STAGE_ACT, STAGE_TYPE, STAGE_OPTION, STAGE_CHECK };

struct page_brain {
    struct brain base;
    struct reader *reader;
    int clause; /* of the instruction: those before it are done */
    /* of this clause */
    enum stage stage;
    bool centred; /* scrolled out from under what stays at the edge */
    int scrolls, dismissals, checks, passes;
    int start_scroll_y, last_scroll_y;
    char acted_on[128];
};

struct think {
    struct page_brain *b;
    struct pool *pool;
    const struct brain_turn *turn;
    struct subgoal goal;
    struct brain_reply *out;
};

static int page_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                       struct err *err)
{
    if (*argument)
        return err_set(err, E_INVALID, "brain 'page' takes no argument, not '%.60s'", argument);
    if (!needs->reader)
        return err_set(err, E_INVALID, "brain 'page' needs a reader");
    struct page_brain *b = calloc(1, sizeof(*b));
    if (!b)
        BUG("out of memory");
    *b = (struct page_brain){.base.driver = &brain_page, .reader = needs->reader};
    *out = &b->base;
    return 0;
}

static void page_destroy(struct brain *brain)
{
    free(brain);
}

/* --- replies
 * --------------------------------------------------------------------------------------- */

static int act(struct think *t, struct action action, const char *why)
{
    action.reasoning = why;
    t->out->action = action;
    t->out->thinking = why;
    return 0;
}

static int done(struct think *t, bool success, const char *summary)
{
    return act(t, (struct action){.type = ACTION_DONE, .success = success, .summary = summary},
               summary);
}

static const char *last_feedback(const struct think *t)
{
    return t->turn->n_history ? t->turn->feedback[t->turn->n_history - 1] : "";
}

/* Feedback of an action that the page took no notice of. */
static bool changed(const struct think *t)
{
    const char *f = last_feedback(t);
    return t->turn->n_history && !str_contains_fold(f, "no visible change");
}

static int find(struct think *t, enum target_kind kind, const char *label, struct target *out,
                struct err *err)
{
    struct target_query q = {.label = label,
                             .aliases = t->goal.aliases,
                             .intent = t->goal.sentence,
                             .kind = kind,
                             .near = t->goal.near,
                             .avoid = t->goal.avoid,
                             .n_avoid = t->goal.n_avoid};
    return reader_find(t->b->reader, t->pool, t->turn->obs, &q, out, err);
}

/* --- did it work?
 * ---------------------------------------------------------------------------------- */

static bool criterion_holds(struct think *t, struct verdict *out)
{
    struct err err = {0};
    *out = (struct verdict){ANSWER_UNKNOWN, ""};
    if (*t->goal.criterion &&
        reader_visible(t->b->reader, t->pool, t->turn->obs, t->goal.criterion, out, &err))
        *out = (struct verdict){ANSWER_UNKNOWN, pool_strdup(t->pool, err.msg)};
    return out->answer == ANSWER_YES;
}

/* What was typed stands in the field; a password's value is never read, and a form that was sent is
 * gone. */
static bool typed_there(struct think *t)
{
    struct target target;
    struct err err = {0};
    if (t->goal.verb != VERB_TYPE || find(t, TARGET_FIELD, t->goal.label, &target, &err) ||
        target.node < 0)
        return false;
    return str_contains_fold(t->turn->obs->page->nodes[target.node].value, t->goal.value);
}

/* The act is done: say what came of it. A criterion that does not hold yet gets a moment. */
static int check(struct think *t)
{
    struct verdict v;
    const char *what = t->b->acted_on;
    if (criterion_holds(t, &v))
        return done(t, true, pool_printf(t->pool, "%s; %s", what, v.reason));
    if (v.answer == ANSWER_NO && t->b->checks++ < MAX_CHECKS && t->turn->steps_left > 1)
        return act(t, (struct action){.type = ACTION_WAIT, .seconds = 1},
                   "the result does not show yet");
    if (v.answer == ANSWER_NO)
        return done(t, false, pool_printf(t->pool, "%s, but: %s", what, v.reason));
    bool quiet =
        t->goal.verb == VERB_WAIT || t->goal.verb == VERB_HOVER || t->goal.verb == VERB_KEY;
    if (changed(t) || quiet || typed_there(t))
        return done(t, true, pool_printf(t->pool, "%s; %s", what, last_feedback(t)));
    return done(t, false, pool_printf(t->pool, "%s, and nothing on the page changed", what));
}

static int act_then_check(struct think *t, struct action action, const char *what)
{
    t->b->stage = STAGE_CHECK;
    snprintf(t->b->acted_on, sizeof(t->b->acted_on), "%s", what);
    return act(t, action, what);
}

/* --- getting at a target
 * ----------------------------------------------------------------------------- */

/* Wheel notches that bring the target to the middle of the screen. */
static struct action scroll_towards(const struct page *page, const struct target *target)
{
    int mid_y = page->viewport.y + page->viewport.h / 2,
        mid_x = page->viewport.x + page->viewport.w / 2;
    int dy = target->box.y + target->box.h / 2 - mid_y,
        dx = target->box.x + target->box.w / 2 - mid_x;
    bool sideways = target->box.x + target->box.w / 2 < page->viewport.x ||
                    target->box.x + target->box.w / 2 >= page->viewport.x + page->viewport.w;
    int n = (sideways ? dx : dy) / NOTCH_PX;
    n = n > 30 ? 30 : n < -30 ? -30 : n == 0 ? ((sideways ? dx : dy) < 0 ? -1 : 1) : n;
    return (struct action){
        .type = ACTION_SCROLL, .x = -1, .y = -1, .dx = sideways ? n : 0, .dy = sideways ? 0 : n};
}

static int off_centre_px(const struct page *page, const struct target *target)
{
    return page ? abs(target->box.y + target->box.h / 2 - page->viewport.y - page->viewport.h / 2)
                : 0;
}

/* True and an action when something must happen before the target can be clicked. */
static bool prepare(struct think *t, const struct target *target, int *ret)
{
    struct target way_out;
    struct err err = {0};
    const struct page *page = t->turn->obs->page;
    if (target->covered && t->b->dismissals == 0 &&
        reader_find_dismiss(t->b->reader, t->pool, t->turn->obs, &way_out, &err) == 0 &&
        way_out.in_view) {
        t->b->dismissals++;
        *ret = act(
            t,
            (struct action){
                .type = ACTION_CLICK, .x = way_out.at.x, .y = way_out.at.y, .button = BUTTON_LEFT},
            pool_printf(t->pool, "'%s' lies under an overlay; closing it with '%s'", target->label,
                        way_out.label));
        return true;
    }
    if (target->in_view && target->covered && !t->b->centred &&
        off_centre_px(page, target) > FAR_PX) {
        t->b->centred = true;
        *ret = act(t, scroll_towards(page, target),
                   pool_printf(t->pool, "'%s' lies under something at the edge", target->label));
        return true;
    }
    if (target->in_view || !page)
        return false;
    bool stuck = t->b->scrolls > 0 && page->scroll_y == t->b->last_scroll_y && !changed(t);
    if (stuck || t->b->scrolls >= MAX_SCROLLS) {
        bool on_screen = target->at.y >= page->viewport.y &&
                         target->at.y < page->viewport.y + page->viewport.h &&
                         target->at.x >= page->viewport.x &&
                         target->at.x < page->viewport.x + page->viewport.w;
        if (!on_screen)
            *ret = done(t, false,
                        pool_printf(t->pool, "'%s' is on the page but cannot be scrolled into view",
                                    target->label));
        return !on_screen;
    }
    t->b->scrolls++;
    t->b->last_scroll_y = page->scroll_y;
    *ret = act(t, scroll_towards(page, target),
               pool_printf(t->pool, "bringing '%s' into view", target->label));
    return true;
}

static struct action click_on(const struct target *target)
{
    return (struct action){
        .type = ACTION_CLICK, .x = target->at.x, .y = target->at.y, .button = BUTTON_LEFT};
}

/* --- one function per verb
 * ------------------------------------------------------------------------------ */

static int do_click(struct think *t)
{
    struct target target;
    struct err err = {0};
    int r;
    if (find(t, t->goal.kind, t->goal.label, &target, &err))
        return done(t, false, pool_strdup(t->pool, err.msg));
    if (prepare(t, &target, &r))
        return r;
    struct action a = t->goal.verb == VERB_HOVER
                          ? (struct action){.type = ACTION_MOVE, .x = target.at.x, .y = target.at.y}
                          : click_on(&target);
    return act_then_check(t, a,
                          pool_printf(t->pool, "%s '%s'",
                                      a.type == ACTION_MOVE ? "pointed at" : "clicked",
                                      target.label));
}

static int do_select(struct think *t);

static int do_type(struct think *t)
{
    struct target target;
    struct err err = {0};
    int r;
    if (!*t->goal.value)
        return done(
            t, false,
            pool_printf(t->pool, "'%s' does not say in quotes what to type", t->goal.sentence));
    if (find(t, TARGET_FIELD, t->goal.label, &target, &err)) {
        struct err none = {0};
        if (find(t, TARGET_SELECT, t->goal.label, &target, &none) == 0)
            return do_select(t);
        return done(t, false, pool_strdup(t->pool, err.msg));
    }
    if (t->b->stage == STAGE_TYPE)
        return act_then_check(t,
                              (struct action){.type = ACTION_TYPE_TEXT,
                                              .text = t->goal.value,
                                              .clear_first = true,
                                              .press_enter = t->goal.press_enter},
                              pool_printf(t->pool, "typed into '%s'", target.label));
    if (prepare(t, &target, &r))
        return r;
    t->b->stage = STAGE_TYPE;
    return act(t, click_on(&target), pool_printf(t->pool, "clicked the field '%s'", target.label));
}

/* Open the drop-down; then click the option, or, in a native one, type its name and Return. */
static int do_select(struct think *t)
{
    struct target target, option;
    struct err err = {0};
    int r;
    if (find(t, TARGET_SELECT, t->goal.label, &target, &err))
        return done(t, false, pool_strdup(t->pool, err.msg));
    if (t->b->stage != STAGE_OPTION) {
        if (prepare(t, &target, &r))
            return r;
        t->b->stage = STAGE_OPTION;
        return act(t, click_on(&target), pool_printf(t->pool, "opened '%s'", target.label));
    }
    const char *what = pool_printf(t->pool, "chose '%s' in '%s'", t->goal.value, target.label);
    if (strcmp(target.tag, "select") == 0)
        return act_then_check(
            t,
            (struct action){.type = ACTION_TYPE_TEXT, .text = t->goal.value, .press_enter = true},
            what);
    if (find(t, TARGET_OPTION, t->goal.value, &option, &err))
        return done(t, false, pool_strdup(t->pool, err.msg));
    if (prepare(t, &option, &r))
        return r;
    return act_then_check(t, click_on(&option), what);
}

static int do_scroll(struct think *t)
{
    const struct page *page = t->turn->obs->page;
    struct verdict v;
    int y = page ? page->scroll_y : 0;
    if (t->b->passes == 0)
        t->b->start_scroll_y = t->b->last_scroll_y = y;
    if (criterion_holds(t, &v))
        return done(t, true, v.reason);
    bool at_end =
        page && (t->goal.direction < 0 ? y <= 0 : y + page->viewport.h >= page->content_h - 2);
    bool stuck = t->b->passes > 0 && y == t->b->last_scroll_y && !changed(t);
    bool enough = !t->goal.to_end && !*t->goal.criterion && t->b->passes >= t->goal.times;
    if (at_end || stuck || enough) {
        bool moved = y != t->b->start_scroll_y || at_end || (enough && !stuck);
        if (*t->goal.criterion && v.answer != ANSWER_YES)
            return done(t, false, pool_printf(t->pool, "scrolled to the end, but: %s", v.reason));
        return done(
            t, moved,
            pool_printf(t->pool,
                        moved ? "scrolled from %d to %d" : "the page does not scroll from %d",
                        t->b->start_scroll_y, y));
    }
    t->b->passes++;
    t->b->last_scroll_y = y;
    int n = (t->goal.to_end ? 4 * SCROLL_NOTCHES : SCROLL_NOTCHES) * t->goal.direction;
    return act(t, (struct action){.type = ACTION_SCROLL, .x = -1, .y = -1, .dy = n},
               t->goal.direction < 0 ? "scrolling up" : "scrolling down");
}

static int do_dismiss(struct think *t)
{
    struct target target;
    struct err err = {0};
    if (reader_find_dismiss(t->b->reader, t->pool, t->turn->obs, &target, &err) == 0)
        return act_then_check(t, click_on(&target),
                              pool_printf(t->pool, "closed the overlay with '%s'", target.label));
    /* Nothing is in the way: that is what was wanted, unless the sentence names a control to use.
     */
    struct err none = {0};
    if (t->goal.label[0] && find(t, t->goal.kind, t->goal.label, &target, &none) == 0)
        return do_click(t);
    return done(t, err.code == E_NOT_FOUND, pool_strdup(t->pool, err.msg));
}

static int do_back(struct think *t)
{
    return act_then_check(t, (struct action){.type = ACTION_KEY_PRESS, .keys = "alt+Left"},
                          "went back");
}

static int do_key(struct think *t)
{
    return act_then_check(t, (struct action){.type = ACTION_KEY_PRESS, .keys = t->goal.keys},
                          pool_printf(t->pool, "pressed %s", t->goal.keys));
}

static int do_wait(struct think *t)
{
    return act_then_check(t, (struct action){.type = ACTION_WAIT, .seconds = t->goal.seconds},
                          pool_printf(t->pool, "waited %g s", t->goal.seconds));
}

/* A load shows in the address even when nothing else changes. */
static int do_address(struct think *t)
{
    return act_then_check(
        t, (struct action){.type = ACTION_TYPE_TEXT, .text = t->goal.value, .press_enter = true},
        pool_printf(t->pool, "opened %s", t->goal.value));
}

#define MAX_CARDS 200

/* The n-th of what the page lists, as a person counts them: without advertisements. */
static int do_item(struct think *t)
{
    struct card *cards, *card = NULL;
    enum list_status status;
    struct err err = {0};
    int n, r, at = 0, wanted = t->goal.ordinal;
    if (reader_list(t->b->reader, t->pool, t->turn->obs, NULL, MAX_CARDS, &cards, &n, &status,
                    &err))
        return done(t, false, pool_strdup(t->pool, err.msg));
    for (int i = 0; i < n; i++)
        if (!cards[i].sponsored && (++at == wanted || wanted < 0))
            card = &cards[i];
    if (!card)
        return done(t, false,
                    at ? pool_printf(t->pool, "no more items: the page lists %d", at)
                       : "no items: the page lists nothing");
    if (prepare(t, &card->target, &r))
        return r;
    return act_then_check(t, click_on(&card->target),
                          pool_printf(t->pool, "opened '%s'", card->title));
}

static int do_next_page(struct think *t)
{
    struct target target;
    struct err err = {0};
    int r;
    if (reader_find_next_page(t->b->reader, t->pool, t->turn->obs, 0, &target, &err))
        return done(t, false, pool_printf(t->pool, "there is no next page: %s", err.msg));
    if (prepare(t, &target, &r))
        return r;
    return act_then_check(t, click_on(&target), "went to the next page");
}

static int do_look(struct think *t)
{
    struct verdict v;
    struct err err = {0};
    if (reader_visible(t->b->reader, t->pool, t->turn->obs, t->goal.sentence, &v, &err))
        return done(t, false, pool_strdup(t->pool, err.msg));
    if (v.answer != ANSWER_YES && t->b->checks++ < MAX_CHECKS && t->turn->steps_left > 1)
        return act(t, (struct action){.type = ACTION_WAIT, .seconds = 1}, "it does not show yet");
    return done(t, v.answer == ANSWER_YES, v.reason);
}

/* Already as it should be is as good as clicked. */
static int do_tick(struct think *t)
{
    struct target target;
    struct err err = {0};
    int r;
    if (find(t, t->goal.kind, t->goal.label, &target, &err))
        return done(t, false, pool_strdup(t->pool, err.msg));
    bool on = target.node >= 0 && (t->turn->obs->page->nodes[target.node].flags & NODE_CHECKED);
    if (target.node >= 0 && on != t->goal.off)
        return done(t, true, pool_printf(t->pool, "'%s' is %s", target.label, on ? "on" : "off"));
    if (prepare(t, &target, &r))
        return r;
    return act_then_check(t, click_on(&target), pool_printf(t->pool, "clicked '%s'", target.label));
}

typedef int verb_fn(struct think *t);
static verb_fn *const verb_functions[] = {
    [VERB_CLICK] = do_click,     [VERB_TYPE] = do_type,       [VERB_SELECT] = do_select,
    [VERB_SCROLL] = do_scroll,   [VERB_BACK] = do_back,       [VERB_WAIT] = do_wait,
    [VERB_KEY] = do_key,         [VERB_DISMISS] = do_dismiss, [VERB_HOVER] = do_click,
    [VERB_ADDRESS] = do_address, [VERB_ITEM] = do_item,       [VERB_NEXT_PAGE] = do_next_page,
    [VERB_LOOK] = do_look,       [VERB_TICK] = do_tick,
};

/* --- one clause after the other --------------------------------------------------------------- */

static void forget(struct page_brain *b, int clause)
{
    *b = (struct page_brain){.base = b->base, .reader = b->reader, .clause = clause};
}

/* Hints name one target: such a text is one act, however its sentence is built. */
static int read_clauses(struct think *t, struct subgoal *whole, struct clause *out)
{
    subgoal_parse(t->pool, t->turn->task, whole);
    if (strstr(t->turn->task, "\n- "))
        return 1;
    int n = clauses_split(t->pool, whole->sentence, out);
    return n < 1 ? 1 : n;
}

/* What one of many clauses asks; the criterion is the whole task's. */
static void read_goal(struct think *t, const struct subgoal *whole, const struct clause *c, int n)
{
    t->goal = *whole;
    if (n < 2 && !*c->hints)
        return;
    bool last = t->b->clause == n - 1;
    subgoal_parse(t->pool, pool_printf(t->pool, "Sub-goal: %s\n%s", c->sentence, c->hints),
                  &t->goal);
    if (last && !*t->goal.criterion)
        t->goal.criterion = whole->criterion;
}

static bool already_so(struct think *t, int n)
{
    struct verdict v;
    if (n > 1 || t->turn->n_history > 0 || !criterion_holds(t, &v))
        return false;
    done(t, true, pool_printf(t->pool, "already so: %s", v.reason));
    return true;
}

static const char *which_clause(struct think *t, const struct clause *c, int n)
{
    const char *said = t->out->action.summary;
    return n < 2 ? said
                 : pool_printf(t->pool, "part %d of %d, \"%s\": %s", t->b->clause + 1, n,
                               c->sentence, said);
}

/* Go on until a clause wants something done, or none is left. */
static int go_on(struct think *t, const struct subgoal *whole, const struct clause *clauses, int n)
{
    struct page_brain *b = t->b;
    for (;;) {
        const struct clause *c = &clauses[b->clause];
        read_goal(t, whole, c, n);
        if (already_so(t, n))
            return 0;
        int r = b->stage == STAGE_CHECK ? check(t) : verb_functions[t->goal.verb](t);
        if (r || t->out->action.type != ACTION_DONE)
            return r;
        if (!t->out->action.success || b->clause == n - 1)
            return done(t, t->out->action.success, which_clause(t, c, n));
        forget(b, b->clause + 1);
    }
}

static int page_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                      struct brain_reply *out, struct err *err)
{
    if (brain->driver != &brain_page)
        BUG("not a page brain");
    struct page_brain *b = (struct page_brain *)brain;
    struct think t = {.b = b, .pool = pool, .turn = turn, .out = out};
    struct subgoal whole;
    struct clause clauses[CLAUSES_MAX] = {{"", ""}};
    if (turn->n_history == 0)
        forget(b, 0);
    int n = read_clauses(&t, &whole, clauses);
    if (!turn->obs->page)
        return done(&t, false,
                    "the page brain needs the page itself, and this plane shows only pixels");
    return go_on(&t, &whole, clauses, n);
}

const struct brain_driver brain_page = {.kind = "page",
                                        .caps = BRAIN_NEEDS_DOM | BRAIN_AIMS_BY_PAGE,
                                        .create = page_create,
                                        .destroy = page_destroy,
                                        .think = page_think};
