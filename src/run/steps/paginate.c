/*
 * paginate.c - the next page of results (plans.md 8.9): by URL where the site or plan says how,
 * else by its control, else the brain. A page that shows what was there before is no next page.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/snapshot.h"
#include "run/subgoal.h"
#include "run/url.h"

#define BRAIN_BUDGET 8
#define HOME_CAP_MS  2000

static int went_on(struct run *run, const char *url, struct err *err)
{
    struct progress *p = &run->progress;
    int y = 0;
    coverage_paginated(&run->coverage, p->current_page, p->current_page + 1);
    p->current_page++;
    results_reset(run);
    if (*url)
        progress_set(&p->listing_url, url_no_fragment(run->step_pool, url));
    coverage_page(&run->coverage, p->current_page, url);
    p->detail_open = false;
    run->reentered = false;
    int r = plane_scroll_y(run->plane, &y, err);
    if (r == E_UNSUPPORTED || (!r && y > 0))
        return run_key(run, "Home", HOME_CAP_MS, err);
    return r;
}

static int by_url(struct run *run, const char *url, struct step_result *out, struct err *err)
{
    struct observation before, after;
    struct snapshot old, new;
    struct settled s;
    int r = run_look(run, &before, err);
    if (!r)
        snapshot_take(&before, &old);
    if (!r)
        r = run_open(run, url, CAP_LOAD_MS, &s, err);
    if (!r)
        r = run_look(run, &after, err);
    if (r)
        return r;
    snapshot_take(&after, &new);
    const char *class = run_page_class(run, &after, url);
    if (strcmp(class, "ok") || snapshot_same_url(&old, &new)) {
        int back =
            run_open(run, *run->progress.listing_url ? run->progress.listing_url : before.url,
                     CAP_LOAD_MS, &s, err);
        return back ? back
                    : step_fail(run, out, "no_state_change", "paginate_no_next_page:%s", class);
    }
    int n = run->progress.current_page + 1;
    r = went_on(run, after.url, err);
    return r ? r : step_ok(run, out, "url_paginate_page%d", n);
}

static int find_next(struct run *run, void *arg, const struct observation *obs, struct target *out,
                     struct err *err)
{
    return reader_find_next_page(run->reader, run->step_pool, obs, run->progress.current_page, out,
                                 err);
}

static int by_control(struct run *run, struct step_result *out, struct err *err)
{
    struct observation before, after;
    struct snapshot old, new;
    struct settled s;
    struct target t;
    int moved, r = run_bring(run, find_next, NULL, &before, &t, err);
    if (r == E_NOT_FOUND) { /* an endless list shows its control at the end */
        r = run_scroll_px(run, 20000, &moved, err);
        if (!r)
            r = run_bring(run, find_next, NULL, &before, &t, err);
    }
    if (r)
        return r;
    snapshot_take(&before, &old);
    out->at = t.at;
    out->label = t.label;
    r = run_click(run, t.at, BUTTON_LEFT, &s, err);
    if (!r)
        r = run_look(run, &after, err);
    if (r)
        return r;
    snapshot_take(&after, &new);
    if (snapshot_same(&old, &new))
        return step_fail(run, out, "no_state_change", "paginate:%s:no_state_change", t.label);
    const char *class = page_class(run->step_pool, &after, before.url, true);
    if (*after.url && strcmp(class, "ok"))
        return step_fail(run, out, "wrong_target", "paginate:wrong_target:%s", class);
    int n = run->progress.current_page + 1;
    r = went_on(run, after.url, err);
    return r ? r : step_ok(run, out, "paginate:%s:page%d", t.label, n);
}

static int by_brain(struct run *run, struct step_result *out, struct err *err)
{
    const char *before = pool_strdup(run->step_pool, run->live_url), *after;
    out->backend = "vision";
    int r = subgoal_run(run, run->step->intent, BRAIN_BUDGET, out, err);
    if (!r && out->success) {
        r = run_read_url(run, &after, err);
        if (!r && *after && !strcmp(before, after))
            return step_fail(run, out, "no_state_change", "paginate_no_next_page:no_state_change");
        if (!r)
            r = went_on(run, after, err);
    }
    return r;
}

int step_paginate(struct run *run, struct step_result *out, struct err *err)
{
    struct progress *p = &run->progress;
    const char *how = json_str(run->step->params, "url_template", run->plan->page_url_template);
    const char *url = NULL;
    if (*p->results_base_url)
        url = url_of_page(run->step_pool, p->results_base_url, how, run->plan->site_config,
                          p->current_page + 1);
    if (url)
        return by_url(run, url, out, err);
    int r = by_control(run, out, err);
    if (r != E_NOT_FOUND)
        return r;
    if (plane_caps(run->plane) & PLANE_HAS_DOM) /* the whole page was read: there is none */
        return step_fail(run, out, "selector_miss", "paginate_no_next_page: %s", err->msg);
    return by_brain(run, out, err);
}
