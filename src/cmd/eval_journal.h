/*
 * eval_journal.h - what an evaluation has done so far, a line per fact, kept beside its output until that is written: one
 * that was killed goes on from there.
 */
#ifndef MANTIS_CMD_EVAL_JOURNAL_H
#define MANTIS_CMD_EVAL_JOURNAL_H

#include "cmd/batch.h"

struct eval_journal {
    const char *path;
    int fd;
};

/*
 * identity says which evaluation this is. Runs that the journal knows are done are filled in (done, result); those that
 * were submitted only have their run_id. E_CONFLICT: it is that of another evaluation, or one that is under way.
 */
int eval_journal_open(struct eval_journal *j, struct pool *pool, const char *path, const json_t *identity,
                      struct batch_run *runs, size_t n, struct err *err) MUST_CHECK;

/* Durable when they return. E_IO. */
int eval_journal_submitted(const struct eval_journal *j, struct pool *pool, const struct batch_run *run,
                           struct err *err) MUST_CHECK;
int eval_journal_done(const struct eval_journal *j, struct pool *pool, const struct batch_run *run,
                      struct err *err) MUST_CHECK;

/* finished: it is not needed any more. */
void eval_journal_close(struct eval_journal *j, bool finished);

#endif
