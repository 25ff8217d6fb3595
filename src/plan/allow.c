#include "plan/allow.h"

#include <string.h>

#include "base/str.h"
#include "core/tenant.h"
#include "plan/hosts.h"

#define LISTED      8   /* hosts in the message; the rest is counted */
#define SHOWN_BYTES 100 /* of one of them */
#define LIST_BYTES  360 /* of all: what fits a message */

struct allow {
    struct pool *pool;
    const char *const *domains;
    const char *refused[LISTED];
    int n_refused, n_more;
};

struct allow *allow_begin(struct pool *pool, const char *const *domains)
{
    struct allow *allow = pool_alloc(pool, sizeof(*allow));
    allow->pool = pool;
    allow->domains = domains && *domains ? domains : NULL;
    return allow;
}

static void refuse(struct allow *a, const char *host)
{
    for (int i = 0; i < a->n_refused; i++)
        if (strcmp(a->refused[i], host) == 0)
            return;
    if (a->n_refused < LISTED)
        a->refused[a->n_refused++] = host;
    else
        a->n_more++;
}

static void refuse_unsure(struct allow *a, const char *text)
{
    refuse(a, pool_printf(a->pool, "%s' (not surely one host; write it plainly)",
                          str_cut(a->pool, text, SHOWN_BYTES)));
}

static enum host_reading see_url(struct allow *a, const char *url, const char *ends)
{
    char *host = NULL;
    enum host_reading reading = plan_host_read(a->pool, url, ends, &host);
    if (reading == HOST_UNSURE)
        refuse_unsure(a, host);
    else if (reading == HOST_SURE && !tenant_allows_host(a->domains, host))
        refuse(a, pool_printf(a->pool, "%s'", str_cut(a->pool, host, SHOWN_BYTES)));
    return reading;
}

void allow_see_text(struct allow *a, const char *text)
{
    if (!a->domains)
        return;
    for (const char *p = text; (p = plan_next_address(p)); p += strlen("http"))
        see_url(a, p, PLAN_ADDRESS_ENDS);
}

/* A path of the same site: "/login", "?page=2". "//host" and "/\host" name another one. */
static bool is_relative(const char *s)
{
    return *s == '?' || *s == '#' || (*s == '/' && s[1] != '/' && s[1] != '\\');
}

void allow_see_address(struct allow *a, const char *address)
{
    while (*address && (unsigned char)*address <= ' ')
        address++;
    if (!a->domains || !*address || str_eq_fold(address, "about:blank"))
        return;
    for (const char *p = address; *p; p++) /* a browser drops these before it reads anything */
        if (strchr("\t\r\n", *p) && p[1] && !str_empty(p)) {
            refuse_unsure(a, "an address with a line end or tab inside");
            return;
        }
    if (see_url(a, address, "") != HOST_NONE)
        return;
    if (plan_next_address(address))
        allow_see_text(a, address);
    else if (!is_relative(address) && /* "shop.example/x", "//shop.example": taken for a host */
             see_url(a, pool_printf(a->pool, "http://%s", address), "") == HOST_NONE)
        refuse_unsure(a, address);
}

/* "{base}/page/{n}", or what is put behind an address: only its end may change. */
static void see_template(struct allow *a, const char *text)
{
    bool on_base = str_starts(text, "{base}");
    const char *tail = on_base ? text + strlen("{base}") : text;
    if (!on_base && (plan_next_address(text) || strstr(text, "{base}"))) {
        allow_see_address(a, text);
        return;
    }
    for (const char *p = tail; *p && !strchr("/?#", *p); p++)
        if (strchr(".@:%\\", *p) || (unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f) {
            refuse_unsure(a, text);
            return;
        }
}

enum meaning { TEXT, ADDRESS, TEMPLATE, UNUSED };

/* What a key's string is to a run. Words to be typed, examples of values and notes open nothing. */
static enum meaning meaning_of(const char *key, const char *inside)
{
    static const struct {
        const char *key, *inside; /* inside: only directly in this one; NULL anywhere */
        enum meaning meaning;
    } keys[] = {
        {"url", NULL, ADDRESS},
        {"start_url", NULL, ADDRESS},
        {"base_url", NULL, ADDRESS},
        {"fallback_url", NULL, ADDRESS},
        {"fallback_start_url", NULL, ADDRESS},
        {"url_template", NULL, TEMPLATE},
        {"pagination_url_template", NULL, TEMPLATE},
        {"_pagination_url_template", NULL, TEMPLATE},
        {"pagination_format", NULL, TEMPLATE},
        {"value", "params", UNUSED},
        {"value", "verify", UNUSED}, /* compared, never opened */
        {"selector", "verify", UNUSED},
        {"option_label", "params", UNUSED},
        {"extract", NULL, UNUSED},
        {"_extraction_schema", NULL, UNUSED},
        {"_oracle_url", NULL, UNUSED},
        {"description", NULL, UNUSED},
        {"notes", NULL, UNUSED},
        {"source_plan", NULL, UNUSED},
        {"$schema", NULL, UNUSED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].key, key) == 0 && (!keys[i].inside || !strcmp(keys[i].inside, inside)))
            return keys[i].meaning;
    return str_ends(key, "_pattern") ? UNUSED : TEXT;
}

static void see_value(struct allow *a, const json_t *value, const char *key, const char *inside)
{
    enum meaning meaning = meaning_of(key, inside);
    const char *text = json_string_value(value), *name;
    json_t *child;
    size_t i;
    if (meaning == UNUSED)
        return;
    if (text && meaning == ADDRESS)
        allow_see_address(a, text);
    else if (text && meaning == TEMPLATE)
        see_template(a, text);
    else if (text)
        allow_see_text(a, text);
    json_array_foreach ((json_t *)value, i, child)
        see_value(a, child, key, inside);
    json_object_foreach ((json_t *)value, name, child)
        see_value(a, child, name, key);
}

void allow_see_document(struct allow *a, const json_t *plan)
{
    if (a->domains && plan)
        see_value(a, plan, "", "");
}

int allow_end(const struct allow *a, struct err *err)
{
    const char *list = "";
    int left_out = a->n_more;
    for (int i = 0; i < a->n_refused; i++) {
        const char *more = pool_printf(a->pool, "%s%s'%s", list, *list ? ", " : "", a->refused[i]);
        if (*list && strlen(more) > LIST_BYTES)
            left_out++;
        else
            list = more;
    }
    if (!a->n_refused)
        return 0;
    return err_set(err, E_FORBIDDEN, "this tenant may not go to %s%s: not in its allowed_domains",
                   list, left_out ? pool_printf(a->pool, " and %d more", left_out) : "");
}
