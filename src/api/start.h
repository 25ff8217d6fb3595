/*
 * start.h - a run that was checked, on its way to the store and to its answer (http-api.md section 4.1,
 * steps 8 to 13).
 */
#ifndef MANTIS_API_START_H
#define MANTIS_API_START_H

#include "api/replay.h"
#include "api/run_options.h"
#include "api/words.h"
#include "core/plan.h"

/* One accepted-to-be run, filled from top to bottom. In the call's pool; req->state across waits. */
struct candidate {
    const struct tenant *tenant; /* a copy: req->tenant does not outlive a wait */
    struct run_options options;
    struct words words; /* the plan, when it came in words */
    const struct plan *plan;
    struct identity identity;
    const char *plane, *run_id;
    const char *brain;  /* NULL: the server's */
    const char *action; /* for the audit line and as the run's mode: "graph_learn"; NULL: an ordinary run */
    double max_cost;
    int max_time_minutes;
    const json_t *payload;
    const json_t *worker_options; /* beside those of options; NULL none */
    const json_t *warnings; /* beside the plan's; NULL none */
    const char *webhook_url;            /* "" none */
    const char *const *webhook_events;
    route_fn *answer; /* of a detached run that was stored; NULL: its handle */

    bool token_taken;       /* of the bucket */
    struct replay_key *key; /* NULL none */
    struct sched_submit *submit;
    int result; /* of the submission */
    struct err err;
    const char *handle; /* what a detached run that was stored is answered with */
};

/* What a call needs of its tenant after it waited, in pool. */
const struct tenant *start_keep_tenant(struct pool *pool, const struct tenant *tenant);

/* Steps of run mode that an instruction shares (predict.c). caps: the least of what server, tenant, plan and
 * caller allow, without a plan the others; the others fill c from its options and check them. */
void predict_cap(const struct request *req, struct candidate *c);
int predict_choose_plane(const struct request *req, struct candidate *c, struct err *err) MUST_CHECK;
int predict_choose_run_id(struct request *req, struct candidate *c, struct err *err) MUST_CHECK;
int predict_choose_webhook(struct request *req, struct candidate *c, struct err *err) MUST_CHECK;

/* Steps 8 to 13: answers, or suspends and answers later. */
int start_run(struct request *req, struct candidate *c, struct err *err) MUST_CHECK;

/* A plan that the server makes itself, for a short look at something; takes the document. start_own_caps():
 * what such a run may cost and take, in c. */
int start_own_plan(struct request *req, json_t *document, const char *name, struct plan **out,
                   struct err *err) MUST_CHECK;
void start_own_caps(const struct request *req, struct candidate *c);

/* Step 9: one token of the bucket, and the headers that tell of it. E_RATE_LIMITED. */
int start_take_token(struct request *req, const struct tenant *tenant, struct err *err) MUST_CHECK;

/* The same, but not a second time for one call. */
int start_take_token_once(struct request *req, struct candidate *c, struct err *err) MUST_CHECK;

/*
 * c->words.text has to be asked for: suspends the call, which goes on with again(). Before it is paid for, everything
 * that would refuse its run later is looked at: the server, the day's cap, live runs, the bucket, of which a token is
 * taken. A run that the call's key knows is answered at once.
 */
int start_ask_model(struct request *req, struct candidate *c, route_fn *again, struct err *err) MUST_CHECK;

/* Mark an answer that refuses for too many live runs. */
void start_too_many_runs(struct request *req);

#endif
