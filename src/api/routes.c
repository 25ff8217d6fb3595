/*
 * routes.c - every route in one table, and the match of a path against it.
 */
#include "api/request.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

/* clang-format off */
#define BODY  CAP_HTTP_BODY_BYTES
#define SMALL CAP_HTTP_SMALL_BODY_BYTES
const struct route routes[] = {
    {"POST", "/v1/predict", BODY, ROUTE_JSON, SCOPE_ANY, predict_post, "predict"},
    {"POST", "/predict", BODY, ROUTE_JSON, SCOPE_ANY, predict_post, "predictAlias"},
    {"POST", "/v1/cua", BODY, ROUTE_JSON, SCOPE_RUN, cua_post, "cua"},
    {"POST", "/v1/chat/completions", CAP_CHAT_BODY_BYTES, ROUTE_OPENAI, SCOPE_RUN, chat_post, "chatCompletions"},
    {"GET", "/v1/runs", 0, 0, SCOPE_STATUS, runs_get, "listRuns"},
    {"GET", "/v1/runs/{run_id}", 0, 0, SCOPE_STATUS, run_phase_get, "getRunPhase"},
    {"GET", "/v1/runs/{run_id}/status", 0, 0, SCOPE_STATUS, run_status_get, "getRunStatus"},
    {"GET", "/v1/runs/{run_id}/result", 0, 0, SCOPE_RESULT, run_result_get, "getRunResult"},
    {"POST", "/v1/runs/{run_id}/cancel", SMALL, 0, SCOPE_RUN, run_cancel_post, "cancelRun"},
    {"GET", "/v1/runs/{run_id}/events", 0, 0, SCOPE_STATUS | SCOPE_LOGS, run_events_get, "getRunEvents"},
    {"GET", "/v1/runs/{run_id}/steps", 0, 0, SCOPE_STATUS | SCOPE_LOGS, run_steps_get, "getRunSteps"},
    {"GET", "/v1/runs/{run_id}/screenshots/{name}", 0, 0, SCOPE_RESULT, run_screenshot_get, "getRunScreenshot"},
    {"GET", "/v1/runs/{run_id}/video", 0, 0, SCOPE_RESULT, run_video_get, "getRunVideo"},
    {"GET", "/v1/runs/{run_id}/view", 0, 0, SCOPE_STATUS, run_view_get, "getRunView"},
    {"GET", "/v1/runs/{run_id}/view.mjpeg", 0, ROUTE_OPEN, 0, run_view_mjpeg_get, "watchRun"},
    {"GET", "/v1/runs/{run_id}/view.ws", 0, ROUTE_OPEN, 0, run_view_ws_get, "watchRunSocket"},
    {"POST", "/v1/runs/{run_id}/takeover", SMALL, 0, SCOPE_RUN, run_takeover_post, "takeOverRun"},
    {"POST", "/v1/runs/{run_id}/release", SMALL, 0, SCOPE_RUN, run_release_post, "releaseRun"},
    {"GET", "/v1/runs/{run_id}/artifacts/{name}", 0, 0, SCOPE_RESULT, run_artifact_get, "getRunArtifact"},
    {"GET", "/v1/runs/{run_id}/webhook", 0, 0, SCOPE_STATUS | SCOPE_LOGS, run_webhook_get, "getRunWebhook"},
    {"POST", "/v1/runs/{run_id}/webhook/replay", SMALL, 0, SCOPE_RUN, run_webhook_replay_post, "replayRunWebhook"},
    {"GET", "/v1/webhooks", 0, 0, SCOPE_STATUS | SCOPE_LOGS, webhooks_get, "listWebhooks"},
    {"POST", "/v1/webhooks/{delivery_id}/replay", SMALL, 0, SCOPE_RUN, webhook_replay_post, "replayWebhook"},
    {"GET", "/v1/queue", 0, 0, SCOPE_STATUS, queue_get, "getQueue"},
    {"GET", "/v1/usage", 0, 0, SCOPE_ANY, usage_get, "getUsage"},
    {"POST", "/v1/recipes", BODY, ROUTE_JSON, SCOPE_RUN, recipes_post, "putRecipe"},
    {"GET", "/v1/recipes", 0, 0, SCOPE_ANY, recipes_get, "listRecipes"},
    {"GET", "/v1/recipes/{name}", 0, 0, SCOPE_ANY, recipe_get, "getRecipe"},
    {"DELETE", "/v1/recipes/{name}", 0, 0, SCOPE_RUN, recipe_delete, "deleteRecipe"},
    {"POST", "/v1/diagnose/fingerprint", SMALL, 0, SCOPE_RUN, fingerprint_post, "diagnoseFingerprint"},
    {"GET", "/health", 0, ROUTE_OPEN, 0, health_get, "health"},
    {"GET", "/v1/health", 0, ROUTE_OPEN, 0, health_get, "healthAlias"},
    {"GET", "/v1/version", 0, ROUTE_OPEN, 0, version_get, "version"},
    {"GET", "/v1/models", 0, ROUTE_OPEN, 0, models_get, "listModels"},
    {"GET", "/metrics", 0, ROUTE_OPEN, 0, metrics_get, "metrics"},
    {"GET", "/openapi.json", 0, ROUTE_OPEN, 0, openapi_get, "openapi"},
    {"GET", "/docs", 0, ROUTE_OPEN, 0, docs_get, "docs"},
    {"GET", "/docs/{name}", 0, ROUTE_OPEN, 0, docs_asset_get, "docsAsset"},
    {"GET", "/console", 0, ROUTE_OPEN, 0, console_get, "console"},
    {"GET", "/console/{name}", 0, ROUTE_OPEN, 0, console_asset_get, "consoleAsset"},
    {"GET", "/redoc", 0, ROUTE_OPEN, 0, redoc_get, "redoc"},
};
#undef BODY
#undef SMALL
/* clang-format on */
const size_t routes_n = ARRAY_SIZE(routes);

