/*
 * What a stranger can put into the body of POST /predict and /v1/cua: parsed, its options read, its
 * hosts looked at, its plan taken in, its identity resolved. No file is read: plan paths resolve
 * below a directory that is not there.
 */
#include <stdint.h>

#include <string.h>

#include "api/run_options.h"
#include "plan/allow.h"
#include "plan/hosts.h"
#include "plan/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A host that is sure is one for every reader: its own name names it too. */
static void look_at_hosts(struct pool *pool, const json_t *body)
{
    static const char *const domains[] = {"a.test", "*.b.test", NULL};
    struct err err = {0};
    struct allow *allow = allow_begin(pool, domains);
    allow_see_document(allow, body);
    if (allow_end(allow, &err) && err.code != E_FORBIDDEN)
        BUG("looking at hosts gave %d", err.code);
    const char *url = json_str(body, "start_url", ""), *host = plan_url_host(pool, url);
    const char *again = host ? plan_url_host(pool, pool_printf(pool, "http://%s/", host)) : NULL;
    if (host && (!again || strcmp(host, again) != 0))
        BUG("the host of '%s' was read as '%s', then as '%s'", url, host, again ? again : "none");
}

static void take_instruction(const json_t *body)
{
    struct cua_options options;
    struct err err = {0};
    if (cua_options_read(body, 200, &options, &err) == 0 &&
        (options.max_steps < 1 || options.max_steps > 200))
        BUG("max_steps %d was taken", (int)options.max_steps);
}

static void take_run(struct pool *pool, const json_t *body)
{
    static const struct intake_config config = {.repo_root = "/nonexistent",
                                                .env_url = "http://127.0.0.1:1",
                                                .default_micro = "",
                                                .max_steps = 200,
                                                .max_loop_iterations = 50,
                                                .max_time_minutes = 60,
                                                .max_cost = 25};
    struct run_options options;
    struct identity identity;
    struct plan *plan;
    struct err err = {0};
    if (run_options_read(body, &options, &err) ||
        intake_request(pool, &config, body, &plan, &err) ||
        identity_resolve(pool, "default", &options, plan->signature, &identity, &err))
        return;
    if (!id_is_clean(identity.profile_id) || !id_is_clean(identity.workflow_id))
        BUG("an identity that is not clean: '%s' '%s'", identity.profile_id, identity.workflow_id);
    if (plan->n_steps < 1 || plan->n_steps > config.max_steps)
        BUG("a plan of %d steps was taken", plan->n_steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    json_t *body;
    if (json_parse((const char *)data, size, "request body", &body, NULL) == 0) {
        json_keep(pool, body);
        look_at_hosts(pool, body);
        if (json_is_object(body)) {
            take_instruction(body);
            take_run(pool, body);
        }
    }
    pool_destroy(pool);
    return 0;
}
