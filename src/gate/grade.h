/*
 * grade.h - what a run's own documents and the oracle of its practice site say of it.
 * Source: promotion.md sections 6.2, 7 and 8.1; http-api.md section 10.
 */
#ifndef MANTIS_GATE_GRADE_H
#define MANTIS_GATE_GRADE_H

#include "gate/report.h"

/* Was a run that ended so carried out? Of others (failed, cancelled, timeout) nothing is known of the model. */
bool grade_ran(const char *status);

/* From the reply of action=result: status, success, where it ended, what it brought, and costs. A run that was
 * not carried out has an error. Texts in pool; task_id, run_id and duration_s are the caller's. */
void grade_result(struct pool *pool, const json_t *reply, struct outcome *out);

/* The oracle's word replaces success; where metadata.rows names fields, the extracted rows of that reply must be
 * the oracle's in them, too. What it said is in out->raw. */
void grade_oracle(struct pool *pool, const json_t *metadata, const json_t *verdict, const json_t *reply,
                  struct outcome *out);

#endif
