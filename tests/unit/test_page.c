#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/json.h"
#include "core/page.h"
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

/* A page from its nodes. */
static struct page *page_of(const char *nodes)
{
    struct page *page = NULL;
    struct err err = {0};
    const json_t *json = json_of(
        pool,
        pool_printf(pool, "{'url':'https://shop.test/a/b?q=1','title':'T','nodes':[%s]}", nodes));
    if (page_from_json(pool, json, &page, &err))
        fail_msg("%s", err.msg);
    return page;
}

static const struct node *tagged(const struct page *page, const char *tag)
{
    for (int i = 0; i < page->n_nodes; i++)
        if (strcmp(page->nodes[i].tag, tag) == 0)
            return &page->nodes[i];
    fail_msg("no <%s>", tag);
    return NULL;
}

#define V "'flags':'visible in_view','box':[10,10,100,20]"

struct name_case {
    const char *what, *nodes, *tag, *role, *name;
};

static const struct name_case name_cases[] = {
    {"link from content", "{'tag':'a','attrs':{'href':'/x'}," V "},{'text':'Next'}", "a", "link",
     "Next"},
    {"anchor without href", "{'tag':'a'," V "},{'text':'Next'}", "a", "", ""},
    {"image alt inside a link",
     "{'tag':'a','attrs':{'href':'/x'}," V "},{'tag':'img','parent':0,'attrs':{'alt':'Home'}," V
     "}",
     "a", "link", "Home"},
    {"aria-label beats content",
     "{'tag':'button','attrs':{'aria-label':'Close dialog'}," V "},{'text':'x'}", "button",
     "button", "Close dialog"},
    {"aria-labelledby beats aria-label",
     "{'tag':'div'," V "},{'tag':'span','parent':0,'attrs':{'id':'t'}," V "},{'text':'Real'},"
     "{'tag':'button','parent':0,'attrs':{'aria-labelledby':'t','aria-label':'Other'}," V "}",
     "button", "button", "Real"},
    {"label for",
     "{'tag':'div'," V "},{'tag':'label','parent':0,'attrs':{'for':'e'}," V "},{'text':'E-mail'},"
     "{'tag':'input','parent':0,'attrs':{'id':'e','type':'email'}," V "}",
     "input", "textbox", "E-mail"},
    {"wrapping label without the control's own options",
     "{'tag':'label'," V "},{'text':'Sort by'},{'tag':'select','parent':0," V "},"
     "{'tag':'option','parent':2},{'text':'Price'}",
     "select", "combobox", "Sort by"},
    {"placeholder last", "{'tag':'input','attrs':{'placeholder':'Search cars'}," V "}", "input",
     "textbox", "Search cars"},
    {"title before placeholder", "{'tag':'input','attrs':{'placeholder':'a','title':'b'}," V "}",
     "input", "textbox", "b"},
    {"submit button by value", "{'tag':'input','attrs':{'type':'SUBMIT','value':'Go'}," V "}",
     "input", "button", "Go"},
    {"submit button without value", "{'tag':'input','attrs':{'type':'submit'}," V "}", "input",
     "button", "Submit"},
    {"option of a closed select",
     "{'tag':'select'," V "},{'tag':'option','parent':0},{'text':'Red'}", "option", "option",
     "Red"},
    {"hidden text is not a name",
     "{'tag':'button'," V
     "},{'text':'Save'},{'tag':'span','parent':0,'flags':''},{'text':'secret'}",
     "button", "button", "Save"},
    {"explicit role", "{'tag':'div','attrs':{'role':'Tab other'}," V "},{'text':'Specs'}", "div",
     "tab", "Specs"},
    {"heading", "{'tag':'h2'," V "},{'text':'2019  Honda Civic'}", "h2", "heading",
     "2019 Honda Civic"},
    {"legend names a fieldset",
     "{'tag':'fieldset'," V "},{'tag':'legend','parent':0," V "},{'text':'Seller'}", "fieldset",
     "group", "Seller"},
    {"search box", "{'tag':'input','attrs':{'type':'search','aria-label':'Find'}," V "}", "input",
     "searchbox", "Find"},
    {"page header", "{'tag':'header'," V "}", "header", "banner", ""},
    {"row header",
     "{'tag':'tr'," V "},{'tag':'th','parent':0," V "},{'text':'Year'},{'tag':'td','parent':0," V
     "}",
     "th", "rowheader", "Year"},
};

