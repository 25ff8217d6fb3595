/*
 * Any bytes as a plan document: refused with a message, or a plan that holds what plan.h promises,
 * survives the store, and can be looked at.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "plan/intake.h"
#include "plan/validate.h"
#include "plan/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void look_at(struct pool *pool, const struct plan *plan)
{
    static const struct report_style plain;
    int n;
    struct walk walk;
    const char *const *done;
    const struct finding *findings = plan_validate(pool, plan, &n);
    require(plan_findings_text(pool, "fuzz", plan, findings, n, &plain) != NULL);
    json_keep(pool, plan_findings_json("fuzz", plan, findings, n));
    require(plan_dry_run_text(pool, "fuzz", plan, &plain) != NULL);
    json_keep(pool, plan_dry_run_json("fuzz", plan));
    plan_walk(pool, plan, NULL, &walk);
    require(walk.n_visits <= CAP_STEP_RESULTS && walk.never <= plan->n_steps);
    struct plan fixed = *plan;
    fixed.steps = pool_alloc(pool, sizeof(*fixed.steps) * (size_t)(plan->n_steps + 1));
    if (plan->n_steps)
        memcpy(fixed.steps, plan->steps, sizeof(*fixed.steps) * (size_t)plan->n_steps);
    plan_fix(pool, &fixed, &done);
    require(fixed.n_steps >= plan->n_steps);
}

static void check(struct pool *pool, const struct intake_config *config, const struct plan *plan)
{
    struct plan *back;
    struct err err = {0};
    char signature[ID_SHA256_HEX_BYTES];
    require(plan->n_steps <= config->max_steps);
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        require(*s->type && *s->intent && s->loop_target >= -1 && s->budget >= 0);
        require(json_is_object(s->params) && json_is_object(s->hints) &&
                json_is_object(s->extract));
    }
    require(json_array_size(plan->warnings) <= CAP_PLAN_WARNINGS + 1);
    require(plan->runtime.max_cost <= config->max_cost);
    json_t *stored = json_keep(pool, plan_to_json(plan));
    require(plan_from_json(pool, stored, &back, &err) == 0);
    intake_signature(json_keep(pool, plan_steps_to_json(back)), signature);
    require(strcmp(signature, plan->signature) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct intake_config config = {.repo_root = "",
                                   .env_url = "http://e.test",
                                   .default_micro = "",
                                   .max_steps = 40,
                                   .max_loop_iterations = 5,
                                   .max_time_minutes = 9,
                                   .max_cost = 3};
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    struct plan *plan;
    json_t *document;
    if (json_parse((const char *)data, size, "fuzz", &document, &err) == 0) {
        json_keep(pool, document);
        int r = intake_document(pool, &config, document, "fuzz", &plan, &err);
        require(r == 0 || *err.msg);
        if (r == 0) {
            check(pool, &config, plan);
            look_at(pool, plan);
        }
        err_clear(&err);
        r = intake_request(pool, &config, document, &plan, &err);
        require(r == 0 || *err.msg);
    }
    pool_destroy(pool);
    return 0;
}
