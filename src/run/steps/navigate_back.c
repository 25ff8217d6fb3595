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
#include "run/snapshot.h"
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

/* Where we were. Only a page whose address cannot be read has to be looked at. */
struct place {
    const char *url;
    struct snapshot page; /* when url is "" */
};

static int where(struct run *run, struct place *out, struct err *err)
{
    struct observation obs;
    *out = (struct place){.url = ""};
    int r = run_read_url(run, &out->url, err);
    if (r || *out->url)
        return r;
    struct pool *pool = pool_create(run->step_pool);
    r = run_look_in(run, pool, &obs, err);
    if (!r)
        snapshot_take(run->step_pool, &obs, &out->page);
    pool_destroy(pool);
    return r;
}

/* A page we may stop at: on the web, and not the detail page. Where no address can be read, another
 * page than before has to do. */
static bool is_back(const struct run *run, const struct place *before, const struct place *now)
{
    if (*now->url)
        return url_is_web(now->url) && !on_detail(run, now->url);
    return !*before->url && snapshot_changed(&before->page, &before->page, &now->page);
}

static bool is_same(const struct place *a, const struct place *b)
{
    if (*a->url || *b->url)
        return !strcmp(a->url, b->url);
    return !snapshot_changed(&a->page, &a->page, &b->page);
}

static int by_history(struct run *run, bool *ret_back, struct step_result *out, struct err *err)
{
    struct settled s;
    struct place before, now = {.url = ""};
    *ret_back = false;
    int r = where(run, &before, err);
    for (int i = 0; !r && !*ret_back && i < BACK_TRIES; i++) {
        struct err why = {0};
        r = run_back(run, &s, &why);
        if (r && r != E_GONE && r != E_CANCELLED)
            return step_fail(run, out, "cdp_back_exception", "cdp_back_exception:%s", why.msg);
        if (r)
            return err_set(err, r, "%s", why.msg);
        r = where(run, &now, err);
        if (r)
            return r;
        if (!s.url_changed && is_same(&before, &now))
            return step_fail(run, out, "cdp_back_no_change", "cdp_back_no_url_change");
        *ret_back = is_back(run, &before, &now);
        before = now;
    }
    if (!r && !*ret_back)
        step_fail(run, out, "back_to_detail_page", "back_to_detail_page:%s", now.url);
    return r;
}

static int by_opening(struct run *run, bool *ret_back, struct err *err)
{
    struct settled s;
    struct place before, now;
    const char *to = run->progress.listing_url;
    *ret_back = false;
    if (!*to)
        return 0;
    int r = where(run, &before, err);
    if (!r)
        r = run_open(run, to, CAP_LOAD_MS, &s, err);
    if (!r)
        r = where(run, &now, err);
    if (!r)
        *ret_back = is_back(run, &before, &now);
    return r;
}

static int by_closing(struct run *run, bool *ret_back, struct err *err)
{
    struct place before, now;
    int r = where(run, &before, err);
    if (!r)
        r = run_close_tab(run, err);
    if (!r)
        r = where(run, &now, err);
    if (!r)
        *ret_back = is_back(run, &before, &now);
    return r;
}

int results_return(struct run *run, const char **ret_how, struct step_result *out, struct err *err)
{
    bool back = false;
    int r = 0;
    *ret_how = "";
    if (plane_tab_count(run->plane) > 1) {
        r = by_closing(run, &back, err);
        *ret_how = back ? "tab" : "";
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
    r = subgoal_run(run, run->step->intent, subgoal_budget(run, BACK_BUDGET), out, err);
    if (!r && out->success)
        left_detail(run);
    return r;
}
