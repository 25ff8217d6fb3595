/*
 * request.h - one HTTP call inside src/api: its life, its answer, and the table that routes it.
 *
 * A call goes: headers in (route, token and size are checked) -> body collected -> handler -> one
 * answer. A handler either answers (respond_*), or suspends the call (request_wait_for_run()), or
 * returns an error that request.c turns into the answer. Everything it makes lives in req->pool.
 */
#ifndef MANTIS_API_REQUEST_H
#define MANTIS_API_REQUEST_H

#include <arpa/inet.h>
#include <stdbool.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/pool.h"
#include "core/tenant.h"
#include "core/view_token.h"
#include "sched/limits.h"
#include "sys/httpd.h"

struct request;

/* ---- routes (routes.c) ---- */

typedef int route_fn(struct request *req, struct err *err);

enum route_flags {
    ROUTE_JSON = 1 << 0, /* the body must be a JSON object: req->json */
    ROUTE_OPEN = 1 << 1, /* no token is needed */
    ROUTE_OPENAI = 1 << 2, /* an error's body has "error" beside "detail", as OpenAI's clients read it */
};

#define ROUTE_PARAMS_MAX 2

struct route {
    const char *method;
    const char *pattern; /* "/v1/runs/{run_id}": a brace takes one path segment */
    size_t body_cap; /* 0: a small body is read and ignored */
    unsigned flags;
    unsigned scopes; /* the tenant needs one of these (core/tenant.h); 0 with ROUTE_OPEN. A route
                        that serves several actions lets SCOPE_ANY in and asks request_may() */
    route_fn *handle;
    const char *operation; /* operationId: its request, replies and words in openapi.c's document */
};

extern const struct route routes[];
extern const size_t routes_n;

/* HEAD finds GET's row. params (in pool) take what the braces matched. E_NOT_FOUND; E_INVALID when
 * the path exists with other methods, listed in *ret_allow. Threads: the first call before others. */
int route_match(struct pool *pool, const char *method, const char *path, const struct route **ret,
                const char *params[ROUTE_PARAMS_MAX], const char **ret_allow);

/* ---- callers (auth.c) ---- */

/* Who calls, by the X-Mantis-Token header, and may they use this route: fills req->tenant and
 * req->tenant_id. E_UNAVAILABLE, E_UNAUTHORIZED, E_FORBIDDEN. */
int request_authenticate(struct request *req, struct err *err) MUST_CHECK;

/* E_FORBIDDEN naming the scope unless the tenant has one of them. */
int request_may(const struct request *req, unsigned scopes, struct err *err) MUST_CHECK;

/* Of the token the call came with, for who looks later whether it is still in force. */
void request_token_sha256(const struct request *req, unsigned char out[ID_SHA256_BYTES]);
/* Is it, for the same tenant and this route? To be asked when tenants_generation() changed. */
bool request_may_go_on(const struct request *req, const unsigned char token_sha256[ID_SHA256_BYTES]);

/* The caller's address; "-" when there is none. */
const char *request_client(const struct request *req, char out[INET6_ADDRSTRLEN]);

/* One line per call (tenancy.md section 9), accepted ones with the words fixed there; NULL prints
 * "-". */
void audit_predict(const struct request *req, const char *action, const char *profile_id,
                   const char *workflow_id, bool detached);
void audit_line(const struct request *req, const char *run_id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- connections (conn.c): what a peer must do by when ---- */

enum conn_wait {
    CONN_FIRST_HEADERS,
    CONN_ANSWERED, /* a moment; then, unless the peer has said that it sends no more: */
    CONN_NEXT_HEADERS,
    CONN_BODY,
    CONN_N_WAITS,
    CONN_ANSWER,
};

struct conn {
    struct conn *prev, *next;
    struct conn_list *list; /* NULL while we owe the answer */
    int fd;
    int64_t deadline_mono_ms;
};

struct conn_list {
    struct conn *first, *last; /* the same allowance for all, so oldest first is soonest first */
};

void conn_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
                 enum MHD_ConnectionNotificationCode code);
void conn_expect(struct api *api, struct MHD_Connection *connection, enum conn_wait wait);

/* Read and drop what the peer still sends, on a copy of fd, so that it sees the answer to a call
 * that was refused before its body was read (discard.c). */
