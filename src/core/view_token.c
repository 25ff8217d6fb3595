#include "core/view_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/id.h"

static const struct {
    const char *name;
    unsigned rights;
} all_rights[] = {{"view", VIEW_WATCH}, {"control", VIEW_WATCH | VIEW_CONTROL}};

const char *view_rights_name(unsigned rights)
{
    return all_rights[rights & VIEW_CONTROL ? 1 : 0].name;
}

static bool is_hex(const char *s, size_t len)
{
    return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

static void sign(struct pool *pool, const char *key, const char *head, const char *tenant, const char *run_id,
                 char out[ID_SHA256_HEX_BYTES])
{
    const char *all = pool_printf(pool, "view\n%s\n%s\n%s", head, tenant, run_id);
    id_hmac_sha256_hex(key, all, strlen(all), out);
}

const char *view_token_make(struct pool *pool, const char *key, const struct view_token *t,
                            const char *run_id)
{
    char mac[ID_SHA256_HEX_BYTES];
    const char *head = pool_printf(pool, "%s.%" PRId64 ".%s", view_rights_name(t->rights),
                                   t->expires_s, t->who);
    sign(pool, key, head, t->tenant, run_id, mac);
    return pool_printf(pool, "%s.%s.%s", head, mac, t->tenant);
}

enum { RIGHTS, EXPIRES, WHO, MAC, TENANT, N_PARTS };

/* At the first dots; a tenant's name may have further ones. */
static bool cut(char *text, char *parts[N_PARTS])
{
    for (int i = 0; i < N_PARTS; i++) {
        parts[i] = text;
        text = i < TENANT ? strchr(text, '.') : text;
        if (!text)
            return false;
        if (i < TENANT)
            *text++ = '\0';
    }
    return true;
}

static int refuse(struct err *err)
{
    return err_set(err, E_UNAUTHORIZED,
                   "'token' does not open this run: ask GET /v1/runs/{run_id}/view for one");
}

static int read_parts(char *parts[N_PARTS], struct view_token *out, struct err *err)
{
    *out = (struct view_token){.expires_s = strtoll(parts[EXPIRES], NULL, 10), .tenant = parts[TENANT]};
    for (size_t i = 0; i < ARRAY_SIZE(all_rights); i++)
        if (!strcmp(all_rights[i].name, parts[RIGHTS]))
            out->rights = all_rights[i].rights;
    if (!out->rights || !is_hex(parts[WHO], LEASE_WHO_BYTES - 1))
        return refuse(err);
    memcpy(out->who, parts[WHO], LEASE_WHO_BYTES);
    return 0;
}

int view_token_read(struct pool *pool, const char *key, const char *text, const char *run_id, int64_t now_s,
                    struct view_token *out, struct err *err)
{
    char mac[ID_SHA256_HEX_BYTES], *parts[N_PARTS];
    if (!text || strlen(text) > CAP_VIEW_TOKEN_BYTES || !cut(pool_strdup(pool, text), parts))
        return refuse(err);
    const char *head = pool_printf(pool, "%s.%s.%s", parts[RIGHTS], parts[EXPIRES], parts[WHO]);
    sign(pool, key, head, parts[TENANT], run_id, mac);
    if (!id_secret_equal(mac, parts[MAC]))
        return refuse(err);
    int r = read_parts(parts, out, err);
    if (!r && now_s >= out->expires_s)
        r = err_set(err, E_UNAUTHORIZED,
                    "'token' has expired: ask GET /v1/runs/{run_id}/view for another");
    return r;
}
