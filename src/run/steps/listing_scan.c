/*
 * listing_scan.c - the cards of a page of results: which are there, which was taken, which is next.
 *
 * A reader with a DOM sees all cards of the page, in view or not; more are looked for only when none is left
 * (endless lists load at the end). Every card gets its word in the account of the page.
 */
#include "run/steps/listing_scan.h"

#include <string.h>

#include "base/str.h"
#include "core/completeness.h"
#include "core/flow.h"
#include "run/account.h"
#include "run/evidence.h"
#include "run/look.h"
#include "run/more.h"
#include "run/pause.h"
#include "run/url.h"

#define MAX_CARDS  300
#define MAX_STAGES 6   /* viewport stages 0..5 */
#define MAX_LOADS  100 /* of a list that loads more at its end */
#define BEST_ABOVE 0.5 /* likeness of a title to the one that is meant (plans.md 8.3) */
#define SAYS_SO    0.6 /* of a card with the words somewhere else */

/* What a card is remembered by: two cards may share a title, not an address. */
static const char *card_key(struct run *run, const struct card *c)
{
    if (*c->href)
        return url_no_fragment(run->step_pool, c->href);
    return str_lower(run->step_pool, c->title);
}

static bool is_unknown(const struct card *c)
{
    return str_empty(c->title) || str_eq_fold(c->title, "unknown");
}

static bool cached(struct run *run, const struct card *c)
{
    return json_object_get(run->config->cache, card_key(run, c)) != NULL;
}

static bool taken(struct run *run, const struct card *c)
{
    const char *key = card_key(run, c);
    return progress_has(run->progress.tried, key) || progress_has(run->progress.seen_urls, key) ||
           cached(run, c);
}

/* Share of equal words: equal 1, containment .9, else Jaccard (plans.md 8.3). */
static double likeness(struct pool *pool, const char *title, const char *wanted)
{
    if (str_eq_fold(title, wanted))
        return 1;
    if (str_contains_fold(title, wanted) || str_contains_fold(wanted, title))
        return 0.9;
    int words = 0, common = 0, others = 0;
    char *save = NULL, *copy = pool_strdup(pool, wanted);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        words++;
        common += str_has_words_fold(title, w);
    }
    copy = pool_strdup(pool, title);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        others++;
    int all = words + others - common;
    return all > 0 ? (double)common / all : 0;
}

/* Which one is meant, when the step says: by its hint, else by a quoted name in its sentence. */
static const char *preferred(struct run *run)
{
    const char *hint = json_str(run->step->hints, "preferred_target_description", "");
    const char *named = *hint ? hint : reader_named_card(run->step_pool, run->step->intent);
    return named ? named : "";
}

const char *scan_only(struct run *run)
{
    const char *hint = json_str(run->step->hints, "preferred_target_description", "");
    bool repeats = flow_loop_around(run->plan, run->index) >= 0;
    return *hint || repeats ? NULL : reader_named_card(run->step_pool, run->step->intent);
}

/* By its title, else by what stands on it. */
static double score_of(struct run *run, const struct card *c, const char *wanted)
{
    double score = likeness(run->step_pool, c->title, wanted);
    return score <= BEST_ABOVE && c->text && str_contains_fold(c->text, wanted) ? SAYS_SO : score;
}

/* Reading order, "unknown" last, the preferred title first when it is clearly the best. A step that names one card and
 * no other takes no other. */
static const struct card *choose(struct run *run, const struct card *cards, int n)
{
    const char *wanted = preferred(run);
    const struct card *first = NULL, *nameless = NULL, *best = NULL;
    double best_score = BEST_ABOVE;
    for (int i = 0; i < n; i++) {
        if (cards[i].sponsored || taken(run, &cards[i]))
            continue;
        if (is_unknown(&cards[i])) {
            nameless = nameless ? nameless : &cards[i];
            continue;
        }
        first = first ? first : &cards[i];
        double score = *wanted ? score_of(run, &cards[i], wanted) : 0;
        if (score > best_score) {
            best_score = score;
            best = &cards[i];
        }
    }
    if (best || scan_only(run))
        return best;
    return first ? first : nameless;
}

/* --- the account of the page ------------------------------------------------------------------ */

static bool among(const struct card *c, const struct card *cards, int n)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(cards[i].href, c->href) && !strcmp(cards[i].title, c->title))
            return true;
    return false;
}

static const char *word_of(struct run *run, const struct card *c, const struct card *wanted,
                           int n_wanted)
{
    if (c->sponsored)
        return WORD_SPONSORED;
    if (!among(c, wanted, n_wanted))
        return WORD_UNWANTED;
    if (cached(run, c))
        return WORD_CACHED;
    return taken(run, c) ? WORD_BEFORE : "";
}

/* Every card that is there gets its word: all, before the step's own words leave some out. */
static void account_cards(struct run *run, const struct observation *obs, const struct card *all,
                          int n_all, const struct card *wanted, int n_wanted)
{
    const char *url = url_no_fragment(run->step_pool, obs->url);
    for (int i = 0; i < n_all; i++) {
        const char *word = word_of(run, &all[i], wanted, n_wanted);
        if (account_card(run, url, card_key(run, &all[i]), all[i].title, word) &&
            !strcmp(word, WORD_CACHED))
            run->progress.shared_seen_hits++;
    }
}

/* The reader leaves these out; who asks where they went is told. */
static int account_excluded(struct run *run, const struct observation *obs,
                            const struct schema *schema, const struct card *listed, int n_listed,
                            struct err *err)
{
    struct card *cards = NULL;
    enum list_status status;
    int n = 0;
    if (!schema || !*schema->card_exclusions)
        return 0;
    int r =
        reader_list(run->reader, run->step_pool, obs, NULL, MAX_CARDS, &cards, &n, &status, err);
    const char *url = url_no_fragment(run->step_pool, obs->url);
    for (int i = 0; !r && i < n; i++)
        if (!among(&cards[i], listed, n_listed))
            account_card(run, url, card_key(run, &cards[i]), cards[i].title, WORD_EXCLUDED);
    return r;
}

