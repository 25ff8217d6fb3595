/*
 * url.h - the questions a run asks about URLs, and what a page that was opened turns out to be.
 * Strings returned live in the pool that is passed in.
 */
#ifndef MANTIS_RUN_URL_H
#define MANTIS_RUN_URL_H

#include <stdbool.h>

#include "base/json.h"
#include "base/pool.h"
#include "core/observation.h"

char *url_host(struct pool *pool, const char *url); /* lower case, with port; "" when it has none */
char *url_site(struct pool *pool, const char *url); /* host without port and "www." */
char *url_origin(struct pool *pool, const char *url); /* "https://host:8443"; usual ports left out */
char *url_user_info(struct pool *pool, const char *url);    /* "user:password" as written; NULL none */
char *url_without_user(struct pool *pool, const char *url); /* the same address without it */
char *url_unescape(struct pool *pool, const char *text);    /* "%40" is "@"; NULs are left out */
char *url_path(struct pool *pool, const char *url); /* from the first '/'; "/" at least, no query */
char *url_no_fragment(struct pool *pool, const char *url);

/* Where a link on the page at base leads; "" when it leads nowhere (javascript:, #). */
char *url_join(struct pool *pool, const char *base, const char *link);

/* Same document: equal but for the fragment and a slash at the end. */
bool url_same_page(const char *a, const char *b);
bool url_same_site(const char *a, const char *b); /* {h, www.h, m.h} and known equivalents */
bool url_is_web(const char *url);                 /* http or https */

/* Query key p, page, start ... or a path ending in /page/N or /p/N (plans.md 8.10). */
bool url_is_pagination(const char *url);
bool url_is_login(const char *url);

/* Case-insensitive search; false for an empty, broken or runaway pattern. */
bool url_matches(const char *url, const char *pattern);

/* plans.md 8.3: site pattern, or same host and a path that strictly extends the results path. */
bool url_is_detail(const char *url, const json_t *site_config, const char *results_base_url);

/* True when text holds every one (or, with any, one) of wanted: a string, a list, or NULL.
 * *ret_missing names the first that decided it. */
bool url_contains_all(const char *url, const json_t *wanted, const char **ret_missing);
bool url_contains_any(const char *url, const json_t *unwanted, const char **ret_hit);

/* host[/first path segment] of the URL that was asked for: the drift hint of plans.md 8.1. */
char *url_drift_hint(struct pool *pool, const char *url);
bool url_meets_hint(const char *url, const char *hint);

/* URL of page n (plans.md 8.9): from "{base}...{n}" templates or the site's pagination_format.
 * NULL when neither says how. */
char *url_of_page(struct pool *pool, const char *base, const char *url_template,
                  const json_t *site_config, int n);

/* What an opened page is: "ok", "dns", "blocked", "wrong_domain", "not_found", "soft_404" (plans.md
 * 8.1), or "http_5xx" and "http_4xx" (no form to fill in) when the plane knows the status. is_search: "no results" is an answer there. */
const char *page_class(struct pool *pool, const struct observation *obs, const char *asked_url,
                       bool is_search);

#endif
