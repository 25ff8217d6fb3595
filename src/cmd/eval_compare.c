/*
 * mantis eval compare - two reports task by task (promotion.md section 6.4).
 */
#include "base/buf.h"
#include "base/caps.h"
#include "cmd/answer.h"
#include "cmd/eval.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "gate/compare.h"

#define EXIT_WORSE 1
#define EXIT_USAGE 2 /* and: nothing to compare */
#define USAGE      "mantis eval compare --baseline FILE --candidate FILE [options]"

static void add_rates(struct buf *b, const char *what, double before, double after)
{
    buf_addf(b, "%-16s %7.1f%% %8.1f%% %+7.1f%%\n", what, 100 * before, 100 * after, 100 * (after - before));
}

static void add_tasks(struct pool *pool, struct buf *b, const char *what, const char *const *list)
{
    for (; *list; list++)
        buf_addf(b, "%-16s %s\n", what, table_clean(pool, *list, 0));
}

static const char *words_of(struct pool *pool, const struct comparison *c)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    buf_addf(&b, "%-16s %8s %9s %8s\n", "passed", "baseline", "candidate", "delta");
    add_rates(&b, "all tasks", c->baseline_rate, c->candidate_rate);
    add_rates(&b, pool_printf(pool, "common (%d)", c->common), c->baseline_common_rate, c->candidate_common_rate);
    buf_addf(&b, "\ndisagreement_win_rate %.4f: %d won, %d lost\n", compare_win_rate(c), c->wins, c->losses);
    add_tasks(pool, &b, "improved", c->improvements);
    add_tasks(pool, &b, "regressed", c->regressions);
    const char *text = pool_strdup(pool, b.data);
    buf_release(&b);
    return text;
}

static int compare(struct pool *pool, const char *baseline, const char *candidate, const char *output, bool json)
{
    struct err err = {0};
    struct report before, after;
    int r = report_read(pool, baseline, &before, &err);
    r = r ? r : report_read(pool, candidate, &after, &err);
    struct comparison c = {0};
    if (!r)
        c = compare_reports(pool, &before, &after);
    if (!r && c.common == 0)
        r = err_set(&err, E_INVALID, "no task is in both '%s' and '%s': nothing can be compared", baseline, candidate);
    if (!r)
        r = answer_document(pool, json_keep(pool, compare_json(&c)), words_of(pool, &c), output, json, &err);
    if (r) {
        cmd_error("%s", err.msg);
        return EXIT_USAGE;
    }
    return c.losses > c.wins ? EXIT_WORSE : 0;
}

int eval_compare(int argc, char **argv)
{
    const char *baseline = NULL, *candidate = NULL, *output = NULL;
    bool json = false;
    int code = 0, n;
    const struct option table[] = {
        {"--baseline", NULL, OPTION_STRING, &baseline, "FILE", "report of what there is"},
        {"--candidate", NULL, OPTION_STRING, &candidate, "FILE", "report of what may replace it"},
        {"--output", "-o", OPTION_STRING, &output, "FILE", "write the comparison there as JSON, too"},
        {"--json", NULL, OPTION_FLAG, &json, NULL, "print JSON on a terminal, too"},
        {.name = NULL},
    };
    if (!options_read(table, USAGE, argc, argv, NULL, 0, &n, &code))
        return code;
    if (!baseline || !candidate) {
        cmd_error("%s is missing: the report to compare", baseline ? "--candidate" : "--baseline");
        return EXIT_USAGE;
    }
    struct pool *pool = pool_create(NULL);
    code = compare(pool, baseline, candidate, output, json);
    pool_destroy(pool);
    return code;
}
