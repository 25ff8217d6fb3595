#include "unit/test.h"

#include <string.h>

#include "base/json.h"
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

static struct schema *parsed(const char *json)
{
    struct schema *s = NULL;
    struct err err = {0};
    if (schema_parse(pool, json_of(pool, json), &s, &err))
        fail_msg("%s", err.msg);
    return s;
}

static void fields_get_labels_types_and_defaults(void **state)
{
    const struct schema *s =
        parsed("{'fields':[{'name':'sale_price','type':'float','required':false,"
               "'example':12.5},{'name':'make'},'model',{'name':'make'},{'name':' '}]}");
    assert_int_equal(s->n_fields, 3);
    assert_string_equal(s->fields[0].label, "Sale Price");
    assert_int_equal(s->fields[0].type, FIELD_FLOAT);
    assert_false(s->fields[0].required);
    assert_string_equal(s->fields[0].example, "12.5");
    assert_true(s->fields[1].required);
    assert_string_equal(s->fields[2].name, "model");
    assert_string_equal(s->entity_name, "item");
    assert_null(s->spam_indicators[0]);
}

static void required_fields_decides_alone(void **state)
{
    const struct schema *s =
        parsed("{'fields':['a',{'name':'b','required':false}],'required_fields':['B','other']}");
    assert_false(s->fields[0].required);
    assert_true(s->fields[1].required);
}

static void rejections_have_wishes(void **state)
{
    const struct schema *s =
        parsed("{'fields':['a'],'rejection_intents':{'dealer':'halt','incomplete_required':'"
               "extract_more'}}");
    assert_int_equal(s->on_spam, REJECTION_HALT);
    assert_int_equal(s->on_incomplete, REJECTION_MORE);
    s = parsed("{'fields':['a'],'rejection_intents':{'dealer':'skip'}}");
    assert_int_equal(s->on_spam, REJECTION_SKIP);
    assert_int_equal(s->on_incomplete, REJECTION_FAIL);
}

static void no_usable_field_is_no_schema(void **state)
{
    assert_null(parsed("{'fields':[]}"));
    assert_null(parsed("{'entity_name':'boat'}"));
    assert_null(parsed("{'fields':[{'name':''}]}"));
}

static void wrong_shapes_are_refused_by_name(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"[]", "must be an object"},
        {"{'fields':'year'}", "fields must be a list"},
        {"{'fields':[{'name':'a'},7]}", "fields[1]: must be an object"},
        {"{'fields':[{'name':'a','type':'colour'}]}", "type 'colour'"},
        {"{'fields':['a'],'max_items':-1}", "max_items"},
        {"{'fields':['a'],'rejection_intents':'skip'}", "rejection_intents must be an object"},
        {"{'fields':['a'],'rejection_intents':{'dealer':'stop'}}", "'dealer' must be skip, halt"},
        {"{'fields':['a'],'rejection_intents':{'dealer':1}}", "rejection_intents"},
        {"{'fields':['a'],'allowed_controls':{}}", "allowed_controls must be a list"},
        {"{'fields':['a'],'spam_indicators':[1]}", "spam_indicators[0] must be a string"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct schema *s;
        struct err err = {0};
        assert_int_equal(schema_parse(pool, json_of(pool, cases[i].json), &s, &err), E_INVALID);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].json, err.msg);
        assert_null(s);
    }
}

static const struct word_case {
    const char *row, *word;
    bool placeholder, row_placeholder;
} word_cases[] = {
    {"agent-loop 14.3 placeholder: nothing", "", true, true},
    {"agent-loop 14.3 placeholder: blanks alone", " \t", true, true},
    {"agent-loop 14.3 placeholders are trimmed", "  N/A ", true, true},
    {"agent-loop 14.3 placeholder: unknown", "UNKNOWN", true, true},
    {"agent-loop 14.3 placeholder: <unknown>", "<unknown>", true, true},
    {"agent-loop 14.3 placeholder: none", "None", true, true},
    {"agent-loop 14.3 placeholder: n/a", "N/a", true, true},
    {"agent-loop 14.3 placeholder: na", "Na", true, true},
    {"agent-loop 14.3 placeholder: not visible", "Not visible", true, true},
    {"agent-loop 14.3 placeholder: not shown", "Not shown", true, true},
    {"agent-loop 14.3 placeholder: not available", "Not available", true, true},
    {"agent-loop 14.3 placeholder: tbd", "TBD", true, true},
    {"agent-loop 14.3 names no row, but is a value: null", "null", false, true},
    {"agent-loop 14.3 names no row, but is a value: nil", "nil", false, true},
    {"agent-loop 14.3 names no row, but is a value: -", "-", false, true},
    {"agent-loop 14.3 names no row, but is a value: --", "--", false, true},
    {"agent-loop 14.3 names no row, but is a value: —", "\xE2\x80\x94", false, true},
    {"agent-loop 14.3 names no row, but is a value: ?", "?", false, true},
    {"agent-loop 14.3 names no row, but is a value: ??", "??", false, true},
    {"agent-loop 14.3 names no row, but is a value: untitled", "untitled", false, true},
    {"agent-loop 14.3 names no row, but is a value: no name", "no name", false, true},
    {"agent-loop 14.3 names no row, but is a value: unnamed", "unnamed", false, true},
    {"agent-loop 14.3 a value: 0", "0", false, false},
    {"agent-loop 14.3 a value: Nona", "Nona", false, false},
    {"agent-loop 14.3 a value: unknown make", "unknown make", false, false},
    {"agent-loop 14.3 a value: -5", "-5", false, false},
    {"agent-loop 14.3 a value: Nil by Mouth", "Nil by Mouth", false, false},
};

