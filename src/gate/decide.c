#include "gate/decide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct gate_rule gate_rule_default = {
    .min_mean_delta = 0.02, .min_prob_improvement = 0.95, .min_win_rate = 0.5, .regression_delta = -0.05,
    .max_cost_ratio = 1.5,  .alpha = 0.05,                .confidence = 0.95,
};

/* --- pairs -------------------------------------------------------------------------------------- */

/* All repeats of one task in one arm. */
struct side {
    int ran, infra_failed;
    double scores; /* of those that ran */
    double cost, duration_s;
};

struct pair {
    const char *task_id, *category;
    struct side champion, challenger;
    double before, after; /* mean scores */
};

struct decision {
    struct pool *pool;
    const struct gate_rule *rule;
    const struct arm *champion, *challenger;
    struct pair *pairs; /* compared ones, sorted by id */
    size_t n;
    size_t one_sided; /* tasks of one arm only */
};

static int by_task(const void *a, const void *b)
{
    return strcmp((*(const struct arm_result *const *)a)->task_id, (*(const struct arm_result *const *)b)->task_id);
}

static const struct arm_result **sorted(struct pool *pool, const struct arm *arm)
{
    const struct arm_result **list = pool_alloc(pool, (arm->n + 1) * sizeof(*list));
    for (size_t i = 0; i < arm->n; i++)
        list[i] = &arm->results[i];
    qsort(list, arm->n, sizeof(*list), by_task);
    return list;
}

/* The results of the task that **at begins with; *at moves behind them. */
static struct side take_side(const struct arm_result ***at)
{
    struct side s = {0};
    const char *task_id = (**at)->task_id;
    for (; **at && strcmp((**at)->task_id, task_id) == 0; (*at)++) {
        const struct arm_result *r = **at;
        s.infra_failed += r->infra_failed;
        s.ran += !r->infra_failed;
        s.scores += r->infra_failed ? 0 : r->score;
        s.cost += r->cost;
        s.duration_s += r->duration_s;
    }
    return s;
}

/* What did not run is a failure of the challenger, and of the champion says nothing. */
static void take_pair(struct decision *d, const struct arm_result ***a, const struct arm_result ***b)
{
    struct pair p = {.task_id = (**a)->task_id, .category = *(**a)->category ? (**a)->category : (**b)->category};
    p.champion = take_side(a);
    p.challenger = take_side(b);
    if (p.champion.ran == 0)
        return;
    p.before = p.champion.scores / p.champion.ran;
    p.after = p.challenger.scores / (p.challenger.ran + p.challenger.infra_failed);
    d->pairs[d->n++] = p;
}

static void make_pairs(struct decision *d)
{
    const struct arm_result **a = sorted(d->pool, d->champion), **b = sorted(d->pool, d->challenger);
    d->pairs = pool_alloc(d->pool, (d->champion->n + 1) * sizeof(*d->pairs));
    while (*a || *b) {
        int order = !*a ? 1 : !*b ? -1 : strcmp((*a)->task_id, (*b)->task_id);
        if (order == 0) {
            take_pair(d, &a, &b);
            continue;
        }
        take_side(order < 0 ? &a : &b);
        d->one_sided++;
    }
}

/* --- what the pairs say ------------------------------------------------------------------------- */

static struct gate_totals totals_of(const struct decision *d, const struct arm *arm)
{
    struct gate_totals t = {0};
    double *seconds = pool_alloc(d->pool, (d->n + 1) * sizeof(*seconds));
    for (size_t i = 0; i < d->n; i++) {
        const struct pair *p = &d->pairs[i];
        const struct side *s = arm == d->champion ? &p->champion : &p->challenger;
        t.cost += s->cost;
        t.duration_s += s->duration_s;
        int runs = s->ran + s->infra_failed;
        t.once += s->cost / runs;
        t.rate += (arm == d->champion ? p->before : p->after) / (double)d->n;
        seconds[i] = s->duration_s / runs;
    }
    t.median_s = paired_median(seconds, d->n);
    for (size_t i = 0; i < arm->n; i++)
        t.infra_failed += arm->results[i].infra_failed;
    return t;
}

