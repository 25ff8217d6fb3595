/*
 * Money before and after calls: purses, the worst case, and runs and tenants against their caps
 * over real sockets and a scripted model server.
 */
#include "unit/gateway_rig.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

#define CHAT    "/chatty/chat/completions"
#define MESSAGE "/claude/messages"
#define SONNET  "claude-sonnet-4-6"
#define USED    "\"usage\":{\"input\":500,\"output\":50}"
#define COST    (500 * 3e-6 + 50 * 15e-6) /* of one such answer, by agent-loop 17 */

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* --- purses ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    struct purse purse;
    double usd;
    enum purse_answer answer;
} purses[] = {
    {{0, 100, 100}, 1000, PURSE_YES}, /* no cap */
    {{1, 0, 0}, 1, PURSE_YES},
    {{1, 0, 0}, 1.01, PURSE_NO},
    {{1, .4, .3}, .3, PURSE_YES},
    {{1, .4, .3}, .31, PURSE_LATER},
    {{1, .4, .3}, .6, PURSE_LATER},
    {{1, .4, .3}, .61, PURSE_NO}, /* not even when all that is held comes to nothing */
    {{1, 1.2, 0}, .01, PURSE_NO},
    {{1, .1 + .2, 0}, .7, PURSE_YES}, /* sums of fractions are not exact */
};
/* clang-format on */

static void a_purse_says_yes_later_or_no(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(purses); i++)
        assert_int_equal(purse_ask(&purses[i].purse, purses[i].usd), purses[i].answer);
    struct purse p = {.cap = 1};
    purse_hold(&p, .5);
    assert_true(near(purse_room(&p), .5));
    purse_settle(&p, .5, .2);
    assert_true(near(p.spent, .2) && p.held == 0 && near(purse_room(&p), .8));
}

/* --- the worst case -------------------------------------------------------------------------- */

/* A PNG's beginning: 1280 x 720. */
#define PNG_1280 "iVBORw0KGgoAAAANSUhEUgAABQAAAALQCAIAAAA"

static struct worst worst_case(const char *body)
{
    struct cost_rates rates;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    struct worst worst;
    cost_rates_read(NULL, &rates);
    if (worst_cost(pool, body, strlen(body), &rates, &worst, &err))
        fail_msg("%s", err.msg);
    worst.model = NULL; /* it goes with the pool */
    pool_destroy(pool);
    return worst;
}

static double worst_of(const char *body)
{
    return worst_case(body).usd;
}

static char *digits(struct pool *pool, size_t n)
{
    char *out = pool_alloc(pool, n + 1);
    memset(out, 'A', n);
    return out;
}

/* What is cut from a body before it is read is a picture, or counted as the text that it is. */
static void only_pictures_weigh_less_than_their_bytes(void **state)
{
    const double write = 3.75e-6;
    struct pool *pool = pool_create(NULL);
    const char *many = digits(pool, 100000);
#define WITH(content)                                                                              \
    pool_printf(pool, "{\"model\":\"" SONNET "\",\"max_tokens\":1,\"messages\":[" content "]}",    \
                many)
    double empty = worst_of("{\"model\":\"" SONNET "\",\"max_tokens\":1,\"messages\":[]}");
    const char *const pictures[] = {
        WITH("{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"" PNG_1280 "%s\"}"),
        WITH("{\"media_type\":\"image/png\",\"data\": \"" PNG_1280 "%s==\"}"),
        WITH("\"data:image/png;base64," PNG_1280 "%s\""),
    };
    const char *const texts[] = {
        WITH("{\"data\":\"%s\"}"),
        WITH("\"look: data:image/png;base64,%s\""),
        WITH("\"\\\"data\\\":\\\"%s\""),
        WITH("\"%s\""),
    };
#undef WITH
    for (size_t i = 0; i < ARRAY_SIZE(pictures); i++)
        if (worst_of(pictures[i]) - empty > 1700 * write ||
            worst_of(pictures[i]) - empty < 1229 * write)
            fail_msg("picture %zu: %f", i, (worst_of(pictures[i]) - empty) / write);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (worst_of(texts[i]) - empty < 49900 * write)
            fail_msg("text %zu: %f", i, (worst_of(texts[i]) - empty) / write);
    pool_destroy(pool);
}

