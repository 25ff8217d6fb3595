/*
 * test_sched_many.c - many runs, many tenants, many readers.
 */
#include "unit/sched_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"

#define BUSY "[[" STEP(1, "") "," EXPECT("cancel") "," END("cancelled", "", 1, "") "]]"

static const struct wish plain = {0};

/* The only slot is taken until this one is cancelled. */
static void block(void)
{
    submit("blocker", BUSY);
    wait_event("blocker", "step 1");
}

static void unblock(void)
{
    assert_int_equal(sched_cancel(sched, ACME("blocker"), "", NULL), 0);
}

/* --- submitting --------------------------------------------------------------------------------
 */

static void submissions_of_one_turn_are_answered_by_the_next(void **state)
{
    static struct err answers[100];
    block();
    for (int i = 0; i < 100; i++)
        submit_soon(pool_printf(pool, "r%d", i), QUICK, &plain, &answers[i]);
    assert_int_equal(sched_live_runs(sched, "acme"), 101);
    for (int i = 0; i < 100; i++)
        assert_int_equal(answers[i].code, 1);
    turn_once();
    for (int i = 0; i < 100; i++)
        assert_int_equal(answers[i].code, 0);
    assert_int_equal(sched_live_runs(sched, "acme"), 101);
    assert_int_equal(record("r99", 0).state, RUN_QUEUED);
}

/* One that is refused does not hold up the others. */
static void each_of_a_group_gets_its_own_answer(void **state)
{
    struct wish same = {.profile = "p"};
    struct err one, two, three, four;
    block();
    submit_soon("r1", QUICK, &same, &one);
    submit_soon("r2", QUICK, &same, &two);
    submit_soon("r1", QUICK, &plain, &three);
    submit_soon("r4", QUICK, &plain, &four);
    turn_once();
    assert_int_equal(one.code, 0);
    assert_int_equal(two.code, E_CONFLICT);
    assert_non_null(strstr(two.msg, "r1"));
    assert_int_equal(three.code, E_CONFLICT);
    assert_int_equal(four.code, 0);
}

static void of_two_with_one_idempotency_key_one_is_a_twin(void **state)
{
    struct wish keyed = {.key_hash = "aa"}, capped = {.key_hash = "bb", .cap = 3};
    struct err one, two, three, four;
    block();
    submit_soon("r1", QUICK, &keyed, &one);
    submit_soon("r2", QUICK, &keyed, &two);
    turn_once();
    assert_int_equal(one.code, 0);
    assert_int_equal(two.code, E_CONFLICT);
    /* a twin is no run of its own: it is not over the cap */
    submit_soon("r3", QUICK, &capped, &three);
    submit_soon("r4", QUICK, &capped, &four);
    turn_once();
    assert_int_equal(three.code, 0);
    assert_int_equal(four.code, E_CONFLICT);
    assert_int_equal(sched_live_runs(sched, "acme"), 3);
}

/* The same id and the same profile name of another tenant are something else. */
static void two_tenants_may_have_a_run_of_the_same_id(void **state)
{
    restart_all(2);
    assert_int_equal(submit_as("acme", "r", "p", BUSY, NULL), 0);
    assert_int_equal(submit_as("bolt", "r", "p", QUICK, NULL), 0);
    wait_event("r", "step 1");
    json_t *doc = status_text_of(RUN_KEY("bolt", "r"));
    assert_string_equal(json_str(doc, "tenant_id", ""), "bolt");
    assert_int_equal(sched_cancel(sched, RUN_KEY("bolt", "r"), "", NULL), 0);
    assert_int_equal(record("r", 0).state, RUN_RUNNING);
    assert_int_equal(sched_cancel(sched, ACME("r"), "", NULL), 0);
    wait_state("r", RUN_CANCELLED);
}

