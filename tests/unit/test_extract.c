/* What is extracted, from which schema, and the account and evidence of it (agent-loop.md 14). */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "run/downloads.h"
#include "sys/file.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://list.test"
#define OPEN(path)                                                                                 \
    "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE path "'}}"

static void list_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    const char *path = str_starts(url, SITE) ? url + strlen(SITE) : "";
    out->title = "List";
    if (!strcmp(path, "/rows")) {
        static const char *const names[] = {"Alder", "Birch", "Birch", "n/a", "Untitled", "Cedar"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
            fake_add(out, "row", "tr", names[i], "");
        for (int i = 0; i < 30; i++)
            fake_add(out, "row", "tr", pool_printf(pool, "Row %d", i), "");
    } else if (!strcmp(path, "/few")) {
        for (int i = 0; i < 4; i++)
            fake_add(out, "row", "tr", pool_printf(pool, "Item %d", i), "");
    } else if (!strcmp(path, "/tiles/")) {
        fake_add(out, "card", "a", "One", SITE "/tiles/1");
        fake_add(out, "row", "tr", "From the tile", SITE "/tiles/1");
    } else if (str_starts(path, "/tiles/")) {
        fake_add(out, "field:name", "p", "One", "");
        for (int i = 0; i < 40; i++)
            fake_add(out, "", "p", "Text", "");
    } else if (!strcmp(path, "/deep")) {
        for (int i = 0; i < 40; i++)
            fake_add(out, "", "p", "Text", "");
        fake_add(out, "field:name", "p", "Below", "");
        for (int i = 0; i < 20; i++)
            fake_add(out, "", "p", "Text", "");
    } else if (!strcmp(path, "/dealer")) {
        fake_add(out, "field:name", "p", "Boat", "");
        fake_add(out, "field:is_dealer", "p", "yes", "");
    }
}

static char shots[64];

static void begin(struct rig *rig, fake_page_fn *page, const char *steps)
{
    rig_init(rig, page, steps);
    snprintf(shots, sizeof(shots), "/tmp/mantis-test-extract-%d", (int)getpid());
    mkdir(shots, 0700);
    rig->config.screenshot_dir = shots;
    rig->web.full_frames = true;
}

static void end(struct rig *rig)
{
    char command[100];
    rig_release(rig);
    snprintf(command, sizeof(command), "rm -rf %s", shots);
    assert_int_equal(system(command), 0);
}

static const json_t *account(const struct rig *rig, int i)
{
    return json_array_get(json_object_get(rig->final, "accounts"), (size_t)i);
}

static int counted(const json_t *account, const char *word)
{
    return (int)json_int(json_object_get(json_object_get(account, "counts"), word), "n", 0);
}

static const char *word_of(const json_t *account, const char *key)
{
    return json_str(json_object_get(json_object_get(account, "items"), key), "word", "?");
}

/* --- rows ------------------------------------------------------------------------------------ */

#define ROWS(max)                                                                                  \
    "{'type':'extract_rows','intent':'x','extract':{'fields':[{'name':'rank','required':true},{"   \
    "'name':'title'}],'required_fields':['title'],'max_items':" max "}}"

static void rows_are_all_accounted_for(void **state)
{
    struct rig rig;
    begin(&rig, list_page, "[" OPEN("/rows") "," ROWS("10") "," ROWS("10") "]");
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "extract_rows:10/10");
    const json_t *a = account(&rig, 0);
    assert_string_equal(json_str(a, "url", ""), SITE "/rows");
    assert_int_equal(counted(a, "emitted"), 10);
    assert_int_equal(counted(a, "duplicate"), 1); /* Birch twice in one look */
    assert_int_equal(counted(a, "missing_required:title"), 2);
    assert_true(counted(a, "over_max_items") > 0);
    a = account(&rig, 1); /* the same list again: nothing is taken twice */
    assert_int_equal(counted(a, "seen_before"), 10);
    end(&rig);
}

