/*
 * graph_learn: what is read out of an objective, what a page is found to be, and the plan that
 * comes of it, on captured pages. That such plans do their work is shown by
 * tests/e2e/learn.test.mjs.
 */
#include "unit/test.h"

#include <string.h>

#include "base/str.h"
#include "plan/intake.h"
#include "plan/validate.h"
#include "run/learn/compile.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

/* --- objectives ------------------------------------------------------------------------------- */

static const char *joined(struct pool *pool, const char *const *list, int n)
{
    const char *out = "";
    for (int i = 0; i < n; i++)
        out = pool_printf(pool, "%s%s%s", out, i ? "|" : "", list[i]);
    return out;
}

/* clang-format off */
static const struct {
    const char *text, *entity;
    int count;
    bool all;
    const char *fields, *names, *skips, *search;
} objectives[] = {
    {"first 3 boats of private sellers with year, make, model, price, phone", "boat", 3, false,
     "year|make|model|price|phone", "private sellers", "", ""},
    {"year, make, model, price and phone of private sellers", "item", 0, false,
     "year|make|model|price|phone", "private sellers", "", ""},
    {"titles and prices of sailboats", "sailboat", 0, false, "title|price", "", "", ""},
    {"Get all jobs in Maine with company, salary and location, skip recruiters", "job", 0, true,
     "company|salary|location", "maine", "recruiters", ""},
    {"Find the five newest used cars from \"Private seller\": title, price, engine hours.", "car", 5,
     false, "title|price|engine hours", "private seller", "", ""},
    {"search for kayaks and read title and price of the first 10 results", "result", 10, false,
     "title|price", "", "", "kayaks"},
    {"look at the boats", "boat", 0, false, "", "", "", ""},
    {"boats, their year and price", "boat", 0, false, "year|price", "", "", ""},
    {"all companies with their phone numbers from https://x.test/a?b=year", "company", 0, true,
     "phone number", "", "", ""},
    {"phone number", "item", 0, false, "phone number", "", "", ""},
    {"", "item", 0, false, "", "", "", ""},
};
/* clang-format on */

static void an_objective_says_what_how_many_and_which_fields(void **state)
{
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(objectives); i++) {
        struct objective o;
        objective_parse(pool, objectives[i].text, &o);
        assert_string_equal(o.entity, objectives[i].entity);
        assert_int_equal(o.count, objectives[i].count);
        assert_int_equal(o.all, objectives[i].all);
        assert_string_equal(joined(pool, o.fields, o.n_fields), objectives[i].fields);
        assert_string_equal(joined(pool, o.names, o.n_names), objectives[i].names);
        assert_string_equal(o.skips, objectives[i].skips);
        assert_string_equal(o.search, objectives[i].search);
    }
    pool_destroy(pool);
}

static void an_objective_of_any_shape_ends(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct objective o;
    char *long_text = pool_alloc(pool, 40001);
    static const char *const shapes[] = {"and ", ", ",   "\"a\" ", "of of ",     "\n. ",
                                         "'",    "3 3 ", "\xff",   "b\xC3\xA9, "};
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        size_t n = strlen(shapes[i]);
        for (size_t at = 0; at < 40000; at++)
            long_text[at] = shapes[i][at % n];
        objective_parse(pool, long_text, &o);
        assert_true(o.n_fields <= OBJECTIVE_FIELDS_MAX);
        assert_true(o.n_names <= OBJECTIVE_NAMES_MAX);
    }
    pool_destroy(pool);
}

static void a_label_is_named_only_by_all_of_its_words(void **state)
{
    struct pool *pool = pool_create(NULL);
    assert_true(objective_names(pool, "private sellers", "Private seller 60") == 1);
    assert_true(objective_names(pool, "private sellers", "From private sellers") == 1);
    assert_true(objective_names(pool, "private sellers", "Sell") == 0);
    assert_true(objective_names(pool, "private sellers", "Private beaches") == 0);
    assert_true(objective_names(pool, "private sellers", "") == 0);
    assert_true(objective_names(pool, "used sailing boats", "Boats") < 0.5);
    pool_destroy(pool);
}

/* --- pages ------------------------------------------------------------------------------------ */

struct bench {
    struct pool *pool;
    struct reader *reader;
    struct objective want;
    struct survey page;
};

static void survey(struct bench *b, const char *golden, const char *objective)
{
    struct err err = {0};
    struct observation obs;
    *b = (struct bench){.pool = pool_create(NULL)};
    assert_int_equal(reader_create("page", NULL, &b->reader, NULL), 0);
    obs = golden_look(b->pool, golden);
    objective_parse(b->pool, objective, &b->want);
    if (survey_page(b->reader, b->pool, &b->want, "Open the next one", &obs, &b->page, &err))
        fail_msg("%s", err.msg);
}

