/*
 * mantis plan init - a plan file from an address and a sentence (plans.md section 14): made by a
 * model or by the rules, written, checked and shown.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/plan_file.h"
#include "plan/hosts.h"
#include "plan/intake.h"
#include "sys/file.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

struct init {
    struct pool *pool;
    const char *url, *task, *output;
    struct plan_words words;
    bool no_validate, no_dry_run, overwrite;
    struct plan *plan;
};

/* "shop.example.com" makes "shop_example_com_plan.json". */
static char *default_output(struct pool *pool, const char *url)
{
    const char *host = plan_url_host(pool, url);
    char *name = pool_strdup(pool, host && str_starts(host, "www.") ? host + 4
                                   : host                           ? host
                                                                    : ""),
         *to = name;
    for (const char *p = name; *p; p++) {
        if (isalnum((unsigned char)*p))
            *to++ = *p;
        else if (to > name && to[-1] != '_')
            *to++ = '_';
    }
    while (to > name && to[-1] == '_')
        to--;
    *to = 0;
    return pool_printf(pool, "%s_plan.json", *name ? name : "plan");
}

static int make_plan(struct init *c, struct err *err)
{
    const char *root = getenv("MANTIS_REPO_ROOT");
    struct intake_config config = {
        .repo_root = "", .env_url = "", .default_micro = "", .share_dir = root ? root : ""};
    if (!plan_url_host(c->pool, c->url))
        return err_set(err, E_INVALID, "'%.200s' is not an http or https address", c->url);
    int r = plan_words_begin(c->pool, &c->words, &config, err);
    if (r)
        return r;
    const char *text = plan_words_by_model(&c->words)
                           ? pool_printf(c->pool, "%s\n\nTarget URL: %s", c->task, c->url)
                           : pool_printf(c->pool, "Open %s\n\n%s", c->url, c->task);
    return intake_prose(c->pool, &config, text, "", &c->plan, err);
}

static int check_output(const struct init *c, struct err *err)
{
    if (!c->overwrite && access(c->output, F_OK) == 0)
        return err_set(err, E_CONFLICT, "'%.200s' is there already; --overwrite replaces it",
                       c->output);
    return 0;
}

static int write_plan(struct init *c, struct err *err)
{
    const char *text = plan_file_text(c->pool, c->plan);
    return file_write_atomic(c->output, text, strlen(text), 0644, err);
}

static int show(struct init *c)
{
    struct report_style style = plan_file_style();
    int n = 0, code = 0;
    if (!c->no_validate) {
        const struct finding *findings = plan_validate(c->pool, c->plan, &n);
        fputs(plan_findings_text(c->pool, c->output, c->plan, findings, n, &style), stdout);
        code = plan_file_verdict(findings, n);
    }
    if (!c->no_dry_run)
        fputs(plan_dry_run_text(c->pool, c->output, c->plan, &style), stdout);
    return code;
}

static int init(struct init *c)
{
    struct err err = {0};
    if (!c->output)
        c->output = default_output(c->pool, c->url);
    int r = check_output(c, &err); /* before a model is paid for */
    r = r ? r : make_plan(c, &err);
    r = r ? r : write_plan(c, &err);
    if (r) {
        cmd_error("%s", err.msg);
        return EXIT_FAILED;
    }
    return show(c);
}

int plan_init_cmd(int argc, char **argv)
{
    struct init c = {0};
    const char *usage = "mantis plan init URL --task SENTENCES [options]", *args[1];
    const struct option table[] = {
        {"--task", NULL, OPTION_STRING, &c.task, "TEXT",
         "what to do there (needed); for the rules in controlled English"},
        {"--output", "-o", OPTION_STRING, &c.output, "FILE", "the plan file [<host>_plan.json]"},
        PLAN_WORDS_OPTIONS(&c.words),
        {"--max-cost", NULL, OPTION_NUMBER, &c.words.max_cost, "USD",
         "what asking a model may cost [MANTIS_MAX_COST_USD, 25]"},
        {"--no-validate", NULL, OPTION_FLAG, &c.no_validate, NULL, "do not check the plan"},
        {"--no-dry-run", NULL, OPTION_FLAG, &c.no_dry_run, NULL, "do not show the plan"},
        {"--overwrite", NULL, OPTION_FLAG, &c.overwrite, NULL, "replace a file that is there"},
        {0},
    };
    int n, code = 0;
    if (!options_read(table, usage, argc, argv, args, 1, &n, &code))
        return code;
    if (n == 0 || str_empty(c.task)) {
        cmd_error(n ? "--task is missing: what is to be done there?"
                    : "which page? give its address");
        fprintf(stderr, "usage: %s\n", usage);
        return EXIT_USAGE;
    }
    c.pool = pool_create(NULL);
    c.url = args[0];
    code = init(&c);
    pool_destroy(c.pool);
    return code;
}
