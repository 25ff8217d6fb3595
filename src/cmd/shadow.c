/*
 * mantis shadow - which side of live traffic a key goes to, and what the two sides did (promotion.md sections
 * 10 and 11).
 */
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/caps.h"
#include "cmd/answer.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "gate/shadow_stats.h"

#define EXIT_REGRESSION 1
#define EXIT_USAGE      2 /* and: one side is missing */
#define KEYS_MAX        10000

/* --- route -------------------------------------------------------------------------------------- */

static json_t *route_json(double pct, const char *salt, const char *key)
{
    return json_pack("{s:o,s:s,s:f}", "key", json_string_safe(key), "variant", shadow_variant(pct, salt, key), "bucket",
                     shadow_bucket(salt, key));
}

static void route(struct pool *pool, double pct, const char *salt, const char **keys, int n, bool json)
{
    json_t *list = json_keep(pool, json_array());
    for (int i = 0; i < n; i++)
        if (json)
            json_push(list, route_json(pct, salt, keys[i]));
        else
            printf("%s %s %.2f\n", table_clean(pool, keys[i], 0), shadow_variant(pct, salt, keys[i]),
                   shadow_bucket(salt, keys[i]));
    if (json)
        fputs(json_pretty(pool, list), stdout);
}

static int shadow_route(int argc, char **argv)
{
    const char *salt = "", *keys[KEYS_MAX];
    double pct = 0;
    bool json = false;
    int code = 0, n;
    const struct option table[] = {
        {"--pct", NULL, OPTION_NUMBER, &pct, "N", "share of the candidate, 0 to 100 [0]"},
        {"--salt", NULL, OPTION_STRING, &salt, "TEXT", "another salt is another draw [\"\"]"},
        {"--json", NULL, OPTION_FLAG, &json, NULL, "print JSON"},
        {.name = NULL},
    };
    if (!options_read(table, "mantis shadow route --pct N KEY... [options]", argc, argv, keys, KEYS_MAX, &n, &code))
        return code;
    if (!isfinite(pct)) {
        cmd_error("--pct takes a number from 0 to 100");
        return EXIT_USAGE;
    }
    struct pool *pool = pool_create(NULL);
    route(pool, pct, salt, keys, n, json);
    pool_destroy(pool);
    return 0;
}

/* --- analyze ------------------------------------------------------------------------------------ */

struct analysis {
    struct pool *pool;
    const char *labelled, *output;
    double tolerance;
    bool json;
    struct shadow_stats stats;
    struct err err;
};

static int take_trace(void *arg, const json_t *labelled, struct err *err)
{
    struct analysis *a = arg;
    return shadow_stats_add(a->pool, &a->stats, labelled, err);
}

static bool both_sides(const struct shadow_stats *stats)
{
    return shadow_stats_of(stats, SHADOW_BASELINE) && shadow_stats_of(stats, SHADOW_CANDIDATE);
}

static const char *words_of(const struct analysis *a)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    buf_addf(&b, "%-16s %6s %8s %10s %12s\n", "variant", "runs", "steps", "failed", "escalated");
    for (int i = 0; i < a->stats.n; i++) {
        const struct shadow_counts *c = &a->stats.variants[i];
        buf_addf(&b, "%-16s %6lld %8lld %9.2f%% %11.2f%%\n", table_clean(a->pool, c->variant, 16), (long long)c->runs,
                 (long long)c->steps, 100 * shadow_rate(c->failures, c->steps), 100 * shadow_rate(c->escalations, c->steps));
    }
    if (both_sides(&a->stats))
        buf_addf(&b, "\nescalated, candidate - baseline: %+.4f, at most %+.4f is tolerated\n",
                 shadow_escalation_delta(&a->stats), a->tolerance);
    const char *text = pool_strdup(a->pool, b.data);
    buf_release(&b);
    return text;
}

static int analyze(struct analysis *a)
{
    int r = answer_labelled(a->pool, a->labelled, take_trace, a, &a->err);
    if (!r)
        r = answer_document(a->pool, json_keep(a->pool, shadow_stats_json(&a->stats)), words_of(a), a->output, a->json,
                            &a->err);
    if (!r && !both_sides(&a->stats))
        r = err_set(&a->err, E_INVALID, "%s: there is no trace of the variant '%s', so nothing can be compared", a->labelled,
                    shadow_stats_of(&a->stats, SHADOW_BASELINE) ? SHADOW_CANDIDATE : SHADOW_BASELINE);
    if (r) {
        cmd_error("%s", a->err.msg);
        return EXIT_USAGE;
    }
    return shadow_escalation_delta(&a->stats) > a->tolerance + 1e-9 ? EXIT_REGRESSION : 0;
}

static int shadow_analyze(int argc, char **argv)
{
    struct analysis a = {0};
    int code = 0, n;
    const struct option table[] = {
        {"--labelled", NULL, OPTION_STRING, &a.labelled, "PATH", "labelled traces: a file or a directory"},
        {"--tolerance", NULL, OPTION_NUMBER, &a.tolerance, "N",
         "by how much the candidate's share of escalated steps may be higher [0.0]"},
        {"--output", "-o", OPTION_STRING, &a.output, "FILE", "write the summary there as JSON, too"},
        {"--json", NULL, OPTION_FLAG, &a.json, NULL, "print JSON on a terminal, too"},
        {.name = NULL},
    };
    if (!options_read(table, "mantis shadow analyze --labelled PATH [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    if (!a.labelled || !isfinite(a.tolerance)) {
        cmd_error(a.labelled ? "--tolerance takes a number" : "--labelled is missing: the output of `mantis trace label`");
        return EXIT_USAGE;
    }
    a.pool = pool_create(NULL);
    code = analyze(&a);
    pool_destroy(a.pool);
    return code;
}

int cmd_shadow(int argc, char **argv)
{
    static const struct command commands[] = {
        {"route", shadow_route, "print which side keys go to"},
        {"analyze", shadow_analyze, "compare what the two sides did, from labelled traces"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis shadow", "A share of live traffic goes to a candidate model (MANTIS_SHADOW_*).",
                        argc, argv);
}
