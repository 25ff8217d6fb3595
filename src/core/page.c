#include "core/page.h"
#include "core/page_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"

const char *node_attr(const struct node *node, const char *name)
{
    for (int i = 0; i < node->n_attrs; i++)
        if (strcmp(node->attrs[i].name, name) == 0)
            return node->attrs[i].value;
    return NULL;
}

bool node_is_password(const struct node *node)
{
    const char *type = node_attr(node, "type"), *complete = node_attr(node, "autocomplete");
    return strcmp(node->tag, "input") == 0 &&
           ((type && strcmp(type, "password") == 0) ||
            (complete && word_in("current-password new-password one-time-code", complete)));
}

bool rect_contains(struct rect r, int x, int y)
{
    return x >= r.x && y >= r.y && x < r.x + r.w && y < r.y + r.h;
}

bool node_is_a(const struct page *page, int i, int ancestor)
{
    return i >= ancestor && ancestor >= 0 && i < page->nodes[ancestor].end;
}

/* What of the node surely reacts: its box, or the first line of its words when they wrap and the box
 * is no larger than they are. */
static struct rect solid_part(const struct page *page, const struct node *node)
{
    for (int i = (int)(node - page->nodes); i < node->end; i++) {
        const struct node *text = &page->nodes[i];
        if (strcmp(text->tag, "#text") != 0 || !(text->flags & NODE_VISIBLE))
            continue;
        bool hugs = text->line.w > 0 && node->box.h <= text->box.h + text->line.h / 2;
        return hugs ? text->line : node->box;
    }
    return node->box;
}

struct point node_point(const struct page *page, const struct node *node)
{
    struct rect b = solid_part(page, node), v = page->viewport;
    int x1 = b.x > v.x ? b.x : v.x, y1 = b.y > v.y ? b.y : v.y;
    int x2 = b.x + b.w < v.x + v.w ? b.x + b.w : v.x + v.w;
    int y2 = b.y + b.h < v.y + v.h ? b.y + b.h : v.y + v.h;
    if (x2 <= x1 || y2 <= y1)
        return (struct point){b.x + b.w / 2, b.y + b.h / 2};
    return (struct point){x1 + (x2 - x1) / 2, y1 + (y2 - y1) / 2};
}

bool word_in(const char *list, const char *word)
{
    size_t len = strlen(word);
    if (!len)
        return false;
    for (const char *p = list; (p = strstr(p, word)); p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == 0))
            return true;
    return false;
}

/* --- text ----------------------------------------------------------------------------------- */

static const char inline_tags[] =
    "span b i em strong a small sup sub mark u s font abbr bdi bdo time "
    "data del ins cite code kbd q label var samp";

/* Ancestors of text i up to the node that holds both texts are all inline. */
static bool inline_up_to(const struct page *page, int i, int other)
{
    int p = page->nodes[i].parent;
    for (int depth = 0; depth < 6 && p >= 0; depth++) {
        if (node_is_a(page, other, p))
            return true;
        if (!word_in(inline_tags, page->nodes[p].tag))
            return false;
        p = page->nodes[p].parent;
    }
    return false;
}

