/*
 * result_artifacts.c - what a run leaves for its caller: the rows, files made of them, pictures of them,
 * and what its browser downloaded (http-api.md section 16).
 */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "core/completeness.h"
#include "core/result_priv.h"
#include "core/schema.h"

#define get json_object_get

json_t *result_row_values(const json_t *row)
{
    json_t *values = get(row, "values");
    return json_is_object(values) ? values : NULL;
}

/* Schema order first, then whatever else the rows have, in first-seen order. New reference. */
static json_t *row_fields(const json_t *checkpoint)
{
    json_t *fields = json_array(), *row, *value;
    const char *key;
    size_t i;
    json_array_foreach (get(checkpoint, "schema_fields"), i, value)
        if (json_is_string(value) && !json_holds(fields, json_string_value(value)))
            json_array_append(fields, value);
    json_array_foreach (get(checkpoint, "rows"), i, row)
        json_object_foreach (result_row_values(row), key, value)
            if (!json_holds(fields, key))
                json_push(fields, json_string(key));
    return fields;
}

bool result_only_placeholders(struct pool *pool, const json_t *values)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)values, key, value) {
        const char *text = json_as_text(pool, value);
        bool is_url = strcasecmp(key, "url") == 0 || str_starts(text, "http");
        if (!is_url && !schema_is_placeholder(text))
            return false;
    }
    return true;
}

static json_t *file_artifact(struct pool *pool, const char *run_id, const char *name,
                             const char *mime, size_t rows, const json_t *fields)
{
    json_t *a = json_object();
    json_put_str(a, "name", name);
    json_put_str(a, "kind", "file");
    json_put_str(a, "mime_type", mime);
    json_put_int(a, "row_count", (json_int_t)rows);
    if (fields && json_array_size(fields))
        json_put(a, "schema", json_pack("{s:O}", "fields", (json_t *)fields));
    json_put_str(a, "download_url", pool_printf(pool, "/v1/runs/%s/artifacts/%s", run_id, name));
    return a;
}

static json_t *row_data(const json_t *checkpoint, const char *key)
{
    json_t *out = json_array(), *row;
    size_t i;
    json_array_foreach (get(checkpoint, "rows"), i, row) {
        json_t *v = get(row, key);
        if (result_row_values(row))
            json_push(out, json_is_object(v) ? json_incref(v) : json_object());
    }
    return out;
}

/* Names of the pictures, null for a row without one; NULL: no row has one. New reference. */
static json_t *row_pictures(const json_t *checkpoint)
{
    json_t *out = json_array(), *row;
    bool any = false;
    size_t i;
    json_array_foreach (get(checkpoint, "rows"), i, row) {
        json_t *name = get(get(row, "image"), "name");
        any = any || name || get(row, "image_missing");
        if (result_row_values(row))
            json_push(out, name ? json_incref(name) : json_null());
    }
    if (any)
        return out;
    json_decref(out);
    return NULL;
}

static json_t *rows_artifact(const json_t *checkpoint, json_t *fields, json_t *data)
{
    json_t *a = json_pack("{s:s,s:s,s:s,s:{s:O},s:I,s:O,s:o,s:o}", "name", "extracted_rows", "kind",
                          "structured_data", "mime_type", "application/json", "schema", "fields",
                          fields, "row_count", (json_int_t)json_array_size(data), "data", data,
                          "evidence", row_data(checkpoint, "evidence"), "completeness",
                          completeness_report(get(checkpoint, "accounts")));
    json_t *pictures = row_pictures(checkpoint);
    if (pictures)
        json_put(a, "images", pictures);
    return a;
}

static void add_pictures(struct pool *pool, json_t *out, const char *run_id,
                         const json_t *checkpoint)
{
    int64_t number = 0;
    size_t i;
    json_t *row;
    json_array_foreach (get(checkpoint, "rows"), i, row) {
        const json_t *image = get(row, "image");
        const char *name = json_str(image, "name", "");
        number += result_row_values(row) != NULL;
        if (!*name)
            continue;
        json_t *a = file_artifact(pool, run_id, name, "image/png", 1, NULL);
        json_put_str(a, "source", "picture");
        json_put_int(a, "row", number - 1);
        json_put_int(a, "bytes", json_int(image, "bytes", 0));
        json_object_set(a, "box", get(image, "box"));
        json_put_str(a, "frame", json_str(image, "frame", ""));
        json_push(out, a);
    }
}

/* Under a name that can stand in an address; "file_name" is the browser's. */
static void add_downloads(struct pool *pool, json_t *out, const char *run_id,
                          const json_t *checkpoint)
{
    static const char *const told[] = {"file_name", "bytes",      "sha256", "source_url",
                                       "page_url",  "step_index", "at"};
    size_t i;
    json_t *d;
    json_array_foreach (get(checkpoint, "downloads"), i, d) {
        json_t *a = file_artifact(pool, run_id, json_str(d, "name", ""),
                                  json_str(d, "mime_type", "application/octet-stream"), 0, NULL);
        json_put_str(a, "source", "download");
        for (size_t k = 0; k < ARRAY_SIZE(told); k++)
            if (get(d, told[k]))
                json_object_set(a, told[k], get(d, told[k]));
        json_push(out, a);
    }
}

json_t *result_artifacts(struct pool *pool, const char *run_id, const json_t *checkpoint,
                         const json_t *leads)
{
    json_t *out = json_array(), *fields = row_fields(checkpoint);
    json_t *data = row_data(checkpoint, "values");
    size_t n = json_array_size(data), n_leads = json_array_size(leads);
    if (n)
        json_push(out, rows_artifact(checkpoint, fields, data));
    if (n_leads)
        json_push(out, file_artifact(pool, run_id, "leads.csv", "text/csv", n_leads, NULL));
    if (n) {
        json_push(out, file_artifact(pool, run_id, "extracted_rows.csv", "text/csv", n, fields));
        json_push(
            out, file_artifact(pool, run_id, "extracted_rows.json", "application/json", n, fields));
    }
    if (json_object_size(get(checkpoint, "claude_cost_by_path")))
        json_push(out, file_artifact(pool, run_id, "claude_cost_by_path.json", "application/json", 0,
                                     NULL));
    add_pictures(pool, out, run_id, checkpoint);
    add_downloads(pool, out, run_id, checkpoint);
    json_decref(fields);
    json_decref(data);
    return out;
}
