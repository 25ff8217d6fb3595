/*
 * files.c - the files of http-api.md section 13, written from the store after each commit.
 *
 * A file that cannot be written is logged and nothing else: the store is the truth, and the file is
 * written again when it is asked for. So none is waited for until the disk has it: a power cut may
 * leave one empty, and an empty one counts as missing.
 */
#include "sched/private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/result.h"
#include "sys/file.h"

#define FILE_MODE       0600
#define STATUS_SOON_MS  20
#define STATUS_TURN_US  1000 /* of one turn of the loop */
#define STATUS_AGAIN_MS 4    /* so that a flood of new runs leaves the loop to those who ask */

/* A run's files, while they are being written. */
struct bundle {
    struct sched *s;
    struct pool *pool;
    struct run_record rec;
    char *dir;
    int failures;
};

static void write_path(struct bundle *b, const char *path, const char *text)
{
    struct err err = {0};
    struct log_ctx ctx = {.tenant_id = b->rec.tenant_id, .run_id = b->rec.run_id};
    if (text && file_write_soon(path, text, strlen(text), FILE_MODE, &err) && b->failures++ == 0)
        log_warning(LOGGER, &ctx, "a file of the run is missing until it is asked for: %s",
                    err.msg);
}

static void write_file(struct bundle *b, const char *name, const char *text)
{
    write_path(b, pool_printf(b->pool, "%s/%s", b->dir, name), text);
}

static int open_bundle(struct bundle *b, struct sched *s, struct run_key key, unsigned parts)
{
    struct err err = {0};
    *b = (struct bundle){.s = s, .pool = pool_create(NULL)};
    int r = store_run_get(s->store, b->pool, key, parts, &b->rec, &err);
    if (!r)
        r = dirs_make_run(s, key, &err);
    if (r) {
        log_warning(LOGGER, NULL, "cannot write the files of run %s: %s", key.run_id, err.msg);
        pool_destroy(b->pool);
        return r;
    }
    b->dir = dirs_run(s, b->pool, key);
    return 0;
}

static void write_status(struct bundle *b)
{
    json_t *doc = docs_status(b->s, b->pool, &b->rec);
    write_file(b, "status.json", json_pretty(b->pool, doc));
}

/* --- status.json, soon -------------------------------------------------------------------------
 *
 * It follows the store after a moment: many changes of a run are one file, and a thousand new runs
 * are written in pieces between other work. A run that ends takes its status along.
 */

struct stale {
    struct keynode node;
    struct stale *next;
    bool done; /* by somebody else, or it is of no use any more */
};

static void write_some(void *arg);

static void write_soon(struct sched *s, int delay_ms)
{
    if (!s->stale.timer.loop)
        loop_timer_set(s->loop, &s->stale.timer, delay_ms, write_some, s);
}

void files_status_soon(struct sched *s, struct run_key key)
{
    struct keynode *found = keymap_find(&s->stale.map, key);
    if (found) {
        ((struct stale *)found)->done = false;
        return;
    }
    struct stale *one = keynode_create(sizeof(*one), key, &key);
    keymap_add(&s->stale.map, &one->node, key);
    if (s->stale.last)
        s->stale.last->next = one;
    else
        s->stale.first = one;
    s->stale.last = one;
    write_soon(s, STATUS_SOON_MS);
}

/* It stays in the list until its turn comes, and then is not written. */
void files_forget(struct sched *s, struct run_key key)
{
    struct keynode *found = keymap_find(&s->stale.map, key);
    if (found)
        ((struct stale *)found)->done = true;
}

static void write_first(struct sched *s)
{
    struct stale *one = s->stale.first;
    struct bundle b;
    s->stale.first = one->next;
    if (!s->stale.first)
        s->stale.last = NULL;
    keymap_remove(&s->stale.map, &one->node);
    if (!one->done && open_bundle(&b, s, one->node.key, 0) == 0) {
        write_status(&b);
        pool_destroy(b.pool);
    }
    free(one);
}

static void write_some(void *arg)
{
    struct sched *s = arg;
    int64_t until = clock_mono_us() + STATUS_TURN_US;
    do
        if (s->stale.first)
            write_first(s);
    while (s->stale.first && clock_mono_us() < until);
    if (s->stale.first)
        write_soon(s, STATUS_AGAIN_MS);
}

/* What was not written is written by the next start. */
void files_release(struct sched *s)
{
    loop_timer_clear(&s->stale.timer);
    keymap_release(&s->stale.map, keynode_free);
}

/* --- all files ---------------------------------------------------------------------------------
 */

static void add_line(struct buf *out, struct pool *pool, const json_t *value)
{
    buf_adds(out, json_text(pool, value));
    buf_addc(out, '\n');
}

static void write_events(struct bundle *b)
{
    json_t *events, *e;
    size_t i;
    struct buf log, trace;
    if (store_events_get(b->s->store, b->pool, RUN_KEY_OF(&b->rec), -1, CAP_LOG_TAIL, &events,
                         NULL))
        return;
    buf_init(&log, CAP_IPC_MESSAGE_BYTES);
    buf_init(&trace, CAP_IPC_MESSAGE_BYTES);
    json_array_foreach (events, i, e) {
        json_t *line = docs_log_line(e);
        add_line(&log, b->pool, line);
        add_line(&trace, b->pool, e);
        json_decref(line);
    }
    write_file(b, "events.log", log.data);
    write_file(b, "reasoning.jsonl", trace.data);
    buf_release(&log);
    buf_release(&trace);
}

static void write_result(struct bundle *b)
{
    if (!b->rec.result)
        return;
    write_file(b, "leads.csv", result_leads_csv(b->pool, b->rec.result));
    write_file(b, "extracted_rows.csv", result_rows_csv(b->pool, b->rec.result));
    write_file(b, "extracted_rows.json", result_rows_json(b->pool, b->rec.result));
    write_file(b, "claude_cost_by_path.json", result_cost_by_path(b->pool, b->rec.result));
    write_file(b, "result.json", json_pretty(b->pool, b->rec.result));
}

void files_write_all(struct sched *s, struct run_key key)
{
    struct bundle b;
    if (open_bundle(&b, s, key, RUN_PART_CHECKPOINT | RUN_PART_RESULT))
        return;
    json_t *payload = json_object_get(b.rec.doc, "payload");
    files_forget(s, key);
    write_status(&b);
    write_events(&b);
    if (payload)
        write_file(&b, "payload.json", json_pretty(b.pool, payload));
    if (b.rec.checkpoint && b.rec.workflow_id)
        write_path(&b, dirs_checkpoint(s, b.pool, key.tenant, b.rec.workflow_id),
                   json_text(b.pool, b.rec.checkpoint));
    write_result(&b); /* result.json last: where it is, the others are */
    pool_destroy(b.pool);
}

bool files_missing(const char *path)
{
    struct stat st;
    return stat(path, &st) || st.st_size == 0;
}

void files_rebuild(struct sched *s, struct run_key key)
{
    struct pool *pool = pool_create(NULL);
    struct run_record rec;
    char *result = pool_printf(pool, "%s/result.json", dirs_run(s, pool, key));
    if (files_missing(result) && !store_run_get(s->store, pool, key, 0, &rec, NULL) &&
        run_state_terminal(rec.state))
        files_write_all(s, key);
    pool_destroy(pool);
}
