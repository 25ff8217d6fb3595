/*
 * page_groups.c - repeated structure: which siblings are the items of a list. Asked by page_list.c
 * (result cards) and page_rows.c (rows, and cards beside one entity); asks neither.
 *
 * Children of one parent with one tag, each holding some text, form a group; so do the children of
 * sibling parents (a grid whose rows are boxes). A group is scored by what result lists have and
 * menus, spec tables and footers lack: area, text, headings, one distinct link each, targets of one
 * shape, boxes of one size, a place in the main content.
 */
#include "reader/page_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "reader/patterns.h"
#include "reader/words.h"

#define GROUP_MAX      400  /* candidates kept for scoring, largest first come */
#define MEMBER_MAX     2000 /* of one group */
#define SAMPLE_MEMBERS 40   /* looked into for scoring */
#define CARD_MAX_BYTES 4000
#define CARD_MAX_NODES 3000

struct builder {
    const struct scene *s;
    bool need_links;
    bool plain; /* one text is enough for a list entry */
    struct group *groups;
    int n;
};

/* --- what opens a card, and what it is called ------------------------------------------------ */

static bool says_something(const struct scene *s, int i)
{
    const char *label = scene_label(s, i);
    return strlen(label) >= 2 && !words_is(WORDS_OPEN, label);
}

/* A heading's link names the item; else a link around a heading; else the first link with words of
 * its own; else any link. */
static int link_rank(const struct scene *s, int card, int i)
{
    if (scene_up_to_role(s, i, "heading") >= card)
        return 5;
    if (s->marks[s->page->nodes[i].end] > s->marks[i])
        return 4;
    if (words_count(scene_label(s, i)) >= 2 && says_something(s, i))
        return 3;
    return says_something(s, i) ? 2 : 1;
}

