#include "plan/walk.h"

#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "core/flow.h"

#define TEXT_CAP     (16u << 20)
#define INTENT_BYTES 80

struct walker {
    struct pool *pool;
    const struct plan *plan;
    const json_t *given; /* variables as the caller has them */
    json_t *vars;        /* as they stand */
    int *counters;       /* of loops */
    struct walk *out;
    int room;
    /* Brent: what stood at the 1st, 2nd, 4th ... time that a branch led back */
    json_t *seen_vars;
    int *seen_counters, seen_step, backs;
};

static void note(struct walker *w, int step, bool skipped, const char *data)
{
    struct walk *o = w->out;
    if (o->n_visits == w->room) {
        int room = w->room ? 2 * w->room : 256;
        struct visit *more = pool_alloc(w->pool, sizeof(*more) * (size_t)room);
        if (o->n_visits)
            memcpy(more, o->visits, sizeof(*more) * (size_t)o->n_visits);
        o->visits = more;
        w->room = room;
    }
    o->visits[o->n_visits++] = (struct visit){.step = step, .data = data, .skipped = skipped};
}

static bool is_set(const struct walker *w, const char *name)
{
    return json_truthy(json_object_get(w->vars, name));
}

/* Everything that decides how the walk goes on. */
static bool repeats(const struct walker *w, int i)
{
    size_t bytes = sizeof(int) * (size_t)w->plan->n_steps;
    return w->seen_vars && w->seen_step == i && json_equal(w->seen_vars, w->vars) &&
           memcmp(w->seen_counters, w->counters, bytes) == 0;
}

static void remember(struct walker *w, int i)
{
    w->seen_step = i;
    w->seen_vars = json_keep(w->pool, json_copy(w->vars));
    memcpy(w->seen_counters, w->counters, sizeof(int) * (size_t)w->plan->n_steps);
}

/* The branch at i leads back: for ever, when all is as it was before. */
static bool turns_for_ever(struct walker *w, int i)
{
    if (repeats(w, i)) {
        w->out->status = "halted";
        w->out->reason = "loop_stuck";
        w->out->message = pool_printf(
            w->pool,
            "step[%d] leads back to where the walk has been, with the same variables: it would go on like "
            "this for ever; a run does so until the page says otherwise, %d times at most",
            i, CAP_BRANCHES_BACK);
        return true;
    }
    if ((w->backs & (w->backs - 1)) == 0)
        remember(w, i);
    w->backs++;
    return false;
}

static int visit_loop(struct walker *w, int i)
{
    const struct step *s = &w->plan->steps[i];
    int to = flow_loop_next(w->plan, i, *s->stop_var && is_set(w, s->stop_var), &w->counters[i]);
    note(w, i, false, pool_printf(w->pool, "loop:to=%d", to));
    return to;
}

static int visit_if_else(struct walker *w, int i)
{
    const struct step *s = &w->plan->steps[i];
    bool yes = is_set(w, s->condition_var);
    int target = *s->condition_var ? flow_branch(w->plan, i, yes) : -1;
    const char *data = "if_else:falls through";
    if (target >= 0)
        data = pool_printf(w->pool, "if_else:%s=%s:branch=%s:target=%d", s->condition_var,
                           yes ? "True" : "False", yes ? "then" : "else", target);
    note(w, i, false, data);
    if (target >= 0 && target <= i && turns_for_ever(w, i))
        return w->plan->n_steps;
    return target >= 0 ? target : i + 1;
}

static int visit_detect(struct walker *w, int i)
{
    const struct step *s = &w->plan->steps[i];
    if (!*s->out_var) {
        note(w, i, true, "detect_visible_no_out_var");
        return i + 1;
    }
    bool seen = json_truthy(json_object_get(w->given, s->out_var));
    json_put_bool(w->vars, s->out_var, seen);
    note(w, i, false,
         pool_printf(w->pool, "detect_visible:%s=%s", s->out_var, seen ? "True" : "False"));
    return i + 1;
}

static int visit_done(struct walker *w, int i)
{
    bool success = json_flag(w->plan->steps[i].params, "success", true);
    note(w, i, false, success ? "done" : "done_failed");
    w->out->status = success ? "completed" : "halted";
    w->out->reason = success ? "" : "done_failed";
    return w->plan->n_steps;
}

