/*
 * Any bytes as a keys document: refused with a message, or a set whose every entry holds what
 * core/tenant.h promises, and in which no token is found that is not in the document.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/json.h"
#include "core/tenant.h"

#define NOW_US INT64_C(1772600767000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_list(const char *const *list)
{
    for (; *list; list++)
        require(strlen(*list) <= 4 * CAP_TENANT_TEXT_BYTES);
}

static void check_tenant(const struct tenant *t)
{
    require(id_is_clean(t->id) && strlen(t->id) <= CAP_TENANT_ID_BYTES);
    require((t->scopes & ~(unsigned)SCOPE_ANY) == 0);
    require(t->max_concurrent_runs >= 1 && t->max_time_minutes_per_run >= 1);
    require(isfinite(t->max_cost_per_run) && t->max_cost_per_run > 0);
    require(isfinite(t->max_cost_per_day) && t->max_cost_per_day >= 0);
    require(*t->anthropic_secret_name != '.' && !strchr(t->anthropic_secret_name, '/'));
    require(*t->webhook_secret_name != '.' && !strchr(t->webhook_secret_name, '/'));
    require(strlen(t->label) <= CAP_TENANT_TEXT_BYTES);
    require(strlen(t->webhook_url) <= CAP_TENANT_TEXT_BYTES);
    check_list(t->allowed_domains);
    check_list(t->webhook_events);
    tenant_allows_host(t->allowed_domains, "www.example.com");
}

static void check_set(struct pool *pool, const json_t *document, const struct tenant_set *set)
{
    json_t *keys = json_object_get(document, "tenant_keys"), *entry;
    const char *key;
    size_t found = 0;
    json_object_foreach (keys, key, entry) {
        const struct tenant *t = tenant_set_find(set, key, NOW_US);
        if (!t)
            continue;
        found++;
        check_tenant(t);
        require(json_is_object(entry) && tenant_set_by_id(set, t->id));
    }
    require(found <= tenant_set_size(set) && tenant_set_size(set) <= json_object_size(keys));
    require(!tenant_set_find(set, "", NOW_US));
    require(!tenant_set_find(set, "a token that stands nowhere", NOW_US));
    require(json_array_size(tenant_set_list(pool, set, NOW_US)) == tenant_set_size(set));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    json_t *document;
    if (json_parse((const char *)data, size, "fuzz", &document, &err) == 0) {
        struct tenant_set *set;
        const char *const *warnings;
        json_keep(pool, document);
        int r = tenant_set_parse(pool, document, &set, &warnings, &err);
        require(r == 0 || (r == E_INVALID && *err.msg));
        if (r == 0)
            check_set(pool, document, set);
    }
    pool_destroy(pool);
    return 0;
}
