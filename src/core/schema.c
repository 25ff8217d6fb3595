#include "core/schema.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"

#define SCHEMA_MAX_FIELDS 100
#define SCHEMA_MAX_LIST   500 /* entries of one indicator or control list */

static const struct {
    const char *name;
    enum field_type type;
} type_names[] = {
    {"str", FIELD_STR},     {"string", FIELD_STR},   {"text", FIELD_STR},
    {"url", FIELD_STR},     {"int", FIELD_INT},      {"integer", FIELD_INT},
    {"float", FIELD_FLOAT}, {"number", FIELD_FLOAT}, {"double", FIELD_FLOAT},
    {"bool", FIELD_BOOL},   {"boolean", FIELD_BOOL},
};

/* agent-loop.md 14.3 */
static const char *const placeholders[] = {
    "",   "unknown",     "<unknown>", "none",          "n/a",
    "na", "not visible", "not shown", "not available", "tbd",
};

/* Further ones that name no row. */
static const char *const row_placeholders[] = {
    "null", "nil", "-", "--", "\xE2\x80\x94", "?", "??", "untitled", "no name", "unnamed",
};

/* plans.md 8.10 */
static const char *const positional[] = {
    "rank", "index", "position", "pos",     "row", "rownum",   "row_num", "number",
    "num",  "no",    "order",    "ordinal", "seq", "sequence", "#",
};

static bool in_list(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_fold(list[i], word))
            return true;
    return false;
}

static bool is_one_of(const char *const *list, size_t n, const char *value)
{
    struct pool *tmp = pool_create(NULL);
    bool is = in_list(list, n, str_squash(tmp, value));
    pool_destroy(tmp);
    return is;
}

bool schema_is_placeholder(const char *value)
{
    return !value || is_one_of(placeholders, ARRAY_SIZE(placeholders), value);
}

bool schema_is_row_placeholder(const char *value)
{
    return schema_is_placeholder(value) ||
           is_one_of(row_placeholders, ARRAY_SIZE(row_placeholders), value);
}

bool schema_is_positional(const char *field_name)
{
    return in_list(positional, ARRAY_SIZE(positional), field_name);
}

/* --- reading --------------------------------------------------------------------------------- */

/* "sale_price" -> "Sale Price" */
static char *label_of(struct pool *pool, const char *name)
{
    char *label = str_lower(pool, name);
    bool start = true;
    for (char *p = label; *p; p++) {
        if (*p == '_')
            *p = ' ';
        if (start)
            *p = (char)toupper((unsigned char)*p);
        start = *p == ' ';
    }
    return label;
}

static int parse_type(const char *name, enum field_type *out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(type_names); i++)
        if (str_eq_fold(type_names[i].name, name)) {
            *out = type_names[i].type;
            return 0;
        }
    return err_set(err, E_INVALID, "type '%.40s' is not one of str, int, float, bool", name);
}

/* The text of a string, number or boolean; NULL for anything else. */
static const char *scalar_text(struct pool *pool, const json_t *v)
{
    if (json_is_string(v))
        return json_string_value(v);
    return json_is_number(v) || json_is_boolean(v) ? json_text(pool, v) : NULL;
}

/* One field: an object, or just its name. Leaves name NULL when there is nothing usable. */
static int parse_field(struct pool *pool, const json_t *json, struct field *out, struct err *err)
{
    const char *name = json_is_string(json) ? json_string_value(json) : NULL, *type = "str";
    bool required = true;
    *out = (struct field){.example = ""};
    if (!name && !json_is_object(json))
        return err_set(err, E_INVALID, "must be an object with a name");
    if (!name &&
        (json_read_string(json, "name", &name, err) || json_read_string(json, "type", &type, err) ||
         json_read_bool(json, "required", &required, err)))
        return E_INVALID;
    if (str_empty(name))
        return 0;
    if (parse_type(type, &out->type, err))
        return E_INVALID;
    const char *example = scalar_text(pool, json_object_get(json, "example"));
    out->name = str_squash(pool, name);
    out->label = label_of(pool, out->name);
    out->example = example ? pool_strdup(pool, example) : "";
    out->required = required;
    return 0;
}

