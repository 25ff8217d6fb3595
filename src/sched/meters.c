/*
 * meters.c - the families of http-api.md section 18, in its order, then ours. Labels name tenants
 * and fixed words, never addresses or plan text.
 */
#include "sched/meters_private.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "store/outbox.h"
#include "sys/file.h"

#define SHA_DIGITS 12 /* of a prompt, as git does */

static const double duration_s[] = {10, 30, 60, 120, 300, 600, 1200, 1800, 3600};
static const double cost_usd[] = {.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 25};
static const double latency_s[] = {.05, .1, .25, .5, 1, 2, 5, 10, 20, 30};
static const double distance_px[] = {2, 5, 10, 25, 50, 100, 200, 500, 1000};

/* clang-format off */
#define COUNTER   .type = METRIC_COUNTER
#define GAUGE     .type = METRIC_GAUGE
#define HISTOGRAM(bounds) .type = METRIC_HISTOGRAM, .buckets = bounds, .n_buckets = ARRAY_SIZE(bounds)
static const struct metric_spec specs[METER_N] = {
    [METER_PREDICT_REQUESTS] = {"mantis_predict_requests_total", "Calls of predict, cua and their shorthands.", COUNTER, .labels = {"tenant_id", "mode", "outcome"}},
    [METER_CHAT_COMPLETIONS] = {"mantis_chat_completions_total", "Chat completions passed to the model server.", COUNTER, .labels = {"tenant_id", "outcome"}},
    [METER_RUN_DURATION] = {"mantis_run_duration_seconds", "How long runs worked until they ended or paused.", HISTOGRAM(duration_s), .labels = {"tenant_id", "model", "status"}},
    [METER_RUN_COST] = {"mantis_run_cost_usd", "What runs had cost when they ended or paused.", HISTOGRAM(cost_usd), .labels = {"tenant_id", "model", "status"}},
    [METER_RUN_COST_INFLIGHT] = {"mantis_run_cost_usd_inflight", "What runs that are not over have cost so far.", GAUGE, .labels = {"tenant_id", "component"}},
    [METER_CONCURRENT_RUNS] = {"mantis_concurrent_runs", "Runs that are queued, running, recovering or paused.", GAUGE, .labels = {"tenant_id"}},
    [METER_QUEUE_DEPTH] = {"mantis_queue_depth", "Runs that wait for their first executor slot.", GAUGE, .labels = {"tenant_id"}},
    [METER_REJECTIONS] = {"mantis_rate_limit_rejections_total", "Runs refused by the rate or the concurrency limit.", COUNTER, .labels = {"tenant_id", "kind"}},
    [METER_PROMPT_VERSION] = {"mantis_prompt_version", "1 for each prompt file in use, by the hash of its text.", GAUGE, .labels = {"prompt_name", "sha"}},
    [METER_ACTIONS] = {"mantis_action_total", "Steps that were carried out, each try of a step counted.", COUNTER, .labels = {"tenant_id", "step_kind", "outcome"}},
    [METER_BRAIN_ESCALATIONS] = {"mantis_brain_escalation_total", "Sub-goals handed from one brain to another.", COUNTER, .labels = {"tenant_id", "from_brain", "to_brain"}},
    [METER_LOOP_TERMINATIONS] = {"mantis_loop_termination_total", "Why runs stopped.", COUNTER, .labels = {"tenant_id", "reason"}},
    [METER_PLAN_BRANCHES] = {"mantis_plan_branch_total", "Special ways through a plan and how they went.", COUNTER, .labels = {"tenant_id", "branch", "outcome"}},
    [METER_STEP_LATENCY] = {"mantis_step_latency_seconds", "Where the time of steps of ended runs went.", HISTOGRAM(latency_s), .labels = {"tenant_id", "phase"}},
    [METER_GROUNDING_HITS] = {"mantis_grounding_cache_hits_total", "Targets found in the grounding cache.", COUNTER, .labels = {"tenant_id"}},
    [METER_GROUNDING_MISSES] = {"mantis_grounding_cache_misses_total", "Targets not found in the grounding cache.", COUNTER, .labels = {"tenant_id"}},
    [METER_GROUNDING_EVICTIONS] = {"mantis_grounding_cache_evictions_total", "Entries dropped from a full grounding cache.", COUNTER, .labels = {"tenant_id"}},
    [METER_GROUNDING_SIZE] = {"mantis_grounding_cache_size", "Entries in the grounding cache.", GAUGE, .labels = {"tenant_id"}},
    [METER_GROUNDING_CALLS] = {"mantis_grounding_call_total", "Groundings asked of a model.", COUNTER, .labels = {"tenant_id", "outcome", "force_compute"}},
    [METER_GROUNDING_DISTANCE] = {"mantis_grounding_correction_distance_pixels", "How far groundings moved a click.", HISTOGRAM(distance_px), .labels = {"tenant_id", "force_compute"}},
    [METER_WEBHOOK_DELIVERIES] = {"mantis_webhook_deliveries_total", "Attempts to deliver a webhook, by what came of them.", COUNTER, .labels = {"tenant_id", "outcome"}},
    [METER_WEBHOOK_PENDING] = {"mantis_webhook_pending", "Webhooks that are still to be delivered.", GAUGE},
    [METER_EVENT_STREAMS] = {"mantis_event_streams", "Open event streams.", GAUGE, .labels = {"tenant_id"}},
    [METER_KEYS_LOAD_ERRORS] = {"mantis_tenant_keys_load_errors_total", "Keys files that could not be used; the last good one stays in force.", COUNTER},
    [METER_MODEL_SERVER_UP] = {"mantis_model_server_up", "1 while the model server answers.", GAUGE, .labels = {"model"}},
    [METER_SELFTEST] = {"mantis_selftest", "1 for what the model's self-test found.", GAUGE, .labels = {"verdict"}},
    [METER_SELFTEST_ERROR] = {"mantis_selftest_error_pixels", "How far the clicks of the self-test were from where they should be.", GAUGE, .labels = {"of"}},
    [METER_SHADOW_RUNS] = {"mantis_shadow_runs_total", "Runs that ended or paused, by the side of a split they were on.", COUNTER, .labels = {"tenant_id", "variant", "status"}},
    [METER_SHADOW_STEPS] = {"mantis_shadow_steps_total", "Steps of ended runs, likewise.", COUNTER, .labels = {"tenant_id", "variant", "outcome"}},
    [METER_MODEL_INFO] = {"mantis_model_info", "1, labelled with the model that is served and its tag.", GAUGE, .labels = {"model", "model_tag"}},
    [METER_BUILD_INFO] = {"mantis_build_info", "1, labelled with what is running.", GAUGE, .labels = {"version", "git_sha"}},
    [METER_PROCESS_RESIDENT] = {"process_resident_memory_bytes", "Resident memory of the server process.", GAUGE},
    [METER_PROCESS_OPEN_FDS] = {"process_open_fds", "Open file descriptors of the server process.", GAUGE},
    [METER_PROCESS_START] = {"process_start_time_seconds", "Start of the server process since the Unix epoch.", GAUGE},
    [METER_PROCESS_CPU] = {"process_cpu_seconds_total", "User and system time of the server process.", COUNTER},
};
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
/* clang-format on */

