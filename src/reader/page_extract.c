/*
 * page_extract.c - the values of one entity.
 *
 * Every field collects candidates from everything the page shows (labels, tables, microdata, values
 * with a telling shape, headings) and from what it says to machines. A shown value beats one that
 * only machines see; structured data that agrees with one of several shown values decides among
 * them. A field without a candidate is left out.
 */
#include "reader/page_extract.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "reader/page_pairs.h"
#include "reader/page_parts.h"
#include "reader/words.h"

/* Work of one look, in bytes; measured so that the cap is some two seconds. */
#define NODE_WORK       16
#define CLASS_WORD_WORK 24
#define PAIR_WORK       16
#define SCRATCH_NODES   64 /* looked at with one scratch pool */

void page_offer(struct pool *keep, struct finding *f, struct candidate c)
{
    if (!c.text || c.score <= 0)
        return;
    int at = f->n;
    for (int i = 0; i < f->n; i++) { /* the same place again, read another way */
        if (f->list[i].node != c.node || f->list[i].scene != c.scene ||
            strcmp(f->list[i].text, c.text) != 0)
            continue;
        if (c.score > f->list[i].score) {
            c.text = f->list[i].text;
            f->list[i] = c;
        }
        return;
    }
    if (at == FINDING_MAX) {
        at = 0;
        for (int i = 1; i < f->n; i++)
            if (f->list[i].score < f->list[at].score)
                at = i;
        if (f->list[at].score >= c.score)
            return;
    } else {
        f->n++;
    }
    c.text = pool_strdup(keep, c.text);
    f->list[at] = c;
}

/* --- where a value stands -------------------------------------------------------------------- */

/* 0: not this entity's. Inside a card only struck-out text is out. */
static double place(const struct source *src, const struct finding *f, int node)
{
    unsigned z = src->scene->zone[node];
    if ((z & ZONE_OLD) && f->meaning != MEANS_OLD_PRICE)
        return 0;
    if (src->root > 0)
        return 1;
    if (z & (ZONES_CHROME | ZONE_AD | ZONE_RELATED))
        return 0;
    return z & ZONE_ASIDE ? 0.92 : z & ZONE_DIALOG ? 0.9 : 1;
}

static void offer_shown(struct finding *f, const struct source *src, const char *text,
                        const char *method, double score, int node)
{
    page_offer(src->scene->pool, f,
               (struct candidate){.text = text,
                                  .method = method,
                                  .node = node,
                                  .scene = src->scene,
                                  .score = score * place(src, f, node) + src->bonus});
}

/* --- labels ---------------------------------------------------------------------------------- */

/* The text below i without what is struck out. */
static const char *current_text(const struct source *src, int i, size_t max_bytes)
{
    const struct scene *s = src->scene;
    struct pool *pool = src->tmp ? src->tmp : s->pool;
    const char *out = "";
    int last = -1;
    for (int k = i; k < s->page->nodes[i].end && strlen(out) < max_bytes; k++) {
        const struct node *n = &s->page->nodes[k];
        if (!n->text[0] || !(n->flags & NODE_VISIBLE) || (s->zone[k] & ZONE_OLD))
            continue;
        const char *gap = last >= 0 ? page_texts_gap(s->page, last, k) : "";
        out = pool_printf(pool, "%s%s%s", out, gap, n->text);
        last = k;
    }
    return str_cut(pool, out, max_bytes);
}

/* When a label points at a box with several texts, the first that is the value: for free text only
 * the first, and no text that itself ends in a colon. */
static const char *value_in(const struct source *src, struct finding *f, const struct pair *p)
{
    const struct scene *s = src->scene;
    const char *whole = p->value;
    bool several = s->page->nodes[p->node].text[0] == 0 && scene_text_count(s, p->node) > 1;
    bool free_text = meaning_pattern(f->meaning) == PATTERN_NONE && f->field->type == FIELD_STR;
    if (several && free_text && f->meaning != MEANS_DESCRIPTION && f->meaning != MEANS_LOCATION)
        for (int i = p->node; i < s->page->nodes[p->node].end; i++) {
            int up = s->page->nodes[i].parent;
            if (!s->page->nodes[i].text[0] || !(s->page->nodes[i].flags & NODE_VISIBLE))
                continue;
            whole = up > p->node ? scene_text(s, up, 400) : s->page->nodes[i].text;
            break;
        }
    if (f->meaning == MEANS_PRICE && several)
        whole = current_text(src, p->node, 400);
    return field_text(s->pool, f->field, f->meaning, whole, true);
}

