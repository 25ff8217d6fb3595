/*
 * gateway_upstream.c - where a profile's calls go, and with which key.
 *
 * A key is looked for under the profile's key_env: in the environment as it was at the start, then
 * in the secrets directory (HAI_API_KEY: hai_api_key, then HAI_API_KEY) at each call, so a rotated
 * one counts at once. A tenant's own Anthropic key comes before both.
 */
#include "sched/gateway_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "brain/model/request.h"
#include "sys/secrets.h"

#define ANTHROPIC "ANTHROPIC_API_KEY"

bool upstream_pod(struct gateway *g, struct pool *pool, struct gateway_pod *out)
{
    return g->config.pod && g->config.pod(g->config.pod_arg, pool, out);
}

/* --- profiles -------------------------------------------------------------------------------- */

/* Read once: a change of a file counts from the next start. */
static int profile_of(struct gateway *g, const char *name, const struct profile **out,
                      struct err *err)
{
    for (struct known *k = g->known; k; k = k->next)
        if (strcmp(k->name, name) == 0) {
            *out = k->profile;
            return 0;
        }
    struct pool *pool = pool_create(NULL);
    int r = profile_load(pool, &g->dirs, name, out, err);
    pool_destroy(pool);
    r = r ? r : profile_load(g->pool, &g->dirs, name, out, err);
    if (r)
        return r;
    struct known *k = pool_alloc(g->pool, sizeof(*k));
    *k = (struct known){g->known, pool_strdup(g->pool, name), *out};
    g->known = k;
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------ */

void upstream_take_keys(struct gateway *g)
{
    g->environment = json_keep(g->pool, json_object());
    for (const char *const *n = profile_names(g->pool, &g->dirs); *n; n++) {
        const struct profile *p;
        struct err err = {0};
        if (profile_of(g, *n, &p, &err)) {
            log_warning(GATEWAY_LOGGER, NULL, "%s", err.msg);
            continue;
        }
        char *value = *p->key_env ? getenv(p->key_env) : NULL;
        if (!value)
            continue;
        if (!str_empty(value))
            json_put_str(g->environment, p->key_env, str_squash(g->pool, value));
        explicit_bzero(value, strlen(value));
        unsetenv(p->key_env);
    }
}

static const char *key_of(struct gateway *g, struct pool *pool, const struct gateway_run *run,
                          const char *name)
{
    const char *dir = g->config.settings->secrets_dir, *key = "";
    bool anthropic = strcmp(name, ANTHROPIC) == 0;
    if (!*name)
        return "";
    if (anthropic && run && *run->anthropic_secret)
        key = secret_read(pool, dir, run->anthropic_secret);
    if (*key || (anthropic && run && run->anthropic_required))
        return key;
    key = json_str(g->environment, name, "");
    if (anthropic && !*key && !str_empty(g->config.settings->anthropic_key))
        key = g->config.settings->anthropic_key; /* taken out of the environment with the settings */
    if (!*key)
        key = secret_read(pool, dir, str_lower(pool, name));
    return *key ? key : secret_read(pool, dir, name);
}

bool gateway_has_claude(struct gateway *g, const char *anthropic_secret, bool anthropic_required)
{
    const struct gateway_run asker = {.anthropic_secret = anthropic_secret,
                                      .anthropic_required = anthropic_required};
    return upstream_has_claude(g, &asker);
}

bool upstream_has_claude(struct gateway *g, const struct gateway_run *run)
{
    struct pool *pool = pool_create(NULL);
    bool has = *key_of(g, pool, run, ANTHROPIC) != 0;
    pool_destroy(pool);
    return has;
}

/* --- both ------------------------------------------------------------------------------------ */

static int find_pod(struct gateway *g, struct pool *pool, const struct gateway_run *run,
                    const struct gateway_pod *pod, struct upstream *out, struct err *err)
{
    out->elsewhere = run && run->candidate && !str_empty(g->config.settings->shadow_url);
    if (pod->not_ready && !out->elsewhere)
        return err_set(err, E_UNAVAILABLE, "%s", pod->not_ready);
    const char *key =
        *pod->key_secret ? secret_read(pool, g->config.settings->secrets_dir, pod->key_secret) : "";
    out->pod = true;
    out->keeps_prompts = pod->keeps_prompts && !out->elsewhere;
    out->base_url = out->elsewhere ? pool_printf(pool, "%s/v1", g->config.settings->shadow_url)
                                   : pod->base_url;
    out->key = key;
    out->headers = request_headers(pool, out->profile, key);
    return 0;
}

static int find_hosted(struct gateway *g, struct pool *pool, const struct gateway_run *run,
                       struct upstream *out, struct err *err)
{
    const struct profile *p = out->profile;
    const char *key = key_of(g, pool, run, p->key_env);
    bool needs = p->api == API_ANTHROPIC_MESSAGES;
    if (needs && *p->key_env && !*key)
        return err_set(err, E_FORBIDDEN,
                       "there is no key for the model '%s': put it into the secret '%s'", p->name,
                       str_lower(pool, p->key_env));
    out->base_url = p->base_url;
    out->key = key;
    out->headers = request_headers(pool, p, key);
    return 0;
}

/* A profile may be chosen by a further name: what the brain calls it is what the call says. */
static bool is_called(const struct gateway_pod *pod, const struct upstream *up, const char *name)
{
    return strcmp(pod->profile, name) == 0 || strcmp(pod->profile, up->name) == 0;
}

int upstream_find(struct gateway *g, struct pool *pool, const struct gateway_run *run,
                  const char *name, struct upstream *out, struct err *err)
{
    struct gateway_pod pod;
    struct upstream up = {0};
    int r = profile_of(g, name, &up.profile, err);
    if (r)
        return r;
    up.name = up.profile->name;
    bool in_pod = upstream_pod(g, pool, &pod) && is_called(&pod, &up, name);
    r = in_pod ? find_pod(g, pool, run, &pod, &up, err) : find_hosted(g, pool, run, &up, err);
    if (!r)
        *out = up;
    return r;
}
