/*
 * test_store.c - the contract of store.h over every kind of store. Tests that need a disk run over
 * the kinds that have one.
 */
#include "unit/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"
#include "sys/file.h"

static const char *kind; /* under test */
static char dir[64];
static char path[96];
static struct store *store;
static struct pool *pool;

static void open_store(void)
{
    struct err err = {0};
    if (store_open(kind, path, &store, &err))
        fail_msg("%s", err.msg);
}

static int setup(void **state)
{
    snprintf(dir, sizeof(dir), "/tmp/mantis-test-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/new/store.db", dir);
    pool = pool_create(NULL);
    open_store();
    return 0;
}

static int teardown(void **state)
{
    store_close(store);
    pool_destroy(pool);
    clock_fake_off();
    return file_remove_tree(dir, NULL);
}

static json_t *keep(json_t *v)
{
    return json_keep(pool, v);
}

static int create_on(const char *tenant, const char *id, const char *profile, const char *workflow,
                     struct err *err)
{
    struct run_record rec = {
        .run_id = id,
        .tenant_id = tenant,
        .profile_id = profile,
        .workflow_id = workflow,
        .plan_signature = "sig",
        .doc = keep(json_pack("{s:s,s:s}", "model", "page", "mode", "detached")),
        .settings = keep(json_pack("{s:f}", "max_cost", 2.0)),
        .plan = keep(json_pack("{s:[]}", "steps")),
    };
    return store_run_create(store, &rec, err);
}

static int try_create(const char *tenant, const char *id, const char *workflow, struct err *err)
{
    return create_on(tenant, id, id, workflow, err); /* a profile of its own */
}

static void create(const char *tenant, const char *id)
{
    assert_int_equal(try_create(tenant, id, "w", NULL), 0);
}

static struct run_record get(const char *id, unsigned parts)
{
    struct run_record rec;
    assert_int_equal(store_run_get(store, pool, NULL, id, parts, &rec, NULL), 0);
    return rec;
}

static json_t *events_of(const char *text)
{
    return keep(json_pack("[{s:s,s:s,s:s,s:i}]", "layer", "run", "kind", "result", "summary", text,
                          "step_index", 3));
}

static int set(const char *id, enum run_state to)
{
    return store_run_set_state(store, id, to, NULL, NULL, NULL, NULL);
}

/* Bring a fresh run into a state by allowed changes only. */
static void bring_to(const char *id, enum run_state state)
{
    if (state == RUN_QUEUED)
        return;
    if (state != RUN_RUNNING)
        assert_int_equal(set(id, RUN_RUNNING), 0);
    assert_int_equal(set(id, state), 0);
}

static void a_run_is_stored_with_its_first_event(void **state)
{
    int64_t before = clock_wall_us();
    create("acme", "r1");
    struct run_record r = get("r1", RUN_PART_PLAN | RUN_PART_CHECKPOINT | RUN_PART_RESULT);
    assert_string_equal(r.tenant_id, "acme");
    assert_string_equal(r.profile_id, "r1");
    assert_string_equal(r.workflow_id, "w");
    assert_null(r.state_key);
    assert_int_equal(r.state, RUN_QUEUED);
    assert_true(r.created_us >= before && r.updated_us == r.created_us);
    assert_int_equal(r.started_us, 0);
    assert_int_equal(r.finished_us, 0);
    assert_string_equal(json_str(r.doc, "model", ""), "page");
    assert_true(json_num(r.settings, "max_cost", 0) == 2.0);
    assert_true(json_is_array(json_object_get(r.plan, "steps")));
    assert_null(r.checkpoint);
    assert_null(r.result);
    json_t *events;
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 0, 10, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(json_str(json_array_get(events, 0), "summary", ""), "queued");
    assert_null(get("r1", 0).plan);
}

static void an_id_is_taken_once_and_must_be_clean(void **state)
{
    struct err err = {0};
    create("acme", "r1");
    assert_int_equal(try_create("acme", "r1", "w", &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "r1"));
    assert_int_equal(try_create("acme", "../r2", "w", NULL), E_INVALID);
    assert_int_equal(try_create("acme", "", "w", NULL), E_INVALID);
}

