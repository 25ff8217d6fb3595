/*
 * words.h - phrases that web pages use, in the languages we know, and how to compare with them.
 * One table per question; a new language is a new entry in words.c.
 */
#ifndef MANTIS_READER_WORDS_H
#define MANTIS_READER_WORDS_H

#include <stdbool.h>

#include "base/pool.h"

enum phrases {
    WORDS_SPONSORED,    /* marks of an advertisement */
    WORDS_NEXT,         /* to the next page */
    WORDS_MORE_RESULTS, /* load more into this page */
    WORDS_TRY_AGAIN,    /* load once more what did not come */
    WORDS_NOT_PAGES,    /* "next" of something that is no result page */
    WORDS_REJECT,       /* least committing answer to a consent box */
    WORDS_CLOSE,
    WORDS_ACCEPT,
    WORDS_CONSENT,      /* speaks of cookies or privacy */
    WORDS_REVEAL,       /* verbs that show more */
    WORDS_NO_REVEAL,    /* controls that write to someone or sell something */
    WORDS_RELATED,      /* headings over things that are not this page's */
    WORDS_OPEN,         /* link texts that say nothing: "View details" */
    WORDS_BLOCKED,      /* of pages that refuse, beside failure_wall_mark() */
    WORDS_NO_RESULTS,
    WORDS_ERROR,
    WORDS_SOLD_OUT,     /* the whole text of a mark */
    WORDS_BUY,          /* of controls that put a thing into the cart */
    WORDS_LOGOUT,       /* shown only to who is logged in */
    WORDS_LOGIN,
    WORDS_YES,
    WORDS_NO,
    WORDS_N,
};

/* Lower case, squashed, without punctuation at either end. */
char *words_plain(struct pool *pool, const char *s);

/* camelCase, snake_case and kebab-case to plain words: "vehicleModelDate" -> "vehicle model date". */
char *words_split(struct pool *pool, const char *identifier);

/* text, made plain, is one of the phrases / contains one at word boundaries; the phrase or NULL. */
const char *words_is(enum phrases which, const char *text);
const char *words_in(enum phrases which, const char *text);

/* Both take plain text. phrase stands in text at word boundaries. */
bool words_has(const char *plain_text, const char *plain_phrase);
int words_count(const char *plain_text);

/* Not empty, and nothing in it is read as a word: an arrow, a picture of a bin. */
bool words_is_picture(const char *text);

/* Every word of a stands in b. Plain texts; false for no words. */
bool words_all_in(const char *a, const char *b);

#endif
