/*
 * page_rows.c - one entity from a page, and many from a page of cards or a table: page_groups.c
 * finds the cards, page_extract.c reads each, page_values.c chooses the values.
 */
#include "reader/page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "reader/page_extract.h"
#include "reader/words.h"

#define ROWS_GROUPS 8 /* candidates that are tried */
#define ROWS_SAMPLE 4 /* members read to judge a group */
#define MASK_GROUPS 6
#define LIST_SCORE  0.03 /* a group that looks like results whatever is asked of it */

/* --- one entity ------------------------------------------------------------------------------ */

/* "More like this" without a heading that says so: cards that lead to pages like this one. */
static void mask_siblings(struct scene *s)
{
    struct group groups[MASK_GROUPS];
    int n = page_groups(s, true, MASK_GROUPS, groups);
    const char *own = page_url_shape(s, s->page->url);
    if (str_ends(own, ":0") || str_ends(own, ":1")) /* all pages at the root look alike */
        return;
    for (int g = 0; g < n; g++) {
        int alike = 0;
        bool holds_heading = false;
        for (int i = 0; i < groups[g].n; i++) {
            int link = page_card_link(s, groups[g].members[i]);
            alike += link >= 0 && s->page->nodes[link].href[0] &&
                     strcmp(page_url_shape(s, s->page->nodes[link].href), own) == 0;
            holds_heading |=
                s->heading >= 0 && node_is_a(s->page, s->heading, groups[g].members[i]);
        }
        if (holds_heading || alike * 5 < groups[g].n * 3)
            continue;
        for (int i = 0; i < groups[g].n; i++)
            for (int k = groups[g].members[i]; k < s->page->nodes[groups[g].members[i]].end; k++)
                s->zone[k] |= ZONE_RELATED;
    }
}

static const char *url_of(const struct observation *obs)
{
    return obs->url && *obs->url ? obs->url : obs->page->url;
}

static int too_big(struct err *err)
{
    return err_set(err, E_TOOBIG, "extract: the page is too large to find anything in it");
}

/* All observations into findings; out->scene stays NULL when every page is empty. */
static int collect(struct pool *tmp, const struct observation *obs, int n_obs,
                   struct finding *findings, int n_fields, int64_t *work, struct source *out,
                   struct err *err)
{
    for (int i = 0; i < n_obs; i++) {
        struct scene *s = pool_alloc(tmp, sizeof(*s));
        int r = scene_create(tmp, &obs[i], s, err);
        if (r)
            return r;
        if (s->page->n_nodes == 0)
            continue;
        s->work = work;
        s->look = i;
        mask_siblings(s);
        *out = (struct source){.scene = s,
                               .ld = page_linked_data(s),
                               .heading = s->heading,
                               .link = -1,
                               .url = url_of(&obs[i]),
                               .bonus = 0.001 * i};
        page_collect(out, findings, n_fields);
    }
    return 0;
}

int page_extract(struct reader *reader, struct pool *pool, const struct observation *obs, int n_obs,
                 const struct schema *schema, struct extraction *out, struct err *err)
{
    struct pool *tmp = pool_create(NULL);
    struct finding *findings = page_findings(tmp, schema);
    struct source src = {0};
    int64_t work = CAP_READ_WORK;
    int r = collect(tmp, obs, n_obs, findings, schema->n_fields, &work, &src, err);
    if (r)
        goto out;
    if (!src.scene) {
        r = err_set(err, E_NOT_FOUND, "extract: the page is empty");
        goto out;
    }
    page_values(pool, findings, schema, &src, src.url, out);
    if (scene_worn_out(src.scene) && !json_object_size(out->values))
        r = too_big(err);
out:
    pool_destroy(tmp);
    return r;
}

/* --- many entities --------------------------------------------------------------------------- */

static void read_row(struct pool *pool, const struct scene *page, const struct linked_data *ld,
                     int member, const struct schema *schema, const char *url,
                     struct extraction *out)
{
    struct scene own = *page, *s = &own;
    s->pool = pool_create(NULL);
    struct finding *findings = page_findings(s->pool, schema);
    int link = page_card_link(s, member);
    const char *href = link >= 0 ? s->page->nodes[link].href : "";
    int heading = -1;
    for (int i = member; i < s->page->nodes[member].end && heading < 0; i++)
        if (s->page->nodes[i].level && scene_shown(s, i) && scene_text_count(s, i))
            heading = i;
    struct source src = {.scene = s,
                         .ld = ld,
                         .root = member,
                         .heading = heading,
                         .link = link,
                         .url = href,
                         .title = page_card_title(s, member, link)};
    page_collect(&src, findings, schema->n_fields);
    page_values(pool, findings, schema, &src, url, out);
    pool_destroy(s->pool);
}

/* Fields found, required ones counting double. */
static double coverage(const struct schema *schema, const struct extraction *x)
{
    double v = 0;
    for (int i = 0; i < schema->n_fields; i++)
        if (json_object_get(x->values, schema->fields[i].name))
            v += schema->fields[i].required ? 2 : 1;
    return v;
}

static double full_coverage(const struct schema *schema)
{
    double v = 0;
    for (int i = 0; i < schema->n_fields; i++)
        v += schema_is_positional(schema->fields[i].name) ? 0 : schema->fields[i].required ? 2 : 1;
    return v;
}

/* A list whose rows lack fields is still the list: who asks is told which field is missing. Not so
 * a pair of boxes, or a part of the page that is no content. */