static void another_tenants_run_is_not_found(void **state)
{
    struct run_record rec;
    struct err err = {0};
    json_t *events;
    int counts[RUN_N_STATES];
    create("acme", "r1");
    assert_int_equal(store_run_get(store, pool, "other", "r1", 0, &rec, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "r1"));
    assert_int_equal(store_events_get(store, pool, "other", "r1", 0, 9, &events, NULL),
                     E_NOT_FOUND);
    assert_int_equal(store_run_counts(store, "other", counts, NULL), 0);
    assert_int_equal(counts[RUN_QUEUED], 0);
    struct run_record *runs;
    int n;
    assert_int_equal(store_run_list(store, pool, "other", ~0u, &runs, &n, NULL), 0);
    assert_int_equal(n, 0);
    json_t *checkpoint;
    assert_int_equal(store_run_checkpoint(store, "r1", keep(json_object()), NULL, NULL), 0);
    assert_int_equal(store_workflow_checkpoint(store, pool, "other", "w", "sig", &checkpoint, NULL),
                     0);
    assert_null(checkpoint);
}

static void changes_follow_the_state_table(void **state)
{
    for (int from = 0; from < RUN_N_STATES; from++) {
        for (int to = 0; to < RUN_N_STATES; to++) {
            char id[32];
            snprintf(id, sizeof(id), "r_%d_%d", from, to);
            create("acme", id);
            bring_to(id, (enum run_state)from);
            bool allowed = run_state_may_become((enum run_state)from, (enum run_state)to);
            assert_int_equal(set(id, (enum run_state)to), allowed ? 0 : E_CONFLICT);
            assert_int_equal(get(id, 0).state, allowed ? to : from);
        }
    }
}

static void a_refused_change_changes_nothing(void **state)
{
    struct err err = {0};
    create("acme", "r1");
    bring_to("r1", RUN_CANCELLED);
    json_t *patch = keep(json_pack("{s:s}", "error", "late")), *result = keep(json_object()),
           *events;
    assert_int_equal(
        store_run_set_state(store, "r1", RUN_SUCCEEDED, patch, result, events_of("late"), &err),
        E_CONFLICT);
    assert_non_null(strstr(err.msg, "cancelled"));
    struct run_record r = get("r1", RUN_PART_RESULT);
    assert_null(json_object_get(r.doc, "error"));
    assert_null(r.result);
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 0, 10, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 1);
    assert_int_equal(store_run_set_state(store, "nobody", RUN_RUNNING, NULL, NULL, NULL, NULL),
                     E_NOT_FOUND);
}

static void an_end_stores_everything_in_one_change(void **state)
{
    create("acme", "r1");
    assert_int_equal(set("r1", RUN_RUNNING), 0);
    int64_t started = get("r1", 0).started_us;
    assert_true(started > 0);
    json_t *patch = keep(json_pack("{s:s,s:n}", "halt_reason", "budget_cap", "mode"));
    json_t *result = keep(json_pack("{s:i}", "viable", 3));
    json_t *checkpoint = keep(json_pack("{s:i}", "step_index", 9));
    assert_int_equal(
        store_run_end(store, "r1", RUN_HALTED, patch, checkpoint, result, events_of("end"), NULL),
        0);
    struct run_record r = get("r1", RUN_PART_RESULT | RUN_PART_CHECKPOINT);
    assert_int_equal(r.state, RUN_HALTED);
    assert_int_equal(r.started_us, started);
    assert_true(r.finished_us >= started);
    assert_string_equal(json_str(r.doc, "halt_reason", ""), "budget_cap");
    assert_null(json_object_get(r.doc, "mode"));
    assert_string_equal(json_str(r.doc, "model", ""), "page");
    assert_int_equal(json_int(r.result, "viable", 0), 3);
    assert_int_equal(json_int(r.checkpoint, "step_index", 0), 9);
}