static void from_pairs(const struct source *src, const struct pair *pairs, int n, struct finding *f)
{
    for (int i = 0; i < n && scene_work(src->scene, PAIR_WORK); i++) {
        const struct pair *p = &pairs[i];
        double match = field_label_match(src->scene->pool, f->field, f->meaning, p->label);
        if (match == 0)
            continue;
        if (match < 0.9 && p->quality < 0.8)
            continue; /* "Private seller" is no label, "Private seller:" is one */
        bool tile = strcmp(p->method, "tile") == 0;
        if (tile && (meaning_pattern(f->meaning) == PATTERN_NONE && f->field->type == FIELD_STR))
            continue;
        const char *value = value_in(src, f, p);
        bool name = f->meaning == MEANS_SELLER || f->meaning == MEANS_MAKE;
        if (value && name && p->quality < 0.8 && islower((unsigned char)*value))
            continue; /* "Dealer, all offers" */
        /* The field's very name beside a value says more than the page's heading. */
        bool exact = f->meaning == MEANS_TITLE && match == 1 && p->quality >= 0.8;
        double quality = exact && p->quality < 0.95 ? 0.95 : p->quality;
        offer_shown(f, src, value, p->method, match * quality, p->node);
    }
}

/* --- values with a telling shape ------------------------------------------------------------- */

static const char *text_at(const struct source *src, int i, size_t max_bytes)
{
    return scene_text_count(src->scene, i) ? page_text(src->tmp, src->scene->page, i, max_bytes)
                                           : "";
}

static int tallest(const struct scene *s, int i)
{
    int h = 0;
    for (int k = i; k < s->page->nodes[i].end; k++)
        if (s->page->nodes[k].text[0] && s->page->nodes[k].box.h > h)
            h = s->page->nodes[k].box.h;
    return h;
}

/* Words beside a price that make it another price. */
static bool side_price(const char *around)
{
    static const char *const words[] = {
        "shipping", "delivery",  "deposit", "fee",    "fees",      "save",    "off",
        "discount", "tax",       "was",     "est",    "estimated", "monthly", "msrp",
        "versand",  "livraison", "envío",   "rabatt", "down",      "below",   "above",
        "cashback", "from",      "up to",   "under",  "over",      "per"};
    struct pool *tmp = pool_create(NULL);
    const char *plain = words_plain(tmp, around);
    bool hit = pattern_first(tmp, PATTERN_PERIOD, around) != NULL;
    for (size_t i = 0; i < ARRAY_SIZE(words) && !hit; i++)
        hit = words_has(plain, words[i]);
    pool_destroy(tmp);
    return hit;
}

/* Some box below i shows a price of its own; then one that is made of the texts around it is none.
 */
static bool price_below(const struct source *src, int i)
{
    const struct node *nodes = src->scene->page->nodes;
    for (int c = i + 1; c < nodes[i].end; c = nodes[c].end)
        if (nodes[c].tag[0] != '#' && scene_text_count(src->scene, c) &&
            pattern_first(src->tmp, PATTERN_PRICE, current_text(src, c, 160)))
            return true;
    return false;
}

static void old_price_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    if (!(s->zone[i] & ZONE_OLD))
        return;
    const char *price = pattern_first(src->tmp, PATTERN_PRICE, text_at(src, i, 80));
    offer_shown(f, src, price, "struck_out", 0.6, i);
}

static void price_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const char *text = current_text(src, i, 80),
               *price = pattern_first(src->tmp, PATTERN_PRICE, text);
    if (!price || side_price(text) || price_below(src, i))
        return;
    int up = s->page->nodes[i].parent;
    if (up >= src->root && scene_text_bytes(s, up) <= 60 && side_price(text_at(src, up, 80)))
        return;
    double score = 0.55 + (pattern_is(PATTERN_PRICE, text) ? 0.1 : 0);
    int h = tallest(s, i);
    score += h > 40 ? 0.12 : h * 0.003;
    if (src->heading >= 0 &&
        abs(s->page->nodes[src->heading].box.y - s->page->nodes[i].box.y) < 400)
        score += 0.05;
    offer_shown(f, src, field_text(src->tmp, f->field, f->meaning, price, false), "price_pattern",
                score, i);
}

