#include "plane/cdp/cookies.h"

#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"

#define LOGGER "mantis.plane"

static const char *path_of(struct pool *pool, const char *profile_dir)
{
    return pool_printf(pool, "%s/" COOKIES_FILE, profile_dir);
}

/* A cookie of one host is set by its address: given as a domain it would become one of all hosts below. */
json_t *cookies_settable(struct pool *pool, const json_t *cookie)
{
    static const char *const same[] = {"name",     "value",        "path",       "secure", "httpOnly",
                                       "sameSite", "partitionKey", "sourcePort", "priority"};
    const char *domain = json_str(cookie, "domain", "");
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(same); i++)
        if (json_object_get(cookie, same[i]))
            json_object_set(out, same[i], json_object_get(cookie, same[i]));
    if (domain[0] == '.')
        json_put_str(out, "domain", domain);
    else
        json_put(out, "url",
                 json_string_safe(pool_printf(
                     pool, "%s://%s%s", json_flag(cookie, "secure", false) ? "https" : "http", domain,
                     json_str(cookie, "path", "/"))));
    if (!json_flag(cookie, "session", false) && json_num(cookie, "expires", -1) > 0)
        json_object_set(out, "expires", json_object_get(cookie, "expires"));
    return out;
}

static json_t *kept_cookies(struct pool *pool, const json_t *cookies, bool all)
{
    json_t *out = json_array(), *cookie;
    size_t i;
    json_array_foreach ((json_t *)cookies, i, cookie)
        if ((all || json_flag(cookie, "session", false)) &&
            json_array_size(out) < CAP_SESSION_COOKIES)
            json_push(out, cookies_settable(pool, cookie));
    return out;
}

/* Is it other than what print says? */
static bool is_news(const char *text, size_t len, uint64_t *print)
{
    uint64_t now = str_hash(STR_HASH_START, text, len);
    bool news = !print || *print != now;
    if (print)
        *print = now;
    return news;
}

void cookies_save(struct cdp *cdp, const char *profile_dir, bool all, uint64_t *print,
                  int64_t deadline_mono_ms)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    json_t *result = NULL;
    const char *path = path_of(pool, profile_dir);
    int r = cdp_call(cdp, NULL, "Storage.getCookies", NULL, deadline_mono_ms, &result, &err);
    if (!r) {
        json_t *kept = kept_cookies(pool, json_object_get(result, "cookies"), all);
        const char *text = json_text(pool, kept);
        size_t len = strlen(text);
        if (!json_array_size(kept) || len > CAP_SESSION_COOKIES_BYTES)
            unlink(path);
        else if (is_news(text, len, print))
            r = file_write_soon(path, text, len, 0600, &err);
        json_decref(kept);
    }
    if (r)
        log_info(LOGGER, NULL, "session cookies are not kept: %s", err.msg);
    json_decref(result);
    pool_destroy(pool);
}

void cookies_restore(struct cdp *cdp, const char *profile_dir, int64_t deadline_mono_ms)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    json_t *cookies = NULL;
    char *text;
    size_t len;
    int r = file_read(pool, path_of(pool, profile_dir), CAP_SESSION_COOKIES_BYTES, &text, &len, &err);
    if (!r)
        r = json_parse(text, len, COOKIES_FILE, &cookies, &err);
    if (!r && json_array_size(cookies))
        r = cdp_call(cdp, NULL, "Storage.setCookies", json_pack("{s:O}", "cookies", cookies),
                     deadline_mono_ms, NULL, &err);
    if (r && r != E_NOT_FOUND)
        log_info(LOGGER, NULL, "session cookies are not restored: %s", err.msg);
    json_decref(cookies);
    pool_destroy(pool);
}
