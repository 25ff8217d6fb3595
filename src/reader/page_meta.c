#include "reader/page_meta.h"

#include <math.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "reader/page_parts.h"
#include "reader/words.h"

#define LD_MAX_SCRIPTS    32
#define LD_MAX_DEPTH      24
#define LD_MAX_OBJECTS    5000
#define LD_MAX_PROPERTIES 200 /* additionalProperty of one object */
#define ENTITY_WORK       256 /* of asking one object for one field */
#define LABEL_WORK        32
#define ITEM_WORK         64

/* --- JSON-LD --------------------------------------------------------------------------------- */

static void add_script(struct pool *pool, json_t *docs, const struct scene *s, int i)
{
    for (int k = i + 1; k < s->page->nodes[i].end; k++) {
        const char *text = s->page->nodes[k].text;
        size_t len = strlen(text);
        json_t *doc = len && len <= CAP_PAGE_DATA_BYTES ? json_loadb(text, len, 0, NULL) : NULL;
        if (doc)
            json_push(docs, doc);
    }
}

static const json_t *documents(const struct scene *s)
{
    json_t *docs = json_keep(s->pool, json_array());
    for (int i = 0; i < s->page->n_nodes && json_array_size(docs) < LD_MAX_SCRIPTS; i++) {
        const struct node *n = &s->page->nodes[i];
        const char *type = strcmp(n->tag, "script") == 0 ? node_attr(n, "type") : NULL;
        if (type && str_contains_fold(type, "ld+json"))
            add_script(s->pool, docs, s, i);
    }
    return docs;
}

struct entity {
    const json_t *obj;
    const char *name; /* plain */
    const char *url;
    bool listed;       /* in an itemListElement: not the page's own */
    double depth_cost; /* deeper objects say less about the page */
    double own_score;  /* as the page's own entity */
};

struct linked_data {
    struct entity *list;
    int n, n_listed;
    const char *heading; /* plain words that name the page's entity */
};

struct ld_search {
    const struct scene *s;
    struct pool *tmp; /* for one entity */
    const struct field *field;
    enum meaning meaning;
    struct meta_value *best;
};

static const char *number_text(struct pool *pool, const json_t *v)
{
    double d = json_number_value(v);
    return fabs(d) < 1e15 && floor(d) == d ? pool_printf(pool, "%.0f", d)
                                           : pool_printf(pool, "%.10g", d);
}

static const char *address_text(struct pool *pool, const json_t *address)
{
    static const char *const keys[] = {"streetAddress", "addressLocality", "addressRegion",
                                       "postalCode"};
    const char *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *part = json_str(address, keys[i], "");
        if (*part)
            out = pool_printf(pool, "%s%s%s", out, *out ? (i == 3 ? " " : ", ") : "", part);
    }
    return *out ? out : NULL;
}

static const char *scalar_text(struct pool *pool, const json_t *v)
{
    if (json_is_array(v))
        v = json_array_get(v, 0);
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_number(v))
        return number_text(pool, v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "yes" : "no";
    const json_t *inner = json_object_get(v, "value"); /* QuantitativeValue, MonetaryAmount */
    if (json_is_object(inner))
        inner = json_object_get(inner, "value");
    if (json_is_number(inner) || json_is_string(inner))
        return json_is_string(inner) ? json_string_value(inner) : number_text(pool, inner);
    return json_is_object(v) ? address_text(pool, v) : NULL;
}

/* "offers.seller.name" in obj; arrays stand for their first element. */
static const char *at_path(struct pool *pool, const json_t *obj, const char *path)
{
    const json_t *v = obj;
    for (const char *p = path; *p && v;) {
        size_t len = strcspn(p, ".");
        if (json_is_array(v))
            v = json_array_get(v, 0);
        v = json_object_get(v, pool_strndup(pool, p, len));
        p += len + (p[len] == '.');
    }
    return scalar_text(pool, v);
}

static bool is_type(const json_t *obj, const char *types)
{
    const json_t *t = json_object_get(obj, "@type");
    if (json_is_array(t))
        t = json_array_get(t, 0);
    return json_is_string(t) && in_words(types, json_string_value(t));
}

/* additionalProperty: [{name: "Engine", value: "diesel"}] */
static const char *additional(struct ld_search *f, const json_t *obj)
{
    const json_t *list = json_object_get(obj, "additionalProperty"), *item;
    size_t i;
    json_array_foreach (list, i, item) {
        const char *raw = json_str(item, "name", "");
        if (i >= LD_MAX_PROPERTIES || !scene_work(f->s, LABEL_WORK + strlen(raw)))
            break;
        if (field_label_match(f->tmp, f->field, f->meaning, words_plain(f->tmp, raw)) >= 0.8)
            return scalar_text(f->tmp, json_object_get(item, "value"));
    }
    return NULL;
}

/* A property with the field's own name: "numberOfDoors" for number_of_doors, "baseSalary" for
 * salary. */
