/*
 * extract_rows.c - all items of a repeated structure, over several screens (plans.md 8.10).
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"

#define MAX_PASSES        8
#define MAX_EMPTY_PASSES  2
#define DEFAULT_MAX_ITEMS 100
#define READ_MAX          1000 /* rows of one look; earlier passes took some of them */

struct harvest {
    const struct schema *schema;
    const char *key_field; /* names a row; NULL: the row as a whole does */
    int max, n;
    json_t *rows, *taken; /* array; set of keys. All three owned by the step pool */
    json_t *lacking;      /* key: the required field it lacked when last seen */
};

static const char *dedup_field(const struct schema *schema)
{
    for (int i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required && !schema_is_positional(schema->fields[i].name))
            return schema->fields[i].name;
    return NULL;
}

static const char *row_key(struct run *run, const struct harvest *h, const json_t *values)
{
    if (!h->key_field)
        return json_text(run->step_pool, values);
    const json_t *v = json_object_get(values, h->key_field);
    const char *text = json_is_string(v) ? json_string_value(v)
                       : v               ? json_text(run->step_pool, v)
                                         : "";
    return schema_is_placeholder(text)
               ? ""
               : str_lower(run->step_pool, str_squash(run->step_pool, text));
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

static bool take(struct run *run, struct harvest *h, const struct extraction *e)
{
    if (!json_is_object(e->values) || e->spam)
        return false;
    const char *key = row_key(run, h, e->values);
    const char *missing = schema_missing(h->schema, e->values);
    if (!*key) /* its name is what is missing: counted once all the same */
        key = json_text(run->step_pool, e->values);
    if (json_object_get(h->taken, key))
        return false;
    if (missing) { /* the rest of it may come into view later */
        json_put_str(h->lacking, key, missing);
        return false;
    }
    json_put_bool(h->taken, key, true);
    json_object_del(h->lacking, key);
    if (kept_before(run, e->values))
        return false;
    json_t *row = json_object();
    json_put(row, "values", json_deep_copy(e->values));
    json_put(row, "evidence", e->evidence ? json_deep_copy(e->evidence) : json_object());
    json_put_int(row, "step_index", run->index);
    json_push(h->rows, row);
    h->n++;
    return true;
}

static int read_screen(struct run *run, struct pool *pool, struct harvest *h, int *ret_new,
                       struct err *err)
{
    struct observation obs;
    struct extraction *found = NULL;
    int n = 0, r = run_look_in(run, pool, &obs, err);
    if (r)
        return r;
    int64_t start = clock_mono_us();
    r = reader_rows(run->reader, pool, &obs, h->schema, READ_MAX, &found, &n, err);
    meter_add(&run->step_meter, METER_EXTRACT, clock_mono_us() - start);
    for (int i = 0; !r && i < n && h->n < h->max; i++)
        *ret_new += take(run, h, &found[i]);
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

static int gather(struct run *run, struct harvest *h, struct err *err)
{
    int w, height, empty = 0, r = 0;
    plane_size(run->plane, &w, &height);
    for (int pass = 0; !r && pass < MAX_PASSES; pass++) {
        int fresh, moved;
        r = one_pass(run, h, &fresh, err);
        empty = fresh ? 0 : empty + 1;
        if (r || h->n >= h->max || empty >= MAX_EMPTY_PASSES)
            break;
        r = run_scroll_px(run, height * 85 / 100, &moved, err);
        if (!r && !moved)
            break;
    }
    return r;
}

static void warn_incomplete(struct run *run, const struct harvest *h)
{
    const char *key, *field = "";
    json_t *v;
    int n = 0;
    json_object_foreach (h->lacking, key, v) {
        field = json_string_value(v);
        n++;
    }
    if (n)
        run_warn(run, "rows_incomplete",
                 "step %d: %d rows without a required field were dropped; not found: '%s'",
                 run->index, n, field);
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
                        .max = schema->max_items > 0 ? schema->max_items : DEFAULT_MAX_ITEMS};
    h.rows = json_keep(run->step_pool, json_array());
    h.taken = json_keep(run->step_pool, json_object());
    h.lacking = json_keep(run->step_pool, json_object());
    r = gather(run, &h, err);
    if (r)
        return r;
    warn_incomplete(run, &h);
    if (!h.n)
        return step_fail(run, out, "extractor_error", "extract_rows:0/%d:no_visible_rows", h.max);
    add_lead_strings(run, &h);
    out->new_rows = json_incref(h.rows);
    out->rows = h.n;
    return step_ok(run, out, "extract_rows:%d/%d", h.n, h.max);
}
