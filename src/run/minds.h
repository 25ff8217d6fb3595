/*
 * minds.h - who thinks and who reads for a run, made of its start message: the brain, the reader, and the
 * models behind them and beside them. Threads: loop thread.
 */
#ifndef MANTIS_RUN_MINDS_H
#define MANTIS_RUN_MINDS_H

#include "brain/brain.h"
#include "brain/model/ask.h"
#include "reader/reader.h"
#include "sys/loop.h"

struct minds {
    struct reader *reader;
    struct brain *brain;
    struct models *models;             /* that may be asked (models.h) */
    const struct model_link *helper;   /* to Claude, for recovery and rewrites; NULL: there is no key for it */
    struct brain *director, *grounder; /* Claudes beside the brain; NULL none */
    struct model_link links[2];        /* theirs: each asks a model of its own */
    /* what they are made of, borrowed */
    struct pool *pool;
    const json_t *start;
    reader_count_fn *count;
    void *count_arg;
};

/* start outlives *out; count is told of every answer a reader paid for. Looks at files, asks nobody. On
 * error what was made stays in *out, for minds_close(), and E_UNSUPPORTED: another attempt will do no better. */
int minds_open(struct pool *pool, struct loop *loop, const json_t *start, reader_count_fn *count, void *count_arg,
               struct minds *out, struct err *err) MUST_CHECK;
void minds_close(struct minds *minds); /* zeroed is fine */

#endif
