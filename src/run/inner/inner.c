/*
 * inner.c - the order of a turn, and how a sub-goal ends (agent-loop.md 1.2).
 */
#include "run/inner/inner.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/inner/done_gate.h"
#include "run/inner/priv.h"
#include "run/inner/prompt.h"
#include "run/pause.h"
#include "run/telling.h"
#include "run/url.h"

#define THINK_MS    120000
#define MAX_SILENCE 3 /* times in a row that the brain could not be asked */

bool inner_vendor_page(const char *url)
{
    struct pool *pool = pool_create(NULL);
    const char *site = url_is_web(url) ? url_site(pool, url) : "";
    bool store = !strcmp(site, "chrome.google.com");
    bool advert = !strcmp(site, "google.com") && str_starts(url_path(pool, url), "/chrome");
    pool_destroy(pool);
    return store || advert;
}

static const struct {
    const char *name;
    unsigned bit;
} switches[] = {{"done_gate", INNER_NO_DONE_GATE},
                {"loop_recovery", INNER_NO_LOOP_RECOVERY},
                {"loop_adaptive", INNER_PLAIN_LOOP},
                {"adaptive_click_tol", INNER_PLAIN_TOLERANCE},
                {"predicate_verify", INNER_NO_PREDICATES},
                {"perceptual_verify", INNER_NO_PERCEPTUAL},
                {"form_controller", INNER_NO_FORM_CONTROLLER},
                {"verify_type", INNER_NO_READ_BACK},
                {"cua_director", INNER_NO_DIRECTOR}};

unsigned inner_off_read(const json_t *names)
{
    unsigned off = 0;
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
        if (json_holds(names, switches[i].name))
            off |= switches[i].bit;
    return off;
}

void inner_count(json_t *counts, const char *reason)
{
    json_put_int(counts, reason, json_int(counts, reason, 0) + 1);
}

void inner_heal(struct inner *in, const char *kind, const char *by, const char *why)
{
    json_t *o = json_object();
    json_put_str(o, "by", by);
    json_put(o, "reason",
             json_string_safe(str_cut(in->run->step_pool, why ? why : "", HEAL_BYTES)));
    run_heal(in->run, kind, "inner_loop", o);
}

static const char *copy(struct pool *pool, const char *s)
{
    return s ? pool_strdup(pool, s) : NULL;
}

static const json_t *keep_json(struct pool *pool, const json_t *v)
{
    return v ? json_keep(pool, json_deep_copy(v)) : NULL;
}

struct action inner_keep_action(struct pool *pool, const struct action *a)
{
    struct action out = *a;
    out.text = copy(pool, a->text);
    out.keys = copy(pool, a->keys);
    out.summary = copy(pool, a->summary);
    out.fact = copy(pool, a->fact);
    out.reasoning = copy(pool, a->reasoning);
    return out;
}

/* --- asking ---------------------------------------------------------------------------------- */

static const char *turn_prompt(struct inner *in, struct pool *pool)
{
    const struct node *focused = in->now.focused;
    struct prompt_facts facts = {.task = in->goal->task,
                                 .plan = in->plan,
                                 .history = in->history,
                                 .feedback = in->feedback,
                                 .n = in->n,
                                 .told_elsewhere =
                                     (brain_abilities(in->run->brain) & BRAIN_TELLS_HISTORY) != 0,
                                 .last_thinking = in->thinking,
                                 .loop = inner_soft_loop(in),
                                 .field_focused = focused != NULL,
                                 .field_has_value = focused && *focused->value,
                                 .news = in->run->person.news};
    return prompt_turn(pool, &facts);
}

/* Asked again when it is silent, a bounded number of times. */
static int not_answered(struct inner *in, const struct err *err)
{
    in->silence++;
    in->unheard = pool_strdup(in->run->step_pool, err->msg);
    if (in->silence >= MAX_SILENCE) {
        in->termination = "brain_unreachable";
        in->summary = in->unheard;
    }
    return 0;
}

/* The next call may cost more than what is left. */
static int not_paid(struct inner *in, const struct err *err)
{
    in->termination = "budget_cap";
    in->summary = pool_strdup(in->run->step_pool, err->msg);
    return 0;
}