static const char *by_own_name(struct ld_search *f, const json_t *obj)
{
    const char *own = words_split(f->tmp, f->field->name), *key;
    const char *tail = pool_printf(f->tmp, " %s", own);
    json_t *value;
    json_object_foreach ((json_t *)obj, key, value) {
        if (!scene_work(f->s, 8 + strlen(key)))
            break;
        const char *theirs = words_split(f->tmp, key);
        /* "productionDate" is no posting date: where the meaning is known, the tail is nothing. */
        if (strcmp(theirs, own) == 0 || (f->meaning == MEANS_OTHER && str_ends(theirs, tail)))
            return scalar_text(f->tmp, value);
    }
    return NULL;
}

static double own_score(const json_t *obj, const char *name, const char *heading)
{
    double v = 0.8;
    if (is_type(
            obj,
            "WebSite WebPage SearchAction ImageObject Organization BreadcrumbList ListItem Review"))
        v -= 0.25;
    if (is_type(obj, "Product Vehicle Car Motorcycle Boat Offer JobPosting Event Recipe Article "
                     "Apartment House "
                     "SingleFamilyResidence RealEstateListing Book Movie Person IndividualProduct"))
        v += 0.05;
    if (*name && *heading && (words_all_in(name, heading) || words_all_in(heading, name)))
        v += 0.12;
    return v;
}

static void add_entity(const struct scene *s, struct linked_data *ld, const json_t *obj, int depth,
                       bool listed)
{
    const char *raw = json_str(obj, "name", json_str(obj, "headline", json_str(obj, "title", "")));
    const char *name = words_plain(s->pool, raw);
    double cost = 0.03 * depth;
    ld->n_listed += listed;
    ld->list[ld->n++] = (struct entity){.obj = obj,
                                        .name = name,
                                        .url = json_str(obj, "url", ""),
                                        .listed = listed,
                                        .depth_cost = cost,
                                        .own_score = own_score(obj, name, ld->heading) - cost};
}

/* Objects that stand for something else than what is around them are left out; so that a long list
 * does not crowd out the page's own, listed ones are counted by themselves. */
static void index_objects(const struct scene *s, struct linked_data *ld, const json_t *v, int depth,
                          bool listed)
{
    const json_t *item;
    const char *key;
    json_t *value;
    size_t i;
    int have = listed ? ld->n_listed : ld->n - ld->n_listed;
    if (depth > LD_MAX_DEPTH || have >= LD_MAX_OBJECTS)
        return;
    json_array_foreach (v, i, item) {
        index_objects(s, ld, item, depth + 1, listed);
    }
    if (!json_is_object(v))
        return;
    add_entity(s, ld, v, depth, listed);
    json_object_foreach ((json_t *)v, key, value) {
        bool list = strcmp(key, "itemListElement") == 0;
        if (!in_words("isRelatedTo isSimilarTo review reviews breadcrumb potentialAction "
                      "isPartOf publisher",
                      key))
            index_objects(s, ld, value, depth + 1, listed || list);
    }
}

const struct linked_data *page_linked_data(const struct scene *s)
{
    struct linked_data *ld = pool_alloc(s->pool, sizeof(*ld));
    const char *heading = s->heading >= 0 ? s->page->nodes[s->heading].name : s->page->title;
    const json_t *docs = documents(s);
    ld->heading = words_plain(s->pool, heading);
    if (json_array_size(docs)) {
        ld->list = pool_alloc(s->pool, sizeof(*ld->list) * 2 * LD_MAX_OBJECTS);
        index_objects(s, ld, docs, 0, false);
    }
    return ld;
}

static void read_entity(struct ld_search *f, const json_t *obj, double score)
{
    const char *text = NULL;
    if (f->meaning == MEANS_TITLE &&
        is_type(obj,
                "WebSite Organization Person Brand Offer BreadcrumbList ListItem PropertyValue"))
        return;
    for (const char *const *p = meaning_properties(f->meaning); *p && !text; p++)
        text = at_path(f->tmp, obj, *p);
    if (!text)
        text = additional(f, obj);
    if (!text)
        text = by_own_name(f, obj);
    const char *value = text ? field_text(f->tmp, f->field, f->meaning, text, true) : NULL;
    if (value)
        *f->best = (struct meta_value){pool_strdup(f->s->pool, value), "json_ld", -1, score};
}

/* A card's own url, which the page may give without its host, or name. */
static bool is_about(const struct entity *e, const char *about_url, const char *plain_name)
{
    return (*e->url && str_ends(about_url, e->url + (e->url[0] == '.'))) ||
           (*e->name && *plain_name && strcmp(e->name, plain_name) == 0);
}