void discard_start(struct api *api, int fd);
void discard_end_all(struct api *api);

/* ---- the server ---- */

struct discard;
struct stream;
struct viewer;
struct view_token;
struct chat;

struct api {
    struct loop *loop;
    struct store *store;
    struct sched *sched;
    struct tenants *tenants;
    struct limits *limits;
    struct webhooks *webhooks;
    struct meters *meters;
    const struct settings *settings;
    struct author *author; /* NULL: words are read by rules */
    struct gateway *gateway; /* NULL: without engine and author */
    struct engine *engine; /* NULL: the brain needs no model */
    const char *model; /* name of the brain */
    char id_prefix[9]; /* of request ids: random, then a serial number */
    uint32_t id_serial;

    struct httpd httpd;
    int listen_fd; /* -1 once the daemon has it */
    int port;

    struct conn_list waits[CONN_N_WAITS];
    struct loop_timer waits_timer;
    struct discard *discards;
    int n_discards;

    struct request *waiting; /* suspended calls */
    struct replay_key *flights; /* idempotency keys whose runs are being stored (replay.h) */

    /* event streams (stream.c), soonest beat first: all beat with the same period */
    struct stream *streams, *streams_last;
    struct loop_timer beat_timer;
    int beat_ms, beats; /* a ping every so often; at the last one the stream ends */
    struct loop_timer token_timer; /* are the tokens they were opened with still in force? */
    int token_ms;
    uint64_t tokens_seen; /* tenants_generation() when that was looked at last */
    struct stream *token_next; /* whose token is looked at next; NULL: through with them */
    /* calls to the model server (chat.h) */
    struct httpc *httpc; /* NULL without engine */
    struct chat *chats;  /* those that are streams */
    int chat_ms, chat_stream_ms; /* CAP_CHAT_CALL_S, CAP_CHAT_STREAM_S */
    int chat_unread_ms, chat_crowded_ms; /* CAP_CHAT_UNREAD_S, CAP_CHAT_CROWDED_S */

    struct viewer *viewers; /* open live views (view.c) */

    struct buf frame;   /* the frame that is being made for whoever is being served */

    int in_progress;         /* calls whose headers are read and that are not done */
    bool draining;
    struct loop_timer drain_timer;
    api_drained_fn *on_drained;
    void *on_drained_arg;
};

void api_call_done(struct api *api); /* a call left: the drain may be over */

/* ---- requests (request.c) ---- */

#define REQUEST_ID_BYTES 65 /* a caller's own id of up to 64 bytes, or ours of 16 */
#define REQUEST_MORE_HEADERS 6

enum request_stage {
    REQUEST_NEW,
    REQUEST_BODY,     /* collecting it */
    REQUEST_DISCARD,  /* refused; the rest of a small body is read first */
    REQUEST_WAITING,  /* suspended */
    REQUEST_ANSWERED,
};

struct request {
    struct api *api;
    struct MHD_Connection *connection;
    struct pool *pool;
    char id[REQUEST_ID_BYTES];
    const char *method, *path;
    const struct route *route;
    const char *params[ROUTE_PARAMS_MAX];
    const char *allow;           /* methods of a path that was called with another one */
    const struct tenant *tenant; /* of this turn of the loop; NULL on open routes and after a wait */
    const char *tenant_id;       /* the same tenant's, for good */
    uint64_t tenant_turn;        /* loop_turns() when tenant was found */
    const char *run_id;          /* the run the call made or met, for the audit line; NULL: as named */
    const char *traceparent;     /* as it came, when it is well formed; else NULL */
    const char *trace_id;        /* of traceparent; NULL */
    enum request_stage stage;
    bool bad_uri;
    bool counted;    /* in api->in_progress */
    bool unread;     /* answered before its body was read: the connection closes */
    bool broken;     /* the answer could not be queued: the connection closes */

    int refusal; /* E_* found at the headers, answered when the body is out of the way */
    const struct err *refusal_err;

    struct buf body;
    size_t discarded;
    json_t *json; /* in pool; with ROUTE_JSON */

