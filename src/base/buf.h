/*
 * buf.h - a growing byte string with a ceiling.
 *
 * Invariant: data is NUL-terminated at data[len] (or "" when nothing was added), so it can be
 * printed as it is. The cap is not optional: an add that would pass it fails with E_TOOBIG, leaves
 * the contents as they were and sets `failed`, so that a chain of adds needs one check at the end.
 */
#ifndef MANTIS_BASE_BUF_H
#define MANTIS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* owned */
    size_t len, size, cap;
    bool failed; /* an add was refused */
};

void buf_init(struct buf *b, size_t cap_bytes);
void buf_release(struct buf *b); /* back to an empty buf with the same cap */
void buf_clear(struct buf *b);   /* length 0, memory kept */

int buf_add(struct buf *b, const void *data, size_t len); /* E_TOOBIG or E_NOMEM */
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_add_html(struct buf *b, const char *s); /* as text: what is markup in it stands escaped, in attributes too */
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put text in place of len bytes at data + at (at + len <= b->len). E_TOOBIG, E_NOMEM. */
int buf_splice(struct buf *b, size_t at, size_t len, const char *text);

/* Drop the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

/* Room for n more bytes at data + len, for read(2); then add what was read to len by buf_grew(). */
int buf_reserve(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

#endif
