/*
 * words.h - prose cut into words and sentences. A quoted piece is one word; quotes, abbreviations,
 * decimals and addresses do not end a sentence, list items and blank lines do.
 */
#ifndef MANTIS_PLAN_DECOMPOSE_WORDS_H
#define MANTIS_PLAN_DECOMPOSE_WORDS_H

#include <stdbool.h>

#include "base/pool.h"

struct word {
    const char *text; /* without the marks around it; a comma, colon and the like is a word of its own */
    const char *fold; /* lower case */
    int from, to;     /* bytes of the prose, quotes included */
    bool quoted;
    bool mark;   /* , ; : ( ) */
    bool line;   /* first of its line */
};

struct sentence {
    const struct word *words;
    int n;
    int indent;  /* columns before its first word's line, list mark not counted */
    bool item;   /* of a list */
    bool opens;  /* ends in a colon: what it heads follows */
};

/* All sentences of the prose, in pool; none is empty. */
struct sentence *words_read(struct pool *pool, const char *prose, int *ret_n);

#endif
