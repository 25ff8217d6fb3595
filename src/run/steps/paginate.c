/*
 * paginate.c - the next page of results (plans.md 8.9): by URL where the site or plan says how,
 * else by its control, else the brain. A page that lists what was there before is no next page: a
 * clock or an advert that changed meanwhile does not make it one.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "run/effect.h"
#include "run/look.h"
#include "run/subgoal.h"
#include "run/url.h"

#define BRAIN_BUDGET 8
#define HOME_CAP_MS  2000
#define MAX_ITEMS    300

/* --- what a page lists ------------------------------------------------------------------------ */

/* Cards by address and title, and rows by their values when the plan reads rows. "" for none. */
struct items {
    char digest[ID_SHA256_HEX_BYTES];
};

static int add_cards(struct run *run, const struct observation *obs, struct buf *b, struct err *err)
{
    struct schema *schema;
    struct card *cards = NULL;
    enum list_status status = LIST_EMPTY;
    int n = 0, r = step_schema(run, &schema, err);
    if (!r)
        r = reader_list(reader_free(run->reader), run->step_pool, obs, schema, MAX_ITEMS, &cards,
                        &n, &status, err);
    for (int i = 0; !r && status == LIST_OK && i < n; i++)
        if (!cards[i].sponsored)
            buf_addf(b, "%s\x1f%s\x1e", cards[i].href, cards[i].title);
    return r;
}

static int rows_schema(struct run *run, struct schema **out, struct err *err)
{
    *out = NULL;
    for (int i = 0; i < run->plan->n_steps; i++) {
        const struct step *s = &run->plan->steps[i];
        bool rows = !strcmp(s->type, "extract_rows");
        if (s->gate || (!rows && strcmp(s->type, "extract_data")))
            continue;
        int r = step_schema_of(run, s, out, err);
        if (r || (*out && (rows || (*out)->max_items > 1)))
            return r;
        *out = NULL;
    }
    return 0;
}

static int add_rows(struct run *run, const struct observation *obs, struct buf *b, struct err *err)
{
    struct schema *schema;
    struct extraction *rows = NULL;
    int n = 0, r = rows_schema(run, &schema, err);
    if (r || !schema)
        return r;
    r = reader_rows(reader_free(run->reader), run->step_pool, obs, schema, MAX_ITEMS, &rows, &n,
                    err);
    for (int i = 0; !r && i < n; i++)
        buf_addf(b, "%s\x1e", json_text(run->step_pool, rows[i].values));
    return r == E_NOT_FOUND ? 0 : r;
}

static int items_of(struct run *run, const struct observation *obs, struct items *out,
                    struct err *err)
{
    struct buf b;
    *out = (struct items){.digest = ""};
    if (!obs->page)
        return 0; /* pixels: asking a reader would cost more than it tells */
    buf_init(&b, 2 * CAP_PAGE_TEXT_BYTES);
    int r = add_cards(run, obs, &b, err);
    if (!r)
        r = add_rows(run, obs, &b, err);
    if (!r && b.len)
        id_sha256_hex(b.data, b.len, out->digest);
    buf_release(&b);
    return r;
}

/* --- ways to the next page -------------------------------------------------------------------- */

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

static int look_at_items(struct run *run, struct observation *obs, struct items *out,
                         struct err *err)
{
    int r = run_look(run, obs, err);
    return r ? r : items_of(run, obs, out, err);
}

static int by_url(struct run *run, const char *url, struct step_result *out, struct err *err)
{
    struct observation before, after;
    struct items old, new;
    struct settled s;
    int r = look_at_items(run, &before, &old, err);
    if (!r)
        r = run_open(run, url, CAP_LOAD_MS, &s, err);
    if (!r)
        r = look_at_items(run, &after, &new, err);
    if (r)
        return r;
    const char *class = run_page_class(run, &after, url);
    bool same = !strcmp(before.url, after.url) || (*old.digest && !strcmp(old.digest, new.digest));
    if (same || strcmp(class, "ok")) {
        int back =
            run_open(run, *run->progress.listing_url ? run->progress.listing_url : before.url,
                     CAP_LOAD_MS, &s, err);
        return back ? back
                    : step_fail(run, out, "no_state_change", "paginate_no_next_page:%s",
                                strcmp(class, "ok") ? class : "no_state_change");
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

static int bring_next(struct run *run, struct observation *obs, struct target *out, struct err *err)
{
    int moved, r = run_bring(run, find_next, NULL, obs, out, err);
    if (r != E_NOT_FOUND)
        return r;
    r = run_scroll_px(run, 20000, &moved, err); /* an endless list shows its control at the end */
    return r ? r : run_bring(run, find_next, NULL, obs, out, err);
}

/* By another address, other items, or, where no items are known, by what else is on the page. */
static int is_next(struct run *run, const struct effect *effect, const struct observation *before,
                   const struct observation *after, bool *ret_yes, struct err *err)
{
    struct items old, new;
    *ret_yes = *after->url && !url_same_page(before->url, after->url);
    if (*ret_yes)
        return 0;
    int r = items_of(run, before, &old, err);
    if (!r)
        r = items_of(run, after, &new, err);
    if (r)
        return r;
    *ret_yes = strcmp(old.digest, new.digest) != 0;
    return *ret_yes || *old.digest ? 0 : effect_seen(run, effect, after, ret_yes, err);
}

static int by_control(struct run *run, struct step_result *out, struct err *err)
{
    struct observation before, after;
    struct effect effect;
    struct settled s;
    struct target t;
    bool next = false;
    int r = bring_next(run, &before, &t, err);
    if (!r)
        r = run_regard(run, &before, "paginate", "go to the next page of results", &t, err);
    if (!r)
        r = effect_begin(run, &before, &effect, err);
    if (r)
        return r;
    out->at = t.at;
    out->label = t.label;
    r = run_click(run, t.at, BUTTON_LEFT, &s, err);
    if (!r)
        r = run_look(run, &after, err);
    if (!r)
        r = is_next(run, &effect, &before, &after, &next, err);
    if (r)
        return r;
    if (!next)
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
    int r = subgoal_run(run, run->step->intent, subgoal_budget(run, BRAIN_BUDGET), out, err);
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
