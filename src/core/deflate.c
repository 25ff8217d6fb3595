#include "core/deflate.h"

#include <stdlib.h>
#include <string.h>

enum {
    END = 256, /* of a block, among the literals */
    FIRST_LENGTH = 257,
    SHORTEST = 3,
    LONGEST = 258,
    MOST_BITS = 15, /* of a code */
    HEADER_BYTES = 512,
    TOKEN_BYTES = 6, /* at most: 15 bits and 5, 15 bits and 13 */
};

/* A token is a byte, or COPY with the length less SHORTEST from bit 16 and the distance less 1. */
#define COPY 0x80000000u

/* A number as deflate writes lengths and distances: a symbol, and bits behind it. */
struct number {
    unsigned symbol, extra;
    int n_extra;
};

static inline int log2_of(unsigned v)
{
    return 31 - __builtin_clz(v);
}

static inline struct number length_of(uint32_t token)
{
    unsigned v = (token >> 16) & 0xff;
    if (v < 8)
        return (struct number){FIRST_LENGTH + v, 0, 0};
    if (v == LONGEST - SHORTEST)
        return (struct number){DEFLATE_LITERALS - 1, 0, 0};
    int n = log2_of(v) - 2;
    return (struct number){FIRST_LENGTH + 4 * (unsigned)n + (v >> n), v & ((1u << n) - 1), n};
}

static inline struct number distance_of(uint32_t token)
{
    unsigned v = token & 0xffff;
    if (v < 4)
        return (struct number){v, 0, 0};
    int n = log2_of(v) - 1;
    return (struct number){2 * (unsigned)n + (v >> n), v & ((1u << n) - 1), n};
}

/* --- codes ------------------------------------------------------------------------------------ */

struct code {
    uint16_t bits[DEFLATE_LITERALS]; /* as they are written: the first in the lowest */
    uint8_t len[DEFLATE_LITERALS];   /* 0: the symbol does not come */
};

struct leaf {
    uint32_t count;
    int symbol;
};

static int by_count(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    return x->count != y->count ? (x->count > y->count) - (x->count < y->count)
                                : x->symbol - y->symbol;
}

/* The lighter of the next leaf and the next pair. */
static int lighter(const uint32_t *weight, int *leaf, int n_leaves, int *pair, int n_nodes)
{
    bool is_leaf = *leaf < n_leaves && (*pair >= n_nodes || weight[*leaf] <= weight[*pair]);
    return is_leaf ? (*leaf)++ : (*pair)++;
}

/* Huffman's tree over leaves that are sorted. Pairs come behind the leaves, in the order of their
 * weights. Returns the longest code. */
static int tree(const struct leaf *leaves, int n, uint8_t *len)
{
    uint32_t weight[2 * DEFLATE_LITERALS];
    int parent[2 * DEFLATE_LITERALS], depth[2 * DEFLATE_LITERALS], longest = 0;
    int leaf = 0, pair = n, root = 2 * n - 2;
    for (int i = 0; i < n; i++)
        weight[i] = leaves[i].count;
    for (int made = n; made <= root; made++) {
        int a = lighter(weight, &leaf, n, &pair, made), b = lighter(weight, &leaf, n, &pair, made);
        weight[made] = weight[a] + weight[b];
        parent[a] = parent[b] = made;
    }
    depth[root] = 0;
    for (int i = root - 1; i >= 0; i--) {
        depth[i] = depth[parent[i]] + 1;
        if (i < n)
            len[leaves[i].symbol] = (uint8_t)depth[i];
        longest = depth[i] > longest ? depth[i] : longest;
    }
    return longest;
}

static unsigned mirrored(unsigned bits, int len)
{
    unsigned out = 0;
    for (int i = 0; i < len; i++)
        out = out << 1 | (bits >> i & 1);
    return out;
}

static void number_codes(struct code *c, int n)
{
    unsigned next = 0;
    for (int len = 1; len <= MOST_BITS; len++, next <<= 1)
        for (int i = 0; i < n; i++)
            if (c->len[i] == len)
                c->bits[i] = (uint16_t)mirrored(next++, len);
}

/* Symbols come in at least two kinds: some readers take no code of one. Where a code gets too long,
 * the rare count for more. */
