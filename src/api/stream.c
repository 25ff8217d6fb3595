/*
 * stream.c - a run's events as they come (http-api.md section 11), to ten thousand callers at once.
 *
 * A stream holds a cursor and no bytes. When something happened it is woken, makes the frame that
 * is next, and hands libmicrohttpd at most one block of it; a frame cut there is made again and
 * goes on where it was. So a caller who does not read costs what one who reads does, and catches up
 * from the store. Between frames the connection is suspended. All streams beat with the same
 * period, so they stand in one list, soonest first, behind one timer.
 *
 * Beyond the contract's frames: a row that ends a step is preceded by a frame `step`, and by a
 * frame `extract` when it brought rows. They have no id, so a caller that counts rows by their ids
 * counts right, and come before the row, so a caller that goes on from the row's id has seen them.
 */
#include "api/request.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

#define BATCH           16
#define TOKENS_PER_TURN 32 /* each is looked for among all tokens */

enum piece {
    PIECE_NONE,
    PIECE_PHASE,
    PIECE_ROW,
    PIECE_TERMINAL,
    PIECE_TIMEOUT,
    PIECE_REVOKED,
    PIECE_PING
};

struct stream {
    struct stream *prev, *next; /* api->streams */
    struct request *req;
    struct run_key key;
    struct sched_follow *follow;
    struct httpd_hold hold;
    int64_t beat_mono_ms;
    int beats_left;
    int64_t seq;            /* of the last row that was sent */
    bool told;              /* a phase frame was sent, */
    enum run_state told_of; /* of this state */
    enum piece piece;       /* is being sent, `sent` bytes of it have been */
    size_t sent;
    enum run_state piece_state;
    bool steps;       /* frames `step` and `extract` are wanted */
    bool ping, bound; /* due */
    bool revoked;     /* its token is in force no more, or may not read events any more */
    bool finished;    /* its last frame was sent, or nobody is there to read it */
    unsigned char token_sha256[ID_SHA256_BYTES];
};

/* What one call of fill() reads once. */
struct view {
    struct sched_peek now;
    struct sched_event events[BATCH];
    int n_events, at;
};

/* A frame, in three parts so that a row is not copied before it is cut into blocks. */
struct frame {
    struct part {
        const char *data;
        size_t len;
    } parts[3];
    size_t len;
};

/* --- frames ---------------------------------------------------------------------------------- */

static void add_frame(struct buf *out, const char *event, const json_t *data)
{
    char *text = json_dumps(data, JSON_FOR_CALLERS);
    if (!text)
        BUG("a frame cannot be printed");
    buf_addf(out, "event: %s\ndata: %s\n\n", event, text);
    free(text);
}

static void add_short_frame(struct buf *out, const struct stream *s, const char *event,
                            const char *key, const char *value, json_t *halt_class)
{
    json_t *data = json_pack("{s:s,s:s}", key, value, "run_id", s->key.run_id);
    if (halt_class)
        json_put(data, "halt_class", halt_class);
    add_frame(out, event, data);
    json_decref(data);
}

/* The frame is the contract's, where a paused run's phase is "running"; so what tells the two apart
 * is added where it matters. */
static void add_phase_frame(struct buf *out, const struct stream *s)
{
    json_t *data =
        json_pack("{s:s,s:s}", "phase", run_state_phase(s->piece_state), "run_id", s->key.run_id);
    bool was_paused = s->told && s->told_of == RUN_PAUSED;
    if (s->piece_state == RUN_PAUSED || (was_paused && s->piece_state == RUN_RUNNING))
        json_put_str(data, "status", run_state_name(s->piece_state));
    add_frame(out, "phase", data);
    json_decref(data);
}

static void copy_fields(json_t *to, const json_t *from, const char *const *names)
{
    for (; *names; names++) {
        json_t *value = json_object_get(from, *names);
        if (value)
            json_put(to, *names, json_incref(value));
    }
}

static void add_derived_frame(struct buf *out, const struct stream *s, const char *event,
                              const json_t *row, const char *const *names)
{
    json_t *data = json_pack("{s:s}", "run_id", s->key.run_id);
    json_put(data, "ts", json_incref(json_object_get(row, "ts")));
    copy_fields(data, json_object_get(row, "detail"), names);
    add_frame(out, event, data);
    json_decref(data);
}

static void add_step_frames(struct buf *out, const struct stream *s, const struct sched_event *e)
{
    static const char *const step[] = {"step_index", "n_steps",  "type", "intent",
                                       "success",    "skip",     "data", "failure_class",
                                       "url",        "duration", NULL};
    static const char *const extract[] = {"step_index", "type", "rows", "total_rows",
                                          "data",       "url",  NULL};
    json_t *row = json_loads(e->json, 0, NULL);
    const json_t *detail = json_object_get(row, "detail");
    add_derived_frame(out, s, "step", row, step);
    if (json_int(detail, "rows", 0) > 0)
        add_derived_frame(out, s, "extract", row, extract);
    json_decref(row);
}

