/*
 * traces.c - ended and paused runs as training data (promotion.md section 2): MANTIS_TRACE_EXPORT_DIR.
 *
 * The store's notes say of which runs; what is written is read from the store a moment later, pictures first and one per
 * turn of the loop, so that whoever finds a trace finds its pictures. A run never fails because of it: what cannot be
 * written is logged. A run that is paused is written as it stands, and again at its end.
 */
#include "sched/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "core/trace.h"
#include "sys/file.h"

#define DIR_MODE     0700
#define FILE_MODE    0600
#define SOON_MS      100 /* a pause is told in several notes */
#define WALK_ENTRIES 50  /* looked at in one piece */
#define REMOVED      100 /* files, likewise */
#define EVERY_US     (INT64_C(3600) * 1000000)

/* A run to be written, first come first served. */
struct trace_job {
    struct trace_job *next;
    struct pool *pool; /* holds this too */
    struct run_key key;
    bool opened;
    const char *dir; /* of the tenant */
    json_t *trace, *pictures; /* pictures: a name per step, "" none */
    size_t at;                /* of them */
};

static bool wanted(const struct sched *s)
{
    return !str_empty(s->settings->trace_export_dir);
}

static const char *tenant_dir(struct pool *pool, const struct sched *s, const char *tenant)
{
    return pool_printf(pool, "%s/%s", s->settings->trace_export_dir,
                       *tenant ? tenant : TRACE_SHARED);
}

/* --- one trace --------------------------------------------------------------------------------- */

static const char *status_of(const struct run_record *rec)
{
    return rec->state == RUN_PAUSED
               ? "paused"
               : json_str(rec->doc, "terminal_status", run_state_name(rec->state));
}

static json_t *make(const struct sched *s, const struct run_record *rec)
{
    struct plan *plan = NULL;
    struct pool *pool = pool_create(NULL);
    bool over = run_state_terminal(rec->state);
    int64_t start_us = rec->started_us ? rec->started_us : rec->created_us;
    if (plan_from_json(pool, rec->plan, &plan, NULL))
        plan = NULL;
    const struct trace_context ctx = {
        .run_id = rec->run_id,
        .tenant_id = rec->tenant_id,
        .session_name = json_str(rec->settings, "session_name", ""),
        .plan_signature = rec->plan_signature ? rec->plan_signature : "",
        .variant = json_str(rec->doc, "variant", ""),
        .status = status_of(rec),
        .started_us = start_us,
        .ended_us = over ? rec->finished_us : clock_wall_us(),
        .total_time_s = json_num(rec->result, "total_time_s",
                                 json_num(rec->checkpoint, "elapsed_s", 0)),
        .plan = plan,
        .pictures = s->settings->trace_screenshots,
    };
    json_t *checkpoint = rec->checkpoint ? json_copy((json_t *)rec->checkpoint) : json_object();
    if (json_object_get(rec->result, "costs")) /* with what its plan and unheard calls cost */
        json_object_set(checkpoint, "costs", json_object_get(rec->result, "costs"));
    json_t *trace = trace_make(&ctx, checkpoint);
    json_decref(checkpoint);
    pool_destroy(pool);
    return trace;
}

static json_t *picture_names(const struct sched *s, const json_t *checkpoint)
{
    json_t *names = json_array(), *r;
    size_t i;
    json_array_foreach (json_object_get(checkpoint, "step_results"), i, r)
        if (s->settings->trace_screenshots)
            json_push(names, json_string_safe(json_str(r, "screenshot", "")));
    return names;
}

static int open_job(struct sched *s, struct trace_job *job, struct err *err)
{
    struct run_record rec;
    int r = store_run_get(s->store, job->pool, job->key,
                          RUN_PART_PLAN | RUN_PART_CHECKPOINT | RUN_PART_RESULT, &rec, err);
    job->opened = true;
    if (r)
        return r;
    job->dir = tenant_dir(job->pool, s, job->key.tenant);
    job->trace = json_keep(job->pool, make(s, &rec));
    job->pictures = json_keep(job->pool, picture_names(s, rec.checkpoint));
    r = file_mkdirs(job->dir, DIR_MODE, err);
    if (!r && json_array_size(job->pictures))
        r = file_mkdirs(pool_printf(job->pool, "%s/%s_screens", job->dir, job->key.run_id),
                        DIR_MODE, err);
    return r;
}

/* What a step did not keep, or what is gone, is skipped. */
static int copy_picture(struct sched *s, struct trace_job *job, size_t i, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    const char *name = json_string_value(json_array_get(job->pictures, i));
    char *data;
    size_t len;
    int r = 0;
    if (artifacts_read_png(s, pool, job->key, name, &data, &len))
        r = file_write_soon(pool_printf(pool, "%s/%s", job->dir,
                                        trace_picture(pool, job->key.run_id, (int64_t)i)),
                            data, len, FILE_MODE, err);
    pool_destroy(pool);
    return r;
}

static int write_trace(struct trace_job *job, struct err *err)
{
    const char *text = json_pretty(job->pool, job->trace);
    const char *path = pool_printf(job->pool, "%s/%s.json", job->dir, job->key.run_id);
    return file_write_soon(path, text, strlen(text), FILE_MODE, err);
}

