/*
 * What reader.h promises of every kind. A kind brings a way to make it and an observation it can
 * answer from; the questions and what may come back are the same.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brain/model/ask.h"
#include "reader/reader.h"
#include "tools/fake_transport.h"

static const char script_text[] =
    "{\"find\":[{\"x\":50,\"y\":20,\"label\":\"Search\"},{\"error\":\"no such thing; nearest: "
    "'Search'\"}],"
    "\"next_page\":[{\"box\":[10,40,80,20],\"label\":\"Next\"}],\"reveal\":[{\"error\":\"none "
    "left\"}],"
    "\"dismiss\":[{\"error\":\"nothing covers the page\"}],"
    "\"list\":[{\"cards\":[{\"title\":\"Blue "
    "boat\",\"href\":\"http://a.test/boats/1\",\"x\":1,\"y\":2},"
    "{\"title\":\"Red boat\",\"href\":\"http://a.test/boats/2\",\"x\":1,\"y\":9}]}],"
    "\"extract\":[{\"values\":{\"price\":\"$5\"},\"evidence\":{\"price\":{\"url\":\"http://a.test/"
    "\",\"method\":\"x\","
    "\"text\":\"$5\",\"box\":null}}}],\"rows\":[{\"rows\":[]}],\"visible\":[{\"answer\":\"yes\","
    "\"reason\":\"seen\"}]}";

static const char page_text_json[] =
    "{\"url\":\"http://a.test/\",\"title\":\"Boats\",\"nodes\":["
    "{\"parent\":-1,\"tag\":\"html\",\"flags\":\"visible in_view\",\"box\":[0,0,1280,700]},"
    "{\"parent\":0,\"tag\":\"button\",\"flags\":\"visible "
    "in_view\",\"box\":[10,10,80,20]},{\"parent\":1,\"text\":\"Search\"},"
    "{\"parent\":0,\"tag\":\"a\",\"attrs\":{\"href\":\"/p2\",\"rel\":\"next\"},\"flags\":\"visible "
    "in_view\",\"box\":[10,40,80,20]},{\"parent\":3,\"text\":\"Next\"},"
    "{\"parent\":0,\"tag\":\"ul\",\"flags\":\"visible in_view\",\"box\":[0,100,900,400]},"
    "{\"parent\":5,\"tag\":\"li\",\"flags\":\"visible in_view\",\"box\":[0,100,900,200]},"
    "{\"parent\":6,\"tag\":\"h3\",\"flags\":\"visible in_view\",\"box\":[0,100,900,30]},"
    "{\"parent\":7,\"tag\":\"a\",\"attrs\":{\"href\":\"/boats/1\"},\"flags\":\"visible "
    "in_view\",\"box\":[0,100,200,30]},{\"parent\":8,\"text\":\"Blue boat\"},"
    "{\"parent\":6,\"tag\":\"p\",\"flags\":\"visible "
    "in_view\",\"box\":[0,140,900,30]},{\"parent\":10,\"text\":\"Price: $5\"},"
    "{\"parent\":5,\"tag\":\"li\",\"flags\":\"visible in_view\",\"box\":[0,300,900,200]},"
    "{\"parent\":12,\"tag\":\"h3\",\"flags\":\"visible in_view\",\"box\":[0,300,900,30]},"
    "{\"parent\":13,\"tag\":\"a\",\"attrs\":{\"href\":\"/boats/2\"},\"flags\":\"visible "
    "in_view\",\"box\":[0,300,200,30]},{\"parent\":14,\"text\":\"Red boat\"},"
    "{\"parent\":12,\"tag\":\"p\",\"flags\":\"visible "
    "in_view\",\"box\":[0,340,900,30]},{\"parent\":16,\"text\":\"Price: $7\"}]}";

/* What a server says to whatever it is asked: the search is nowhere to be seen. */
#define TOOL                                                                                       \
    "{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"report_form_target\","           \
    "\"input\":{\"action\":\"not_found\"}}]}"
#define CALL "{\"choices\":[{\"message\":{\"content\":\"done(success=false)\"}}]}"

static const struct {
    const char *kind;
    struct fake_answer says;
} models[] = {{"claude", {200, 0, TOOL, 0}}, {"vlm", {200, 0, CALL, 0}}};

struct bench {
    struct pool *pool;
    struct fake_transport server; /* of kinds that are models */
    struct model_link link;
    struct reader *reader;
    struct observation obs;
    struct schema *schema;
    char script[64];
};

static struct bench bench;
static const char *kind; /* under test */

static int take(void *arg, struct pool *pool, const struct profile *profile,
                const struct frame *frame, int width, int height, struct model_frame *out,
                struct err *err)
{
    *out = (struct model_frame){(const uint8_t *)"picture", 7, width, height};
    return 0;
}