static void count_tokens(struct run *run, const struct brain_reply *reply)
{
    const struct token_use use = {reply->input_tokens, reply->output_tokens,
                                  reply->cache_read_tokens, reply->cache_write_tokens};
    if (reply->model)
        run_count_call(run, "brain", reply->model, &use);
    if (reply->gpu_s > 0)
        run_count_gpu(run, reply->gpu_s, 1);
}

static struct brain_turn turn_now(struct inner *in)
{
    const struct run *run = in->run;
    return (struct brain_turn){.task = in->goal->task,
                               .prompt = turn_prompt(in, in->now.pool),
                               .obs = &in->now.obs,
                               .history = in->history,
                               .feedback = in->feedback,
                               .n_history = in->n,
                               .in_plan = run->step != NULL && !in->goal->whole,
                               .step_type = run->step ? run->step->type : NULL,
                               .attempts = in->goal->attempts,
                               .host_tools = inner_tools(in),
                               .loop = inner_soft_loop(in),
                               .frames = run->config->frames,
                               .steps_left = in->budget - in->turns,
                               .deadline_mono_ms = clock_mono_ms() + THINK_MS};
}

/* A ladder may have asked another one. */
static void note_ladder(struct inner *in, const struct brain_reply *reply)
{
    if (reply->warning)
        run_warn(in->run, "brain_fallback", "%s", reply->warning);
    if (!reply->escalated)
        return;
    inner_heal(in, "brain_escalation", "ladder", reply->escalated);
    run_event(in->run, "brain", "brain_escalation", json_pack("{s:s}", "trigger", reply->escalated),
              "the fallback is asked from now on: %s", reply->escalated);
    in->escalations++;
}

static int think(struct inner *in, struct brain_reply *reply, struct turn_words *words,
                 bool *ret_answered, struct err *err)
{
    struct run *run = in->run;
    struct brain_turn turn = turn_now(in);
    int64_t start = clock_mono_us();
    int r = brain_think(run->brain, in->now.pool, &turn, reply, err);
    int64_t took = clock_mono_us() - start;
    meter_add(&run->step_meter, METER_THINK, took);
    note_ladder(in, reply);
    *ret_answered = r == 0;
    if (r == E_UPSTREAM || r == E_TIMEOUT || r == E_UNAVAILABLE)
        return not_answered(in, err);
    if (r == E_BUDGET)
        return not_paid(in, err);
    if (r)
        return r;
    if (in->silence) {
        inner_heal(in, "model_retry", "inner_loop", in->unheard);
        run->silent = NULL; /* it is told */
    }
    in->silence = 0;
    in->turns++;
    person_told(run);
    in->unparsed += reply->action.unparsed;
    in->input_tokens += reply->input_tokens;
    in->output_tokens += reply->output_tokens;
    in->cached_tokens += reply->cache_read_tokens;
    count_tokens(run, reply);
    in->thinking = pool_strdup(run->step_pool, reply->thinking);
    if (in->turns == 1)
        in->plan = prompt_plan_in(run->step_pool, in->thinking);
    *words = (struct turn_words){.thinking = in->thinking,
                                 .predicted = keep_json(run->step_pool, reply->predicted),
                                 .inference_s = (double)took / 1e6,
                                 .used = reply->used,
                                 .tool = copy(run->step_pool, reply->tool),
                                 .tool_args = keep_json(run->step_pool, reply->tool_args),
                                 .rejected = ""};
    telling_brain(run, words->thinking, words->predicted);
    return 0;
}

/* --- done ------------------------------------------------------------------------------------ */

/* What stands in a field of the page was not forgotten, whoever put it there. */
static int still_pending(struct inner *in)
{
    const struct page *page = in->now.obs.page;
    int left = 0;
    for (int i = 0; i < in->goal->n_pending; i++) {
        struct pending_value *p = &in->goal->pending[i];
        for (int k = 0; page && !p->used && k < page->n_nodes; k++)
            p->used = (page->nodes[k].flags & NODE_EDITABLE) &&
                      str_contains_fold(page->nodes[k].value, p->value);
        left += !p->used;
    }
    return left;
}

static const char *why_not_done(struct inner *in, const struct action *a)
{
    struct done_facts facts = {.summary = a->summary ? a->summary : "",
                               .required_fields = in->goal->required_fields,
                               .pending_values = still_pending(in),
                               .samples = in->samples,
                               .n_samples = in->n,
                               .verification_only = done_verification_only(in->goal->sentence)};
    return a->success && !(in->off & INNER_NO_DONE_GATE) ? done_rejected(&facts) : NULL;
}

