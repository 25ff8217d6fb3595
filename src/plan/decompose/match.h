/*
 * match.h - does a clause have the form of a pattern?
 *
 * A pattern is words with blanks between: `open|visit` one of these, `[please]` perhaps, `~` perhaps an
 * article, `{name:kind}` a piece of the clause. Case does not count, and a quoted piece is no word.
 * A piece is as short as it can be.
 */
#ifndef MANTIS_PLAN_DECOMPOSE_MATCH_H
#define MANTIS_PLAN_DECOMPOSE_MATCH_H

#include "plan/decompose/words.h"

#define MATCH_PIECES 4

/* What a piece may be: `label` quoted, or a few words that could stand on a page; `name` the same, but
 * quoted or capital first; `q` quoted; `text` anything; `url` an address; `n` a whole number; `noun` one to
 * three words; `key` keys as "Ctrl+A"; `list` anything. */
struct piece {
    char name; /* first letter of its name */
    int from, n; /* words of the clause */
};

struct match {
    const struct word *words;
    int n;
    struct piece pieces[MATCH_PIECES];
    int n_pieces;
};

bool match_form(const char *pattern, const struct word *words, int n, struct match *out);

bool match_has(const struct match *m, char name);

/* The piece as it stands in the prose, without quotes when it is one quoted word; "" when there is none. */
const char *match_text(struct pool *pool, const char *prose, const struct match *m, char name);

/* Words from..from+n of a clause likewise. */
const char *match_words(struct pool *pool, const char *prose, const struct word *words, int n);

int match_number(const struct match *m, char name, int def);
bool match_quoted(const struct match *m, char name);

/* An address of a page: with a scheme as it is, else "https://" in front; NULL: none. */
char *match_address(struct pool *pool, const struct word *w);

/* 0 when the word is no number. */
int word_number(const struct word *w);

bool word_is(const struct word *w, const char *alternatives); /* "a|b|c" */

#endif
