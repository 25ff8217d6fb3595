/*
 * gguf_maker.h - writes GGUF files for tests, right ones and wrong ones.
 *
 * Keys and tensors come out in the order they are added; weights are zeros, laid out one after the
 * other, each at the alignment.
 */
#ifndef MANTIS_TESTS_GGUF_MAKER_H
#define MANTIS_TESTS_GGUF_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct gguf_maker {
    uint32_t version;   /* 3 */
    uint32_t alignment; /* 32; another one is written as general.alignment too */
    uint64_t n_keys, n_tensors;
    uint64_t data_bytes; /* of the weights so far */
    struct buf keys, tensors;
};

void gguf_maker_init(struct gguf_maker *m);
void gguf_maker_release(struct gguf_maker *m);

void gguf_key_text(struct gguf_maker *m, const char *key, const char *text);
void gguf_key_u16(struct gguf_maker *m, const char *key, uint16_t value);
void gguf_key_u32(struct gguf_maker *m, const char *key, uint32_t value);
void gguf_key_bool(struct gguf_maker *m, const char *key, bool value);

/* Any value: type number and the bytes behind it. */
void gguf_key_raw(struct gguf_maker *m, const char *key, uint32_t type, const void *bytes, size_t len);

/* Bytes of an array's value, for gguf_key_raw() or another array: its type, length and items. */
void gguf_array_begin(struct buf *b, uint32_t type, uint64_t count);
void gguf_put_text(struct buf *b, const char *text);

/* bytes: of its weights. dims ends with a 0. */
void gguf_tensor_add(struct gguf_maker *m, const char *name, uint32_t type, uint64_t bytes,
                     const uint64_t *dims);

/* The same with a place of one's choice instead of the next one. */
void gguf_tensor_raw(struct gguf_maker *m, const char *name, uint32_t type, uint32_t n_dims,
                     const uint64_t *dims, uint64_t offset);

/* One key of every type, arrays of every type and arrays in arrays. */
void gguf_all_values(struct gguf_maker *m);

/* One tensor of every type that has a size, with shapes of one to four dimensions. */
void gguf_all_tensors(struct gguf_maker *m);

/* A small model: architecture, name, vocabulary, chat template, three tensors. */
void gguf_small_model(struct gguf_maker *m, const char *architecture, const char *name);
void gguf_small_adapter(struct gguf_maker *m, const char *architecture);
void gguf_small_projector(struct gguf_maker *m);

/* Part no (from 0) of count, with one tensor each; the first has a model's keys. */
void gguf_small_part(struct gguf_maker *m, int no, int count);

/* Everything as a file. out is initialised here. */
void gguf_maker_finish(const struct gguf_maker *m, struct buf *out);

#endif
