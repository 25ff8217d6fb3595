#include "run/learn/survey.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "reader/fields.h"
#include "reader/page_pairs.h"
#include "reader/scene.h"
#include "reader/words.h"
#include "run/url.h"

#define MAX_CARDS        300
#define SAMPLE_ROWS      8
#define MIN_CARDS        2
#define MIN_STRONG       2 /* fields that the page itself labels make it a page about one thing */
#define FORM_FIELDS      2
#define OFFERED_MAX      8 /* fields taken from a page when none was asked for */
#define OFFERED_QUALITY  0.85
#define OFFERED_BYTES    160
#define HEADING_BYTES    100
#define NAMED_ENOUGH     0.5 /* of a name's words must stand on the control */
#define ROWS_ENOUGH      0.6 /* of the cards must show a field */
#define ENTITY_FIELD_URL "url"

const char *page_kind_name(enum page_kind kind)
{
    static const char *const names[] = {"other", "results", "detail", "form", "blocked"};
    return names[kind];
}

/* --- cards ------------------------------------------------------------------------------------ */

static bool leads_on(const struct card *c, const char *from)
{
    return url_is_web(c->href) && url_same_site(c->href, from) && !url_same_page(c->href, from);
}

static int read_cards(struct reader *reader, struct pool *pool, const char *intent,
                      struct survey *s, struct err *err)
{
    enum list_status status;
    struct card *cards = NULL;
    int n = 0, kept = 0, leading = 0;
    int r = reader_list(reader, pool, &s->obs, NULL, MAX_CARDS, &cards, &n, &status, err);
    if (r)
        return r;
    if (status == LIST_BLOCKED)
        s->kind = PAGE_BLOCKED;
    for (int i = 0; status == LIST_OK && i < n; i++)
        s->n_listed += !cards[i].sponsored;
    n = status == LIST_OK ? reader_wanted_cards(pool, intent, cards, n) : 0;
    for (int i = 0; i < n; i++)
        if (!cards[i].sponsored)
            cards[kept++] = cards[i];
    for (int i = 0; i < kept; i++)
        leading += leads_on(&cards[i], s->obs.url);
    s->cards = cards;
    s->n_cards = kept;
    s->opens = kept > 0 && leading * 2 > kept;
    return 0;
}

/* --- fields ----------------------------------------------------------------------------------- */

static const char *snake(struct pool *pool, const char *plain)
{
    char *out = pool_strdup(pool, plain), *w = out;
    for (const char *p = plain; *p; p++)
        if (isalnum((unsigned char)*p) || (unsigned char)*p >= 0x80)
            *w++ = *p;
        else if (w > out && w[-1] != '_')
            *w++ = '_';
    while (w > out && w[-1] == '_')
        w--;
    *w = 0;
    return out;
}

static bool is_year(struct pool *pool, const char *name)
{
    struct field f = {.name = name, .label = name, .example = ""};
    return field_meaning(pool, &f) == MEANS_YEAR;
}

static void add_field(struct pool *pool, struct survey *s, const char *plain)
{
    const char *name = snake(pool, plain);
    for (int i = 0; i < s->n_fields; i++)
        if (!strcmp(s->fields[i].name, name))
            return;
    if (*name)
        s->fields[s->n_fields++] = (struct wanted_field){
            .name = name, .example = "", .whole_number = is_year(pool, name), .reveal = ""};
}

/* "Year", "2013": what a page about one thing says of it under a label of its own. */
static bool is_offer(const struct scene *s, const struct pair *p)
{
    return p->quality >= OFFERED_QUALITY &&
           in_words("definition_list table label_text", p->method) && words_count(p->label) <= 3 &&
           strlen(p->label) > 1 && isalpha((unsigned char)p->label[0]) &&
           strlen(p->value) <= OFFERED_BYTES &&
           !(s->zone[p->node] & (ZONES_CHROME | ZONE_RELATED | ZONE_AD | ZONE_DIALOG));
}

static int read_offers(struct pool *pool, const struct scene *s, struct survey *out)
{
    struct pair *pairs;
    int n = page_pairs(s, 0, &pairs), offers = 0;
    for (int i = 0; i < n; i++) {
        if (!is_offer(s, &pairs[i]))
            continue;
        if (offers++ < OFFERED_MAX)
            add_field(pool, out, pairs[i].label);
    }
    return offers;
}

static json_t *fields_json(const struct survey *s, int only, bool rows)
{
    json_t *fields = json_array();
    for (int i = 0; i < s->n_fields; i++) {
        const struct wanted_field *f = &s->fields[i];
        if (only >= 0 && i != only)
            continue;
        json_t *one = json_object();
        json_put(one, "name", json_string_safe(f->name));
        if (f->whole_number)
            json_put_str(one, "type", "int");
        if (only < 0 && *f->example)
            json_put(one, "example", json_string_safe(f->example));
        if (only < 0 && !(rows ? f->in_rows : f->seen))
            json_put_bool(one, "required", false);
        json_push(fields, one);
    }
    return fields;
}

