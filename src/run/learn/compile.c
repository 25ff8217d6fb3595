#include "run/learn/compile.h"

#include <string.h>

#include "base/str.h"

#define LOOP_MAX   50 /* MANTIS_MAX_LOOP_ITERATIONS unless it is set */
#define PAGES_MAX  10
#define NAME_BYTES 80

struct compiler {
    struct pool *pool;
    const struct lesson *lesson;
    json_t *steps;
};

/* The step is complete but for its section, which is told from its type when "". */
static json_t *add(struct compiler *c, const char *type, const char *section, const char *intent)
{
    json_t *step = json_object();
    json_put_str(step, "type", type);
    json_put(step, "intent", json_string_safe(intent));
    if (*section)
        json_put_str(step, "section", section);
    json_push(c->steps, step);
    return step;
}

static json_t *text_of(const char *s)
{
    return json_string_safe(s);
}

static const char *named(struct compiler *c, const char *name)
{
    return str_cut(c->pool, name, NAME_BYTES);
}

/* "a boat", "an item" */
static const char *one(struct compiler *c, const char *noun)
{
    return pool_printf(c->pool, "%s %s", strchr("aeiou", *noun) ? "an" : "a", noun);
}

static void open_page(struct compiler *c)
{
    const struct lesson *l = c->lesson;
    const char *title = *l->page->title ? l->page->title : "the page";
    json_t *step = add(c, "navigate", "", pool_printf(c->pool, "Open '%s'", named(c, title)));
    json_put(step, "params", json_pack("{s:o}", "url", text_of(l->url)));
    if (!*l->page->proof)
        return;
    step = add(c, "extract_data", "setup",
               pool_printf(c->pool, "Check that the page shows '%s'", named(c, title)));
    json_put(step, "verify", text_of(l->page->proof));
    json_put_bool(step, "gate", true);
    json_put_bool(step, "claude_only", true);
}

static void set_filters(struct compiler *c)
{
    const struct lesson *l = c->lesson;
    if (*l->want->search && *l->search_field) {
        json_t *step = add(c, "filter", "",
                           pool_printf(c->pool, "Search for '%s'", named(c, l->want->search)));
        json_put(step, "params",
                 json_pack("{s:o,s:o}", "label", text_of(l->search_field), "value",
                           text_of(l->want->search)));
    }
    for (int i = 0; i < l->n_filters; i++) {
        const struct choice *f = &l->filters[i];
        bool list = *f->option != 0;
        const char *intent =
            list ? pool_printf(c->pool, "Choose '%s' in '%s'", named(c, f->option),
                               named(c, f->label))
                 : pool_printf(c->pool, "Choose '%s' in the filters", named(c, f->label));
        json_t *step = add(c, "filter", "", intent);
        json_put(step, "params", json_pack("{s:o}", "label", text_of(f->label)));
        if (list)
            json_put(json_object_get(step, "params"), "value", text_of(f->option));
    }
}

static const char *field_list(struct compiler *c, const struct survey *s)
{
    const char *out = "";
    for (int i = 0; i < s->n_fields; i++) {
        char *name = pool_strdup(c->pool, s->fields[i].name);
        for (char *p = name; *p; p++)
            *p = *p == '_' ? ' ' : *p;
        out = pool_printf(c->pool, "%s%s%s", out,
                          !i                    ? ""
                          : i + 1 < s->n_fields ? ", "
                                                : " and ",
                          name);
    }
    return out;
}

static void read_entity(struct compiler *c, const struct survey *s)
{
    json_t *step =
        add(c, "extract_data", "extraction",
            pool_printf(c->pool, "Note %s of the %s", field_list(c, s), c->lesson->want->entity));
    json_put_bool(step, "claude_only", true);
    json_put(step, "extract", survey_schema(c->lesson->want, s, 1));
}