static bool is_regression(const struct decision *d, double delta)
{
    return delta < d->rule->regression_delta - PAIRED_TIE;
}

static void fill_regressions(const struct decision *d, struct gate_verdict *v)
{
    const char **list = pool_alloc(d->pool, (d->n + 1) * sizeof(*list));
    for (size_t i = 0; i < d->n; i++)
        if (is_regression(d, v->deltas[i]))
            list[v->n_regressions++] = d->pairs[i].task_id;
    v->regressions = list;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct gate_category *)a)->name, ((const struct gate_category *)b)->name);
}

static struct gate_category *category_named(struct gate_category *list, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    list[*n] = (struct gate_category){.name = name};
    return &list[(*n)++];
}

static void fill_categories(const struct decision *d, struct gate_verdict *v)
{
    struct gate_category *list = pool_alloc(d->pool, (d->n + 1) * sizeof(*list));
    for (size_t i = 0; i < d->n; i++) {
        struct gate_category *c = category_named(list, &v->n_categories, d->pairs[i].category);
        c->n++;
        c->wins += v->deltas[i] > PAIRED_TIE;
        c->losses += v->deltas[i] < -PAIRED_TIE;
        c->regressions += is_regression(d, v->deltas[i]);
        c->champion_rate += d->pairs[i].before;
        c->challenger_rate += d->pairs[i].after;
    }
    for (size_t i = 0; i < v->n_categories; i++) {
        list[i].champion_rate /= list[i].n;
        list[i].challenger_rate /= list[i].n;
    }
    qsort(list, v->n_categories, sizeof(*list), by_name);
    v->categories = list;
}

static void fill_difference(const struct decision *d, struct gate_verdict *v)
{
    v->win_share = paired_win_share(v->counts.wins, v->counts.losses, d->rule->confidence);
    v->win_share_method = "Clopper-Pearson";
    v->difference_method = v->counts.pass_fail ? "Tango score" : "percentile bootstrap";
    if (d->n == 0)
        v->difference = (struct interval){-1, 1};
    else if (v->counts.pass_fail)
        v->difference = paired_difference(&v->counts, d->rule->confidence);
    else
        v->difference = paired_bootstrap_interval(v->deltas, d->n, d->rule->confidence);
}

static void measure(const struct decision *d, struct gate_verdict *v)
{
    const char **ids = pool_alloc(d->pool, (d->n + 1) * sizeof(*ids));
    double *deltas = pool_alloc(d->pool, (d->n + 1) * sizeof(*deltas)), sum = 0;
    for (size_t i = 0; i < d->n; i++) {
        ids[i] = d->pairs[i].task_id;
        deltas[i] = d->pairs[i].after - d->pairs[i].before;
        sum += deltas[i];
    }
    v->n_compared = d->n;
    v->task_ids = ids;
    v->deltas = deltas;
    v->counts = paired_count(deltas, d->n);
    v->mean_delta = d->n ? sum / (double)d->n : 0;
    v->win_rate = d->n ? (double)(v->counts.n - v->counts.losses) / v->counts.n : 0;
    v->prob_improvement = paired_prob_improvement(deltas, d->n);
    v->test = paired_exact_test(v->counts.wins, v->counts.losses);
    v->champion = totals_of(d, d->champion);
    v->challenger = totals_of(d, d->challenger);
    fill_difference(d, v);
    fill_regressions(d, v);
    fill_categories(d, v);
}

/* --- the checks --------------------------------------------------------------------------------- */

enum { P_VALUE = GATE_CHECKS - 1 };

static struct gate_check judged(struct gate_check c)
{
    c.passed = !c.asked || (c.at_least ? c.value >= c.threshold - PAIRED_TIE : c.value <= c.threshold + PAIRED_TIE);
    return c;
}