static void a_handle_is_what_a_caller_of_a_new_run_gets(void **state)
{
    const char *text;
    json_t *doc;
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(sched_handle(sched, pool, ACME("r1"), &text, NULL), 0);
    assert_int_equal(json_parse(text, strlen(text), "handle", &doc, NULL), 0);
    assert_string_equal(json_str(doc, "status", ""), "queued");
    assert_string_equal(json_str(doc, "mode", ""), "detached");
    assert_string_equal(json_str(json_object_get(doc, "payload"), "micro", ""), "plans/a.json");
    assert_string_equal(json_str(doc, "created_at", ""), json_str(doc, "updated_at", "-"));
    assert_string_equal(json_str(doc, "created_at", ""),
                        json_str(status_of("r1"), "created_at", "-"));
    json_decref(doc);
    assert_int_equal(sched_handle(sched, pool, ACME("nobody"), &text, NULL), E_NOT_FOUND);
}

static void forgotten_submissions_are_runs_all_the_same(void **state)
{
    json_t *none = json_array();
    struct plan plan = {.session_name = "", .signature = "sig", .warnings = none};
    plan.domain = plan.name = plan.page_url_template = "";
    plan.runtime.compute_backend = plan.runtime.pinned_source_url_pattern = "";
    struct submission sub = {.key = ACME("r1"),
                             .profile_id = "p",
                             .workflow_id = "w",
                             .plan = &plan,
                             .max_cost = 1,
                             .max_time_minutes = 1,
                             .max_concurrent_runs = 1,
                             .plane = "browser_use_plane",
                             .brain = "page"};
    block();
    sub.max_concurrent_runs = 2;
    sched_submit_forget(sched_submit(sched, &sub, NULL, NULL));
    turn_once();
    assert_int_equal(record("r1", 0).state, RUN_QUEUED);
    sched_submit_forget(NULL);
    json_decref(none);
}

/* --- caps --------------------------------------------------------------------------------------
 */

static void a_tenant_has_no_more_live_runs_than_its_cap(void **state)
{
    struct wish capped = {.cap = 2}, other = {.tenant = "bolt", .cap = 2};
    struct err err, soon;
    block();
    submit_soon("r1", QUICK, &capped, &soon);
    assert_int_equal(submit_with("r2", QUICK, &capped, &err), E_RATE_LIMITED);
    assert_string_equal(
        err.msg, "tenant 'acme' has 2 live runs, max_concurrent_runs allows 2; wait for one to "
                 "end or cancel one");
    assert_int_equal(soon.code, 0);
    assert_int_equal(submit_with("r2", QUICK, &other, &err), 0);
    assert_int_equal(sched_pause(sched, ACME("r1"), "", NULL), 0); /* which is live, too */
    assert_int_equal(submit_with("r2", QUICK, &capped, &err), E_RATE_LIMITED);
    restart_all(1);
    assert_int_equal(sched_live_runs(sched, "acme"), 2);
    assert_int_equal(submit_with("r2", QUICK, &capped, &err), E_RATE_LIMITED);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_int_equal(sched_live_runs(sched, "acme"), 1);
    assert_int_equal(submit_with("r2", QUICK, &capped, &err), 0);
    assert_int_equal(sched_live_runs(sched, "nobody"), 0);
}

/* --- the queue ---------------------------------------------------------------------------------
 */

static int place_of(const char *tenant, const char *id)
{
    return (int)json_int(status_text_of(RUN_KEY(tenant, id)), "queue_position", 0);
}

