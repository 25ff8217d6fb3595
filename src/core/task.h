/*
 * task.h - one task of a suite and what proves it done (plans.md section 12).
 *
 * A suite becomes a plan whose steps are of the type "task": the intent is the step's, everything
 * else is its params, as the caller wrote it. Intake reads it to refuse what is wrong; the runner
 * reads it again.
 */
#ifndef MANTIS_CORE_TASK_H
#define MANTIS_CORE_TASK_H

#include "core/plan.h"
#include "core/selector.h"

#define TASK_STEP_TYPE "task"

enum verify_type {
    VERIFY_NONE,
    VERIFY_URL_CONTAINS,
    VERIFY_URL_NOT_CONTAINS,
    VERIFY_URL_EXACT,
    VERIFY_PAGE_CONTAINS_TEXT,
    VERIFY_ELEMENT_EXISTS,
    VERIFY_ELEMENT_TEXT,
    VERIFY_DOWNLOAD_EXISTS,
};

struct verify {
    enum verify_type type;
    const char *value; /* text, part of a URL, or glob of a file name */
    const char *selector_text;
    const struct selector *selector; /* of the element types */
};

struct task_loop {
    const char *pagination_intent;
    int max_iterations, max_pages, max_steps_per_iteration, max_retries_per_iteration,
        max_steps_pagination;
};

struct task {
    const char *task_id, *intent, *start_url; /* "" none */
    int max_steps;
    bool save_session, require_session, continue_on_failure;
    struct verify verify;
    const char *fallback_intent, *fallback_start_url;
    int fallback_max_steps, fallback_micro_retries, resume_max_steps;
    bool has_loop;
    struct task_loop loop;
};

/* From a step of type "task". E_INVALID names the field. Strings are the step's. */
int task_parse(struct pool *pool, const struct step *step, struct task *out,
               struct err *err) MUST_CHECK;

const char *verify_type_name(enum verify_type type); /* "url_contains" */

bool plan_is_suite(const struct plan *plan); /* its steps are tasks */

#endif
