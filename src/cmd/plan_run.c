/*
 * mantis plan run - one plan from file to rows: on the server that is configured, else on one of
 * its own that lives as long as the run.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/follow.h"
#include "cmd/options.h"
#include "cmd/own_server.h"
#include "cmd/plan_file.h"
#include "cmd/table.h"
#include "sys/file.h"

#define EXIT_FAILED      1
#define EXIT_USAGE       2
#define EXIT_INTERRUPTED 130
#define NOT_GIVEN        INT_MIN
#define DEFAULT_COST     10.0
#define LEAST_COST       0.01 /* what the plan left of it */
#define DEFAULT_MINUTES  30
#define LOG_TAIL         1000
#define RESULT_MS        5000
#define RESULT_POLL_MS   100

struct job {
    struct pool *pool;
    struct loop *loop;
    struct client_flags flags;
    struct client client;
    struct own_server *server; /* NULL: somebody else's */
    struct plan_file file;
    struct plan_words words;
    const char *output_dir, *detail_page_pattern, *backend, *run_id;
    double max_cost;
    int max_time_minutes, signals;
    bool json, interrupted;
    int64_t started_ms;
    struct err err;
};

/* The first signal cancels the run, the next one also ends waiting for that. */
static void on_signal(void *arg, int signo)
{
    struct job *j = arg;
    j->signals++;
    loop_interrupt(j->loop);
}

static int take_signals(struct job *j)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    return loop_signals(j->loop, &set, on_signal, j, &j->err);
}

static char *path_of(struct job *j, const char *name)
{
    return pool_printf(j->pool, "%s/%s", j->output_dir, name);
}

static int write_json(struct job *j, const char *name, const json_t *value)
{
    const char *text = json_pretty(j->pool, value);
    return file_write_atomic(path_of(j, name), text, strlen(text), 0644, &j->err);
}

