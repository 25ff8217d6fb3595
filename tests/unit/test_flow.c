/*
 * Control flow of plans.md 9.1 to 9.3, row by row: which steps run, and in what order.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "run/rules.h"
#include "unit/run_rig.h"

#define AT "http://flow.test/"

static void flow_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Flow";
    fake_add(out, "", "p", "Plain", "");
    fake_add(out, "next", "a", "Next", pool_printf(pool, "%sx", url));
    fake_add(out, "card", "a", pool_printf(pool, "Card of %s", url), AT "card");
}

/* One step per letter, its intent; small letters wait, others are given in full. */
#define W(name) "{'type':'wait','intent':'" name "','section':'extraction','params':{'seconds':0}},"
#define P(name) "{'type':'wait','intent':'" name "','section':'setup','params':{'seconds':0}},"
#define LOOP(target, count, more)                                                                  \
    "{'type':'loop','intent':'l','section':'extraction','loop_target':" target                     \
    ",'loop_count':" count more "},"
#define SEE(what, var)                                                                             \
    "{'type':'detect_visible','intent':'\\\"" what "\\\" is shown','out_var':'" var "'},"
#define END "{'type':'wait','intent':'end','params':{'seconds':0}}"

static const struct row {
    const char *row, *steps;
    const char *order; /* intents of the results, one after the other */
} rows[] = {
    {"plans 9.1 loop_count N runs the body N times", W("a") W("b") LOOP("0", "3", "") END,
     "a b a b a b end"},
    {"plans 9.1 loop_count 1 runs the body once", W("a") LOOP("0", "1", "") END, "a end"},
    {"plans 9.1 without a target the loop goes to the start of its section",
     P("s") W("a") W("b") LOOP("-1", "2", "") END, "s a b a b end"},
    {"plans 9.1 a loop in front of everything has nothing to repeat", LOOP("-1", "3", "") END,
     "end"},
    {"plans 9.1 a loop onto itself goes to its section instead", W("a") LOOP("1", "2", "") END,
     "a a end"},
    {"plans 9.1 an inner loop works again inside an outer one",
     W("a") W("b") LOOP("1", "2", "") LOOP("0", "2", "") END, "a b b a b b end"},
    {"plans 9.1 a loop leaves when its stop_var is true",
     W("a") SEE("Plain", "v") LOOP("0", "9", ",'stop_var':'v'") END, "a ? end"},
    {"plans 9.1 a loop goes on while its stop_var is false",
     W("a") SEE("Never", "v") LOOP("0", "2", ",'stop_var':'v'") END, "a ? a ? end"},
    {"plans 9.1 a stop_var that nothing wrote is false",
     W("a") LOOP("0", "2", ",'stop_var':'nobody'") END, "a a end"},
    {"plans 9.2 if_else goes to then_target",
     SEE("Plain", "v") "{'type':'if_else','intent':'i','condition_var':'v','then_target':3,'else_"
                       "target':2}," W("no") W("yes") END,
     "? i yes end"},
    {"plans 9.2 if_else goes to else_target",
     SEE("Never", "v") "{'type':'if_else','intent':'i','condition_var':'v','then_target':2,'else_"
                       "target':3}," W("no") W("yes") END,
     "? i yes end"},
    {"plans 9.2 a variable that nothing wrote is false",
     "{'type':'if_else','intent':'i','condition_var':'v','then_target':1,'else_target':2}," W("no")
         W("yes") END,
     "i yes end"},
    {"plans 9.2 if_else without condition_var goes on, without a record",
     "{'type':'if_else','intent':'i','then_target':2,'else_target':2}," W("a") END, "a end"},
    {"plans 9.2 a target below 0 goes on, without a record",
     "{'type':'if_else','intent':'i','condition_var':'v','then_target':2,'else_target':-1}," W("a")
         END,
     "a end"},
    {"plans 9.2 a target behind the plan goes on, without a record",
     "{'type':'if_else','intent':'i','condition_var':'v','then_target':2,'else_target':3}," W("a")
         END,
     "a end"},
    {"plans 9.2 a guard lets a step run while its variable is true",
     SEE("Plain", "v") "{'type':'wait','intent':'g','guard':'v','params':{'seconds':0}}," END,
     "? g end"},
    {"plans 9.2 a guarded step is recorded as skipped",
     SEE("Never", "v") "{'type':'wait','intent':'g','guard':'v','params':{'seconds':0}}," END,
     "? -g end"},
};