static void three_tenants_take_turns_and_see_their_places(void **state)
{
    static const struct {
        const char *tenant, *id;
        int place;
    } rows[] = {{"bolt", "b1", 1}, {"cord", "c1", 2}, {"acme", "a1", 3},
                {"bolt", "b2", 4}, {"acme", "a2", 5}, {"acme", "a3", 6}};
    static const char *const order[] = {"a1", "a2", "a3", "b1", "b2", "c1"};
    block();
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        const char *tenant = *order[i] == 'a' ? "acme" : *order[i] == 'b' ? "bolt" : "cord";
        assert_int_equal(submit_as(tenant, order[i], order[i], QUICK, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(place_of(rows[i].tenant, rows[i].id), rows[i].place);
    unblock();
    wait_state("a3", RUN_SUCCEEDED);
    for (size_t i = 0; i + 1 < ARRAY_SIZE(rows); i++)
        assert_true(record_of(RUN_KEY(rows[i].tenant, rows[i].id), 0).started_us <
                    record_of(RUN_KEY(rows[i + 1].tenant, rows[i + 1].id), 0).started_us);
}

static void places_move_up_when_somebody_leaves(void **state)
{
    block();
    submit("r1", QUICK);
    submit("r2", QUICK);
    submit("r3", QUICK);
    submit("r4", QUICK);
    assert_int_equal(place_of("acme", "r4"), 4);
    assert_int_equal(sched_cancel(sched, ACME("r2"), "", NULL), 0);
    assert_int_equal(place_of("acme", "r4"), 3);
    assert_int_equal(place_of("acme", "r3"), 2);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_int_equal(place_of("acme", "r4"), 2);
    assert_int_equal(sched_cancel(sched, ACME("r4"), "", NULL), 0);
    assert_int_equal(place_of("acme", "r3"), 1);
    submit("r5", QUICK);
    assert_int_equal(place_of("acme", "r5"), 2);
}

static void a_run_that_was_under_way_is_before_all_that_never_started(void **state)
{
    submit("old", "[[" STEP(1, "") "," DO("hang") "],[" STEP(2, "") "," DO("hang") "]]");
    wait_event("old", "step 1");
    assert_int_equal(submit_as("bolt", "new", "p", QUICK, NULL), 0);
    assert_int_equal(submit_as("acme", "new", "p", QUICK, NULL), 0);
    restart_all(1);
    assert_int_equal(place_of("bolt", "new"), 3); /* acme's old one, acme, bolt */
    wait_event("old", "step 2");
    assert_int_equal(place_of("bolt", "new"), 1);
}

static json_t *queue_of(const char *tenant)
{
    json_t *doc;
    assert_int_equal(sched_queue(sched, pool, tenant, &doc, NULL), 0);
    return doc;
}

static void the_queue_document_counts_and_estimates(void **state)
{
    submit("r0", QUICK);
    assert_true(json_is_null(json_object_get(queue_of("acme"), "eta_ms")));
    wait_state("r0", RUN_SUCCEEDED);
    block();
    assert_true(json_is_null(json_object_get(queue_of("acme"), "eta_ms"))); /* nobody waits */
    submit("r1", QUICK);
    submit("r2", QUICK);
    submit("r3", QUICK);
    assert_int_equal(sched_pause(sched, ACME("r2"), "", NULL), 0);
    json_t *doc = queue_of("acme"), *runs = json_object_get(doc, "runs");
    assert_int_equal(json_int(doc, "queued", -1), 2);
    assert_int_equal(json_int(doc, "running", -1), 2); /* the paused one too */
    assert_int_equal(json_int(doc, "recovering", -1), 0);
    assert_int_equal(json_int(doc, "paused", -1), 1);
    assert_true(json_int(doc, "eta_ms", -1) >= 0);
    assert_int_equal(json_array_size(runs), 2);
    assert_string_equal(json_str(json_array_get(runs, 1), "run_id", ""), "r3");
    assert_int_equal(json_int(json_array_get(runs, 1), "position", 0), 2);
    assert_true(json_int(status_text_of(ACME("r3")), "eta_ms", -1) >= 0);
    assert_int_equal(json_int(queue_of("bolt"), "queued", -1), 0);
    assert_int_equal(json_array_size(json_object_get(queue_of("bolt"), "runs")), 0);
}

enum { MANY = 10000 };

static bool all_answered(void *arg)
{
    const struct err *answers = arg;
    for (int i = 0; i < MANY; i++)
        if (answers[i].code == 1)
            return false;
    return true;
}

static void ten_thousand_runs_wait_in_order(void **state)
{
    struct err *answers = calloc(MANY, sizeof(*answers));
    assert_non_null(answers);
    block();
    int64_t from = clock_mono_ms();
    for (int i = 0; i < MANY; i++) {
        struct wish wish = {.tenant = i % 2 ? "acme" : "bolt"};
        submit_soon(pool_printf(pool, "r%d", i), QUICK, &wish, &answers[i]);
    }
    wait_until(all_answered, answers);
    print_message("%d runs were accepted in %d ms\n", MANY, (int)(clock_mono_ms() - from));
    for (int i = 0; i < MANY; i++)
        assert_int_equal(answers[i].code, 0);
    assert_int_equal(place_of("bolt", "r0"), 1);
    assert_int_equal(place_of("acme", "r9999"), MANY);
    assert_int_equal(json_array_size(json_object_get(queue_of("acme"), "runs")), CAP_QUEUE_LISTED);
    from = clock_mono_ms();
    for (int i = 2000; i < 2100; i++)
        assert_int_equal(sched_cancel(sched,
                                      RUN_KEY(i % 2 ? "acme" : "bolt", pool_printf(pool, "r%d", i)),
                                      "", NULL),
                         0);
    print_message("100 of them were cancelled in %d ms\n", (int)(clock_mono_ms() - from));
    assert_int_equal(place_of("acme", "r9999"), MANY - 100);
    from = clock_mono_ms();
    restart_all(1);
    print_message("a restart took %d ms\n", (int)(clock_mono_ms() - from));
    assert_int_equal(sched_live_runs(sched, "acme"), MANY / 2 - 50 + 1);
    /* nobody was served yet, so acme comes before bolt; the blocker recovers */
    assert_int_equal(place_of("acme", "r9999"), MANY - 100);
    free(answers);
}

/* --- texts -------------------------------------------------------------------------------------
 */

static void check_texts(const char *id)
{
    json_t *doc = status_of(id), *text = status_text_of(ACME(id)), *phase = phase_text_of(ACME(id));
    if (!json_equal(doc, text))
        fail_msg("%s\nis not\n%s", json_text(pool, text), json_text(pool, doc));
    assert_string_equal(json_str(phase, "phase", ""), run_state_phase(record(id, 0).state));
    int64_t seen = (int64_t)(json_num(phase, "last_event_at", 0) * 1e6 + 0.5);
    assert_true(llabs(seen - record(id, 0).updated_us) <= 10); /* fifteen digits */
}

static void texts_hold_after_every_kind_of_change(void **state)
{
    struct sched_watch *w;
    block();
    submit("r1", "[[{\"do\":\"wait_file\",\"name\":\"go\"}," STEP(3, ONE_ROW) "," EXPECT(
                     "pause") ","
                              "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"step_index\":3}}"
                              "," EXPECT("resume") "," STEP(4, ONE_ROW) "," DO("die") "],[" STEP(
                                  5, ONE_ROW) "," EXPECT("cancel") "," END("cancelled", "", 6,
                                                                           TWO_ROWS) "]]");
    check_texts("r1");
    submit("r2", QUICK);
    check_texts("r2");
    assert_int_equal(sched_pause(sched, ACME("r1"), "", NULL), 0);
    check_texts("r1");
    check_texts("r2");
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), 0);
    assert_int_equal(sched_cancel(sched, ACME("r2"), "", NULL), 0);
    check_texts("r1");
    check_texts("r2");
    unblock();
    wait_event("r1", "attempt 1");
    check_texts("r1");
    assert_int_equal(file_write_atomic(run_file("r1", "work/downloads/go"), "", 0, 0644, NULL), 0);
    wait_event("r1", "step 3");
    check_texts("r1");
    assert_int_equal(sched_pause(sched, ACME("r1"), "lunch", NULL), 0);
    check_texts("r1");
    wait_event("r1", "stopped before step 4");
    check_texts("r1");
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), 0);
    check_texts("r1");
    wait_event("r1", "was lost");
    check_texts("r1");
    wait_event("r1", "step 5");
    check_texts("r1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "enough", NULL), 0);
    check_texts("r1");
    w = sched_watch(sched, ACME("r1"), NULL, NULL);
    wait_state("r1", RUN_CANCELLED);
    check_texts("r1");
    sched_unwatch(w);
}

