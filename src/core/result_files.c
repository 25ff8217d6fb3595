/*
 * result_files.c - the rows of a result envelope as files.
 */
#include <string.h>

#include "core/csv.h"
#include "core/lead.h"
#include "core/result.h"

static const json_t *rows_artifact(const json_t *env)
{
    size_t i;
    json_t *a;
    json_array_foreach (json_object_get(env, "artifacts"), i, a)
        if (strcmp(json_str(a, "kind", ""), "structured_data") == 0)
            return a;
    return NULL;
}

static const json_t *rows_fields(const json_t *env)
{
    return json_object_get(json_object_get(rows_artifact(env), "schema"), "fields");
}

/* Leads taken apart, each with its line as "raw". New reference. */
static json_t *lead_rows(struct pool *pool, const json_t *leads)
{
    json_t *rows = json_array(), *lead;
    size_t i;
    json_array_foreach ((json_t *)leads, i, lead) {
        const char *line = json_as_text(pool, lead);
        json_t *row = lead_to_json(pool, line);
        json_put_str(row, "raw", line);
        json_push(rows, row);
    }
    return rows;
}

static bool any_has_url(const json_t *rows)
{
    size_t i;
    json_t *row;
    json_array_foreach ((json_t *)rows, i, row)
        if (*json_str(row, "url", ""))
            return true;
    return false;
}

/* With a schema: status, its fields, url if it has none and a lead does, raw. New reference. */
static json_t *lead_columns(const json_t *fields, const json_t *rows)
{
    if (!json_array_size(fields))
        return json_pack("[s,s,s,s,s,s,s,s,s]", "status", "year", "make", "model", "price", "phone",
                         "seller", "url", "raw");
    json_t *columns = json_pack("[s]", "status"), *v;
    size_t i;
    json_array_foreach ((json_t *)fields, i, v)
        if (!json_holds(columns, json_string_value(v)))
            json_array_append(columns, v);
    if (!json_holds(columns, "url") && any_has_url(rows))
        json_push(columns, json_string("url"));
    json_push(columns, json_string("raw"));
    return columns;
}

/* A lead knows a field "Sale Price" as "sale_price": give it the column's own name too. */
static void name_cells(struct pool *pool, json_t *rows, const json_t *columns)
{
    size_t i, k;
    json_t *row, *column;
    json_array_foreach (columns, k, column) {
        const char *name = json_string_value(column), *key = lead_key(pool, name);
        if (strcmp(name, key) == 0)
            continue;
        json_array_foreach (rows, i, row) {
            json_t *v = json_object_get(row, key);
            if (v)
                json_object_set(row, name, v);
        }
    }
}

char *result_leads_csv(struct pool *pool, const json_t *env)
{
    const json_t *leads = json_object_get(env, "leads");
    if (!json_array_size(leads))
        return NULL;
    struct pool *tmp = pool_create(NULL);
    json_t *rows = json_keep(tmp, lead_rows(tmp, leads));
    json_t *columns = json_keep(tmp, lead_columns(rows_fields(env), rows));
    name_cells(tmp, rows, columns);
    char *text = csv_table(pool, columns, rows);
    pool_destroy(tmp);
    return text;
}

char *result_rows_csv(struct pool *pool, const json_t *env)
{
    const json_t *artifact = rows_artifact(env);
    return artifact ? csv_table(pool, rows_fields(env), json_object_get(artifact, "data")) : NULL;
}

char *result_rows_json(struct pool *pool, const json_t *env)
{
    const json_t *artifact = rows_artifact(env), *fields = rows_fields(env);
    if (!artifact)
        return NULL;
    const json_t *evidence = json_object_get(artifact, "evidence");
    const json_t *images = json_object_get(artifact, "images");
    json_t *list = json_array(), *row, *field;
    size_t i, c;
    json_array_foreach (json_object_get(artifact, "data"), i, row) {
        json_t *out = json_object();
        json_array_foreach ((json_t *)fields, c, field) {
            json_t *v = json_object_get(row, json_string_value(field));
            json_put(out, json_string_value(field), v ? json_incref(v) : json_string(""));
        }
        json_put(out, "_evidence", json_incref(json_array_get(evidence, i)));
        if (json_is_string(json_array_get(images, i)))
            json_object_set(out, "_image", json_array_get(images, i));
        json_push(list, out);
    }
    char *text = json_pretty(pool, list);
    json_decref(list);
    return text;
}

char *result_cost_by_path(struct pool *pool, const json_t *env)
{
    static const char *const told[] = {"run_id", "plan_signature"};
    const json_t *costs = json_object_get(env, "claude_cost_by_path");
    if (!json_is_object(costs))
        return NULL;
    json_t *doc = json_copy((json_t *)costs);
    for (size_t i = 0; i < ARRAY_SIZE(told); i++)
        json_object_set(doc, told[i], json_object_get(env, told[i]));
    char *text = json_pretty(pool, doc);
    json_decref(doc);
    return text;
}
