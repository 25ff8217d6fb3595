/*
 * tenant_keys.c - the keys document of tenancy.md section 3.
 *
 * One entry's mistake costs that entry only: a file with one typing error must neither let a caller
 * do more than was meant nor lock the others out. What concerns all of them (defaults,
 * schema_version, the shape of the whole) refuses the document, and whoever read it keeps the one
 * it had.
 */
#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "core/run.h"
#include "core/tenant_priv.h"

#define SCHEMA_VERSION 1
#define HASH_PREFIX    "sha256:"
#define SHORT_TOKEN    16 /* fewer characters than that can be guessed */
#define WHO_BYTES      120
#define CLEAN_ID_BYTES (CAP_TENANT_ID_BYTES + 2)
#define MICROSECONDS   1000000

struct reader {
    struct pool *pool;
    struct tenant_entry defaults;
    struct tenant_set *set;
    json_t *hashes; /* hex hash -> true, of the entries taken */
    json_t *ids;    /* directory name -> the tenant_id it was made of */
    const char **warnings;
    size_t n_warnings;
    char who[WHO_BYTES]; /* the entry that is being read, as a person is told */
};

struct field;
/* The value is there and not null. */
typedef int field_fn(struct reader *rd, const struct field *field, const json_t *value, void *out,
                     struct err *err);

struct field {
    const char *name;
    field_fn *read;
    size_t offset; /* into struct tenant_entry */
    double min, max;
};

static void warn(struct reader *rd, const char *text)
{
    if (rd->n_warnings == CAP_TENANT_WARNINGS)
        text = "further entries have mistakes too";
    if (rd->n_warnings <= CAP_TENANT_WARNINGS)
        rd->warnings[rd->n_warnings++] = text;
}

/* --- one value -------------------------------------------------------------------------------- */

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

static int wrong_kind(const struct field *field, const json_t *value, const char *wanted,
                      struct err *err)
{
    return err_set(err, E_INVALID, "'%s' takes %s, not %s", field->name, wanted, kind_of(value));
}

static int read_flag(struct reader *rd, const struct field *field, const json_t *value, void *out,
                     struct err *err)
{
    if (!json_is_boolean(value))
        return wrong_kind(field, value, "true or false", err);
    *(bool *)out = json_is_true(value);
    return 0;
}

static int read_number(struct reader *rd, const struct field *field, const json_t *value, void *out,
                       struct err *err)
{
    if (!json_is_number(value))
        return wrong_kind(field, value, "a number", err);
    double number = json_number_value(value);
    if (!(number >= field->min && number <= field->max))
        return err_set(err, E_INVALID, "'%s' takes a number from %g to %g, not %g", field->name,
                       field->min, field->max, number);
    *(double *)out = number;
    return 0;
}

static int read_whole(struct reader *rd, const struct field *field, const json_t *value, void *out,
                      struct err *err)
{
    double number = 0;
    int r = read_number(rd, field, value, &number, err);
    if (!r && number != floor(number))
        r = err_set(err, E_INVALID, "'%s' takes a whole number, not %g", field->name, number);
    if (!r)
        *(int *)out = (int)number;
    return r;
}

static int read_text(struct reader *rd, const struct field *field, const json_t *value, void *out,
                     struct err *err)
{
    if (!json_is_string(value))
        return wrong_kind(field, value, "a string", err);
    if (json_string_length(value) > CAP_TENANT_TEXT_BYTES)
        return err_set(err, E_INVALID, "'%s' is longer than %d bytes", field->name,
                       CAP_TENANT_TEXT_BYTES);
    *(const char **)out = pool_strdup(rd->pool, json_string_value(value));
    return 0;
}

/* A name below the secrets directory (tenancy.md section 1): it must not lead out of it. */
static int read_secret_name(struct reader *rd, const struct field *field, const json_t *value,
                            void *out, struct err *err)
{
    int r = read_text(rd, field, value, out, err);
    const char *name = r ? "" : *(const char **)out;
    if (!*name || id_is_file_name(name))
        return r;
    return err_set(err, E_INVALID,
                   "'%s' is the name of a file in the secrets directory: no '/', no control "
                   "characters, no '.' in front",
                   field->name);
}

static int read_time(struct reader *rd, const struct field *field, const json_t *value, void *out,
                     struct err *err)
{
    if (json_is_number(value)) {
        double seconds = json_number_value(value);
        if (seconds >= 0 && seconds <= 253402300799.0) { /* the year 9999 */
            *(int64_t *)out = (int64_t)(seconds * MICROSECONDS);
            return 0;
        }
    }
    if (json_is_string(value) && clock_parse_iso(json_string_value(value), out))
        return 0;
    return err_set(err, E_INVALID,
                   "'%s' takes a time like '2026-03-04T05:06:07Z' or seconds since 1970",
                   field->name);
}

