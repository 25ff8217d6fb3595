/*
 * batch_work.h - between batch.c, which says when a run begins, and batch_work.c, which brings it to its end.
 */
#ifndef MANTIS_CMD_BATCH_WORK_H
#define MANTIS_CMD_BATCH_WORK_H

#include "cmd/batch.h"

/* Begin with a run, or go on with one that has a run_id. site: had by it from now on, NULL none. problem: why it cannot
 * begin, NULL none. It may be done when this returns. */
void batch_work_begin(struct batch *batch, struct batch_run *run, struct practice_site *site, const char *problem);

/* Tell the deployment to end it, and forget it. */
void batch_work_cancel(struct batch_work *work);

/* Begin with what has room now. Called when something ended. */
void batch_pump(struct batch *batch);

#endif