static const char *order_of(struct rig *rig)
{
    const char *out = "";
    for (int i = 1; i < rig_n_results(rig); i++) {
        const json_t *r = rig_result(rig, i);
        const char *intent = json_str(r, "intent", "");
        out =
            pool_printf(rig->pool, "%s%s%s%s", out, *out ? " " : "",
                        json_flag(r, "skip", false) ? "-" : "", strchr(intent, '"') ? "?" : intent);
    }
    return out;
}

/* Targets in the rows count from behind the navigate. */
static void one_row(void **state)
{
    const struct row *row = *state;
    struct rig rig;
    char steps[2048];
    snprintf(steps, sizeof(steps), "[%s]", row->steps);
    rig_init(&rig, flow_page, steps);
    struct step *moved = pool_alloc(rig.pool, sizeof(*moved) * (size_t)(rig.plan->n_steps + 1));
    static const char open[] = "{\"url\":\"" AT "\"}";
    moved[0] = (struct step){.type = "navigate",
                             .intent = "x",
                             .section = "open",
                             .loop_target = -1,
                             .then_target = -1,
                             .else_target = -1,
                             .verify = "",
                             .reverse = "",
                             .stop_var = "",
                             .condition_var = "",
                             .guard = "",
                             .out_var = "",
                             .params = json_keep(rig.pool, json_loads(open, 0, NULL)),
                             .hints = json_keep(rig.pool, json_object()),
                             .extract = json_keep(rig.pool, json_object())};
    for (int i = 0; i < rig.plan->n_steps; i++) {
        struct step s = rig.plan->steps[i];
        s.loop_target += s.loop_target >= 0;
        s.then_target += s.then_target >= 0;
        s.else_target += s.else_target >= 0;
        moved[i + 1] = s;
    }
    rig.plan->steps = moved;
    rig.plan->n_steps++;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(order_of(&rig), row->order);
    rig_release(&rig);
}

/* --- records and state -------------------------------------------------------------------------
 */

static void if_else_is_recorded(void **state)
{
    struct rig rig;
    rig_init(
        &rig, flow_page,
        "[{'type':'if_else','intent':'i','condition_var':'v','then_target':1,'else_target':2}," W(
            "a") END "]");
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 0), "if_else:v=False:branch=else:target=2");
    assert_true(json_flag(rig_result(&rig, 0), "success", false));
    rig_release(&rig);
}

static void loops_leave_no_record(void **state)
{
    struct rig rig;
    rig_init(&rig, flow_page, "[" W("a") LOOP("0", "2", "") END "]");
    rig_run(&rig, NULL);
    assert_int_equal(rig_n_results(&rig), 3);
    assert_int_equal(progress_counter(rig.run.progress.loop_counters, 1), 0);
    rig_release(&rig);
}

static void variables_survive_a_resume(void **state)
{
    struct rig rig;
    rig_init(&rig, flow_page,
             "[{'type':'navigate','intent':'x','params':{'url':'" AT "'}}," SEE(
                 "Plain", "v") "{'type':'wait','intent':'g','guard':'v','params':{'seconds':0}}]");
    rig_run(&rig, NULL);
    json_t *half = json_deep_copy(rig.checkpoints[1]);
    assert_true(json_flag(json_object_get(half, "state_vars"), "v", false));
    rig_run(&rig, half);
    assert_string_equal(rig_data(&rig, -1), "wait:0");
    json_decref(half);
    rig_release(&rig);
}

