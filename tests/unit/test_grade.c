/* What a run is submitted as, and what is made of its documents. */
#include "unit/test.h"

#include <string.h>

#include "cmd/batch.h"
#include "gate/grade.h"
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

/* --- documents -------------------------------------------------------------------------------- */

static void a_result_says_status_address_rows_and_cost(void **state)
{
    struct outcome o = {.error = ""};
    grade_result(
        pool,
        json_of(pool,
                "{'status':'succeeded','result':{'final_url':'https://x.example/"
                "done','costs':{'total':0.31},"
                "'leads':[{'a':1}],'artifacts':[{'name':'extracted_rows','data':[{'b':2}]}]}}"),
        &o);
    assert_true(o.success);
    assert_string_equal(o.url, "https://x.example/done");
    assert_string_equal(o.output, "[{\"b\":2}]");
    assert_float_equal(o.cost, 0.31, 1e-9);
    assert_string_equal(o.error, "");
}

static void only_a_run_that_was_carried_out_is_judged(void **state)
{
    static const struct {
        const char *status;
        bool ran, success;
    } rows[] = {{"succeeded", true, true},   {"completed_with_failures", true, false},
                {"halted", true, false},     {"failed", false, false},
                {"cancelled", false, false}, {"timeout", false, false},
                {"", false, false}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct outcome o = {.error = ""};
        grade_result(
            pool, json_of(pool, pool_printf(pool, "{'status':'%s','result':{}}", rows[i].status)),
            &o);
        assert_int_equal(o.success, rows[i].success);
        assert_int_equal(*o.error == '\0', rows[i].ran);
        assert_int_equal(grade_ran(rows[i].status), rows[i].ran);
    }
}

static bool passes(const char *verdict, const char *rows)
{
    struct outcome o = {.error = "", .success = true};
    const json_t *reply = json_of(
        pool,
        pool_printf(pool, "{'result':{'artifacts':[{'name':'extracted_rows','data':%s}]}}", rows));
    grade_oracle(pool, json_of(pool, "{'rows':['title','price']}"), json_of(pool, verdict), reply,
                 &o);
    assert_int_equal(json_flag(json_object_get(o.raw, "oracle"), "passed", !o.success), o.success);
    return o.success;
}

static void the_oracle_decides_and_rows_must_be_the_true_ones(void **state)
{
    const char *truth =
        "{'passed':true,'score':1,'rows':[{'title':'A','price':'$1'},{'title':'B','price':'$2'}]}";
    assert_true(
        passes(truth, "[{'title':'B','price':'$2','more':1},{'title':' A ','price':'$1'}]"));
    assert_false(passes(truth, "[{'title':'A','price':'$1'}]"));
    assert_false(passes(truth, "[{'title':'A','price':'$1'},{'title':'B','price':'$3'}]"));
    assert_false(passes(
        truth,
        "[{'title':'A','price':'$1'},{'title':'B','price':'$2'},{'title':'B','price':'$2'}]"));
    assert_false(passes("{'passed':false,'reasons':['no']}", "[]"));
    struct outcome o = {.error = "", .success = true};
    grade_oracle(pool, json_of(pool, "{}"),
                 json_of(pool, "{'passed':false,'reasons':['nothing was sent']}"),
                 json_of(pool, "{}"), &o);
    assert_false(o.success);
}

/* --- bodies
 * ----------------------------------------------------------------------------------------------------
 */

static json_t *body_of(const char *task, const char *env_url, const struct batch_caps *caps)
{
    static struct batch_arm arm;
    struct task_file file;
    struct err err = {0};
    arm =
        (struct batch_arm){.label = "eval-cand", .challenger_model = "fara", .cua_model = "holo3"};
    struct batch b = {.pool = pool, .tag = "0a1b2c3d", .caps = *caps};
    assert_int_equal(
        task_file_parse(pool, json_of(pool, pool_printf(pool, "[%s]", task)), "t", &file, &err), 0);
    struct batch_run run = {.arm = &arm, .task = &file.tasks[0], .run_id = ""};
    return batch_body(pool, &b, &run, env_url);
}

static const struct batch_caps no_caps,
    gate_caps = {.max_cost = 2, .max_steps = 25, .max_minutes = 12, .no_proxy = true};

