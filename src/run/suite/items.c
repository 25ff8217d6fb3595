/*
 * items.c - a task over items and pages: one inner loop per item, one for each page after the first
 * (plans.md section 12).
 *
 * Where it stands is kept in progress.suite and sent as a checkpoint after every item, so that a
 * worker that takes over goes on with the next one. The page of results is left for an item and
 * come back to by its address.
 */
#include "run/suite/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/journal.h"
#include "run/look.h"
#include "run/record.h"
#include "run/steps/steps.h"
#include "run/url.h"

#define SEEN_SHOWN     5
#define TIPS_KEPT      8
#define WARN_AFTER     2 /* failures in a row */
#define DEMAND_AFTER   3
#define RELOAD_AFTER   3
#define PAGINATE_AFTER 5
#define PAGE_AGAIN     15 /* steps of the second try */
#define DATA_KEPT      1000
#define TAIL_BYTES     80
#define MARK_BYTES     65536 /* of a page's text */

struct items {
    struct run *run;
    const struct task *t;
    struct step_result *result;
    json_t *state; /* progress.suite */
    bool has_schema;
    int steps, galleries, unparsed;
    const char *last_summary;
};

/* --- where it stands ---------------------------------------------------------------------------
 */

static int get(const struct items *it, const char *key)
{
    return (int)json_int(it->state, key, 0);
}

static void set(struct items *it, const char *key, int value)
{
    json_put_int(it->state, key, value);
}

static void add(struct items *it, const char *key, int more)
{
    set(it, key, get(it, key) + more);
}

static json_t *list(struct items *it, const char *key)
{
    json_t *v = json_object_get(it->state, key);
    if (!v) {
        v = json_array();
        json_put(it->state, key, v);
    }
    return v;
}

static const char *listing_url(const struct items *it)
{
    return json_str(it->state, "listing_url", "");
}

static void begin_page(struct items *it, int page)
{
    set(it, "page", page);
    set(it, "ordinal", 1);
    set(it, "retries", 0);
    set(it, "in_a_row", 0);
    json_put(it->state, "listing_url", json_string_safe(it->run->live_url));
}

static void take_state(struct items *it)
{
    struct run *run = it->run;
    it->state = run->progress.suite;
    if (json_int(it->state, "step", -1) == run->index && get(it, "page") > 0)
        return;
    json_object_clear(it->state);
    set(it, "step", run->index);
    begin_page(it, 1);
}

/* --- what the brain is told --------------------------------------------------------------------
 */

static const char *ordinal_word(struct pool *pool, int n)
{
    const char *end = n % 100 >= 11 && n % 100 <= 13 ? "th"
                      : n % 10 == 1                  ? "st"
                      : n % 10 == 2                  ? "nd"
                      : n % 10 == 3                  ? "rd"
                                                     : "th";
    return pool_printf(pool, "%d%s", n, end);
}

static const char *replace(struct pool *pool, const char *text, const char *what, const char *by)
{
    const char *out = "", *at;
    while ((at = strstr(text, what))) {
        out = pool_printf(pool, "%s%.*s%s", out, (int)(at - text), text, by);
        text = at + strlen(what);
    }
    return pool_printf(pool, "%s%s", out, text);
}

const char *items_fill(struct pool *pool, const char *intent, int ordinal, int page)
{
    const char *n = pool_printf(pool, "%d", ordinal), *p = pool_printf(pool, "%d", page);
    intent = replace(pool, intent, "{ORDINAL}", ordinal_word(pool, ordinal));
    intent = replace(pool, intent, "{N}", n);
    intent = replace(pool, intent, "{PAGE_N}", p);
    return replace(pool, intent, "{PAGE}", pool_printf(pool, "page %s", p));
}

static const char *tail_of(struct pool *pool, const char *url)
{
    const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
    return str_cut(pool, path ? path : url, TAIL_BYTES);
}

static const char *joined(struct pool *pool, const json_t *array, size_t last, bool tails)
{
    const char *out = "";
    size_t n = json_array_size(array);
    for (size_t i = n > last ? n - last : 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(array, i));
        out = pool_printf(pool, "%s%s%s", out, *out ? ", " : "", tails ? tail_of(pool, s) : s);
    }
    return out;
}

