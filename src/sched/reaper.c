/*
 * reaper.c - what is old goes: finished runs, their exported traces (traces.c), before that their screenshots and
 * downloads, and idempotency keys. Never profiles, checkpoints of workflows, or models.
 *
 * Everything happens in small pieces from one timer. Runs are named by the store, oldest first, and
 * a run's directory goes before its rows: killed in between, it is named again. Screenshots and
 * downloads are found by walking the run directories, a few at a time and once an hour.
 */
#include "sched/private.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "store/keys.h"
#include "store/upkeep.h"
#include "sys/file.h"

#define FIRST_MS      5000
#define BUSY_MS       20     /* between two pieces when there was something to do */
#define IDLE_MS       300000 /* and when there was nothing */
#define ENTRIES       100    /* files removed in one piece */
#define RUNS          4      /* runs looked at in one piece */
#define WALK_ENTRIES  20     /* directories looked at in one piece */
#define MOST_STUCK    200    /* runs that are passed over in one round */
#define KEYS          200
#define KEY_US        (STORE_KEY_TTL_S * INT64_C(1000000))
#define WALK_EVERY_US (INT64_C(3600) * 1000000)

static bool remove_some(const char *path, bool *ret_gone, struct err *err)
{
    return file_remove_some(path, ENTRIES, ret_gone, err) == 0;
}

/* --- runs --------------------------------------------------------------------------------------
 */

/* False: it cannot be removed just now. */
static bool reap_run(struct sched *s, struct pool *pool, const struct run_record *rec,
                     struct err *err)
{
    struct run_key key = RUN_KEY_OF(rec);
    bool gone = false;
    if (rec->state == RUN_PAUSED)
        return sched_cancel(s, key, "it was paused for too long", err) == 0;
    if (sched_slot_of(s, key))
        return false;
    files_forget(s, key);
    if (!remove_some(dirs_run(s, pool, key), &gone, err))
        return false;
    if (!gone)
        return true;
    if (store_run_delete(s->store, key, err))
        return false;
    views_drop(s, key);
    follow_gone(s, key);
    return true;
}

/* Runs that cannot be removed stay the oldest; they are passed over until the next round. */
static bool reap_runs(struct sched *s, int64_t now_us)
{
    struct pool *pool = pool_create(NULL);
    struct run_record *runs;
    struct err err = {0};
    int n = 0, days = s->settings->run_ttl_days, stuck = 0, limit = RUNS + s->reaper.stuck;
    if (days <= 0 ||
        store_runs_expired(s->store, pool, now_us - days * DAY_US, limit, &runs, &n, &err))
        n = 0;
    for (int i = 0; i < n; i++)
        stuck += !reap_run(s, pool, &runs[i], &err);
    if (*err.msg && (!stuck || stuck > s->reaper.stuck))
        log_warning(LOGGER, NULL, "old runs cannot be removed: %s", err.msg);
    s->reaper.stuck = stuck < MOST_STUCK ? stuck : MOST_STUCK;
    pool_destroy(pool);
    return n > stuck || (n == limit && stuck < MOST_STUCK); /* there may be others behind them */
}

static bool reap_keys(struct sched *s, int64_t now_us)
{
    struct err err = {0};
    int n = 0;
    if (store_keys_sweep(s->store, now_us - KEY_US, KEYS, &n, &err))
        log_warning(LOGGER, NULL, "reaper: %s", err.msg);
    return n == KEYS;
}

/* --- screenshots and downloads -----------------------------------------------------------------
 */

struct walk_runs {
    struct pool *pool; /* holds this struct too */
    DIR *tenants, *runs;
    char tenant[ID_NAME_MAX + 1]; /* whose runs are being looked at */
    char run_id[ID_NAME_MAX + 1]; /* not through with it; "": the next one */
};

static void close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
    *dir = NULL;
}

static void end_walk(struct sched *s)
{
    struct walk_runs *w = s->reaper.walk;
    if (!w)
        return;
    close_dir(&w->tenants);
    close_dir(&w->runs);
    s->reaper.walk = NULL;
    pool_destroy(w->pool);
}

