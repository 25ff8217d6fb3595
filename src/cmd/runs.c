/*
 * mantis runs - submit plans to a server and follow what becomes of them (cli.md section 9).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "cmd/follow.h"
#include "cmd/rows.h"
#include "cmd/runs.h"
#include "cmd/table.h"
#include "core/csv.h"
#include "sys/file.h"

#define STATUS_TAIL 50 /* log lines in which the last finished step is looked for */

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
    if (strcmp(status, "paused") == 0) {
        print_field(s, "asks", json_str(doc, "prompt", ""));
        print_field(s, "go on", pool_printf(s->pool, "mantis runs resume %s", s->run_id));
    }
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
        return session_fail(s);
    if (s->json)
        session_print_json(s, reply);
    else
        print_status(s, reply);
    return 0;
}

static int cmd_status(int argc, char **argv)
{
    return session_with_run("mantis runs status RUN_ID [options]", NULL, 0, NULL, argc, argv,
                            status, NULL);
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
        return session_fail(s);
    if (s->json) {
        session_print_json(s, reply);
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
    return session_with_run("mantis runs logs RUN_ID [options]", extra, 0, NULL, argc, argv, logs,
                            &c);
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
    fputs(follow_failed_steps(s->pool, result), stdout);
}

static int result(struct session *s, void *arg)
{
    const struct result *c = arg;
    json_t *reply;
    if (client_action(&s->client, s->pool, "result", s->run_id, NULL, &reply, &s->err))
        return session_fail(s);
    json_t *rows = rows_of_result(s->pool, json_object_get(reply, "result"));
    if (c->csv_out) {
        const char *csv = csv_table(s->pool, table_columns(s->pool, NULL, rows), rows);
        if (!csv) {
            cmd_error("the rows are more than %u bytes of CSV", CAP_CSV_BYTES);
            return EXIT_FAILED;
        }
        if (file_write_atomic(c->csv_out, csv, strlen(csv), 0644, &s->err))
            return session_fail(s);
    }
    if (s->json)
        session_print_json(s, reply);
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
    return session_with_run("mantis runs result RUN_ID [options]", extra, 0, NULL, argc, argv,
                            result, &c);
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
        return session_fail(s);
    if (!c->output || strcmp(c->output, "-") == 0) {
        if (fwrite(data, 1, len, stdout) != len || fflush(stdout)) {
            cmd_error("cannot write to stdout: %s", strerror(errno));
            return EXIT_FAILED;
        }
        return 0;
    }
    return file_write_atomic(c->output, data, len, 0644, &s->err) ? session_fail(s) : 0;
}

static int cmd_artifact(int argc, char **argv)
{
    struct artifact c = {0};
    const struct option extra[] = {
        {"--output", "-o", OPTION_STRING, &c.output, "FILE", "where to write it [stdout]"},
        {0},
    };
    return session_with_run("mantis runs artifact RUN_ID NAME [options]", extra, 1, c.name, argc,
                            argv, artifact, &c);
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
        .panel = terminal && !s->json && !c->raw,
        .say_status = !c->steps_only && !terminal && !s->json,
    };
    if (!follow_interval_ok(c->interval)) {
        cmd_error("--interval needs 0.1 to 86400 seconds, not %g", c->interval);
        return EXIT_USAGE;
    }
    session_end_on_signals();
    if (follow_run(&f, s->pool, &status, &s->err))
        return session_fail(s);
    if (s->json)
        session_print_json(s, status);
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
        {"--tail", NULL, OPTION_INT, &c.tail, "N", "log lines of what happened before [200]"},
        {"--interval", NULL, OPTION_NUMBER, &c.interval, "S",
         "look at the log every S seconds instead of following the event stream"},
        {"--until-terminal", NULL, OPTION_FLAG, &c.steps_only, NULL, "print finished steps only"},
        {"--raw", NULL, OPTION_FLAG, &c.raw, NULL, "log lines as they are"},
        {"--stop-on-pause", NULL, OPTION_FLAG, &c.stop_on_pause, NULL,
         "do not wait while the run is paused"},
        {0},
    };
    return session_with_run("mantis runs watch RUN_ID [options]", extra, 0, NULL, argc, argv, watch,
                            &c);
}

static const struct command commands[] = {
    {"submit", runs_submit, "send a plan to a server"},
    {"list", runs_list, "print the runs there are, newest first"},
    {"watch", cmd_watch, "follow a run until it ends, and answer what it asks"},
    {"events", runs_events, "print the events of a run as they come"},
    {"status", cmd_status, "print where a run is"},
    {"result", cmd_result, "print the rows of a run"},
    {"logs", cmd_logs, "print the last log lines of a run"},
    {"artifact", cmd_artifact, "download a file of a run"},
    {"pause", runs_pause, "hold a run before its next step"},
    {"resume", runs_resume, "let a paused run go on, with the answer it asks for"},
    {"cancel", runs_cancel, "end a run"},
    {"queue", runs_queue, "count the runs that are not over"},
    {"stats", runs_stats, "print how long past runs of a workflow took, from local files"},
    {NULL, NULL, NULL},
};

int cmd_runs(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis runs",
                        "Runs on a Mantis server: MANTIS_ENDPOINT and MANTIS_API_TOKEN say which.",
                        argc, argv);
}
