/*
 * test_store_disk.c - what a store with a disk promises beyond its answers: it is there after a
 * kill and a full disk, and an older file is brought up to date.
 */
#include "store_rig.h"

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

#include "base/str.h"
#include "store/sqlite.h"
#include "store/sqlite_schema.h"
#include "sys/file.h"

/* --- on disk -----------------------------------------------------------------------------------
 */

/* How SQLite goes about a statement, line by line. */
static const char *plan_of(sqlite3 *db, enum sql which)
{
    sqlite3_stmt *s;
    const char *text = pool_printf(pool, "EXPLAIN QUERY PLAN %s", sqlite_sql[which]), *plan = "";
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        plan = pool_printf(pool, "%s%s\n", plan, (const char *)sqlite3_column_text(s, 3));
    sqlite3_finalize(s);
    return plan;
}

/* Runs and deliveries of a week are many; the indexes of exceptions hold only what is to be done,
 * and the rest is a statement's own: a few rows of each tenant. */
static bool may_be_scanned(const char *what)
{
    static const char *const few[] = {"CONSTANT ROW", "t", "ranks", "(subquery",
                                      "runs USING INDEX runs_un"};
    for (size_t i = 0; i < ARRAY_SIZE(few); i++)
        if (str_starts(what, few[i]))
            return true;
    return false;
}

static void no_statement_reads_through_a_table(void **state)
{
    sqlite3 *db;
    store_close(store);
    store = NULL;
    assert_int_equal(sqlite3_open(rig_path, &db), SQLITE_OK);
    for (int i = SQL_RUN_INSERT; i < N_SQL; i++) {
        const char *plan = plan_of(db, (enum sql)i);
        for (const char *p = plan; (p = strstr(p, "SCAN ")); p++)
            if (!may_be_scanned(p + strlen("SCAN ")))
                fail_msg("%s: %s", sqlite_sql[i], plan);
    }
    if (!strstr(plan_of(db, SQL_DELIVERIES_OF_RUN), "(tenant_id=? AND run_id=?)"))
        fail_msg("a run's deliveries are looked for among all of its tenant");
    sqlite3_close(db);
    rig_open();
}

