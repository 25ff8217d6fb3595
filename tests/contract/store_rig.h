/*
 * store_rig.h - a store of the kind under test, and short ways to fill it.
 */
#ifndef MANTIS_TESTS_STORE_RIG_H
#define MANTIS_TESTS_STORE_RIG_H

#include "unit/test.h"

#include "base/clock.h"
#include "store/keys.h"
#include "store/outbox.h"
#include "store/recipes.h"
#include "store/store.h"
#include "store/upkeep.h"

#define K(id) RUN_KEY("acme", (id))
#define NOW   INT64_C(1772600000000000) /* for a clock that stands still */
#define SECOND_US INT64_C(1000000)

extern const char *rig_kind; /* under test */
extern char rig_dir[64];
extern char rig_path[96];
extern struct store *store;
extern struct pool *pool;

void rig_open(void); /* store at rig_path */
int rig_setup(void **state);
int rig_teardown(void **state);
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

/* Run tests over every kind; on_disk: those that have one. Returns how many failed. */
int rig_run(const struct CMUnitTest *tests, size_t n, bool on_disk);

json_t *keep(json_t *v); /* in pool */

/* A run alone, with a plan; profile and workflow may be NULL. */
struct run_record record_of(const char *tenant, const char *id, const char *profile,
                            const char *workflow);
int create_run(const struct run_record *rec, struct err *err);
int create_on(const char *tenant, const char *id, const char *profile, const char *workflow,
              struct err *err);
void create(const char *tenant, const char *id); /* with a profile of its own */

struct run_record get(const char *id, unsigned parts);
json_t *events_of(const char *text);
json_t *stored_events(const char *id);
int set(const char *id, enum run_state to);
void bring_to(const char *id, enum run_state state); /* a fresh run, by allowed changes only */
struct store_delivery delivery(const char *id);      /* of an ending, due at once */
void end_with(const char *run, const char *delivery_id);

/* The file at rest: run statements on it, what store_check() finds. */
void sql(const char *path, const char *text);
const char *const *findings(void);
void assert_sound(void);

#endif
