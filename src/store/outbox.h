/*
 * outbox.h - webhooks that have to be sent, and what became of them.
 *
 * A delivery is put in by the commit that ends its run (store_run_end(), store_run_result()): exactly
 * one per run, whatever is killed. It leaves the outbox as delivered or dead.
 */
#ifndef MANTIS_STORE_OUTBOX_H
#define MANTIS_STORE_OUTBOX_H

#include "store/store.h"

enum delivery_state { DELIVERY_PENDING, DELIVERY_DELIVERED, DELIVERY_DEAD };
const char *delivery_state_name(enum delivery_state state); /* "pending", ... */

struct store_delivery {
    const char *id; /* random hex, unique; also sent to the receiver */
    const char *tenant_id, *run_id;
    const char *event;       /* the run's final status word */
    const char *url, *secret_name; /* "" none */
    const json_t *payload;   /* body without delivered_at; storing it adds "cursor", the run's last event */
    enum delivery_state state;
    int attempts;
    int64_t created_us, next_us; /* wall clock; next_us of pending ones only */
    int last_status;             /* HTTP; 0 no answer */
    const char *last_error;      /* "" none */
};

/* Pending ones that are due, at most limit, and at most OUTBOX_PER_TENANT of one tenant: the soonest of
 * every tenant, then the second of every tenant and so on, so that no backlogs hide another tenant.
 * *ret_next_us: when the next one will be; 0: there is none, or more than that are due now. */
#define OUTBOX_PER_TENANT 8
int store_outbox_due(struct store *store, struct pool *pool, int64_t now_us, int limit,
                     struct store_delivery **ret, int *ret_n, int64_t *ret_next_us, struct err *err) MUST_CHECK;

/* One attempt was made: what it gave, and what the delivery is now. Also a line of its log, and no more
 * than that when the delivery was replayed while the attempt was under way: it is due as it was. */
struct store_attempt {
    int64_t due_us; /* next_us of the delivery that was attempted */
    int64_t at_us;
    int status;        /* 0 no answer */
    int duration_ms;
    const char *error; /* "" none */
};
int store_outbox_attempt(struct store *store, const char *delivery_id, const struct store_attempt *attempt,
                         enum delivery_state to, int64_t next_us, struct err *err) MUST_CHECK;

/* Send it again from the start of the schedule: pending, due now. E_NOT_FOUND. */
int store_outbox_replay(struct store *store, const char *tenant, const char *delivery_id, struct err *err) MUST_CHECK;

/* Deliveries of one tenant, newest first; run_id NULL all; state_mask of 1 << state. */
int store_outbox_list(struct store *store, struct pool *pool, const char *tenant, const char *run_id,
                      unsigned state_mask, int limit, struct store_delivery **ret, int *ret_n,
                      struct err *err) MUST_CHECK;

/* [{"n","at","status","duration_ms","error"}] of one delivery, oldest first; in pool. E_NOT_FOUND. */
int store_outbox_log(struct store *store, struct pool *pool, const char *tenant, const char *delivery_id,
                     json_t **ret_array, struct err *err) MUST_CHECK;

/* How many are pending, of all tenants. */
int store_outbox_pending(struct store *store, int *ret_n, struct err *err) MUST_CHECK;

#endif
