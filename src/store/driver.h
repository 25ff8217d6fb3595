/*
 * driver.h - what a kind of store has to do. Private to src/store.
 *
 * store.c checks arguments, holds the rules and keeps lately touched runs in memory; a kind only
 * reads rows and writes what it is told, all of one call or nothing. A run is named here by the id
 * its kind gave it (struct store_row). Helpers below hold what kinds and store.c share.
 */
#ifndef MANTIS_STORE_DRIVER_H
#define MANTIS_STORE_DRIVER_H

#include "store/cache.h"
#include "store/keys.h"
#include "store/outbox.h"
#include "store/recipes.h"
#include "store/row.h"
#include "store/store.h"
#include "store/upkeep.h"

/* What happens to one run in one commit. JSON is borrowed, NULL for "leave it". What a kind is told of
 * checkpoints is their rest and their step results apart (core/delta.h): a kind keeps results as rows. */
struct store_change {
    bool set_state; /* refused unless run_state_may_become() */
    enum run_state to;
    bool live_only;    /* E_CONFLICT when the run is terminal */
    bool needs_result; /* E_CONFLICT unless terminal and still without a result */
    bool new_attempt;  /* a running run may be started again */
    bool progress;     /* attempts_no_progress back to 0 */
    bool logged;       /* nothing a caller can see: updated_us stays */
    const json_t *doc_patch, *checkpoint, *result, *events;
    const json_t *results; /* with checkpoint, which is without them: its step results behind the */
    int64_t results_from;  /* first so many, which stay; later ones go */
    const struct store_delivery *webhook; /* left out when the run has one already */
};

/* One run to insert. */
struct store_new {
    struct store_creation *creation; /* plan, key; result and err are set */
    struct store_row row;            /* id is set */
    json_t *checkpoint;              /* without its step results, which are results */
    const json_t *results;
    const json_t *events;            /* its first ones, complete */
};

/* Which runs: one of these, then the fields it uses. */
enum store_which {
    STORE_IN_STATES, /* tenant, state_mask; in created order */
    STORE_UNSETTLED, /* terminal without a result; in created order */
    STORE_UNLOGGED,  /* terminal with a result and not logged; in finished order. limit */
    STORE_EXPIRED,   /* upkeep.h: in updated order. before_us, limit */
    STORE_PAGE,      /* tenant, state_mask, text; newest first. behind, limit */
};

struct store_query {
    enum store_which which;
    const char *tenant; /* NULL any */
    unsigned state_mask;
    const char *text; /* of lower case; "" any */
    int64_t before_us;
    struct store_place behind;
    int limit;
};

/* Rows of outbox.h that are asked for. */
struct store_outbox_query {
    const char *tenant; /* NULL: outbox.h's due ones, then pending ones by next_us, OUTBOX_PER_TENANT of
                           each tenant in all; else newest first */
    const char *run_id; /* NULL any */
    unsigned state_mask;
    int64_t now_us; /* without tenant */
    int limit;
};

struct store_driver {
    const char *kind;
    int (*open)(const char *path, struct store **out, struct err *err);
    void (*close)(struct store *store);

    /* runs */
    int (*create)(struct store *store, struct store_new *list, size_t n, struct err *err);
    int (*load)(struct store *store, struct pool *pool, struct run_key key, struct store_row *out,
                struct err *err);
    int (*part)(struct store *store, struct pool *pool, int64_t id, enum run_parts part,
                const json_t **out, struct err *err); /* NULL when there is none */
    int (*results)(struct store *store, struct pool *pool, int64_t id, json_t **ret_array,
                   struct err *err); /* new values live in pool */
    int (*list)(struct store *store, struct pool *pool, const struct store_query *query,
                struct run_record **ret_runs, int *ret_n, struct err *err);
    /* after: the row as it will be; events: complete ones */
    int (*write)(struct store *store, const struct store_row *after,
                 const struct store_change *change, const json_t *events, struct err *err);
    int (*forget)(struct store *store, int64_t id, struct err *err); /* E_CONFLICT: webhook pending */
    int (*cost_since)(struct store *store, const char *tenant, int64_t since_us, double *ret_usd,
                      struct err *err);
    int (*cost_add)(struct store *store, const char *tenant, int64_t day_us, double usd,
                    struct err *err); /* day_us: when it began */
    int (*days)(struct store *store, const char *tenant, int64_t since_us, struct store_day *days,
                int max, int *ret_n, struct err *err);
    int (*workflow_checkpoint)(struct store *store, struct pool *pool, const char *tenant,
                               const char *workflow, const char *signature, int64_t *ret_id,
                               json_t **out, struct err *err);

