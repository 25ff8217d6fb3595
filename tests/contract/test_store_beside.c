/*
 * test_store_beside.c - the contract of keys.h, outbox.h, recipes.h and the age of upkeep.h over
 * every kind of store.
 */
#include "store_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "store/driver.h"

/* --- idempotency keys --------------------------------------------------------------------------
 */

static int create_keyed(const char *tenant, const char *id, const char *key, const char *reply)
{
    struct run_record rec = record_of(tenant, id, NULL, NULL);
    struct store_creation c = {.run = &rec, .key_hash = key, .body_hash = "body", .reply = reply};
    assert_int_equal(store_run_create(store, &c, 1, NULL), 0);
    return c.result;
}

static int key_of(const char *tenant, const char *key, struct store_key *out)
{
    return store_key_get(store, pool, tenant, key, 0, out, NULL);
}

static void a_key_is_taken_with_its_run(void **state)
{
    struct store_key key;
    clock_fake(0, NOW);
    assert_int_equal(key_of("acme", "k1", &key), E_NOT_FOUND);
    assert_int_equal(create_keyed("acme", "r1", "k1", "{\"run_id\":\"r1\"}"), 0);
    assert_int_equal(key_of("acme", "k1", &key), 0);
    assert_string_equal(key.run_id, "r1");
    assert_string_equal(key.body_hash, "body");
    assert_string_equal(key.reply, "{\"run_id\":\"r1\"}");
    assert_true(key.stored_us == NOW);
    assert_int_equal(create_keyed("acme", "r2", "k2", NULL), 0);
    assert_int_equal(key_of("acme", "k2", &key), 0);
    assert_null(key.reply);
    assert_int_equal(key_of("other", "k1", &key), E_NOT_FOUND);
    assert_int_equal(create_keyed("other", "r1", "k1", NULL), 0);
}

static void a_taken_key_leaves_no_run_behind(void **state)
{
    struct run_record rec = record_of("acme", "r2", NULL, NULL), none;
    struct store_creation c = {.run = &rec, .key_hash = "k1", .body_hash = "other"};
    struct store_key key;
    assert_int_equal(create_keyed("acme", "r1", "k1", NULL), 0);
    assert_int_equal(store_run_create(store, &c, 1, NULL), 0);
    assert_int_equal(c.result, E_CONFLICT);
    assert_non_null(strstr(c.err.msg, "'r1'"));
    assert_int_equal(store_run_get(store, pool, K("r2"), 0, &none, NULL), E_NOT_FOUND);
    assert_int_equal(key_of("acme", "k1", &key), 0);
    assert_string_equal(key.body_hash, "body");
}

static void a_refused_run_takes_no_key(void **state)
{
    struct store_key key;
    create("acme", "r1");
    assert_int_equal(create_keyed("acme", "r1", "k1", NULL), E_CONFLICT);
    assert_int_equal(key_of("acme", "k1", &key), E_NOT_FOUND);
}

