#include "unit/test.h"

#include <math.h>
#include <string.h>

#include "gate/decide.h"
#include "unit/fixtures.h"

static struct pool *pool;

static int make_pool(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int drop_pool(void **state)
{
    pool_destroy(pool);
    return 0;
}

/* --- two arms ----------------------------------------------------------------------------------- */

/* One task a letter: what the champion and the challenger made of it. W won, L lost, B both passed, N neither,
 * h half a point better, s a little worse (-0.04), x champion did not run, y challenger did not run. */
struct arms {
    struct arm_result a[128], b[128];
    struct arm champion, challenger;
};

static void score_of(char letter, struct arm_result *a, struct arm_result *b)
{
    a->score = strchr("LBy", letter) ? 1 : strchr("hs", letter) ? 0.5 : 0;
    b->score = strchr("WBx", letter) ? 1 : letter == 'h' ? 1 : letter == 's' ? 0.46 : 0;
    a->infra_failed = letter == 'x';
    b->infra_failed = letter == 'y';
}

static struct arms *arms_of(struct pool *p, const char *letters)
{
    struct arms *arms = pool_alloc(p, sizeof(*arms));
    size_t n = strlen(letters);
    for (size_t i = 0; i < n; i++) {
        const char *id = pool_printf(p, "shop.t%02zu", i);
        arms->a[i] = (struct arm_result){.task_id = id, .category = i % 2 ? "search" : "login", .cost = 0.2, .duration_s = 10};
        arms->b[i] = (struct arm_result){.task_id = id, .category = "", .cost = 0.1, .duration_s = 20 + (double)i};
        score_of(letters[i], &arms->a[i], &arms->b[i]);
    }
    arms->champion = (struct arm){"holo3 q8", "mantis-holdout-v1 12ab", arms->a, n};
    arms->challenger = (struct arm){"holo3 q8 tuned", "mantis-holdout-v1 12ab", arms->b, n};
    return arms;
}

static struct gate_verdict decide(const struct gate_rule *rule, const struct arms *arms)
{
    return gate_decide(pool, rule, &arms->champion, &arms->challenger);
}

/* --- the rule, row by row ----------------------------------------------------------------------- */

static const struct gate_rule contract_only = {
    .min_mean_delta = 0.02, .min_prob_improvement = 0.95, .min_win_rate = 0.5, .regression_delta = -0.05,
    .max_cost_ratio = 1.5,  .alpha = 1,                   .confidence = 0.95};

static void a_verdict_is_what_the_rows_say(void **state)
{
    static const struct {
        const char *letters;
        enum gate_outcome outcome;
        const char *reason;
    } cases[] = {
        {"WWWWWBBBBN", GATE_PROMOTE, "5 won and 0 lost of 10 tasks, mean_delta 0.500, p 0.0312"},
        {"WWWWBBBBBN", GATE_HOLD, "reject: p_value 0.062 > 0.05"},
        {"WWWW", GATE_INCONCLUSIVE, "too few valid pairs: 4 of at least 5"},
        {"WBBBBBBB", GATE_HOLD, "reject: prob_improvement 0.656 < 0.95"},
        {"BBBBNNNN", GATE_HOLD, "reject: mean_delta 0.000 < 0.02"},
        {"LLBB", GATE_HOLD, "reject: mean_delta -0.500 < 0.02"},
        {"WWWWWWWWWL", GATE_HOLD, "reject: regressions 1 > 0"},
        {"", GATE_HOLD, "reject: no task ran on both arms"},
        {"WWWWWx", GATE_INCONCLUSIVE, "1 run did not run (champion shop.t05); run the gate again"},
        {"WWWWWyy", GATE_INCONCLUSIVE, "2 runs did not run (challenger shop.t05, ...); run the gate again"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gate_verdict v = decide(&gate_rule_default, arms_of(pool, cases[i].letters));
        if (v.outcome != cases[i].outcome || strcmp(v.reason, cases[i].reason) != 0)
            fail_msg("%s: %d '%s', not %d '%s'", cases[i].letters, v.outcome, v.reason, cases[i].outcome, cases[i].reason);
    }
}

static void each_check_alone_holds_a_challenger_back(void **state)
{
    static const struct {
        const char *letters, *check;
        size_t field;
        double strict;
    } cases[] = {
        {"WWWWWWBBBB", "mean_delta", offsetof(struct gate_rule, min_mean_delta), 0.61},
        {"WWWWWWLLLB", "prob_improvement", offsetof(struct gate_rule, min_prob_improvement), 0.95},
        {"WWWWLLLLLL", "non_loss_rate", offsetof(struct gate_rule, min_win_rate), 0.5},
        {"BBBB", "cost_ratio", offsetof(struct gate_rule, max_cost_ratio), 0.4},
        {"WWWWBBBBBB", "p_value", offsetof(struct gate_rule, alpha), 0.05},
    };
    const struct gate_rule lenient = {.min_mean_delta = -1, .regression_delta = -0.05, .max_regressions = 99,
                                      .max_cost_ratio = 99, .alpha = 1, .confidence = 0.95};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gate_rule rule = lenient;
        struct arms *arms = arms_of(pool, cases[i].letters);
        *(double *)((char *)&rule + cases[i].field) = cases[i].strict;
        struct gate_verdict v = decide(&rule, arms);
        assert_int_equal(decide(&lenient, arms).outcome, GATE_PROMOTE);
        assert_int_equal(v.outcome, GATE_HOLD);
        if (!strstr(v.reason, cases[i].check))
            fail_msg("%s: %s", cases[i].check, v.reason);
    }
}

static void a_value_at_its_threshold_passes(void **state)
{
    /* 1 of 50 is a mean of exactly 0.02; cost 1.5 times as much; p exactly alpha. */
    const char *fifty = "WBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
    struct gate_rule rule = contract_only;
    rule.min_prob_improvement = 0;
    struct arms *arms = arms_of(pool, fifty);
    for (size_t i = 0; i < arms->challenger.n; i++)
        arms->b[i].cost = 0.3;
    assert_int_equal(decide(&rule, arms).outcome, GATE_PROMOTE);
    arms->b[3].cost = 0.31;
    assert_string_equal(decide(&rule, arms).reason, "reject: cost_ratio 1.501 > 1.5");
    rule = gate_rule_default;
    rule.alpha = 1 / 32.0;
    assert_int_equal(decide(&rule, arms_of(pool, "WWWWW")).outcome, GATE_PROMOTE);
}

static void ties_count_as_no_loss_and_small_losses_are_no_regression(void **state)
{
    struct gate_verdict v = decide(&contract_only, arms_of(pool, "BBNNsWL"));
    assert_float_equal(v.win_rate, 5 / 7.0, 1e-12);
    assert_int_equal(v.n_regressions, 1);
    assert_string_equal(v.regressions[0], "shop.t06");
    assert_null(v.regressions[1]);
    assert_string_equal(v.difference_method, "percentile bootstrap");
}

static void cost_is_not_asked_when_the_champion_cost_nothing(void **state)
{
    struct arms *arms = arms_of(pool, "WWWWWB");
    for (size_t i = 0; i < arms->champion.n; i++)
        arms->a[i].cost = 0;
    struct gate_verdict v = decide(&gate_rule_default, arms);
    assert_int_equal(v.outcome, GATE_PROMOTE);
    assert_false(v.checks[4].asked);
    arms->a[0].cost = 0.01;
    assert_non_null(strstr(decide(&gate_rule_default, arms).reason, "cost_ratio"));
}

/* --- what cannot be compared -------------------------------------------------------------------- */

static void arms_that_cannot_be_compared_are_inconclusive(void **state)
{
    static const struct {
        const char *model, *holdout, *reason;
    } cases[] = {
        {"holo3 q8", "mantis-holdout-v1 12ab", "not comparable: both arms are 'holo3 q8'"},
        {"other", "mantis-holdout-v1 ffff",
         "not comparable: the champion ran holdout 'mantis-holdout-v1 12ab', the challenger 'mantis-holdout-v1 ffff'"},
        {"other", "", "not comparable: the champion ran holdout 'mantis-holdout-v1 12ab', the challenger 'none'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arms *arms = arms_of(pool, "WWWWWW");
        arms->challenger.model = cases[i].model;
        arms->challenger.holdout = cases[i].holdout;
        struct gate_verdict v = decide(&gate_rule_default, arms);
        assert_int_equal(v.outcome, GATE_INCONCLUSIVE);
        assert_string_equal(v.reason, cases[i].reason);
    }
}

static void unknown_models_are_said(void **state)
{
    struct arms *arms = arms_of(pool, "WWWWWW");
    arms->champion.model = arms->challenger.model = "";
    struct gate_verdict v = decide(&gate_rule_default, arms);
    assert_int_equal(v.outcome, GATE_PROMOTE);
    assert_non_null(strstr(v.warnings[0], "not known"));
}

static void a_sanity_run_promotes_nothing(void **state)
{
    struct gate_rule rule = gate_rule_default;
    struct arms *arms = arms_of(pool, "WWWWWW");
    arms->challenger.model = arms->champion.model;
    rule.sanity = true;
    assert_string_equal(decide(&rule, arms).reason, "a sanity run promotes nothing");
    arms = arms_of(pool, "BNBNBN");
    struct gate_verdict v = decide(&rule, arms);
    assert_int_equal(v.outcome, GATE_HOLD);
    assert_non_null(strstr(v.warnings[0], "sanity run"));
}

static void fewer_pairs_than_asked_are_inconclusive(void **state)
{
    struct gate_rule rule = gate_rule_default;
    rule.min_pairs = 15;
    assert_string_equal(decide(&rule, arms_of(pool, "WWWWWWLL")).reason, "too few valid pairs: 8 of at least 15");
}

static void what_did_not_run_helps_no_challenger(void **state)
{
    struct gate_rule rule = gate_rule_default;
    rule.max_infra_failures = 2;
    struct gate_verdict v = decide(&rule, arms_of(pool, "WWWWWx"));
    assert_int_equal(v.n_compared, 5); /* its pass against nothing is no win */
    assert_int_equal(v.outcome, GATE_PROMOTE);
    v = decide(&rule, arms_of(pool, "WWWWWWWWWy"));
    assert_int_equal(v.n_compared, 10);
    assert_string_equal(v.reason, "reject: regressions 1 > 0");
    assert_string_equal(v.infra_failed[0], "challenger shop.t09");
    assert_int_equal(decide(&rule, arms_of(pool, "WWWWWxyx")).outcome, GATE_INCONCLUSIVE);
}

static void tasks_of_one_arm_are_left_out_and_said(void **state)
{
    struct arms *arms = arms_of(pool, "WWWWWWLL");
    arms->champion.n = 6;
    struct gate_verdict v = decide(&gate_rule_default, arms);
    assert_int_equal(v.n_compared, 6);
    assert_string_equal(v.warnings[0], "2 tasks are in one arm only; they are left out");
}

/* --- repeats, categories, totals ---------------------------------------------------------------- */

static void repeats_of_a_task_are_one_pair_of_means(void **state)
{
    struct arms *arms = arms_of(pool, "NNNNBB");
    for (size_t i = 0; i < 4; i++)
        arms->a[i].task_id = arms->b[i].task_id = "shop.t00";
    arms->b[1].score = arms->b[2].score = 1;
    struct gate_verdict v = decide(&contract_only, arms);
    assert_int_equal(v.n_compared, 3);
    assert_float_equal(v.deltas[0], 0.5, 1e-12);
    assert_int_equal(v.counts.wins, 1);
    assert_float_equal(v.champion.cost, 1.2, 1e-12);
}

static void twice_as_many_repeats_are_not_twice_as_dear(void **state)
{
    struct arms *arms = arms_of(pool, "WWWWWBWWWWWB");
    for (size_t i = 0; i < arms->challenger.n; i++)
        arms->b[i].task_id = arms->a[i % 6].task_id;
    arms->champion.n = 6;
    struct gate_verdict v = decide(&gate_rule_default, arms);
    assert_float_equal(v.challenger.cost, 1.2, 1e-12);
    assert_float_equal(v.champion.cost, 1.2, 1e-12);
    assert_float_equal(v.checks[4].value, 0.5, 1e-12);
}

static void a_verdict_has_categories_cost_and_time(void **state)
{
    struct gate_verdict v = decide(&gate_rule_default, arms_of(pool, "WLBNW"));
    assert_int_equal(v.n_categories, 2);
    assert_string_equal(v.categories[0].name, "login");
    assert_int_equal(v.categories[0].n, 3);
    assert_int_equal(v.categories[0].wins, 2);
    assert_int_equal(v.categories[1].losses, 1);
    assert_int_equal(v.categories[1].regressions, 1);
    assert_float_equal(v.categories[0].challenger_rate, 1, 1e-12);
    assert_float_equal(v.categories[1].champion_rate, 0.5, 1e-12);
    assert_float_equal(v.champion.cost, 1.0, 1e-12);
    assert_float_equal(v.challenger.duration_s, 110, 1e-12);
    assert_float_equal(v.challenger.median_s, 22, 1e-12);
    assert_float_equal(v.champion.rate, 0.4, 1e-12);
}

static void the_documents_say_it(void **state)
{
    struct gate_verdict v = decide(&gate_rule_default, arms_of(pool, "WBBBBBBB"));
    json_t *doc = json_keep(pool, gate_verdict_json(&v));
    char *text = gate_verdict_text(pool, &v);
    assert_false(json_flag(doc, "promote", true));
    assert_string_equal(json_str(doc, "outcome", ""), "hold");
    assert_int_equal(json_int(doc, "n_compared", 0), 8);
    assert_float_equal(json_num(doc, "mean_delta", 0), 0.125, 1e-12);
    assert_float_equal(json_num(doc, "win_rate", 0), 1, 0);
    assert_float_equal(json_num(doc, "champion_cost", 0), 1.6, 1e-12);
    assert_int_equal(json_array_size(json_object_get(doc, "checks")), GATE_CHECKS);
    assert_non_null(strstr(text, "non_loss_rate"));
    assert_non_null(strstr(text, "disagreement_win_rate"));
    assert_null(strstr(text, " win_rate"));
    assert_non_null(strstr(text, "\nHOLD — reject: prob_improvement 0.656 < 0.95\n"));
}

static void a_report_is_an_arm(void **state)
{
    struct report r;
    struct err err = {0};
    assert_int_equal(report_parse(pool, json_of(pool,
        "{'about':{'model':'m1','holdout':{'name':'h','digest':'12'}},'results':["
        "{'task_id':'a','passed':true,'metadata':{'type':'login'},'outcome':{'cost':0.5,'duration_s':3}},"
        "{'task_id':'b','passed':false,'outcome':{'error':'HTTP 502'}}]}"), "r", &r, &err), 0);
    struct arm arm = gate_arm_of_report(pool, &r);
    assert_string_equal(arm.model, "m1");
    assert_string_equal(arm.holdout, "h 12");
    assert_string_equal(arm.results[0].category, "login");
    assert_float_equal(arm.results[0].score, 1, 0);
    assert_float_equal(arm.results[0].cost, 0.5, 0);
    assert_true(arm.results[1].infra_failed);
}

/* --- the stated error rate ---------------------------------------------------------------------- */

static bool promotes(const struct gate_rule *rule, int n, int wins, int losses)
{
    char letters[128];
    struct pool *mine = pool_create(NULL);
    memset(letters, 'W', (size_t)wins);
    memset(letters + wins, 'L', (size_t)losses);
    memset(letters + wins + losses, 'B', (size_t)(n - wins - losses));
    letters[n] = '\0';
    struct arms *arms = arms_of(mine, letters);
    bool yes = gate_decide(mine, rule, &arms->champion, &arms->challenger).outcome == GATE_PROMOTE;
    pool_destroy(mine);
    return yes;
}

static double choose(int n, int k)
{
    return round(exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)));
}

