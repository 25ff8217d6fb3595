/*
 * model_extract.c - values of one entity, or of every row, as a model reads them from screenshots.
 * What the page has read stays; a model fills in what is missing.
 */
#include <string.h>

#include "base/str.h"
#include "reader/model_reader.h"
#include "reader/page_parts.h"

#define VALUE_BYTES 8192 /* of one value */
#define METHOD      "model"
#define SPAM_TOLD   6
#define FLAG        "is_spam"

/* --- what is asked for ----------------------------------------------------------------------- */

static const char *const json_types[] = {[FIELD_STR] = "string",
                                         [FIELD_INT] = "integer",
                                         [FIELD_FLOAT] = "number",
                                         [FIELD_BOOL] = "boolean"};

/* 1. price (integer, REQUIRED), for example "1200" */
const char *model_fields_told(struct pool *pool, const struct schema *schema)
{
    const char *out = "";
    for (int i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        const char *example =
            *f->example ? pool_printf(pool, ", for example \"%s\"", f->example) : "";
        out = pool_printf(pool, "%s%s%d. %s (%s%s)%s", out, *out ? "\n" : "", i + 1, f->name,
                          json_types[f->type], f->required ? ", REQUIRED" : "", example);
    }
    return out;
}

const char *model_spam_told(struct pool *pool, const struct schema *schema)
{
    const char *list = "";
    for (int i = 0; i < SPAM_TOLD && schema->spam_indicators[i]; i++)
        list = pool_printf(pool, "%s%s\"%s\"", list, *list ? ", " : "", schema->spam_indicators[i]);
    return *list ? pool_printf(pool, "is_spam is true when it is %s: signs of that are %s.",
                               schema->spam_label, list)
                 : "is_spam is false.";
}

/* typed: as the model is told; else every value may be a text. */
static json_t *properties(const struct schema *schema, bool typed)
{
    json_t *o = json_object();
    for (int i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        json_put(o, f->name, json_pack("{s:s}", "type", typed ? json_types[f->type] : "string"));
    }
    return o;
}

static const json_t *entity_parameters(struct pool *pool, const struct schema *schema, bool typed)
{
    json_t *o = properties(schema, typed);
    json_put(o, FLAG, json_pack("{s:s}", "type", "boolean"));
    return json_keep(
        pool, json_pack("{s:s,s:o,s:[s]}", "type", "object", "properties", o, "required", FLAG));
}

static const json_t *rows_parameters(struct pool *pool, const struct schema *schema, int max,
                                     bool typed)
{
    json_t *row = json_pack("{s:s,s:o}", "type", "object", "properties", properties(schema, typed));
    json_t *rows = json_pack("{s:s,s:i,s:o}", "type", "array", "maxItems", max, "items", row);
    return json_keep(pool, json_pack("{s:s,s:{s:o},s:[s]}", "type", "object", "properties", "rows",
                                     rows, "required", "rows"));
}

/* --- what was read --------------------------------------------------------------------------- */

/* The first text with the value's whole words, in the newest look that has one. */
static const struct node *shown_by(struct pool *pool, const struct observation *obs, int n_obs,
                                   const char *value, int *ret_look)
{
    const char *wanted = str_squash(pool, value);
    for (int look = n_obs - 1; look >= 0; look--)
        for (int i = 0; obs[look].page && i < obs[look].page->n_nodes; i++) {
            const struct node *n = &obs[look].page->nodes[i];
            if ((n->flags & NODE_VISIBLE) && *n->text && str_contains_fold(n->text, wanted) &&
                str_has_words_fold(n->text, wanted)) {
                *ret_look = look;
                return n;
            }
        }
    return NULL;
}

void model_put_value(struct pool *pool, const struct observation *obs, int n_obs, const char *field,
                     const char *value, struct extraction *out)
{
    const char *text = str_cut(pool, value, VALUE_BYTES);
    int look = n_obs - 1;
    const struct node *n = shown_by(pool, obs, n_obs, text, &look);
    json_t *e = json_object();
    json_put(e, "url", json_string_safe(obs[look].url ? obs[look].url : ""));
    json_put_str(e, "method", METHOD);
    json_put(e, "text", json_string_safe(n ? str_cut(pool, n->text, VALUE_BYTES) : text));
    json_put(e, "box",
             n ? json_pack("[i,i,i,i]", n->box.x, n->box.y, n->box.w, n->box.h) : json_null());
    json_put_int(e, "look", look);
    json_put(out->values, field, json_string_safe(text));
    json_put(out->evidence, field, e);
}

static bool has_value(const struct extraction *x, const char *field)
{
    const char *v = json_str(x->values, field, "");
    return !schema_is_placeholder(v);
}

/* What x lacks and the answer has. */
static void take_values(struct pool *pool, const struct observation *obs, int n_obs,
                        const struct schema *schema, const json_t *answer, struct extraction *x)
{
    for (int i = 0; i < schema->n_fields; i++) {
        const char *name = schema->fields[i].name;
        const char *value = str_squash(pool, json_str(answer, name, ""));
        if (!has_value(x, name) && !schema_is_placeholder(value))
            model_put_value(pool, obs, n_obs, name, value, x);
    }
}

static struct extraction nothing(struct pool *pool)
{
    return (struct extraction){.values = json_keep(pool, json_object()),
                               .evidence = json_keep(pool, json_object()),
                               .spam_reason = ""};
}