static void a_result_follows_a_cancel_once(void **state)
{
    struct run_record *runs;
    int n;
    json_t *one = keep(json_pack("{s:i}", "n", 1)), *two = keep(json_pack("{s:i}", "n", 2));
    create("acme", "r1");
    create("acme", "live");
    assert_int_equal(store_run_result(store, "r1", NULL, NULL, one, NULL, NULL), E_CONFLICT);
    assert_int_equal(set("r1", RUN_CANCELLED), 0);
    assert_int_equal(store_run_unsettled(store, pool, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_string_equal(runs[0].run_id, "r1");
    assert_int_equal(store_run_result(store, "r1", NULL, one, one, events_of("rows"), NULL), 0);
    assert_int_equal(store_run_result(store, "r1", NULL, two, two, NULL, NULL), E_CONFLICT);
    struct run_record r = get("r1", RUN_PART_RESULT | RUN_PART_CHECKPOINT);
    assert_int_equal(json_int(r.result, "n", 0), 1);
    assert_int_equal(json_int(r.checkpoint, "n", 0), 1);
    assert_int_equal(r.state, RUN_CANCELLED);
    assert_int_equal(store_run_unsettled(store, pool, &runs, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static void attempts_count_until_a_checkpoint(void **state)
{
    create("acme", "r1");
    assert_int_equal(store_run_start(store, "r1", NULL, NULL), 0);
    assert_int_equal(get("r1", 0).state, RUN_RUNNING);
    assert_int_equal(store_run_start(store, "r1", NULL, NULL), 0); /* its end was never stored */
    assert_int_equal(get("r1", 0).attempts, 2);
    assert_int_equal(get("r1", 0).attempts_no_progress, 2);
    json_t *checkpoint = keep(json_pack("{s:i}", "step_index", 4));
    assert_int_equal(store_run_checkpoint(store, "r1", checkpoint, events_of("step 4"), NULL), 0);
    struct run_record r = get("r1", RUN_PART_CHECKPOINT);
    assert_int_equal(r.attempts, 2);
    assert_int_equal(r.attempts_no_progress, 0);
    assert_int_equal(json_int(r.checkpoint, "step_index", 0), 4);
    assert_int_equal(set("r1", RUN_FAILED), 0);
    assert_int_equal(store_run_checkpoint(store, "r1", checkpoint, NULL, NULL), E_CONFLICT);
    assert_int_equal(store_run_start(store, "r1", NULL, NULL), E_CONFLICT);
}

static void events_are_numbered_and_their_times_rise(void **state)
{
    json_t *all, *some, *last, *e;
    size_t i;
    const char *before = "";
    clock_fake(0, INT64_C(1772600000000000)); /* the clock stands still; times must not */
    create("acme", "r1");
    for (int k = 0; k < 5; k++)
        assert_int_equal(store_events_add(store, "r1", events_of("again"), NULL), 0);
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 0, 100, &all, NULL), 0);
    assert_int_equal(json_array_size(all), 6);
    json_array_foreach (all, i, e) {
        assert_int_equal(json_int(e, "seq", 0), i + 1);
        assert_true(strcmp(json_str(e, "ts", ""), before) > 0);
        before = json_str(e, "ts", "");
        assert_true(json_is_object(json_object_get(e, "detail")));
        assert_string_equal(json_str(e, "category", ""), "reasoning");
    }
    assert_int_equal(json_int(json_array_get(all, 5), "step_index", 0), 3);
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 2, 3, &some, NULL), 0);
    assert_int_equal(json_array_size(some), 3);
    assert_int_equal(json_int(json_array_get(some, 0), "seq", 0), 3);
    assert_int_equal(store_events_get(store, pool, "acme", "r1", -1, 2, &last, NULL), 0);
    assert_int_equal(json_array_size(last), 2);
    assert_int_equal(json_int(json_array_get(last, 0), "seq", 0), 5);
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 6, 3, &some, NULL), 0);
    assert_int_equal(json_array_size(some), 0);
}

static void events_keep_their_own_time_but_never_go_back(void **state)
{
    static const struct {
        int64_t at_s;
        const char *ts;
    } rows[] = {{5, "05.000000"}, {3, "05.000001"}, {99, "10.000000"}};
    clock_fake(0, INT64_C(1772600400000000));
    create("acme", "r1");
    clock_fake(0, INT64_C(1772600410000000));
    json_t *batch = keep(json_array()), *all;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        json_push(batch,
                  json_pack("{s:s,s:I}", "summary", "x", "at_us",
                            (json_int_t)(INT64_C(1772600400000000) + rows[i].at_s * 1000000)));
    assert_int_equal(store_events_add(store, "r1", batch, NULL), 0);
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 1, 9, &all, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_non_null(strstr(json_str(json_array_get(all, i), "ts", ""), rows[i].ts));
}

