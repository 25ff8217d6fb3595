/*
 * clauses.h - a question cut into clauses, and the words of a clause that carry its meaning.
 */
#ifndef MANTIS_READER_CLAUSES_H
#define MANTIS_READER_CLAUSES_H

#include <stdbool.h>

#include "base/pool.h"

#define CLAUSE_MAX 12
#define CLAUSE_MAX_QUOTES 8
#define CLAUSE_MAX_WORDS 12
#define CLAUSE_QUOTE "\x01" /* no page and no plan has this byte */

struct clause {
    const char *text; /* plain, quoted pieces left out */
    const char *form; /* plain, with CLAUSE_QUOTE where a quoted piece stood */
    const char *quotes[CLAUSE_MAX_QUOTES];
    int n_quotes;
    bool negated;
};

/* Cut at "and", commas and full stops outside quotes; a quoted piece stays with the clause it stands in.
 * At most CLAUSE_MAX. */
int clause_cut(struct pool *pool, const char *question, struct clause *out);

/* One of the phrases (NULL-terminated) stands in the plain text. */
bool clause_has_any(const char *plain, const char *const *phrases);
#define ANY_OF(plain, ...) clause_has_any(plain, (const char *const[]){__VA_ARGS__, NULL})

/* Words that say that a list is meant: "results", "listings" and the like; NULL-terminated. */
extern const char *const clause_list_nouns[];

/* The words that are not grammar, screen words or list nouns; at most CLAUSE_MAX_WORDS. */
int clause_words(struct pool *pool, const struct clause *c, const char **out);

/* How many of the words stand in the plain text, singular or plural. */
int clause_stems_in(const char *plain_text, const char *const *words, int n);

#endif
