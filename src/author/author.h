/*
 * author.h - plans that a model writes: asked, read, held against what a plan must be, and kept
 * (brains.md section 9).
 *
 * One text of one tenant is asked for once: who wants the same meanwhile waits for the same answer, and
 * what was answered is a file. Only a plan that intake takes is kept, and intake does all its passes anew
 * with every use. The file's name holds what the answer depends on: the text, the words of the prompt, the
 * model, and the form of plans. Nothing blocks; nothing here knows a tenant's rights or pays.
 * Threads: the loop's.
 */
#ifndef MANTIS_AUTHOR_AUTHOR_H
#define MANTIS_AUTHOR_AUTHOR_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "core/cost.h"
#include "plan/intake.h"
#include "sys/loop.h"
#include "sys/settings.h"

#define AUTHOR_MODEL "claude-opus-4-7" /* who writes them unless the operator says another */
#define AUTHOR_RULES "rules"           /* said instead of a model: none is asked */
#define AUTHOR_COST  "decompose"       /* source of its calls (agent-loop.md section 17) */

struct author;

struct author_config {
    const struct settings *settings; /* its folders of profiles and prompts */
    const char *model;
    int deadline_ms; /* of all tries for one text; 0: CAP_PLAN_CALL_MS */
};

/* Borrows loop; settings and model are borrowed, too. */
int author_create(struct loop *loop, const struct author_config *config, struct author **out,
                  struct err *err) MUST_CHECK;
void author_destroy(struct author *author); /* nobody may wait any more; NULL is fine */

/* Strings are copied, but those of intake, which must live as long as the author. */
struct author_order {
    const char *text;   /* {{ENV_URL}} replaced */
    const char *tenant; /* keeps texts of tenants apart; "" none */
    const char *dir;    /* where answers are kept, made when needed, 0700; NULL: they are not */
    const char *key;    /* of the model's server; never in a message. Not asked for where there is a gateway */
    /* A model gateway (sched/gateway.h) that has the key and pays: where its socket is, and the credential of who
     * asks first; NULL: the server itself is asked. */
    const char *socket, *credential;
    const struct cost_rates *rates; /* without a gateway: by which calls are held against max_cost; NULL: they are not */
    double max_cost;                /* USD, of all tries; 0 none */
    const struct intake_config *intake; /* what a plan is held against; its decomposer is not asked */
};

/* What was kept of it. *out: a document for intake, in pool. E_NOT_FOUND: nothing, or what intake refuses
 * by now. E_INTERNAL: the files of profiles/ and prompts/ are wrong. */
int author_find(struct author *author, struct pool *pool, const struct author_order *order, json_t **out,
                struct err *err) MUST_CHECK;

struct author_answer {
    const json_t *document; /* for intake; NULL: no plan came of it */
    const char *model;      /* that was paid; "": none, or another one who waited has paid */
    struct token_use use;
    double broken_usd; /* without a gateway: what tries before it may have cost that broke off */
};

/*
 * fn is called once, from the loop, never inside author_ask(), with an answer that is good until it returns;
 * an answer that is no plan is paid, too. E_UNAVAILABLE: the server does not answer, limits or is overloaded. E_UPSTREAM: it refuses, or
 * what it wrote is no plan. E_BUDGET: there is no money for it. E_INVALID: a text that asks for reading only, and the plan does more.
 * At once: E_RATE_LIMITED, CAP_PLAN_CALLS are under way; as author_find().
 */
struct author_wait;
typedef void author_done_fn(void *arg, int result, const struct author_answer *answer, const struct err *err);
int author_ask(struct author *author, const struct author_order *order, author_done_fn *fn, void *arg,
               struct author_wait **out, struct err *err) MUST_CHECK;

/* fn is not called any more. True: nobody else waits for it, the call has ended. */
bool author_leave(struct author_wait *wait);

/* Whoever waits is told E_UNAVAILABLE now, and so is who asks later. */
void author_drain(struct author *author);

/* "decomposed_<this>.json", and the plan_hash of a suite: 32 hex digits. In pool. */
int author_hash(struct author *author, struct pool *pool, const char *text, const char **out,
                struct err *err) MUST_CHECK;

/* The intents of a document's steps as a numbered list, for an instruction that is to be done in that order
 * (POST /v1/cua with decompose); "" when it has none. In pool. */
const char *author_goals(struct pool *pool, const json_t *document);

#endif
