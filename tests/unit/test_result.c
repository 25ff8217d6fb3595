#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/pool.h"
#include "core/failed_step.h"
#include "core/lead.h"
#include "core/result.h"
#include "core/run.h"

static struct pool *pool;

static const struct result_context ctx = {
    .run_id = "r1",
    .model = "page",
    .provider = "mantis",
    .session_name = "micro_a_test",
    .profile_id = "acme__p",
    .workflow_id = "acme__w",
    .state_key = "acme__w",
    .plan_signature = "sig",
    .checkpoint_path = "/d/w.json",
    .terminal_status = "completed",
    .halt_reason = "",
    .total_time_s = 10.0,
};

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

static json_t *envelope_of(const char *checkpoint)
{
    json_error_t e;
    json_t *c = checkpoint ? json_loads(checkpoint, 0, &e) : NULL;
    if (checkpoint && !c)
        fail_msg("%s at %d", e.text, e.position);
    json_t *env = json_keep(pool, result_envelope(&ctx, c));
    json_decref(c);
    return env;
}

static const char two_cars[] =
    "{\"extracted_leads\":["
    "  \"VIABLE | Year: 2014 | Make: Alfa | Price: 1,500 | Phone: (555) 010-0200 | Url: "
    "https://a.test/1\","
    "  \"VIABLE | Year: 2015 | Make: B \\\"x\\\" | Phone: none | Url: https://a.test/2\"],"
    " \"rows\":["
    "  {\"values\":{\"year\":2014,\"make\":\"Alfa\",\"price\":\"1,500\",\"phone\":\"(555) "
    "010-0200\","
    "    \"url\":\"https://a.test/1\"},\"evidence\":{\"year\":\"h1\"},\"step_index\":4},"
    "  {\"values\":{\"year\":2015,\"make\":\"B "
    "\\\"x\\\"\",\"url\":\"https://a.test/2\",\"note\":\"two\\nlines\"},"
    "    \"step_index\":4}],"
    " \"schema_fields\":[\"year\",\"make\",\"price\",\"phone\",\"url\"],"
    " \"step_results\":["
    "  {\"step_index\":0,\"intent\":\"Open\",\"success\":true,\"data\":\"ok\",\"steps_used\":1,"
    "   \"executor_backend\":\"plan\",\"time_breakdown\":{\"load\":1.5},\"duration\":2},"
    "  "
    "{\"step_index\":1,\"intent\":\"Click\",\"success\":false,\"data\":\"form_target_not_found\"},"
    "  {\"step_index\":2,\"success\":false,\"skip\":true,\"skip_reason\":\"guard_x_false\"}],"
    " \"costs\":{\"gpu\":0.5,\"claude\":0.25,\"proxy\":0},\"time_buckets\":{\"act\":2,\"settle\":3}"
    ","
    " \"current_url\":\"https://a.test/2\",\"elapsed_s\":9}";

static void an_empty_checkpoint_has_every_key_and_zeros(void **state)
{
    static const char *const keys[] = {"run_id",
                                       "provider",
                                       "session_name",
                                       "model",
                                       "mode",
                                       "terminal_status",
                                       "halt_reason",
                                       "total_time_s",
                                       "wall_time_breakdown",
                                       "steps_executed",
                                       "viable",
                                       "leads_with_phone",
                                       "unknown_placeholder_row_count",
                                       "state_key",
                                       "profile_id",
                                       "workflow_id",
                                       "checkpoint_path",
                                       "plan_signature",
                                       "resume_state",
                                       "costs",
                                       "healing_events",
                                       "dynamic_verification",
                                       "dynamic_verification_summary",
                                       "leads",
                                       "collected_urls",
                                       "shared_seen_hits",
                                       "artifacts",
                                       "executor_backend_counts",
                                       "step_details"};
    static const char *const none[] = {"", "{}", "[]",
                                       "{\"rows\":3,\"step_results\":{},\"costs\":[]}"};
    for (size_t c = 0; c < ARRAY_SIZE(none); c++) {
        json_t *env = envelope_of(*none[c] ? none[c] : NULL);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            assert_non_null(json_object_get(env, keys[i]));
        assert_string_equal(json_str(env, "mode", ""), "micro_intent");
        assert_int_equal(json_int(env, "viable", -1), 0);
        assert_int_equal(json_array_size(json_object_get(env, "artifacts")), 0);
        assert_int_equal(json_object_size(json_object_get(env, "wall_time_breakdown")), 11);
        assert_true(json_num(json_object_get(env, "costs"), "per_lead", -1) == 0);
        assert_string_equal(
            json_str(json_object_get(env, "dynamic_verification_summary"), "verdict", ""),
            "not_applicable");
        assert_null(result_leads_csv(pool, env));
        assert_null(result_rows_csv(pool, env));
        assert_null(result_rows_json(pool, env));
    }
}

