/* A run's last checkpoint as a trace (promotion.md section 2.1). */
#include "unit/fixtures.h"
#include "unit/test.h"

#include <string.h>

#include "core/passwords.h"
#include "core/trace.h"

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

static struct trace_context context(void)
{
    return (struct trace_context){.run_id = "r1",
                                  .tenant_id = "acme",
                                  .session_name = "listings",
                                  .plan_signature = "5b1e",
                                  .variant = "candidate",
                                  .status = "completed",
                                  .started_us = INT64_C(1772600767100000),
                                  .ended_us = INT64_C(1772600893400000),
                                  .total_time_s = 126.3,
                                  .pictures = true};
}

static const json_t *trace_of(const struct trace_context *ctx, const char *checkpoint)
{
    return json_keep(pool, trace_make(ctx, checkpoint ? json_of(pool, checkpoint) : NULL));
}

static const json_t *step_at(const json_t *trace, size_t i)
{
    return json_array_get(json_object_get(trace, "steps"), i);
}

/* --- the whole --------------------------------------------------------------------------------- */

static void the_head_has_every_field_of_version_3(void **state)
{
    const struct trace_context ctx = context();
    const json_t *trace = trace_of(
        &ctx, "{'costs':{'gpu':0.113712,'claude':0.0302,'proxy':0.0021,'total':0.146},'step_results':[]}");
    assert_string_equal(
        json_text(pool, trace),
        "{\"schema_version\":3,\"run_id\":\"r1\",\"tenant_id\":\"acme\",\"session_name\":\"listings\","
        "\"plan_signature\":\"5b1e\",\"variant\":\"candidate\",\"status\":\"completed\","
        "\"started_at\":1772600767.1,\"ended_at\":1772600893.4,\"total_time_s\":126.3,"
        "\"costs\":{\"gpu\":0.1137,\"claude\":0.0302,\"proxy\":0.0021,\"total\":0.146},"
        "\"step_count\":0,\"steps\":[]}");
}

static void a_run_that_did_nothing_has_a_trace(void **state)
{
    const struct trace_context ctx = context();
    assert_int_equal(json_int(trace_of(&ctx, NULL), "step_count", -1), 0);
}

