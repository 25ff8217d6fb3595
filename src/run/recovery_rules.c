/*
 * recovery_rules.c - remedies that need no model. Tried in order; the first that does not decline
 * decides.
 */
#include "run/recovery.h"

#include <string.h>

#include "base/str.h"
#include "run/allow.h"
#include "run/complaint.h"
#include "run/look.h"
#include "run/rewind.h"
#include "run/url.h"

#define BLUR_TABS     12   /* agent-loop.md 9.4: errors of fields show when they lose the focus */
#define BLUR_CAP_MS   400  /* per Tab */
#define LIKE_ENOUGH   0.6  /* of a label, to be taken for the one that was asked for */
#define LIKE_APART    0.15 /* and the runner-up must be that much worse */
#define RELOAD_CAP_MS 18000

enum { DECLINED = 1 };
typedef int remedy_fn(struct run *run, const struct recovery_ask *ask,
                      struct recovery_decision *out, struct err *err);

static bool was_tried(const struct recovery_ask *ask, const char *reasoning)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)ask->tried, i, v)
        if (json_is_string(v) && !strcmp(json_string_value(v), reasoning))
            return true;
    return false;
}

static int decided(struct recovery_decision *out, enum recovery_mode mode, const char *name,
                   const char *reasoning)
{
    out->mode = mode;
    out->name = name;
    out->reasoning = reasoning;
    return 0;
}

/* --- addresses -------------------------------------------------------------------------------- */

/* The intent names the address as well, and counts first. */
static json_t *with_url(struct run *run, const struct step *step, const char *old, const char *url)
{
    json_t *change = json_pack("{s:{s:s}}", "params", "url", url);
    const char *at = strstr(step->intent, old);
    if (at)
        json_put(change, "intent",
                 json_string_safe(pool_printf(run->step_pool, "%.*s%s%s", (int)(at - step->intent),
                                              step->intent, url, at + strlen(old))));
    return change;
}

static int another_address(struct run *run, const struct recovery_ask *ask,
                           struct recovery_decision *out, struct err *err)
{
    struct url_proposal list[URL_PROPOSALS];
    const char *url = step_url(run->step_pool, ask->step);
    bool dns = !strcmp(ask->result->failure_subclass, "dns");
    int n = url ? recovery_urls(run->step_pool, url, ask->step->intent, dns ? NULL : ask->obs->page,
                                list)
                : 0;
    for (int i = 0; i < n; i++) {
        const char *why = pool_printf(run->step_pool, "another address (%s, %.2f): %s",
                                      list[i].source, list[i].confidence, list[i].url);
        if (was_tried(ask, why) || !allow_url(run->config->allowed_domains, list[i].url))
            continue;
        out->change = with_url(run, ask->step, url, list[i].url);
        return decided(out, RECOVERY_EDIT, "bad_url", why);
    }
    return decided(out, RECOVERY_HALT, "bad_url", "no other address is left to try");
}

/* --- forms ------------------------------------------------------------------------------------ */

static int go_back(struct recovery_decision *out, int target, const char *reasoning)
{
    out->target = target;
    return decided(out, RECOVERY_REWIND, "rewind", reasoning);
}

/* Of what was refused, or never sent, it is known that it was not taken. */
static int form_again(struct run *run, const struct recovery_ask *ask,
                      struct recovery_decision *out, struct err *err)
{
    int target = rewind_target(run, ask->index, ask->obs, true);
    if (target < 0)
        return DECLINED;
    return go_back(out, target,
                   pool_printf(run->step_pool, "the form has to be filled in again from step %d on",
                               target + 1));
}

/* The page was opened anew after an interruption and stands at its beginning: the second page of a form
 * often has no address of its own. */
static int begins_anew(struct run *run, const struct recovery_ask *ask,
                       struct recovery_decision *out, struct err *err)
{
    bool went_on = run->config->checkpoint && !json_is_null(run->config->checkpoint);
    return went_on ? form_again(run, ask, out, err) : DECLINED;
}