/* It is the last of a text without blanks. */
static int hint_of(const char *id)
{
    const char *text;
    size_t len;
    assert_int_equal(sched_phase_text(sched, ACME(id), &text, &len, NULL), 0);
    assert_int_equal(len, strlen(text));
    assert_null(strchr(strstr(text, "polling_backoff_ms_hint"), ' '));
    assert_int_equal(text[len - 1], '}');
    return (int)json_int(phase_text_of(ACME(id)), "polling_backoff_ms_hint", 0);
}

static void the_hint_follows_the_clock(void **state)
{
    static const struct {
        int age_s, hint_ms;
    } rows[] = {{1, 500}, {2, 1500}, {9, 1500}, {10, 5000}, {29, 5000}, {30, 10000}, {0, 500}};
    block();
    int64_t mono = clock_mono_us(), at = record("blocker", 0).updated_us;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        clock_fake(mono, at + rows[i].age_s * INT64_C(1000000));
        assert_int_equal(hint_of("blocker"), rows[i].hint_ms);
    }
    clock_fake_off();
    unblock();
    assert_int_equal(hint_of("blocker"), 30000);
}

/* What was handed out is read until the turn is over, whatever happens to the run meanwhile. */
static void a_text_outlives_the_change_that_drops_it(void **state)
{
    const char *text;
    size_t len;
    block();
    submit("r1", QUICK);
    assert_int_equal(sched_status_text(sched, ACME("r1"), &text, &len, NULL), 0);
    char *before = pool_strdup(pool, text);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_string_equal(text, before);
}