static void flag_spam(const struct schema *schema, const json_t *answer, struct extraction *x)
{
    if (x->spam || !schema->spam_indicators[0] || !json_flag(answer, FLAG, false))
        return;
    x->spam = true;
    x->spam_reason = schema->spam_label;
}

/* --- one entity ------------------------------------------------------------------------------ */

static const struct observation *const *pointers(struct pool *pool, const struct observation *obs,
                                                 int n)
{
    const struct observation **out = pool_alloc(pool, sizeof(*out) * (size_t)n);
    for (int i = 0; i < n; i++)
        out[i] = &obs[i];
    return out;
}

static enum call_id call_for(const struct observation *obs, int n_obs)
{
    if (n_obs > 1)
        return CALL_EXTRACT_MULTI;
    return obs->page && obs->page->scroll_y > 0 ? CALL_EXTRACT_SCROLLED : CALL_EXTRACT;
}

static int ask(struct model_reader *m, struct pool *pool, const struct observation *obs, int n_obs,
               const struct schema *schema, struct look_answer *out, struct err *err)
{
    const struct prompt_value values[] = {
        {"ENTITY", schema->entity_name},
        {"FIELDS", model_fields_told(pool, schema)},
        {"SPAM", model_spam_told(pool, schema)},
    };
    const struct look_question q = {.call = call_for(obs, n_obs),
                                    .obs = pointers(pool, obs, n_obs),
                                    .n_obs = n_obs,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .parameters = entity_parameters(pool, schema, true),
                                    .reads_as = entity_parameters(pool, schema, false),
                                    .has_page = obs->page != NULL};
    return model_look(m, pool, &q, out, err);
}

/* Everything that is required is there; without any, something is. */
static bool is_enough(const struct schema *schema, const struct extraction *x)
{
    return !schema_missing(schema, x->values) && json_object_size(x->values);
}

int model_extract(struct reader *reader, struct pool *pool, const struct observation *obs,
                  int n_obs, const struct schema *schema, struct extraction *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct opinion page = {.had = obs[n_obs - 1].page != NULL};
    struct look_answer a;
    struct err why = {0};
    *out = nothing(pool);
    if (page.had) {
        page.r = page_extract(&m->page, pool, obs, n_obs, schema, out, &page.why);
        if (!page.r && is_enough(schema, out))
            return 0;
        if (page.r == E_NOT_FOUND || page.r == E_TOOBIG)
            *out = nothing(pool);
        else if (page.r)
            return err_set(err, page.r, "%s", page.why.msg);
    }
    int r = ask(m, pool, obs, n_obs, schema, &a, &why);
    if (!r) {
        take_values(pool, obs, n_obs, schema, a.input, out);
        flag_spam(schema, a.input, out);
        r = model_phone(m, pool, obs, n_obs, schema, out, &why);
        r = model_unheard(r) ? 0 : r; /* one number less is no failure */
    }
    if (r && page.had && !page.r && model_unheard(r))
        return 0; /* what the page gave stands */
    return opinion_end(&page, r, &why, err);
}

/* --- rows ------------------------------------------------------------------------------------ */

static int ask_rows(struct model_reader *m, struct pool *pool, const struct observation *obs,
                    const struct schema *schema, int max, struct look_answer *out, struct err *err)
{
    const struct prompt_value values[] = {
        {"ENTITY", schema->entity_name},
        {"FIELDS", model_fields_told(pool, schema)},
        {"MAX", pool_printf(pool, "%d", max)},
    };
    const struct look_question q = {.call = CALL_ROWS,
                                    .obs = &obs,
                                    .n_obs = 1,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .parameters = rows_parameters(pool, schema, max, true),
                                    .reads_as = rows_parameters(pool, schema, max, false),
                                    .has_page = obs->page != NULL};
    return model_look(m, pool, &q, out, err);
}

static void read_rows(struct pool *pool, const struct observation *obs, const struct schema *schema,
                      const json_t *rows, int max, struct extraction **ret_rows, int *ret_n)
{
    size_t i;
    json_t *row;
    *ret_n = 0;
    *ret_rows = pool_alloc(pool, sizeof(**ret_rows) * (json_array_size(rows) + 1));
    json_array_foreach ((json_t *)rows, i, row) {
        struct extraction x = nothing(pool);
        take_values(pool, obs, 1, schema, row, &x);
        if (json_object_size(x.values) && *ret_n < max)
            (*ret_rows)[(*ret_n)++] = x;
    }
}

int model_rows(struct reader *reader, struct pool *pool, const struct observation *obs,
               const struct schema *schema, int max_rows, struct extraction **ret_rows, int *ret_n,
               struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct opinion page = {.had = obs->page != NULL};
    struct look_answer a;
    struct err why = {0};
    if (page.had) {
        page.r = page_rows(&m->page, pool, obs, schema, max_rows, ret_rows, ret_n, &page.why);
        if (!page.r && *ret_n)
            return 0;
        if (page.r && page.r != E_NOT_FOUND && page.r != E_TOOBIG)
            return err_set(err, page.r, "%s", page.why.msg);
    }
    int r = ask_rows(m, pool, obs, schema, max_rows, &a, &why);
    if (!r)
        read_rows(pool, obs, schema, json_object_get(a.input, "rows"), max_rows, ret_rows, ret_n);
    if (r && page.had && !page.r && model_unheard(r))
        return 0; /* the page's "none" stands */
    return opinion_end(&page, r, &why, err);
}