/* The highest probability, over every number of disagreements, that equal arms are promoted: an exact sum,
 * true whatever the tasks are, since equal arms win each disagreement with 1/2. */
static double worst_error(const struct gate_rule *rule, int n)
{
    double worst = 0;
    for (int d = 0; d <= n; d++) {
        double p = 0;
        for (int wins = 0; wins <= d; wins++)
            if (promotes(rule, n, wins, d - wins))
                p += choose(d, wins) * pow(0.5, d);
        worst = fmax(worst, p);
    }
    return worst;
}

static void equal_arms_are_promoted_no_more_often_than_alpha(void **state)
{
    static const double alphas[] = {0.05, 0.01, 0.1};
    for (size_t i = 0; i < ARRAY_SIZE(alphas); i++)
        for (int n = 1; n <= 25; n += 4) {
            struct gate_rule strict = gate_rule_default, lenient = gate_rule_default;
            strict.alpha = lenient.alpha = alphas[i];
            lenient.max_regressions = n;
            lenient.min_prob_improvement = lenient.min_win_rate = lenient.min_mean_delta = 0;
            assert_true(worst_error(&strict, n) <= alphas[i]);
            assert_true(worst_error(&lenient, n) <= alphas[i]);
        }
}

static void the_other_checks_alone_promote_equal_arms_once_in_eight(void **state)
{
    assert_float_equal(worst_error(&contract_only, 3), 0.25, 1e-12);
    assert_float_equal(worst_error(&contract_only, 20), 0.125, 1e-12);
}