int page_card_link(const struct scene *s, int card)
{
    const struct node *nodes = s->page->nodes;
    int best = -1, best_rank = 0;
    for (int up = card; up >= 0 && up >= nodes[card].parent; up = nodes[up].parent)
        if (scene_leads(s, up) && scene_shown(s, up))
            return up;
    for (int i = card; i < nodes[card].end; i++) {
        if (!scene_leads(s, i) || !scene_shown(s, i) ||
            words_is(WORDS_SPONSORED, scene_label(s, i)))
            continue;
        int rank = link_rank(s, card, i);
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    if (best >= 0)
        return best;
    for (int i = card; i < nodes[card].end; i++) /* cards that a script opens */
        if (scene_shown(s, i) &&
            ((nodes[i].flags & NODE_CLICKABLE) && !(nodes[i].flags & NODE_EDITABLE)) &&
            !in_words("checkbox radio combobox option", nodes[i].role) &&
            scene_text_bytes(s, i) > 2)
            return i;
    return -1;
}

static bool has_letters(const char *text)
{
    int n = 0;
    for (const char *p = text; *p && n < 3; p++)
        n += isalpha((unsigned char)*p) || (unsigned char)*p >= 0x80;
    return n >= 3;
}

/* Tallest text of the card: what a title without a heading looks like. */
static const char *tallest_text(const struct scene *s, int card)
{
    const char *best = "";
    int height = 0;
    for (int i = card; i < s->page->nodes[card].end; i++) {
        const struct node *n = &s->page->nodes[i];
        if (!n->text[0] || !(n->flags & NODE_VISIBLE) || !has_letters(n->text) ||
            words_is(WORDS_SPONSORED, n->text) || pattern_is(PATTERN_PRICE, n->text))
            continue;
        if (n->box.h > height + 1) {
            height = n->box.h;
            best = n->text;
        }
    }
    return best;
}

const char *page_card_title(const struct scene *s, int card, int link)
{
    const struct node *nodes = s->page->nodes;
    for (int i = card; i < nodes[card].end; i++)
        if (nodes[i].level && scene_shown(s, i) && scene_text_count(s, i) &&
            !words_is(WORDS_SPONSORED, nodes[i].name))
            return nodes[i].name;
    if (link > card && says_something(s, link) && scene_text_count(s, link) >= 1 &&
        scene_text_count(s, link) <= 2)
        return scene_label(s, link);
    const char *tall = tallest_text(s, card);
    if (*tall)
        return tall;
    for (int i = card; i < nodes[card].end; i++)
        if (strcmp(nodes[i].tag, "img") == 0 && nodes[i].name[0])
            return nodes[i].name;
    return link >= 0 ? scene_label(s, link) : "";
}

bool page_card_sponsored(const struct scene *s, int card)
{
    const struct node *nodes = s->page->nodes;
    int up = nodes[card].parent;
    if ((s->zone[card] & ZONE_AD) && (up < 0 || !(s->zone[up] & ZONE_AD)))
        return true;
    for (int i = card; i < nodes[card].end; i++) {
        const char *rel = node_attr(&nodes[i], "rel");
        if (rel && in_words(rel, "sponsored"))
            return true;
        if (!(nodes[i].flags & NODE_VISIBLE))
            continue;
        if (nodes[i].text[0] && strlen(nodes[i].text) < 40 &&
            words_is(WORDS_SPONSORED, nodes[i].text))
            return true;
        const char *label = node_attr(&nodes[i], "aria-label");
        if (label && words_is(WORDS_SPONSORED, label))
            return true;
        if (i > card && (s->zone[i] & ZONE_AD) && !(s->zone[card] & ZONE_AD) &&
            scene_text_bytes(s, i) < 40)
            return true;
    }
    return false;
}

/* --- building candidates --------------------------------------------------------------------- */

static bool may_be_member(const struct builder *b, int i)
{
    const struct scene *s = b->s;
    const struct node *n = &s->page->nodes[i];
    if (n->tag[0] == '#' || !(n->flags & NODE_VISIBLE) ||
        in_words("script style option br hr label", n->tag) || strcmp(n->role, "columnheader") == 0)
        return false;
    int bytes = scene_text_bytes(s, i);
    if (n->end - i > CARD_MAX_NODES || bytes < 6 || bytes > CARD_MAX_BYTES || n->box.w < 60 ||
        n->box.h < 12)
        return false;
    if (b->plain)
        return in_words("li dt a tr", n->tag) || in_words("listitem option row link", n->role);
    if (!b->need_links)
        return scene_text_count(s, i) >= 2;
    bool leads = s->links[n->end] > s->links[i] || (n->flags & NODE_CLICKABLE) ||
                 (n->parent >= 0 && s->page->nodes[n->parent].href[0] &&
                  s->page->nodes[n->parent].end == n->end);
    return leads;
}

static void add_group(struct builder *b, const int *members, int n)
{
    if (n < 2 || b->n == GROUP_MAX)
        return;
    struct group *g = &b->groups[b->n++];
    g->members = pool_alloc(b->s->pool, sizeof(int) * (size_t)n);
    memcpy(g->members, members, sizeof(int) * (size_t)n);
    g->n = n;
}

/* Children of p with the tag of its child `first`, into out. */
static int same_tag_members(const struct builder *b, int p, int first, int *out, int max)
{
    const struct node *nodes = b->s->page->nodes;
    int n = 0;
    for (int c = first; c < nodes[p].end && n < max; c = nodes[c].end)
        if (strcmp(nodes[c].tag, nodes[first].tag) == 0 && may_be_member(b, c))
            out[n++] = c;
    return n;
}

/* One group per tag among the children of p, for at most four tags. */
static void groups_of_parent(struct builder *b, int p, int *scratch)
{
    const struct node *nodes = b->s->page->nodes;
    const char *seen[4];
    int n_seen = 0;
    for (int c = p + 1; c < nodes[p].end && n_seen < 4; c = nodes[c].end) {
        bool old = !may_be_member(b, c);
        for (int k = 0; k < n_seen && !old; k++)
            old = strcmp(seen[k], nodes[c].tag) == 0;
        if (old)
            continue;
        seen[n_seen++] = nodes[c].tag;
        add_group(b, scratch, same_tag_members(b, p, c, scratch, MEMBER_MAX));
    }
}

/* Grids made of row boxes: children of all children of g that have the tag of the first. */
static void groups_of_grandparent(struct builder *b, int g, int *scratch)
{
    const struct node *nodes = b->s->page->nodes;
    int n = 0, parents = 0, first = -1;
    for (int p = g + 1; p < nodes[g].end; p = nodes[p].end) {
        bool counted = false;
        for (int c = p + 1; c < nodes[p].end && n < MEMBER_MAX; c = nodes[c].end) {
            if (!may_be_member(b, c))
                continue;
            if (first < 0)
                first = c;
            if (strcmp(nodes[c].tag, nodes[first].tag) != 0 ||
                strcmp(nodes[p].tag, nodes[nodes[first].parent].tag) != 0)
                continue;
            scratch[n++] = c;
            parents += !counted;
            counted = true;
        }
    }
    if (parents >= 2)
        add_group(b, scratch, n);
}

/* --- scoring --------------------------------------------------------------------------------- */

const char *page_url_shape(const struct scene *s, const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t host_len = strcspn(host, "/?#");
    const char *path = host + host_len;
    size_t path_len = strcspn(path, "?#");
    int depth = 0;
    for (size_t i = 0; i < path_len; i++)
        depth += path[i] == '/' && i + 1 < path_len;
    if (path[path_len] == '?' && depth <= 1)
        return pool_printf(s->pool, "%.*s%.*s?", (int)host_len, host, (int)path_len, path);
    size_t seg = path_len ? 1 + strcspn(path + 1, "/?#") : 0;
    return pool_printf(s->pool, "%.*s%.*s:%d", (int)host_len, host, depth > 1 ? (int)seg : 0, path,
                       depth);
}

/* Largest share of equal strings among n; NULLs match nothing. */
static double largest_share(const char *const *v, int n)
{
    int best = 0;
    for (int i = 0; i < n; i++) {
        int same = 0;
        for (int k = 0; k < n; k++)
            same += v[i] && v[k] && strcmp(v[i], v[k]) == 0;
        best = same > best ? same : best;
    }
    return n ? (double)best / n : 0;
}

static double distinct_share(const char *const *v, int n)
{
    int distinct = 0;
    for (int i = 0; i < n; i++) {
        bool first = v[i] != NULL;
        for (int k = 0; k < i && first; k++)
            first = !v[k] || strcmp(v[i], v[k]) != 0;
        distinct += first;
    }
    return n ? (double)distinct / n : 0;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Share of the sample whose width and height are near the median. */
static double same_size(const struct scene *s, const int *m, int n)
{
    int w[SAMPLE_MEMBERS], h[SAMPLE_MEMBERS], near = 0;
    for (int i = 0; i < n; i++) {
        w[i] = s->page->nodes[m[i]].box.w;
        h[i] = s->page->nodes[m[i]].box.h;
    }
    qsort(w, (size_t)n, sizeof(int), compare_ints);
    qsort(h, (size_t)n, sizeof(int), compare_ints);
    for (int i = 0; i < n; i++) {
        struct rect b = s->page->nodes[m[i]].box;
        near += abs(b.w - w[n / 2]) * 10 <= w[n / 2];
        near += abs(b.h - h[n / 2]) * 2 <= h[n / 2];
    }
    return n ? near / (2.0 * n) : 0;
}

/* How rich one card is: heading, price or number with a unit, picture, words. */
static double richness(const struct scene *s, int card)
{
    const struct node *n = &s->page->nodes[card];
    double v = 0.2 + 0.3 * (s->marks[n->end] > s->marks[card]);
    int words = scene_text_bytes(s, card);
    v += words >= 120 ? 0.4 : words / 300.0;
    if (pattern_first(s->pool, PATTERN_PRICE, scene_text(s, card, 600)))
        v += 0.25;
    for (int i = card; i < n->end; i++)
        if (strcmp(s->page->nodes[i].tag, "img") == 0 && scene_shown(s, i)) {
            v += 0.15;
            break;
        }
    return v;
}

/* A section with a heading of its own and some other link in it is no card: a card's link opens
 * what its heading names. */
static bool link_is_beside(const struct scene *s, int card, int link)
{
    const struct node *n = &s->page->nodes[card];
    if (link <= card || s->marks[n->end] == s->marks[card] || link_rank(s, card, link) >= 4)
        return false;
    const char *title = words_plain(s->pool, page_card_title(s, card, link));
    const char *label = words_plain(s->pool, scene_label(s, link));
    return scene_text_count(s, link) > 0 && says_something(s, link) &&
           page_words_match(title, label) == 0 && page_words_match(label, title) == 0;
}

/* How many different things a member opens with links as telling as its best one: one for a card,
 * more for a box that holds several cards. */
static int things_in(const struct scene *s, int card, int link)
{
    const struct node *nodes = s->page->nodes;
    const char *seen[8];
    int n = 0, rank = link > card ? link_rank(s, card, link) : 0;
    for (int i = card; rank && i < nodes[card].end && n < 8; i++) {
        if (!scene_leads(s, i) || !scene_shown(s, i) || link_rank(s, card, i) != rank)
            continue;
        bool old = false;
        for (int k = 0; k < n; k++)
            old |= strcmp(seen[k], nodes[i].href) == 0;
        if (!old)
            seen[n++] = nodes[i].href;
    }
    return n ? n : 1;
}

static double zone_factor(const struct scene *s, int member)
{
    unsigned z = s->zone[member];
    if (z & (ZONE_CRUMBS | ZONE_PAGER | ZONE_FOOTER | ZONE_DIALOG))
        return 0.02;
    if (z & (ZONE_NAV | ZONE_HEADER))
        return 0.05;
    if (z & (ZONE_ASIDE | ZONE_RELATED))
        return 0.15;
    return z & ZONE_MAIN ? 1.2 : 1;
}

static void score_group(struct builder *b, struct group *g)
{
    const struct scene *s = b->s;
    const char *href[SAMPLE_MEMBERS], *shape[SAMPLE_MEMBERS];
    int n = g->n < SAMPLE_MEMBERS ? g->n : SAMPLE_MEMBERS;
    double area = 0, rich = 0, things = 0, zone = 0;
    int with_href = 0, beside = 0;
    for (int i = 0; i < n; i++) {
        int link = page_card_link(s, g->members[i]);
        href[i] = link >= 0 && s->page->nodes[link].href[0] ? s->page->nodes[link].href : NULL;
        shape[i] = href[i] ? page_url_shape(s, href[i]) : NULL;
        beside += link_is_beside(s, g->members[i], link);
        things += (double)things_in(s, g->members[i], link) / n;
        with_href += href[i] != NULL;
        area += (double)rect_area(s->page->nodes[g->members[i]].box);
        zone += zone_factor(s, g->members[i]) / n;
        rich += richness(s, g->members[i]) / n;
    }
    area = area * g->n / n / ((double)rect_area(s->page->viewport) + 1);
    double links = (0.3 + 0.7 * largest_share(shape, n)) * (0.2 + 0.8 * distinct_share(href, n));
    if (!with_href)
        links = 0.5; /* a script opens them, or nothing does */
    else if (!b->need_links && links < 0.3)
        links = 0.3;
    if (beside * 2 > n)
        links *= 0.1;
    double many = g->n < 3 ? 0.7 : g->n < 6 ? 1 : 1.2;
    int first = g->members[0], parent = s->page->nodes[first].parent;
    double hint =
        scene_classed(s, first, "card result item listing product tile row entry hit offer ad") ||
                (parent >= 0 &&
                 scene_classed(s, parent, "results listings list grid items cards products"))
            ? 1.2
            : 1;
    g->score = (area > 2 ? 2 : area) * links * same_size(s, g->members, n) * rich * many * hint *
               zone / (things * things);
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *l = a, *r = b;
    if (l->score != r->score)
        return l->score < r->score ? 1 : -1;
    return l->members[0] - r->members[0];
}

static int find_groups(struct builder *builder, int max, struct group *out)
{
    struct builder b = *builder;
    const struct scene *s = b.s;
    b.groups = pool_alloc(s->pool, sizeof(*b.groups) * GROUP_MAX);
    int *scratch = pool_alloc(s->pool, sizeof(int) * MEMBER_MAX);
    for (int p = 0; p < s->page->n_nodes && b.n < GROUP_MAX; p++) {
        if (!scene_text_count(s, p) || s->page->nodes[p].end == p + 1)
            continue;
        groups_of_parent(&b, p, scratch);
        groups_of_grandparent(&b, p, scratch);
    }
    for (int i = 0; i < b.n; i++)
        score_group(&b, &b.groups[i]);
    qsort(b.groups, (size_t)b.n, sizeof(*b.groups), compare_groups);
    int n = b.n < max ? b.n : max;
    memcpy(out, b.groups, sizeof(*out) * (size_t)n);
    return n;
}

int page_groups(const struct scene *s, bool need_links, int max, struct group *out)
{
    return find_groups(&(struct builder){.s = s, .need_links = need_links}, max, out);
}

int page_groups_plain(const struct scene *s, int max, struct group *out)
{
    return find_groups(&(struct builder){.s = s, .plain = true}, max, out);
}
