/*
 * page_controls.c - controls that pages have in common: the next page, "Show phone", the way out of
 * an overlay.
 */
#include "reader/page_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "reader/fields.h"
#include "reader/words.h"

static bool acts(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    return (in_words("link button menuitem tab", n->role) || (n->flags & NODE_CLICKABLE)) &&
           !in_words("html body label", n->tag);
}

/* Something to click that is there and not switched off, by itself or by its list item. */
static bool usable(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    if (!acts(s, i) || !scene_shown(s, i) || (n->flags & NODE_DISABLED) ||
        scene_classed(s, i, "disabled inactive"))
        return false;
    bool off_item = n->parent >= 0 && strcmp(s->page->nodes[n->parent].tag, "li") == 0 &&
                    scene_classed(s, n->parent, "disabled inactive");
    return !off_item;
}

static bool attr_has(const struct node *n, const char *name, const char *word)
{
    const char *v = node_attr(n, name);
    return v && in_words(v, word);
}

/* --- next page ------------------------------------------------------------------------------- */

/* A text of digits only; -1 otherwise. */
static int page_number(const char *text)
{
    size_t len = strlen(text);
    return len && len <= 5 && strspn(text, "0123456789") == len ? atoi(text) : -1;
}

/* Among its siblings, or its list's, stand other page numbers. */
static bool among_numbers(const struct scene *s, int i)
{
    int box = s->page->nodes[i].parent, numbers = 0;
    if (box >= 0 && in_words("li span div", s->page->nodes[box].tag) &&
        scene_text_count(s, box) == 1)
        box = s->page->nodes[box].parent;
    for (int k = box; k >= 0 && k < s->page->nodes[box].end && numbers < 2; k++)
        numbers += s->page->nodes[k].text[0] && page_number(s->page->nodes[k].text) >= 0;
    return numbers >= 2;
}

static double next_page_score(const struct scene *s, int i, int current)
{
    const struct node *n = &s->page->nodes[i];
    const char *label = scene_label(s, i);
    bool pager = s->zone[i] & ZONE_PAGER;
    if (attr_has(n, "rel", "next"))
        return 0.97;
    if (page_number(label) == current + 1 && (pager || among_numbers(s, i)))
        return pager ? 0.85 : 0.75;
    if (strlen(label) > 60 || (!pager && words_in(WORDS_NOT_PAGES, label)))
        return 0;
    if (words_is(WORDS_NEXT, label))
        return pager                ? 0.95
               : words_count(label) ? 0.85
                                    : 0.5; /* a bare arrow may turn a carousel */
    if (words_has(words_plain(s->pool, label), "next page"))
        return 0.9;
    if (words_is(WORDS_MORE_RESULTS, label))
        return s->zone[i] & (ZONE_ASIDE | ZONES_CHROME) && !pager ? 0 : 0.7;
    if (pager && (scene_classed(s, i, "next") || attr_has(n, "title", "Next")))
        return 0.8;
    return 0;
}

int page_find_next_page(struct reader *reader, struct pool *pool, const struct observation *obs,
                        int current_page, struct target *out, struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err), best = -1;
    double best_score = 0;
    for (int i = 0; r == 0 && i < s.page->n_nodes; i++) {
        double score =
            usable(&s, i) && !page_in_carousel(&s, i) ? next_page_score(&s, i, current_page) : 0;
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    if (r)
        return r;
    if (best < 0)
        return err_set(
            err, E_NOT_FOUND,
            "no control leads to page %d: no rel=next, 'Next', arrow, number %d or 'Load more'",
            current_page + 1, current_page + 1);
    scene_target(&s, best, best_score, out);
    return 0;
}

/* --- more ------------------------------------------------------------------------------------- */

/* Within the page: in a form "Try again" sends it, in a dialog it is about something else. */
static bool loads_more(const struct scene *s, int i)
{
    const char *label = scene_label(s, i);
    if (!usable(s, i) || scene_leads(s, i) || page_in_carousel(s, i) ||
        s->zone[i] & (ZONE_DIALOG | ZONE_ASIDE | ZONE_NAV))
        return false;
    if (words_is(WORDS_MORE_RESULTS, label))
        return true;
    int form = i;
    while (form >= 0 && strcmp(s->page->nodes[form].tag, "form") != 0)
        form = s->page->nodes[form].parent;
    return form < 0 && words_is(WORDS_TRY_AGAIN, label);
}