bool page_ld_value(const struct scene *s, const struct linked_data *ld, const struct field *field,
                   enum meaning meaning, const char *about_url, const char *about_name,
                   struct meta_value *out)
{
    *out = (struct meta_value){.node = -1};
    struct ld_search f = {.s = s, .field = field, .meaning = meaning, .best = out};
    const char *name = words_plain(s->pool, about_name ? about_name : "");
    int n = meaning != MEANS_URL ? ld->n : 0;
    for (int i = 0; i < n && scene_work(s, 1); i++) {
        const struct entity *e = &ld->list[i];
        double score = about_url ? 0.8 - e->depth_cost : e->own_score;
        if (score <= out->score || (about_url ? !is_about(e, about_url, name) : e->listed) ||
            !scene_work(s, ENTITY_WORK))
            continue;
        f.tmp = pool_create(NULL);
        read_entity(&f, e->obj, score);
        pool_destroy(f.tmp);
    }
    return out->text != NULL;
}

/* --- microdata ------------------------------------------------------------------------------- */

/* "offers.price" of an itemprop: the properties of the items around it, outermost first. */
static const char *item_path(const struct scene *s, int i)
{
    const char *path = node_attr(&s->page->nodes[i], "itemprop");
    for (int p = s->page->nodes[i].parent, up = 0; p >= 0 && up < 60;
         p = s->page->nodes[p].parent, up++) {
        const char *prop = node_attr(&s->page->nodes[p], "itemprop");
        if (!node_attr(&s->page->nodes[p], "itemscope"))
            continue;
        if (!prop)
            break;
        path = pool_printf(s->pool, "%s.%s", prop, path);
    }
    return path;
}

static bool path_fits(const struct field *field, enum meaning meaning, const char *path,
                      struct pool *pool)
{
    for (const char *const *p = meaning_properties(meaning); *p; p++)
        if (strcmp(path, *p) == 0 ||
            (strchr(*p, '.') && str_ends(path, pool_printf(pool, ".%s", *p))))
            return true;
    const char *last = strrchr(path, '.');
    return strcmp(words_split(pool, last ? last + 1 : path), words_split(pool, field->name)) == 0;
}

void page_microdata(const struct scene *s, int root, const struct field *field,
                    enum meaning meaning, page_meta_fn *fn, void *arg)
{
    for (int i = root; i < s->page->nodes[root].end; i++) {
        const struct node *n = &s->page->nodes[i];
        if (!n->n_attrs || !node_attr(n, "itemprop") || node_attr(n, "itemscope") ||
            !scene_work(s, ITEM_WORK) || !path_fits(field, meaning, item_path(s, i), s->pool))
            continue;
        bool seen = scene_text_count(s, i) > 0;
        const char *hidden =
            node_attr(n, "content") ? node_attr(n, "content") : node_attr(n, "datetime");
        const char *text = seen ? scene_text(s, i, 4000) : hidden;
        const char *value = text ? field_text(s->pool, field, meaning, text, true) : NULL;
        if (value)
            fn(arg, &(struct meta_value){value, "microdata", seen ? i : -1, seen ? 0.96 : 0.8});
    }
}

/* --- meta tags ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum meaning meaning;
    double score;
} meta_names[] = {
    {"product:price:amount", MEANS_PRICE, 0.7},
    {"og:price:amount", MEANS_PRICE, 0.7},
    {"product:brand", MEANS_MAKE, 0.7},
    {"og:brand", MEANS_MAKE, 0.7},
    {"og:title", MEANS_TITLE, 0.5},
    {"twitter:title", MEANS_TITLE, 0.45},
    {"og:description", MEANS_DESCRIPTION, 0.5},
    {"description", MEANS_DESCRIPTION, 0.45},
    {"og:image", MEANS_IMAGE, 0.7},
    {"author", MEANS_SELLER, 0.4},
    {"og:phone_number", MEANS_PHONE, 0.6},
    {"og:email", MEANS_EMAIL, 0.6},
    {"og:locality", MEANS_LOCATION, 0.6},
    {"article:published_time", MEANS_DATE, 0.6},
};

static const char *meta_content(const struct scene *s, const char *name)
{
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        if (strcmp(n->tag, "meta") != 0)
            continue;
        const char *key =
            node_attr(n, "property") ? node_attr(n, "property") : node_attr(n, "name");
        if (key && str_eq_fold(key, name))
            return node_attr(n, "content");
    }
    return NULL;
}

void page_meta_tags(const struct scene *s, const struct field *field, enum meaning meaning,
                    page_meta_fn *fn, void *arg)
{
    for (size_t i = 0; i < ARRAY_SIZE(meta_names); i++) {
        const char *content =
            meta_names[i].meaning == meaning ? meta_content(s, meta_names[i].name) : NULL;
        const char *value = content ? field_text(s->pool, field, meaning, content, true) : NULL;
        if (value)
            fn(arg, &(struct meta_value){value, "meta", -1, meta_names[i].score});
    }
    for (int k = 1; k <= 4; k++) {
        const char *label = meta_content(s, pool_printf(s->pool, "twitter:label%d", k));
        if (!label || field_label_match(s->pool, field, meaning, words_plain(s->pool, label)) < 0.8)
            continue;
        const char *data = meta_content(s, pool_printf(s->pool, "twitter:data%d", k));
        const char *value = data ? field_text(s->pool, field, meaning, data, true) : NULL;
        if (value)
            fn(arg, &(struct meta_value){value, "meta", -1, 0.7});
    }
}
