/*
 * driver.h - what a kind of store has to do. Private to src/store.
 *
 * store.c checks arguments once and hands every change of a run to one function, update(), which
 * must do all of it or nothing. The helpers below hold the rules that all kinds share.
 */
#ifndef MANTIS_STORE_DRIVER_H
#define MANTIS_STORE_DRIVER_H

#include "store/store.h"

/* What happens to one run in one commit. JSON is borrowed, NULL for "leave it". */
struct store_change {
    bool set_state; /* refused unless run_state_may_become() */
    enum run_state to;
    bool live_only;    /* E_CONFLICT when the run is terminal */
    bool needs_result; /* E_CONFLICT unless terminal and still without a result */
    bool new_attempt;  /* a running run may be started again */
    bool progress; /* attempts_no_progress back to 0 */
    const json_t *doc_patch, *checkpoint, *result, *events;
};

struct store_driver {
    const char *kind;
    int (*open)(const char *path, struct store **out, struct err *err);
    void (*close)(struct store *store);
    int (*create)(struct store *store, const struct run_record *run, const json_t *event,
                  struct err *err);
    int (*get)(struct store *store, struct pool *pool, const char *tenant, const char *run_id,
               unsigned parts, struct run_record *out, struct err *err);
    /* in created order; unsettled: only those without a result */
    int (*list)(struct store *store, struct pool *pool, const char *tenant, unsigned state_mask,
                bool unsettled, struct run_record **ret_runs, int *ret_n, struct err *err);
    int (*update)(struct store *store, const char *run_id, const struct store_change *change,
                  struct err *err);
    int (*workflow_checkpoint)(struct store *store, struct pool *pool, const char *tenant,
                               const char *workflow, const char *signature, json_t **out,
                               struct err *err);
    int (*journal_put)(struct store *store, const char *run_id, const char *key, const char *state,
                       const json_t *detail, struct err *err);
    int (*journal_get)(struct store *store, struct pool *pool, const char *run_id, json_t **out,
                       struct err *err);
    int (*events_get)(struct store *store, struct pool *pool, const char *tenant,
                      const char *run_id, int64_t after, int limit, json_t **ret_array,
                      struct err *err);
    int (*counts)(struct store *store, const char *tenant, int counts[RUN_N_STATES],
                  struct err *err);
};

struct store {
    const struct store_driver *driver;
};

extern const struct store_driver store_sqlite;
extern const struct store_driver store_memory;

/* May this change happen to a run in state from? 0 or E_CONFLICT saying why not. */
int store_check_change(const struct store_change *change, enum run_state from, bool has_result,
                       const char *run_id, struct err *err);

/* Set patch's keys in doc; null deletes. */
void store_patch_doc(json_t *doc, const json_t *patch);

/* When an event happened: by its own word or now, and after the one before. */
int64_t store_event_us(const json_t *event, int64_t now_us, int64_t last_us);

/* A copy of event with every key of store.h's list present. New reference. */
json_t *store_event(const json_t *event, int64_t seq, int64_t wall_us);

int store_no_run(const char *run_id, struct err *err);   /* E_NOT_FOUND */
int store_run_exists(const char *run_id, struct err *err); /* E_CONFLICT */
int store_profile_busy(const char *profile, const char *holder, struct err *err); /* E_CONFLICT */

#endif