/* The screen, as the brain itself sees it, must show what is claimed. No answer: it is believed. */
static int not_shown(struct inner *in, const struct action *a, const char **ret_why,
                     bool *ret_shown, struct err *err)
{
    const struct question_facts facts = {.task = in->goal->task, .summary = a->summary};
    struct brain_answer answer;
    if (!a->success || (in->off & INNER_NO_DONE_GATE) || !inner_may_ask(in))
        return 0;
    int r = inner_question(in, in->run->brain, QUESTION_DONE, &facts, &answer, err);
    if (r || !answer.known)
        return r;
    *ret_shown = answer.done.valid;
    if (!answer.done.valid)
        *ret_why = pool_printf(in->run->step_pool, "%s: %s", DONE_NOT_SHOWN, answer.done.reason);
    return 0;
}

/* Whether a value stands in its field cannot be told of pixels, and an earlier attempt at the step may
 * have typed it. There the screen decides. */
static bool may_be_typed(const struct inner *in, const char *why)
{
    bool dom = plane_caps(in->run->plane) & PLANE_HAS_DOM;
    return why && !dom && in->run->progress.retries && !strcmp(why, "pending_form_values");
}

static void end_done(struct inner *in, const char *termination, const char *summary)
{
    in->termination = termination;
    in->success = !strcmp(termination, "done");
    in->summary = pool_strdup(in->run->step_pool, summary ? summary : "");
}

static void reject(struct inner *in, const char *why, struct turn_words *words, struct chosen *out)
{
    struct pool *pool = in->run->step_pool;
    const char *reason = pool_strndup(pool, why, strcspn(why, ":"));
    in->rejections++;
    inner_count(in->rejected, reason);
    inner_heal(in, "done_rejected", reason, why);
    words->rejected = reason;
    *out = (struct chosen){.substituted_by = "done-gate", .loop_recovery = ""};
    out->action = (struct action){
        .type = ACTION_WAIT,
        .seconds = 1,
        .reasoning = pool_printf(pool, "it was not accepted that the task is done: %s", why)};
}

/* *ret_over: the brain is done; else *out is what is done instead. */
static int take_done(struct inner *in, const struct action *a, struct turn_words *words,
                     struct chosen *out, bool *ret_over, struct err *err)
{
    const char *why = why_not_done(in, a), *unseen = why;
    bool shown = false;
    int r = !why || may_be_typed(in, why) ? not_shown(in, a, &unseen, &shown, err) : 0;
    why = shown ? NULL : unseen;
    *ret_over = !why || in->rejections >= DONE_MAX_REJECTIONS;
    if (r)
        return r;
    if (!*ret_over)
        reject(in, why, words, out);
    else if (why)
        end_done(in, "done_unverified", why);
    else
        end_done(in, a->success ? "done" : "done_failed", a->summary);
    return 0;
}

/* --- the loop -------------------------------------------------------------------------------- */

static bool over_budget(struct inner *in)
{
    double cap = in->run->config->max_cost, spent = json_num(in->run->progress.costs, "total", 0);
    if (cap <= 0 || spent < cap)
        return false;
    in->termination = "budget_cap";
    in->summary = pool_printf(in->run->step_pool, "%.2f of %.2f USD are spent", spent, cap);
    return true;
}

/* What is done of what it said, or instead; *ret_over: nothing is, it is done. */
static int decide(struct inner *in, const struct brain_reply *reply, struct turn_words *words,
                  struct chosen *out, bool *ret_over, struct err *err)
{
    *ret_over = false;
    if (reply->action.type == ACTION_DONE)
        return take_done(in, &reply->action, words, out, ret_over, err);
    int r = inner_choose(in, &reply->action, out, err);
    return r ? r : inner_ground(in, words->thinking, out, err);
}

static int one_turn(struct inner *in, struct err *err)
{
    struct brain_reply reply = {.thinking = ""};
    struct turn_words words;
    struct chosen chosen;
    bool answered, over;
    if (over_budget(in))
        return 0;
    int r = think(in, &reply, &words, &answered, err);
    if (r || !answered)
        return r;
    if (reply.tool)
        return inner_call_tool(in, &reply, &words, err);
    r = decide(in, &reply, &words, &chosen, &over, err);
    if (r || over)
        return r;
    r = inner_carry_out(in, &chosen, &words, err);
    if (!r && !in->termination && !strcmp(chosen.substituted_by, "force-fill") && form_is_all(in))
        end_done(in, "done", "the value was typed");
    return r;
}

