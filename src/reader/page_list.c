/*
 * page_list.c - the result cards of a page: the best group of page_groups.c, completed.
 */
#include "reader/page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "reader/words.h"

#define LIST_GROUPS      12
#define LIST_MIN_SCORE   0.03
#define LIST_MAX_MEMBERS 2000
#define CARD_TEXT_BYTES  2000

static const char *first_class(const struct scene *s, int i)
{
    const char *c = node_attr(&s->page->nodes[i], "class");
    return c ? pool_strndup(s->pool, c, strcspn(c, " ")) : "";
}

static bool overlaps(const struct scene *s, const struct group *a, const struct group *b)
{
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < a->n; k++)
            if (node_is_a(s->page, a->members[k], b->members[i]) ||
                node_is_a(s->page, b->members[i], a->members[k]))
                return true;
    return false;
}

/* "Featured" above "All results": a second group of the same make belongs to the list. */
static bool same_make(const struct scene *s, const struct group *a, const struct group *b)
{
    const struct node *x = &s->page->nodes[a->members[0]], *y = &s->page->nodes[b->members[0]];
    return strcmp(x->tag, y->tag) == 0 &&
           strcmp(first_class(s, a->members[0]), first_class(s, b->members[0])) == 0 &&
           abs(x->box.w - y->box.w) * 10 <= x->box.w && b->score > a->score / 12 &&
           !(s->zone[b->members[0]] & (ZONES_CHROME | ZONE_RELATED | ZONE_ASIDE)) &&
           !overlaps(s, a, b);
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Members of the best group and its kin in reading order; 0 when nothing looks like results. */
static int gather_members(const struct scene *s, int *out)
{
    struct group groups[LIST_GROUPS];
    int n_groups = page_groups(s, true, LIST_GROUPS, groups), n = 0;
    if (!n_groups || groups[0].score < LIST_MIN_SCORE) {
        out[0] = page_single_card(s);
        return out[0] >= 0;
    }
    for (int g = 0; g < n_groups; g++) {
        if (g && !same_make(s, &groups[0], &groups[g]))
            continue;
        for (int i = 0; i < groups[g].n && n < LIST_MAX_MEMBERS; i++)
            out[n++] = groups[g].members[i];
    }
    qsort(out, (size_t)n, sizeof(int), compare_ints);
    return n;
}

static bool excluded(const struct scene *s, int card, const struct schema *schema)
{
    for (const char *const *x = schema ? schema->card_exclusions : NULL; x && *x; x++)
        if (str_contains_fold(scene_text(s, card, 4000), *x))
            return true;
    return false;
}

/* Texts of the card, one a line, advertisements' cards and all. */
static const char *card_text(const struct scene *s, int member)
{
    struct buf b;
    buf_init(&b, CARD_TEXT_BYTES + 8);
    int last = -1;
    for (int i = member; i < s->page->nodes[member].end && b.len < CARD_TEXT_BYTES; i++) {
        const struct node *n = &s->page->nodes[i];
        if (!n->text[0] || !(n->flags & NODE_VISIBLE))
            continue;
        const char *gap = last >= 0 ? page_texts_gap(s->page, last, i) : "";
        buf_adds(&b, *gap == ' ' ? "\n" : gap);
        buf_adds(&b, str_cut(s->pool, n->text, CARD_TEXT_BYTES - b.len));
        last = i;
    }
    const char *out = pool_strdup(s->pool, b.data);
    buf_release(&b);
    return out;
}

/* Fill one card; false when nothing in it can be opened. */
static bool read_card(const struct scene *s, int member, struct card *out)
{
    int link = page_card_link(s, member);
    if (link < 0)
        return false;
    const char *title = page_card_title(s, member, link);
    int aim = link;
    for (int i = link + 1; i < s->page->nodes[link].end; i++)
        if (s->page->nodes[i].level &&
            scene_shown(s, i)) { /* a link around the card: aim at its title */
            aim = i;
            break;
        }
    *out = (struct card){
        .title = *title ? title : "unknown",
        .href = s->page->nodes[link].href,
        .sponsored = page_card_sponsored(s, member),
        .text = card_text(s, member),
    };
    scene_target(s, aim, 0.9, &out->target);
    out->target.label = out->title;
    return true;
}

/* Boxes between the results that are none (a sign-up form, a notice): no heading where all others
 * have one. */
static bool odd_one_out(const struct scene *s, int card, const int *members, int n)
{
    int with = 0;
    for (int i = 0; i < n; i++)
        with += s->marks[s->page->nodes[members[i]].end] > s->marks[members[i]];
    bool has = s->marks[s->page->nodes[card].end] > s->marks[card];
    return !has && n >= 3 && with * 5 >= n * 4;
}

static int gather_cards(const struct scene *s, const struct schema *schema, int max_cards,
                        struct card *out)
{
    int *members = pool_alloc(s->pool, sizeof(int) * LIST_MAX_MEMBERS);
    int n = gather_members(s, members), cards = 0;
    for (int i = 0; i < n && cards < max_cards; i++) {
        struct card card;
        if (excluded(s, members[i], schema) || odd_one_out(s, members[i], members, n) ||
            !read_card(s, members[i], &card))
            continue;
        bool twice = false;
        for (int k = 0; k < cards && !twice && card.href[0]; k++)
            twice = strcmp(out[k].href, card.href) == 0 && strcmp(out[k].title, card.title) == 0;
        if (!twice)
            out[cards++] = card;
    }
    return cards;
}

int page_list(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct schema *schema, int max_cards, struct card **ret_cards, int *ret_n,
              enum list_status *ret_status, struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err);
    if (r)
        return r;
    int cap = max_cards < LIST_MAX_MEMBERS ? max_cards : LIST_MAX_MEMBERS;
    struct card *cards = pool_alloc(pool, sizeof(*cards) * (size_t)cap);
    *ret_n = 0;
    *ret_cards = cards;
    bool broken = str_starts(s.page->url, "chrome-error://") || s.page->http_status >= 500;
    *ret_status = broken ? LIST_ERROR : scene_blocked(&s) ? LIST_BLOCKED : LIST_OK;
    if (*ret_status != LIST_OK)
        return 0;
    *ret_n = gather_cards(&s, schema, cap, cards);
    if (*ret_n == 0)
        *ret_status = LIST_EMPTY;
    return 0;
}