static struct walk_runs *start_walk(struct sched *s)
{
    struct pool *pool = pool_create(NULL);
    struct walk_runs *w = pool_alloc(pool, sizeof(*w));
    *w = (struct walk_runs){.pool = pool};
    w->tenants = opendir(pool_printf(pool, "%s/tenants", s->settings->data_dir));
    return s->reaper.walk = w;
}

static bool next_name(DIR *dir, char *out, size_t size)
{
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!id_is_clean(e->d_name) || strlen(e->d_name) >= size)
            continue;
        memcpy(out, e->d_name, strlen(e->d_name) + 1);
        return true;
    }
    return false;
}

/* False: there are no more tenants. */
static bool next_run(struct sched *s, struct walk_runs *w)
{
    while (!next_name(w->runs, w->run_id, sizeof(w->run_id))) {
        close_dir(&w->runs);
        if (!next_name(w->tenants, w->tenant, sizeof(w->tenant)))
            return false;
        struct pool *pool = pool_create(NULL);
        w->runs =
            opendir(pool_printf(pool, "%s/tenants/%s/runs", s->settings->data_dir, w->tenant));
        pool_destroy(pool);
    }
    return true;
}

static bool ended_before(struct sched *s, struct pool *pool, struct run_key key, int64_t before_us)
{
    struct run_record rec;
    return store_run_look(s->store, pool, key, &rec, NULL) == 0 &&
           run_state_terminal(rec.state) && rec.finished_us < before_us && !sched_slot_of(s, key);
}

/* Directories that a run leaves; without them it costs one look. True: not through with it yet. */
static bool strip_run(struct sched *s, struct walk_runs *w, int64_t before_us)
{
    static const char *const below[] = {"screenshots", "downloads"};
    struct pool *pool = pool_create(NULL);
    struct run_key key = RUN_KEY(w->tenant, w->run_id);
    const char *work = dirs_work(s, pool, key);
    bool more = false;
    for (size_t i = 0; !more && i < ARRAY_SIZE(below); i++) {
        const char *path = pool_printf(pool, "%s/%s", work, below[i]);
        struct stat st;
        bool gone = true;
        struct err err = {0};
        if (lstat(path, &st) || !ended_before(s, pool, key, before_us))
            continue;
        if (remove_some(path, &gone, &err))
            more = !gone;
        else
            log_warning(LOGGER, NULL, "the reaper cannot remove old files: %s", err.msg);
    }
    pool_destroy(pool);
    return more;
}

/* True: the round is not over. */
static bool strip_runs(struct sched *s, int64_t now_us)
{
    struct walk_runs *w = s->reaper.walk;
    int days = s->settings->artifact_ttl_days;
    if (days <= 0 || (!w && now_us < s->reaper.next_walk_us))
        return false;
    if (!w)
        w = start_walk(s);
    for (int i = 0; i < WALK_ENTRIES; i++) {
        if (!*w->run_id && !next_run(s, w)) {
            end_walk(s);
            s->reaper.next_walk_us = now_us + WALK_EVERY_US;
            return false;
        }
        if (strip_run(s, w, now_us - days * DAY_US))
            return true;
        w->run_id[0] = 0;
    }
    return true;
}

void reaper_round(void *arg)
{
    struct sched *s = arg;
    int64_t now_us = clock_wall_us();
    bool more = reap_runs(s, now_us);
    more = reap_keys(s, now_us) || more;
    more = strip_runs(s, now_us) || more;
    more = traces_reap(s, now_us) || more;
    if (!more)
        s->reaper.stuck = 0;
    loop_timer_set(s->loop, &s->reaper.timer, more ? BUSY_MS : IDLE_MS, reaper_round, s);
}

void reaper_start(struct sched *s)
{
    loop_timer_set(s->loop, &s->reaper.timer, FIRST_MS, reaper_round, s);
}

void reaper_release(struct sched *s)
{
    loop_timer_clear(&s->reaper.timer);
    end_walk(s);
}