/* Labels that differ from page to page, like a masked number, name no control. */
static json_t *reveals_json(const struct survey *s)
{
    json_t *out = json_array();
    for (int i = 0; i < s->n_fields; i++) {
        const char *label = s->fields[i].reveal;
        if (*label && strcspn(label, "0123456789*") == strlen(label) && !json_holds(out, label))
            json_push(out, json_string_safe(label));
    }
    return out;
}

json_t *survey_schema(const struct objective *want, const struct survey *s, int max_items)
{
    json_t *schema = json_object(), *fields = fields_json(s, -1, max_items > 1),
           *reveals = reveals_json(s);
    bool has_url = false;
    for (int i = 0; i < s->n_fields; i++)
        has_url = has_url || !strcmp(s->fields[i].name, ENTITY_FIELD_URL);
    if (!has_url)
        json_push(fields, json_pack("{s:s,s:b}", "name", ENTITY_FIELD_URL, "required", 0));
    json_put(schema, "entity_name", json_string_safe(want->entity));
    json_put(schema, "fields", fields);
    if (max_items > 1)
        json_put_int(schema, "max_items", max_items);
    if (json_array_size(reveals))
        json_object_set(schema, "allowed_controls", reveals);
    json_decref(reveals);
    return schema;
}

static int make_schema(struct pool *pool, const struct survey *s, int only, struct schema **out,
                       struct err *err)
{
    return schema_parse(
        pool, json_keep(pool, json_pack("{s:o}", "fields", fields_json(s, only, false))), out, err);
}

static const char *shown(struct pool *pool, const json_t *values, const char *name)
{
    const char *text = json_as_text(pool, json_object_get(values, name));
    return schema_is_placeholder(text) ? "" : text;
}

/* The page says under a label whose value it is; a heading or a price somewhere might be
 * anything's. */
static bool is_strong(const json_t *evidence, const char *name)
{
    const char *method = json_str(json_object_get(evidence, name), "method", "");
    return *method &&
           !in_words("heading heading_part card_title price_pattern phone_pattern page_url link",
                     method);
}

/* What the page shows of the fields. */
static int read_values(struct reader *reader, struct pool *pool, struct survey *s, struct err *err)
{
    struct schema *schema;
    struct extraction found = {0};
    int r = make_schema(pool, s, -1, &schema, err);
    if (r || !schema)
        return r;
    r = reader_extract(reader, pool, &s->obs, 1, schema, &found, err);
    if (r)
        return r == E_NOT_FOUND || r == E_TOOBIG ? 0 : r;
    for (int i = 0; i < s->n_fields; i++) {
        struct wanted_field *f = &s->fields[i];
        f->example = shown(pool, found.values, f->name);
        f->seen = *f->example != 0;
        s->n_seen += f->seen;
        s->n_labelled += f->seen && is_strong(found.evidence, f->name);
    }
    return 0;
}

/* Which control seems to show a field that is not there yet. It is not pressed: it may ask the site
 * for something. */
static int find_reveals(struct reader *reader, struct pool *pool, struct survey *s, struct err *err)
{
    for (int i = 0; i < s->n_fields; i++) {
        struct schema *schema;
        struct target t;
        if (s->fields[i].seen)
            continue;
        int r = make_schema(pool, s, i, &schema, err);
        if (r)
            return r;
        if (schema && !reader_find_reveal(reader, pool, &s->obs, schema, NULL, 0, &t, NULL))
            s->fields[i].reveal = str_lower(pool, t.label);
    }
    return 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Do the cards themselves show all that is asked for, as such, not as a part of their titles? */
static int read_rows(struct reader *reader, struct pool *pool, struct survey *s, struct err *err)
{
    struct schema *schema;
    struct extraction *rows = NULL;
    int n = 0, r = make_schema(pool, s, -1, &schema, err);
    s->rows_do = false;
    if (r || !schema)
        return r;
    r = reader_rows(reader, pool, &s->obs, schema, SAMPLE_ROWS, &rows, &n, err);
    if (r)
        return r == E_NOT_FOUND || r == E_TOOBIG ? 0 : r;
    s->rows_do = n >= MIN_CARDS;
    for (int i = 0; i < s->n_fields; i++) {
        int there = 0;
        for (int k = 0; k < n; k++) {
            const json_t *how = json_object_get(rows[k].evidence, s->fields[i].name);
            const char *value = shown(pool, rows[k].values, s->fields[i].name);
            there += *value && strcmp(json_str(how, "method", ""), "heading_part");
            if (*value && !*s->fields[i].example)
                s->fields[i].example = value;
        }
        s->fields[i].in_rows = there >= n * ROWS_ENOUGH && there > 0;
        s->rows_do = s->rows_do && s->fields[i].in_rows;
    }
    return 0;
}

/* --- the page --------------------------------------------------------------------------------- */

static bool is_search(const struct node *n)
{
    const char *type = node_attr(n, "type");
    return !strcmp(n->role, "searchbox") || (type && !strcmp(type, "search"));
}

static int count_entry_fields(const struct scene *s)
{
    int n = 0;
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *node = &s->page->nodes[i];
        n += node->flags & NODE_EDITABLE && !is_search(node) && scene_shown(s, i) &&
             !(s->zone[i] & (ZONES_CHROME | ZONE_DIALOG));
    }
    return n;
}

