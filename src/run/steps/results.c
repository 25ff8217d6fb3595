/*
 * results.c - is this the page of results that the plan chose, with its filters? (plans.md 8.3)
 */
#include "run/steps/steps.h"

#include "run/look.h"
#include "run/url.h"

static bool has_filters(const struct run *run, const char *url)
{
    const char *pattern = json_str(run->plan->site_config, "results_page_pattern", "");
    if (!*url || !url_is_web(url))
        return !*url;
    if (*pattern && !url_matches(url, pattern))
        return false;
    return url_contains_all(url, run->progress.filter_tokens, NULL);
}

static bool stands_on_detail(const struct run *run, const char *url)
{
    const struct progress *p = &run->progress;
    return *p->detail_url && url_same_page(url, p->detail_url) &&
           !url_same_page(url, p->listing_url);
}

static const char *results_url(const struct run *run)
{
    const struct progress *p = &run->progress;
    return *p->listing_url ? p->listing_url : p->results_base_url;
}

static int open_results(struct run *run, const char *to, struct err *err)
{
    struct settled s;
    run_event(run, "runner", "results_reopened", json_pack("{s:o}", "url", json_string_safe(to)),
              "opened the results again");
    run->progress.detail_open = false;
    int r = run_open(run, to, CAP_LOAD_MS, &s, err);
    run->reentered = false;
    return r;
}

int results_reopen(struct run *run, struct err *err)
{
    return *results_url(run) ? open_results(run, results_url(run), err) : 0;
}

/* Filters that do not stand in the address: the site's own sentence, held against what is shown. */
static int filters_shown(struct run *run, bool *ret_yes, struct err *err)
{
    const char *asked = json_str(run->plan->site_config, "gate_verify_prompt", "");
    struct verdict v = {.answer = ANSWER_UNKNOWN};
    if (!*asked)
        return 0;
    size_t i;
    json_t *token;
    json_array_foreach (run->progress.filter_tokens, i, token)
        asked = pool_printf(run->step_pool, "%s%s%s", asked, i ? ", " : " ", json_string_value(token));
    int r = run_ask(run, asked, &v, err);
    *ret_yes = v.answer == ANSWER_YES;
    return r;
}

static int look_for_filters(struct run *run, bool *ret_ok, struct err *err)
{
    const char *url;
    int r = run_read_url(run, &url, err);
    if (r || stands_on_detail(run, url))
        return r;
    *ret_ok = has_filters(run, url);
    return *ret_ok ? 0 : filters_shown(run, ret_ok, err);
}

/* Where they are gone, the results are opened again; then the address that the site is known to have them
 * at. */
int results_ensure_filters(struct run *run, bool *ret_ok, struct err *err)
{
    const char *ways[] = {results_url(run),
                          json_str(run->plan->site_config, "filtered_results_url", "")};
    *ret_ok = false;
    int r = look_for_filters(run, ret_ok, err);
    if (!r && !*ret_ok && plane_tab_count(run->plane) > 1)
        r = run_close_tab(run, err);
    for (size_t i = 0; !r && !*ret_ok && i < ARRAY_SIZE(ways); i++) {
        if (!*ways[i])
            continue;
        r = open_results(run, ways[i], err);
        if (!r)
            r = look_for_filters(run, ret_ok, err);
    }
    if (!r && *run->progress.results_base_url)
        coverage_filters(&run->coverage, run->progress.current_page, *ret_ok);
    return r;
}
