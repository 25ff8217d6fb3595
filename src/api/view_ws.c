/*
 * view_ws.c - a run's display over a WebSocket, and the hands of the person who has its controls.
 *
 * Pictures are sent when the socket has taken all that came before, so a slow viewer skips what is old. What
 * a person sends is checked by core/hand.h and handed on; it is in no log, and no error quotes it.
 */
#include "api/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/hand.h"
#include "sched/live.h"
#include "sys/ws.h"

#define MOVE_MS 20 /* a move waits for the next one */

struct socket {
    struct viewer viewer; /* first */
    struct request *req;
    struct view_token token;
    struct sched_view *view;
    struct MHD_UpgradeResponseHandle *urh; /* NULL: not upgraded yet, or closed */
    struct ws *ws;
    char *told; /* the last state message without its time, owned */
    int errors; /* in a row */
    double hands; /* that may come now */
    int64_t hands_us;
    json_t *move; /* the last one, when there were too many; owned; NULL none */
    struct loop_timer move_timer;
};

/* --- saying ------------------------------------------------------------------------------------ */

/* malloc'ed */
static char *print(const json_t *message)
{
    char *text = json_dumps(message, JSON_FOR_CALLERS);
    if (!text)
        BUG("a message cannot be printed");
    return text;
}

/* Takes the reference over. */
static void say(struct socket *s, json_t *message)
{
    char *text = print(message);
    ws_text(s->ws, text, strlen(text));
    free(text);
    json_decref(message);
}