static void the_worst_case_is_text_pictures_and_all_of_the_answer(void **state)
{
    const double write = 3.75e-6, out = 15e-6; /* sonnet; the dearest input is one that is kept */
    const char *plain = "{\"model\":\"" SONNET "\",\"max_tokens\":1000,\"messages\":[]}";
    const char *anthropic =
        "{\"model\":\"" SONNET "\",\"max_tokens\":1000,\"messages\":[{\"type\":\"base64\","
        "\"media_type\":\"image/png\",\"data\":\"" PNG_1280 "\"}]}";
    const char *unknown =
        "{\"model\":\"" SONNET "\",\"max_tokens\":1000,\"messages\":[{\"type\":\"base64\","
        "\"media_type\":\"image/webp\",\"data\":\"UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEA\"}]}";
    const char *openai =
        "{\"model\":\"" SONNET
        "\",\"max_tokens\":1000,\"messages\":[\"data:image/png;base64," PNG_1280 "\"]}";
    double base = worst_of(plain);
    assert_true(base > 1000 * out + 2000 * write && base < 1000 * out + 2100 * write);
    double image = worst_of(anthropic) - base, other = worst_of(unknown) - base;
    assert_true(image > 1229 * write && image < 1600 * write); /* Anthropic counts w*h/750 = 1229 */
    assert_true(other > 5000 * write);
    assert_true(worst_of(openai) - base > 1229 * write && worst_of(openai) - base < 1600 * write);
    assert_true(worst_of("{\"model\":\"someone\",\"max_tokens\":1000,\"messages\":[]}") >
                1000 * 75e-6);
}

static void the_largest_limit_counts_for_each_answer(void **state)
{
    static const struct {
        const char *limits;
        int tokens; /* of answers */
    } rows[] = {
        {"\"max_tokens\":100", 100},
        {"\"max_completion_tokens\":100", 100},
        {"\"max_tokens\":10,\"max_completion_tokens\":100", 100},
        {"\"max_tokens\":100,\"max_completion_tokens\":10", 100},
        {"\"max_tokens\":100,\"n\":8", 800},
        {"\"max_tokens\":10,\"max_completion_tokens\":100,\"n\":3", 300},
        {"\"max_tokens\":100,\"n\":0", 100},
        {"\"max_tokens\":100,\"n\":null", 100},
        {"\"max_tokens\":0,\"max_completion_tokens\":null,\"n\":2", 2 * 4096},
    };
    const double write = 3.75e-6, out = 15e-6;
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        double usd = worst_of(pool_printf(pool, "{\"model\":\"" SONNET "\",%s}", rows[i].limits));
        if (usd < rows[i].tokens * out + 2000 * write || usd > rows[i].tokens * out + 2100 * write)
            fail_msg("%s: %f", rows[i].limits, usd);
    }
    pool_destroy(pool);
}

static void prices_are_a_setting(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {{"[]", "must be a JSON object"},
                 {"{\"m\":[1,2,3]}", "the price of 'm'"},
                 {"{\"m\":[1,2,3,-1]}", "the price of 'm'"},
                 {"{\"m\":[1,2,3,\"4\"]}", "the price of 'm'"},
                 {"{", "price table"}};
    struct pool *pool = pool_create(NULL);
    const json_t *models;
    struct cost_rates rates;
    const struct token_use use = {1000000, 1000000, 0, 0};
    cost_rates_read(NULL, &rates);
    assert_int_equal(cost_prices_parse(pool, "", &models, NULL), 0);
    assert_null(models);
    const char *text = "{\"holo3\":[1,2,0,0],\"holo3-big\":[5,6,0,0],\"haiku-4-5\":[7,7,0,0]}";
    assert_int_equal(cost_prices_parse(pool, text, &rates.models, NULL), 0);
    assert_true(near(cost_of_tokens(&rates, "holo3-35b", &use), 3));
    assert_true(near(cost_of_tokens(&rates, "holo3-big-2", &use), 11));
    assert_true(near(cost_of_tokens(&rates, "claude-haiku-4-5-2025", &use), 14));
    assert_true(near(cost_of_tokens(&rates, SONNET, &use), 18));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct err err = {0};
        assert_int_equal(cost_prices_parse(pool, wrong[i].text, &models, &err), E_INVALID);
        if (!strstr(err.msg, wrong[i].says))
            fail_msg("%s: %s", wrong[i].text, err.msg);
    }
    pool_destroy(pool);
}

