/*
 * hosts.c - one reading of a host for everybody, and the honesty to say when there may be two.
 *
 * A browser drops tabs and line ends, takes '\' for '/', decodes %2e, maps other alphabets to ASCII
 * and reads 0x7f.1 as 127.0.0.1. None of that is copied here: what needs it is HOST_UNSURE. The
 * rest is letters, digits, '-', '_' and dots, an IPv4 address with four plain numbers, or an IPv6
 * address.
 */
#include "plan/hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define HOST_ENDS    "/\\?#"
#define HOST_MAX     253 /* RFC 1035 */
#define LABEL_MAX    63
#define SHOWN_BYTES  100
#define AFTER_PHRASE ".,;:!?)]}`*|" /* what a sentence puts behind an address */

static size_t scheme_length(const char *p)
{
    return strncasecmp(p, "https:", 6) == 0 ? 6 : strncasecmp(p, "http:", 5) == 0 ? 5 : 0;
}

const char *plan_next_address(const char *text)
{
    for (const char *p = text; *p; p++)
        if (scheme_length(p))
            return p;
    return NULL;
}

/* What stands in the host's place, fit to be shown. */
static char *shown(struct pool *pool, const char *s, size_t len)
{
    char *copy = pool_strndup(pool, s, len);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return str_cut(pool, copy, SHOWN_BYTES);
}

static bool plain_label(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
            return false;
    return len > 0 && len <= LABEL_MAX;
}

static bool plain_name(const char *host)
{
    for (;;) {
        size_t len = strcspn(host, ".");
        if (!plain_label(host, len))
            return false;
        if (!host[len])
            return true;
        host += len + 1;
    }
}

/* A last label of digits, or 0x and hex digits, makes a browser read the whole as an IPv4 address.
 */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.'), *last = dot ? dot + 1 : host;
    if (last[strspn(last, "0123456789")] == 0)
        return true;
    return last[0] == '0' && last[1] == 'x' && last[2 + strspn(last + 2, "0123456789abcdef")] == 0;
}

/* Four decimal numbers without leading zeros: the one way to write it that nobody reads otherwise.
 */
static bool plain_ipv4(const char *host)
{
    struct in_addr addr;
    char again[INET_ADDRSTRLEN];
    return inet_pton(AF_INET, host, &addr) == 1 &&
           inet_ntop(AF_INET, &addr, again, sizeof(again)) && strcmp(host, again) == 0;
}

/* host: "[...]" */
static enum host_reading read_ipv6(struct pool *pool, const char *host, char **out)
{
    struct in6_addr addr;
    char again[INET6_ADDRSTRLEN];
    const char *inside = pool_strndup(pool, host + 1, strlen(host) - 2);
    if (inet_pton(AF_INET6, inside, &addr) != 1 ||
        !inet_ntop(AF_INET6, &addr, again, sizeof(again)) || strchr(again, '.'))
        return HOST_UNSURE;
    *out = pool_printf(pool, "[%s]", again);
    return HOST_SURE;
}

static bool is_port(const char *s, size_t len)
{
    return len == 0 || (s[0] == ':' && strspn(s + 1, "0123456789") >= len - 1);
}

/* s: what stands between the slashes. */
static enum host_reading read_authority(struct pool *pool, const char *s, size_t len, char **out)
{
    const char *at = memrchr(s, '@', len);
    *out = shown(pool, s, len);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] <= 0x20 || s[i] == 0x7f || strchr("\"'<>", s[i]))
            return HOST_UNSURE;
    if (at) {
        len -= (size_t)(at + 1 - s);
        s = at + 1;
        *out = shown(pool, s, len);
    }
    const char *close = len && *s == '[' ? memchr(s, ']', len) : NULL,
               *colon = close ? NULL : memchr(s, ':', len);
    size_t host_len = close ? (size_t)(close + 1 - s) : colon ? (size_t)(colon - s) : len;
    if (!is_port(s + host_len, len - host_len))
        return HOST_UNSURE;
    char *host = str_lower(pool, pool_strndup(pool, s, host_len));
    if (close)
        return read_ipv6(pool, host, out);
    if (host_len > 1 && host[host_len - 1] == '.')
        host[--host_len] = 0;
    if (host_len > HOST_MAX || !plain_name(host))
        return HOST_UNSURE;
    if (ends_in_number(host) && !plain_ipv4(host))
        return HOST_UNSURE;
    *out = host;
    return HOST_SURE;
}

enum host_reading plan_host_read(struct pool *pool, const char *url, const char *ends, char **out)
{
    size_t scheme = scheme_length(url);
    if (!scheme)
        return HOST_NONE;
    const char *s = url + scheme;
    s += strspn(s, "/\\");
    size_t whole = *ends ? strcspn(s, ends) : strlen(s), len = strcspn(s, HOST_ENDS);
    if (len >= whole)
        for (len = whole; *ends && len && strchr(AFTER_PHRASE, s[len - 1]) && s[0] != '[';)
            len--;
    if (!len)
        return HOST_NONE;
    return read_authority(pool, s, len, out);
}

char *plan_url_host(struct pool *pool, const char *url)
{
    char *host = NULL;
    return plan_host_read(pool, url, PLAN_ADDRESS_ENDS, &host) == HOST_SURE ? host : NULL;
}
