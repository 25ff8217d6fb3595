#include "cmd/serve_models.h"

#include <string.h>

#include "api/brains.h"
#include "brain/brain.h"
#include "brain/model/profile.h"
#include "core/cost.h"
#include "engine/base.h"

/* That a model's profile is there, and that its server speaks what such a brain says. The first that
 * can ask the model server of this host becomes its asker. */
static int check_profile(struct pool *pool, const struct settings *settings, const char *spec,
                         struct engine_asker *asker, struct err *err)
{
    const struct profile_dirs dirs = profile_dirs_of(settings);
    const char *name = profile_of_spec(spec);
    const struct profile *profile;
    if (!name)
        return 0;
    if (profile_load(pool, &dirs, name, &profile, err))
        return -1;
    enum profile_api api = strncmp(spec, "claude", 6) ? API_OPENAI_CHAT : API_ANTHROPIC_MESSAGES;
    if (api == API_OPENAI_CHAT && !asker->profile)
        *asker = (struct engine_asker){name, profile->pod_model};
    if (profile->api == api)
        return 0;
    return err_set(
        err, E_INVALID,
        "the brain '%.80s' (MANTIS_BRAIN, MANTIS_MODEL) does not speak what the profile's "
        "server does (api in %s): use %s:%s",
        settings->brain, profile->path, api == API_OPENAI_CHAT ? "claude" : "chat", name);
}

/* Of a ladder: workers know brains by their kind only. */
static int check_name(const struct settings *settings, const char *spec, struct err *err)
{
    const char *known_as = api_brain_for_worker(spec);
    if (brain_known(spec))
        return 0;
    return err_set(err, E_INVALID, "the brain '%.80s' (MANTIS_BRAIN, MANTIS_MODEL): there is no '%.60s'%s%s",
                   settings->brain, spec, strcmp(known_as, spec) ? ", write " : "",
                   strcmp(known_as, spec) ? known_as : "");
}

static int check_brain(struct pool *pool, const struct settings *settings,
                       struct engine_asker *asker, struct err *err)
{
    const char *parts[2];
    int n = brain_parts(pool, api_brain_for_worker(settings->brain), parts), r = 0;
    if (n == 0)
        return err_set(err, E_INVALID,
                       "the brain '%.80s' (MANTIS_BRAIN, MANTIS_MODEL) is no ladder: write "
                       "ladder:<brain>,<brain>, neither of them a ladder",
                       settings->brain);
    for (int i = 0; i < n && !r; i++) {
        r = check_name(settings, parts[i], err);
        r = r ? r : check_profile(pool, settings, parts[i], asker, err);
    }
    return r;
}

int serve_models_check(struct pool *pool, const struct settings *settings,
                       struct engine_target *out, struct err *err)
{
    const json_t *prices;
    struct engine_asker asker = {0};
    int r = check_brain(pool, settings, &asker, err);
    if (!r && cost_prices_parse(pool, settings->model_prices, &prices, err))
        r = err_prefix(err, "MANTIS_MODEL_PRICES");
    if (!r && engine_wanted(settings))
        r = engine_prepare(pool, settings, asker, out, err);
    return r;
}

static bool show_pod(void *arg, struct pool *pool, struct gateway_pod *out)
{
    struct serve_models *m = arg;
    const struct engine_target *t = m->engine ? engine_target(m->engine) : NULL;
    const char *why = NULL;
    if (!t || !t->profile)
        return false;
    bool ready = engine_ready(m->engine, &why);
    *out = (struct gateway_pod){
        .profile = t->profile,
        .base_url = pool_printf(pool, "%s/v1", engine_url(m->engine)),
        .not_ready = ready ? NULL : pool_strdup(pool, why),
        .model = t->request_model,
        .key_secret = t->url ? m->settings->model_key_secret : "",
        .slots = t->url ? 0 : t->launch.slots,
        .keeps_prompts = !t->url && t->base->engine == ENGINE_LLAMA,
    };
    return true;
}

int serve_models_open(struct serve_models *models, struct loop *loop, struct store *store,
                      const struct settings *settings, struct gateway **out, struct err *err)
{
    *models = (struct serve_models){.settings = settings};
    const struct gateway_config config = {
        .loop = loop, .settings = settings, .store = store, .pod = show_pod, .pod_arg = models};
    return gateway_create(&config, out, err);
}