static void end(struct bench *b)
{
    reader_destroy(b->reader);
    pool_destroy(b->pool);
}

/* clang-format off */
static const struct {
    const char *page, *objective;
    enum page_kind kind;
} kinds[] = {
    {"market_results", "boats with year, make and price", PAGE_RESULTS},
    {"market_all", "boats", PAGE_RESULTS},
    {"cars_list", "cars with make and price", PAGE_RESULTS},
    {"crm_table", "contacts with phone", PAGE_RESULTS},
    {"shop_grid", "title and price", PAGE_RESULTS},
    {"rtl_list", "title and price", PAGE_RESULTS},
    {"market_boat", "year, make and price", PAGE_DETAIL},
    {"market_boat", "boat", PAGE_DETAIL}, /* similar boats stand below it */
    {"market_boat_soup", "year, make and price", PAGE_DETAIL},
    {"boat_dl", "year, make, model", PAGE_DETAIL},
    {"auto_de", "year and make", PAGE_DETAIL},
    {"car_spans", "price and phone", PAGE_DETAIL},
    {"form", "fill in \"First name\" with \"Ann\"", PAGE_FORM},
    {"lab_form", "anything", PAGE_FORM},
    {"article", "year and phone", PAGE_OTHER},
    {"no_results", "cars with year", PAGE_OTHER},
    {"blocked", "cars with year", PAGE_BLOCKED},
};
/* clang-format on */

static void a_page_is_known_by_what_it_shows(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct bench b;
        survey(&b, kinds[i].page, kinds[i].objective);
        if (b.page.kind != kinds[i].kind)
            fail_msg("%s is said to be %s", kinds[i].page, page_kind_name(b.page.kind));
        end(&b);
    }
}

static const struct wanted_field *field(const struct bench *b, const char *name)
{
    for (int i = 0; i < b->page.n_fields; i++)
        if (!strcmp(b->page.fields[i].name, name))
            return &b->page.fields[i];
    fail_msg("there is no field %s", name);
    return NULL;
}

static void fields_are_seen_missing_or_behind_a_control(void **state)
{
    struct bench b;
    survey(&b, "market_boat", "year, make, price, phone and berth number");
    assert_string_equal(field(&b, "year")->example, "2008");
    assert_true(field(&b, "year")->whole_number);
    assert_true(field(&b, "make")->seen);
    assert_false(field(&b, "phone")->seen);
    assert_string_equal(field(&b, "phone")->reveal, "show phone");
    assert_string_equal(field(&b, "berth_number")->reveal, "");
    assert_false(field(&b, "berth_number")->seen);
    json_t *schema = json_keep(b.pool, survey_schema(&b.want, &b.page, 1));
    assert_true(json_holds(json_object_get(schema, "allowed_controls"), "show phone"));
    end(&b);
}

static void a_page_offers_its_own_fields_when_none_is_asked_for(void **state)
{
    struct bench b;
    survey(&b, "boat_dl", "the boat");
    assert_string_equal(field(&b, "title")->example, "2013 Sea Ray 240 Sundeck");
    assert_string_equal(field(&b, "manufacturer")->example, "Sea Ray");
    end(&b);
}

static void controls_are_chosen_by_the_words_of_the_objective(void **state)
{
    struct choice c[OBJECTIVE_NAMES_MAX + 1];
    struct bench b;
    survey(&b, "market_all", "boats of private sellers with year");
    assert_int_equal(survey_choices(b.pool, &b.want, &b.page, false, c), 1);
    assert_string_equal(c[0].label, "Private seller");
    assert_string_equal(c[0].href, "");
    end(&b);
    survey(&b, "market_results", "boats of private sellers with year"); /* it is ticked */
    assert_int_equal(survey_choices(b.pool, &b.want, &b.page, false, c), 0);
    end(&b);
    survey(&b, "market_all", "boats from shipyards with year");
    assert_int_equal(survey_choices(b.pool, &b.want, &b.page, false, c), 0);
    end(&b);
}

static void the_gate_says_only_what_is_true_of_the_page(void **state)
{
    struct bench b;
    survey(&b, "market_all", "boats");
    assert_string_equal(b.page.proof, "The heading \"Used boats\" is shown");
    end(&b);
    survey(&b, "market_boat", "year, make"); /* its heading is of this boat's year */
    assert_string_equal(b.page.proof, "");
    end(&b);
}

/* --- the step ----------------------------------------------------------------------------------
 */

#define MARKET "http://harborlist.test/boats/"

static const char *market(const char *url)
{
    if (!strcmp(url, MARKET))
        return "market_all";
    if (!strcmp(url, MARKET "?page=2"))
        return "market_results";
    return str_starts(url, MARKET) && !strchr(url, '?') ? "market_boat" : NULL;
}

