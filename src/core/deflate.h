/*
 * deflate.h - tokens to a deflate stream (RFC 1951), for who knows its data better than a general search for matches
 * would (picture_png.c). Blocks of at most DEFLATE_TOKENS tokens, each with codes of its own.
 *
 * Pure. What is written goes to `out`, which the caller owns, with a cap of deflate_most() at least.
 */
#ifndef MANTIS_CORE_DEFLATE_H
#define MANTIS_CORE_DEFLATE_H

#include <stdint.h>

#include "base/buf.h"

#define DEFLATE_TOKENS   16384
#define DEFLATE_DISTANCE 32768 /* most bytes back */

enum { DEFLATE_LITERALS = 286, DEFLATE_DISTANCES = 30 }; /* symbols of the two alphabets */

struct deflate {
    struct buf *out; /* borrowed; .failed when there was no memory */
    uint64_t bits;   /* not written yet, the first in the lowest */
    int n_bits, n_tokens;
    uint32_t tokens[DEFLATE_TOKENS];
    uint32_t literals[DEFLATE_LITERALS], distances[DEFLATE_DISTANCES]; /* how often each symbol comes in the block */
};

/* How long the stream of so many bytes may get, with what is reserved on the way. */
size_t deflate_most(size_t len);

void deflate_begin(struct deflate *d, struct buf *out);
void deflate_byte(struct deflate *d, uint8_t byte);

/* len bytes, at least 3, as they stand `distance` back: 1 to DEFLATE_DISTANCE; they may overlap. */
void deflate_copy(struct deflate *d, size_t len, unsigned distance);
void deflate_end(struct deflate *d);

#endif
