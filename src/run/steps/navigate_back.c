/*
 * navigate_back.c - from a detail page back to the results (plans.md 8.2).
 *
 * The live URL decides, not a pause: going back is tried while the page is still the detail page (a
 * reveal control may have added history entries), and when the browser has no way back (after a
 * resume, or a page that ate its history) the results are opened again.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/subgoal.h"
#include "run/url.h"

#define BACK_TRIES  3
#define BACK_BUDGET 8

static bool on_detail(const struct run *run, const char *url)
{
    const struct progress *p = &run->progress;
    if (*p->listing_url && url_same_page(url, p->listing_url))
        return false;
    if (*p->detail_url && url_same_page(url, p->detail_url))
        return true;
    return url_is_detail(url, run->plan->site_config, p->results_base_url);
}

/* A page we may stop at: on the web, and not the detail page. */
static bool is_back(const struct run *run, const char *url)
{
    return !*url || (url_is_web(url) && !on_detail(run, url));
}

static int by_history(struct run *run, bool *ret_back, struct step_result *out, struct err *err)
{
    struct settled s;
    const char *before, *now = "";
    *ret_back = false;
    int r = run_read_url(run, &before, err);
    for (int i = 0; !r && !*ret_back && i < BACK_TRIES; i++) {
        r = run_back(run, &s, err);
        if (!r)
            r = run_read_url(run, &now, err);
        if (r)
            return r;
        if (*now && !s.url_changed && !strcmp(now, before))
            return step_fail(run, out, "cdp_back_no_change", "cdp_back_no_url_change");
        *ret_back = is_back(run, now);
        before = now;
    }
    if (!r && !*ret_back)
        step_fail(run, out, "back_to_detail_page", "back_to_detail_page:%s", now);
    return r;
}

static int by_opening(struct run *run, bool *ret_back, struct err *err)
{
    struct settled s;
    const char *now, *to = run->progress.listing_url;
    *ret_back = false;
    if (!*to)
        return 0;
    int r = run_open(run, to, CAP_LOAD_MS, &s, err);
    if (!r)
        r = run_read_url(run, &now, err);
    if (!r)
        *ret_back = is_back(run, now);
    return r;
}

int results_return(struct run *run, const char **ret_how, struct step_result *out, struct err *err)
{
    bool back = false;
    const char *url;
    int r = 0;
    *ret_how = "";
    if (plane_tab_count(run->plane) > 1) {
        r = run_close_tab(run, err);
        if (!r)
            r = run_read_url(run, &url, err);
        if (!r && is_back(run, url))
            *ret_how = "tab";
        return r;
    }
    if (!run->reentered) {
        r = by_history(run, &back, out, err);
        if (r || back) {
            *ret_how = back ? "cdp" : "";
            return r;
        }
        if (*run->progress.listing_url)
            run_heal(run, "insert_step", "critic-navigate-back-recovery",
                     json_pack("{s:s,s:s,s:s}", "inserted_intent", "Open the results again",
                               "inserted_type", "navigate", "reason", out->data));
    }
    r = by_opening(run, &back, err);
    *ret_how = back ? "results" : "";
    return r;
}

static void left_detail(struct run *run)
{
    struct progress *p = &run->progress;
    if (p->detail_open && *p->card_title)
        coverage_item(&run->coverage, p->current_page, p->card_title, ITEM_COMPLETED);
    p->detail_open = false;
    run->reentered = false;
}

int step_navigate_back(struct run *run, struct step_result *out, struct err *err)
{
    const char *how = "";
    int r = 0;
    if (!json_truthy(json_object_get(run->step->params, "brain_required")))
        r = results_return(run, &how, out, err);
    if (r)
        return r;
    if (*how) {
        out->verified_change = true;
        left_detail(run);
        return step_ok(run, out, !strcmp(how, "tab") ? "back_via_tab:%s" : "back_via_cdp:%s",
                       run->live_url);
    }
    run_heal(run, "handler_escalation", "runner",
             json_pack("{s:s,s:s,s:s}", "from_handler", "navigate_back", "to_handler", "holo3",
                       "trigger", out->data && *out->data ? out->data : "brain_required"));
    out->backend = "vision";
    r = subgoal_run(run, run->step->intent, BACK_BUDGET, out, err);
    if (!r && out->success)
        left_detail(run);
    return r;
}
