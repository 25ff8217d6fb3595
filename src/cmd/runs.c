/*
 * mantis runs - submit plans to a server and follow what becomes of them (cli.md section 9.2).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/follow.h"
#include "cmd/options.h"
#include "cmd/rows.h"
#include "cmd/table.h"
#include "core/csv.h"
#include "sys/file.h"
#include "sys/input.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

#define NOT_GIVEN        INT_MIN
#define PATIENCE_MINUTES 180 /* with a run whose time cap is the plan's or the server's own */
#define STATUS_TAIL      50  /* log lines in which the last finished step is looked for */

#define ENDPOINT_OPTION(f)                                                                         \
    {                                                                                              \
        "--endpoint", NULL, OPTION_STRING, &(f)->endpoint, "URL", "server [MANTIS_ENDPOINT]"       \
    }

/* One command under way. */
struct session {
    struct pool *pool;
    struct loop *loop;
    struct client client;
    struct client_flags flags;
    struct err err;
    const char *run_id;
    bool json;
};

static int fail(const struct session *s)
{
    cmd_error("%s", s->err.msg);
    return EXIT_FAILED;
}

static int open_session(struct session *s)
{
    int r = loop_create(&s->loop, &s->err);
    return r ? r : client_open(s->pool, s->loop, &s->flags, &s->client, &s->err);
}

static void close_session(struct session *s)
{
    client_close(&s->client);
    loop_destroy(s->loop);
    pool_destroy(s->pool);
}

static void print_json(struct session *s, const json_t *value)
{
    fputs(json_pretty(s->pool, value), stdout);
}

/* "RUN_ID status", and why when it ended badly. */
static void print_word(struct session *s, const char *run_id, const json_t *doc)
{
    const char *reason = follow_succeeded(doc) ? "" : follow_reason(s->pool, doc);
    printf("%s %s%s%s\n", table_clean(s->pool, run_id, 0),
           table_clean(s->pool, json_str(doc, "status", "?"), 0), *reason ? ": " : "", reason);
}

/* RUN_ID may stand as an argument or behind --run-id. */
static bool have_run_id(struct session *s, const char *const *args, int n, const char *usage,
                        int *code)
{
    if (!s->run_id && n > 0)
        s->run_id = args[0];
    if (s->run_id && *s->run_id)
        return true;
    cmd_error("which run? give its RUN_ID");
    fprintf(stderr, "usage: %s\n", usage);
    *code = EXIT_USAGE;
    return false;
}

/* --- submit ---------------------------------------------------------------------------------- */

struct submit {
    struct session s;
    const char *micro, *suite, *plan_text, *body;
    const char *state_key, *profile_id, *workflow_id, *proxy_city, *proxy_state;
    double max_cost;
    int max_time_minutes;
    bool attach, resume_state;
};

static int put_plan(struct submit *c, json_t *body)
{
    char *text;
    size_t len;
    json_t *suite;
    if (c->plan_text) {
        json_put_str(body, "plan_text", c->plan_text);
        return 0;
    }
    if (!c->suite) {
        json_put_str(body, "micro", c->micro);
        return 0;
    }
    int r = input_read(c->s.pool, c->suite, CAP_HTTP_BODY_BYTES, &text, &len, &c->s.err);
    r = r ? r : json_parse(text, len, c->suite, &suite, &c->s.err);
    if (!r)
        json_put(body, "task_suite", suite);
    return r;
}

/* --body is sent as it is; otherwise the flags make the request. */
static int make_body(struct submit *c, char **out)
{
    size_t len;
    if (c->body)
        return input_read(c->s.pool, c->body, CAP_HTTP_BODY_BYTES, out, &len, &c->s.err);
    json_t *body = json_keep(c->s.pool, json_object());
    const char *const texts[][2] = {{"state_key", c->state_key},     {"profile_id", c->profile_id},
                                    {"workflow_id", c->workflow_id}, {"proxy_city", c->proxy_city},
                                    {"proxy_state", c->proxy_state}, {"run_id", c->s.run_id}};
    int r = put_plan(c, body);
    json_put_bool(body, "detached", !c->attach);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i][1])
            json_put_str(body, texts[i][0], texts[i][1]);
    if (c->resume_state)
        json_put_bool(body, "resume_state", true);
    if (c->max_cost != NOT_GIVEN)
        json_put_num(body, "max_cost", c->max_cost);
    if (c->max_time_minutes != NOT_GIVEN)
        json_put_int(body, "max_time_minutes", c->max_time_minutes);
    *out = json_text(c->s.pool, body);
    return r;
}

