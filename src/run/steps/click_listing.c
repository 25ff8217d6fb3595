/*
 * click_listing.c - open the next result card that was not opened yet (plans.md 8.3).
 *
 * A reader with a DOM sees all cards of the page, in view or not; more are looked for only when
 * none is left (endless lists load at the end). What a click led to is decided by the URL. A card
 * that leads nowhere, off the site or to a page that is gone is noted, left, and the next one is
 * tried within the same step, a bounded number of times.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "core/completeness.h"
#include "core/flow.h"
#include "run/account.h"
#include "run/evidence.h"
#include "run/look.h"
#include "run/more.h"
#include "run/snapshot.h"
#include "run/url.h"

#define MAX_CARDS      300
#define MAX_STAGES     6   /* viewport stages 0..5 */
#define MAX_LOADS      100 /* of a list that loads more at its end */
#define MAX_DEAD_CARDS 8   /* in one step */

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
    const char *intent = run->step->intent, *quoted;
    if (*hint)
        return hint;
    quoted = str_quoted(run->step_pool, &intent, SIZE_MAX);
    return quoted ? quoted : "";
}

/* Reading order, "unknown" last, the preferred title first when it is clearly the best. */
static const struct card *choose(struct run *run, const struct card *cards, int n)
{
    const char *wanted = preferred(run);
    const struct card *first = NULL, *nameless = NULL, *best = NULL;
    double best_score = 0.5;
    for (int i = 0; i < n; i++) {
        if (cards[i].sponsored || taken(run, &cards[i]))
            continue;
        if (is_unknown(&cards[i])) {
            nameless = nameless ? nameless : &cards[i];
            continue;
        }
        first = first ? first : &cards[i];
        double score = *wanted ? likeness(run->step_pool, cards[i].title, wanted) : 0;
        if (score > best_score) {
            best_score = score;
            best = &cards[i];
        }
    }
    return best ? best : first ? first : nameless;
}

struct scan {
    struct schema *schema; /* for its card_exclusions; may be NULL */
    struct card card;      /* the chosen one; title NULL when none is left */
    const char *key;       /* its card_key() */
    json_t *tile;          /* what it says of tile_carry_fields, of the step pool; NULL nothing */
    enum list_status status;
};

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

/* run_bring() asks for the same card again after each scroll. */
static int find_card(struct run *run, void *arg, const struct observation *obs, struct target *out,
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

/* Fills scan->card, which lives as long as the last stage's look, in the step pool; its title stays
 * NULL when no card is left. */
static int scan_page(struct run *run, struct scan *scan, struct err *err)
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
        r = run_look_in(run, look, &obs, err);
        if (!r)
            r = scan_cards(run, &obs, scan, err);
        if (r || scan->card.title || scan->status == LIST_BLOCKED || scan->status == LIST_ERROR)
            return r;
        r = next_stage(run, &obs, &more, err);
    }
    return r;
}

/* --- one card -------------------------------------------------------------------------------- */

enum landing { LANDED, NOT_MOVED, DEAD, OFF_SITE, LOGIN, BLANK_TAB };

struct visit {
    const char *from; /* URL before the click */
    const char *url;  /* and after */
    const char *why;  /* page class of a dead one */
    bool new_tab;
};

static int judge_landing(struct run *run, struct visit *v, const struct snapshot *before,
                         const struct settled *s, enum landing *ret, struct err *err)
{
    struct observation obs;
    struct snapshot after;
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    snapshot_take(run->step_pool, &obs, &after);
    v->url = obs.url;
    v->new_tab = s->new_tab;
    if (s->new_tab && s->blank_tab) {
        *ret = BLANK_TAB;
        return 0;
    }
    bool moved =
        *obs.url ? !url_same_page(obs.url, v->from) : snapshot_changed(before, before, &after);
    if (!moved && !s->new_tab) {
        *ret = NOT_MOVED;
        return 0;
    }
    v->why = page_class(run->step_pool, &obs, v->from, true);
    if (!strcmp(v->why, "wrong_domain"))
        *ret = OFF_SITE;
    else if (strcmp(v->why, "ok") && strcmp(v->why, "blocked"))
        *ret = DEAD;
    else
        *ret = url_is_login(obs.url) && !url_is_login(v->from) ? LOGIN : LANDED;
    return 0;
}