static void check(const struct gate_rule *rule, struct gate_verdict *v)
{
    double before = v->champion.once, after = v->challenger.once; /* arms may differ in repeats */
    const struct gate_check checks[GATE_CHECKS] = {
        {"mean_delta", v->mean_delta, rule->min_mean_delta, true, true, false},
        {"prob_improvement", v->prob_improvement, rule->min_prob_improvement, true, true, false},
        {"non_loss_rate", v->win_rate, rule->min_win_rate, true, true, false},
        {"regressions", v->n_regressions, rule->max_regressions, false, true, false},
        {"cost_ratio", before > 0 ? after / before : 0, rule->max_cost_ratio, false, before > 0, false},
        [P_VALUE] = {"p_value", v->test.one_sided, rule->alpha, false, rule->alpha < 1, false},
    };
    for (int i = 0; i < GATE_CHECKS; i++)
        v->checks[i] = judged(checks[i]);
}

static const struct gate_check *first_failed(const struct gate_verdict *v)
{
    for (int i = 0; i < GATE_CHECKS; i++)
        if (!v->checks[i].passed)
            return &v->checks[i];
    return NULL;
}

/* A value that rounds to its threshold is shown as it is. */
static const char *failed_text(struct pool *pool, const struct gate_check *c)
{
    int digits = fabs(c->value - c->threshold) < 0.001 ? 6 : c->value == floor(c->value) && !c->at_least ? 0 : 3;
    return pool_printf(pool, "%s %.*f %s %g", c->name, digits, c->value, c->at_least ? "<" : ">", c->threshold);
}

/* Fewest pairs of which all being wins reaches alpha. */
static int fewest_pairs(double alpha)
{
    int n = 0;
    while (n < 64 && ldexp(1, -n) > alpha + PAIRED_TIE)
        n++;
    return n;
}

/* --- may they be compared? ---------------------------------------------------------------------- */

static const char *named(const char *text)
{
    return *text ? text : "none";
}

static const char *not_comparable(const struct decision *d)
{
    const struct arm *a = d->champion, *b = d->challenger;
    if (strcmp(a->holdout, b->holdout) != 0)
        return pool_printf(d->pool, "not comparable: the champion ran holdout '%s', the challenger '%s'",
                           named(a->holdout), named(b->holdout));
    if (!d->rule->sanity && *a->model && strcmp(a->model, b->model) == 0)
        return pool_printf(d->pool, "not comparable: both arms are '%s'", a->model);
    return NULL;
}

static size_t add_failed(struct pool *pool, const char **list, size_t n, const char *side, const struct arm *arm)
{
    for (size_t i = 0; i < arm->n; i++)
        if (arm->results[i].infra_failed)
            list[n++] = pool_printf(pool, "%s %s", side, arm->results[i].task_id);
    return n;
}

static int fill_failed(const struct decision *d, struct gate_verdict *v)
{
    const char **list = pool_alloc(d->pool, (d->champion->n + d->challenger->n + 1) * sizeof(*list));
    size_t n = add_failed(d->pool, list, 0, "champion", d->champion);
    v->infra_failed = list;
    return (int)add_failed(d->pool, list, n, "challenger", d->challenger);
}

static void warn(const struct decision *d, struct gate_verdict *v)
{
    const char **list = pool_alloc(d->pool, 4 * sizeof(*list));
    size_t n = 0;
    if (d->rule->sanity)
        list[n++] = "a sanity run: the champion against itself; expect a difference near 0";
    else if (!*d->champion->model || !*d->challenger->model)
        list[n++] = "it is not known which models the arms are, so nothing says that they are two";
    if (d->one_sided)
        list[n++] = pool_printf(d->pool, "%zu task%s in one arm only; %s left out", d->one_sided,
                                d->one_sided == 1 ? " is" : "s are", d->one_sided == 1 ? "it is" : "they are");
    if (d->rule->alpha >= 1)
        list[n++] = "no alpha: how often equal models are promoted is not bounded";
    v->warnings = list;
}