/* --- lists ------------------------------------------------------------------------------------ */

static int check_list(const struct field *field, const json_t *value, struct err *err)
{
    size_t i;
    const json_t *item;
    if (!json_is_array(value))
        return wrong_kind(field, value, "a list of strings", err);
    if (json_array_size(value) > CAP_TENANT_DOMAINS)
        return err_set(err, E_INVALID, "'%s' has more than %d items", field->name,
                       CAP_TENANT_DOMAINS);
    json_array_foreach (value, i, item)
        if (!json_is_string(item) || json_string_length(item) > CAP_TENANT_TEXT_BYTES)
            return err_set(err, E_INVALID, "item %zu of '%s' is not a string of at most %d bytes",
                           i + 1, field->name, CAP_TENANT_TEXT_BYTES);
    return 0;
}

static int read_scopes(struct reader *rd, const struct field *field, const json_t *value, void *out,
                       struct err *err)
{
    unsigned granted = 0;
    size_t i;
    const json_t *item;
    int r = check_list(field, value, err);
    if (r)
        return r;
    json_array_foreach (value, i, item) {
        enum scope scope;
        if (scope_parse(json_string_value(item), &scope))
            granted |= scope;
        else
            warn(rd, pool_printf(rd->pool,
                                 "%s: there is no scope '%.40s'; known are run, status, "
                                 "result, logs",
                                 rd->who, json_string_value(item)));
    }
    *(unsigned *)out = granted;
    return 0;
}

static const char **copy_list(struct reader *rd, const json_t *value)
{
    size_t n = json_array_size(value);
    const char **list = pool_alloc(rd->pool, (n + 1) * sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = str_lower(rd->pool, json_string_value(json_array_get(value, i)));
    return list;
}

static bool is_host_pattern(const char *pattern)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    const char *host = str_starts(pattern, "*.") ? pattern + 2 : pattern;
    return *host && host[strspn(host, allowed)] == 0;
}

/* A pattern that is no host stays: dropping the last one would open the whole web. */
static int read_domains(struct reader *rd, const struct field *field, const json_t *value,
                        void *out, struct err *err)
{
    int r = check_list(field, value, err);
    if (r)
        return r;
    const char **list = copy_list(rd, value);
    for (const char **item = list; *item; item++) {
        size_t len = strlen(*item);
        if (len && (*item)[len - 1] == '.')
            *item = pool_strndup(rd->pool, *item, len - 1);
        if (!is_host_pattern(*item))
            warn(rd, pool_printf(rd->pool, "%s: '%.80s' in '%s' is not a host and matches nothing",
                                 rd->who, *item, field->name));
    }
    *(const char *const **)out = list;
    return 0;
}

static int read_events(struct reader *rd, const struct field *field, const json_t *value, void *out,
                       struct err *err)
{
    enum run_state state;
    int r = check_list(field, value, err);
    if (r)
        return r;
    const char **list = copy_list(rd, value);
    for (const char **item = list; *item; item++)
        if (!run_state_parse(*item, &state))
            return err_set(err, E_INVALID, "'%.40s' in '%s' is not a status of a run", *item,
                           field->name);
    *(const char *const **)out = list;
    return 0;
}

/* --- one entry -------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct tenant_entry, member)
#define CENT_SPLIT 0.000001 /* above zero: a cap of nothing would read as no cap */

/* clang-format off */
static const struct field fields[] = {
    {"label", read_text, AT(tenant.label), 0, 0},
    {"scopes", read_scopes, AT(tenant.scopes), 0, 0},
    {"max_concurrent_runs", read_whole, AT(tenant.max_concurrent_runs), 1, 1e6},
    {"max_cost_per_run", read_number, AT(tenant.max_cost_per_run), CENT_SPLIT, 1e9},
    {"max_cost_per_day", read_number, AT(tenant.max_cost_per_day), 0, 1e9},
    {"max_time_minutes_per_run", read_whole, AT(tenant.max_time_minutes_per_run), 1, 1e6},
    {"rate_limit_per_minute", read_whole, AT(tenant.rate_limit_per_minute), -1e6, 1e6},
    {"anthropic_secret_name", read_secret_name, AT(tenant.anthropic_secret_name), 0, 0},
    {"anthropic_required", read_flag, AT(tenant.anthropic_required), 0, 0},
    {"allowed_domains", read_domains, AT(tenant.allowed_domains), 0, 0},
    {"webhook_url", read_text, AT(tenant.webhook_url), 0, 0},
    {"webhook_secret_name", read_secret_name, AT(tenant.webhook_secret_name), 0, 0},
    {"webhook_events", read_events, AT(tenant.webhook_events), 0, 0},
    {"disabled", read_flag, AT(disabled), 0, 0},
    {"not_before", read_time, AT(not_before_us), 0, 0},
    {"expires_at", read_time, AT(expires_at_us), 0, 0},
};
/* clang-format on */

