#include "plane/fake_script.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define LINE_TOP  100 /* px: where the first line of the short form is */
#define LINE_STEP 40
#define LINE_LEFT 20
#define LINE_W    400
#define LINE_H    30
#define VIEW_TOP  87 /* as in a real browser's window */
#define VIEW_W    1280
#define VIEW_H    (720 - VIEW_TOP)

/* --- the short form: one line, one element --------------------------------------------------- */

static json_t *node(int parent, const char *tag, const char *text, int row)
{
    json_t *n = json_object();
    json_put_int(n, "parent", parent);
    json_put_str(n, "tag", tag);
    if (text)
        json_put(n, "text", json_string_safe(text));
    json_put_str(n, "flags", "visible in_view");
    json_put(n, "box",
             row < 0
                 ? json_pack("[i,i,i,i]", 0, VIEW_TOP, VIEW_W, VIEW_H)
                 : json_pack("[i,i,i,i]", LINE_LEFT, LINE_TOP + row * LINE_STEP, LINE_W, LINE_H));
    return n;
}

static void put_attr(json_t *n, const char *name, const char *value)
{
    json_t *attrs = json_object();
    json_put_str(attrs, name, value);
    json_put(n, "attrs", attrs);
}

/* "kind: text" or "link: text -> url". Kinds: link, input, check, or any tag. */
static void add_line(struct pool *pool, json_t *nodes, const char *line, int row)
{
    const char *colon = strchr(line, ':');
    const char *kind = colon ? pool_strndup(pool, line, (size_t)(colon - line)) : "p";
    char *text = str_squash(pool, colon ? colon + 1 : line);
    char *arrow = strstr(text, " -> ");
    int self = (int)json_array_size(nodes);
    bool link = !strcmp(kind, "link"), check = !strcmp(kind, "check");
    if (link && arrow)
        *arrow = 0;
    if (check || !strcmp(kind, "input")) {
        json_t *n = node(1, "input", NULL, row);
        json_t *attrs = json_object();
        json_put_str(attrs, "aria-label", text);
        json_put_str(attrs, "type", check ? "checkbox" : "text");
        json_put(n, "attrs", attrs);
        json_push(nodes, n);
        return;
    }
    json_t *n = node(1, link ? "a" : kind, NULL, row);
    if (link && arrow) {
        put_attr(n, "href", arrow + 4);
        json_put_str(n, "href", arrow + 4);
    }
    json_push(nodes, n);
    json_push(nodes, node(self, "#text", text, row));
}

static json_t *page_of_lines(struct pool *pool, const json_t *lines)
{
    json_t *page = json_object(), *nodes = json_array();
    int rows = (int)json_array_size(lines);
    int bottom = LINE_TOP - VIEW_TOP + rows * LINE_STEP;
    json_push(nodes, node(-1, "#document", NULL, -1));
    json_push(nodes, node(0, "body", NULL, -1));
    for (int i = 0; i < rows; i++)
        if (json_is_string(json_array_get(lines, (size_t)i)))
            add_line(pool, nodes, json_string_value(json_array_get(lines, (size_t)i)), i);
    json_put(page, "viewport", json_pack("[i,i,i,i]", 0, VIEW_TOP, VIEW_W, VIEW_H));
    json_put(page, "content", json_pack("[i,i]", VIEW_W, bottom > VIEW_H ? bottom : VIEW_H));
    json_put_int(page, "http_status", 200);
    json_put(page, "nodes", nodes);
    return page;
}

/* --- loading --------------------------------------------------------------------------------- */

static int read_page_file(struct pool *pool, const char *dir, const char *name, json_t **out,
                          struct err *err)
{
    const char *path = *name == '/' ? name : pool_printf(pool, "%s/%s", dir, name);
    return json_parse_file(path, out, err);
}

/* The page as one JSON object, from whichever form it was given in, with URL and title set. */
static int page_json(struct pool *pool, const char *dir, const json_t *config, json_t **out,
                     struct err *err)
{
    const char *file = json_str(config, "page_file", NULL);
    json_t *page = NULL;
    int r = 0;
    if (file)
        r = read_page_file(pool, dir, file, &page, err);
    else if (json_is_object(json_object_get(config, "page")))
        page = json_deep_copy(json_object_get(config, "page"));
    else
        page = page_of_lines(pool, json_object_get(config, "lines"));
    if (r)
        return r;
    json_keep(pool, page);
    if (json_str(config, "url", NULL))
        json_put_str(page, "url", json_str(config, "url", ""));
    if (json_str(config, "title", NULL))
        json_put_str(page, "title", json_str(config, "title", ""));
    *out = page;
    return 0;
}

