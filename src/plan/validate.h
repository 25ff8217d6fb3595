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

/* Does this line of the plan's warnings say what is also a finding? */
bool plan_finding_is_warned(const char *warning);

/* Where a plan without a navigate step starts: the objective's start_url, else its domain; "" unknown. */
const char *plan_start_url(struct pool *pool, const struct plan *plan);

/*
 * Carry out what auto_fix of the findings says, until nothing is left that can be mended. Each line of
 * *ret_done says one thing that was done; NULL ends it. Steps are inserted where a fix says so, and
 * targets move with them.
 */
void plan_fix(struct pool *pool, struct plan *plan, const char *const **ret_done);

/* How a text is shown. Zeroed: plain, as the contract has it. */
struct report_style {
    bool colour; /* ANSI sequences */
    int width;   /* columns of the terminal; 0: intents are cut to 60 characters */
};

/* The texts and JSON of `plan validate` and `plan dry-run`. */
json_t *plan_findings_json(const char *label, const struct plan *plan, const struct finding *findings, int n);
char *plan_findings_text(struct pool *pool, const char *label, const struct plan *plan,
                         const struct finding *findings, int n, const struct report_style *style);
json_t *plan_dry_run_json(const char *label, const struct plan *plan);
char *plan_dry_run_text(struct pool *pool, const char *label, const struct plan *plan,
                        const struct report_style *style);

#endif