    /* what the answer says besides its body */
    const char *mode;        /* of mantis_predict_requests_total: "run", "status", ...; NULL not counted */
    const char *outcome;     /* likewise; NULL: from the status code */
    bool rated;              /* the bucket was asked: X-RateLimit-* goes out */
    struct rate_state rate;
    int retry_after_s;       /* 0 none */
    bool replayed;           /* Idempotency-Replayed: true */
    const char *log_reason;  /* of a refusal whose words quote what was sent; NULL: the words are logged */
    struct bad_value {
        const char *where, *name, *type, *input; /* "query", "sse", "bool_parsing", "banana" */
    } bad_value;             /* with E_UNPROCESSABLE: `detail` is an array that says this; where NULL none */
    struct answer_header {
        const char *name, *value;
    } more[REQUEST_MORE_HEADERS]; /* further ones; name NULL: the end */

    /* suspended calls (wait.c) */
    struct request *wait_next, **wait_prev;
    struct httpd_hold hold;
    route_fn *wait_then;
    void (*wait_abandon)(struct request *req);
    bool abandoned;
    struct run_wait *run_wait; /* of request_wait_for_run() */
    struct words *words;       /* of words_ask() */
    void *state;               /* of the handler, across a wait; in pool */
};

struct log_ctx request_log_ctx(const struct request *req, const char *run_id);

/* ---- query parameters (query.c) ---- */

/* NULL when it is absent. */
const char *query_get(const struct request *req, const char *name);
/* Read leniently as in http-api.md section 1. Absent: *out stays as it was. E_UNPROCESSABLE: answered 422
 * with the parameter named. */
int query_bool(struct request *req, const char *name, bool *out, struct err *err) MUST_CHECK;
int query_int(struct request *req, const char *name, int64_t min, int64_t max, int64_t *out,
              struct err *err) MUST_CHECK;