static void everything_is_there_after_reopening(void **state)
{
    struct stat st;
    create("acme", "r1");
    assert_int_equal(store_run_checkpoint(store, K("r1"), keep(json_pack("{s:i}", "n", 1)),
                                          events_of("one"), NULL),
                     0);
    assert_int_equal(stat(rig_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(store);
    rig_open();
    struct run_record r = get("r1", RUN_PART_CHECKPOINT | RUN_PART_PLAN);
    assert_int_equal(json_int(r.checkpoint, "n", 0), 1);
    assert_non_null(r.plan);
    assert_int_equal(create_on("acme", "r2", "r1", "w", NULL), E_CONFLICT);
    assert_int_equal(store_events_add(store, K("r1"), events_of("two"), NULL), 0);
    json_t *events;
    assert_int_equal(store_events_get(store, pool, K("r1"), 0, 9, &events, NULL), 0);
    assert_int_equal(json_int(json_array_get(events, 2), "seq", 0), 3);
}

static void what_returned_0_survives_a_kill(void **state)
{
    store_close(store);
    store = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        rig_open();
        create("acme", "r1");
        for (int i = 1; i <= 5; i++) {
            json_t *c = json_pack("{s:i,s:i,s:[{s:i}]}", "n", i, "step_results_from", i - 1,
                                  "step_results", "of", i);
            if (store_run_checkpoint(store, K("r1"), c, events_of("step"), NULL))
                _exit(1);
        }
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    rig_open();
    struct run_record r = get("r1", RUN_PART_CHECKPOINT);
    const json_t *results = json_object_get(r.checkpoint, "step_results");
    assert_int_equal(json_int(r.checkpoint, "n", 0), 5);
    assert_int_equal(json_array_size(results), 5);
    assert_int_equal(json_int(json_array_get(results, 3), "of", 0), 4);
    json_t *events;
    assert_int_equal(store_events_get(store, pool, K("r1"), 0, 99, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 6);
}

static void a_second_process_is_told_whose_it_is(void **state)
{
    create("acme", "r1"); /* the lock is taken with the first access */
    pid_t pid = fork();
    if (pid == 0) {
        struct store *second;
        struct err err = {0};
        int r = store_open(rig_kind, rig_path, &second, &err);
        _exit(r == E_CONFLICT && strstr(err.msg, rig_path) ? 0 : 1);
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
    snprintf(other, sizeof(other), "%s/other.db", rig_dir);
    char junk[4096];
    memset(junk, 'j', sizeof(junk));
    assert_int_equal(file_write_atomic(other, junk, sizeof(junk), 0600, NULL), 0);
    assert_int_equal(store_open(rig_kind, other, &s, &err), E_IO);
    assert_non_null(strstr(err.msg, other));
    assert_int_equal(store_open(rig_kind, "/dev/null/x.db", &s, &err), E_IO);
}

/* In a child with its own mounts: fill the disk, be told so, free it, go on. */
static int on_a_tiny_disk(void)
{
    struct err err = {0};
    char filler[4096];
    memset(filler, 'x', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = 0;
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", rig_dir, "tmpfs", 0, "size=512k"))
        return 77;
    rig_open();
    create("acme", "r1");
    json_t *events = keep(json_pack("[{s:s}]", "summary", filler));
    int stored = 0, r = 0;
    while (stored < 1000 && (r = store_events_add(store, K("r1"), events, &err)) == 0)
        stored++;
    if (r != E_IO || err.sys_errno != ENOSPC || !strstr(err.msg, "full") ||
        !strstr(err.msg, rig_path))
        return 2;
    struct run_record rec;
    if (store_run_get(store, pool, K("r1"), 0, &rec, NULL))
        return 3; /* reading goes on */
    if (mount("none", rig_dir, "tmpfs", MS_REMOUNT, "size=4m"))
        return 77;
    if (store_events_add(store, K("r1"), events_of("after"), &err))
        return 4;
    json_t *all;
    if (store_events_get(store, pool, K("r1"), 0, 2000, &all, NULL) ||
        json_array_size(all) != (size_t)stored + 2)
        return 5; /* what was refused is not there, what was taken is */
    store_close(store);
    rig_open();
    if (store_events_get(store, pool, K("r1"), 0, 2000, &all, NULL) ||
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
    rig_open();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("SKIPPED: mounting a small disk needs root\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/* --- older files --------------------------------------------------------------------------------
 */

/* The schema of version 2, as it was made then. */
static const char version_2[] =
    "CREATE TABLE runs ("
    " run_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, profile_id TEXT, workflow_id TEXT,"
    " state_key TEXT, plan_signature TEXT, state INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " updated_us INTEGER NOT NULL, started_us INTEGER NOT NULL DEFAULT 0,"
    " finished_us INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
    " attempts_no_progress INTEGER NOT NULL DEFAULT 0, last_seq INTEGER NOT NULL DEFAULT 0,"
    " last_ts_us INTEGER NOT NULL DEFAULT 0, has_result INTEGER NOT NULL DEFAULT 0,"
    " doc TEXT NOT NULL, settings TEXT);"
    "CREATE INDEX runs_unsettled ON runs (state) WHERE has_result = 0;"
    "CREATE INDEX runs_by_state ON runs (state, created_us);"
    "CREATE INDEX runs_by_tenant ON runs (tenant_id, state);"
    "CREATE INDEX runs_by_workflow ON runs (tenant_id, workflow_id, created_us);"
    "CREATE TABLE run_parts ("
    " run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, part INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run_id, part));"
    "CREATE TABLE events ("
    " run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run_id, seq)) WITHOUT ROWID;"
    "CREATE TABLE journal ("
    " run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, key TEXT NOT NULL,"
    " state TEXT NOT NULL, detail TEXT, PRIMARY KEY (run_id, key)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX runs_live_profile ON runs (tenant_id, profile_id) WHERE state < 4;"
    "PRAGMA user_version = 2;";

/* A run that ended and one that is paused; the younger row was inserted first. */
static const char rows_2[] =
    "INSERT INTO runs VALUES ('young', 'acme', 'p', 'w', NULL, 'sig', 3, 20, 25, 21, 0, 2, 1, 3,"
    " 25, 0, '{\"model\":\"page\"}', '{\"max_cost\":2.5}');"
    "INSERT INTO runs VALUES ('old', 'other', 'p', 'w', 'k', 'sig', 4, 10, 15, 11, 14, 1, 0, 2,"
    " 15, 1, '{\"model\":\"script\"}', NULL);"
    "INSERT INTO run_parts VALUES ('old', 1, '{\"steps\":[]}'), ('old', 4, '{\"viable\":3}'),"
    " ('young', 1, '{\"steps\":[1]}'), ('young', 2, '{\"step_index\":4}');"
    "INSERT INTO events VALUES"
    " ('young', 1, '{\"seq\":1,\"ts\":\"2026-03-04T05:06:07.000001+00:00\",\"summary\":\"a\"}'),"
    " ('young', 2, '{\"seq\":2,\"ts\":\"2026-03-04T05:06:07.000002+00:00\",\"summary\":\"b\"}'),"
    " ('young', 3, '{\"seq\":3,\"ts\":\"2026-03-04T05:06:07.000003+00:00\",\"summary\":\"c\"}'),"
    " ('old', 1, '{\"seq\":1,\"ts\":\"2026-03-04T05:06:06.000001+00:00\",\"summary\":\"d\"}'),"
    " ('old', 2, '{\"seq\":2,\"ts\":\"2026-03-04T05:06:06.000002+00:00\",\"summary\":\"e\"}');"
    "INSERT INTO journal VALUES ('young', '3#1', 'sent', '{\"url\":\"https://a.test/\"}'),"
    " ('young', '4#1', 'intended', NULL);";

static void become_version_2(void)
{
    store_close(store);
    store = NULL;
    assert_int_equal(unlink(rig_path), 0);
    sql(rig_path, "PRAGMA journal_mode = WAL;");
    sql(rig_path, version_2);
    sql(rig_path, rows_2);
}

static void a_file_of_version_2_loses_nothing(void **state)
{
    struct run_record *runs, r;
    json_t *journal;
    int n;
    become_version_2();
    assert_sound();
    rig_open();
    assert_int_equal(store_run_list(store, pool, NULL, ~0u, &runs, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].run_id, "old");
    r = get("young", RUN_PART_PLAN | RUN_PART_CHECKPOINT | RUN_PART_RESULT);
    assert_int_equal(r.state, RUN_PAUSED);
    assert_string_equal(r.profile_id, "p");
    assert_string_equal(r.workflow_id, "w");
    assert_null(r.state_key);
    assert_string_equal(r.plan_signature, "sig");
    assert_true(r.created_us == 20 && r.updated_us == 25 && r.started_us == 21);
    assert_true(r.finished_us == 0 && r.last_seq == 3);
    assert_true(r.attempts == 2 && r.attempts_no_progress == 1);
    assert_string_equal(json_str(r.doc, "model", ""), "page");
    assert_true(json_num(r.settings, "max_cost", 0) == 2.5);
    assert_int_equal(json_array_size(json_object_get(r.plan, "steps")), 1);
    assert_int_equal(json_int(r.checkpoint, "step_index", 0), 4);
    assert_null(r.result);
    assert_int_equal(json_array_size(stored_events("young")), 3);
    assert_string_equal(json_str(json_array_get(stored_events("young"), 1), "summary", ""), "b");
    assert_int_equal(store_journal_get(store, pool, K("young"), &journal, NULL), 0);
    assert_int_equal(json_object_size(journal), 2);
    assert_string_equal(json_str(json_object_get(journal, "3#1"), "state", ""), "sent");
    assert_int_equal(store_run_get(store, pool, RUN_KEY("other", "old"), RUN_PART_RESULT, &r, NULL),
                     0);
    assert_true(r.state == RUN_SUCCEEDED && r.finished_us == 14);
    assert_string_equal(r.state_key, "k");
    assert_int_equal(json_int(r.result, "viable", 0), 3);
}

static void a_file_of_version_2_goes_on(void **state)
{
    struct run_record *runs;
    json_t *checkpoint;
    int n;
    become_version_2();
    rig_open();
    assert_int_equal(create_on("acme", "r1", "p", "w", NULL), E_CONFLICT); /* young has it */
    assert_int_equal(create_on("acme", "old", "q", "w", NULL), 0); /* the other tenant's name */
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "w", "sig", &checkpoint, NULL),
                     0);
    assert_int_equal(json_int(checkpoint, "step_index", 0), 4);
    end_with("young", "d1");
    assert_int_equal(json_array_size(stored_events("young")), 3);
    assert_int_equal(store_runs_unlogged(store, pool, 9, &runs, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_run_delete(store, RUN_KEY("other", "old"), NULL), 0);
    store_close(store);
    store = NULL;
    assert_sound();
}

/* Checkpoints as they were before their results were rows; the fourth is broken. */
static const char checkpoints_5[] =
    "INSERT INTO runs (id, tenant_id, run_id, state, created_us, updated_us, doc)"
    " VALUES (1, 'acme', 'r1', 1, 1, 1, '{}'), (2, 'acme', 'bare', 1, 1, 1, '{}'),"
    " (3, 'acme', 'empty', 1, 1, 1, '{}'), (4, 'acme', 'broken', 1, 1, 1, '{}'),"
    " (5, 'acme', 'odd', 1, 1, 1, '{}');"
    "INSERT INTO run_parts VALUES (1, 2, '{\"a\":1,\"step_results\":[{\"step_index\":0,"
    "\"data\":\"\\u00e9 \\\"x\\\"\",\"n\":1.50},{},[true],\"s\",2.5,null,false],\"z\":2}'),"
    " (1, 1, '{\"step_results\":[9]}'), (2, 2, '{\"step_index\":4}'),"
    " (3, 2, '{\"step_results\":[]}'), (4, 2, '{'), (5, 2, '{\"step_results\":{\"a\":1}}');";

static void results_of_version_5_become_rows(void **state)
{
    sqlite3 *db;
    store_close(store);
    store = NULL;
    assert_int_equal(unlink(rig_path), 0);
    assert_int_equal(sqlite3_open(rig_path, &db), SQLITE_OK);
    assert_int_equal(sqlite_schema_migrate(db, rig_path, 5, NULL), 0);
    sqlite3_close(db);
    sql(rig_path, checkpoints_5);
    rig_open();
    assert_string_equal(json_text(pool, get("r1", RUN_PART_CHECKPOINT).checkpoint),
                        "{\"a\":1,\"step_results\":[{\"step_index\":0,\"data\":\"é \\\"x\\\"\","
                        "\"n\":1.5},{},[true],\"s\",2.5,null,false],\"z\":2}");
    assert_int_equal(
        json_array_size(json_object_get(get("r1", RUN_PART_PLAN).plan, "step_results")), 1);
    assert_string_equal(json_text(pool, get("bare", RUN_PART_CHECKPOINT).checkpoint),
                        "{\"step_index\":4}");
    assert_string_equal(json_text(pool, get("empty", RUN_PART_CHECKPOINT).checkpoint),
                        "{\"step_results\":[]}");
    assert_string_equal(json_text(pool, get("odd", RUN_PART_CHECKPOINT).checkpoint),
                        "{\"step_results\":{\"a\":1}}");
    json_t *next =
        keep(json_pack("{s:i,s:[{s:i}]}", "step_results_from", 7, "step_results", "i", 7));
    assert_int_equal(store_run_checkpoint(store, K("r1"), next, NULL, NULL), 0);
    next = json_object_get(get("r1", RUN_PART_CHECKPOINT).checkpoint, "step_results");
    assert_int_equal(json_array_size(next), 8);
    assert_int_equal(json_int(json_array_get(next, 7), "i", 0), 7);
}

static void a_file_of_a_newer_program_is_left_alone(void **state)
{
    struct err err = {0};
    store_close(store);
    store = NULL;
    sql(rig_path, "PRAGMA user_version = 99;");
    assert_int_equal(store_open(rig_kind, rig_path, &store, &err), E_IO);
    assert_non_null(strstr(err.msg, "99"));
    assert_non_null(strstr(*findings(), "99"));
    sql(rig_path, pool_printf(pool, "PRAGMA user_version = %d;", sqlite_schema_newest()));
    rig_open();
}

/* --- kills --------------------------------------------------------------------------------------
 */

#define KILLS 30
#define GROUP 3

/* What the child has been told is done. */
struct ack {
    char what; /* 'c' created, 'e' ended */
    int i;
};

static void acknowledge(int fd, char what, int i)
{
    struct ack a = {.what = what, .i = i};
    if (write(fd, &a, sizeof(a)) != sizeof(a))
        _exit(2);
}

static void create_group(int fd, int first)
{
    struct run_record recs[GROUP];
    struct store_creation list[GROUP];
    char ids[GROUP][16];
    for (int i = 0; i < GROUP; i++) {
        snprintf(ids[i], sizeof(ids[i]), "r%d", first + i);
        recs[i] = record_of("acme", ids[i], NULL, NULL);
        list[i] = (struct store_creation){
            .run = &recs[i], .key_hash = ids[i], .body_hash = "b", .reply = "{}"};
    }
    if (store_run_create(store, list, GROUP, NULL))
        _exit(3);
    for (int i = 0; i < GROUP; i++) {
        if (list[i].result)
            _exit(4);
        acknowledge(fd, 'c', first + i);
    }
}

static int step(const char *id, int n)
{
    json_t *part = keep(json_pack("{s:i,s:i,s:[{s:i}]}", "n", n, "step_results_from", n - 1,
                                  "step_results", "of", n));
    return store_run_checkpoint(store, K(id), part, events_of("step"), NULL);
}

static void end_run(int fd, int i)
{
    char id[16], hook[16];
    snprintf(id, sizeof(id), "r%d", i);
    snprintf(hook, sizeof(hook), "d%d", i);
    struct store_delivery d = delivery(hook);
    if (store_run_start(store, K(id), events_of("go"), NULL) || step(id, 1) || step(id, 2) ||
        store_run_end(store, K(id), RUN_SUCCEEDED, NULL, NULL, keep(json_pack("{s:i}", "n", i)),
                      events_of("end"), &d, NULL))
        _exit(5);
    acknowledge(fd, 'e', i);
}

static void write_until_killed(int fd, int first)
{
    rig_open();
    for (int at = first;; at += GROUP) {
        create_group(fd, at);
        for (int i = 0; i < GROUP - 1; i++) /* the last of each stays queued */
            end_run(fd, at + i);
    }
}

/* Everything of one run agrees with itself. */
static void check_run(const struct run_record *r)
{
    struct store_key key;
    struct store_delivery *list;
    json_t *events = stored_events(r->run_id);
    int n;
    assert_int_equal(store_key_get(store, pool, "acme", r->run_id, 0, &key, NULL), 0);
    assert_string_equal(key.run_id, r->run_id);
    assert_int_equal(json_array_size(events), r->last_seq);
    for (size_t i = 0; i < json_array_size(events); i++)
        assert_int_equal(json_int(json_array_get(events, i), "seq", 0), i + 1);
    struct run_record parts = get(r->run_id, RUN_PART_PLAN | RUN_PART_RESULT | RUN_PART_CHECKPOINT);
    assert_non_null(parts.plan);
    assert_int_equal(json_array_size(json_object_get(parts.checkpoint, "step_results")),
                     json_int(parts.checkpoint, "n", 0));
    bool over = run_state_terminal(r->state);
    assert_int_equal(over, parts.result != NULL);
    assert_int_equal(store_outbox_list(store, pool, "acme", r->run_id, ~0u, 9, &list, &n, NULL), 0);
    assert_int_equal(n, over);
}

static int check_all(void)
{
    struct run_record *runs;
    int n;
    assert_int_equal(store_run_list(store, pool, "acme", ~0u, &runs, &n, NULL), 0);
    for (int i = 0; i < n; i++)
        check_run(&runs[i]);
    assert_int_equal(n % GROUP, 0);
    return n;
}

/* Read acknowledgements; after `enough` of them kill, then read what was still said. */
static int kill_after(pid_t pid, int fd, int enough, struct ack *acks, int max)
{
    int n = 0;
    while (n < max && read(fd, &acks[n], sizeof(*acks)) == sizeof(*acks))
        if (++n == enough)
            kill(pid, SIGKILL);
    return n;
}

static void nothing_is_half_after_kills(void **state)
{
    static struct ack acks[20000];
    int first = 0;
    unsigned seed = 7;
    store_close(store);
    store = NULL;
    for (int k = 0; k < KILLS; k++) {
        int fds[2], status;
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            write_until_killed(fds[1], first);
        }
        close(fds[1]);
        int n = kill_after(pid, fds[0], 1 + rand_r(&seed) % 20, acks, ARRAY_SIZE(acks));
        close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        rig_open();
        for (int i = 0; i < n; i++) {
            char id[16];
            snprintf(id, sizeof(id), "r%d", acks[i].i);
            struct run_record r = get(id, 0);
            assert_true(acks[i].what == 'c' || r.state == RUN_SUCCEEDED);
        }
        first = check_all();
        store_close(store);
        store = NULL;
        pool_destroy(pool);
        pool = pool_create(NULL);
    }
    assert_true(first >= KILLS * GROUP);
    assert_sound();
}

static const struct CMUnitTest on_disk[] = {
    T(no_statement_reads_through_a_table), T(everything_is_there_after_reopening),
    T(what_returned_0_survives_a_kill),    T(a_second_process_is_told_whose_it_is),
    T(a_file_that_is_no_store_is_named),   T(a_full_disk_is_said_and_survived),
    T(a_file_of_version_2_loses_nothing),  T(a_file_of_version_2_goes_on),
    T(results_of_version_5_become_rows),   T(a_file_of_a_newer_program_is_left_alone),
    T(nothing_is_half_after_kills),
};

int main(void)
{
    return rig_run(on_disk, ARRAY_SIZE(on_disk), true);
}
