/*
 * mantis gate run - may the challenger replace the champion? Both carry out the same tasks, or
 * bring reports of having done so; src/gate/decide.h decides (promotion.md section 8,
 * docs/promotion.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/evaluation.h"
#include "cmd/gate.h"
#include "cmd/holdout_dir.h"
#include "gate/holdout.h"
#include "gate/report_page.h"
#include "sys/file.h"

#define EXIT_USAGE   2
#define MAX_STEPS    25
#define MAX_COST_USD 2.0
#define MAX_MINUTES  12
#define QUICK_SET    "v2" /* of the manifest's sets */

/* One side: a deployment, or a report of what it did before. */
struct side {
    struct batch_arm arm;
    const char *endpoint, *token, *report_path;
    const char *model;
    struct report report;
};

struct gate_run {
    struct evaluation e;
    struct evaluation_flags flags;
    struct side champion, challenger;
    const char *lora_adapter, *challenger_model, *cua_model;
    const char *tasks_path, *holdout_path, *split, *emit_path, *output, *report_dir;
    struct option_list keys;
    bool quick;
    struct gate_rule rule;
    json_t *document; /* of the tasks */
    struct task_file tasks;
};

static const char *first_of(const char *flag, const char *variable)
{
    const char *value = str_empty(flag) ? getenv(variable) : flag;
    return str_empty(value) ? NULL : value;
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* A threshold that every challenger meets, or none, is a mistake, not a wish. */
static int check_rule(const struct gate_rule *rule, struct err *err)
{
    const struct {
        const char *flag;
        int value;
    } counts[] = {{"--max-regressions", rule->max_regressions},
                  {"--min-pairs", rule->min_pairs},
                  {"--max-infra-failures", rule->max_infra_failures}};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        if (counts[i].value < 0)
            return err_set(err, E_INVALID, "%s takes a whole number from 0", counts[i].flag);
    if (!(rule->alpha > 0 && rule->alpha <= 1))
        return err_set(err, E_INVALID, "--alpha takes a probability above 0, at most 1");
    return 0;
}

/* Before hours of runs, not after them. */
static int check_targets(struct gate_run *g)
{
    int r = g->output ? evaluation_target(&g->e, g->output) : 0;
    return r || !g->report_dir ? r : file_mkdirs(g->report_dir, 0755, &g->e.err);
}

/* Who is compared. Without a challenger the champion runs against itself. */
static bool choose_sides(struct gate_run *g)
{
    struct side *champion = &g->champion, *challenger = &g->challenger;
    bool flagged = g->lora_adapter || g->challenger_model;
    champion->endpoint = first_of(champion->endpoint, "MANTIS_CHAMPION_ENDPOINT");
    challenger->endpoint = first_of(challenger->endpoint, "MANTIS_EVAL_ENDPOINT");
    champion->token = first_of(champion->token, "MANTIS_CHAMPION_TOKEN");
    challenger->token = first_of(challenger->token, "MANTIS_EVAL_TOKEN");
    if (g->lora_adapter && g->challenger_model) {
        cmd_error(
            "give --lora-adapter or --challenger-model, not both: whose results would these be?");
        return false;
    }
    if (!champion->report_path && !champion->endpoint) {
        cmd_error("no champion: give --champion-endpoint URL, set MANTIS_CHAMPION_ENDPOINT, or "
                  "give --champion-report FILE");
        return false;
    }
    if (!challenger->report_path && !challenger->endpoint && !champion->endpoint) {
        cmd_error("no challenger: give --eval-endpoint URL, set MANTIS_EVAL_ENDPOINT, or give "
                  "--challenger-report FILE");
        return false;
    }
    g->rule.sanity = !challenger->report_path && !challenger->endpoint && !flagged;
    if (g->rule.sanity)
        cmd_warning("a sanity run: no challenger is named (--eval-endpoint, MANTIS_EVAL_ENDPOINT), "
                    "so the champion runs "
                    "against itself; expect a difference near 0 and hold");
    if (!challenger->endpoint) {
        challenger->endpoint = champion->endpoint;
        challenger->token = challenger->token ? challenger->token : champion->token;
    }
    challenger->arm.lora_adapter = g->lora_adapter;
    challenger->arm.challenger_model = g->challenger_model;
    champion->arm.cua_model = challenger->arm.cua_model = g->cua_model;
    return true;
}

/* Of no keys holdout_tasks() would make all of a split. */
static int set_of(struct gate_run *g, const struct holdout *holdout, const char *const **ret_keys)
{
    const json_t *set = json_object_get(json_object_get(holdout->manifest, "sets"), QUICK_SET);
    if (json_array_size(set) == 0)
        return err_set(&g->e.err, E_INVALID, "%s has no set '" QUICK_SET "'", holdout->name);
    const char **keys = pool_alloc(g->e.pool, sizeof(*keys) * (json_array_size(set) + 1));
    for (size_t i = 0; i < json_array_size(set); i++)
        keys[i] = json_string_value(json_array_get(set, i));
    *ret_keys = keys;
    return 0;
}

static int read_holdout(struct gate_run *g)
{
    struct holdout holdout;
    struct err *err = &g->e.err;
    int r = holdout_dir(g->e.pool, g->holdout_path, &g->holdout_path, err);
    const char *const *keys = holdout_keys(g->e.pool, &g->keys);
    r = r ? r : holdout_read(g->e.pool, g->holdout_path, &holdout, err);
    if (!r && g->quick)
        r = set_of(g, &holdout, &keys);
    return r ? r : holdout_tasks(g->e.pool, &holdout, g->split, keys, &g->document, err);
}

/* The holdout's own digest stands beside its tasks; a file of somebody's is taken as it is. */
static int read_tasks(struct gate_run *g)
{
    struct err *err = &g->e.err;
    if (!!g->tasks_path + (g->keys.n > 0) + g->quick > 1)
        return err_set(err, E_INVALID, "give --tasks FILE, --task KEY or --v2, one of them");
    int r = g->tasks_path ? gate_json_read(g->e.pool, g->tasks_path, &g->document, err)
                          : read_holdout(g);
    return r ? r
             : task_file_parse(g->e.pool, g->document,
                               g->tasks_path ? g->tasks_path : g->holdout_path, &g->tasks, err);
}

static int emit_tasks(struct gate_run *g)
{
    int r = read_tasks(g);
    r = r ? r : evaluation_write(&g->e, g->emit_path, json_pretty(g->e.pool, g->document));
    if (r)
        cmd_error("%s", g->e.err.msg);
    return r ? EXIT_USAGE : 0;
}

/* --- the arms
 * ----------------------------------------------------------------------------------------------------
 */

static bool runs(const struct side *s)
{
    return !s->report_path;
}

static int open_side(struct gate_run *g, struct side *s)
{
    if (!runs(s))
        return report_read(g->e.pool, s->report_path, &s->report, &g->e.err);
    s->arm.label = pool_printf(g->e.pool, "gate-%s", s->arm.name);
    int r = evaluation_arm(&g->e, &g->flags, s->endpoint,
                           s->token ? s->token : g->flags.client.token, &s->arm, &s->model);
    return r ? err_prefix(&g->e.err, "the %s", s->arm.name) : 0;
}

static void on_done(void *arg, const struct batch_run *run)
{
    struct gate_run *g = arg;
    evaluation_tell(&g->e, run);
}

static struct gate_verdict decided(struct gate_run *g, const struct gate_rule *rule)
{
    const struct arm champion = gate_arm_of_report(g->e.pool, &g->champion.report);
    const struct arm challenger = gate_arm_of_report(g->e.pool, &g->challenger.report);
    return gate_decide(g->e.pool, rule, &champion, &challenger);
}

/* Two names of one model, or tasks of two holdouts: no run would change that. */
static bool worth_running(struct gate_run *g)
{
    struct gate_rule rule = g->rule;
    rule.min_pairs = 0;
    return decided(g, &rule).outcome != GATE_INCONCLUSIVE;
}

/* The reports of sides that run begin empty. */
static int run_sides(struct gate_run *g)
{
    struct side *sides[] = {&g->champion, &g->challenger}, *running[ARRAY_SIZE(sides)];
    struct batch_arm *arms[ARRAY_SIZE(sides)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
        if (!runs(sides[i]))
            continue;
        running[n] = sides[i];
        arms[n] = &sides[i]->arm;
        sides[i]->report = evaluation_report(
            &g->e, arms[n], arms[n]->name,
            evaluation_about(&g->e, &g->flags, arms[n], sides[i]->model, g->document));
        n++;
    }
    if (n == 0 || !worth_running(g))
        return 0;
    g->e.batch.caps.no_proxy = true;
    g->e.batch.on_done = on_done;
    g->e.batch.arg = g;
    evaluation_plan(&g->e, &g->flags, &g->tasks, arms, n);
    int r = evaluation_carry_out(&g->e);
    for (size_t i = 0; !r && i < n; i++)
        running[i]->report =
            evaluation_report(&g->e, arms[i], arms[i]->name, running[i]->report.about);
    return r;
}

/* --- what came of it -------------------------------------------------------------------------- */

static void push_results(json_t *list, const char *arm, const struct report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct task_result *t = &report->results[i];
        json_t *row = json_object();
        json_put_str(row, "task_id", t->task_id);
        json_put_str(row, "arm", arm);
        if (t->repeat)
            json_put_int(row, "repeat", t->repeat);
        json_put_str(row, "run_id", t->outcome.run_id);
        json_put_str(row, "terminal_status", t->outcome.status);
        json_put_bool(row, "oracle_passed", t->passed);
        json_put_num(row, "score", t->passed);
        json_put_num(row, "cost", t->outcome.cost);
        json_put_num(row, "duration_s", t->outcome.duration_s);
        json_put_bool(row, "infra_failed", *t->outcome.error != '\0');
        if (*t->outcome.error)
            json_put_str(row, "error", t->outcome.error);
        json_push(list, row);
    }
}