static const char *article(const char *url)
{
    return "article";
}

static const char *wall(const char *url)
{
    return "blocked";
}

static void nothing_else(struct fake_web *web, struct pool *pool, const char *url,
                         struct fake_page *out)
{
    out->title = "Harborlist";
    fake_add(out, "", "p", "There is something here, and it is long enough to be read", "");
}

static const char plan_text[] =
    "[{'type':'navigate','intent':'Open','section':'setup','params':{'url':'" MARKET "'}},"
    "{'type':'graph_learn','intent':'Learn','params':{'objective':'first 3 boats of private "
    "sellers with year, make, model, price, phone'}}]";

static void learn(struct rig *rig, const char *(*golden)(const char *url))
{
    rig_init(rig, nothing_else, plan_text);
    rig->web.golden = golden;
    assert_int_equal(reader_create("page", NULL, &rig->reader, NULL), 0);
    rig_run(rig, NULL);
}

static void unlearn(struct rig *rig)
{
    reader_destroy(rig->reader);
    rig_release(rig);
}

static const char *types_of(struct pool *pool, const json_t *steps)
{
    const char *out = "";
    size_t i;
    json_t *s;
    json_array_foreach ((json_t *)steps, i, s)
        out = pool_printf(pool, "%s%s%s", out, i ? " " : "", json_str(s, "type", ""));
    return out;
}

static void a_site_of_results_becomes_a_plan(void **state)
{
    struct rig rig;
    learn(&rig, market);
    assert_string_equal(rig.end.status, "completed");
    const json_t *learned = json_object_get(rig.final, "learned");
    const json_t *steps = json_object_get(learned, "micro_plan");
    assert_string_equal(types_of(rig.pool, steps), "navigate extract_data filter click extract_url "
                                                   "extract_data navigate_back loop");
    assert_int_equal(json_int(learned, "compiled_steps", 0), 8);
    assert_int_equal(json_int(learned, "phases", 0), 3);
    assert_int_equal(json_int(learned, "edges", 0), 3);
    assert_string_equal(json_str(learned, "domain", ""), "harborlist.test");
    assert_int_equal(json_int(json_array_get(steps, 7), "loop_count", 0), 3);
    assert_int_equal(json_int(json_array_get(steps, 7), "loop_target", 0), 3);
    assert_int_equal(json_array_size(json_object_get(learned, "unanswered")), 0);
    assert_int_equal(rig_n_events(&rig, "phase_learnt"), 3);
    assert_int_equal(rig.web.clicks, 0); /* the site is only read */
    assert_int_equal(rig.web.typed_times, 0);
    unlearn(&rig);
}

static const struct intake_config intake = {.repo_root = "",
                                            .env_url = "",
                                            .default_micro = "",
                                            .max_steps = 200,
                                            .max_loop_iterations = 50,
                                            .max_time_minutes = 60,
                                            .max_cost = 25};