static int parse_fields(struct pool *pool, const json_t *json, struct schema *s, struct err *err)
{
    const json_t *fields = json_object_get(json, "fields");
    if (!fields || json_is_null(fields))
        return 0;
    if (!json_is_array(fields))
        return err_set(err, E_INVALID, "fields must be a list");
    size_t n = json_array_size(fields);
    if (n > SCHEMA_MAX_FIELDS)
        return err_set(err, E_INVALID, "fields holds %zu, at most %d are allowed", n,
                       SCHEMA_MAX_FIELDS);
    s->fields = pool_alloc(pool, sizeof(*s->fields) * (n + 1));
    for (size_t i = 0; i < n; i++) {
        struct field f;
        if (parse_field(pool, json_array_get(fields, i), &f, err))
            return err_prefix(err, "fields[%zu]", i);
        bool seen = !f.name;
        for (int k = 0; k < s->n_fields && !seen; k++)
            seen = strcmp(s->fields[k].name, f.name) == 0;
        if (!seen)
            s->fields[s->n_fields++] = f;
    }
    return 0;
}

/* A list of strings; one string counts as a list of one. Empty entries are left out. */
static int parse_list(struct pool *pool, const json_t *json, const char *key,
                      const char *const **out, struct err *err)
{
    const json_t *v = json_object_get(json, key);
    size_t n = json_is_string(v) ? 1 : json_array_size(v), o = 0;
    if (v && !json_is_null(v) && !json_is_array(v) && !json_is_string(v))
        return err_set(err, E_INVALID, "%s must be a list of strings", key);
    if (n > SCHEMA_MAX_LIST)
        return err_set(err, E_INVALID, "%s holds %zu, at most %d are allowed", key, n,
                       SCHEMA_MAX_LIST);
    const char **list = pool_alloc(pool, sizeof(*list) * (n + 1));
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_string(v) ? v : json_array_get(v, i);
        if (!json_is_string(item))
            return err_set(err, E_INVALID, "%s[%zu] must be a string", key, i);
        if (!str_empty(json_string_value(item)))
            list[o++] = str_squash(pool, json_string_value(item));
    }
    *out = list;
    return 0;
}

static bool is_field(const struct schema *s, const char *name)
{
    for (int i = 0; i < s->n_fields; i++)
        if (str_eq_fold(s->fields[i].name, name))
            return true;
    return false;
}

/* A list of fields; names that are none are left out. */
static int parse_field_list(struct pool *pool, const json_t *json, const char *key,
                            const struct schema *s, const char *const **out, struct err *err)
{
    const char *const *given;
    size_t n = 0, o = 0;
    int r = parse_list(pool, json, key, &given, err);
    if (r)
        return r;
    while (given[n])
        n++;
    const char **list = pool_alloc(pool, sizeof(*list) * (n + 1));
    for (size_t i = 0; i < n; i++)
        if (is_field(s, given[i]))
            list[o++] = given[i];
    *out = list;
    return 0;
}

/* required_fields, when given, decides alone. Names that are no field are ignored. */
static int apply_required(struct pool *pool, const json_t *json, struct schema *s, struct err *err)
{
    const char *const *names;
    if (parse_list(pool, json, "required_fields", &names, err))
        return E_INVALID;
    if (!json_is_array(json_object_get(json, "required_fields")))
        return 0;
    for (int i = 0; i < s->n_fields; i++) {
        size_t n = 0;
        while (names[n])
            n++;
        s->fields[i].required = in_list(names, n, s->fields[i].name);
    }
    return 0;
}

/* "skip", "halt", "extract_more"; absent: the step fails. */
static int parse_rejection(const json_t *intents, const char *key, enum rejection *out,
                           struct err *err)
{
    static const char *const names[] = {[REJECTION_FAIL] = "",
                                        [REJECTION_SKIP] = "skip",
                                        [REJECTION_HALT] = "halt",
                                        [REJECTION_MORE] = "extract_more"};
    const char *given = "";
    int r = json_read_string(intents, key, &given, err);
    if (r)
        return err_prefix(err, "rejection_intents");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(names[i], given)) {
            *out = (enum rejection)i;
            return 0;
        }
    return err_set(err, E_INVALID,
                   "rejection_intents: '%s' must be skip, halt or extract_more, not '%.40s'", key,
                   given);
}

