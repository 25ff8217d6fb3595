/* Webhooks out of a real outbox to receivers that answer well, badly or never. The clock is the
 * real one plus an offset that tests move: hours pass at once, sockets work as ever. */
#include "unit/test.h"

#include <netdb.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "sched/webhook.h"
#include "sys/address.h"
#include "sys/file.h"
#include "sys/httpc.h"
#include "tools/receiver.h"

#define SECRET  "s3cret-of-acme"
#define DEFAULT "secret-of-all"
#define SECOND  INT64_C(1000000)
#define HOUR    (3600 * SECOND)

/* --- the clock ------------------------------------------------------------------------------- */

static int64_t mono_offset_us, wall_offset_us;

static int64_t real_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

static void tick(void)
{
    clock_fake(real_us(CLOCK_MONOTONIC) + mono_offset_us, real_us(CLOCK_REALTIME) + wall_offset_us);
}

static void pass(int64_t us)
{
    mono_offset_us += us;
    wall_offset_us += us;
    tick();
}

/* --- the bench ------------------------------------------------------------------------------- */

static struct loop *loop;
static struct store *store;
static struct tenants *tenants;
static struct webhooks *webhooks;
static struct settings settings;
static struct receiver *receiver;
static struct pool *pool;
static char dir[64], secrets_dir[96], db[96];
static struct {
    int delivered, retry, dead, refused;
} outcomes;

static void count_outcome(void *arg, const char *tenant, const char *outcome)
{
    const struct {
        const char *name;
        int *count;
    } words[] = {{"delivered", &outcomes.delivered},
                 {"retry", &outcomes.retry},
                 {"dead", &outcomes.dead},
                 {"refused", &outcomes.refused}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i].name, outcome) == 0) {
            ++*words[i].count;
            return;
        }
    fail_msg("unknown outcome '%s'", outcome);
}

static void open_webhooks(void)
{
    struct err err = {0};
    if (webhooks_create(loop, store, tenants, &settings, count_outcome, NULL, &webhooks, &err))
        fail_msg("%s", err.msg);
}

static void open_store(void)
{
    struct err err = {0};
    if (store_open("sqlite", db, &store, &err))
        fail_msg("%s", err.msg);
    open_webhooks();
}

