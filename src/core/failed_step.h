/*
 * failed_step.h - the step at which a run went wrong, read from its checkpoint: what a caller who sees only
 * that a page "did not load" needs to know.
 */
#ifndef MANTIS_CORE_FAILED_STEP_H
#define MANTIS_CORE_FAILED_STEP_H

#include "base/json.h"
#include "base/pool.h"

/* The last step that failed and was not skipped: {"step_index","step_type","url","data"}; url is the one a
 * navigate step asked for, else where the step ended. NULL: none failed. New reference. */
json_t *failed_step(const json_t *checkpoint);

/* "step 1 (navigate) could not open http://x.test/: its name cannot be resolved", steps counted from 1 as in
 * events; NULL unless the last step is a navigate step that failed. In pool. */
const char *failed_navigation(struct pool *pool, const json_t *checkpoint);

/* The browser's own word for why nothing loaded, out of the text of its error page: "ERR_TIMED_OUT"; ""
 * none. In pool. */
const char *failed_load_code(struct pool *pool, const char *page_text);

#endif