/* --- two hundred gate runs ---------------------------------------------------------------------- */

static uint64_t random_state;
static bool happens(double p)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(random_state >> 11) / (double)(UINT64_C(1) << 53) < p;
}

enum { RUNS = 200, TASKS = 60 };

static int promotions(const struct gate_rule *rule, double champion, double challenger)
{
    int promoted = 0;
    random_state = 42;
    for (int run = 0; run < RUNS; run++) {
        int wins = 0, losses = 0;
        for (int t = 0; t < TASKS; t++) {
            bool a = happens(champion), b = happens(challenger);
            wins += b && !a;
            losses += a && !b;
        }
        promoted += promotes(rule, TASKS, wins, losses);
    }
    return promoted;
}

/* What the rule promises: the sum over all outcomes of two arms of known skill. */
static double promised(const struct gate_rule *rule, double champion, double challenger)
{
    double win = challenger * (1 - champion), loss = champion * (1 - challenger), sum = 0;
    for (int w = 0; w <= TASKS; w++)
        for (int l = 0; w + l <= TASKS; l++) {
            double p = choose(TASKS, w) * choose(TASKS - w, l) * pow(win, w) * pow(loss, l) *
                       pow(1 - win - loss, TASKS - w - l);
            if (p > 1e-9 && promotes(rule, TASKS, w, l))
                sum += p;
        }
    return sum;
}