static void texts_of_many_runs_stay_within_their_cap(void **state)
{
    const char *text;
    size_t len;
    struct err answers[500];
    block();
    for (int i = 0; i < 500; i++)
        submit_soon(pool_printf(pool, "r%d", i), QUICK, &plain, &answers[i]);
    turn_once();
    sched->views.bytes += CAP_VIEW_BYTES - 20000; /* as if much else was kept */
    for (int i = 0; i < 500; i++) {
        const char *id = pool_printf(pool, "r%d", i);
        assert_int_equal(sched_status_text(sched, ACME(id), &text, &len, NULL), 0);
        assert_non_null(strstr(text, pool_printf(pool, "\"run_id\":\"%s\"", id)));
    }
    assert_true(sched->views.bytes <= CAP_VIEW_BYTES);
    assert_true(sched->views.map.n < 50);
    sched->views.bytes -= CAP_VIEW_BYTES - 20000;
}

/* --- followers ---------------------------------------------------------------------------------
 */

enum { FOLLOWERS = 10000 };

struct reader {
    struct sched_follow *follow;
    int64_t seq;
    int called, events;
    bool over;
};

static void read_on(void *arg)
{
    struct reader *r = arg;
    struct sched_event events[16];
    struct sched_peek peek;
    int n;
    r->called++;
    do {
        assert_int_equal(
            sched_events_after(sched, ACME("r1"), r->seq, events, ARRAY_SIZE(events), &n, NULL), 0);
        for (int i = 0; i < n; i++)
            assert_int_equal(events[i].seq, ++r->seq);
        r->events += n;
    } while (n == ARRAY_SIZE(events));
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), 0);
    r->over = peek.over && peek.last_seq == r->seq;
}

static bool read_to_the_end(void *arg)
{
    const struct reader *r = arg;
    for (int i = 0; i < FOLLOWERS; i++)
        if (!r[i].over)
            return false;
    return true;
}

static void ten_thousand_followers_of_a_run_see_every_event_once(void **state)
{
    struct reader *readers = calloc(FOLLOWERS, sizeof(*readers));
    assert_non_null(readers);
    submit("r1", "[[" STEP(1, "") ",{\"do\":\"wait_file\",\"name\":\"go\"}," STEP(2, "") "," STEP(
                     3, "") "," END("completed", "", 4, ONE_ROW) "]]");
    wait_event("r1", "step 1");
    for (int i = 0; i < FOLLOWERS; i++) {
        readers[i].follow = sched_follow(sched, ACME("r1"), read_on, &readers[i]);
        assert_non_null(readers[i].follow);
        readers[i].seq = i % 2; /* half of them want to see how it began */
    }
    int64_t from = clock_mono_ms();
    assert_int_equal(file_write_atomic(run_file("r1", "work/downloads/go"), "", 0, 0644, NULL), 0);
    wait_until(read_to_the_end, readers);
    print_message("%d followers read to the end in %d ms\n", FOLLOWERS,
                  (int)(clock_mono_ms() - from));
    for (int i = 0; i < FOLLOWERS; i++) {
        assert_int_equal(readers[i].seq, record("r1", 0).last_seq);
        assert_int_equal(readers[i].events, readers[i].seq - i % 2);
        assert_true(readers[i].called <= readers[i].events);
        sched_unfollow(readers[i].follow);
    }
    assert_int_equal(sched->follows.runs.n, 0);
    assert_int_equal(sched->follows.bytes, 0);
    free(readers);
}