/* --- the verdict -------------------------------------------------------------------------------- */

static void settle(struct gate_verdict *v, enum gate_outcome outcome, const char *reason)
{
    v->outcome = outcome;
    v->reason = reason;
}

static const char *too_few(struct pool *pool, size_t n, int needed)
{
    return pool_printf(pool, "too few valid pairs: %zu of at least %d", n, needed);
}

static const char *promoted_text(struct pool *pool, const struct gate_verdict *v)
{
    return pool_printf(pool, "%d won and %d lost of %zu tasks, mean_delta %.3f, p %.3g", v->counts.wins,
                       v->counts.losses, v->n_compared, v->mean_delta, v->test.one_sided);
}

static void conclude(const struct decision *d, struct gate_verdict *v, int infra_failed)
{
    struct pool *pool = d->pool;
    const struct gate_check *failed = first_failed(v);
    const char *obstacle = not_comparable(d);
    int needed = fewest_pairs(d->rule->alpha);
    if (obstacle)
        settle(v, GATE_INCONCLUSIVE, obstacle);
    else if (infra_failed > d->rule->max_infra_failures)
        settle(v, GATE_INCONCLUSIVE,
               pool_printf(pool, "%d run%s did not run (%s%s); run the gate again", infra_failed,
                           infra_failed == 1 ? "" : "s", v->infra_failed[0], infra_failed == 1 ? "" : ", ..."));
    else if ((int)v->n_compared < d->rule->min_pairs)
        settle(v, GATE_INCONCLUSIVE, too_few(pool, v->n_compared, d->rule->min_pairs));
    else if (v->n_compared == 0)
        settle(v, GATE_HOLD, "reject: no task ran on both arms");
    else if (failed == &v->checks[P_VALUE] && (int)v->n_compared < needed)
        settle(v, GATE_INCONCLUSIVE, too_few(pool, v->n_compared, needed));
    else if (failed)
        settle(v, GATE_HOLD, pool_printf(pool, "reject: %s", failed_text(pool, failed)));
    else if (d->rule->sanity)
        settle(v, GATE_HOLD, "a sanity run promotes nothing");
    else
        settle(v, GATE_PROMOTE, promoted_text(pool, v));
}

struct gate_verdict gate_decide(struct pool *pool, const struct gate_rule *rule, const struct arm *champion,
                                const struct arm *challenger)
{
    struct decision d = {.pool = pool, .rule = rule, .champion = champion, .challenger = challenger};
    struct gate_verdict v = {.rule = rule};
    make_pairs(&d);
    measure(&d, &v);
    check(rule, &v);
    warn(&d, &v);
    conclude(&d, &v, fill_failed(&d, &v));
    return v;
}

/* --- a report as an arm ------------------------------------------------------------------------- */

static const char *holdout_text(struct pool *pool, const json_t *holdout)
{
    if (!json_is_object(holdout))
        return json_as_text(pool, holdout);
    return pool_printf(pool, "%s %s", json_str(holdout, "name", ""), json_str(holdout, "digest", ""));
}

struct arm gate_arm_of_report(struct pool *pool, const struct report *report)
{
    struct arm_result *results = pool_alloc(pool, (report->n + 1) * sizeof(*results));
    for (size_t i = 0; i < report->n; i++) {
        const struct task_result *r = &report->results[i];
        results[i] = (struct arm_result){
            .task_id = r->task_id, .category = json_str(r->metadata, "type", ""), .score = r->passed ? 1 : 0,
            .infra_failed = *r->outcome.error != '\0', .cost = r->outcome.cost, .duration_s = r->outcome.duration_s};
    }
    return (struct arm){.model = json_str(report->about, "model", ""),
                        .holdout = holdout_text(pool, json_object_get(report->about, "holdout")),
                        .results = results, .n = report->n};
}
