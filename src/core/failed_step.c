#include "core/failed_step.h"

#include <string.h>

#include "base/str.h"

#define URL_BYTES  500
#define DATA_BYTES 300
#define CODE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* What a marker in a step's data says to a person. The first that is there counts.
 * Source of the codes: net/base/net_error_list.h of Chromium. */
static const struct {
    const char *marker, *words;
} reasons[] = {
    {"ERR_NAME_NOT_RESOLVED", "its name cannot be resolved"},
    {"DNS_PROBE_", "its name cannot be resolved"},
    {"ERR_CONNECTION_REFUSED", "the connection was refused"},
    {"ERR_CONNECTION_TIMED_OUT", "nothing answers there"},
    {"ERR_TIMED_OUT", "nothing answers there"},
    {"ERR_CONNECTION_RESET", "the connection was cut by the server"},
    {"ERR_CONNECTION_CLOSED", "the connection was cut by the server"},
    {"ERR_EMPTY_RESPONSE", "the server closed the connection without an answer"},
    {"ERR_ADDRESS_UNREACHABLE", "its address cannot be reached from here"},
    {"ERR_INTERNET_DISCONNECTED", "the machine has no network"},
    {"ERR_NETWORK_CHANGED", "the network changed meanwhile"},
    {"ERR_CERT_", "its certificate is not trusted"},
    {"ERR_SSL_", "no secure connection could be made"},
    {"ERR_TOO_MANY_REDIRECTS", "it redirects without end"},
    {"ERR_UNSAFE_PORT", "the browser does not open that port"},
    {"bad_url:dns", "its name cannot be resolved, or nothing answers there"},
    {"bad_url:not_found", "the site says that there is no such page"},
    {"bad_url:soft_404", "the page that came says that there is nothing"},
    {"bad_url:wrong_domain", "it led to another site"},
    {"bad_url:no URL", "the step names no address"},
    {"nav_timeout", "it did not load in time"},
};

static const json_t *last_result(const json_t *checkpoint)
{
    const json_t *all = json_object_get(checkpoint, "step_results");
    size_t n = json_array_size(all);
    return n ? json_array_get(all, n - 1) : NULL;
}

static bool has_failed(const json_t *result)
{
    return result && !json_flag(result, "success", false) && !json_flag(result, "skip", false);
}

static const char *url_of(const json_t *result)
{
    const char *asked = json_str(result, "asked_url", "");
    return *asked ? asked : json_str(result, "final_url", "");
}

json_t *failed_step(const json_t *checkpoint)
{
    const json_t *all = json_object_get(checkpoint, "step_results"), *failed = NULL;
    for (size_t i = json_array_size(all); i && !failed; i--)
        if (has_failed(json_array_get(all, i - 1)))
            failed = json_array_get(all, i - 1);
    if (!failed)
        return NULL;
    struct pool *pool = pool_create(NULL);
    json_t *out = json_object();
    json_put_int(out, "step_index", json_int(failed, "step_index", -1));
    json_put_str(out, "step_type", json_str(failed, "type", ""));
    json_put_str(out, "url", str_cut(pool, url_of(failed), URL_BYTES));
    json_put_str(out, "data", str_cut(pool, json_str(failed, "data", ""), DATA_BYTES));
    pool_destroy(pool);
    return out;
}

static const char *reason_of(struct pool *pool, const char *data)
{
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (strstr(data, reasons[i].marker))
            return reasons[i].words;
    const char *words = strstr(data, ": "); /* "http_5xx: the server answered 503" */
    return str_cut(pool, words ? words + 2 : data, DATA_BYTES);
}

const char *failed_navigation(struct pool *pool, const json_t *checkpoint)
{
    const json_t *last = last_result(checkpoint);
    if (!has_failed(last) || strcmp(json_str(last, "type", ""), "navigate") != 0)
        return NULL;
    const char *url = url_of(last);
    return pool_printf(pool, "step %d (navigate) could not open %s: %s",
                       (int)json_int(last, "step_index", 0) + 1,
                       *url ? str_cut(pool, url, URL_BYTES) : "its page",
                       reason_of(pool, json_str(last, "data", "")));
}

const char *failed_load_code(struct pool *pool, const char *page_text)
{
    static const char *const starts[] = {"ERR_", "DNS_PROBE_"};
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        const char *at = strstr(page_text, starts[i]);
        if (at)
            return pool_strndup(pool, at, strspn(at, CODE_CHARS));
    }
    return "";
}
