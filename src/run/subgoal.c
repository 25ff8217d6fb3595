#include "run/subgoal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/frame.h"
#include "run/look.h"
#include "run/url.h"

#define MAX_TURNS      100
#define THINK_MS       120000
#define SOFT_WINDOW    3 /* equal actions that make the feedback say so */
#define HARD_WINDOW    8 /* and that end the sub-goal */
#define MAX_SILENCE    3 /* times in a row that the brain could not be asked */
#define PRIOR_ATTEMPTS 3

/* plans.md section 5; the plan's brain_budgets replace these. */
static const struct {
    const char *type;
    int cap;
} budget_caps[] = {{"scroll", 12}, {"click", 4}};

struct turn {
    char action[65]; /* SHA-256 of type and parameters */
    char url[65];
    char frame[FRAME_HASH_BYTES];
    bool scrolls;
};

struct inner {
    struct run *run;
    const char *task;
    int budget, n;
    struct action history[MAX_TURNS];
    const char *feedback[MAX_TURNS];
    struct turn turns[MAX_TURNS];
    int silence;
    int64_t input_tokens, output_tokens;
    const char *termination; /* NULL while it goes on */
    const char *summary;
};

int subgoal_budget(const struct run *run, int budget)
{
    const json_t *given = run->plan->runtime.brain_budgets;
    int cap = (int)json_num(given, run->step->type, 0);
    for (size_t i = 0; !given && i < ARRAY_SIZE(budget_caps); i++)
        if (!strcmp(budget_caps[i].type, run->step->type))
            cap = budget_caps[i].cap;
    return cap >= 1 && cap < budget ? cap : budget;
}

/* --- what the brain is told (agent-loop.md 1.5) ----------------------------------------------- */

static const char *hint_lines(struct run *run)
{
    static const char *const keys[] = {"label",
                                       "kind",
                                       "aliases",
                                       "region",
                                       "near",
                                       "layout",
                                       "preferred_target_description",
                                       "preferred_target_viewport_stage",
                                       "value",
                                       "dropdown_label",
                                       "option_label"};
    const char *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *v = step_option(run->step, keys[i]);
        if (!json_truthy(v))
            continue;
        const char *text = json_is_string(v) ? json_string_value(v) : json_text(run->step_pool, v);
        out = pool_printf(run->step_pool, "%s- %s: %s\n", out, keys[i], text);
    }
    return out;
}

static const char *prior_lines(struct run *run)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    const json_t *all = json_object_get(run->progress.failures, key);
    size_t n = json_array_size(all);
    const char *out = "";
    for (size_t i = n > PRIOR_ATTEMPTS ? n - PRIOR_ATTEMPTS : 0; i < n; i++) {
        const json_t *f = json_array_get(all, i);
        out = pool_printf(run->step_pool, "%s- (%d,%d) '%s': %s; do not repeat\n", out,
                          (int)json_int(f, "x", -1), (int)json_int(f, "y", -1),
                          json_str(f, "label", ""), json_str(f, "kind", ""));
    }
    return out;
}

static const char *task_text(struct run *run, const char *intent)
{
    struct pool *pool = run->step_pool;
    const char *hints = hint_lines(run), *prior = prior_lines(run);
    const char *text = pool_printf(pool, "Sub-goal: %s\n", intent);
    if (*run->step->verify)
        text = pool_printf(pool, "%sIt is reached when: %s\n", text, run->step->verify);
    if (*hints)
        text = pool_printf(pool, "%sTarget:\n%s", text, hints);
    if (*prior)
        text = pool_printf(pool, "%sPrevious attempts:\n%s", text, prior);
    return text;
}

/* --- going in circles (agent-loop.md 5.1) ---------------------------------------------------- */

static bool scrolls(const struct action *a)
{
    static const char *const keys[] = {"page_down", "pagedown", "page_up", "pageup",
                                       "up",        "down",     "j",       "k"};
    if (a->type == ACTION_SCROLL || a->type == ACTION_WAIT)
        return true;
    for (size_t i = 0; a->type == ACTION_KEY_PRESS && i < ARRAY_SIZE(keys); i++)
        if (str_eq_fold(a->keys, keys[i]))
            return true;
    return false;
}

