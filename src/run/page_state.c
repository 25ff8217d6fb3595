#include "run/page_state.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/url.h"

#define MAX_FIELDS 300
#define LABEL_BYTES 80
#define LEVELS     4 /* of the path to a field that has no name of its own */

/* --- fields ---------------------------------------------------------------------------------- */

enum kind { NO_FIELD, TEXT, SELECT, CHECKBOX, RADIO, RICH };

static const char *const kind_names[] = {"", "text", "select", "checkbox", "radio", "contenteditable"};

static bool one_of(const char *const *list, const char *word)
{
    while (*list && strcmp(*list, word))
        list++;
    return *list != NULL;
}

static const char *type_of(const struct node *n)
{
    const char *type = node_attr(n, "type");
    return type ? type : "text";
}

static enum kind input_kind(const struct node *n)
{
    static const char *const other[] = {"hidden", "file", "submit", "button", "image", "reset", NULL};
    const char *type = type_of(n);
    if (!strcmp(type, "checkbox"))
        return CHECKBOX;
    if (!strcmp(type, "radio"))
        return RADIO;
    return one_of(other, type) ? NO_FIELD : TEXT;
}

static enum kind kind_of(const struct node *n)
{
    const char *rich = node_attr(n, "contenteditable");
    if (!(n->flags & NODE_VISIBLE))
        return NO_FIELD;
    if (!strcmp(n->tag, "input"))
        return input_kind(n);
    if (!strcmp(n->tag, "textarea"))
        return TEXT;
    if (!strcmp(n->tag, "select"))
        return SELECT;
    return rich && strcmp(rich, "false") ? RICH : NO_FIELD;
}

/* --- selectors ------------------------------------------------------------------------------- */

static int place_among(const struct page *page, int i)
{
    int n = 1;
    for (int k = i - 1; k > page->nodes[i].parent; k--)
        n += page->nodes[k].parent == page->nodes[i].parent &&
             !strcmp(page->nodes[k].tag, page->nodes[i].tag);
    return n;
}

static const char *path_of(struct pool *pool, const struct page *page, int i)
{
    const char *path = "";
    for (int level = 0; level < LEVELS && i >= 0 && *page->nodes[i].tag != '#'; level++) {
        const struct node *n = &page->nodes[i];
        const char *class = node_attr(n, "class");
        size_t len = class ? strcspn(class, " \t\n") : 0;
        path = pool_printf(pool, "%s%s%.*s:nth-of-type(%d)%s%s", n->tag, len ? "." : "", (int)len,
                           len ? class : "", place_among(page, i), *path ? " > " : "", path);
        i = n->parent;
    }
    return path;
}

/* The ways to name node i, best first; NULL when it has no such name. */
static const char *name_of(struct pool *pool, const struct page *page, int i, int way)
{
    const struct node *n = &page->nodes[i];
    const char *id = node_attr(n, "id");
    if (way == 2)
        return path_of(pool, page, i);
    if (way == 1)
        return id && *id ? pool_printf(pool, "#%s", id) : NULL;
    for (int k = 0; k < n->n_attrs; k++)
        if (str_starts(n->attrs[k].name, "data-") && *n->attrs[k].value)
            return pool_printf(pool, "[%s=\"%s\"]", n->attrs[k].name, n->attrs[k].value);
    return NULL;
}

/* The fields of a page and a name for each that no other has. */
struct fields {
    int n, at[MAX_FIELDS];
    const char *names[MAX_FIELDS];
};

static bool taken(const struct fields *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->names[i], name))
            return true;
    return false;
}

static void find_fields(struct pool *pool, const struct page *page, struct fields *out)
{
    out->n = 0;
    for (int i = 0; i < page->n_nodes && out->n < MAX_FIELDS; i++) {
        const char *name = NULL;
        if (kind_of(&page->nodes[i]) == NO_FIELD)
            continue;
        for (int way = 0; way < 3 && (!name || taken(out, name)); way++) {
            const char *other = name_of(pool, page, i, way);
            name = other ? other : name;
        }
        if (taken(out, name))
            name = pool_printf(pool, "%s @%d", name, out->n);
        out->at[out->n] = i;
        out->names[out->n++] = name;
    }
}

static int field_at(const struct fields *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->names[i], name))
            return f->at[i];
    return -1;
}

/* --- taking ---------------------------------------------------------------------------------- */

