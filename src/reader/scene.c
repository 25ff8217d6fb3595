#include "reader/scene.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "core/run.h"
#include "reader/words.h"

#define UP_MAX_LEVELS 200 /* ancestors asked; real pages have under 100 */

bool in_words(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; len && (p = strstr(p, word)); p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
            return true;
    return false;
}

int64_t rect_area(struct rect r)
{
    return (int64_t)r.w * r.h;
}

bool scene_shown(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    return (n->flags & NODE_VISIBLE) && n->box.w > 0 && n->box.h > 0;
}

bool scene_leads(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    if (strncmp(n->href, "http://", 7) != 0 && strncmp(n->href, "https://", 8) != 0)
        return false;
    size_t len = strcspn(n->href, "#");
    bool same_page = strncmp(n->href, s->page->url, len) == 0 &&
                     strcspn(s->page->url, "#") == len && n->href[len] == '#';
    return !same_page;
}

bool scene_work(const struct scene *s, size_t units)
{
    if (s->work)
        *s->work -= (int64_t)units;
    return !scene_worn_out(s);
}

bool scene_worn_out(const struct scene *s)
{
    return s->work && *s->work < 0;
}

int scene_text_bytes(const struct scene *s, int i)
{
    return s->bytes[s->page->nodes[i].end] - s->bytes[i];
}

int scene_text_count(const struct scene *s, int i)
{
    return s->texts[s->page->nodes[i].end] - s->texts[i];
}

const char *scene_text(const struct scene *s, int i, size_t max_bytes)
{
    return scene_text_count(s, i) ? page_text(s->pool, s->page, i, max_bytes) : "";
}

const char *scene_label(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    if (n->name[0])
        return n->name;
    return scene_text_bytes(s, i) <= 160 ? scene_text(s, i, 160) : "";
}

/* Words of one attribute; letters only count as part of a word, case folded. */
static bool attr_has_word(const char *value, const char *words)
{
    char word[32];
    for (const char *p = value; *p;) {
        size_t n = 0;
        while (*p && !isalpha((unsigned char)*p))
            p++;
        while (isalpha((unsigned char)*p)) {
            if (n < sizeof(word) - 1)
                word[n++] = (char)tolower((unsigned char)*p);
            p++;
            if (n && islower((unsigned char)p[-1]) && isupper((unsigned char)*p))
                break;
        }
        word[n] = 0;
        if (n > 1 && in_words(words, word))
            return true;
    }
    return false;
}

bool scene_classed(const struct scene *s, int i, const char *words)
{
    static const char *const attrs[] = {"class", "id", "data-testid"};
    for (size_t a = 0; a < ARRAY_SIZE(attrs); a++) {
        const char *v = node_attr(&s->page->nodes[i], attrs[a]);
        if (v && attr_has_word(v, words))
            return true;
    }
    return false;
}

int scene_up_to_role(const struct scene *s, int i, const char *roles)
{
    for (int up = 0; i >= 0 && up < UP_MAX_LEVELS; i = s->page->nodes[i].parent, up++)
        if (s->page->nodes[i].role[0] && in_words(roles, s->page->nodes[i].role))
            return i;
    return -1;
}

void scene_target(const struct scene *s, int i, double confidence, struct target *out)
{
    const struct node *n = &s->page->nodes[i];
    *out = (struct target){
        .at = node_point(s->page, n),
        .box = n->box,
        .in_view = n->flags & NODE_IN_VIEW,
        .covered = n->flags & NODE_COVERED,
        .label = scene_label(s, i),
        .tag = n->tag,
        .role = n->role,
        .node = i,
        .confidence = confidence,
    };
    /* Half a button at the screen's edge may be under a bar; its middle is the better aim. */
    if (!rect_contains(s->page->viewport, n->box.x + n->box.w / 2, n->box.y + n->box.h / 2) &&
        n->box.h <= s->page->viewport.h / 2)
        out->in_view = false;
}

/* --- building -------------------------------------------------------------------------------- */

static const struct {
    const char *roles, *classes;
    unsigned zone;
} zone_rules[] = {
    {"main", "", ZONE_MAIN},
    {"navigation menubar", "navbar topnav", ZONE_NAV},
    {"banner", "", ZONE_HEADER},
    {"contentinfo", "", ZONE_FOOTER},
    {"complementary", "sidebar filters facets facet", ZONE_ASIDE},
    {"", "breadcrumb breadcrumbs crumbs", ZONE_CRUMBS},
    {"", "pagination paginator pager paging", ZONE_PAGER},
    {"dialog alertdialog", "", ZONE_DIALOG},
    {"", "sponsored sponsor advert advertisement promoted adslot", ZONE_AD},
    {"table grid", "", ZONE_TABLE},
    {"deletion", "strike strikethrough", ZONE_OLD},
};

/* Class words of a whole-page part, told by one exact class or id. */
static unsigned exact_zone(const struct node *n)
{
    static const struct {
        const char *names;
        unsigned zone;
    } rules[] = {
        {"footer site-footer page-footer global-footer main-footer", ZONE_FOOTER},
        {"header site-header page-header global-header main-header topbar top-bar", ZONE_HEADER},
        {"nav navigation main-nav site-nav menu main-menu", ZONE_NAV},
        {"main content main-content", ZONE_MAIN},
        {"was-price old-price price-old original-price list-price", ZONE_OLD},
    };
    unsigned zone = 0;
    const char *values[] = {node_attr(n, "class"), node_attr(n, "id")};
    for (size_t v = 0; v < ARRAY_SIZE(values); v++)
        for (const char *p = values[v]; p && *(p += strspn(p, " ")); p += strcspn(p, " ")) {
            char word[32];
            size_t len = strcspn(p, " ");
            if (len < 3 || len >= sizeof(word)) /* none is as short */
                continue;
            memcpy(word, p, len);
            word[len] = 0;
            for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
                if (in_words(rules[i].names, word))
                    zone |= rules[i].zone;
        }
    return zone;
}