/* What the patterns are like, so that most are passed over by one comparison. */
static struct shape {
    size_t fixed; /* bytes before the first brace */
    int slashes;
} shapes[ARRAY_SIZE(routes)];

static int count_slashes(const char *s)
{
    int n = 0;
    while ((s = strchr(s, '/'))) {
        n++;
        s++;
    }
    return n;
}

static void learn_shapes(void)
{
    for (size_t i = 0; i < routes_n; i++)
        shapes[i] = (struct shape){strcspn(routes[i].pattern, "{"), count_slashes(routes[i].pattern)};
}

/* One segment that a brace took. */
struct span {
    const char *at;
    size_t len;
};

/* From the first brace on. */
static bool rest_fits(const char *pattern, const char *path, struct span spans[ROUTE_PARAMS_MAX])
{
    int n = 0;
    for (;;) {
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");
        if (pattern[0] == '{') {
            if (have == 0 || n == ROUTE_PARAMS_MAX)
                return false;
            spans[n++] = (struct span){path, have};
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

static bool path_fits(size_t i, const char *path, int slashes, struct span spans[ROUTE_PARAMS_MAX])
{
    const char *pattern = routes[i].pattern;
    size_t fixed = shapes[i].fixed;
    if (shapes[i].slashes != slashes || strncmp(pattern, path, fixed) != 0)
        return false;
    return pattern[fixed] ? rest_fits(pattern + fixed, path + fixed, spans) : !path[fixed];
}

int route_match(struct pool *pool, const char *method, const char *path, const struct route **ret,
                const char *params[ROUTE_PARAMS_MAX], const char **ret_allow)
{
    const char *allow = NULL;
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    int slashes = count_slashes(path);
    if (!shapes[0].fixed)
        learn_shapes();
    for (size_t i = 0; i < routes_n; i++) {
        struct span spans[ROUTE_PARAMS_MAX] = {{NULL, 0}};
        if (!path_fits(i, path, slashes, spans))
            continue;
        if (strcmp(routes[i].method, wanted) == 0) {
            for (int p = 0; p < ROUTE_PARAMS_MAX && spans[p].at; p++)
                params[p] = pool_strndup(pool, spans[p].at, spans[p].len);
            *ret = &routes[i];
            return 0;
        }
        const char *also = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
        allow = allow ? pool_printf(pool, "%s, %s", allow, also) : also;
    }
    *ret_allow = allow;
    return allow ? E_INVALID : E_NOT_FOUND;
}
