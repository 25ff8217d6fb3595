#include "cmd/evaluation.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "sys/file.h"

#define PARALLEL_MAX 256
#define REPEATS_MAX  100
#define SEED_DEFAULT 42
#define BAR_CELLS    24
#define TICK_MS      1000
#define NAME_CELLS   34

/* --- opening ---------------------------------------------------------------------------------- */

static void on_signal(void *arg, int signo)
{
    loop_interrupt(arg);
}

static int take_signals(struct evaluation *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    return loop_signals(e->loop, &set, on_signal, e->loop, &e->err);
}

static int check_flags(const struct evaluation_flags *f, struct err *err)
{
    const struct {
        const char *name;
        int value, min, max;
    } ranges[] = {{"--max-parallel", f->max_parallel, 1, PARALLEL_MAX},
                  {"--poll-seconds", f->poll_s, 1, INT_MAX / 1000},
                  {"--max-steps", f->max_steps, 0, INT_MAX},
                  {"--max-time-minutes", f->max_minutes, 0, INT_MAX},
                  {"--repeats", f->repeats, 1, REPEATS_MAX},
                  {"--seed", f->seed, EVALUATION_NO_SEED, INT_MAX}};
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
            return err_set(err, E_INVALID, "%s takes a whole number from %d to %d", ranges[i].name,
                           ranges[i].min < 0 ? 0 : ranges[i].min, ranges[i].max);
    if (!(f->max_cost >= 0) || isinf(f->max_cost))
        return err_set(err, E_INVALID, "--max-cost takes USD");
    return 0;
}

int evaluation_open(struct evaluation *e, const struct evaluation_flags *flags)
{
    int r = check_flags(flags, &e->err);
    r = r ? r : loop_create(&e->loop, &e->err);
    r = r ? r : take_signals(e);
    if (r)
        return r;
    id_random_hex(4, e->tag);
    e->practice = (struct practice){.pool = e->pool, .loop = e->loop, .host = flags->site_host};
    e->batch = (struct batch){.pool = e->pool,
                              .loop = e->loop,
                              .practice = &e->practice,
                              .tag = e->tag,
                              .max_parallel = flags->max_parallel,
                              .caps = {.max_cost = flags->max_cost,
                                       .max_steps = flags->max_steps,
                                       .max_minutes = flags->max_minutes,
                                       .poll_s = flags->poll_s}};
    e->started_at = (double)clock_wall_us() / 1e6;
    progress_line_init(&e->line, stderr);
    return practice_add(&e->practice, &flags->sites, &e->err);
}

void evaluation_close(struct evaluation *e)
{
    practice_close(&e->practice);
    loop_destroy(e->loop);
    pool_destroy(e->pool);
}

/* --- who answers ------------------------------------------------------------------------------ */

static const char *joined(struct pool *pool, const char *a, const char *b)
{
    return str_empty(b) ? a : *a ? pool_printf(pool, "%s %s", a, b) : b;
}

static const char *model_of(struct pool *pool, const struct batch_arm *arm, const json_t *version)
{
    const char *model = json_str(version, "model", ""), *out = "";
    bool other = arm->cua_model && strcmp(arm->cua_model, model) != 0;
    const char *const parts[] = {model, json_str(version, "model_tag", ""), arm->lora_adapter,
                                 arm->challenger_model, other ? arm->cua_model : ""};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        out = joined(pool, out, parts[i]);
    return out;
}

int evaluation_arm(struct evaluation *e, const struct evaluation_flags *flags, const char *endpoint,
                   const char *token, struct batch_arm *arm, const char **ret_model)
{
    struct client_flags f = flags->client;
    json_t *version = NULL;
    struct err why = {0};
    struct httpc_url url;
    f.endpoint = endpoint;
    f.token = token;
    int r = httpc_url_parse(e->pool, endpoint, &url, &e->err);
    if (!r && url.has_userinfo) /* the address stands in reports */
        r = err_set(
            &e->err, E_INVALID,
            "the address of a deployment may hold no password: use MANTIS_API_TOKEN or --header");
    r = r ? r : client_open(e->pool, e->loop, &f, &arm->client, &e->err);
    if (r)
        return r;
    r = client_call(&arm->client, e->pool, "GET", "/v1/version", NULL, &version, &why);
    if (r && arm->client.status == 0)
        return err_set(&e->err, why.code, "%s", why.msg);
    *ret_model = model_of(e->pool, arm, version);
    return 0;
}

/* --- the runs --------------------------------------------------------------------------------- */

void evaluation_plan(struct evaluation *e, const struct evaluation_flags *flags,
                     const struct task_file *tasks, struct batch_arm *const *arms, size_t n_arms)
{
    size_t n = 0;
    struct batch_run *runs =
        pool_alloc(e->pool, sizeof(*runs) * tasks->n * n_arms * (size_t)flags->repeats);
    for (int repeat = 0; repeat < flags->repeats; repeat++)
        for (size_t t = 0; t < tasks->n; t++)
            for (size_t a = 0; a < n_arms; a++) {
                const struct gate_task *task = &tasks->tasks[t];
                int64_t seed = flags->seed != EVALUATION_NO_SEED
                                   ? flags->seed
                                   : json_int(task->metadata, "seed", SEED_DEFAULT);
                runs[n++] = (struct batch_run){.arm = arms[a],
                                               .task = task,
                                               .repeat = repeat,
                                               .seed = seed + repeat,
                                               .run_id = ""};
            }
    e->batch.runs = runs;
    e->batch.n = n;
}

