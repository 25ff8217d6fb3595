#include "run/resume.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/edits.h"
#include "run/journal.h"
#include "run/look.h"
#include "run/page_state.h"
#include "run/step.h"
#include "run/url.h"

int resume_restore(struct run *run, struct err *err)
{
    const json_t *doc = run->config->checkpoint;
    if (!doc || json_is_null(doc))
        return 0;
    const char *signature = json_str(doc, "plan_signature", "");
    if (*signature && strcmp(signature, run->plan->signature)) {
        run_warn(run, "signature_differs",
                 "the checkpoint belongs to another plan: starting from the beginning");
        return 0;
    }
    json_t *shown = answer_show(&run->answers, doc);
    int r = progress_from_json(&run->progress, shown, err);
    json_decref(shown);
    if (r)
        return r;
    r = edits_replay(run, err);
    if (r)
        return r;
    coverage_release(&run->coverage);
    coverage_init(&run->coverage, run->progress.coverage);
    run->elapsed_before = run->progress.elapsed_s;
    progress_set(&run->live_url, run->progress.current_url); /* until the next look */
    json_decref(run->run_time);
    run->run_time = json_deep_copy(run->progress.time_buckets);
    return 0;
}

/* Steps that work on the results, as opposed to the page that is open. */
static bool wants_results(const struct step *s)
{
    static const char *const types[] = {"paginate", "loop", "filter"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(types[i], s->type))
            return true;
    return step_is_listing(s);
}

/* Whatever was opened on the way there, a picture or a panel. Other steps act where the run stands.
 */
static bool reads_the_detail(const struct step *s)
{
    return str_starts(s->type, "extract") || !strcmp(s->type, "scroll");
}

const char *resume_url(struct run *run)
{
    const struct progress *p = &run->progress;
    if (p->step_index >= run->plan->n_steps)
        return "";
    const struct step *s = &run->plan->steps[p->step_index];
    const char *results = *p->listing_url ? p->listing_url : p->results_base_url;
    const char *left = page_state_url(run, p->step_index);
    if (!strcmp(s->type, "navigate") && !s->gate)
        return "";
    if (*left)
        return left;
    if (!strcmp(s->type, "navigate_back") || wants_results(s))
        return results;
    if (p->detail_open && *p->detail_url && reads_the_detail(s))
        return p->detail_url;
    return url_is_web(p->current_url) ? p->current_url : results;
}

/* --- what a page that is opened again has forgotten ------------------------------------------ */

/* The next step sent its form already: the journal says how to go on. */
static bool sent_already(const struct run *run)
{
    char key[32];
    snprintf(key, sizeof(key), "%d#%d", run->progress.step_index, run->progress.effects + 1);
    const char *state = json_str(json_object_get(run->config->journal, key), "state", "");
    return !strcmp(state, "sent") || !strcmp(state, "observed");
}

static const json_t *result_at(const struct run *run, size_t n)
{
    return json_array_get(run->progress.step_results, n);
}

static const struct step *step_of(const struct run *run, const json_t *result)
{
    int i = (int)json_int(result, "step_index", -1);
    return i >= 0 && i < run->plan->n_steps ? &run->plan->steps[i] : NULL;
}

static bool enters(const struct step *s)
{
    static const char *const types[] = {"fill_field", "select_option", "type_text"};
    for (size_t i = 0; s && i < ARRAY_SIZE(types); i++)
        if (!strcmp(types[i], s->type))
            return true;
    return false;
}

/* Result n pressed a button when nothing was entered that it could send, and what came next was
 * entered: "Compose", "Reply", "New". It is pressed again where its form is gone. */
static bool opened_a_form(const struct run *run, size_t n)
{
    const struct step *s = step_of(run, result_at(run, n));
    const struct step *next = n + 1 < json_array_size(run->progress.step_results)
                                  ? step_of(run, result_at(run, n + 1))
                                  : &run->plan->steps[run->progress.step_index];
    return !strcmp(s->type, "submit") && !journal_commits(s) && enters(next) &&
           !(n && enters(step_of(run, result_at(run, n - 1))));
}

/* Opening the page gives what result n left behind: it was led there by its address, or what it did
 * cannot be done again. */