static void every_event_moves_updated(void **state)
{
    clock_fake(0, INT64_C(1772600000000000));
    create("acme", "r1");
    clock_fake(0, INT64_C(1772600005000000));
    assert_int_equal(store_events_add(store, "r1", events_of("x"), NULL), 0);
    assert_true(get("r1", 0).updated_us == INT64_C(1772600005000000));
    assert_string_equal(json_str(get("r1", 0).doc, "model", ""), "page"); /* and nothing else */
}

static void lists_are_oldest_first_and_by_state(void **state)
{
    const char *ids[] = {"c", "a", "b"};
    struct run_record *runs;
    int n, counts[RUN_N_STATES];
    for (int i = 0; i < 3; i++) {
        clock_fake(0, INT64_C(1772600000000000) + i);
        create(i == 1 ? "other" : "acme", ids[i]);
    }
    assert_int_equal(set("b", RUN_RUNNING), 0);
    assert_int_equal(store_run_list(store, pool, NULL, ~0u, &runs, &n, NULL), 0);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(runs[i].run_id, ids[i]);
    assert_int_equal(store_run_list(store, pool, "acme", 1u << RUN_QUEUED, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_string_equal(runs[0].run_id, "c");
    assert_int_equal(store_run_counts(store, "acme", counts, NULL), 0);
    assert_int_equal(counts[RUN_QUEUED], 1);
    assert_int_equal(counts[RUN_RUNNING], 1);
}

static void a_profile_has_one_live_run(void **state)
{
    struct err err = {0};
    assert_int_equal(create_on("acme", "r1", "p", "w", NULL), 0);
    assert_int_equal(create_on("acme", "r2", "p", "w", &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "'p'"));
    assert_non_null(strstr(err.msg, "'r1'"));
    assert_int_equal(store_run_get(store, pool, NULL, "r2", 0, &(struct run_record){0}, NULL),
                     E_NOT_FOUND);
    assert_int_equal(create_on("acme", "r3", "q", "w", NULL), 0);
    assert_int_equal(create_on("other", "r4", "p", "w", NULL), 0);
    for (int to = RUN_RUNNING; to <= RUN_PAUSED; to++) {
        assert_int_equal(set("r1", (enum run_state)(to == RUN_PAUSED ? RUN_RUNNING : to)), 0);
        if (to == RUN_PAUSED)
            assert_int_equal(set("r1", RUN_PAUSED), 0);
        assert_int_equal(create_on("acme", "r2", "p", "w", NULL), E_CONFLICT);
    }
    assert_int_equal(set("r1", RUN_CANCELLED), 0);
    assert_int_equal(create_on("acme", "r2", "p", "w", NULL), 0);
}

static void a_refused_run_takes_no_profile(void **state)
{
    struct err err = {0};
    assert_int_equal(create_on("acme", "r1", "p", "w", NULL), 0);
    assert_int_equal(create_on("acme", "r1", "q", "w", &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "exists"));
    assert_int_equal(create_on("acme", "r2", "q", "w", NULL), 0);
}

static void the_journal_keeps_the_last_state_of_each_key(void **state)
{
    json_t *journal, *detail = keep(json_pack("{s:s}", "url", "https://a.test/"));
    create("acme", "r1");
    create("acme", "r2");
    assert_int_equal(store_journal_put(store, "r1", "7#1", "intended", detail, NULL), 0);
    assert_int_equal(store_journal_put(store, "r1", "7#1", "sent", NULL, NULL), 0);
    assert_int_equal(store_journal_put(store, "r1", "7#2", "intended", detail, NULL), 0);
    assert_int_equal(store_journal_put(store, "nobody", "1#1", "sent", NULL, NULL), E_NOT_FOUND);
    assert_int_equal(store_journal_get(store, pool, "r1", &journal, NULL), 0);
    assert_int_equal(json_object_size(journal), 2);
    assert_string_equal(json_str(json_object_get(journal, "7#1"), "state", ""), "sent");
    assert_string_equal(json_str(json_object_get(journal, "7#2"), "state", ""), "intended");
    assert_int_equal(store_journal_get(store, pool, "r2", &journal, NULL), 0);
    assert_int_equal(json_object_size(journal), 0);
}

static void the_newest_checkpoint_of_a_workflow_is_found(void **state)
{
    json_t *out;
    const char *ids[] = {"old", "new", "bare"};
    for (int i = 0; i < 3; i++) {
        clock_fake(0, INT64_C(1772600000000000) + i);
        create("acme", ids[i]);
        if (i < 2)
            assert_int_equal(store_run_checkpoint(
                                 store, ids[i], keep(json_pack("{s:s}", "of", ids[i])), NULL, NULL),
                             0);
    }
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "w", "sig", &out, NULL), 0);
    assert_string_equal(json_str(out, "of", ""), "new");
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "w", "other", &out, NULL), 0);
    assert_null(out);
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "v", "sig", &out, NULL), 0);
    assert_null(out);
}