static const char *item_text(struct items *it, const char *intent)
{
    struct pool *pool = it->run->step_pool;
    const char *seen = joined(pool, list(it, "seen"), SEEN_SHOWN, true);
    const char *tips = joined(pool, list(it, "tips"), TIPS_KEPT, false);
    int failed = get(it, "in_a_row");
    const char *text = pool_printf(pool, "Task: %s\nItem: the %s on page %d\n", intent,
                                   ordinal_word(pool, get(it, "ordinal")), get(it, "page"));
    if (*seen)
        text = pool_printf(pool, "%sAlready done: %s\n", text, seen);
    if (*tips)
        text = pool_printf(pool, "%sLearned: %s\n", text, tips);
    if (failed >= DEMAND_AFTER)
        text = pool_printf(pool, "%sWARNING: %d tries in a row failed: do it another way\n", text,
                           failed);
    else if (failed >= WARN_AFTER)
        text = pool_printf(pool, "%sWARNING: %d tries in a row failed\n", text, failed);
    return text;
}

/* --- one item ----------------------------------------------------------------------------------
 */

static bool on_listing(const struct items *it)
{
    return url_same_page(it->run->live_url, listing_url(it));
}

static void next_item(struct items *it)
{
    add(it, "ordinal", 1);
    set(it, "retries", 0);
}

static void note_seen(struct items *it, const char *url)
{
    json_t *seen = list(it, "seen");
    progress_add(seen, url);
    while (json_array_size(seen) > DATA_KEPT)
        json_array_remove(seen, 0);
}

static void note_data(struct items *it, const char *data)
{
    json_t *all = list(it, "data");
    if (json_array_size(all) < DATA_KEPT)
        json_push(all, json_string_safe(str_cut(it->run->step_pool, data, 300)));
}

/* What the page of the item says, when there is a schema to read it with. *ret_spam: it is not what
 * is wanted; *ret_viable: it has what the schema asks for. */
static int read_item(struct items *it, const char *summary, bool *ret_viable, bool *ret_spam,
                     struct err *err)
{
    struct step_result r = step_result_empty();
    *ret_viable = true;
    *ret_spam = false;
    if (!it->has_schema || on_listing(it)) {
        *ret_viable = !it->has_schema;
        note_data(it, *summary ? summary : it->run->live_url);
        return 0;
    }
    int e = step_extract_data(it->run, &r, err);
    if (!e) {
        *ret_viable = r.success;
        *ret_spam = str_starts(r.data, "REJECTED_DEALER");
        if (r.success)
            record_rows(it->run, &r);
        note_data(it, r.data);
    }
    json_decref(r.fields);
    json_decref(r.new_rows);
    return e;
}

static int succeeded(struct items *it, const struct inner_result *inner, bool *ret_viable,
                     bool *ret_spam, struct err *err)
{
    struct run *run = it->run;
    const char *url = pool_strdup(run->step_pool, run->live_url);
    *ret_viable = true;
    *ret_spam = false;
    set(it, "in_a_row", 0);
    if (!on_listing(it) && progress_has(list(it, "seen"), url)) {
        add(it, "duplicates", 1); /* no failure: the list shows it twice */
        next_item(it);
        return 0;
    }
    int r = read_item(it, inner->summary, ret_viable, ret_spam, err);
    if (r)
        return r;
    add(it, "viable", *ret_viable);
    if (url_is_web(url) && !url_same_page(url, listing_url(it)))
        note_seen(it, url);
    next_item(it);
    return 0;
}

static int look_at_failure(struct items *it, const struct inner_result *inner, bool spam,
                           const char **ret_category, struct err *err)
{
    struct run *run = it->run;
    struct observation obs;
    struct target way_out;
    struct pool *pool = pool_create(run->step_pool);
    int r = run_look_in(run, pool, &obs, err);
    if (!r) {
        struct attempt_facts f = {
            .inner = inner,
            .start_url = listing_url(it),
            .url = obs.url,
            .page_class = run_page_class(run, &obs, obs.url),
            .spam = spam,
            .overlay = reader_find_dismiss(run->reader, pool, &obs, &way_out, NULL) == 0};
        *ret_category = failure_category(&f);
    }
    pool_destroy(pool);
    return r;
}

static void note_failure(struct items *it, const char *category, const char *summary)
{
    json_t *breakdown = json_object_get(it->state, "failure_breakdown"), *tips = list(it, "tips");
    if (!breakdown) {
        breakdown = json_object();
        json_put(it->state, "failure_breakdown", breakdown);
    }
    inner_count(breakdown, category);
    progress_add(tips, pool_printf(it->run->step_pool, "%s (%s)", category,
                                   str_cut(it->run->step_pool, summary, 100)));
    while (json_array_size(tips) > TIPS_KEPT)
        json_array_remove(tips, 0);
}

