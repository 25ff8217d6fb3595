/*
 * model_list.c - the result cards of a page, as a model sees them: points and titles, and on a page
 * that can be read the link that stands there.
 */
#include <string.h>

#include "base/str.h"
#include "reader/model_reader.h"
#include "reader/page_parts.h"
#include "reader/words.h"

#define TITLE_BYTES  200
#define PAGE_BYTES   65536
#define MAX_LISTINGS 60 /* of one screenshot */

/* --- the page first -------------------------------------------------------------------------- */

/* It lists something, is blocked, or says itself that there is nothing. */
static bool page_is_sure(struct pool *pool, const struct observation *obs, enum list_status status)
{
    if (status != LIST_EMPTY)
        return true;
    return words_in(WORDS_NO_RESULTS, page_text(pool, obs->page, 0, PAGE_BYTES)) != NULL;
}

/* --- the answer ------------------------------------------------------------------------------ */

static bool excluded(const struct schema *schema, const char *title)
{
    for (const char *const *x = schema ? schema->card_exclusions : NULL; x && *x; x++)
        if (str_contains_fold(title, *x))
            return true;
    return false;
}

/* The target of the link that node lies in; "" none. */
static const char *link_at(const struct page *page, int node)
{
    for (; node >= 0; node = page->nodes[node].parent)
        if (*page->nodes[node].href)
            return page->nodes[node].href;
    return "";
}

static bool read_card(struct pool *pool, const struct observation *obs, const struct look_answer *a,
                      const json_t *item, const struct schema *schema, struct card *out)
{
    struct point at;
    const char *title = str_squash(pool, str_cut(pool, json_str(item, "title", ""), TITLE_BYTES));
    if (!json_flag(item, "is_organic", true) || !model_point(a, item, &at) ||
        excluded(schema, title))
        return false;
    *out = (struct card){.title = *title ? title : "unknown", .href = "", .text = ""};
    if (model_target(pool, obs, at, out->title, "click", &out->target, NULL))
        return false;
    if (obs->page)
        out->href = link_at(obs->page, out->target.node);
    out->target.label = out->title;
    return true;
}

static enum list_status status_of(const char *word)
{
    return !strcmp(word, "blocked") ? LIST_BLOCKED : !strcmp(word, "empty") ? LIST_EMPTY : LIST_OK;
}

static void read_list(struct pool *pool, const struct observation *obs, const struct look_answer *a,
                      const struct schema *schema, int max_cards, struct card **ret_cards,
                      int *ret_n, enum list_status *ret_status)
{
    const json_t *items = json_object_get(a->input, "listings");
    struct card *cards = pool_alloc(pool, sizeof(*cards) * (json_array_size(items) + 1));
    size_t i;
    json_t *item;
    *ret_n = 0;
    *ret_cards = cards;
    *ret_status = status_of(json_str(a->input, "status", "ok"));
    if (*ret_status == LIST_BLOCKED)
        return;
    json_array_foreach ((json_t *)items, i, item)
        if (*ret_n < max_cards && read_card(pool, obs, a, item, schema, &cards[*ret_n]))
            (*ret_n)++;
    *ret_status = *ret_n ? LIST_OK : LIST_EMPTY;
}

static int ask(struct model_reader *m, struct pool *pool, const struct observation *obs,
               const struct schema *schema, struct look_answer *out, struct err *err)
{
    const struct prompt_value values[] = {
        {"ENTITY", schema ? schema->entity_name : "result"},
        {"MAX", pool_printf(pool, "%d", MAX_LISTINGS)},
    };
    const struct look_question q = {.call = CALL_LISTINGS,
                                    .obs = &obs,
                                    .n_obs = 1,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .has_page = obs->page != NULL};
    return model_look(m, pool, &q, out, err);
}

int model_list(struct reader *reader, struct pool *pool, const struct observation *obs,
               const struct schema *schema, int max_cards, struct card **ret_cards, int *ret_n,
               enum list_status *ret_status, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct look_answer a;
    if (obs->page) {
        int r =
            page_list(&m->page, pool, obs, schema, max_cards, ret_cards, ret_n, ret_status, err);
        if (r || page_is_sure(pool, obs, *ret_status))
            return r;
    }
    struct err why = {0};
    int r = ask(m, pool, obs, schema, &a, &why);
    if (r && obs->page && model_unheard(r))
        return 0; /* the page's "empty" stands */
    if (r)
        return err_set(err, r, "%s", why.msg);
    read_list(pool, obs, &a, schema, max_cards, ret_cards, ret_n, ret_status);
    return 0;
}
