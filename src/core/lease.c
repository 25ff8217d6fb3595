#include "core/lease.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"

bool lease_is_held(const struct lease *l, int64_t now_ms)
{
    return *l->token && now_ms < l->until_ms;
}

bool lease_is(const struct lease *l, const char *token, int64_t now_ms)
{
    return token && *token && lease_is_held(l, now_ms) && id_secret_equal(l->token, token);
}

static int refuse(const struct lease *l, int64_t now_ms, struct err *err)
{
    return err_set(err, E_CONFLICT,
                   "somebody else has the controls: they are free when they are released, at the latest "
                   "%d s after their last input",
                   (int)((l->until_ms - now_ms + 999) / 1000));
}

int lease_take(struct lease *l, const char *token, const char *who, bool take, int ttl_ms, int64_t now_ms,
               struct err *err)
{
    bool own = !strcmp(l->who, who);
    if (lease_is(l, token, now_ms)) {
        lease_renew(l, now_ms);
        return 0;
    }
    if (lease_is_held(l, now_ms) && !(own && (take || !l->attached))) {
        if (own)
            return err_set(err, E_CONFLICT,
                           "you have the controls in another window: give them back there, or send "
                           "\"take\": true");
        return refuse(l, now_ms, err);
    }
    *l = (struct lease){.ttl_ms = ttl_ms, .until_ms = now_ms + ttl_ms};
    id_random_hex((LEASE_TOKEN_BYTES - 1) / 2, l->token);
    snprintf(l->who, sizeof(l->who), "%s", who);
    return 0;
}

void lease_renew(struct lease *l, int64_t now_ms)
{
    if (lease_is_held(l, now_ms))
        l->until_ms = now_ms + l->ttl_ms;
}

void lease_end(struct lease *l)
{
    *l = (struct lease){0};
}