/* --- going on ----------------------------------------------------------------------------------
 */

/* The address of this page of results, also where paging does not show in it. */
static const char *page_address(struct items *it)
{
    const char *url = listing_url(it);
    int page = get(it, "page");
    if (page < 2 || !*it->t->start_url || !url_same_page(url, it->t->start_url))
        return url;
    return pool_printf(it->run->step_pool, "%s%cpage=%d", url, strchr(url, '?') ? '&' : '?', page);
}

static int back_to_listing(struct items *it, bool reload, struct err *err)
{
    struct run *run = it->run;
    struct settled s;
    int r = 0;
    if (plane_tab_count(run->plane) > 1)
        r = run_close_tab(run, err);
    const char *url = "";
    r = r ? r : run_read_url(run, &url, err);
    if (!r && !reload && !on_listing(it))
        r = run_back(run, &s, err);
    r = r ? r : run_read_url(run, &url, err);
    if (!r && (reload || !on_listing(it)) && url_is_web(listing_url(it)))
        r = run_open(run, page_address(it), CAP_LOAD_MS, &s, err);
    r = r ? r : run_key(run, "Escape", CAP_SCROLL_MS, err);
    return r ? r : run_key(run, "Home", CAP_SCROLL_MS, err);
}

static void sum(struct items *it, const struct inner_result *inner)
{
    it->steps += inner->steps;
    it->galleries += inner->galleries;
    it->unparsed += inner->unparsed;
    it->last_summary = inner->summary;
}

/* What the page of results shows, as a number: a page that only says it is the next one is not. */
static int page_mark(struct items *it, uint64_t *out, struct err *err)
{
    struct observation obs;
    struct pool *pool = pool_create(it->run->step_pool);
    int r = run_look_in(it->run, pool, &obs, err);
    if (!r) {
        char frame[FRAME_HASH_BYTES] = "";
        if (!obs.page && obs.frame.pixels)
            frame_hash(&obs.frame, NULL, frame);
        const char *text = obs.page ? page_text(pool, obs.page, 0, MARK_BYTES) : frame;
        *out = str_hash(str_hash(STR_HASH_START, obs.url, strlen(obs.url)), text, strlen(text));
    }
    pool_destroy(pool);
    return r;
}

/* The next page of results, tried twice; *ret_on false: there is none. */
static int next_page(struct items *it, bool *ret_on, struct err *err)
{
    struct run *run = it->run;
    const struct task_loop *l = &it->t->loop;
    const int budgets[] = {l->max_steps_pagination, PAGE_AGAIN};
    int page = get(it, "page");
    struct inner_result inner = {.termination = ""};
    uint64_t before = 0, after = 0;
    *ret_on = false;
    if (page >= l->max_pages)
        return 0;
    int r = page_mark(it, &before, err);
    const char *intent =
        items_fill(run->step_pool, l->pagination_intent, get(it, "ordinal"), page + 1);
    const char *text = pool_printf(run->step_pool, "Task: %s\n", intent);
    for (size_t i = 0; !r && !*ret_on && i < ARRAY_SIZE(budgets); i++) {
        r = task_try(run, text, intent, budgets[i], it->result, &inner, err);
        r = r ? r : page_mark(it, &after, err);
        if (r)
            break;
        sum(it, &inner);
        *ret_on = inner.success && after != before;
        if (!inner.success && says_no_more(inner.summary))
            break;
    }
    if (!r && *ret_on)
        begin_page(it, page + 1);
    return r;
}

/* After a try that failed: again, the item after it, the page anew, or the next page. */
static int after_failure(struct items *it, const char *category, bool *ret_on, struct err *err)
{
    int failed = get(it, "in_a_row") + 1;
    *ret_on = true;
    set(it, "in_a_row", failed);
    if (!strcmp(category, "page_exhausted") || failed >= PAGINATE_AFTER)
        return next_page(it, ret_on, err);
    if (get(it, "retries") >= it->t->loop.max_retries_per_iteration)
        next_item(it);
    else
        add(it, "retries", 1);
    return failed == RELOAD_AFTER ? back_to_listing(it, true, err) : 0;
}