int page_find_more(struct reader *reader, struct pool *pool, const struct observation *obs,
                   struct target *out, struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err);
    if (r)
        return r;
    for (int i = s.page->n_nodes - 1; i >= 0; i--) { /* the last one is the list's end */
        if (!loads_more(&s, i))
            continue;
        scene_target(&s, i, 0.8, out);
        return 0;
    }
    return err_set(err, E_NOT_FOUND, "no control loads more: no 'Load more', 'Try again'");
}

bool page_in_carousel(const struct scene *s, int i)
{
    for (int up = 0; i >= 0 && up < 6; i = s->page->nodes[i].parent, up++) {
        const char *kind = node_attr(&s->page->nodes[i], "aria-roledescription");
        if ((kind && strcasestr(kind, "carousel")) ||
            scene_classed(s, i, "carousel slider swiper slick gallery calendar datepicker"))
            return true;
    }
    return false;
}

/* --- reveal ---------------------------------------------------------------------------------- */

static bool contains_any(const char *const *list, const char *text)
{
    for (; *list; list++)
        if (str_contains_fold(text, *list))
            return true;
    return false;
}

/* Some word of the name is how pages call a wanted field: "Show phone number", "Show number". */
static bool speaks_of_field(const struct scene *s, const struct schema *schema, const char *plain)
{
    for (int i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        enum meaning m = field_meaning(s->pool, f);
        if (words_has(plain, words_plain(s->pool, f->label)) ||
            (m == MEANS_PHONE && words_has(plain, "number")))
            return true;
        if (m == MEANS_DESCRIPTION && (words_has(plain, "more") || words_has(plain, "mehr") ||
                                       words_has(plain, "lire la suite")))
            return true;
        if (m != MEANS_OTHER && meaning_named(m, plain))
            return true;
    }
    return false;
}

/* "(555) 555-****": a masked number is itself the control. */
static bool masked_phone(const struct scene *s, const struct schema *schema, const char *label)
{
    if (!strstr(label, "**") && !strcasestr(label, "xxx") &&
        !strstr(label, "\xE2\x80\xA2\xE2\x80\xA2") && !strstr(label, "..."))
        return false;
    for (int i = 0; i < schema->n_fields; i++)
        if (field_meaning(s->pool, &schema->fields[i]) == MEANS_PHONE)
            return strlen(pattern_digits(s->pool, label)) >= 3;
    return false;
}

static bool may_reveal(const struct scene *s, const struct schema *schema, int i, const char *label)
{
    const char *plain = words_plain(s->pool, label);
    if (!*plain || strlen(label) > 80 || (s->zone[i] & (ZONES_CHROME | ZONE_RELATED | ZONE_AD)))
        return false;
    if (words_in(WORDS_NO_REVEAL, label) || contains_any(schema->forbidden_controls, label))
        return false;
    if (schema->allowed_controls[0])
        return contains_any(schema->allowed_controls, label);
    if (masked_phone(s, schema, label))
        return true;
    return words_in(WORDS_REVEAL, label) && speaks_of_field(s, schema, plain);
}

/* A link that opens another page is no reveal control. */
static bool stays_here(const struct scene *s, int i)
{
    return !scene_leads(s, i) && strncasecmp(s->page->nodes[i].href, "mailto:", 7) != 0 &&
           strncasecmp(s->page->nodes[i].href, "tel:", 4) != 0;
}

int page_find_reveal(struct reader *reader, struct pool *pool, const struct observation *obs,
                     const struct schema *schema, const char *const *done, int n_done,
                     struct target *out, struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err);
    if (r)
        return r;
    for (int i = 0; i < s.page->n_nodes; i++) {
        if (!usable(&s, i) || !stays_here(&s, i) || s.page->nodes[i].flags & NODE_EXPANDED)
            continue;
        const char *label = scene_label(&s, i);
        bool old = !may_reveal(&s, schema, i, label);
        for (int k = 0; k < n_done && !old; k++)
            old = str_eq_fold(done[k], label);
        if (old)
            continue;
        scene_target(&s, i, 0.85, out);
        return 0;
    }
    return err_set(err, E_NOT_FOUND, "no control is left that shows more of the %s",
                   schema->entity_name);
}

/* --- dismiss --------------------------------------------------------------------------------- */

/* A page of overlays inside overlays must not hold the reader: each box is asked once, and no more
 * boxes and buttons than these. */
#define OVERLAYS_MAX   20
#define COVER_ASKS_MAX 2000
#define WAYS_OUT_MAX   20000

struct dismissal {
    struct scene s;
    int *covered; /* nodes that something lies on, document order */
    int n_covered;
    signed char *covers; /* [node]: 0 not asked, 1 it or a box around it covers the page, -1 not */
    int asks, ways;      /* left */
};

