#include "core/selector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define MAX_SIMPLE 16 /* in one compound */
#define MAX_PARTS  16 /* compounds in one complex selector */
#define MAX_LIST   16

enum simple_kind { TYPE, ANY, ID, CLASS, ATTRIBUTE, PSEUDO, NOT };

struct simple {
    enum simple_kind kind;
    const char *name, *value;
    char op;                    /* of an attribute: 0 (is there), '=', '~', '|', '^', '$', '*' */
    bool fold;                  /* compare without case */
    int number;                 /* of :nth-child */
    const struct simple *inner; /* of :not */
};

struct compound {
    struct simple simple[MAX_SIMPLE];
    int n;
    char combinator; /* to the compound on its left: ' ', '>', '+', '~' */
};

struct complex {
    struct compound parts[MAX_PARTS];
    int n;
};

struct selector {
    struct complex *list[MAX_LIST];
    int n;
};

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
    struct pool *pool;
    const char *text, *p;
    struct err *err;
};

static int refuse(struct reading *r, const char *what)
{
    return err_set(r->err, E_INVALID, "selector '%.100s': %s at '%.30s'", r->text, what,
                   *r->p ? r->p : "its end");
}

static void blanks(struct reading *r)
{
    r->p += strspn(r->p, " \t\r\n\f");
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

/* An identifier; a backslash takes the next character as it is. NULL: none. */
static const char *name_at(struct reading *r)
{
    char *out = pool_alloc(r->pool, strlen(r->p) + 1);
    size_t n = 0;
    while (is_name(*r->p) || (*r->p == '\\' && r->p[1])) {
        r->p += *r->p == '\\';
        out[n++] = *r->p++;
    }
    return n ? out : NULL;
}

static const char *quoted_at(struct reading *r)
{
    char quote = *r->p;
    size_t n = 0;
    char *out = pool_alloc(r->pool, strlen(r->p) + 1);
    for (r->p++; *r->p && *r->p != quote;) {
        r->p += *r->p == '\\' && r->p[1];
        out[n++] = *r->p++;
    }
    if (!*r->p)
        return NULL;
    r->p++;
    return out;
}

static int read_attribute(struct reading *r, struct simple *s)
{
    r->p++;
    blanks(r);
    const char *name = name_at(r);
    if (!name)
        return refuse(r, "an attribute's name is missing");
    s->kind = ATTRIBUTE;
    s->name = str_lower(r->pool, name);
    s->value = "";
    blanks(r);
    if (*r->p && strchr("~|^$*", *r->p) && r->p[1] == '=')
        s->op = *r->p++;
    if (*r->p == '=') {
        s->op = s->op ? s->op : '=';
        r->p++;
        blanks(r);
        s->value = *r->p == '"' || *r->p == '\'' ? quoted_at(r) : name_at(r);
        if (!s->value)
            return refuse(r, "an attribute's value is missing");
        blanks(r);
        if ((*r->p == 'i' || *r->p == 'I') && (r->p[1] == ']' || isspace((unsigned char)r->p[1]))) {
            s->fold = true;
            r->p++;
            blanks(r);
        }
    }
    if (*r->p != ']')
        return refuse(r, "']' is missing");
    r->p++;
    return 0;
}

static int read_simple(struct reading *r, struct simple *s, bool inside_not);

static int read_argument(struct reading *r, struct simple *s)
{
    int e = 0;
    r->p++;
    blanks(r);
    if (s->kind == NOT) {
        struct simple *inner = pool_alloc(r->pool, sizeof(*inner));
        s->inner = inner;
        e = read_simple(r, inner, true);
    } else {
        char *end;
        s->number = (int)strtol(r->p, &end, 10);
        if (end == r->p || s->number < 1)
            return refuse(r, "a number from 1 is expected");
        r->p = end;
    }
    blanks(r);
    if (!e && *r->p++ != ')')
        return refuse(r, "')' is missing");
    return e;
}

static int read_pseudo(struct reading *r, struct simple *s)
{
    static const char *const plain[] = {"first-child", "last-child", "checked", "disabled",
                                        "enabled"};
    const char *start = r->p++;
    const char *name = name_at(r);
    s->kind = PSEUDO;
    s->name = name ? str_lower(r->pool, name) : "";
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        if (!strcmp(s->name, plain[i]))
            return 0;
    s->kind = !strcmp(s->name, "not") ? NOT : PSEUDO;
    if (*r->p == '(' && (s->kind == NOT || !strcmp(s->name, "nth-child")))
        return read_argument(r, s);
    r->p = start;
    return refuse(r, "this is not known here");
}

static int read_simple(struct reading *r, struct simple *s, bool inside_not)
{
    static const struct {
        char sign;
        enum simple_kind kind;
    } signs[] = {{'#', ID}, {'.', CLASS}};
    *s = (struct simple){.value = ""};
    if (*r->p == '[')
        return read_attribute(r, s);
    if (*r->p == ':')
        return inside_not && str_starts(r->p, ":not") ? refuse(r, ":not inside :not")
                                                      : read_pseudo(r, s);
    if (*r->p == '*') {
        r->p++;
        s->kind = ANY;
        return 0;
    }
    s->kind = TYPE;
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
        if (*r->p == signs[i].sign) {
            s->kind = signs[i].kind;
            r->p++;
            break;
        }
    s->name = name_at(r);
    if (!s->name)
        return refuse(r, "a name is expected");
    if (s->kind == TYPE)
        s->name = str_lower(r->pool, s->name);
    return 0;
}

static bool begins_simple(char c)
{
    return c == '#' || c == '.' || c == '[' || c == ':' || c == '*' || c == '\\' || is_name(c);
}

static int read_compound(struct reading *r, struct compound *c)
{
    int e = 0;
    if (!begins_simple(*r->p))
        return refuse(r, "a selector is expected");
    while (!e && begins_simple(*r->p)) {
        bool plain = is_name(*r->p) || *r->p == '*' || *r->p == '\\';
        if (c->n == MAX_SIMPLE || (plain && c->n))
            return refuse(r, "this is too much in one piece");
        e = read_simple(r, &c->simple[c->n++], false);
    }
    return e;
}

static int read_complex(struct reading *r, struct complex *x)
{
    int e = 0;
    char combinator = ' ';
    for (;;) {
        if (x->n == MAX_PARTS)
            return refuse(r, "it has too many parts");
        x->parts[x->n].combinator = combinator;
        e = read_compound(r, &x->parts[x->n++]);
        bool blank = isspace((unsigned char)*r->p);
        blanks(r);
        if (e || !*r->p || *r->p == ',')
            return e;
        combinator = strchr(">+~", *r->p) ? *r->p++ : ' ';
        if (combinator == ' ' && !blank)
            return refuse(r, "this is not understood");
        blanks(r);
    }
}

int selector_parse(struct pool *pool, const char *text, const struct selector **out,
                   struct err *err)
{
    struct reading r = {pool, text, text, err};
    struct selector *s = pool_alloc(pool, sizeof(*s));
    *s = (struct selector){0};
    if (strlen(text) > SELECTOR_MAX_BYTES)
        return err_set(err, E_INVALID, "the selector is longer than %d bytes", SELECTOR_MAX_BYTES);
    for (;;) {
        struct complex *x = pool_alloc(pool, sizeof(*x));
        *x = (struct complex){0};
        blanks(&r);
        if (s->n == MAX_LIST)
            return refuse(&r, "the list is too long");
        s->list[s->n++] = x;
        int e = read_complex(&r, x);
        if (e)
            return e;
        if (*r.p != ',')
            break;
        r.p++;
    }
    *out = s;
    return 0;
}

/* --- matching -------------------------------------------------------------------------------- */

static bool is_element(const struct node *n)
{
    return *n->tag && *n->tag != '#';
}

/* Documents and shadow roots stand between elements of a page and are passed through. */
static int parent_of(const struct page *page, int i)
{
    for (i = page->nodes[i].parent; i >= 0 && !is_element(&page->nodes[i]);)
        i = page->nodes[i].parent;
    return i;
}

/* The element beside i, before (-1) or behind (1) it; -1 none. */
static int sibling(const struct page *page, int i, int step)
{
    int parent = page->nodes[i].parent, found = -1;
    int first = parent < 0 ? 0 : parent + 1,
        end = parent < 0 ? page->n_nodes : page->nodes[parent].end;
    if (step > 0)
        first = page->nodes[i].end;
    for (int k = first; k < end && (step > 0 || k < i); k = page->nodes[k].end) {
        if (is_element(&page->nodes[k])) {
            found = k;
            if (step > 0)
                break;
        }
        if (page->nodes[k].end <= k)
            break;
    }
    return found;
}

static int child_number(const struct page *page, int i)
{
    int n = 1;
    while ((i = sibling(page, i, -1)) >= 0)
        n++;
    return n;
}

static bool same(const char *a, const char *b, size_t len, bool fold)
{
    return fold ? strncasecmp(a, b, len) == 0 : strncmp(a, b, len) == 0;
}

static bool has_word(const char *list, const char *word, bool fold)
{
    size_t len = strlen(word);
    for (const char *p = list; len && *p;) {
        p += strspn(p, " \t\r\n\f");
        size_t n = strcspn(p, " \t\r\n\f");
        if (n == len && same(p, word, len, fold))
            return true;
        p += n;
    }
    return false;
}

static bool holds(const char *have, const char *want, bool fold)
{
    size_t n = strlen(want);
    for (const char *p = have; n && strlen(p) >= n; p++)
        if (same(p, want, n, fold))
            return true;
    return false;
}

static bool attribute_matches(const struct simple *s, const char *have)
{
    const char *want = s->value;
    size_t n = strlen(want), len = have ? strlen(have) : 0;
    if (!have)
        return false;
    switch (s->op) {
    case 0:
        return true;
    case '~':
        return has_word(have, want, s->fold);
    case '|':
        return len >= n && same(have, want, n, s->fold) && (have[n] == 0 || have[n] == '-');
    case '^':
        return n && len >= n && same(have, want, n, s->fold);
    case '$':
        return n && len >= n && same(have + len - n, want, n, s->fold);
    case '*':
        return holds(have, want, s->fold);
    default:
        return len == n && same(have, want, n, s->fold);
    }
}

/* Disabled or not is asked of form controls only. */
static bool is_control(const struct node *n)
{
    static const char *const tags[] = {"button",   "input",  "select",
                                       "textarea", "option", "fieldset"};
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (!strcmp(n->tag, tags[i]))
            return true;
    return false;
}

static bool pseudo_matches(const struct simple *s, const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    if (!strcmp(s->name, "first-child"))
        return sibling(page, i, -1) < 0;
    if (!strcmp(s->name, "last-child"))
        return sibling(page, i, 1) < 0;
    if (!strcmp(s->name, "nth-child"))
        return child_number(page, i) == s->number;
    if (!strcmp(s->name, "checked"))
        return (n->flags & NODE_CHECKED) ||
               (!strcmp(n->tag, "option") && (n->flags & NODE_SELECTED));
    return is_control(n) && !strcmp(s->name, "disabled") == !!(n->flags & NODE_DISABLED);
}

static bool simple_matches(const struct simple *s, const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    const char *v;
    switch (s->kind) {
    case ANY:
        return true;
    case TYPE:
        return !strcmp(n->tag, s->name);
    case ID:
        v = node_attr(n, "id");
        return v && !strcmp(v, s->name);
    case CLASS:
        v = node_attr(n, "class");
        return v && has_word(v, s->name, false);
    case ATTRIBUTE:
        return attribute_matches(s, node_attr(n, s->name));
    case NOT:
        return !simple_matches(s->inner, page, i);
    case PSEUDO:
        break;
    }
    return pseudo_matches(s, page, i);
}

static bool compound_matches(const struct compound *c, const struct page *page, int i)
{
    for (int k = 0; k < c->n; k++)
        if (!simple_matches(&c->simple[k], page, i))
            return false;
    return is_element(&page->nodes[i]);
}

/* Part at of x is matched by node i: are the parts on its left? */
static bool left_matches(const struct complex *x, int at, const struct page *page, int i)
{
    char combinator = x->parts[at].combinator;
    bool up = combinator == ' ' || combinator == '>', once = combinator == '>' || combinator == '+';
    if (at == 0)
        return true;
    for (;;) {
        i = up ? parent_of(page, i) : sibling(page, i, -1);
        if (i < 0)
            return false;
        if (compound_matches(&x->parts[at - 1], page, i) && left_matches(x, at - 1, page, i))
            return true;
        if (once)
            return false;
    }
}

bool selector_matches(const struct selector *s, const struct page *page, int node)
{
    for (int i = 0; i < s->n; i++) {
        const struct complex *x = s->list[i];
        if (compound_matches(&x->parts[x->n - 1], page, node) &&
            left_matches(x, x->n - 1, page, node))
            return true;
    }
    return false;
}

int selector_next(const struct selector *s, const struct page *page, int from)
{
    for (int i = from; i < page->n_nodes; i++)
        if (selector_matches(s, page, i))
            return i;
    return -1;
}