static int signed_out(struct run *run, const struct recovery_ask *ask,
                      struct recovery_decision *out, struct err *err)
{
    int target = rewind_target(run, ask->index, ask->obs, false);
    if (target < 0)
        return DECLINED;
    return go_back(
        out, target,
        pool_printf(run->step_pool, "the page wants a sign-in: again from step %d on", target + 1));
}

static int never_again(struct run *run, const struct recovery_ask *ask,
                       struct recovery_decision *out, struct err *err)
{
    return decided(out, RECOVERY_HALT, "sent",
                   "it was sent, and nothing says that it was not taken: it is not sent again");
}

/* The nearest earlier step whose label the complaint names; -1 none. */
static int step_named_in(struct run *run, int index, const char *complaint)
{
    for (int i = index - 1; i >= 0 && rewind_may_repeat(&run->plan->steps[i]); i--) {
        const struct step *s = &run->plan->steps[i];
        if (!strcmp(s->type, "fill_field") &&
            str_has_words_fold(complaint, json_str(s->params, "label", "")))
            return i;
    }
    return -1;
}

/* A submit that did nothing: fields say what is wrong with them once they lost the focus. */
static int blur_and_read(struct run *run, const struct recovery_ask *ask,
                         struct recovery_decision *out, struct err *err)
{
    struct observation obs;
    int r = 0;
    int tabs = run->config->blur_tabs ? run->config->blur_tabs : BLUR_TABS;
    for (int i = 0; !r && i < tabs; i++)
        r = run_key(run, "Tab", BLUR_CAP_MS, err);
    if (!r)
        r = run_look(run, &obs, err);
    if (r)
        return r;
    const char *complaint = complaint_find(run->step_pool, obs.page);
    if (!*complaint)
        return DECLINED;
    const char *why = pool_printf(run->step_pool, "the page says '%s'", complaint);
    int target = step_named_in(run, ask->index, complaint);
    if (target < 0 || was_tried(ask, why))
        return decided(out, RECOVERY_HALT, "complaint", why);
    return go_back(out, target, why);
}

/* --- targets ---------------------------------------------------------------------------------- */

static int close_overlay(struct run *run, const struct recovery_ask *ask,
                         struct recovery_decision *out, struct err *err)
{
    bool done;
    if (was_tried(ask, "an overlay was closed"))
        return DECLINED;
    int r = run_dismiss_overlay(run, ask->obs, &done, err);
    if (r || !done)
        return r ? r : DECLINED;
    return decided(out, RECOVERY_HINT, "overlay", "an overlay was closed");
}

static bool can_be_meant(const struct step *step, const struct node *n)
{
    bool field = !strcmp(step->type, "fill_field");
    if (!(n->flags & NODE_VISIBLE) || n->flags & NODE_DISABLED || !*n->name)
        return false;
    return field ? (n->flags & NODE_EDITABLE) != 0
                 : n->flags & NODE_CLICKABLE && !(n->flags & NODE_EDITABLE);
}

/* The one name on the page that is nearly the wanted one; NULL none, or two that are as near. */
static const char *nearest_name(struct run *run, const struct step *step, const struct page *page,
                                const char *wanted)
{
    const char *best = NULL;
    double score = 0, second = 0;
    for (int i = 0; page && i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (!can_be_meant(step, n) || (best && str_eq_fold(best, n->name)))
            continue;
        double like = recovery_likeness(run->step_pool, n->name, wanted);
        second = like > score ? score : like > second ? like : second;
        best = like > score ? n->name : best;
        score = like > score ? like : score;
    }
    bool clear = score >= LIKE_ENOUGH && score - second >= LIKE_APART;
    return clear && !recovery_commits_more(best, wanted) ? best : NULL;
}