static void a_step_has_every_field(void **state)
{
    static const char *const step[] = {"step_index", "plan_step", "intent", "type", "success", "data",
                                       "steps_used", "duration", "reversed", "last_action",
                                       "predicted_outcome", "observed_outcome", "reasoning", "envelope"};
    static const char *const envelope[] = {"url_before", "url_after", "screenshot_pre_path",
                                           "screenshot_post_path", "grounding", "dispatch", "verifier",
                                           "retry_count", "retry_reason", "emitted_count", "emitted_sample"};
    const struct trace_context ctx = context();
    const json_t *s = step_at(trace_of(&ctx, "{'step_results':[{'type':'click','success':true}]}"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(step); i++)
        if (!json_object_get(s, step[i]))
            fail_msg("the step has no '%s'", step[i]);
    for (size_t i = 0; i < ARRAY_SIZE(envelope); i++)
        if (!json_object_get(json_object_get(s, "envelope"), envelope[i]))
            fail_msg("the envelope has no '%s'", envelope[i]);
    assert_int_equal(json_object_size(s), ARRAY_SIZE(step));
}

/* --- steps ------------------------------------------------------------------------------------- */

/* What a step result becomes; before: the one before it. */
static const struct row {
    const char *name, *before, *result, *path, *want;
} rows[] = {
    {"the address is another", "{'final_url':'https://a.test/'}", "{'final_url':'https://a.test/2'}",
     "observed_outcome", "url changed"},
    {"so is the title, and rows came", "{'final_url':'u','page_title':'A'}",
     "{'final_url':'u','page_title':'B','rows':2}", "observed_outcome", "title changed; 2 rows emitted"},
    {"where the step itself began counts", "{'final_url':'u'}",
     "{'final_url':'v','trace':{'url_before':'v'}}", "observed_outcome", ""},
    {"only the page changed", "{'final_url':'u'}",
     "{'final_url':'u','trace':{'url_before':'u','changed':true}}", "observed_outcome", "page changed"},
    {"nothing changed", "{'final_url':'u','page_title':'A'}", "{'final_url':'u','page_title':'A'}",
     "observed_outcome", ""},
    {"the model said what to expect", "{}", "{'type':'click','trace':{'expected':'The page opens.'}}",
     "predicted_outcome", "The page opens."},
    {"nobody did: the type", "{}", "{'type':'navigate'}", "predicted_outcome",
     "The page at the address opens."},
    {"why", "{}", "{'trace':{'reasoning':'Largest card.'}}", "reasoning", "Largest card."},
    {"a click that only the public record knows", "{}",
     "{'last_action':{'type':'click','params':{'x':1,'y':2},'reasoning':'Deals'}}", "last_action",
     "{\"action_type\":\"click\",\"params\":{\"x\":1,\"y\":2}}"},
    {"the action that counts", "{}",
     "{'last_action':{'type':'click','params':{'x':1,'y':2}},"
     "'trace':{'action':{'action_type':'type_text','params':{'text':'oak'}}}}",
     "last_action", "{\"action_type\":\"type_text\",\"params\":{\"text\":\"oak\"}}"},
    {"no hand moved", "{}", "{'trace':{'action':null}}", "last_action", "null"},
    {"undone", "{}", "{'trace':{'undone':true}}", "reversed", "true"},
    {"a step that was not to be done did not fail", "{}", "{'success':false,'skip':true}", "success",
     "true"},
    {"passed", "{}", "{'success':true}", "envelope.verifier.status", "pass"},
    {"failed", "{}", "{'success':false,'failure_class':'selector_miss'}", "envelope.verifier.reason",
     "selector_miss"},
    {"failed in our eyes only", "{}", "{'step_index':7,'success':false}", "envelope.verifier.status",
     "demoted"},
    {"skipped", "{}", "{'skip':true,'skip_reason':'guard_x_false'}", "envelope.verifier.status", "skipped"},
    {"tried again", "{}", "{'step_index':8,'success':true,'attempts':3}", "envelope.retry_count", "2"},
    {"and why", "{}", "{'step_index':8,'success':true,'attempts':3}", "envelope.retry_reason", "too late"},
    {"the picture before", "{'screenshot':'step_1_0.png'}", "{}", "envelope.screenshot_pre_path",
     "r1_screens/0000.png"},
    {"the picture after", "{}", "{'screenshot':'step_2_1.png'}", "envelope.screenshot_post_path",
     "r1_screens/0001.png"},
    {"without one there is no path", "{}", "{}", "envelope.screenshot_post_path", ""},
    {"where it was aimed at", "{}", "{'trace':{'aimed_at':'Deals'}}", "envelope.grounding.description",
     "Deals"},
    {"who did it, and where", "{}",
     "{'executor_backend':'plan','trace':{'action':{'action_type':'click','params':{'x':3,'y':4}}}}",
     "envelope.dispatch", "{\"kind\":\"plan\",\"argv\":[],\"params\":{\"x\":3,\"y\":4},\"coordinates\":[3,4]}"},
    {"numbers are of results, not of the plan", "{'step_index':4}", "{'step_index':4}", "step_index", "1"},
    {"which is told too", "{'step_index':4}", "{'step_index':4}", "plan_step", "4"},
};

static const json_t *at_path(const json_t *value, const char *path)
{
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, ".");
        value = json_object_get(value, pool_strndup(pool, p, n));
        p += n + (p[n] == '.');
    }
    return value;
}

static const char *shown(const json_t *v)
{
    return json_is_null(v) ? "null" : json_as_text(pool, v);
}

static void results_become_steps(void **state)
{
    const struct trace_context ctx = context();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *checkpoint = pool_printf(
            pool,
            "{'step_results':[%s,%s],'healing_events':[{'kind':'demotion','step_index':7},"
            "{'kind':'step_retry','step_index':8,'reason':'too late'}]}",
            rows[i].before, rows[i].result);
        const char *got = shown(at_path(step_at(trace_of(&ctx, checkpoint), 1), rows[i].path));
        if (strcmp(got, rows[i].want))
            fail_msg("%s: %s is '%s', not '%s'", rows[i].name, rows[i].path, got, rows[i].want);
    }
}

static void a_step_shows_some_of_its_own_rows(void **state)
{
    const struct trace_context ctx = context();
    const json_t *trace = trace_of(
        &ctx, "{'step_results':[{'rows':1},{'rows':4}],'rows':[{'values':{'n':0}},{'values':{'n':1}},"
              "{'values':{'n':2}},{'values':{'n':3}},{'values':{'n':4}}]}");
    assert_string_equal(shown(at_path(step_at(trace, 0), "envelope.emitted_sample")), "[{\"n\":0}]");
    assert_string_equal(shown(at_path(step_at(trace, 1), "envelope.emitted_sample")),
                        "[{\"n\":1},{\"n\":2},{\"n\":3}]");
    assert_string_equal(shown(at_path(step_at(trace, 1), "envelope.emitted_count")), "4");
}