static void note_turn(struct inner *in, const struct action *a, const struct observation *obs)
{
    struct turn *t = &in->turns[in->n];
    json_t *json = action_to_json(a);
    json_object_del(json, "reasoning");
    const char *text = json_canonical(in->run->step_pool, json);
    json_decref(json);
    id_sha256_hex(text, strlen(text), t->action);
    id_sha256_hex(obs->url, strlen(obs->url), t->url);
    if (obs->frame.pixels)
        frame_hash(&obs->frame, NULL, t->frame);
    t->scrolls = scrolls(a);
}

static bool looping(const struct inner *in, int window)
{
    if (in->n < window)
        return false;
    const struct turn *first = &in->turns[in->n - window];
    bool same_action = true, same_state = *first->frame != 0;
    for (const struct turn *t = first + 1; t < &in->turns[in->n]; t++) {
        same_action = same_action && !strcmp(t->action, first->action);
        same_state = same_state && !strcmp(t->frame, first->frame) && !strcmp(t->url, first->url);
    }
    return same_state || (same_action && !first->scrolls);
}

/* --- one turn -------------------------------------------------------------------------------- */

static const char *feedback_line(struct inner *in, const struct action *a, const struct settled *s,
                                 const struct observation *before, const struct observation *after)
{
    struct pool *pool = in->run->step_pool;
    const struct node *focus = look_focused(after);
    const char *out = "";
    if (strcmp(before->url, after->url))
        out = pool_printf(pool, "page navigated to %s; title '%s'", after->url, after->title);
    else if (s->new_tab)
        out = pool_printf(pool, "a new tab opened: %s", after->url);
    else if (a->type == ACTION_KEY_PRESS)
        out = pool_printf(pool, "pressed %s", a->keys);
    else if (before->frame.pixels && after->frame.pixels &&
             frame_difference(&before->frame, &after->frame) < 0.001)
        out = a->type == ACTION_CLICK ? "clicked (no visible change)" : "no visible change";
    if (focus)
        out = pool_printf(pool, "%s%sinput field focused, %s", out, *out ? "; " : "",
                          *focus->value ? "it has a value" : "it is empty");
    if (looping(in, SOFT_WINDOW))
        out = pool_printf(pool, "%s%sthe last %d actions were the same; do something different",
                          out, *out ? "; " : "", SOFT_WINDOW);
    return *out ? out : "done";
}

static int think(struct inner *in, const struct observation *obs, struct brain_reply *reply,
                 bool *ret_answered, struct err *err)
{
    struct run *run = in->run;
    struct brain_turn turn = {.task = in->task,
                              .obs = obs,
                              .history = in->history,
                              .feedback = in->feedback,
                              .n_history = in->n,
                              .steps_left = in->budget - in->n,
                              .deadline_mono_ms = clock_mono_ms() + THINK_MS};
    int64_t start = clock_mono_us();
    int r = brain_think(run->brain, run->step_pool, &turn, reply, err);
    meter_add(&run->step_meter, METER_THINK, clock_mono_us() - start);
    if (r == E_UPSTREAM || r == E_TIMEOUT) {
        in->silence++;
        if (in->silence >= MAX_SILENCE) {
            in->termination = "brain_unreachable";
            in->summary = pool_strdup(run->step_pool, err->msg);
        }
        *ret_answered = false; /* asked again, a bounded number of times */
        return 0;
    }
    *ret_answered = r == 0;
    in->silence = 0;
    in->input_tokens += reply->input_tokens;
    in->output_tokens += reply->output_tokens;
    return r;
}

static int carry_out(struct inner *in, const struct action *a, const struct observation *before,
                     struct err *err)
{
    struct settled s = {0};
    struct observation after;
    struct err wrong = {0};
    int r = run_act(in->run, a, CAP_CLICK_MS, &s, &wrong);
    if (r && r != E_INVALID)
        return err_set(err, r, "%s", wrong.msg);
    int look = run_look(in->run, &after, err);
    if (look)
        return look;
    note_turn(in, a, &after);
    in->history[in->n++] = *a;
    in->feedback[in->n - 1] =
        r ? pool_strdup(in->run->step_pool, wrong.msg) : feedback_line(in, a, &s, before, &after);
    if (looping(in, HARD_WINDOW))
        in->termination = "loop";
    return 0;
}