static void two_hundred_runs_are_promoted_as_often_as_promised(void **state)
{
    static const struct {
        double champion, challenger;
        int max_regressions;
    } cases[] = {{0.7, 0.7, 99}, {0.7, 0.85, 99}, {0.7, 0.85, 0}, {0.7, 0.95, 99}, {0.7, 0.7, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gate_rule rule = gate_rule_default;
        rule.max_regressions = cases[i].max_regressions;
        double p = promised(&rule, cases[i].champion, cases[i].challenger);
        int seen = promotions(&rule, cases[i].champion, cases[i].challenger);
        print_message("%.2f against %.2f, at most %d regressions: %d of %d promoted, promised %.4f\n", cases[i].challenger,
                      cases[i].champion, rule.max_regressions, seen, RUNS, p);
        assert_float_equal((double)seen / RUNS, p, 4 * sqrt(p * (1 - p) / RUNS) + 1.0 / RUNS);
        if (cases[i].champion == cases[i].challenger) {
            assert_true(p <= rule.alpha);
            assert_true(seen <= rule.alpha * RUNS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 8.2 verdicts and reasons", a_verdict_is_what_the_rows_say),
        row_test("promotion 8.2 all must hold", each_check_alone_holds_a_challenger_back),
        row_test("promotion 8.2 thresholds are passed when met", a_value_at_its_threshold_passes),
        row_test("promotion 8.2 ties count; a regression is below -0.05", ties_count_as_no_loss_and_small_losses_are_no_regression),
        row_test("promotion 13 cost rule off at champion cost 0", cost_is_not_asked_when_the_champion_cost_nothing),
        cmocka_unit_test(arms_that_cannot_be_compared_are_inconclusive),
        cmocka_unit_test(unknown_models_are_said),
        row_test("promotion 8.1 a sanity run holds", a_sanity_run_promotes_nothing),
        cmocka_unit_test(fewer_pairs_than_asked_are_inconclusive),
        row_test("promotion 8.1 what did not run is never credited", what_did_not_run_helps_no_challenger),
        row_test("promotion 8.2 delta per task present in both arms", tasks_of_one_arm_are_left_out_and_said),
        cmocka_unit_test(repeats_of_a_task_are_one_pair_of_means),
        cmocka_unit_test(twice_as_many_repeats_are_not_twice_as_dear),
        cmocka_unit_test(a_verdict_has_categories_cost_and_time),
        row_test("promotion 8.2 the verdict's shape and its two win rates", the_documents_say_it),
        cmocka_unit_test(a_report_is_an_arm),
        cmocka_unit_test(equal_arms_are_promoted_no_more_often_than_alpha),
        cmocka_unit_test(the_other_checks_alone_promote_equal_arms_once_in_eight),
        cmocka_unit_test(two_hundred_runs_are_promoted_as_often_as_promised),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
