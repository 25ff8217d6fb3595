#include "run/ending.h"

#include <string.h>

#include "base/caps.h"
#include "run/record.h"

int ending_as(struct run_end *out, const char *status, const char *halt_reason,
              const char *halt_class)
{
    out->status = status;
    out->halt_reason = halt_reason;
    out->halt_class = halt_class;
    return 1;
}

/* plans.md 9.4: before each step. 1: the run ends. */
int ending_caps(struct run *run, struct run_end *out)
{
    const struct run_config *c = run->config;
    if (run->stop != RUN_STOP_NONE)
        return 1;
    if (c->max_cost > 0 && json_num(run->progress.costs, "total", 0) >= c->max_cost)
        return ending_as(out, "halted", "budget_cap", "budget_cap");
    if (c->max_time_minutes > 0 && run_elapsed_s(run) >= c->max_time_minutes * 60.0) {
        run->stop = RUN_STOP_TIME;
        return 1;
    }
    if (json_array_size(run->progress.step_results) >= CAP_STEP_RESULTS)
        return ending_as(out, "halted", "loop_stuck", "loop_stuck");
    return 0;
}

/* What a step had half done is not progress: fall back to the last checkpoint. */
static void drop_half_step(struct run *run)
{
    progress_release(&run->progress);
    progress_init(&run->progress);
    if (progress_from_json(&run->progress, run->saved, NULL))
        BUG("our own checkpoint cannot be read");
    coverage_release(&run->coverage);
    coverage_init(&run->coverage, run->progress.coverage);
    json_decref(run->run_time);
    run->run_time = json_deep_copy(run->progress.time_buckets);
    progress_set(&run->live_url, run->progress.current_url);
}

static const struct {
    enum run_stop stop;
    const char *status, *halt_reason, *halt_class;
} stops[] = {
    {RUN_STOP_CANCEL, "cancelled", "cancel_event", "cancelled"},
    {RUN_STOP_DRAIN, "lost", "drain", "drain"},
    {RUN_STOP_TIME, "halted", "time_cap", "time_cap"},
    {RUN_STOP_PARENT, "lost", "parent_gone", "parent_gone"},
    {RUN_STOP_PLANE, "lost", "the display or the browser died", "plane_gone"},
};

static void end_by_code(struct run *run, int r, const struct err *err, struct run_end *out)
{
    out->error = pool_strdup(run->pool, answer_hide_text(&run->answers, run->pool, err->msg));
    if (r == E_GONE && run->stop == RUN_STOP_NONE) {
        ending_as(out, "lost", "", "plane_gone");
        return;
    }
    if (r == E_CANCELLED && run->stop == RUN_STOP_NONE)
        run->stop = RUN_STOP_CANCEL;
    if (run->stop == RUN_STOP_NONE)
        ending_as(out, "failed", "", "");
}

/* A suite whose tasks may fail goes on to its end; it is complete only when all of them passed. */
static void judge_suite(struct run *run, struct run_end *out)
{
    size_t i;
    json_t *r;
    json_array_foreach (run->progress.step_results, i, r)
        if (json_object_get(r, "task") && !json_flag(r, "success", false)) {
            ending_as(out, "halted", "task_failed", "task_failed");
            return;
        }
}

void ending_finish(struct run *run, int r, const struct err *err, struct run_end *out)
{
    loop_timer_clear(&run->time_cap);
    run->index = -1;
    if (r < 0)
        end_by_code(run, r, err, out);
    else if (r == 0)
        judge_suite(run, out);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
        if (run->stop == stops[i].stop)
            ending_as(out, stops[i].status, stops[i].halt_reason, stops[i].halt_class);
    if (r < 0 && run->saved)
        drop_half_step(run);
    out->stop = run->stop;
    if (!strcmp(out->status, "lost"))
        return;
    loop_interrupt_clear(run->loop);
    record_final(run);
    progress_set(&run->progress.status, out->status);
    progress_set(&run->progress.halt_reason, out->halt_reason);
}