/* --- runs ------------------------------------------------------------------------------------ */

#define CALLS 1000

/* Every answer costs less than its worst case: what is left over must become further calls. */
static void a_thousand_calls_at_once_spend_the_cap_and_no_more(void **state)
{
    static struct asked *all[CALLS];
    int n[2] = {0};
    rig_set_up("[{\"text\":\"hello\"," USED "}]");
    rig_secret("hai_api_key", RIG_KEY);
    struct gateway_run *run = rig_run("acme", "r1", 1);
    const char *body = rig_message(SONNET, "hi", 400);
    struct worst whole = worst_case(body);
    double least = worst_cut(&whole, 25); /* profiles/claude.json */
    assert_true(whole.usd > least && least > 2 * COST);
    for (int i = 0; i < CALLS; i++)
        all[i] = rig_send(run, MESSAGE, body);
    rig_await_all(all, CALLS);
    for (int i = 0; i < CALLS; i++) {
        if (all[i]->status != 200 && all[i]->status != 402)
            fail_msg("call %d: %d %s", i, all[i]->status, all[i]->body);
        assert_true(all[i]->status == 200 || !strcmp(all[i]->error, "budget_cap"));
        n[all[i]->status == 200]++;
    }
    assert_true(near(run->purse.spent, n[1] * COST));
    assert_true(run->purse.held == 0 && run->purse.spent <= 1);
    /* who was refused did not fit into what was left after all was settled */
    assert_true(run->purse.spent + least > 1);
    assert_int_equal(n[1], (int)floor((1 - least) / COST) + 1);
    assert_int_equal(n[0] + n[1], CALLS);
    assert_int_equal(model_server_count(rig.server), n[1]);
    print_message("%d calls for %.4f USD of 1, %d refused; the next might have cost %.4f\n", n[1],
                  run->purse.spent, n[0], least);
    rig_tear_down();
}

static int64_t asked_for(void)
{
    const json_t *sent = rig_sent();
    const json_t *last = json_array_get(sent, json_array_size(sent) - 1);
    return json_int(json_object_get(last, "body"), "max_tokens", 0);
}

/* Of what a cap leaves an answer is paid for, as long as that is; a quarter of what was asked for is the least. */
static void an_answer_is_as_long_as_there_is_money_for(void **state)
{
    static const struct {
        double answers; /* of all its tokens, beside its question, there is money for */
        int status;
        int64_t tokens;
    } rows[] = {{1, 200, 4000}, {.5, 200, 2000}, {.25, 200, 1000}, {.2499, 402, 0}};
    rig_set_up("[{\"text\":\"hello\"," USED "}]");
    const char *body = rig_message(SONNET, "hi", 4000);
    struct worst whole = worst_case(body);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        double cap = whole.usd - (1 - rows[i].answers) * 4000 * whole.token_usd;
        struct gateway_run *run = rig_run("acme", pool_printf(rig.pool, "r%zu", i), cap);
        struct asked *a = rig_ask(run, MESSAGE, body);
        assert_int_equal(a->status, rows[i].status);
        if (rows[i].tokens)
            assert_int_equal(asked_for(), rows[i].tokens);
        assert_true(run->purse.spent <= cap && run->purse.held == 0);
    }
    rig_tear_down();
}

