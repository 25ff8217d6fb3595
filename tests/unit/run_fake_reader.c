/*
 * run_fake_reader.c - the reader of run_fakes.h: it takes what an element is from its data-kind.
 */
#include "unit/run_fakes.h"

#include <string.h>

#include "base/str.h"

enum list_status fake_list_status = LIST_OK;

static const char *kind_of(const struct node *n)
{
    const char *k = node_attr(n, "data-kind");
    return k ? k : "";
}

static struct target target_of(const struct observation *obs, int i)
{
    const struct node *n = &obs->page->nodes[i];
    const char *role = node_attr(n, "role");
    return (struct target){.at = {n->box.x + n->box.w / 2, n->box.y + n->box.h / 2},
                           .box = n->box,
                           .in_view = (n->flags & NODE_IN_VIEW) != 0,
                           .covered = (n->flags & NODE_COVERED) != 0,
                           .label = n->name,
                           .tag = n->tag,
                           .role = role ? role : "",
                           .node = i,
                           .confidence = 1};
}

static bool in_list(const char *const *list, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i], text))
            return true;
    return false;
}

static int by_kind(const struct observation *obs, const char *kind, const char *const *done,
                   int n_done, struct target *out, struct err *err)
{
    for (int i = 1; i < obs->page->n_nodes; i++)
        if (!strcmp(kind_of(&obs->page->nodes[i]), kind) &&
            !in_list(done, n_done, obs->page->nodes[i].name)) {
            *out = target_of(obs, i);
            return 0;
        }
    return err_set(err, E_NOT_FOUND, "no %s here", kind);
}

static bool avoided(const struct target_query *q, const struct node *n)
{
    for (int i = 0; i < q->n_avoid; i++)
        if (q->avoid[i].y >= n->box.y && q->avoid[i].y < n->box.y + n->box.h)
            return true;
    return false;
}

static int find(struct reader *r, struct pool *pool, const struct observation *obs,
                const struct target_query *q, struct target *out, struct err *err)
{
    const char *const none[] = {NULL}, *const *alias = q->aliases ? q->aliases : none;
    for (const char *label = q->label; label; label = *alias++)
        for (int i = 1; i < obs->page->n_nodes; i++) {
            const struct node *n = &obs->page->nodes[i];
            if (*n->tag != '#' && *label && str_contains_fold(n->name, label) && !avoided(q, n)) {
                *out = target_of(obs, i);
                return 0;
            }
        }
    return err_set(err, E_NOT_FOUND, "looked for '%s'", q->label);
}

static int find_next_page(struct reader *r, struct pool *pool, const struct observation *obs,
                          int page, struct target *out, struct err *err)
{
    return by_kind(obs, "next", NULL, 0, out, err);
}

static int find_more(struct reader *r, struct pool *pool, const struct observation *obs,
                     struct target *out, struct err *err)
{
    return by_kind(obs, "more", NULL, 0, out, err);
}

static int find_reveal(struct reader *r, struct pool *pool, const struct observation *obs,
                       const struct schema *s, const char *const *done, int n_done,
                       struct target *out, struct err *err)
{
    return by_kind(obs, "reveal", done, n_done, out, err);
}

static int find_dismiss(struct reader *r, struct pool *pool, const struct observation *obs,
                        struct target *out, struct err *err)
{
    return by_kind(obs, "overlay", NULL, 0, out, err);
}

static int list(struct reader *r, struct pool *pool, const struct observation *obs,
                const struct schema *s, int max, struct card **ret, int *ret_n,
                enum list_status *status, struct err *err)
{
    struct card *cards = pool_alloc(pool, sizeof(*cards) * (size_t)obs->page->n_nodes);
    int n = 0;
    if (strstr(obs->url, "/unheard"))
        return err_set(err, E_UPSTREAM, "the model answered 429");
    for (int i = 1; i < obs->page->n_nodes && n < max; i++) {
        const struct node *node = &obs->page->nodes[i];
        bool ad = !strcmp(kind_of(node), "ad");
        if (ad || !strcmp(kind_of(node), "card"))
            cards[n++] = (struct card){.title = node->name,
                                       .href = node->href,
                                       .target = target_of(obs, i),
                                       .sponsored = ad};
    }
    *ret = cards;
    *ret_n = n;
    *status = fake_list_status != LIST_OK ? fake_list_status : n ? LIST_OK : LIST_EMPTY;
    return 0;
}