static void tell(struct items *it, const struct inner_result *inner, const char *category)
{
    run_event(it->run, "suite", "item",
              json_pack("{s:s,s:i,s:i,s:i,s:b,s:s,s:o}", "task_id", it->t->task_id, "page",
                        get(it, "page"), "iterations", get(it, "iterations"), "viable",
                        get(it, "viable"), "success", inner->success, "category", category, "url",
                        json_string_safe(it->run->live_url)),
              "item %d on page %d: %s", get(it, "iterations"), get(it, "page"),
              *category ? category : "done");
}

/* What it sent is its own: the next one gets an entry of its own. */
static int item_over(struct items *it, struct err *err)
{
    int r = journal_close(it->run, it->result, err);
    return r ? r : run_send_checkpoint(it->run, err);
}

static int one_item(struct items *it, bool *ret_on, struct err *err)
{
    struct run *run = it->run;
    const char *intent =
        items_fill(run->step_pool, it->t->intent, get(it, "ordinal"), get(it, "page"));
    const char *category = "";
    struct inner_result inner;
    bool spam = false, viable = false;
    int r = task_try(run, item_text(it, intent), intent, it->t->loop.max_steps_per_iteration,
                     it->result, &inner, err);
    if (r)
        return r;
    sum(it, &inner);
    add(it, "iterations", 1);
    add(it, "real_iterations", inner.actions > 0);
    add(it, "parse_failures", inner.unparsed);
    *ret_on = true;
    if (inner.success)
        r = succeeded(it, &inner, &viable, &spam, err);
    if (!r &&
        !viable) { /* an item that leads nowhere is told too, though the brain did what it should */
        r = look_at_failure(it, &inner, spam, &category, err);
        if (!r)
            note_failure(it, category, inner.summary);
    }
    if (r)
        return r;
    tell(it, &inner, category);
    r = back_to_listing(it, false, err);
    if (!r && !inner.success)
        r = after_failure(it, category, ret_on, err);
    return r ? r : item_over(it, err);
}

/* A worker that died pressed what must not be pressed twice: the item is left as it is. */
static int leave_item(struct items *it, struct err *err)
{
    it->result->from_journal = false;
    add(it, "iterations", 1);
    note_failure(it, "interrupted", it->result->label);
    next_item(it);
    return item_over(it, err);
}

/* --- all of them -------------------------------------------------------------------------------
 */

static void put_detail(struct items *it, json_t *detail)
{
    static const char *const counts[] = {"iterations", "viable", "real_iterations",
                                         "parse_failures", "duplicates"};
    json_t *breakdown = json_object_get(it->state, "failure_breakdown");
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        json_put_int(detail, counts[i], get(it, counts[i]));
    json_put_int(detail, "pages", get(it, "page"));
    json_put(detail, "data", json_deep_copy(list(it, "data")));
    json_put(detail, "failure_breakdown", breakdown ? json_deep_copy(breakdown) : json_object());
}

/* A worker that takes over begins where the last item was done. */
static int find_listing(struct items *it, bool fresh, struct err *err)
{
    struct settled s;
    if (fresh || !url_is_web(listing_url(it)) || on_listing(it))
        return 0;
    return run_open(it->run, page_address(it), CAP_LOAD_MS, &s, err);
}

int task_items(struct run *run, const struct task *t, struct step_result *result,
               struct inner_result *out, struct err *err)
{
    struct items it = {.run = run, .t = t, .result = result, .last_summary = ""};
    struct schema *schema = NULL;
    bool on = true;
    int r = step_schema(run, &schema, err);
    it.has_schema = schema != NULL;
    if (!r)
        take_state(&it);
    if (!r && result->from_journal)
        r = leave_item(&it, err);
    r = r ? r : find_listing(&it, get(&it, "iterations") == 0, err);
    while (!r && on && get(&it, "iterations") < t->loop.max_iterations)
        r = one_item(&it, &on, err);
    if (r)
        return r;
    put_detail(&it, result->task);
    int viable = get(&it, "viable");
    *out = (struct inner_result){
        .termination = viable ? "done" : "done_failed",
        .success = viable > 0,
        .summary = pool_printf(run->step_pool, "%d items on %d pages, %d of use%s%s",
                               get(&it, "iterations"), get(&it, "page"), viable,
                               *it.last_summary ? "; last: " : "", it.last_summary),
        .steps = it.steps,
        .galleries = it.galleries,
        .unparsed = it.unparsed,
        .last_click = {-1, -1}};
    json_object_clear(run->progress.suite);
    return 0;
}
