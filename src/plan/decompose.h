/*
 * decompose.h - prose becomes a plan document (plans.md section 11).
 *
 * Kinds: rules (controlled English, no model, decompose/rules.c). A clause is understood or named:
 * nothing is guessed. Sentences, numbered and bulleted lists; names that stand on a page are best
 * quoted. No network; the same text always gives the same document. A model makes plans of any prose:
 * author/ asks it, and what it answers is read here.
 */
#ifndef MANTIS_PLAN_DECOMPOSE_H
#define MANTIS_PLAN_DECOMPOSE_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

/*
 * kind: a decomposer's name. *out is {"steps":[...]}, lives in pool and has not been normalised.
 * E_INVALID: the text's clause that is not understood, quoted, and what is; or a text over
 * CAP_PROSE_BYTES. E_NOT_FOUND: no such kind.
 */
int plan_decompose(struct pool *pool, const char *kind, const char *text, json_t **out,
                   struct err *err) MUST_CHECK;

/*
 * Who makes steps of words, for intake (struct intake_config). As plan_decompose() for one kind; any
 * other code is what it is, too. One that must wait for its answer says E_UNAVAILABLE and is asked again
 * once that is there.
 */
struct decomposer {
    int (*decompose)(struct decomposer *decomposer, struct pool *pool, const char *text, json_t **out,
                     struct err *err);
};

/*
 * What a model answered: a plan, alone, in a code fence or among words. *out is {"steps"}, with "shapes"
 * (those that are known, in their order) and "pagination_url_template" when it says them; whatever else it
 * says is left out. Lives in pool, not normalised. E_UPSTREAM: there is no plan in it; the message quotes
 * how it begins.
 */
int plan_decompose_answer(struct pool *pool, const char *answer, json_t **out, struct err *err) MUST_CHECK;

/* The text asks for nothing but reading: no step may press, type or lead on. */
bool plan_text_is_read_only(const char *text);

#endif
