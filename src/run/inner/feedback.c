#include "run/inner/feedback.h"

#include <string.h>

#include "base/str.h"

#define SAME_SHARE   0.001 /* of the pixels: nothing to be seen */
#define AROUND_PX    40    /* to each side of a click: a tick is too small for the whole screen */
#define AROUND_SHARE 0.01  /* of them: more than a caret */

struct line {
    struct pool *pool;
    const char *text;
};

static void add(struct line *l, const char *part)
{
    l->text = *l->text ? pool_printf(l->pool, "%s; %s", l->text, part) : part;
}

static bool is_password(const struct node *n)
{
    const char *type = node_attr(n, "type");
    return type && str_eq_fold(type, "password");
}

static void add_focus(struct line *l, const struct action_outcome *o)
{
    const struct node *f = o->focused;
    if (!f)
        return;
    if (o->focus_gained)
        add(l, *f->value ? "input field focused, it has a value: select all before you type"
                         : "input field focused, type now");
    else
        add(l, *f->value ? "the focused field has a value" : "the focused field is empty");
}

static void add_typed(struct line *l, const struct action_outcome *o)
{
    const struct read_back *t = o->typed;
    if (!t)
        return;
    if (!t->known)
        add(l, "whether the text landed could not be confirmed");
    else if (t->success)
        add(l, "the typed text stands in the field");
    else
        add(l, pool_printf(l->pool, "typing failed: %s", t->reason));
}

static bool is_click(const struct action *a)
{
    return a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK;
}

static bool compare(const struct action_outcome *o)
{
    const struct frame *was = &o->before->frame, *is = &o->after->frame;
    const struct action *a = o->action;
    const struct rect around = {a->x - AROUND_PX, a->y - AROUND_PX, 2 * AROUND_PX, 2 * AROUND_PX};
    return was->pixels && is->pixels && !strcmp(o->before->url, o->after->url) &&
           frame_difference(was, is) < SAME_SHARE &&
           (!is_click(a) || frame_difference_in(was, is, &around) < AROUND_SHARE);
}

/* Once: it goes over both pictures. */
static bool looks_the_same(struct action_outcome *o)
{
    if (!o->same)
        o->same = compare(o) ? 1 : -1;
    return o->same > 0;
}

bool feedback_nothing_came(struct action_outcome *o)
{
    return !o->error && !o->focus_gained && looks_the_same(o);
}

static void add_page(struct line *l, const struct action_outcome *o)
{
    if (strcmp(o->before->url, o->after->url))
        add(l, pool_printf(l->pool, o->new_tab ? "a new tab opened: %s" : "page navigated to %s",
                           o->after->url));
    if (*o->after->title && strcmp(o->before->title, o->after->title))
        add(l, pool_printf(l->pool, "page title '%s'", o->after->title));
}

const char *feedback_line(struct pool *pool, struct action_outcome *o)
{
    struct line l = {pool, ""};
    if (o->error)
        return o->error;
    add_page(&l, o);
    add_focus(&l, o);
    add_typed(&l, o);
    if (o->action->type == ACTION_KEY_PRESS)
        add(&l, pool_printf(pool, "pressed %s", o->action->keys));
    bool same = looks_the_same(o);
    if (same && o->action->type == ACTION_CLICK && !o->focus_gained)
        add(&l, "clicked (no visible change)");
    else if (same && !*l.text)
        add(&l, "no visible change");
    if (o->effect && !o->effect->global_changed && !o->effect->region_changed)
        add(&l, pool_printf(pool, "WARNING: it had no effect that can be seen (%s)",
                            o->effect->reason));
    if (*o->warning)
        add(&l, o->warning);
    return *l.text ? l.text : "done";
}

struct read_back feedback_read_back(struct pool *pool, const char *text, const struct node *focused,
                                    const char *shown, bool page_readable)
{
    struct read_back r = {.expected = str_squash(pool, text), .actual = "", .reason = ""};
    if (!page_readable || (focused && is_password(focused)))
        return r;
    r.known = true;
    if (!focused) {
        r.reason = "no input field has the focus";
        return r;
    }
    r.actual = str_squash(pool, shown);
    r.success = !strcmp(r.actual, r.expected) || (*r.expected && strstr(r.actual, r.expected)) ||
                (*r.actual && strstr(r.expected, r.actual));
    if (!r.success)
        r.reason = *r.actual ? "the field holds something else" : "the field is still empty";
    return r;
}

static void put_attr(json_t *o, const struct node *n, const char *key)
{
    const char *v = node_attr(n, key);
    json_put(o, key, json_string_safe(v ? v : ""));
}

json_t *feedback_focused_input(const struct node *n)
{
    if (!n)
        return NULL;
    json_t *o = json_object();
    json_put_bool(o, "focused_via_click", true);
    json_put_str(o, "tag", n->tag);
    put_attr(o, n, "type");
    put_attr(o, n, "name");
    put_attr(o, n, "placeholder");
    put_attr(o, n, "id");
    json_put(o, "value", json_string_safe(n->value));
    json_put_bool(o, "empty", !*n->value);
    return o;
}