static void add_row_head(struct buf *out, const struct stream *s, const struct sched_event *e)
{
    if (s->steps && strcmp(e->name, "step_end") == 0)
        add_step_frames(out, s, e);
    buf_addf(out, "id: %s\nevent: %s\ndata: ", e->cursor, e->name);
}

static void add_head(struct buf *out, const struct stream *s, const struct view *v)
{
    const char *class = v->now.halt_class;
    switch (s->piece) {
    case PIECE_NONE:
        break;
    case PIECE_PHASE:
        add_phase_frame(out, s);
        break;
    case PIECE_ROW:
        add_row_head(out, s, &v->events[v->at]);
        break;
    case PIECE_TERMINAL:
        add_short_frame(out, s, "terminal", "phase", run_state_phase(v->now.state),
                        class ? json_string_safe(class) : json_null());
        break;
    case PIECE_TIMEOUT:
        add_short_frame(out, s, "timeout", "reason", "max_stream_seconds", NULL);
        break;
    case PIECE_REVOKED:
        add_short_frame(out, s, "revoked", "reason", "token_revoked", NULL);
        break;
    case PIECE_PING:
        buf_adds(out, ": ping\n\n");
        break;
    }
}

static struct frame make_frame(const struct stream *s, const struct view *v)
{
    struct buf *head = &s->req->api->frame;
    struct frame f = {0};
    buf_clear(head);
    add_head(head, s, v);
    f.parts[0] = (struct part){head->data, head->len};
    if (s->piece == PIECE_ROW) {
        f.parts[1] = (struct part){v->events[v->at].json, strlen(v->events[v->at].json)};
        f.parts[2] = (struct part){"\n\n", 2};
    }
    f.len = f.parts[0].len + f.parts[1].len + f.parts[2].len;
    return f;
}

/* From the skip-th byte on, at most max of them. */
static size_t copy_frame(const struct frame *f, size_t skip, char *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(f->parts); i++) {
        size_t have = f->parts[i].len > skip ? f->parts[i].len - skip : 0;
        size_t take = have < max - n ? have : max - n;
        if (take)
            memcpy(out + n, f->parts[i].data + skip, take);
        n += take;
        skip -= skip < f->parts[i].len ? skip : f->parts[i].len;
    }
    return n;
}

/* --- what comes next ------------------------------------------------------------------------- */

/* True when a row is there. What cannot be read just now is tried again at the next wake-up. */
static bool have_row(struct stream *s, struct view *v)
{
    struct err err = {0};
    if (v->at < v->n_events)
        return true;
    if (s->seq >= v->now.last_seq)
        return false;
    v->at = 0;
    v->n_events = 0;
    if (sched_events_after(s->req->api->sched, s->key, s->seq, v->events, BATCH, &v->n_events,
                           &err))
        log_debug("mantis.server", NULL, "stream of %s: %s", s->key.run_id, err.msg);
    return v->n_events > 0;
}

/* The first frame says the phase, whatever it is; a final phase is told when all rows were. */
static enum piece choose(struct stream *s, struct view *v)
{
    bool final = run_state_terminal(v->now.state);
    bool told = s->told && s->told_of == v->now.state;
    s->piece_state = v->now.state;
    if (s->revoked)
        return PIECE_REVOKED;
    if (!s->told || (!told && !final))
        return PIECE_PHASE;
    if (s->bound)
        return PIECE_TIMEOUT;
    if (have_row(s, v))
        return PIECE_ROW;
    if (final && v->now.over && s->seq >= v->now.last_seq)
        return told ? PIECE_TERMINAL : PIECE_PHASE;
    return s->ping ? PIECE_PING : PIECE_NONE;
}

static void piece_sent(struct stream *s, struct view *v)
{
    switch (s->piece) {
    case PIECE_PHASE:
        s->told = true;
        s->told_of = s->piece_state;
        break;
    case PIECE_ROW:
        s->seq = v->events[v->at++].seq;
        break;
    case PIECE_TERMINAL:
    case PIECE_TIMEOUT:
    case PIECE_REVOKED:
        s->finished = true;
        break;
    case PIECE_PING:
        s->ping = false;
        break;
    case PIECE_NONE:
        break;
    }
    s->piece = PIECE_NONE;
    s->sent = 0;
}

/* Bytes put into out; 0: there is nothing to say. */
static size_t fill(struct stream *s, char *out, size_t max)
{
    struct view v = {0};
    size_t n = 0;
    if (sched_peek(s->req->api->sched, s->key, &v.now, NULL)) {
        s->finished = true; /* the run is forgotten */
        return 0;
    }
    while (n < max && !s->finished) {
        if (s->piece == PIECE_NONE && (s->piece = choose(s, &v)) == PIECE_NONE)
            break;
        if (s->piece == PIECE_ROW && !have_row(s, &v))
            break;
        struct frame frame = make_frame(s, &v);
        size_t took = copy_frame(&frame, s->sent, out + n, max - n);
        n += took;
        s->sent += took;
        if (s->sent == frame.len)
            piece_sent(s, &v);
    }
    return n;
}

