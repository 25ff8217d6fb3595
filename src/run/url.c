#include "run/url.h"

#include <ctype.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/run.h"

#define REGEX_MATCH_LIMIT 100000 /* steps; a pattern comes from a plan, so it may be hostile */
#define BODY_BYTES        2048   /* of visible text that decides what a page is (plans.md 8.1) */

static const char *after_scheme(const char *url)
{
    const char *s = strstr(url, "://");
    return s ? s + 3 : NULL;
}

/* Where the host begins; *ret_len: of the user info before it, 0 none. */
static const char *host_start(const char *url, size_t *ret_len)
{
    const char *h = after_scheme(url), *at = NULL;
    *ret_len = 0;
    if (!h)
        return NULL;
    for (const char *p = h, *end = h + strcspn(h, "/?#"); p < end; p++)
        at = *p == '@' ? p : at;
    if (at)
        *ret_len = (size_t)(at - h);
    return h;
}

char *url_host(struct pool *pool, const char *url)
{
    size_t info;
    const char *h = host_start(url, &info);
    if (!h)
        return pool_strdup(pool, "");
    h += info ? info + 1 : 0;
    return str_lower(pool, pool_strndup(pool, h, strcspn(h, "/?#")));
}

char *url_site(struct pool *pool, const char *url)
{
    char *host = url_host(pool, url);
    char *colon = strrchr(host, ':');
    if (colon && strspn(colon + 1, "0123456789") == strlen(colon + 1))
        *colon = 0;
    return str_starts(host, "www.") ? host + 4 : host;
}

char *url_origin(struct pool *pool, const char *url)
{
    const char *end = strstr(url, "://");
    if (!end)
        return pool_strdup(pool, "");
    char *scheme = str_lower(pool, pool_strndup(pool, url, (size_t)(end - url)));
    char *host = url_host(pool, url);
    const char *usual = !strcmp(scheme, "https") ? ":443" : ":80";
    if (str_ends(host, usual))
        host[strlen(host) - strlen(usual)] = 0;
    return pool_printf(pool, "%s://%s", scheme, host);
}

char *url_user_info(struct pool *pool, const char *url)
{
    size_t len;
    const char *h = host_start(url, &len);
    return len ? pool_strndup(pool, h, len) : NULL;
}

char *url_without_user(struct pool *pool, const char *url)
{
    size_t len;
    const char *h = host_start(url, &len);
    if (!len)
        return pool_strdup(pool, url);
    return pool_printf(pool, "%.*s%s", (int)(h - url), url, h + len + 1);
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
                                        : -1;
}

char *url_unescape(struct pool *pool, const char *text)
{
    char *out = pool_strdup(pool, text), *to = out;
    for (const char *p = text; *p; p++) {
        int high = *p == '%' ? hex_digit(p[1]) : -1, low = high >= 0 ? hex_digit(p[2]) : -1;
        char c = low >= 0 ? (char)(high * 16 + low) : *p;
        p += low >= 0 ? 2 : 0;
        if (c)
            *to++ = c;
    }
    *to = 0;
    return out;
}

char *url_path(struct pool *pool, const char *url)
{
    const char *h = after_scheme(url);
    const char *p = h ? h + strcspn(h, "/?#") : url;
    size_t len = strcspn(p, "?#");
    return len && *p == '/' ? pool_strndup(pool, p, len) : pool_strdup(pool, "/");
}

char *url_no_fragment(struct pool *pool, const char *url)
{
    return pool_strndup(pool, url, strcspn(url, "#"));
}

static size_t origin_len(const char *url)
{
    const char *h = after_scheme(url);
    return h ? (size_t)(h - url) + strcspn(h, "/?#") : 0;
}

char *url_join(struct pool *pool, const char *base, const char *link)
{
    size_t origin = origin_len(base), scheme = strcspn(base, ":"),
           page = origin + strcspn(base + origin, "?#"), dir = page;
    if (url_is_web(link))
        return pool_strdup(pool, link);
    if (!*link || *link == '#' || strcspn(link, ":") < strcspn(link, "/?#") || !origin)
        return pool_strdup(pool, "");
    if (str_starts(link, "//"))
        return pool_printf(pool, "%.*s:%s", (int)scheme, base, link);
    if (*link == '/')
        return pool_printf(pool, "%.*s%s", (int)origin, base, link);
    if (*link == '?')
        return pool_printf(pool, "%.*s%s", (int)page, base, link);
    while (dir > origin && base[dir - 1] != '/')
        dir--;
    return pool_printf(pool, "%.*s%s%s", (int)dir, base, dir > origin ? "" : "/", link);
}

bool url_same_page(const char *a, const char *b)
{
    size_t la = strcspn(a, "#"), lb = strcspn(b, "#");
    while (la && a[la - 1] == '/')
        la--;
    while (lb && b[lb - 1] == '/')
        lb--;
    return la && la == lb && !strncmp(a, b, la);
}

static const char *const equivalents[][2] = {{"lu.ma", "luma.com"}};

