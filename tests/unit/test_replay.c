/*
 * Idempotency keys: which call is a twin of which, and that none of them is ever left waiting. The
 * connections are not there; a call is suspended and resumed by noting it.
 */
#include "unit/test.h"

#include <string.h>

#include "api/replay.h"
#include "base/caps.h"
#include "base/clock.h"

#define MAX    4

static struct pool *pool;
static struct err err;
static struct api api;
static struct call {
    struct request req;
    const char *header;
    struct replay_key *key;
    bool suspended;
    void (*abandon)(struct request *req);
    int resumed;
} calls[MAX];

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                        const char *name)
{
    const struct call *call = (const void *)connection;
    return strcmp(name, "Idempotency-Key") == 0 ? call->header : NULL;
}

void request_suspend(struct request *req, route_fn *then, void (*abandon)(struct request *req))
{
    struct call *call = (struct call *)req;
    call->suspended = true;
    call->abandon = abandon;
}

void request_resume(struct request *req)
{
    struct call *call = (struct call *)req;
    assert_true(call->suspended);
    call->suspended = false;
    call->resumed++;
}

static int setup(void **state)
{
    pool = pool_create(NULL);
    err_clear(&err);
    memset(calls, 0, sizeof(calls));
    api = (struct api){0};
    assert_int_equal(store_open("memory", "", &api.store, &err), 0);
    return 0;
}

static int teardown(void **state)
{
    clock_fake_off();
    store_close(api.store);
    pool_destroy(pool);
    return 0;
}

/* A call of a tenant with this key and body. */
static struct call *call_of(int i, const char *tenant, const char *header, const char *body)
{
    struct call *call = &calls[i];
    json_error_t e;
    *call = (struct call){.header = header};
    call->req.api = &api;
    call->req.pool = pool;
    call->req.tenant_id = tenant;
    call->req.connection = (struct MHD_Connection *)(void *)call;
    call->req.json = json_keep(pool, json_loads(body, 0, &e));
    assert_non_null(call->req.json);
    assert_int_equal(replay_key_read(&call->req, &call->key, &err), 0);
    return call;
}

static bool joins(struct call *call)
{
    bool joined;
    assert_int_equal(replay_join(call->key, NULL, &joined, &err), 0);
    return joined;
}

static void store_run_of(const struct call *call, const char *run_id)
{
    struct run_record run = {.run_id = run_id,
                             .tenant_id = call->req.tenant_id,
                             .profile_id = run_id,
                             .workflow_id = run_id,
                             .state_key = run_id,
                             .plan_signature = "",
                             .state = RUN_QUEUED,
                             .created_us = clock_wall_us(),
                             .updated_us = clock_wall_us(),
                             .doc = json_keep(pool, json_object()),
                             .settings = json_keep(pool, json_object()),
                             .plan = json_keep(pool, json_object())};
    struct store_creation c = {
        .run = &run, .key_hash = call->key->hash, .body_hash = call->key->body, .reply = "{}"};
    assert_int_equal(store_run_create(api.store, &c, 1, &err), 0);
    assert_int_equal(c.result, 0);
}

static void a_key_is_trimmed_and_an_empty_one_is_none(void **state)
{
    static const char *const none[] = {NULL, "", "  ", "\t"};
    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        assert_null(call_of(0, "acme", none[i], "{}")->key);
    char hash[ID_SHA256_HEX_BYTES];
    id_sha256_hex("k1", 2, hash);
    assert_string_equal(call_of(0, "acme", " \tk1 ", "{}")->key->hash, hash);
}