static json_t *detail_of(const struct inner *in)
{
    json_t *o = json_object();
    json_put_str(o, "termination", in->termination);
    json_put_int(o, "steps", in->turns);
    json_put_int(o, "actions", in->n);
    json_put_int(o, "input_tokens", in->input_tokens);
    json_put_int(o, "output_tokens", in->output_tokens);
    json_put_int(o, "cached_tokens", in->cached_tokens);
    json_put(o, "done_rejections_by_reason", json_incref(in->rejected));
    json_put(o, "loop_recoveries_by_reason", json_incref(in->recovered));
    json_put(o, "executor_backend_counts", json_incref(in->backends));
    json_put_num(o, "total_reward", in->reward);
    json_put_int(o, "unparsed", in->unparsed);
    json_put_int(o, "brain_escalations", in->escalations);
    json_put(o, "predicate_summary", predicates_sum(in->predicted, in->evaluated, in->correct));
    json_put(o, "perceptual_summary",
             json_pack("{s:i,s:i}", "checked", in->risky, "no_effect", in->no_effect));
    return json_keep(in->run->step_pool, o);
}

static void sum_up(struct inner *in, struct inner_result *out)
{
    *out = (struct inner_result){.termination = in->termination,
                                 .success = in->success,
                                 .summary = in->summary,
                                 .steps = in->turns,
                                 .actions = in->n,
                                 .unparsed = in->unparsed,
                                 .galleries = in->galleries,
                                 .last_click = {-1, -1},
                                 .detail = detail_of(in)};
    const struct action *last = in->n ? &in->history[in->n - 1] : NULL;
    if (last && (last->type == ACTION_CLICK || last->type == ACTION_DOUBLE_CLICK))
        out->last_click = (struct point){last->x, last->y};
    run_event(in->run, "brain", "subgoal", json_deep_copy(out->detail),
              "the brain ended with %s after %d actions", in->termination, in->n);
}

static struct inner *begin(struct run *run, struct inner_goal *goal)
{
    struct inner *in = pool_alloc(run->step_pool, sizeof(*in));
    int max = goal->max_steps;
    unsigned off = run->config->inner_off;
    *in = (struct inner){.run = run,
                         .goal = goal,
                         .off = off,
                         .directed_at = -INNER_MAX_TURNS,
                         .budget = max < 1                 ? 1
                                   : max > INNER_MAX_TURNS ? INNER_MAX_TURNS
                                                           : max,
                         .last_top = {-1, -1},
                         .aimed = {-1, -1},
                         .missed = {-1, -1},
                         .bare = {-1, -1},
                         .thinking = "",
                         .plan = "",
                         .summary = "",
                         .backends = json_keep(run->step_pool, json_object()),
                         .rejected = json_keep(run->step_pool, json_object()),
                         .recovered = json_keep(run->step_pool, json_object())};
    in->rules.plain_window = off & INNER_PLAIN_LOOP;
    in->rules.plain_tolerance = off & INNER_PLAIN_TOLERANCE;
    plane_size(run->plane, &in->rules.width, &in->rules.height);
    return in;
}

/* Whoever had the run stand still may have used its page: it is looked at again. */
static int stand_if_told(struct inner *in, struct err *err)
{
    bool stood;
    int r = pause_between(in->run, &stood, err);
    if (r || !stood)
        return r;
    inner_forget(&in->now);
    return inner_see(in, &in->now, err);
}

int inner_run(struct run *run, struct inner_goal *goal, struct inner_result *out, struct err *err)
{
    struct inner *in = begin(run, goal);
    int r = inner_see(in, &in->now, err);
    r = r ? r : form_begin(in, err);
    while (!r && !in->termination && in->turns < in->budget) {
        r = stand_if_told(in, err);
        if (!r)
            r = one_turn(in, err);
    }
    inner_forget(&in->now);
    if (r)
        return r;
    if (!in->termination)
        in->termination = "max_steps";
    sum_up(in, out);
    return 0;
}
