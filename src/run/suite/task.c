#include "run/suite/suite.h"

#include <string.h>

#include "base/str.h"
#include "run/journal.h"
#include "run/look.h"
#include "run/steps/steps.h"

int task_open(struct run *run, const char *url, const char **ret_wrong, struct err *err)
{
    struct settled s;
    struct observation obs;
    *ret_wrong = "";
    int r = run_open(run, url, CAP_LOAD_MS, &s, err);
    r = r ? r : run_look(run, &obs, err);
    if (r)
        return r;
    const char *class = run_page_class(run, &obs, url);
    *ret_wrong = strcmp(class, "ok") ? class : "";
    return 0;
}

int task_try(struct run *run, const char *text, const char *sentence, int max_steps,
             struct step_result *result, struct inner_result *out, struct err *err)
{
    struct inner_goal goal = {
        .task = text, .sentence = sentence, .max_steps = max_steps, .effect = result, .whole = true};
    return inner_run(run, &goal, out, err);
}

/* --- one task under way ----------------------------------------------------------------------- */

struct doing {
    struct run *run;
    const struct task *t;
    struct step_result *out;
    struct downloads before;
    struct inner_result inner;
    int steps;  /* brain calls of all tries */
    bool holds; /* the proof, or what the brain says when there is none to ask */
    const char *proof;
    json_t *detail; /* owned by out */
    double cost_before;
};

static double spent(const struct run *run)
{
    return json_num(run->progress.costs, "total", 0);
}

/* A task passes when its proof holds, whatever the brain thinks of it; without one the brain is
 * believed. */
static int judge(struct doing *d, struct err *err)
{
    d->steps += d->inner.steps;
    d->holds = d->inner.success;
    d->proof = "";
    if (d->t->verify.type == VERIFY_NONE)
        return 0;
    return suite_verify(d->run, &d->t->verify, &d->before, &d->holds, &d->proof, err);
}

static int try_intent(struct doing *d, int max_steps, struct err *err)
{
    const char *intent = d->t->intent;
    const char *text = pool_printf(d->run->step_pool, "Task: %s\n", intent);
    int r = d->t->has_loop ? task_items(d->run, d->t, d->out, &d->inner, err)
                           : task_try(d->run, text, intent, max_steps, d->out, &d->inner, err);
    return r ? r : judge(d, err);
}

/* What may free a task that is stuck, and then the task again. */
static int unstick(struct doing *d, struct err *err)
{
    struct run *run = d->run;
    const struct task *t = d->t;
    const char *wrong = "", *text = pool_printf(run->step_pool, "Task: %s\n", t->fallback_intent);
    struct inner_result freed;
    int r = *t->fallback_start_url ? task_open(run, t->fallback_start_url, &wrong, err) : 0;
    if (!r && !*wrong)
        r = task_try(run, text, t->fallback_intent, t->fallback_max_steps, d->out, &freed, err);
    if (r || *wrong)
        return r;
    d->steps += freed.steps;
    run_event(run, "suite", "fallback",
              json_pack("{s:s,s:b}", "task_id", t->task_id, "freed", freed.success),
              "the fallback of task '%s' ended with %s", t->task_id, freed.termination);
    return freed.success ? try_intent(d, t->resume_max_steps, err) : 0;
}

static int carry_out(struct doing *d, struct err *err)
{
    int asked = d->run->config->task_steps, r = try_intent(d, asked ? asked : d->t->max_steps, err);
    for (int i = 0; !r && !d->holds && *d->t->fallback_intent && i < d->t->fallback_micro_retries;
         i++)
        r = unstick(d, err);
    return r;
}

/* An earlier attempt pressed what must not be pressed twice: it can only be looked whether the
 * proof holds. */
static int look_only(struct doing *d, const json_t *entry, struct err *err)
{
    struct pool *pool = d->run->step_pool;
    const json_t *detail = json_object_get(entry, "detail");
    const char *pressed = pool_printf(
        pool, "%s:it was sent before an interruption and is not sent again", d->out->label);
    bool known = !d->out->sent; /* that attempt saw how it went */
    d->inner = (struct inner_result){
        .termination = "interrupted",
        .success = known && json_flag(detail, "success", false),
        .summary = known ? pool_strdup(pool, json_str(detail, "data", "")) : pressed,
        .last_click = {-1, -1}};
    return judge(d, err);
}

/* --- before and after ------------------------------------------------------------------------- */

/* *ret_ready false: *out says why the task cannot begin. */
static int prepare(struct doing *d, bool *ret_ready, struct err *err)
{
    struct run *run = d->run;
    struct err why = {0};
    const char *wrong = "";
    *ret_ready = false;
    if (d->t->require_session) {
        int r = session_restore(run, d->t->start_url, &why);
        json_put_bool(d->detail, "session_restored", r == 0);
        if (r == E_NOT_FOUND || r == E_UNSUPPORTED)
            return step_fail(run, d->out, "unknown", "session_missing:%s", why.msg);
        if (r)
            return err_set(err, r, "%s", why.msg);
    }
    int r = *d->t->start_url ? task_open(run, d->t->start_url, &wrong, err) : 0;
    if (r)
        return r;
    if (*wrong) {
        d->out->failure_subclass = wrong;
        return step_fail(run, d->out, "bad_url", "bad_url:%s", wrong);
    }
    *ret_ready = true;
    return 0;
}

