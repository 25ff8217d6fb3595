/*
 * hosts.c - the hosts a plan names, as a browser would read its addresses: extra slashes, userinfo,
 * ports and a trailing dot do not hide one from a tenant's allowlist (http-api.md section 15).
 */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "plan/normalise.h"

/* Bytes that end an address inside prose or the host inside an address. A browser takes '\' for
 * '/'. */
#define ENDS      " \t\r\n\f\v\"'`)><"
#define HOST_ENDS ENDS "/\\?#"

static const char *after_scheme(const char *p)
{
    size_t n = strncasecmp(p, "https://", 8) == 0 ? 8 : strncasecmp(p, "http://", 7) == 0 ? 7 : 0;
    return n ? p + n + strspn(p + n, "/\\") : NULL;
}

/* [2001:db8::1]:80 keeps its brackets; otherwise a colon starts the port. */
static size_t without_port(const char *host, size_t len)
{
    const char *close = len && *host == '[' ? memchr(host, ']', len) : NULL;
    const char *colon = close ? NULL : memchr(host, ':', len);
    if (close)
        return (size_t)(close - host) + 1;
    return colon ? (size_t)(colon - host) : len;
}

char *url_host(struct pool *pool, const char *url)
{
    const char *host = after_scheme(url);
    if (!host)
        return NULL;
    size_t len = strcspn(host, HOST_ENDS);
    const char *at = memrchr(host, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    len = without_port(host, len);
    while (len && strchr(".,;!", host[len - 1]))
        len--;
    return len ? str_lower(pool, pool_strndup(pool, host, len)) : NULL;
}

/* seen is an object used as a set: a plan may name very many hosts. */
static void scan_text(struct pool *pool, json_t *seen, const char *text)
{
    for (const char *p = text; *p; p++) {
        char *host = url_host(pool, p);
        if (host)
            json_put(seen, host, json_true());
    }
}

static void scan_strings(struct pool *pool, json_t *seen, const json_t *value)
{
    size_t i;
    const char *key;
    json_t *child;
    if (json_is_string(value))
        scan_text(pool, seen, json_string_value(value));
    json_array_foreach ((json_t *)value, i, child)
        scan_strings(pool, seen, child);
    json_object_foreach ((json_t *)value, key, child)
        scan_strings(pool, seen, child);
}

json_t *intake_hosts(struct pool *pool, const struct plan *plan)
{
    json_t *seen = json_keep(pool, json_object());
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        scan_text(pool, seen, s->intent);
        scan_text(pool, seen, s->verify);
        scan_strings(pool, seen, json_object_get(s->params, "url"));
        scan_strings(pool, seen, json_object_get(s->params, "url_template"));
        scan_strings(pool, seen, json_object_get(s->hints, "fallback_url"));
    }
    scan_text(pool, seen, plan->page_url_template);
    scan_strings(pool, seen, plan->site_config);
    json_t *hosts = json_keep(pool, json_array());
    const char *host;
    json_t *value;
    json_object_foreach (seen, host, value)
        json_push(hosts, json_string(host));
    return hosts;
}
