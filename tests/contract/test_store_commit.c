/*
 * test_store_commit.c - store.h's groups of new runs, what is read from memory, and what listeners
 * hear, over every kind of store.
 */
#include "store_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"

/* --- groups ------------------------------------------------------------------------------------
 */

static void a_group_is_stored_and_each_refusal_stands_alone(void **state)
{
    struct store_creation list[5] = {0};
    struct run_record recs[5];
    static const struct {
        const char *id, *profile, *key;
        int result;
    } rows[] = {{"r1", "p", "k1", 0},
                {"r2", "p", "k2", E_CONFLICT},
                {"r3", "q", "k1", E_CONFLICT},
                {"../r4", "s", "k4", E_INVALID},
                {"r5", "q", "k2", 0}};
    for (int i = 0; i < 5; i++) {
        recs[i] = record_of("acme", rows[i].id, rows[i].profile, "w");
        list[i] = (struct store_creation){
            .run = &recs[i], .key_hash = rows[i].key, .body_hash = "b", .result = 99};
    }
    assert_int_equal(store_run_create(store, list, 5, NULL), 0);
    for (int i = 0; i < 5; i++) {
        struct run_record rec;
        assert_int_equal(list[i].result, rows[i].result);
        assert_int_equal(list[i].err.code, rows[i].result);
        assert_int_equal(store_run_get(store, pool, K(rows[i].id), RUN_PART_PLAN, &rec, NULL),
                         rows[i].result ? E_NOT_FOUND : 0);
    }
    assert_non_null(strstr(list[1].err.msg, "'r1'"));
    assert_int_equal(json_array_size(stored_events("r5")), 1);
}

static void tenants_may_use_the_same_ids(void **state)
{
    struct run_record r;
    create("acme", "r1");
    create("other", "r1");
    assert_int_equal(store_run_start(store, RUN_KEY("other", "r1"), events_of("other's"), NULL), 0);
    assert_int_equal(store_journal_put(store, K("r1"), "1#1", "sent", NULL, NULL), 0);
    assert_int_equal(get("r1", 0).state, RUN_QUEUED);
    assert_int_equal(store_run_get(store, pool, RUN_KEY("other", "r1"), 0, &r, NULL), 0);
    assert_int_equal(r.state, RUN_RUNNING);
    json_t *journal;
    assert_int_equal(store_journal_get(store, pool, RUN_KEY("other", "r1"), &journal, NULL), 0);
    assert_int_equal(json_object_size(journal), 0);
    assert_int_equal(json_array_size(stored_events("r1")), 1);
}

/* --- memory ------------------------------------------------------------------------------------
 */

static void reading_shares_documents(void **state)
{
    create("acme", "r1");
    assert_ptr_equal(get("r1", 0).doc, get("r1", 0).doc);
    assert_ptr_equal(get("r1", 0).settings, get("r1", 0).settings);
}

static void more_runs_than_are_remembered_are_still_read(void **state)
{
    enum { N = CAP_STORE_CACHE_RUNS + 50, GROUP = 50 };
    struct run_record recs[GROUP];
    struct store_creation list[GROUP];
    char ids[GROUP][16];
    for (int at = 0; at < N; at += GROUP) {
        for (int i = 0; i < GROUP; i++) {
            snprintf(ids[i], sizeof(ids[i]), "r%d", at + i);
            recs[i] = record_of("acme", ids[i], NULL, NULL);
            list[i] = (struct store_creation){.run = &recs[i]};
        }
        assert_int_equal(store_run_create(store, list, GROUP, NULL), 0);
    }
    struct run_record old = get("r0", 0);
    assert_string_equal(json_str(old.doc, "model", ""), "page");
    assert_int_equal(old.last_seq, 1);
    assert_int_equal(set("r1", RUN_RUNNING), 0);
    assert_int_equal(get("r1", 0).state, RUN_RUNNING);
}

static void a_heavy_run_is_read_too(void **state)
{
    enum { BYTES = CAP_STORE_CACHE_BYTES + 1 };
    char *big = pool_alloc(pool, BYTES);
    memset(big, 'x', BYTES - 1);
    for (int i = 0; i < 2; i++) {
        struct run_record rec = record_of("acme", i ? "r2" : "r1", NULL, NULL);
        rec.doc = keep(json_pack("{s:s}", "payload", big));
        assert_int_equal(create_run(&rec, NULL), 0);
    }
    assert_int_equal(json_string_length(json_object_get(get("r1", 0).doc, "payload")), BYTES - 1);
}