static int keep_session(struct doing *d, struct err *err)
{
    struct err why = {0};
    if (!d->t->save_session || (!d->holds && str_contains_fold(d->run->live_url, "login")))
        return 0;
    int r = session_keep(d->run, &why);
    json_put_bool(d->detail, "session_saved", r == 0);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        run_warn(d->run, "session_not_saved", "the session could not be saved: %s", why.msg);
    return 0;
}

static const char *class_of(const struct doing *d)
{
    static const struct {
        const char *termination, *class;
    } classes[] = {{"max_steps", "brain_loop_exhausted"},
                   {"loop", "brain_loop_exhausted"},
                   {"done_unverified", "brain_loop_exhausted"},
                   {"brain_unreachable", "brain_unreachable"},
                   {"budget_cap", "budget_cap"},
                   {"off_allowlist", "off_allowlist"}};
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        if (!strcmp(classes[i].termination, d->inner.termination))
            return classes[i].class;
    return d->inner.success ? "wrong_target" : "unknown";
}

/* Why it failed, as the page shows it now. */
static int note_category(struct doing *d, struct err *err)
{
    struct run *run = d->run;
    struct observation obs;
    struct target way_out;
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    struct attempt_facts f = {
        .inner = &d->inner,
        .start_url = d->t->start_url,
        .url = obs.url,
        .page_class = run_page_class(run, &obs, obs.url),
        .overlay = reader_find_dismiss(run->reader, run->step_pool, &obs, &way_out, NULL) == 0};
    json_put_str(d->detail, "failure_category", failure_category(&f));
    return 0;
}

static int told(struct doing *d)
{
    struct run *run = d->run;
    const char *summary = str_squash(run->step_pool, d->inner.summary);
    d->out->at = d->inner.last_click;
    d->out->verified_change = true;
    if (d->holds)
        return step_ok(run, d->out, "%s", *summary ? summary : *d->proof ? d->proof : "done");
    if (!strcmp(d->inner.termination, "interrupted"))
        return step_fail(run, d->out, class_of(d), "%s%s%s%s",
                         d->out->sent ? "submit_unconfirmed:" : "", summary,
                         *d->proof ? ": " : "", d->proof);
    if (*d->proof)
        return step_fail(run, d->out, class_of(d), "verify_failed:%s:%s",
                         verify_type_name(d->t->verify.type), d->proof);
    return step_fail(run, d->out, class_of(d), "%s:%s", d->inner.termination, summary);
}

static void put_detail(struct doing *d)
{
    json_t *o = d->detail;
    const struct verify *v = &d->t->verify;
    json_put_str(o, "task_id", d->t->task_id);
    json_put_bool(o, "success", d->out->success);
    json_put_int(o, "steps", d->steps);
    json_put_num(o, "duration_s",
                 (double)(int64_t)(meter_elapsed_s(&d->run->step_meter) * 1000) / 1000);
    json_put_str(o, "termination_reason", d->inner.termination);
    json_put(o, "final_url", json_string_safe(d->run->live_url));
    json_put(o, "costs", json_pack("{s:f}", "total", spent(d->run) - d->cost_before));
    json_put(o, "summary", json_string_safe(d->inner.summary));
    if (d->inner.detail)
        json_put(o, "loop", json_deep_copy(d->inner.detail));
    if (v->type != VERIFY_NONE)
        json_put(o, "verify",
                 json_pack("{s:s,s:b,s:o}", "type", verify_type_name(v->type), "passed", d->holds,
                           "reason", json_string_safe(d->proof)));
    json_put_bool(o, "continue_on_failure", d->t->continue_on_failure);
}

static int whole_task(struct doing *d, struct err *err)
{
    bool ready;
    const json_t *earlier = journal_earlier(d->run, d->out);
    int r = prepare(d, &ready, err);
    if (r || !ready)
        return r;
    d->before = downloads_now(d->run);
    r = earlier && !d->t->has_loop ? look_only(d, earlier, err) : carry_out(d, err);
    r = r ? r : keep_session(d, err);
    if (!r && !d->holds)
        r = note_category(d, err);
    return r ? r : told(d);
}

int step_task(struct run *run, struct step_result *out, struct err *err)
{
    struct task t;
    int r = task_parse(run->step_pool, run->step, &t, err);
    if (r)
        return r;
    out->backend = "vision";
    out->task = json_object();
    struct doing d = {
        .run = run,
        .t = &t,
        .out = out,
        .inner = {.termination = "not_started", .summary = "", .last_click = {-1, -1}},
        .proof = "",
        .detail = out->task,
        .cost_before = spent(run)};
    if (!run->brain)
        step_fail(run, out, "brain_unreachable", "brain_unreachable:this run has no brain");
    else
        r = whole_task(&d, err);
    if (r)
        return r;
    out->steps_used = d.steps;
    put_detail(&d);
    return 0;
}
