/*
 * collect_urls.c - note where the cards of a result list lead, without opening them
 * (plans.md 8.10). The list goes on loading while one scrolls, so it is gone through in a few
 * stages.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "run/look.h"
#include "run/pause.h"
#include "run/url.h"

#define DEFAULT_STAGES  4
#define MAX_STAGES      50
#define VIEWS_PER_STAGE 2
#define CARDS_PER_LOOK  400
#define LINK_LEVELS     5 /* boxes around or inside a card that may say where it leads */

struct collect {
    json_t *known; /* cards counted so far, by target or title */
    int cards, resolved;
    const char *signal; /* "blocked", "error", "" */
};

static const char *data_link(const struct node *n)
{
    const char *v = node_attr(n, "data-href");
    return v ? v : node_attr(n, "data-url");
}

static int depth_below(const struct page *page, int i, int top)
{
    int d = 0;
    for (; i > top; i = page->nodes[i].parent)
        d++;
    return d;
}

/* What the markup around a card says that has no link of its own; NULL: nothing. */
static const char *link_around(const struct page *page, int node)
{
    int up = node;
    for (int level = 0; up >= 0 && level <= LINK_LEVELS; level++, up = page->nodes[up].parent)
        if (*page->nodes[up].href || data_link(&page->nodes[up]))
            return *page->nodes[up].href ? page->nodes[up].href : data_link(&page->nodes[up]);
    for (int i = node + 1; i < page->nodes[node].end; i++) {
        const struct node *n = &page->nodes[i];
        if (depth_below(page, i, node) <= LINK_LEVELS && (*n->href || data_link(n)))
            return *n->href ? n->href : data_link(n);
    }
    return NULL;
}

static const char *target_of(struct pool *pool, const struct observation *obs,
                             const struct card *card)
{
    const char *link = card->href;
    if (!*link && obs->page && card->target.node >= 0)
        link = link_around(obs->page, card->target.node);
    return link ? url_join(pool, obs->url, link) : "";
}

static void take_card(struct run *run, struct collect *c, const struct observation *obs,
                      const struct card *card)
{
    const char *url = target_of(run->step_pool, obs, card);
    const char *key = url_is_web(url) ? url : card->title;
    json_t *urls = run->progress.collected_urls;
    if (card->sponsored || progress_has(c->known, key))
        return;
    progress_add(c->known, key);
    c->cards++;
    if (!url_is_web(url))
        return;
    c->resolved++;
    if (json_array_size(urls) < CAP_COLLECTED_URLS)
        progress_add(urls, url);
    else
        run_warn(run, "urls_capped", "more than %d addresses: the rest is not kept",
                 CAP_COLLECTED_URLS);
}

static int read_stage(struct run *run, struct pool *pool, const struct schema *schema,
                      struct collect *c, struct err *err)
{
    struct observation obs;
    struct card *cards;
    enum list_status status;
    int n;
    int r = run_look_in(run, pool, &obs, err);
    if (!r)
        r = reader_list(run->reader, pool, &obs, schema, CARDS_PER_LOOK, &cards, &n, &status, err);
    if (r)
        return r;
    c->signal = status == LIST_BLOCKED ? "blocked" : status == LIST_ERROR ? "error" : "";
    for (int i = 0; !*c->signal && i < n; i++)
        take_card(run, c, &obs, &cards[i]);
    return 0;
}

/* A page is large: what a stage looked at goes with it. */
static int one_stage(struct run *run, const struct schema *schema, struct collect *c,
                     struct err *err)
{
    struct pool *pool = pool_create(run->step_pool);
    int r = read_stage(run, pool, schema, c, err);
    pool_destroy(pool);
    return r;
}

static int stages_of(const struct step *step)
{
    int n = (int)json_int(step->hints, "max_viewport_stages",
                          json_int(step->params, "max_viewport_stages", DEFAULT_STAGES));
    return n < 1 ? DEFAULT_STAGES : n > MAX_STAGES ? MAX_STAGES : n;
}

static int skipped(struct run *run, struct step_result *out, const char *why)
{
    out->skip = true;
    out->skip_reason = why;
    return step_fail(run, out, "", "%s", why);
}

int step_collect_urls(struct run *run, struct step_result *out, struct err *err)
{
    struct collect c = {.known = json_keep(run->step_pool, json_array()), .signal = ""};
    struct schema *schema = NULL;
    int w, h, moved = 1, stages = stages_of(run->step);
    plane_size(run->plane, &w, &h);
    int r = step_schema(run, &schema, err);
    for (int i = 0; !r && moved && !*c.signal && i < stages; i++) {
        r = pause_between(run, NULL, err);
        r = r || !i ? r : run_scroll_px(run, VIEWS_PER_STAGE * h, &moved, err);
        if (!r && moved)
            r = one_stage(run, schema, &c, err);
    }
    if (r)
        return r;
    if (*c.signal)
        return skipped(run, out, pool_printf(run->step_pool, "collect_urls_signal_%s", c.signal));
    if (!c.cards)
        return skipped(run, out, "collect_urls_signal_empty");
    if (!c.resolved)
        return skipped(run, out, "collect_urls_all_unresolved");
    return step_ok(run, out, "urls:%d/%d", c.resolved, c.cards);
}
