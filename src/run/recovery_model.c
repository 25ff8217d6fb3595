/*
 * recovery_model.c - the rules first; where they know nothing that would help, a model decides,
 * within the same budgets (agent-loop.md 9.4). What must not be tried again it is not asked about,
 * and what it proposes is held against recovery_allowed.c.
 */
#include "run/recovery.h"

#include <string.h>

#include "base/str.h"
#include "run/complaint.h"
#include "run/helper.h"
#include "run/look.h"

#define SOURCE       "recovery"
#define PROMPT       "recovery_analysis"
#define USUAL_MODEL  "claude-haiku-4-5-20251001"
#define STRONG_MODEL "claude-opus-4-7"
#define MAX_TOKENS   1500
#define TIMEOUT_S    30
#define TRIES        2
#define TEXT_BYTES   500 /* of a text that is taken over */
#define TOLD_BYTES   1500
#define MAX_STEPS    6 /* inserted at once */
#define TOLD_LAST    3

static const char tool_text[] =
    "{\"name\":\"record_recovery\",\"description\":\"How the run goes on after the failed step.\","
    "\"parameters\":{\"type\":\"object\",\"properties\":{"
    "\"mode\":{\"type\":\"string\",\"enum\":[\"add_hint\",\"edit_step\",\"insert_steps\",\"halt\"]}"
    ","
    "\"reasoning\":{\"type\":\"string\"},"
    "\"hint\":{\"type\":\"string\"},"
    "\"edited_step\":{\"type\":\"object\",\"properties\":{\"intent\":{\"type\":\"string\"},"
    "\"type\":{\"type\":\"string\"},\"params\":{\"type\":\"object\"}}},"
    "\"inserted_steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"intent\":{\"type\":\"string\"},\"type\":{\"type\":\"string\"},\"params\":{\"type\":"
    "\"object\"}},"
    "\"required\":[\"intent\",\"type\",\"params\"]}}},"
    "\"required\":[\"mode\",\"reasoning\"]}}";

/* --- is it asked? ----------------------------------------------------------------------------- */

static bool one_of(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i], word))
            return true;
    return false;
}

/* Nothing is left to decide: money and time are up, a human is needed, the rules know better, or
 * what was sent may have been taken. */
static bool is_final(const struct recovery_ask *ask, const struct recovery_decision *rules)
{
    static const char *const classes[] = {"budget_exceeded", "cf_challenge", "page_blocked",
                                          "bad_url"};
    static const char *const names[] = {"bad_url", "sent"};
    enum outcome outcome = ask->result->outcome;
    return one_of(classes, ARRAY_SIZE(classes), ask->result->failure_class) ||
           one_of(names, ARRAY_SIZE(names), rules->name) || outcome == OUTCOME_UNMET ||
           outcome == OUTCOME_UNCONFIRMED || outcome == OUTCOME_REJECTED || outcome == OUTCOME_DONE;
}

/* --- what it is told -------------------------------------------------------------------------- */

/* What is typed may be a secret. */
static void mask(struct pool *pool, json_t *params, const char *key)
{
    const json_t *v = json_object_get(params, key);
    if (json_is_string(v) && json_string_length(v))
        json_put(
            params, key,
            json_string(pool_printf(pool, "<%zu characters>", str_length(json_string_value(v)))));
}