/* It had all its time: that there was no money for more tokens is not why. */
static void a_cut_answer_that_takes_too_long_is_no_matter_of_money(void **state)
{
    rig_set_up("[{\"when\":\"again\",\"fault\":\"silence\"},{\"text\":\"hello\"," USED "}]");
    const char *body = rig_message(SONNET, "again", 4000);
    struct worst whole = worst_case(body);
    assert_int_equal(rig_ask(rig_run("acme", "r1", 1), MESSAGE, rig_message(SONNET, "hi", 400))->status, 200);
    for (struct known *k = rig.gateway->known; k; k = k->next)
        ((struct profile *)(uintptr_t)k->profile)->timeout_s = 1;
    struct gateway_run *run = rig_run("acme", "r2", whole.usd - 2000 * whole.token_usd);
    struct asked *a = rig_ask(run, MESSAGE, body);
    assert_int_equal(asked_for(), 2000);
    assert_string_equal(a->error, err_name(E_TIMEOUT));
    rig_tear_down();
}

/* What it thinks is not cut, nor what names its limit otherwise. */
static void only_words_are_cut_from_an_answer(void **state)
{
    static const struct {
        const char *limits;
        double cut; /* tokens, at a quarter */
    } rows[] = {{"\"max_tokens\":4000", 3000},
                {"\"max_tokens\":4000,\"thinking\":{\"budget_tokens\":2000}", 1500},
                {"\"max_tokens\":4000,\"thinking\":{\"budget_tokens\":9000}", 0},
                {"\"max_tokens\":4000,\"thinking\":{\"budget_tokens\":-9223372036854775807}", 3000},
                {"\"max_tokens\":4000,\"n\":2", 3000},
                {"\"max_tokens\":4000,\"max_completion_tokens\":10", 0},
                {"\"max_completion_tokens\":4000", 0},
                {"\"n\":1", 0}};
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct worst w =
            worst_case(pool_printf(pool, "{\"model\":\"" SONNET "\",%s}", rows[i].limits));
        double least = worst_cut(&w, 25);
        if (!near(w.usd - least, rows[i].cut * w.token_usd))
            fail_msg("%s: %f of %f", rows[i].limits, least, w.usd);
        assert_true(near(worst_cut(&w, 100), w.usd));
        assert_int_equal(worst_tokens(&w, least), w.max_tokens - (int64_t)rows[i].cut);
        assert_int_equal(worst_tokens(&w, 2 * w.usd), w.max_tokens);
    }
    pool_destroy(pool);
}

static void tell_total(struct gateway_run *run, double usd)
{
    gateway_told_cost(run, json_keep(rig.pool, json_pack("{s:f}", "total", usd)));
}