static json_t *message(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static void say_error(struct socket *s, int code, const char *detail)
{
    json_t *m = message("error");
    json_put_str(m, "code", err_name(code));
    json_put(m, "detail", json_string_safe(detail));
    say(s, m);
    if (++s->errors >= CAP_VIEW_ERRORS)
        ws_close(s->ws, WS_POLICY, "too many errors");
}

static void say_hello(struct socket *s, const struct sched_view_state *now)
{
    char at[CLOCK_ISO_BYTES];
    json_t *m = message("hello");
    json_put_str(m, "run_id", s->req->params[0]);
    json_put_str(m, "rights", view_rights_name(s->token.rights));
    json_put_int(m, "width", now->width);
    json_put_int(m, "height", now->height);
    json_put_str(m, "expires_at", clock_iso(s->token.expires_s * 1000000, at));
    say(s, m);
}

static json_t *state_message(const struct sched_view_state *now)
{
    static const char *const controls[] = {"free", "held", "yours"};
    json_t *m = message("state");
    json_put_str(m, "status", run_state_name(now->state));
    json_put(m, "pause_reason", *now->pause_reason ? json_string_safe(now->pause_reason) : json_null());
    json_put(m, "prompt", *now->prompt ? json_string_safe(now->prompt) : json_null());
    json_put_str(m, "control", controls[now->control]);
    json_put_bool(m, "ready", now->ready);
    return m;
}

static void say_state(struct socket *s, const struct sched_view_state *now)
{
    json_t *m = state_message(now);
    char *text = print(m);
    bool same = s->told && !strcmp(s->told, text);
    free(s->told);
    s->told = text;
    json_put(m, "expires_in_s", now->control == CONTROL_FREE ? json_null() : json_integer(now->left_ms / 1000));
    if (same)
        json_decref(m);
    else
        say(s, m);
}

static void say_released(struct socket *s, const char *why)
{
    json_t *m = message("released");
    json_put_str(m, "reason", why);
    say(s, m);
}

static void send_pictures(struct socket *s)
{
    struct buf out;
    if (!ws_is_idle(s->ws))
        return;
    buf_init(&out, CAP_PICTURE_MESSAGE_BYTES);
    if (sched_view_next(s->view, &out))
        ws_binary(s->ws, out.data, out.len);
    buf_release(&out);
}

static void on_news(void *arg)
{
    struct socket *s = arg;
    struct sched_view_state now;
    if (!s->ws)
        return;
    sched_view_state(s->view, &now);
    if (now.released)
        say_released(s, now.released);
    if (run_state_terminal(now.state)) {
        ws_close(s->ws, WS_NORMAL, pool_printf(s->req->pool, "run %s", run_state_name(now.state)));
        return;
    }
    say_state(s, &now);
    send_pictures(s);
}

static void on_clipboard(void *arg, const char *text)
{
    struct socket *s = arg;
    json_t *m = message("clipboard");
    json_put(m, "text", json_string_safe(text));
    say(s, m);
}

/* --- hearing ----------------------------------------------------------------------------------- */

static int hear_takeover(struct socket *s, const json_t *m, struct err *err)
{
    const char *token = "";
    const struct lease *lease;
    struct takeover ask = {.who = s->token.who};
    if (!(s->token.rights & VIEW_CONTROL))
        return err_set(err, E_FORBIDDEN,
                       "this address is for watching: GET /v1/runs/{run_id}/view?control=true gives one that "
                       "may take the controls");
    int r = json_read_string(m, "lease", &token, err);
    r = r ? r : json_read_bool(m, "take", &ask.take, err);
    ask.token = token;
    r = r ? r
          : sched_takeover(s->req->api->sched, request_run(s->req, s->req->params[0]), &ask, s->view, &lease,
                           err);
    if (r)
        return r;
    json_t *answer = message("lease");
    json_put_str(answer, "lease", lease->token);
    json_put_int(answer, "ttl_s", lease->ttl_ms / 1000);
    say(s, answer);
    audit_line(s->req, s->req->params[0], "takeover tenant=%s", s->req->tenant_id);
    return 0;
}

static int hear_release(struct socket *s, const json_t *m, struct err *err)
{
    const json_t *input = json_object_get(m, "user_input");
    int r = user_input_check(input, err);
    r = r ? r : sched_view_release(s->view, json_is_null(input) ? NULL : input, err);
    if (!r)
        audit_line(s->req, s->req->params[0], "release tenant=%s", s->req->tenant_id);
    return r;
}

static int hear_renew(struct socket *s, const json_t *m, struct err *err)
{
    return sched_view_renew(s->view, err);
}

static int hear_ping(struct socket *s, const json_t *m, struct err *err)
{
    json_t *answer = message("pong");
    json_put_int(answer, "n", json_int(m, "n", 0));
    say(s, answer);
    return 0;
}

/* A bucket that fills with CAP_HANDS_PER_S. Moves leave half of it to the others: what is let go must not be lost among
 * them, for it would stay down. */
static bool may_act(struct socket *s, bool move)
{
    int64_t now = clock_mono_us();
    s->hands += (double)(now - s->hands_us) / 1e6 * CAP_HANDS_PER_S;
    s->hands_us = now;
    if (s->hands > CAP_HANDS_BURST)
        s->hands = CAP_HANDS_BURST;
    if (s->hands < 1 + (move ? CAP_HANDS_BURST / 2 : 0))
        return false;
    s->hands--;
    return true;
}

static const struct {
    const char *type;
    int (*hear)(struct socket *s, const json_t *m, struct err *err);
} table[] = {
    {"takeover", hear_takeover}, {"release", hear_release}, {"renew", hear_renew}, {"ping", hear_ping}};

/* --- moves that come too fast: the last of them counts --- */

static void on_move_due(void *arg);

static void forget_move(struct socket *s)
{
    json_decref(s->move);
    s->move = NULL;
    loop_timer_clear(&s->move_timer);
}

static int keep_move(struct socket *s, const json_t *m)
{
    json_decref(s->move);
    s->move = json_incref((json_t *)m);
    if (!s->move_timer.loop)
        loop_timer_set(s->req->api->loop, &s->move_timer, MOVE_MS, on_move_due, s);
    return 0;
}

/* Too late to be told that it was not obeyed. */
static void do_move(struct socket *s)
{
    int ignored = s->move ? sched_view_hand(s->view, s->move, NULL) : 0;
    (void)ignored;
    forget_move(s);
}

static void on_move_due(void *arg)
{
    do_move(arg);
}

static int hear(struct socket *s, const json_t *m, struct err *err)
{
    const char *type = json_str(m, "type", "");
    bool move = hand_is_move(m);
    if (!may_act(s, move))
        return move ? keep_move(s, m)
                    : err_set(err, E_RATE_LIMITED, "more than %d messages in a second: this one was dropped",
                              CAP_HANDS_PER_S);
    if (move)
        forget_move(s);
    else
        do_move(s);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (!strcmp(table[i].type, type))
            return table[i].hear(s, m, err);
    if (hand_is(type))
        return sched_view_hand(s->view, m, err);
    return err_set(err, E_INVALID, "'type' is not known: docs/live.md lists what a viewer may say");
}

/* The parser's own words would quote what was sent. */
static void on_text(void *arg, const char *text, size_t len)
{
    struct socket *s = arg;
    struct err err = {0};
    json_t *m = NULL;
    int r = json_parse(text, len, "message", &m, NULL);
    if (r || !json_is_object(m))
        r = err_set(&err, E_INVALID, "a message must be one JSON object");
    else
        r = hear(s, m, &err);
    json_decref(m);
    if (r)
        say_error(s, r, err.msg);
    else
        s->errors = 0;
}

/* --- life -------------------------------------------------------------------------------------- */

static void close_socket(struct socket *s)
{
    struct MHD_UpgradeResponseHandle *urh = s->urh;
    forget_move(s);
    viewer_unlink(&s->viewer);
    ws_destroy(s->ws);
    sched_view_close(s->view);
    free(s->told);
    s->ws = NULL;
    s->view = NULL;
    s->told = NULL;
    s->urh = NULL;
    if (urh)
        httpd_end_upgrade(&s->req->api->httpd, urh);
}

/* With the request: also when the daemon never came to the upgrade. */
static void on_request_over(void *arg)
{
    close_socket(arg);
}

static void on_closed(void *arg)
{
    close_socket(arg);
}

static void on_idle(void *arg)
{
    send_pictures(arg);
}

static void end(struct viewer *v, enum viewer_end how)
{
    struct socket *s = (struct socket *)v;
    if (how == VIEWER_CUT || !s->ws)
        close_socket(s);
    else if (how == VIEWER_EXPIRED)
        ws_close(s->ws, WS_TOKEN_EXPIRED, "token expired");
    else
        ws_close(s->ws, WS_GOING_AWAY, "server stops");
}

static void on_upgraded(void *cls, struct MHD_Connection *connection, void *con_cls, const char *extra,
                        size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *urh)
{
    static const struct ws_events events = {.text = on_text, .idle = on_idle, .closed = on_closed};
    struct socket *s = cls;
    struct sched_view_state now;
    s->urh = urh;
    if (!s->view || ws_create(s->req->api->loop, fd, extra, extra_len, &events, s, &s->ws, NULL)) {
        close_socket(s);
        return;
    }
    sched_view_state(s->view, &now);
    say_hello(s, &now);
    on_news(s);
}

/* A header that is a list, which may come in several lines. */
struct listed {
    const char *name, *word;
    bool found;
};

static enum MHD_Result look_in_list(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct listed *l = cls;
    size_t len = strlen(l->word);
    for (const char *p = strcasecmp(name, l->name) ? NULL : value; p && *p;) {
        p += strspn(p, ", \t");
        size_t n = strcspn(p, ", \t");
        l->found = l->found || (n == len && !strncasecmp(p, l->word, len));
        p += n;
    }
    return MHD_YES;
}

static bool header_has(const struct request *req, const char *name, const char *word)
{
    struct listed l = {.name = name, .word = word};
    MHD_get_connection_values(req->connection, MHD_HEADER_KIND, look_in_list, &l);
    return l.found;
}

static int read_handshake(struct request *req, char accept[WS_ACCEPT_BYTES], struct err *err)
{
    const char *key =
        MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "Sec-WebSocket-Key");
    if (strcmp(req->method, "GET") || !header_has(req, "Connection", "upgrade") ||
        !header_has(req, "Upgrade", "websocket") || !header_has(req, "Sec-WebSocket-Version", "13") ||
        ws_accept(key, accept))
        return err_set(err, E_INVALID, "this address is a WebSocket: open it with a client of RFC 6455");
    return 0;
}

int run_view_ws_get(struct request *req, struct err *err)
{
    static const struct sched_view_events events = {.news = on_news, .clipboard = on_clipboard};
    struct socket *s = pool_alloc(req->pool, sizeof(*s));
    char accept[WS_ACCEPT_BYTES];
    *s = (struct socket){.viewer.end = end, .req = req, .hands = CAP_HANDS_BURST, .hands_us = clock_mono_us()};
    int r = view_admit(req, &s->token, err);
    r = r ? r : read_handshake(req, accept, err);
    r = r ? r
          : sched_view_open(req->api->sched, request_run(req, req->params[0]), PATCHES_REGIONS, &events, s,
                            &s->view, err);
    if (r)
        return r;
    viewer_link(&s->viewer, req->api);
    viewer_expires(&s->viewer, &s->token);
    pool_defer(req->pool, on_request_over, s);
    return respond_upgrade(req, "websocket", accept, on_upgraded, s);
}
