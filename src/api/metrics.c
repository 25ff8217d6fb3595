/*
 * metrics.c - GET /metrics (http-api.md section 18). Open, because a scraper inside the cluster has
 * no tenant; MANTIS_METRICS_TOKEN closes it, because it names tenants.
 */
#include "api/request.h"

#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/id.h"
#include "engine/engine.h"

#define BEARER "Bearer "

static const char *presented(const struct request *req)
{
    const char *own =
        MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "X-Mantis-Token");
    const char *standard =
        MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "Authorization");
    if (standard && strncasecmp(standard, BEARER, strlen(BEARER)) == 0)
        return standard + strlen(BEARER) + strspn(standard + strlen(BEARER), " ");
    return own ? own : "";
}

static int check_token(const struct request *req, struct err *err)
{
    const char *wanted = req->api->settings->metrics_token, *token = presented(req);
    if (!wanted || !*wanted)
        return 0;
    if (!*token)
        return err_set(err, E_UNAUTHORIZED,
                       "/metrics needs a token: Authorization: Bearer, or X-Mantis-Token");
    if (!id_secret_equal(wanted, token))
        return err_set(err, E_UNAUTHORIZED, "the token is not the one of /metrics");
    return 0;
}

static void show_selftest(struct request *req)
{
    const struct engine_selftest *t = req->api->engine ? engine_selftest(req->api->engine) : NULL;
    if (t && *t->verdict)
        meters_selftest(req->api->meters, t->verdict, t->median_px, t->max_px);
}

int metrics_get(struct request *req, struct err *err)
{
    struct buf page;
    int r = check_token(req, err);
    if (r)
        return r;
    if (req->api->engine || *model_tag(req))
        meters_model(req->api->meters, req->api->model, model_tag(req));
    if (req->api->engine)
        meters_model_server(req->api->meters, req->api->model, engine_ready(req->api->engine, NULL));
    buf_init(&page, CAP_METRICS_BYTES);
    show_selftest(req);
    meters_print(req->api->meters, &page);
    r = page.failed
            ? err_set(err, E_INTERNAL, "/metrics is larger than %u bytes", CAP_METRICS_BYTES)
            : respond_text(req, 200, "text/plain; version=0.0.4; charset=utf-8",
                           page.data ? page.data : "", page.len);
    buf_release(&page);
    return r;
}
