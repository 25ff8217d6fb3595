/*
 * gguf.h - what a GGUF file says of itself: header, metadata, and where its tensors lie.
 *
 * Only what stands before the weights is read, in pieces, never mapped: a file that shrinks meanwhile
 * is an error and no signal. No length in it is believed before it is held against what the file has
 * and against base/caps.h.
 * Source: ggml docs/gguf.md, versions 2 and 3, little-endian; keys of split files, adapters and
 * projectors as llama.cpp writes them.
 */
#ifndef MANTIS_ENGINE_GGUF_H
#define MANTIS_ENGINE_GGUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "engine/gguf_types.h"

#define GGUF_DIMS 4

enum gguf_kind {
    GGUF_MODEL,
    GGUF_ADAPTER,   /* a LoRA or another change to a model */
    GGUF_PROJECTOR, /* turns images into what a model reads */
    GGUF_OTHER,     /* `type` says what */
};

struct gguf_tensor {
    const char *name;
    int n_dims;
    uint64_t dims[GGUF_DIMS];
    uint32_t type;
    uint64_t offset;   /* from data_start */
    uint64_t elements; /* the product of dims */
    uint64_t bytes;    /* 0 for a type that is not in the table */
};

struct gguf {
    const char *path;
    uint32_t version;
    uint64_t file_bytes;
    uint64_t needed_bytes; /* of a whole file; file_bytes is less when it is cut short */
    uint64_t data_start;
    uint64_t alignment;
    /* key -> {"type", "value"}; arrays have "of" and "count" too. A value that was not kept is missing:
     * an array, or a string of which "bytes" tells the length. In the order of the file. */
    const json_t *metadata;
    const struct gguf_tensor *tensors;
    size_t n_tensors;
    const char *cut_tensor; /* the first that is not whole, else NULL */

    /* what the metadata says; "" and 0 where it says nothing */
    enum gguf_kind kind;
    const char *type; /* general.type */
    const char *architecture, *name;
    const char *adapter_type;    /* "lora" */
    const char *file_type;       /* "Q8_0" */
    const char *main_type;       /* tensor type that most weights have */
    int64_t context_length, block_count;
    uint64_t parameters;
    size_t n_unknown;            /* tensors of a type that is not in the table: their size is not known */
    int split_no, split_count;   /* part split_no, from 0, of split_count; 0 of 1 when it is not split */
    int64_t split_tensors;       /* in all parts */
    bool chat_template;
    bool blind;                  /* a projector that says it is not for images */
};

enum gguf_flags {
    GGUF_KEEP_ALL = 1 << 0, /* arrays and long strings too, up to CAP_GGUF_KEPT_BYTES in all */
};

/*
 * Follows links; everything in *out lives in pool. A file that is cut behind its tensor list is read
 * all the same: see needed_bytes. E_NOT_FOUND, E_IO; E_INVALID: no GGUF file, one of another version
 * or byte order, one that is broken or ends too early; E_TOOBIG: over a cap.
 */
int gguf_read(struct pool *pool, const char *path, unsigned flags, struct gguf *out,
              struct err *err) MUST_CHECK;

/* The same of an open file, which the caller keeps; path is for messages. */
int gguf_read_fd(struct pool *pool, int fd, const char *path, unsigned flags, struct gguf *out,
                 struct err *err) MUST_CHECK;

/* "model", "adapter", "projector", else what the file calls itself. */
const char *gguf_kind_name(const struct gguf *g);

#endif