static void loop(struct compiler *c, const char *section, const char *intent, int target, int count)
{
    json_t *step = add(c, "loop", section, intent);
    json_put_int(step, "loop_target", target);
    json_put_int(step, "loop_count", count);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* A filter fills the page with what is wanted. */
static int there_are(const struct lesson *l)
{
    return l->n_filters ? l->page->n_listed : l->page->n_cards;
}

/* How many of them on one page, and how many pages that takes. */
static int per_page(const struct lesson *l)
{
    int wanted = l->want->count, there = there_are(l);
    return least(wanted && (wanted < there || !l->has_next) ? wanted : there, LOOP_MAX);
}

static int pages(const struct lesson *l)
{
    int there = there_are(l), wanted = l->want->count;
    if (!l->has_next || there < 1)
        return 1;
    return l->want->all ? PAGES_MAX : least((wanted + there - 1) / there, PAGES_MAX);
}

static void go_through_pages(struct compiler *c, int from)
{
    int n = pages(c->lesson);
    if (n < 2)
        return;
    add(c, "paginate", "pagination", "Go to the next page of results");
    loop(c, "pagination", pool_printf(c->pool, "Do the same on up to %d pages", n), from, n);
}

static void open_each(struct compiler *c)
{
    const struct lesson *l = c->lesson;
    const char *entity = l->want->entity;
    int from = (int)json_array_size(c->steps), n = per_page(l);
    json_t *step = add(c, "click", "extraction", l->intent);
    json_put(step, "hints", json_pack("{s:s}", "layout", "listings"));
    step = add(c, "extract_url", "extraction",
               pool_printf(c->pool, "Read the address of the page of %s", one(c, entity)));
    json_put_bool(step, "claude_only", true);
    read_entity(c, l->detail);
    add(c, "navigate_back", "extraction", "Go back to the list");
    if (n > 1)
        loop(c, "extraction", pool_printf(c->pool, "Do the same for up to %d in all", n), from, n);
    go_through_pages(c, from);
}

static void read_cards(struct compiler *c)
{
    const struct lesson *l = c->lesson;
    int from = (int)json_array_size(c->steps), n = per_page(l);
    json_t *step =
        add(c, "extract_rows", "extraction",
            pool_printf(c->pool, "Note %s of up to %d in the list", field_list(c, l->page), n));
    json_put_bool(step, "claude_only", true);
    json_put(step, "extract", survey_schema(l->want, l->page, n > 1 ? n : 2));
    go_through_pages(c, from);
}

static bool fill_form(struct compiler *c)
{
    const struct lesson *l = c->lesson;
    struct entry entries[OBJECTIVE_NAMES_MAX];
    int n = survey_entries(c->pool, l->want, l->page, entries);
    const char *button = survey_button(c->pool, l->want, l->page);
    for (int i = 0; i < n; i++) {
        json_t *step = add(c, "fill_field", "",
                           pool_printf(c->pool, "Fill in '%s'", named(c, entries[i].label)));
        json_put(step, "params",
                 json_pack("{s:o,s:o}", "label", text_of(entries[i].label), "value",
                           text_of(entries[i].value)));
    }
    if (*button) {
        json_t *step = add(c, "submit", "", pool_printf(c->pool, "Press '%s'", named(c, button)));
        json_put(step, "params", json_pack("{s:o}", "label", text_of(button)));
    }
    return n > 0;
}

json_t *compile_lesson(struct pool *pool, const struct lesson *lesson)
{
    struct compiler c = {.pool = pool, .lesson = lesson, .steps = json_array()};
    bool done = true;
    open_page(&c);
    if (lesson->page->kind == PAGE_FORM)
        done = fill_form(&c);
    else if (lesson->page->kind == PAGE_DETAIL)
        read_entity(&c, lesson->page);
    else {
        set_filters(&c);
        if (lesson->detail)
            open_each(&c);
        else
            read_cards(&c);
    }
    if (done)
        return c.steps;
    json_decref(c.steps);
    return NULL;
}
