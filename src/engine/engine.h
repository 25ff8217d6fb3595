/*
 * engine.h - the model server of this pod: one that is started here and watched, or one that runs
 * already (MANTIS_MODEL_URL). When it is ready, what it is called, where it is.
 *
 * Threads: the loop's. docs/models.md tells the same for operators.
 */
#ifndef MANTIS_ENGINE_ENGINE_H
#define MANTIS_ENGINE_ENGINE_H

#include "base/json.h"
#include "engine/launch.h"
#include "sys/loop.h"

/* How runs ask the model server: by which profile, and what that calls the model. profile NULL: the brain
 * does not speak to an OpenAI-compatible server. */
struct engine_asker {
    const char *profile, *model;
};

/* What is to be served. */
struct engine_target {
    const struct settings *settings; /* borrowed */
    const struct engine_base *base; /* NULL: a brain that no server is started for; url is set */
    const char *profile;       /* by which runs ask it; NULL: only /v1/chat/completions does */
    const char *url;           /* of the server that runs already, without "/v1"; NULL: one is started */
    const char *request_model; /* what a call must name; "" nobody said */
    const char *tag;           /* MANTIS_MODEL_TAG, else the adapter's; "" none */
    int start_timeout_s;
    const char *const *warnings; /* NULL-terminated, never NULL */
    struct launch launch;        /* only without url */
};

/* Does this configuration name a model server, or want one? Also one whose adapter nothing would serve:
 * engine_prepare() says so. */
bool engine_wanted(const struct settings *settings);

/* Everything that can be known before a start, in pool: files, adapter, program, address. Blocks on
 * files. E_INVALID, E_NOT_FOUND, ...: the start must end (exit 1); the message names the variable. */
int engine_prepare(struct pool *pool, const struct settings *settings, struct engine_asker asker,
                   struct engine_target *out, struct err *err) MUST_CHECK;

/* The address of an OpenAI-compatible server without the "/v1" and slash behind it. In pool. E_INVALID: not an
 * http(s) address, or one with a password. */
int engine_origin(struct pool *pool, const char *model_url, const char **out, struct err *err) MUST_CHECK;

struct engine;

/* It was given up: the program should end. why: complete; log: its last lines, "" none. Called once, from
 * the loop. */
typedef void engine_end_fn(void *arg, const char *why, const char *log);
typedef void engine_stopped_fn(void *arg);

/* Borrows loop and target. Nothing is started yet. */
int engine_create(struct loop *loop, const struct engine_target *target, engine_end_fn *on_end, void *arg,
                  struct engine **out, struct err *err) MUST_CHECK;
void engine_destroy(struct engine *engine); /* ends what runs, at once; NULL is fine */

void engine_start(struct engine *engine);
/* SIGTERM, later SIGKILL; fn is called from the loop when nothing is left, at the latest after 6 s. */
void engine_stop(struct engine *engine, engine_stopped_fn *fn, void *arg);

/* Is it there and does it answer? *ret_why: not yet, because; good until the next call. An engine that is
 * NULL is always ready: no model is needed. */
bool engine_ready(struct engine *engine, const char **ret_why);
/* The same for runs: they do not wait for one that their brain does not ask. */
bool engine_ready_for_runs(struct engine *engine, const char **ret_why);

/* Where calls go now, "http://127.0.0.1:18080", and what they name. Good until the next start. */
const char *engine_url(const struct engine *engine);
const struct engine_target *engine_target(const struct engine *engine);

/* The key that calls carry ("Authorization: Bearer"), "" none; in pool, and wiped with it. Reads a file. */
const char *engine_key(const struct engine *engine, struct pool *pool);

/* Does it click where it means to (brain/model/selftest.h)? Looked at once, before it is ready. */
enum engine_selftest_state {
    ENGINE_SELFTEST_OFF,
    ENGINE_SELFTEST_TO_DO,
    ENGINE_SELFTEST_RUNNING,
    ENGINE_SELFTEST_PASSED,
    ENGINE_SELFTEST_WARNED,  /* MANTIS_SELFTEST=warn: it is served all the same */
    ENGINE_SELFTEST_REFUSED, /* MANTIS_SELFTEST=strict */
};

struct engine_selftest {
    enum engine_selftest_state state;
    const char *verdict, *words, *advice; /* "" until it is known */
    double median_px, max_px;             /* from the middle of a button; < 0 not known */
    int hits, asked;
};

/* Good until the next turn. */
const struct engine_selftest *engine_selftest(const struct engine *engine);

/* For `mantis engine status`; docs/processes.md lists the fields. The caller's. */
json_t *engine_status(struct engine *engine);

#endif