static bool is_field(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return strcmp(name, "tenant_id") == 0;
}

/* A later version's fields are taken, but a typing mistake in a limit means no limit. */
static void warn_about_fields(struct reader *rd, const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)object, name, value)
        if (!is_field(name) && *name != '_')
            warn(rd, pool_printf(rd->pool,
                                 "%s: there is no field '%.40s'; it is ignored, and what it was "
                                 "meant to set keeps its default",
                                 rd->who, name));
}

static bool is_list(const struct field *field)
{
    return field->read == read_scopes || field->read == read_domains || field->read == read_events;
}

/* null: an empty list, or the value that is there already. */
static int read_fields(struct reader *rd, const json_t *object, struct tenant_entry *out,
                       struct err *err)
{
    json_t *empty = json_array();
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(fields); i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (json_is_null(value))
            value = is_list(&fields[i]) ? empty : NULL;
        if (value)
            r = fields[i].read(rd, &fields[i], value, (char *)out + fields[i].offset, err);
    }
    json_decref(empty);
    if (!r)
        warn_about_fields(rd, object);
    return r;
}

static int read_hash(const char *token, struct token_hash *out, struct err *err)
{
    unsigned char md[ID_SHA256_BYTES];
    const char *hex = token + strlen(HASH_PREFIX);
    if (strlen(hex) != 2 * sizeof(md) || strspn(hex, "0123456789abcdefABCDEF") != 2 * sizeof(md))
        return err_set(err, E_INVALID, "its key is not '" HASH_PREFIX "' and 64 hex digits");
    for (size_t i = 0; i < sizeof(md); i++)
        sscanf(hex + 2 * i, "%2hhx", &md[i]);
    memcpy(out->words, md, sizeof(md));
    return 0;
}

/* A header carries only visible ASCII without blanks around it: another token could never come. */
static int read_token(struct reader *rd, const char *token, struct token_hash *out, struct err *err)
{
    size_t len = strlen(token);
    if (str_starts(token, HASH_PREFIX))
        return read_hash(token, out, err);
    if (!len || len > CAP_TOKEN_BYTES)
        return err_set(err, E_INVALID, "its token has %zu bytes; it takes 1 to %d", len,
                       CAP_TOKEN_BYTES);
    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return err_set(err, E_INVALID, "its token has blanks or characters outside ASCII");
    if (len < SHORT_TOKEN)
        warn(rd, pool_printf(rd->pool,
                             "%s: its token is so short that it can be guessed; `mantis "
                             "tenant rotate` makes a better one",
                             rd->who));
    *out = tenant_token_hash(token);
    return 0;
}

static bool has_letter(const char *id)
{
    while (*id && !isalnum((unsigned char)*id))
        id++;
    return *id;
}

/* Directories and profile ids are named after the tenant, so it goes by a name that is fit for
 * that. */
static int read_id(struct reader *rd, const json_t *entry, const char **out, struct err *err)
{
    const json_t *value = json_object_get(entry, "tenant_id");
    const char *id = json_string_value(value);
    char clean[CLEAN_ID_BYTES];
    if (!value || json_is_null(value))
        return err_set(err, E_INVALID, "it has no 'tenant_id'");
    if (!id)
        return err_set(err, E_INVALID, "'tenant_id' takes a string, not %s", kind_of(value));
    id_sanitise(id, clean, sizeof(clean));
    if (strlen(id) > CAP_TENANT_ID_BYTES || !has_letter(id))
        return err_set(err, E_INVALID,
                       "'tenant_id' takes 1 to %d characters, letters or digits among them",
                       CAP_TENANT_ID_BYTES);
    const char *holder = json_string_value(json_object_get(rd->ids, clean));
    if (holder && strcmp(holder, id) != 0)
        return err_set(err, E_INVALID,
                       "its directory '%s' would be that of tenant '%.64s'; give one of them "
                       "another tenant_id",
                       clean, holder);
    if (strcmp(clean, id) != 0)
        warn(rd, pool_printf(rd->pool, "%s goes by the name '%s'", rd->who, clean));
    *out = pool_strdup(rd->pool, clean);
    return 0;
}

