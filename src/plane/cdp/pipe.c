#include "plane/cdp/pipe.h"
#include "base/buf.h"
#include "base/caps.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK   (256u << 10)
#define TURN_BYTES   (4u << 20) /* read in one go; deadlines and a cancel come before the rest */
#define KEPT_BYTES   (4u << 20) /* a read buffer that grew larger is given back */
#define ESCAPE_BYTES 6          /* of \uXXXX */
#define SEND_CAP     (16u << 20) /* queued for a browser that does not read; then it counts as gone */

struct cdp {
    struct loop *loop;
    int fd;
    struct loop_fd *watch;
    cdp_event_fn *on_event;
    void *arg;
    struct buf in, out;
    size_t scanned; /* bytes of in known to hold no NUL */
    bool skipping;  /* inside a message over the cap, thrown away up to its NUL */
    bool gone;
    int last_id;
    struct cdp_call *calls;
};

void cdp_set_id(char out[CDP_ID_BYTES], const char *id)
{
    snprintf(out, CDP_ID_BYTES, "%s", id);
}

/* --- calls ---------------------------------------------------------------------------------- */

static struct cdp_call *take_call(struct cdp *cdp, int id)
{
    for (struct cdp_call **p = &cdp->calls; *p; p = &(*p)->next)
        if ((*p)->id == id) {
            struct cdp_call *call = *p;
            *p = call->next;
            return call;
        }
    return NULL;
}

static void end_call(struct cdp_call *call, int code, const char *msg, json_t *result)
{
    call->done = true;
    call->code = code;
    snprintf(call->msg, sizeof(call->msg), "%s", msg);
    if (call->on_done) {
        call->on_done(call->arg, result);
        json_decref(result);
    } else {
        call->result = result;
    }
}

static void set_gone(struct cdp *cdp)
{
    if (cdp->gone)
        return;
    cdp->gone = true;
    loop_fd_remove(cdp->watch);
    cdp->watch = NULL;
    while (cdp->calls) {
        struct cdp_call *call = cdp->calls;
        cdp->calls = call->next;
        end_call(call, E_GONE, "the browser has ended", NULL);
    }
}

/* --- reading -------------------------------------------------------------------------------- */