static json_t *document_of(struct gate_run *g, const struct gate_verdict *verdict)
{
    json_t *doc = json_keep(g->e.pool, json_object()), *results = json_array(), *holdout;
    json_put_str(doc, "lora_adapter", g->lora_adapter ? g->lora_adapter : "");
    json_put_str(doc, "challenger_model", g->challenger_model ? g->challenger_model : "");
    if ((holdout = json_object_get(g->champion.report.about, "holdout")))
        json_put(doc, "holdout", json_incref(holdout));
    push_results(results, "champion", &g->champion.report);
    push_results(results, "challenger", &g->challenger.report);
    json_put(doc, "results", results);
    json_put(doc, "verdict", gate_verdict_json(verdict));
    return doc;
}

static int write_reports(struct gate_run *g, const struct gate_verdict *verdict)
{
    struct pool *pool = g->e.pool;
    const struct report_page page = {.title = "Champion against challenger",
                                     .arms = {&g->champion.report, &g->challenger.report},
                                     .verdict = verdict};
    const char *in = g->report_dir;
    int r = file_mkdirs(in, 0755, &g->e.err);
    r = r ? r
          : report_write(pool, pool_printf(pool, "%s/champion.json", in), &g->champion.report,
                         &g->e.err);
    r = r ? r
          : report_write(pool, pool_printf(pool, "%s/challenger.json", in), &g->challenger.report,
                         &g->e.err);
    r = r ? r
          : evaluation_write(&g->e, pool_printf(pool, "%s/report.md", in),
                             report_page_markdown(pool, &page));
    return r ? r
             : evaluation_write(&g->e, pool_printf(pool, "%s/report.html", in),
                                report_page_html(pool, &page));
}