static const char *canonical_site(const char *site)
{
    if (str_starts(site, "m."))
        site += 2;
    for (size_t i = 0; i < ARRAY_SIZE(equivalents); i++)
        if (!strcmp(site, equivalents[i][1]))
            return equivalents[i][0];
    return site;
}

bool url_same_site(const char *a, const char *b)
{
    struct pool *tmp = pool_create(NULL);
    bool same = !strcmp(canonical_site(url_site(tmp, a)), canonical_site(url_site(tmp, b)));
    pool_destroy(tmp);
    return same;
}

bool url_is_web(const char *url)
{
    return str_starts(url, "http://") || str_starts(url, "https://");
}

static const char *const page_keys[] = {"p",    "page", "pg",    "start",  "offset",
                                        "skip", "next", "after", "before", "since"};

static bool is_page_key(const char *key, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(page_keys); i++)
        if (strlen(page_keys[i]) == len && !strncasecmp(page_keys[i], key, len))
            return true;
    return false;
}

static bool has_page_query(const char *url)
{
    const char *q = strchr(url, '?');
    while (q && *q && *q != '#') {
        q++;
        if (is_page_key(q, strcspn(q, "=&#")) && q[strcspn(q, "=&#")] == '=')
            return true;
        q += strcspn(q, "&#");
    }
    return false;
}

bool url_is_pagination(const char *url)
{
    return has_page_query(url) || url_matches(url, "/(page|p)/[0-9]+/?([?#]|$)");
}

static const char *const login_paths[] = {"/login",         "/signin",       "/sign-in",
                                          "/sign_in",       "/auth/login",   "/oauth/authorize",
                                          "/users/sign_in", "/account/login"};

bool url_is_login(const char *url)
{
    for (size_t i = 0; i < ARRAY_SIZE(login_paths); i++)
        if (str_contains_fold(url, login_paths[i]))
            return true;
    return false;
}

bool url_matches(const char *url, const char *pattern)
{
    int code;
    PCRE2_SIZE at;
    if (str_empty(pattern))
        return false;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS, &code, &at, NULL);
    if (!re)
        return false;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *found = pcre2_match_data_create_from_pattern(re, NULL);
    pcre2_set_match_limit(limits, REGEX_MATCH_LIMIT);
    int n = pcre2_match(re, (PCRE2_SPTR)url, strlen(url), 0, 0, found, limits);
    pcre2_match_data_free(found);
    pcre2_match_context_free(limits);
    pcre2_code_free(re);
    return n >= 0;
}

static bool extends_path(struct pool *pool, const char *url, const char *base_url)
{
    char *base = url_path(pool, base_url);
    const char *path = url_path(pool, url);
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        base[--len] = 0;
    return !strncmp(path, base, len) && path[len] == '/' && path[len + 1] != 0;
}

bool url_is_detail(const char *url, const json_t *site_config, const char *results_base_url)
{
    const char *pattern = json_str(site_config, "detail_page_pattern", "");
    if (*pattern)
        return url_matches(url, pattern);
    if (!*results_base_url || !url_same_site(url, results_base_url))
        return false;
    struct pool *tmp = pool_create(NULL);
    bool yes = extends_path(tmp, url, results_base_url) && !url_is_pagination(url);
    pool_destroy(tmp);
    return yes;
}

/* Item i of a string or list; NULL past the end. Items that are no strings count as "". */
static const char *wanted_item(const json_t *wanted, size_t i)
{
    if (json_is_string(wanted))
        return i == 0 && *json_string_value(wanted) ? json_string_value(wanted) : NULL;
    if (!json_is_array(wanted) || i >= json_array_size(wanted))
        return NULL;
    const char *s = json_string_value(json_array_get(wanted, i));
    return s ? s : "";
}

bool url_contains_all(const char *url, const json_t *wanted, const char **ret_missing)
{
    const char *w;
    for (size_t i = 0; (w = wanted_item(wanted, i)); i++)
        if (!str_contains_fold(url, w)) {
            if (ret_missing)
                *ret_missing = w;
            return false;
        }
    return true;
}

bool url_contains_any(const char *url, const json_t *unwanted, const char **ret_hit)
{
    const char *w;
    for (size_t i = 0; (w = wanted_item(unwanted, i)); i++)
        if (*w && str_contains_fold(url, w)) {
            if (ret_hit)
                *ret_hit = w;
            return true;
        }
    return false;
}

char *url_drift_hint(struct pool *pool, const char *url)
{
    const char *host = url_host(pool, url);
    const char *path = url_path(pool, url) + 1;
    if (str_starts(host, "www."))
        host += 4; /* a site that drops or adds www. has not drifted */
    size_t segment = strcspn(path, "/");
    return segment ? pool_printf(pool, "%s/%.*s", host, (int)segment, path)
                   : pool_strdup(pool, host);
}

bool url_meets_hint(const char *url, const char *hint)
{
    if (str_contains_fold(url, hint))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(equivalents); i++)
        for (int j = 0; j < 2; j++) {
            const char *site = equivalents[i][j];
            if (str_starts(hint, site) && str_contains_fold(url, equivalents[i][!j]))
                return str_contains_fold(url, hint + strlen(site));
        }
    return false;
}

