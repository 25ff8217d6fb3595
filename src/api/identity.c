/*
 * identity.c - which browser profile and which checkpoint a run has (http-api.md section 13).
 *
 * Both names carry the tenant's, so no caller can name another's. Without a workflow the plan's
 * signature names it, so two plans never share a checkpoint by accident. A profile holds logins: a name
 * that is no clean one gets digits of its hash behind it, so "a:b" and "a_b" are two profiles.
 */
#include "api/run_options.h"

#include <string.h>

#include "base/str.h"

#define SIGNATURE_DIGITS 12
#define SHOWN_BYTES      80            /* of a name that was given, in a warning */
#define HASH_DIGITS      8
#define FALLBACK_NAME    "micro_state" /* what id_sanitise() makes of nothing */

static const char *clean_name(struct pool *pool, const char *value)
{
    size_t len = strlen(value) > strlen(FALLBACK_NAME) ? strlen(value) : strlen(FALLBACK_NAME);
    char *clean = pool_alloc(pool, len + 1);
    id_sanitise(value, clean, len + 1);
    return clean;
}

/* As clean_name(), and no other name becomes the same. */
static const char *own_name(struct pool *pool, const char *value)
{
    char hash[ID_SHA256_HEX_BYTES];
    const char *clean = clean_name(pool, value);
    if (strcmp(clean, value) == 0)
        return clean;
    id_sha256_hex(value, strlen(value), hash);
    return pool_printf(pool, "%s-%.*s", clean, HASH_DIGITS, hash);
}

static int prefixed(struct pool *pool, const char *tenant, const char *field, const char *name,
                    const char **out, struct err *err)
{
    size_t room = ID_NAME_MAX - strlen(tenant) - strlen("__");
    if (strlen(name) > room)
        return err_set(err, E_INVALID, "'%s' is longer than %zu characters", field, room);
    *out = pool_printf(pool, "%s__%s", tenant, name);
    return 0;
}

static const char *first_given(const char *a, const char *b, const char *c)
{
    return *a ? a : *b ? b : c;
}

int identity_resolve(struct pool *pool, const char *tenant, const struct run_options *options,
                     const char *signature, struct identity *out, struct err *err)
{
    /* state_key names the profile only when it is alone */
    const char *key = *options->profile_id || *options->workflow_id ? "" : options->state_key;
    const char *profile = first_given(options->profile_id, key, "default");
    const char *workflow = first_given(options->workflow_id, options->state_key,
                                       pool_strndup(pool, signature, SIGNATURE_DIGITS));
    int r = prefixed(pool, tenant, "profile_id", own_name(pool, profile), &out->profile_id, err);
    if (!r)
        r = prefixed(pool, tenant, "workflow_id", clean_name(pool, workflow), &out->workflow_id,
                     err);
    out->state_key = out->workflow_id;
    return r;
}

static void warn_of(struct pool *pool, const char *field, const char *given, const char *kept,
                    const char *more, json_t *warnings)
{
    if (*given && !id_is_clean(given))
        json_push(warnings,
                  json_string_safe(pool_printf(pool, "%s '%s' is kept as '%s'%s", field,
                                               str_cut(pool, given, SHOWN_BYTES), kept, more)));
}

void identity_warn(struct pool *pool, const struct run_options *o, const struct identity *identity,
                   json_t *warnings)
{
    static const char shared[] = "; other names that become that are the same workflow";
    warn_of(pool, "profile_id", o->profile_id, identity->profile_id, "", warnings);
    warn_of(pool, "workflow_id", o->workflow_id, identity->workflow_id, shared, warnings);
    if (!*o->workflow_id)
        warn_of(pool, "state_key", o->state_key, identity->workflow_id, shared, warnings);
}