static void say_infra(struct pool *pool, const struct gate_verdict *verdict)
{
    for (const char *const *w = verdict->warnings; *w; w++)
        cmd_warning("%s", *w);
    for (const char *const *f = verdict->infra_failed; *f; f++)
        cmd_error("did not run: %s", table_clean(pool, *f, 0));
    if (*verdict->infra_failed)
        cmd_error("look at the deployments and run the gate again");
}

/* Without --output the JSON comes first; what was decided is the last line either way. */
static int tell(struct gate_run *g, const struct gate_verdict *verdict)
{
    const char *text = gate_verdict_text(g->e.pool, verdict);
    const char *json = json_pretty(g->e.pool, document_of(g, verdict));
    int r = g->output ? evaluation_write(&g->e, g->output, json) : 0;
    if (!r && g->report_dir)
        r = write_reports(g, verdict);
    if (!g->output || r) /* what could not be written is not lost */
        fputs(json, stdout);
    say_infra(g->e.pool, verdict);
    fputs(text, stdout);
    if (r)
        cmd_error("%s", g->e.err.msg);
    return r ? EXIT_NO_ANSWER : (int)verdict->outcome;
}

static int gate(struct gate_run *g)
{
    bool both_read = !runs(&g->champion) && !runs(&g->challenger);
    int r = check_rule(&g->rule, &g->e.err);
    r = r ? r : check_targets(g);
    r = r || both_read ? r : read_tasks(g);
    r = r ? r : evaluation_open(&g->e, &g->flags);
    r = r ? r : open_side(g, &g->champion);
    r = r ? r : open_side(g, &g->challenger);
    if (r) {
        cmd_error("%s", g->e.err.msg);
        return r == E_UNAVAILABLE || r == E_TIMEOUT || r == E_UPSTREAM ? EXIT_NO_ANSWER
                                                                       : EXIT_USAGE;
    }
    if (run_sides(g)) {
        cmd_error("interrupted: nothing is decided");
        return EXIT_INTERRUPTED;
    }
    const struct gate_verdict verdict = decided(g, &g->rule);
    return tell(g, &verdict);
}