static bool asked_and_true(struct reader *reader, struct pool *pool, const struct observation *obs,
                           const char *sentence)
{
    struct verdict v;
    return !reader_visible(reader, pool, obs, sentence, &v, NULL) && v.answer == ANSWER_YES;
}

/* A sentence for a gate: true now, and not about today's numbers. */
static const char *prove(struct reader *reader, struct pool *pool, const struct survey *s)
{
    bool fixed = strcspn(s->title, "0123456789\"") == strlen(s->title);
    const char *heading = pool_printf(pool, "The heading \"%s\" is shown", s->title);
    const char *results = "There are at least 2 results";
    if (*s->title && fixed && asked_and_true(reader, pool, &s->obs, heading))
        return heading;
    if (s->kind == PAGE_RESULTS && asked_and_true(reader, pool, &s->obs, results))
        return results;
    return "";
}

static enum page_kind judge(const struct objective *want, const struct survey *s,
                            const struct scene *scene, int offers)
{
    if (want->n_fields ? s->n_labelled >= MIN_STRONG
                       : offers > MIN_STRONG && s->n_cards < SURVEY_MANY_CARDS)
        return PAGE_DETAIL;
    if (s->n_cards >= MIN_CARDS)
        return PAGE_RESULTS;
    if (count_entry_fields(scene) >= FORM_FIELDS)
        return PAGE_FORM;
    return want->n_fields && s->n_seen ? PAGE_DETAIL : PAGE_OTHER;
}

static int read_page(struct reader *reader, struct pool *pool, const struct objective *want,
                     struct survey *s, struct err *err)
{
    struct scene scene;
    int offers = 0, r = scene_create(pool, &s->obs, &scene, err);
    if (r)
        return r;
    const char *heading =
        scene.heading >= 0 ? scene_text(&scene, scene.heading, HEADING_BYTES) : "";
    if (*heading)
        s->title = heading;
    s->fields = pool_alloc(pool, sizeof(*s->fields) * (OBJECTIVE_FIELDS_MAX + OFFERED_MAX + 1));
    for (int i = 0; i < want->n_fields; i++)
        add_field(pool, s, want->fields[i]);
    if (!want->n_fields) {
        add_field(pool, s, "title");
        offers = read_offers(pool, &scene, s);
    }
    r = read_values(reader, pool, s, err);
    r = r ? r : find_reveals(reader, pool, s, err);
    if (r)
        return r;
    s->kind = judge(want, s, &scene, offers);
    return s->kind == PAGE_RESULTS ? read_rows(reader, pool, s, err) : 0;
}

int survey_page(struct reader *reader, struct pool *pool, const struct objective *want,
                const char *intent, const struct observation *obs, struct survey *out,
                struct err *err)
{
    struct survey s = {.obs = *obs, .title = "", .proof = ""};
    s.title = str_cut(pool, obs->title ? obs->title : "", HEADING_BYTES);
    int r = read_cards(reader, pool, intent, &s, err);
    if (!r && s.kind != PAGE_BLOCKED)
        r = read_page(reader, pool, want, &s, err);
    if (r)
        return r;
    s.proof = prove(reader, pool, &s);
    *out = s;
    return 0;
}

/* --- controls --------------------------------------------------------------------------------- */

struct offer {
    struct choice choice;
    double score;
};

static bool is_card_link(const struct survey *s, const char *href)
{
    for (int i = 0; i < s->n_cards; i++)
        if (url_same_page(s->cards[i].href, href))
            return true;
    return false;
}

/* A count behind a label changes: "Private seller 60", "Dealer (12)". */
static const char *without_count(struct pool *pool, const char *label)
{
    size_t n = strlen(label);
    while (n && strchr("0123456789(),. ", label[n - 1]))
        n--;
    return n ? pool_strndup(pool, label, n) : label;
}

static int select_around(const struct page *page, int i)
{
    while (i >= 0 && strcmp(page->nodes[i].tag, "select"))
        i = page->nodes[i].parent;
    return i;
}

