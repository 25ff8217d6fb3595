/*
 * request.h - one HTTP call inside src/api: its life, its answer, and the table that routes it.
 *
 * A call goes: headers in (route, token and size are checked) -> body collected -> handler -> one
 * answer. A handler either answers (respond_*), or suspends the call (request_wait_for_run()), or
 * returns an error that request.c turns into the answer. Everything it makes lives in req->pool.
 */
#ifndef MANTIS_API_REQUEST_H
#define MANTIS_API_REQUEST_H

#include <stdbool.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/pool.h"
#include "sys/httpd.h"

struct request;

/* ---- routes (routes.c) ---- */

typedef int route_fn(struct request *req, struct err *err);

enum route_flags {
    ROUTE_JSON = 1 << 0, /* the body must be a JSON object: req->json */
    ROUTE_OPEN = 1 << 1, /* no token is needed */
};

#define ROUTE_PARAMS_MAX 2

struct route {
    const char *method;
    const char *pattern; /* "/v1/runs/{run_id}": a brace takes one path segment */
    size_t body_cap; /* 0: a small body is read and ignored */
    unsigned flags;
    route_fn *handle;
    const char *summary;
};

extern const struct route routes[];
extern const size_t routes_n;

/* HEAD finds GET's row. params (in pool) take what the braces matched. E_NOT_FOUND; E_INVALID when
 * the path exists with other methods, listed in *ret_allow. */
int route_match(struct pool *pool, const char *method, const char *path, const struct route **ret,
                const char *params[ROUTE_PARAMS_MAX], const char **ret_allow);

/* ---- tenants (auth.c) ---- */

struct tenant {
    const char *id;
    double max_cost_per_run; /* USD */
    int max_time_minutes_per_run;
};

/* presented: the X-Mantis-Token header or NULL. E_UNAVAILABLE: no token is configured;
 * E_UNAUTHORIZED: missing, or matches no tenant (other words). */
int auth_check(const char *configured, const char *presented, const struct tenant **out, struct err *err) MUST_CHECK;

/* One line per accepted call of predict and its shorthands (tenancy.md section 9); NULL prints "-". */
void audit_predict(const struct request *req, const char *action, const char *profile_id,
                   const char *workflow_id, bool detached);

/* ---- connections (conn.c): what a peer must do by when ---- */

enum conn_wait { CONN_FIRST_HEADERS, CONN_NEXT_HEADERS, CONN_BODY, CONN_N_WAITS, CONN_ANSWER };

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

struct api {
    struct loop *loop;
    struct sched *sched;
    const struct settings *settings;
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
    int in_progress;         /* calls whose headers are read and that are not done */
    bool draining;
    struct loop_timer drain_timer;
    api_drained_fn *on_drained;
    void *on_drained_arg;
};

void api_call_done(struct api *api); /* a call left: the drain may be over */

/* ---- requests (request.c) ---- */

#define REQUEST_ID_BYTES 65 /* a caller's own id of up to 64 bytes, or ours of 16 */

enum request_stage {
    REQUEST_NEW,
    REQUEST_BODY,     /* collecting it */
    REQUEST_DISCARD,  /* refused; the rest of a small body is read first */
    REQUEST_WAITING,  /* suspended */
    REQUEST_ANSWERED,
};

enum wait_end { WAIT_RUN_ENDED, WAIT_PEER_GONE, WAIT_DRAINING };

struct request {
    struct api *api;
    struct MHD_Connection *connection;
    struct pool *pool;
    char id[REQUEST_ID_BYTES];
    const char *method, *path;
    const struct route *route;
    const char *params[ROUTE_PARAMS_MAX];
    const char *allow;           /* methods of a path that was called with another one */
    const struct tenant *tenant; /* NULL on open routes */
    enum request_stage stage;
    bool bad_uri;
    bool counted;    /* in api->in_progress */
    bool unread;     /* answered before its body was read: the connection closes */
    bool broken;     /* the answer could not be queued: the connection closes */

    int refusal; /* E_* found at the headers, answered when the body is out of the way */
    struct err refusal_err;

    struct buf body;
    size_t discarded;
    json_t *json; /* in pool; with ROUTE_JSON */

    /* suspended calls (wait.c) */
    struct request *wait_next, **wait_prev;
    struct sched_watch *watch;
    struct httpd_hold hold;
    route_fn *wait_then;
    const char *wait_run_id;
    enum wait_end wait_end;
};

struct log_ctx request_log_ctx(const struct request *req, const char *run_id);

void *request_create(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result request_turn(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data, size_t *size,
                             void **con_cls);
void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how);

/* Suspend the call until the run is terminal, then go on with then(). The caller's hang-up ends the
 * wait; the run goes on. */
int request_wait_for_run(struct request *req, const char *run_id, route_fn *then, struct err *err) MUST_CHECK;
enum MHD_Result request_go_on(struct request *req);
void request_stop_waiting(struct request *req, enum wait_end why);

/* ---- answers (respond.c) ---- */

int respond_json(struct request *req, int status, const json_t *doc);
int respond_file(struct request *req, const char *path, const char *mime, const char *download_name,
                 struct err *err) MUST_CHECK;
/* The answer to an error, and its log line. */
void respond_error(struct request *req, int code, const struct err *err);

/* ---- handlers ---- */

route_fn health_get, version_get, models_get;
route_fn predict_post;
route_fn run_phase_get, run_status_get, run_result_get, run_cancel_post, run_artifact_get;

/* Action mode of predict (http-api.md section 5). */
int action_dispatch(struct request *req, const char *action, struct err *err) MUST_CHECK;


/* E_INVALID unless it equals its sanitised form. */
int run_id_check(const char *run_id, struct err *err) MUST_CHECK;

#endif