static void values_say_where_they_were_seen(void **state)
{
    struct rig rig;
    begin(&rig, list_page, "[" OPEN("/few") "," ROWS("10") "]");
    rig_run(&rig, NULL);
    const json_t *e = json_object_get(
        json_object_get(json_array_get(rig_rows(&rig), 3), "evidence"), "title");
    assert_string_equal(json_str(e, "url", ""), SITE "/few");
    assert_int_equal(strlen(json_str(e, "frame", "")), FRAME_HASH_BYTES - 1);
    assert_int_equal(json_array_size(json_object_get(e, "box")), 4);
    assert_int_equal(json_int(e, "step_index", -1), 1);
    assert_true(str_ends(json_str(e, "at", ""), "+00:00"));
    assert_null(json_object_get(e, "look"));
    assert_int_equal(json_int(rig.final, "row_images", -1), 0);
    end(&rig);
}

static bool is_png(const char *name)
{
    char path[128], head[8] = {0};
    snprintf(path, sizeof(path), "%s/%s", shots, name);
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof(head), f) : 0;
    if (f)
        fclose(f);
    return n == 8 && !memcmp(head, "\x89PNG\r\n\x1a\n", 8);
}

static void every_row_has_its_picture_when_asked(void **state)
{
    static const char *const plans[] = {
        "[" OPEN("/rows") ",{'type':'extract_rows','intent':'x','params':{'row_images':true},"
                          "'extract':{'fields':['title'],'max_items':50}}]",
        "[" OPEN("/deep") ",{'type':'extract_data','intent':'x','extract':{'fields':['name'],"
                          "'row_images':true}}]"};
    static const int rows[] = {33, 1};
    for (int i = 0; i < 2; i++) {
        struct rig rig;
        size_t k;
        json_t *row;
        begin(&rig, list_page, plans[i]);
        rig_run(&rig, NULL);
        assert_int_equal(json_array_size(rig_rows(&rig)), rows[i]);
        assert_int_equal(json_int(rig.final, "row_images", 0), rows[i]);
        json_array_foreach (rig_rows(&rig), k, row) {
            const json_t *image = json_object_get(row, "image");
            if (!is_png(json_str(image, "name", "none")))
                fail_msg("row %zu has no picture: %s", k, json_str(row, "image_missing", "?"));
        }
        end(&rig);
    }
}

static void the_request_may_ask_and_the_step_decline(void **state)
{
    struct rig rig;
    begin(&rig, list_page,
          "[" OPEN("/few") "," ROWS("2") ",{'type':'extract_rows','intent':'x','params':{"
          "'row_images':false},'extract':{'fields':['title'],'max_items':9}}]");
    rig.config.row_images = true;
    rig_run(&rig, NULL);
    assert_int_equal(json_int(rig.final, "row_images", 0), 2);
    assert_int_equal(json_array_size(rig_rows(&rig)), 4);
    end(&rig);
}

/* --- schemas --------------------------------------------------------------------------------- */

static const struct {
    const char *row, *step, *request, *recipes, *fields;
} sources[] = {
    {"agent-loop 14.1 the step's schema comes first", "{'fields':['name']}", "{'fields':['other']}",
     NULL, "[\"name\"]"},
    {"agent-loop 14.1 then the request's", "{}", "{'fields':['name']}", NULL, "[\"name\"]"},
    {"agent-loop 14.1 a schema that names a recipe lies over it: fields of the plan",
     "{'schema_name':'boats','fields':['name']}", NULL, "{'boats':{'fields':['year','make']}}",
     "[\"name\"]"},
    {"agent-loop 14.1 a schema without fields takes those of its recipe", "{'schema_name':'boats'}",
     NULL, "{'boats':{'fields':['name']}}", "[\"name\"]"},
    {"agent-loop 14.1 a name that is no recipe is only a name",
     "{'schema_name':'items','fields':['name']}", NULL, "{}", "[\"name\"]"},
};

