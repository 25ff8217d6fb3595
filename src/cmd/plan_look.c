/*
 * mantis plan validate, dry-run, walk and schema: looks that need no browser and no server (cli.md
 * sections 3 and 4), and of a plan in JSON no network.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/web.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/plan_file.h"
#include "cmd/table.h"
#include "plan/intake.h"
#include "plan/walk.h"
#include "sys/file.h"

#define EXIT_FAILED   1
#define EXIT_WARNINGS 2
#define EXIT_USAGE    2

struct look {
    struct pool *pool;
    struct plan_file file;
    const char *path; /* as given */
    bool json, fix;
    const char *output;
    struct option_list set;
    struct plan_words words;
};

struct report_style plan_file_style(void)
{
    return (struct report_style){.colour = table_colour(STDOUT_FILENO),
                                 .width = table_terminal_width(STDOUT_FILENO)};
}

int plan_file_verdict(const struct finding *findings, int n)
{
    for (int i = 0; i < n; i++)
        if (findings[i].severity == SEVERITY_ERROR)
            return EXIT_FAILED;
    return n ? EXIT_WARNINGS : 0;
}

const char *plan_file_text(struct pool *pool, const struct plan *plan)
{
    json_t *doc = json_keep(pool, plan_to_json(plan));
    json_object_del(doc, "signature");
    json_object_del(doc, "warnings");
    return json_pretty(pool, doc);
}

/* What intake noticed and no finding says. */
static void say_warnings(const struct plan *plan)
{
    size_t i;
    json_t *line;
    json_array_foreach ((json_t *)plan->warnings, i, line)
        if (!plan_finding_is_warned(json_string_value(line)))
            cmd_warning("%s", json_string_value(line));
}

/* The one argument that all take; false: *code is the exit code. */
static bool load(struct look *l, const struct option *table, const char *usage, int argc,
                 char **argv, int *code)
{
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
    l->path = args[0];
    if (plan_file_load(l->pool, l->path, true, &l->words, &l->file, &err)) {
        cmd_error("%s", err.msg);
        *code = EXIT_FAILED;
        return false;
    }
    return true;
}

static void print_json(struct pool *pool, json_t *value)
{
    fputs(json_pretty(pool, json_keep(pool, value)), stdout);
}

/* --- validate --------------------------------------------------------------------------------- */

/* Where the mended plan goes: -o, else the file itself; stdin to stdout. NULL: words have no JSON
 * file. */
static const char *fixed_path(const struct look *l)
{
    if (l->output)
        return l->output;
    return l->file.prose && strcmp(l->path, "-") != 0 ? NULL : l->path;
}

/* True when stdout is taken by the plan. */
static int write_fixed(struct look *l, bool *ret_on_stdout)
{
    const char *const *done, *path = fixed_path(l);
    struct err err = {0};
    plan_fix(l->pool, l->file.plan, &done);
    for (int i = 0; done[i]; i++)
        fprintf(stderr, "fixed: %s\n", done[i]);
    *ret_on_stdout = path && strcmp(path, "-") == 0;
    const char *text = plan_file_text(l->pool, l->file.plan);
    int r = 0;
    if (!path)
        r = err_set(&err, E_INVALID, "%s holds words: say with -o FILE.json where its plan goes",
                    l->path);
    else if (*ret_on_stdout)
        fputs(text, stdout);
    else if (*done || l->output)
        r = file_write_atomic(path, text, strlen(text), 0644, &err);
    if (r)
        cmd_error("%s", err.msg);
    return r;
}

