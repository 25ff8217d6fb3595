#include "run/critic.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/allow.h"
#include "run/edits.h"
#include "run/look.h"
#include "run/recovery.h"
#include "run/rewrite.h"
#include "run/url.h"

#define FALLBACK_FAILURES 2
#define FRONTIER_FAILURES 2

/* Returns 0 with the plan edited, 1 to decline, or an error. */
typedef int critic_fn(struct run *run, const struct step_result *result, struct next *next,
                      struct err *err);

static size_t failures_of(const struct run *run)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    return json_array_size(json_object_get(run->progress.failures, key));
}

static bool is_press(const struct step *s)
{
    return !strcmp(s->type, "click") || !strcmp(s->type, "submit");
}

static bool missed(const char *class)
{
    return rewrite_helps(class) || !strcmp(class, "selector_miss") || !strcmp(class, "unknown");
}

/* What was sent and perhaps taken must not be made up for by opening something else: nobody would
 * know. */
static bool may_be_replaced(const struct step_result *result)
{
    return result->outcome != OUTCOME_UNMET && result->outcome != OUTCOME_UNCONFIRMED;
}

/* The step becomes a navigate and is tried as one. */
static int replace(struct run *run, const char *url, const char *why, struct next *next,
                   struct err *err)
{
    if (!allow_url(run->config->allowed_domains, url))
        return 1;
    json_t *change = json_pack("{s:s,s:o,s:{s:s}}", "type", "navigate", "intent",
                               json_string_safe(pool_printf(run->step_pool, "Open %s", url)),
                               "params", "url", url);
    json_put(change, "hints", json_pack("{s:n,s:n}", "expect_text_present", "fallback_url"));
    int r = edits_change(run, run->index, change, why, err);
    json_decref(change);
    if (!r)
        *next = (struct next){.kind = NEXT_RETRY, .anew = true, .reason = why};
    return r;
}

/* In a loop the step comes by again, and what was inserted behind it is still there. */
static bool follows_already(const struct run *run)
{
    int i = run->index + 1;
    return i < run->plan->n_steps && !strcmp(run->plan->steps[i].section, "recovery");
}

static int back_fallback(struct run *run, const struct step_result *result, struct next *next,
                         struct err *err)
{
    const char *url = run->progress.results_base_url;
    if (strcmp(run->step->type, "navigate_back") ||
        strcmp(result->failure_class, "brain_loop_exhausted") || !*url || follows_already(run))
        return 1;
    json_t *steps = json_pack("[{s:s,s:o,s:{s:s}}]", "type", "navigate", "intent",
                              json_string_safe(pool_printf(run->step_pool, "Open %s", url)),
                              "params", "url", url);
    int at = run->index + 1;
    int r = edits_insert(run, at, steps, "going back failed: the results are opened again", err);
    json_decref(steps);
    if (!r && next->kind == NEXT_JUMP) /* wherever that was to lead, the results come first */
        next->kind = NEXT_ADVANCE;
    return r;
}

/* Relative to the origin of the page that is open. */
static const char *resolved(struct run *run, const char *url)
{
    const char *host = strstr(run->live_url, "://");
    if (url_is_web(url))
        return url;
    if (!host)
        return "";
    size_t len = (size_t)(host + 3 - run->live_url) + strcspn(host + 3, "/?#");
    return pool_printf(run->step_pool, "%.*s%s%s", (int)len, run->live_url, *url == '/' ? "" : "/",
                       url);
}

static int fallback_url(struct run *run, const struct step_result *result, struct next *next,
                        struct err *err)
{
    const char *url = json_str(run->step->hints, "fallback_url", "");
    if (!is_press(run->step) || !*url || !missed(result->failure_class) ||
        failures_of(run) < FALLBACK_FAILURES || !may_be_replaced(result))
        return 1;
    url = resolved(run, url);
    return *url ? replace(run, url, "fallback_url after repeated misses", next, err) : 1;
}

static bool in_row(const struct page *page, int i)
{
    for (; i >= 0; i = page->nodes[i].parent)
        if (!strcmp(page->nodes[i].tag, "tr") || !strcmp(page->nodes[i].role, "row"))
            return true;
    return false;
}

static int row_link(struct run *run, const struct step_result *result, struct next *next,
                    struct err *err)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_url_contains");
    struct observation obs;
    if (!is_press(run->step) || strcmp(json_str(run->step->params, "kind", ""), "row_link") ||
        !missed(result->failure_class) || !strcmp(result->failure_class, "brain_loop_exhausted") ||
        !json_truthy(wanted) || !may_be_replaced(result))
        return 1;
    int r = run_look(run, &obs, err);
    for (int i = 0; !r && obs.page && i < obs.page->n_nodes; i++)
        if (*obs.page->nodes[i].href && in_row(obs.page, i) &&
            url_contains_any(obs.page->nodes[i].href, wanted, NULL))
            return replace(run, obs.page->nodes[i].href, "the first link of a row that fits", next,
                           err);
    return r ? r : 1;
}

/* Asks for a decision where the rules ask none: what goes on without the step, and what is tried again
 * anyway. The second time, the fourth and so on; the budgets are recovery's. */
static int frontier(struct run *run, const struct step_result *result, struct next *next,
                    struct err *err)
{
    struct step_result copy = *result; /* a "halt" changes nothing here */
    struct next decided = *next;
    size_t n = failures_of(run);
    if (!run->config->critic_frontier || !rewrite_helps(result->failure_class) || !n ||
        n % FRONTIER_FAILURES || !may_be_replaced(result))
        return 1;
    int r = recovery_try(run, &copy, &decided, err);
    if (r == 0)
        *next = decided;
    if (r >= 0)
        run_event(run, "critic-frontier", "result",
                  json_pack("{s:s,s:s,s:i}", "decision_mode", r ? "halt" : decided.reason,
                            "failure_class", result->failure_class, "failure_count", (int)n),
                  "recovery of step %d: %s", run->index + 1, r ? "nothing" : decided.reason);
    return r;
}

static const struct {
    const char *layer;
    critic_fn *fn;
} critics[] = {
    {"critic-navigate-back-recovery", back_fallback},
    {"critic-fallback-url", fallback_url},
    {"critic-row-link-dom-href", row_link},
    {"critic-frontier", frontier},
};

int critic_look(struct run *run, const struct step_result *result, struct next *next,
                struct err *err)
{
    if (result->skip || next->kind == NEXT_HALT || next->kind == NEXT_REWIND)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(critics); i++) {
        int r = critics[i].fn(run, result, next, err);
        if (r == 1)
            continue;
        if (!r)
            run_event(run, critics[i].layer, "fire",
                      json_pack("{s:s,s:i}", "failure_class", result->failure_class,
                                "failure_count", (int)failures_of(run)),
                      "%s changed the plan at step %d", critics[i].layer, run->index + 1);
        return r;
    }
    return 0;
}