/* A directory may hold an older run's files; none of them may pass for this one's. */
static int remove_older(struct job *j)
{
    static const char *const names[] = {"result.json", "leads.csv", "extracted_rows.json",
                                        "final.png", "server.log"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (unlink(path_of(j, names[i])) && errno != ENOENT)
            return err_sys(&j->err, E_INTERNAL, "cannot remove '%s'", path_of(j, names[i]));
    return 0;
}

/* The plan as it is sent and kept: normal form, without what only the store needs. */
static json_t *plan_document(struct job *j)
{
    json_t *doc = json_keep(j->pool, plan_to_json(j->file.plan));
    json_object_del(doc, "signature");
    json_object_del(doc, "warnings");
    if (j->detail_page_pattern) {
        json_t *site = json_object_get(doc, "site_config");
        if (!site)
            json_put(doc, "site_config", site = json_object());
        json_put_str(site, "detail_page_pattern", j->detail_page_pattern);
    }
    return doc;
}

/* Flags beat the plan's runtime block; our defaults apply when neither says anything. */
static json_t *request_body(struct job *j, json_t *document)
{
    const struct plan_runtime *rt = &j->file.plan->runtime;
    json_t *body = json_keep(j->pool, json_object());
    json_put_bool(body, "detached", true);
    json_put(body, "task_suite", json_incref(document));
    json_put_str(body, "plan_name", j->file.stem);
    double cap = j->max_cost != NOT_GIVEN ? j->max_cost : rt->max_cost > 0 ? rt->max_cost : DEFAULT_COST;
    if (j->max_cost != NOT_GIVEN || rt->max_cost <= 0 || j->words.spent > 0)
        json_put_num(body, "max_cost",
                     j->words.spent > 0 ? fmax(cap - j->words.spent, LEAST_COST) : cap);
    if (j->max_time_minutes != NOT_GIVEN || rt->max_time_minutes <= 0)
        json_put_int(body, "max_time_minutes",
                     j->max_time_minutes != NOT_GIVEN ? j->max_time_minutes : DEFAULT_MINUTES);
    if (j->backend)
        json_put_str(body, "compute_backend", j->backend);
    return body;
}

/* A server that is named is used, and everything about it is checked before a file is written. */
static int find_server(struct job *j)
{
    bool configured = false;
    int r = client_configured(j->pool, &j->flags, &configured, &j->err);
    if (!r && configured)
        r = client_open(j->pool, j->loop, &j->flags, &j->client, &j->err);
    return r;
}

static int start_own_server(struct job *j)
{
    int r = own_server_start(j->pool, j->loop, path_of(j, "server.log"), &j->server, &j->err);
    return r ? r
             : client_open_at(j->pool, j->loop, own_server_url(j->server),
                              own_server_token(j->server), &j->client, &j->err);
}

static int submit(struct job *j, json_t *document)
{
    json_t *reply;
    int r = client_submit(&j->client, j->pool, json_text(j->pool, request_body(j, document)), NULL,
                          CLIENT_RETRIES, &reply, &j->err);
    if (r)
        return r;
    j->run_id = json_str(reply, "run_id", "");
    return *j->run_id ? 0 : err_set(&j->err, E_UPSTREAM, "the server's answer names no run");
}

static int follow(struct job *j, json_t **ret_status)
{
    struct follow f = {
        .client = &j->client,
        .run_id = j->run_id,
        .lines = j->json ? FOLLOW_QUIET : FOLLOW_STEPS,
        .out = stdout,
        .tail = LOG_TAIL,
        .n_steps = j->file.plan->n_steps,
    };
    int r = follow_run(&f, j->pool, ret_status, &j->err);
    if (r != E_CANCELLED)
        return r;
    json_t *reply;
    j->interrupted = true;
    loop_interrupt_clear(j->loop);
    fprintf(stderr, "cancelling run %s\n", j->run_id);
    f.lines = FOLLOW_QUIET; /* a second look would print the log from its start */
    err_clear(&j->err);
    r = client_action(&j->client, j->pool, "cancel", j->run_id, NULL, &reply, &j->err);
    return r ? r : follow_run(&f, j->pool, ret_status, &j->err);
}

/* A step left out by its guard did not fail. */
static bool has_failed(const json_t *step)
{
    return !json_flag(step, "success", false) &&
           !str_starts(json_str(step, "skip_reason", ""), "guard_");
}

/* The steps in the words of cli.md section 6, beside the server's own. */
static void add_steps(json_t *result)
{
    json_t *steps = json_array(), *d;
    int ok = 0, failed = 0;
    size_t i;
    json_array_foreach (json_object_get(result, "step_details"), i, d) {
        json_t *step = json_copy(d);
        json_put_int(step, "index", json_int(d, "step", (int64_t)i));
        json_put_int(step, "steps_used", json_int(d, "steps", 0));
        json_object_del(step, "step");
        json_object_del(step, "steps");
        ok += json_flag(d, "success", false);
        failed += has_failed(d);
        json_push(steps, step);
    }
    json_put_int(result, "step_count", (json_int_t)json_array_size(steps));
    json_put_int(result, "successes", ok);
    json_put_int(result, "failures", failed);
    json_put(result, "steps", steps);
}

static void save_artifacts(struct job *j)
{
    static const char *const names[] = {"leads.csv", "extracted_rows.json", "final.png"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *data;
        size_t len;
        struct err err = {0};
        int r = client_artifact(&j->client, j->pool, j->run_id, names[i], &data, &len, &err);
        if (r == E_NOT_FOUND)
            continue; /* a run without rows has no leads.csv */
        if (!r)
            r = file_write_atomic(path_of(j, names[i]), data, len, 0644, &err);
        if (r)
            cmd_warning("%s: %s", names[i], err.msg);
    }
}

/* A cancelled run is over before its worker has handed in what it had: that is waited for a little.
 */
static int fetch_result(struct job *j, json_t **out)
{
    int64_t until = clock_mono_ms() + RESULT_MS;
    for (;;) {
        json_t *reply;
        int r = client_action(&j->client, j->pool, "result", j->run_id, NULL, &reply, &j->err);
        if (r)
            return r;
        *out = json_object_get(reply, "result");
        if (json_is_object(*out) || clock_mono_ms() > until ||
            loop_wait(j->loop, NULL, NULL, clock_mono_ms() + RESULT_POLL_MS))
            return 0;
    }
}

static int save_result(struct job *j, json_t **ret_result)
{
    json_t *result;
    int r = fetch_result(j, &result);
    if (r)
        return r;
    result = json_keep(j->pool, json_is_object(result) ? json_copy(result) : json_object());
    add_steps(result);
    json_put_str(result, "session", j->file.stem);
    json_put_str(result, "platform", "mantis");
    json_put_str(result, "endpoint", j->server ? "own" : j->client.base);
    json_put_num(result, "elapsed_seconds",
                 round((double)(clock_mono_ms() - j->started_ms) / 10) / 100);
    *ret_result = result;
    save_artifacts(j);
    return write_json(j, "result.json", result);
}

static void say_first_failure(struct job *j, const json_t *result)
{
    json_t *steps = json_object_get(result, "steps"), *step;
    size_t i;
    json_array_foreach (steps, i, step) {
        if (!has_failed(step))
            continue;
        cmd_error("%d of %d steps failed; the first: [%d] %s", (int)json_int(result, "failures", 0),
                  (int)json_array_size(steps), (int)json_int(step, "index", 0),
                  table_clean(j->pool, json_str(step, "data", ""), 0));
        return;
    }
}

/* A run that came to the end of its plan has no other fault than the steps that failed. */
static void say_what_went_wrong(struct job *j, const json_t *status, const json_t *result)
{
    const char *word = json_str(status, "status", "?"), *reason = follow_reason(j->pool, status);
    bool came_to_end = follow_succeeded(status) || strcmp(word, "completed_with_failures") == 0;
    if (!came_to_end || json_int(result, "failures", 0) == 0)
        cmd_error("the run is %s%s%s", word, *reason ? ": " : "", reason);
    say_first_failure(j, result);
}

static int verdict(struct job *j, const json_t *status, const json_t *result)
{
    bool ok = follow_succeeded(status) && json_int(result, "failures", 0) == 0;
    if (j->json) {
        fputs(json_pretty(j->pool, result), stdout);
    } else {
        bool cancelled = strcmp(json_str(status, "status", ""), "cancelled") == 0;
        printf("result: %s%d/%d succeeded (%.0f s) \xE2\x80\x94 %s\n",
               cancelled ? "cancelled, " : "", (int)json_int(result, "successes", 0),
               (int)json_int(result, "step_count", 0), json_num(result, "elapsed_seconds", 0),
               path_of(j, "result.json"));
        printf("final URL: %s\n", json_str(result, "final_url", ""));
    }
    if (!ok)
        say_what_went_wrong(j, status, result);
    return j->interrupted ? EXIT_INTERRUPTED : ok ? 0 : EXIT_FAILED;
}

static int run(struct job *j)
{
    json_t *status = NULL, *result = NULL, *document = plan_document(j);
    int r = file_mkdirs(j->output_dir, 0755, &j->err);
    r = r ? r : remove_older(j);
    r = r ? r : write_json(j, "plan.json", document);
    if (!r && !j->client.base)
        r = start_own_server(j);
    r = r ? r : submit(j, document);
    if (!r && !j->json)
        printf("run %s\n", j->run_id);
    fflush(stdout);
    r = r ? r : follow(j, &status);
    r = r ? r : save_result(j, &result);
    if (!r)
        return verdict(j, status, result);
    if (j->signals)
        return EXIT_INTERRUPTED;
    cmd_error("%s", j->err.msg);
    return EXIT_FAILED;
}

static int load_and_run(struct job *j, const char *path)
{
    int r = loop_create(&j->loop, &j->err);
    r = r ? r : take_signals(j);
    r = r ? r : find_server(j); /* before a model is paid for the plan */
    j->words.loop = j->loop;
    j->words.max_cost = j->max_cost != NOT_GIVEN ? j->max_cost : DEFAULT_COST;
    r = r ? r : plan_file_load(j->pool, path, false, &j->words, &j->file, &j->err);
    if (r) {
        cmd_error("%s", j->err.msg);
        client_close(&j->client);
        return j->signals ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    int code = run(j);
    client_close(&j->client);
    own_server_stop(j->server);
    return code;
}

int plan_run(int argc, char **argv)
{
    struct job j = {
        .flags = CLIENT_FLAGS_DEFAULT, .max_cost = NOT_GIVEN, .max_time_minutes = NOT_GIVEN};
    const char *usage = "mantis plan run FILE|- [options]", *args[1];
    const struct option table[] = {
        {"--remote", NULL, OPTION_STRING, &j.flags.endpoint, "URL",
         "run on this Mantis server [MANTIS_ENDPOINT]; without one, on an own one"},
        {"--output-dir", NULL, OPTION_STRING, &j.output_dir, "DIR",
         "for the results [outputs/run-<unix seconds>]"},
        {"--max-cost", NULL, OPTION_NUMBER, &j.max_cost, "USD", "cost cap [10]"},
        {"--max-time-minutes", NULL, OPTION_INT, &j.max_time_minutes, "N", "time cap [30]"},
        {"--compute-backend", NULL, OPTION_STRING, &j.backend, "NAME",
         "computer_plane or browser_use_plane"},
        {"--detail-page-pattern", NULL, OPTION_STRING, &j.detail_page_pattern, "RE",
         "what a detail page's address looks like"},
        {"--json", NULL, OPTION_FLAG, &j.json, NULL, "print result.json"},
        PLAN_WORDS_OPTIONS(&j.words),
        CLIENT_OPTIONS(&j.flags),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, usage, argc, argv, args, 1, &n, &code))
        return code;
    if (n == 0) {
        cmd_error("which plan? give a file, or - for stdin");
        fprintf(stderr, "usage: %s\n", usage);
        return EXIT_USAGE;
    }
    j.pool = pool_create(NULL);
    j.started_ms = clock_mono_ms();
    if (!j.output_dir)
        j.output_dir = pool_printf(j.pool, "outputs/run-%lld", (long long)time(NULL));
    code = load_and_run(&j, args[0]);
    loop_destroy(j.loop);
    pool_destroy(j.pool);
    return code;
}