static void a_source_of_the_schema(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct rig rig;
    struct pool *pool = pool_create(NULL);
    char steps[400];
    snprintf(steps, sizeof(steps),
             "[" OPEN("/deep") ",{'type':'extract_data','intent':'x','extract':%s}]",
             sources[i].step);
    begin(&rig, list_page, steps);
    if (sources[i].request)
        rig.config.extraction_schema = json_of(pool, sources[i].request);
    if (sources[i].recipes)
        rig.config.recipes = json_of(pool, sources[i].recipes);
    rig_run(&rig, NULL);
    assert_string_equal(json_text(pool, json_object_get(rig.final, "schema_fields")),
                        sources[i].fields);
    assert_int_equal(json_array_size(rig_rows(&rig)), 1);
    end(&rig);
    pool_destroy(pool);
}

static void what_the_card_said_is_carried_over(void **state)
{
    struct rig rig;
    begin(&rig, list_page,
          "[" OPEN("/tiles/") ",{'type':'click','intent':'Open','section':'extraction','hints':{"
          "'layout':'listings'},'extract':{'fields':['name','title'],'tile_carry_fields':['title']}},"
          "{'type':'extract_data','intent':'x','section':'extraction','extract':{'fields':['name',"
          "'title'],'tile_carry_fields':['title']}}]");
    rig_run(&rig, NULL);
    const json_t *row = json_array_get(rig_rows(&rig), 0);
    assert_string_equal(json_str(json_object_get(row, "values"), "title", ""), "From the tile");
    const json_t *e = json_object_get(json_object_get(row, "evidence"), "title");
    assert_string_equal(json_str(e, "url", ""), SITE "/tiles/");
    assert_int_equal(json_int(e, "step_index", -1), 1); /* the click's: there it was seen */
    assert_string_equal(word_of(account(&rig, 0), SITE "/tiles/1"), "emitted");
    end(&rig);
}

static void a_flag_of_the_model_makes_spam(void **state)
{
    struct rig rig;
    begin(&rig, list_page,
          "[" OPEN("/dealer") ",{'type':'extract_data','intent':'x','extract':{'fields':['name',{"
          "'name':'is_dealer','type':'bool','required':false}],'spam_label':'dealer'}}]");
    rig_run(&rig, NULL);
    assert_true(str_starts(rig_data(&rig, 1), "REJECTED_DEALER|dealer|"));
    end(&rig);
}

/* --- listings -------------------------------------------------------------------------------- */

static void every_card_is_accounted_for(void **state)
{
    struct rig rig;
    begin(&rig, boats_page, boats_plan);
    rig_run(&rig, NULL);
    const json_t *a = account(&rig, 0);
    assert_int_equal(json_object_size(json_object_get(a, "items")), 5);
    assert_string_equal(word_of(a, "http://ads.test/x"), "sponsored");
    assert_string_equal(word_of(a, "http://boats.test/boats/Alder"), "emitted");
    assert_string_equal(word_of(a, "http://boats.test/boats/Cedar"), "emitted");
    assert_string_equal(word_of(a, "http://boats.test/boats/Dogwood"), ""); /* three were asked */
    end(&rig);
}

static void what_an_earlier_run_had_is_passed_over(void **state)
{
    struct rig rig;
    struct pool *pool = pool_create(NULL);
    begin(&rig, boats_page, boats_plan);
    rig.config.cache = json_of(pool, "{'http://boats.test/boats/Alder':{'fields':{'year':'1'},"
                                     "'extracted_at':'2026-01-01T00:00:00+00:00'}}");
    rig_run(&rig, NULL);
    const json_t *a = account(&rig, 0);
    assert_string_equal(word_of(a, "http://boats.test/boats/Alder"), "in_cache");
    assert_string_equal(word_of(a, "http://boats.test/boats/Dogwood"), "emitted");
    assert_int_equal(json_int(rig.final, "shared_seen_hits", 0), 1);
    end(&rig);
    pool_destroy(pool);
}