static void make_code(uint32_t *counts, int n, struct code *c)
{
    struct leaf leaves[DEFLATE_LITERALS];
    int longest;
    *c = (struct code){0};
    counts[0] += !counts[0];
    counts[1] += !counts[1];
    do {
        int n_leaves = 0;
        for (int i = 0; i < n; i++) {
            if (counts[i])
                leaves[n_leaves++] = (struct leaf){counts[i], i};
            counts[i] -= counts[i] / 2;
        }
        qsort(leaves, (size_t)n_leaves, sizeof(*leaves), by_count);
        longest = tree(leaves, n_leaves, c->len);
    } while (longest > MOST_BITS);
    number_codes(c, n);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put(struct deflate *d, unsigned bits, int n)
{
    d->bits |= (uint64_t)bits << d->n_bits;
    d->n_bits += n;
}

/* Behind each token: what put() was given has room in `bits`, and the buffer was made large enough.
 */
static void spill(struct deflate *d)
{
    for (; d->n_bits >= 8; d->n_bits -= 8, d->bits >>= 8)
        d->out->data[d->out->len++] = (char)(d->bits & 0xff);
}

static void put_symbol(struct deflate *d, const struct code *c, unsigned symbol)
{
    put(d, c->bits[symbol], c->len[symbol]);
}

static void put_number(struct deflate *d, const struct code *c, struct number n)
{
    put_symbol(d, c, n.symbol);
    put(d, n.extra, n.n_extra);
}

/* The lengths of all codes, in four bits each: 158 bytes, where packing them would save half. */
static void put_lengths(struct deflate *d, const struct code *c, int n)
{
    for (int i = 0; i < n; i++) {
        put(d, mirrored(c->len[i], 4), 4);
        spill(d);
    }
}

static void put_header(struct deflate *d, const struct code *literals, const struct code *distances,
                       bool last)
{
    enum { CODES = 19, REPEATS = 3 }; /* the first three of the codes for lengths say "again" */
    put(d, last, 1);
    put(d, 2, 2);
    put(d, DEFLATE_LITERALS - 257, 5);
    put(d, DEFLATE_DISTANCES - 1, 5);
    put(d, CODES - 4, 4);
    for (int i = 0; i < CODES; i++) {
        put(d, i < REPEATS ? 0 : 4, 3);
        spill(d);
    }
    put_lengths(d, literals, DEFLATE_LITERALS);
    put_lengths(d, distances, DEFLATE_DISTANCES);
}

static void put_tokens(struct deflate *d, const struct code *literals, const struct code *distances)
{
    for (int i = 0; i < d->n_tokens; i++) {
        uint32_t token = d->tokens[i];
        if (token & COPY) {
            put_number(d, literals, length_of(token));
            put_number(d, distances, distance_of(token));
        } else {
            put_symbol(d, literals, token);
        }
        spill(d);
    }
    put_symbol(d, literals, END);
    spill(d);
}

static void flush(struct deflate *d, bool last)
{
    struct code literals, distances;
    d->literals[END]++;
    make_code(d->literals, DEFLATE_LITERALS, &literals);
    make_code(d->distances, DEFLATE_DISTANCES, &distances);
    if (!d->out->failed && !buf_reserve(d->out, HEADER_BYTES + TOKEN_BYTES * (size_t)d->n_tokens)) {
        put_header(d, &literals, &distances, last);
        put_tokens(d, &literals, &distances);
    } else {
        d->out->failed = true;
    }
    memset(d->literals, 0, sizeof(d->literals));
    memset(d->distances, 0, sizeof(d->distances));
    d->n_tokens = 0;
}

size_t deflate_most(size_t len)
{
    size_t blocks = len / DEFLATE_TOKENS + 1;
    return TOKEN_BYTES * len + HEADER_BYTES * blocks;
}

/* --- tokens ----------------------------------------------------------------------------------- */

void deflate_begin(struct deflate *d, struct buf *out)
{
    d->out = out;
    d->bits = 0;
    d->n_bits = d->n_tokens = 0;
    memset(d->literals, 0, sizeof(d->literals));
    memset(d->distances, 0, sizeof(d->distances));
}

static void add(struct deflate *d, uint32_t token)
{
    d->tokens[d->n_tokens++] = token;
    if (d->n_tokens == DEFLATE_TOKENS)
        flush(d, false);
}

void deflate_byte(struct deflate *d, uint8_t byte)
{
    d->literals[byte]++;
    add(d, byte);
}

void deflate_copy(struct deflate *d, size_t len, unsigned distance)
{
    while (len) {
        size_t n = len <= LONGEST ? len : len - LONGEST < SHORTEST ? len - SHORTEST : LONGEST;
        uint32_t token = COPY | (uint32_t)(n - SHORTEST) << 16 | (distance - 1);
        d->literals[length_of(token).symbol]++;
        d->distances[distance_of(token).symbol]++;
        add(d, token);
        len -= n;
    }
}

void deflate_end(struct deflate *d)
{
    flush(d, true);
    if (d->n_bits && !d->out->failed)
        buf_addc(d->out, (char)(d->bits & 0xff));
}