static void roles_and_names_follow_tags_and_attributes(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++) {
        const struct name_case *c = &name_cases[i];
        const struct node *n = tagged(page_of(c->nodes), c->tag);
        if (strcmp(n->role, c->role) != 0 || strcmp(n->name, c->name) != 0)
            fail_msg("%s: role '%s' name '%s'", c->what, n->role, n->name);
    }
}

static void flags_are_implied_by_tags_and_aria(void **state)
{
    static const struct {
        const char *node;
        unsigned set, clear;
    } cases[] = {
        {"{'tag':'button'}", NODE_CLICKABLE, NODE_DISABLED | NODE_EDITABLE},
        {"{'tag':'button','attrs':{'disabled':''}}", NODE_DISABLED, 0},
        {"{'tag':'a','attrs':{'href':'/','aria-disabled':'true'}}", NODE_DISABLED | NODE_CLICKABLE,
         0},
        {"{'tag':'input','attrs':{'type':'text'}}", NODE_EDITABLE, NODE_CLICKABLE},
        {"{'tag':'input','attrs':{'type':'text','readonly':''}}", 0, NODE_EDITABLE},
        {"{'tag':'input','attrs':{'type':'hidden'}}", 0, NODE_EDITABLE},
        {"{'tag':'input','attrs':{'type':'checkbox'}}", NODE_CLICKABLE, NODE_EDITABLE},
        {"{'tag':'div','attrs':{'contenteditable':''}}", NODE_EDITABLE, 0},
        {"{'tag':'div','attrs':{'contenteditable':'false'}}", 0, NODE_EDITABLE},
        {"{'tag':'div','attrs':{'role':'option','aria-selected':'true'}}",
         NODE_SELECTED | NODE_CLICKABLE, 0},
        {"{'tag':'div','attrs':{'role':'button','aria-expanded':'true'}}", NODE_EXPANDED, 0},
        {"{'tag':'div'}", 0, NODE_CLICKABLE | NODE_VISIBLE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned f = page_of(cases[i].node)->nodes[0].flags;
        if ((f & cases[i].set) != cases[i].set || (f & cases[i].clear))
            fail_msg("%s: flags %x", cases[i].node, f);
    }
}

static void disabled_fieldset_disables_its_controls(void **state)
{
    const struct page *p =
        page_of("{'tag':'fieldset','attrs':{'disabled':''}},{'tag':'input','parent':0}");
    assert_true(p->nodes[1].flags & NODE_DISABLED);
    assert_false(p->nodes[1].flags & NODE_EDITABLE);
}

static void passwords_lose_their_value(void **state)
{
    const struct page *p = page_of("{'tag':'input','attrs':{'type':'password'},'value':'hunter2'}");
    assert_string_equal(p->nodes[0].value, "");
}

static void links_are_resolved_against_the_page(void **state)
{
    static const struct {
        const char *href, *want;
    } cases[] = {
        {"/x", "https://shop.test/x"},
        {"x", "https://shop.test/a/x"},
        {"../x?y=1", "https://shop.test/x?y=1"},
        {"./x", "https://shop.test/a/x"},
        {"../../../x", "https://shop.test/x"},
        {"?p=2", "https://shop.test/a/b?p=2"},
        {"#top", "https://shop.test/a/b?q=1#top"},
        {"//cdn.test/y", "https://cdn.test/y"},
        {"http://other.test/", "http://other.test/"},
        {"tel:+15550100", "tel:+15550100"},
        {"javascript:void(0)", "javascript:void(0)"},
        {"", "https://shop.test/a/b?q=1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *node = pool_printf(pool, "{'tag':'a','attrs':{'href':'%s'}}", cases[i].href);
        assert_string_equal(page_of(node)->nodes[0].href, cases[i].want);
    }
}

static void base_tag_moves_relative_links(void **state)
{
    const struct page *p =
        page_of("{'tag':'html'},{'tag':'base','parent':0,'attrs':{'href':'/shop/'}},"
                "{'tag':'a','parent':0,'attrs':{'href':'item'}}");
    assert_string_equal(tagged(p, "a")->href, "https://shop.test/shop/item");
}

static void text_joins_touching_inline_pieces_only(void **state)
{
    const struct page *p =
        page_of("{'tag':'p'," V "},{'tag':'span','parent':0," V "},{'text':'$','box':[10,10,8,20]},"
                "{'tag':'span','parent':0," V "},{'text':'12,500','box':[18,10,50,20]},"
                "{'tag':'b','parent':0," V "},{'text':'firm','box':[72,10,30,20]},"
                "{'tag':'i','parent':0," V "},{'text':'!','box':[102,10,4,20]},"
                "{'tag':'div','parent':0," V "},{'text':'next','box':[106,10,30,20]},"
                "{'tag':'div','parent':0,'flags':''},{'text':'hidden'}");
    assert_string_equal(page_text(pool, p, 0, 1000), "$12,500 firm! next");
    assert_string_equal(page_text(pool, p, 0, 9), "$12,500 f");
    assert_string_equal(page_text(pool, p, 5, 1000), "firm");
}

static void text_is_cut_at_a_character(void **state)
{
    const struct page *p = page_of("{'tag':'p'," V "},{'text':'aéé'}");
    assert_string_equal(page_text(pool, p, 0, 4), "aé");
}

static void point_is_the_middle_of_what_the_viewport_shows(void **state)
{
    struct node n = {.end = 1, .tag = "div", .box = {10, 50, 100, 100}};
    struct page page = {.nodes = &n, .n_nodes = 1, .viewport = {0, 100, 1000, 500}};
    struct point at = node_point(&page, &n);
    assert_int_equal(at.x, 60);
    assert_int_equal(at.y, 125);
    n.box = (struct rect){10, 5000, 100, 100};
    assert_int_equal(node_point(&page, &n).y, 5050);
}

static void json_comes_back_as_it_went(void **state)
{
    const struct page *p =
        page_of("{'tag':'html'," V "},{'tag':'a','parent':0,'attrs':{'href':'/x','class':'k'},"
                "'flags':'visible clickable covered','box':[1,2,3,4]},{'text':'go'},"
                "{'tag':'input','parent':0,'value':'v','flags':'focused'}");
    json_t *first = page_to_json(p), *second;
    struct page *again;
    struct err err = {0};
    assert_int_equal(page_from_json(pool, first, &again, &err), 0);
    second = page_to_json(again);
    assert_true(json_equal(first, second));
    assert_true(node_is_a(again, 2, 1));
    assert_false(node_is_a(again, 3, 1));
    assert_int_equal(again->nodes[0].end, 4);
    json_decref(first);
    json_decref(second);
}

static void broken_page_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"[]", "page must be an object"},
        {"{}", "nodes must be a list"},
        {"{\"nodes\":[3]}", "nodes[0]: must be an object"},
        {"{\"nodes\":[{\"tag\":\"a\"},{\"tag\":\"b\",\"parent\":5}]}", "nodes[1]: parent"},
        {"{\"nodes\":[{\"tag\":\"a\"},{\"tag\":\"b\",\"parent\":-1}]}", "nodes[1]: parent"},
        {"{\"nodes\":[{}]}", "nodes[0]: tag is missing"},
        {"{\"nodes\":[{\"tag\":\"a\",\"box\":[1,2,3]}]}", "box must be a list of 4"},
        {"{\"nodes\":[{\"tag\":\"a\",\"box\":[1,2,3,-4]}]}", "must not be negative"},
        {"{\"nodes\":[{\"tag\":\"a\",\"box\":[1,2,3,1e9]}]}", "integers"},
        {"{\"nodes\":[{\"tag\":\"a\",\"flags\":\"shiny\"}]}", "unknown word 'shiny'"},
        {"{\"nodes\":[{\"tag\":\"a\",\"frame\":9999}]}", "frame must be"},
        {"{\"nodes\":[{\"tag\":\"a\",\"attrs\":{\"id\":4}}]}", "attrs.id must be a string"},
        {"{\"url\":7,\"nodes\":[]}", "url must be a string"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *json = json_loads(cases[i].json, 0, NULL);
        struct page *page;
        struct err err = {0};
        assert_int_equal(page_from_json(pool, json, &page, &err), E_INVALID);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].json, err.msg);
        json_decref(json);
    }
}

