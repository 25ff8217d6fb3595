#include "unit/test.h"

#include <string.h>

#include "core/completeness.h"
#include "core/lead.h"
#include "core/result.h"
#include "core/schema.h"
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

static const struct result_context ctx = {
    .run_id = "r1", .model = "page", .provider = "mantis", .session_name = "", .profile_id = "",
    .workflow_id = "", .state_key = "", .plan_signature = "", .checkpoint_path = "",
    .terminal_status = "completed", .halt_reason = "",
};

static json_t *envelope(const char *checkpoint)
{
    return json_keep(pool, result_envelope(&ctx, json_of(pool, checkpoint)));
}

/* --- accounts -------------------------------------------------------------------------------- */

static void every_card_has_a_word(void **state)
{
    json_t *env = envelope(
        "{'accounts':[{'list':'listings','step_index':2,'page':1,'url':'http://a.test/','more':2,"
        "'items':{'1':{'title':'One','word':'emitted'},'2':{'title':'Two','word':'sponsored'},"
        "'3':{'title':'Three','word':''},'4':{'title':'Four','word':'missing_required:phone'}}}]}");
    json_t *one = json_array_get(json_object_get(env, "completeness"), 0);
    json_t *skipped = json_object_get(one, "skipped"), *s;
    size_t i;
    int64_t sum = 0;
    assert_int_equal(json_int(one, "seen", 0), 6);
    assert_int_equal(json_int(one, "emitted", 0), 1);
    assert_int_equal(json_int(one, "page", 0), 1);
    json_array_foreach (skipped, i, s) {
        sum += json_int(s, "count", 0);
        if (!*json_str(s, "why", ""))
            fail_msg("'%s' has no words", json_str(s, "reason", ""));
    }
    assert_int_equal(sum, 5);
    json_t *missing = json_array_get(skipped, 2);
    assert_string_equal(json_str(missing, "why", ""), "a required field could not be found: phone");
    assert_string_equal(json_string_value(json_array_get(json_object_get(missing, "examples"), 0)),
                        "Four");
}

static void the_rows_artifact_carries_the_account(void **state)
{
    json_t *env = envelope(
        "{'rows':[{'values':{'t':'A'},'evidence':{'t':{'frame':'0a'}},'image':{'name':"
        "'row_0001.png','bytes':9,'box':[0,0,5,5],'frame':'0a'}},{'values':{'t':'B'},"
        "'image_missing':'x'}],'accounts':[{'list':'rows','step_index':1,'url':'u',"
        "'counts':{'emitted':{'n':2,'examples':[]},'duplicate':{'n':1,'examples':[]}}}],"
        "'downloads':[{'name':'a_b.pdf','file_name':'a b.pdf','mime_type':'application/pdf',"
        "'bytes':12,'sha256':'00','source_url':'http://a.test/x'}]}");
    json_t *artifacts = json_object_get(env, "artifacts"), *rows = json_array_get(artifacts, 0);
    json_t *account = json_array_get(json_object_get(rows, "completeness"), 0);
    assert_int_equal(json_int(account, "seen", 0), 3);
    assert_int_equal(json_int(account, "emitted", 0), 2);
    json_t *file = json_loads(result_rows_json(pool, env), 0, NULL);
    json_t *first = json_array_get(file, 0);
    assert_string_equal(
        json_str(json_object_get(json_object_get(first, "_evidence"), "t"), "frame", ""), "0a");
    assert_string_equal(json_str(first, "_image", ""), "row_0001.png");
    assert_null(json_object_get(json_array_get(file, 1), "_image"));
    json_decref(file);
    assert_int_equal(json_array_size(artifacts), 6);
    json_t *picture = json_array_get(artifacts, 4), *download = json_array_get(artifacts, 5);
    assert_string_equal(json_str(picture, "download_url", ""),
                        "/v1/runs/r1/artifacts/row_0001.png");
    assert_int_equal(json_int(picture, "row", -1), 0);
    assert_string_equal(json_str(download, "name", ""), "a_b.pdf");
    assert_string_equal(json_str(download, "file_name", ""), "a b.pdf");
    assert_string_equal(json_str(download, "source_url", ""), "http://a.test/x");
    assert_int_equal(json_int(download, "bytes", 0), 12);
}

/* --- leads ----------------------------------------------------------------------------------- */

static void leads_are_the_same_by_their_address(void **state)
{
    static const struct {
        const char *line, *key;
    } cases[] = {
        {"VIABLE | Year: 2014 | URL: https://a.test/1", "https://a.test/1"},
        {"VIABLE | Url: https://a.test/1 | Year: 2015", "https://a.test/1"},
        {"VIABLE | url:https://a.test/1", "https://a.test/1"},
        {"VIABLE | Photo Url: https://a.test/9", "VIABLE | Photo Url: https://a.test/9"},
        {"VIABLE | Url: ", "VIABLE | Url: "},
        {"VIABLE | Make: A", "VIABLE | Make: A"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
         "89012345678901",
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
         "890123456789"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(lead_dedup_key(pool, cases[i].line), cases[i].key);
    json_t *env = envelope("{'extracted_leads':['VIABLE | Url: https://a.test/1','VIABLE | Year: 1 | "
                           "URL: https://a.test/1','VIABLE | Url: https://a.test/2']}");
    assert_int_equal(json_int(env, "viable", 0), 2);
}

static void a_lead_is_written_field_by_field(void **state)
{
    struct schema *s;
    struct err err = {0};
    assert_int_equal(schema_parse(pool,
                                  json_of(pool, "{'fields':['sale_price','PHONE','phone','maKe_x']}"),
                                  &s, &err),
                     0);
    assert_string_equal(
        schema_lead(pool, s, json_of(pool, "{'sale_price':'1|2','maKe_x':'  a  b '}")),
        "VIABLE | Sale Price: 1/2 | Phone: none | Make X: a b");
}

int main(void)
{
#define T(row, fn) {row, fn, make_pool, drop_pool, NULL}
    const struct CMUnitTest tests[] = {
        T("agent-loop 18 every list has an account: seen is emitted and all skipped, each with why",
          every_card_has_a_word),
        T("agent-loop 14.5 the rows artifact carries evidence, pictures, downloads and the account",
          the_rows_artifact_carries_the_account),
        T("agent-loop 14.4 the address after any-case Url: makes leads the same, else 100 characters",
          leads_are_the_same_by_their_address),
        T("agent-loop 14.4 labels are capitalised, empty values left out, an empty phone is none",
          a_lead_is_written_field_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