struct leaver {
    struct sched_follow *self, *other;
    int called;
};

static void leave(void *arg)
{
    struct leaver *l = arg;
    l->called++;
    sched_unfollow(l->self);
    sched_unfollow(l->other);
    l->self = l->other = NULL;
}

static void followers_may_leave_while_they_are_told(void **state)
{
    struct leaver one = {0}, two = {0}, three = {0};
    block();
    one.self = sched_follow(sched, ACME("blocker"), leave, &one);
    two.self = sched_follow(sched, ACME("blocker"), leave, &two);
    three.self = sched_follow(sched, ACME("blocker"), leave, &three);
    three.other = two.self; /* who came last is told first, and takes another one along */
    assert_null(sched_follow(sched, ACME("nobody"), leave, &one));
    assert_int_equal(sched_cancel(sched, ACME("blocker"), "", NULL), 0);
    turn_once();
    assert_int_equal(one.called, 1);
    assert_int_equal(two.called, 0);
    assert_int_equal(three.called, 1);
    assert_int_equal(sched->follows.runs.n, 0);
    sched_unfollow(NULL);
}

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void add_events(const char *id, int n, const char *summary)
{
    json_t *events = json_array();
    for (int i = 0; i < n; i++)
        json_push(events, json_pack("{s:s,s:s}", "kind", "de\ncide", "summary", summary));
    assert_int_equal(store_events_add(store, ACME(id), events, NULL), 0);
    json_decref(events);
}

