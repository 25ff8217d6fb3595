#include "plane/cdp/logins.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "plane/cdp/cookies.h"

#define MAX_ITEMS 500 /* of one origin's storage: each is put back by a call */

/* "https://a.test:8443" of an address; "" when it has none. In a buffer of ORIGIN_BYTES. */
#define ORIGIN_BYTES 300

static void origin_of(const char *url, char out[ORIGIN_BYTES])
{
    const char *host = strstr(url, "://");
    size_t len = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
    bool web = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    len = web && len < ORIGIN_BYTES ? len : 0;
    memcpy(out, url, len);
    out[len] = 0;
}

static json_t *storage_id(const char *origin)
{
    return json_pack("{s:s,s:b}", "securityOrigin", origin, "isLocalStorage", 1);
}

/* A page without storage, or that may not have any, has none. */
static json_t *storage_of(struct tabs *t, const char *origin, int64_t deadline_mono_ms)
{
    json_t *answer = NULL;
    struct err ignored = {0};
    if (!*origin || cdp_call(t->cdp, t->front->id, "DOMStorage.getDOMStorageItems",
                             json_pack("{s:o}", "storageId", storage_id(origin)), deadline_mono_ms,
                             &answer, &ignored))
        return json_array();
    json_t *items = json_incref(json_object_get(answer, "entries"));
    json_decref(answer);
    if (!json_array_size(items)) {
        json_decref(items);
        return json_array();
    }
    return json_pack("[{s:s,s:o}]", "origin", origin, "items", items);
}

int logins_save(struct tabs *t, int64_t deadline_mono_ms, json_t **out, struct err *err)
{
    char origin[ORIGIN_BYTES];
    json_t *answer = NULL;
    if (!t->front)
        return err_set(err, E_UPSTREAM, "the browser shows no tab");
    int r = cdp_call(t->cdp, NULL, "Storage.getCookies", NULL, deadline_mono_ms, &answer, err);
    if (r)
        return r;
    origin_of(t->front->url ? t->front->url : "", origin);
    *out = json_object();
    json_put_int(*out, "version", 1);
    json_t *cookies = json_object_get(answer, "cookies");
    json_put(*out, "cookies", json_is_array(cookies) ? json_incref(cookies) : json_array());
    json_put(*out, "storage", storage_of(t, origin, deadline_mono_ms));
    json_decref(answer);
    return 0;
}

static int set_cookies(struct tabs *t, const json_t *list, int64_t deadline_mono_ms,
                       struct err *err)
{
    struct pool *pool = pool_create(NULL);
    json_t *cookies = json_array(), *c, *answer = NULL;
    size_t i;
    json_array_foreach ((json_t *)list, i, c)
        json_push(cookies, cookies_settable(pool, c));
    int r = cdp_call(t->cdp, NULL, "Storage.setCookies", json_pack("{s:o}", "cookies", cookies),
                     deadline_mono_ms, &answer, err);
    json_decref(answer);
    pool_destroy(pool);
    return r;
}

static int set_items(struct tabs *t, const char *origin, const json_t *items,
                     int64_t deadline_mono_ms, struct err *err)
{
    int r = 0;
    for (size_t i = 0; !r && i < json_array_size(items) && i < MAX_ITEMS; i++) {
        const json_t *pair = json_array_get(items, i);
        json_t *answer = NULL,
               *params = json_pack("{s:o,s:O,s:O}", "storageId", storage_id(origin), "key",
                                   json_array_get(pair, 0), "value", json_array_get(pair, 1));
        if (!params)
            continue;
        r = cdp_call(t->cdp, t->front->id, "DOMStorage.setDOMStorageItem", params, deadline_mono_ms,
                     &answer, err);
        json_decref(answer);
    }
    return r;
}

int logins_load(struct tabs *t, const json_t *saved, int64_t deadline_mono_ms, bool *ret_storage,
                struct err *err)
{
    char origin[ORIGIN_BYTES];
    size_t i;
    json_t *store;
    *ret_storage = false;
    int r = set_cookies(t, json_object_get(saved, "cookies"), deadline_mono_ms, err);
    if (r || !t->front)
        return r;
    origin_of(t->front->url ? t->front->url : "", origin);
    json_array_foreach (json_object_get(saved, "storage"), i, store)
        if (!r && *origin && !strcmp(json_str(store, "origin", ""), origin)) {
            *ret_storage = true;
            r = set_items(t, origin, json_object_get(store, "items"), deadline_mono_ms, err);
        }
    return r;
}
