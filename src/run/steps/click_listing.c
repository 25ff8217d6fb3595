/*
 * click_listing.c - open the next result card that was not opened yet (plans.md 8.3).
 *
 * Which one that is: listing_scan.c. What a click led to is decided by the URL. A card that leads
 * nowhere, off the site or to a page that is gone is noted, left, and the next one is tried within
 * the same step, a bounded number of times.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/completeness.h"
#include "run/account.h"
#include "run/look.h"
#include "run/snapshot.h"
#include "run/steps/listing_scan.h"
#include "run/url.h"

#define MAX_DEAD_CARDS 8 /* in one step */

/* --- one card -------------------------------------------------------------------------------- */

enum landing { LANDED, NOT_MOVED, DEAD, OFF_SITE, LOGIN, BLANK_TAB };

struct visit {
    const char *from; /* URL before the click */
    const char *url;  /* and after */
    const char *why;  /* page class of a dead one */
    bool new_tab;
};

/* By its address; where that cannot be read the picture must have changed, and a reader that has an
 * opinion of it must not say that it leads nowhere. */
static int has_moved(struct run *run, const struct visit *v, const struct observation *before,
                     const struct observation *after, const char *title, bool *ret, struct err *err)
{
    struct snapshot old, new;
    struct passage passage = {.navigated = ANSWER_UNKNOWN};
    if (*after->url || !before) {
        *ret = *after->url && !url_same_page(after->url, v->from);
        return 0;
    }
    snapshot_take(run->step_pool, before, &old);
    snapshot_take(run->step_pool, after, &new);
    *ret = snapshot_changed(&old, &old, &new);
    if (!*ret || !reader_is_model(run->reader))
        return 0;
    int64_t start = clock_mono_us();
    int r = reader_navigated(run->reader, run->step_pool, before, after, title, &passage, err);
    meter_add(&run->step_meter, METER_VERIFY, clock_mono_us() - start);
    *ret = passage.navigated != ANSWER_NO;
    return r;
}

