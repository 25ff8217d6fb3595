/*
 * gguf_types.h - the numbers of the GGUF format and what they stand for.
 * Source: ggml docs/gguf.md (value types, tensor types); block sizes as ggml stores them; file types as
 * llama.cpp writes general.file_type.
 */
#ifndef MANTIS_ENGINE_GGUF_TYPES_H
#define MANTIS_ENGINE_GGUF_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"

enum gguf_value_type {
    GGUF_UINT8,
    GGUF_INT8,
    GGUF_UINT16,
    GGUF_INT16,
    GGUF_UINT32,
    GGUF_INT32,
    GGUF_FLOAT32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_UINT64,
    GGUF_INT64,
    GGUF_FLOAT64,
    GGUF_VALUE_TYPES, /* so many */
};

/* "uint8"; type is one of the list. */
const char *gguf_value_type_name(enum gguf_value_type type);

/* Bytes of a value; 0 for strings and arrays, which say it themselves. */
unsigned gguf_value_type_bytes(enum gguf_value_type type);

/* Weights are stored in blocks: block weights take bytes. */
struct gguf_tensor_type {
    const char *name; /* "Q8_0" */
    unsigned block, bytes;
};

/* NULL for a number that is not in this version's table. */
const struct gguf_tensor_type *gguf_tensor_type(uint32_t id);

/* True for numbers that stood for something once and are not written any more. */
bool gguf_tensor_type_removed(uint32_t id);

/* "Q8_0"; "type 99" in pool for a number that is not in the table. */
const char *gguf_tensor_type_name(struct pool *pool, uint32_t id);

/* What general.file_type says: "Q4_K_M", "type 99". */
const char *gguf_file_type_name(struct pool *pool, int64_t id);

#endif
