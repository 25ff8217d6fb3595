/*
 * model_phone.c - a telephone number that was not read is looked for again: first which screenshots
 * show the description, then the number in those, as sharp as they can be sent. It counts only with
 * a quote from the page that holds its digits (brains.md section 10).
 */
#include <string.h>

#include "base/str.h"
#include "reader/fields.h"
#include "reader/model_reader.h"

#define QUALITY    95
#define MIN_DIGITS 7

/* The first field for a phone that has no value; NULL: none. */
static const char *missing_phone(struct pool *pool, const struct schema *schema,
                                 const struct extraction *x)
{
    for (int i = 0; i < schema->n_fields; i++)
        if (field_meaning(pool, &schema->fields[i]) == MEANS_PHONE &&
            schema_is_placeholder(json_str(x->values, schema->fields[i].name, "")))
            return schema->fields[i].name;
    return NULL;
}

/* Those that show a description; all of them when nobody knows. */
static int choose(struct model_reader *m, struct pool *pool, const struct observation *obs,
                  int n_obs, const char *entity, const struct observation **out, int *ret_n,
                  struct err *err)
{
    const struct prompt_value values[] = {{"ENTITY", entity}};
    const struct observation **all = pool_alloc(pool, sizeof(*all) * (size_t)n_obs);
    struct look_answer a;
    size_t i;
    json_t *v;
    int r = 0, first = n_obs > CALL_IMAGES ? n_obs - CALL_IMAGES : 0;
    for (int k = 0; k < n_obs; k++)
        all[k] = &obs[k];
    const struct look_question q = {.call = CALL_DESCRIPTION,
                                    .obs = all,
                                    .n_obs = n_obs,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .has_page = obs->page != NULL};
    if (n_obs > 1)
        r = model_look(m, pool, &q, &a, err);
    if (r)
        return r;
    *ret_n = 0;
    json_array_foreach (n_obs > 1 ? json_object_get(a.input, "indices") : NULL, i, v) {
        int k = first + (int)json_number_value(v) - 1; /* they are counted from 1 */
        if (k >= first && k < n_obs && *ret_n < n_obs)
            out[(*ret_n)++] = &obs[k];
    }
    if (!*ret_n) {
        memcpy(out, all, sizeof(*all) * (size_t)n_obs);
        *ret_n = n_obs;
    }
    return 0;
}

static const char *digits_of(struct pool *pool, const char *text)
{
    char *out = pool_strdup(pool, text), *to = out;
    for (const char *p = text; *p; p++)
        if (*p >= '0' && *p <= '9')
            *to++ = *p;
    *to = 0;
    return out;
}

static bool is_quoted(struct pool *pool, const char *phone, const char *quote)
{
    const char *digits = digits_of(pool, phone);
    return strlen(digits) >= MIN_DIGITS && strstr(digits_of(pool, quote), digits);
}

static int ask_phone(struct model_reader *m, struct pool *pool,
                     const struct observation *const *obs, int n_obs, const char *entity,
                     struct look_answer *out, struct err *err)
{
    const struct prompt_value values[] = {{"ENTITY", entity}};
    const struct look_question q = {.call = CALL_PHONE,
                                    .obs = obs,
                                    .n_obs = n_obs,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .quality = QUALITY,
                                    .has_page = obs[0]->page != NULL};
    return model_look(m, pool, &q, out, err);
}

int model_phone(struct model_reader *m, struct pool *pool, const struct observation *obs, int n_obs,
                const struct schema *schema, struct extraction *x, struct err *err)
{
    const char *field = m->needs.phone_once ? NULL : missing_phone(pool, schema, x);
    const struct observation **chosen = pool_alloc(pool, sizeof(*chosen) * (size_t)n_obs);
    struct look_answer a;
    int n;
    if (!field)
        return 0;
    int r = choose(m, pool, obs, n_obs, schema->entity_name, chosen, &n, err);
    if (!r)
        r = ask_phone(m, pool, chosen, n, schema->entity_name, &a, err);
    if (r)
        return r;
    const char *phone = str_squash(pool, json_str(a.input, "phone", ""));
    if (is_quoted(pool, phone, json_str(a.input, "context_quote", "")))
        model_put_value(pool, obs, n_obs, field, phone, x);
    return 0;
}
