#include "core/tenant.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/tenant_priv.h"

static const struct {
    enum scope scope;
    const char *name;
} scopes[] = {
    {SCOPE_RUN, "run"},
    {SCOPE_STATUS, "status"},
    {SCOPE_RESULT, "result"},
    {SCOPE_LOGS, "logs"},
};

static const char *const none[] = {NULL};

/* tenancy.md section 3 */
static const struct tenant single = {
    .id = "default",
    .label = "",
    .scopes = SCOPE_ANY,
    .max_concurrent_runs = 5,
    .max_cost_per_run = 25.0,
    .max_time_minutes_per_run = 60,
    .rate_limit_per_minute = 30,
    .anthropic_secret_name = "anthropic_api_key",
    .allowed_domains = none,
    .webhook_url = "",
    .webhook_secret_name = "",
    .webhook_events = none,
};

bool tenant_may(const struct tenant *tenant, unsigned wanted)
{
    return tenant->scopes & (wanted | SCOPE_RUN);
}

const char *scope_name(enum scope scope)
{
    for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
        if (scopes[i].scope == scope)
            return scopes[i].name;
    return "unknown";
}

bool scope_parse(const char *name, enum scope *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
        if (strcmp(scopes[i].name, name) == 0) {
            *out = scopes[i].scope;
            return true;
        }
    return false;
}

const struct tenant *tenant_single(void)
{
    return &single;
}

struct token_hash tenant_token_hash(const char *token)
{
    unsigned char md[ID_SHA256_BYTES];
    struct token_hash hash;
    id_sha256(token, strlen(token), md);
    memcpy(hash.words, md, sizeof(md));
    return hash;
}

const char *tenant_hash_hex(struct pool *pool, const struct token_hash *hash)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char md[ID_SHA256_BYTES];
    char *hex = pool_alloc(pool, ID_SHA256_HEX_BYTES);
    memcpy(md, hash->words, sizeof(md));
    for (size_t i = 0; i < sizeof(md); i++) {
        hex[2 * i] = digits[md[i] >> 4];
        hex[2 * i + 1] = digits[md[i] & 15];
    }
    return hex;
}

struct tenant_set *tenant_set_single(struct pool *pool, const char *token)
{
    struct tenant_set *set = pool_alloc(pool, sizeof(*set));
    set->hashes = pool_alloc(pool, sizeof(*set->hashes));
    set->entries = pool_alloc(pool, sizeof(*set->entries));
    set->n = 1;
    set->hashes[0] = tenant_token_hash(token);
    set->entries[0] = (struct tenant_entry){.tenant = single, .expires_at_us = INT64_MAX};
    return set;
}

size_t tenant_set_size(const struct tenant_set *set)
{
    return set->n;
}

static const char *state_of(const struct tenant_entry *e, int64_t now_us)
{
    return e->disabled                  ? "disabled"
           : now_us >= e->expires_at_us ? "expired"
           : now_us < e->not_before_us  ? "not_yet"
                                        : "active";
}

/* 1 when all bits are the same, else 0; without a branch. */
static uint64_t same(const struct token_hash *a, const struct token_hash *b)
{
    uint64_t differ = 0;
    for (size_t i = 0; i < TOKEN_WORDS; i++)
        differ |= a->words[i] ^ b->words[i];
    return ((differ | (0 - differ)) >> 63) ^ 1;
}

static const struct tenant *find(const struct tenant_set *set, struct token_hash presented,
                                 int64_t now_us)
{
    uint64_t found = 0; /* number of the entry, from 1: hashes differ, so at most one counts */
    for (size_t i = 0; i < set->n; i++)
        found |= (0 - same(&set->hashes[i], &presented)) & (i + 1);
    const struct tenant_entry *e = found ? &set->entries[found - 1] : NULL;
    return e && strcmp(state_of(e, now_us), "active") == 0 ? &e->tenant : NULL;
}

const struct tenant *tenant_set_find(const struct tenant_set *set, const char *token,
                                     int64_t now_us)
{
    if (strlen(token) > CAP_TOKEN_BYTES)
        return NULL;
    return find(set, tenant_token_hash(token), now_us);
}

