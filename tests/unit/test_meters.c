/* What runs leave in /metrics, told by a real store through its notes. */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "sched/meters.h"
#include "store/outbox.h"
#include "sys/file.h"

static struct loop *loop;
static struct store *store;
static struct meters *meters;
static struct settings settings;
static struct pool *pool;
static struct buf out;
static char dir[64];

static void open_meters(void)
{
    struct err err = {0};
    if (meters_create(loop, store, NULL, &settings, &meters, &err))
        fail_msg("%s", err.msg);
}

static int setup(void **state)
{
    snprintf(dir, sizeof(dir), "/tmp/mantis-test-meters-XXXXXX");
    assert_non_null(mkdtemp(dir));
    pool = pool_create(NULL);
    buf_init(&out, CAP_METRICS_BYTES);
    settings = (struct settings){.share_dir = dir, .version = MANTIS_VERSION, .git_sha = "abc123"};
    assert_int_equal(mkdir(pool_printf(pool, "%s/prompts", dir), 0700), 0);
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(store_open("memory", "", &store, NULL), 0);
    open_meters();
    return 0;
}

static int teardown(void **state)
{
    store_close(store);
    meters_destroy(meters);
    loop_destroy(loop);
    buf_release(&out);
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static json_t *keep(json_t *v)
{
    assert_non_null(v);
    return json_keep(pool, v);
}

static json_t *no_object(void)
{
    return keep(json_object());
}

static void create_run(const char *tenant, const char *run_id)
{
    struct run_record rec = {.run_id = run_id,
                             .tenant_id = tenant,
                             .profile_id = run_id,
                             .workflow_id = run_id,
                             .plan_signature = "sig",
                             .doc = keep(json_pack("{s:s}", "model", "page")),
                             .settings = no_object(),
                             .plan = no_object()};
    struct store_creation c = {.run = &rec};
    assert_int_equal(store_run_create(store, &c, 1, NULL), 0);
    assert_int_equal(c.result, 0);
}

static void start_run(const char *tenant, const char *run_id)
{
    create_run(tenant, run_id);
    assert_int_equal(store_run_start(store, RUN_KEY(tenant, run_id), NULL, NULL), 0);
}

/* A step event as the worker sends it. */
static void step(const char *tenant, const char *run_id, const char *kind, const char *type,
                 const char *more)
{
    json_error_t e;
    json_t *detail = json_loads(more, 0, &e);
    assert_non_null(detail);
    json_put_str(detail, "type", type);
    json_t *events = keep(json_pack("[{s:s,s:s,s:s,s:i,s:o}]", "layer", "runner", "kind", kind,
                                    "summary", "a step", "step_index", 0, "detail", detail));
    assert_int_equal(store_events_add(store, RUN_KEY(tenant, run_id), events, NULL), 0);
}

static void end_run(const char *tenant, const char *run_id, enum run_state to,
                    const char *halt_reason, double seconds, double usd)
{
    json_t *result =
        keep(json_pack("{s:f,s:{s:f},s:[{s:{s:f,s:f,s:f}},{s:{s:f}}]}", "total_time_s", seconds,
                       "costs", "total", usd, "step_details", "time_breakdown", "load", 0.3,
                       "settle", 0.07, "think", 0.0, "time_breakdown", "load", 45.0));
    json_t *patch = keep(json_pack("{s:s}", "halt_reason", halt_reason));
    struct err err = {0};
    if (store_run_end(store, RUN_KEY(tenant, run_id), to, patch, NULL, result, NULL, NULL, &err))
        fail_msg("%s", err.msg);
}

static void set(void *arg)
{
    *(bool *)arg = true;
}

static bool is_set(void *arg)
{
    return *(bool *)arg;
}

/* After what the meters put off to turns of their own: timers of one moment fire as they were set.
 */
static const char *printed(void)
{
    bool fired = false;
    struct loop_timer timer = {0};
    loop_timer_set(loop, &timer, 0, set, &fired);
    assert_int_equal(loop_wait(loop, is_set, &fired, clock_mono_ms() + 10000), 0);
    buf_clear(&out);
    meters_print(meters, &out);
    assert_false(out.failed);
    return out.data;
}

static void has(const char *piece)
{
    const char *text = printed();
    if (!strstr(text, piece))
        fail_msg("no '%s' in:\n%s", piece, text);
}

static void has_not(const char *piece)
{
    const char *text = printed();
    if (strstr(text, piece))
        fail_msg("'%s' in:\n%s", piece, text);
}

/* What a worker tells of its brains. */
static void escalations_and_groundings_are_counted(void **state)
{
    start_run("acme", "asked");
    step("acme", "asked", "brain_escalation", "", "{\"trigger\":\"unparsed\"}");
    step("acme", "asked", "grounding", "",
         "{\"cached\":false,\"answered\":true,\"accepted\":true,\"independent\":false,\"distance_"
         "px\":12.4,\"entries\":1,\"evictions\":0}");
    step("acme", "asked", "grounding", "",
         "{\"cached\":true,\"answered\":true,\"accepted\":true,\"independent\":false,\"distance_"
         "px\":12.4,\"entries\":1,\"evictions\":0}");
    step("acme", "asked", "grounding", "",
         "{\"cached\":false,\"answered\":false,\"accepted\":false,\"independent\":true,\"entries\":"
         "1,\"evictions\":0}");
    has("mantis_brain_escalation_total{tenant_id=\"acme\",from_brain=\"primary\",to_brain="
        "\"fallback\"} 1\n");
    has("mantis_grounding_cache_hits_total{tenant_id=\"acme\"} 1\n");
    has("mantis_grounding_cache_misses_total{tenant_id=\"acme\"} 1\n");
    has("mantis_grounding_cache_size{tenant_id=\"acme\"} 1\n");
    has("mantis_grounding_call_total{tenant_id=\"acme\",outcome=\"accepted\",force_compute="
        "\"false\"} 1\n");
    has("mantis_grounding_call_total{tenant_id=\"acme\",outcome=\"rejected\",force_compute="
        "\"true\"} 1\n");
    has("mantis_grounding_correction_distance_pixels_count{tenant_id=\"acme\",force_compute="
        "\"false\"} 1\n");
    has_not("mantis_grounding_correction_distance_pixels_count{tenant_id=\"acme\",force_compute="
            "\"true\"}");
}

static void every_family_of_the_contract_is_declared_from_the_start(void **state)
{
    static const char *const families[] = {
        "mantis_predict_requests_total counter",
        "mantis_chat_completions_total counter",
        "mantis_run_duration_seconds histogram",
        "mantis_run_cost_usd histogram",
        "mantis_run_cost_usd_inflight gauge",
        "mantis_concurrent_runs gauge",
        "mantis_rate_limit_rejections_total counter",
        "mantis_prompt_version gauge",
        "mantis_action_total counter",
        "mantis_brain_escalation_total counter",
        "mantis_loop_termination_total counter",
        "mantis_plan_branch_total counter",
        "mantis_step_latency_seconds histogram",
        "mantis_grounding_cache_hits_total counter",
        "mantis_grounding_cache_misses_total counter",
        "mantis_grounding_cache_evictions_total counter",
        "mantis_grounding_cache_size gauge",
        "mantis_grounding_call_total counter",
        "mantis_grounding_correction_distance_pixels histogram",
        "mantis_build_info gauge",
        "mantis_queue_depth gauge",
        "mantis_webhook_deliveries_total counter",
        "mantis_webhook_pending gauge",
        "mantis_event_streams gauge",
        "mantis_tenant_keys_load_errors_total counter",
        "mantis_model_server_up gauge",
        "mantis_selftest gauge",
        "mantis_selftest_error_pixels gauge",
    };
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        has(pool_printf(pool, "# TYPE %s\n", families[i]));
    has("mantis_build_info{version=\"" MANTIS_VERSION "\",git_sha=\"abc123\"} 1\n");
    has("mantis_tenant_keys_load_errors_total 0\n");
    has_not("mantis_model_server_up{");
}

static void the_selftest_of_the_model_shows_its_verdict_and_error(void **state)
{
    has_not("mantis_selftest{");
    meters_selftest(meters, "unasked", -1, -1);
    has("mantis_selftest{verdict=\"unasked\"} 1\n");
    has_not("mantis_selftest_error_pixels{");
    meters_selftest(meters, "fits", 3.5, 9);
    has("mantis_selftest{verdict=\"fits\"} 1\n");
    has("mantis_selftest{verdict=\"unasked\"} 0\n");
    has("mantis_selftest_error_pixels{of=\"median\"} 3.5\n");
    has("mantis_selftest_error_pixels{of=\"max\"} 9\n");
}

static void live_runs_and_the_queue_follow_the_states(void **state)
{
    create_run("acme", "r1");
    create_run("acme", "r2");
    create_run("other_co", "r1");
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 2\n");
    has("mantis_queue_depth{tenant_id=\"acme\"} 2\n");
    has("mantis_queue_depth{tenant_id=\"other_co\"} 1\n");
    assert_int_equal(store_run_start(store, RUN_KEY("acme", "r1"), NULL, NULL), 0);
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 2\n");
    has("mantis_queue_depth{tenant_id=\"acme\"} 1\n");
    assert_int_equal(
        store_run_set_state(store, RUN_KEY("acme", "r1"), RUN_CANCELLED, NULL, NULL, NULL, NULL),
        0);
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 1\n");
    assert_int_equal(
        store_run_result(store, RUN_KEY("acme", "r1"), NULL, NULL, no_object(), NULL, NULL, NULL),
        0);
    end_run("acme", "r2", RUN_CANCELLED, "cancel_event", 1, 0);
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 0\n");
    has("mantis_queue_depth{tenant_id=\"acme\"} 0\n");
    has("mantis_concurrent_runs{tenant_id=\"other_co\"} 1\n");
}

static void runs_that_were_live_before_the_start_are_counted(void **state)
{
    struct meters *first = meters;
    create_run("acme", "r1");
    start_run("acme", "r2");
    end_run("acme", "r2", RUN_SUCCEEDED, "", 1, 0);
    start_run("acme", "r3");
    open_meters();
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 2\n");
    has("mantis_queue_depth{tenant_id=\"acme\"} 1\n");
    end_run("acme", "r3", RUN_SUCCEEDED, "", 1, 0);
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 1\n");
    store_close(store); /* forgets the first */
    meters_destroy(first);
    assert_int_equal(store_open("memory", "", &store, NULL), 0);
}

static void an_ended_run_is_in_both_histograms_and_has_a_reason(void **state)
{
    static const struct {
        enum run_state state;
        const char *halt_reason, *status, *reason;
    } cases[] = {
        {RUN_SUCCEEDED, "", "completed", "completed"},
        {RUN_COMPLETED_WITH_FAILURES, "", "completed", "completed"},
        {RUN_HALTED, "page_blocked", "halted", "halted"},
        {RUN_HALTED, "budget_cap", "halted", "budget_cap"},
        {RUN_HALTED, "time_cap", "halted", "time_cap"},
        {RUN_FAILED, "worker_lost", "halted", "halted"},
        {RUN_TIMEOUT, "", "halted", "halted"},
        {RUN_CANCELLED, "cancel_event", "cancelled", "cancelled"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *tenant = pool_printf(pool, "t%zu", i);
        start_run(tenant, "r1");
        end_run(tenant, "r1", cases[i].state, cases[i].halt_reason, 42.5, 0.2);
        const char *labels = pool_printf(pool, "{tenant_id=\"%s\",model=\"page\",status=\"%s\"",
                                         tenant, cases[i].status);
        has(pool_printf(pool, "mantis_run_duration_seconds_bucket%s,le=\"30\"} 0\n", labels));
        has(pool_printf(pool, "mantis_run_duration_seconds_bucket%s,le=\"60\"} 1\n", labels));
        has(pool_printf(pool, "mantis_run_duration_seconds_sum%s} 42.5\n", labels));
        has(pool_printf(pool, "mantis_run_cost_usd_bucket%s,le=\"0.1\"} 0\n", labels));
        has(pool_printf(pool, "mantis_run_cost_usd_bucket%s,le=\"0.25\"} 1\n", labels));
        has(pool_printf(pool, "mantis_run_cost_usd_count%s} 1\n", labels));
        has(pool_printf(pool, "mantis_loop_termination_total{tenant_id=\"%s\",reason=\"%s\"} 1\n",
                        tenant, cases[i].reason));
    }
}

static void a_paused_run_is_observed_once_per_pause(void **state)
{
    start_run("acme", "r1");
    json_t *checkpoint =
        keep(json_pack("{s:f,s:{s:f}}", "elapsed_s", 12.5, "costs", "total", 0.75));
    struct run_key key = RUN_KEY("acme", "r1");
    assert_int_equal(store_run_checkpoint(store, key, checkpoint, NULL, NULL), 0);
    assert_int_equal(store_run_set_state(store, key, RUN_PAUSED, NULL, NULL, NULL, NULL), 0);
    step("acme", "r1", "gate", "click", "{}");
    has("mantis_run_duration_seconds_sum{tenant_id=\"acme\",model=\"page\",status=\"paused\"} "
        "12.5\n");
    has("mantis_run_cost_usd_sum{tenant_id=\"acme\",model=\"page\",status=\"paused\"} 0.75\n");
    has("mantis_loop_termination_total{tenant_id=\"acme\",reason=\"paused\"} 1\n");
    has("mantis_concurrent_runs{tenant_id=\"acme\"} 1\n");
}

static void a_cancelled_run_is_observed_when_its_result_is_there(void **state)
{
    start_run("acme", "r1");
    struct run_key key = RUN_KEY("acme", "r1");
    assert_int_equal(store_run_set_state(store, key, RUN_CANCELLED, NULL, NULL, NULL, NULL), 0);
    has_not("status=\"cancelled\"");
    json_t *result = keep(json_pack("{s:f}", "total_time_s", 3.0));
    assert_int_equal(store_run_result(store, key, NULL, NULL, result, NULL, NULL, NULL), 0);
    has("mantis_run_duration_seconds_count{tenant_id=\"acme\",model=\"page\",status=\"cancelled\"} "
        "1\n");
}

static void steps_are_counted_by_type_and_outcome(void **state)
{
    start_run("acme", "r1");
    step("acme", "r1", "step_end", "navigate", "{\"success\":true}");
    step("acme", "r1", "step_end", "navigate", "{\"success\":true}");
    step("acme", "r1", "retry", "click", "{\"success\":false,\"failure_class\":\"selector_miss\"}");
    step("acme", "r1", "step_end", "extract_url",
         "{\"success\":false,\"failure_class\":\"duplicate\",\"data\":\"DUPLICATE|http://x\"}");
    step(
        "acme", "r1", "step_end", "click",
        "{\"success\":false,\"failure_class\":\"selector_miss\",\"data\":\"filters_not_applied\"}");
    step("acme", "r1", "step_end", "scroll", "{\"success\":false,\"skip\":true}");
    step("acme", "r1", "step_start", "wait", "{}");
#define ACTION(kind, outcome)                                                                      \
    "mantis_action_total{tenant_id=\"acme\",step_kind=\"" kind "\",outcome=\"" outcome "\"} "
    has(ACTION("navigate", "success") "2\n");
    has(ACTION("click", "failed") "1\n");
    has(ACTION("extract_url", "duplicate") "1\n");
    has(ACTION("click", "filters_not_applied") "1\n");
    has_not("step_kind=\"scroll\"");
    has_not("step_kind=\"wait\"");
}

static void branches_are_counted_once_per_step(void **state)
{
    start_run("acme", "r1");
    step("acme", "r1", "step_end", "verify", "{\"success\":true,\"data\":\"gate:PASS:ok\"}");
    step("acme", "r1", "step_end", "verify", "{\"success\":false,\"data\":\"gate:FAIL:no\"}");
    step("acme", "r1", "retry", "click", "{\"success\":false,\"listing\":true}");
    step("acme", "r1", "step_end", "click", "{\"success\":true,\"listing\":true}");
    step("acme", "r1", "step_end", "click",
         "{\"success\":false,\"listing\":true,\"failure_class\":\"page_exhausted\"}");
    step("acme", "r1", "step_end", "click", "{\"success\":true,\"listing\":false}");
    step("acme", "r1", "step_end", "navigate_back", "{\"success\":false,\"skip\":true}");
    step("acme", "r1", "step_end", "extract_data", "{\"success\":true}");
    step("acme", "r1", "step_end", "navigate", "{\"success\":true}");
#define BRANCH(branch, outcome)                                                                    \
    "mantis_plan_branch_total{tenant_id=\"acme\",branch=\"" branch "\",outcome=\"" outcome "\"} "  \
    "1\n"
    has(BRANCH("gate_verify", "taken"));
    has(BRANCH("gate_verify", "aborted"));
    has(BRANCH("click_listings", "taken"));
    has(BRANCH("click_listings", "skipped"));
    has(BRANCH("click_single_element", "taken"));
    has(BRANCH("navigate_back_close_tab", "skipped"));
    has(BRANCH("claude_only", "taken"));
    has_not("branch=\"navigate\"");
    has_not("branch=\"click_listings\",outcome=\"aborted\"");
}

static void step_times_go_to_their_buckets(void **state)
{
    start_run("acme", "r1");
    end_run("acme", "r1", RUN_SUCCEEDED, "", 50, 0);
    has("mantis_step_latency_seconds_count{tenant_id=\"acme\",phase=\"load\"} 2\n");
    has("mantis_step_latency_seconds_bucket{tenant_id=\"acme\",phase=\"load\",le=\"0.5\"} 1\n");
    has("mantis_step_latency_seconds_bucket{tenant_id=\"acme\",phase=\"load\",le=\"30\"} 1\n");
    has("mantis_step_latency_seconds_sum{tenant_id=\"acme\",phase=\"settle\"} 0.07\n");
    has_not("phase=\"think\"");
}

static void live_costs_are_summed_and_go_with_the_run(void **state)
{
    start_run("acme", "r1");
    start_run("acme", "r2");
    const char *costs =
        "{\"success\":true,\"costs\":{\"gpu\":0.5,\"claude\":0.25,\"proxy\":0,\"total\":0.75}}";
    step("acme", "r1", "step_end", "click", costs);
    step("acme", "r1", "step_end", "click", costs);
    step("acme", "r2", "step_end", "click", costs);
#define COST(component)                                                                            \
    "mantis_run_cost_usd_inflight{tenant_id=\"acme\",component=\"" component "\"} "
    has(COST("gpu") "1\n");
    has(COST("claude") "0.5\n");
    has(COST("proxy") "0\n");
    has(COST("total") "1.5\n");
    end_run("acme", "r1", RUN_SUCCEEDED, "", 1, 0.75);
    has(COST("total") "0.75\n");
    end_run("acme", "r2", RUN_SUCCEEDED, "", 1, 0.75);
    has(COST("total") "0\n");
}

static void calls_are_counted_as_they_are_said(void **state)
{
    meters_predict(meters, "acme", "run", "ok");
    meters_predict(meters, "acme", "run", "ok");
    meters_predict(meters, NULL, "run", "error");
    meters_chat(meters, "acme", "status_5xx");
    meters_rejected(meters, "acme", "rate");
    meters_webhook(meters, "acme", "delivered");
    meters_stream(meters, "acme", 1);
    meters_stream(meters, "acme", 1);
    meters_stream(meters, "acme", -1);
    has("mantis_predict_requests_total{tenant_id=\"acme\",mode=\"run\",outcome=\"ok\"} 2\n");
    has("mantis_predict_requests_total{tenant_id=\"\",mode=\"run\",outcome=\"error\"} 1\n");
    has("mantis_chat_completions_total{tenant_id=\"acme\",outcome=\"status_5xx\"} 1\n");
    has("mantis_rate_limit_rejections_total{tenant_id=\"acme\",kind=\"rate\"} 1\n");
    has("mantis_webhook_deliveries_total{tenant_id=\"acme\",outcome=\"delivered\"} 1\n");
    has("mantis_event_streams{tenant_id=\"acme\"} 1\n");
}

static void nothing_is_counted_without_meters(void **state)
{
    meters_predict(NULL, "acme", "run", "ok");
    meters_chat(NULL, "acme", "ok");
    meters_rejected(NULL, "acme", "rate");
    meters_webhook(NULL, "acme", "dead");
    meters_stream(NULL, "acme", 1);
    meters_print(NULL, &out);
    meters_destroy(NULL);
    assert_int_equal(out.len, 0);
}

static void pending_webhooks_are_counted_from_the_outbox(void **state)
{
    start_run("acme", "r1");
    struct store_delivery d = {.id = "d1",
                               .event = "succeeded",
                               .url = "http://h.example/",
                               .secret_name = "",
                               .payload = no_object(),
                               .created_us = 1,
                               .next_us = 1};
    assert_int_equal(store_run_end(store, RUN_KEY("acme", "r1"), RUN_SUCCEEDED, NULL, NULL,
                                   no_object(), NULL, &d, NULL),
                     0);
    has("mantis_webhook_pending 1\n");
    struct store_attempt a = {.due_us = 1, .at_us = 2, .status = 200, .error = ""};
    assert_int_equal(store_outbox_attempt(store, "d1", &a, DELIVERY_DELIVERED, 0, NULL), 0);
    has("mantis_webhook_pending 0\n");
}

static void prompts_are_told_by_name_and_hash(void **state)
{
    meters_destroy(meters);
    store_close(store);
    assert_int_equal(store_open("memory", "", &store, NULL), 0);
    assert_int_equal(file_write_atomic(pool_printf(pool, "%s/prompts/holo3_system.txt", dir), "abc",
                                       3, 0600, NULL),
                     0);
    open_meters();
    has("mantis_prompt_version{prompt_name=\"holo3_system\",sha=\"ba7816bf8f01\"} 1\n");
}

static void a_prompt_of_the_operator_is_the_one_in_use(void **state)
{
    const char *own = pool_printf(pool, "%s/own", dir);
    meters_destroy(meters);
    store_close(store);
    assert_int_equal(store_open("memory", "", &store, NULL), 0);
    assert_int_equal(mkdir(own, 0700), 0);
    settings.prompts_dir = own;
    const char *files[] = {"prompts/a.txt", "prompts/b.txt", "own/b.txt"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(file_write_atomic(pool_printf(pool, "%s/%s", dir, files[i]),
                                           i == 2 ? "abc" : "x", i == 2 ? 3 : 1, 0600, NULL),
                         0);
    open_meters();
    has("mantis_prompt_version{prompt_name=\"a\",sha=\"2d711642b726\"} 1\n");
    has("mantis_prompt_version{prompt_name=\"b\",sha=\"ba7816bf8f01\"} 1\n");
    assert_null(strstr(printed(), "prompt_name=\"b\",sha=\"2d711642b726\""));
}

static double figure(const char *name)
{
    const char *line = strstr(printed(), pool_printf(pool, "\n%s ", name));
    if (!line)
        fail_msg("no %s", name);
    return atof(line + strlen(name) + 2);
}

static void the_process_is_measured(void **state)
{
    double fds = figure("process_open_fds");
    int p[2];
    assert_int_equal(pipe(p), 0);
    assert_true(figure("process_open_fds") == fds + 2);
    close(p[0]);
    close(p[1]);
    assert_true(figure("process_resident_memory_bytes") > 100000);
    assert_true(figure("process_cpu_seconds_total") > 0);
    double age_s = (double)clock_wall_us() / 1e6 - figure("process_start_time_seconds");
    assert_true(age_s > -1 && age_s < 300);
}

/* The page of a busy server passes Prometheus' own linter, where it is installed. */
static void promtool_finds_nothing_to_say(void **state)
{
    if (system("command -v promtool >/dev/null 2>&1"))
        skip();
    an_ended_run_is_in_both_histograms_and_has_a_reason(state);
    steps_are_counted_by_type_and_outcome(state);
    calls_are_counted_as_they_are_said(state);
    printed();
    const char *path = pool_printf(pool, "%s/page", dir);
    assert_int_equal(file_write_atomic(path, out.data, out.len, 0600, NULL), 0);
    FILE *tool = popen(pool_printf(pool, "promtool check metrics <%s 2>&1", path), "r");
    assert_non_null(tool);
    char said[4096];
    size_t n = fread(said, 1, sizeof(said) - 1, tool);
    said[n] = '\0';
    int status = pclose(tool);
    if (status || n)
        fail_msg("promtool: %d: %s", status, said);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(escalations_and_groundings_are_counted),
        CASE(every_family_of_the_contract_is_declared_from_the_start),
        CASE(live_runs_and_the_queue_follow_the_states),
        CASE(the_selftest_of_the_model_shows_its_verdict_and_error),
        CASE(runs_that_were_live_before_the_start_are_counted),
        CASE(an_ended_run_is_in_both_histograms_and_has_a_reason),
        CASE(a_paused_run_is_observed_once_per_pause),
        CASE(a_cancelled_run_is_observed_when_its_result_is_there),
        CASE(steps_are_counted_by_type_and_outcome),
        CASE(branches_are_counted_once_per_step),
        CASE(step_times_go_to_their_buckets),
        CASE(live_costs_are_summed_and_go_with_the_run),
        CASE(calls_are_counted_as_they_are_said),
        CASE(nothing_is_counted_without_meters),
        CASE(pending_webhooks_are_counted_from_the_outbox),
        CASE(prompts_are_told_by_name_and_hash),
        CASE(a_prompt_of_the_operator_is_the_one_in_use),
        CASE(the_process_is_measured),
        CASE(promtool_finds_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