static const struct {
    const char *type;
    int (*visit)(struct walker *w, int i);
} visits[] = {{"loop", visit_loop},
              {"if_else", visit_if_else},
              {"detect_visible", visit_detect},
              {"done", visit_done}};

static int visit(struct walker *w, int i)
{
    const struct step *s = &w->plan->steps[i];
    w->out->times[i]++;
    if (*s->guard && !is_set(w, s->guard)) {
        w->counters[i] = 0;
        note(w, i, true, pool_printf(w->pool, "guard:%s=False:skipped", s->guard));
        return i + 1;
    }
    for (size_t k = 0; k < ARRAY_SIZE(visits) && !s->gate; k++)
        if (strcmp(s->type, visits[k].type) == 0)
            return visits[k].visit(w, i);
    note(w, i, false, s->gate ? "gate:PASS:walk" : "ok");
    return i + 1;
}

void plan_walk(struct pool *pool, const struct plan *plan, const json_t *vars, struct walk *out)
{
    *out = (struct walk){.status = "completed", .reason = "", .message = ""};
    size_t n = (size_t)plan->n_steps + 1;
    out->times = pool_alloc(pool, sizeof(int) * n);
    struct walker w = {.pool = pool,
                       .plan = plan,
                       .given = vars,
                       .vars = json_keep(pool, json_object()),
                       .counters = pool_alloc(pool, sizeof(int) * n),
                       .seen_counters = pool_alloc(pool, sizeof(int) * n),
                       .out = out};
    for (int i = 0; i < plan->n_steps;) {
        if (out->n_visits == CAP_STEP_RESULTS) {
            out->status = "halted";
            out->reason = "loop_stuck";
            out->message = "no run takes more steps than these";
            break;
        }
        i = visit(&w, i);
    }
    for (int i = 0; i < plan->n_steps; i++)
        out->never += !out->times[i];
}

json_t *plan_walk_json(const char *label, const struct plan *plan, const struct walk *walk)
{
    json_t *o = json_object(), *list = json_array(), *times = json_array();
    for (int i = 0; i < walk->n_visits; i++) {
        const struct visit *v = &walk->visits[i];
        json_push(list,
                  json_pack("{s:i,s:s,s:o,s:b}", "step", v->step, "type", plan->steps[v->step].type,
                            "data", json_string_safe(v->data), "skipped", v->skipped));
    }
    for (int i = 0; i < plan->n_steps; i++)
        json_push(times, json_integer(walk->times[i]));
    json_put_str(o, "path", label);
    json_put_int(o, "step_count", plan->n_steps);
    json_put_str(o, "status", walk->status);
    json_put_str(o, "halt_reason", walk->reason);
    json_put_str(o, "message", walk->message);
    json_put(o, "times", times);
    json_put_int(o, "never_reached", walk->never);
    json_put(o, "visits", list);
    return o;
}

char *plan_walk_text(struct pool *pool, const char *label, const struct plan *plan,
                     const struct walk *walk)
{
    struct buf b;
    buf_init(&b, TEXT_CAP);
    buf_addf(&b, "%s: %d steps\n", label, plan->n_steps);
    for (int i = 0; i < walk->n_visits; i++) {
        const struct visit *v = &walk->visits[i];
        const struct step *s = &plan->steps[v->step];
        buf_addf(&b, "%5d [%02d] %-18s %s", i + 1, v->step, s->type, v->data);
        if (strcmp(v->data, "ok") == 0)
            buf_addf(&b, "  \"%s\"", str_cut(pool, str_squash(pool, s->intent), INTENT_BYTES));
        buf_addc(&b, '\n');
    }
    for (int i = 0; i < plan->n_steps; i++)
        if (!walk->times[i])
            buf_addf(&b, "WARNING step[%d] %s is never reached\n", i, plan->steps[i].type);
    buf_addf(&b, "%s%s%s after %d visits; %d of %d steps reached\n", walk->status,
             *walk->reason ? ": " : "", walk->reason, walk->n_visits, plan->n_steps - walk->never,
             plan->n_steps);
    if (*walk->message)
        buf_addf(&b, "%s\n", walk->message);
    char *text = pool_strdup(pool, b.data ? b.data : "");
    buf_release(&b);
    return text;
}