/* An open route has no tenant. */
static const char *text(const char *s)
{
    return s ? s : "";
}

static void add_prompt(struct meters *m, struct pool *pool, const char *dir, const char *name)
{
    char *text, sha[ID_SHA256_HEX_BYTES];
    size_t len;
    if (file_read(pool, pool_printf(pool, "%s/%s", dir, name), CAP_PROMPT_BYTES, &text, &len, NULL))
        return;
    id_sha256_hex(text, len, sha);
    sha[SHA_DIGITS] = '\0';
    metric_set(m->of[METER_PROMPT_VERSION], 1, pool_strndup(pool, name, strcspn(name, ".")), sha,
               NULL);
}

/* But those that stand in before, too: it is asked before. NULL: none is. */
static void read_folder(struct meters *m, struct pool *pool, const char *path, const char *before)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' &&
            (!before || access(pool_printf(pool, "%s/%s", before, entry->d_name), F_OK)))
            add_prompt(m, pool, path, entry->d_name);
    if (dir)
        closedir(dir);
}

static void read_prompts(struct meters *m, const struct settings *settings)
{
    struct pool *pool = pool_create(NULL);
    const char *own = str_empty(settings->prompts_dir) ? NULL : settings->prompts_dir;
    if (own)
        read_folder(m, pool, own, NULL);
    read_folder(m, pool, pool_printf(pool, "%s/prompts", settings->share_dir), own);
    pool_destroy(pool);
}

