/*
 * page_values.c - from candidates to values with evidence.
 */
#include "reader/page_extract.h"

#include <string.h>

#include "base/str.h"
#include "reader/page_parts.h"
#include "reader/words.h"

#define MIN_SHOWN  0.4 /* a shown candidate below this is a guess */
#define SURE_SHOWN 0.8 /* a labelled value that structured data does not overrule */

/* The value as its type, NULL when the text is none. New reference. */
static json_t *typed(struct pool *pool, const struct candidate *c, const struct finding *f)
{
    return c->text ? pattern_value(pool, f->field->type, c->text) : NULL;
}

/* Best shown candidate that has the field's type, -1. */
static int best_shown(struct pool *pool, const struct finding *f)
{
    int best = -1;
    for (int i = 0; i < f->n; i++) {
        json_t *v = f->list[i].score >= MIN_SHOWN ? typed(pool, &f->list[i], f) : NULL;
        if (v && (best < 0 || f->list[i].score > f->list[best].score + 1e-9))
            best = i;
        json_decref(v);
    }
    return best;
}

static int shown_like(struct pool *pool, const struct finding *f, const char *text)
{
    int best = -1;
    for (int i = 0; i < f->n; i++)
        if (field_same(pool, f->meaning, f->list[i].text, text) &&
            (best < 0 || f->list[i].score > f->list[best].score))
            best = i;
    return best;
}

/* The chosen candidate, or NULL. *ret_differs is what machines were told instead, or NULL. */
static const struct candidate *choose(struct pool *pool, const struct finding *f,
                                      const char **ret_differs)
{
    const struct candidate *meta = f->meta.text ? &f->meta : NULL;
    int shown = best_shown(pool, f);
    *ret_differs = NULL;
    if (!meta || f->meaning == MEANS_DESCRIPTION)
        return shown >= 0 ? &f->list[shown] : meta;
    int same = shown_like(pool, f, meta->text);
    if (same >= 0 && (shown < 0 || f->list[shown].score < SURE_SHOWN))
        return &f->list[same];
    if (shown < 0)
        return meta;
    if (same < 0 || f->list[same].score < f->list[shown].score - 0.1)
        *ret_differs =
            field_same(pool, f->meaning, f->list[shown].text, meta->text) ? NULL : meta->text;
    return &f->list[shown];
}

static json_t *evidence_of(const struct candidate *c, const char *url, const char *differs,
                           const char *meta_method)
{
    json_t *e = json_object(), *box = NULL;
    json_put_str(e, "url", url);
    json_put_str(e, "method", c->method);
    json_put_str(e, "text", c->text);
    if (c->node >= 0) {
        struct rect r = c->scene->page->nodes[c->node].box;
        box = json_array();
        json_push(box, json_integer(r.x));
        json_push(box, json_integer(r.y));
        json_push(box, json_integer(r.w));
        json_push(box, json_integer(r.h));
    }
    json_put(e, "box", box);
    json_put_int(e, "look", c->scene->look);
    if (differs) {
        json_t *d = json_object();
        json_put_str(d, "method", meta_method);
        json_put_str(d, "text", differs);
        json_put(e, "differs", d);
    }
    return e;
}

static void put(struct pool *pool, const struct finding *f, const struct candidate *c,
                const char *url, const char *differs, struct extraction *out)
{
    json_t *v = typed(pool, c, f);
    if (!v)
        return;
    json_put(out->values, f->field->name, v);
    json_put(out->evidence, f->field->name, evidence_of(c, url, differs, f->meta.method));
}

/* --- "2019 Honda Civic EX" ------------------------------------------------------------------- */

/* Makes of two words; without this list the first word is the make. */
static const char *const two_word_makes[] = {
    "land rover",   "alfa romeo",      "aston martin", "sea ray",      "boston whaler",
    "grady white",  "harley davidson", "rolls royce",  "can am",       "sea doo",
    "great wall",   "royal enfield",   "moto guzzi",   "mv agusta",    "sea hunt",
    "key west",     "chris craft",     "sea fox",      "bass tracker", "fleetwood rv",
    "forest river", "grand design",    "john deere",   "new holland",  "massey ferguson",
    "thor motor",
};

/* Bytes of the make at the start of text. */
static size_t make_length(struct pool *pool, const char *text)
{
    size_t one = strcspn(text, " ,|");
    const char *two_words =
        pool_strndup(pool, text, text[one] == ' ' ? one + 1 + strcspn(text + one + 1, " ,|") : one);
    const char *plain = words_plain(pool, two_words);
    for (size_t i = 0; i < ARRAY_SIZE(two_word_makes); i++)
        if (strcmp(plain, two_word_makes[i]) == 0)
            return strlen(two_words);
    return one;
}

/* Bytes of the model: up to what no longer names it. */
static size_t model_length(const char *text)
{
    static const char *const stops[] = {" for sale",  " in ", " - ", " | ",    " \xE2\x80\x93 ",
                                        " \xC2\xB7 ", ",",    " (",  " with ", " zu verkaufen"};
    size_t len = strlen(text);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        const char *p = strcasestr(text, stops[i]);
        if (p && (size_t)(p - text) < len)
            len = (size_t)(p - text);
    }
    return len;
}