static const char *value_of(struct pool *pool, const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    enum kind kind = kind_of(n);
    if (kind == CHECKBOX || kind == RADIO)
        return n->flags & NODE_CHECKED ? "true" : "false";
    if (kind == RICH && !*n->value)
        return page_text(pool, page, i, CAP_USER_INPUT_BYTES);
    return n->value;
}

/* A field for one character of a code, as far as can be seen. */
static bool is_box(const struct page *page, int i)
{
    const char *value = page->nodes[i].value;
    int n = 0;
    for (const char *p = value; *p; p++)
        n += (*p & 0xc0) != 0x80;
    return n <= 1 && kind_of(&page->nodes[i]) == TEXT;
}

/* What stands in the boxes for one character each around field i. */
static const char *boxes_around(struct pool *pool, const struct page *page, const struct fields *f, int i)
{
    const char *text = "";
    while (i > 0 && is_box(page, f->at[i - 1]))
        i--;
    for (; i < f->n && is_box(page, f->at[i]); i++)
        text = pool_printf(pool, "%s%s", text, page->nodes[f->at[i]].value);
    return text;
}

/* A password, or what a person answered, in whatever way the page writes it. */
static bool is_secret(struct pool *pool, const struct page *page, const struct fields *f, int i,
                      const struct answers *answers)
{
    const struct node *n = &page->nodes[f->at[i]];
    if (node_is_password(n))
        return true;
    return answer_shows_in(answers, value_of(pool, page, f->at[i])) ||
           (is_box(page, f->at[i]) && answer_shows_in(answers, boxes_around(pool, page, f, i)));
}

json_t *page_state_form(struct pool *pool, const struct page *page, const struct answers *answers)
{
    struct fields *f = pool_alloc(pool, sizeof(*f));
    json_t *form = json_object();
    find_fields(pool, page, f);
    for (int i = 0; i < f->n; i++) {
        bool masked = is_secret(pool, page, f, i, answers);
        json_t *one = json_object();
        json_put_str(one, "kind", kind_names[kind_of(&page->nodes[f->at[i]])]);
        if (!masked)
            json_put(one, "value", json_string_safe(value_of(pool, page, f->at[i])));
        json_put_bool(one, "masked", masked);
        json_put(form, f->names[i], one);
    }
    return form;
}

json_t *page_state_fields(struct pool *pool, const struct page *page)
{
    struct fields *f = pool_alloc(pool, sizeof(*f));
    json_t *out = json_object();
    find_fields(pool, page, f);
    for (int i = 0; i < f->n; i++) {
        const struct node *n = &page->nodes[f->at[i]];
        json_t *one = json_object();
        json_put_str(one, "kind", kind_names[kind_of(n)]);
        json_put(one, "label", json_string_safe(str_cut(pool, n->name, LABEL_BYTES)));
        json_put(one, "value", json_string_safe(value_of(pool, page, f->at[i])));
        json_put_bool(one, "masked", node_is_password(n));
        json_put(out, f->names[i], one);
    }
    return out;
}

int page_state_take(struct run *run, struct err *err)
{
    struct observation obs;
    struct err why = {0};
    char at[CLOCK_ISO_BYTES];
    json_t *state = run->progress.browser_state;
    int r = run_look(run, &obs, &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r || !obs.page || !url_is_web(obs.url))
        return 0;
    json_object_clear(state);
    json_put(state, "url", json_string_safe(obs.url));
    json_put_int(state, "scroll_x", obs.page->scroll_x);
    json_put_int(state, "scroll_y", obs.page->scroll_y);
    json_put_int(state, "viewport_w", obs.page->viewport.w);
    json_put_int(state, "viewport_h", obs.page->viewport.h);
    json_put_str(state, "captured_at", clock_iso(clock_wall_us(), at));
    json_put_int(state, "step_index", run->progress.step_index);
    json_put(state, "form_state", page_state_form(run->step_pool, obs.page, &run->answers));
    run->progress.scroll_y = obs.page->scroll_y;
    return 0;
}

/* --- putting back ---------------------------------------------------------------------------- */

static int find_named(struct run *run, void *arg, const struct observation *obs, struct target *out,
                      struct err *err)
{
    struct fields *f = pool_alloc(run->step_pool, sizeof(*f));
    if (!obs->page)
        return err_set(err, E_NOT_FOUND, "the page cannot be read");
    find_fields(run->step_pool, obs->page, f);
    int i = field_at(f, arg);
    if (i < 0)
        return err_set(err, E_NOT_FOUND, "there is no field '%s'", (const char *)arg);
    const struct node *n = &obs->page->nodes[i];
    *out = (struct target){.at = node_point(obs->page, n),
                           .box = n->box,
                           .in_view = (n->flags & NODE_IN_VIEW) != 0,
                           .covered = (n->flags & NODE_COVERED) != 0,
                           .label = n->name,
                           .tag = n->tag,
                           .role = n->role,
                           .node = i,
                           .confidence = 1};
    return 0;
}