static void a_key_that_is_too_long_is_refused(void **state)
{
    char text[CAP_IDEMPOTENCY_KEY_BYTES + 2];
    memset(text, 'k', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    struct call *call = call_of(0, "acme", "k", "{}");
    call->header = text;
    assert_int_equal(replay_key_read(&call->req, &call->key, &err), E_INVALID);
    call->header = text + 1;
    assert_int_equal(replay_key_read(&call->req, &call->key, &err), 0);
}

static void a_body_is_the_same_whatever_the_order_of_its_keys(void **state)
{
    struct call *a = call_of(0, "acme", "k", "{\"a\":1,\"b\":[2]}"),
                *b = call_of(1, "acme", "k", "{ \"b\": [2], \"a\": 1 }"),
                *c = call_of(2, "acme", "k", "{\"a\":1,\"b\":[3]}");
    assert_string_equal(a->key->body, b->key->body);
    assert_string_not_equal(a->key->body, c->key->body);
}

static void a_stored_key_is_found_for_its_tenant_and_body_only(void **state)
{
    struct store_key found;
    struct call *a = call_of(0, "acme", "k", "{\"a\":1}");
    assert_int_equal(replay_find(a->key, &found, &err), E_NOT_FOUND);
    store_run_of(a, "run1");
    assert_int_equal(replay_find(a->key, &found, &err), 0);
    assert_string_equal(found.run_id, "run1");
    assert_int_equal(replay_find(call_of(1, "other", "k", "{\"a\":1}")->key, &found, &err),
                     E_NOT_FOUND);
    assert_int_equal(replay_find(call_of(1, "acme", "k", "{\"a\":2}")->key, &found, &err),
                     E_UNPROCESSABLE);
}

static void a_key_is_free_again_after_a_day(void **state)
{
    struct store_key found;
    clock_fake(0, 10 * DAY_US);
    struct call *a = call_of(0, "acme", "k", "{\"a\":1}");
    store_run_of(a, "run1");
    clock_fake(0, 11 * DAY_US - 1);
    assert_int_equal(replay_find(a->key, &found, &err), 0);
    clock_fake(0, 11 * DAY_US + 1000000);
    struct call *b = call_of(1, "acme", "k", "{\"a\":2}");
    assert_int_equal(replay_find(b->key, &found, &err), E_NOT_FOUND);
    store_run_of(b, "run2");
    assert_int_equal(replay_find(b->key, &found, &err), 0);
    assert_string_equal(found.run_id, "run2");
}

static void a_twin_waits_until_the_first_is_stored(void **state)
{
    struct call *a = call_of(0, "acme", "k", "{}"), *b = call_of(1, "acme", "k", "{}"),
                *c = call_of(2, "acme", "k", "{}");
    bool joined;
    assert_false(joins(a));
    replay_begin(a->key);
    assert_true(joins(b));
    assert_true(joins(c));
    assert_false(joins(call_of(3, "other", "k", "{}")));
    assert_false(joins(call_of(3, "acme", "k2", "{}")));
    struct call *d = call_of(3, "acme", "k", "{\"a\":1}");
    assert_int_equal(replay_join(d->key, NULL, &joined, &err), E_UNPROCESSABLE);
    replay_end(a->key);
    assert_int_equal(b->resumed + c->resumed, 2);
    assert_false(joins(call_of(3, "acme", "k", "{}")));
    replay_end(a->key);
}

static void a_twin_that_hangs_up_is_not_woken(void **state)
{
    struct call *a = call_of(0, "acme", "k", "{}"), *b = call_of(1, "acme", "k", "{}"),
                *c = call_of(2, "acme", "k", "{}");
    replay_begin(a->key);
    assert_true(joins(b));
    assert_true(joins(c));
    b->abandon(&b->req);
    replay_end(a->key);
    assert_int_equal(b->resumed, 0);
    assert_int_equal(c->resumed, 1);
    assert_null(api.flights);
}

static void of_two_twins_that_waited_one_becomes_the_first(void **state)
{
    struct call *a = call_of(0, "acme", "k", "{}"), *b = call_of(1, "acme", "k", "{}"),
                *c = call_of(2, "acme", "k", "{}");
    replay_begin(a->key);
    assert_true(joins(b));
    assert_true(joins(c));
    replay_end(a->key); /* it was refused: nothing is stored */
    assert_false(joins(b));
    replay_begin(b->key);
    assert_true(joins(c));
    replay_end(b->key);
    assert_int_equal(c->resumed, 2);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_key_is_trimmed_and_an_empty_one_is_none),
        CASE(a_key_that_is_too_long_is_refused),
        CASE(a_body_is_the_same_whatever_the_order_of_its_keys),
        CASE(a_stored_key_is_found_for_its_tenant_and_body_only),
        CASE(a_key_is_free_again_after_a_day),
        CASE(a_twin_waits_until_the_first_is_stored),
        CASE(a_twin_that_hangs_up_is_not_woken),
        CASE(of_two_twins_that_waited_one_becomes_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