/* Milliseconds that a run of so many minutes may take, a minute more, and not less than least. */
static int patience_ms(int minutes, int least)
{
    int64_t ms = ((int64_t)minutes + 1) * 60000;
    return ms < least ? least : ms > INT_MAX ? INT_MAX : (int)ms;
}

static int submit(struct submit *c)
{
    char *body;
    json_t *reply;
    int r = make_body(c, &body);
    r = r ? r : open_session(&c->s);
    if (!r && c->attach) /* the answer comes with the end of the run */
        c->s.client.timeout_ms =
            patience_ms(c->max_time_minutes == NOT_GIVEN ? PATIENCE_MINUTES : c->max_time_minutes,
                        c->s.client.timeout_ms);
    r = r ? r : client_post_text(&c->s.client, c->s.pool, body, &reply, &c->s.err);
    if (r)
        return fail(&c->s);
    if (c->s.json)
        print_json(&c->s, reply);
    else
        print_word(&c->s, json_str(reply, "run_id", "?"), reply);
    const char *end = json_str(reply, "terminal_status", "");
    return *end && strcmp(end, "completed") != 0 ? EXIT_FAILED : 0;
}

static int cmd_submit(int argc, char **argv)
{
    struct submit c = {.micro = "plans/example/extract_listings.json",
                       .max_cost = NOT_GIVEN,
                       .max_time_minutes = NOT_GIVEN,
                       .s.flags = CLIENT_FLAGS_DEFAULT};
    const struct option table[] = {
        {"--micro", NULL, OPTION_STRING, &c.micro, "PATH",
         "plan file on the server [plans/example/extract_listings.json]"},
        {"--suite", NULL, OPTION_STRING, &c.suite, "FILE", "plan file here, - for stdin"},
        {"--plan-text", NULL, OPTION_STRING, &c.plan_text, "TEXT", "plan in prose"},
        {"--body", NULL, OPTION_STRING, &c.body, "FILE", "request body sent as it is, - for stdin"},
        {"--attach", NULL, OPTION_FLAG, &c.attach, NULL, "wait for the result"},
        {"--run-id", NULL, OPTION_STRING, &c.s.run_id, "ID", "id of the new run"},
        {"--profile-id", NULL, OPTION_STRING, &c.profile_id, "ID", "browser profile"},
        {"--workflow-id", NULL, OPTION_STRING, &c.workflow_id, "ID", "whose checkpoint to use"},
        {"--state-key", NULL, OPTION_STRING, &c.state_key, "ID", "both, older name"},
        {"--resume-state", NULL, OPTION_FLAG, &c.resume_state, NULL,
         "go on from the last checkpoint"},
        {"--max-cost", NULL, OPTION_NUMBER, &c.max_cost, "USD",
         "cost cap [the plan's, else the server's]"},
        {"--max-time-minutes", NULL, OPTION_INT, &c.max_time_minutes, "N",
         "time cap [the plan's, else the server's]"},
        {"--json", NULL, OPTION_FLAG, &c.s.json, NULL, "print the server's answer as JSON"},
        {"--proxy-city", NULL, OPTION_STRING, &c.proxy_city, "NAME", "egress"},
        {"--proxy-state", NULL, OPTION_STRING, &c.proxy_state, "NAME", "egress"},
        ENDPOINT_OPTION(&c.s.flags),
        CLIENT_OPTIONS(&c.s.flags),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, "mantis runs submit [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    if ((c.suite != NULL) + (c.plan_text != NULL) + (c.body != NULL) > 1) {
        cmd_error("give only one of --suite, --plan-text and --body");
        return EXIT_USAGE;
    }
    c.s.pool = pool_create(NULL);
    code = submit(&c);
    close_session(&c.s);
    return code;
}

/* --- one run: the shared beginning of every other command ------------------------------------ */

typedef int run_fn(struct session *s, void *arg);