static void phone_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const struct node *n = &s->page->nodes[i];
    const char *text = text_at(src, i, 100), *shown = pattern_first(src->tmp, PATTERN_PHONE, text);
    if (strncasecmp(n->href, "tel:", 4) == 0) {
        const char *number = shown ? shown : pattern_first(src->tmp, PATTERN_PHONE, n->href + 4);
        offer_shown(f, src, number, "tel_link", 0.9, i);
    } else if (shown && !str_contains_fold(text, "fax")) {
        offer_shown(f, src, shown, "phone_pattern", pattern_is(PATTERN_PHONE, text) ? 0.65 : 0.55,
                    i);
    }
}

static void email_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const char *href = s->page->nodes[i].href,
               *shown = pattern_first(src->tmp, PATTERN_EMAIL, text_at(src, i, 120));
    if (strncasecmp(href, "mailto:", 7) == 0)
        offer_shown(f, src, pattern_first(src->tmp, PATTERN_EMAIL, href + 7), "mail_link", 0.85, i);
    offer_shown(f, src, shown, "email_pattern", 0.7, i);
}

static void mileage_at(const struct source *src, struct finding *f, int i)
{
    const char *text = text_at(src, i, 80), *hit = pattern_first(src->tmp, PATTERN_DISTANCE, text);
    if (hit && !str_contains_fold(text, "away") && !str_contains_fold(text, "from you") &&
        !str_contains_fold(text, "within"))
        offer_shown(f, src, hit, "distance_pattern", strlen(text) <= strlen(hit) + 12 ? 0.6 : 0.5,
                    i);
}

static void rating_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const char *label = node_attr(&s->page->nodes[i], "aria-label");
    const char *hit = label ? pattern_first(src->tmp, PATTERN_RATING, label) : NULL;
    if (!hit)
        hit = pattern_first(src->tmp, PATTERN_RATING, text_at(src, i, 80));
    if (hit)
        offer_shown(f, src, hit, "rating_pattern", 0.6, i);
}

/* Bytes of the next part of a line like "Ann Lee · Austin, TX | 3 days ago"; *skip: of its divider.
 */
static size_t part_length(const char *line, size_t *skip)
{
    static const char *const dividers[] = {
        " \xC2\xB7 ", " | ", " \xE2\x80\xA2 ", " - ", " \xE2\x80\x93 ", " \xE2\x80\x94 "};
    size_t best = strlen(line);
    *skip = 0;
    for (size_t i = 0; i < ARRAY_SIZE(dividers); i++) {
        const char *p = strstr(line, dividers[i]);
        if (p && (size_t)(p - line) < best) {
            best = (size_t)(p - line);
            *skip = strlen(dividers[i]);
        }
    }
    return best;
}

static void place_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const char *text = text_at(src, i, 160);
    size_t skip;
    if (strcmp(s->page->nodes[i].tag, "address") == 0)
        offer_shown(f, src, field_text(src->tmp, f->field, f->meaning, text, true), "address", 0.8,
                    i);
    for (const char *p = text; *p; p += skip) {
        size_t len = part_length(p, &skip);
        const char *part = pool_strndup(src->tmp, p, len);
        if (pattern_first(src->tmp, PATTERN_PLACE, part))
            offer_shown(f, src, field_text(src->tmp, f->field, f->meaning, part, false),
                        "place_pattern", 0.55, i);
        p += len;
    }
}

/* In a box that is called the seller's: the first text that could be a name, no price, count or
 * control. */
static void seller_box(const struct source *src, struct finding *f, int box)
{
    const struct scene *s = src->scene;
    const struct node *nodes = s->page->nodes;
    for (int i = box; i < nodes[box].end; i++) {
        if (!nodes[i].text[0] || !(nodes[i].flags & NODE_VISIBLE) || strlen(nodes[i].text) > 60)
            continue;
        const char *text = text_at(src, nodes[i].parent, 100), *plain = words_plain(src->tmp, text);
        bool control = scene_up_to_role(s, i, "button") > box;
        bool label = field_label_match(src->tmp, f->field, f->meaning, plain) > 0;
        bool lower = islower((unsigned char)text[0]) || islower((unsigned char)nodes[i].text[0]);
        if (control || label || lower || strpbrk(text, "0123456789") || words_count(text) > 6)
            continue;
        offer_shown(f, src, field_text(src->tmp, f->field, f->meaning, text, true), "seller_box",
                    0.5, i);
        return;
    }
}

static bool is_seller_box(const struct scene *s, int i)
{
    const char *label = node_attr(&s->page->nodes[i], "aria-label");
    return scene_text_count(s, i) > 1 && scene_text_bytes(s, i) < 600 &&
           (scene_classed(s, i, "seller dealer vendor advertiser") ||
            (label && str_has_words_fold(label, "seller")));
}