/* The UTF-16 unit of the \uXXXX at p, -1 when there is none in the left bytes. */
static int escaped_unit(const char *p, size_t left)
{
    int unit = 0;
    if (left < ESCAPE_BYTES || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < ESCAPE_BYTES; i++) {
        if (!isxdigit((unsigned char)p[i]))
            return -1;
        unit = unit * 16 + (isdigit((unsigned char)p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    }
    return unit;
}

/* A page may hold what JSON allows and jansson does not take by default: NUL in a string. Lone
 * surrogates it takes never; they become U+FFFD in a second try. */
static bool mend_surrogates(char *text, size_t len)
{
    bool changed = false;
    char *p = text, *end = text + len;
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        int unit = escaped_unit(p, (size_t)(end - p));
        if (unit < 0) {
            p += end - p >= 2 ? 2 : 1;
            continue;
        }
        int next = escaped_unit(p + ESCAPE_BYTES, (size_t)(end - p) - ESCAPE_BYTES);
        bool high = (unit & 0xfc00) == 0xd800, low = (unit & 0xfc00) == 0xdc00;
        bool paired = high && next >= 0 && (next & 0xfc00) == 0xdc00;
        if ((high || low) && !paired) {
            memcpy(p + 2, "fffd", 4);
            changed = true;
        }
        p += paired ? 2 * ESCAPE_BYTES : ESCAPE_BYTES;
    }
    return changed;
}

static json_t *parse_message(char *text, size_t len)
{
    json_error_t je;
    json_t *message = json_loadb(text, len, JSON_ALLOW_NUL, &je);
    if (!message && mend_surrogates(text, len))
        message = json_loadb(text, len, JSON_ALLOW_NUL, &je);
    return message;
}

static void take_answer(struct cdp *cdp, int id, json_t *message)
{
    struct cdp_call *call = take_call(cdp, id);
    json_t *error = json_object_get(message, "error");
    if (!call)
        return; /* dropped, or posted */
    if (error)
        end_call(call, E_UPSTREAM, json_str(error, "message", "no reason given"), NULL);
    else
        end_call(call, 0, "", json_incref(json_object_get(message, "result")));
}

static void take_message(struct cdp *cdp, char *text, size_t len)
{
    json_t *message = parse_message(text, len);
    if (!json_is_object(message)) {
        json_decref(message);
        set_gone(cdp);
        return;
    }
    json_t *id = json_object_get(message, "id");
    const char *method = json_str(message, "method", NULL);
    if (json_is_integer(id))
        take_answer(cdp, (int)json_integer_value(id), message);
    else if (method && cdp->on_event)
        cdp->on_event(cdp->arg, json_str(message, "sessionId", ""), method,
                      json_object_get(message, "params"));
    json_decref(message);
}

/* The message that is coming in passed the cap: answer its call, whose id stands first, with
 * E_TOOBIG and throw the rest away. */
static void skip_message(struct cdp *cdp)
{
    int id = 0;
    if (!cdp->skipping && sscanf(cdp->in.data, "{\"id\":%d", &id) == 1) {
        struct cdp_call *call = take_call(cdp, id);
        if (call)
            end_call(call, E_TOOBIG, "the answer is over the cap of one DevTools message", NULL);
    }
    cdp->skipping = true;
    buf_clear(&cdp->in);
    cdp->scanned = 0;
}

static void take_messages(struct cdp *cdp)
{
    size_t start = 0;
    while (!cdp->gone) {
        char *from = cdp->in.data + cdp->scanned;
        char *nul = memchr(from, 0, cdp->in.len - cdp->scanned);
        if (!nul) {
            cdp->scanned = cdp->in.len;
            break;
        }
        size_t end = (size_t)(nul - cdp->in.data);
        if (cdp->skipping)
            cdp->skipping = false;
        else
            take_message(cdp, cdp->in.data + start, end - start);
        start = cdp->scanned = end + 1;
    }
    buf_consume(&cdp->in, start);
    cdp->scanned -= start;
    if (!cdp->in.len && cdp->in.size > KEPT_BYTES)
        buf_release(&cdp->in);
}

static void read_some(struct cdp *cdp)
{
    for (size_t left = TURN_BYTES; !cdp->gone && left >= READ_CHUNK;) {
        if (buf_reserve(&cdp->in, READ_CHUNK)) {
            skip_message(cdp);
            continue;
        }
        ssize_t n = read(cdp->fd, cdp->in.data + cdp->in.len, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            set_gone(cdp);
            return;
        }
        buf_grew(&cdp->in, (size_t)n);
        left -= (size_t)n;
        take_messages(cdp);
    }
}

/* --- writing -------------------------------------------------------------------------------- */

static void write_all(struct cdp *cdp)
{
    while (!cdp->gone && cdp->out.len) {
        ssize_t n = send(cdp->fd, cdp->out.data, cdp->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            set_gone(cdp);
            return;
        }
        buf_consume(&cdp->out, (size_t)n);
    }
    if (cdp->watch)
        loop_fd_events(cdp->watch, cdp->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_socket(void *arg, uint32_t events)
{
    struct cdp *cdp = arg;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(cdp);
    if (events & EPOLLOUT)
        write_all(cdp);
}

static void send_message(struct cdp *cdp, int id, const char *session, const char *method,
                         json_t *params)
{
    json_t *message = json_object();
    json_put_int(message, "id", id);
    json_put_str(message, "method", method);
    if (params)
        json_put(message, "params", params);
    if (session && *session)
        json_put_str(message, "sessionId", session);
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (!text)
        BUG("cannot print a DevTools message");
    int r = buf_add(&cdp->out, text, strlen(text) + 1);
    free(text);
    if (r)
        set_gone(cdp);
    else
        write_all(cdp);
}

/* --- public --------------------------------------------------------------------------------- */

int cdp_open(struct loop *loop, int fd, cdp_event_fn *on_event, void *arg, struct cdp **out,
             struct err *err)
{
    struct cdp *cdp = calloc(1, sizeof(*cdp));
    if (!cdp)
        BUG("out of memory");
    *cdp = (struct cdp){.loop = loop, .fd = fd, .on_event = on_event, .arg = arg};
    buf_init(&cdp->in, CAP_CDP_MESSAGE_BYTES);
    buf_init(&cdp->out, SEND_CAP);
    int r = loop_fd_add(loop, fd, EPOLLIN, on_socket, cdp, &cdp->watch, err);
    if (r) {
        cdp_close(cdp);
        return r;
    }
    *out = cdp;
    return 0;
}

void cdp_close(struct cdp *cdp)
{
    if (!cdp)
        return;
    set_gone(cdp);
    buf_release(&cdp->in);
    buf_release(&cdp->out);
    free(cdp);
}

bool cdp_gone(const struct cdp *cdp)
{
    return cdp->gone;
}

void cdp_start(struct cdp *cdp, const char *session, const char *method, json_t *params,
               struct cdp_call *call)
{
    call->id = ++cdp->last_id;
    call->done = false;
    call->code = 0;
    call->result = NULL;
    call->next = cdp->calls;
    cdp->calls = call;
    if (!cdp->gone) {
        send_message(cdp, call->id, session, method, params);
        return;
    }
    json_decref(params);
    end_call(take_call(cdp, call->id), E_GONE, "the browser has ended", NULL);
}

static bool call_done(void *arg)
{
    const struct cdp_call *call = arg;
    return call->done;
}

int cdp_finish(struct cdp *cdp, struct cdp_call *call, int64_t deadline_mono_ms,
               json_t **ret_result, struct err *err)
{
    int r = loop_wait(cdp->loop, call_done, call, deadline_mono_ms);
    if (r == E_TIMEOUT)
        err_set(err, r, "the browser did not answer in time");
    else if (r)
        err_set(err, r, "cancelled");
    else if (call->code)
        r = err_set(err, call->code, "browser: %s", call->msg);
    if (!r && ret_result)
        *ret_result = json_incref(call->result);
    cdp_drop(cdp, call);
    return r;
}

void cdp_drop(struct cdp *cdp, struct cdp_call *call)
{
    if (call->id && !call->done)
        take_call(cdp, call->id);
    json_decref(call->result);
    call->result = NULL;
    call->id = 0;
}

int cdp_call(struct cdp *cdp, const char *session, const char *method, json_t *params,
             int64_t deadline_mono_ms, json_t **ret_result, struct err *err)
{
    struct cdp_call call = {0};
    cdp_start(cdp, session, method, params, &call);
    int r = cdp_finish(cdp, &call, deadline_mono_ms, ret_result, err);
    return r ? err_prefix(err, "%s", method) : 0;
}

void cdp_post(struct cdp *cdp, const char *session, const char *method, json_t *params)
{
    if (cdp->gone)
        json_decref(params);
    else
        send_message(cdp, ++cdp->last_id, session, method, params);
}