static void steps_stand_before_words_and_open_the_address(void **state)
{
    const json_t *body =
        body_of("{'task_id':'forms.t1','plan_text':'never','url':'https://x.example/',"
                "'micro_plan':[{'type':'click','intent':'Press it at {env_url} or {{ENV_URL}}'}]}",
                "http://127.0.0.1:9", &gate_caps);
    const json_t *suite = json_object_get(body, "task_suite"),
                 *steps = json_object_get(suite, "_micro_plan");
    assert_string_equal(json_str(suite, "session_name", ""), "forms.t1");
    assert_int_equal(json_array_size(steps), 2);
    assert_string_equal(json_str(json_array_get(steps, 0), "type", ""), "navigate");
    assert_string_equal(json_str(json_object_get(json_array_get(steps, 0), "params"), "url", ""),
                        "https://x.example/");
    assert_string_equal(json_str(json_array_get(steps, 1), "intent", ""),
                        "Press it at http://127.0.0.1:9 or http://127.0.0.1:9");
    assert_string_equal(json_str(suite, "_challenger_model", ""), "fara");
    assert_true(json_flag(suite, "_proxy_disabled", false));
    assert_null(json_object_get(body, "plan_text"));
    assert_string_equal(json_str(body, "profile_id", ""), "eval-cand-forms.t1-0a1b2c3d");
    assert_string_equal(json_str(body, "workflow_id", ""), "eval-cand-forms.t1-0a1b2c3d");
    assert_true(json_flag(body, "detached", false));
    assert_int_equal(json_int(body, "max_steps", 0), 25);
    assert_int_equal(json_int(body, "max_time_minutes", 0), 12);
    assert_float_equal(json_num(body, "max_cost", 0), 2, 0);
}

static void words_fall_back_to_the_text_and_the_name(void **state)
{
    static const struct {
        const char *task, *words;
    } rows[] = {{"{'task_id':'a','task_text':'text','plan_text':'words'}", "words"},
                {"{'task_id':'a','task_text':'text'}", "text"},
                {"{'task_id':'a'}", "a"},
                {"{'task_id':'a','plan_text':'Press Go.','url':'https://x.example/p'}",
                 "Open https://x.example/p. Press Go."}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const json_t *body = body_of(rows[i].task, "", &no_caps);
        assert_string_equal(json_str(body, "plan_text", ""), rows[i].words);
        assert_null(json_object_get(body, "task_suite"));
        assert_string_equal(json_str(body, "challenger_model", ""), "fara");
        assert_int_equal(json_int(body, "max_time_minutes", 0), 30);
    }
}

static void an_instruction_begins_at_the_sites_address(void **state)
{
    const json_t *body =
        body_of("{'task_id':'crm.x.cua','task_text':'Press Go at {env_url}',"
                "'metadata':{'mode':'cua','env':'mantis_crm','start_path':'/login'}}",
                "http://127.0.0.1:9", &no_caps);
    assert_string_equal(json_str(body, "instruction", ""), "Press Go at http://127.0.0.1:9");
    assert_string_equal(json_str(body, "start_url", ""), "http://127.0.0.1:9/login");
    assert_string_equal(json_str(body, "challenger_model", ""), "fara");
    assert_null(json_object_get(body, "plan_text"));
}

static void a_long_name_is_cut_and_stays_fresh(void **state)
{
    const char *task = pool_printf(pool, "{'task_id':'%0200d'}", 7);
    const char *profile = json_str(body_of(task, "", &no_caps), "profile_id", "");
    assert_true(strlen(profile) <= 96);
    assert_non_null(strstr(profile, "-0a1b2c3d"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_says_status_address_rows_and_cost),
        cmocka_unit_test(only_a_run_that_was_carried_out_is_judged),
        cmocka_unit_test(the_oracle_decides_and_rows_must_be_the_true_ones),
        cmocka_unit_test(steps_stand_before_words_and_open_the_address),
        cmocka_unit_test(words_fall_back_to_the_text_and_the_name),
        cmocka_unit_test(an_instruction_begins_at_the_sites_address),
        cmocka_unit_test(a_long_name_is_cut_and_stays_fresh),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