static struct reader_needs needs_of(const char *k)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++)
        if (!strcmp(models[i].kind, k)) {
            fake_transport_init(&bench.server, bench.pool, &models[i].says, 1);
            bench.link = (struct model_link){.transport = &bench.server.base,
                                             .dirs.share = getenv("MANTIS_SOURCE_ROOT"),
                                             .picture = take};
            return (struct reader_needs){.model = &bench.link};
        }
    return (struct reader_needs){0};
}

static int begin(void **state)
{
    struct err err = {0};
    json_t *page_json = json_loads(page_text_json, 0, NULL),
           *schema_json = json_loads("{\"fields\":[\"price\"]}", 0, NULL);
    struct page *page = NULL;
    bench = (struct bench){.pool = pool_create(NULL)};
    strcpy(bench.script, "/tmp/reader-script.XXXXXX");
    int fd = mkstemp(bench.script);
    if (fd < 0 || write(fd, script_text, strlen(script_text)) != (ssize_t)strlen(script_text) ||
        close(fd))
        return -1;
    int r = page_from_json(bench.pool, page_json, &page, &err);
    if (r == 0)
        r = schema_parse(bench.pool, schema_json, &bench.schema, &err);
    json_decref(page_json);
    json_decref(schema_json);
    bool script = strcmp(kind, "script") == 0;
    bench.obs = (struct observation){.url = "http://a.test/",
                                     .title = "Boats",
                                     .page = script ? NULL : page,
                                     .frame = {.width = 1280, .height = 720}};
    const struct reader_needs needs = needs_of(kind);
    const char *spec = script ? pool_printf(bench.pool, "script:%s", bench.script) : kind;
    if (r == 0)
        r = reader_create(spec, &needs, &bench.reader, &err);
    if (r)
        fprintf(stderr, "%s: %s\n", kind, err.msg);
    return r;
}

static int end(void **state)
{
    reader_destroy(bench.reader);
    pool_destroy(bench.pool);
    return unlink(bench.script);
}

static void find_gives_a_point_or_says_what_was_looked_for(void **state)
{
    struct target_query q = {.label = "Search", .intent = "press it", .kind = TARGET_BUTTON};
    struct target t;
    struct err err = {0};
    assert_int_equal(reader_find(bench.reader, bench.pool, &bench.obs, &q, &t, &err), 0);
    assert_int_equal(t.at.x, 50);
    assert_int_equal(t.at.y, 20);
    assert_string_equal(t.label, "Search");
    assert_true(t.in_view && t.confidence > 0 && t.confidence <= 1);
    assert_int_equal(bench.server.calls, 0);
    q.label = "Teleport";
    assert_int_equal(reader_find(bench.reader, bench.pool, &bench.obs, &q, &t, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "nearest"));
    assert_int_equal(bench.server.calls, reader_is_model(bench.reader) ? 1 : 0);
}

static void controls_are_found_or_not_found(void **state)
{
    struct target t;
    struct err err = {0};
    assert_int_equal(reader_find_next_page(bench.reader, bench.pool, &bench.obs, 1, &t, &err), 0);
    assert_string_equal(t.label, "Next");
    assert_int_equal(t.at.y, 50);
    assert_int_equal(
        reader_find_reveal(bench.reader, bench.pool, &bench.obs, bench.schema, NULL, 0, &t, &err),
        E_NOT_FOUND);
    err_clear(&err);
    assert_int_equal(reader_find_dismiss(bench.reader, bench.pool, &bench.obs, &t, &err),
                     E_NOT_FOUND);
    assert_true(*err.msg);
    assert_int_equal(bench.server.calls, 0);
}

static void list_gives_cards_up_to_the_cap(void **state)
{
    struct card *cards;
    enum list_status status;
    struct err err = {0};
    int n;
    assert_int_equal(
        reader_list(bench.reader, bench.pool, &bench.obs, NULL, 1, &cards, &n, &status, &err), 0);
    assert_int_equal(status, LIST_OK);
    assert_int_equal(n, 1);
    assert_string_equal(cards[0].title, "Blue boat");
    assert_string_equal(cards[0].href, "http://a.test/boats/1");
    assert_false(cards[0].sponsored);
    assert_int_equal(
        reader_list(bench.reader, bench.pool, &bench.obs, NULL, 0, &cards, &n, &status, &err),
        E_INVALID);
    assert_int_equal(bench.server.calls, 0);
}

static void values_come_with_their_evidence(void **state)
{
    struct extraction x, *rows;
    struct err err = {0};
    int n;
    assert_int_equal(
        reader_extract(bench.reader, bench.pool, &bench.obs, 1, bench.schema, &x, &err), 0);
    assert_string_equal(json_str(x.values, "price", ""), "$5");
    assert_string_equal(json_str(json_object_get(x.evidence, "price"), "text", ""), "$5");
    assert_false(x.spam);
    assert_int_equal(
        reader_rows(bench.reader, bench.pool, &bench.obs, bench.schema, 9, &rows, &n, &err), 0);
    assert_int_equal(
        reader_extract(bench.reader, bench.pool, &bench.obs, 0, bench.schema, &x, &err), E_INVALID);
    assert_int_equal(bench.server.calls, 0);
}

