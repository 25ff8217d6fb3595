/*
 * extract_url.c - the live URL, checked and remembered (plans.md 8.10).
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/url.h"

/* The plane that has no DOM cannot always read the address: then there is nothing to report. */
int step_extract_url(struct run *run, struct step_result *out, struct err *err)
{
    const char *live, *pattern = json_str(run->plan->site_config, "detail_page_pattern", "");
    int r = run_read_url(run, &live, err);
    if (r)
        return r;
    if (!url_is_web(live))
        return step_fail(run, out, "extractor_error", "extract_error: no URL could be read");
    const char *url = url_no_fragment(run->step_pool, live);
    bool allowed = json_truthy(json_object_get(run->step->extract, "allow_pagination_urls")) ||
                   json_truthy(json_object_get(run->step->params, "allow_pagination_urls"));
    if (url_is_pagination(url) && !allowed)
        return step_fail(run, out, "wrong_target", "PAGINATION_URL|%s", url);
    if (*pattern && !strcmp(run->step->section, "extraction") && !url_matches(url, pattern))
        return step_fail(run, out, "wrong_target", "WRONG_PAGE|%s|expected=%s", url, pattern);
    bool cached = json_object_get(run->config->cache, url) != NULL;
    run->progress.shared_seen_hits += cached;
    if (cached || progress_has(run->progress.seen_urls, url)) {
        out->outcome = OUTCOME_DUPLICATE;
        return step_fail(run, out, "duplicate", "DUPLICATE|%s", url);
    }
    progress_add(run->progress.seen_urls, url);
    json_put_str(run->progress.last_extracted, "url", url);
    return step_ok(run, out, "URL:%s", url);
}