static bool is_list_anyway(const struct scene *s, const struct group *g)
{
    return g->n >= 3 && g->score >= LIST_SCORE &&
           !(s->zone[g->members[0]] & (ZONES_CHROME | ZONES_ASIDE));
}

/* How well a group's members give rows of this schema; partly: some fields will do. */
static double fitness(const struct scene *s, const struct linked_data *ld, const struct group *g,
                      const struct schema *schema, const char *url, bool partly)
{
    double sum = 0;
    int n = g->n < ROWS_SAMPLE ? g->n : ROWS_SAMPLE;
    struct pool *tmp = pool_create(NULL);
    for (int i = 0; i < n && !scene_worn_out(s); i++) {
        struct extraction x;
        read_row(tmp, s, ld, g->members[i * g->n / n], schema, url, &x);
        sum += coverage(schema, &x) / n;
    }
    pool_destroy(tmp);
    double full = full_coverage(schema);
    bool lacking = sum * 2 < full || (sum <= 2 && full > 2);
    if (lacking && !(partly && sum >= 1 && is_list_anyway(s, g)))
        return 0; /* things that are something else */
    double size = g->score > 1 ? 1 : g->score;
    return sum * (1 + 0.5 * size) * (g->n >= 3 ? 1.1 : 1);
}

static bool positional_only(const struct schema *schema, const json_t *values)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)values, key, value) {
        if (!schema_is_positional(key))
            return false;
    }
    return true;
}

/* A member that holds several members of another group is a column or section, no item. */
static bool holds_items(const struct scene *s, const struct group *g, const struct group *groups,
                        int n)
{
    for (int k = 0; k < n; k++) {
        int inside = 0;
        for (int i = 0; groups[k].n >= 3 && groups[k].score > g->score && i < groups[k].n; i++)
            for (int m = 0; m < g->n && m < ROWS_SAMPLE; m++)
                inside += groups[k].members[i] > g->members[m] &&
                          node_is_a(s->page, groups[k].members[i], g->members[m]);
        if (inside >= 2 * (g->n < ROWS_SAMPLE ? g->n : ROWS_SAMPLE) || (g->n == 2 && inside >= 3))
            return true;
    }
    return false;
}

static int best_group(const struct scene *s, const struct linked_data *ld, struct group *groups,
                      int n, const struct schema *schema, const char *url, bool partly)
{
    int best = -1;
    double best_fit = 0;
    for (int g = 0; g < n; g++) {
        if (holds_items(s, &groups[g], groups, n))
            continue;
        double fit = fitness(s, ld, &groups[g], schema, url, partly);
        if (fit > best_fit) {
            best = g;
            best_fit = fit;
        }
    }
    return best;
}

/* Only names and addresses are asked for: entries of a plain list will do. */
static bool only_names(struct pool *pool, const struct schema *schema)
{
    for (int i = 0; i < schema->n_fields; i++) {
        enum meaning m = field_meaning_in(pool, &schema->fields[i], schema->entity_name);
        const char *plain = words_split(pool, schema->fields[i].name);
        if (m != MEANS_TITLE && m != MEANS_URL &&
            strcmp(plain, words_split(pool, schema->entity_name)) != 0)
            return false;
    }
    return true;
}

/* The group that gives rows; no members when there is none. */
static struct group choose_group(const struct scene *s, const struct linked_data *ld,
                                 const struct schema *schema, const char *url)
{
    struct group groups[ROWS_GROUPS];
    int n = page_groups(s, false, ROWS_GROUPS, groups);
    int best = best_group(s, ld, groups, n, schema, url, false);
    if (best < 0 && only_names(s->pool, schema)) {
        n = page_groups_plain(s, ROWS_GROUPS, groups);
        best = best_group(s, ld, groups, n, schema, url, false);
        if (best >= 0 && !is_list_anyway(s, &groups[best]))
            best = -1;
    } else if (best < 0) {
        best = best_group(s, ld, groups, n, schema, url, true);
    }
    int only = best < 0 ? page_single_card(s) : -1;
    if (only >= 0) {
        groups[0] = (struct group){.members = pool_alloc(s->pool, sizeof(int)), .n = 1};
        groups[0].members[0] = only;
        best = fitness(s, ld, &groups[0], schema, url, false) > 0 ? 0 : -1;
    }
    return best >= 0 ? groups[best] : (struct group){.n = 0};
}

int page_rows(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct schema *schema, int max_rows, struct extraction **ret_rows, int *ret_n,
              struct err *err)
{
    struct scene s;
    struct pool *tmp = pool_create(NULL);
    int64_t work = CAP_READ_WORK;
    int r = scene_create(tmp, obs, &s, err);
    if (r)
        goto out;
    s.work = &work;
    const struct linked_data *ld = page_linked_data(&s);
    struct group group = choose_group(&s, ld, schema, url_of(obs));
    *ret_n = 0;
    int max = group.n < max_rows ? group.n : max_rows;
    *ret_rows = pool_alloc(pool, sizeof(**ret_rows) * (size_t)(max + 1));
    for (int i = 0; i < group.n && *ret_n < max && !scene_worn_out(&s); i++) {
        struct extraction x;
        read_row(pool, &s, ld, group.members[i], schema, url_of(obs), &x);
        x.sponsored = page_card_sponsored(&s, group.members[i]);
        if (!positional_only(schema, x.values))
            (*ret_rows)[(*ret_n)++] = x;
    }
    if (scene_worn_out(&s) && !*ret_n)
        r = too_big(err);
out:
    pool_destroy(tmp);
    return r;
}