static int read_entry(struct reader *rd, const char *token, const json_t *entry, struct err *err)
{
    struct tenant_entry e = rd->defaults;
    struct token_hash hash;
    int r = json_is_object(entry)
                ? 0
                : err_set(err, E_INVALID, "it is %s, not an object", kind_of(entry));
    if (!r)
        r = read_id(rd, entry, &e.tenant.id, err);
    if (!r)
        r = read_token(rd, token, &hash, err);
    if (!r)
        r = read_fields(rd, entry, &e, err);
    if (r)
        return r;
    const char *hex = tenant_hash_hex(rd->pool, &hash);
    if (json_object_get(rd->hashes, hex))
        return err_set(err, E_INVALID, "its token stands in the file twice");
    json_put_bool(rd->hashes, hex, true);
    json_put_str(rd->ids, e.tenant.id, json_str(entry, "tenant_id", ""));
    rd->set->hashes[rd->set->n] = hash;
    rd->set->entries[rd->set->n++] = e;
    return 0;
}

static void name_entry(struct reader *rd, size_t number, const json_t *entry)
{
    const char *id = json_string_value(json_object_get(entry, "tenant_id"));
    if (id)
        snprintf(rd->who, sizeof(rd->who), "tenant '%.64s' (entry %zu)", id, number);
    else
        snprintf(rd->who, sizeof(rd->who), "entry %zu", number);
}

/* --- the document ----------------------------------------------------------------------------- */

static int check_shape(const json_t *document, struct err *err)
{
    const json_t *keys = json_object_get(document, "tenant_keys");
    const json_t *version = json_object_get(document, "schema_version");
    if (!json_is_object(keys))
        return err_set(err, E_INVALID, "it has no object 'tenant_keys'");
    if (json_object_size(keys) > CAP_TENANT_KEYS)
        return err_set(err, E_INVALID, "'tenant_keys' has %zu entries; at most %d are taken",
                       json_object_size(keys), CAP_TENANT_KEYS);
    if (version && (!json_is_integer(version) || json_integer_value(version) < 1 ||
                    json_integer_value(version) > SCHEMA_VERSION))
        return err_set(err, E_INVALID, "'schema_version' is not %d, the one this version reads",
                       SCHEMA_VERSION);
    return 0;
}

static int read_defaults(struct reader *rd, const json_t *document, struct err *err)
{
    const json_t *defaults = json_object_get(document, "defaults");
    rd->defaults = (struct tenant_entry){.tenant = *tenant_single(), .expires_at_us = INT64_MAX};
    snprintf(rd->who, sizeof(rd->who), "'defaults'");
    if (!defaults || json_is_null(defaults))
        return 0;
    if (!json_is_object(defaults))
        return err_set(err, E_INVALID, "'defaults' is %s, not an object", kind_of(defaults));
    int r = read_fields(rd, defaults, &rd->defaults, err);
    return r ? err_prefix(err, "'defaults'") : 0;
}

static void warn_about_keys(struct reader *rd, const json_t *document)
{
    static const char *const known[] = {"schema_version", "defaults", "tenant_keys"};
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)document, key, value) {
        bool is_known = *key == '_';
        for (size_t i = 0; i < ARRAY_SIZE(known) && !is_known; i++)
            is_known = strcmp(known[i], key) == 0;
        if (!is_known)
            warn(rd, pool_printf(rd->pool,
                                 "'%.40s' is none of schema_version, defaults and tenant_keys; it "
                                 "is ignored",
                                 key));
    }
}

static void read_entries(struct reader *rd, json_t *keys)
{
    const char *token;
    json_t *entry;
    size_t number = 0;
    json_object_foreach (keys, token, entry) {
        struct err err = {0};
        name_entry(rd, ++number, entry);
        if (read_entry(rd, token, entry, &err))
            warn(rd, pool_printf(rd->pool, "%s is left out: %s", rd->who, err.msg));
    }
}

int tenant_set_parse(struct pool *pool, const json_t *document, struct tenant_set **out,
                     const char *const **ret_warnings, struct err *err)
{
    struct reader rd = {.pool = pool};
    rd.warnings = pool_alloc(pool, (CAP_TENANT_WARNINGS + 2) * sizeof(*rd.warnings));
    int r = check_shape(document, err);
    if (!r)
        r = read_defaults(&rd, document, err);
    if (r)
        return r;
    json_t *keys = json_object_get(document, "tenant_keys");
    rd.set = pool_alloc(pool, sizeof(*rd.set));
    rd.set->hashes = pool_alloc(pool, (json_object_size(keys) + 1) * sizeof(*rd.set->hashes));
    rd.set->entries = pool_alloc(pool, (json_object_size(keys) + 1) * sizeof(*rd.set->entries));
    rd.hashes = json_object();
    rd.ids = json_object();
    warn_about_keys(&rd, document);
    read_entries(&rd, keys);
    json_decref(rd.hashes);
    json_decref(rd.ids);
    *out = rd.set;
    *ret_warnings = rd.warnings;
    return 0;
}