/* "Sold by Ann", "Posted by Ann Lee": the words after a seller's label at the start. */
static void seller_at(const struct source *src, struct finding *f, int i)
{
    static const char *const starts[] = {
        "sold by ",      "posted by ", "listed by ",   "offered by ", "seller ",       "dealer ",
        "verkauft von ", "vendu par ", "vendido por ", "venduto da ", "verkocht door "};
    size_t skip;
    const char *line = text_at(src, i, 120),
               *text = pool_strndup(src->tmp, line, part_length(line, &skip));
    for (size_t k = 0; k < ARRAY_SIZE(starts); k++)
        if (strncasecmp(text, starts[k], strlen(starts[k])) == 0 && words_count(text) <= 8)
            offer_shown(f, src,
                        field_text(src->tmp, f->field, f->meaning, text + strlen(starts[k]), true),
                        "seller_text", k < 4 || k > 5 ? 0.75 : 0.45, i);
}

static void date_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const char *text = text_at(src, i, 80), *hit = pattern_first(src->tmp, PATTERN_DATE, text);
    bool is_time = strcmp(s->page->nodes[i].tag, "time") == 0;
    if (is_time || hit)
        offer_shown(f, src, is_time ? text : hit, is_time ? "time" : "date_pattern",
                    is_time ? 0.75 : 0.5, i);
}

static void year_at(const struct source *src, struct finding *f, int i)
{
    const char *text = text_at(src, i, 20);
    if (src->root > 0 && pattern_is(PATTERN_YEAR, text))
        offer_shown(f, src, text, "year_pattern", 0.5, i);
}

typedef void at_fn(const struct source *src, struct finding *f, int i);
static at_fn *const shape_readers[MEANS_N] = {
    [MEANS_PHONE] = phone_at,         [MEANS_PRICE] = price_at,   [MEANS_EMAIL] = email_at,
    [MEANS_MILEAGE] = mileage_at,     [MEANS_RATING] = rating_at, [MEANS_LOCATION] = place_at,
    [MEANS_SELLER] = seller_at,       [MEANS_DATE] = date_at,     [MEANS_YEAR] = year_at,
    [MEANS_OLD_PRICE] = old_price_at,
};

/* Last word(s) of one class equal the field's name, or all of it labels the field:
 * class="listing-bedrooms" for bedrooms, class="seller-name" for seller. */
static bool classed_as(const struct source *src, int i, const struct finding *f)
{
    const struct scene *s = src->scene;
    const char *own = f->own_name;
    static const char *const attrs[] = {"class", "id", "data-field", "data-testid", "data-label"};
    for (size_t a = 0; a < ARRAY_SIZE(attrs); a++) {
        const char *v = node_attr(&s->page->nodes[i], attrs[a]);
        for (const char *p = v; p && *(p += strspn(p, " ")); p += strcspn(p, " ")) {
            if (!scene_work(s, CLASS_WORD_WORK + strcspn(p, " ")))
                return false;
            const char *plain = words_split(src->tmp, pool_strndup(src->tmp, p, strcspn(p, " ")));
            size_t lp = strlen(plain), lo = strlen(own);
            if (lp >= lo && strcmp(plain + lp - lo, own) == 0 &&
                (lp == lo || plain[lp - lo - 1] == ' '))
                return true;
            if (field_is_labelled(f->meaning, f->own_label, plain))
                return true;
        }
    }
    return false;
}

static void shapes_at(const struct source *src, struct finding *f, int i)
{
    const struct scene *s = src->scene;
    const struct node *n = &s->page->nodes[i];
    int bytes = scene_text_bytes(s, i);
    at_fn *reader = shape_readers[f->meaning];
    bool badge = f->field->type == FIELD_BOOL;
    if (f->meaning == MEANS_SELLER && n->n_attrs && scene_shown(s, i) && is_seller_box(s, i))
        seller_box(src, f, i);
    if (n->tag[0] == '#' || !(n->flags & NODE_VISIBLE) || bytes > 160 ||
        (!bytes && strncasecmp(n->href, "tel:", 4) != 0 && !node_attr(n, "aria-label")))
        return;
    if (in_words("script style option button select", n->tag) || strcmp(n->role, "button") == 0 ||
        !scene_work(s, NODE_WORK + (size_t)bytes))
        return;
    if (reader)
        reader(src, f, i);
    bool other_price = f->meaning == MEANS_PRICE && side_price(text_at(src, i, 160));
    bool few =
        scene_text_count(s, i) <= 2 || f->meaning == MEANS_LOCATION || f->meaning == MEANS_PRICE;
    if (n->n_attrs && bytes && few && !other_price && classed_as(src, i, f))
        offer_shown(
            f, src,
            field_text(src->tmp, f->field, f->meaning,
                       f->meaning == MEANS_PRICE ? current_text(src, i, 160) : text_at(src, i, 160),
                       true),
            "class_name", 0.55, i);
    if (badge && bytes &&
        field_is_labelled(f->meaning, f->own_label, words_plain(src->tmp, text_at(src, i, 80))))
        offer_shown(f, src, "yes", "badge", 0.5, i);
}

