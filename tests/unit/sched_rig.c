#include "unit/sched_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char dir[64];
struct settings settings;
struct pool *pool;
struct loop *loop;
struct store *store;
struct sched *sched;
const char *worker;

void set_up(int concurrency)
{
    struct err err = {0};
    pool = pool_create(NULL);
    settings = (struct settings){.data_dir = dir,
                                 .concurrency = concurrency,
                                 .brain = "page",
                                 .browser = "",
                                 .run_uid_base = 460000,
                                 .pause_hold_s = 600,
                                 .takeover_s = 120,
                                 .view_token_s = 3600,
                                 .max_runtime_minutes = 60,
                                 .max_cost_usd = 25,
                                 .display_width = 1280,
                                 .display_height = 720};
    const char *program =
        worker ? worker : pool_printf(pool, "%s/fake_worker", file_program_dir(pool));
    if (loop_create(&loop, &err) ||
        store_open("sqlite", pool_printf(pool, "%s/store.db", dir), &store, &err))
        fail_msg("%s", err.msg);
    if (sched_create_with(loop, store, &settings, program, &sched, &err))
        fail_msg("%s", err.msg);
}

int setup(void **state)
{
    snprintf(dir, sizeof(dir), "/tmp/mantis-test-sched-XXXXXX");
    assert_non_null(mkdtemp(dir));
    set_up(1);
    return 0;
}

void tear_down(void)
{
    clock_fake_off();
    sched_destroy(sched);
    sched = NULL;
    store_close(store);
    store = NULL;
    loop_destroy(loop);
    pool_destroy(pool);
}

int teardown(void **state)
{
    tear_down();
    return file_remove_tree(dir, NULL);
}

void restart_all(int concurrency)
{
    tear_down();
    set_up(concurrency);
}

/* --- submitting and waiting --------------------------------------------------------------------
 */

static struct plan empty_plan(const json_t *warnings)
{
    struct plan plan = {.session_name = "micro_a_test",
                        .domain = "a.test",
                        .name = "",
                        .page_url_template = "",
                        .signature = "sig",
                        .runtime = {.compute_backend = "", .pinned_source_url_pattern = ""},
                        .warnings = warnings};
    return plan;
}

static void answered(void *arg, int result, const struct err *err)
{
    struct err *out = arg;
    *out = (struct err){0};
    if (err)
        *out = *err;
    assert_int_equal(out->code, result);
}

void submit_soon(const char *id, const char *scripts, const struct wish *wish, struct err *out)
{
    json_error_t e;
    json_t *options = json_object(), *parsed = json_loads(scripts, 0, &e);
    if (!parsed)
        fail_msg("script: %s at %d", e.text, e.position);
    json_put(options, "scripts", parsed);
    json_put_str(options, "browser", "/bin/evil");
    if (wish->spent)
        json_put(options, "spent", json_loads(wish->spent, 0, NULL));
    if (wish->records)
        json_put(options, "video", json_pack("{s:s}", "format", "mp4"));
    if (wish->inner)
        json_put(options, "inner", json_loads(wish->inner, 0, NULL));
    json_t *input = wish->user_input ? json_string(wish->user_input) : NULL;
    json_t *empty = json_array(), *payload = json_pack("{s:s}", "micro", "plans/a.json");
    struct plan plan = empty_plan(empty);
    plan.steps = wish->step;
    plan.n_steps = wish->step ? 1 : 0;
    const char *tenant = wish->tenant ? wish->tenant : "acme";
    struct submission sub = {.key = RUN_KEY(tenant, id),
                             .profile_id = wish->profile ? wish->profile : id,
                             .workflow_id = pool_printf(pool, "%s__w", tenant),
                             .state_key = "",
                             .plan = &plan,
                             .max_cost = 2,
                             .max_time_minutes = 1,
                             .max_concurrent_runs = wish->cap ? wish->cap : 1000000,
                             .resume_state = wish->resume_state,
                             .user_input = input,
                             .plane = "browser_use_plane",
                             .brain = "page",
                             .payload = payload,
                             .options = options,
                             .mode = wish->mode ? wish->mode : "detached",
                             .allowed_domains = wish->allowed_domains,
                             .webhook_url = wish->webhook_url,
                             .webhook_events = wish->webhook_events,
                             .key_hash = wish->key_hash,
                             .body_hash = wish->key_hash};
    out->code = 1;
    sched_submit(sched, &sub, answered, out);
    json_decref(input);
    json_decref(empty);
    json_decref(payload);
    json_decref(options);
}