static const struct plan *taken(struct pool *pool, json_t *steps)
{
    struct plan *plan;
    struct err err = {0};
    json_t *request = json_keep(pool, json_pack("{s:O}", "task_suite", steps));
    if (intake_request(pool, &intake, request, &plan, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(json_array_size(plan->warnings), 0);
    return plan;
}

static void the_plan_is_one_that_the_server_takes(void **state)
{
    struct rig rig;
    int n = 0;
    learn(&rig, market);
    json_t *learned = json_object_get(rig.final, "learned");
    const struct plan *plan = taken(rig.pool, json_object_get(learned, "micro_plan"));
    const struct finding *findings = plan_validate(rig.pool, plan, &n);
    for (int i = 0; i < n; i++) /* three boats stand on the first page: no paging is right */
        assert_string_equal(findings[i].code, "no_pagination");
    unlearn(&rig);
}

/* Any page may meet any objective: the plan that comes of it, if one does, is well formed. */
static void every_page_with_every_objective_gives_a_good_plan_or_none(void **state)
{
    static const char *const pages[] = {
        "article",   "auto_de",    "blocked",    "boat_dl",      "car_spans",  "cars_list",
        "crm_table", "cookie_bar", "form",       "job_jsonld",   "jobs_links", "lab_form",
        "lab_index", "lab_table",  "market_all", "market_boat",  "no_results", "newsletter_modal",
        "rtl_list",  "serp",       "rtl_detail", "script_cards", "shop_grid",  "product_micro",
    };
    int plans = 0;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        for (size_t k = 0; k < ARRAY_SIZE(objectives); k++) {
            struct bench b;
            survey(&b, pages[i], objectives[k].text);
            struct lesson lesson = {.want = &b.want,
                                    .intent = "Open the next one",
                                    .page = &b.page,
                                    .url = b.page.obs.url,
                                    .search_field = survey_search_field(b.pool, &b.page),
                                    .has_next = true};
            lesson.n_filters = survey_choices(b.pool, &b.want, &b.page, false, lesson.filters);
            json_t *steps = compile_lesson(b.pool, &lesson);
            if (steps)
                taken(b.pool, json_keep(b.pool, steps));
            plans += steps != NULL;
            end(&b);
        }
    assert_true(plans > 100);
}

static void a_callers_plan_may_not_learn(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct plan *plan;
    struct err err = {0};
    json_t *request = json_of(pool, "{'task_suite':[{'type':'graph_learn','intent':'Learn'}]}");
    assert_int_equal(intake_request(pool, &intake, request, &plan, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "graph_learn"));
    request = json_of(pool, "{'task_suite':[{'type':'graph_learn','intent':'x','gate':true}]}");
    assert_int_equal(intake_request(pool, &intake, request, &plan, &err), E_INVALID);
    pool_destroy(pool);
}

static void where_nothing_can_be_learnt_the_run_halts_and_says_what_it_looked_for(void **state)
{
    struct rig rig;
    learn(&rig, article);
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "graph_learn_failed");
    assert_non_null(strstr(rig_data(&rig, -1), "'boat' with year, make"));
    assert_string_equal(json_str(rig_result(&rig, -1), "failure_class", ""), "extractor_error");
    assert_false(json_truthy(json_object_get(rig.final, "learned")));
    unlearn(&rig);
    learn(&rig, wall);
    assert_string_equal(json_str(rig_result(&rig, -1), "failure_class", ""), "page_blocked");
    unlearn(&rig);
}

static const char *astray(const char *url)
{
    return strstr(url, "harborlist.test") ? market(url) : NULL;
}

static void a_host_outside_the_allowlist_is_not_opened(void **state)
{
    static const char *const only[] = {"elsewhere.test", NULL};
    struct rig rig;
    rig_init(&rig, nothing_else, plan_text);
    rig.web.golden = astray;
    rig.config.allowed_domains = only;
    assert_int_equal(reader_create("page", NULL, &rig.reader, NULL), 0);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.halt_reason, "off_allowlist");
    assert_false(json_truthy(json_object_get(rig.final, "learned")));
    unlearn(&rig);
}

/* Whichever call of the browser is the one that it dies at, the next worker learns the same. */
static void learning_goes_on_after_the_browser_died(void **state)
{
    struct rig rig;
    learn(&rig, market);
    int calls = rig.web.calls;
    json_t *whole = json_keep(rig.pool, json_deep_copy(json_object_get(rig.final, "learned")));
    assert_true(calls > 5);
    for (int at = 1; at <= calls; at += 4) {
        struct rig again;
        rig_init(&again, nothing_else, plan_text);
        again.web.golden = market;
        again.web.die_at_call = at;
        assert_int_equal(reader_create("page", NULL, &again.reader, NULL), 0);
        rig_run(&again, NULL);
        if (!strcmp(again.end.status, "lost")) {
            json_t *left =
                again.n_checkpoints
                    ? json_keep(again.pool,
                                json_deep_copy(again.checkpoints[again.n_checkpoints - 1]))
                    : NULL;
            again.web.die_at_call = 0;
            rig_run(&again, left);
        }
        assert_string_equal(again.end.status, "completed");
        assert_true(json_equal(json_object_get(again.final, "learned"), whole));
        unlearn(&again);
    }
    unlearn(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_objective_says_what_how_many_and_which_fields),
        cmocka_unit_test(an_objective_of_any_shape_ends),
        cmocka_unit_test(a_label_is_named_only_by_all_of_its_words),
        cmocka_unit_test(a_page_is_known_by_what_it_shows),
        cmocka_unit_test(fields_are_seen_missing_or_behind_a_control),
        cmocka_unit_test(a_page_offers_its_own_fields_when_none_is_asked_for),
        cmocka_unit_test(controls_are_chosen_by_the_words_of_the_objective),
        cmocka_unit_test(the_gate_says_only_what_is_true_of_the_page),
        cmocka_unit_test(a_site_of_results_becomes_a_plan),
        cmocka_unit_test(the_plan_is_one_that_the_server_takes),
        cmocka_unit_test(every_page_with_every_objective_gives_a_good_plan_or_none),
        cmocka_unit_test(a_callers_plan_may_not_learn),
        cmocka_unit_test(where_nothing_can_be_learnt_the_run_halts_and_says_what_it_looked_for),
        cmocka_unit_test(a_host_outside_the_allowlist_is_not_opened),
        cmocka_unit_test(learning_goes_on_after_the_browser_died),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