/* --- what the card itself says -----------------------------------------------------------------
 */

static struct schema *with_url(struct pool *pool, const struct schema *schema)
{
    static const struct field url = {.name = "url", .label = "Url", .example = ""};
    struct schema *s = pool_alloc(pool, sizeof(*s));
    *s = *schema;
    s->fields = pool_alloc(pool, sizeof(*s->fields) * (size_t)(schema->n_fields + 1));
    memcpy(s->fields, schema->fields, sizeof(*s->fields) * (size_t)schema->n_fields);
    s->fields[s->n_fields++] = url;
    return s;
}

/* tile_carry_fields: what stands on the card may not stand on its page. */
static int read_tile(struct run *run, const struct observation *obs, struct scan *scan,
                     struct err *err)
{
    struct extraction *rows = NULL;
    struct sight sight;
    int n = 0;
    if (!scan->schema || !*scan->schema->tile_carry || !*scan->card.href)
        return 0;
    int r = reader_rows(run->reader, run->step_pool, obs, with_url(run->step_pool, scan->schema),
                        MAX_CARDS, &rows, &n, err);
    evidence_sight(obs, &sight);
    for (int i = 0; !r && i < n; i++) {
        const char *href = json_str(rows[i].values, "url", "");
        if (!*href || strcmp(url_no_fragment(run->step_pool, href), scan->key))
            continue;
        evidence_stamp(run, rows[i].evidence, obs, &sight, 1);
        scan->tile = json_keep(run->step_pool, json_pack("{s:O,s:O}", "values", rows[i].values,
                                                         "evidence", rows[i].evidence));
        return 0;
    }
    return r == E_NOT_FOUND || r == E_TOOBIG ? 0 : r;
}

static int scan_cards(struct run *run, const struct observation *obs, struct scan *scan,
                      struct err *err)
{
    struct card *cards = NULL;
    int n = 0;
    int r = reader_list(run->reader, run->step_pool, obs, scan->schema, MAX_CARDS, &cards, &n,
                        &scan->status, err);
    if (!r && scan->status == LIST_OK)
        r = account_excluded(run, obs, scan->schema, cards, n, err);
    if (r)
        return r;
    if (scan->status == LIST_OK) {
        struct card *all = pool_alloc(run->step_pool, sizeof(*all) * (size_t)(n + 1));
        int n_all = n;
        memcpy(all, cards, sizeof(*all) * (size_t)n);
        n = reader_wanted_cards(run->step_pool, run->step->intent, cards, n);
        account_cards(run, obs, all, n_all, cards, n);
    }
    scan->card.title = NULL;
    scan->tile = NULL;
    if (scan->status != LIST_OK)
        return 0; /* what stands on a wall is no card */
    for (int i = 0; i < n; i++)
        if (!cards[i].sponsored && !is_unknown(&cards[i]) && !cached(run, &cards[i]))
            coverage_found(&run->coverage, run->progress.current_page, cards[i].title);
    if (n > run->progress.listings_on_page)
        run->progress.listings_on_page = n;
    const struct card *next = choose(run, cards, n);
    if (next) {
        scan->card = *next;
        scan->key = card_key(run, next);
    }
    return next ? read_tile(run, obs, scan, err) : 0;
}

int scan_find_card(struct run *run, void *arg, const struct observation *obs, struct target *out,
                     struct err *err)
{
    struct scan *scan = arg;
    struct card *cards = NULL;
    enum list_status status;
    int n = 0;
    int r = reader_list(run->reader, run->step_pool, obs, scan->schema, MAX_CARDS, &cards, &n,
                        &status, err);
    for (int i = 0; !r && i < n; i++)
        if (!strcmp(card_key(run, &cards[i]), scan->key)) {
            *out = cards[i].target;
            return 0;
        }
    return r ? r
             : err_set(err, E_NOT_FOUND, "the card '%s' is no longer on the page",
                       scan->card.title);
}

/* Cards that are not there yet: a page that is read whole is asked for more, pixels are gone
 * through screen by screen. */
static int next_stage(struct run *run, const struct observation *obs, bool *ret_more,
                      struct err *err)
{
    int w, h, moved;
    run->progress.viewport_stage++;
    if (obs->page) /* a plan with a paginate step says itself when to ask for the next part */
        return run_load_more(run, obs, flow_next(run->plan, run->index, "paginate") < 0, ret_more,
                             err);
    plane_size(run->plane, &w, &h);
    int r = run_scroll_px(run, h * 9 / 10, &moved, err);
    *ret_more = moved != 0;
    return r;
}

int scan_page(struct run *run, struct scan *scan, struct err *err)
{
    struct pool *look = NULL;
    bool more = true;
    int r = 0;
    run->progress.viewport_stage = 0;
    for (int stage = 0;
         !r && more && stage < (plane_caps(run->plane) & PLANE_HAS_DOM ? MAX_LOADS : MAX_STAGES);
         stage++) {
        struct observation obs;
        pool_destroy(look);
        look = pool_create(run->step_pool);
        r = pause_between(run, NULL, err);
        if (!r)
            r = run_look_in(run, look, &obs, err);
        if (!r)
            r = scan_cards(run, &obs, scan, err);
        if (r || scan->card.title || scan->status == LIST_BLOCKED || scan->status == LIST_ERROR)
            return r;
        r = next_stage(run, &obs, &more, err);
    }
    return r;
}
