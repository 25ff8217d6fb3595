/* What a paused page leaves behind of its form (agent-loop.md 13): each row is a page of one field. */
#include "unit/test.h"

#include <string.h>

#include "run/page_state.h"
#include "unit/fixtures.h"

#define INPUT(attrs, more) FLAGGED("visible", attrs, more)
#define FLAGGED(flags, attrs, more)                                                                \
    "{'parent':0,'tag':'input','attrs':{" attrs "},'flags':'" flags "'" more "}"
#define TYPED ",'value':'Ann'"

/* clang-format off */
static const struct form_case {
    const char *row, *nodes;
    const char *selector; /* NULL: nothing is kept */
    const char *kind, *value; /* value NULL: none is kept */
} form_cases[] = {
    {"agent-loop 13 form: an input's text", INPUT("'id':'n'", TYPED), "#n", "text", "Ann"},
    {"agent-loop 13 form: the first data attribute names a field", INPUT("'id':'n','data-a':'1','data-b':'2'", TYPED), "[data-a=\"1\"]", "text", "Ann"},
    {"agent-loop 13 form: else its id", INPUT("'id':'n','name':'x'", TYPED), "#n", "text", "Ann"},
    {"agent-loop 13 form: else its place", "{'parent':0,'tag':'div','attrs':{'class':'row big'},'flags':'visible'},{'parent':1,'tag':'input','attrs':{},'flags':'visible','value':'Ann'}", "body:nth-of-type(1) > div.row:nth-of-type(1) > input:nth-of-type(1)", "text", "Ann"},
    {"agent-loop 13 form: a place has four levels at most", "{'parent':0,'tag':'div','flags':'visible'},{'parent':1,'tag':'div','flags':'visible'},{'parent':2,'tag':'p','flags':'visible'},{'parent':3,'tag':'p','flags':'visible'},{'parent':4,'tag':'input','attrs':{},'flags':'visible','value':'Ann'}", "div:nth-of-type(1) > p:nth-of-type(1) > p:nth-of-type(1) > input:nth-of-type(1)", "text", "Ann"},
    {"agent-loop 13 form: a hidden input is not kept", INPUT("'id':'n','type':'hidden'", TYPED), NULL, NULL, NULL},
    {"agent-loop 13 form: a button is not kept", INPUT("'id':'n','type':'submit'", TYPED), NULL, NULL, NULL},
    {"agent-loop 13 form: a select's choice", "{'parent':0,'tag':'select','attrs':{'id':'n'},'flags':'visible','value':'Two'}", "#n", "select", "Two"},
    {"agent-loop 13 form: a textarea's text", "{'parent':0,'tag':'textarea','attrs':{'id':'n'},'flags':'visible','value':'Ann'}", "#n", "text", "Ann"},
    {"agent-loop 13 form: a checkbox that is ticked", FLAGGED("visible checked", "'id':'n','type':'checkbox'", ""), "#n", "checkbox", "true"},
    {"agent-loop 13 form: a checkbox that is not", INPUT("'id':'n','type':'checkbox'", ""), "#n", "checkbox", "false"},
    {"agent-loop 13 form: a radio button", FLAGGED("visible checked", "'id':'n','type':'radio'", ""), "#n", "radio", "true"},
    {"agent-loop 13 form: contenteditable", "{'parent':0,'tag':'div','attrs':{'id':'n','contenteditable':'true'},'flags':'visible editable'},{'parent':1,'text':'Ann'}", "#n", "contenteditable", "Ann"},
    {"agent-loop 13 form: a password is masked and has no value", INPUT("'id':'n','type':'password'", TYPED), "#n", "text", NULL},
};

