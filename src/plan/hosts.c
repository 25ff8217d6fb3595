/*
 * hosts.c - the host of an address as a browser would read it: extra slashes, userinfo, ports and a
 * trailing dot do not hide it.
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

char *plan_url_host(struct pool *pool, const char *url)
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
