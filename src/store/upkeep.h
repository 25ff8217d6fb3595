/*
 * upkeep.h - the store as a thing to look after: age, backup, check, vacuum.
 */
#ifndef MANTIS_STORE_UPKEEP_H
#define MANTIS_STORE_UPKEEP_H

#include "store/store.h"

/* Terminal and paused runs last touched before this, oldest first, at most limit; none whose webhook is
 * still to be sent. */
int store_runs_expired(struct store *store, struct pool *pool, int64_t before_us, int limit,
                       struct run_record **ret_runs, int *ret_n, struct err *err) MUST_CHECK;
/* store_run_get() of the row alone, for who goes through old runs: it pushes no other out of memory. */
int store_run_look(struct store *store, struct pool *pool, struct run_key key, struct run_record *out,
                   struct err *err) MUST_CHECK;
/* Forget a terminal run and everything of it. E_CONFLICT: it is live, or its webhook is to be sent. */
int store_run_delete(struct store *store, struct run_key key, struct err *err) MUST_CHECK;

/* Terminal runs with a result that are not in the log of runs yet, oldest first. */
int store_runs_unlogged(struct store *store, struct pool *pool, int limit, struct run_record **ret_runs,
                        int *ret_n, struct err *err) MUST_CHECK;
int store_run_logged(struct store *store, struct run_key key, struct err *err) MUST_CHECK;

/*
 * A consistent copy of an open store into the file to (absolute; must not exist), made in small steps
 * between which the store is used as always. The file is 0600 and appears when it is whole.
 * begin: E_CONFLICT: to exists; E_UNSUPPORTED: memory. step: 1 when it is whole, 0 to go on, E_*: call
 * end then too.
 */
struct store_backup;
int store_backup_begin(struct store *store, const char *to, struct store_backup **out,
                       struct err *err) MUST_CHECK;
int store_backup_step(struct store_backup *backup, int *ret_percent, struct err *err) MUST_CHECK;
void store_backup_end(struct store_backup *backup); /* what is not whole is removed; NULL is fine */

/*
 * The rest works on the file of a store of kind sqlite that no process has open: E_CONFLICT else.
 * E_NOT_FOUND: there is no file.
 */

/* The same copy in one go. progress, which may be NULL, is called after each step; when it says false the
 * copy is given up: E_CANCELLED. */
typedef bool store_progress_fn(void *arg, int percent);
int store_backup(const char *path, const char *to, store_progress_fn *progress, void *arg,
                 struct err *err) MUST_CHECK;
/* Integrity, schema, and what must hold between tables. The findings, one line each, at most
 * CAP_STORE_FINDINGS, in pool; NULL-terminated and empty when sound. Changes nothing. */
int store_check(struct pool *pool, const char *path, const char *const **ret_findings, struct err *err) MUST_CHECK;
/* Give free space back. Sizes in bytes. */
int store_vacuum(const char *path, int64_t *ret_before, int64_t *ret_after, struct err *err) MUST_CHECK;

#endif
