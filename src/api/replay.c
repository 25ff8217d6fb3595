#include "api/replay.h"

#include <ctype.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

static int reused(struct err *err)
{
    return err_set(err, E_UNPROCESSABLE,
                   "this Idempotency-Key was used for another request body; use a new key for a "
                   "new request");
}

int replay_key_read(struct request *req, struct replay_key **out, struct err *err)
{
    const char *given =
        MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "Idempotency-Key");
    size_t len = given ? strlen(given) : 0;
    while (len && isspace((unsigned char)given[len - 1]))
        len--;
    while (len && isspace((unsigned char)*given))
        given++, len--;
    *out = NULL;
    if (!len)
        return 0;
    if (len > CAP_IDEMPOTENCY_KEY_BYTES)
        return err_set(err, E_INVALID, "the Idempotency-Key header has %zu bytes; at most %d", len,
                       CAP_IDEMPOTENCY_KEY_BYTES);
    struct replay_key *key = pool_alloc(req->pool, sizeof(*key));
    const char *body = json_canonical(req->pool, req->json);
    key->req = req;
    id_sha256_hex(given, len, key->hash);
    id_sha256_hex(body, strlen(body), key->body);
    *out = key;
    return 0;
}

int replay_find(const struct replay_key *key, struct store_key *out, struct err *err)
{
    struct request *req = key->req;
    int64_t after_us = clock_wall_us() - STORE_KEY_TTL_S * INT64_C(1000000);
    int r =
        store_key_get(req->api->store, req->pool, req->tenant_id, key->hash, after_us, out, err);
    if (!r && strcmp(out->body_hash, key->body) != 0)
        return reused(err);
    return r;
}

static void unlink_key(struct replay_key *key)
{
    if (!key->prev)
        return;
    *key->prev = key->next;
    if (key->next)
        key->next->prev = key->prev;
    key->next = NULL;
    key->prev = NULL;
}

static void link_key(struct replay_key *key, struct replay_key **list)
{
    key->next = *list;
    key->prev = list;
    if (key->next)
        key->next->prev = &key->next;
    *list = key;
}

/* The handler's state is its own; the key that waits is found by its call. */
static void stop_waiting(struct request *req)
{
    for (struct replay_key *twin = req->api->flights; twin; twin = twin->next)
        for (struct replay_key *w = twin->waiters; w; w = w->next)
            if (w->req == req) {
                unlink_key(w);
                return;
            }
}

int replay_join(struct replay_key *key, route_fn *then, bool *ret_joined, struct err *err)
{
    struct request *req = key->req;
    *ret_joined = false;
    for (struct replay_key *twin = req->api->flights; twin; twin = twin->next) {
        if (strcmp(twin->hash, key->hash) != 0 || strcmp(twin->req->tenant_id, req->tenant_id) != 0)
            continue;
        if (strcmp(twin->body, key->body) != 0)
            return reused(err);
        link_key(key, &twin->waiters);
        request_suspend(req, then, stop_waiting);
        *ret_joined = true;
        return 0;
    }
    return 0;
}

void replay_begin(struct replay_key *key)
{
    key->flying = true;
    link_key(key, &key->req->api->flights);
}

void replay_end(struct replay_key *key)
{
    if (!key->flying)
        return;
    key->flying = false;
    unlink_key(key);
    for (struct replay_key *w; (w = key->waiters);) {
        unlink_key(w);
        request_resume(w->req);
    }
}
