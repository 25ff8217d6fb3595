/*
 * sched_rig.h - a scheduler over a real store, with the scripted worker of tests/tools/fake_worker.c.
 *
 * A script is a list of attempts, each a list of rows; the macros below write them as JSON. Tests use
 * tenant acme unless they say otherwise, and one profile per run id.
 */
#ifndef TESTS_UNIT_SCHED_RIG_H
#define TESTS_UNIT_SCHED_RIG_H

#include "unit/test.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "sched/private.h"
#include "sys/file.h"

#define DEADLINE_MS 20000

extern char dir[64]; /* data directory */
extern struct settings settings;
extern struct pool *pool;
extern struct loop *loop;
extern struct store *store;
extern struct sched *sched;
extern const char *worker; /* program that set_up() takes; NULL: the fake */

#define READY                                                                                      \
    "{\"do\":\"send\",\"message\":{\"type\":\"ready\",\"display_pid\":2,\"browser_pid\":3}}"
#define ROW(n) "{\"values\":{\"title\":\"row " #n "\",\"url\":\"https://a.test/" #n "\"}}"
#define CHECKPOINT(n, rows)                                                                        \
    "{\"step_index\":" #n ",\"schema_fields\":[\"title\",\"url\"],\"rows\":[" rows "],"            \
    "\"elapsed_s\":1,\"step_results\":[{\"step_index\":0,\"success\":true,\"intent\":\"Open\"}]}"
#define STEP(n, rows)                                                                              \
    "{\"do\":\"send\",\"message\":{\"type\":\"checkpoint\",\"checkpoint\":" CHECKPOINT(            \
        n, rows) ",\"events\":[{\"summary\":\"step " #n "\"}]}}"
#define END(status, reason, n, rows)                                                               \
    "{\"do\":\"send\",\"message\":{\"type\":\"end\",\"status\":\"" status                          \
    "\",\"halt_reason\":\"" reason "\",\"halt_class\":\"" reason                                   \
    "\",\"checkpoint\":" CHECKPOINT(n, rows) "}}"
#define LOST(reason, class)                                                                        \
    "{\"do\":\"send\",\"message\":{\"type\":\"lost\",\"reason\":\"" reason                         \
    "\",\"failure_class\":\"" class "\"}}"
#define DO(verb)     "{\"do\":\"" verb "\"}"
#define EXPECT(type) "{\"do\":\"expect\",\"type\":\"" type "\"}"
#define ONE_ROW      ROW(1)
#define TWO_ROWS     ROW(1) "," ROW(2)

#define QUICK        "[[" END("completed", "", 1, "") "]]"
#define ACME(run_id) RUN_KEY("acme", run_id)

int setup(void **state); /* one slot */
int teardown(void **state);
void set_up(int concurrency);
void tear_down(void);
/* As after kill -9 of the server: nothing is told, everything is taken up from the store. */
void restart_all(int concurrency);

/* What a test wants to be different from the rest. */
struct wish {
    const char *tenant, *profile; /* NULL: acme; the run id */
    int cap;                      /* max_concurrent_runs; 0: many */
    const char *key_hash;
    const char *mode;
    const char *webhook_url;
    const char *const *webhook_events, *const *allowed_domains;
    bool resume_state;
    const char *user_input; /* NULL none */
    const char *spent;      /* rows of what its plan cost, as JSON; NULL nothing */
    struct step *step;      /* the plan's only one; NULL: none */
    const char *inner;      /* JSON: switches of the inner loop, of the request; NULL none */
    bool records;           /* a video */
};
/* Without turning the loop. The answer goes to *out, whose code is 1 until then. */
void submit_soon(const char *id, const char *scripts, const struct wish *wish, struct err *out);
int submit_with(const char *id, const char *scripts, const struct wish *wish, struct err *err);
int submit_as(const char *tenant, const char *id, const char *profile, const char *scripts,
              struct err *err);
void submit(const char *id, const char *scripts); /* must be accepted */

struct run_record record_of(struct run_key key, unsigned parts);
struct run_record record(const char *id, unsigned parts);
bool has_event(const char *run_id, const char *text, const char **ret_summary);

struct want {
    const char *run_id;
    enum run_state state;
    const char *event; /* a summary that contains this */
};
bool in_state(void *want); /* and, when that is an end, its slot is free */
bool event_seen(void *want);
void wait_state(const char *id, enum run_state state);
const char *wait_event(const char *id, const char *text); /* its summary */
void wait_until(loop_cond_fn *cond, void *arg);
void turn_once(void); /* whatever is ready now */

json_t *result_of(const char *id);
int rows_of(const char *id);
json_t *status_of(const char *id);
json_t *status_text_of(struct run_key key); /* what a poller reads */
json_t *phase_text_of(struct run_key key);
bool exists(const char *path);
const char *run_file(const char *id, const char *name);

#endif