static json_t *evidence_of(const struct observation *obs, const struct node *node)
{
    return json_pack("{s:s,s:s,s:[i,i,i,i]}", "url", obs->url, "method", "fake", "box", node->box.x,
                     node->box.y, node->box.w, node->box.h);
}

static int extract(struct reader *r, struct pool *pool, const struct observation *obs, int n_obs,
                   const struct schema *s, struct extraction *out, struct err *err)
{
    const struct observation *last = &obs[n_obs - 1];
    out->values = json_keep(pool, json_object());
    out->evidence = json_keep(pool, json_object());
    for (int i = 1; i < last->page->n_nodes; i++) {
        const char *kind = kind_of(&last->page->nodes[i]);
        if (!str_starts(kind, "field:"))
            continue;
        json_put_str(out->values, kind + 6, last->page->nodes[i].name);
        json_put(out->evidence, kind + 6, evidence_of(last, &last->page->nodes[i]));
    }
    return 0;
}

static int rows(struct reader *r, struct pool *pool, const struct observation *obs,
                const struct schema *s, int max, struct extraction **ret, int *ret_n,
                struct err *err)
{
    struct extraction *found = pool_alloc(pool, sizeof(*found) * (size_t)obs->page->n_nodes);
    int n = 0;
    for (int i = 1; i < obs->page->n_nodes && n < max; i++) {
        const struct node *node = &obs->page->nodes[i];
        if (strcmp(kind_of(node), "row") || !(node->flags & NODE_IN_VIEW))
            continue;
        found[n].values = json_keep(pool, json_object());
        found[n].evidence = json_keep(pool, json_object());
        json_put_str(found[n].values, "title", node->name);
        json_put(found[n].evidence, "title", evidence_of(obs, node));
        if (*node->href)
            json_put_str(found[n].values, "url", node->href);
        for (int f = 0; f < s->n_fields;
             f++) /* a price is there in the upper half of the view only */
            if (!strcmp(s->fields[f].name, "price") && node->box.y < FAKE_VIEW_H / 2)
                json_put_str(found[n].values, "price", "5");
        n++;
    }
    *ret = found;
    *ret_n = n;
    return 0;
}

static int visible(struct reader *r, struct pool *pool, const struct observation *obs,
                   const char *question, struct verdict *out, struct err *err)
{
    const char *open = strchr(question, '"'), *close = open ? strchr(open + 1, '"') : NULL;
    *out = (struct verdict){ANSWER_UNKNOWN, "no quoted text to look for"};
    if (!close)
        return 0;
    const char *text = pool_strndup(pool, open + 1, (size_t)(close - open - 1));
    bool there = str_contains_fold(page_text(pool, obs->page, 0, 65536), text);
    out->answer = there ? ANSWER_YES : ANSWER_NO;
    out->reason = pool_printf(pool, "'%s' is %s", text, there ? "there" : "not there");
    return 0;
}

static int navigated(struct reader *r, struct pool *pool, const struct observation *before,
                     const struct observation *after, const char *wanted, struct passage *out,
                     struct err *err)
{
    *out = (struct passage){ANSWER_UNKNOWN, "", "not asked for"};
    return 0;
}

static int shown_value(struct reader *r, struct pool *pool, const struct observation *obs,
                       const char *dropdown, const char **out, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "'%s' shows no value", dropdown);
}

static int no_reader(const char *argument, const struct reader_needs *needs, struct reader **out,
                     struct err *err)
{
    return err_set(err, E_UNSUPPORTED, "made by fake_reader() only");
}

static void keep_reader(struct reader *r)
{
}

struct reader *fake_reader(void)
{
    static const struct reader_driver driver = {.kind = "fake",
                                                .create = no_reader,
                                                .destroy = keep_reader,
                                                .find = find,
                                                .find_next_page = find_next_page,
                                                .find_more = find_more,
                                                .find_reveal = find_reveal,
                                                .find_dismiss = find_dismiss,
                                                .list = list,
                                                .extract = extract,
                                                .rows = rows,
                                                .visible = visible,
                                                .navigated = navigated,
                                                .shown_value = shown_value};
    static struct reader reader = {.driver = &driver};
    return &reader;
}