static void old_keys_are_free_again_and_swept(void **state)
{
    struct store_key key;
    int n;
    clock_fake(0, NOW);
    assert_int_equal(create_keyed("acme", "r1", "k1", NULL), 0);
    assert_int_equal(create_keyed("acme", "r2", "k2", NULL), 0);
    assert_int_equal(create_keyed("acme", "r3", "k3", NULL), 0);
    clock_fake(0, NOW + SECOND_US * STORE_KEY_TTL_S);
    assert_int_equal(create_keyed("acme", "r4", "k1", NULL), E_CONFLICT);
    clock_fake(0, NOW + SECOND_US * (STORE_KEY_TTL_S + 1));
    assert_int_equal(create_keyed("acme", "r5", "k1", NULL), 0);
    assert_int_equal(key_of("acme", "k1", &key), 0);
    assert_string_equal(key.run_id, "r5");
    assert_int_equal(store_key_get(store, pool, "acme", "k2", NOW + 1, &key, NULL), E_NOT_FOUND);
    assert_int_equal(store_keys_sweep(store, NOW + 1, 1, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(store_keys_sweep(store, NOW + 1, 9, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(key_of("acme", "k2", &key), E_NOT_FOUND);
    assert_int_equal(key_of("acme", "k1", &key), 0);
}

/* --- outbox ------------------------------------------------------------------------------------
 */

static struct store_delivery *list_of(const char *tenant, const char *run, unsigned mask, int want)
{
    struct store_delivery *list;
    int n;
    assert_int_equal(store_outbox_list(store, pool, tenant, run, mask, 100, &list, &n, NULL), 0);
    assert_int_equal(n, want);
    return list;
}

/* Also when the events of one commit share a time and are set apart by the store. */
static void a_delivery_says_where_the_last_event_is(void **state)
{
    struct store_delivery *list, d = delivery("d1");
    json_t *two = keep(json_pack("[{s:s,s:I},{s:s,s:I}]", "summary", "x", "at_us", (json_int_t)NOW,
                                 "summary", "y", "at_us", (json_int_t)NOW));
    clock_fake(0, NOW);
    create("acme", "r1");
    bring_to("r1", RUN_RUNNING);
    assert_int_equal(store_run_end(store, K("r1"), RUN_SUCCEEDED, NULL, NULL, keep(json_object()),
                                   two, &d, NULL),
                     0);
    list = list_of("acme", "r1", ~0u, 1);
    const json_t *events = stored_events("r1"),
                 *last = json_array_get(events, json_array_size(events) - 1);
    char cursor[80];
    snprintf(cursor, sizeof(cursor), "%s#%d", json_str(last, "ts", ""),
             (int)json_int(last, "seq", 0));
    assert_string_equal(json_str(list[0].payload, "cursor", ""), cursor);
    assert_null(json_object_get(d.payload, "cursor"));
}

static void an_end_puts_one_delivery_out(void **state)
{
    struct store_delivery *list, again = delivery("d2");
    int n;
    int64_t next;
    clock_fake(0, NOW);
    create("acme", "r1");
    end_with("r1", "d1");
    assert_int_equal(store_outbox_due(store, pool, NOW, 10, &list, &n, &next, NULL), 0);
    assert_int_equal(n, 1);
    assert_true(next == 0);
    assert_string_equal(list[0].id, "d1");
    assert_string_equal(list[0].tenant_id, "acme");
    assert_string_equal(list[0].run_id, "r1");
    assert_string_equal(list[0].event, "succeeded");
    assert_string_equal(list[0].url, "https://hook.test/");
    assert_string_equal(list[0].secret_name, "s");
    assert_string_equal(json_str(list[0].payload, "status", ""), "succeeded");
    assert_int_equal(list[0].state, DELIVERY_PENDING);
    assert_int_equal(list[0].attempts, 0);
    assert_true(list[0].created_us == NOW && list[0].next_us == NOW);
    assert_string_equal(list[0].last_error, "");
    create("acme", "r2");
    assert_int_equal(set("r2", RUN_CANCELLED), 0);
    assert_int_equal(
        store_run_result(store, K("r2"), NULL, NULL, keep(json_object()), NULL, &again, NULL), 0);
    assert_string_equal(list_of("acme", "r2", ~0u, 1)->id, "d2");
}

static void a_run_has_one_delivery_at_most(void **state)
{
    struct store_delivery one = delivery("d1"), two = delivery("d2");
    create("acme", "r1");
    assert_int_equal(
        store_run_end(store, K("r1"), RUN_CANCELLED, NULL, NULL, NULL, NULL, &one, NULL), 0);
    assert_int_equal(
        store_run_result(store, K("r1"), NULL, NULL, keep(json_object()), NULL, &two, NULL), 0);
    assert_string_equal(list_of("acme", NULL, ~0u, 1)->id, "d1");
}

static void a_refused_end_sends_nothing(void **state)
{
    struct store_delivery d = delivery("d1");
    create("acme", "r1");
    assert_int_equal(set("r1", RUN_CANCELLED), 0);
    assert_int_equal(store_run_end(store, K("r1"), RUN_SUCCEEDED, NULL, NULL, NULL, NULL, &d, NULL),
                     E_CONFLICT);
    list_of("acme", NULL, ~0u, 0);
}

static void due_ones_come_soonest_first(void **state)
{
    static const int in_s[] = {30, 10, 20, 40};
    struct store_delivery *list;
    int n;
    int64_t next;
    clock_fake(0, NOW);
    for (int i = 0; i < 4; i++) {
        char run[16], id[16];
        snprintf(run, sizeof(run), "r%d", in_s[i]);
        snprintf(id, sizeof(id), "d%d", in_s[i]);
        struct store_delivery d = delivery(id);
        d.next_us = NOW + in_s[i] * SECOND_US;
        create("acme", run);
        assert_int_equal(
            store_run_end(store, K(run), RUN_CANCELLED, NULL, NULL, NULL, NULL, &d, NULL), 0);
    }
    assert_int_equal(store_outbox_due(store, pool, NOW, 10, &list, &n, &next, NULL), 0);
    assert_int_equal(n, 0);
    assert_true(next == NOW + 10 * SECOND_US);
    assert_int_equal(
        store_outbox_due(store, pool, NOW + 30 * SECOND_US, 10, &list, &n, &next, NULL), 0);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].id, "d10");
    assert_string_equal(list[2].id, "d30");
    assert_true(next == NOW + 40 * SECOND_US);
    assert_int_equal(store_outbox_due(store, pool, NOW + 30 * SECOND_US, 2, &list, &n, &next, NULL),
                     0);
    assert_int_equal(n, 2);
    assert_true(next == 0); /* the third is due too */
}

static void a_backlog_of_one_tenant_hides_no_other(void **state)
{
    struct store_delivery *list, other = delivery("other");
    int n;
    int64_t next;
    clock_fake(0, NOW);
    for (int i = 0; i < 2 * OUTBOX_PER_TENANT; i++) {
        char run[16], id[16];
        snprintf(run, sizeof(run), "r%d", i);
        snprintf(id, sizeof(id), "d%d", i);
        create("acme", run);
        end_with(run, id);
    }
    other.next_us = NOW + SECOND_US;
    create("late", "r1");
    assert_int_equal(store_run_end(store, RUN_KEY("late", "r1"), RUN_CANCELLED, NULL, NULL, NULL,
                                   NULL, &other, NULL),
                     0);
    assert_int_equal(store_outbox_due(store, pool, NOW + SECOND_US, 100, &list, &n, &next, NULL),
                     0);
    assert_int_equal(n, OUTBOX_PER_TENANT + 1);
    assert_string_equal(list[0].id, "d0");
    assert_string_equal(list[1].id, "other");
}

static void end_for(const char *tenant, int i, int64_t next_us)
{
    const char *id = pool_printf(pool, "%s-%d", tenant, i);
    struct store_delivery d = delivery(id);
    d.next_us = next_us;
    create(tenant, id);
    assert_int_equal(
        store_run_end(store, RUN_KEY(tenant, id), RUN_CANCELLED, NULL, NULL, NULL, NULL, &d, NULL),
        0);
}

/* Every tenant has its soonest looked at before anybody its second, what is not due comes last. */
static void backlogs_of_many_tenants_hide_no_other(void **state)
{
    enum { TENANTS = 60, EACH = 4 };
    struct store_delivery *list;
    int n;
    int64_t next;
    clock_fake(0, NOW);
    for (int t = 0; t < TENANTS; t++)
        for (int i = 0; i < EACH; i++)
            end_for(pool_printf(pool, "old%02d", t), i, NOW + i * SECOND_US);
    end_for("late", 0, NOW + 30 * SECOND_US);
    end_for("later", 0, NOW + 50 * SECOND_US);
    assert_int_equal(
        store_outbox_due(store, pool, NOW + 40 * SECOND_US, TENANTS + 2, &list, &n, &next, NULL),
        0);
    assert_int_equal(n, TENANTS + 2);
    assert_true(next == 0);
    for (int i = 0; i < TENANTS; i++)
        assert_string_equal(list[i].tenant_id, pool_printf(pool, "old%02d", i));
    assert_string_equal(list[TENANTS].tenant_id, "late");
    assert_string_equal(list[TENANTS + 1].id, "old00-1");
    assert_int_equal(
        store_outbox_due(store, pool, NOW + 40 * SECOND_US, 1000, &list, &n, &next, NULL), 0);
    assert_int_equal(n, TENANTS * EACH + 1);
    assert_true(next == NOW + 50 * SECOND_US);
}

static void attempts_are_kept_until_it_is_delivered(void **state)
{
    struct store_attempt bad = {NOW, NOW, 503, 12, "HTTP 503"},
                         good = {NOW + SECOND_US, NOW + SECOND_US, 200, 7, ""};
    struct store_delivery *list;
    json_t *lines;
    int n;
    int64_t next;
    clock_fake(0, NOW);
    create("acme", "r1");
    end_with("r1", "d1");
    assert_int_equal(
        store_outbox_attempt(store, "d1", &bad, DELIVERY_PENDING, NOW + SECOND_US, NULL), 0);
    assert_int_equal(store_outbox_due(store, pool, NOW, 10, &list, &n, &next, NULL), 0);
    assert_int_equal(n, 0);
    assert_true(next == NOW + SECOND_US);
    list = list_of("acme", "r1", 1u << DELIVERY_PENDING, 1);
    assert_int_equal(store_outbox_pending(store, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(list->attempts, 1);
    assert_int_equal(list->last_status, 503);
    assert_string_equal(list->last_error, "HTTP 503");
    assert_int_equal(store_outbox_attempt(store, "d1", &good, DELIVERY_DELIVERED, 0, NULL), 0);
    assert_int_equal(store_outbox_attempt(store, "d9", &good, DELIVERY_DEAD, 0, NULL), E_NOT_FOUND);
    list_of("acme", NULL, 1u << DELIVERY_PENDING, 0);
    assert_int_equal(list_of("acme", NULL, 1u << DELIVERY_DELIVERED, 1)->attempts, 2);
    assert_int_equal(store_outbox_pending(store, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_outbox_log(store, pool, "acme", "d1", &lines, NULL), 0);
    assert_int_equal(json_array_size(lines), 2);
    json_t *first = json_array_get(lines, 0), *last = json_array_get(lines, 1);
    assert_int_equal(json_int(first, "n", 0), 1);
    assert_string_equal(json_str(first, "at", ""), "2026-03-04T04:53:20.000000+00:00");
    assert_int_equal(json_int(first, "status", 0), 503);
    assert_int_equal(json_int(first, "duration_ms", 0), 12);
    assert_string_equal(json_str(first, "error", ""), "HTTP 503");
    assert_int_equal(json_int(last, "n", 0), 2);
}

static void a_dead_one_is_replayed_from_the_start(void **state)
{
    struct store_attempt bad = {NOW, NOW, 0, 10000, "timeout"};
    struct store_delivery *list;
    json_t *lines;
    int n;
    int64_t next;
    clock_fake(0, NOW);
    create("acme", "r1");
    end_with("r1", "d1");
    assert_int_equal(store_outbox_attempt(store, "d1", &bad, DELIVERY_DEAD, 0, NULL), 0);
    list_of("acme", NULL, 1u << DELIVERY_DEAD, 1);
    assert_int_equal(store_outbox_replay(store, "other", "d1", NULL), E_NOT_FOUND);
    assert_int_equal(store_outbox_replay(store, "acme", "d9", NULL), E_NOT_FOUND);
    clock_fake(0, NOW + SECOND_US);
    assert_int_equal(store_outbox_replay(store, "acme", "d1", NULL), 0);
    assert_int_equal(store_outbox_due(store, pool, NOW + SECOND_US, 10, &list, &n, &next, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].attempts, 0);
    bad.due_us = NOW + SECOND_US;
    assert_int_equal(store_outbox_attempt(store, "d1", &bad, DELIVERY_DEAD, 0, NULL), 0);
    list_of("acme", NULL, 1u << DELIVERY_DEAD, 1);
    assert_int_equal(store_outbox_log(store, pool, "acme", "d1", &lines, NULL), 0);
    assert_int_equal(json_int(json_array_get(lines, 1), "n", 0), 2);
}

static void an_attempt_under_way_does_not_undo_a_replay(void **state)
{
    static const enum delivery_state ends[] = {DELIVERY_DELIVERED, DELIVERY_DEAD, DELIVERY_PENDING};
    struct store_attempt late = {NOW, NOW + SECOND_US, 200, 7, ""};
    json_t *lines;
    clock_fake(0, NOW);
    create("acme", "r1");
    end_with("r1", "d1");
    for (int i = 0; i < (int)ARRAY_SIZE(ends); i++) {
        clock_fake(0, NOW + (i + 1) * SECOND_US);
        assert_int_equal(store_outbox_replay(store, "acme", "d1", NULL), 0);
        assert_int_equal(
            store_outbox_attempt(store, "d1", &late, ends[i], NOW + 99 * SECOND_US, NULL), 0);
        const struct store_delivery *d = list_of("acme", NULL, 1u << DELIVERY_PENDING, 1);
        assert_int_equal(d->attempts, 0);
        assert_true(d->next_us == NOW + (i + 1) * SECOND_US);
        assert_int_equal(store_outbox_log(store, pool, "acme", "d1", &lines, NULL), 0);
        assert_int_equal(json_array_size(lines), i + 1);
    }
}

static void a_delivery_log_keeps_its_newest_lines(void **state)
{
    struct store_attempt bad = {NOW, NOW, 500, 1, "x"};
    json_t *lines;
    clock_fake(0, NOW);
    create("acme", "r1");
    end_with("r1", "d1");
    for (int i = 0; i < CAP_DELIVERY_LOG + 3; i++)
        assert_int_equal(store_outbox_attempt(store, "d1", &bad, DELIVERY_PENDING, NOW, NULL), 0);
    assert_int_equal(store_outbox_log(store, pool, "acme", "d1", &lines, NULL), 0);
    assert_int_equal(json_array_size(lines), CAP_DELIVERY_LOG);
    assert_int_equal(json_int(json_array_get(lines, 0), "n", 0), 4);
}

static void deliveries_are_listed_per_tenant_newest_first(void **state)
{
    struct store_delivery d = delivery("d9"), *list;
    json_t *lines;
    int n;
    for (int i = 1; i <= 3; i++) {
        char run[16], id[16];
        snprintf(run, sizeof(run), "r%d", i);
        snprintf(id, sizeof(id), "d%d", i);
        create("acme", run);
        end_with(run, id);
    }
    create("other", "r1");
    assert_int_equal(store_run_end(store, RUN_KEY("other", "r1"), RUN_CANCELLED, NULL, NULL, NULL,
                                   NULL, &d, NULL),
                     0);
    list = list_of("acme", NULL, ~0u, 3);
    assert_string_equal(list[0].id, "d3");
    assert_string_equal(list[2].id, "d1");
    assert_string_equal(list_of("acme", "r2", ~0u, 1)->id, "d2");
    assert_string_equal(list_of("other", NULL, ~0u, 1)->id, "d9");
    assert_int_equal(store_outbox_list(store, pool, "acme", NULL, ~0u, 2, &list, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_outbox_log(store, pool, "other", "d1", &lines, NULL), E_NOT_FOUND);
}

/* --- recipes -----------------------------------------------------------------------------------
 */

static void recipes_belong_to_a_tenant(void **state)
{
    json_t *one = keep(json_pack("{s:i}", "v", 1)), *two = keep(json_pack("{s:i}", "v", 2)), *out;
    bool deleted;
    assert_int_equal(store_recipe_put(store, "acme", "zebra", one, NULL), 0);
    assert_int_equal(store_recipe_put(store, "acme", "ant", one, NULL), 0);
    assert_int_equal(store_recipe_put(store, "acme", "ant", two, NULL), 0);
    assert_int_equal(store_recipe_get(store, pool, "acme", "ant", &out, NULL), 0);
    assert_int_equal(json_int(out, "v", 0), 2);
    assert_int_equal(store_recipe_get(store, pool, "other", "ant", &out, NULL), E_NOT_FOUND);
    assert_int_equal(store_recipe_list(store, pool, "acme", &out, NULL), 0);
    assert_string_equal(json_text(pool, out), "[\"ant\",\"zebra\"]");
    assert_int_equal(store_recipe_list(store, pool, "other", &out, NULL), 0);
    assert_int_equal(json_array_size(out), 0);
    assert_int_equal(store_recipe_delete(store, "other", "ant", &deleted, NULL), 0);
    assert_false(deleted);
    assert_int_equal(store_recipe_delete(store, "acme", "ant", &deleted, NULL), 0);
    assert_true(deleted);
    assert_int_equal(store_recipe_get(store, pool, "acme", "ant", &out, NULL), E_NOT_FOUND);
}

static void a_tenant_has_so_many_recipes(void **state)
{
    struct err err = {0};
    json_t *one = keep(json_object());
    bool deleted;
    char name[16];
    for (int i = 0; i < CAP_RECIPES; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(store_recipe_put(store, "acme", name, one, NULL), 0);
    }
    assert_int_equal(store_recipe_put(store, "acme", "more", one, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "1000"));
    assert_int_equal(store_recipe_put(store, "acme", "n7", one, NULL), 0);
    assert_int_equal(store_recipe_put(store, "other", "more", one, NULL), 0);
    assert_int_equal(store_recipe_delete(store, "acme", "n7", &deleted, NULL), 0);
    assert_int_equal(store_recipe_put(store, "acme", "more", one, NULL), 0);
}

/* --- age ---------------------------------------------------------------------------------------
 */

static void expired_runs_are_over_or_paused_and_old(void **state)
{
    static const struct {
        const char *id;
        enum run_state state;
    } rows[] = {{"c", RUN_SUCCEEDED}, {"a", RUN_PAUSED}, {"b", RUN_RUNNING}, {"d", RUN_QUEUED}};
    struct run_record *runs;
    int n;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        clock_fake(0, NOW + (int64_t)i);
        create("acme", rows[i].id);
        bring_to(rows[i].id, rows[i].state);
    }
    assert_int_equal(store_runs_expired(store, pool, NOW + 9, 9, &runs, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].run_id, "c");
    assert_string_equal(runs[1].run_id, "a");
    assert_int_equal(store_runs_expired(store, pool, NOW + 9, 1, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(store_runs_expired(store, pool, NOW + 1, 9, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
}

static void a_run_waits_for_its_webhook_before_it_is_forgotten(void **state)
{
    struct store_attempt good = {NOW, NOW, 200, 7, ""};
    struct err err = {0};
    struct run_record *runs;
    int n;
    clock_fake(0, NOW);
    create("acme", "r1");
    end_with("r1", "d1");
    assert_int_equal(store_runs_expired(store, pool, NOW + 1, 9, &runs, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_run_delete(store, K("r1"), &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "'r1'"));
    assert_int_equal(store_outbox_attempt(store, "d1", &good, DELIVERY_DELIVERED, 0, NULL), 0);
    assert_int_equal(store_runs_expired(store, pool, NOW + 1, 9, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(store_run_delete(store, K("r1"), NULL), 0);
}

static void a_forgotten_run_leaves_nothing(void **state)
{
    struct store_attempt good = {NOW, NOW, 200, 7, ""};
    struct run_record rec;
    struct store_key key;
    json_t *out;
    clock_fake(0, NOW);
    assert_int_equal(create_keyed("acme", "r1", "k1", NULL), 0);
    assert_int_equal(store_journal_put(store, K("r1"), "1#1", "sent", NULL, NULL), 0);
    assert_int_equal(store_run_delete(store, K("r1"), NULL), E_CONFLICT);
    end_with("r1", "d1");
    assert_int_equal(store_outbox_attempt(store, "d1", &good, DELIVERY_DELIVERED, 0, NULL), 0);
    assert_int_equal(store_run_delete(store, K("r1"), NULL), 0);
    assert_int_equal(store_run_delete(store, K("r1"), NULL), E_NOT_FOUND);
    assert_int_equal(store_run_get(store, pool, K("r1"), 0, &rec, NULL), E_NOT_FOUND);
    assert_int_equal(store_events_get(store, pool, K("r1"), 0, 9, &out, NULL), E_NOT_FOUND);
    assert_int_equal(store_journal_get(store, pool, K("r1"), &out, NULL), E_NOT_FOUND);
    assert_int_equal(key_of("acme", "k1", &key), E_NOT_FOUND);
    list_of("acme", NULL, ~0u, 0);
    assert_int_equal(create_keyed("acme", "r1", "k1", NULL), 0);
    assert_int_equal(json_array_size(stored_events("r1")), 1);
    assert_int_equal(store_journal_get(store, pool, K("r1"), &out, NULL), 0);
    assert_int_equal(json_object_size(out), 0);
}

static void runs_are_logged_once(void **state)
{
    struct run_record *runs;
    int n;
    for (int i = 1; i <= 3; i++) {
        char run[16], id[16];
        snprintf(run, sizeof(run), "r%d", 4 - i);
        snprintf(id, sizeof(id), "d%d", i);
        clock_fake(0, NOW + i);
        create("acme", run);
        end_with(run, id);
    }
    create("acme", "unsettled");
    assert_int_equal(set("unsettled", RUN_CANCELLED), 0);
    assert_int_equal(store_runs_unlogged(store, pool, 2, &runs, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].run_id, "r3");
    clock_fake(0, NOW + 50);
    assert_int_equal(store_run_logged(store, K("r3"), NULL), 0);
    assert_true(get("r3", 0).updated_us == NOW + 1);
    assert_int_equal(store_runs_unlogged(store, pool, 9, &runs, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].run_id, "r2");
}

/* --- costs -------------------------------------------------------------------------------------
 */

static double cost_since(const char *tenant, int64_t since_us)
{
    double usd = -1;
    assert_int_equal(store_cost_since(store, tenant, since_us, &usd, NULL), 0);
    return usd;
}

static const json_t *costing(double usd)
{
    return keep(json_pack("{s:{s:f}}", "costs", "total", usd));
}

static void a_day_costs_what_its_runs_cost_so_far(void **state)
{
    for (int i = 1; i <= 3; i++) {
        clock_fake(0, NOW + i * SECOND_US);
        create("acme", pool_printf(pool, "r%d", i));
        bring_to(pool_printf(pool, "r%d", i), RUN_RUNNING);
    }
    create("other", "r1");
    assert_true(cost_since("acme", 0) == 0);
    assert_int_equal(store_run_checkpoint(store, K("r1"), costing(8), NULL, NULL), 0);
    assert_int_equal(store_run_checkpoint(store, K("r2"), costing(0.5), NULL, NULL), 0);
    assert_int_equal(store_run_checkpoint(store, K("r3"), costing(1), NULL, NULL), 0);
    assert_true(cost_since("acme", NOW + 2 * SECOND_US) == 1.5);
    assert_int_equal(store_run_checkpoint(store, K("r2"), costing(0.75), NULL, NULL), 0);
    assert_int_equal(store_run_checkpoint(store, K("r2"), keep(json_object()), NULL, NULL), 0);
    assert_int_equal(store_run_end(store, K("r3"), RUN_SUCCEEDED, NULL, costing(1.5), costing(2),
                                   NULL, NULL, NULL),
                     0);
    assert_true(cost_since("acme", NOW + 2 * SECOND_US) == 2.75);
    assert_true(cost_since("acme", NOW) == 10.75);
    assert_true(cost_since("acme", NOW + 9 * SECOND_US) == 0);
    assert_true(cost_since("other", 0) == 0);
    assert_true(get("r3", 0).cost_usd == 2);
}

static void what_was_paid_without_a_run_is_the_days(void **state)
{
    const int64_t day = INT64_C(86400) * SECOND_US, midnight = NOW - NOW % day;
    struct run_record early = {.run_id = "r1", .tenant_id = "acme", .cost_usd = 4, .created_us = NOW};
    struct store_creation one = {.run = &early};
    assert_int_equal(store_cost_add(store, "acme", NOW, .5, NULL), 0);
    assert_int_equal(store_cost_add(store, "acme", NOW + SECOND_US, .25, NULL), 0);
    assert_int_equal(store_cost_add(store, "acme", NOW - day, 8, NULL), 0);
    assert_int_equal(store_cost_add(store, "other", NOW, 16, NULL), 0);
    assert_true(cost_since("acme", midnight) == .75);
    assert_true(cost_since("acme", midnight - day) == 8.75);
    assert_true(cost_since("acme", midnight + day) == 0);
    assert_int_equal(store_run_create(store, &one, 1, NULL), 0); /* its plan was paid before */
    assert_int_equal(one.result, 0);
    assert_true(cost_since("acme", midnight) == 4.75);
    assert_true(get("r1", 0).cost_usd == 4);
}

static void a_look_at_a_run_is_its_row(void **state)
{
    struct run_record rec;
    create("acme", "r1");
    bring_to("r1", RUN_RUNNING);
    store_cache_clear(&store->cache);
    assert_int_equal(store_run_look(store, pool, K("r1"), &rec, NULL), 0);
    assert_int_equal(store->cache.n, 0);
    assert_string_equal(rec.run_id, "r1");
    assert_int_equal(rec.state, RUN_RUNNING);
    assert_null(rec.plan);
    assert_int_equal(store_run_look(store, pool, RUN_KEY("other", "r1"), &rec, NULL), E_NOT_FOUND);
}

static const struct CMUnitTest every_kind[] = {
    T(a_key_is_taken_with_its_run),
    T(a_taken_key_leaves_no_run_behind),
    T(a_refused_run_takes_no_key),
    T(a_delivery_says_where_the_last_event_is),
    T(old_keys_are_free_again_and_swept),
    T(an_end_puts_one_delivery_out),
    T(a_run_has_one_delivery_at_most),
    T(a_refused_end_sends_nothing),
    T(due_ones_come_soonest_first),
    T(a_backlog_of_one_tenant_hides_no_other),
    T(backlogs_of_many_tenants_hide_no_other),
    T(attempts_are_kept_until_it_is_delivered),
    T(a_dead_one_is_replayed_from_the_start),
    T(an_attempt_under_way_does_not_undo_a_replay),
    T(a_delivery_log_keeps_its_newest_lines),
    T(deliveries_are_listed_per_tenant_newest_first),
    T(recipes_belong_to_a_tenant),
    T(a_tenant_has_so_many_recipes),
    T(expired_runs_are_over_or_paused_and_old),
    T(a_run_waits_for_its_webhook_before_it_is_forgotten),
    T(a_forgotten_run_leaves_nothing),
    T(runs_are_logged_once),
    T(a_day_costs_what_its_runs_cost_so_far),
    T(what_was_paid_without_a_run_is_the_days),
    T(a_look_at_a_run_is_its_row),
};

int main(void)
{
    return rig_run(every_kind, ARRAY_SIZE(every_kind), false);
}
