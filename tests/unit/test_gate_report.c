#include "unit/test.h"

#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "gate/report_page.h"
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

/* --- 6.1: the task file ------------------------------------------------------------------------- */

static void a_task_has_its_defaults(void **state)
{
    struct task_file file;
    struct err err = {0};
    assert_int_equal(task_file_parse(pool, json_of(pool, "{'tasks':[{'task_id':'a'}]}"), "t", &file, &err), 0);
    assert_int_equal(file.n, 1);
    const struct gate_task *t = &file.tasks[0];
    assert_string_equal(t->text, "");
    assert_string_equal(t->plan_text, "");
    assert_string_equal(t->url, "");
    assert_int_equal(json_array_size(t->micro_plan), 0);
    assert_true(json_is_object(t->metadata));
    assert_int_equal(t->n_criteria, 1);
    assert_string_equal(t->criteria[0].type, "task_success");
    assert_float_equal(t->max_cost, 1.0, 0);
    assert_int_equal(t->max_steps, 30);
    assert_null(file.warnings[0]);
}

static void a_task_has_what_its_file_says(void **state)
{
    struct task_file file;
    struct err err = {0};
    assert_int_equal(task_file_parse(pool, json_of(pool,
        "[{'task_id':'b','task_text':'Do it','plan_text':'1. do','url':'http://a.test/','max_cost':0.5,'max_steps':7,"
        "'micro_plan':[{'intent':'x'}],'metadata':{'type':'login'},'criteria':[{'type':'status_eq','value':'succeeded'},"
        "{'type':'row_count','value':3}]},{'task_id':'c','criteria':null}]"), "t", &file, &err), 0);
    const struct gate_task *t = &file.tasks[0];
    assert_int_equal(file.n, 2);
    assert_string_equal(t->text, "Do it");
    assert_float_equal(t->max_cost, 0.5, 0);
    assert_int_equal(t->max_steps, 7);
    assert_int_equal(json_array_size(t->micro_plan), 1);
    assert_string_equal(json_str(t->metadata, "type", ""), "login");
    assert_int_equal(t->n_criteria, 2);
    assert_string_equal(t->criteria[1].value, "3");
    assert_string_equal(file.warnings[0], "task 'b': there is no criterion 'row_count'; it never passes");
    assert_null(file.warnings[1]);
}

