/*
 * patterns.h - values that can be told by their shape, and values turned into their type.
 *
 * Every expression runs under a match limit and on at most PATTERN_TEXT_BYTES, so that no page can
 * make one slow. Threads: loop thread only (expressions are compiled on first use and kept).
 */
#ifndef MANTIS_READER_PATTERNS_H
#define MANTIS_READER_PATTERNS_H

#include <stdbool.h>

#include "base/json.h"
#include "base/pool.h"
#include "core/schema.h"

#define PATTERN_TEXT_BYTES 4096

enum pattern {
    PATTERN_NONE,
    PATTERN_PHONE,
    PATTERN_PRICE,    /* a number with its currency */
    PATTERN_YEAR,     /* 1900..2049 */
    PATTERN_EMAIL,
    PATTERN_DATE,
    PATTERN_NUMBER,
    PATTERN_DISTANCE, /* a number with miles, km or hours */
    PATTERN_RATING,   /* "4.5 out of 5", "4,5/5", "4.5 stars" */
    PATTERN_PLACE,    /* "Austin, TX 78701", whole text */
    PATTERN_CARD_HEADING, /* "2019 Honda Civic": year, then words */
    PATTERN_COUNT,    /* "1,234 results", "Showing 24 cars", "23 Treffer" */
    PATTERN_PERIOD,   /* a price per month and the like */
    PATTERN_N,
};

/* First match in text, trimmed, in pool; NULL when there is none. */
char *pattern_first(struct pool *pool, enum pattern pattern, const char *text);

/* The match is all of text but blanks and punctuation. */
bool pattern_is(enum pattern pattern, const char *text);

/* The number in "$12,500", "12.500,00 €", "1 234 km", "12k"; false when there is none. */
bool pattern_number(const char *text, double *out);

/* Digits of text, in pool. */
char *pattern_digits(struct pool *pool, const char *text);

/* text as the field's type: strings as they are, numbers parsed. New reference, NULL when text is no
 * such value. */
json_t *pattern_value(struct pool *pool, enum field_type type, const char *text);

#endif
