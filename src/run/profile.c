#include "run/profile.h"

#include <stdint.h>

#include "base/log.h"
#include "base/pool.h"
#include "sys/file.h"

#define LOGGER "mantis.worker"
#define MB     (1024 * 1024)

/* Below the profile directory. What is fetched or computed again when it is gone; cookies, local storage,
 * IndexedDB and history are not among it.
 * Source: chrome/common/chrome_constants.cc, content/browser/gpu, components/component_updater. */
static const char *const disposable[] = {
    "Default/Cache",         "Default/Code Cache",
    "Default/GPUCache",      "Default/DawnCache",
    "Default/DawnGraphiteCache", "Default/DawnWebGPUCache",
    "Default/blob_storage",  "Default/Service Worker/CacheStorage",
    "Default/Service Worker/ScriptCache", "Default/optimization_guide_hint_cache_store",
    "GrShaderCache",         "ShaderCache",
    "GraphiteDawnCache",     "Crash Reports",
    "Crashpad",              "BrowserMetrics",
    "component_crx_cache",   "extensions_crx_cache",
    "Safe Browsing",         "optimization_guide_model_store",
};

void profile_trim(const char *dir)
{
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(disposable); i++) {
        struct err err = {0};
        if (file_remove_tree(pool_printf(pool, "%s/%s", dir, disposable[i]), &err))
            log_info(LOGGER, NULL, "the profile is not trimmed: %s", err.msg);
    }
    pool_destroy(pool);
}

int profile_check(const char *dir, int max_mb, struct err *err)
{
    int64_t bytes = 0;
    if (max_mb <= 0)
        return 0;
    int r = file_tree_bytes(dir, &bytes, err);
    if (!r && bytes > (int64_t)max_mb * MB) {
        profile_trim(dir);
        r = file_tree_bytes(dir, &bytes, err);
    }
    if (r || bytes <= (int64_t)max_mb * MB)
        return r;
    return err_set(err, E_INVALID,
                   "the browser profile holds %lld MB, MANTIS_PROFILE_MAX_MB allows %d: remove it "
                   "(mantis profile rm), or take another profile_id",
                   (long long)(bytes / MB), max_mb);
}
