#include "run/pause.h"

#include <string.h>

#include "base/clock.h"
#include "core/run.h"
#include "run/look.h"
#include "run/page_state.h"
#include "run/step.h"

#define CAPTCHA_REASON "cf_challenge_human_takeover"
#define ASK_REASON     "user_input"
#define ASK_TOOL       "request_user_input"

enum { CHALLENGE_MS = 12000, CHALLENGE_LOOK_MS = 500, HUMAN_MS = 1800000 };

/* --- asking ---------------------------------------------------------------------------------- */

bool pause_can_ask(const struct run *run)
{
    return run->host->paused != NULL;
}

void pause_ask(struct run *run, const char *prompt, const char *reason)
{
    struct progress *p = &run->progress;
    p->inputs++;
    p->asked = !answers_get(&run->answers, p->inputs);
    progress_set(&p->ask_prompt, prompt);
    progress_set(&p->ask_reason, reason);
}

bool pause_known(struct run *run, const char *prompt, const char *reason)
{
    if (!answers_get(&run->answers, run->progress.inputs + 1))
        return false;
    pause_ask(run, prompt, reason);
    return true;
}

/* Before the first request an answer that came with the plan holds. */
static int current(const struct run *run)
{
    return run->progress.inputs > 0 ? run->progress.inputs : 1;
}

const char *pause_answer(const struct run *run)
{
    return answers_get(&run->answers, current(run));
}

/* What comes next cannot be done without the answer, which died with whoever knew it. */
static bool lacks_answer(const struct run *run)
{
    const struct progress *p = &run->progress;
    if (pause_answer(run) || p->step_index >= run->plan->n_steps)
        return false;
    const struct step *s = &run->plan->steps[p->step_index];
    return strcmp(s->type, ASK_TOOL) && answer_in_step(s);
}

static bool waits_for_answer(const struct run *run)
{
    return pause_can_ask(run) && ((run->progress.asked && !pause_answer(run)) || lacks_answer(run));
}

/* --- what the host is told ------------------------------------------------------------------- */

static json_t *question(const struct run *run)
{
    const struct progress *p = &run->progress;
    const char *prompt = *p->ask_prompt ? p->ask_prompt : "The plan needs user_input";
    json_t *args = json_object(), *o = json_object();
    json_put(args, "prompt", json_string_safe(prompt));
    json_put_str(o, "kind", "user_input");
    json_put(o, "reason", json_string_safe(*p->ask_reason ? p->ask_reason : ASK_REASON));
    json_put(o, "prompt", json_string_safe(prompt));
    json_put_str(o, "pending_tool", ASK_TOOL);
    json_put(o, "pending_arguments", args);
    json_put_int(o, "input", current(run));
    return o;
}

/* New reference; NULL when there is no reason to pause. */
static json_t *reason_now(const struct run *run)
{
    json_t *o;
    if (waits_for_answer(run))
        o = question(run);
    else if (run->challenged)
        o = json_pack("{s:s,s:s}", "kind", "captcha", "reason", CAPTCHA_REASON);
    else if (run->pausing)
        o = json_pack("{s:s}", "kind", "external");
    else
        return NULL;
    json_put_int(o, "step_index", run->progress.step_index);
    return o;
}

/* --- standing still -------------------------------------------------------------------------- */

bool pause_wanted(void *arg)
{
    const struct run *run = arg;
    return run->pausing || run->stop != RUN_STOP_NONE;
}

static bool goes_on(void *arg)
{
    const struct run *run = arg;
    return run->stop != RUN_STOP_NONE ||
           !(run->pausing || run->challenged || waits_for_answer(run));
}

static void tell(struct run *run, json_t *reason)
{
    json_t *hidden = answer_hide(&run->answers, reason);
    if (run->host->paused)
        run->host->paused(run->host->arg, hidden);
    json_decref(hidden);
    json_decref(reason);
}

static bool stirs(void *arg)
{
    return goes_on(arg) || person_waits(arg);
}

static int64_t end_of(int64_t patience_ms)
{
    return patience_ms ? clock_mono_ms() + patience_ms : INT64_MAX;
}

/* A person who has the controls is not timed. */
static int wait_on(struct run *run, int64_t patience_ms, struct err *err)
{
    int r = 0;
    int64_t end = end_of(patience_ms);
    while (!r && !goes_on(run)) {
        int64_t look = person_look_due(run);
        r = loop_wait(run->loop, stirs, run, look < end ? look : end);
        if (run->person.here)
            end = end_of(patience_ms);
        if (r == E_TIMEOUT && clock_mono_ms() < end)
            r = 0;
        if (!r)
            r = person_serve(run, err);
    }
    return r || run->stop != RUN_STOP_NONE ? r : person_left(run, err);
}

