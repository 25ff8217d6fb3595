/*
 * runs_log.c - <DATA>/runs_log/<YYYY-MM>.jsonl: one line per run that is over.
 *
 * One run at a time: its line is on disk before the store hears so. When the server dies between
 * the two, the store names the run again, perhaps behind others that were settled since, and its
 * line is among the last of its file.
 */
#include "sched/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "store/upkeep.h"
#include "sys/file.h"

#define AGAIN_MS   30000 /* after a refusal */
#define BETWEEN_MS 2
#define TAIL_BYTES (64 << 10) /* a line is shorter */
#define ERROR_MAX  4000

static void log_next(void *arg);

static void put_time(json_t *row, const char *key, int64_t wall_us)
{
    char iso[CLOCK_ISO_BYTES];
    json_put_str(row, key, wall_us ? clock_iso(wall_us, iso) : NULL);
}

static json_t *make_row(struct pool *pool, const struct run_record *rec)
{
    static const char *const copied[] = {"total_time_s", "wall_time_breakdown", "cost_breakdown",
                                         "steps_executed", "viable"};
    const json_t *summary = json_object_get(rec->doc, "summary");
    const char *error = json_str(rec->doc, "error", NULL);
    json_t *row = json_keep(pool, json_object());
    json_put_int(row, "schema_version", 1);
    json_put_str(row, "run_id", rec->run_id);
    json_put_str(row, "tenant_id", rec->tenant_id);
    json_put_str(row, "profile_id", rec->profile_id);
    json_put_str(row, "workflow_id", rec->workflow_id);
    json_put_str(row, "plan_signature", rec->plan_signature);
    json_put_str(row, "model", json_str(rec->doc, "model", ""));
    if (*json_str(rec->doc, "model_tag", ""))
        json_put_str(row, "model_tag", json_str(rec->doc, "model_tag", ""));
    json_put_str(row, "status", run_state_name(rec->state));
    put_time(row, "created_at", rec->created_us);
    put_time(row, "finished_at", rec->finished_us);
    for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
        json_put(row, copied[i], json_incref(json_object_get(summary, copied[i])));
    json_put_str(row, "error", error ? str_cut(pool, error, ERROR_MAX) : NULL);
    return row;
}

/* --- the end of a file -------------------------------------------------------------------------
 */

static const char *line_name(struct pool *pool, struct run_key key)
{
    return pool_printf(pool, "%s/%s", key.tenant, key.run_id);
}

/* The first line may lack its beginning: it is none then. */
static json_t *names_of(struct pool *pool, char *lines)
{
    json_t *names = json_object();
    for (char *next, *line = lines; (next = strchr(line, '\n')); line = next + 1) {
        json_t *row = NULL;
        if (json_parse(line, (size_t)(next - line), "runs_log", &row, NULL) == 0)
            json_put(names,
                     line_name(pool, RUN_KEY(json_str(row, "tenant_id", ""),
                                             json_str(row, "run_id", ""))),
                     json_true());
        json_decref(row);
    }
    return names;
}

/* Cuts off half a line, and remembers whose the last whole ones are. */
static int check_tail(struct sched *s, struct pool *pool, int fd, const char *name, struct err *err)
{
    char *tail = pool_alloc(pool, TAIL_BYTES + 1);
    off_t size = lseek(fd, 0, SEEK_END), from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t n = size < 0 ? -1 : pread(fd, tail, (size_t)(size - from), from);
    if (n < 0)
        return err_sys(err, E_IO, "cannot read runs_log/%s", name);
    while (n > 0 && tail[n - 1] != '\n')
        n--;
    if (from + n < size && ftruncate(fd, from + n))
        return err_sys(err, E_IO, "cannot mend runs_log/%s", name);
    tail[n] = 0;
    json_decref(s->runs_log.tail);
    s->runs_log.tail = names_of(pool, tail);
    return 0;
}

static int append(struct sched *s, struct pool *pool, const struct run_record *rec, struct err *err)
{
    char iso[CLOCK_ISO_BYTES];
    const char *month = pool_printf(pool, "%.7s.jsonl", clock_iso(rec->finished_us, iso));
    const char *dir = pool_printf(pool, "%s/runs_log", s->settings->data_dir);
    const char *line = pool_printf(pool, "%s\n", json_text(pool, make_row(pool, rec)));
    int r = file_mkdirs(dir, 0700, err);
    if (r)
        return r;
    int fd = open(pool_printf(pool, "%s/%s", dir, month),
                  O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, E_IO, "cannot open runs_log/%s", month);
    if (strcmp(s->runs_log.checked, month) != 0)
        r = check_tail(s, pool, fd, month, err);
    bool there = json_object_get(s->runs_log.tail, line_name(pool, RUN_KEY_OF(rec)));
    if (!r && !there && write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        r = err_sys(err, E_IO, "cannot write runs_log/%s", month);
    if (!r && fsync(fd))
        r = err_sys(err, E_IO, "cannot write runs_log/%s", month);
    close(fd);
    /* after a refusal the file may end with half a line */
    snprintf(s->runs_log.checked, sizeof(s->runs_log.checked), "%s", r ? "" : month);
    return r;
}

/* --- one after the other -----------------------------------------------------------------------
 */

static void log_next(void *arg)
{
    struct sched *s = arg;
    struct pool *pool = pool_create(NULL);
    struct run_record *runs;
    struct err err = {0};
    int n = 0, r = store_runs_unlogged(s->store, pool, 1, &runs, &n, &err);
    if (!r && n)
        r = append(s, pool, &runs[0], &err);
    if (!r && n) {
        r = store_run_logged(s->store, RUN_KEY_OF(&runs[0]), &err);
        if (r)
            s->runs_log.checked[0] = 0; /* its line is there */
    }
    if (r)
        log_warning(LOGGER, NULL, "the log of runs has to wait: %s", err.msg);
    if (r || n)
        loop_timer_set(s->loop, &s->runs_log.timer, r ? AGAIN_MS : BETWEEN_MS, log_next, s);
    pool_destroy(pool);
}

void runs_log_soon(struct sched *s)
{
    if (!s->runs_log.timer.loop)
        loop_timer_set(s->loop, &s->runs_log.timer, BETWEEN_MS, log_next, s);
}

void runs_log_release(struct sched *s)
{
    loop_timer_clear(&s->runs_log.timer);
    json_decref(s->runs_log.tail);
}