/* Ways to click a card, until one leads somewhere. */
static const struct {
    enum button button;
    bool first_line; /* aim there instead of at the middle */
} ways[] = {{BUTTON_LEFT, false}, {BUTTON_LEFT, true}, {BUTTON_MIDDLE, true}};

static int click_once(struct run *run, struct scan *scan, size_t way, struct visit *v,
                      enum landing *ret, struct step_result *out, struct err *err)
{
    struct observation obs;
    struct snapshot before;
    struct settled s = {0};
    struct target t;
    int r = run_bring(run, find_card, scan, &obs, &t, err);
    if (r)
        return r;
    snapshot_take(run->step_pool, &obs, &before);
    v->from = obs.url;
    out->at = ways[way].first_line || t.covered ? run_first_line(&t) : t.at;
    r = run_click(run, out->at, ways[way].button, &s, err);
    return r ? r : judge_landing(run, v, &before, &s, ret, err);
}

static int open_card(struct run *run, struct scan *scan, struct visit *v, enum landing *ret,
                     struct step_result *out, struct err *err)
{
    int r = 0;
    *ret = NOT_MOVED;
    for (size_t i = 0; !r && *ret == NOT_MOVED && i < ARRAY_SIZE(ways); i++) {
        r = click_once(run, scan, i, v, ret, out, err);
        out->steps_used++;
    }
    return r;
}

/* Leave a page that is not what the card promised. */
static int leave(struct run *run, const struct visit *v, struct err *err)
{
    struct settled s;
    const char *url;
    if (v->new_tab)
        return run_close_tab(run, err);
    int r = run_back(run, &s, err);
    if (!r)
        r = run_read_url(run, &url, err);
    return r || url_same_page(url, v->from) || !*v->from ? r : results_reopen(run, err);
}

static void note_tried(struct run *run, const struct scan *scan)
{
    progress_add(run->progress.tried, scan->key);
    progress_add(run->progress.titles, str_lower(run->step_pool, scan->card.title));
}

static int landed(struct run *run, const struct scan *scan, const struct visit *v,
                  struct step_result *out)
{
    struct progress *p = &run->progress;
    if (*v->from)
        progress_set(&p->listing_url, url_no_fragment(run->step_pool, v->from));
    progress_set(&p->detail_url, v->url);
    progress_set(&p->card_title, scan->card.title);
    progress_set(&p->card_key, scan->key);
    json_decref(p->tile);
    p->tile = scan->tile ? json_deep_copy(scan->tile) : json_object();
    account_fate(run, scan->key, WORD_OPENED);
    p->detail_open = true;
    run->reentered = false;
    out->verified_change = true;
    coverage_item(&run->coverage, p->current_page, scan->card.title, ITEM_OPENED);
    return step_ok(run, out, "click:%s@(%d,%d)", scan->card.title, out->at.x, out->at.y);
}

/* How each landing that is no success is told. */
static const struct {
    enum landing landing;
    bool next_card; /* another card may do */
    enum outcome outcome;
    const char *word;                   /* in the account */
    const char *class, *before, *after; /* the title stands between */
} misses[] = {
    {DEAD, true, OUTCOME_NORMAL, WORD_DEAD, "wrong_target",
     "click_no_nav:wrong_target:", " leads to a page that is gone"},
    {OFF_SITE, true, OUTCOME_NORMAL, WORD_OFF_SITE, "wrong_target",
     "click_no_nav:wrong_target:", " leads to another site"},
    {NOT_MOVED, true, OUTCOME_NORMAL, WORD_NO_CHANGE, "no_state_change",
     "click_no_nav:no_state_change:", ""},
    {LOGIN, false, OUTCOME_LOGIN, WORD_LOGIN, "wrong_target", "login_redirect:", ""},
    {BLANK_TAB, false, OUTCOME_BLANK_TAB, WORD_BLANK, "no_state_change", "newtab_blank:", ""},
};

