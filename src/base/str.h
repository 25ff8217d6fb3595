/*
 * str.h - the few string questions that reading pages and plans keeps asking. UTF-8 throughout;
 * case folding is ASCII plus the Latin-1 and Greek/Cyrillic letters that towlower() knows in C.UTF-8.
 */
#ifndef MANTIS_BASE_STR_H
#define MANTIS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

bool str_empty(const char *s); /* NULL, "" or only white space */
bool str_eq_fold(const char *a, const char *b);
bool str_contains_fold(const char *hay, const char *needle); /* an empty needle is contained */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* 1 for true, yes, on, t, y, 1; 0 for false, no, off, f, n, 0, in any case; else -1. */
int str_switch(const char *s);

/* True when every word of words stands in text as a whole word, case folded. False for no words. */
bool str_has_words_fold(const char *text, const char *words);

/* Trimmed, with every run of white space (no-break space included) as one blank. */
char *str_squash(struct pool *pool, const char *s);

/* The same, with what moves a terminal's cursor or turns text around (control and bidi characters)
 * as white space, too: names of strangers on a line of ours. */
char *str_line(struct pool *pool, const char *s);

char *str_lower(struct pool *pool, const char *s);

size_t str_length(const char *s); /* in characters of well-formed UTF-8 */

/* At most max_bytes bytes of s, cut at a UTF-8 boundary. */
char *str_cut(struct pool *pool, const char *s, size_t max_bytes);

/* FNV-1a of what came before and len bytes more; the first call is given STR_HASH_START. For tables and for
 * telling states apart, not against whoever chooses the bytes. */
#define STR_HASH_START UINT64_C(14695981039346656037)
uint64_t str_hash(uint64_t before, const void *data, size_t len);

/* True for well-formed UTF-8 without NUL. */
bool str_is_utf8(const char *s, size_t len);

/* The piece of at most max_bytes that a quote at *at opens ("...", '...', “...”, «...», `...`), *at moved
 * behind it; NULL when none does. *at lies in the text from start on: an apostrophe inside a word
 * neither opens nor closes. */
char *str_quote_at(struct pool *pool, const char *start, const char **at, size_t max_bytes);

/* Stars in place of each occurrence of secret; one of fewer than 8 bytes is not looked for. */
void str_mask(char *data, size_t len, const char *secret);

/* The first such piece at or behind *text, *text moved behind it; NULL when there is none. */
char *str_quoted(struct pool *pool, const char **text, size_t max_bytes);

#endif