static void leads_rows_and_costs_are_counted(void **state)
{
    json_t *env = envelope_of(two_cars), *costs = json_object_get(env, "costs");
    assert_int_equal(json_int(env, "viable", 0), 2); /* one per row, not two */
    assert_int_equal(json_int(env, "leads_with_phone", 0), 1);
    assert_int_equal(json_int(env, "steps_executed", 0), 3);
    assert_int_equal(json_int(json_object_get(env, "executor_backend_counts"), "plan", 0), 1);
    assert_true(json_num(costs, "total", 0) == 0.75);
    assert_true(json_num(costs, "per_lead", 0) == 0.375);
    assert_true(json_num(costs, "per_phone_lead", 0) == 0.75);
    assert_string_equal(json_str(costs, "status", ""), "completed");
    json_t *wall = json_object_get(env, "wall_time_breakdown");
    assert_true(json_num(wall, "overhead", 0) == 5.0);
    assert_true(json_num(wall, "settle", 0) == 3.0);
    assert_string_equal(json_str(env, "final_url", ""), "https://a.test/2");
}

static void rows_without_a_lead_become_leads(void **state)
{
    json_t *env =
        envelope_of("{\"rows\":[{\"values\":{\"title\":\"A\",\"sale_price\":\"3\"}},"
                    "{\"values\":{\"title\":\"n/a\",\"url\":\"https://a.test/9\"}},{\"bad\":1}]}");
    json_t *leads = json_object_get(env, "leads");
    assert_int_equal(json_array_size(leads), 2);
    assert_string_equal(json_string_value(json_array_get(leads, 0)),
                        "VIABLE | Title: A | Sale Price: 3");
    assert_int_equal(json_int(env, "unknown_placeholder_row_count", 0), 1);
}

static void step_details_say_why(void **state)
{
    json_t *env = envelope_of(two_cars), *steps = json_object_get(env, "step_details");
    const json_t *ok = json_array_get(steps, 0), *failed = json_array_get(steps, 1);
    assert_true(json_flag(ok, "success", false));
    assert_null(json_object_get(ok, "failure_class"));
    assert_true(json_num(json_object_get(ok, "time_breakdown"), "load", 0) == 1.5);
    assert_true(json_num(json_object_get(ok, "time_breakdown"), "overhead", 0) == 0.5);
    assert_string_equal(json_str(failed, "failure_class", ""), "selector_miss");
    assert_null(json_object_get(json_array_get(steps, 2), "failure_class"));
}

static void long_texts_are_cut_at_characters(void **state)
{
    char text[4096], intent[1024] = "";
    for (int i = 0; i < 100; i++)
        strcat(intent, "ä€");
    snprintf(text, sizeof(text), "{\"step_results\":[{\"intent\":\"%s\",\"data\":\"%s\"}]}", intent,
             intent);
    const json_t *step = json_array_get(json_object_get(envelope_of(text), "step_details"), 0);
    assert_true(strlen(json_str(step, "intent", "")) <= 120);
    assert_true(strlen(json_str(step, "intent", "")) >= 116);
    assert_true(strlen(json_str(step, "data", "")) <= 300);
}

