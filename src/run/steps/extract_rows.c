/*
 * extract_rows.c - all items of a repeated structure, over several screens (plans.md 8.10).
 *
 * Every row that is seen gets a word: it was taken, or why not. A row that lacks something may be whole
 * when it is seen again, and where pictures are wanted a row waits until it is in view; the last look
 * takes what still waits. The words are the account of the list (core/completeness.h).
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/completeness.h"
#include "run/account.h"
#include "run/evidence.h"
#include "run/look.h"
#include "run/pause.h"

#define MAX_PASSES         8
#define MAX_PICTURE_PASSES 40 /* rows are waited for until they come into view */
#define MAX_EMPTY_PASSES   2
#define DEFAULT_MAX_ITEMS  100
#define READ_MAX           1000 /* rows of one look; earlier passes took some of them */
#define WAITING            "waiting" /* for its picture */

struct harvest {
    const struct schema *schema;
    const char *key_field; /* names a row; NULL: the row as a whole does */
    const char *url;       /* of the list */
    int max, n;
    bool pictures, last_look;
    json_t *rows;  /* array. All owned by the step pool */
    json_t *words; /* {key: what became of it} */
    json_t *times; /* {key: how often one look showed it} */
};

/* One look at the list. */
struct screen {
    struct observation obs;
    struct sight sight;
    json_t *times; /* in this look, owned */
};

static const char *dedup_field(const struct schema *schema)
{
    for (int i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required && !schema_is_positional(schema->fields[i].name))
            return schema->fields[i].name;
    return NULL;
}

/* What names the row; where that is missing, all of it. */
static const char *row_key(struct run *run, const struct harvest *h, const json_t *values)
{
    struct pool *pool = run->step_pool;
    const char *text = h->key_field ? json_as_text(pool, json_object_get(values, h->key_field)) : "";
    if (!h->key_field || schema_is_row_placeholder(text))
        return json_text(pool, values);
    return str_lower(pool, str_squash(pool, text));
}

/* The same row on a page before this one: overlapping pages and resumed runs bring it again. */
static bool kept_before(const struct run *run, const json_t *values)
{
    size_t i;
    json_t *row;
    json_array_foreach (run->progress.rows, i, row)
        if (json_equal(json_object_get(row, "values"), values))
            return true;
    return false;
}

static const char *missing_field(const struct harvest *h, const json_t *values)
{
    const char *missing = schema_missing_tile(h->schema, values);
    const json_t *name = h->key_field ? json_object_get(values, h->key_field) : NULL;
    if (!missing && json_is_string(name) && schema_is_row_placeholder(json_string_value(name)))
        return h->key_field;
    return missing;
}

/* Nothing changes about such a row any more. */
static bool is_settled(const char *word)
{
    return *word && strcmp(word, WAITING) != 0 && !str_starts(word, WORD_MISSING);
}

static void keep_row(struct run *run, struct harvest *h, const struct extraction *e,
                     const struct screen *screen)
{
    json_t *row = json_object();
    json_put(row, "values", json_deep_copy(e->values));
    json_put(row, "evidence", e->evidence ? json_deep_copy(e->evidence) : json_object());
    json_put_int(row, "step_index", run->index);
    if (h->pictures)
        evidence_picture(run, row, (int)json_array_size(run->progress.rows) + h->n + 1,
                         &screen->obs, &screen->sight, 1);
    evidence_stamp(run, json_object_get(row, "evidence"), &screen->obs, &screen->sight, 1);
    json_push(h->rows, row);
    h->n++;
}

/* The word for a row as this look shows it; *ret_take: it is one of the harvest. */
static const char *judge(struct run *run, const struct harvest *h, const struct extraction *e,
                         const struct screen *screen, bool *ret_take)
{
    const char *missing = missing_field(h, e->values);
    if (e->sponsored)
        return WORD_SPONSORED;
    if (e->spam || schema_flagged_spam(e->values))
        return pool_printf(run->step_pool, WORD_SPAM "%s",
                           e->spam && e->spam_reason ? e->spam_reason : h->schema->spam_label);
    if (missing)
        return pool_printf(run->step_pool, WORD_MISSING "%s", missing);
    if (kept_before(run, e->values))
        return WORD_BEFORE;
    if (h->n >= h->max)
        return WORD_OVER_MAX;
    if (h->pictures && !h->last_look && !evidence_in_view(e->evidence, &screen->obs, 1))
        return WAITING;
    *ret_take = true;
    return WORD_EMITTED;
}

/* True when the row was taken. */
static bool take(struct run *run, struct harvest *h, const struct extraction *e,
                 struct screen *screen)
{
    bool taken = false;
    if (!json_is_object(e->values))
        return false;
    const char *key = row_key(run, h, e->values);
    json_put_int(screen->times, key, json_int(screen->times, key, 0) + 1);
    if (is_settled(json_str(h->words, key, "")))
        return false;
    json_put(h->words, key, json_string_safe(judge(run, h, e, screen, &taken)));
    if (taken)
        keep_row(run, h, e, screen);
    return taken;
}

