#include "cmd/practice.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/str.h"
#include "cmd/client.h"
#include "site/site.h"
#include "sys/httpc.h"
#include "sys/input.h"
#include "sys/settings.h"

#define TOKEN_BYTES 32

int practice_dir(struct pool *pool, const char *name, const char **out, struct err *err)
{
    const char *given = getenv("MANTIS_SITES_DIR");
    struct settings found;
    if (given && *given) {
        *out = pool_printf(pool, "%s/%s", input_absolute(pool, given), name);
        return 0;
    }
    int r = settings_roots(pool, &found, err);
    if (!r)
        *out = pool_printf(pool, "%s/sites/%s", found.share_dir, name);
    return r;
}

static struct practice_site *add(struct practice *p, const char *name, const char *url,
                                 const char *token)
{
    struct practice_site *s = pool_alloc(p->pool, sizeof(*s));
    s->name = pool_strdup(p->pool, name);
    s->url = client_base(p->pool, url);
    s->admin_header = pool_printf(p->pool, "X-Env-Admin: %s", token);
    s->next = p->sites;
    p->sites = s;
    return s;
}

static const char *token_of(struct pool *pool, const char *name)
{
    char *variable = pool_printf(pool, "%s_ADMIN_TOKEN", name);
    for (char *c = variable; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    const char *token = getenv(variable);
    if (str_empty(token))
        token = getenv("ENV_ADMIN_TOKEN");
    return str_empty(token) || strpbrk(token, "\r\n") ? NULL : token;
}

/* It is put into plans, which are JSON. */
static bool is_address(struct pool *pool, const char *text)
{
    struct httpc_url url;
    return httpc_url_parse(pool, text, &url, NULL) == 0 && !strpbrk(text, "\"\\");
}

int practice_add(struct practice *p, const struct option_list *given, struct err *err)
{
    for (int i = 0; i < given->n; i++) {
        const char *eq = strchr(given->items[i], '=');
        const char *name =
            eq ? pool_strndup(p->pool, given->items[i], (size_t)(eq - given->items[i])) : "";
        const char *token = token_of(p->pool, name);
        if (!*name || !is_address(p->pool, eq + 1))
            return err_set(err, E_INVALID, "--site takes NAME=URL, not '%.80s'", given->items[i]);
        if (!token)
            return err_set(err, E_INVALID,
                           "the admin token of site '%.40s' is in neither of its variables: set "
                           "ENV_ADMIN_TOKEN to what "
                           "`mantis env start` printed",
                           name);
        add(p, name, eq + 1, token);
    }
    return 0;
}

static int start_own(struct practice *p, const char *name, struct practice_site **out,
                     struct err *err)
{
    char token[2 * TOKEN_BYTES + 1];
    struct site *site;
    struct site_spec spec = {.name = name, .seed = 42, .admin_token = token, .host = p->host};
    id_random_hex(TOKEN_BYTES, token);
    int r = practice_dir(p->pool, name, &spec.dir, err);
    r = r ? r : site_create(p->loop, &spec, &site, err);
    if (r)
        return r;
    *out = add(p, name, site_url(site), token);
    (*out)->own = true;
    (*out)->site = site;
    return 0;
}

int practice_take(struct practice *p, const char *name, struct practice_site **out, struct err *err)
{
    bool theirs = false;
    struct practice_site *s;
    *out = NULL;
    for (s = p->sites; s; s = s->next) {
        if (strcmp(s->name, name) != 0)
            continue;
        theirs = theirs || !s->own;
        if (!s->busy)
            break;
    }
    int r = s || theirs ? 0 : start_own(p, name, &s, err);
    if (r || !s)
        return r;
    s->busy = true;
    *out = s;
    return 0;
}

void practice_give(struct practice_site *site)
{
    if (site)
        site->busy = false;
}

void practice_close(struct practice *p)
{
    for (struct practice_site *s = p->sites; s; s = s->next)
        site_destroy(s->site);
    p->sites = NULL;
}