static void guards_are_no_failures(void **state)
{
    static const struct {
        const char *checkpoint;
        bool failed;
        int classes;
    } rows[] = {
        {"{}", false, 0},
        {"{\"step_results\":[{\"success\":true}]}", false, 0},
        {"{\"step_results\":[{\"success\":false,\"skip\":true,\"skip_reason\":\"guard_a_false\"}]}",
         false, 0},
        {"{\"step_results\":[{\"success\":false,\"skip\":true,\"skip_reason\":\"already_seen\"}]}",
         true, 0},
        {"{\"step_results\":[{\"success\":false,\"failure_class\":\"bad_url\"}]}", true, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *c = json_loads(rows[i].checkpoint, 0, NULL);
        json_t *classes = result_failure_classes(c);
        assert_int_equal(result_any_step_failed(c), rows[i].failed);
        assert_int_equal(json_array_size(classes), rows[i].classes);
        json_decref(classes);
        json_decref(c);
    }
}

static void each_artifact_is_listed_once(void **state)
{
    static const char *const names[] = {"extracted_rows", "leads.csv", "extracted_rows.csv",
                                        "extracted_rows.json"};
    json_t *artifacts = json_object_get(envelope_of(two_cars), "artifacts"), *a;
    size_t i;
    assert_int_equal(json_array_size(artifacts), ARRAY_SIZE(names));
    json_array_foreach (artifacts, i, a) {
        assert_string_equal(json_str(a, "name", ""), names[i]);
        assert_int_equal(json_int(a, "row_count", 0), 2);
    }
    a = json_array_get(artifacts, 0);
    assert_string_equal(json_str(a, "kind", ""), "structured_data");
    assert_int_equal(json_array_size(json_object_get(a, "data")), 2);
    assert_int_equal(json_array_size(json_object_get(a, "evidence")), 2);
    assert_string_equal(json_str(json_array_get(artifacts, 1), "download_url", ""),
                        "/v1/runs/r1/artifacts/leads.csv");
}

static void csv_has_schema_order_crlf_and_quotes(void **state)
{
    json_t *env = envelope_of(two_cars);
    assert_string_equal(result_rows_csv(pool, env),
                        "year,make,price,phone,url,note\r\n"
                        "2014,Alfa,\"1,500\",(555) 010-0200,https://a.test/1,\r\n"
                        "2015,\"B \"\"x\"\"\",,,https://a.test/2,\"two\nlines\"\r\n");
    assert_string_equal(
        result_leads_csv(pool, env),
        "status,year,make,price,phone,url,note,raw\r\n"
        "VIABLE,2014,Alfa,\"1,500\",(555) 010-0200,https://a.test/1,,"
        "\"VIABLE | Year: 2014 | Make: Alfa | Price: 1,500 | Phone: (555) 010-0200 | "
        "Url: https://a.test/1\"\r\n"
        "VIABLE,2015,\"B \"\"x\"\"\",,none,https://a.test/2,,"
        "\"VIABLE | Year: 2015 | Make: B \"\"x\"\" | Phone: none | Url: https://a.test/2\"\r\n");
}

static void leads_without_a_schema_have_the_fixed_columns(void **state)
{
    json_t *env =
        envelope_of("{\"extracted_leads\":[\"VIABLE | Year: 2014 | Seller: Jo\",\"free text\"]}");
    assert_string_equal(result_leads_csv(pool, env),
                        "status,year,make,model,price,phone,seller,url,raw\r\n"
                        "VIABLE,2014,,,,,Jo,,VIABLE | Year: 2014 | Seller: Jo\r\n"
                        "free text,,,,,,,,free text\r\n");
}

static void a_lead_taken_apart_keeps_the_first_of_each_name(void **state)
{
    json_t *row = json_keep(pool, lead_to_json(pool, " VIABLE |Sale  Price: $9|Url: https://x/?a|"
                                                     "Year:|odd|Url: https://y"));
    assert_string_equal(
        json_text(pool, row),
        "{\"status\":\"VIABLE\",\"sale_price\":\"$9\",\"url\":\"https://x/?a\",\"year\":\"\"}");
}

static void rows_json_fills_missing_fields(void **state)
{
    json_t *rows = json_loads(result_rows_json(pool, envelope_of(two_cars)), 0, NULL);
    assert_int_equal(json_array_size(rows), 2);
    assert_int_equal(json_int(json_array_get(rows, 0), "year", 0), 2014);
    assert_string_equal(json_str(json_array_get(rows, 1), "price", "?"), "");
    assert_int_equal(json_object_size(json_array_get(rows, 0)), 7); /* six fields and _evidence */
    json_decref(rows);
}

static void the_summary_is_the_compact_copy(void **state)
{
    json_t *summary = json_keep(pool, result_summary(envelope_of(two_cars)));
    assert_string_equal(json_str(summary, "run_id", ""), "r1");
    assert_int_equal(json_int(summary, "viable", 0), 2);
    assert_true(json_num(summary, "cost_total", 0) == 0.75);
    assert_true(json_num(json_object_get(summary, "cost_breakdown"), "gpu", 0) == 0.5);
    assert_string_equal(json_str(summary, "terminal_status", ""), "completed");
    assert_null(json_object_get(summary, "leads"));
    assert_null(json_object_get(summary, "step_details"));
}

/* --- /v1/cua --------------------------------------------------------------------------------- */

/* What every reply of the route has (http-api.md section 6), however the run ended. */
static void has_all_of_cua(const json_t *env)
{
    static const char *const keys[] = {"run_id", "mode", "provider", "session_name", "model",
        "instruction", "start_url", "success", "termination_reason", "steps", "duration_s",
        "elapsed_seconds", "trajectory_len", "predicate_summary", "reused_session",
        "speculation_summary", "perceptual_summary", "loop_recoveries_by_reason",
        "done_rejections_by_reason", "executor_backend_counts"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!json_object_get(env, keys[i]))
            fail_msg("there is no '%s'", keys[i]);
}

static void an_instruction_says_how_its_loop_went(void **state)
{
    struct result_context c = ctx;
    json_t *cua = json_pack("{s:s,s:s}", "instruction", "Buy milk", "start_url", "http://a.test/");
    json_t *checkpoint = json_loads(
        "{\"n_tasks\":1,\"step_results\":[{\"success\":true,\"executor_backend\":\"vision\",\"task\":{\"success\":true,"
        "\"termination_reason\":\"done\",\"steps\":4,\"summary\":\"bought\",\"loop\":{\"actions\":3,\"total_reward\":-0.05,"
        "\"predicate_summary\":{\"total\":2,\"evaluated\":2,\"correct\":1,\"accuracy\":0.5},"
        "\"done_rejections_by_reason\":{\"empty_summary\":1},\"executor_backend_counts\":{\"vision\":3}}}}]}", 0, NULL);
    c.cua = cua;
    json_t *env = result_envelope(&c, checkpoint);
    has_all_of_cua(env);
    assert_string_equal(json_str(env, "mode", ""), "pure_cua");
    assert_string_equal(json_str(env, "instruction", ""), "Buy milk");
    assert_true(json_flag(env, "success", false));
    assert_int_equal(json_int(env, "steps", 0), 4);
    assert_int_equal(json_int(env, "trajectory_len", 0), 3);
    assert_int_equal(json_int(json_object_get(env, "executor_backend_counts"), "vision", 0), 3);
    assert_true(json_num(json_object_get(env, "predicate_summary"), "accuracy", 0) == 0.5);
    json_decref(env);

    c.terminal_status = "cancelled"; /* before its loop ended */
    env = result_envelope(&c, NULL);
    has_all_of_cua(env);
    assert_false(json_flag(env, "success", true));
    assert_string_equal(json_str(env, "termination_reason", ""), "cancelled");
    json_decref(env);

    c.terminal_status = "halted";
    c.halt_reason = "time_cap";
    env = result_envelope(&c, NULL);
    assert_string_equal(json_str(env, "termination_reason", ""), "time_cap");
    json_decref(env);
    json_decref(cua);
    json_decref(checkpoint);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* step: fields of the last step's record. */
static json_t *ending_with(const char *step)
{
    const char *text =
        pool_printf(pool,
                    "{\"step_results\":[{\"step_index\":0,\"type\":\"wait\",\"success\":true},"
                    "{\"step_index\":1,%s}]}",
                    step);
    json_t *checkpoint = json_loads(text, 0, NULL);
    assert_non_null(checkpoint);
    return json_keep(pool, checkpoint);
}

static void a_page_that_did_not_open_is_said_in_one_sentence(void **state)
{
#define NAV "\"type\":\"navigate\",\"success\":false,\"asked_url\":\"http://x.invalid/\","
    static const char *const cases[][2] = {
        {"bad_url:dns ERR_NAME_NOT_RESOLVED", "its name cannot be resolved"},
        {"bad_url:dns ERR_CONNECTION_REFUSED", "the connection was refused"},
        {"bad_url:dns", "its name cannot be resolved, or nothing answers there"},
        {"bad_url:not_found", "the site says that there is no such page"},
        {"http_5xx: the server answered 503", "the server answered 503"},
        {"nav_timeout: nothing was shown within 18 s", "it did not load in time"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *checkpoint = ending_with(pool_printf(pool, NAV "\"data\":\"%s\"", cases[i][0]));
        assert_string_equal(failed_navigation(pool, checkpoint),
                            pool_printf(pool,
                                        "step 2 (navigate) could not open http://x.invalid/: %s",
                                        cases[i][1]));
        json_t *step = json_keep(pool, failed_step(checkpoint));
        assert_int_equal(json_int(step, "step_index", -1), 1);
        assert_string_equal(json_str(step, "step_type", ""), "navigate");
        assert_string_equal(json_str(step, "url", ""), "http://x.invalid/");
        assert_string_equal(json_str(step, "data", ""), cases[i][0]);
    }
    assert_null(failed_navigation(pool, ending_with("\"type\":\"navigate\",\"success\":true")));
    assert_null(failed_step(ending_with("\"type\":\"click\",\"success\":false,\"skip\":true")));
    assert_null(failed_navigation(pool, ending_with("\"type\":\"click\",\"success\":false")));
    assert_null(failed_navigation(pool, NULL));
    assert_string_equal(
        failed_load_code(pool, "x.invalid could not be reached. ERR_TIMED_OUT Reload"),
        "ERR_TIMED_OUT");
    assert_string_equal(failed_load_code(pool, "An offer"), "");
}

static void every_bucket_is_there(void **state)
{
    static const char *const names[] = {
        "perceive",       "think",         "act",
        "settle",         "claude_ground", "claude_extract",
        "claude_verify",  "claude_verify_haiku", "claude_verify_opus_escalation",
        "load",           "overhead"};
    const json_t *env = envelope_of("{\"step_results\":[{\"step_index\":0,\"type\":\"wait\",\"success\":true}]}");
    const json_t *step = json_array_get(json_object_get(env, "step_details"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_true(json_num(json_object_get(env, "wall_time_breakdown"), names[i], -1) >= 0);
        assert_true(json_num(json_object_get(step, "time_breakdown"), names[i], -1) >= 0);
    }
}

static bool has_cost_file(const json_t *env)
{
    size_t i;
    json_t *artifact;
    json_array_foreach (json_object_get(env, "artifacts"), i, artifact)
        if (!strcmp(json_str(artifact, "name", ""), "claude_cost_by_path.json"))
            return true;
    return false;
}

static void costs_by_path_are_told(void **state)
{
    const json_t *none = envelope_of("{\"claude_cost_by_path\":{}}");
    const json_t *one = envelope_of("{\"claude_cost_by_path\":{\"totals\":{\"calls\":1}}}");
    assert_false(has_cost_file(none));
    assert_null(json_object_get(none, "claude_cost_by_path"));
    assert_null(result_cost_by_path(pool, none));
    assert_true(has_cost_file(one));
    json_t *file = json_keep(pool, json_loads(result_cost_by_path(pool, one), 0, NULL));
    assert_int_equal(json_int(json_object_get(file, "totals"), "calls", 0), 1);
    assert_string_equal(json_str(file, "run_id", ""), "r1");
}

#define R(row, fn) {row, fn, setup, teardown, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        R("agent-loop 18 every key of the envelope is there, whatever the checkpoint holds",
          an_empty_checkpoint_has_every_key_and_zeros),
        R("agent-loop 17 final costs have totals, per lead and per lead with a phone; overhead is the rest of the time",
          leads_rows_and_costs_are_counted),
        R("agent-loop 14.4 leads are viable data and one per extracted row",
          rows_without_a_lead_become_leads),
        R("agent-loop 18 step details have class, page and times",
          step_details_say_why),
        R("agent-loop 18 intent is cut at 120 and data at 300 characters",
          long_texts_are_cut_at_characters),
        R("agent-loop 11 Better: a guard's skip is no failure", guards_are_no_failures),
        R("agent-loop 17 every time bucket is there, of the run and of each step, with zeros",
          every_bucket_is_there),
        R("agent-loop 17 claude_cost_by_path is told and is an artifact when a call was counted",
          costs_by_path_are_told),
        R("agent-loop 14.5 each artifact is listed once, with its address",
          each_artifact_is_listed_once),
        R("agent-loop 14.5 CSV files have the columns of the schema, CRLF and quotes",
          csv_has_schema_order_crlf_and_quotes),
        R("agent-loop 14.5 leads.csv without a schema has the fixed columns",
          leads_without_a_schema_have_the_fixed_columns),
        R("agent-loop 14.5 a lead is parsed on bars and colons, the first part is its status",
          a_lead_taken_apart_keeps_the_first_of_each_name),
        R("agent-loop 14.5 extracted_rows.json fills missing fields with nothing",
          rows_json_fills_missing_fields),
        R("agent-loop 18 the summary says terminal_status, halt_reason and cost totals too",
          the_summary_is_the_compact_copy),
        T(a_page_that_did_not_open_is_said_in_one_sentence),
        R("agent-loop 8.3 the result of an instruction has every key, however it ended",
          an_instruction_says_how_its_loop_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
