/*
 * clauses.h - an instruction of many parts as single acts, in order: "Search for 'x', open the
 * first result and add it to the cart" is three. For the page brain, which does one at a time.
 *
 * A part begins where a verb begins behind a separator: a full stop, a semicolon, a comma, "and",
 * "then", a new line or list item. Quoted words are never looked into. What is not understood as an
 * act stays with the part before it, so that nothing is left out in silence.
 */
#ifndef MANTIS_BRAIN_CLAUSES_H
#define MANTIS_BRAIN_CLAUSES_H

#include "base/pool.h"

#define CLAUSES_MAX 40

struct clause {
    const char *sentence;
    /* When the act is told better than by its sentence (a login is two fields and a button): its
     * target, value and other names, as lines of a sub-goal text; "" when the sentence says it. */
    const char *hints;
};

/* The sentence of a task; at least one clause unless it is empty. More than CLAUSES_MAX are left in
 * the last. */
int clauses_split(struct pool *pool, const char *sentence, struct clause *out);

#endif
