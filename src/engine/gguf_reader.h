/*
 * gguf_reader.h - bytes of a GGUF file in order, none beyond its end. Private to gguf*.c.
 */
#ifndef MANTIS_ENGINE_GGUF_READER_H
#define MANTIS_ENGINE_GGUF_READER_H

#include "base/json.h"
#include "engine/gguf.h"

#define GGUF_PIECE_BYTES 65536

enum gguf_keep {
    GGUF_KEEP_NONE,
    GGUF_KEEP_SHORT, /* numbers and short strings */
    GGUF_KEEP_WHOLE,
};

struct gguf_reader {
    struct pool *pool;
    struct err *err;
    const char *path;
    int fd;
    enum gguf_keep keep;
    uint64_t size;
    uint64_t at;        /* of the next byte */
    uint64_t kept;      /* bytes of values so far */
    const char *part;   /* "key", "the header": what is being read, for messages; NULL the file */
    uint64_t index, of; /* the index-th of so many, from 0; of 0: there is only one */
    const char *name;   /* its name once it is known, else NULL */
    uint64_t piece_at;  /* where piece lies in the file */
    size_t piece_len;
    unsigned char piece[GGUF_PIECE_BYTES];
};

/* All set r->err and name path and part. E_INVALID when the file ends before. */
int gguf_take(struct gguf_reader *r, void *out, size_t len) MUST_CHECK;
int gguf_skip(struct gguf_reader *r, uint64_t len) MUST_CHECK;
int gguf_take_u32(struct gguf_reader *r, uint32_t *out) MUST_CHECK;
int gguf_take_u64(struct gguf_reader *r, uint64_t *out) MUST_CHECK;

/* A string of at least one and at most cap bytes and no NUL, in pool. what: "name", for messages. */
int gguf_take_name(struct gguf_reader *r, size_t cap, const char *what, const char **out) MUST_CHECK;

/* A value with its type in front: see struct gguf's metadata. New reference. */
int gguf_take_value(struct gguf_reader *r, json_t **out) MUST_CHECK;

/* "'m.gguf': key 3 of 20 ('general.name') ..."; returns code. */
int gguf_complain(struct gguf_reader *r, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fill what follows from metadata and tensors. E_INVALID: numbers that cannot be. */
int gguf_derive(struct pool *pool, struct gguf *g, struct err *err) MUST_CHECK;

#endif
