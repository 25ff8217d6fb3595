#include "unit/test.h"

#include "unit/fixtures.h"

#include <stdlib.h>
#include <string.h>

#include "core/page.h"

char *source_path(struct pool *pool, const char *below)
{
    const char *root = getenv("MANTIS_SOURCE_ROOT");
    return pool_printf(pool, "%s/%s", root ? root : ".", below);
}

json_t *json_of(struct pool *pool, const char *single_quoted)
{
    char *text = pool_strdup(pool, single_quoted);
    for (char *p = strchr(text, '\''); p; p = strchr(p, '\''))
        *p = '"';
    return json_as_is(pool, text);
}

json_t *json_as_is(struct pool *pool, const char *text)
{
    struct err err = {0};
    json_t *v;
    if (json_parse(text, strlen(text), "the test's JSON", &v, &err))
        fail_msg("%s: %s", err.msg, text);
    return json_keep(pool, v);
}

struct observation golden_look(struct pool *pool, const char *name)
{
    const char *path = source_path(pool, pool_printf(pool, "tests/golden/pages/%s.json", name));
    json_t *json = NULL;
    struct page *page = NULL;
    struct err err = {0};
    int r = json_parse_file(path, &json, &err);
    if (r == 0)
        r = page_from_json(pool, json, &page, &err);
    json_decref(json);
    if (r)
        fail_msg("%s", err.msg);
    return (struct observation){.url = page->url, .title = page->title, .page = page};
}

static json_t *schema_in_short(struct pool *pool, const char *spec)
{
    json_t *fields = json_array();
    char *rest = pool_strdup(pool, spec), *type;
    while ((type = strsep(&rest, ","))) {
        const char *name = strsep(&type, ":");
        json_push(fields, json_pack("{s:s,s:s}", "name", name, "type", type ? type : "str"));
    }
    return json_keep(pool, json_pack("{s:o}", "fields", fields));
}

struct schema *schema_of(struct pool *pool, const char *spec)
{
    struct schema *s = NULL;
    struct err err = {0};
    json_t *json = *spec == '{' ? json_of(pool, spec) : schema_in_short(pool, spec);
    if (schema_parse(pool, json, &s, &err) || !s)
        fail_msg("schema '%s': %s", spec, err.msg);
    return s;
}