static void loops_without_a_count_have_that_of_their_section(void **state)
{
    static const struct {
        const char *section;
        int count, limit;
    } cases[] = {{"extraction", 0, 30}, {"pagination", 0, 10}, {"", 0, 50}, {"setup", 0, 50}, {"pagination", 3, 3}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step loop = {.type = "loop", .section = cases[i].section, .loop_count = cases[i].count};
        assert_int_equal(step_loop_limit(&loop), cases[i].limit);
    }
}

/* --- back for ever -----------------------------------------------------------------------------
 */

/* Led back so often already, as its checkpoint says. */
static void run_from_count(struct rig *rig, const char *steps, int at, int count)
{
    json_t *counters = json_object(), *from;
    rig_init(rig, flow_page, steps);
    progress_set_counter(counters, at, count);
    from = json_pack("{s:i,s:s,s:i,s:o}", "version", 2, "plan_signature", rig->plan->signature,
                     "step_index", 0, "loop_counters", counters);
    rig_run(rig, from);
    json_decref(from);
}

static void an_if_else_that_leads_back_for_ever_is_stuck(void **state)
{
    struct rig rig;
    rig_init(&rig, flow_page,
             "[{'type':'if_else','intent':'i','condition_var':'v','then_target':1,'else_target':0}," END "]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "loop_stuck");
    assert_int_equal(rig_n_results(&rig), CAP_BRANCHES_BACK + 1);
    assert_string_equal(rig_data(&rig, -1), "loop_stuck: the if_else at step[0] led back to step[0] 200 "
                                            "times, and 'v' is still False");
    assert_false(json_flag(rig_result(&rig, -1), "success", true));
    assert_string_equal(json_str(rig_result(&rig, -1), "failure_class", ""), "loop_stuck");
    assert_int_equal(progress_counter(rig.run.progress.loop_counters, 0), 0); /* a resume may try anew */
    rig_release(&rig);
}

static const char waits_for_never[] = "[" W("a") SEE("Never", "v")
    "{'type':'if_else','intent':'i','condition_var':'v','then_target':3,'else_target':0}," END "]";

static void a_poll_is_counted_over_workers(void **state)
{
    struct rig rig;
    run_from_count(&rig, waits_for_never, 2, CAP_BRANCHES_BACK - 2);
    assert_string_equal(rig.end.halt_reason, "loop_stuck");
    assert_int_equal(rig_n_results(&rig), 9); /* three rounds of three: the third may not lead back */
    rig_release(&rig);
}

static void leading_on_starts_the_count_anew(void **state)
{
    static const struct {
        int i, target, before, after;
        bool stuck;
    } cases[] = {
        {5, 2, 0, 1, false},  {5, 5, 7, 8, false},   {5, 6, 199, 0, false},
        {5, 2, 199, 200, false}, {5, 2, 200, 0, true}, {5, 6, 200, 0, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int count = cases[i].before;
        assert_int_equal(flow_branch_stuck(cases[i].i, cases[i].target, &count), cases[i].stuck);
        assert_int_equal(count, cases[i].after);
    }
}

/* --- paginate -----------------------------------------------------------------------------------
 */

static const char paged[] =
    "[" W("a") "{'type':'loop','intent':'inner','loop_target':0,'loop_count':9},"
               "{'type':'paginate','intent':'p','section':'pagination'},"
               "{'type':'loop','intent':'outer','loop_target':0,'loop_count':5},"
               "{'type':'loop','intent':'later','loop_target':4,'loop_count':5}]";

static void check_counters(bool success, int inner, int outer, int later)
{
    struct rig rig;
    rig_init(&rig, flow_page, paged);
    run_init(&rig.run, &rig.config, rig.loop, &rig.web.plane, fake_reader(), NULL, &rig.host);
    json_t *counters = rig.run.progress.loop_counters;
    for (int l = 1; l <= 4; l++)
        progress_set_counter(counters, l, 3);
    flow_after_paginate(&rig.run, 2, success);
    assert_int_equal(progress_counter(counters, 1), inner);
    assert_int_equal(progress_counter(counters, 3), outer);
    assert_int_equal(progress_counter(counters, 4), later);
    rig_release(&rig);
}

static void paginate_resets_inner_loops_only(void **state)
{
    check_counters(true, 0, 3, 3);
}

static void a_failed_paginate_uses_up_its_loops(void **state)
{
    check_counters(false, 999999, 999999, 3);
}

/* --- gates
 * ---------------------------------------------------------------------------------------- */

static void gates_answer(void **state)
{
    static const struct {
        const char *step, *data;
        bool success;
    } cases[] = {
        {"'hints':{'expect_url_contains':['flow','test']}", "gate:PASS:url_shortcircuit:flow,test",
         true},
        {"'hints':{'expect_url_contains':'flow.test'}", "gate:PASS:url_shortcircuit:flow.test",
         true},
        {"'hints':{'expect_url_contains':'flow','expect_url_excludes':['flow.test']}",
         "gate:FAIL:the URL contains 'flow.test'", false},
        {"'hints':{'expect_url_contains':'other'},'verify':'\\\"Plain\\\" is shown'",
         "gate:PASS:'Plain' is there", true},
        {"'verify':'\\\"Plain\\\" is shown'", "gate:PASS:'Plain' is there", true},
        {"'verify':'\\\"Never\\\" is shown'", "gate:FAIL:'Never' is not there", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[600];
        snprintf(steps, sizeof(steps),
                 "[{'type':'navigate','intent':'x','params':{'url':'" AT "'}},"
                 "{'type':'extract_data','gate':true,'intent':'g',%s}]",
                 cases[i].step);
        rig_init(&rig, flow_page, steps);
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 1), cases[i].data);
        assert_int_equal(json_flag(rig_result(&rig, 1), "success", false), cases[i].success);
        rig_release(&rig);
    }
}

static void a_gate_without_verify_asks_its_intent(void **state)
{
    struct rig rig;
    rig_init(&rig, flow_page,
             "[{'type':'navigate','intent':'x','params':{'url':'" AT "'}},"
             "{'type':'extract_data','gate':true,'intent':'\\\"Plain\\\" is shown'}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "gate:PASS:'Plain' is there");
    rig_release(&rig);
}

static void a_long_reason_is_cut(void **state)
{
    struct rig rig;
    char steps[600], word[201] = "";
    memset(word, 'w', 200);
    snprintf(steps, sizeof(steps),
             "[{'type':'navigate','intent':'x','params':{'url':'" AT "'}},"
             "{'type':'extract_data','gate':true,'intent':'\\\"%s\\\" is shown'}]",
             word);
    rig_init(&rig, flow_page, steps);
    rig_run(&rig, NULL);
    assert_int_equal(strlen(rig_data(&rig, 1)), strlen("gate:FAIL:") + 100);
    rig_release(&rig);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        row_test("plans 9.2 if_else leaves a record of the branch it took", if_else_is_recorded),
        row_test("plans 9.1 a loop leaves no record, and its counter is 0 behind it",
                 loops_leave_no_record),
        row_test("plans 9.1 without loop_count a body runs 30 times in extraction, 10 in pagination, else 50",
                 loops_without_a_count_have_that_of_their_section),
        row_test("plans 9.2 an if_else that leads back for ever ends as loop_stuck and says where",
                 an_if_else_that_leads_back_for_ever_is_stuck),
        row_test("plans 9.2 how often an if_else led back is in the checkpoint", a_poll_is_counted_over_workers),
        row_test("plans 9.2 an if_else that leads on may lead back as often again",
                 leading_on_starts_the_count_anew),
        row_test("plans 9.2 state variables are in the checkpoint", variables_survive_a_resume),
        row_test("plans 9.1 paginate starts inner loops anew and no other",
                 paginate_resets_inner_loops_only),
        row_test("plans 9.1 a failed paginate uses up the loops around it",
                 a_failed_paginate_uses_up_its_loops),
        row_test("plans 9.3 a gate reads the URL first, then asks", gates_answer),
        row_test("plans 9.3 a gate without verify asks its intent",
                 a_gate_without_verify_asks_its_intent),
        row_test("plans 9.3 the reason of a failed gate has 100 characters", a_long_reason_is_cut),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    memcpy(tests + ARRAY_SIZE(rows), others, sizeof(others));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