/* Options of the command, then RUN_ID, then those of every client. extra ends with a NULL name. */
static int with_run(const char *usage, const struct option *extra, int extra_args,
                    const char **ret_args, int argc, char **argv, run_fn *fn, void *arg)
{
    struct session s = {.flags = CLIENT_FLAGS_DEFAULT};
    const struct option common[] = {
        {"--run-id", NULL, OPTION_STRING, &s.run_id, "ID",
         "the run; may also stand as an argument"},
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON"},
        ENDPOINT_OPTION(&s.flags),
        CLIENT_OPTIONS(&s.flags),
        {0},
    };
    struct option table[ARRAY_SIZE(common) + 8] = {0};
    const char *args[4];
    int n = 0, n_args, code = 0;
    for (; extra && extra->name; extra++)
        table[n++] = *extra;
    memcpy(table + n, common, sizeof(common));
    if (!options_read(table, usage, argc, argv, args, 1 + extra_args, &n_args, &code))
        return code;
    int first = s.run_id ? 0 : 1; /* further arguments follow RUN_ID */
    if (!have_run_id(&s, args, n_args, usage, &code))
        return code;
    for (int i = 0; i < extra_args; i++)
        ret_args[i] = first + i < n_args ? args[first + i] : NULL;
    s.pool = pool_create(NULL);
    code = open_session(&s) ? fail(&s) : fn(&s, arg);
    close_session(&s);
    return code;
}

/* The last line of a run's log that tells of a finished step; NULL when there is none. */
static const json_t *last_step(struct session *s)
{
    json_t *reply, *event, *extra = json_keep(s->pool, json_object());
    struct err ignored = {0};
    json_put_int(extra, "tail", STATUS_TAIL);
    if (client_action(&s->client, s->pool, "logs", s->run_id, extra, &reply, &ignored))
        return NULL;
    const json_t *lines = json_object_get(reply, "events");
    for (size_t i = json_array_size(lines); i > 0; i--) {
        const char *line = json_string_value(json_array_get(lines, i - 1));
        if (!line || json_parse(line, strlen(line), "log line", &event, NULL))
            continue;
        json_keep(s->pool, event);
        if (strcmp(json_str(event, "kind", ""), "step_end") == 0)
            return json_object_get(event, "detail");
    }
    return NULL;
}

static void print_field(struct session *s, const char *name, const char *text)
{
    if (*text)
        printf("%-9s %s\n", name, table_clean(s->pool, text, 0));
}

static void print_status(struct session *s, const json_t *doc)
{
    const json_t *summary = json_object_get(doc, "summary"), *step = last_step(s);
    const char *reason = follow_succeeded(doc) ? "" : follow_reason(s->pool, doc);
    const char *status = json_str(doc, "status", "?");
    print_field(s, "run", json_str(doc, "run_id", s->run_id));
    print_field(s, "status", *reason ? pool_printf(s->pool, "%s: %s", status, reason) : status);
    int n_steps = (int)json_int(step, "n_steps", 0);
    if (step) {
        print_field(s, "step",
                    pool_printf(s->pool, "%d%s %s: %.160s",
                                (int)json_int(step, "step_index", 0) + 1,
                                n_steps > 0 ? pool_printf(s->pool, "/%d", n_steps) : "",
                                json_str(step, "type", ""), json_str(step, "intent", "")));
        print_field(s, "rows", pool_printf(s->pool, "%d", (int)json_int(step, "total_rows", 0)));
    }
    if (json_object_get(summary, "cost_total"))
        print_field(s, "cost",
                    pool_printf(s->pool, "%.4f USD", json_num(summary, "cost_total", 0)));
    if (json_object_get(summary, "total_time_s"))
        print_field(s, "took",
                    pool_printf(s->pool, "%.1f s", json_num(summary, "total_time_s", 0)));
    print_field(s, "created", json_str(doc, "created_at", ""));
    print_field(s, "started", json_str(doc, "started_at", ""));
    print_field(s, "updated", json_str(doc, "updated_at", ""));
    print_field(s, "finished", json_str(doc, "finished_at", ""));
}

static int status(struct session *s, void *arg)
{
    json_t *reply;
    if (client_action(&s->client, s->pool, "status", s->run_id, NULL, &reply, &s->err))
        return fail(s);
    if (s->json)
        print_json(s, reply);
    else
        print_status(s, reply);
    return 0;
}