/* n nodes, each inside the one before when deep, else all children of the first. */
static struct page *big_page(int n, bool deep)
{
    static const struct attr attrs[] = {{"role", "button"}, {"id", "x"}, {"aria-labelledby", "x"}};
    struct page *page = pool_alloc(pool, sizeof(*page));
    *page = (struct page){.url = "https://big.test/", .title = "", .n_nodes = n};
    page->nodes = pool_alloc(pool, sizeof(struct node) * (size_t)n);
    for (int i = 0; i < n; i++)
        page->nodes[i] = (struct node){.parent = i == 0 ? -1
                                                 : deep ? i - 1
                                                        : 0,
                                       .end = deep || i == 0 ? n : i + 1,
                                       .tag = i % 3 == 2 && !deep ? "label" : "div",
                                       .text = "",
                                       .role = "",
                                       .name = "",
                                       .value = "",
                                       .href = "",
                                       .attrs = attrs,
                                       .n_attrs = 3,
                                       .flags = NODE_VISIBLE};
    return page;
}

/* Quadratic work on the largest page takes minutes, and the suite's timeout ends it. */
static void largest_page_is_finished_in_linear_time(void **state)
{
    for (int deep = 0; deep < 2; deep++) {
        struct page *page = big_page(CAP_PAGE_NODES, deep);
        page_finish(pool, page);
        assert_string_equal(page->nodes[CAP_PAGE_NODES - 2].role, "button");
    }
}