static void a_cached_page_is_not_read_again(void **state)
{
    struct rig rig;
    struct pool *pool = pool_create(NULL);
    begin(&rig, list_page,
          "[" OPEN("/deep") ",{'type':'extract_data','intent':'x','extract':{'fields':['name']}},"
          "{'type':'extract_url','intent':'u'}]");
    rig.config.cache = json_of(pool, "{'" SITE "/deep':{'fields':{'name':'Kept'},'extracted_at':"
                                     "'2026-01-01T00:00:00+00:00'}}");
    rig_run(&rig, NULL);
    const json_t *row = json_array_get(rig_rows(&rig), 0);
    assert_string_equal(json_str(json_object_get(row, "values"), "name", ""), "Kept");
    const json_t *e = json_object_get(json_object_get(row, "evidence"), "name");
    assert_string_equal(json_str(e, "method", ""), "cache");
    assert_string_equal(json_str(e, "extracted_at", ""), "2026-01-01T00:00:00+00:00");
    assert_string_equal(rig_data(&rig, 2), "DUPLICATE|" SITE "/deep");
    end(&rig);
    pool_destroy(pool);
}

/* --- downloads ------------------------------------------------------------------------------- */

static const struct {
    const char *file, *name, *mime;
    bool link; /* not a file of its own: not listed */
} files[] = {
    {"report 1.pdf", "report_1.pdf", "application/pdf", false},
    {"report_1.pdf", "download_2_report_1.pdf", "application/pdf", false},
    {"leads.csv", "download_3_leads.csv", "text/csv", false},
    {"row_0001.png", "download_4_row_0001.png", "image/png", false},
    {"\xd1\x84.XLSX", "XLSX",
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false},
    {"noext", "noext", "application/octet-stream", false},
    {"link", "", "", true},
};

static void a_download_is_listed_under_a_name_of_its_own(void **state)
{
    struct rig rig;
    struct pool *pool = pool_create(NULL);
    size_t n = 0;
    begin(&rig, list_page, "[" OPEN("/few") "]");
    rig.config.download_dir = shots;
    rig_run(&rig, NULL);
    struct run run = {.config = &rig.config, .step_pool = pool, .host = &rig.host,
                      .live_url = (char *)SITE "/few", .pool = pool};
    progress_init(&run.progress);
    run.pending_events = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        const char *path = pool_printf(pool, "%s/%s", shots, files[i].file);
        struct download d = {.name = files[i].file, .url = "http://ann:pw@a.test/x", .complete = true};
        if (files[i].link)
            assert_int_equal(symlink("/etc/passwd", path), 0);
        else
            assert_int_equal(file_write_soon(path, "abc", 3, 0600, NULL), 0);
        downloads_keep(&run, &d);
        n += !files[i].link;
        assert_int_equal(json_array_size(run.progress.downloads), n);
        const json_t *one = json_array_get(run.progress.downloads, n - 1);
        if (files[i].link)
            continue;
        assert_string_equal(json_str(one, "name", ""), files[i].name);
        assert_string_equal(json_str(one, "file_name", ""), files[i].file);
        assert_string_equal(json_str(one, "mime_type", ""), files[i].mime);
        assert_int_equal(json_int(one, "bytes", 0), 3);
        assert_string_equal(json_str(one, "sha256", ""),
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_string_equal(json_str(one, "source_url", ""), "http://a.test/x");
    }
    assert_int_equal(json_array_size(run.progress.warnings), 1);
    progress_release(&run.progress);
    json_decref(run.pending_events);
    end(&rig);
    pool_destroy(pool);
}