static int cmd_status(int argc, char **argv)
{
    return with_run("mantis runs status RUN_ID [options]", NULL, 0, NULL, argc, argv, status, NULL);
}

struct cancel {
    const char *reason;
};

static int cancel(struct session *s, void *arg)
{
    const struct cancel *c = arg;
    json_t *reply, *extra = json_keep(s->pool, json_object());
    if (c->reason)
        json_put_str(extra, "reason", c->reason);
    if (client_action(&s->client, s->pool, "cancel", s->run_id, extra, &reply, &s->err))
        return fail(s);
    if (s->json)
        print_json(s, reply);
    else
        print_word(s, s->run_id, reply);
    return 0;
}

static int cmd_cancel(int argc, char **argv)
{
    struct cancel c = {0};
    const struct option extra[] = {
        {"--reason", NULL, OPTION_STRING, &c.reason, "TEXT", "kept with the run"},
        {0},
    };
    return with_run("mantis runs cancel RUN_ID [options]", extra, 0, NULL, argc, argv, cancel, &c);
}

struct logs {
    int tail;
    bool raw;
};

static int logs(struct session *s, void *arg)
{
    const struct logs *c = arg;
    json_t *reply, *line, *extra = json_keep(s->pool, json_object());
    size_t i;
    int width = table_terminal_width(STDOUT_FILENO);
    json_put_int(extra, "tail", c->tail);
    if (client_action(&s->client, s->pool, "logs", s->run_id, extra, &reply, &s->err))
        return fail(s);
    if (s->json) {
        print_json(s, reply);
        return 0;
    }
    json_array_foreach (json_object_get(reply, "events"), i, line) {
        const char *text =
            json_is_string(line) ? json_string_value(line) : json_text(s->pool, line);
        puts(c->raw ? text : follow_log_line(s->pool, text, width));
    }
    return 0;
}

static int cmd_logs(int argc, char **argv)
{
    struct logs c = {.tail = 200};
    const struct option extra[] = {
        {"--tail", NULL, OPTION_INT, &c.tail, "N", "last lines only [200]"},
        {"--raw", NULL, OPTION_FLAG, &c.raw, NULL, "lines as the server keeps them"},
        {0},
    };
    return with_run("mantis runs logs RUN_ID [options]", extra, 0, NULL, argc, argv, logs, &c);
}

/* --- result ---------------------------------------------------------------------------------- */

struct result {
    const char *csv_out;
};

static void print_result(struct session *s, const json_t *reply, const json_t *rows)
{
    const json_t *result = json_object_get(reply, "result");
    if (json_array_size(rows))
        fputs(table_text(s->pool, NULL, rows, table_terminal_width(STDOUT_FILENO)), stdout);
    const char *reason = follow_succeeded(reply) ? "" : follow_reason(s->pool, reply);
    printf("%s%s: %s, %d row(s), %d step(s), %.1f s%s%s\n", json_array_size(rows) ? "\n" : "",
           s->run_id, table_clean(s->pool, json_str(reply, "status", "?"), 0),
           (int)json_array_size(rows), (int)json_int(result, "steps_executed", 0),
           json_num(result, "total_time_s", 0), *reason ? ": " : "", reason);
}

static int result(struct session *s, void *arg)
{
    const struct result *c = arg;
    json_t *reply;
    if (client_action(&s->client, s->pool, "result", s->run_id, NULL, &reply, &s->err))
        return fail(s);
    json_t *rows = rows_of_result(s->pool, json_object_get(reply, "result"));
    if (c->csv_out) {
        const char *csv = csv_table(s->pool, table_columns(s->pool, NULL, rows), rows);
        if (!csv) {
            cmd_error("the rows are more than %u bytes of CSV", CAP_CSV_BYTES);
            return EXIT_FAILED;
        }
        if (file_write_atomic(c->csv_out, csv, strlen(csv), 0644, &s->err))
            return fail(s);
    }
    if (s->json)
        print_json(s, reply);
    else if (!json_is_object(json_object_get(reply, "result")))
        printf("%s: %s, no result yet\n", s->run_id,
               table_clean(s->pool, json_str(reply, "status", "?"), 0));
    else
        print_result(s, reply, rows);
    return 0;
}