static int setup(void **state)
{
    mono_offset_us = wall_offset_us = 0;
    tick();
    memset(&outcomes, 0, sizeof(outcomes));
    snprintf(dir, sizeof(dir), "/tmp/mantis-test-webhook-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(secrets_dir, sizeof(secrets_dir), "%s/secrets", dir);
    snprintf(db, sizeof(db), "%s/store.db", dir);
    mkdir(secrets_dir, 0700);
    pool = pool_create(NULL);
    assert_int_equal(file_write_atomic(pool_printf(pool, "%s/hook_acme", secrets_dir), SECRET "\n",
                                       strlen(SECRET "\n"), 0600, NULL),
                     0);
    settings = (struct settings){.secrets_dir = secrets_dir,
                                 .data_dir = dir,
                                 .api_token = "",
                                 .tenant_keys_path = "",
                                 .tenant_keys_json = "",
                                 .webhook_secret_default = DEFAULT,
                                 .webhook_allow_private = true};
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(tenants_create(loop, &settings, &tenants, NULL), 0);
    open_store();
    return 0;
}

static int teardown(void **state)
{
    webhooks_destroy(webhooks);
    store_close(store);
    tenants_destroy(tenants);
    loop_destroy(loop);
    receiver_destroy(receiver);
    receiver = NULL;
    pool_destroy(pool);
    clock_fake_off();
    return file_remove_tree(dir, NULL);
}

static void restart(void)
{
    webhooks_destroy(webhooks);
    store_close(store);
    open_store();
}

#define RECEIVE(...)                                                                               \
    static const struct receiver_answer answers_[] = {__VA_ARGS__};                                \
    receiver = receiver_create(answers_, ARRAY_SIZE(answers_));                                    \
    receiver_open(receiver)

static const char *url_of(struct receiver *r)
{
    return pool_printf(pool, "http://127.0.0.1:%d/hook?key=k1", receiver_port(r));
}

/* A run of that tenant is over and wants this told. */
static void end_run(const char *tenant, const char *run_id, const char *url, const char *secret)
{
    struct run_record rec = {.run_id = run_id,
                             .tenant_id = tenant,
                             .profile_id = run_id,
                             .workflow_id = run_id,
                             .plan_signature = "sig",
                             .doc = json_keep(pool, json_object()),
                             .settings = json_keep(pool, json_object()),
                             .plan = json_keep(pool, json_object())};
    struct store_creation c = {.run = &rec};
    assert_int_equal(store_run_create(store, &c, 1, NULL), 0);
    assert_int_equal(c.result, 0);
    char id[33];
    id_random_hex(16, id);
    struct store_delivery d = {
        .id = id,
        .event = "cancelled",
        .url = url,
        .secret_name = secret,
        .payload =
            json_keep(pool, json_pack("{s:s,s:s,s:s,s:{s:i}}", "run_id", run_id, "tenant_id",
                                      tenant, "status", "cancelled", "summary", "viable", 2)),
        .created_us = clock_wall_us(),
        .next_us = clock_wall_us(),
    };
    struct err err = {0};
    if (store_run_end(store, RUN_KEY(tenant, run_id), RUN_CANCELLED, NULL, NULL,
                      json_keep(pool, json_object()), NULL, &d, &err))
        fail_msg("%s", err.msg);
}

static const struct store_delivery *only(const char *tenant)
{
    struct store_delivery *list;
    int n;
    assert_int_equal(store_outbox_list(store, pool, tenant, NULL, 7, 10, &list, &n, NULL), 0);
    assert_int_equal(n, 1);
    return list;
}

struct wish {
    const int *value;
    int at_least;
};

static bool came_true(void *arg)
{
    const struct wish *w = arg;
    tick();
    return *w->value >= w->at_least;
}

static void until(const int *value, int at_least)
{
    struct wish w = {value, at_least};
    tick();
    if (loop_wait(loop, came_true, &w, clock_mono_ms() + 20000))
        fail_msg("%d instead of %d", *value, at_least);
}

static bool is_held(void *arg)
{
    tick();
    return receiver_held(receiver) >= *(int *)arg;
}

static void until_held(int n)
{
    while (loop_wait(loop, is_held, &n, clock_mono_ms() + 5))
        tick();
}

/* --- what is sent ---------------------------------------------------------------------------- */

static const char *hmac(const char *key, const char *data)
{
    unsigned char md[32];
    size_t len;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    assert_true(EVP_MAC_init(ctx, (const unsigned char *)key, strlen(key), params));
    assert_true(EVP_MAC_update(ctx, (const unsigned char *)data, strlen(data)));
    assert_true(EVP_MAC_final(ctx, md, &len, sizeof(md)));
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    char *hex = pool_alloc(pool, 65);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    return hex;
}

static void header_is(const struct receiver_request *q, const char *name, const char *value)
{
    const char *have = receiver_header(q, name);
    assert_non_null(have);
    assert_string_equal(have, value);
}

static void a_delivery_is_one_signed_post_of_compact_json(void **state)
{
    RECEIVE(RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "hook_acme");
    until(&outcomes.delivered, 1);
    const struct receiver_request *q = receiver_request(receiver, 0);
    assert_true(str_starts(q->head, "POST /hook?key=k1 HTTP/1.1\r\n"));
    const char *start = "{\"run_id\":\"r1\",\"tenant_id\":\"acme\",\"status\":\"cancelled\","
                        "\"summary\":{\"viable\":2},\"cursor\":\"";
    const char *middle = "+00:00#1\",\"delivered_at\":\"";
    assert_true(str_starts(q->body, start));
    assert_non_null(strstr(q->body, middle));
    assert_true(str_ends(q->body, "+00:00\"}"));
    assert_int_equal(strlen(q->body), strlen(start) + strlen(middle) - strlen("+00:00") +
                                          2 * (CLOCK_ISO_BYTES - 1) + 2);
    const struct store_delivery *d = only("acme");
    header_is(q, "Content-Type", "application/json");
    header_is(q, "User-Agent", "mantis-cua/webhook");
    header_is(q, "X-Mantis-Delivery", d->id);
    header_is(q, "X-Mantis-Event", "cancelled");
    header_is(q, "X-Mantis-Attempt", "1");
    header_is(q, "X-Mantis-Signature", pool_printf(pool, "sha256=%s", hmac(SECRET, q->body)));
    const char *at = pool_strdup(pool, receiver_header(q, "X-Mantis-Timestamp"));
    assert_true(llabs(atoll(at) - real_us(CLOCK_REALTIME) / SECOND) <= 60);
    header_is(
        q, "X-Mantis-Signature-V2",
        pool_printf(pool, "t=%s,v1=%s", at, hmac(SECRET, pool_printf(pool, "%s.%s", at, q->body))));
    assert_int_equal(d->state, DELIVERY_DELIVERED);
    assert_int_equal(d->last_status, 200);
    assert_int_equal(receiver_count(receiver), 1);
}

static void the_default_secret_signs_for_tenants_without_one(void **state)
{
    RECEIVE(RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.delivered, 1);
    end_run("acme", "r2", url_of(receiver), "no_such_secret");
    until(&outcomes.delivered, 2);
    for (int i = 0; i < 2; i++) {
        const struct receiver_request *q = receiver_request(receiver, i);
        header_is(q, "X-Mantis-Signature", pool_printf(pool, "sha256=%s", hmac(DEFAULT, q->body)));
    }
}

static void nothing_is_signed_without_a_secret(void **state)
{
    RECEIVE(RECEIVER_OK);
    settings.webhook_secret_default = "";
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.delivered, 1);
    const struct receiver_request *q = receiver_request(receiver, 0);
    assert_null(receiver_header(q, "X-Mantis-Signature"));
    assert_null(receiver_header(q, "X-Mantis-Signature-V2"));
    assert_non_null(receiver_header(q, "X-Mantis-Timestamp"));
}

