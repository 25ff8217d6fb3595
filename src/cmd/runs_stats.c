/*
 * mantis runs stats - how long the runs of a workflow took, from <data
 * dir>/runs_log/<YYYY-MM>.jsonl: one line per run that is over (http-api.md section 13). No server
 * is asked.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/runs.h"
#include "cmd/table.h"
#include "sys/settings.h"

#define LINE_BYTES (256 << 10) /* a longer line is none of the server's */
#define TOTAL      "total_time_s"

struct stats {
    struct pool *pool;
    struct err err;
    const char *data_dir, *config, *workflow_id, *tenant_id, *since_flag, *status;
    struct option_list buckets;
    int last, broken;
    bool json;
    char since[CLOCK_ISO_BYTES]; /* "" no limit */
    json_t *rows;                /* those that fit */
};

/* "7d", "24h", "30m" as the time so long ago. */
static int read_since(struct stats *st)
{
    static const struct {
        char unit;
        double us;
    } units[] = {{'d', 86400e6}, {'h', 3600e6}, {'m', 60e6}};
    char *end = NULL;
    double n = st->since_flag ? strtod(st->since_flag, &end) : 0;
    if (!st->since_flag)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (end != st->since_flag && end[0] == units[i].unit && !end[1] && n > 0 && n < 1e6) {
            clock_iso(clock_wall_us() - (int64_t)(n * units[i].us), st->since);
            return 0;
        }
    return err_set(&st->err, E_INVALID, "--since takes a time like 7d, 24h or 30m, not '%.40s'",
                   st->since_flag);
}

/* --- rows ------------------------------------------------------------------------------------ */

/* The log has the full id, <tenant>__<workflow>; callers mostly know their own part. */
static bool is_workflow(const struct stats *st, const json_t *row)
{
    const char *tenant = json_str(row, "tenant_id", ""), *id = json_str(row, "workflow_id", "");
    size_t len = strlen(tenant);
    if (st->tenant_id && strcmp(st->tenant_id, tenant) != 0)
        return false;
    if (strcmp(id, st->workflow_id) == 0)
        return true;
    return len && strncmp(id, tenant, len) == 0 && strncmp(id + len, "__", 2) == 0 &&
           strcmp(id + len + 2, st->workflow_id) == 0;
}

static bool fits(const struct stats *st, const json_t *row)
{
    return is_workflow(st, row) &&
           (!*st->status || strcmp(json_str(row, "status", ""), st->status) == 0) &&
           strcmp(json_str(row, "finished_at", ""), st->since) >= 0;
}

static void take_line(struct stats *st, const char *line, size_t len)
{
    json_t *row = NULL;
    if (json_parse(line, len, "line", &row, NULL) || !json_is_object(row))
        st->broken++;
    else if (fits(st, row))
        json_array_append(st->rows, row);
    json_decref(row);
}

static int read_month(struct stats *st, const char *path)
{
    char *line = malloc(LINE_BYTES);
    FILE *f = fopen(path, "re");
    bool inside = false; /* a line that is too long */
    if (!line)
        BUG("out of memory");
    if (!f) {
        free(line);
        return err_sys(&st->err, E_IO, "cannot read '%s'", path);
    }
    while (fgets(line, LINE_BYTES, f)) {
        size_t len = strlen(line);
        bool whole = len && line[len - 1] == '\n';
        if (whole && !inside)
            take_line(st, line, len - 1);
        else if (!inside)
            st->broken++; /* also half a line at the end: it is being written, or was cut */
        inside = !whole;
    }
    int r = ferror(f) ? err_sys(&st->err, E_IO, "cannot read '%s'", path) : 0;
    fclose(f);
    free(line);
    return r;
}

static int is_month(const struct dirent *d)
{
    return strlen(d->d_name) == strlen("2026-03.jsonl") && str_ends(d->d_name, ".jsonl");
}

/* The newest months until there are enough: a file holds what ended in its month. */
static int read_months(struct stats *st)
{
    struct dirent **names;
    const char *dir = pool_printf(st->pool, "%s/runs_log", st->data_dir);
    int r = 0, n = scandir(dir, &names, is_month, alphasort);
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0)
        return err_sys(&st->err, E_IO, "cannot read '%s'", dir);
    for (int i = n; i-- > 0; free(names[i]))
        if (!r && json_array_size(st->rows) < (size_t)st->last)
            r = read_month(st, pool_printf(st->pool, "%s/%s", dir, names[i]->d_name));
    free(names);
    return r;
}

