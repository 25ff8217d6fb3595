/*
 * decide_words.c - a verdict as JSON for a pipeline and as text for a person.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "gate/decide.h"

static const char *outcome_name(enum gate_outcome outcome)
{
    return outcome == GATE_PROMOTE ? "promote" : outcome == GATE_HOLD ? "hold" : "inconclusive";
}

const char *gate_outcome_word(enum gate_outcome outcome)
{
    return outcome == GATE_PROMOTE ? "PROMOTE" : outcome == GATE_HOLD ? "HOLD" : "INCONCLUSIVE";
}

static double wins_per_disagreement(const struct gate_verdict *v)
{
    int n = v->counts.wins + v->counts.losses;
    return n ? (double)v->counts.wins / n : 0.5;
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *interval_json(double estimate, struct interval i, double confidence, const char *method)
{
    return json_pack("{s:f,s:f,s:f,s:f,s:s}", "estimate", rate4(estimate), "low", rate4(i.low), "high", rate4(i.high),
                     "confidence", confidence, "method", method);
}

static json_t *test_json(const struct gate_verdict *v)
{
    return json_pack("{s:s,s:i,s:i,s:i,s:f,s:f,s:f,s:f}", "method", "exact McNemar (binomial test of the disagreements)",
                     "wins", v->counts.wins, "losses", v->counts.losses, "ties",
                     v->counts.n - v->counts.wins - v->counts.losses, "p_one_sided", v->test.one_sided, "p_two_sided",
                     v->test.two_sided, "mid_p", v->test.mid_p, "alpha", v->rule->alpha);
}

static json_t *checks_json(const struct gate_verdict *v)
{
    json_t *list = json_array();
    for (int i = 0; i < GATE_CHECKS; i++) {
        const struct gate_check *c = &v->checks[i];
        json_push(list, json_pack("{s:s,s:f,s:f,s:s,s:b,s:b}", "name", c->name, "value", c->value, "threshold",
                                  c->threshold, "direction", c->at_least ? "min" : "max", "skipped", !c->asked,
                                  "passed", c->passed && c->asked));
    }
    return list;
}

static json_t *categories_json(const struct gate_verdict *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->n_categories; i++) {
        const struct gate_category *c = &v->categories[i];
        json_push(list, json_pack("{s:o,s:i,s:i,s:i,s:i,s:f,s:f}", "category", json_string_safe(c->name), "tasks", c->n,
                                  "wins", c->wins, "losses", c->losses, "regressions", c->regressions, "champion_rate",
                                  rate4(c->champion_rate), "challenger_rate", rate4(c->challenger_rate)));
    }
    return list;
}

static void put_totals(json_t *doc, const char *arm, const struct gate_totals *t)
{
    json_put(doc, arm, json_pack("{s:f,s:f,s:f,s:f,s:i}", "rate", rate4(t->rate), "cost", rate4(t->cost), "time_s",
                                 rate4(t->duration_s), "median_task_s", rate4(t->median_s), "infra_failed",
                                 t->infra_failed));
}

json_t *gate_verdict_json(const struct gate_verdict *v)
{
    json_t *doc = json_object();
    json_put_bool(doc, "promote", v->outcome == GATE_PROMOTE);
    json_put_str(doc, "outcome", outcome_name(v->outcome));
    json_put(doc, "reason", json_string_safe(v->reason));
    json_put_int(doc, "n_compared", (int64_t)v->n_compared);
    json_put_num(doc, "mean_delta", rate4(v->mean_delta));
    json_put_num(doc, "win_rate", rate4(v->win_rate));
    json_put_num(doc, "prob_improvement", rate4(v->prob_improvement));
    json_put(doc, "regressions", json_texts(v->regressions));
    json_put_num(doc, "champion_cost", rate4(v->champion.cost));
    json_put_num(doc, "challenger_cost", rate4(v->challenger.cost));
    json_put(doc, "exact_test", test_json(v));
    json_put(doc, "difference",
             interval_json(v->mean_delta, v->difference, v->rule->confidence, v->difference_method));
    json_put(doc, "disagreement_win_rate",
             interval_json(wins_per_disagreement(v), v->win_share, v->rule->confidence, v->win_share_method));
    put_totals(doc, "champion", &v->champion);
    put_totals(doc, "challenger", &v->challenger);
    json_put(doc, "checks", checks_json(v));
    json_put(doc, "categories", categories_json(v));
    json_put(doc, "infra_failed", json_texts(v->infra_failed));
    json_put(doc, "warnings", json_texts(v->warnings));
    return doc;
}

/* --- text --------------------------------------------------------------------------------------- */

