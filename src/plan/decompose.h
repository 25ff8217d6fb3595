/*
 * decompose.h - prose becomes a plan document (plans.md section 11).
 *
 * Kinds: rules (controlled English, no model, decompose/rules.c). A clause is understood or named:
 * nothing is guessed. Sentences, numbered and bulleted lists; names that stand on a page are best
 * quoted. No network; the same text always gives the same document.
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

/* The text asks for nothing but reading: no step may press, type or lead on. */
bool plan_text_is_read_only(const char *text);

#endif
