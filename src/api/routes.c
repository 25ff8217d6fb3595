/*
 * routes.c - every route in one table, and the match of a path against it.
 */
#include "api/request.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

/* clang-format off */
const struct route routes[] = {
    {"POST", "/v1/predict", CAP_HTTP_BODY_BYTES, ROUTE_JSON, predict_post, "Submit a plan, or act on a run"},
    {"POST", "/predict", CAP_HTTP_BODY_BYTES, ROUTE_JSON, predict_post, "The same"},
    {"GET", "/v1/runs/{run_id}", 0, 0, run_phase_get, "Phase of a run"},
    {"GET", "/v1/runs/{run_id}/status", 0, 0, run_status_get, "Status of a run"},
    {"GET", "/v1/runs/{run_id}/result", 0, 0, run_result_get, "Status and result of a run"},
    {"POST", "/v1/runs/{run_id}/cancel", CAP_HTTP_SMALL_BODY_BYTES, 0, run_cancel_post, "Cancel a run"},
    {"GET", "/v1/runs/{run_id}/artifacts/{name}", 0, 0, run_artifact_get, "A file that a run left"},
    {"GET", "/health", 0, ROUTE_OPEN, health_get, "Can runs be carried out now?"},
    {"GET", "/v1/health", 0, ROUTE_OPEN, health_get, "The same"},
    {"GET", "/v1/version", 0, ROUTE_OPEN, version_get, "What is running here"},
    {"GET", "/v1/models", 0, ROUTE_OPEN, models_get, "The model that decides"},
};
/* clang-format on */
const size_t routes_n = ARRAY_SIZE(routes);

/* Both start behind a '/'. */
static bool path_fits(struct pool *pool, const char *pattern, const char *path,
                      const char *params[ROUTE_PARAMS_MAX])
{
    int n = 0;
    for (;;) {
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");
        if (pattern[0] == '{') {
            if (have == 0 || n == ROUTE_PARAMS_MAX)
                return false;
            params[n++] = pool_strndup(pool, path, have);
        } else if (want != have || strncmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
        if (!*pattern || !*path)
            return *pattern == *path;
        pattern++;
        path++;
    }
}

int route_match(struct pool *pool, const char *method, const char *path, const struct route **ret,
                const char *params[ROUTE_PARAMS_MAX], const char **ret_allow)
{
    const char *allow = NULL;
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (const struct route *r = routes; r < routes + routes_n; r++) {
        const char *found[ROUTE_PARAMS_MAX] = {NULL};
        if (!path_fits(pool, r->pattern, path, found))
            continue;
        if (strcmp(r->method, wanted) == 0) {
            memcpy(params, found, sizeof(found));
            *ret = r;
            return 0;
        }
        const char *also = strcmp(r->method, "GET") == 0 ? "GET, HEAD" : r->method;
        allow = allow ? pool_printf(pool, "%s, %s", allow, also) : also;
    }
    *ret_allow = allow;
    return allow ? E_INVALID : E_NOT_FOUND;
}
