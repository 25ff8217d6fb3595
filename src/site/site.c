#include "site/site.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "site/server.h"

static const struct site_kind *const kinds[] = {
    &site_marketplace, &site_lab, &site_crm, &site_shop, &site_widgets, &site_inbox, &site_flaky,
};

static const struct site_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

const char *const *site_names(void)
{
    static const char *names[ARRAY_SIZE(kinds) + 1];
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        names[i] = kinds[i]->name;
    return names;
}

const char *site_about(const char *name)
{
    const struct site_kind *kind = find_kind(name);
    return kind ? kind->about : "";
}

static int no_such_site(const char *name, struct err *err)
{
    char list[128] = "";
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
                 kinds[i]->name);
    return err_set(err, E_NOT_FOUND, "there is no practice site '%s'; there are: %s", name, list);
}

static int check_dir(const char *dir, struct err *err)
{
    struct stat st;
    if (stat(dir, &st))
        return err_sys(err, E_NOT_FOUND, "cannot use the site directory '%s'", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, E_NOT_FOUND, "'%s' is not a directory", dir);
    return 0;
}

void site_reset(struct site *site, int64_t seed)
{
    pool_destroy(site->state_pool);
    json_decref(site->log);
    site->state_pool = pool_create(site->pool);
    site->log = json_array();
    site->log_seq = 0;
    site->seed = seed;
    site->state = site->kind->create(site->state_pool, seed);
}

int site_create(struct loop *loop, const struct site_spec *spec, struct site **out, struct err *err)
{
    const struct site_kind *kind = find_kind(spec->name);
    if (!kind)
        return no_such_site(spec->name, err);
    int r = check_dir(spec->dir, err);
    if (r)
        return r;
    if (!spec->admin_token || !*spec->admin_token)
        return err_set(err, E_INVALID, "a practice site needs an admin token");
    struct pool *pool = pool_create(NULL);
    struct site *site = pool_alloc(pool, sizeof(*site));
    site->pool = pool;
    site->kind = kind;
    site->loop = loop;
    site->dir = pool_strdup(pool, spec->dir);
    site->admin_token = pool_strdup(pool, spec->admin_token);
    site_reset(site, spec->seed);
    r = server_start(site, spec, err);
    if (r) {
        site_destroy(site);
        return r;
    }
    *out = site;
    return 0;
}

void site_destroy(struct site *site)
{
    if (!site)
        return;
    server_stop(site);
    json_decref(site->log);
    pool_destroy(site->pool);
}

const char *site_url(const struct site *site)
{
    return site->url;
}

void *site_state(const struct site *site)
{
    return site->state;
}

void site_log(struct site *site, const char *kind, const char *path, json_t *detail)
{
    char at[CLOCK_ISO_BYTES];
    json_t *entry = json_object();
    json_put_int(entry, "seq", ++site->log_seq);
    json_put_str(entry, "at", clock_iso(clock_wall_us(), at));
    json_put_str(entry, "kind", kind);
    json_put_str(entry, "path", path);
    json_put(entry, "detail", detail ? detail : json_object());
    json_push(site->log, entry);
    if (json_array_size(site->log) > CAP_SITE_LOG)
        json_array_remove(site->log, 0);
}
