/*
 * result.c - what a caller gets in the end, made from the last checkpoint alone.
 *
 * The checkpoint is read leniently: every key may be missing, because it is whatever the worker had
 * got to when it ended. The envelope always has all its keys (agent-loop.md section 18), so a
 * client never has to ask which kind of ending it looks at.
 */
#include "core/progress.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "core/run.h"
#include "core/schema.h"

#define INTENT_CHARS 120
#define DATA_CHARS   300
#define CSV_BYTES    (64u << 20)

static const char *const buckets[] = {
    "perceive",
    "think",
    "act",
    "settle",
    "claude_ground",
    "claude_extract",
    "claude_verify",
    "claude_verify_haiku",
    "claude_verify_opus_escalation",
    "load",
};

static json_t *get(const json_t *obj, const char *key)
{
    return json_object_get(obj, key);
}

/* A copy of the array or object under key, or an empty one. New reference. */
static json_t *copy_array(const json_t *obj, const char *key)
{
    json_t *v = get(obj, key);
    return json_is_array(v) ? json_deep_copy(v) : json_array();
}

static double round_to(double value, double steps)
{
    return round(value * steps) / steps;
}

static json_t *time_breakdown(const json_t *given, double total_s)
{
    json_t *out = json_object();
    double sum = 0;
    for (size_t i = 0; i < ARRAY_SIZE(buckets); i++) {
        double s = json_num(given, buckets[i], 0);
        sum += s;
        json_put_num(out, buckets[i], round_to(s, 1000));
    }
    json_put_num(out, "overhead", round_to(fmax(0, total_s - sum), 1000));
    return out;
}

/* --- leads -------------------------------------------------------------------------------------
 */

struct cell {
    const char *key; /* lower case, blanks to underscores */
    const char *value;
};

static const char *column_name(struct pool *pool, const char *label)
{
    char *s = str_lower(pool, label);
    for (char *p = s; *p; p++)
        if (*p == ' ')
            *p = '_';
    return s;
}

/* "VIABLE | Year: 2014 | Url: https://x" -> status and cells. Returns the number of cells. */
static int parse_lead(struct pool *pool, const char *lead, const char **status, struct cell *cells,
                      int max)
{
    int n = 0;
    *status = "";
    for (const char *p = lead; n < max;) {
        size_t len = strcspn(p, "|");
        char *part = str_squash(pool, pool_strndup(pool, p, len));
        char *colon = strchr(part, ':');
        if (colon) {
            *colon = 0;
            cells[n].key = column_name(pool, str_squash(pool, part));
            cells[n++].value = str_squash(pool, colon + 1);
        } else if (p == lead) {
            *status = part;
        }
        if (!p[len])
            break;
        p += len + 1;
    }
    return n;
}

#define LEAD_CELLS 64

struct lead {
    const char *status;
    struct cell cells[LEAD_CELLS];
    int n;
};

static void read_lead(struct pool *pool, const char *text, struct lead *out)
{
    out->n = parse_lead(pool, text, &out->status, out->cells, LEAD_CELLS);
}

static const char *cell_of(const struct lead *lead, const char *key)
{
    if (strcmp(key, "status") == 0)
        return lead->status;
    for (int i = 0; i < lead->n; i++)
        if (strcmp(lead->cells[i].key, key) == 0)
            return lead->cells[i].value;
    return "";
}

static const char *lead_value(struct pool *pool, const char *text, const char *key)
{
    struct lead lead;
    read_lead(pool, text, &lead);
    return cell_of(&lead, key);
}

static bool has_phone(struct pool *pool, const char *lead)
{
    const char *phone = lead_value(pool, lead, "phone");
    int digits = 0;
    for (const char *p = phone; *p; p++)
        digits += isdigit((unsigned char)*p) != 0;
    return digits >= 10 && !schema_is_placeholder(phone);
}

static const char *value_text(struct pool *pool, const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (!value || json_is_null(value))
        return "";
    return json_text(pool, value);
}

static char *label_of(struct pool *pool, const char *name)
{
    char *s = str_lower(pool, name);
    bool start = true;
    for (char *p = s; *p; p++) {
        if (*p == '_')
            *p = ' ';
        if (start)
            *p = (char)toupper((unsigned char)*p);
        start = *p == ' ';
    }
    return s;
}