const struct tenant *tenant_set_find_hash(const struct tenant_set *set, const unsigned char *sha256,
                                          int64_t now_us)
{
    struct token_hash presented;
    memcpy(presented.words, sha256, sizeof(presented.words));
    return find(set, presented, now_us);
}

bool tenant_set_any(const struct tenant_set *set, const char *tenant_id, int64_t now_us,
                    bool (*fn)(void *arg, const unsigned char *sha256), void *arg)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct tenant_entry *e = &set->entries[i];
        if (strcmp(e->tenant.id, tenant_id) == 0 && strcmp(state_of(e, now_us), "active") == 0 &&
            fn(arg, (const unsigned char *)set->hashes[i].words))
            return true;
    }
    return false;
}

int64_t tenant_set_next_change(const struct tenant_set *set, int64_t now_us)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < set->n; i++) {
        int64_t dates[] = {set->entries[i].not_before_us, set->entries[i].expires_at_us};
        for (size_t k = 0; k < ARRAY_SIZE(dates); k++)
            if (dates[k] > now_us && dates[k] < next)
                next = dates[k];
    }
    return next;
}

const struct tenant *tenant_set_by_id(const struct tenant_set *set, const char *tenant_id)
{
    const struct tenant *first = NULL;
    for (size_t i = 0; i < set->n; i++) {
        const struct tenant_entry *e = &set->entries[i];
        if (strcmp(e->tenant.id, tenant_id) != 0)
            continue;
        if (!e->disabled)
            return &e->tenant;
        if (!first)
            first = &e->tenant;
    }
    return first;
}

static json_t *words(const char *const *list)
{
    json_t *array = json_array();
    for (; *list; list++)
        json_push(array, json_string_safe(*list));
    return array;
}

static void put_time(json_t *row, const char *key, int64_t at_us, int64_t none_us)
{
    char iso[CLOCK_ISO_BYTES];
    json_put_str(row, key, at_us == none_us ? NULL : clock_iso(at_us, iso));
}

static json_t *list_entry(struct pool *pool, const struct tenant_set *set, size_t i, int64_t now_us)
{
    const struct tenant_entry *e = &set->entries[i];
    const struct tenant *t = &e->tenant;
    json_t *row = json_object(), *granted = json_array();
    for (size_t s = 0; s < ARRAY_SIZE(scopes); s++)
        if (t->scopes & scopes[s].scope)
            json_push(granted, json_string(scopes[s].name));
    json_put_str(row, "tenant_id", t->id);
    json_put_str(row, "label", t->label);
    json_put(row, "scopes", granted);
    json_put_str(row, "sha256", tenant_hash_hex(pool, &set->hashes[i]));
    json_put_str(row, "state", state_of(e, now_us));
    put_time(row, "not_before", e->not_before_us, 0);
    put_time(row, "expires_at", e->expires_at_us, INT64_MAX);
    json_put_int(row, "max_concurrent_runs", t->max_concurrent_runs);
    json_put_num(row, "max_cost_per_run", t->max_cost_per_run);
    json_put_num(row, "max_cost_per_day", t->max_cost_per_day);
    json_put_int(row, "max_time_minutes_per_run", t->max_time_minutes_per_run);
    json_put_int(row, "rate_limit_per_minute", t->rate_limit_per_minute);
    json_put(row, "allowed_domains", words(t->allowed_domains));
    json_put_str(row, "webhook_url", t->webhook_url);
    return row;
}

json_t *tenant_set_list(struct pool *pool, const struct tenant_set *set, int64_t now_us)
{
    json_t *list = json_keep(pool, json_array());
    for (size_t i = 0; i < set->n; i++)
        json_push(list, list_entry(pool, set, i, now_us));
    return list;
}

bool tenant_host_matches(const char *pattern, const char *host)
{
    if (!str_starts(pattern, "*."))
        return *pattern && strcmp(pattern, host) == 0;
    const char *suffix = pattern + 1; /* ".x.com" */
    return suffix[1] && strlen(host) > strlen(suffix) && str_ends(host, suffix);
}

bool tenant_allows_host(const char *const *allowed_domains, const char *host)
{
    if (!*allowed_domains)
        return true;
    for (; *allowed_domains; allowed_domains++)
        if (tenant_host_matches(*allowed_domains, host))
            return true;
    return false;
}
