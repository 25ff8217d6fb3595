/*
 * result_suite.h - what the result of a task suite says beside that of a plan (plans.md section
 * 12).
 */
#ifndef MANTIS_CORE_RESULT_SUITE_H
#define MANTIS_CORE_RESULT_SUITE_H

#include "base/json.h"

/* Adds mode "task_suite", passed, total, score, termination_reason and task_details to the envelope
 * of a checkpoint with tasks; does nothing for another. */
void result_put_suite(json_t *envelope, const json_t *checkpoint);

#endif
