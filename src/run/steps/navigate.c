/*
 * navigate.c - open a URL and make sure that what loaded is what was asked for (plans.md 8.1).
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "core/failed_step.h"
#include "run/look.h"
#include "run/url.h"

#define DEFAULT_WAIT_S   18
#define MAX_WAIT_S       120
#define MIN_LOAD_MS      3000 /* a shorter wait would judge a page that had no chance to arrive */
#define HOME_CAP_MS      2000
#define ERROR_PAGE_BYTES 8192 /* of the browser's own page about a failed load */

static int wait_cap_ms(struct run *run)
{
    double s = run->config->nav_wait_s > 0 ? run->config->nav_wait_s : DEFAULT_WAIT_S;
    const json_t *given = step_option(run->step, "wait_after_load_seconds");
    if (json_is_number(given))
        s = json_number_value(given);
    s = s < 0 ? 0 : s > MAX_WAIT_S ? MAX_WAIT_S : s;
    int ms = (int)(s * 1000);
    return ms < MIN_LOAD_MS ? MIN_LOAD_MS : ms;
}

void results_reset(struct run *run)
{
    json_array_clear(run->progress.titles);
    json_array_clear(run->progress.tried);
    run->progress.viewport_stage = 0;
    run->progress.listings_on_page = 0;
}

void results_set_base(struct run *run, const char *url)
{
    struct progress *p = &run->progress;
    char *path = str_lower(run->step_pool, url_path(run->step_pool, url)), *save = NULL;
    progress_set(&p->results_base_url, url_no_fragment(run->step_pool, url));
    progress_set(&p->listing_url, p->results_base_url);
    json_array_clear(p->filter_tokens);
    for (char *s = strtok_r(path, "/", &save); s; s = strtok_r(NULL, "/", &save))
        if (!str_starts(s, "page-"))
            progress_add(p->filter_tokens, s);
}

/* A load that was cut off and left nothing on the screen. */
static bool nothing_there(struct run *run, const struct observation *obs)
{
    if (!strcmp(obs->url, "about:blank"))
        return true;
    if (obs->page)
        return str_empty(page_text(run->step_pool, obs->page, 0, 256)) &&
               obs->page->content_h <= obs->page->viewport.h;
    return frame_is_blank(&obs->frame);
}

static int to_the_top(struct run *run, struct err *err)
{
    int y = 1;
    int r = plane_scroll_y(run->plane, &y, err);
    if (r == E_UNSUPPORTED)
        return run_key(run, "Home", HOME_CAP_MS, err);
    return r || y == 0 ? r : run_key(run, "Home", HOME_CAP_MS, err);
}

static void arm_drift_hint(struct run *run, const char *asked)
{
    const json_t *given = step_option(run->step, "expect_url_contains");
    const char *hint = "";
    if (json_is_string(given))
        hint = json_string_value(given);
    else if (json_is_array(given) && json_is_string(json_array_get(given, 0)))
        hint = json_string_value(json_array_get(given, 0));
    else if (run->config->auto_url_gate && !json_is_false(given))
        hint = url_drift_hint(run->step_pool, asked);
    progress_set(&run->progress.drift_hint, hint);
}

/* Behind the class: what the browser says itself, when it shows its own page. */
static const char *load_code(struct run *run, const struct observation *obs)
{
    if (!obs->page || !obs->page->n_nodes || !str_starts(obs->url, "chrome-error://"))
        return "";
    const char *text = page_text(run->step_pool, obs->page, 0, ERROR_PAGE_BYTES);
    const char *code = failed_load_code(run->step_pool, text);
    return *code ? pool_printf(run->step_pool, " %s", code) : "";
}

static int judge(struct run *run, const struct observation *obs, const char *url,
                 struct step_result *out)
{
    const char *class = run_page_class(run, obs, url);
    if (str_starts(class, "http_")) {
        int status = obs->page->http_status;
        out->outcome = status >= 500 || status == 429 ? OUTCOME_BUSY : OUTCOME_NORMAL;
        return step_fail(run, out, class, "%s: the server answered %d", class, status);
    }
    if (strcmp(class, "ok") && strcmp(class, "blocked")) {
        out->failure_subclass = class;
        return step_fail(run, out, "bad_url", "bad_url:%s%s", class, load_code(run, obs));
    }
    struct progress *p = &run->progress;
    results_set_base(run, *obs->url ? obs->url : url);
    results_reset(run);
    p->current_page = 1;
    p->detail_open = false;
    run->reentered = false;
    coverage_page(&run->coverage, 1, p->results_base_url);
    arm_drift_hint(run, url);
    return step_ok(run, out, "navigate:%s", url);
}

int step_navigate(struct run *run, struct step_result *out, struct err *err)
{
    struct settled s;
    struct observation obs;
    const char *asked = step_url(run->step_pool, run->step), *url;
    if (!asked)
        return step_fail(run, out, "bad_url", "bad_url:no URL in intent or params.url");
    int cap = wait_cap_ms(run), r = run_open(run, asked, cap, &s, err);
    url = url_without_user(run->step_pool, asked);
    if (!r)
        r = to_the_top(run, err);
    if (!r)
        r = run_look(run, &obs, err);
    if (r == E_TIMEOUT) /* a page that hangs does not answer when it is looked at either */
        return step_fail(run, out, "nav_timeout", "nav_timeout: %s", err->msg);
    if (r)
        return r;
    if (s.capped && nothing_there(run, &obs))
        return step_fail(run, out, "nav_timeout", "nav_timeout: nothing was shown within %d s",
                         cap / 1000);
    if (s.refused_sign_ins && obs.page && obs.page->http_status == 401)
        return step_fail(run, out, "http_4xx", "http_4xx: basic auth required at '%s': %s",
                         url_origin(run->step_pool, url),
                         "give params.username and params.password");
    return judge(run, &obs, url, out);
}
