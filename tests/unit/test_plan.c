#include "unit/test.h"

#include <string.h>

#include "core/plan.h"

static struct pool *pool;

static int setup(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int teardown(void **state)
{
    pool_destroy(pool);
    return 0;
}

static json_t *parse(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    return json_keep(pool, v);
}

static void a_plan_survives_the_way_to_the_store_and_back(void **state)
{
    struct err err = {0};
    struct plan *plan;
    json_t *in = parse(
        "{\"steps\":[{\"type\":\"loop\",\"intent\":\"again\",\"verify\":\"v\",\"budget\":7,"
        "\"reverse\":\"escape\","
        "\"grounding\":true,\"claude_only\":true,\"section\":\"extraction\",\"required\":true,"
        "\"gate\":true,"
        "\"loop_target\":2,\"loop_count\":3,\"stop_var\":\"a\",\"condition_var\":\"b\",\"then_"
        "target\":4,"
        "\"else_target\":5,\"guard\":\"c\",\"out_var\":\"d\",\"params\":{\"x\":1},\"hints\":{\"y\":"
        "[2]},"
        "\"extract\":{\"z\":\"3\"}}],"
        "\"runtime\":{\"max_cost\":1.5,\"max_time_minutes\":4,\"compute_backend\":\"computer_"
        "plane\","
        "\"settle_ceiling_seconds\":2.5,\"max_recoveries_per_run\":1,\"max_recoveries_per_step\":2,"
        "\"state_repeat_threshold\":3,\"pinned_source_url_pattern\":\"p\",\"off_source_step_"
        "budget\":4,"
        "\"extractor_model\":\"m\",\"brain_budgets\":{\"click\":9},\"pause_on_captcha\":false,\"proxy_disabled\":true},"
        "\"session_name\":\"s\",\"domain\":\"d\",\"name\":\"n\",\"signature\":\"abc\","
        "\"pagination_url_template\":\"t\",\"site_config\":{\"k\":true},\"warnings\":[\"w\"]}");
    assert_int_equal(plan_from_json(pool, in, &plan, &err), 0);
    json_t *back = json_keep(pool, plan_to_json(plan));
    assert_string_equal(json_canonical(pool, back), json_canonical(pool, in));
    assert_true(plan->runtime.has_pause_on_captcha);
    assert_false(plan->runtime.pause_on_captcha);
}

static void a_stored_plan_without_steps_is_refused(void **state)
{
    struct err err = {0};
    struct plan *plan = NULL;
    assert_int_equal(plan_from_json(pool, parse("{\"steps\":3}"), &plan, &err), E_INVALID);
    assert_int_equal(plan_from_json(pool, parse("{\"steps\":[{\"type\":\"\"}]}"), &plan, &err),
                     E_INVALID);
    assert_null(plan);
}

static void the_first_address_of_a_sentence_is_found(void **state)
{
    static const char *const cases[][2] = {
        {"Open https://a.test/x?y=1 now", "https://a.test/x?y=1"},
        {"Open https://a.test/, then", "https://a.test/"},
        {"Open (http://a.test/b).", "http://a.test/b"},
        {"see https://en.test/wiki/C_(lang)", "https://en.test/wiki/C_(lang)"},
        {"'https://a.test/q'", "https://a.test/q"},
        {"HTTP://A.test/Q", "HTTP://A.test/Q"},
        {"<https://a.test>", "https://a.test"},
        {"https:// https://b.test", "https://b.test"},
        {"ftp://a.test http:/a", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *url = plan_first_url(pool, cases[i][0]);
        if (cases[i][1])
            assert_string_equal(url, cases[i][1]);
        else
            assert_null(url);
    }
}

static void the_intent_carries_the_address_before_the_params(void **state)
{
    struct step step = {.intent = "Open https://a.test/",
                        .params = parse("{\"url\":\"https://b.test/\"}")};
    assert_string_equal(step_url(pool, &step), "https://a.test/");
    step.intent = "Open the shop";
    assert_string_equal(step_url(pool, &step), "https://b.test/");
    step.params = parse("{}");
    assert_null(step_url(pool, &step));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plan_survives_the_way_to_the_store_and_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stored_plan_without_steps_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_address_of_a_sentence_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(the_intent_carries_the_address_before_the_params, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