static void from_shapes(const struct source *src, struct finding *f)
{
    const struct scene *s = src->scene;
    struct source near = *src;
    int end = s->page->nodes[src->root].end;
    for (int from = src->root; from < end && !scene_worn_out(s); from += SCRATCH_NODES) {
        near.tmp = pool_create(NULL);
        for (int i = from; i < end && i < from + SCRATCH_NODES && scene_work(s, 1); i++)
            shapes_at(&near, f, i);
        pool_destroy(near.tmp);
    }
}

/* --- headings and addresses ------------------------------------------------------------------ */

static void from_heading(const struct source *src, struct finding *f)
{
    const struct scene *s = src->scene;
    if (src->heading >= 0 && f->meaning == MEANS_TITLE)
        offer_shown(
            f, src,
            field_text(s->pool, f->field, f->meaning, scene_text(s, src->heading, 300), true),
            "heading", 0.9, src->heading);
    else if (src->title && f->meaning == MEANS_TITLE)
        page_offer(s->pool, f,
                   (struct candidate){.text = src->title,
                                      .method = "card_title",
                                      .node = src->root,
                                      .scene = s,
                                      .score = 0.8});
    if (f->meaning == MEANS_URL && *src->url)
        page_offer(s->pool, f,
                   (struct candidate){.text = src->url,
                                      .method = src->root > 0 ? "link" : "page_url",
                                      .node = src->link,
                                      .scene = s,
                                      .score = 1});
}

/* --- what machines are told ------------------------------------------------------------------ */

struct meta_sink {
    const struct source *src;
    struct finding *f;
};

static void take_meta(void *arg, const struct meta_value *v)
{
    struct meta_sink *k = arg;
    if (v->node >= 0) {
        offer_shown(k->f, k->src, v->text, v->method, v->score, v->node);
    } else if (v->score > k->f->meta.score) {
        k->f->meta = (struct candidate){.text = v->text,
                                        .method = v->method,
                                        .node = -1,
                                        .scene = k->src->scene,
                                        .score = v->score};
    }
}

static void from_meta(const struct source *src, struct finding *f)
{
    struct meta_sink sink = {src, f};
    struct meta_value v;
    bool card = src->root > 0;
    if (page_ld_value(src->scene, src->ld, f->field, f->meaning, card ? src->url : NULL,
                      card ? src->title : NULL, &v))
        take_meta(&sink, &v);
    page_microdata(src->scene, src->root, f->field, f->meaning, take_meta, &sink);
    if (!card)
        page_meta_tags(src->scene, f->field, f->meaning, take_meta, &sink);
}

void page_collect(const struct source *src, struct finding *findings, int n)
{
    struct pair *pairs;
    int n_pairs = page_pairs(src->scene, src->root, &pairs);
    for (int i = 0; i < n; i++) {
        from_heading(src, &findings[i]);
        if (findings[i].meaning == MEANS_URL)
            continue;
        from_pairs(src, pairs, n_pairs, &findings[i]);
        from_shapes(src, &findings[i]);
        from_meta(src, &findings[i]);
    }
}

struct finding *page_findings(struct pool *pool, const struct schema *schema)
{
    struct finding *f = pool_alloc(pool, sizeof(*f) * (size_t)schema->n_fields);
    for (int i = 0; i < schema->n_fields; i++) {
        f[i].field = &schema->fields[i];
        f[i].meaning = field_meaning_in(pool, f[i].field, schema->entity_name);
        f[i].own_name = words_split(pool, f[i].field->name);
        f[i].own_label = words_plain(pool, f[i].field->label);
        f[i].meta.node = -1;
    }
    return f;
}