/* Bytes of the currency sign that text ends with; 0 none. */
static size_t currency_at_end(const char *start, const char *end)
{
    static const char *const currencies[] = {"$",           "\xE2\x82\xAC", "\xC2\xA3",
                                             "\xC2\xA5",     "\xE2\x82\xB9", "\xE2\x82\xAA"};
    for (size_t i = 0; i < ARRAY_SIZE(currencies); i++) {
        size_t len = strlen(currencies[i]);
        if ((size_t)(end - start) >= len && strncmp(end - len, currencies[i], len) == 0)
            return len;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A sign that stands at a number without a gap: currency, sign, bracket, separator. */
static bool sign_before(const char *end, const char *start)
{
    return strchr("#+-(/.,", end[-1]) || is_digit(end[-1]) || currency_at_end(start, end);
}

/* Layout puts the blank at the end of a text inside its box, so touching boxes alone do not tell
 * "by Ann" from "$5": only pieces of a number join. */
static bool texts_join(const struct page *page, int a, int b)
{
    const char *left = page->nodes[a].text, *right = page->nodes[b].text;
    if (!*left || !*right || !inline_up_to(page, a, b) || !inline_up_to(page, b, a))
        return false;
    if (strchr(",.;:!?)%", *right))
        return true;
    struct rect l = page->nodes[a].box, r = page->nodes[b].box;
    int gap = r.x - (l.x + l.w);
    bool same_line = l.w > 0 && r.w > 0 && r.y < l.y + l.h && l.y < r.y + r.h;
    return same_line && gap >= -1 && gap <= 1 && is_digit(*right) &&
           sign_before(left + strlen(left), left);
}

/* Whole units of a price: "$24", or "24" right behind a sign. */
static bool is_price(const struct page *page, int i)
{
    const char *text = page->nodes[i].text, *digits = text + strlen(text);
    while (digits > text && (is_digit(digits[-1]) || digits[-1] == ','))
        digits--;
    if (!*digits || digits > text)
        return *digits && currency_at_end(text, digits) == (size_t)(digits - text);
    int before = i - 1; /* past the box around it */
    while (before >= 0 && i - before <= 3 && !page->nodes[before].text[0])
        before--;
    const char *sign = before >= 0 ? page->nodes[before].text : "";
    return *sign && texts_join(page, before, i) && currency_at_end(sign, sign + strlen(sign));
}

/* Two digits, set higher than the price they stand at. */
static bool are_cents(const struct page *page, int a, int b)
{
    const char *text = page->nodes[b].text;
    struct rect l = page->nodes[a].box, r = page->nodes[b].box;
    bool two = strlen(text) == 2 && is_digit(text[0]) && is_digit(text[1]);
    bool raised = r.h * 10 < l.h * 9 && r.y + r.h / 2 < l.y + l.h / 2;
    for (int p = b; two && !raised && p >= 0 && !node_is_a(page, a, p); p = page->nodes[p].parent)
        raised = strcmp(page->nodes[p].tag, "sup") == 0;
    return two && raised && is_price(page, a);
}

const char *page_texts_gap(const struct page *page, int a, int b)
{
    if (!texts_join(page, a, b))
        return " ";
    return are_cents(page, a, b) ? "." : "";
}

char *page_text(struct pool *pool, const struct page *page, int i, size_t max_bytes)
{
    struct buf b;
    if (max_bytes > CAP_PAGE_TEXT_BYTES)
        max_bytes = CAP_PAGE_TEXT_BYTES;
    buf_init(&b, max_bytes + 64);
    int last = -1;
    for (int k = i; k < page->nodes[i].end && b.len < max_bytes; k++) {
        const struct node *n = &page->nodes[k];
        if (!n->text[0] || !(n->flags & NODE_VISIBLE))
            continue;
        if (last >= 0)
            buf_adds(&b, page_texts_gap(page, last, k));
        size_t len = strlen(n->text), room = max_bytes + 8 - b.len;
        buf_add(&b, n->text, len < room ? len : room);
        last = k;
    }
    char *out = str_cut(pool, b.data, max_bytes);
    buf_release(&b);
    return out;
}

/* --- link targets ---------------------------------------------------------------------------- */

/* Bytes of "scheme:" at the start of s, 0 when there is none. */
static size_t scheme_len(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return n && s[n] == ':' ? n + 1 : 0;
}

/* Remove "." and ".." segments of the path that starts at path, in place. */
static void tidy_path(char *path)
{
    size_t full = strcspn(path, "?#"), o = 0;
    for (size_t i = 0; i < full;) {
        size_t seg = strcspn(path + i + 1, "/?#") + 1; /* with its leading slash */
        if (i + seg > full)
            seg = full - i;
        bool last = i + seg == full;
        if (seg == 2 && path[i + 1] == '.') {
            if (last)
                path[o++] = '/';
        } else if (seg == 3 && path[i + 1] == '.' && path[i + 2] == '.') {
            while (o && path[--o] != '/')
                ;
            if (last)
                path[o++] = '/';
        } else {
            memmove(path + o, path + i, seg);
            o += seg;
        }
        i += seg;
    }
    memmove(path + o, path + full, strlen(path + full) + 1);
}

/* RFC 3986 section 5.2 for hierarchical bases; anything else keeps the reference as it is. */
static const char *resolve(struct pool *pool, const char *base, const char *ref)
{
    while (*ref == ' ' || *ref == '\n' || *ref == '\t')
        ref++;
    size_t scheme = scheme_len(base);
    if (scheme_len(ref) || !scheme || strncmp(base + scheme, "//", 2) != 0)
        return ref;
    if (strncmp(ref, "//", 2) == 0)
        return pool_printf(pool, "%.*s%s", (int)scheme, base, ref);
    size_t host_end = scheme + 2 + strcspn(base + scheme + 2, "/?#");
    size_t path_end = host_end + strcspn(base + host_end, "?#");
    size_t query_end = path_end + strcspn(base + path_end, "#");
    if (!*ref || *ref == '#')
        return pool_printf(pool, "%.*s%s", (int)query_end, base, ref);
    if (*ref == '?')
        return pool_printf(pool, "%.*s%s", (int)path_end, base, ref);
    size_t dir_end = path_end;
    while (dir_end > host_end && base[dir_end - 1] != '/')
        dir_end--;
    const char *slash = *ref == '/' || dir_end > host_end ? "" : "/";
    char *url =
        pool_printf(pool, "%.*s%s%s", (int)(*ref == '/' ? host_end : dir_end), base, slash, ref);
    tidy_path(url + host_end);
    return url;
}

/* Base URL of a document: its frame's address, or the page's with its <base>. */
static const char *base_of(struct pool *pool, const struct page *page, int frame)
{
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (n->frame != frame)
            continue;
        if (frame == 0 && strcmp(n->tag, "base") == 0 && node_attr(n, "href"))
            return resolve(pool, page->url, node_attr(n, "href"));
        const char *src =
            frame && n->parent >= 0 ? node_attr(&page->nodes[n->parent], "src") : NULL;
        if (src)
            return resolve(pool, page->url, src);
    }
    return page->url;
}

static void fill_hrefs(struct pool *pool, struct page *page)
{
    const char *bases[CAP_PAGE_FRAMES] = {0};
    for (int i = 0; i < page->n_nodes; i++) {
        struct node *n = &page->nodes[i];
        const char *href = word_in("a area", n->tag) ? node_attr(n, "href") : NULL;
        if (!href || n->href[0])
            continue;
        const char **base = &bases[n->frame % CAP_PAGE_FRAMES];
        if (!*base)
            *base = base_of(pool, page, n->frame);
        n->href = resolve(pool, *base, href);
    }
}

/* --- roles and flags ------------------------------------------------------------------------- */

/* Source: HTML-AAM 1.0 section 3.5, reduced. Tags that depend on more are in role_of(). */
static const struct {
    const char *tag, *role;
} tag_roles[] = {
    {"button", "button"},
    {"summary", "button"},
    {"option", "option"},
    {"textarea", "textbox"},
    {"h1", "heading"},
    {"h2", "heading"},
    {"h3", "heading"},
    {"h4", "heading"},
    {"h5", "heading"},
    {"h6", "heading"},
    {"nav", "navigation"},
    {"main", "main"},
    {"aside", "complementary"},
    {"article", "article"},
    {"form", "form"},
    {"ul", "list"},
    {"ol", "list"},
    {"menu", "list"},
    {"li", "listitem"},
    {"table", "table"},
    {"tr", "row"},
    {"td", "cell"},
    {"thead", "rowgroup"},
    {"tbody", "rowgroup"},
    {"tfoot", "rowgroup"},
    {"caption", "caption"},
    {"dt", "term"},
    {"dd", "definition"},
    {"figure", "figure"},
    {"dialog", "dialog"},
    {"details", "group"},
    {"fieldset", "group"},
    {"optgroup", "group"},
    {"address", "group"},
    {"hr", "separator"},
    {"progress", "progressbar"},
    {"meter", "meter"},
    {"output", "status"},
    {"datalist", "listbox"},
    {"search", "search"},
    {"p", "paragraph"},
    {"blockquote", "blockquote"},
};

static const struct {
    const char *types, *role;
} input_roles[] = {
    {"button submit reset image file color", "button"},
    {"checkbox", "checkbox"},
    {"radio", "radio"},
    {"range", "slider"},
    {"number", "spinbutton"},
    {"search", "searchbox"},
    {"hidden", ""},
};

static const char clickable_roles[] = "button link tab menuitem menuitemcheckbox menuitemradio "
                                      "option checkbox radio switch treeitem combobox";
static const char sectioning_tags[] = "article aside main nav section";
static const char form_tags[] = "button input select textarea option optgroup fieldset";

static const char *input_role(const struct node *n)
{
    const char *type = node_attr(n, "type");
    for (size_t i = 0; type && i < ARRAY_SIZE(input_roles); i++)
        for (const char *p = input_roles[i].types; *p;) {
            size_t len = strcspn(p, " ");
            if (strlen(type) == len && strncasecmp(p, type, len) == 0)
                return input_roles[i].role;
            p += len + strspn(p + len, " ");
        }
    return node_attr(n, "list") ? "combobox" : "textbox";
}

/* in_section: some ancestor is sectioning content, so a header or footer is not the page's. */
static const char *role_of(const struct page *page, const struct node *n, bool in_section)
{
    if (word_in("a area", n->tag))
        return node_attr(n, "href") ? "link" : "";
    if (strcmp(n->tag, "input") == 0)
        return input_role(n);
    if (strcmp(n->tag, "select") == 0) {
        const char *size = node_attr(n, "size");
        return node_attr(n, "multiple") || (size && atoi(size) > 1) ? "listbox" : "combobox";
    }
    if (strcmp(n->tag, "img") == 0) {
        const char *alt = node_attr(n, "alt");
        return alt && !*alt ? "presentation" : "img";
    }
    if (strcmp(n->tag, "header") == 0)
        return in_section ? "" : "banner";
    if (strcmp(n->tag, "footer") == 0)
        return in_section ? "" : "contentinfo";
    if (strcmp(n->tag, "section") == 0)
        return node_attr(n, "aria-label") || node_attr(n, "aria-labelledby") ? "region" : "";
    if (strcmp(n->tag, "th") == 0) {
        const char *scope = node_attr(n, "scope");
        int next = n->end;
        bool row = scope ? str_starts(scope, "row")
                         : next < page->n_nodes && page->nodes[next].parent == n->parent &&
                               strcmp(page->nodes[next].tag, "td") == 0;
        return row ? "rowheader" : "columnheader";
    }
    for (size_t i = 0; i < ARRAY_SIZE(tag_roles); i++)
        if (strcmp(tag_roles[i].tag, n->tag) == 0)
            return tag_roles[i].role;
    return "";
}

/* First word of a role attribute, lower case; NULL when there is none. */
static const char *explicit_role(struct pool *pool, const struct node *n)
{
    const char *role = node_attr(n, "role");
    if (str_empty(role))
        return NULL;
    role += strspn(role, " \t\r\n");
    return str_lower(pool, pool_strndup(pool, role, strcspn(role, " \t\r\n")));
}

static bool attr_is(const struct node *n, const char *name, const char *value)
{
    const char *have = node_attr(n, name);
    return have && str_eq_fold(have, value);
}

static bool is_editable(const struct node *n)
{
    const char *ce = node_attr(n, "contenteditable");
    if (ce && !str_eq_fold(ce, "false"))
        return true;
    if (strcmp(n->tag, "input") == 0) {
        const char *type = node_attr(n, "type");
        if (!word_in("textbox searchbox spinbutton combobox", input_role(n)) ||
            (type && str_eq_fold(type, "hidden")))
            return false;
    } else if (strcmp(n->tag, "textarea") != 0) {
        return word_in("textbox searchbox", n->role);
    }
    return !node_attr(n, "readonly");
}

static unsigned implied_flags(const struct node *n)
{
    unsigned f = 0;
    bool off = (word_in(form_tags, n->tag) && node_attr(n, "disabled")) ||
               attr_is(n, "aria-disabled", "true");
    if (off)
        f |= NODE_DISABLED;
    if (word_in(clickable_roles, n->role) || word_in("select label", n->tag) ||
        node_attr(n, "onclick"))
        f |= NODE_CLICKABLE;
    if (!off && is_editable(n))
        f |= NODE_EDITABLE;
    if (attr_is(n, "aria-checked", "true"))
        f |= NODE_CHECKED;
    if (attr_is(n, "aria-selected", "true"))
        f |= NODE_SELECTED;
    if (attr_is(n, "aria-expanded", "true") ||
        (strcmp(n->tag, "details") == 0 && node_attr(n, "open")))
        f |= NODE_EXPANDED;
    return f;
}

static int heading_level(const struct node *n)
{
    if (strcmp(n->role, "heading") != 0)
        return 0;
    const char *level = node_attr(n, "aria-level");
    int v = level                                                      ? atoi(level)
            : n->tag[0] == 'h' && n->tag[1] >= '1' && n->tag[1] <= '6' ? n->tag[1] - '0'
                                                                       : 2;
    return v < 1 ? 1 : v > 6 ? 6 : v;
}

void page_finish(struct pool *pool, struct page *page)
{
    struct pool *tmp = pool_create(NULL);
    bool *in_section = pool_alloc(tmp, (size_t)page->n_nodes + 1);
    bool *off = pool_alloc(tmp, (size_t)page->n_nodes + 1); /* inside a disabled fieldset */
    for (int i = 0; i < page->n_nodes; i++) {
        struct node *n = &page->nodes[i];
        bool section_above = n->parent >= 0 && in_section[n->parent];
        in_section[i] = section_above || word_in(sectioning_tags, n->tag);
        off[i] = (n->parent >= 0 && off[n->parent]) ||
                 (strcmp(n->tag, "fieldset") == 0 && node_attr(n, "disabled"));
        if (n->tag[0] == '#') {
            n->role = "";
            continue;
        }
        const char *role = explicit_role(pool, n);
        n->role = role ? role : role_of(page, n, section_above);
        n->level = heading_level(n);
        n->flags |= implied_flags(n);
        if (off[i] && word_in(form_tags, n->tag))
            n->flags = (n->flags | NODE_DISABLED) & ~(unsigned)NODE_EDITABLE;
        if (strcmp(n->tag, "input") == 0 && attr_is(n, "type", "password"))
            n->value = "";
    }
    pool_destroy(tmp);
    fill_hrefs(pool, page);
    page_names(pool, page);
}
