#include "cmd/event_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"

#define STREAM_MS    900000 /* the server ends its streams after 600 s */
#define SILENCE_MS   60000  /* it says something every 25 s */
#define AWAY_MS      60000  /* how long it may be away before we give up */
#define RETRY_MS     250    /* doubled with every try that brought nothing new */
#define RETRY_MAX_MS 8000
#define REFUSAL_MAX  (64 << 10)
#define ID_MAX       256

struct event_stream {
    struct client *client;
    struct pool *pool; /* lives as long */
    const char *run_id, *since;

    struct httpc_exchange *exchange; /* NULL: none under way */
    struct pool *connection;         /* of the exchange */
    bool over;                       /* it ended; result and the two below are its */
    int result, retry_after_s;
    struct err why;
    bool began;            /* an answer was an event stream once */
    int tries;             /* since something new came */
    bool lost_said;        /* likewise */
    int64_t heard_mono_ms; /* when bytes came last */
    int64_t quiet_mono_ms; /* likewise, or when the exchange began */
    int64_t next_mono_ms;  /* when to connect */

    struct buf in;  /* bytes that came */
    size_t scanned; /* of them, without the end of a line */
    char name[64], pending_id[ID_MAX], id[ID_MAX], phase[256];
    bool has_id;       /* the frame brought one */
    struct buf data;   /* of the frame that is being read */
    bool data_is_used; /* the caller has it */
    char lost[ERR_MSG_MAX];
};

struct event_stream *event_stream_create(struct client *client, const char *run_id,
                                         const char *since)
{
    struct pool *pool = pool_create(NULL);
    struct event_stream *s = pool_alloc(pool, sizeof(*s));
    *s = (struct event_stream){.client = client,
                               .pool = pool,
                               .run_id = pool_strdup(pool, run_id),
                               .since = pool_strdup(pool, since)};
    s->heard_mono_ms = s->next_mono_ms = clock_mono_ms();
    buf_init(&s->in, CAP_CLIENT_ANSWER_BYTES);
    buf_init(&s->data, CAP_CLIENT_ANSWER_BYTES);
    return s;
}

static void hang_up(struct event_stream *s)
{
    if (s->exchange)
        httpc_cancel(s->exchange);
    s->exchange = NULL;
    s->over = false;
    pool_destroy(s->connection);
    s->connection = NULL;
}

void event_stream_destroy(struct event_stream *s)
{
    if (!s)
        return;
    hang_up(s);
    buf_release(&s->in);
    buf_release(&s->data);
    pool_destroy(s->pool);
}

/* --- connecting ------------------------------------------------------------------------------ */

static bool is_stream(const struct httpc_answer *a)
{
    const char *type = "text/event-stream";
    return strncasecmp(a->content_type, type, strlen(type)) == 0;
}

static void on_body(void *arg, const char *data, size_t len)
{
    struct event_stream *s = arg;
    s->heard_mono_ms = s->quiet_mono_ms = clock_mono_ms();
    buf_add(&s->in, data, len); /* `failed` is looked at before the next wait */
}

static void on_end(void *arg, int result, const struct httpc_answer *answer, const struct err *err)
{
    struct event_stream *s = arg;
    s->exchange = NULL;
    s->over = true;
    s->result = result;
    s->retry_after_s = answer ? answer->retry_after_s : 0;
    s->why = *err;
    if (!answer)
        return;
    if (answer->status / 100 != 2)
        s->result = client_refusal(s->connection, answer, &s->why);
    else if (!is_stream(answer))
        s->result = err_set(&s->why, E_UNSUPPORTED,
                            "this server streams no events; try `mantis runs watch`");
    else
        s->began = true;
}

static int connect_now(struct event_stream *s, struct err *err)
{
    hang_up(s);
    struct pool *pool = s->connection = pool_create(NULL);
    const char *since =
        *s->id || !*s->since ? "" : pool_printf(pool, "&since=%s", client_escape(pool, s->since));
    const char *cursor = *s->id ? pool_printf(pool, "Last-Event-ID: %s", s->id) : NULL;
    struct httpc_request req = {
        .method = "GET",
        .url = pool_printf(pool, "%s/v1/runs/%s/events?sse=true&steps=false%s", s->client->base,
                           client_escape(pool, s->run_id), since),
        .headers = client_headers_and(pool, s->client, cursor),
        .timeout_ms = STREAM_MS,
        .max_answer_bytes = REFUSAL_MAX,
        .on_body = on_body,
        .body_arg = s,
    };
    buf_clear(&s->in);
    buf_clear(&s->data);
    s->scanned = 0;
    s->data_is_used = s->has_id = false;
    s->name[0] = s->pending_id[0] = 0;
    s->quiet_mono_ms = clock_mono_ms();
    s->tries++;
    return httpc_start(s->client->httpc, &req, on_end, s, &s->exchange, err);
}