int plan_validate_cmd(int argc, char **argv)
{
    struct look l = {.pool = pool_create(NULL)};
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, &l.json, NULL, "print JSON"},
        {"--fix", NULL, OPTION_FLAG, &l.fix, NULL,
         "carry out the auto-fixes and write the plan back"},
        {"--output", "-o", OPTION_STRING, &l.output, "FILE",
         "with --fix: write it there (- is stdout)"},
        PLAN_WORDS_OPTIONS(&l.words),
        {0},
    };
    int code = 0, n;
    bool on_stdout = false;
    if (load(&l, table, "mantis plan validate FILE|- [--json] [--fix [-o FILE]]", argc, argv,
             &code)) {
        if (l.fix && write_fixed(&l, &on_stdout)) {
            pool_destroy(l.pool);
            return EXIT_FAILED;
        }
        const struct finding *findings = plan_validate(l.pool, l.file.plan, &n);
        struct report_style style = on_stdout ? (struct report_style){0} : plan_file_style();
        const char *text =
            l.json ? json_pretty(l.pool,
                                 json_keep(l.pool, plan_findings_json(l.file.label, l.file.plan,
                                                                      findings, n)))
                   : plan_findings_text(l.pool, l.file.label, l.file.plan, findings, n, &style);
        if (!l.json)
            say_warnings(l.file.plan);
        fputs(text, on_stdout ? stderr : stdout);
        code = plan_file_verdict(findings, n);
    }
    pool_destroy(l.pool);
    return code;
}

/* --- dry-run ---------------------------------------------------------------------------------- */

int plan_dry_run_cmd(int argc, char **argv)
{
    struct look l = {.pool = pool_create(NULL)};
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, &l.json, NULL, "print JSON"},
        PLAN_WORDS_OPTIONS(&l.words),
        {0},
    };
    int code = 0;
    if (load(&l, table, "mantis plan dry-run FILE|- [--json]", argc, argv, &code)) {
        struct report_style style = plan_file_style();
        if (l.json)
            print_json(l.pool, plan_dry_run_json(l.file.label, l.file.plan));
        else
            fputs(plan_dry_run_text(l.pool, l.file.label, l.file.plan, &style), stdout);
    }
    pool_destroy(l.pool);
    return code;
}

/* --- walk ------------------------------------------------------------------------------------- */

/* "name=true" of --set; false: one of them is none, and that was said. */
static bool read_vars(const struct option_list *set, json_t *vars)
{
    for (int i = 0; i < set->n; i++) {
        const char *eq = strchr(set->items[i], '=');
        int on = eq ? str_switch(eq + 1) : -1;
        if (on < 0 || eq == set->items[i]) {
            cmd_error("--set needs NAME=true or NAME=false, not '%s'", set->items[i]);
            return false;
        }
        json_object_setn_new(vars, set->items[i], (size_t)(eq - set->items[i]), json_boolean(on));
    }
    return true;
}

int plan_walk_cmd(int argc, char **argv)
{
    struct look l = {.pool = pool_create(NULL)};
    struct walk walk;
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, &l.json, NULL, "print JSON"},
        {"--set", NULL, OPTION_LIST, &l.set, "NAME=BOOL",
         "what detect_visible finds; no otherwise (repeatable)"},
        PLAN_WORDS_OPTIONS(&l.words),
        {0},
    };
    json_t *vars = json_keep(l.pool, json_object());
    int code = 0;
    if (load(&l, table, "mantis plan walk FILE|- [--set NAME=BOOL]... [--json]", argc, argv,
             &code)) {
        if (!read_vars(&l.set, vars)) {
            pool_destroy(l.pool);
            return EXIT_USAGE;
        }
        plan_walk(l.pool, l.file.plan, vars, &walk);
        if (l.json)
            print_json(l.pool, plan_walk_json(l.file.label, l.file.plan, &walk));
        else
            fputs(plan_walk_text(l.pool, l.file.label, l.file.plan, &walk), stdout);
        code = strcmp(walk.status, "completed") != 0 ? EXIT_FAILED : walk.never ? EXIT_WARNINGS : 0;
    }
    pool_destroy(l.pool);
    return code;
}

/* --- schema ----------------------------------------------------------------------------------- */

int plan_schema_cmd(int argc, char **argv)
{
    static const struct option table[] = {{0}};
    const char *none[1];
    int n, code = 0;
    if (!options_read(table, "mantis plan schema", argc, argv, none, 0, &n, &code))
        return code;
    const struct web_file *file = web_find("plan.schema.json");
    if (!file)
        return EXIT_FAILED;
    fwrite(file->data, 1, file->len, stdout);
    return 0;
}