/* A person answered 2075550142, and 42 to a second question. What is masked, by id. */
static const struct form_case answer_cases[] = {
    {"agent-loop 13 form: what a person answered is masked", INPUT("'id':'n'", ",'value':'2075550142'"), "#n", "text", NULL},
    {"agent-loop 13 form: an answer that the page writes its own way is masked", INPUT("'id':'n'", ",'value':'(207) 555-0142'"), "#n", "text", NULL},
    {"agent-loop 13 form: an answer within a text is masked", "{'parent':0,'tag':'textarea','attrs':{'id':'n'},'flags':'visible','value':'Call 207-555-0142 please'}", "#n", "text", NULL},
    {"agent-loop 13 form: a short answer is masked where it is all there is", INPUT("'id':'n'", ",'value':' 42 '"), "#n", "text", NULL},
    {"agent-loop 13 form: a short answer within a text is not taken for it", INPUT("'id':'n'", ",'value':'No 42'"), "#n", "text", "No 42"},
    {"agent-loop 13 form: other texts stay", INPUT("'id':'n'", ",'value':'207'"), "#n", "text", "207"},
    {"agent-loop 13 form: an empty field is not masked", INPUT("'id':'n'", ",'value':''"), "#n", "text", ""},
    {"agent-loop 13 form: a password that is shown in plain is masked", INPUT("'id':'n','type':'text','autocomplete':'current-password'", TYPED), "#n", "text", NULL},
    {"agent-loop 13 form: a field for a code from a message is masked", INPUT("'id':'n','autocomplete':'one-time-code'", TYPED), "#n", "text", NULL},
};
/* clang-format on */

static struct answers answered(void)
{
    struct answers a = {0};
    json_t *given = json_pack("{s:s,s:i}", "1", "2075550142", "2", 42);
    answers_take(&a, given);
    json_decref(given);
    return a;
}

static void a_field_is_kept(void **state)
{
    const struct form_case *c = *state;
    struct pool *pool = pool_create(NULL);
    struct page *page;
    struct err err = {0};
    const char *text = pool_printf(
        pool, "{'url':'http://a.test/','title':'','nodes':[{'parent':-1,'tag':'body','flags':"
              "'visible'},%s]}",
        c->nodes);
    if (page_from_json(pool, json_of(pool, text), &page, &err))
        fail_msg("%s", err.msg);
    struct answers answers = answered();
    json_t *form = json_keep(pool, page_state_form(pool, page, &answers));
    answers_release(&answers);
    assert_int_equal(json_object_size(form), c->selector != NULL);
    if (c->selector) {
        const json_t *field = json_object_get(form, c->selector);
        if (!field)
            fail_msg("%s", json_text(pool, form));
        assert_string_equal(json_str(field, "kind", ""), c->kind);
        assert_string_equal(json_str(field, "value", "(none)"), c->value ? c->value : "(none)");
        assert_int_equal(json_flag(field, "masked", !c->value), !c->value);
    }
    pool_destroy(pool);
}

/* A digit each, and a field beside them that holds no character of it. */
static void an_answer_in_boxes_is_masked(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct page *page;
    struct err err = {0};
    const char *boxes = "", *code = "2075550142";
    for (int i = 0; i < 10; i++)
        boxes = pool_printf(pool, "%s," INPUT("'id':'b%d'", ",'value':'%c'"), boxes, i, code[i]);
    const char *text = pool_printf(pool,
                                   "{'url':'http://a.test/','title':'','nodes':[{'parent':-1,'tag':'body',"
                                   "'flags':'visible'}," INPUT("'id':'n'", TYPED) "%s," INPUT(
                                       "'id':'m'", ",'value':'5'") "]}",
                                   boxes);
    struct answers answers = answered();
    if (page_from_json(pool, json_of(pool, text), &page, &err))
        fail_msg("%s", err.msg);
    json_t *form = json_keep(pool, page_state_form(pool, page, &answers));
    assert_string_equal(json_str(json_object_get(form, "#n"), "value", ""), "Ann");
    for (int i = 0; i < 10; i++) {
        json_t *field = json_object_get(form, pool_printf(pool, "#b%d", i));
        assert_true(json_flag(field, "masked", false));
        assert_null(json_object_get(field, "value"));
    }
    answers_release(&answers);
    answers = (struct answers){0};
    form = json_keep(pool, page_state_form(pool, page, &answers));
    assert_string_equal(json_str(json_object_get(form, "#b3"), "value", ""), "5");
    pool_destroy(pool);
}

int main(void)
{
    static const struct CMUnitTest boxes[] = {
        row_test("agent-loop 13 form: an answer that stands in a box per character is masked", an_answer_in_boxes_is_masked)};
    struct CMUnitTest tests[ARRAY_SIZE(form_cases) + ARRAY_SIZE(answer_cases)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(form_cases); i++)
        tests[n++] = (struct CMUnitTest){form_cases[i].row, a_field_is_kept, NULL, NULL,
                                         (void *)&form_cases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(answer_cases); i++)
        tests[n++] = (struct CMUnitTest){answer_cases[i].row, a_field_is_kept, NULL, NULL,
                                         (void *)&answer_cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(boxes, NULL, NULL);
}