static void old_events_come_from_the_store_and_new_ones_from_memory(void **state)
{
    struct sched_event events[300];
    int n;
    block();
    add_events("blocker", 100, "early");
    int64_t last = record("blocker", 0).last_seq;
    int calls = 0;
    struct sched_follow *f = sched_follow(sched, ACME("blocker"), count_call, &calls);
    assert_int_equal(sched_events_after(sched, ACME("blocker"), 0, events, 300, &n, NULL), 0);
    assert_int_equal(n, last);
    add_events("blocker", 3, "late");
    assert_int_equal(sched_events_after(sched, ACME("blocker"), last, events, 300, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_int_equal(events[0].seq, last + 1);
    assert_string_equal(events[0].name, "de_cide"); /* a line break would end the frame */
    assert_non_null(strstr(events[0].json, "late"));
    assert_null(strchr(events[0].json, '\n'));
    assert_true(str_ends(events[0].cursor, pool_printf(pool, "#%d", (int)last + 1)));
    assert_int_equal(sched_events_after(sched, ACME("blocker"), last + 2, events, 1, &n, NULL), 0);
    assert_int_equal(n, 1);
    /* one that is too large to keep is there all the same */
    char *big = pool_alloc(pool, CAP_FOLLOW_LINE_BYTES + 1);
    memset(big, 'x', CAP_FOLLOW_LINE_BYTES);
    add_events("blocker", 1, big);
    add_events("blocker", 1, "after it");
    assert_int_equal(sched_events_after(sched, ACME("blocker"), last + 3, events, 9, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_true(strlen(events[0].json) > CAP_FOLLOW_LINE_BYTES);
    assert_int_equal(sched_events_after(sched, ACME("blocker"), last + 4, events, 9, &n, NULL), 0);
    assert_int_equal(n, 1);
    turn_once();
    assert_int_equal(calls, 1); /* four commits, one turn */
    sched_unfollow(f);
    assert_int_equal(sched_events_after(sched, ACME("nobody"), 0, events, 9, &n, NULL),
                     E_NOT_FOUND);
}

static void cursors_are_read_in_all_their_forms(void **state)
{
    struct sched_event e[9];
    int n;
    int64_t seq = -1;
    block();
    assert_int_equal(sched_events_after(sched, ACME("blocker"), 0, e, 9, &n, NULL), 0);
    assert_true(n >= 3);
    assert_int_equal(sched_cursor_parse(sched, ACME("blocker"), e[1].cursor, &seq, NULL), 0);
    assert_int_equal(seq, 2);
    char *ts = pool_strndup(pool, e[1].cursor, strcspn(e[1].cursor, "#"));
    assert_int_equal(sched_cursor_parse(sched, ACME("blocker"), ts, &seq, NULL), 0);
    assert_int_equal(seq, 2);
    assert_int_equal(sched_cursor_parse(sched, ACME("blocker"), "", &seq, NULL), 0);
    assert_int_equal(seq, 0);
    assert_int_equal(sched_cursor_parse(sched, ACME("blocker"), "2001-01-01T00:00:00Z", &seq, NULL),
                     0);
    assert_int_equal(seq, 0);
    /* from the future, in both forms: what comes next is seen */
    assert_int_equal(sched_cursor_parse(sched, ACME("blocker"), "2101-01-01T00:00:00Z", &seq, NULL),
                     0);
    assert_int_equal(seq, n);
    assert_int_equal(
        sched_cursor_parse(sched, ACME("blocker"), "2101-01-01T00:00:00Z#999", &seq, NULL), 0);
    assert_int_equal(seq, n);
    static const char *const bad[] = {"x",
                                      "12",
                                      "#3",
                                      "yesterday#3",
                                      "2026-01-01T00:00:00#",
                                      "2026-01-01T00:00:00#-1",
                                      "2026-01-01T00:00:00#3x",
                                      "2026-01-01T00:00:00#99999999999999999999"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(sched_cursor_parse(sched, ACME("blocker"), bad[i], &seq, NULL),
                         E_UNPROCESSABLE);
}

static void a_peek_says_how_it_ended_when_it_is_over(void **state)
{
    struct sched_peek peek;
    struct reader ignored = {0};
    submit("r1", "[[" STEP(1, "") "," EXPECT("cancel") "," END("cancelled", "", 1, "") "]]");
    wait_event("r1", "step 1");
    ignored.follow = sched_follow(sched, ACME("r1"), read_on, &ignored);
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), 0);
    assert_int_equal(peek.state, RUN_RUNNING);
    assert_null(peek.halt_class);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), 0);
    assert_int_equal(peek.state, RUN_CANCELLED);
    assert_false(peek.over); /* its rows are to come */
    assert_string_equal(peek.halt_class, "cancelled");
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), 0);
    assert_true(peek.over);
    sched_unfollow(ignored.follow);
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), 0);
    assert_true(peek.over);
    assert_int_equal(sched_peek(sched, ACME("nobody"), &peek, NULL), E_NOT_FOUND);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(submissions_of_one_turn_are_answered_by_the_next),
        T(each_of_a_group_gets_its_own_answer),
        T(of_two_with_one_idempotency_key_one_is_a_twin),
        T(two_tenants_may_have_a_run_of_the_same_id),
        T(a_handle_is_what_a_caller_of_a_new_run_gets),
        T(forgotten_submissions_are_runs_all_the_same),
        T(a_tenant_has_no_more_live_runs_than_its_cap),
        T(three_tenants_take_turns_and_see_their_places),
        T(places_move_up_when_somebody_leaves),
        T(a_run_that_was_under_way_is_before_all_that_never_started),
        T(the_queue_document_counts_and_estimates),
        T(ten_thousand_runs_wait_in_order),
        T(texts_hold_after_every_kind_of_change),
        T(the_hint_follows_the_clock),
        T(a_text_outlives_the_change_that_drops_it),
        T(texts_of_many_runs_stay_within_their_cap),
        T(ten_thousand_followers_of_a_run_see_every_event_once),
        T(followers_may_leave_while_they_are_told),
        T(old_events_come_from_the_store_and_new_ones_from_memory),
        T(cursors_are_read_in_all_their_forms),
        T(a_peek_says_how_it_ended_when_it_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
