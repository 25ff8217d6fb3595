#include "run/allow.h"

#include <string.h>

#include "base/str.h"
#include "core/tenant.h"
#include "run/look.h"
#include "run/url.h"

static const char *const own_pages[] = {"about:", "chrome-error:"};

static bool is_own_page(const char *url)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_pages); i++)
        if (str_starts(url, own_pages[i]))
            return true;
    return !*url;
}

/* As the browser prints it; a dot at the end names the same host. */
static const char *live_host(struct pool *pool, const char *url)
{
    char *host = url_host(pool, url), *port = strrchr(host, ':');
    if (port && strspn(port + 1, "0123456789") == strlen(port + 1))
        *port = 0;
    size_t len = strlen(host);
    if (len && host[len - 1] == '.')
        host[len - 1] = 0;
    return host;
}

bool allow_url(const char *const *allowed, const char *url)
{
    if (!allowed || !*allowed || is_own_page(url))
        return true;
    if (!url_is_web(url))
        return false;
    struct pool *pool = pool_create(NULL);
    bool ok = tenant_allows_host(allowed, live_host(pool, url));
    pool_destroy(pool);
    return ok;
}

int allow_check(struct run *run, struct step_result *out, bool *ret_outside, struct err *err)
{
    const char *const *allowed = run->config->allowed_domains;
    const char *url = "";
    *ret_outside = false;
    if (!allowed || !*allowed)
        return 0;
    int r = run_read_url(run, &url, err);
    if (r || allow_url(allowed, url))
        return r;
    *ret_outside = true;
    out->success = false;
    out->outcome = OUTCOME_NORMAL;
    return step_fail(run, out, "off_allowlist",
                     "off_allowlist: the browser is at '%.100s', which the tenant may not use",
                     live_host(run->step_pool, url));
}