/* On a slow site it begins when the click has settled already. */
static void a_download_that_comes_late_is_listed(void **state)
{
    static const struct {
        int at_call, step;
    } cases[] = {{1, 0}, {1000000, 1}}; /* while a step acts; behind the last step */
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        begin(&rig, list_page, "[" OPEN("/few") "," OPEN("/few") "]");
        char *path = pool_printf(rig.web.pool, "%s/late.txt", shots);
        assert_int_equal(file_write_soon(path, "abc", 3, 0600, NULL), 0);
        rig.config.download_dir = shots;
        rig.web.download = "late.txt";
        rig.web.download_at_call = cases[i].at_call;
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.status, "completed");
        const json_t *list = json_object_get(rig.final, "downloads");
        assert_int_equal(json_array_size(list), 1);
        assert_string_equal(json_str(json_array_get(list, 0), "file_name", ""), "late.txt");
        assert_int_equal(json_int(json_array_get(list, 0), "step_index", -1), cases[i].step);
        end(&rig);
    }
}

/* --- extract_url ----------------------------------------------------------------------------- */

static const struct {
    const char *row, *path, *step, *data;
} urls[] = {
    {"plans 8.10 extract_url takes the live address", "/few", "", "URL:" SITE "/few"},
    {"plans 8.10 extract_url refuses an address of results by its query", "/few?page=2", "",
     "PAGINATION_URL|" SITE "/few?page=2"},
    {"plans 8.10 extract_url refuses an address of results by its path", "/few/page/2", "",
     "PAGINATION_URL|" SITE "/few/page/2"},
    {"plans 8.10 extract_url takes it when allow_pagination_urls says so", "/few?page=2",
     ",'params':{'allow_pagination_urls':true}", "URL:" SITE "/few?page=2"},
    {"plans 8.10 extract_url takes it when the extract block says so", "/few?offset=20",
     ",'extract':{'allow_pagination_urls':true}", "URL:" SITE "/few?offset=20"},
};

static void an_address_is_read(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct rig rig;
    char steps[600];
    snprintf(steps, sizeof(steps),
             "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "%s'}},"
             "{'type':'extract_url','intent':'u'%s}]",
             urls[i].path, urls[i].step);
    begin(&rig, list_page, steps);
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), urls[i].data);
    if (str_starts(urls[i].data, "PAGINATION"))
        assert_string_equal(json_str(rig_result(&rig, 1), "failure_class", ""), "wrong_target");
    end(&rig);
}

#define TESTS 40

int main(void)
{
    struct CMUnitTest tests[TESTS] = {
        row_test("plans 8.10 every row of a list is accounted for", rows_are_all_accounted_for),
        row_test("agent-loop 14.5 a value says its URL, frame, box, step and time",
                 values_say_where_they_were_seen),
        row_test("agent-loop 14.5 row_images keeps a picture of every row",
                 every_row_has_its_picture_when_asked),
        row_test("agent-loop 14.5 row_images of the request may be declined by a step",
                 the_request_may_ask_and_the_step_decline),
        row_test("agent-loop 14.1 tile_carry_fields come from the result card",
                 what_the_card_said_is_carried_over),
        row_test("agent-loop 14.3 is_dealer or is_spam among the values makes it spam",
                 a_flag_of_the_model_makes_spam),
        row_test("plans 8.3 every card of a page of results is accounted for",
                 every_card_is_accounted_for),
        row_test("agent-loop 14.6 a card of an earlier run is passed over and counted",
                 what_an_earlier_run_had_is_passed_over),
        row_test("agent-loop 14.2 a cache hit is emitted without reading the page",
                 a_cached_page_is_not_read_again),
    };
    tests[9] = (struct CMUnitTest)row_test(
        "agent-loop 14.5 a download is listed with size, hash, type and origin, links are not",
        a_download_is_listed_under_a_name_of_its_own);
    tests[10] = (struct CMUnitTest)row_test("agent-loop 14.5 a download that comes late is listed",
                                            a_download_that_comes_late_is_listed);
    size_t n = 11;
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
        tests[n++] = (struct CMUnitTest){sources[i].row, a_source_of_the_schema, NULL, NULL,
                                         (void *)(uintptr_t)i};
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        tests[n++] =
            (struct CMUnitTest){urls[i].row, an_address_is_read, NULL, NULL, (void *)(uintptr_t)i};
    return _cmocka_run_group_tests("extract", tests, n, NULL, NULL);
}