static bool holds(struct run *run, const struct observation *obs, int i, const char *value)
{
    return !strcmp(str_squash(run->step_pool, value_of(run->step_pool, obs->page, i)),
                   str_squash(run->step_pool, value));
}

/* The list of a select is open after the click: the first letters choose, Return takes. */
static int put_value(struct run *run, enum kind kind, const char *value, struct err *err)
{
    int r = 0;
    if (kind == TEXT || kind == RICH)
        r = run_key(run, "ctrl+a", CAP_TYPE_MS, err);
    if (!r && !*value)
        return run_key(run, "Delete", CAP_TYPE_MS, err);
    if (!r)
        r = run_type(run, value, err);
    return r || kind != SELECT ? r : run_key(run, "Return", CAP_TYPE_MS, err);
}

/* *ret_done: it stands there now. A radio button that was off goes off with another one. */
static int put_back(struct run *run, const char *name, const json_t *field, bool *ret_done,
                    struct err *err)
{
    const char *value = json_str(field, "value", "");
    struct observation obs;
    struct target t;
    struct settled s = {0};
    int r = run_bring(run, find_named, (void *)name, &obs, &t, err);
    *ret_done = false;
    if (r)
        return r;
    enum kind kind = kind_of(&obs.page->nodes[t.node]);
    *ret_done = holds(run, &obs, t.node, value) || (kind == RADIO && !strcmp(value, "false"));
    if (*ret_done)
        return 0;
    r = run_click(run, t.at, BUTTON_LEFT, &s, err);
    if (!r && kind != CHECKBOX && kind != RADIO)
        r = put_value(run, kind, value, err);
    if (!r)
        r = run_look(run, &obs, err);
    if (!r)
        r = find_named(run, (void *)name, &obs, &t, err);
    *ret_done = !r && holds(run, &obs, t.node, value);
    return r;
}

static int put_all_back(struct run *run, const json_t *form, int *applied, int *skipped, int *missing,
                        struct err *err)
{
    const char *name;
    json_t *field;
    json_object_foreach ((json_t *)form, name, field) {
        struct err why = {0};
        bool done;
        if (json_flag(field, "masked", false) || answer_in_text(json_str(field, "value", ""))) {
            ++*skipped;
            continue;
        }
        int r = put_back(run, name, field, &done, &why);
        if (r == E_GONE || r == E_CANCELLED)
            return err_set(err, r, "%s", why.msg);
        if (r == E_NOT_FOUND)
            ++*missing;
        else
            ++*(done ? applied : skipped);
    }
    return 0;
}

static int put_scroll_back(struct run *run, int y, struct err *err)
{
    int now = 0, moved;
    int r = plane_scroll_y(run->plane, &now, err);
    if (r || now == y)
        return r == E_UNSUPPORTED ? 0 : r;
    return run_scroll_px(run, y - now, &moved, err);
}

static int restore(struct run *run, const json_t *state, struct err *err)
{
    int applied = 0, skipped = 0, missing = 0;
    struct err why = {0};
    int r = put_all_back(run, json_object_get(state, "form_state"), &applied, &skipped, &missing, err);
    if (r)
        return r;
    r = put_scroll_back(run, (int)json_int(state, "scroll_y", 0), &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    run_event(run, "runner", "page_restored",
              json_pack("{s:i,s:i,s:i}", "applied", applied, "skipped", skipped, "missing", missing),
              "the page of the pause is back: %d fields, %d skipped, %d missing", applied, skipped,
              missing);
    return 0;
}

int page_state_due(struct run *run, struct err *err)
{
    json_t *state = run->progress.browser_state;
    int at = (int)json_int(state, "step_index", -1), r = 0;
    if (at < 0 || run->progress.step_index < at)
        return 0;
    bool now = run->reopened && run->progress.step_index == at;
    json_t *copy = json_deep_copy(state);
    json_object_clear(state);
    run->reopened = false;
    if (now)
        r = restore(run, copy, err);
    json_decref(copy);
    return r;
}

const char *page_state_url(const struct run *run, int index)
{
    const json_t *state = run->progress.browser_state;
    return json_int(state, "step_index", -1) == index ? json_str(state, "url", "") : "";
}