static int cmd_result(int argc, char **argv)
{
    struct result c = {0};
    const struct option extra[] = {
        {"--csv-out", NULL, OPTION_STRING, &c.csv_out, "FILE", "write the rows as CSV"},
        {0},
    };
    return with_run("mantis runs result RUN_ID [options]", extra, 0, NULL, argc, argv, result, &c);
}

/* --- artifact -------------------------------------------------------------------------------- */

struct artifact {
    const char *name[1], *output;
};

static int artifact(struct session *s, void *arg)
{
    const struct artifact *c = arg;
    char *data;
    size_t len;
    if (!c->name[0]) {
        cmd_error("which artifact? give its name, for example leads.csv");
        return EXIT_USAGE;
    }
    if (client_artifact(&s->client, s->pool, s->run_id, c->name[0], &data, &len, &s->err))
        return fail(s);
    if (!c->output || strcmp(c->output, "-") == 0) {
        if (fwrite(data, 1, len, stdout) != len || fflush(stdout)) {
            cmd_error("cannot write to stdout: %s", strerror(errno));
            return EXIT_FAILED;
        }
        return 0;
    }
    return file_write_atomic(c->output, data, len, 0644, &s->err) ? fail(s) : 0;
}

static int cmd_artifact(int argc, char **argv)
{
    struct artifact c = {0};
    const struct option extra[] = {
        {"--output", "-o", OPTION_STRING, &c.output, "FILE", "where to write it [stdout]"},
        {0},
    };
    return with_run("mantis runs artifact RUN_ID NAME [options]", extra, 1, c.name, argc, argv,
                    artifact, &c);
}

/* --- watch ----------------------------------------------------------------------------------- */

struct watch {
    int tail;
    double interval;
    bool raw, steps_only, stop_on_pause;
};

static int watch(struct session *s, void *arg)
{
    const struct watch *c = arg;
    json_t *status = NULL;
    bool terminal = table_terminal_width(STDOUT_FILENO) > 0;
    struct follow f = {
        .client = &s->client,
        .run_id = s->run_id,
        .lines = s->json                     ? FOLLOW_QUIET
                 : c->raw                    ? FOLLOW_RAW
                 : c->steps_only || terminal ? FOLLOW_STEPS
                                             : FOLLOW_ALL,
        .out = stdout,
        .tail = c->tail,
        .interval_s = c->interval,
        .stop_on_pause = c->stop_on_pause,
        .say_status = !c->steps_only && !terminal && !s->json,
    };
    if (follow_run(&f, s->pool, &status, &s->err))
        return fail(s);
    if (s->json)
        print_json(s, status);
    if (follow_succeeded(status))
        return 0;
    const char *reason = follow_reason(s->pool, status);
    cmd_error("run %s is %s%s%s", s->run_id,
              table_clean(s->pool, json_str(status, "status", "?"), 0), *reason ? ": " : "",
              reason);
    return EXIT_FAILED;
}

static int cmd_watch(int argc, char **argv)
{
    struct watch c = {.tail = 200};
    const struct option extra[] = {
        {"--tail", NULL, OPTION_INT, &c.tail, "N", "log lines asked for at once [200]"},
        {"--interval", NULL, OPTION_NUMBER, &c.interval, "S",
         "between looks [what the server advises]"},
        {"--until-terminal", NULL, OPTION_FLAG, &c.steps_only, NULL, "print finished steps only"},
        {"--raw", NULL, OPTION_FLAG, &c.raw, NULL, "log lines as they are"},
        {"--stop-on-pause", NULL, OPTION_FLAG, &c.stop_on_pause, NULL,
         "do not wait while the run is paused"},
        {0},
    };
    return with_run("mantis runs watch RUN_ID [options]", extra, 0, NULL, argc, argv, watch, &c);
}

static const struct command commands[] = {
    {"submit", cmd_submit, "send a plan to a server"},
    {"watch", cmd_watch, "follow a run until it ends"},
    {"status", cmd_status, "print where a run is"},
    {"result", cmd_result, "print the rows of a run"},
    {"logs", cmd_logs, "print the last log lines of a run"},
    {"artifact", cmd_artifact, "download a file of a run"},
    {"cancel", cmd_cancel, "end a run"},
    {NULL, NULL, NULL},
};

int cmd_runs(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis runs",
                        "Runs on a Mantis server: MANTIS_ENDPOINT and MANTIS_API_TOKEN say which.",
                        argc, argv);
}
