/*
 * question.h - private to src/author: what is asked, and where its answer is kept.
 */
#ifndef MANTIS_AUTHOR_QUESTION_H
#define MANTIS_AUTHOR_QUESTION_H

#include "author/author.h"
#include "brain/model/profile.h"

#define AUTHOR_HASH_BYTES 33 /* 32 hex digits and NUL */

struct question {
    const struct profile *profile; /* how the model is reached */
    const char *text;              /* the whole prompt */
    char hash[AUTHOR_HASH_BYTES];
};

/* From the files as they are now. In pool. E_INTERNAL: they are wrong. */
int author_question(struct pool *pool, const struct author_config *config, const char *text, struct question *out,
                    struct err *err) MUST_CHECK;

/* A document that intake makes a plan of; err is what it says of another. */
int author_check(const struct intake_config *intake, const char *text, const json_t *document, struct err *err) MUST_CHECK;

/* keep.c: a file per answer. E_NOT_FOUND: none, or one that cannot be read, which is said in the log. */
int keep_read(struct pool *pool, const char *dir, const char *hash, json_t **out, struct err *err) MUST_CHECK;

/* What cannot be written is said in the log, and asked for again next time. */
void keep_write(const char *dir, const char *hash, const json_t *document);

#endif