static const char *row_lead(struct pool *pool, const json_t *values)
{
    const char *key, *lead = "VIABLE";
    json_t *value;
    json_object_foreach ((json_t *)values, key, value) {
        const char *text = value_text(pool, value);
        if (!str_empty(text))
            lead = pool_printf(pool, "%s | %s: %s", lead, label_of(pool, key), text);
    }
    return lead;
}

static json_t *row_values(const json_t *row)
{
    json_t *values = get(row, "values");
    return json_is_object(values) ? values : NULL;
}

/* The runner notes a lead for every row; a checkpoint without leads still has its rows. */
static json_t *all_leads(struct pool *pool, const json_t *checkpoint)
{
    json_t *out = copy_array(checkpoint, "extracted_leads"), *row;
    size_t i;
    if (json_array_size(out))
        return out;
    json_array_foreach (get(checkpoint, "rows"), i, row)
        if (row_values(row))
            json_push(out, json_string_safe(row_lead(pool, row_values(row))));
    return out;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static bool holds(const json_t *names, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)names, i, v)
        if (json_is_string(v) && strcmp(json_string_value(v), name) == 0)
            return true;
    return false;
}

/* Schema order first, then whatever else the rows have, in first-seen order. New reference. */
static json_t *row_fields(const json_t *checkpoint)
{
    json_t *fields = json_array(), *row, *value;
    const char *key;
    size_t i;
    json_array_foreach (get(checkpoint, "schema_fields"), i, value)
        if (json_is_string(value) && !holds(fields, json_string_value(value)))
            json_array_append(fields, value);
    json_array_foreach (get(checkpoint, "rows"), i, row)
        json_object_foreach (row_values(row), key, value)
            if (!holds(fields, key))
                json_push(fields, json_string(key));
    return fields;
}

static bool only_placeholders(struct pool *pool, const json_t *values)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)values, key, value) {
        const char *text = value_text(pool, value);
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
        if (row_values(row))
            json_push(out, json_is_object(v) ? json_incref(v) : json_object());
    }
    return out;
}

static json_t *all_artifacts(struct pool *pool, const char *run_id, const json_t *checkpoint,
                             const json_t *leads)
{
    json_t *out = json_array(), *fields = row_fields(checkpoint);
    json_t *data = row_data(checkpoint, "values"), *evidence = row_data(checkpoint, "evidence");
    size_t n = json_array_size(data), n_leads = json_array_size(leads);
    if (n)
        json_push(out, json_pack("{s:s,s:s,s:s,s:{s:O},s:I,s:O,s:O}", "name", "extracted_rows",
                                 "kind", "structured_data", "mime_type", "application/json",
                                 "schema", "fields", fields, "row_count", (json_int_t)n, "data",
                                 data, "evidence", evidence));
    if (n_leads)
        json_push(out, file_artifact(pool, run_id, "leads.csv", "text/csv", n_leads, NULL));
    if (n) {
        json_push(out, file_artifact(pool, run_id, "extracted_rows.csv", "text/csv", n, fields));
        json_push(
            out, file_artifact(pool, run_id, "extracted_rows.json", "application/json", n, fields));
    }
    json_decref(fields);
    json_decref(data);
    json_decref(evidence);
    return out;
}

/* --- steps -------------------------------------------------------------------------------------
 */

static json_t *cut_string(struct pool *pool, const json_t *obj, const char *key, size_t max)
{
    return json_string_safe(str_cut(pool, json_str(obj, key, ""), max));
}

static json_t *step_detail(struct pool *pool, const json_t *r, size_t position)
{
    static const char *const extra[] = {"failure_class", "failure_subclass", "final_url",
                                        "page_title",    "skip_reason",      "last_action",
                                        "screenshot"};
    json_t *d = json_object();
    bool success = json_flag(r, "success", false);
    double duration = json_num(r, "duration", 0);
    json_put_int(d, "step", json_int(r, "step_index", (int64_t)position));
    json_put(d, "intent", cut_string(pool, r, "intent", INTENT_CHARS));
    json_put_bool(d, "success", success);
    json_put_int(d, "steps", json_int(r, "steps_used", 0));
    json_put(d, "data", cut_string(pool, r, "data", DATA_CHARS));
    json_put_str(d, "executor_backend", json_str(r, "executor_backend", ""));
    json_put(d, "time_breakdown", time_breakdown(get(r, "time_breakdown"), duration));
    json_put_num(d, "duration", round_to(duration, 1000));
    if (json_flag(r, "skip", false))
        json_put_bool(d, "skip", true);
    for (size_t i = 0; i < ARRAY_SIZE(extra); i++) {
        json_t *v = get(r, extra[i]);
        if (json_truthy(v))
            json_object_set(d, extra[i], v);
    }
    if (!success && !get(d, "failure_class") && !json_flag(r, "skip", false))
        json_put_str(d, "failure_class",
                     failure_classify(json_str(r, "data", ""), json_str(r, "page_title", "")));
    return d;
}