int gate_run(int argc, char **argv)
{
    struct gate_run g = {.flags = EVALUATION_FLAGS_DEFAULT,
                         .rule = gate_rule_default,
                         .split = "sealed",
                         .champion.arm.name = "champion",
                         .challenger.arm.name = "challenger"};
    g.flags.max_steps = MAX_STEPS;
    g.flags.max_cost = MAX_COST_USD;
    g.flags.max_minutes = MAX_MINUTES;
    const struct option table[] = {
        {"--champion-endpoint", NULL, OPTION_STRING, &g.champion.endpoint, "URL",
         "[MANTIS_CHAMPION_ENDPOINT]"},
        {"--eval-endpoint", NULL, OPTION_STRING, &g.challenger.endpoint, "URL",
         "the challenger's [MANTIS_EVAL_ENDPOINT]"},
        {"--champion-token", NULL, OPTION_STRING, &g.champion.token, "TOKEN",
         "better: MANTIS_CHAMPION_TOKEN"},
        {"--eval-token", NULL, OPTION_STRING, &g.challenger.token, "TOKEN",
         "better: MANTIS_EVAL_TOKEN"},
        {"--champion-report", NULL, OPTION_STRING, &g.champion.report_path, "FILE",
         "of `eval run`, instead of running it"},
        {"--challenger-report", NULL, OPTION_STRING, &g.challenger.report_path, "FILE", "likewise"},
        {"--lora-adapter", NULL, OPTION_STRING, &g.lora_adapter, "REF",
         "the challenger, on a host that boots a model per run"},
        {"--challenger-model", NULL, OPTION_STRING, &g.challenger_model, "REF", "likewise"},
        {"--cua-model", NULL, OPTION_STRING, &g.cua_model, "NAME", "asked for in each run of both"},
        {"--tasks", NULL, OPTION_STRING, &g.tasks_path, "FILE", "task file [the holdout]"},
        {"--task", NULL, OPTION_LIST, &g.keys, "KEY", "a task of the holdout, may be repeated"},
        {"--v2", NULL, OPTION_FLAG, &g.quick, NULL, "eight tasks of the holdout only"},
        {"--split", NULL, OPTION_STRING, &g.split, "NAME",
         "of the holdout: sealed, visible or all [sealed]"},
        {"--holdout", NULL, OPTION_STRING, &g.holdout_path, "DIR",
         "[MANTIS_HOLDOUT_DIR, else the shipped one]"},
        {"--emit-tasks", NULL, OPTION_STRING, &g.emit_path, "FILE",
         "write the tasks with their plans; run nothing"},
        {"--output", "-o", OPTION_STRING, &g.output, "FILE", "verdict as JSON [stdout]"},
        {"--report", NULL, OPTION_STRING, &g.report_dir, "DIR",
         "reports of both arms, and one of both as Markdown and HTML"},
        {"--alpha", NULL, OPTION_NUMBER, &g.rule.alpha, "P",
         "how often equal models may be promoted [0.05]"},
        {"--max-regressions", NULL, OPTION_INT, &g.rule.max_regressions, "N",
         "tasks that became worse [0]"},
        {"--min-pairs", NULL, OPTION_INT, &g.rule.min_pairs, "N",
         "compared tasks that it needs [0]"},
        {"--max-infra-failures", NULL, OPTION_INT, &g.rule.max_infra_failures, "N",
         "runs that did not happen [0]"},
        EVALUATION_OPTIONS(&g.flags),
        CLIENT_OPTIONS(&g.flags.client),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, "mantis gate run [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    g.e.pool = pool_create(NULL);
    if (g.emit_path)
        code = emit_tasks(&g);
    else
        code = choose_sides(&g) ? gate(&g) : EXIT_USAGE;
    struct batch_arm *arms[] = {&g.champion.arm, &g.challenger.arm};
    for (size_t i = 0; i < ARRAY_SIZE(arms); i++)
        if (arms[i]->client.httpc)
            client_close(&arms[i]->client);
    evaluation_close(&g.e);
    return code;
}