static int judge_landing(struct run *run, struct visit *v, const struct observation *before,
                         const char *title, const struct settled *s, enum landing *ret,
                         struct err *err)
{
    struct observation obs;
    bool moved;
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    v->url = obs.url;
    v->new_tab = s->new_tab;
    if (s->new_tab && s->blank_tab) {
        *ret = BLANK_TAB;
        return 0;
    }
    r = has_moved(run, v, before, &obs, title, &moved, err);
    if (r)
        return r;
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

/* Ways to click a card, until one leads somewhere. A model's point may lie beside what it means: on
 * pixels its surroundings are tried, too (plans.md 8.3). */
static const struct way {
    enum button button;
    bool first_line;    /* aim there instead of at the middle; the point of a model has no lines */
    struct point probe; /* px from the point; {0,0}: itself */
} ways[] = {{BUTTON_LEFT, false, {0, 0}},   {BUTTON_LEFT, true, {0, 0}},
            {BUTTON_MIDDLE, true, {0, 0}},  {BUTTON_LEFT, false, {0, -145}},
            {BUTTON_LEFT, false, {0, -90}}, {BUTTON_LEFT, false, {0, 28}},
            {BUTTON_LEFT, false, {-90, 0}}, {BUTTON_LEFT, false, {90, 0}}};

static bool is_probe(const struct way *way)
{
    return way->probe.x || way->probe.y;
}

static bool serves(const struct run *run, const struct way *way)
{
    bool dom = plane_caps(run->plane) & PLANE_HAS_DOM;
    return dom ? !is_probe(way) : !way->first_line || way->button != BUTTON_LEFT;
}

static struct point aim_at(const struct target *t, const struct way *way)
{
    if (is_probe(way))
        return (struct point){t->at.x + way->probe.x, t->at.y + way->probe.y};
    return way->first_line || t->covered ? run_first_line(t) : t->at;
}

static int click_once(struct run *run, struct scan *scan, const struct way *way, struct visit *v,
                      enum landing *ret, struct step_result *out, struct err *err)
{
    struct observation obs;
    struct settled s = {0};
    struct target t;
    int r = run_bring(run, scan_find_card, scan, &obs, &t, err);
    if (!r && is_probe(way))
        r = run_key(run, "Escape", CAP_TYPE_MS, err);
    if (!r && way == ways && strcmp(scan->card.title, "unknown"))
        r = run_regard(run, &obs, "listing", scan->card.title, &t, err);
    if (r)
        return r;
    v->from = obs.url;
    out->at = aim_at(&t, way);
    r = run_click(run, out->at, way->button, &s, err);
    return r ? r : judge_landing(run, v, &obs, scan->card.title, &s, ret, err);
}

static void tell_probe(struct run *run, const struct scan *scan, const struct way *way)
{
    run_heal(run, "click_probe", "runner",
             json_pack("{s:s,s:i,s:i,s:o}", "step_type", run->step->type, "dx", way->probe.x, "dy",
                       way->probe.y, "reason",
                       json_string_safe(
                           pool_printf(run->step_pool, "'%s' is not where the reader pointed",
                                       str_cut(run->step_pool, scan->card.title, 100)))));
}

/* A browser that is busy goes where it was sent after it was judged to stand still. */
static int judge_again(struct run *run, struct visit *v, const char *title, enum landing *ret,
                       struct err *err)
{
    const struct settled nothing = {0};
    const char *url;
    int r = *v->from ? run_read_url(run, &url, err) : 0;
    if (r || !*v->from || !*url || url_same_page(url, v->from))
        return r;
    return judge_landing(run, v, NULL, title, &nothing, ret, err);
}

static int open_card(struct run *run, struct scan *scan, struct visit *v, enum landing *ret,
                     struct step_result *out, struct err *err)
{
    int r = 0;
    *ret = NOT_MOVED;
    for (size_t i = 0; !r && *ret == NOT_MOVED && i < ARRAY_SIZE(ways); i++) {
        if (!serves(run, &ways[i]))
            continue;
        r = judge_again(run, v, scan->card.title, ret, err);
        if (r || *ret != NOT_MOVED)
            break;
        r = click_once(run, scan, &ways[i], v, ret, out, err);
        out->steps_used++;
        if (!r && *ret == LANDED && is_probe(&ways[i]))
            tell_probe(run, scan, &ways[i]);
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
    const char *only = scan_only(run);
    if (only)
        return step_fail(run, out, "selector_miss", "form_target_not_found:no result is called '%s'", only);
    out->outcome = OUTCOME_EXHAUSTED;
    coverage_exhausted(&run->coverage, run->progress.current_page);
    return step_fail(run, out, "page_exhausted", "page_exhausted");
}

/* A reader that was not answered has seen no page: the same is asked again, and no round of a loop
 * is lost. */
static int no_answer(struct run *run, int r, const struct err *why, struct step_result *out)
{
    out->outcome = OUTCOME_UNHEARD;
    return step_fail(run, out, r == E_UNAVAILABLE ? FAILURE_UNHEARD : "extractor_error",
                     "scan_error:%s", why->msg);
}

/* Open the next card. *ret_next: it was none, and another one may do. */
static int try_card(struct run *run, struct scan *scan, bool *ret_next, struct step_result *out,
                    struct err *err)
{
    struct visit v = {.from = "", .url = ""};
    enum landing landing;
    struct err why = {0};
    *ret_next = false;
    int r = scan_page(run, scan, &why);
    if (r == E_UPSTREAM || r == E_UNAVAILABLE)
        return no_answer(run, r, &why, out);
    if (r)
        return err_set(err, r, "%s", why.msg);
    if (!scan->card.title)
        return no_card(run, scan, out);
    out->label = scan->card.title;
    coverage_item(&run->coverage, run->progress.current_page, scan->card.title, ITEM_ATTEMPTED);
    r = open_card(run, scan, &v, &landing, out, &why);
    if (r == E_UPSTREAM || r == E_UNAVAILABLE)
        return no_answer(run, r, &why, out);
    if (r && r != E_NOT_FOUND)
        return err_set(err, r, "%s", why.msg);
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
