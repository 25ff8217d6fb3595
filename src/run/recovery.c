#include "run/recovery.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/edits.h"
#include "run/look.h"

#define PER_RUN      5
#define PER_STEP     2
#define REASON_BYTES 200

static const char *const mode_names[] = {"halt", "add_hint", "edit_step", "insert_steps", "rewind"};

static int or_default(int given, int def)
{
    return given > 0 ? given : def;
}

/* What was decided for this step so far. Borrowed. */
static json_t *decisions(struct run *run)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    json_t *list = json_object_get(run->progress.step_recoveries, key);
    if (!list) {
        list = json_array();
        json_put(run->progress.step_recoveries, key, list);
    }
    return list;
}

static bool budget_left(struct run *run)
{
    const struct plan_runtime *rt = &run->plan->runtime;
    return run->progress.recoveries < or_default(rt->max_recoveries_per_run, PER_RUN) &&
           (int)json_array_size(decisions(run)) < or_default(rt->max_recoveries_per_step, PER_STEP);
}

static void tell(struct run *run, const struct step_result *result,
                 const struct recovery_decision *d)
{
    run_event(run, "recovery", "decision",
              json_pack("{s:s,s:s,s:s,s:o,s:i,s:i}", "mode", mode_names[d->mode], "remedy", d->name,
                        "failure_class", result->failure_class, "reasoning",
                        json_string_safe(str_cut(run->step_pool, d->reasoning, REASON_BYTES)),
                        "recoveries_of_run", run->progress.recoveries, "recoveries_of_step",
                        (int)json_array_size(decisions(run))),
              "recovery of step %d: %s (%s)", run->index + 1,
              *d->reasoning ? d->reasoning : "nothing is known that would help",
              mode_names[d->mode]);
}

/* The halt comes with its reason in the step's data: it is all that the caller will see. */
static int apply_halt(struct run *run, struct step_result *result, struct recovery_decision *d,
                      struct next *out, struct err *err)
{
    if (*d->reasoning)
        result->data = pool_printf(run->step_pool, "%s; %s", result->data, d->reasoning);
    return 1;
}

static int again(struct next *out, const char *reason)
{
    *out = (struct next){.kind = NEXT_RETRY, .anew = true, .reason = reason};
    return 0;
}

static int apply_change(struct run *run, struct step_result *result, struct recovery_decision *d,
                        struct next *out, struct err *err)
{
    int r = d->change ? edits_change(run, run->index, d->change, d->reasoning, err) : 0;
    bool hint = d->mode == RECOVERY_HINT;
    return r ? r
             : again(out, pool_printf(run->step_pool, "recovery_%s:%s", hint ? "hint" : "edit",
                                      hint ? d->name : run->plan->steps[run->index].type));
}

/* What is put in front of a step belongs to it: it is looked for in the same part of the page, and
 * when it fails, the step itself says so. */
static json_t *belonging_to(const struct step *step, const json_t *steps)
{
    const json_t *region = json_object_get(step->hints, "region");
    json_t *out = json_deep_copy(steps), *s;
    size_t i;
    json_array_foreach (out, i, s) {
        json_t *hints = json_object_get(s, "hints");
        if (!json_is_object(hints))
            json_put(s, "hints", hints = json_object());
        if (region && !json_object_get(hints, "region"))
            json_put(hints, "region", json_deep_copy(region));
        json_put_str(s, "section", step->section);
        json_put_bool(s, "required", false);
    }
    return out;
}

static int apply_insert(struct run *run, struct step_result *result, struct recovery_decision *d,
                        struct next *out, struct err *err)
{
    int n = (int)json_array_size(d->steps);
    json_t *steps = belonging_to(&run->plan->steps[run->index], d->steps);
    int r = edits_insert(run, run->index, steps, d->reasoning, err);
    json_decref(steps);
    return r ? r : again(out, pool_printf(run->step_pool, "recovery_insert:%d_steps", n));
}

static int apply_rewind(struct run *run, struct step_result *result, struct recovery_decision *d,
                        struct next *out, struct err *err)
{
    *out = (struct next){.kind = NEXT_REWIND,
                         .target = d->target,
                         .reason = pool_printf(run->step_pool, "recovery_rewind:%d", d->target)};
    run_heal(run, "rewind", "recovery",
             json_pack("{s:i,s:o}", "to_step", d->target, "reason",
                       json_string_safe(str_cut(run->step_pool, d->reasoning, REASON_BYTES))));
    return 0;
}

static int (*const apply[])(struct run *run, struct step_result *result,
                            struct recovery_decision *d, struct next *out, struct err *err) = {
    [RECOVERY_HALT] = apply_halt,     [RECOVERY_HINT] = apply_change,
    [RECOVERY_EDIT] = apply_change,   [RECOVERY_INSERT] = apply_insert,
    [RECOVERY_REWIND] = apply_rewind,
};

static const struct recovery_driver *driver_of(const struct run *run)
{
    const struct run_config *config = run->config;
    return config->recovery ? config->recovery
           : config->helper ? &recovery_model
                            : &recovery_rules;
}

static int decide(struct run *run, struct step_result *result, struct recovery_decision *out,
                  struct err *err)
{
    struct observation obs;
    int r = run_look(run, &obs, err);
    struct recovery_ask ask = {.step = &run->plan->steps[run->index],
                               .index = run->index,
                               .result = result,
                               .obs = &obs,
                               .tried = decisions(run)};
    return r ? r : driver_of(run)->decide(run, &ask, out, err);
}

int recovery_try(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    struct recovery_decision d = {.name = "", .reasoning = ""};
    if (!budget_left(run)) {
        run_event(run, "recovery", "spent", NULL, "no recovery is left for step %d",
                  run->index + 1);
        return 1;
    }
    int r = decide(run, result, &d, err);
    if (!r && d.mode != RECOVERY_HALT) {
        run->progress.recoveries++;
        json_push(decisions(run), json_string_safe(d.reasoning));
    }
    if (!r) {
        tell(run, result, &d);
        r = apply[d.mode](run, result, &d, out, err);
    }
    json_decref(d.change);
    json_decref(d.steps);
    return r;
}
