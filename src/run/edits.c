#include "run/edits.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define INSERTED_BUDGET 3

/* --- the plan as it is now -------------------------------------------------------------------- */

/* A copy with room for n more steps at at; those are not filled in. */
static struct plan *copy_plan(struct run *run, int at, int n)
{
    const struct plan *old = run->plan;
    struct plan *plan = pool_alloc(run->pool, sizeof(*plan));
    *plan = *old;
    plan->n_steps = old->n_steps + n;
    plan->steps = pool_alloc(run->pool, sizeof(*plan->steps) * (size_t)(plan->n_steps + 1));
    memcpy(plan->steps, old->steps, sizeof(*plan->steps) * (size_t)at);
    memcpy(plan->steps + at + n, old->steps + at,
           sizeof(*plan->steps) * (size_t)(old->n_steps - at));
    return plan;
}

static void move_target(int *target, int at, int n)
{
    if (*target >= at)
        *target += n;
}

static void move_targets(struct plan *plan, int at, int n)
{
    for (int i = 0; i < plan->n_steps; i++) {
        if (i >= at && i < at + n)
            continue; /* what was inserted speaks of the plan as it will be */
        move_target(&plan->steps[i].loop_target, at, n);
        move_target(&plan->steps[i].then_target, at, n);
        move_target(&plan->steps[i].else_target, at, n);
    }
}

static void put_default(json_t *o, const char *key, json_t *value)
{
    if (json_object_get(o, key))
        json_decref(value);
    else
        json_put(o, key, value);
}

static int read_inserted(struct run *run, const json_t *given, struct step *out, struct err *err)
{
    json_t *o = json_deep_copy(given);
    put_default(o, "budget", json_integer(INSERTED_BUDGET));
    put_default(o, "required", json_false());
    put_default(o, "section", json_string("recovery"));
    int r = step_from_json(run->pool, o, 0, out, err);
    json_decref(o);
    return r;
}

static int insert(struct run *run, int at, const json_t *steps, struct err *err)
{
    int n = (int)json_array_size(steps);
    if (at < 0 || at > run->plan->n_steps || n == 0)
        return err_set(err, E_INVALID, "plan edit: cannot insert %d steps at %d", n, at);
    struct plan *plan = copy_plan(run, at, n);
    for (int i = 0; i < n; i++) {
        int r = read_inserted(run, json_array_get(steps, (size_t)i), &plan->steps[at + i], err);
        if (r)
            return r;
    }
    move_targets(plan, at, n);
    run->plan = plan;
    return 0;
}

static void merge(json_t *into, const char *key, const json_t *change)
{
    json_t *object = json_object_get(into, key), *v;
    const char *name;
    json_object_foreach ((json_t *)change, name, v) {
        if (json_is_null(v))
            json_object_del(object, name);
        else
            json_put(object, name, json_deep_copy(v));
    }
}

static int change_step(struct run *run, int at, const json_t *change, struct err *err)
{
    const char *key;
    json_t *v;
    if (at < 0 || at >= run->plan->n_steps)
        return err_set(err, E_INVALID, "plan edit: there is no step %d", at);
    struct plan *plan = copy_plan(run, at, 0);
    json_t *o = step_to_json(&plan->steps[at]);
    json_object_foreach ((json_t *)change, key, v) {
        if (!strcmp(key, "params") || !strcmp(key, "hints"))
            merge(o, key, v);
        else
            json_put(o, key, json_deep_copy(v));
    }
    int r = step_from_json(run->pool, o, at, &plan->steps[at], err);
    json_decref(o);
    if (!r)
        run->plan = plan;
    return r;
}

/* --- telling and keeping ---------------------------------------------------------------------- */

static void move_results(json_t *results, int at, int n)
{
    size_t i;
    json_t *result;
    json_array_foreach (results, i, result) { /* others hold the old ones (core/delta.h) */
        int index = (int)json_int(result, "step_index", -1);
        if (index < at)
            continue;
        json_t *moved = json_copy(result);
        json_put_int(moved, "step_index", index + n);
        json_array_set_new(results, i, moved);
    }
}

/* What is kept by index; the step under way moves as well. */
static void move_progress(struct run *run, int at, int n)
{
    struct progress *p = &run->progress;
    progress_shift(p->loop_counters, at, n);
    progress_shift(p->failures, at, n);
    progress_shift(p->overrides, at, n);
    progress_shift(p->step_recoveries, at, n);
    move_results(p->step_results, at, n);
}

static json_t *short_text(struct run *run, const char *text)
{
    return json_string_safe(str_cut(run->step_pool, text, HEAL_BYTES));
}

int edits_insert(struct run *run, int at, const json_t *steps, const char *reason, struct err *err)
{
    size_t i;
    json_t *step;
    int r = insert(run, at, steps, err);
    if (r)
        return r;
    move_progress(run, at, (int)json_array_size(steps));
    json_push(run->progress.edits,
              json_pack("{s:s,s:i,s:o}", "op", "insert", "at", at, "steps", json_deep_copy(steps)));
    json_array_foreach ((json_t *)steps, i, step)
        run_heal(run, "insert_step", "recovery",
                 json_pack("{s:o,s:s,s:o}", "inserted_intent",
                           short_text(run, json_str(step, "intent", "")), "inserted_type",
                           json_str(step, "type", ""), "reason", short_text(run, reason)));
    return 0;
}

int edits_change(struct run *run, int at, const json_t *change, const char *reason, struct err *err)
{
    const char *type = at >= 0 && at < run->plan->n_steps ? run->plan->steps[at].type : "";
    int r = change_step(run, at, change, err);
    if (r)
        return r;
    json_push(run->progress.edits, json_pack("{s:s,s:i,s:o}", "op", "change", "at", at, "change",
                                             json_deep_copy(change)));
    const struct step *now = &run->plan->steps[at];
    run_heal(run, "replace_step", "recovery",
             json_pack("{s:s,s:o,s:s,s:o}", "original_type", type, "new_intent",
                       short_text(run, now->intent), "new_type", now->type, "reason",
                       short_text(run, reason)));
    return 0;
}

int edits_replay(struct run *run, struct err *err)
{
    size_t i;
    json_t *edit;
    json_array_foreach (run->progress.edits, i, edit) {
        int at = (int)json_int(edit, "at", -1);
        int r = !strcmp(json_str(edit, "op", ""), "insert")
                    ? insert(run, at, json_object_get(edit, "steps"), err)
                    : change_step(run, at, json_object_get(edit, "change"), err);
        if (r)
            return r;
    }
    return 0;
}

const struct step *edits_step(struct run *run, int i)
{
    char key[16];
    const struct step *step = &run->plan->steps[i];
    snprintf(key, sizeof(key), "%d", i);
    const char *intent = json_str(run->progress.overrides, key, "");
    if (!*intent)
        return step;
    struct step *copy = pool_alloc(run->step_pool, sizeof(*copy));
    *copy = *step;
    copy->intent = pool_strdup(run->step_pool, intent);
    return copy;
}