static void what_is_not_answered_counts_as_it_may_have_cost(void **state)
{
    rig_set_up("[{\"when\":\"error\",\"status\":500,\"message\":\"no\"},{\"when\":\"cut\",\"text\":"
               "\"one two\",\"fault\":\"cut\"},"
               "{\"when\":\"bad\",\"text\":\"x\",\"fault\":\"bad_json\"},{\"text\":\"hello\"," USED
               "}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    rig_ask(run, MESSAGE, rig_message(SONNET, "error", 100));
    assert_true(run->purse.spent == 0); /* an error costs nothing */
    rig_ask(run, MESSAGE, rig_message(SONNET, "hi", 100));
    assert_true(near(run->purse.spent, COST));
    const char *cut = rig_message(SONNET, "cut", 100), *bad = rig_message(SONNET, "bad", 100);
    rig_ask(run, MESSAGE, cut);
    assert_true(near(run->purse.spent, COST + worst_of(cut)));
    rig_ask(run, MESSAGE, bad);
    assert_true(near(run->purse.spent, COST + worst_of(cut) + worst_of(bad)));
    double before = run->purse.spent;
    tell_total(run, before / 2); /* the worker knows of less */
    assert_true(near(run->purse.spent, before));
    tell_total(run, .5); /* and of other things */
    assert_true(near(run->purse.spent, .5));
    gateway_close(run);
    run = rig_run("acme", "r1", 1); /* the next attempt */
    assert_true(near(run->purse.spent, .5));
    gateway_forget(rig.gateway, RUN_KEY("acme", "r1"));
    run = rig_run("acme", "r1", 1);
    assert_true(run->purse.spent == 0);
    rig_tear_down();
}

static const json_t *row_of(const json_t *checkpoint, const char *path)
{
    const json_t *by_path = json_object_get(checkpoint, "claude_cost_by_path");
    return json_object_get(json_object_get(by_path, "by_path"), path);
}

static double total_of(const json_t *checkpoint)
{
    return json_num(json_object_get(checkpoint, "costs"), "total", 0);
}

/* The worker has counted one of four calls: of the others one was answered, one cut, and one is of
 * an earlier attempt. */
static void what_nobody_counted_is_in_the_runs_costs(void **state)
{
    rig_set_up(
        "[{\"when\":\"cut\",\"text\":\"one two\",\"fault\":\"cut\"},{\"text\":\"hello\"," USED "}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    const char *cut = rig_message(SONNET, "cut", 100);
    const struct token_use use = {.input = 500, .output = 50};
    json_t *doc = json_keep(rig.pool, json_pack("{s:s,s:{},s:{}}", "run_key", "r1", "costs",
                                                "claude_cost_by_path"));
    json_t *costs = json_object_get(doc, "costs"),
           *by_path = json_object_get(doc, "claude_cost_by_path");
    rig_ask(run, MESSAGE, rig_message(SONNET, "hi", 100));
    cost_count_call(costs, by_path, &rig.gateway->rates, "extract", SONNET, &use);
    cost_update(costs, by_path, &rig.gateway->rates);
    json_t *same = json_keep(rig.pool, gateway_complete(run, doc));
    assert_ptr_equal(same, doc); /* nothing is missing */
    rig_ask(run, MESSAGE, rig_message(SONNET, "hi", 100));
    rig_ask(run, MESSAGE, cut);
    const json_t *whole = json_keep(rig.pool, gateway_complete(run, doc));
    const json_t *row = row_of(whole, "unanswered::" SONNET);
    assert_int_equal(json_int(row, "calls", 0), 2);
    assert_int_equal(json_int(row, "output_tokens", 0), 50); /* of a cut one they are not known */
    assert_true(near(json_num(row, "cost_usd", 0), COST + worst_of(cut)));
    assert_int_equal(json_int(row_of(whole, "extract::" SONNET), "calls", 0), 1);
    assert_true(near(total_of(whole), run->purse.spent));
    assert_true(near(total_of(doc), COST)); /* the worker's own is as it was */
    json_t *again = json_keep(rig.pool, gateway_complete(run, whole));
    assert_ptr_equal(again, whole);
    gateway_forget(rig.gateway, RUN_KEY("acme", "r1")); /* as when serve is started again */
    const struct gateway_client later = {
        .key = RUN_KEY("acme", "r1"), .max_cost = 1, .account = whole, .anthropic_secret = ""};
    run = gateway_open(rig.gateway, &later);
    assert_true(near(run->purse.spent, total_of(whole)));
    rig_ask(run, MESSAGE, rig_message(SONNET, "hi", 100));
    whole = json_keep(rig.pool, gateway_complete(run, whole));
    assert_int_equal(json_int(row_of(whole, "unanswered::" SONNET), "calls", 0), 3);
    assert_true(near(total_of(whole), 3 * COST + worst_of(cut)));
    rig_tear_down();
}

static void seconds_that_nobody_counted_are_in_the_runs_costs(void **state)
{
    rig_set_up("[{\"text\":\"late\",\"delay_ms\":10000}]");
    rig_pod(4, false);
    struct gateway_run *run = rig_run("acme", "r1", .003);
    const json_t *doc = json_keep(rig.pool, json_pack("{s:{s:f}}", "costs", "gpu_seconds", 1.0));
    rig_ask(run, CHAT, rig_chat("hi")); /* there is money for three seconds */
    const json_t *whole = json_keep(rig.pool, gateway_complete(run, doc));
    assert_true(json_num(json_object_get(whole, "costs"), "gpu_seconds", 0) > 2.9);
    assert_true(near(total_of(whole), run->purse.spent));
    rig_tear_down();
}

static void a_day_of_a_tenant_has_a_cap(void **state)
{
    rig_set_up("[{\"text\":\"hello\"," USED "}]");
    const char *body = rig_message(SONNET, "hi", 100);
    struct gateway_client a = {
        .key = RUN_KEY("acme", "a"), .day_cap = worst_of(body) + COST, .anthropic_secret = ""};
    struct gateway_client b = a, other = a;
    b.key = RUN_KEY("acme", "b");
    other.key = RUN_KEY("beta", "c");
    struct gateway_run *first = gateway_open(rig.gateway, &a),
                       *second = gateway_open(rig.gateway, &b);
    assert_int_equal(rig_ask(first, MESSAGE, body)->status, 200);
    assert_int_equal(rig_ask(second, MESSAGE, body)->status, 200);
    struct asked *third = rig_ask(first, MESSAGE, body);
    assert_int_equal(third->status, 402);
    assert_non_null(strstr(third->body, "max_cost_per_day"));
    assert_int_equal(rig_ask(gateway_open(rig.gateway, &other), MESSAGE, body)->status, 200);
    rig_tear_down();
}

/* 0.001 USD a second. */
static void the_pods_model_is_paid_by_the_second(void **state)
{
    rig_set_up("[{\"when\":\"slow\",\"text\":\"late\",\"delay_ms\":10000},{\"text\":\"hello\","
               "\"delay_ms\":50}]");
    rig_pod(4, false);
    struct gateway_run *run = rig_run("acme", "r1", .003);
    struct asked *a = rig_ask(run, CHAT, rig_chat("hi"));
    assert_int_equal(a->status, 200);
    assert_true(a->seconds > .045 && near(round(run->purse.spent * 1e6), round(a->seconds * 1e3)));
    int64_t begun = clock_mono_ms();
    a = rig_ask(run, CHAT, rig_chat("slow")); /* there is money for three seconds */
    assert_int_equal(a->status, 402);
    assert_string_equal(a->error, "budget_cap");
    assert_true(clock_mono_ms() - begun < 6000);
    assert_true(run->purse.spent <= .003 + .0005);
    assert_int_equal(rig_ask(run, CHAT, rig_chat("hi"))->status, 402);
    rig_tear_down();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_purse_says_yes_later_or_no),
    cmocka_unit_test(only_pictures_weigh_less_than_their_bytes),
    cmocka_unit_test(the_worst_case_is_text_pictures_and_all_of_the_answer),
    row_test("agent-loop 17 the worst case is the largest limit of an answer, n times",
             the_largest_limit_counts_for_each_answer),
    row_test("agent-loop 17 rates come from configuration, by model", prices_are_a_setting),
    row_test("agent-loop 17 a thousand calls at once against a cap of 1 USD: nothing over it, none "
             "refused that fits",
             a_thousand_calls_at_once_spend_the_cap_and_no_more),
    row_test("agent-loop 17 an answer is as long as there is money for, down to a part of it",
             an_answer_is_as_long_as_there_is_money_for),
    cmocka_unit_test(only_words_are_cut_from_an_answer),
    cmocka_unit_test(a_cut_answer_that_takes_too_long_is_no_matter_of_money),
    row_test("agent-loop 17 a call whose end is not known counts as what it may have cost",
             what_is_not_answered_counts_as_it_may_have_cost),
    row_test("agent-loop 17 a run's costs hold the calls that nobody counted",
             what_nobody_counted_is_in_the_runs_costs),
    row_test("agent-loop 17 a run's costs hold the model's seconds that nobody counted",
             seconds_that_nobody_counted_are_in_the_runs_costs),
    row_test("tenancy 7 the runs of a tenant's day have a cap within a call too",
             a_day_of_a_tenant_has_a_cap),
    row_test("agent-loop 17 the pod's model is paid by the second",
             the_pods_model_is_paid_by_the_second),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
