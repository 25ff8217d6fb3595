/*
 * mantis eval run - the tasks of a file against a deployment, and a report of how they went
 * (promotion.md section 6, docs/promotion.md).
 */
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/eval.h"
#include "cmd/eval_journal.h"
#include "cmd/evaluation.h"
#include "gate/report_page.h"
#include "plan/intake.h"
#include "sys/file.h"

#define EXIT_USAGE 2

struct eval_run {
    struct evaluation e;
    struct evaluation_flags flags;
    const char *tasks_path, *output, *name, *runner;
    struct batch_arm arm;
    json_t *document; /* of the tasks */
    struct task_file tasks;
    const json_t *about;
    struct eval_journal journal;
};

/* --- what is asked ---------------------------------------------------------------------------- */

static bool usage_ok(const struct eval_run *c)
{
    const struct {
        const char *flag, *value;
    } needed[] = {
        {"--tasks FILE", c->tasks_path}, {"--output FILE", c->output}, {"--runner URL", c->runner}};
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        if (str_empty(needed[i].value)) {
            cmd_error("%s is missing", needed[i].flag);
            return false;
        }
    if (c->arm.lora_adapter && c->arm.challenger_model) {
        cmd_error(
            "give --lora-adapter or --challenger-model, not both: whose results would these be?");
        return false;
    }
    return true;
}

static int read_tasks(struct eval_run *c)
{
    struct err *err = &c->e.err;
    int r = gate_json_read(c->e.pool, c->tasks_path, &c->document, err);
    r = r ? r : task_file_parse(c->e.pool, c->document, c->tasks_path, &c->tasks, err);
    for (const char *const *w = r ? NULL : c->tasks.warnings; w && *w; w++)
        cmd_warning("%s", *w);
    return r;
}

/* Which evaluation a journal belongs to: what would make its results other ones. */
static json_t *identity_of(struct eval_run *c)
{
    char hex[ID_SHA256_HEX_BYTES];
    const char *text = json_canonical(c->e.pool, c->document);
    json_t *identity = json_copy((json_t *)c->about);
    id_sha256_hex(text, strlen(text), hex);
    json_put_str(identity, "evaluation", c->name);
    json_put_str(identity, "tasks_sha256", hex);
    return json_keep(c->e.pool, identity);
}

/* --- going on
 * ------------------------------------------------------------------------------------------------
 */

/* A run whose practice site went with the process that was killed cannot be graded any more. */
static void leave_lost_runs(struct eval_run *c)
{
    for (size_t i = 0; i < c->e.batch.n; i++) {
        struct batch_run *run = &c->e.batch.runs[i];
        struct err ignored = {0};
        json_t *reply;
        c->e.resumed += run->done;
        c->e.passed += run->done && run->result.passed;
        if (run->done || !*run->run_id || !*batch_site_name(run->task) || c->flags.sites.n > 0)
            continue;
        if (client_action(&c->arm.client, c->e.pool, "cancel", run->run_id, NULL, &reply, &ignored))
            cmd_warning("run %s of the evaluation that was interrupted: %s", run->run_id,
                        ignored.msg);
        run->run_id = "";
    }
    if (c->e.resumed)
        fprintf(stderr, "going on: %zu of %zu runs were done before\n", c->e.resumed, c->e.batch.n);
}

static void on_submitted(void *arg, const struct batch_run *run)
{
    struct eval_run *c = arg;
    struct err err = {0};
    if (eval_journal_submitted(&c->journal, c->e.pool, run, &err))
        cmd_warning("%s: after a kill run %s would be repeated", err.msg, run->run_id);
}

static void on_done(void *arg, const struct batch_run *run)
{
    struct eval_run *c = arg;
    struct err err = {0};
    if (eval_journal_done(&c->journal, c->e.pool, run, &err))
        cmd_warning("%s: after a kill task %s would be repeated", err.msg, run->task->id);
    evaluation_tell(&c->e, run);
}

/* --- the report
 * ------------------------------------------------------------------------------------------------
 */

static int write_report(struct eval_run *c, const struct report *report)
{
    struct pool *pool = c->e.pool;
    const struct report_page page = {.title = report->name, .arms = {report, NULL}};
    int r = report_write(pool, c->output, report, &c->e.err);
    r = r ? r
          : evaluation_write(&c->e, evaluation_beside(pool, c->output, ".md"),
                             report_page_markdown(pool, &page));
    return r ? r
             : evaluation_write(&c->e, evaluation_beside(pool, c->output, ".html"),
                                report_page_html(pool, &page));
}