/* --- how far ---------------------------------------------------------------------------------- */

static const char *duration_text(struct pool *pool, int64_t s)
{
    return s < 60 ? pool_printf(pool, "%llds", (long long)s)
           : s < 3600
               ? pool_printf(pool, "%lldm%02llds", (long long)(s / 60), (long long)(s % 60))
               : pool_printf(pool, "%lldh%02lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
}

/* As long as the rest takes at the pace so far. */
static const char *eta_text(struct evaluation *e, struct pool *pool)
{
    int64_t took_ms = clock_mono_ms() - e->started_ms,
            left = (int64_t)e->batch.n - (int64_t)e->resumed - e->done;
    return e->done ? duration_text(pool, took_ms * left / e->done / 1000) : "?";
}

static void show_bar(struct evaluation *e, struct pool *pool)
{
    size_t done = e->resumed + (size_t)e->done, cells = done * BAR_CELLS / e->batch.n;
    char bar[BAR_CELLS + 1];
    for (size_t i = 0; i < BAR_CELLS; i++)
        bar[i] = i < cells ? '=' : ' ';
    bar[BAR_CELLS] = '\0';
    progress_line_show(&e->line,
                       pool_printf(pool, "[%s] %zu/%zu  passed %d  errors %d  %d running  ETA %s",
                                   bar, done, e->batch.n, e->passed, e->errors, e->batch.running,
                                   eta_text(e, pool)));
}

static void say_run(struct evaluation *e, struct pool *pool, const struct batch_run *run)
{
    const struct outcome *o = &run->result.outcome;
    const char *word = *o->error ? "error" : run->result.passed ? "pass" : "FAIL";
    const char *name = joined(pool, run->task->id, run->arm->name);
    if (run->repeat)
        name = pool_printf(pool, "%s #%d", name, run->repeat);
    progress_line_clear(&e->line);
    fprintf(stderr, "%-5s %-*s %6.1f s %8.4f USD  %s%s%s\n", word, NAME_CELLS,
            table_clean(pool, name, 0), o->duration_s, o->cost, table_clean(pool, o->run_id, 0),
            *o->error ? "  " : "", table_clean(pool, o->error, 0));
}

/* On a terminal the bar says what went well. */
void evaluation_tell(struct evaluation *e, const struct batch_run *run)
{
    struct pool *pool = pool_create(NULL);
    e->done++;
    e->passed += run->result.passed;
    e->errors += *run->result.outcome.error != '\0';
    if (!e->line.width || !run->result.passed)
        say_run(e, pool, run);
    show_bar(e, pool);
    pool_destroy(pool);
}

static void on_tick(void *arg)
{
    struct evaluation *e = arg;
    struct pool *pool = pool_create(NULL);
    show_bar(e, pool);
    pool_destroy(pool);
    loop_timer_set(e->loop, &e->tick, TICK_MS, on_tick, e);
}

int evaluation_carry_out(struct evaluation *e)
{
    e->started_ms = clock_mono_ms();
    if (e->line.width)
        on_tick(e);
    int r = batch_carry_out(&e->batch, &e->err);
    loop_timer_clear(&e->tick);
    progress_line_clear(&e->line);
    return r;
}

/* --- what came of it -------------------------------------------------------------------------- */

json_t *evaluation_about(struct evaluation *e, const struct evaluation_flags *flags,
                         const struct batch_arm *arm, const char *model,
                         const json_t *tasks_document)
{
    json_t *about = json_keep(e->pool, json_object()),
           *holdout = json_object_get(tasks_document, "holdout");
    json_put_str(about, "model", model);
    json_put_str(about, "runner", arm->client.base);
    if (holdout)
        json_put(about, "holdout", json_incref(holdout));
    if (flags->seed != EVALUATION_NO_SEED)
        json_put_int(about, "seed", flags->seed);
    json_put_int(about, "repeats", flags->repeats);
    return about;
}

struct report evaluation_report(struct evaluation *e, const struct batch_arm *arm, const char *name,
                                const json_t *about)
{
    struct task_result *results = pool_alloc(e->pool, sizeof(*results) * (e->batch.n + 1));
    size_t n = 0;
    for (size_t i = 0; i < e->batch.n; i++)
        if (e->batch.runs[i].arm == arm && e->batch.runs[i].done)
            results[n++] = e->batch.runs[i].result;
    return (struct report){.name = name,
                           .started_at = e->started_at,
                           .ended_at = (double)clock_wall_us() / 1e6,
                           .results = results,
                           .n = n,
                           .about = about};
}

char *evaluation_beside(struct pool *pool, const char *path, const char *ending)
{
    size_t len = strlen(path) - (str_ends(path, ".json") ? strlen(".json") : 0);
    return pool_printf(pool, "%.*s%s", (int)len, path, ending);
}

static int make_room(struct evaluation *e, const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash || slash == path
               ? 0
               : file_mkdirs(pool_strndup(e->pool, path, (size_t)(slash - path)), 0755, &e->err);
}

int evaluation_target(struct evaluation *e, const char *path)
{
    struct stat st;
    int r = make_room(e, path);
    if (!r && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        r = err_set(&e->err, E_INVALID, "'%s' is a directory: name a file in it", path);
    return r;
}

int evaluation_write(struct evaluation *e, const char *path, const char *text)
{
    int r = make_room(e, path);
    return r ? r : file_write_atomic(path, text, strlen(text), 0644, &e->err);
}