/* What a step is to write, as its result and its plan have it. */
static const struct {
    const char *name, *type, *intent, *params, *told, *want;
} typed[] = {
    {"of the plan", "fill_field", "Write the name", "{'label':'Name','value':'oak'}", "", "oak"},
    {"under its other name", "type_text", "Write the name", "{'text':'oak'}", "", "oak"},
    {"a number", "fill_field", "Write the name", "{'value':7}", "", "7"},
    {"an answer stays its placeholder", "fill_field", "Write the name", "{'value':'{{user_input}}'}", "", "{{user_input}}"},
    {"on a page with a secret it is not told", "fill_field", "Write the name", "{'value':'oak'}", PASSWORD_MARK, PASSWORD_MARK},
    {"a password", "fill_field", "Write the name", "{'label':'Password','value':'harbor-42'}", "", PASSWORD_MARK},
    {"the step was put otherwise", "fill_field", "Another one", "{'value':'oak'}", "", ""},
};

static void what_was_typed_stands_in_the_plan(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
        struct step step = {.type = typed[i].type, .intent = typed[i].intent, .params = json_of(pool, typed[i].params)};
        const struct plan plan = {.steps = &step, .n_steps = 1};
        struct trace_context ctx = context();
        ctx.plan = &plan;
        const char *checkpoint = pool_printf(
            pool, "{'step_results':[{'step_index':0,'type':'%s','intent':'Write the name','trace':{'action':"
                  "{'action_type':'type_text','params':{'text':'%s'}}}}]}", typed[i].type, typed[i].told);
        const char *got = shown(at_path(step_at(trace_of(&ctx, checkpoint), 0), "last_action.params.text"));
        if (strcmp(got, typed[i].want))
            fail_msg("%s: '%s', not '%s'", typed[i].name, got, typed[i].want);
    }
}

/* --- secrets ----------------------------------------------------------------------------------- */

static void no_password_of_the_plan_is_in_it(void **state)
{
    struct step login = {.intent = "Write \"harbor-lantern-42\" into \"Password\"",
                         .params = json_of(pool, "{}")};
    const struct plan plan = {.steps = &login, .n_steps = 1};
    struct trace_context ctx = context();
    ctx.plan = &plan;
    const json_t *trace = trace_of(
        &ctx, "{'step_results':[{'intent':'Write harbor-lantern-42 into it','data':'typed harbor-lantern-42',"
              "'final_url':'https://a.test/?p=harbor-lantern-42','rows':1,"
              "'trace':{'reasoning':'harbor-lantern-42','expected':'shows harbor-lantern-42',"
              "'action':{'action_type':'type_text','params':{'text':'harbor-lantern-42'}}}}],"
              "'rows':[{'values':{'password':'other','seen':'harbor-lantern-42'}}]}");
    const char *text = json_text(pool, trace);
    assert_null(strstr(text, "harbor"));
    assert_null(strstr(text, "other"));
    assert_string_equal(json_str(step_at(trace, 0), "data", ""), "typed " PASSWORD_MARK);
}

static void a_password_with_a_quote_in_it_is_not_in_a_verdict(void **state)
{
    struct step login = {.intent = "Log in", .params = json_as_is(pool, "{\"label\":\"Password\",\"value\":\"har\\\"bor-42\"}")};
    const struct plan plan = {.steps = &login, .n_steps = 1};
    struct trace_context ctx = context();
    ctx.plan = &plan;
    const json_t *checkpoint = json_as_is(
        pool, "{\"step_results\":[{\"intent\":\"x\",\"verdict\":{\"reason\":\"it shows har\\\"bor-42\"}}]}");
    const char *text = json_text(pool, json_keep(pool, trace_make(&ctx, checkpoint)));
    assert_non_null(strstr(text, "it shows " PASSWORD_MARK));
    assert_null(strstr(text, "bor-42"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 2.1 a trace has the fields of version 3", the_head_has_every_field_of_version_3),
        cmocka_unit_test(a_run_that_did_nothing_has_a_trace),
        row_test("promotion 2.1 a step has every field, its envelope too", a_step_has_every_field),
        row_test("promotion 2.1 what was expected and what came are told of every step", results_become_steps),
        cmocka_unit_test(a_step_shows_some_of_its_own_rows),
        row_test("promotion 2.1 what was typed is told as the plan has it, secrets are not", what_was_typed_stands_in_the_plan),
        row_test("promotion 2.1 no password of the plan is in a trace", no_password_of_the_plan_is_in_it),
        cmocka_unit_test(a_password_with_a_quote_in_it_is_not_in_a_verdict),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