/* Two rows of one name in one look are two rows; the same name in two looks is one. */
static void note_times(struct harvest *h, const json_t *times)
{
    const char *key;
    json_t *n;
    json_object_foreach ((json_t *)times, key, n)
        if (json_integer_value(n) > json_int(h->times, key, 0))
            json_object_set(h->times, key, n);
}

static int read_screen(struct run *run, struct pool *pool, struct harvest *h, int *ret_new,
                       struct err *err)
{
    struct screen screen;
    struct extraction *found = NULL;
    int n = 0, r = run_look_in(run, pool, &screen.obs, err);
    if (r)
        return r;
    evidence_sight(&screen.obs, &screen.sight);
    if (!*h->url)
        h->url = pool_strdup(run->step_pool, screen.obs.url);
    int64_t start = clock_mono_us();
    r = reader_rows(run->reader, pool, &screen.obs, h->schema, READ_MAX, &found, &n, err);
    meter_add(&run->step_meter, METER_EXTRACT, clock_mono_us() - start);
    screen.times = json_keep(pool, json_object());
    for (int i = 0; !r && i < n; i++)
        *ret_new += take(run, h, &found[i], &screen);
    note_times(h, screen.times);
    return r == E_NOT_FOUND ? 0 : r;
}

static int one_pass(struct run *run, struct harvest *h, int *ret_new, struct err *err)
{
    struct pool *pool = pool_create(run->step_pool);
    *ret_new = 0;
    int r = read_screen(run, pool, h, ret_new, err);
    pool_destroy(pool);
    return r;
}

static bool any_waits(const struct harvest *h)
{
    const char *key;
    json_t *word;
    json_object_foreach (h->words, key, word)
        if (!strcmp(json_string_value(word), WAITING))
            return true;
    return false;
}

static int gather(struct run *run, struct harvest *h, struct err *err)
{
    int w, height, empty = 0, fresh = 0, r = 0;
    int most = h->pictures ? MAX_PICTURE_PASSES : MAX_PASSES;
    plane_size(run->plane, &w, &height);
    for (int pass = 0; !r && pass < most; pass++) {
        int moved;
        r = pause_between(run, NULL, err);
        r = r ? r : one_pass(run, h, &fresh, err);
        bool waits = any_waits(h);
        empty = fresh || waits ? 0 : empty + 1;
        if (r || (h->n >= h->max) || empty >= MAX_EMPTY_PASSES || (pass >= MAX_PASSES && !waits))
            break;
        r = run_scroll_px(run, height * 85 / 100, &moved, err);
        if (!r && !moved)
            break;
    }
    h->last_look = true;
    return !r && any_waits(h) ? one_pass(run, h, &fresh, err) : r;
}

/* --- the account ----------------------------------------------------------------------------- */

static void warn_incomplete(struct run *run, const struct harvest *h)
{
    const char *key, *field = "";
    json_t *word;
    int n = 0;
    json_object_foreach (h->words, key, word)
        if (str_starts(json_string_value(word), WORD_MISSING)) {
            field = json_string_value(word) + strlen(WORD_MISSING);
            n++;
        }
    if (n)
        run_warn(run, "rows_incomplete",
                 "step %d: %d rows without a required field were dropped; not found: '%s'",
                 run->index, n, field);
}

static void account(struct run *run, const struct harvest *h)
{
    const char *key;
    json_t *n;
    int twice = 0;
    json_object_foreach (h->times, key, n)
        twice += (int)json_integer_value(n) - 1;
    account_list(run, "rows", h->url, h->words, twice);
    warn_incomplete(run, h);
}

static void add_lead_strings(struct run *run, const struct harvest *h)
{
    size_t i;
    json_t *row;
    json_array_foreach (h->rows, i, row)
        json_put_str(row, "lead",
                     schema_lead(run->step_pool, h->schema, json_object_get(row, "values")));
}

int step_extract_rows(struct run *run, struct step_result *out, struct err *err)
{
    struct schema *schema;
    int r = step_schema(run, &schema, err);
    if (r)
        return r;
    if (!schema)
        return step_no_schema(run, out);
    struct harvest h = {.schema = schema,
                        .key_field = dedup_field(schema),
                        .url = "",
                        .pictures = evidence_wants_picture(run),
                        .max = schema->max_items > 0 ? schema->max_items : DEFAULT_MAX_ITEMS};
    h.rows = json_keep(run->step_pool, json_array());
    h.words = json_keep(run->step_pool, json_object());
    h.times = json_keep(run->step_pool, json_object());
    r = gather(run, &h, err);
    if (r)
        return r;
    account(run, &h);
    if (!h.n)
        return step_fail(run, out, "extractor_error", "extract_rows:0/%d:no_visible_rows", h.max);
    add_lead_strings(run, &h);
    out->new_rows = json_incref(h.rows);
    out->rows = h.n;
    return step_ok(run, out, "extract_rows:%d/%d", h.n, h.max);
}