/* --- notes -------------------------------------------------------------------------------------
 */

static struct {
    int n;
    char run[32], tenant[32];
    struct store_note last;
    int events, first_seq;
} heard;

static void hear(void *arg, const struct store_note *note)
{
    heard.n++;
    snprintf(heard.run, sizeof(heard.run), "%s", note->key.run_id);
    snprintf(heard.tenant, sizeof(heard.tenant), "%s", note->key.tenant);
    heard.last = *note;
    heard.events = (int)json_array_size(note->events);
    heard.first_seq = (int)json_int(json_array_get(note->events, 0), "seq", 0);
    assert_true(note->events == NULL || heard.events > 0);
    assert_ptr_equal(arg, &heard);
}

static void listeners_hear_every_commit(void **state)
{
    memset(&heard, 0, sizeof(heard));
    store_listen(store, hear, &heard);
    create("acme", "r1");
    assert_int_equal(heard.n, 1);
    assert_string_equal(heard.run, "r1");
    assert_string_equal(heard.tenant, "acme");
    assert_int_equal(heard.last.before, RUN_N_STATES);
    assert_int_equal(heard.last.state, RUN_QUEUED);
    assert_int_equal(heard.last.last_seq, 1);
    assert_int_equal(heard.events, 1);
    assert_int_equal(store_run_start(store, K("r1"), events_of("go"), NULL), 0);
    assert_int_equal(heard.last.before, RUN_QUEUED);
    assert_int_equal(heard.last.state, RUN_RUNNING);
    assert_int_equal(heard.first_seq, 2);
    assert_int_equal(heard.last.last_seq, 2);
    assert_int_equal(set("r1", RUN_CANCELLED), 0);
    assert_false(heard.last.result);
    assert_null(heard.last.events);
    assert_int_equal(
        store_run_result(store, K("r1"), NULL, NULL, keep(json_object()), NULL, NULL, NULL), 0);
    assert_true(heard.last.result);
    assert_int_equal(heard.n, 4);
}

static void listeners_do_not_hear_what_was_refused(void **state)
{
    create("acme", "r1");
    bring_to("r1", RUN_CANCELLED);
    memset(&heard, 0, sizeof(heard));
    store_listen(store, hear, &heard);
    assert_int_equal(create_on("acme", "r1", "p", "w", NULL), E_CONFLICT);
    assert_int_equal(set("r1", RUN_RUNNING), E_CONFLICT);
    assert_int_equal(store_run_patch(store, K("nobody"), keep(json_object()), NULL), E_NOT_FOUND);
    assert_int_equal(heard.n, 0);
}

static void a_time_is_a_place_among_the_events(void **state)
{
    char ts[CLOCK_ISO_BYTES];
    int64_t seq;
    for (int i = 0; i < 9; i++) {
        clock_fake(0, NOW + i * SECOND_US);
        if (i == 0)
            create("acme", "r1");
        else
            assert_int_equal(store_events_add(store, K("r1"), events_of("x"), NULL), 0);
    }
    for (int half = -1; half < 20; half++) {
        int want = half < 0 ? 0 : half / 2 + 1;
        clock_iso(NOW + half * SECOND_US / 2, ts);
        assert_int_equal(store_events_before(store, K("r1"), ts, &seq, NULL), 0);
        assert_int_equal(seq, want > 9 ? 9 : want);
    }
    assert_int_equal(store_events_before(store, RUN_KEY("other", "r1"), ts, &seq, NULL),
                     E_NOT_FOUND);
}

static const struct CMUnitTest tests[] = {
    T(a_group_is_stored_and_each_refusal_stands_alone),
    T(tenants_may_use_the_same_ids),
    T(reading_shares_documents),
    T(more_runs_than_are_remembered_are_still_read),
    T(a_heavy_run_is_read_too),
    T(listeners_hear_every_commit),
    T(listeners_do_not_hear_what_was_refused),
    T(a_time_is_a_place_among_the_events),
};

int main(void)
{
    return rig_run(tests, ARRAY_SIZE(tests), false);
}