static int parse_rejections(const json_t *json, struct schema *s, struct err *err)
{
    const json_t *intents = json_object_get(json, "rejection_intents");
    if (!intents || json_is_null(intents))
        return 0;
    if (!json_is_object(intents))
        return err_set(err, E_INVALID, "rejection_intents must be an object");
    int r = parse_rejection(intents, "dealer", &s->on_spam, err);
    return r ? r : parse_rejection(intents, "incomplete_required", &s->on_incomplete, err);
}

int schema_parse(struct pool *pool, const json_t *json, struct schema **out, struct err *err)
{
    *out = NULL;
    if (!json || json_is_null(json))
        return 0;
    if (!json_is_object(json))
        return err_set(err, E_INVALID, "extraction schema must be an object");
    struct schema *s = pool_alloc(pool, sizeof(*s));
    const char *entity = "item", *spam_label = "non-organic";
    int64_t max_items = 0;
    if (parse_fields(pool, json, s, err) || apply_required(pool, json, s, err) ||
        json_read_string(json, "entity_name", &entity, err) ||
        json_read_string(json, "spam_label", &spam_label, err) ||
        json_read_int(json, "max_items", &max_items, err) ||
        parse_list(pool, json, "spam_indicators", &s->spam_indicators, err) ||
        parse_list(pool, json, "spam_seller_indicators", &s->spam_seller_indicators, err) ||
        parse_list(pool, json, "forbidden_controls", &s->forbidden_controls, err) ||
        parse_list(pool, json, "allowed_controls", &s->allowed_controls, err) ||
        parse_list(pool, json, "listing_card_exclusions", &s->card_exclusions, err) ||
        parse_field_list(pool, json, "tile_required_fields", s, &s->tile_required, err) ||
        parse_field_list(pool, json, "tile_carry_fields", s, &s->tile_carry, err) ||
        parse_rejections(json, s, err))
        return err_prefix(err, "extraction schema");
    if (max_items < 0 || max_items > CAP_ROWS)
        return err_set(err, E_INVALID, "extraction schema: max_items must be 0..%d", CAP_ROWS);
    s->entity_name = pool_strdup(pool, str_empty(entity) ? "item" : entity);
    s->spam_label = pool_strdup(pool, spam_label);
    s->max_items = (int)max_items;
    *out = s->n_fields ? s : NULL;
    return 0;
}

/* --- what is probably a mistake ------------------------------------------------------------------
 */

static const char *field_name(const json_t *field)
{
    return json_is_string(field) ? json_string_value(field) : json_str(field, "name", "");
}

static bool has_field(const json_t *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_fold(field_name(json_array_get(fields, i)), name))
            return true;
    return false;
}

int schema_check_names(const json_t *json, const char *prefix, struct err *err)
{
    static const char *const keys[] = {"required_fields", "tile_required_fields",
                                       "tile_carry_fields"};
    const json_t *fields = json_object_get(json, "fields"), *item;
    size_t n = json_array_size(fields), i;
    json_array_foreach (fields, i, item)
        if (has_field(fields, i, field_name(item)))
            return err_set(err, E_INVALID, "'%sfields[%zu]': there is another field '%.60s'",
                           prefix, i, field_name(item));
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        const json_t *list = json_object_get(json, keys[k]);
        if (list && !json_is_null(list) && !json_is_array(list))
            return err_set(err, E_INVALID, "'%s%s' must be a list of strings", prefix, keys[k]);
        json_array_foreach (list, i, item) {
            if (!json_is_string(item))
                return err_set(err, E_INVALID, "'%s%s[%zu]' must be a string", prefix, keys[k], i);
            if (!has_field(fields, n, json_string_value(item)))
                return err_set(err, E_INVALID, "'%s%s[%zu]' names '%.60s', which is no field",
                               prefix, keys[k], i, json_string_value(item));
        }
    }
    return 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

