/*
 * view_key.c - the key of this server's view tokens (core/view_token.h): made once, kept in the data directory,
 * so that an address that was handed out still works after a restart.
 */
#include "sched/live_private.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/id.h"
#include "sys/file.h"

#define KEY_BYTES 32
#define KEY_HEX   (2 * KEY_BYTES)

int view_key_open(struct sched *s, struct err *err)
{
    const char *path = pool_printf(s->pool, "%s/view.key", s->settings->data_dir);
    char *text, hex[KEY_HEX + 1];
    size_t len;
    if (!file_read(s->pool, path, KEY_HEX, &text, &len, NULL) && len == KEY_HEX) {
        s->view_key = text;
        return 0;
    }
    id_random_hex(KEY_BYTES, hex);
    s->view_key = pool_strdup(s->pool, hex);
    return file_write_atomic(path, hex, KEY_HEX, 0600, err);
}

void sched_view_who(const struct sched *s, const unsigned char token_sha256[ID_SHA256_BYTES],
                    char out[LEASE_WHO_BYTES])
{
    char mac[ID_SHA256_HEX_BYTES];
    id_hmac_sha256_hex(s->view_key, token_sha256, ID_SHA256_BYTES, mac);
    memcpy(out, mac, LEASE_WHO_BYTES - 1);
    out[LEASE_WHO_BYTES - 1] = '\0';
}

struct person_sought {
    const struct sched *sched;
    const char *who;
};

static bool is_who(void *arg, const unsigned char *sha256)
{
    const struct person_sought *p = arg;
    char who[LEASE_WHO_BYTES];
    sched_view_who(p->sched, sha256, who);
    return CRYPTO_memcmp(who, p->who, LEASE_WHO_BYTES) == 0 ||
           memcmp(p->who, VIEW_ANYBODY, LEASE_WHO_BYTES) == 0;
}

bool sched_view_in_force(const struct sched *s, struct tenants *tenants, const char *tenant, const char *who)
{
    struct person_sought p = {s, who};
    return tenants_any(tenants, tenant, is_who, &p);
}

const char *sched_view_token(const struct sched *s, struct pool *pool, struct run_key key, unsigned rights,
                             const char *who, int64_t *ret_expires_us)
{
    struct view_token t = {.rights = rights,
                           .expires_s = clock_wall_us() / 1000000 + s->settings->view_token_s,
                           .tenant = key.tenant};
    memcpy(t.who, who, LEASE_WHO_BYTES);
    *ret_expires_us = t.expires_s * 1000000;
    return view_token_make(pool, s->view_key, &t, key.run_id);
}

int sched_view_admit(const struct sched *s, struct pool *pool, const char *token, const char *run_id,
                     struct view_token *out, struct err *err)
{
    return view_token_read(pool, s->view_key, token, run_id, clock_wall_us() / 1000000, out, err);
}
