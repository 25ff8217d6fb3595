#include "run/resume.h"

#include <stdio.h>
#include <string.h>

#include "run/look.h"
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
    int r = progress_from_json(&run->progress, doc, err);
    if (r)
        return r;
    coverage_release(&run->coverage);
    coverage_init(&run->coverage, run->progress.coverage);
    run->elapsed_before = run->progress.elapsed_s;
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

const char *resume_url(struct run *run)
{
    const struct progress *p = &run->progress;
    if (p->step_index >= run->plan->n_steps)
        return "";
    const struct step *s = &run->plan->steps[p->step_index];
    const char *results = *p->listing_url ? p->listing_url : p->results_base_url;
    if (!strcmp(s->type, "navigate") && !s->gate)
        return "";
    if (!strcmp(s->type, "navigate_back") || wants_results(s))
        return results;
    if (p->detail_open && *p->detail_url)
        return p->detail_url;
    return url_is_web(p->current_url) ? p->current_url : results;
}

/* A page that is opened again has forgotten what was typed: the fields right before the next step
 * are filled in again, unless the form was sent already. */
static void rewind_fields(struct run *run)
{
    struct progress *p = &run->progress;
    const struct step *steps = run->plan->steps;
    char key[32];
    int i = p->step_index;
    if (i >= run->plan->n_steps ||
        (strcmp(steps[i].type, "fill_field") && strcmp(steps[i].type, "submit")))
        return;
    snprintf(key, sizeof(key), "%d#%d", i, p->effects + 1);
    const char *state = json_str(json_object_get(run->config->journal, key), "state", "");
    if (!strcmp(state, "sent") || !strcmp(state, "observed"))
        return;
    while (i > 0 && !strcmp(steps[i - 1].type, "fill_field"))
        i--;
    for (size_t n = json_array_size(p->step_results); n > 0; n--) {
        int index = (int)json_int(json_array_get(p->step_results, n - 1), "step_index", -1);
        if (index < i || index >= p->step_index)
            break;
        json_array_remove(p->step_results, n - 1);
    }
    if (i < p->step_index)
        p->retries = 0;
    p->step_index = i;
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
    rewind_fields(run);
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
    if (!r && !wants_results(step))
        r = scroll_back_to(run, p->scroll_y, err);
    if (r == E_GONE || r == E_CANCELLED || !r)
        return r;
    run_warn(run, "reentry_failed", "the page of the checkpoint did not open: %s", err->msg);
    return 0;
}