static void put_steps(struct pool *pool, json_t *env, const json_t *checkpoint)
{
    json_t *details = json_array(), *counts = json_object(), *r;
    size_t i;
    json_array_foreach (get(checkpoint, "step_results"), i, r) {
        const char *backend = json_str(r, "executor_backend", "");
        json_push(details, step_detail(pool, r, i));
        if (*backend)
            json_put_int(counts, backend, json_int(counts, backend, 0) + 1);
    }
    json_put_int(env, "steps_executed", (json_int_t)json_array_size(details));
    json_put(env, "executor_backend_counts", counts);
    json_put(env, "step_details", details);
}

bool result_any_step_failed(const json_t *checkpoint)
{
    size_t i;
    json_t *r,
        *said = get(checkpoint, "any_step_failed"); /* the runner knows what a retry made good */
    if (json_is_boolean(said))
        return json_is_true(said);
    json_array_foreach (get(checkpoint, "step_results"), i, r)
        if (!json_flag(r, "success", false) &&
            !str_starts(json_str(r, "skip_reason", ""), "guard_"))
            return true;
    return false;
}

json_t *result_failure_classes(const json_t *checkpoint)
{
    json_t *classes = json_array(), *r;
    size_t i;
    json_array_foreach (get(checkpoint, "step_results"), i, r) {
        if (json_flag(r, "success", false) || json_flag(r, "skip", false))
            continue;
        const char *class = json_str(r, "failure_class", "");
        json_push(classes, json_string(*class ? class
                                              : failure_classify(json_str(r, "data", ""),
                                                                 json_str(r, "page_title", ""))));
    }
    return classes;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static void put_costs(json_t *env, const struct result_context *ctx, const json_t *given,
                      int64_t leads, int64_t with_phone)
{
    double gpu = json_num(given, "gpu", 0), claude = json_num(given, "claude", 0);
    double proxy = json_num(given, "proxy", 0);
    double total = json_num(given, "total", gpu + claude + proxy);
    json_t *c = json_object();
    json_put_num(c, "total", total);
    json_put_num(c, "gpu", gpu);
    json_put_num(c, "claude", claude);
    json_put_num(c, "proxy", proxy);
    json_put_int(c, "leads", leads);
    json_put_int(c, "leads_with_phone", with_phone);
    json_put_num(c, "per_lead", total / (double)(leads > 0 ? leads : 1));
    json_put_num(c, "per_phone_lead", total / (double)(with_phone > 0 ? with_phone : 1));
    json_put_str(c, "status", ctx->terminal_status);
    json_put_str(c, "checkpoint_path", ctx->checkpoint_path);
    json_put(env, "costs", c);
}

static void put_verification(json_t *env, const json_t *coverage)
{
    static const char *const keys[] = {"status", "verdict", "totals", "checks"};
    json_t *full, *summary = json_object();
    if (json_is_string(get(coverage, "verdict")))
        full = json_deep_copy(coverage);
    else
        full =
            json_pack("{s:s,s:s,s:{s:i,s:i,s:i,s:i,s:i,s:i,s:i},s:[],s:[]}", "status",
                      "not_applicable", "verdict", "not_applicable", "totals", "pages_seen", 0,
                      "found_items", 0, "attempted_items", 0, "opened_items", 0, "completed_items",
                      0, "successful_items", 0, "failed_items", 0, "checks", "pages");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (get(full, keys[i]))
            json_object_set(summary, keys[i], get(full, keys[i]));
    json_put(env, "dynamic_verification", full);
    json_put(env, "dynamic_verification_summary", summary);
}

static void put_context(json_t *env, const struct result_context *ctx)
{
    json_put_str(env, "run_id", ctx->run_id);
    json_put_str(env, "provider", ctx->provider);
    json_put_str(env, "session_name", ctx->session_name);
    json_put_str(env, "model", ctx->model);
    json_put_str(env, "mode", "micro_intent");
    json_put_str(env, "terminal_status", ctx->terminal_status);
    json_put_str(env, "halt_reason", ctx->halt_reason);
    json_put_num(env, "total_time_s", round_to(ctx->total_time_s, 1000));
    json_put_str(env, "state_key", ctx->state_key);
    json_put_str(env, "profile_id", ctx->profile_id);
    json_put_str(env, "workflow_id", ctx->workflow_id);
    json_put_str(env, "checkpoint_path", ctx->checkpoint_path);
    json_put_str(env, "plan_signature", ctx->plan_signature);
    json_put_bool(env, "resume_state", ctx->resume_state);
}

static void put_leads(struct pool *pool, json_t *env, const struct result_context *ctx,
                      const json_t *checkpoint)
{
    json_t *leads = all_leads(pool, checkpoint), *v;
    int64_t with_phone = 0, unknown = 0;
    size_t i;
    json_array_foreach (leads, i, v)
        with_phone += json_is_string(v) && has_phone(pool, json_string_value(v));
    json_array_foreach (get(checkpoint, "rows"), i, v)
        unknown += row_values(v) && only_placeholders(pool, row_values(v));
    int64_t n = (int64_t)json_array_size(leads);
    json_put_int(env, "viable", n);
    json_put_int(env, "leads_with_phone", with_phone);
    json_put_int(env, "unknown_placeholder_row_count", unknown);
    put_costs(env, ctx, get(checkpoint, "costs"), n, with_phone);
    json_put(env, "artifacts", all_artifacts(pool, ctx->run_id, checkpoint, leads));
    json_put(env, "leads", leads);
}

json_t *result_envelope(const struct result_context *ctx, const json_t *checkpoint)
{
    struct pool *pool = pool_create(NULL);
    json_t *env = json_object();
    put_context(env, ctx);
    json_put(env, "wall_time_breakdown",
             time_breakdown(get(checkpoint, "time_buckets"), ctx->total_time_s));
    put_leads(pool, env, ctx, checkpoint);
    json_put(env, "healing_events", copy_array(checkpoint, "healing_events"));
    put_verification(env, get(checkpoint, "dynamic_coverage"));
    json_put(env, "collected_urls", copy_array(checkpoint, "collected_urls"));
    json_put_int(env, "shared_seen_hits", json_int(checkpoint, "shared_seen_hits", 0));
    put_steps(pool, env, checkpoint);
    json_put_str(env, "final_url", json_str(checkpoint, "current_url", ""));
    json_put(env, "warnings", copy_array(checkpoint, "warnings"));
    pool_destroy(pool);
    return env;
}

json_t *result_summary(const json_t *env)
{
    static const char *const keys[] = {"run_id",
                                       "provider",
                                       "session_name",
                                       "model",
                                       "mode",
                                       "total_time_s",
                                       "steps_executed",
                                       "viable",
                                       "leads_with_phone",
                                       "passed",
                                       "total",
                                       "score",
                                       "result_path",
                                       "csv_path",
                                       "detached_result_path",
                                       "detached_csv_path",
                                       "dynamic_verification_summary",
                                       "terminal_status",
                                       "halt_reason",
                                       "wall_time_breakdown",
                                       "video",
                                       "final_url"};
    const json_t *costs = get(env, "costs");
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (get(env, keys[i]))
            json_object_set(out, keys[i], get(env, keys[i]));
    json_put_num(out, "cost_total", json_num(costs, "total", 0));
    json_put(out, "cost_breakdown",
             json_pack("{s:f,s:f,s:f}", "gpu", json_num(costs, "gpu", 0), "claude",
                       json_num(costs, "claude", 0), "proxy", json_num(costs, "proxy", 0)));
    return out;
}

/* --- files -------------------------------------------------------------------------------------
 */

static void csv_cell(struct buf *b, const char *text, bool first)
{
    if (!first)
        buf_addc(b, ',');
    if (!strpbrk(text, ",\"\r\n") && *text != ' ') {
        buf_adds(b, text);
        return;
    }
    buf_addc(b, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            buf_addc(b, '"');
        buf_addc(b, *p);
    }
    buf_addc(b, '"');
}

static char *csv_done(struct pool *pool, struct buf *b)
{
    char *text = b->failed ? NULL : pool_strndup(pool, b->data, b->len);
    buf_release(b);
    return text;
}

static const json_t *rows_artifact(const json_t *env)
{
    size_t i;
    json_t *a;
    json_array_foreach (get(env, "artifacts"), i, a)
        if (strcmp(json_str(a, "kind", ""), "structured_data") == 0)
            return a;
    return NULL;
}

static const json_t *rows_fields(const json_t *env)
{
    return get(get(rows_artifact(env), "schema"), "fields");
}

/* With a schema: status, its fields, url if it has none and a lead does, raw. New reference. */
static json_t *lead_columns(struct pool *pool, const json_t *env)
{
    const json_t *fields = rows_fields(env);
    if (!json_array_size(fields))
        return json_pack("[s,s,s,s,s,s,s,s,s]", "status", "year", "make", "model", "price", "phone",
                         "seller", "url", "raw");
    json_t *columns = json_pack("[s]", "status"), *v;
    size_t i;
    json_array_foreach ((json_t *)fields, i, v)
        if (!holds(columns, json_string_value(v)))
            json_array_append(columns, v);
    bool has_url = holds(columns, "url");
    for (i = 0; !has_url && i < json_array_size(get(env, "leads")); i++)
        has_url = *lead_value(pool, value_text(pool, json_array_get(get(env, "leads"), i)), "url");
    if (has_url && !holds(columns, "url"))
        json_push(columns, json_string("url"));
    json_push(columns, json_string("raw"));
    return columns;
}

static void csv_header(struct buf *b, const json_t *columns)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)columns, i, v)
        csv_cell(b, json_string_value(v), i == 0);
    buf_adds(b, "\r\n");
}

