/*
 * auth.c - who is calling, and the line that says what they did.
 *
 * One tenant, "default", whose token was read once at start. Values: tenancy.md section 3.
 */
#include "api/request.h"

#include <string.h>

#include "base/id.h"

static const struct tenant default_tenant = {
    .id = "default",
    .max_cost_per_run = 25.0,
    .max_time_minutes_per_run = 60,
};

int auth_check(const char *configured, const char *presented, const struct tenant **out,
               struct err *err)
{
    if (!*configured)
        return err_set(
            err, E_UNAVAILABLE,
            "no token is configured on this server: set MANTIS_API_TOKEN and restart it");
    if (!presented || !*presented)
        return err_set(err, E_UNAUTHORIZED, "the X-Mantis-Token header is missing");
    if (!id_secret_equal(configured, presented))
        return err_set(err, E_UNAUTHORIZED,
                       "the X-Mantis-Token header is invalid: it matches no tenant");
    *out = &default_tenant;
    return 0;
}

void audit_predict(const struct request *req, const char *action, const char *profile_id,
                   const char *workflow_id, bool detached)
{
    struct log_ctx ctx = request_log_ctx(req, NULL);
    log_info("mantis.server", &ctx,
             "predict tenant=%s scope=run profile_id=%s workflow_id=%s detached=%s action=%s",
             req->tenant->id, profile_id ? profile_id : "-", workflow_id ? workflow_id : "-",
             detached ? "true" : "false", action);
}