/* Those without labels have one series from the start. */
static void make_families(struct meters *m)
{
    m->registry = metrics_create();
    for (int i = 0; i < METER_N; i++) {
        m->of[i] = metric_make(m->registry, &specs[i]);
        if (!specs[i].labels[0])
            metric_set(m->of[i], 0, NULL);
    }
}

int meters_create(struct loop *loop, struct store *store, struct tenants *tenants,
                  const struct settings *settings, struct meters **out, struct err *err)
{
    struct meters *m = calloc(1, sizeof(*m));
    if (!m)
        BUG("out of memory");
    *m = (struct meters){.loop = loop, .store = store, .tenants = tenants};
    make_families(m);
    metric_set(m->of[METER_BUILD_INFO], 1, text(settings->version), text(settings->git_sha), NULL);
    read_prompts(m, settings);
    int r = meters_watch_runs(m, err);
    if (r) {
        meters_destroy(m);
        return r;
    }
    *out = m;
    return 0;
}

void meters_destroy(struct meters *m)
{
    if (!m)
        return;
    meters_forget_runs(m);
    metrics_destroy(m->registry);
    free(m);
}

void meters_predict(struct meters *m, const char *tenant, const char *mode, const char *outcome)
{
    if (m)
        metric_add(m->of[METER_PREDICT_REQUESTS], 1, text(tenant), text(mode), text(outcome), NULL);
}

void meters_chat(struct meters *m, const char *tenant, const char *outcome)
{
    if (m)
        metric_add(m->of[METER_CHAT_COMPLETIONS], 1, text(tenant), text(outcome), NULL);
}

void meters_rejected(struct meters *m, const char *tenant, const char *kind)
{
    if (m)
        metric_add(m->of[METER_REJECTIONS], 1, text(tenant), text(kind), NULL);
}

void meters_model(struct meters *m, const char *model, const char *tag)
{
    if (m)
        metric_set(m->of[METER_MODEL_INFO], 1, model, text(tag), NULL);
}

void meters_model_server(struct meters *m, const char *model, bool up)
{
    if (m)
        metric_set(m->of[METER_MODEL_SERVER_UP], up, model, NULL);
}

void meters_webhook(struct meters *m, const char *tenant, const char *outcome)
{
    if (m)
        metric_add(m->of[METER_WEBHOOK_DELIVERIES], 1, text(tenant), text(outcome), NULL);
}

void meters_selftest(struct meters *m, const char *verdict, double median_px, double max_px)
{
    if (!m)
        return;
    metric_zero(m->of[METER_SELFTEST]);
    metric_set(m->of[METER_SELFTEST], 1, verdict, NULL);
    if (median_px >= 0)
        metric_set(m->of[METER_SELFTEST_ERROR], median_px, "median", NULL);
    if (max_px >= 0)
        metric_set(m->of[METER_SELFTEST_ERROR], max_px, "max", NULL);
}

void meters_stream(struct meters *m, const char *tenant, int by)
{
    if (m)
        metric_add(m->of[METER_EVENT_STREAMS], by, text(tenant), NULL);
}

void meters_print(struct meters *m, struct buf *out)
{
    int pending;
    if (!m)
        return;
    if (!store_outbox_pending(m->store, &pending, NULL))
        metric_set(m->of[METER_WEBHOOK_PENDING], pending, NULL);
    if (m->tenants)
        metric_set(m->of[METER_KEYS_LOAD_ERRORS], (double)tenants_load_errors(m->tenants), NULL);
    meters_sum_bills(m);
    meters_read_process(m);
    metrics_print(m->registry, out);
}