static int newer_first(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_str(*y, "finished_at", ""), json_str(*x, "finished_at", ""));
}

/* Only the last ones. */
static void cut_rows(struct stats *st)
{
    size_t n = json_array_size(st->rows), i;
    json_t *row, *kept = json_keep(st->pool, json_array());
    json_t **list = pool_alloc(st->pool, sizeof(*list) * (n + 1));
    json_array_foreach (st->rows, i, row)
        list[i] = row;
    qsort(list, n, sizeof(*list), newer_first);
    for (i = 0; i < n && i < (size_t)st->last; i++)
        json_array_append(kept, list[i]);
    st->rows = kept;
}

/* --- percentiles ----------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear interpolation between the closest ranks of n sorted values. */
static double percentile(const double *v, size_t n, double p)
{
    double rank = p * (double)(n - 1);
    size_t low = (size_t)rank;
    double high = low + 1 < n ? v[low + 1] : v[low];
    return round((v[low] + (rank - (double)low) * (high - v[low])) * 1e6) / 1e6;
}

static double value_of(const json_t *row, const char *bucket)
{
    bool total = strcmp(bucket, TOTAL) == 0;
    return json_num(total ? row : json_object_get(row, "wall_time_breakdown"), bucket, NAN);
}

/* NULL: no run has it. */
static json_t *percentiles(struct stats *st, const char *bucket)
{
    size_t n = 0, i;
    json_t *row;
    double *v = pool_alloc(st->pool, sizeof(*v) * (json_array_size(st->rows) + 1));
    json_array_foreach (st->rows, i, row) {
        double value = value_of(row, bucket);
        if (!isnan(value))
            v[n++] = value;
    }
    if (!n)
        return NULL;
    qsort(v, n, sizeof(*v), by_value);
    return json_pack("{s:f,s:f,s:f}", "p50", percentile(v, n, 0.5), "p95", percentile(v, n, 0.95),
                     "p99", percentile(v, n, 0.99));
}

/* Of every bucket that a run has, or of those that were named; the whole time is the last. */
static json_t *all_percentiles(struct stats *st)
{
    json_t *out = json_keep(st->pool, json_object()), *row, *seconds;
    const char *bucket;
    size_t i;
    json_array_foreach (st->rows, i, row) {
        json_object_foreach (json_object_get(row, "wall_time_breakdown"), bucket, seconds)
            json_object_set_new(out, bucket, json_null());
    }
    if (st->buckets.n)
        json_object_clear(out);
    for (int b = 0; b < st->buckets.n; b++)
        json_object_set_new(out, st->buckets.items[b], json_null());
    json_object_del(out, TOTAL);
    json_object_set_new(out, TOTAL, json_null());
    json_object_foreach (out, bucket, seconds) {
        json_t *p = percentiles(st, bucket);
        if (p)
            json_object_set_new(out, bucket, p);
        else if (json_array_size(st->rows))
            cmd_warning("no run has the bucket '%s'", table_clean(st->pool, bucket, 40));
    }
    return out;
}

/* --- output ---------------------------------------------------------------------------------- */

/* Slowest first, the whole time last. */
static int by_p50(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    bool xt = strcmp(json_str(*x, "bucket", ""), TOTAL) == 0;
    bool yt = strcmp(json_str(*y, "bucket", ""), TOTAL) == 0;
    double d = json_num(*y, "sort", 0) - json_num(*x, "sort", 0);
    return xt != yt ? xt - yt : (d > 0) - (d < 0);
}

static json_t *line_of(struct pool *pool, const char *bucket, const json_t *p)
{
    static const char *const names[] = {"p50", "p95", "p99"};
    json_t *line = json_keep(pool, json_object());
    json_put_str(line, "bucket", bucket);
    json_put_num(line, "sort", json_num(p, "p50", 0));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        json_put_str(line, names[i],
                     json_is_object(p) ? pool_printf(pool, "%.2f", json_num(p, names[i], 0)) : "-");
    return line;
}