static void add_checks(struct buf *b, const struct gate_verdict *v)
{
    buf_addf(b, "%-18s %10s    %s\n", "check", "value", "must be");
    for (int i = 0; i < GATE_CHECKS; i++) {
        const struct gate_check *c = &v->checks[i];
        if (c->asked)
            buf_addf(b, "%-18s %10.4g    %s %-8g %s\n", c->name, c->value, c->at_least ? ">=" : "<=", c->threshold,
                     c->passed ? "ok" : "FAILED");
        else
            buf_addf(b, "%-18s %10s    skipped\n", c->name, "-");
    }
}

static void add_arm(struct buf *b, const char *name, const struct gate_totals *t)
{
    buf_addf(b, "%-18s %9.1f%% %10.4f %10.1f %12.1f\n", name, 100 * t->rate, t->cost, t->duration_s, t->median_s);
}

static void add_statistics(struct buf *b, const struct gate_verdict *v)
{
    const struct paired_counts *c = &v->counts;
    int percent = (int)lround(100 * v->rule->confidence);
    buf_addf(b, "tasks compared     %d: %d won, %d lost, %d tied\n", c->n, c->wins, c->losses, c->n - c->wins - c->losses);
    buf_addf(b, "difference         %+.3f, %d%% interval %+.3f to %+.3f (%s)\n", v->mean_delta, percent, v->difference.low,
             v->difference.high, v->difference_method);
    buf_addf(b, "disagreement_win_rate %.3f, %d%% interval %.3f to %.3f (%s)\n", wins_per_disagreement(v), percent,
             v->win_share.low, v->win_share.high, v->win_share_method);
    buf_addf(b, "exact test         p = %.4g one-sided, %.4g two-sided, mid-p %.4g\n", v->test.one_sided, v->test.two_sided,
             v->test.mid_p);
}

static void add_categories(struct buf *b, struct pool *pool, const struct gate_verdict *v)
{
    buf_addf(b, "%-18s %6s %10s %11s %5s %5s %11s\n", "category", "tasks", "champion", "challenger", "won", "lost",
             "regressions");
    for (size_t i = 0; i < v->n_categories; i++) {
        const struct gate_category *c = &v->categories[i];
        buf_addf(b, "%-18s %6d %9.1f%% %10.1f%% %5d %5d %11d\n", *c->name ? str_line(pool, c->name) : "(none)", c->n,
                 100 * c->champion_rate, 100 * c->challenger_rate, c->wins, c->losses, c->regressions);
    }
}

static void add_list(struct buf *b, struct pool *pool, const char *title, const char *const *list)
{
    for (; *list; list++)
        buf_addf(b, "%s %s\n", title, str_line(pool, *list));
}

char *gate_verdict_text(struct pool *pool, const struct gate_verdict *v)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    add_checks(&b, v);
    buf_addf(&b, "\n%-18s %10s %10s %10s %12s\n", "arm", "rate", "cost USD", "seconds", "median task");
    add_arm(&b, "champion", &v->champion);
    add_arm(&b, "challenger", &v->challenger);
    buf_addc(&b, '\n');
    add_statistics(&b, v);
    buf_addc(&b, '\n');
    add_categories(&b, pool, v);
    buf_addc(&b, '\n');
    add_list(&b, pool, "regression:", v->regressions);
    add_list(&b, pool, "did not run:", v->infra_failed);
    add_list(&b, pool, "warning:", v->warnings);
    buf_addf(&b, "%s — %s\n", gate_outcome_word(v->outcome), str_line(pool, v->reason));
    char *text = pool_strdup(pool, b.data);
    buf_release(&b);
    return text;
}