static void a_word_is_a_value_or_none(void **state)
{
    const struct word_case *c = *state;
    assert_int_equal(schema_is_placeholder(c->word), c->placeholder);
    assert_int_equal(schema_is_row_placeholder(c->word), c->row_placeholder);
}

static void positional_names_are_known(void **state)
{
    assert_true(schema_is_positional("Rank"));
    assert_false(schema_is_positional("ranking"));
}

static void missing_names_the_first_required_field(void **state)
{
    const struct schema *s = parsed("{'fields':['year','make',{'name':'trim','required':false}]}");
    assert_null(schema_missing(s, json_of(pool, "{'year':2014,'make':'Ford'}")));
    assert_string_equal(schema_missing(s, json_of(pool, "{'year':2014,'make':'n/a'}")), "make");
    assert_string_equal(schema_missing(s, json_of(pool, "{}")), "year");
}

static void leads_follow_field_order(void **state)
{
    const struct schema *s = parsed("{'fields':['year','make','phone','dealer_note']}");
    assert_string_equal(schema_lead(pool, s, json_of(pool, "{'make':'Ford','year':2014}")),
                        "VIABLE | Year: 2014 | Make: Ford | Phone: none");
    assert_string_equal(
        schema_lead(pool, s, json_of(pool, "{'phone':'555 0100','dealer_note':'a | b'}")),
        "VIABLE | Phone: 555 0100 | Dealer Note: a / b");
}

static void tiles_have_their_own_required_fields(void **state)
{
    const struct schema *s =
        parsed("{'fields':['title','phone'],'tile_required_fields':['TITLE','other'],"
               "'tile_carry_fields':['phone','nothing']}");
    assert_string_equal(schema_missing(s, json_of(pool, "{'title':'A'}")), "phone");
    assert_null(schema_missing_tile(s, json_of(pool, "{'TITLE':'A','title':'A'}")));
    assert_string_equal(s->tile_carry[0], "phone");
    assert_null(s->tile_carry[1]);
    s = parsed("{'fields':['title','phone']}");
    assert_string_equal(schema_missing_tile(s, json_of(pool, "{'title':'A'}")), "phone");
}

static const struct {
    const char *row, *plan, *recipe, *result;
} overlays[] = {
    {"agent-loop 14.1 lists of plan and recipe are joined",
     "{'fields':['a'],'spam_indicators':['x','y']}", "{'fields':['b'],'spam_indicators':['y','z']}",
     "{'fields':['a'],'spam_indicators':['x','y','z']}"},
    {"agent-loop 14.1 required_fields of a recipe do not judge the plan's own fields",
     "{'fields':['a']}", "{'fields':['b'],'required_fields':['b'],'entity_name':'boat'}",
     "{'fields':['a'],'entity_name':'boat'}"},
    {"agent-loop 14.1 a plan without fields has those of the recipe and what they require",
     "{'fields':[],'max_items':3}", "{'fields':['b'],'required_fields':['b']}",
     "{'fields':['b'],'required_fields':['b'],'max_items':3}"},
    {"agent-loop 14.1 rejection_intents of the plan win one by one",
     "{'fields':['a'],'rejection_intents':{'dealer':'halt'}}",
     "{'rejection_intents':{'dealer':'skip','incomplete_required':'skip'}}",
     "{'fields':['a'],'rejection_intents':{'dealer':'halt','incomplete_required':'skip'}}"},
};

static void a_plan_lies_over_its_recipe(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(overlays); i++) {
        const json_t *got = schema_overlay(pool, json_of(pool, overlays[i].plan),
                                           json_of(pool, overlays[i].recipe));
        if (!json_equal(got, json_of(pool, overlays[i].result)))
            fail_msg("%s: %s", overlays[i].row, json_text(pool, got));
    }
    assert_null(schema_overlay(pool, NULL, NULL));
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        {"agent-loop 14.3 tile_required_fields decide for rows of results",
         tiles_have_their_own_required_fields, make_pool, drop_pool, NULL},
        {"agent-loop 14.1 a plan's schema lies over its recipe's", a_plan_lies_over_its_recipe,
         make_pool, drop_pool, NULL},
        {"agent-loop 14.1 fields have names, types, examples and are required by default",
         fields_get_labels_types_and_defaults, make_pool, drop_pool, NULL},
        {"agent-loop 14.1 required_fields decides alone",
         required_fields_decides_alone, make_pool, drop_pool, NULL},
        {"agent-loop 14.1 rejection_intents are skip, halt, extract_more",
         rejections_have_wishes, make_pool, drop_pool, NULL},
        {"agent-loop 14.1 a block without a usable field is none",
         no_usable_field_is_no_schema, make_pool, drop_pool, NULL},
        {"agent-loop 14.1 a wrong shape is refused with the field it is in",
         wrong_shapes_are_refused_by_name, make_pool, drop_pool, NULL},
        cmocka_unit_test(positional_names_are_known),
        {"agent-loop 14.3 the first required field that is missing or a placeholder is named",
         missing_names_the_first_required_field, make_pool, drop_pool, NULL},
        {"agent-loop 14.4 a lead follows the order of the fields",
         leads_follow_field_order, make_pool, drop_pool, NULL},
    };
    struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(word_cases)], *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        *next++ = plain[i];
    for (size_t i = 0; i < ARRAY_SIZE(word_cases); i++)
        *next++ = (struct CMUnitTest){word_cases[i].row, a_word_is_a_value_or_none, NULL, NULL,
                                      (void *)&word_cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
