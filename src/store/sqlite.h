/*
 * sqlite.h - the embedded store between its files: sqlite.c (open, transactions, values),
 * sqlite_runs.c, sqlite_beside.c, sqlite_outbox.c, sqlite_backup.c, with every statement in
 * sqlite_sql.c. Private to src/store.
 */
#ifndef MANTIS_STORE_SQLITE_H
#define MANTIS_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVE,
    SQL_RELEASE,
    SQL_UNDO,

    SQL_RUN_INSERT,
    SQL_RUN_GET,
    SQL_RUN_WRITE,
    SQL_RUN_DELETE,
    SQL_RUNS_IN_STATES,
    SQL_RUNS_UNSETTLED,
    SQL_RUNS_UNLOGGED,
    SQL_RUNS_EXPIRED,
    SQL_RUNS_PAGE,
    SQL_COST_SINCE,
    SQL_COST_ADD,
    SQL_DAYS,
    SQL_PROFILE_HOLDER,
    SQL_PART_PUT,
    SQL_PART_GET,
    SQL_RESULT_ADD,
    SQL_RESULTS_CUT,
    SQL_RESULTS_GET,
    SQL_WORKFLOW,

    SQL_EVENT_ADD,
    SQL_EVENTS_GET,
    SQL_JOURNAL_PUT,
    SQL_JOURNAL_GET,

    SQL_KEY_PUT,
    SQL_KEY_GET,
    SQL_KEYS_SWEEP,
    SQL_RECIPE_PUT,
    SQL_RECIPE_GET,
    SQL_RECIPE_LIST,
    SQL_RECIPE_COUNT,
    SQL_RECIPE_DELETE,

    SQL_DELIVERY_ADD,
    SQL_DELIVERY_PENDING,
    SQL_DELIVERY_ATTEMPT,
    SQL_DELIVERY_REPLAY,
    SQL_DELIVERY_FIND,
    SQL_DELIVERY_LOG_ADD,
    SQL_DELIVERY_LOG_TRIM,
    SQL_DELIVERY_LOG,
    SQL_DELIVERIES_DUE,
    SQL_DELIVERIES,
    SQL_DELIVERIES_OF_RUN,
    SQL_DELIVERIES_PENDING,
    N_SQL
};

extern const char *const sqlite_sql[N_SQL];

/* RUNS_IN_STATES has one parameter per state, from this one on; unused ones stay NULL. That uses the
 * indexes, which a bit mask would not. */
#define SQL_FIRST_STATE_PARAM 2

struct sqlite {
    struct store base;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *cache[N_SQL];
};

struct sqlite *sqlite_of(struct store *store);

/* One change of several statements: sql_begin(), the statements, sql_finish() with what they gave. It
 * commits when that is 0; otherwise, and when the commit fails, nothing happened. */
int sql_begin(struct sqlite *q, struct err *err);
int sql_finish(struct sqlite *q, int r, struct err *err);

/* The statement, ready to be bound; NULL (and err set) when it cannot be prepared. */
sqlite3_stmt *sql_get(struct sqlite *q, enum sql which, struct err *err);
void sql_put_text(sqlite3_stmt *s, int at, const char *text); /* borrowed until done; NULL stays NULL */
void sql_put_json(sqlite3_stmt *s, int at, const json_t *value);

int sql_run(struct sqlite *q, sqlite3_stmt *s, struct err *err); /* one that gives no rows */
int sql_do(struct sqlite *q, enum sql which, struct err *err);   /* and takes no values */
/* Next row: 1, 0 at the end, E_*. Call sql_done() when not stepping on. */
int sql_next(struct sqlite *q, sqlite3_stmt *s, struct err *err);
void sql_done(sqlite3_stmt *s);

const char *sql_text_at(struct pool *pool, sqlite3_stmt *s, int at);
/* E_IO: the document is broken. *out is NULL for NULL. */
int sql_json_at(struct sqlite *q, struct pool *pool, sqlite3_stmt *s, int at, json_t **out,
                struct err *err);
int sql_fail(struct sqlite *q, struct err *err);

/* sqlite_runs.c */
int sqlite_create(struct store *store, struct store_new *list, size_t n, struct err *err);
int sqlite_load(struct store *store, struct pool *pool, struct run_key key, struct store_row *out,
                struct err *err);
int sqlite_part(struct store *store, struct pool *pool, int64_t id, enum run_parts part,
                const json_t **out, struct err *err);
int sqlite_results(struct store *store, struct pool *pool, int64_t id, json_t **ret_array,
                   struct err *err);
int sqlite_list(struct store *store, struct pool *pool, const struct store_query *query,
                struct run_record **ret_runs, int *ret_n, struct err *err);
int sqlite_write(struct store *store, const struct store_row *after,
                 const struct store_change *change, const json_t *events, struct err *err);
int sqlite_forget(struct store *store, int64_t id, struct err *err);
int sqlite_cost_since(struct store *store, const char *tenant, int64_t since_us, double *ret_usd,
                      struct err *err);
int sqlite_cost_add(struct store *store, const char *tenant, int64_t day_us, double usd,
                    struct err *err);
int sqlite_days(struct store *store, const char *tenant, int64_t since_us, struct store_day *days,
                int max, int *ret_n, struct err *err);
int sqlite_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                               const char *workflow, const char *signature, int64_t *ret_id,
                               json_t **out, struct err *err);

/* sqlite_beside.c */
int sqlite_events_get(struct store *store, struct pool *pool, int64_t id, int64_t after, int limit,
                      json_t **ret_array, struct err *err);
int sqlite_journal_put(struct store *store, int64_t id, const char *entry, const char *state,
                       const json_t *detail, struct err *err);
int sqlite_journal_get(struct store *store, struct pool *pool, int64_t id, json_t **out,
                       struct err *err);
int sqlite_key_put(struct sqlite *q, const struct store_new *fresh, struct err *err);
int sqlite_key_get(struct store *store, struct pool *pool, const char *tenant,
                   const char *key_hash, int64_t after_us, struct store_key *out, struct err *err);
int sqlite_keys_sweep(struct store *store, int64_t before_us, int limit, int *ret_n,
                      struct err *err);
int sqlite_recipe_put(struct store *store, const char *tenant, const char *name,
                      const json_t *schema, struct err *err);
int sqlite_recipe_get(struct store *store, struct pool *pool, const char *tenant, const char *name,
                      json_t **out, struct err *err);
int sqlite_recipe_list(struct store *store, struct pool *pool, const char *tenant, json_t **out,
                       struct err *err);
int sqlite_recipe_delete(struct store *store, const char *tenant, const char *name,
                         bool *ret_deleted, struct err *err);

/* sqlite_outbox.c */
int sqlite_delivery_add(struct sqlite *q, const struct store_row *row,
                        const struct store_delivery *d, struct err *err);
int sqlite_outbox_list(struct store *store, struct pool *pool,
                       const struct store_outbox_query *query, struct store_delivery **ret,
                       int *ret_n, struct err *err);
int sqlite_outbox_attempt(struct store *store, const char *delivery_id,
                          const struct store_attempt *attempt, enum delivery_state to,
                          int64_t next_us, struct err *err);
int sqlite_outbox_replay(struct store *store, const char *tenant, const char *delivery_id,
                         int64_t now_us, struct err *err);
int sqlite_outbox_log(struct store *store, struct pool *pool, const char *tenant,
                      const char *delivery_id, json_t **ret_array, struct err *err);
int sqlite_outbox_pending(struct store *store, int *ret_n, struct err *err);

/* sqlite_backup.c */
int sqlite_backup(struct store *store, const char *to, struct store_backup **out, struct err *err);

#endif