static int nearest_label(struct run *run, const struct recovery_ask *ask,
                         struct recovery_decision *out, struct err *err)
{
    const char *wanted = json_str(ask->step->params, "label", "");
    const char *name = *wanted ? nearest_name(run, ask->step, ask->obs->page, wanted) : NULL;
    if (!name || str_eq_fold(name, wanted))
        return DECLINED;
    const char *why = pool_printf(run->step_pool, "'%s' is the nearest to '%s' on the page",
                                  str_cut(run->step_pool, name, 60), wanted);
    if (was_tried(ask, why))
        return DECLINED;
    out->change = json_pack("{s:{s:o}}", "params", "label", json_string_safe(name));
    return decided(out, RECOVERY_EDIT, "nearest_label", why);
}

/* Only where nothing was filled in that a reload would lose. */
static int reload(struct run *run, const struct recovery_ask *ask, struct recovery_decision *out,
                  struct err *err)
{
    struct settled s;
    bool fresh = ask->index == 0 || !strcmp(run->plan->steps[ask->index - 1].type, "navigate");
    if (!fresh || !url_is_web(ask->obs->url) || was_tried(ask, "the page was loaded again"))
        return DECLINED;
    int r = run_open(run, pool_strdup(run->step_pool, ask->obs->url), RELOAD_CAP_MS, &s, err);
    return r ? r : decided(out, RECOVERY_HINT, "reload", "the page was loaded again");
}

static int give_up(struct run *run, const struct recovery_ask *ask, struct recovery_decision *out,
                   struct err *err)
{
    return decided(out, RECOVERY_HALT, "", "");
}

/* --- the table -------------------------------------------------------------------------------- */

#define ANY_OUTCOME (-1)

/* clang-format off */
static const struct remedy {
    const char *class, *type; /* NULL: any */
    int outcome;
    remedy_fn *fn;
} remedies[] = {
    {"budget_exceeded", NULL,     ANY_OUTCOME,     give_up},
    {"cf_challenge",    NULL,     ANY_OUTCOME,     give_up}, /* a human was asked before */
    {"page_blocked",    NULL,     ANY_OUTCOME,     give_up},
    {"bad_url",         NULL,     ANY_OUTCOME,     another_address},
    {NULL,              NULL,     OUTCOME_REFUSED, form_again},
    {NULL,              NULL,     OUTCOME_UNMET,   signed_out},
    {NULL,              NULL,     OUTCOME_UNMET,   never_again},
    {NULL,              NULL,     ANY_OUTCOME,     close_overlay},
    {"no_state_change", "submit", ANY_OUTCOME,     blur_and_read},
    {"selector_miss",   NULL,     ANY_OUTCOME,     signed_out},
    {"selector_miss",   NULL,     ANY_OUTCOME,     begins_anew},
    {"selector_miss",   NULL,     ANY_OUTCOME,     nearest_label},
    {"selector_miss",   NULL,     ANY_OUTCOME,     reload},
    {"nav_timeout",     NULL,     ANY_OUTCOME,     reload},
    {"extractor_error", NULL,     ANY_OUTCOME,     reload},
    {"http_4xx",        NULL,     ANY_OUTCOME,     form_again},
    {"http_5xx",        NULL,     ANY_OUTCOME,     form_again},
    {NULL,              NULL,     ANY_OUTCOME,     give_up},
};
/* clang-format on */

static bool fits(const struct remedy *m, const struct recovery_ask *ask)
{
    return (!m->class || !strcmp(m->class, ask->result->failure_class)) &&
           (!m->type || !strcmp(m->type, ask->step->type)) &&
           (m->outcome == ANY_OUTCOME || m->outcome == (int)ask->result->outcome);
}

static int decide(struct run *run, const struct recovery_ask *ask, struct recovery_decision *out,
                  struct err *err)
{
    int r = DECLINED;
    for (size_t i = 0; r == DECLINED && i < ARRAY_SIZE(remedies); i++)
        if (fits(&remedies[i], ask))
            r = remedies[i].fn(run, ask, out, err);
    return r;
}

const struct recovery_driver recovery_rules = {"rules", decide};
