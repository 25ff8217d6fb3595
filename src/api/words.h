/*
 * words.h - a plan that came in words: made into steps by the model where the caller's tenant has a key,
 * by the rules where it has none (plans.md section 11). The model is asked through the gateway (sched/gateway.h),
 * which holds what that may cost against the caps of the run and of the tenant's day; what it did cost is the run's,
 * or the tenant's where no run comes of it.
 */
#ifndef MANTIS_API_WORDS_H
#define MANTIS_API_WORDS_H

#include "api/request.h"
#include "author/author.h"
#include "core/tenant.h"
#include "plan/decompose.h"

/* Of one call, in its pool. */
struct words {
    struct decomposer decomposer; /* for struct intake_config */
    struct request *req;
    const struct tenant *tenant;
    bool knows_key, has_key; /* was it looked for, and is there one? Without it: the rules */
    const char *dir; /* where this tenant's plans are kept */
    const char *text; /* that the model has to be asked for; NULL: nothing */
    double max_cost;  /* USD, of the run that it is for; 0 none */
    struct run_key account; /* of the gateway's, that pays for the call */
    struct author_wait *wait;
    bool answered, by_model;
    int result; /* of the model, once answered */
    struct err err;
    const json_t *document;
    json_t *spent; /* what the call cost, for the run (run/run.h: spent); NULL: nothing */
    bool charged;  /* to the run; else it is the tenant's, when the call is over */
};

/* tenant lives as long as the call; its key is looked up when there are words. */
void words_begin(struct words *words, struct request *req, const struct tenant *tenant);

/*
 * The decomposer said E_UNAVAILABLE, and words->text is set: ask the model for it. Suspends the call, which
 * goes on with again(): there everything is read anew, and the decomposer knows the answer.
 */
int words_ask(struct words *words, route_fn *again, struct err *err) MUST_CHECK;

/*
 * What the decomposer makes of text as an ordered list of goals, for an instruction that is carried out in this
 * order (author_goals(); POST /v1/cua with decompose). "" without a key. Errors as the decomposer's: with
 * E_UNAVAILABLE and words->text words_ask() comes next, and then this again.
 */
int words_goals(struct words *words, const char *text, const char **out, struct err *err) MUST_CHECK;

/* What a plan of this server is held against, without who makes steps of words. */
struct intake_config words_intake(const struct api *api);

#endif