static void print_table(struct stats *st, const json_t *all)
{
    json_t *p, *rows = json_keep(st->pool, json_array());
    json_t *columns = json_keep(st->pool, json_pack("[s,s,s,s]", "bucket", "p50", "p95", "p99"));
    json_t **lines = pool_alloc(st->pool, sizeof(*lines) * (json_object_size(all) + 1));
    const char *bucket;
    size_t n = 0;
    json_object_foreach ((json_t *)all, bucket, p)
        lines[n++] = line_of(st->pool, bucket, p);
    qsort(lines, n, sizeof(*lines), by_p50);
    for (size_t i = 0; i < n; i++)
        json_array_append(rows, lines[i]);
    printf("%s: %d run(s), seconds\n", table_clean(st->pool, st->workflow_id, 0),
           (int)json_array_size(st->rows));
    fputs(table_text(st->pool, columns, rows, 0), stdout);
}

static void print_none(struct stats *st)
{
    printf("no %s%srun of '%s' in %s/runs_log\n", st->status, *st->status ? " " : "",
           table_clean(st->pool, st->workflow_id, 0), st->data_dir);
}

static void print_stats(struct stats *st)
{
    json_t *all = all_percentiles(st), *p;
    const char *bucket;
    void *next;
    if (!st->json) {
        if (json_array_size(st->rows))
            print_table(st, all);
        else
            print_none(st);
        return;
    }
    json_object_foreach_safe(all, next, bucket, p) if (!json_is_object(p))
        json_object_del(all, bucket);
    json_t *doc = json_keep(st->pool, json_object());
    json_put_str(doc, "workflow_id", st->workflow_id);
    json_put_int(doc, "run_count", (int64_t)json_array_size(st->rows));
    json_put(doc, "percentiles", json_incref(all));
    fputs(json_pretty(st->pool, doc), stdout);
}

static int stats(struct stats *st)
{
    st->rows = json_keep(st->pool, json_array());
    int r = read_since(st);
    r = r ? r : settings_data_dir(st->pool, st->config, st->data_dir, &st->data_dir, &st->err);
    r = r ? r : read_months(st);
    if (r) {
        cmd_error("%s", st->err.msg);
        return EXIT_FAILED;
    }
    if (st->broken)
        cmd_warning("%d line(s) of the log cannot be read and were left out", st->broken);
    cut_rows(st);
    print_stats(st);
    return 0;
}

int runs_stats(int argc, char **argv)
{
    struct stats st = {.last = 100, .status = "succeeded"};
    const char *usage = "mantis runs stats WORKFLOW_ID [options]", *args[1];
    const struct option table[] = {
        {"--last", NULL, OPTION_INT, &st.last, "N", "newest runs only [100]"},
        {"--bucket", NULL, OPTION_LIST, &st.buckets, "NAME",
         "this part of the time only, may be repeated"},
        {"--since", NULL, OPTION_STRING, &st.since_flag, "AGE", "ended within 7d, 24h, 30m"},
        {"--status", NULL, OPTION_STRING, &st.status, "WORD", "'' for every end [succeeded]"},
        {"--tenant-id", NULL, OPTION_STRING, &st.tenant_id, "ID", "of this tenant only"},
        {"--data-dir", NULL, OPTION_STRING, &st.data_dir, "DIR",
         "the server's [MANTIS_DATA_DIR, else where `mantis serve` would keep it]"},
        {"--config", NULL, OPTION_STRING, &st.config, "FILE", "the server's settings file"},
        {"--json", NULL, OPTION_FLAG, &st.json, NULL, "print JSON"},
        {0},
    };
    int n, code = 0;
    if (!options_read(table, usage, argc, argv, args, 1, &n, &code))
        return code;
    if (n == 0 || st.last < 1) {
        cmd_error(n == 0 ? "which workflow? give its id" : "--last takes a number from 1");
        fprintf(stderr, "usage: %s\n", usage);
        return EXIT_USAGE;
    }
    st.pool = pool_create(NULL);
    st.workflow_id = args[0];
    code = stats(&st);
    pool_destroy(st.pool);
    return code;
}
