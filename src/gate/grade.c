#include "gate/grade.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"

bool grade_ran(const char *status)
{
    static const char *const ran[] = {"succeeded", "completed", "completed_with_failures", "halted",
                                      "paused"};
    for (size_t i = 0; i < ARRAY_SIZE(ran); i++)
        if (strcmp(status, ran[i]) == 0)
            return true;
    return false;
}

static const json_t *extracted_rows(const json_t *result)
{
    size_t i;
    json_t *artifact;
    json_array_foreach (json_object_get(result, "artifacts"), i, artifact)
        if (strcmp(json_str(artifact, "name", ""), "extracted_rows") == 0)
            return json_object_get(artifact, "data");
    return NULL;
}

/* What the run brought, as text: its rows, else its leads, else what it answered. */
static const char *output_of(struct pool *pool, const json_t *result)
{
    static const char *const answers[] = {"answer", "summary", "final_answer"};
    const json_t *rows = extracted_rows(result);
    if (json_array_size(rows) == 0)
        rows = json_object_get(result, "leads");
    if (json_array_size(rows) > 0)
        return json_text(pool, rows);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        if (json_object_get(result, answers[i]))
            return json_as_text(pool, json_object_get(result, answers[i]));
    return "";
}

/* What a reader of a report asks next. */
static json_t *facts_of(const json_t *result)
{
    static const char *const keys[] = {"mode",        "terminal_status", "termination_reason",
                                       "halt_reason", "steps_executed",  "steps"};
    static const char *const parts[] = {"gpu", "claude", "proxy"};
    json_t *facts = json_object(), *costs = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (json_truthy(json_object_get(result, keys[i])))
            json_put(facts, keys[i], json_incref(json_object_get(result, keys[i])));
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        json_put_num(costs, parts[i], json_num(json_object_get(result, "costs"), parts[i], 0));
    json_put(facts, "costs", costs);
    return facts;
}

void grade_result(struct pool *pool, const json_t *reply, struct outcome *out)
{
    const json_t *result = json_object_get(reply, "result");
    out->status = json_str(reply, "status", "");
    out->success = strcmp(out->status, "succeeded") == 0;
    out->url = json_str(result, "final_url", "");
    out->output = output_of(pool, result);
    out->cost = json_num(json_object_get(result, "costs"), "total", 0);
    out->raw = json_keep(pool, facts_of(result));
    if (!grade_ran(out->status))
        out->error =
            pool_printf(pool, "the run ended as '%.40s'%s%.300s", out->status,
                        *json_str(reply, "error", "") ? ": " : "", json_str(reply, "error", ""));
}

/* --- rows ------------------------------------------------------------------------------------- */

struct keys {
    const char **items;
    size_t n;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One text per row, of these fields, sorted. */
static struct keys keys_of(struct pool *pool, const json_t *rows, const json_t *fields)
{
    struct keys k = {pool_alloc(pool, sizeof(*k.items) * (json_array_size(rows) + 1)), 0};
    size_t i, f;
    json_t *row, *field;
    json_array_foreach ((json_t *)rows, i, row) {
        const char *key = "";
        json_array_foreach ((json_t *)fields, f, field)
            key = pool_printf(
                pool, "%s | %s", key,
                str_squash(pool,
                           json_as_text(pool, json_object_get(row, json_string_value(field)))));
        k.items[k.n++] = key;
    }
    if (k.n)
        qsort(k.items, k.n, sizeof(*k.items), compare_texts);
    return k;
}

static size_t common(struct keys a, struct keys b)
{
    size_t n = 0;
    for (size_t i = 0, j = 0; i < a.n && j < b.n;) {
        int order = strcmp(a.items[i], b.items[j]);
        n += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return n;
}

static bool rows_agree(struct pool *pool, const json_t *fields, const json_t *want,
                       const json_t *got, json_t *reasons)
{
    struct keys w = keys_of(pool, want, fields), g = keys_of(pool, got, fields);
    size_t n = common(w, g);
    if (n == w.n && n == g.n)
        return true;
    json_push(reasons,
              json_string_safe(pool_printf(
                  pool, "%zu rows were extracted, and %zu of the %zu true ones are among them", g.n,
                  n, w.n)));
    return false;
}

void grade_oracle(struct pool *pool, const json_t *metadata, const json_t *verdict,
                  const json_t *reply, struct outcome *out)
{
    const json_t *fields = json_object_get(metadata, "rows");
    json_t *said = json_object(), *reasons = json_array();
    json_array_extend(reasons, json_object_get(verdict, "reasons"));
    out->success = json_flag(verdict, "passed", false);
    if (json_array_size(fields) > 0)
        out->success = rows_agree(pool, fields, json_object_get(verdict, "rows"),
                                  extracted_rows(json_object_get(reply, "result")), reasons) &&
                       out->success;
    json_put_bool(said, "passed", out->success);
    json_put_num(said, "score", json_num(verdict, "score", out->success));
    json_put(said, "reasons", reasons);
    json_t *raw = json_keep(pool, out->raw ? json_copy((json_t *)out->raw) : json_object());
    json_put(raw, "oracle", said);
    out->raw = raw;
}
