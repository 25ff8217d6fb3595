/*
 * Any bytes as a page in its fixture form: refused with a message, or a page that survives printing
 * and that every question can be asked about.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "reader/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] =
    "{\"fields\":[{\"name\":\"year\",\"type\":\"int\"},\"make\",\"model\",{\"name\":\"price\","
    "\"type\":\"float\"},\"phone\",\"seller\","
    "\"location\",\"title\",\"url\",\"email\",{\"name\":\"sold\",\"type\":\"bool\"},\"rating\","
    "\"mileage\",\"date\",\"description\",\"colour\"]}";

static void ask_everything(struct pool *pool, const struct page *page)
{
    struct observation obs = {.url = page->url, .title = page->title, .page = page};
    struct target_query q = {.label = "Search", .intent = "press 'Go'", .kind = TARGET_ANY};
    struct reader *reader;
    struct schema *schema;
    struct target t;
    struct card *cards;
    struct extraction x, *rows;
    struct verdict v;
    enum list_status status;
    struct err err = {0};
    int n, r;
    json_t *json = json_loads(schema_text, 0, NULL);
    if (reader_create("page", NULL, &reader, &err) || schema_parse(pool, json, &schema, &err))
        abort();
    json_decref(json);
    for (int k = TARGET_ANY; k <= TARGET_OPTION; k++) {
        q.kind = (enum target_kind)k;
        r = reader_find(reader, pool, &obs, &q, &t, &err);
        if (r == 0 &&
            (t.node < 0 || t.node >= page->n_nodes || t.confidence < 0 || t.confidence > 1))
            abort();
    }
    r = reader_find_next_page(reader, pool, &obs, 1, &t, &err);
    r |= reader_find_reveal(reader, pool, &obs, schema, NULL, 0, &t, &err);
    r |= reader_find_dismiss(reader, pool, &obs, &t, &err);
    if (reader_list(reader, pool, &obs, schema, 50, &cards, &n, &status, &err) || n > 50)
        abort();
    r |= reader_extract(reader, pool, &obs, 1, schema, &x, &err);
    if (reader_rows(reader, pool, &obs, schema, 20, &rows, &n, &err) || n > 20)
        abort();
    static const char *const questions[] = {
        "at least 3 results are listed", "The heading \"Boats\" is shown",
        "no error and no cookie banner", "You are logged in",
        "the filter 'Red' is applied",   "Boats for sale"};
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
        if (reader_visible(reader, pool, &obs, questions[i], &v, &err) || !*v.reason)
            abort();
    reader_destroy(reader);
    (void)r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    json_t *json = NULL;
    struct page *page = NULL;
    if (json_parse((const char *)data, size, "page", &json, &err) == 0 &&
        page_from_json(pool, json, &page, &err) == 0) {
        json_t *printed = page_to_json(page);
        struct page *again;
        if (page_from_json(pool, printed, &again, &err) || again->n_nodes != page->n_nodes)
            abort();
        json_decref(printed);
        ask_everything(pool, page);
    } else if (!*err.msg) {
        abort();
    }
    json_decref(json);
    pool_destroy(pool);
    return 0;
}
