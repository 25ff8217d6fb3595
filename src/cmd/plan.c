/*
 * mantis plan - looks at plans without a browser, and runs them (cli.md sections 3, 4 and 6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/plan_file.h"
#include "plan/intake.h"
#include "plan/validate.h"
#include "sys/input.h"

#define EXIT_FAILED   1
#define EXIT_WARNINGS 2
#define EXIT_USAGE    2
#define NO_CAP        1000000 /* the server applies its own */

/* By its name, as on the server; what comes on stdin has none. */
static bool is_prose(const char *path, const char *text)
{
    size_t len = strlen(path);
    if (strcmp(path, "-") != 0)
        return len < 5 || strcasecmp(path + len - 5, ".json") != 0;
    text += strspn(text, " \t\r\n");
    return *text != '[' && *text != '{';
}

static int take_prose(struct pool *pool, const struct intake_config *config, const char *text,
                      size_t len, struct plan_file *out, struct err *err)
{
    if (!str_is_utf8(text, len))
        return err_set(err, E_INVALID, "%s is neither JSON (a name ending in .json) nor text",
                       out->label);
    int r = intake_prose(pool, config, text, out->stem, &out->plan, err);
    return r ? err_prefix(err, "%s", out->label) : 0;
}

int plan_file_load(struct pool *pool, const char *path, bool for_looking, struct plan_file *out,
                   struct err *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *env_url = getenv("MANTIS_ENV_URL");
    struct intake_config config = {
        .repo_root = "", .env_url = env_url ? env_url : "", .default_micro = ""};
    char *text;
    size_t len;
    json_t *document;
    if (for_looking && !*config.env_url)
        config.env_url = "http://practice-site.invalid"; /* nothing is opened */
    if (!for_looking) {
        config.max_steps = config.max_loop_iterations = config.max_time_minutes = NO_CAP;
        config.max_cost = NO_CAP;
    }
    out->label = from_stdin ? "<stdin>" : path;
    out->stem = from_stdin ? "plan" : intake_label(pool, path);
    int r = input_read(pool, path, CAP_PLAN_FILE_BYTES, &text, &len, err);
    if (r)
        return r;
    if (is_prose(path, text))
        return take_prose(pool, &config, text, len, out, err);
    r = json_parse(text, len, out->label, &document, err);
    return r ? r
             : intake_document(pool, &config, json_keep(pool, document), out->stem, &out->plan,
                               err);
}

/* What intake noticed and no finding says. */
static void say_warnings(const struct plan *plan)
{
    size_t i;
    json_t *line;
    json_array_foreach ((json_t *)plan->warnings, i, line) {
        if (!strstr(json_string_value(line), "unknown_step_type"))
            cmd_warning("%s", json_string_value(line));
    }
}

/* The one argument and --json that both lookers take; false: *code is the exit code. */
static bool load(const char *usage, int argc, char **argv, struct pool *pool, bool *json,
                 struct plan_file *file, int *code)
{
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, json, NULL, "print JSON"},
        {0},
    };
    const char *args[1];
    int n;
    struct err err = {0};
    if (!options_read(table, usage, argc, argv, args, 1, &n, code))
        return false;
    if (n == 0) {
        cmd_error("which plan? give a file, or - for stdin");
        fprintf(stderr, "usage: %s\n", usage);
        *code = EXIT_USAGE;
        return false;
    }
    if (plan_file_load(pool, args[0], true, file, &err)) {
        cmd_error("%s", err.msg);
        *code = EXIT_FAILED;
        return false;
    }
    return true;
}

static int verdict(const struct finding *findings, int n)
{
    for (int i = 0; i < n; i++)
        if (findings[i].severity == SEVERITY_ERROR)
            return EXIT_FAILED;
    return n ? EXIT_WARNINGS : 0;
}

static int cmd_validate(int argc, char **argv)
{
    struct pool *pool = pool_create(NULL);
    struct plan_file file;
    bool json = false;
    int code = 0, n;
    if (load("mantis plan validate FILE|- [--json]", argc, argv, pool, &json, &file, &code)) {
        const struct finding *findings = plan_validate(pool, file.plan, &n);
        if (!json)
            say_warnings(file.plan);
        if (json)
            fputs(json_pretty(pool, json_keep(pool, plan_findings_json(file.label, file.plan,
                                                                       findings, n))),
                  stdout);
        else
            fputs(plan_findings_text(pool, file.label, file.plan, findings, n), stdout);
        code = verdict(findings, n);
    }
    pool_destroy(pool);
    return code;
}

static int cmd_dry_run(int argc, char **argv)
{
    struct pool *pool = pool_create(NULL);
    struct plan_file file;
    bool json = false;
    int code = 0;
    if (load("mantis plan dry-run FILE|- [--json]", argc, argv, pool, &json, &file, &code)) {
        if (json)
            fputs(json_pretty(pool, json_keep(pool, plan_dry_run_json(file.label, file.plan))),
                  stdout);
        else
            fputs(plan_dry_run_text(pool, file.label, file.plan), stdout);
    }
    pool_destroy(pool);
    return code;
}

static const struct command commands[] = {
    {"validate", cmd_validate, "say what is wrong with a plan"},
    {"dry-run", cmd_dry_run, "show the steps of a plan"},
    {"run", plan_run, "run a plan and keep its results"},
    {NULL, NULL, NULL},
};

int cmd_plan(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis plan", "Plans: lists of steps for a browser.", argc,
                        argv);
}