static char *replace_all(struct pool *pool, const char *text, const char *what, const char *with)
{
    char *out = pool_strdup(pool, "");
    for (const char *hit; (hit = strstr(text, what)); text = hit + strlen(what))
        out = pool_printf(pool, "%s%.*s%s", out, (int)(hit - text), text, with);
    return pool_printf(pool, "%s%s", out, text);
}

/* base without what pagination_strip_pattern matches; a broken pattern strips nothing. */
static char *strip_page(struct pool *pool, const char *base, const char *pattern)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re = *pattern ? pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                              PCRE2_CASELESS, &code, &at, NULL)
                              : NULL;
    if (!re)
        return pool_strdup(pool, base);
    PCRE2_SIZE len = strlen(base) + 1;
    char *out = pool_alloc(pool, len);
    int n = pcre2_substitute(re, (PCRE2_SPTR)base, strlen(base), 0, PCRE2_SUBSTITUTE_GLOBAL, NULL,
                             NULL, (PCRE2_SPTR) "", 0, (PCRE2_UCHAR *)out, &len);
    pcre2_code_free(re);
    return n < 0 ? pool_strdup(pool, base) : out;
}

static char *no_end_slash(struct pool *pool, const char *url)
{
    size_t len = strlen(url);
    while (len && url[len - 1] == '/')
        len--;
    return pool_strndup(pool, url, len);
}

char *url_of_page(struct pool *pool, const char *base, const char *url_template,
                  const json_t *site_config, int n)
{
    const char *format = json_str(site_config, "pagination_format", "");
    const char *number = pool_printf(pool, "%d", n);
    base = url_no_fragment(pool, base);
    if (strstr(url_template, "{base}") && strstr(url_template, "{n}")) {
        char *url = replace_all(pool, url_template, "{base}", no_end_slash(pool, base));
        return replace_all(pool, url, "{n}", number);
    }
    if (!strstr(format, "{n}"))
        return NULL;
    base = strip_page(pool, base, json_str(site_config, "pagination_strip_pattern", ""));
    format = replace_all(pool, format, "{n}", number);
    if (!strcmp(json_str(site_config, "pagination_type", "path_suffix"), "query_param"))
        return pool_printf(pool, "%s%c%s", base, strchr(base, '?') ? '&' : '?', format);
    return pool_printf(pool, "%s%s", no_end_slash(pool, base), format);
}

static const char *const missing_titles[] = {"404",
                                             "not found",
                                             "page doesn't exist",
                                             "page does not exist",
                                             "page no longer exists",
                                             "this page isn't available",
                                             "this page isn't here"};
static const char *const missing_bodies[] = {"we couldn't find",
                                             "we could not find",
                                             "we cannot find",
                                             "cannot find the page",
                                             "page you requested",
                                             "page may have moved",
                                             "page is no longer available",
                                             "this listing is no longer available",
                                             "this item is no longer available"};
static const char *const empty_bodies[] = {"no results found", "nothing matches"};

static bool has_any(const char *text, const char *const *markers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_contains_fold(text, markers[i]))
            return true;
    return false;
}

/* A title like "Boat 404 for sale" is a listing, not an error: numbers count as whole tokens at the
 * start only, and words anywhere. */
static bool title_says_missing(const char *title)
{
    if (has_any(title, missing_titles + 1, ARRAY_SIZE(missing_titles) - 1))
        return true;
    return url_matches(title, "^\\W*(error\\W+)?404\\b|\\berror 404\\b|\\b404\\W*(error|page|$)");
}

/* A form that says 401 or 422 is there to be filled in. */
static bool takes_input(const struct page *page)
{
    for (int i = 0; i < page->n_nodes; i++)
        if ((page->nodes[i].flags & (NODE_VISIBLE | NODE_EDITABLE)) ==
            (NODE_VISIBLE | NODE_EDITABLE))
            return true;
    return false;
}

const char *page_class(struct pool *pool, const struct observation *obs, const char *asked_url,
                       bool is_search)
{
    int status = obs->page ? obs->page->http_status : 0;
    const char *title = replace_all(pool, obs->title, "\u2019", "'");
    if (str_starts(obs->url, "chrome-error://"))
        return "dns";
    if (failure_wall_mark(title))
        return "blocked";
    if (*obs->url && *asked_url && !url_same_site(obs->url, asked_url))
        return "wrong_domain";
    if (status == 404 || status == 410 || title_says_missing(title))
        return "not_found";
    if (status >= 500)
        return "http_5xx";
    if (status >= 400 && !takes_input(obs->page))
        return "http_4xx";
    if (!obs->page || !obs->page->n_nodes)
        return "ok";
    const char *body = page_text(pool, obs->page, 0, BODY_BYTES);
    body = replace_all(pool, body, "\u2019", "'");
    if (has_any(body, missing_bodies, ARRAY_SIZE(missing_bodies)))
        return "soft_404";
    if (!is_search && has_any(body, empty_bodies, ARRAY_SIZE(empty_bodies)))
        return "soft_404";
    return "ok";
}
