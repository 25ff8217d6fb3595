/*
 * gateway_private.h - what the files of the gateway share.
 *
 *   gateway.c          the socket, runs and their credentials
 *   gateway_call.c     one call, as HTTP: who asks, its body, its answer
 *   gateway_exchange.c the call to the model server, and what it came to
 *   gateway_turn.c     whose turn is next: money, slots, fair share
 *   gateway_tenant.c   calls that are no run's
 *   gateway_upstream.c where a profile's calls go, and with which key
 */
#ifndef MANTIS_SCHED_GATEWAY_PRIVATE_H
#define MANTIS_SCHED_GATEWAY_PRIVATE_H

#include <sys/socket.h>

#include "base/buf.h"
#include "base/caps.h"
#include "core/purse.h"
#include "sched/gateway.h"
#include "sys/httpc.h"
#include "sys/httpd.h"

#define GATEWAY_LOGGER "mantis.gateway"

struct gateway_tenant {
    struct gateway_tenant *next;
    uint64_t served; /* when the pod's model last took a call of it; 0 never */
    int running;     /* calls of it in the pod's model */
    char id[];
};

struct gateway_run {
    struct gateway *gateway;
    struct gateway_run *next, **link;
    struct pool *pool;
    struct run_key key;
    struct gateway_tenant *tenant;
    uid_t uid;
    char credential[65]; /* "" the attempt is over: only the purse is kept, for the next one */
    struct purse purse;
    json_t *paid;       /* by the token: {"<model>": row of core/cost.h} */
    double gpu_seconds; /* of the pod's model */
    double models;      /* USD, of both */
    double told;        /* of what is spent, what the store knows */
    double day_cap;
    const char *anthropic_secret;
    bool anthropic_required;
    bool candidate;     /* asks another server than the pod's */
    bool of_tenant;     /* no run: what its tenant pays beside them */
    int calls, running; /* that were let in; of all turns, under way */
    size_t bytes;       /* of their bodies */
    int slot;           /* of the pod's model, where its prompt is kept; -1 none yet */
    bool stuck;         /* in this round: an earlier turn of it waits for money */
};

/* A slot of the pod's model server. */
struct gateway_slot {
    const struct gateway_run *owner; /* who had it last; only compared */
    bool busy;
    uint64_t served;
};

struct upstream {
    const struct profile *profile;
    const char *name; /* of the profile */
    bool pod, keeps_prompts;    /* pod: a server that is paid by its time */
    bool elsewhere;             /* the candidate's, in the pod's place: its slots are not the pod's */
    const char *base_url;       /* without a slash at the end */
    const char *key;            /* among them; "" none */
    const char *const *headers; /* of every call, the key among them; wiped with the pool */
};

/* One call's place in the line, and what it holds while it is under way. */
struct gateway_turn {
    struct gateway *gateway;
    struct gateway_run *run;
    struct gateway_turn *later, **wait_link; /* those that wait, in order; wait_link NULL: it does not */
    struct loop_timer overdue;
    void (*go)(struct gateway_turn *turn);
    void (*refuse)(struct gateway_turn *turn, const struct err *err);
    bool timed;              /* paid by the time it takes, not by the token */
    bool pod, keeps_prompts; /* it takes a slot of the pod's model */
    bool costs_nothing;
    bool running;
    bool short_money; /* it got less time, or tokens, than it may take: there is no money for more */
    double worst;     /* USD; of the pod's model: of all its time */
    double least;     /* USD, that it is begun for; as much as worst: for nothing less */
    double held;      /* of the purse */
    int timeout_ms;
    int slot; /* -1 none */
    int64_t begun_us;
};

enum call_stage { CALL_BODY, CALL_REFUSED, CALL_WAITING, CALL_RUNNING, CALL_OVER };

struct gateway_route {
    const char *method, *path; /* path: behind the profile's name */
    enum profile_api api;
    bool any_api;
    bool get; /* has no body */
};