static void a_wrong_task_file_names_the_field(void **state)
{
    static const struct {
        const char *doc, *says;
    } cases[] = {
        {"'text'", "t: must be a list of tasks"},
        {"{'task':[]}", "t: must be a list of tasks"},
        {"[]", "there is no task"},
        {"['a']", "tasks[0]: a task must be an object"},
        {"[{'task_text':'x'}]", "tasks[0]: 'task_id' is missing"},
        {"[{'task_id':'  '}]", "tasks[0]: 'task_id' is missing"},
        {"[{'task_id':'a'},{'task_id':'b'},{'task_id':'a'}]", "tasks[2]: 'task_id' \"a\" is there twice"},
        {"[{'task_id':'a','task_text':[1]}]", "task_text"},
        {"[{'task_id':'a','micro_plan':'x'}]", "'micro_plan' must be a list"},
        {"[{'task_id':'a','metadata':[]}]", "'metadata' must be an object"},
        {"[{'task_id':'a','metadata':{'env':'mantis_crm','seed':'x'}}]", "tasks[0]: metadata: 'seed'"},
        {"[{'task_id':'a','metadata':{'env':7}}]", "tasks[0]: metadata: 'env' must be a string"},
        {"[{'task_id':'a','metadata':{'env':'mantis_crm','before':'x'}}]", "metadata: 'before' must be a list"},
        {"[{'task_id':'a','metadata':{'env':'mantis_crm','before':['POST /__env__/trust','GET @elsewhere.example/']}}]",
         "metadata: before[1] must be a control call"},
        {"[{'task_id':'a','criteria':{'type':'x'}}]", "'criteria' must be a list"},
        {"[{'task_id':'a','criteria':[{'value':'x'}]}]", "criteria[0]: 'type' must be"},
        {"[{'task_id':'a','max_cost':0}]", "'max_cost' must be more than 0"},
        {"[{'task_id':'a','max_cost':'much'}]", "max_cost"},
        {"[{'task_id':'a','max_steps':0}]", "'max_steps' must be"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct task_file file;
        struct err err = {0};
        if (task_file_parse(pool, json_of(pool, cases[i].doc), "t", &file, &err) != E_INVALID ||
            !strstr(err.msg, cases[i].says))
            fail_msg("%s: said '%s', not '%s'", cases[i].doc, err.msg, cases[i].says);
    }
}

static void a_missing_task_file_is_named(void **state)
{
    struct task_file file;
    struct err err = {0};
    assert_int_equal(task_file_read(pool, "/nowhere/tasks.json", &file, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nowhere/tasks.json"));
}

/* --- 6.1: the criteria -------------------------------------------------------------------------- */

static const struct outcome good = {
    .task_id = "a", .success = true, .status = "succeeded", .run_id = "r1", .url = "https://forms.example/done",
    .output = "{\"rows\":[\"Ann\"]}", .cost = 0.21, .duration_s = 88.2, .error = "",
};

static void a_criterion_passes_by_its_rule_and_else_never(void **state)
{
    static const struct {
        const char *type, *value;
        bool passes;
    } cases[] = {
        {"task_success", "", true},
        {"status_eq", "succeeded", true},
        {"status_eq", "succeed", false},
        {"status_eq", "Succeeded", false},
        {"url_contains", "forms.example", true},
        {"url_contains", "shop", false},
        {"output_contains", "Ann", true},
        {"output_contains", "ann", false},
        {"row_count", "1", false},
        {"Task_Success", "", false},
        {"", "", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct criterion c = {cases[i].type, cases[i].value};
        const struct gate_task task = {.id = "a", .criteria = &c, .n_criteria = 1};
        struct task_result r = report_judge(pool, &task, 0, &good);
        if (r.passed != cases[i].passes || r.criteria[0].passed != cases[i].passes)
            fail_msg("%s %s: passed %d", cases[i].type, cases[i].value, r.passed);
    }
}

static void all_criteria_must_hold(void **state)
{
    const struct criterion list[] = {{"task_success", ""}, {"url_contains", "done"}, {"status_eq", "halted"}};
    const struct gate_task task = {.id = "a", .criteria = list, .n_criteria = 3};
    struct task_result r = report_judge(pool, &task, 0, &good);
    assert_false(r.passed);
    assert_true(r.criteria[0].passed);
    assert_true(r.criteria[1].passed);
    assert_false(r.criteria[2].passed);
}

static void an_error_never_passes(void **state)
{
    const struct criterion c = {"task_success", ""};
    const struct gate_task task = {.id = "a", .criteria = &c, .n_criteria = 1};
    struct outcome o = good;
    o.error = "connection refused";
    assert_false(report_judge(pool, &task, 0, &o).passed);
}

/* --- 6.3: the report ---------------------------------------------------------------------------- */

static struct report three_results(void)
{
    static const struct criterion c = {"task_success", ""};
    static struct task_result results[3];
    const struct gate_task task = {.id = "a", .criteria = &c, .n_criteria = 1,
                                   .metadata = json_of(pool, "{'type':'login'}")};
    struct outcome lost = good, broken = good;
    lost.success = false;
    broken.error = "HTTP 500";
    results[0] = report_judge(pool, &task, 0, &good);
    results[1] = report_judge(pool, &task, 1, &lost);
    results[2] = report_judge(pool, &task, 2, &broken);
    return (struct report){.name = "cand", .started_at = 10, .ended_at = 20.5, .results = results, .n = 3};
}

static void a_report_counts_errors_as_failed(void **state)
{
    struct report report = three_results(), none = {.name = ""};
    struct report_counts c = report_count(&report);
    assert_int_equal(c.passed, 1);
    assert_int_equal(c.failed, 2);
    assert_int_equal(c.errors, 1);
    assert_float_equal(c.pass_rate, 0.3333, 1e-12);
    assert_float_equal(report_count(&none).pass_rate, 0, 0);
}

static void a_report_comes_back_as_it_was_written(void **state)
{
    struct report report = three_results(), back;
    struct err err = {0};
    char path[] = "/tmp/gate_report_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(report_write(pool, path, &report, &err), 0);
    assert_int_equal(report_read(pool, path, &back, &err), 0);
    unlink(path);
    assert_string_equal(json_text(pool, json_keep(pool, report_json(&back))),
                        json_text(pool, json_keep(pool, report_json(&report))));
    assert_int_equal(back.results[2].repeat, 2);
    assert_string_equal(json_str(back.results[0].metadata, "type", ""), "login");
}

static void the_report_of_the_contract_is_read(void **state)
{
    struct report r;
    struct err err = {0};
    assert_int_equal(report_parse(pool, json_of(pool,
        "{'name':'cand','started_at':1772600000.0,'ended_at':1772600900.5,'task_count':2,'pass_count':2,'results':["
        "{'task_id':'forms.t1','passed':true,'criterion_results':[{'type':'task_success','value':'','passed':true}],"
        "'outcome':{'task_id':'forms.t1','success':true,'status':'succeeded','url':'https://forms.example/done',"
        "'output':'{}','cost':0.21,'duration_s':88.2,'error':'','raw':{}}},"
        "{'task_id':'forms.t2','passed':true,'outcome':{'error':'HTTP 502'}}]}"), "r", &r, &err), 0);
    assert_float_equal(r.results[0].outcome.cost, 0.21, 0);
    assert_true(r.results[0].passed);
    assert_false(r.results[1].passed); /* an error, whatever it says */
    assert_int_equal(report_count(&r).passed, 1);
}

static void a_wrong_report_names_the_field(void **state)
{
    static const struct {
        const char *doc, *says;
    } cases[] = {
        {"[]", "'results' must be a list"},
        {"{'results':[{'passed':true}]}", "results[0]: 'task_id' is missing"},
        {"{'results':[{'task_id':'a','passed':'yes'}]}", "results[0]: 'passed' must be"},
        {"{'results':[{'task_id':'a','passed':true,'outcome':{'cost':'much'}}]}", "results[0]: outcome: "},
        {"{'results':[{'task_id':'a','passed':true},{'task_id':'a','passed':true}]}", "is there twice"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct report r;
        struct err err = {0};
        if (report_parse(pool, json_of(pool, cases[i].doc), "r", &r, &err) != E_INVALID || !strstr(err.msg, cases[i].says))
            fail_msg("%s: said '%s', not '%s'", cases[i].doc, err.msg, cases[i].says);
    }
}

/* --- pages --------------------------------------------------------------------------------------- */

static void a_page_cuts_what_an_oracle_said_between_letters(void **state)
{
    char said[1000];
    struct report r;
    for (size_t i = 0; i + 1 < sizeof(said); i++)
        said[i] = (i + 1) % 2 ? '\xc3' : '\xa9';
    said[sizeof(said) - 2] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        const char *doc = pool_printf(pool, "{'results':[{'task_id':'a','passed':false,'outcome':{'raw':{'oracle':"
                                            "{'reasons':['%s%s']}}}}]}", shift ? "x" : "", said);
        assert_int_equal(report_parse(pool, json_of(pool, doc), "r", &r, NULL), 0);
        const struct report_page page = {.title = "T", .arms = {&r, NULL}};
        const char *html = report_page_html(pool, &page), *markdown = report_page_markdown(pool, &page);
        assert_non_null(strstr(html, "\xc3\xa9"));
        assert_true(str_is_utf8(html, strlen(html)));
        assert_true(str_is_utf8(markdown, strlen(markdown)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 6.1 a task's defaults", a_task_has_its_defaults),
        row_test("promotion 6.1 a task's fields", a_task_has_what_its_file_says),
        row_test("promotion 6.1 anything else is an error that names the field", a_wrong_task_file_names_the_field),
        cmocka_unit_test(a_missing_task_file_is_named),
        row_test("promotion 6.1 criteria, others never pass", a_criterion_passes_by_its_rule_and_else_never),
        row_test("promotion 6.1 all criteria must hold", all_criteria_must_hold),
        row_test("promotion 6.3 an error forces passed false", an_error_never_passes),
        row_test("promotion 6.3 fail_count includes errors, pass_rate has 4 decimals", a_report_counts_errors_as_failed),
        cmocka_unit_test(a_report_comes_back_as_it_was_written),
        row_test("promotion 6.3 the example is read", the_report_of_the_contract_is_read),
        cmocka_unit_test(a_wrong_report_names_the_field),
        cmocka_unit_test(a_page_cuts_what_an_oracle_said_between_letters),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