/* E_TIMEOUT when nobody came within patience_ms (0: however long it takes); 0 when it goes on or ends. */
static int stand(struct run *run, json_t *reason, int64_t patience_ms)
{
    struct err ignored = {0};
    int64_t since = clock_mono_us(), passed;
    loop_timer_clear(&run->time_cap);
    tell(run, reason);
    int r = wait_on(run, patience_ms, &ignored);
    passed = clock_mono_us() - since;
    run->start_us += passed;
    run->step_meter.start_us += passed;
    run_arm_time_cap(run);
    return run->stop != RUN_STOP_NONE ? 0 : r;
}

/* An answer need not end it: somebody may have paused meanwhile. There is no deadline here: a pause ends by
 * a word from outside, and any ending is such a word. */
int pause_here(struct run *run, struct err *err)
{
    int r = 0;
    while (!r && !goes_on(run))
        r = stand(run, reason_now(run), 0);
    return r ? err_set(err, r, "interrupted while the run was paused") : 0;
}

int pause_between(struct run *run, bool *ret_stood, struct err *err)
{
    bool stands = !goes_on(run);
    int r = pause_here(run, err);
    if (ret_stood)
        *ret_stood = stands;
    if (!r && run->stop != RUN_STOP_NONE)
        r = err_set(err, E_CANCELLED, "interrupted within a step");
    return r;
}

int pause_wait(struct run *run, int64_t ms, struct err *err)
{
    int64_t end = clock_mono_ms() + ms;
    int r = 0;
    while (!r) {
        r = loop_wait(run->loop, pause_wanted, run, end);
        if (r == E_TIMEOUT)
            return 0;
        if (r)
            return err_set(err, r, "interrupted while time was to pass");
        int64_t since = clock_mono_ms();
        r = pause_between(run, NULL, err);
        end += clock_mono_ms() - since;
    }
    return r;
}

/* Whatever ends this worker, the next one finds the page. */
static int leave_page(struct run *run, struct err *err)
{
    int r = page_state_take(run, err);
    plane_keep_login(run->plane);
    return r ? r : run_send_checkpoint(run, err);
}

int pause_point(struct run *run, struct err *err)
{
    bool over = run->progress.step_index >= run->plan->n_steps && !run->progress.asked;
    if (over || goes_on(run))
        return 0;
    bool fresh = run->blank; /* the page of the checkpoint is not open yet, and its state is there */
    int r = fresh ? 0 : leave_page(run, err);
    if (!r)
        r = pause_here(run, err);
    if (!r && !fresh && run->stop == RUN_STOP_DRAIN)
        r = leave_page(run, err); /* as it is now: somebody may have used it meanwhile */
    if (run->stop == RUN_STOP_NONE && !fresh)
        json_object_clear(run->progress.browser_state);
    if (run->progress.asked && pause_answer(run))
        run->progress.asked = false;
    return r;
}

/* --- a challenge ----------------------------------------------------------------------------- */

/* Many let go by themselves. */
static int passes_by_itself(struct run *run, bool *ret_passed, struct err *err)
{
    struct observation obs;
    const int given = run->config->challenge_wait_ms;
    int64_t end = clock_mono_ms() + (given ? given : CHALLENGE_MS);
    int r = 0;
    *ret_passed = false;
    while (!r && !*ret_passed && clock_mono_ms() < end) {
        r = loop_wait(run->loop, pause_wanted, run, clock_mono_ms() + CHALLENGE_LOOK_MS);
        if (r != E_TIMEOUT)
            return r ? err_set(err, r, "interrupted at a challenge") : 0;
        r = run_observe(run, 0, &obs, err);
        *ret_passed = !r && !failure_wall_mark(obs.title);
    }
    return r;
}

static int human_takes_over(struct run *run, struct err *err)
{
    const int given = run->config->human_wait_ms;
    run->challenged = true;
    int r = stand(run, reason_now(run), given ? given : HUMAN_MS);
    bool solved = !run->challenged && run->stop == RUN_STOP_NONE;
    run->challenged = false;
    if (r == E_TIMEOUT) {
        run->host->unpaused(run->host->arg);
        return 0;
    }
    return r ? err_set(err, r, "interrupted while a human was waited for") : solved;
}

int pause_for_human(struct run *run, struct err *err)
{
    bool passed;
    if (!run->config->pause_on_captcha || !run->host->paused || run->stop != RUN_STOP_NONE)
        return 0;
    int r = passes_by_itself(run, &passed, err);
    if (r || passed || run->stop != RUN_STOP_NONE)
        return r ? r : passed;
    return human_takes_over(run, err);
}
