/*
 * validate.h - findings about a plan that would run but probably not as its author thinks
 * (plans.md section 13, cli.md sections 3 and 4).
 */
#ifndef MANTIS_PLAN_VALIDATE_H
#define MANTIS_PLAN_VALIDATE_H

#include "base/json.h"
#include "base/pool.h"
#include "core/plan.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct finding {
    enum severity severity;
    const char *code;
    const char *message;
    int step_index;       /* -1 = the plan */
    const char *auto_fix; /* "" when there is none */
};

/* All findings in order of step; *ret_n of them, in pool. */
struct finding *plan_validate(struct pool *pool, const struct plan *plan, int *ret_n);

/* The texts and JSON of `plan validate` and `plan dry-run`. */
json_t *plan_findings_json(const char *label, const struct plan *plan, const struct finding *findings, int n);
char *plan_findings_text(struct pool *pool, const char *label, const struct plan *plan,
                         const struct finding *findings, int n);
json_t *plan_dry_run_json(const char *label, const struct plan *plan);
char *plan_dry_run_text(struct pool *pool, const char *label, const struct plan *plan);

#endif
