/*
 * normalise.h - private to src/plan: one step, one runtime block, one host at a time.
 */
#ifndef MANTIS_PLAN_NORMALISE_H
#define MANTIS_PLAN_NORMALISE_H

#include "plan/hosts.h"
#include "plan/intake.h"

/* What the type alone says about a step (plans.md sections 3 and 8). */
enum step_kind_flags {
    STEP_GROUNDING = 1 << 0,   /* grounding defaults to true */
    STEP_CLAUDE_ONLY = 1 << 1, /* claude_only defaults to true */
    STEP_REQUIRED = 1 << 2,    /* required defaults to true */
    STEP_INTERNAL = 1 << 3,    /* made by the server only: never taken from a caller's plan */
};

struct step_kind {
    const char *type;
    const char *section; /* default, "" none */
    unsigned flags;
};

const struct step_kind *step_kind_find(const char *type); /* NULL: not a type of plans.md section 8 */

/* Collects the steps of one plan. */
struct normaliser {
    struct pool *pool;
    const struct intake_config *config;
    json_t *warnings; /* array, owned by pool */
    struct step *steps;
    int n_steps, room, max_steps;
};

/* Add the steps of an authored list, nested loop bodies in front of their loop, targets fixed. */
int normalise_steps(struct normaliser *n, const json_t *list, struct err *err) MUST_CHECK;

/* Of that type and intent and nothing else; what is empty lives in pool. */
struct step plan_blank_step(struct pool *pool, const char *type, const char *intent);

/* A line for plan.warnings; the list is capped. */
void normalise_warn(json_t *warnings, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Warns of words in params and hints that mean nothing there. */
void options_warn(struct normaliser *n, const struct step *s, const char *where);

/*
 * What of a step would run, though not as its author thinks, as far as the step alone says it: a line of the
 * submit's warnings and a finding of the validator. The k-th such thing that there is: *ret_code names it, NULL
 * when k is none. Returns the words, in pool; NULL: not so in this step.
 */
const char *step_notice(struct pool *pool, const struct step *s, size_t k, const char **ret_code);

/* "{{NAME}}" in text that nothing will fill in, in pool; NULL: none. */
char *step_placeholder(struct pool *pool, const char *text);

/* Lay the runtime fields of block over *out; each key is read with prefix in front ("" or "_"). */
int runtime_read(struct pool *pool, const json_t *block, const char *prefix, struct plan_runtime *out,
                 json_t *warnings, struct err *err) MUST_CHECK;
void runtime_init(struct plan_runtime *out);
void runtime_clamp(const struct intake_config *config, struct plan_runtime *runtime, json_t *warnings);
bool runtime_knows(const char *key); /* a key of a plan's "runtime" block */

/* The host of the first address that a step opens, "" none. */
const char *plan_first_host(struct pool *pool, const struct plan *plan);

/* What is done to a plan that was made from text (plans.md section 11). E_INVALID: it does more than a text
 * that asks for reading only. */
int plan_pass(struct pool *pool, const struct intake_config *config, const char *text, struct plan *plan,
              struct err *err) MUST_CHECK;

/* What a run could not carry out is refused; a number to be typed becomes text. E_INVALID. */
int plan_check(struct pool *pool, struct plan *plan, struct err *err) MUST_CHECK;

#endif