static bool starts_a_page(const struct run *run, size_t n)
{
    const json_t *result = result_at(run, n);
    const struct step *s = step_of(run, result);
    const struct step_type *type = s ? step_type_find(s->type) : NULL;
    const char *url = json_str(result, "final_url", "");
    if (!s || step_is_listing(s) || (journal_wanted(s) && !opened_a_form(run, n)) ||
        (type && !s->gate && type->flags & STEP_OPENS))
        return true;
    return n == 0 || strcmp(url, json_str(result_at(run, n - 1), "final_url", url));
}

static bool left_a_mark(const struct run *run, size_t n)
{
    const json_t *result = result_at(run, n);
    const struct step *s = step_of(run, result);
    const struct step_type *type = step_type_find(s->type);
    bool read_only = s->gate || (type && type->flags & STEP_READ_ONLY);
    return !read_only && strcmp(s->type, "if_else") && !json_flag(result, "skip", false);
}

/* First result whose step must be carried out again; the number of results when none. */
static size_t first_to_redo(const struct run *run)
{
    size_t n = json_array_size(run->progress.step_results), first = n;
    int next = run->progress.step_index;
    while (n > 0) {
        int index = (int)json_int(result_at(run, n - 1), "step_index", -1);
        if (index >= next || starts_a_page(run, n - 1)) /* or around a loop */
            break;
        next = index;
        n--;
        if (left_a_mark(run, n))
            first = n;
    }
    return first;
}

static void drop_last(json_t *array, size_t n)
{
    for (size_t i = json_array_size(array); n > 0 && i > 0; n--, i--)
        json_array_remove(array, i - 1);
}

/* The last result did not happen: nor did what it counted and found. */
static void forget_last(struct run *run)
{
    struct progress *p = &run->progress;
    const json_t *result = result_at(run, json_array_size(p->step_results) - 1);
    const char *backend = json_str(result, "executor_backend", ""), *data;
    size_t rows = (size_t)json_int(result, "rows", 0);
    json_put_int(p->backends, backend, json_int(p->backends, backend, 0) - 1);
    drop_last(p->rows, rows);
    drop_last(p->leads, rows);
    data = json_str(result, "data", "");
    if (json_flag(result, "success", false) && str_starts(data, "URL:"))
        drop_last(p->seen_urls, 1);
    if (p->inputs > 0 && (str_starts(data, "request_user_input:") || str_ends(data, ":pause")))
        p->inputs--; /* it gets the same answer again */
    drop_last(p->step_results, 1);
}

/* Fields are filled in and boxes ticked again, or an empty form would be sent. */
static void rewind_page(struct run *run)
{
    struct progress *p = &run->progress;
    if (p->step_index >= run->plan->n_steps || sent_already(run) ||
        !strcmp(run->plan->steps[p->step_index].type, "navigate_back"))
        return;
    const char *url = resume_url(run);
    size_t first = first_to_redo(run), n = json_array_size(p->step_results);
    if (first == n || !*url ||
        !url_same_page(url, json_str(result_at(run, n - 1), "final_url", url)))
        return;
    p->step_index = (int)json_int(result_at(run, first), "step_index", p->step_index);
    p->retries = 0;
    for (; n > first; n--)
        forget_last(run);
}

static int scroll_back_to(struct run *run, int y, struct err *err)
{
    int now, moved;
    if (y <= 0 || !(plane_caps(run->plane) & PLANE_HAS_DOM))
        return 0;
    int r = plane_scroll_y(run->plane, &now, err);
    return r ? r : run_scroll_px(run, y - now, &moved, err);
}

int resume_reenter(struct run *run, struct err *err)
{
    struct progress *p = &run->progress;
    struct settled s;
    rewind_page(run);
    if (p->step_index >= run->plan->n_steps)
        return 0;
    const struct step *step = &run->plan->steps[p->step_index];
    const char *url = resume_url(run);
    run_event(run, "runner", "resumed",
              json_pack("{s:i,s:s}", "next_step", p->step_index, "url", url),
              "going on with step %d of %d", p->step_index + 1, run->plan->n_steps);
    bool back = !strcmp(step->type, "navigate_back");
    run->reentered = !wants_results(step);
    if (!*url || back) /* the step itself opens the results */
        return 0;
    int r = run_open(run, url, CAP_LOAD_MS, &s, err);
    run->reopened = !r;
    if (!r && !wants_results(step))
        r = scroll_back_to(run, p->scroll_y, err);
    if (r == E_GONE || r == E_CANCELLED || !r)
        return r;
    run_warn(run, "reentry_failed", "the page of the checkpoint did not open: %s", err->msg);
    return 0;
}