static unsigned own_zone(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    if (n->tag[0] == '#' || !strcmp(n->tag, "body") || !strcmp(n->tag, "html"))
        return 0;
    unsigned zone = in_words("del s strike", n->tag) ? ZONE_OLD : 0;
    for (size_t k = 0; k < ARRAY_SIZE(zone_rules); k++)
        if ((n->role[0] && in_words(zone_rules[k].roles, n->role)) ||
            scene_classed(s, i, zone_rules[k].classes))
            zone |= zone_rules[k].zone;
    const char *label = in_words("navigation region", n->role) ? n->name : "";
    if (*label && (strcasestr(label, "breadcrumb")))
        zone |= ZONE_CRUMBS;
    if (*label && (strcasestr(label, "paginat") || strcasestr(label, "pager")))
        zone |= ZONE_PAGER;
    return zone | exact_zone(n);
}

static void count(struct scene *s)
{
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        bool text = n->text[0] && (n->flags & NODE_VISIBLE);
        s->texts[i + 1] = s->texts[i] + text;
        s->bytes[i + 1] = s->bytes[i] + (text ? (int)strlen(n->text) + 1 : 0);
        s->links[i + 1] =
            s->links[i] + (n->href[0] && (n->flags & NODE_VISIBLE) && scene_leads(s, i));
        s->marks[i + 1] = s->marks[i] + (n->level && (n->flags & NODE_VISIBLE));
    }
}

/* The first visible h1 of the content, else any visible h1, else the first h2 of the content. */
static int main_heading(const struct scene *s)
{
    int best = -1, best_rank = 0;
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        if (!n->level || n->level > 2 || !scene_shown(s, i) || !scene_text_count(s, i))
            continue;
        bool outside = s->zone[i] & (ZONES_CHROME | ZONES_ASIDE);
        int rank = n->level == 1 ? (outside ? 2 : 3) : outside ? 0 : 1;
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

/* A heading like "Similar listings" speaks for its section: the highest node around it that does
 * not hold the main heading, or, when they are siblings, for what follows up to the next heading.
 */
static void mark_related(struct scene *s, int h)
{
    const struct node *nodes = s->page->nodes;
    int top = h;
    for (int p = nodes[h].parent; p >= 0 && !node_is_a(s->page, s->heading, p);
         p = nodes[p].parent) {
        if (in_words("body main html", nodes[p].tag))
            break;
        top = p;
    }
    int end = nodes[top].end;
    if (top == h || (nodes[top].level && top != s->heading))
        for (int c = end; c < s->page->n_nodes && nodes[c].parent == nodes[top].parent;
             c = nodes[c].end) {
            if (nodes[c].level && nodes[c].level <= nodes[h].level)
                break;
            end = nodes[c].end;
        }
    for (int i = top; i < end; i++)
        s->zone[i] |= ZONE_RELATED;
}

static void find_related(struct scene *s)
{
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        if (n->level < 2 || i == s->heading || (s->zone[i] & ZONE_RELATED))
            continue;
        if (scene_text_bytes(s, i) <= 80 && words_in(WORDS_RELATED, n->name))
            mark_related(s, i);
    }
}

int scene_create(struct pool *pool, const struct observation *obs, struct scene *out,
                 struct err *err)
{
    if (!obs->page)
        return err_set(err, E_UNSUPPORTED,
                       "the page reader needs the page itself, and this plane shows only pixels");
    size_t n = (size_t)obs->page->n_nodes + 1;
    struct scene s = {.pool = pool, .page = obs->page, .heading = -1};
    s.zone = pool_alloc(pool, sizeof(*s.zone) * n);
    s.texts = pool_alloc(pool, sizeof(*s.texts) * n);
    s.bytes = pool_alloc(pool, sizeof(*s.bytes) * n);
    s.links = pool_alloc(pool, sizeof(*s.links) * n);
    s.marks = pool_alloc(pool, sizeof(*s.marks) * n);
    count(&s);
    for (int i = 0; i < s.page->n_nodes; i++) {
        int p = s.page->nodes[i].parent;
        s.zone[i] = (p >= 0 ? s.zone[p] : 0) | own_zone(&s, i);
        if (s.zone[i] & ZONE_MAIN && p >= 0 && !(s.zone[p] & ZONE_MAIN))
            s.zone[i] &= ~(unsigned)ZONE_HEADER;
    }
    s.heading = main_heading(&s);
    find_related(&s);
    *out = s;
    return 0;
}

static const char *mark_in(const char *text)
{
    const char *mark = failure_wall_mark(text);
    return mark ? mark : words_in(WORDS_BLOCKED, text);
}

const char *scene_blocked(const struct scene *s)
{
    const char *mark = mark_in(s->page->title);
    if (mark || !s->page->n_nodes)
        return mark;
    return scene_text_bytes(s, 0) < 1500 ? mark_in(scene_text(s, 0, 1500)) : NULL;
}