static void find_covered(struct dismissal *d)
{
    const struct page *page = d->s.page;
    d->covered = pool_alloc(d->s.pool, sizeof(*d->covered) * (size_t)(page->n_nodes + 1));
    d->covers = pool_alloc(d->s.pool, (size_t)page->n_nodes + 1);
    for (int i = 0; i < page->n_nodes; i++)
        if (page->nodes[i].flags & NODE_COVERED)
            d->covered[d->n_covered++] = i;
}

/* Some node outside i is covered, and i's box holds its middle. */
static bool covers(const struct dismissal *d, int i)
{
    const struct page *page = d->s.page;
    for (int k = 0; k < d->n_covered; k++) {
        struct rect c = page->nodes[d->covered[k]].box;
        if (rect_contains(page->nodes[i].box, c.x + c.w / 2, c.y + c.h / 2) &&
            !node_is_a(page, d->covered[k], i) && !node_is_a(page, i, d->covered[k]))
            return true;
    }
    return false;
}

/* Node i or the backdrop it lies on covers something. */
static bool covers_page(struct dismissal *d, int i)
{
    const struct node *nodes = d->s.page->nodes;
    signed char found = 0;
    int up = i;
    for (; up >= 0 && !in_words("body html #document", nodes[up].tag) && !found;
         up = nodes[up].parent)
        found = d->covers[up] ? d->covers[up] : d->asks-- > 0 && covers(d, up);
    for (; i >= 0 && i != up; i = nodes[i].parent)
        d->covers[i] = found > 0 ? 1 : -1;
    return found > 0;
}

static bool overlay_named(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    return in_words("dialog alertdialog", n->role) || node_attr(n, "aria-modal") ||
           scene_classed(s, i,
                         "cookie cookies consent gdpr modal popup overlay newsletter interstitial "
                         "lightbox onetrust cmp banner");
}

enum overlay { OVERLAY_NONE, OVERLAY_CONSENT, OVERLAY_OTHER };

static enum overlay overlay_kind(struct dismissal *d, int i)
{
    const struct scene *s = &d->s;
    if (!scene_shown(s, i) || !(s->page->nodes[i].flags & NODE_IN_VIEW) || !overlay_named(s, i) ||
        !covers_page(d, i))
        return OVERLAY_NONE;
    const char *text =
        pool_printf(s->pool, "%s %s", s->page->nodes[i].name, scene_text(s, i, 3000));
    return words_in(WORDS_CONSENT, text) || scene_classed(s, i, "cookie cookies consent gdpr")
               ? OVERLAY_CONSENT
               : OVERLAY_OTHER;
}

/* 0: not a way out. Who accepts gives something away, so that comes last, and only for consent. */
static int way_out(const struct scene *s, int i, enum overlay kind)
{
    const char *label = scene_label(s, i);
    if (!usable(s, i) || scene_leads(s, i) || strlen(label) > 60)
        return 0;
    if (words_is(WORDS_REJECT, label))
        return 3;
    if (words_is(WORDS_CLOSE, label) || (!*label && scene_classed(s, i, "close dismiss")))
        return 2;
    return kind == OVERLAY_CONSENT && words_is(WORDS_ACCEPT, label) ? 1 : 0;
}

static int best_way_out(struct dismissal *d, int overlay, enum overlay kind)
{
    int best = -1, best_rank = 0;
    for (int i = overlay + 1; i < d->s.page->nodes[overlay].end && d->ways > 0; i++) {
        if (!acts(&d->s, i))
            continue;
        d->ways--;
        int rank = way_out(&d->s, i, kind);
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

int page_find_dismiss(struct reader *reader, struct pool *pool, const struct observation *obs,
                      struct target *out, struct err *err)
{
    struct dismissal d = {.asks = COVER_ASKS_MAX, .ways = WAYS_OUT_MAX};
    int r = scene_create(pool, obs, &d.s, err), overlays = 0;
    if (r)
        return r;
    find_covered(&d);
    for (int i = 0; d.n_covered && i < d.s.page->n_nodes && overlays < OVERLAYS_MAX; i++) {
        enum overlay kind = overlay_kind(&d, i);
        if (kind == OVERLAY_NONE)
            continue;
        overlays++;
        int button = best_way_out(&d, i, kind);
        if (button < 0)
            continue;
        scene_target(&d.s, button, 0.9, out);
        return 0;
    }
    return err_set(err, E_NOT_FOUND,
                   overlays ? "an overlay covers the page, but it shows no way out"
                            : "no consent box, newsletter or dialog covers the page");
}