static int one_turn(struct inner *in, bool *ret_success, struct err *err)
{
    struct observation obs;
    struct brain_reply reply = {0};
    bool answered = false;
    int r = run_look(in->run, &obs, err);
    if (!r)
        r = think(in, &obs, &reply, &answered, err);
    if (r || !answered)
        return r;
    if (reply.action.type != ACTION_DONE)
        return carry_out(in, &reply.action, &obs, err);
    *ret_success = reply.action.success;
    in->termination = *ret_success ? "done" : "done_failed";
    in->summary = reply.action.summary;
    return 0;
}

/* agent-loop.md 1.5: a brain that says it reached a detail page must stand on one. Where nothing
 * says what a detail page is, it is believed. */
static bool on_wanted_page(const struct run *run)
{
    static const char *const wordings[] = {"detail page", "details page", "detail view",
                                           "product page", "item page"};
    const struct progress *p = &run->progress;
    const json_t *site = run->plan->site_config;
    const char *results = json_str(site, "results_page_pattern", "");
    bool told = false;
    for (size_t i = 0; i < ARRAY_SIZE(wordings); i++)
        told = told || str_contains_fold(run->step->verify, wordings[i]);
    if (!told || !*run->live_url ||
        (!*json_str(site, "detail_page_pattern", "") && !*p->results_base_url))
        return true;
    return url_is_detail(run->live_url, site, p->results_base_url) &&
           !(*results && url_matches(run->live_url, results));
}

static int finish(struct inner *in, bool success, struct step_result *out)
{
    const char *summary = str_squash(in->run->step_pool, in->summary ? in->summary : "");
    out->steps_used = in->n + 1;
    if (in->n > 0) {
        const struct action *last = &in->history[in->n - 1];
        if (last->type == ACTION_CLICK || last->type == ACTION_DOUBLE_CLICK)
            out->at = (struct point){last->x, last->y};
    }
    out->verified_change = true; /* the brain looked; plans.md 10.1 is for our own hands */
    if (success && !on_wanted_page(in->run))
        return step_fail(in->run, out, "wrong_target", "wrong_target:%s is no detail page",
                         in->run->live_url);
    if (success)
        return step_ok(in->run, out, "%s", *summary ? summary : "done");
    if (!strcmp(in->termination, "done_failed"))
        return step_fail(in->run, out, "", "done_failed:%s", summary);
    if (!strcmp(in->termination, "brain_unreachable"))
        return step_fail(in->run, out, "brain_unreachable", "brain_unreachable:%s", summary);
    out->outcome = OUTCOME_BUDGET;
    return step_fail(in->run, out, "brain_loop_exhausted", "brain_loop_exhausted:%s",
                     in->termination);
}

int subgoal_run(struct run *run, const char *intent, int budget, struct step_result *out,
                struct err *err)
{
    struct inner *in = pool_alloc(run->step_pool, sizeof(*in));
    bool success = false;
    int r = 0;
    if (!run->brain)
        return step_fail(run, out, "brain_unreachable", "brain_unreachable:this run has no brain");
    in->run = run;
    in->budget = budget < 1 ? 1 : budget > MAX_TURNS ? MAX_TURNS : budget;
    in->task = task_text(run, intent);
    while (!r && !in->termination && in->n < in->budget)
        r = one_turn(in, &success, err);
    if (r)
        return r;
    if (!in->termination)
        in->termination = "max_steps";
    run_event(run, "brain", "subgoal",
              json_pack("{s:s,s:i,s:I,s:I}", "termination", in->termination, "actions", in->n,
                        "input_tokens", (json_int_t)in->input_tokens, "output_tokens",
                        (json_int_t)in->output_tokens),
              "the brain ended with %s after %d actions", in->termination, in->n);
    return finish(in, success, out);
}