/* Refuse a value with 422: where "query", "header" or "body"; type as "value_error". */
int value_refuse(struct request *req, const char *where, const char *name, const char *type, const char *input,
                 struct err *err, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

/* Headers that could be read in two ways (headers.c). E_INVALID; the connection is of no use then. */
int request_check_headers(const struct request *req, const char *version, struct err *err) MUST_CHECK;

void *request_create(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result request_turn(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data, size_t *size,
                             void **con_cls);
void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how);

/* The body, which must be an object, into req->json. */
int request_read_json(struct request *req, struct err *err) MUST_CHECK;

/*
 * Suspend the call; it costs a socket and nothing else. request_resume() lets it go on with then(),
 * from the loop. When the caller hangs up, abandon() is called instead (it undoes what would have
 * resumed the call); also when the server drains and the call waits for a run, which is answered 503.
 */
void request_suspend(struct request *req, route_fn *then, void (*abandon)(struct request *req));
/* The same where waiting costs more than a socket: a caller that will send no more counts as gone, at once. */
void request_suspend_strictly(struct request *req, route_fn *then, void (*abandon)(struct request *req));
void request_resume(struct request *req);
enum MHD_Result request_go_on(struct request *req); /* request.c: its next turn */
void request_abandon(struct request *req);
void requests_drain(struct api *api); /* nobody waits for a run any more */

/* Suspend until the run is over, then go on with then(); req->state is the caller's. E_NOT_FOUND. */
int request_wait_for_run(struct request *req, struct run_key key, route_fn *then, struct err *err) MUST_CHECK;

/* ---- answers (respond.c) ---- */

int respond_json(struct request *req, int status, const json_t *doc);
int respond_text(struct request *req, int status, const char *mime, const char *text, size_t len); /* copied */
/* data lives as long as the call */
int respond_kept(struct request *req, int status, const char *mime, const void *data, size_t len);
int respond_static(struct request *req, const char *mime, const void *data, size_t len); /* lives for ever */
/* One range of it, or nothing when the caller has it (Range, If-Range, If-None-Match). Takes over fd, also on
 * error. */
int respond_file(struct request *req, int fd, const char *mime, const char *download_name,
                 struct err *err) MUST_CHECK;
/* A body of unknown length, pulled from read(arg, ...), see MHD_ContentReaderCallback. */
int respond_stream(struct request *req, const char *mime, MHD_ContentReaderCallback read, void *arg);
/* 101: fn gets the socket. The request lives until httpd_end_upgrade(). */
int respond_upgrade(struct request *req, const char *protocol, const char *accept, MHD_UpgradeHandler fn, void *arg);
/* The answer to an error, and its log line. */
void respond_error(struct request *req, int code, const struct err *err);

/* ---- handlers ---- */

route_fn health_get, version_get, models_get;                                        /* health.c */
const char *model_tag(const struct request *req); /* of the model server; "" none */
route_fn predict_post;                                                               /* predict.c */
route_fn cua_post;                                                                   /* cua.c */
route_fn chat_post;                                                                  /* chat.c */
route_fn run_phase_get, run_status_get, run_result_get, run_cancel_post, run_artifact_get; /* runs.c */
route_fn run_steps_get, run_screenshot_get;                                          /* runs.c */
route_fn usage_get;                                                                  /* usage.c */
route_fn runs_get;                                                                   /* run_list.c */
route_fn run_video_get, queue_get;                                                   /* runs.c */
route_fn run_events_get;                                                             /* events.c */
route_fn run_webhook_get, run_webhook_replay_post, webhooks_get, webhook_replay_post; /* webhooks.c */
route_fn recipes_post, recipes_get, recipe_get, recipe_delete;                       /* recipes.c */
route_fn fingerprint_post;                                                           /* fingerprint.c */
route_fn metrics_get;                                                                /* metrics.c */
route_fn openapi_get, docs_get, redoc_get, docs_asset_get;                           /* openapi.c, docs.c */
route_fn console_get, console_asset_get;                                             /* docs.c */

/* The status document with the rows after a cursor ("": all): action=reasoning_trace, and events without
 * sse. At most CAP_TRACE_ROWS of them; then "next_since" says where to go on. (events.c) */
int respond_trace(struct request *req, struct run_key key, const char *since, struct err *err) MUST_CHECK;

/* Streams of events (stream.c). */
int stream_open(struct request *req, struct run_key key, int64_t after_seq, bool steps, struct err *err) MUST_CHECK;
void streams_end(struct api *api, bool at_once); /* the server drains; at once: cut, it stops */

/* ---- live views (view.c) ---- */

route_fn run_view_get, run_takeover_post, run_release_post;
route_fn run_view_mjpeg_get; /* view_mjpeg.c */
route_fn run_view_ws_get;    /* view_ws.c */

enum viewer_end {
    VIEWER_EXPIRED,  /* its token did, or the API token behind it */
    VIEWER_STOPPING, /* the server drains */
    VIEWER_CUT,      /* it stops now */
};

/* First member of every kind of open view; zeroed but for end. */
struct viewer {
    struct viewer *next, **link; /* link NULL: not linked */
    struct api *api;
    struct loop_timer expiry;
    char tenant[CAP_TENANT_ID_BYTES + 1], who[LEASE_WHO_BYTES]; /* whose API token it was made with */
    int64_t expires_s;
    uint64_t tokens_seen; /* tenants_generation() when that was looked at last */
    void (*end)(struct viewer *v, enum viewer_end how);
};
void viewer_link(struct viewer *v, struct api *api);
void viewer_unlink(struct viewer *v); /* not linked is fine */
/* Ends it when its token is over, or the API token that it was made with is in force no more. */
void viewer_expires(struct viewer *v, const struct view_token *token);
void viewers_end(struct api *api, bool at_once);

/* The token of the address, for the run of the path; from then on the call is its tenant's. E_UNAUTHORIZED,
 * E_UNAVAILABLE. */
int view_admit(struct request *req, struct view_token *out, struct err *err) MUST_CHECK;

/* An answer to a run's prompt (actions.c): E_INVALID when it is too long. */
int user_input_check(const json_t *input, struct err *err) MUST_CHECK;

/* action=graph_learn (learn.c). */
route_fn graph_learn;

/* Action mode of predict (http-api.md section 5). */
int action_dispatch(struct request *req, const char *action, struct err *err) MUST_CHECK;

/* E_INVALID unless it equals its sanitised form. */
int run_id_check(const char *run_id, struct err *err) MUST_CHECK;

/* The caller's run of that id. */
static inline struct run_key request_run(const struct request *req, const char *run_id)
{
    return RUN_KEY(req->tenant_id, run_id);
}

#endif