static void a_rotated_secret_counts_for_the_next_attempt(void **state)
{
    RECEIVE(RECEIVER_500, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "hook_acme");
    until(&outcomes.retry, 1);
    assert_int_equal(
        file_write_atomic(pool_printf(pool, "%s/hook_acme", secrets_dir), "new", 3, 0600, NULL), 0);
    pass(SECOND);
    until(&outcomes.delivered, 1);
    const struct receiver_request *q = receiver_request(receiver, 1);
    header_is(q, "X-Mantis-Signature", pool_printf(pool, "sha256=%s", hmac("new", q->body)));
}

static void the_hmac_is_that_of_rfc_4231(void **state)
{
    char hex[ID_SHA256_HEX_BYTES];
    const char *data = "what do ya want for nothing?";
    id_hmac_sha256_hex("Jefe", data, strlen(data), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* --- when it is tried again ------------------------------------------------------------------- */

static void a_500_is_tried_again_after_1_5_and_30_s(void **state)
{
    static const int waits_s[] = {1, 5, 30};
    RECEIVE(RECEIVER_500, RECEIVER_500, RECEIVER_500, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    for (int i = 0; i < 3; i++) {
        until(&outcomes.retry, i + 1);
        const struct store_delivery *d = only("acme");
        assert_int_equal(d->state, DELIVERY_PENDING);
        assert_int_equal(d->last_status, 500);
        assert_string_equal(d->last_error, "answered 500");
        int64_t left = d->next_us - clock_wall_us();
        assert_true(left <= waits_s[i] * SECOND && left > (waits_s[i] - 1) * SECOND);
        assert_int_equal(receiver_count(receiver), i + 1);
        pass(waits_s[i] * SECOND);
    }
    until(&outcomes.delivered, 1);
    assert_int_equal(receiver_count(receiver), 4);
    header_is(receiver_request(receiver, 3), "X-Mantis-Attempt", "4");
    for (int i = 0; i < 4; i++)
        header_is(receiver_request(receiver, i), "X-Mantis-Delivery", only("acme")->id);
}

static void silence_ends_after_10_s_and_is_tried_again(void **state)
{
    RECEIVE({"", RECEIVER_HOLD}, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until_held(1);
    pass(10 * SECOND);
    until(&outcomes.retry, 1);
    assert_int_equal(only("acme")->last_status, 0);
    assert_non_null(strstr(only("acme")->last_error, "in 10 s"));
    pass(SECOND);
    until(&outcomes.delivered, 1);
}

static void half_an_answer_is_none(void **state)
{
    RECEIVE({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", RECEIVER_HOLD}, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until_held(1);
    pass(10 * SECOND);
    until(&outcomes.retry, 1);
    pass(SECOND);
    until(&outcomes.delivered, 1);
}

static void redirects_are_not_followed(void **state)
{
    RECEIVE({"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
             RECEIVER_CLOSE});
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.retry, 1);
    assert_int_equal(receiver_count(receiver), 1);
    assert_string_equal(only("acme")->last_error, "answered 302: redirects are not followed");
}

/* What the status line says counts; the body is nobody's business. */
static void a_2xx_is_delivered_whatever_its_body_does(void **state)
{
    RECEIVE({"HTTP/1.1 204 No Content\r\n\r\n", RECEIVER_CLOSE},
            {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", RECEIVER_CLOSE},
            {"HTTP/1.1 200 OK\r\n\r\n", RECEIVER_FLOOD},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", RECEIVER_CLOSE},
            {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n",
             RECEIVER_CLOSE});
    for (int i = 0; i < 5; i++) {
        end_run("acme", pool_printf(pool, "r%d", i), url_of(receiver), "");
        until(&outcomes.delivered, i + 1);
    }
    assert_int_equal(receiver_count(receiver), 5);
    assert_int_equal(outcomes.retry, 0);
}

static void what_is_no_http_is_tried_again(void **state)
{
    RECEIVE({"", RECEIVER_CLOSE}, {"SSH-2.0-OpenSSH_9.2\r\n", RECEIVER_CLOSE},
            {"\x16\x03\x01\x02", RECEIVER_CLOSE}, {"HTTP/1.1 200 OK\r\nX: ", RECEIVER_FLOOD},
            {"HTTP/1.1 100 Continue\r\n\r\n", RECEIVER_CLOSE});
    end_run("acme", "r1", url_of(receiver), "");
    for (int i = 0; i < 5; i++) {
        until(&outcomes.retry, i + 1);
        assert_int_equal(only("acme")->last_status, 0);
        assert_true(*only("acme")->last_error);
        pass(10 * 60 * SECOND);
    }
    assert_int_equal(outcomes.delivered, 0);
}

static void a_receiver_that_was_down_gets_it_when_it_is_up(void **state)
{
    static const struct receiver_answer ok[] = {RECEIVER_OK};
    receiver = receiver_create(ok, 1);
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.retry, 1);
    assert_non_null(strstr(only("acme")->last_error, "cannot reach http://127.0.0.1:"));
    assert_null(strstr(only("acme")->last_error, "key="));
    receiver_open(receiver);
    pass(SECOND);
    until(&outcomes.delivered, 1);
    assert_int_equal(receiver_count(receiver), 1);
}

static int log_lines(const char *delivery_id)
{
    json_t *log;
    assert_int_equal(store_outbox_log(store, pool, "acme", delivery_id, &log, NULL), 0);
    return (int)json_array_size(log);
}

static void it_is_dead_after_a_day_and_can_be_replayed(void **state)
{
    static const struct receiver_answer ok[] = {RECEIVER_OK};
    receiver = receiver_create(ok, 1);
    end_run("acme", "r1", url_of(receiver), "");
    int64_t start = clock_wall_us();
    for (int n = 1; n < WEBHOOK_ATTEMPTS; n++) {
        until(&outcomes.retry, n);
        int64_t left = only("acme")->next_us - clock_wall_us();
        assert_true(left <= 4 * HOUR);
        pass(left > 0 ? left : 0);
    }
    until(&outcomes.dead, 1);
    int64_t took = clock_wall_us() - start;
    assert_true(took > 23 * HOUR && took <= 24 * HOUR);
    const struct store_delivery *d = only("acme");
    assert_int_equal(d->state, DELIVERY_DEAD);
    assert_int_equal(log_lines(d->id), WEBHOOK_ATTEMPTS);
    receiver_open(receiver);
    pass(48 * HOUR);
    assert_int_equal(store_outbox_replay(store, "acme", d->id, NULL), 0);
    webhooks_wake(webhooks);
    until(&outcomes.delivered, 1);
    header_is(receiver_request(receiver, 0), "X-Mantis-Delivery", d->id);
    assert_int_equal(receiver_count(receiver), 1);
    assert_int_equal(only("acme")->state, DELIVERY_DELIVERED);
}

/* --- restarts and clocks ---------------------------------------------------------------------- */

static void a_restart_in_the_middle_sends_it_again_under_the_same_id(void **state)
{
    RECEIVE({"", RECEIVER_HOLD}, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until_held(1);
    restart();
    until(&outcomes.delivered, 1);
    assert_int_equal(receiver_count(receiver), 2);
    for (int i = 0; i < 2; i++) {
        header_is(receiver_request(receiver, i), "X-Mantis-Delivery", only("acme")->id);
        header_is(receiver_request(receiver, i), "X-Mantis-Attempt", "1");
    }
}

static void what_was_delivered_is_not_sent_again_by_a_restart(void **state)
{
    RECEIVE(RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.delivered, 1);
    restart();
    end_run("acme", "r2", url_of(receiver), "");
    until(&outcomes.delivered, 2);
    assert_int_equal(receiver_count(receiver), 2);
    assert_non_null(strstr(receiver_request(receiver, 1)->body, "\"r2\""));
}

static void a_clock_set_back_holds_nothing_up(void **state)
{
    RECEIVE(RECEIVER_500, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.retry, 1);
    wall_offset_us -= 24 * HOUR;
    pass(SECOND);
    until(&outcomes.delivered, 1);
}

static void a_clock_set_back_between_two_starts_holds_nothing_up(void **state)
{
    RECEIVE(RECEIVER_500, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.retry, 1);
    wall_offset_us -= HOUR;
    restart();
    pass(SECOND);
    until(&outcomes.delivered, 1);
}

static void a_clock_set_forward_is_noticed_without_a_restart(void **state)
{
    RECEIVE(RECEIVER_500, RECEIVER_500, RECEIVER_500, RECEIVER_500, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    for (int i = 0; i < 4; i++) {
        until(&outcomes.retry, i + 1);
        pass(i < 3 ? 30 * SECOND : 0);
    }
    wall_offset_us += HOUR; /* the next one was two minutes away */
    mono_offset_us += 30 * SECOND;
    until(&outcomes.delivered, 1);
}

/* --- who is held up --------------------------------------------------------------------------- */

static void one_tenants_silent_receiver_holds_up_nobody_else(void **state)
{
    static const struct receiver_answer silence[] = {{"", RECEIVER_HOLD}}, ok[] = {RECEIVER_OK};
    receiver = receiver_create(silence, 1);
    receiver_open(receiver);
    struct receiver *good = receiver_create(ok, 1);
    receiver_open(good);
    for (int i = 0; i < 300; i++)
        end_run("slow", pool_printf(pool, "s%d", i), url_of(receiver), "");
    until_held(2);
    end_run("acme", "r1", url_of(good), "");
    until(&outcomes.delivered, 1);
    assert_int_equal(receiver_held(receiver), 2);
    assert_int_equal(receiver_count(receiver), 2);
    /* nor another receiver of the same tenant for longer than one attempt */
    pass(10 * SECOND);
    until(&outcomes.retry, 2);
    receiver_destroy(good);
}

static void silent_receivers_of_many_tenants_hold_up_nobody_else(void **state)
{
    enum { TENANTS = WEBHOOK_PARALLEL + 6, EACH = 3 };
    static const struct receiver_answer silence[] = {{"", RECEIVER_HOLD}}, ok[] = {RECEIVER_OK};
    receiver = receiver_create(silence, 1);
    receiver_open(receiver);
    struct receiver *good = receiver_create(ok, 1);
    receiver_open(good);
    for (int i = 0; i < EACH; i++)
        for (int t = 0; t < TENANTS; t++)
            end_run(pool_printf(pool, "slow%d", t), pool_printf(pool, "s%d", i), url_of(receiver),
                    "");
    until_held(WEBHOOK_PARALLEL);
    end_run("acme", "r1", url_of(good), "");
    assert_int_equal(outcomes.delivered, 0);
    pass(10 * SECOND); /* the backlogs are due for longer, and still it is acme's turn */
    until(&outcomes.delivered, 1);
    assert_true(outcomes.retry <= WEBHOOK_PARALLEL);
    receiver_destroy(good);
}

static void a_replay_is_sent_after_the_attempt_under_way(void **state)
{
    RECEIVE({"", RECEIVER_HOLD}, RECEIVER_OK);
    end_run("acme", "r1", url_of(receiver), "");
    until_held(1);
    assert_int_equal(store_outbox_replay(store, "acme", only("acme")->id, NULL), 0);
    webhooks_wake(webhooks);
    pass(10 * SECOND);
    until(&outcomes.delivered, 1);
    header_is(receiver_request(receiver, 1), "X-Mantis-Attempt", "1");
    assert_int_equal(only("acme")->state, DELIVERY_DELIVERED);
    assert_int_equal(log_lines(only("acme")->id), 2);
}

/* --- where it may go -------------------------------------------------------------------------- */

static void addresses_are_checked_before_anything_is_sent(void **state)
{
    static const struct {
        const char *url;
        bool anywhere, public;
    } cases[] = {
        {"https://hooks.example.net/m", true, true},
        {"http://hooks.example.net:8080/m?x=1#f", true, true},
        {"https://8.8.8.8/", true, true},
        {"https://[2606:4700::1111]/", true, true},
        {"http://127.0.0.1/", true, false},
        {"http://127.1/", true, false},
        {"http://0x7f000001/", true, false},
        {"http://2130706433/", true, false},
        {"http://017700000001/", true, false},
        {"http://10.1.2.3/", true, false},
        {"http://169.254.169.254/latest/meta-data", true, false},
        {"http://[::1]/", true, false},
        {"http://[::ffff:10.0.0.1]/", true, false},
        {"http://[fe80::1]/", true, false},
        {"http://localhost/", true, false},
        {"http://LOCALHOST.:9/", true, false},
        {"http://a.localhost/", true, false},
        {"http://user@hooks.example.net/", false, false},
        {"http://user:pass@hooks.example.net/", false, false},
        {"http://:pass@hooks.example.net/", false, false},
        {"ftp://hooks.example.net/", false, false},
        {"file:///etc/passwd", false, false},
        {"javascript:alert(1)", false, false},
        {"gopher://hooks.example.net/", false, false},
        {"hooks.example.net/m", false, false},
        {"//hooks.example.net/m", false, false},
        {"http://", false, false},
        {"http:///m", false, false},
        {"http://hooks.example.net:0/", false, false},
        {"http://hooks.example.net:65536/", false, false},
        {"http://hooks.example.net:x/", false, false},
        {"http://hooks.example.net/a b", false, false},
        {"http://hooks.example.net/\r\nX: y", false, false},
        {" http://hooks.example.net/", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        if ((webhook_check_url(cases[i].url, true, &err) == 0) != cases[i].anywhere)
            fail_msg("'%s': %s", cases[i].url, err.msg);
        if ((webhook_check_url(cases[i].url, false, &err) == 0) != cases[i].public)
            fail_msg("'%s' to public addresses only: %s", cases[i].url, err.msg);
        assert_null(strstr(err.msg, "pass@"));
    }
    char longer[4096];
    snprintf(longer, sizeof(longer), "http://h.example/%04000d", 1);
    assert_int_equal(webhook_check_url(longer, true, NULL), E_INVALID);
}

static void urls_are_shown_without_what_may_be_a_secret(void **state)
{
    assert_string_equal(webhook_shown_url(pool, "https://u:p@h.example:8443/a/b?key=1#f"),
                        "https://h.example:8443/a/b");
    assert_string_equal(webhook_shown_url(pool, "http://h.example"), "http://h.example/");
    assert_string_equal(webhook_shown_url(pool, "mailto:x@y"), "");
}

static void public_addresses_are_told_from_all_others(void **state)
{
    static const struct {
        const char *text;
        int is_public;
    } cases[] = {
        {"8.8.8.8", 1},
        {"1.1.1.1", 1},
        {"100.63.255.255", 1},
        {"100.128.0.1", 1},
        {"172.15.0.1", 1},
        {"172.32.0.1", 1},
        {"192.167.1.1", 1},
        {"223.255.255.255", 1},
        {"198.20.0.1", 1},
        {"2606:4700::1111", 1},
        {"2001:4860::8888", 1},
        {"::ffff:8.8.8.8", 1},
        {"64:ff9b::8.8.8.8", 1},
        {"0.0.0.0", 0},
        {"0.1.2.3", 0},
        {"10.255.0.1", 0},
        {"100.64.0.1", 0},
        {"100.127.255.255", 0},
        {"127.0.0.1", 0},
        {"127.255.1.1", 0},
        {"169.254.169.254", 0},
        {"172.16.0.1", 0},
        {"172.31.255.255", 0},
        {"192.0.0.8", 0},
        {"192.0.2.1", 0},
        {"192.168.0.1", 0},
        {"198.18.0.1", 0},
        {"198.19.255.255", 0},
        {"198.51.100.7", 0},
        {"203.0.113.9", 0},
        {"224.0.0.1", 0},
        {"239.1.1.1", 0},
        {"240.0.0.1", 0},
        {"255.255.255.255", 0},
        {"::", 0},
        {"::1", 0},
        {"[::1]", 0},
        {"::7f00:1", 0},
        {"::ffff:127.0.0.1", 0},
        {"::ffff:a00:1", 0},
        {"64:ff9b::10.0.0.1", 0},
        {"64:ff9b:1::1", 0},
        {"fc00::1", 0},
        {"fd12:3456::1", 0},
        {"fe80::1", 0},
        {"fec0::1", 0},
        {"ff02::1", 0},
        {"2001:db8::1", 0},
        {"2001::1", 0},
        {"2002:7f00:1::1", 0},
        {"3fff::1", 0},
        {"4000::1", 0},
        {"example.net", -1},
        {"", -1},
        {"[", -1},
        {"[]", -1},
        {"1.2.3", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (address_text_is_public(cases[i].text) != cases[i].is_public)
            fail_msg("'%s' is not %d", cases[i].text, cases[i].is_public);
}

static void a_private_address_is_dead_at_once_and_never_connected_to(void **state)
{
    RECEIVE(RECEIVER_OK);
    settings.webhook_allow_private = false;
    end_run("acme", "r1", url_of(receiver), "");
    until(&outcomes.refused, 1);
    const struct store_delivery *d = only("acme");
    assert_int_equal(d->state, DELIVERY_DEAD);
    assert_int_equal(d->attempts, 1);
    assert_non_null(strstr(d->last_error, "MANTIS_WEBHOOK_ALLOW_PRIVATE"));
    assert_int_equal(receiver_count(receiver), 0);
    settings.webhook_allow_private = true;
    assert_int_equal(store_outbox_replay(store, "acme", d->id, NULL), 0);
    webhooks_wake(webhooks);
    until(&outcomes.delivered, 1);
}

/* A name of this machine that is not "localhost" and leads to private addresses only; NULL none. */
static const char *private_name(void)
{
    static char own[256];
    static const char *const names[] = {own, "ip6-localhost", "localhost.localdomain"};
    gethostname(own, sizeof(own) - 1);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM};
        bool private = strchr(names[i], '_') == NULL;
        if (getaddrinfo(names[i], NULL, &hints, &list))
            continue;
        for (const struct addrinfo *a = list; a; a = a->ai_next)
        private = private && !address_is_public(a->ai_addr);
        freeaddrinfo(list);
        if (private)
            return names[i];
    }
    return NULL;
}

static void a_name_that_leads_to_a_private_address_is_refused_and_tried_again(void **state)
{
    const char *name = private_name();
    if (!name)
        skip();
    settings.webhook_allow_private = false;
    end_run("acme", "r1", pool_printf(pool, "http://%s:9/hook", name), "");
    until(&outcomes.refused, 1);
    assert_int_equal(only("acme")->state, DELIVERY_PENDING);
    assert_non_null(strstr(only("acme")->last_error, "private address"));
}

/* --- the client below ------------------------------------------------------------------------- */

static struct {
    int done, result, status;
    size_t len;
    char msg[ERR_MSG_MAX];
} call;

static void keep_answer(void *arg, int result, const struct httpc_answer *answer,
                        const struct err *err)
{
    call.done++;
    call.result = result;
    call.status = answer ? answer->status : 0;
    call.len = answer ? answer->len : 0;
    snprintf(call.msg, sizeof(call.msg), "%s", err->msg);
}

static void get(struct httpc *client, const char *url, unsigned flags)
{
    struct httpc_request req = {
        .method = "GET", .url = url, .timeout_ms = 10000, .max_answer_bytes = 1000, .flags = flags};
    struct httpc_exchange *x;
    memset(&call, 0, sizeof(call));
    assert_int_equal(httpc_start(client, &req, keep_answer, NULL, &x, NULL), 0);
    assert_int_equal(call.done, 0);
    until(&call.done, 1);
}

/* "localhost" passes for any name that leads to a private address: only the connection is checked.
 */
static void a_name_that_leads_to_a_private_address_is_not_connected_to(void **state)
{
    struct httpc *client;
    RECEIVE(RECEIVER_OK);
    assert_int_equal(httpc_create(loop, &client, NULL), 0);
    const char *url = pool_printf(pool, "http://localhost:%d/x?y", receiver_port(receiver));
    get(client, url, HTTPC_PUBLIC_ONLY);
    assert_int_equal(call.result, E_FORBIDDEN);
    assert_non_null(strstr(call.msg, "private address"));
    assert_null(strstr(call.msg, "/x"));
    assert_int_equal(receiver_count(receiver), 0);
    /* nor over a connection that was made for somebody who may */
    get(client, url, 0);
    assert_int_equal(call.status, 200);
    get(client, url, HTTPC_PUBLIC_ONLY);
    assert_int_equal(call.result, E_FORBIDDEN);
    assert_int_equal(receiver_count(receiver), 1);
    httpc_destroy(client);
}

static void the_environments_proxy_can_be_passed_over(void **state)
{
    struct httpc *client;
    static const struct receiver_answer ok[] = {RECEIVER_OK};
    RECEIVE(RECEIVER_500);
    struct receiver *target = receiver_create(ok, 1);
    receiver_open(target);
    setenv("http_proxy", pool_printf(pool, "http://127.0.0.1:%d", receiver_port(receiver)), 1);
    assert_int_equal(httpc_create(loop, &client, NULL), 0);
    get(client, "http://192.0.2.1:9/", 0);
    assert_int_equal(call.status, 500);
    get(client, url_of(target), HTTPC_NO_PROXY);
    assert_int_equal(call.status, 200);
    get(client, "http://192.168.255.255/", HTTPC_PUBLIC_ONLY);
    assert_int_equal(call.result, E_FORBIDDEN);
    assert_int_equal(receiver_count(receiver), 1);
    unsetenv("http_proxy");
    httpc_destroy(client);
    receiver_destroy(target);
}

static void only_this_machine_is_reached_beside_the_proxy(void **state)
{
    static const struct {
        const char *host;
        int status; /* 500: of the proxy */
    } rows[] = {{"127.0.0.1", 200},         {"localhost", 200},         {"LocalHost", 200},
                {"localhost.example", 500}, {"localhostess.test", 500}, {"127.example.test", 500},
                {"127.0.0.1.example", 500}};
    struct httpc *client;
    static const struct receiver_answer ok[] = {RECEIVER_OK};
    RECEIVE(RECEIVER_500);
    struct receiver *target = receiver_create(ok, 1);
    receiver_open(target);
    setenv("http_proxy", pool_printf(pool, "http://127.0.0.1:%d", receiver_port(receiver)), 1);
    assert_int_equal(httpc_create(loop, &client, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        get(client, pool_printf(pool, "http://%s:%d/", rows[i].host, receiver_port(target)), 0);
        if (call.status != rows[i].status)
            fail_msg("%s: %d %s", rows[i].host, call.status, call.msg);
    }
    unsetenv("http_proxy");
    httpc_destroy(client);
    receiver_destroy(target);
}

static void a_flood_is_cut_or_refused_as_asked(void **state)
{
    struct httpc *client;
    RECEIVE({"HTTP/1.1 200 OK\r\n\r\n", RECEIVER_FLOOD});
    assert_int_equal(httpc_create(loop, &client, NULL), 0);
    get(client, url_of(receiver), 0);
    assert_int_equal(call.result, E_TOOBIG);
    get(client, url_of(receiver), HTTPC_STATUS_COUNTS);
    assert_int_equal(call.result, 0);
    assert_int_equal(call.status, 200);
    assert_true(call.len <= 1000);
    httpc_destroy(client);
}

static void a_cancelled_exchange_is_never_heard_of_again(void **state)
{
    struct httpc *client;
    struct httpc_exchange *a, *b;
    RECEIVE({"", RECEIVER_HOLD}, {"", RECEIVER_HOLD}, RECEIVER_OK);
    assert_int_equal(httpc_create(loop, &client, NULL), 0);
    struct httpc_request req = {
        .method = "GET", .url = url_of(receiver), .timeout_ms = 10000, .max_answer_bytes = 10};
    memset(&call, 0, sizeof(call));
    assert_int_equal(httpc_start(client, &req, keep_answer, NULL, &a, NULL), 0);
    assert_int_equal(httpc_start(client, &req, keep_answer, NULL, &b, NULL), 0);
    until_held(2);
    httpc_cancel(a);
    get(client, url_of(receiver), 0);
    assert_int_equal(call.status, 200);
    assert_int_equal(call.done, 1);
    httpc_destroy(client); /* with b under way */
    pass(60 * SECOND);
    assert_int_equal(call.done, 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_delivery_is_one_signed_post_of_compact_json),
        CASE(the_default_secret_signs_for_tenants_without_one),
        CASE(nothing_is_signed_without_a_secret),
        CASE(a_rotated_secret_counts_for_the_next_attempt),
        cmocka_unit_test(the_hmac_is_that_of_rfc_4231),
        CASE(a_500_is_tried_again_after_1_5_and_30_s),
        CASE(silence_ends_after_10_s_and_is_tried_again),
        CASE(half_an_answer_is_none),
        CASE(redirects_are_not_followed),
        CASE(a_2xx_is_delivered_whatever_its_body_does),
        CASE(what_is_no_http_is_tried_again),
        CASE(a_receiver_that_was_down_gets_it_when_it_is_up),
        CASE(it_is_dead_after_a_day_and_can_be_replayed),
        CASE(a_restart_in_the_middle_sends_it_again_under_the_same_id),
        CASE(what_was_delivered_is_not_sent_again_by_a_restart),
        CASE(a_clock_set_back_holds_nothing_up),
        CASE(a_clock_set_back_between_two_starts_holds_nothing_up),
        CASE(a_clock_set_forward_is_noticed_without_a_restart),
        CASE(one_tenants_silent_receiver_holds_up_nobody_else),
        CASE(silent_receivers_of_many_tenants_hold_up_nobody_else),
        CASE(a_replay_is_sent_after_the_attempt_under_way),
        cmocka_unit_test(addresses_are_checked_before_anything_is_sent),
        CASE(urls_are_shown_without_what_may_be_a_secret),
        cmocka_unit_test(public_addresses_are_told_from_all_others),
        CASE(a_private_address_is_dead_at_once_and_never_connected_to),
        CASE(a_name_that_leads_to_a_private_address_is_refused_and_tried_again),
        CASE(a_name_that_leads_to_a_private_address_is_not_connected_to),
        CASE(the_environments_proxy_can_be_passed_over),
        CASE(only_this_machine_is_reached_beside_the_proxy),
        CASE(a_flood_is_cut_or_refused_as_asked),
        CASE(a_cancelled_exchange_is_never_heard_of_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