static void wrapped_link_is_clicked_on_its_first_line(void **state)
{
    /* "2008 Ostermoor Compass" / "28": the middle of the box is beside the second word */
    struct page *page =
        page_of("{'tag':'body','flags':'visible in_view','box':[0,0,800,600]},"
                "{'tag':'a','parent':0,'attrs':{'href':'/x'},'flags':'visible "
                "in_view','box':[640,420,232,42]},"
                "{'text':'2008 Ostermoor Compass "
                "28','parent':1,'box':[640,420,232,42],'line':[640,420,232,20]},"
                "{'tag':'button','parent':0,'flags':'visible in_view','box':[100,100,200,90]},"
                "{'text':'two lines in a tall "
                "button','parent':3,'box':[110,120,80,42],'line':[110,120,80,20]}");
    struct point at = node_point(page, tagged(page, "a"));
    assert_int_equal(at.x, 756);
    assert_int_equal(at.y, 430);
    at = node_point(page, tagged(page, "button"));
    assert_int_equal(at.x, 200);
    assert_int_equal(at.y, 145);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(roles_and_names_follow_tags_and_attributes, make_pool,
                                        drop_pool),
        cmocka_unit_test_setup_teardown(flags_are_implied_by_tags_and_aria, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(disabled_fieldset_disables_its_controls, make_pool,
                                        drop_pool),
        cmocka_unit_test_setup_teardown(passwords_lose_their_value, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(links_are_resolved_against_the_page, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(base_tag_moves_relative_links, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(text_joins_touching_inline_pieces_only, make_pool,
                                        drop_pool),
        cmocka_unit_test_setup_teardown(text_is_cut_at_a_character, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(point_is_the_middle_of_what_the_viewport_shows, make_pool,
                                        drop_pool),
        cmocka_unit_test_setup_teardown(wrapped_link_is_clicked_on_its_first_line, make_pool,
                                        drop_pool),
        cmocka_unit_test_setup_teardown(json_comes_back_as_it_went, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(broken_page_json_is_refused_with_its_place, make_pool,
                                        drop_pool),
        cmocka_unit_test_setup_teardown(largest_page_is_finished_in_linear_time, make_pool,
                                        drop_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
