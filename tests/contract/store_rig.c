#include "store_rig.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"

const char *rig_kind;
char rig_dir[64];
char rig_path[96];
struct store *store;
struct pool *pool;

void rig_open(void)
{
    struct err err = {0};
    if (store_open(rig_kind, rig_path, &store, &err))
        fail_msg("%s", err.msg);
}

int rig_setup(void **state)
{
    snprintf(rig_dir, sizeof(rig_dir), "/tmp/mantis-test-store-XXXXXX");
    assert_non_null(mkdtemp(rig_dir));
    snprintf(rig_path, sizeof(rig_path), "%s/new/store.db", rig_dir);
    pool = pool_create(NULL);
    rig_open();
    return 0;
}

int rig_teardown(void **state)
{
    store_close(store);
    store = NULL;
    pool_destroy(pool);
    clock_fake_off();
    return file_remove_tree(rig_dir, NULL);
}

int rig_run(const struct CMUnitTest *tests, size_t n, bool on_disk)
{
    int failed = 0;
    for (const char *const *k = store_kinds(); *k; k++) {
        rig_kind = *k;
        if (!on_disk || strcmp(*k, "memory") != 0)
            failed += _cmocka_run_group_tests(*k, tests, n, NULL, NULL);
    }
    return failed;
}

json_t *keep(json_t *v)
{
    return json_keep(pool, v);
}

struct run_record record_of(const char *tenant, const char *id, const char *profile,
                            const char *workflow)
{
    return (struct run_record){
        .run_id = id,
        .tenant_id = tenant,
        .profile_id = profile,
        .workflow_id = workflow,
        .plan_signature = "sig",
        .doc = keep(json_pack("{s:s,s:s}", "model", "page", "mode", "detached")),
        .settings = keep(json_pack("{s:f}", "max_cost", 2.0)),
        .plan = keep(json_pack("{s:[]}", "steps")),
    };
}

int create_run(const struct run_record *rec, struct err *err)
{
    struct store_creation c = {.run = rec};
    int r = store_run_create(store, &c, 1, err);
    if (!r && c.result && err)
        *err = c.err;
    return r ? r : c.result;
}

int create_on(const char *tenant, const char *id, const char *profile, const char *workflow,
              struct err *err)
{
    struct run_record rec = record_of(tenant, id, profile, workflow);
    return create_run(&rec, err);
}

void create(const char *tenant, const char *id)
{
    assert_int_equal(create_on(tenant, id, id, "w", NULL), 0);
}

struct run_record get(const char *id, unsigned parts)
{
    struct run_record rec;
    assert_int_equal(store_run_get(store, pool, K(id), parts, &rec, NULL), 0);
    return rec;
}

json_t *events_of(const char *text)
{
    return keep(json_pack("[{s:s,s:s,s:s,s:i}]", "layer", "run", "kind", "result", "summary", text,
                          "step_index", 3));
}

json_t *stored_events(const char *id)
{
    json_t *events;
    assert_int_equal(store_events_get(store, pool, K(id), 0, 10000, &events, NULL), 0);
    return events;
}

int set(const char *id, enum run_state to)
{
    return store_run_set_state(store, K(id), to, NULL, NULL, NULL, NULL);
}

void bring_to(const char *id, enum run_state state)
{
    if (state == RUN_QUEUED)
        return;
    if (state != RUN_RUNNING)
        assert_int_equal(set(id, RUN_RUNNING), 0);
    assert_int_equal(set(id, state), 0);
}

struct store_delivery delivery(const char *id)
{
    return (struct store_delivery){.id = id,
                                   .event = "succeeded",
                                   .url = "https://hook.test/",
                                   .secret_name = "s",
                                   .payload = keep(json_pack("{s:s}", "status", "succeeded"))};
}

void end_with(const char *run, const char *delivery_id)
{
    struct store_delivery d = delivery(delivery_id);
    bring_to(run, RUN_RUNNING);
    assert_int_equal(store_run_end(store, K(run), RUN_SUCCEEDED, NULL, NULL, keep(json_object()),
                                   NULL, &d, NULL),
                     0);
}

void sql(const char *path, const char *text)
{
    sqlite3 *db;
    char *said = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &said))
        fail_msg("%s", said);
    sqlite3_close(db);
}

const char *const *findings(void)
{
    const char *const *lines;
    struct err err = {0};
    if (store_check(pool, rig_path, &lines, &err))
        fail_msg("%s", err.msg);
    return lines;
}

void assert_sound(void)
{
    const char *const *lines = findings();
    if (*lines)
        fail_msg("%s", *lines);
}