/* Node i as something that chooses among results; false when it is none. */
static bool read_control(struct pool *pool, const struct scene *s, const struct survey *page, int i,
                         struct choice *out)
{
    const struct node *n = &s->page->nodes[i];
    const char *label = without_count(pool, scene_label(s, i));
    *out = (struct choice){.label = label, .option = "", .href = ""};
    if (n->flags & NODE_DISABLED ||
        s->zone[i] & (ZONE_FOOTER | ZONE_AD | ZONE_RELATED | ZONE_CRUMBS))
        return false;
    if (!strcmp(n->tag, "option")) {
        int box = select_around(s->page, i);
        if (box < 0 || !scene_shown(s, box))
            return false;
        out->option = *label ? label : page_text(pool, s->page, i, HEADING_BYTES);
        out->label = scene_label(s, box);
        return *out->label != 0;
    }
    if (!scene_shown(s, i) || !*label)
        return false;
    if (scene_leads(s, i)) {
        out->href = n->href;
        return url_is_web(n->href) && url_same_site(n->href, page->obs.url) &&
               !url_same_page(n->href, page->obs.url) && !is_card_link(page, n->href);
    }
    return in_words("checkbox radio switch tab", n->role) &&
           !(n->flags & (NODE_CHECKED | NODE_SELECTED));
}

/* A page may have very many controls: what is thought about one goes before the next. */
static void offer_control(struct pool *keep, const char *name, const char *quoted,
                          const struct choice *c, struct offer *best)
{
    struct pool *tmp = pool_create(NULL);
    double score = objective_names(tmp, name, *c->option ? c->option : c->label);
    pool_destroy(tmp);
    if (score < (quoted ? 1 : NAMED_ENOUGH) || score <= best->score)
        return;
    best->score = score;
    best->choice = (struct choice){.label = pool_strdup(keep, c->label),
                                   .option = pool_strdup(keep, c->option),
                                   .href = pool_strdup(keep, c->href)};
}

int survey_choices(struct pool *pool, const struct objective *want, const struct survey *s,
                   bool entity, struct choice out[OBJECTIVE_NAMES_MAX + 1])
{
    struct offer best[OBJECTIVE_NAMES_MAX + 1] = {0};
    struct scene scene;
    struct choice c;
    int n = 0, names = want->n_names;
    if (scene_create(pool, &s->obs, &scene, NULL))
        return 0;
    for (int i = 0; i < scene.page->n_nodes; i++) {
        if (!read_control(pool, &scene, s, i, &c))
            continue;
        for (int k = 0; k < names; k++)
            offer_control(pool, want->names[k], want->quoted[k], &c, &best[k]);
        if (entity && *want->what && *c.href)
            offer_control(pool, want->what, NULL, &c, &best[names]);
    }
    for (int k = 0; k <= names; k++) {
        if (!best[k].choice.label)
            continue;
        out[n] = best[k].choice;
        out[n++].name = k < names ? want->names[k] : want->what;
    }
    return n;
}

const char *survey_search_field(struct pool *pool, const struct survey *s)
{
    struct scene scene;
    if (scene_create(pool, &s->obs, &scene, NULL))
        return "";
    for (int i = 0; i < scene.page->n_nodes; i++)
        if (scene.page->nodes[i].flags & NODE_EDITABLE && is_search(&scene.page->nodes[i]) &&
            scene_shown(&scene, i))
            return scene_label(&scene, i);
    return "";
}

int survey_entries(struct pool *pool, const struct objective *want, const struct survey *s,
                   struct entry out[OBJECTIVE_NAMES_MAX])
{
    struct scene scene;
    int n = 0;
    if (scene_create(pool, &s->obs, &scene, NULL))
        return 0;
    for (int k = 0; k + 1 < want->n_names; k++) {
        for (int i = 0; want->quoted[k] && want->quoted[k + 1] && i < scene.page->n_nodes; i++) {
            if (!(scene.page->nodes[i].flags & NODE_EDITABLE) || !scene_shown(&scene, i) ||
                objective_names(pool, want->names[k], scene_label(&scene, i)) < 1)
                continue;
            out[n++] = (struct entry){scene_label(&scene, i), want->quoted[++k]};
            break;
        }
    }
    return n;
}

const char *survey_button(struct pool *pool, const struct objective *want, const struct survey *s)
{
    struct scene scene;
    if (scene_create(pool, &s->obs, &scene, NULL))
        return "";
    for (int i = 0; i < scene.page->n_nodes; i++) {
        const char *label = scene_label(&scene, i);
        if (strcmp(scene.page->nodes[i].role, "button") || !scene_shown(&scene, i))
            continue;
        for (int k = 0; k < want->n_names; k++)
            if (want->quoted[k] && str_eq_fold(words_plain(pool, label), want->names[k]))
                return label;
    }
    return "";
}