static void connect_later(struct event_stream *s, int retry_after_s)
{
    int64_t ms = RETRY_MS;
    for (int i = 1; i < s->tries && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    if (ms < (int64_t)retry_after_s * 1000)
        ms = (int64_t)retry_after_s * 1000;
    s->next_mono_ms = clock_mono_ms() + ms;
}

/* --- frames ---------------------------------------------------------------------------------- */

static void take_field(struct event_stream *s, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name = colon ? (size_t)(colon - line) : len;
    const char *value = colon ? colon + 1 : line + len;
    if (value < line + len && *value == ' ')
        value++;
    size_t n = (size_t)(line + len - value);
    if (name == 4 && memcmp(line, "data", 4) == 0) {
        buf_add(&s->data, value, n);
        buf_addc(&s->data, '\n');
    } else if (name == 5 && memcmp(line, "event", 5) == 0) {
        snprintf(s->name, sizeof(s->name), "%.*s", n < sizeof(s->name) ? (int)n : 63, value);
    } else if (name == 2 && memcmp(line, "id", 2) == 0 && n < ID_MAX && !memchr(value, 0, n)) {
        snprintf(s->pending_id, sizeof(s->pending_id), "%.*s", (int)n, value);
        s->has_id = true;
    }
}

/* The frame that an empty line ended; false when it is none, or not one for the caller. */
static bool finish_frame(struct event_stream *s, struct event_frame *out)
{
    bool has_id = s->has_id, empty = s->data.len == 0;
    s->has_id = false;
    if (empty) {
        s->name[0] = 0;
        return false;
    }
    s->data.data[--s->data.len] = 0;
    s->data_is_used = true;
    if (has_id)
        snprintf(s->id, sizeof(s->id), "%s", s->pending_id);
    if (!*s->name)
        snprintf(s->name, sizeof(s->name), "message");
    bool phase = strcmp(s->name, "phase") == 0, terminal = strcmp(s->name, "terminal") == 0;
    if (!has_id && !phase && !terminal)
        return false;
    if (phase && strncmp(s->data.data, s->phase, sizeof(s->phase) - 1) == 0)
        return false;
    if (phase)
        snprintf(s->phase, sizeof(s->phase), "%s", s->data.data);
    s->began = true;
    s->tries = 0;
    s->lost_said = false;
    *out = (struct event_frame){.id = has_id ? s->id : "", .name = s->name, .data = s->data.data};
    return true;
}

static bool next_frame(struct event_stream *s, struct event_frame *out)
{
    size_t at = 0;
    bool found = false;
    while (!found) {
        if (s->data_is_used) {
            buf_clear(&s->data);
            s->name[0] = 0;
            s->data_is_used = false;
        }
        size_t from = s->scanned > at ? s->scanned : at;
        char *end = s->in.len > from ? memchr(s->in.data + from, '\n', s->in.len - from) : NULL;
        if (!end)
            break;
        size_t len = (size_t)(end - s->in.data) - at;
        const char *line = s->in.data + at;
        at += len + 1;
        if (len && line[len - 1] == '\r')
            len--;
        if (len)
            take_field(s, line, len);
        else
            found = finish_frame(s, out);
    }
    buf_consume(&s->in, at);
    s->scanned = found ? 0 : s->in.len;
    return found;
}

/* --- the next one ---------------------------------------------------------------------------- */

static bool may_come_back(const struct event_stream *s)
{
    int code = s->result;
    bool busy = (code == E_RATE_LIMITED || code == E_UNAVAILABLE) && s->retry_after_s > 0;
    return busy || (s->began && (code == E_UPSTREAM || code == E_UNAVAILABLE || code == E_TIMEOUT ||
                                 code == E_RATE_LIMITED));
}

/* A stream that ended without `terminal`: 0 when it is opened again. */
static int after_end(struct event_stream *s, struct event_frame *out, struct err *err)
{
    int retry_after_s = s->retry_after_s;
    hang_up(s);
    if (!s->result) { /* it was open long enough, or its server went away in order */
        s->next_mono_ms = clock_mono_ms();
        if (s->tries)
            connect_later(s, 0);
        return 0;
    }
    if (!may_come_back(s) || clock_mono_ms() - s->heard_mono_ms > AWAY_MS) {
        *err = s->why;
        return s->result;
    }
    connect_later(s, retry_after_s);
    if (!s->lost_said) {
        snprintf(s->lost, sizeof(s->lost), "%s", s->why.msg);
        out->lost = s->lost;
        s->lost_said = true;
    }
    return 0;
}

static bool has_news(void *arg)
{
    const struct event_stream *s = arg;
    return s->over || s->in.len > s->scanned || s->in.failed;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait_for_news(struct event_stream *s, int64_t deadline, struct err *err)
{
    int64_t until = s->exchange ? s->quiet_mono_ms + SILENCE_MS : s->next_mono_ms;
    int r = loop_wait(s->client->loop, has_news, s, sooner(until, deadline));
    if (r == E_CANCELLED)
        return err_set(err, r, "interrupted");
    if (r && s->exchange && clock_mono_ms() >= until) {
        hang_up(s);
        s->over = true;
        s->retry_after_s = 0;
        s->result =
            err_set(&s->why, E_TIMEOUT, "the server said nothing for %d s", SILENCE_MS / 1000);
    }
    return 0;
}

int event_stream_next(struct event_stream *s, int64_t deadline, struct event_frame *out,
                      struct err *err)
{
    *out = (struct event_frame){0};
    for (;;) {
        int r = 0;
        if (next_frame(s, out))
            return 0;
        if (s->in.failed || s->data.failed)
            return err_set(err, E_TOOBIG, "an event is larger than %u bytes",
                           CAP_CLIENT_ANSWER_BYTES);
        if (s->over)
            r = after_end(s, out, err);
        else if (!s->exchange && clock_mono_ms() >= s->next_mono_ms)
            r = connect_now(s, err);
        if (r || out->lost)
            return r;
        if (clock_mono_ms() >= deadline)
            return 0;
        r = wait_for_news(s, deadline, err);
        if (r)
            return r;
    }
}
