/*
 * gguf_words.h - a GGUF file in words.
 */
#ifndef MANTIS_CMD_GGUF_WORDS_H
#define MANTIS_CMD_GGUF_WORDS_H

#include "engine/gguf.h"

/* "qwen35moe, Q8_0, 35.1 B weights, 36.9 GB" in pool. */
char *gguf_words(struct pool *pool, const struct gguf *g);

/* "35.1 B", "36.9 GB": three digits and a unit of thousands. */
char *gguf_weights_text(struct pool *pool, uint64_t weights);
char *gguf_bytes_text(struct pool *pool, uint64_t bytes);

#endif