/* A piece of it; true: it is over. */
static bool work_on(struct sched *s, struct trace_job *job)
{
    struct err err = {0};
    int r = job->opened ? 0 : open_job(s, job, &err);
    if (!r && job->at < json_array_size(job->pictures)) {
        r = copy_picture(s, job, job->at++, &err);
        if (!r)
            return false;
    }
    if (!r)
        r = write_trace(job, &err);
    struct log_ctx ctx = {.tenant_id = job->key.tenant, .run_id = job->key.run_id};
    if (r)
        log_warning(LOGGER, &ctx, "the run's trace is not exported (MANTIS_TRACE_EXPORT_DIR): %s",
                    err.msg);
    return true;
}

/* --- the line ---------------------------------------------------------------------------------- */

static void drop_first(struct sched *s)
{
    struct trace_job *job = s->traces.first;
    s->traces.first = job->next;
    pool_destroy(job->pool);
}

static void work(void *arg)
{
    struct sched *s = arg;
    if (s->traces.first && work_on(s, s->traces.first))
        drop_first(s);
    if (s->traces.first)
        loop_timer_set(s->loop, &s->traces.timer, 0, work, s);
}

/* One that is being written is written anew behind it. */
static bool is_coming(const struct sched *s, struct run_key key)
{
    for (const struct trace_job *j = s->traces.first; j; j = j->next)
        if (!j->opened && run_key_equal(j->key, key))
            return true;
    return false;
}

static bool did_a_step(const json_t *events)
{
    const json_t *e;
    size_t i;
    json_array_foreach ((json_t *)events, i, e)
        if (!strcmp(json_str(e, "kind", ""), "step_end"))
            return true;
    return false;
}

/* A run that is to pause carries the step under way out first. */
void traces_note(struct sched *s, const struct store_note *note)
{
    bool paused = note->state == RUN_PAUSED &&
                  (note->before != RUN_PAUSED || did_a_step(note->events));
    if (!wanted(s) || !(note->result || paused) || is_coming(s, note->key))
        return;
    struct pool *pool = pool_create(NULL);
    struct trace_job *job = pool_alloc(pool, sizeof(*job)), **end = &s->traces.first;
    *job = (struct trace_job){.pool = pool,
                              .key = RUN_KEY(pool_strdup(pool, note->key.tenant),
                                             pool_strdup(pool, note->key.run_id))};
    while (*end)
        end = &(*end)->next;
    *end = job;
    if (!s->traces.timer.loop)
        loop_timer_set(s->loop, &s->traces.timer, SOON_MS, work, s);
}

/* --- what is old goes --------------------------------------------------------------------------
 *
 * With the runs themselves: MANTIS_RUN_TTL_DAYS. Only what is named as a trace, its pictures or a file cut off
 * in the writing: the directory may hold other things.
 */

struct trace_walk {
    DIR *tenants, *files;
    char dir[4096]; /* of the tenant whose traces are looked at */
};

static void end_walk(struct sched *s)
{
    struct trace_walk *w = s->traces.walk;
    if (!w)
        return;
    if (w->tenants)
        closedir(w->tenants);
    if (w->files)
        closedir(w->files);
    free(w);
    s->traces.walk = NULL;
}

static bool is_trace(const char *name)
{
    return id_is_clean(name) &&
           (str_ends(name, ".json") || str_ends(name, "_screens") || str_ends(name, ".tmp"));
}

static bool next_tenant(struct sched *s, struct trace_walk *w)
{
    for (struct dirent *e; w->tenants && (e = readdir(w->tenants));) {
        if (!id_is_clean(e->d_name) && strcmp(e->d_name, TRACE_SHARED))
            continue;
        snprintf(w->dir, sizeof(w->dir), "%s/%s", s->settings->trace_export_dir, e->d_name);
        int fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        w->files = fd < 0 ? NULL : fdopendir(fd);
        if (w->files)
            return true;
        if (fd >= 0)
            close(fd);
    }
    return false;
}

/* Nothing remembers where it was in a directory of many pictures: the next round goes on. */
static void remove_old(const struct trace_walk *w, const char *name, int64_t before_us)
{
    struct pool *pool = pool_create(NULL);
    struct stat st;
    struct err err = {0};
    bool gone;
    const char *path = pool_printf(pool, "%s/%s", w->dir, name);
    bool old = is_trace(name) && !lstat(path, &st) &&
               (int64_t)st.st_mtim.tv_sec * 1000000 < before_us;
    if (old && file_remove_some(path, REMOVED, &gone, &err))
        log_warning(LOGGER, NULL, "an old trace cannot be removed: %s", err.msg);
    pool_destroy(pool);
}

bool traces_reap(struct sched *s, int64_t now_us)
{
    int days = s->settings->run_ttl_days;
    struct trace_walk *w = s->traces.walk;
    if (!wanted(s) || days <= 0 || (!w && now_us < s->traces.next_walk_us))
        return false;
    if (!w) {
        w = s->traces.walk = calloc(1, sizeof(*w));
        if (!w)
            BUG("out of memory");
        w->tenants = opendir(s->settings->trace_export_dir);
    }
    for (int i = 0; i < WALK_ENTRIES; i++) {
        struct dirent *e = w->files ? readdir(w->files) : NULL;
        if (e) {
            remove_old(w, e->d_name, now_us - days * DAY_US);
            continue;
        }
        if (w->files)
            closedir(w->files);
        w->files = NULL;
        if (!next_tenant(s, w)) {
            end_walk(s);
            s->traces.next_walk_us = now_us + EVERY_US;
            return false;
        }
    }
    return true;
}

/* What waits is written now: the store is still there. */
void traces_release(struct sched *s)
{
    loop_timer_clear(&s->traces.timer);
    while (s->traces.first) {
        while (!work_on(s, s->traces.first))
            continue;
        drop_first(s);
    }
    end_walk(s);
}