static void fields_are_patched_and_deleted(void **state)
{
    create("acme", "r1");
    json_t *patch = keep(json_pack("{s:s,s:n}", "viewer_url", "/v", "mode"));
    assert_int_equal(store_run_patch(store, "r1", patch, NULL), 0);
    struct run_record r = get("r1", 0);
    assert_string_equal(json_str(r.doc, "viewer_url", ""), "/v");
    assert_null(json_object_get(r.doc, "mode"));
    assert_int_equal(r.state, RUN_QUEUED);
}

static void what_is_handed_out_is_a_copy(void **state)
{
    create("acme", "r1");
    struct run_record r = get("r1", 0);
    json_put_str((json_t *)r.doc, "model", "changed");
    assert_string_equal(json_str(get("r1", 0).doc, "model", ""), "page");
}

static void deep_documents_come_back(void **state)
{
    json_t *deep = json_string("x");
    for (int i = 0; i < 200; i++)
        deep = json_pack("[o]", deep);
    json_t *patch = keep(json_pack("{s:o}", "payload", deep));
    create("acme", "r1");
    assert_int_equal(store_run_patch(store, "r1", patch, NULL), 0);
    assert_true(json_is_array(json_object_get(get("r1", 0).doc, "payload")));
}

/* --- on disk -----------------------------------------------------------------------------------
 */

static void everything_is_there_after_reopening(void **state)
{
    struct stat st;
    create("acme", "r1");
    assert_int_equal(
        store_run_checkpoint(store, "r1", keep(json_pack("{s:i}", "n", 1)), events_of("one"), NULL),
        0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(store);
    open_store();
    struct run_record r = get("r1", RUN_PART_CHECKPOINT | RUN_PART_PLAN);
    assert_int_equal(json_int(r.checkpoint, "n", 0), 1);
    assert_non_null(r.plan);
    assert_int_equal(create_on("acme", "r2", "r1", "w", NULL), E_CONFLICT);
    assert_int_equal(store_events_add(store, "r1", events_of("two"), NULL), 0);
    json_t *events;
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 0, 9, &events, NULL), 0);
    assert_int_equal(json_int(json_array_get(events, 2), "seq", 0), 3);
}

