/*
 * events.c - GET /v1/runs/{run_id}/events: the rows of a run, at once as JSON or as they come.
 */
#include "api/request.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"

#define BATCH 64

/* --- the JSON twin ---------------------------------------------------------------------------- */

struct rows {
    struct buf *out;
    int n;
    int64_t seq; /* of the last one */
    char cursor[64];
};

static int add_rows(struct request *req, struct run_key key, struct rows *rows, struct err *err)
{
    struct sched_event events[BATCH];
    int n, r;
    do {
        r = sched_events_after(req->api->sched, key, rows->seq, events, BATCH, &n, err);
        for (int i = 0; !r && i < n; i++) {
            if (rows->n++)
                buf_addc(rows->out, ',');
            buf_adds(rows->out, events[i].json);
            rows->seq = events[i].seq;
            snprintf(rows->cursor, sizeof(rows->cursor), "%s", events[i].cursor);
        }
    } while (!r && n == BATCH && rows->n < CAP_TRACE_ROWS && rows->out->len < CAP_TRACE_BYTES / 2);
    return r;
}

static int add_trace(struct request *req, struct run_key key, int64_t after, struct buf *out,
                     struct err *err)
{
    const char *status;
    size_t len;
    struct rows rows = {.out = out, .seq = after};
    struct sched_peek now = {0};
    int r = sched_status_text(req->api->sched, key, &status, &len, err);
    if (r)
        return r;
    buf_add(out, status, len - 1); /* an object: without its brace */
    buf_adds(out, ",\"events\":[");
    if ((r = add_rows(req, key, &rows, err)) || (r = sched_peek(req->api->sched, key, &now, err)))
        return r;
    buf_addf(out, "],\"count\":%d", rows.n);
    if (rows.n && rows.seq < now.last_seq)
        buf_addf(out, ",\"next_since\":\"%s\"", rows.cursor);
    buf_addc(out, '}');
    return out->failed ? err_set(err, E_TOOBIG,
                                 "the events of run '%s' are more than %u bytes: ask with 'since'",
                                 key.run_id, CAP_TRACE_BYTES)
                       : 0;
}

/* A '+' in a query string that was not encoded arrives as a space; a cursor holds no space. */
static const char *mend_cursor(struct request *req, const char *cursor)
{
    char *mended = pool_strdup(req->pool, cursor);
    for (char *p = mended; (p = strchr(p, ' '));)
        *p = '+';
    return mended;
}

static int read_cursor(struct request *req, struct run_key key, const char *where, const char *name,
                       const char *cursor, int64_t *ret_seq, struct err *err)
{
    struct err cause = {0};
    int r = sched_cursor_parse(req->api->sched, key, mend_cursor(req, cursor), ret_seq, &cause);
    if (r == E_UNPROCESSABLE)
        return value_refuse(req, where, name, "value_error", cursor, err, "%s", cause.msg);
    if (r)
        *err = cause;
    return r;
}

int respond_trace(struct request *req, struct run_key key, const char *since, struct err *err)
{
    struct buf out;
    int64_t after = 0;
    int r = read_cursor(req, key, req->json ? "body" : "query", "since", since, &after, err);
    if (r)
        return r;
    buf_init(&out, CAP_TRACE_BYTES);
    r = add_trace(req, key, after, &out, err);
    if (!r)
        r = respond_text(req, 200, "application/json", out.data, out.len);
    buf_release(&out);
    return r;
}

/* --- the stream ------------------------------------------------------------------------------- */

/* The header is what an EventSource sends when it comes back; it wins over the address it began
 * with. */
static int read_start(struct request *req, struct run_key key, int64_t *ret_seq, struct err *err)
{
    const char *last =
        MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "Last-Event-ID");
    if (last && *last)
        return read_cursor(req, key, "header", "Last-Event-ID", last, ret_seq, err);
    const char *since = query_get(req, "since");
    return read_cursor(req, key, "query", "since", since ? since : "", ret_seq, err);
}

static int open_stream(struct request *req, struct run_key key, struct err *err)
{
    int64_t after = 0;
    bool steps = true;
    int r = query_bool(req, "steps", &steps, err);
    if (!r)
        r = read_start(req, key, &after, err);
    return r ? r : stream_open(req, key, after, steps, err);
}

int run_events_get(struct request *req, struct err *err)
{
    struct run_key key = request_run(req, req->params[0]);
    struct sched_peek now;
    bool sse = false;
    int r = query_bool(req, "sse", &sse, err);
    if (!r)
        r = run_id_check(key.run_id, err);
    if (!r)
        r = sched_peek(req->api->sched, key, &now, err); /* 404 before anything else is looked at */
    if (r)
        return r;
    if (sse)
        return open_stream(req, key, err);
    const char *since = query_get(req, "since");
    return respond_trace(req, key, since ? since : "", err);
}
