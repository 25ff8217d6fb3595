/* The labeller's ladder, and what a labelled trace keeps (promotion.md section 3). */
#include "unit/fixtures.h"
#include "unit/test.h"

#include <string.h>

#include "gate/label.h"
#include "gate/trace_page.h"

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

static const struct rung {
    const char *step, *label, *reason;
} rungs[] = {
    {"{'success':true,'data':'behind Cloudflare now','observed_outcome':'x'}", "negative", "escalation"},
    {"{'success':false,'data':'PAGE_BLOCKED'}", "negative", "escalation"},
    {"{'success':true,'data':'rejected_incomplete: price'}", "negative", "escalation"},
    {"{'success':true,'data':'AntiBot'}", "negative", "escalation"},
    {"{'success':true,'data':'page_exhausted'}", "negative", "escalation"},
    {"{'success':true,'data':'scan_error: no reader'}", "negative", "escalation"},
    {"{'success':false,'data':'gate:PASS','observed_outcome':'url changed'}", "negative", "failed_step"},
    {"{'data':'gate:PASS'}", "negative", "failed_step"},
    {"{}", "negative", "failed_step"},
    {"{'success':true,'data':'gate:PASS the list','observed_outcome':'x'}", "positive", "gate_verify_pass"},
    {"{'success':true,'data':'gate:pass the list'}", "neutral", "success_no_delta"},
    {"{'success':true,'data':'a gate:PASS'}", "neutral", "success_no_delta"},
    {"{'success':true,'observed_outcome':'url changed'}", "positive", "success_with_observed_delta"},
    {"{'success':true,'observed_outcome':''}", "neutral", "success_no_delta"},
    {"{'success':true}", "neutral", "success_no_delta"},
    {"{'success':'yes','data':7,'observed_outcome':null}", "negative", "failed_step"},
};

static void the_first_rung_that_holds_counts(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
        struct label got = label_step(json_of(pool, rungs[i].step));
        if (strcmp(got.label, rungs[i].label) || strcmp(got.reason, rungs[i].reason))
            fail_msg("%s: %s, %s", rungs[i].step, got.label, got.reason);
    }
}

static const json_t *labelled(const char *trace)
{
    json_t *out;
    struct err err = {0};
    if (label_trace(json_of(pool, trace), "in/r1.json", &out, &err))
        fail_msg("%s", err.msg);
    return json_keep(pool, out);
}

static void it_keeps_what_later_stages_need(void **state)
{
    const json_t *l = labelled(
        "{'schema_version':3,'run_id':'r1','tenant_id':'acme','session_name':'s','plan_signature':'5b1e',"
        "'variant':'candidate','status':'completed','costs':{'total':0.1},'steps':[{'step_index':4,'plan_step':2,"
        "'intent':'i','type':'click','success':true,'data':'d','last_action':{'action_type':'click'},"
        "'predicted_outcome':'p','observed_outcome':'o','reasoning':'r','envelope':{}}]}");
    assert_string_equal(
        json_text(pool, l),
        "{\"schema_version\":3,\"run_id\":\"r1\",\"tenant_id\":\"acme\",\"status\":\"completed\","
        "\"variant\":\"candidate\",\"plan_signature\":\"5b1e\",\"costs\":{\"total\":0.1},"
        "\"source_path\":\"in/r1.json\",\"label_summary\":{\"positive\":1,\"negative\":0,\"neutral\":0},"
        "\"steps\":[{\"step_index\":4,\"plan_step\":2,\"intent\":\"i\",\"type\":\"click\",\"success\":true,"
        "\"data\":\"d\",\"last_action\":{\"action_type\":\"click\"},\"predicted_outcome\":\"p\","
        "\"observed_outcome\":\"o\",\"label\":\"positive\",\"label_reason\":\"success_with_observed_delta\"}]}");
}

static void earlier_versions_are_read(void **state)
{
    const json_t *one = labelled("{'run_id':'r1','steps':[{'success':true},{'success':false}]}");
    assert_int_equal(json_int(one, "schema_version", 0), 1);
    assert_string_equal(json_str(one, "variant", "-"), "");
    assert_int_equal(json_int(json_array_get(json_object_get(one, "steps"), 1), "step_index", -1), 1);
    const struct label_counts n = label_counts_of(one);
    assert_int_equal(n.negative, 1);
    assert_int_equal(n.neutral, 1);
    assert_string_equal(json_str(labelled("{'schema_version':2,'variant':'baseline','steps':[]}"), "variant", ""),
                        "baseline");
}

static void what_is_no_trace_is_refused(void **state)
{
    static const struct {
        const char *doc, *says;
    } rows[] = {{"[]", "no trace"},
                {"{'steps':7}", "no trace"},
                {"{'schema_version':4,'steps':[]}", "'schema_version' 4 is not known"},
                {"{'schema_version':'3','steps':[]}", "is not known"},
                {"{'steps':[{'success':true},5]}", "steps[1] must be an object"},
                {"{'steps':[{'success':'yes'}]}", "steps[0] must be an object whose 'success' is"},
                {"{'steps':[],'label_summary':{}}", "labelled already"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct err err = {0};
        json_t *out;
        assert_int_equal(label_trace(json_of(pool, rows[i].doc), "f", &out, &err), E_INVALID);
        if (!strstr(err.msg, rows[i].says))
            fail_msg("%s: %s", rows[i].doc, err.msg);
    }
}

/* --- the page ---------------------------------------------------------------------------------- */

static void text_of_a_page_is_never_markup(void **state)
{
    const char *page;
    const json_t *l = labelled(
        "{'run_id':'<script>1</script>','steps':[{'success':true,'type':'<b>','data':'<img src=x onerror=alert(1)>',"
        "'intent':'&\\u0022','last_action':{'action_type':'type_text','params':{'text':'<i>'}}}]}");
    assert_int_equal(trace_page(pool, l, "", &page, NULL), 0);
    static const char *const never[] = {"<script", "<b>", "<img", "<i>", "http://", "https://", "javascript:"};
    for (size_t i = 0; i < ARRAY_SIZE(never); i++)
        if (strstr(page, never[i]))
            fail_msg("the page holds %s", never[i]);
    assert_non_null(strstr(page, "&lt;img src=x"));
    assert_non_null(strstr(page, "default-src 'none'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 3 the first rung of the ladder that holds labels a step", the_first_rung_that_holds_counts),
        row_test("promotion 3 a labelled trace keeps variant, signature, version and costs", it_keeps_what_later_stages_need),
        row_test("promotion 2.1 traces of versions 1 and 2 are read, absent keys are empty", earlier_versions_are_read),
        row_test("promotion 3 what is labelled is not labelled again", what_is_no_trace_is_refused),
        cmocka_unit_test(text_of_a_page_is_never_markup),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