static const char *step_told(struct run *run, const struct step *step)
{
    static const char *const typed[] = {"value", "text", "password", "username"};
    json_t *all = step_to_json(step), *told = json_object();
    static const char *const keys[] = {"type", "intent", "verify", "section", "params", "hints"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (json_truthy(json_object_get(all, keys[i])))
            json_put(told, keys[i], json_deep_copy(json_object_get(all, keys[i])));
    for (size_t i = 0; i < ARRAY_SIZE(typed); i++)
        mask(run->step_pool, json_object_get(told, "params"), typed[i]);
    const char *text = str_cut(run->step_pool, json_text(run->step_pool, told), TOLD_BYTES);
    json_decref(all);
    json_decref(told);
    return text;
}

static const char *failure_told(struct run *run, const struct recovery_ask *ask)
{
    const char *complaint = complaint_find(run->step_pool, ask->obs->page);
    return pool_printf(run->step_pool, "%s%s%s: %s%s%s", ask->result->failure_class,
                       *ask->result->failure_subclass ? "/" : "", ask->result->failure_subclass,
                       str_cut(run->step_pool, ask->result->data, TEXT_BYTES),
                       *complaint ? "; the page says: " : "", complaint);
}

/* The last few of a list, one a line; "none". */
static const char *last_told(struct run *run, const json_t *list)
{
    size_t n = json_array_size(list);
    const char *out = "";
    for (size_t i = n > TOLD_LAST ? n - TOLD_LAST : 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        const char *line = json_is_string(v) ? json_string_value(v) : json_text(run->step_pool, v);
        out =
            pool_printf(run->step_pool, "%s\n- %s", out, str_cut(run->step_pool, line, TEXT_BYTES));
    }
    return *out ? out : "none";
}

/* The address that the step's page was opened by. */
static const char *anchor(struct run *run, int index)
{
    for (int i = index; i >= 0; i--) {
        const struct step *s = &run->plan->steps[i];
        const char *url = strcmp(s->type, "navigate") ? NULL : step_url(run->step_pool, s);
        if (url)
            return url;
    }
    return *run->progress.results_base_url ? run->progress.results_base_url : "unknown";
}

static const char *page_told(struct run *run, const struct recovery_ask *ask)
{
    const struct page *p = ask->obs->page;
    const char *where =
        p ? pool_printf(run->step_pool, "Scrolled to %d of %d px; %d px are in view.", p->scroll_y,
                        p->content_h, p->viewport.h)
          : "How far it is scrolled is not known.";
    return pool_printf(run->step_pool, "Anchor: %s\nAddress now: %s\n%s", anchor(run, ask->index),
                       *ask->obs->url ? ask->obs->url : "not known", where);
}

static int ask_model(struct run *run, const struct recovery_ask *ask, const json_t *tool,
                     const json_t **out, struct err *err)
{
    const char *key = pool_printf(run->step_pool, "%d", ask->index);
    bool hard = !strcmp(ask->step->type, "submit") &&
                !strcmp(ask->result->failure_class, "no_state_change");
    const char *rewritten = json_str(run->progress.overrides, key, "");
    const json_t *failures = json_object_get(run->progress.failures, key);
    const struct prompt_value values[] = {
        {"STEP", step_told(run, ask->step)},
        {"FAILURE", failure_told(run, ask)},
        {"ATTEMPTS", pool_printf(run->step_pool, "%zu", json_array_size(failures))},
        {"FAILURES", last_told(run, failures)},
        {"REWRITTEN", *rewritten ? rewritten : "nothing else"},
        {"DECISIONS", last_told(run, ask->tried)},
        {"PAGE", page_told(run, ask)},
    };
    const struct helper_call call = {.source = SOURCE,
                                     .model = hard ? STRONG_MODEL : USUAL_MODEL,
                                     .prompt = PROMPT,
                                     .values = values,
                                     .n_values = ARRAY_SIZE(values),
                                     .tool = tool,
                                     .max_tokens = MAX_TOKENS,
                                     .timeout_s = TIMEOUT_S,
                                     .tries = TRIES};
    struct said said;
    int r = helper_ask(run, &call, &said, err);
    *out = r ? NULL : helper_answer(&said, tool);
    return r;
}

/* --- what it says ----------------------------------------------------------------------------- */

static const char *text_of(struct run *run, const json_t *answer, const char *key)
{
    return str_cut(run->step_pool, str_squash(run->step_pool, json_str(answer, key, "")),
                   TEXT_BYTES);
}

/* What it proposed, and why, is in the event; the caller is told that it was not done. */
static int halt(struct run *run, struct recovery_decision *out, const char *why)
{
    run_event(run, SOURCE, "refused",
              json_pack("{s:o}", "reasoning", json_string_safe(out->reasoning)),
              "what the model proposes is not done: %s", why);
    out->mode = RECOVERY_HALT;
    out->reasoning = pool_printf(run->step_pool, "what a model proposed is not done: %s", why);
    return 0;
}

/* Joins what the author of the plan said. */
static int take_hint(struct run *run, const struct recovery_ask *ask, const json_t *answer,
                     struct recovery_decision *out)
{
    const char *hint = text_of(run, answer, "hint"),
               *said = json_str(ask->step->hints, "preferred_target_description", "");
    if (!*hint)
        return halt(run, out, "the hint is empty");
    if (recovery_hint_commits(run->step_pool, ask->step, hint))
        return halt(run, out, "the hint speaks of something that the step does not say");
    hint = pool_printf(run->step_pool, "%s%s%s", said, *said ? "; " : "", hint);
    out->mode = RECOVERY_HINT;
    out->change = json_pack("{s:{s:o}}", "hints", "preferred_target_description",
                            json_string_safe(str_cut(run->step_pool, hint, TEXT_BYTES)));
    return 0;
}

/* Texts are cut, keys that a step has not left out; NULL: there is no step. New reference. */
static json_t *step_of(struct run *run, const json_t *said, bool whole)
{
    const json_t *params = json_object_get(said, "params");
    const char *intent = text_of(run, said, "intent"), *type = text_of(run, said, "type"), *key;
    json_t *out = json_object(), *v;
    if (whole && (!*intent || !*type)) {
        json_decref(out);
        return NULL;
    }
    if (*intent)
        json_put(out, "intent", json_string_safe(intent));
    if (*type)
        json_put(out, "type", json_string_safe(type));
    if (json_is_object(params)) {
        json_t *own = json_deep_copy(params);
        json_object_foreach (own, key, v)
            if (json_is_string(v))
                json_put(own, key, json_string_safe(text_of(run, own, key)));
        json_put(out, "params", own);
    }
    return out;
}

static int take_edit(struct run *run, const struct recovery_ask *ask, const json_t *answer,
                     struct recovery_decision *out)
{
    json_t *change = step_of(run, json_object_get(answer, "edited_step"), false);
    const char *type = json_str(change, "type", ask->step->type);
    bool not_input = !strcmp(ask->result->failure_subclass, FAILURE_NOT_INPUT);
    const char *refused = !json_object_size(change) ? "it changes nothing"
                          : not_input && strcmp(type, ask->step->type)
                              ? "what takes no text is no reason for another type"
                              : recovery_refuses(run, ask->step, change);
    if (refused) {
        json_decref(change);
        return halt(run, out, refused);
    }
    out->mode = RECOVERY_EDIT;
    out->change = change;
    return 0;
}

static int take_steps(struct run *run, const struct recovery_ask *ask, const json_t *answer,
                      struct recovery_decision *out)
{
    json_t *steps = json_array(), *said;
    const char *refused = NULL;
    size_t i;
    json_array_foreach (json_object_get(answer, "inserted_steps"), i, said) {
        json_t *step = step_of(run, said, true);
        if (!step)
            continue;
        refused = refused ? refused : recovery_refuses(run, ask->step, step);
        json_push(steps, step);
    }
    if (!refused && !json_array_size(steps))
        refused = "it names no step";
    if (!refused && json_array_size(steps) > MAX_STEPS)
        refused = "it inserts too many steps";
    if (refused) {
        json_decref(steps);
        return halt(run, out, refused);
    }
    out->mode = RECOVERY_INSERT;
    out->steps = steps;
    return 0;
}

static int take_halt(struct run *run, const struct recovery_ask *ask, const json_t *answer,
                     struct recovery_decision *out)
{
    out->mode = RECOVERY_HALT;
    return 0;
}

static const struct {
    const char *mode;
    int (*take)(struct run *run, const struct recovery_ask *ask, const json_t *answer,
                struct recovery_decision *out);
} modes[] = {
    {"add_hint", take_hint},
    {"edit_step", take_edit},
    {"insert_steps", take_steps},
    {"halt", take_halt},
};

static int take(struct run *run, const struct recovery_ask *ask, const json_t *answer,
                struct recovery_decision *out)
{
    const char *mode = json_str(answer, "mode", "");
    *out =
        (struct recovery_decision){.name = "model", .reasoning = text_of(run, answer, "reasoning")};
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        if (!strcmp(modes[i].mode, mode))
            return modes[i].take(run, ask, answer, out);
    return halt(run, out, pool_printf(run->step_pool, "there is no way '%.40s'", mode));
}

/* --- the driver ------------------------------------------------------------------------------- */

static int decide(struct run *run, const struct recovery_ask *ask, struct recovery_decision *out,
                  struct err *err)
{
    const json_t *answer;
    int r = recovery_rules.decide(run, ask, out, err);
    if (r || out->mode != RECOVERY_HALT || is_final(ask, out))
        return r;
    const json_t *tool = json_keep(run->step_pool, json_loads(tool_text, 0, NULL));
    r = ask_model(run, ask, tool, &answer, err);
    if (r == E_CANCELLED || r == E_GONE)
        return r;
    return answer ? take(run, ask, answer, out) : 0;
}

const struct recovery_driver recovery_model = {"model", decide};