static bool is_unknown(const json_t *values, const char *name)
{
    const json_t *v = json_object_get(values, name);
    return !v || json_is_null(v) ||
           (json_is_string(v) && schema_is_placeholder(json_string_value(v)));
}

const char *schema_missing(const struct schema *schema, const json_t *values)
{
    for (int i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required && is_unknown(values, schema->fields[i].name))
            return schema->fields[i].name;
    return NULL;
}

const char *schema_missing_tile(const struct schema *schema, const json_t *values)
{
    if (!*schema->tile_required)
        return schema_missing(schema, values);
    for (const char *const *name = schema->tile_required; *name; name++)
        if (is_unknown(values, *name))
            return *name;
    return NULL;
}

bool schema_flagged_spam(const json_t *values)
{
    static const char *const flags[] = {"is_spam", "is_dealer"};
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        const json_t *v = json_object_get(values, flags[i]);
        if (json_is_true(v) || (json_is_string(v) && str_switch(json_string_value(v)) == 1))
            return true;
    }
    return false;
}

/* --- a plan over a recipe ------------------------------------------------------------------------
 */

/* Strings of both, each once; a string alone is a list of one. NULL: neither has any. */
static json_t *joined(const json_t *a, const json_t *b)
{
    const json_t *both[] = {a, b};
    json_t *out = json_array();
    for (size_t k = 0; k < ARRAY_SIZE(both); k++) {
        size_t n = json_is_string(both[k]) ? 1 : json_array_size(both[k]);
        for (size_t i = 0; i < n; i++) {
            json_t *v = json_is_string(both[k]) ? (json_t *)both[k] : json_array_get(both[k], i);
            if (!json_is_string(v) || !json_holds(out, json_string_value(v)))
                json_array_append(out, v);
        }
    }
    return out;
}

const json_t *schema_overlay(struct pool *pool, const json_t *plan, const json_t *recipe)
{
    static const char *const lists[] = {"spam_indicators",      "spam_seller_indicators",
                                        "forbidden_controls",   "allowed_controls",
                                        "tile_required_fields", "tile_carry_fields",
                                        "listing_card_exclusions"};
    if (!json_is_object(plan) || !json_is_object(recipe))
        return json_is_object(plan) ? plan : json_is_object(recipe) ? recipe : NULL;
    bool own_fields = json_array_size(json_object_get(plan, "fields")) > 0;
    json_t *out = json_keep(pool, json_copy((json_t *)recipe));
    if (own_fields)
        json_object_del(out, "required_fields"); /* they speak of the recipe's fields */
    json_object_update(out, (json_t *)plan);
    if (!own_fields)
        json_object_set(out, "fields", json_object_get(recipe, "fields"));
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        if (json_object_get(out, lists[i]))
            json_put(out, lists[i],
                     joined(json_object_get(plan, lists[i]), json_object_get(recipe, lists[i])));
    json_t *intents = json_object_get(recipe, "rejection_intents");
    if (json_is_object(intents)) {
        json_t *merged = json_copy(intents);
        json_object_update(merged, json_object_get(plan, "rejection_intents"));
        json_put(out, "rejection_intents", merged);
    }
    return out;
}

/* A value as a lead shows it: no '|' of its own, which would end the field. */
static const char *lead_value(struct pool *pool, const json_t *v)
{
    const char *text = v ? scalar_text(pool, v) : NULL;
    char *one_line = str_squash(pool, text ? text : "");
    for (char *p = one_line; (p = strchr(p, '|'));)
        *p = '/';
    return one_line;
}

char *schema_lead(struct pool *pool, const struct schema *schema, const json_t *values)
{
    struct buf b;
    buf_init(&b, CAP_HTTP_BODY_BYTES);
    buf_adds(&b, "VIABLE");
    for (int i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        const char *value = lead_value(pool, json_object_get(values, f->name));
        if (!*value && strcmp(f->name, "phone") == 0)
            value = "none";
        if (*value)
            buf_addf(&b, " | %s: %s", f->label, value);
    }
    char *out = pool_strdup(pool, b.data);
    buf_release(&b);
    return out;
}