static void what_returned_0_survives_a_kill(void **state)
{
    store_close(store);
    store = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        open_store();
        create("acme", "r1");
        for (int i = 1; i <= 5; i++) {
            json_t *c = json_pack("{s:i}", "n", i);
            if (store_run_checkpoint(store, "r1", c, events_of("step"), NULL))
                _exit(1);
        }
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    open_store();
    assert_int_equal(json_int(get("r1", RUN_PART_CHECKPOINT).checkpoint, "n", 0), 5);
    json_t *events;
    assert_int_equal(store_events_get(store, pool, "acme", "r1", 0, 99, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 6);
}

static void a_second_process_is_told_whose_it_is(void **state)
{
    create("acme", "r1"); /* the lock is taken with the first access */
    pid_t pid = fork();
    if (pid == 0) {
        struct store *second;
        struct err err = {0};
        int r = store_open(kind, path, &second, &err);
        _exit(r == E_CONFLICT && strstr(err.msg, path) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_file_that_is_no_store_is_named(void **state)
{
    char other[96];
    struct store *s;
    struct err err = {0};
    snprintf(other, sizeof(other), "%s/other.db", dir);
    char junk[4096];
    memset(junk, 'j', sizeof(junk));
    assert_int_equal(file_write_atomic(other, junk, sizeof(junk), 0600, NULL), 0);
    assert_int_equal(store_open(kind, other, &s, &err), E_IO);
    assert_non_null(strstr(err.msg, other));
    assert_int_equal(store_open(kind, "/dev/null/x.db", &s, &err), E_IO);
}

/* In a child with its own mounts: fill the disk, be told so, free it, go on. */
static int on_a_tiny_disk(void)
{
    struct err err = {0};
    char filler[4096];
    memset(filler, 'x', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = 0;
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", dir, "tmpfs", 0, "size=512k"))
        return 77;
    open_store();
    create("acme", "r1");
    json_t *events = keep(json_pack("[{s:s}]", "summary", filler));
    int stored = 0, r = 0;
    while (stored < 1000 && (r = store_events_add(store, "r1", events, &err)) == 0)
        stored++;
    if (r != E_IO || err.sys_errno != ENOSPC || !strstr(err.msg, "full") || !strstr(err.msg, path))
        return 2;
    struct run_record rec;
    if (store_run_get(store, pool, NULL, "r1", 0, &rec, NULL))
        return 3; /* reading goes on */
    if (mount("none", dir, "tmpfs", MS_REMOUNT, "size=4m"))
        return 77;
    if (store_events_add(store, "r1", events_of("after"), &err))
        return 4;
    json_t *all;
    if (store_events_get(store, pool, "acme", "r1", 0, 2000, &all, NULL) ||
        json_array_size(all) != (size_t)stored + 2)
        return 5; /* what was refused is not there, what was taken is */
    store_close(store);
    open_store();
    if (store_events_get(store, pool, "acme", "r1", 0, 2000, &all, NULL) ||
        json_array_size(all) != (size_t)stored + 2)
        return 6;
    store_close(store);
    return 0;
}

static void a_full_disk_is_said_and_survived(void **state)
{
    store_close(store);
    store = NULL;
    pid_t pid = fork();
    if (pid == 0)
        _exit(on_a_tiny_disk());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    open_store();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("SKIPPED: mounting a small disk needs root\n");
        skip();
    }
    assert_int_equal(status, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest every_kind[] = {
    T(a_run_is_stored_with_its_first_event),
    T(an_id_is_taken_once_and_must_be_clean),
    T(another_tenants_run_is_not_found),
    T(changes_follow_the_state_table),
    T(a_refused_change_changes_nothing),
    T(an_end_stores_everything_in_one_change),
    T(a_result_follows_a_cancel_once),
    T(attempts_count_until_a_checkpoint),
    T(events_are_numbered_and_their_times_rise),
    T(events_keep_their_own_time_but_never_go_back),
    T(every_event_moves_updated),
    T(lists_are_oldest_first_and_by_state),
    T(a_profile_has_one_live_run),
    T(a_refused_run_takes_no_profile),
    T(the_journal_keeps_the_last_state_of_each_key),
    T(the_newest_checkpoint_of_a_workflow_is_found),
    T(fields_are_patched_and_deleted),
    T(what_is_handed_out_is_a_copy),
    T(deep_documents_come_back),
};

static const struct CMUnitTest on_disk[] = {
    T(everything_is_there_after_reopening),  T(what_returned_0_survives_a_kill),
    T(a_second_process_is_told_whose_it_is), T(a_file_that_is_no_store_is_named),
    T(a_full_disk_is_said_and_survived),
};

int main(void)
{
    int failed = 0;
    for (const char *const *k = store_kinds(); *k; k++) {
        kind = *k;
        failed += cmocka_run_group_tests_name(kind, every_kind, NULL, NULL);
        if (strcmp(kind, "memory") != 0)
            failed += cmocka_run_group_tests_name(kind, on_disk, NULL, NULL);
    }
    return failed;
}