    /* what hangs on a run */
    int (*events_get)(struct store *store, struct pool *pool, int64_t id, int64_t after, int limit,
                      json_t **ret_array, struct err *err);
    int (*journal_put)(struct store *store, int64_t id, const char *entry, const char *state,
                       const json_t *detail, struct err *err);
    int (*journal_get)(struct store *store, struct pool *pool, int64_t id, json_t **out,
                       struct err *err);

    /* keys.h, recipes.h */
    int (*key_get)(struct store *store, struct pool *pool, const char *tenant, const char *key_hash,
                   int64_t after_us, struct store_key *out, struct err *err);
    int (*keys_sweep)(struct store *store, int64_t before_us, int limit, int *ret_n,
                      struct err *err);
    int (*recipe_put)(struct store *store, const char *tenant, const char *name,
                      const json_t *schema, struct err *err);
    int (*recipe_get)(struct store *store, struct pool *pool, const char *tenant, const char *name,
                      json_t **out, struct err *err);
    int (*recipe_list)(struct store *store, struct pool *pool, const char *tenant, json_t **out,
                       struct err *err);
    int (*recipe_delete)(struct store *store, const char *tenant, const char *name, bool *ret_deleted,
                         struct err *err);

    /* outbox.h */
    int (*outbox_list)(struct store *store, struct pool *pool,
                       const struct store_outbox_query *query, struct store_delivery **ret,
                       int *ret_n, struct err *err);
    int (*outbox_attempt)(struct store *store, const char *delivery_id,
                          const struct store_attempt *attempt, enum delivery_state to,
                          int64_t next_us, struct err *err);
    int (*outbox_replay)(struct store *store, const char *tenant, const char *delivery_id,
                         int64_t now_us, struct err *err);
    int (*outbox_log)(struct store *store, struct pool *pool, const char *tenant,
                      const char *delivery_id, json_t **ret_array, struct err *err);
    int (*outbox_pending)(struct store *store, int *ret_n, struct err *err);

    /* upkeep.h; NULL: nothing to copy */
    int (*backup)(struct store *store, const char *to, struct store_backup **out, struct err *err);
};

struct store {
    const struct store_driver *driver;
    struct store_cache cache;
    struct {
        store_note_fn *fn;
        void *arg;
    } listeners[STORE_LISTENERS];
    int n_listeners;
};

/* A copy under way. */
struct store_backup {
    int (*step)(struct store_backup *backup, int *ret_percent, struct err *err);
    void (*end)(struct store_backup *backup);
};

extern const struct store_driver store_sqlite;
extern const struct store_driver store_memory;

/* May this change happen to a run in this state? 0 or E_CONFLICT saying why not. */
int store_check_change(const struct store_change *change, const struct store_row *row,
                       struct err *err);

/* doc with patch's keys set; null deletes. New reference; doc stays as it is. */
json_t *store_patched(const json_t *doc, const json_t *patch);

/* Complete events from what a caller gave; row's last_seq and last_ts_us move on. New reference. */
json_t *store_events_made(const json_t *events, int64_t now_us, struct store_row *row);

int store_no_run(const char *run_id, struct err *err);     /* E_NOT_FOUND */
int store_run_exists(const char *run_id, struct err *err); /* E_CONFLICT */
int store_profile_busy(const char *profile, const char *holder, struct err *err);   /* E_CONFLICT */
int store_key_taken(const char *holder, struct err *err);                           /* E_CONFLICT */
int store_no_delivery(const char *delivery_id, struct err *err);                    /* E_NOT_FOUND */
int store_delivery_pending(const char *run_id, struct err *err);                    /* E_CONFLICT */
int store_no_recipe(const char *name, struct err *err);                             /* E_NOT_FOUND */
int store_recipes_full(struct err *err);                                            /* E_CONFLICT */

#endif