static int load_page(struct pool *pool, const char *dir, const char *name, json_t *config,
                     struct fake_page *out, struct err *err)
{
    struct page *checked;
    json_t *page;
    int r = page_json(pool, dir, config, &page, err);
    if (!r)
        r = page_from_json(pool, page, &checked, err);
    if (r)
        return r;
    *out = (struct fake_page){
        .name = pool_strdup(pool, name),
        .url = checked->url,
        .page = page,
        .rules = json_object_get(config, "on"),
        .config = config,
        .fails = (int)json_int(config, "fails", 0),
    };
    return 0;
}

/* Every page that a rule names must exist: a typing mistake would otherwise look like a bug of the
 * code under test. */
static int check_rules(const struct fake_script *s, const struct fake_page *p, struct err *err)
{
    static const char *const refs[] = {"go", "replace", "new_tab"};
    size_t i;
    json_t *rule;
    json_array_foreach (p->rules, i, rule) {
        for (size_t k = 0; k < ARRAY_SIZE(refs); k++) {
            const char *to = json_str(rule, refs[k], NULL);
            if (to && fake_script_page(s, to) < 0)
                return err_set(err, E_INVALID,
                               "fake plane: page '%s': rule %zu: there is no page '%s'", p->name, i,
                               to);
        }
    }
    return 0;
}

static int load_pages(struct pool *pool, const char *dir, json_t *pages, struct fake_script *s,
                      struct err *err)
{
    const char *name;
    json_t *config;
    int r = 0;
    json_object_foreach (pages, name, config) {
        r = load_page(pool, dir, name, config, &s->pages[s->n_pages], err);
        if (r)
            return err_prefix(err, "fake plane: page '%s'", name);
        s->n_pages++;
    }
    for (int i = 0; i < s->n_pages && !r; i++)
        r = check_rules(s, &s->pages[i], err);
    return r;
}

/* The two pages that every script has. */
static int add_builtin(struct pool *pool, struct fake_script *s, const char *name, const char *url,
                       const char *title, struct err *err)
{
    json_t *config = json_keep(pool, json_object());
    json_put_str(config, "url", url);
    json_put_str(config, "title", title);
    return load_page(pool, "", name, config, &s->pages[s->n_pages++], err);
}

static char *dir_of(struct pool *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? pool_strndup(pool, path, (size_t)(slash - path)) : pool_strdup(pool, ".");
}

int fake_script_load(struct pool *pool, const char *path, struct fake_script **out, struct err *err)
{
    json_t *json = NULL;
    int r = path ? json_parse_file(path, &json, err) : 0;
    if (r)
        return r;
    if (json)
        json_keep(pool, json);
    json_t *pages = json_object_get(json, "pages");
    struct fake_script *s = pool_alloc(pool, sizeof(*s));
    s->pages = pool_alloc(pool, (json_object_size(pages) + 2) * sizeof(*s->pages));
    s->log = json_flag(json, "log", false);
    if ((r = load_pages(pool, path ? dir_of(pool, path) : ".", pages, s, err)) ||
        (r = add_builtin(pool, s, "about:blank", "about:blank", "about:blank", err)) ||
        (r = add_builtin(pool, s, "error", "chrome-error://chromewebdata/", "unreachable", err)))
        return r;
    const char *start = json_str(json, "start", "about:blank");
    s->start = fake_script_page(s, start);
    if (s->start < 0)
        return err_set(err, E_INVALID, "fake plane: start: there is no page '%s'", start);
    *out = s;
    return 0;
}

int fake_script_page(const struct fake_script *s, const char *name)
{
    for (int i = 0; i < s->n_pages; i++)
        if (!strcmp(s->pages[i].name, name))
            return i;
    return -1;
}

int fake_script_page_at(const struct fake_script *s, const char *url)
{
    size_t len = strcspn(url, "#");
    for (int i = 0; i < s->n_pages; i++) {
        const char *have = s->pages[i].url;
        if (strcspn(have, "#") == len && !strncmp(have, url, len))
            return i;
    }
    return -1;
}

int fake_script_error_page(const struct fake_script *s)
{
    return s->n_pages - 1;
}