static void lead_line(struct pool *pool, struct buf *b, const json_t *columns, const char *text)
{
    struct lead lead;
    size_t last = json_array_size(columns) - 1, i;
    json_t *column;
    read_lead(pool, text, &lead);
    json_array_foreach ((json_t *)columns, i, column) {
        const char *key = column_name(pool, json_string_value(column));
        csv_cell(b, i == last ? text : cell_of(&lead, key), i == 0);
    }
    buf_adds(b, "\r\n");
}

char *result_leads_csv(struct pool *pool, const json_t *env)
{
    if (!json_array_size(get(env, "leads")))
        return NULL;
    struct pool *tmp = pool_create(pool);
    json_t *columns = lead_columns(tmp, env), *lead;
    size_t i;
    struct buf b;
    buf_init(&b, CSV_BYTES);
    csv_header(&b, columns);
    json_array_foreach (get(env, "leads"), i, lead)
        lead_line(tmp, &b, columns, value_text(tmp, lead));
    json_decref(columns);
    pool_destroy(tmp);
    return csv_done(pool, &b);
}

char *result_rows_csv(struct pool *pool, const json_t *env)
{
    const json_t *artifact = rows_artifact(env), *fields = rows_fields(env);
    if (!artifact)
        return NULL;
    json_t *row, *field;
    size_t i, c;
    struct buf b;
    buf_init(&b, CSV_BYTES);
    csv_header(&b, fields);
    json_array_foreach (get(artifact, "data"), i, row) {
        json_array_foreach ((json_t *)fields, c, field)
            csv_cell(&b, value_text(pool, get(row, json_string_value(field))), c == 0);
        buf_adds(&b, "\r\n");
    }
    return csv_done(pool, &b);
}

char *result_rows_json(struct pool *pool, const json_t *env)
{
    const json_t *artifact = rows_artifact(env), *fields = rows_fields(env);
    if (!artifact)
        return NULL;
    json_t *list = json_array(), *row, *field;
    size_t i, c;
    json_array_foreach (get(artifact, "data"), i, row) {
        json_t *out = json_object();
        json_array_foreach ((json_t *)fields, c, field) {
            json_t *v = get(row, json_string_value(field));
            json_put(out, json_string_value(field), v ? json_incref(v) : json_string(""));
        }
        json_push(list, out);
    }
    char *text = json_pretty(pool, list);
    json_decref(list);
    return text;
}