static int missed(struct run *run, const struct scan *scan, const struct visit *v,
                  enum landing landing, bool *ret_next, struct step_result *out, struct err *err)
{
    size_t i = 0;
    while (misses[i].landing != landing)
        i++;
    coverage_item(&run->coverage, run->progress.current_page, scan->card.title, ITEM_FAILED);
    account_fate(run, scan->key, misses[i].word);
    run_event(run, "runner", "card_skipped",
              json_pack("{s:o,s:o,s:s,s:s}", "title", json_string_safe(scan->card.title), "url",
                        json_string_safe(v->url ? v->url : ""), "class", misses[i].class, "page",
                        v->why ? v->why : ""),
              "'%s' did not lead to its page (%s)", scan->card.title,
              v->why ? v->why : misses[i].class);
    *ret_next = misses[i].next_card;
    out->outcome = misses[i].outcome;
    step_fail(run, out, misses[i].class, "%s%s%s", misses[i].before, scan->card.title,
              misses[i].after);
    return landing == NOT_MOVED || landing == LOGIN ? 0 : leave(run, v, err);
}

static int no_card(struct run *run, const struct scan *scan, struct step_result *out)
{
    if (scan->status == LIST_BLOCKED) {
        out->outcome = OUTCOME_BLOCKED;
        return step_fail(run, out, "page_blocked", "page_blocked");
    }
    if (scan->status == LIST_ERROR) {
        out->outcome = OUTCOME_SCAN_ERROR;
        return step_fail(run, out, "extractor_error", "scan_error");
    }
    out->outcome = OUTCOME_EXHAUSTED;
    coverage_exhausted(&run->coverage, run->progress.current_page);
    return step_fail(run, out, "page_exhausted", "page_exhausted");
}

/* Open the next card. *ret_next: it was none, and another one may do. */
static int try_card(struct run *run, struct scan *scan, bool *ret_next, struct step_result *out,
                    struct err *err)
{
    struct visit v = {.from = "", .url = ""};
    enum landing landing;
    *ret_next = false;
    int r = scan_page(run, scan, err);
    if (r || !scan->card.title)
        return r ? r : no_card(run, scan, out);
    out->label = scan->card.title;
    coverage_item(&run->coverage, run->progress.current_page, scan->card.title, ITEM_ATTEMPTED);
    r = open_card(run, scan, &v, &landing, out, err);
    if (r && r != E_NOT_FOUND)
        return r;
    note_tried(run, scan);
    *ret_next = r == E_NOT_FOUND; /* it went away while we looked */
    if (r == E_NOT_FOUND) {
        account_fate(run, scan->key, WORD_GONE);
        return 0;
    }
    if (landing == LANDED)
        return landed(run, scan, &v, out);
    return missed(run, scan, &v, landing, ret_next, out, err);
}

/* Looks are large: those of a card that was none go before the next one is tried. */
static int try_cards(struct run *run, struct scan *scan, struct step_result *out, struct err *err)
{
    struct pool *step_pool = run->step_pool, *try = NULL;
    bool next = true;
    int r = 0;
    for (int i = 0; !r && next && i < MAX_DEAD_CARDS; i++) {
        pool_destroy(try);
        run->step_pool = try = pool_create(step_pool);
        scan->card.title = NULL;
        out->label = out->data = "";
        r = try_card(run, scan, &next, out, err);
    }
    if (!r && !*out->data)
        r = no_card(run, scan, out);
    run->step_pool = step_pool;
    return r;
}

int step_click_listing(struct run *run, struct step_result *out, struct err *err)
{
    struct scan scan = {0};
    bool ok;
    int r = step_schema(run, &scan.schema, err);
    if (!r)
        r = results_ensure_filters(run, &ok, err);
    if (r)
        return r;
    if (!ok)
        return step_fail(run, out, "selector_miss", "filters_not_applied");
    return try_cards(run, &scan, out, err);
}