static struct finding *by_meaning(struct finding *findings, int n, enum meaning m)
{
    for (int i = 0; i < n; i++)
        if (findings[i].meaning == m)
            return &findings[i];
    return NULL;
}

static bool missing(const struct extraction *out, const struct finding *f)
{
    return f && !json_object_get(out->values, f->field->name);
}

static const char *value_text(const struct extraction *out, const struct finding *f)
{
    const json_t *v = f ? json_object_get(out->values, f->field->name) : NULL;
    return json_is_string(v) ? json_string_value(v) : NULL;
}

/* Parts of the entity's heading, for fields that nothing else confirmed. */
static void from_heading(struct pool *pool, struct finding *findings, int n, bool card,
                         const struct candidate *heading, const char *url, struct extraction *out)
{
    struct finding *year = by_meaning(findings, n, MEANS_YEAR),
                   *make = by_meaning(findings, n, MEANS_MAKE),
                   *model = by_meaning(findings, n, MEANS_MODEL);
    const char *text = pattern_first(pool, PATTERN_CARD_HEADING, heading->text);
    const char *known = value_text(out, make),
               *at = known ? strcasestr(heading->text, known) : NULL;
    struct candidate part = *heading;
    part.method = "heading_part";
    if (year && missing(out, year) && pattern_first(pool, PATTERN_YEAR, heading->text)) {
        part.text = pattern_first(pool, PATTERN_YEAR, heading->text);
        put(pool, year, &part, url, NULL, out);
    }
    if ((!text && !at) || (card && !at))
        return; /* a card's heading alone does not say where the make ends */
    const char *rest = at ? at : text + 4 + strspn(text + 4, " ");
    size_t len = at ? strlen(known) : make_length(pool, rest);
    if (missing(out, make)) {
        part.text = pool_strndup(pool, rest, len);
        put(pool, make, &part, url, NULL, out);
    }
    rest += len + strspn(rest + len, " ");
    if (missing(out, model) && *rest && model_length(rest)) {
        part.text = pool_strndup(pool, rest, model_length(rest));
        if (words_count(part.text) <= 6)
            put(pool, model, &part, url, NULL, out);
    }
}

/* --- spam ------------------------------------------------------------------------------------ */

static const char *first_in(const char *const *list, const char *text)
{
    for (; *list; list++)
        if (str_contains_fold(text, *list))
            return *list;
    return NULL;
}

static void judge_spam(struct pool *pool, struct finding *findings, const struct schema *schema,
                       const char *url, struct extraction *out)
{
    const char *seller = value_text(out, by_meaning(findings, schema->n_fields, MEANS_SELLER));
    const char *hit = seller ? first_in(schema->spam_seller_indicators, seller) : NULL;
    if (hit)
        out->spam_reason = pool_printf(pool, "%s: seller contains '%s'", schema->spam_label, hit);
    else if ((hit = first_in(schema->spam_indicators, url)))
        out->spam_reason = pool_printf(pool, "%s: address contains '%s'", schema->spam_label, hit);
    else if ((hit = first_in(schema->spam_indicators, json_text(pool, out->values))))
        out->spam_reason = pool_printf(pool, "%s: values contain '%s'", schema->spam_label, hit);
    out->spam = hit != NULL;
}

/* The best heading or title among all candidates, shown; found even when no field asks for it. */
static struct candidate heading_of(struct pool *pool, const struct source *src)
{
    const char *text = src->heading >= 0 ? scene_text(src->scene, src->heading, 200)
                       : src->title      ? src->title
                                         : "";
    int node = src->heading >= 0 ? src->heading : src->root;
    return (struct candidate){.text = str_squash(pool, text),
                              .method = "heading",
                              .node = node,
                              .scene = src->scene,
                              .score = 0.6};
}

/* Later parts of the page may have said something else. */
static void mark_incomplete(json_t *evidence)
{
    const char *field;
    json_t *entry;
    json_object_foreach (evidence, field, entry) {
        json_put_str(entry, "incomplete", "the page was too large to be read to its end");
    }
}

void page_values(struct pool *pool, struct finding *findings, const struct schema *schema,
                 const struct source *src, const char *url, struct extraction *out)
{
    struct pool *tmp = src->scene->pool;
    *out = (struct extraction){.values = json_keep(pool, json_object()),
                               .evidence = json_keep(pool, json_object()),
                               .spam_reason = ""};
    for (int i = 0; i < schema->n_fields; i++) {
        const char *differs;
        const struct candidate *c = choose(tmp, &findings[i], &differs);
        if (c)
            put(tmp, &findings[i], c, url, differs, out);
    }
    struct candidate heading = heading_of(tmp, src);
    if (*heading.text)
        from_heading(tmp, findings, schema->n_fields, src->root > 0, &heading, url, out);
    judge_spam(tmp, findings, schema, url, out);
    out->spam_reason = pool_strdup(pool, out->spam_reason);
    if (scene_worn_out(src->scene))
        mark_incomplete(out->evidence);
}
