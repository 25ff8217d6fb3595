#include "run/complaint.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define COMPLAINT_BYTES 200
#define LONG_BYTES      400 /* a longer text is no message but a part of the page */

/* Parts of class names, as whole words between '-', '_' and blanks. */
static const char *const bad_classes[] = {"error", "errors", "invalid", "danger", "problem"};

static const char *const undone[] = {
    "nothing was saved",
    "nothing has been saved",
    "was not saved",
    "were not saved",
    "could not be saved",
    "could not save",
    "nothing was sent",
    "was not sent",
    "could not be sent",
    "nothing was changed",
    "has expired",
    "please try again",
    "please send the form again",
    "fill in the form again",
    "submit the form again",
};

/* An alert without such a word may as well be good news: "Your message was sent". */
static const char *const bad_news[] = {
    "error",          "errors",        "invalid",        "required",
    "must",           "cannot",        "can't",          "not",
    "failed",         "missing",       "wrong",          "incorrect",
    "expired",        "ended",         "denied",         "refused",
    "unable",         "again",         "please enter",   "please fill",
    "please choose",  "please select", "please correct", "please add",
    "please sign in", "too many",      "too long",       "too short",
};

static bool says_bad_news(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_news); i++)
        if (str_has_words_fold(text, bad_news[i]))
            return true;
    return false;
}

bool complaint_says_undone(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(undone); i++)
        if (str_contains_fold(text, undone[i]))
            return true;
    return false;
}

static bool bad_class(const char *class)
{
    while (class && *class) {
        size_t len = strcspn(class, "-_ ");
        for (size_t i = 0; i < ARRAY_SIZE(bad_classes); i++)
            if (strlen(bad_classes[i]) == len && !strncmp(class, bad_classes[i], len))
                return true;
        class += len + (class[len] != 0);
    }
    return false;
}

static const char *text_of(struct pool *pool, const struct page *page, int i)
{
    const char *text = page_text(pool, page, i, LONG_BYTES);
    return strlen(text) < LONG_BYTES - 4 ? text : "";
}

static const char *message(struct pool *pool, const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    if (n->flags & NODE_CLICKABLE)
        return "";
    if (bad_class(node_attr(n, "class")))
        return text_of(pool, page, i);
    const char *text = !strcmp(n->role, "alert") ? text_of(pool, page, i) : "";
    return says_bad_news(text) ? text : "";
}

static const char *by_id(struct pool *pool, const struct page *page, const char *id)
{
    for (int i = 0; id && i < page->n_nodes; i++) {
        const char *own = node_attr(&page->nodes[i], "id");
        if (own && !strcmp(own, id))
            return text_of(pool, page, i);
    }
    return "";
}

/* The message that stands in one box with the field. */
static const char *beside(struct pool *pool, const struct page *page, const struct node *n)
{
    const char *text = "";
    for (int i = n->parent + 1; n->parent > 0 && !*text && i < page->nodes[n->parent].end; i++)
        if (page->nodes[i].flags & NODE_VISIBLE && *page->nodes[i].tag != '#')
            text = message(pool, page, i);
    return text;
}

/* Which field it is about, unless the text says so. */
static const char *with_name(struct pool *pool, const struct node *n, const char *text)
{
    bool says = !*n->name || !*text || str_has_words_fold(text, n->name);
    return says ? text : pool_printf(pool, "%s: %s", n->name, text);
}

static const char *of_field(struct pool *pool, const struct page *page, const struct node *n)
{
    const char *invalid = node_attr(n, "aria-invalid"), *text = "";
    bool required = node_attr(n, "required") || node_attr(n, "aria-required");
    if (invalid && strcmp(invalid, "false")) {
        text = by_id(pool, page, node_attr(n, "aria-errormessage"));
        if (!*text)
            text = by_id(pool, page, node_attr(n, "aria-describedby"));
        if (!*text)
            text = beside(pool, page, n);
        return with_name(pool, n, text);
    }
    const char *type = node_attr(n, "type");
    bool hidden_value = type && !strcmp(type, "password"); /* its value is never shown */
    if (required && !*n->value && !hidden_value && n->flags & NODE_FOCUSED)
        return pool_printf(pool, "'%s' must be filled in", n->name);
    return "";
}

static const char *first(struct pool *pool, const struct page *page, bool of_fields)
{
    const char *text = "";
    for (int i = 0; !*text && i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (!(n->flags & NODE_VISIBLE) || *n->tag == '#' || !(n->flags & NODE_EDITABLE) == of_fields)
            continue;
        text = of_fields ? of_field(pool, page, n) : message(pool, page, i);
    }
    return str_cut(pool, text, COMPLAINT_BYTES);
}

/* What is said of one field says more than "Some fields need another look". */
const char *complaint_find(struct pool *pool, const struct page *page)
{
    const char *text = page ? first(pool, page, true) : "";
    return page && !*text ? first(pool, page, false) : text;
}