static void visible_answers_with_a_reason(void **state)
{
    struct verdict v;
    struct err err = {0};
    assert_int_equal(reader_visible(bench.reader, bench.pool, &bench.obs,
                                    "The page shows \"Blue boat\"", &v, &err),
                     0);
    assert_int_equal(v.answer, ANSWER_YES);
    assert_true(*v.reason);
    assert_int_equal(reader_visible(bench.reader, bench.pool, &bench.obs, " ", &v, &err),
                     E_INVALID);
    assert_int_equal(bench.server.calls, 0);
}

static void what_came_of_a_click_is_said_or_open(void **state)
{
    const struct observation same = bench.obs;
    struct observation elsewhere = bench.obs;
    struct page other = bench.obs.page ? *bench.obs.page : (struct page){0};
    struct passage p;
    struct err err = {0};
    assert_int_equal(
        reader_navigated(bench.reader, bench.pool, &bench.obs, &same, "Blue boat", &p, &err), 0);
    assert_int_equal(p.navigated, ANSWER_UNKNOWN);
    assert_true(*p.reason);
    if (!bench.obs.page)
        return; /* answers of a script are its author's */
    int calls = bench.server.calls;
    other.url = "http://a.test/boats/1";
    elsewhere.page = &other;
    assert_int_equal(
        reader_navigated(bench.reader, bench.pool, &bench.obs, &elsewhere, "Blue boat", &p, &err),
        0);
    assert_int_equal(p.navigated, ANSWER_YES);
    assert_string_equal(p.kind, "url_change");
    assert_int_equal(bench.server.calls, calls);
}

static void a_list_that_is_not_there_shows_nothing(void **state)
{
    const char *value;
    struct err err = {0};
    int r = reader_shown_value(bench.reader, bench.pool, &bench.obs, "Seller", &value, &err);
    assert_int_equal(r, E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "eller"));
}

/* --- what belongs to no kind ----------------------------------------------------------------- */

static void unknown_kinds_and_bad_files_are_refused(void **state)
{
    struct reader *r = NULL;
    struct err err = {0};
    assert_int_equal(reader_create("oracle", NULL, &r, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "page, script:<file>, claude"));
    assert_int_equal(reader_create("pages", NULL, &r, &err), E_UNSUPPORTED);
    assert_int_equal(reader_create("page:x", NULL, &r, &err), E_INVALID);
    assert_int_equal(reader_create("script:", NULL, &r, &err), E_INVALID);
    assert_int_equal(reader_create("script:/nonexistent.json", NULL, &r, &err), E_NOT_FOUND);
    assert_null(r);
    reader_destroy(NULL);
}

static void page_reader_needs_a_page(void **state)
{
    struct reader *r;
    struct verdict v;
    struct err err = {0};
    struct pool *pool = pool_create(NULL);
    struct observation obs = {.url = "", .title = ""};
    assert_int_equal(reader_create("page", NULL, &r, &err), 0);
    assert_int_equal(reader_visible(r, pool, &obs, "\"x\" is shown", &v, &err), E_UNSUPPORTED);
    reader_destroy(r);
    pool_destroy(pool);
}

static void script_says_when_it_runs_out(void **state)
{
    struct verdict v;
    struct err err = {0};
    kind = "script";
    assert_int_equal(begin(state), 0);
    assert_int_equal(reader_visible(bench.reader, bench.pool, &bench.obs, "x", &v, &err), 0);
    assert_int_equal(reader_visible(bench.reader, bench.pool, &bench.obs, "x", &v, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "no answer 2 for 'visible'"));
    end(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest promises[] = {
        T(find_gives_a_point_or_says_what_was_looked_for),
        T(controls_are_found_or_not_found),
        T(list_gives_cards_up_to_the_cap),
        T(values_come_with_their_evidence),
        T(visible_answers_with_a_reason),
        T(what_came_of_a_click_is_said_or_open),
        T(a_list_that_is_not_there_shows_nothing),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(unknown_kinds_and_bad_files_are_refused),
        cmocka_unit_test(page_reader_needs_a_page),
        cmocka_unit_test(script_says_when_it_runs_out),
    };
    int failed = 0;
    for (const char *const *k = reader_kinds(); *k; k++) {
        kind = *k;
        failed += cmocka_run_group_tests_name(kind, promises, NULL, NULL);
    }
    return failed + cmocka_run_group_tests_name("all kinds", others, NULL, NULL);
}