struct call {
    struct gateway_turn turn; /* first: go() and refuse() find the call by it */
    struct gateway *gateway;
    struct gateway_run *run;   /* NULL: nobody's, or its attempt is over */
    struct call *next, **link; /* all */
    struct pool *pool;
    struct MHD_Connection *connection;
    struct httpd_hold hold;
    enum call_stage stage;
    const struct gateway_route *route;
    struct upstream up;
    struct buf body;  /* until it is on its way */
    size_t bytes;     /* of it, as its run counts them */
    size_t discarded; /* of a refused one */

    struct worst cost; /* model "": a GET, and of the pod's */
    struct httpc_exchange *exchange; /* NULL: not under way */

    /* the answer */
    int status; /* 0 none yet */
    const char *type;
    const char *reply;
    size_t reply_len;
    int retry_after_s;
    double seconds; /* that the server had it */
};

struct gateway {
    struct gateway_config config;
    struct pool *pool;
    struct cost_rates rates;
    struct profile_dirs dirs;
    json_t *environment; /* keys that came as variables: {name: key} */
    struct known {       /* profiles that were read */
        struct known *next;
        const char *name;
        const struct profile *profile;
    } * known;
    struct httpd httpd;
    struct httpc *httpc; /* made for the first call */
    int dir_fd;
    const char *dir, *socket;  /* paths */
    const char *own_socket;    /* short enough for an address, in this process */
    uid_t first_uid, last_uid; /* of workers, when they have one of their own */
    struct gateway_run *runs;
    struct gateway_tenant *tenants;
    struct call *calls;
    struct gateway_turn *waiting, **waiting_end;
    struct gateway_slot slots[CAP_GATEWAY_SLOTS];
    uint64_t turns; /* counts what is served */
    struct loop_timer round, ledger;
};

/* --- gateway.c --- */
struct gateway_run *gateway_find(struct gateway *g, const char *credential, uid_t uid);
struct gateway_run *gateway_run_create(struct gateway *g, struct run_key key);

/* --- gateway_call.c --- */
enum MHD_Result gateway_turn(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **con_cls);
void gateway_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode why);
bool gateway_peer(struct MHD_Connection *connection, struct ucred *out);
/* It is over: with an answer, or (status 0) without one: then its connection is closed. */
void call_answer(struct call *c, int status, const char *type, const char *body, size_t len);
void call_fail(struct call *c, const struct err *err);

/* --- gateway_exchange.c --- */
void call_begin(struct call *c); /* its body is here: it waits for its turn */
void call_stop(struct call *c);  /* nobody wants its answer any more; the exchange ends */

/* --- gateway_turn.c --- */
/* Into the line; go() or refuse() follows, from the loop. */
void turn_wait(struct gateway_turn *turn);
void turn_leave_line(struct gateway_turn *turn); /* it may not be there */
/* Its call is over, and came to so much; also out of go(). */
double turn_seconds(const struct gateway_turn *turn); /* since go() */
void turn_over(struct gateway_turn *turn, double usd);
double turn_room(const struct gateway_turn *turn); /* USD that are not spent and not held */
double gateway_second_usd(const struct gateway *g); /* of the pod's model */
/* worst and least of a call to the pod's model that may take timeout_ms. */
void turn_price_time(struct gateway_turn *turn);
void gateway_round_soon(struct gateway *g);
bool turn_crowds(const struct gateway_turn *turn); /* gateway_crowded() */

/* --- gateway_tenant.c --- */
void ledger_write(struct gateway *g); /* what is not stored yet */

/* --- gateway_upstream.c --- */
/* In pool. E_NOT_FOUND: no such profile; E_UNAVAILABLE: the pod's server takes no calls, or a key
 * is missing. */
int upstream_find(struct gateway *g, struct pool *pool, const struct gateway_run *run,
                  const char *name, struct upstream *out, struct err *err) MUST_CHECK;
bool upstream_pod(struct gateway *g, struct pool *pool, struct gateway_pod *out);
/* Take keys out of the environment, so that no child and no core file has them. */
void upstream_take_keys(struct gateway *g);

/* Is there a key for Claude that this run may use? */
bool upstream_has_claude(struct gateway *g, const struct gateway_run *run);

#endif