/* A caller who left is sent the end like everybody: libmicrohttpd closes on the failed write or the
 * peer's end. Told of an error here, its epoll mode forgets the connection until older ones are
 * gone. */
static ssize_t pull(void *arg, uint64_t pos, char *out, size_t max)
{
    struct stream *s = arg;
    size_t block = max < CAP_STREAM_BLOCK_BYTES ? max : CAP_STREAM_BLOCK_BYTES;
    size_t n = s->finished ? 0 : fill(s, out, block);
    if (n)
        return (ssize_t)n;
    if (s->finished)
        return MHD_CONTENT_READER_END_OF_STREAM;
    httpd_hold(&s->hold);
    return 0;
}

/* --- beats ----------------------------------------------------------------------------------- */

static void unlink_stream(struct stream *s)
{
    struct api *api = s->req->api;
    if (api->token_next == s)
        api->token_next = s->next;
    *(s->prev ? &s->prev->next : &api->streams) = s->next;
    *(s->next ? &s->next->prev : &api->streams_last) = s->prev;
    s->prev = s->next = NULL;
}

static void link_last(struct stream *s)
{
    struct api *api = s->req->api;
    s->prev = api->streams_last;
    *(s->prev ? &s->prev->next : &api->streams) = s;
    api->streams_last = s;
}

static void on_beat(void *arg);

static void arm(struct api *api)
{
    if (!api->streams)
        return;
    int64_t left = api->streams->beat_mono_ms - clock_mono_ms();
    loop_timer_set(api->loop, &api->beat_timer, left > 0 ? left : 0, on_beat, api);
}

static void on_beat(void *arg)
{
    struct api *api = arg;
    int64_t now = clock_mono_ms();
    struct stream *s;
    while ((s = api->streams) && s->beat_mono_ms <= now) {
        unlink_stream(s);
        s->beat_mono_ms += api->beat_ms;
        link_last(s);
        s->bound = --s->beats_left <= 0;
        s->ping = true;
        httpd_wake(&s->hold);
    }
    arm(api);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void look_at_token(struct stream *s)
{
    if (s->revoked || request_may_go_on(s->req, s->token_sha256))
        return;
    s->revoked = true;
    httpd_wake(&s->hold);
}

/* What a stream may read, a new call may read too: tokens change rarely, so nothing is looked up
 * until they did, and then a few in each turn of the loop. */
static void look_at_tokens(void *arg)
{
    struct api *api = arg;
    uint64_t generation = tenants_generation(api->tenants);
    struct stream *s;
    if (!api->token_next && generation != api->tokens_seen) {
        api->tokens_seen = generation;
        api->token_next = api->streams;
    }
    for (int i = 0; i < TOKENS_PER_TURN && (s = api->token_next); i++) {
        api->token_next = s->next;
        look_at_token(s);
    }
    if (api->streams)
        loop_timer_set(api->loop, &api->token_timer, api->token_next ? 0 : api->token_ms,
                       look_at_tokens, api);
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_news(void *arg)
{
    struct stream *s = arg;
    httpd_wake(&s->hold);
}

static void on_hangup(void *arg)
{
    struct stream *s = arg;
    s->finished = true;
    httpd_wake(&s->hold);
}

/* With the request: whatever ended it. */
static void stream_close(void *arg)
{
    struct stream *s = arg;
    struct api *api = s->req->api;
    sched_unfollow(s->follow);
    httpd_release(&s->hold);
    unlink_stream(s);
    if (!api->streams) {
        loop_timer_clear(&api->beat_timer);
        loop_timer_clear(&api->token_timer);
    }
    meters_stream(api->meters, s->req->tenant_id, -1);
}

int stream_open(struct request *req, struct run_key key, int64_t after_seq, bool steps,
                struct err *err)
{
    struct api *api = req->api;
    struct stream *s = pool_alloc(req->pool, sizeof(*s));
    *s = (struct stream){
        .req = req, .key = key, .seq = after_seq, .steps = steps, .beats_left = api->beats};
    s->follow = sched_follow(api->sched, key, on_news, s);
    if (!s->follow)
        return err_set(err, E_NOT_FOUND, "there is no run '%s'", key.run_id);
    s->beat_mono_ms = clock_mono_ms() + api->beat_ms;
    request_token_sha256(req, s->token_sha256);
    if (!api->token_timer.loop)
        loop_timer_set(api->loop, &api->token_timer, api->token_ms, look_at_tokens, api);
    link_last(s);
    if (!api->beat_timer.loop)
        arm(api);
    meters_stream(api->meters, req->tenant_id, 1);
    pool_defer(req->pool, stream_close, s);
    httpd_watch(&api->httpd, req->connection, &s->hold, on_hangup, s);
    return respond_stream(req, "text/event-stream", pull, s);
}

void streams_end(struct api *api, bool at_once)
{
    for (struct stream *s = api->streams; s; s = s->next) {
        s->finished = true;
        httpd_wake(&s->hold);
        if (at_once)
            httpd_release(&s->hold);
    }
}
