#include "run/demote.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/run.h"
#include "run/complaint.h"
#include "run/journal.h"
#include "run/look.h"
#include "run/steps/steps.h"
#include "run/url.h"

#define EXPECT_MS       2000 /* for a phrase to appear: what a page does on a timer has its chance */
#define EXPECT_STEP_MS  200
#define MISSED_PX       60 /* two points of one button may lie so far apart */

/* --- what was expected ------------------------------------------------------------------------ */

/* Phrase i of the hint, a string or a list; NULL past the end. */
static const char *phrase(const struct step *step, size_t i)
{
    const json_t *v = json_object_get(step->hints, "expect_text_present");
    if (json_is_string(v))
        return i == 0 ? json_string_value(v) : NULL;
    v = json_array_get(v, i);
    return json_is_string(v) ? json_string_value(v) : NULL;
}

static bool expects_text(const struct step *step)
{
    const char *p;
    for (size_t i = 0; (p = phrase(step, i)); i++)
        if (*p)
            return true;
    return false;
}

/* On the page as it is in *obs; where there is no page to read, the reader is asked. */
static int any_phrase(struct run *run, const struct observation *obs, bool *ret_yes,
                      struct err *err)
{
    const char *p;
    const char *text = obs->page ? page_text(run->step_pool, obs->page, 0, PAGE_TEXT_BYTES) : NULL;
    int r = 0;
    *ret_yes = false;
    for (size_t i = 0; !r && !*ret_yes && (p = phrase(run->step, i)); i++) {
        struct verdict v = {.answer = ANSWER_NO};
        if (!*p)
            continue;
        if (text)
            *ret_yes = str_contains_fold(text, p);
        else
            r = run_ask(run, pool_printf(run->step_pool, "The page shows \"%s\"", p), &v, err);
        *ret_yes = *ret_yes || v.answer == ANSWER_YES;
    }
    return r;
}

/* *obs: the last look. */
static int expected_text_visible(struct run *run, int patience_ms, struct observation *obs,
                                 bool *ret_yes, struct err *err)
{
    int64_t end = clock_mono_ms() + patience_ms;
    for (;;) {
        int r = run_look(run, obs, err);
        if (!r)
            r = any_phrase(run, obs, ret_yes, err);
        if (r || *ret_yes || clock_mono_ms() >= end)
            return r;
        r = loop_wait(run->loop, NULL, NULL, clock_mono_ms() + EXPECT_STEP_MS);
        if (r && r != E_TIMEOUT)
            return err_set(err, r, "interrupted while waiting for the expected text");
    }
}

/* --- success becomes failure ------------------------------------------------------------------ */

static void demote(struct run *run, struct step_result *result, const char *class, const char *why)
{
    const char *type = run->step->type;
    result->success = false;
    result->failure_class = class;
    result->data = pool_printf(run->step_pool, "%s:%s", result->data, class);
    run_heal(run, "demotion", "runner",
             json_pack("{s:s,s:o}", "step_type", type, "reason",
                       json_string_safe(str_cut(run->step_pool, why, 200))));
    run_event(
        run, "runner", "demotion",
        json_pack("{s:s,s:s,s:o}", "type", type, "class", class, "reason", json_string_safe(why)),
        "%s does not count: %s", type, why);
}

/* A form that was not taken is still there to be sent. */
static bool form_still_there(struct run *run, const struct observation *obs)
{
    struct target_query q = step_query(run, TARGET_BUTTON);
    struct target t;
    return reader_find(reader_free(run->reader), run->step_pool, obs, &q, &t, NULL) == 0;
}

/* On pixels: the click left no trace, and what it was meant for is seen elsewhere. It was hardly hit; what commits
 * something is not risked on that, nor is the same place pressed again. */
static bool was_missed(struct run *run, const struct step_result *result,
                       const struct observation *obs)
{
    struct target_query q = step_query(run, TARGET_BUTTON);
    struct target t;
    if (journal_commits(run->step) || step_names_place(run->step) || obs->page || !result->untouched || result->navigated || !url_same_page(obs->url, run->url_before) ||
        reader_find(run->reader, run->step_pool, obs, &q, &t, NULL))
        return false;
    return abs(t.at.x - result->at.x) > MISSED_PX || abs(t.at.y - result->at.y) > MISSED_PX;
}

/* May what left be sent again? Only where the page says that it was not taken, or it cannot have left (design.md
 * rule 1). */