static bool has_answer(void *arg)
{
    return ((struct err *)arg)->code != 1;
}

int submit_with(const char *id, const char *scripts, const struct wish *wish, struct err *err)
{
    struct err answer;
    submit_soon(id, scripts, wish, &answer);
    wait_until(has_answer, &answer);
    if (err)
        *err = answer;
    return answer.code;
}

int submit_as(const char *tenant, const char *id, const char *profile, const char *scripts,
              struct err *err)
{
    struct wish wish = {.tenant = tenant, .profile = profile};
    return submit_with(id, scripts, &wish, err);
}

void submit(const char *id, const char *scripts)
{
    struct err err = {0};
    if (submit_as("acme", id, id, scripts, &err))
        fail_msg("%s", err.msg);
}

struct run_record record_of(struct run_key key, unsigned parts)
{
    struct run_record rec;
    assert_int_equal(store_run_get(store, pool, key, parts, &rec, NULL), 0);
    return rec;
}

struct run_record record(const char *id, unsigned parts)
{
    return record_of(ACME(id), parts);
}

bool has_event(const char *run_id, const char *text, const char **ret_summary)
{
    json_t *events, *e;
    size_t i;
    bool found = false;
    assert_int_equal(store_events_get(store, pool, ACME(run_id), -1, 1000, &events, NULL), 0);
    json_array_foreach (events, i, e) {
        if (strstr(json_str(e, "summary", ""), text)) {
            found = true;
            if (ret_summary)
                *ret_summary = json_str(e, "summary", "");
        }
    }
    return found;
}

bool in_state(void *arg)
{
    const struct want *w = arg;
    struct run_record rec = record(w->run_id, 0);
    return rec.state == w->state &&
           (!sched_slot_of(sched, ACME(w->run_id)) || !run_state_terminal(rec.state));
}

bool event_seen(void *arg)
{
    const struct want *w = arg;
    return has_event(w->run_id, w->event, NULL);
}

void wait_state(const char *id, enum run_state state)
{
    struct want w = {.run_id = id, .state = state};
    if (loop_wait(loop, in_state, &w, clock_mono_ms() + DEADLINE_MS)) {
        struct run_record rec = record(id, 0);
        fail_msg("%s is %s (%s), not %s", id, run_state_name(rec.state),
                 json_str(rec.doc, "error", ""), run_state_name(state));
    }
}

const char *wait_event(const char *id, const char *text)
{
    struct want w = {.run_id = id, .event = text};
    const char *summary = "";
    if (loop_wait(loop, event_seen, &w, clock_mono_ms() + DEADLINE_MS))
        fail_msg("%s: no event says '%s'", id, text);
    has_event(id, text, &summary);
    return summary;
}

json_t *result_of(const char *id)
{
    json_t *doc;
    assert_int_equal(sched_result(sched, pool, ACME(id), &doc, NULL), 0);
    assert_true(json_flag(doc, "result_ready", false));
    return json_object_get(doc, "result");
}

int rows_of(const char *id)
{
    return (int)json_int(result_of(id), "viable", -1);
}

json_t *status_of(const char *id)
{
    json_t *doc;
    assert_int_equal(sched_status(sched, pool, ACME(id), &doc, NULL), 0);
    return doc;
}

bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

const char *run_file(const char *id, const char *name)
{
    return pool_printf(pool, "%s/%s", dirs_run(sched, pool, ACME(id)), name);
}

void wait_until(loop_cond_fn *cond, void *arg)
{
    assert_int_equal(loop_wait(loop, cond, arg, clock_mono_ms() + DEADLINE_MS), 0);
}

static bool turned(void *arg)
{
    return ++*(int *)arg > 1;
}

void turn_once(void)
{
    int turns = 0;
    assert_int_equal(loop_wait(loop, turned, &turns, clock_mono_ms() + 2), 0);
}

json_t *status_text_of(struct run_key key)
{
    const char *text;
    size_t len;
    json_t *doc;
    assert_int_equal(sched_status_text(sched, key, &text, &len, NULL), 0);
    assert_int_equal(strlen(text), len);
    assert_int_equal(json_parse(text, len, "status", &doc, NULL), 0);
    return json_keep(pool, doc);
}

json_t *phase_text_of(struct run_key key)
{
    const char *text;
    size_t len;
    json_t *doc;
    assert_int_equal(sched_phase_text(sched, key, &text, &len, NULL), 0);
    assert_int_equal(strlen(text), len);
    assert_int_equal(json_parse(text, len, "phase", &doc, NULL), 0);
    return json_keep(pool, doc);
}