static int finish(struct eval_run *c)
{
    struct report report = evaluation_report(&c->e, &c->arm, c->name, c->about);
    struct report_counts n = report_count(&report);
    if (write_report(c, &report)) {
        cmd_error("%s; the runs are in '%s'", c->e.err.msg, c->journal.path);
        return EXIT_NO_ANSWER;
    }
    eval_journal_close(&c->journal, true);
    printf("%s: passed %d/%d (%.1f%%), errors=%d\n", c->name, n.passed, n.tasks, n.pass_rate * 100,
           n.errors);
    return n.errors == n.tasks ? EXIT_NO_ANSWER : 0;
}

static int prepare(struct eval_run *c)
{
    struct batch_arm *arm = &c->arm;
    const char *model = "";
    int r = read_tasks(c);
    r = r ? r : evaluation_open(&c->e, &c->flags);
    r = r ? r : evaluation_arm(&c->e, &c->flags, c->runner, c->flags.client.token, arm, &model);
    if (r)
        return r;
    c->about = evaluation_about(&c->e, &c->flags, arm, model, c->document);
    evaluation_plan(&c->e, &c->flags, &c->tasks, &arm, 1);
    r = evaluation_target(&c->e, c->output);
    return r ? r
             : eval_journal_open(&c->journal, c->e.pool,
                                 pool_printf(c->e.pool, "%s.journal", c->output), identity_of(c),
                                 c->e.batch.runs, c->e.batch.n, &c->e.err);
}

/* What was told to end when we were is not followed by the next process. */
static void forget_cancelled(struct eval_run *c)
{
    for (size_t i = 0; i < c->e.batch.n; i++) {
        struct batch_run *run = &c->e.batch.runs[i];
        if (run->done || !*run->run_id)
            continue;
        run->run_id = "";
        on_submitted(c, run);
    }
}

static int carry_out(struct eval_run *c)
{
    int r = prepare(c);
    if (r) {
        cmd_error("%s", c->e.err.msg);
        return r == E_UNAVAILABLE || r == E_TIMEOUT || r == E_UPSTREAM ? EXIT_NO_ANSWER
                                                                       : EXIT_USAGE;
    }
    leave_lost_runs(c);
    c->e.batch.on_submitted = on_submitted;
    c->e.batch.on_done = on_done;
    c->e.batch.arg = c;
    if (evaluation_carry_out(&c->e)) {
        forget_cancelled(c);
        cmd_error("interrupted: the same command goes on from '%s'", c->journal.path);
        return EXIT_INTERRUPTED;
    }
    return finish(c);
}

int eval_run(int argc, char **argv)
{
    struct eval_run c = {.flags = EVALUATION_FLAGS_DEFAULT, .journal.fd = -1};
    const struct option table[] = {
        {"--tasks", NULL, OPTION_STRING, &c.tasks_path, "FILE",
         "tasks to run (`mantis holdout emit` writes such a file)"},
        {"--output", "-o", OPTION_STRING, &c.output, "FILE",
         "report; .md and .html are written beside it"},
        {"--runner", NULL, OPTION_STRING, &c.runner, "URL", "deployment that carries them out"},
        {"--name", NULL, OPTION_STRING, &c.name, "NAME", "of the report [stem of the task file]"},
        {"--lora-adapter", NULL, OPTION_STRING, &c.arm.lora_adapter, "REF",
         "asked for in each run"},
        {"--challenger-model", NULL, OPTION_STRING, &c.arm.challenger_model, "REF",
         "asked for in each run"},
        {"--cua-model", NULL, OPTION_STRING, &c.arm.cua_model, "NAME", "asked for in each run"},
        EVALUATION_OPTIONS(&c.flags),
        CLIENT_OPTIONS(&c.flags.client),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, "mantis eval run --tasks FILE --output FILE --runner URL [options]",
                      argc, argv, NULL, 0, &n, &code))
        return code;
    if (!usage_ok(&c))
        return EXIT_USAGE;
    c.e.pool = pool_create(NULL);
    c.name = c.name ? c.name : intake_label(c.e.pool, c.tasks_path);
    c.arm.name = "";
    c.arm.label = pool_printf(c.e.pool, "eval-%s", c.name);
    code = carry_out(&c);
    eval_journal_close(&c.journal, false);
    if (c.arm.client.httpc)
        client_close(&c.arm.client);
    evaluation_close(&c.e);
    return code;
}