static void judge_sent(struct run *run, struct step_result *result, const struct observation *obs,
                       const char *complaint)
{
    int status = obs->page ? obs->page->http_status : 0;
    bool said = *complaint && strcmp(complaint, result->complaint_before);
    const char *text = obs->page ? page_text(run->step_pool, obs->page, 0, PAGE_TEXT_BYTES) : "";
    if (!result->sent || (!result->verified_change && !said) ||
        (!said && was_missed(run, result, obs)))
        return; /* what did nothing at all may be pressed again */
    bool refused = (said && form_still_there(run, obs)) ||
                   (result->navigated && status >= 400 && status < 500) ||
                   (!result->undone_before && complaint_says_undone(text));
    result->outcome = refused ? OUTCOME_REFUSED : OUTCOME_UNMET;
}

/* What the page complains of is the reason, when it does. */
static void demote_sent(struct run *run, struct step_result *result, const struct observation *obs,
                        const char *class, const char *why)
{
    const char *complaint = complaint_find(run->step_pool, obs->page);
    judge_sent(run, result, obs, complaint);
    if (*complaint && strcmp(complaint, result->complaint_before))
        why = pool_printf(run->step_pool, "the page says '%s'", complaint);
    demote(run, result, class, why);
    if (*complaint)
        result->data = pool_printf(run->step_pool, "%s:%s", result->data, complaint);
}

/* --- the checks ------------------------------------------------------------------------------- */

static int check_change(struct run *run, struct step_result *result, struct err *err)
{
    struct observation obs;
    bool visible;
    if (result->verified_change)
        return 0;
    int r = expected_text_visible(run, 0, &obs, &visible, err);
    if (!r && !visible)
        demote_sent(run, result, &obs, "no_state_change",
                    "nothing on the page or in its address changed");
    return r;
}

/* The answer to what was pressed is an error page. A wall is left to those who deal with walls. */
static int check_answer(struct run *run, struct step_result *result, struct err *err)
{
    struct observation obs;
    if (!result->navigated)
        return 0;
    int r = run_look(run, &obs, err);
    int status = !r && obs.page ? obs.page->http_status : 0;
    if (r || status < 400 || failure_wall_mark(obs.title))
        return r;
    demote_sent(run, result, &obs, status >= 500 ? "http_5xx" : "http_4xx",
                pool_printf(run->step_pool, "the server answered %d", status));
    return 0;
}

static int check_text(struct run *run, struct step_result *result, struct err *err)
{
    struct observation obs;
    bool visible;
    if (!expects_text(run->step) || !result->verified_change)
        return 0;
    int r = expected_text_visible(run, EXPECT_MS, &obs, &visible, err);
    if (r || visible)
        return r;
    result->failure_subclass = "expected_text_missing";
    demote_sent(run, result, &obs, "no_state_change",
                "the page changed, but does not show what expect_text_present says");
    return 0;
}

static int check_aim(struct run *run, struct step_result *result, struct err *err)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_url_contains");
    const json_t *unwanted = json_object_get(run->step->hints, "expect_url_excludes");
    const char *url, *which = "", *why = NULL;
    struct observation obs;
    if (!json_truthy(wanted) && !json_truthy(unwanted))
        return 0;
    int r = run_read_url(run, &url, err);
    if (r || !*url)
        return r;
    if (!url_contains_all(url, wanted, &which))
        why = pool_printf(run->step_pool, "the URL does not contain '%s'", which);
    else if (url_contains_any(url, unwanted, &which))
        why = pool_printf(run->step_pool, "the URL contains '%s'", which);
    if (!why)
        return 0;
    r = run_look(run, &obs, err);
    if (!r)
        demote_sent(run, result, &obs, "wrong_target", why);
    return r;
}

/* In this order: an answer of the server explains more than a text that is missing. */
static const struct {
    unsigned flag; /* of the step type */
    int (*fn)(struct run *run, struct step_result *result, struct err *err);
} checks[] = {
    {STEP_MUST_CHANGE, check_change},
    {STEP_MUST_CHANGE, check_answer},
    {STEP_MUST_CHANGE, check_text},
    {STEP_AIMS, check_aim},
};

int demote_check(struct run *run, struct step_result *result, struct err *err)
{
    const struct step_type *type = step_type_find(run->step->type);
    int r = 0;
    if (!result->success || result->skip || result->from_journal || run->step->gate || !type)
        return 0;
    for (size_t i = 0; !r && result->success && i < ARRAY_SIZE(checks); i++)
        if (type->flags & checks[i].flag)
            r = checks[i].fn(run, result, err);
    return r;
}
