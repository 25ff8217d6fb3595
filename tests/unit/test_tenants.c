#include "unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "sched/tenants.h"
#include "sys/file.h"
#include "sys/secrets.h"

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DOC_A   "{\"tenant_keys\":{\"" TOKEN_A "\":{\"tenant_id\":\"acme\"}}}"
#define DOC_B   "{\"tenant_keys\":{\"" TOKEN_B "\":{\"tenant_id\":\"beta\"}}}"

static struct pool *pool;
static char dir[64];
static const char *path;
static struct loop *loop;
static struct settings settings;
static struct tenants *tenants;
static const struct tenant *tenant;
static struct err err;
static int64_t mono_us, wall_us;

static void pass(int64_t ms)
{
    mono_us += ms * 1000;
    wall_us += ms * 1000;
    clock_fake(mono_us, wall_us);
}

static int set_up(void **state)
{
    pool = pool_create(NULL);
    snprintf(dir, sizeof(dir), "/tmp/test_tenants_XXXXXX");
    assert_non_null(mkdtemp(dir));
    path = pool_printf(pool, "%s/keys", dir);
    settings = (struct settings){.tenant_keys_path = "",
                                 .tenant_keys_json = "",
                                 .api_token = "",
                                 .secrets_dir = dir,
                                 .data_dir = dir};
    assert_int_equal(loop_create(&loop, NULL), 0);
    /* far from the files' times: they count as settled */
    mono_us = INT64_C(1000000000);
    wall_us = INT64_C(1500000000000000);
    pass(0);
    tenants = NULL;
    err_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    tenants_destroy(tenants);
    loop_destroy(loop);
    clock_fake_off();
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static void put_bytes(const char *text, size_t len)
{
    assert_int_equal(file_write_atomic(path, text, len, 0600, NULL), 0);
}

static void put(const char *text)
{
    put_bytes(text, strlen(text));
}

static void start(void)
{
    assert_int_equal(tenants_create(loop, &settings, &tenants, &err), 0);
}

static void start_with_file(const char *text)
{
    settings.tenant_keys_path = path;
    if (text)
        put(text);
    start();
}

static int check(const char *token)
{
    err_clear(&err);
    return tenants_check(tenants, token, &tenant, &err);
}

/* What is in force once the file has been looked at again. */
static int check_later(const char *token)
{
    pass(TENANTS_LOOK_MS);
    return check(token);
}

static void without_keys_and_token_nothing_is_configured(void **state)
{
    start();
    assert_int_equal(check(TOKEN_A), E_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "MANTIS_API_TOKEN"));
    assert_int_equal(check(NULL), E_UNAVAILABLE);
    assert_null(tenants_by_id(tenants, "default"));
}

static void one_token_is_tenant_default(void **state)
{
    settings.api_token = "s3cret";
    start();
    assert_int_equal(check("s3cret"), 0);
    assert_string_equal(tenant->id, "default");
    assert_int_equal(check("s3cre"), E_UNAUTHORIZED);
    assert_string_equal(tenants_by_id(tenants, "default")->id, "default");
    assert_null(tenants_by_id(tenants, "acme"));
}

static void missing_and_wrong_tokens_are_told_apart(void **state)
{
    start_with_file(DOC_A);
    assert_int_equal(check(NULL), E_UNAUTHORIZED);
    assert_non_null(strstr(err.msg, "missing"));
    assert_int_equal(check(""), E_UNAUTHORIZED);
    assert_non_null(strstr(err.msg, "missing"));
    assert_int_equal(check(TOKEN_B), E_UNAUTHORIZED);
    assert_non_null(strstr(err.msg, "invalid"));
    assert_null(strstr(err.msg, "bbbb"));
}

static void the_keys_file_wins_over_the_single_token(void **state)
{
    settings.api_token = "s3cret";
    start_with_file(DOC_A);
    assert_int_equal(check("s3cret"), E_UNAUTHORIZED);
    assert_int_equal(check(TOKEN_A), 0);
    assert_string_equal(tenant->id, "acme");
}

static void a_change_counts_within_five_seconds(void **state)
{
    start_with_file(DOC_A);
    put(DOC_B);
    pass(TENANTS_LOOK_MS - 1);
    assert_int_equal(check(TOKEN_A), 0); /* looked at not more often than that */
    pass(1);
    assert_int_equal(check(TOKEN_A), E_UNAUTHORIZED);
    assert_int_equal(check(TOKEN_B), 0);
    assert_true(TENANTS_LOOK_MS <= 5000);
}

static void a_file_changed_in_place_counts_too(void **state)
{
    start_with_file(DOC_A);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(DOC_B, f);
    fclose(f);
    assert_int_equal(check_later(TOKEN_B), 0);
}

/* A rewrite of the same length may happen within one tick of the file system's clock. */
static void a_young_file_is_read_again_though_nothing_shows(void **state)
{
    clock_fake_off();
    wall_us = clock_wall_us();
    pass(0);
    start_with_file(DOC_A);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fputs(DOC_B, f);
    fclose(f);
    assert_int_equal(check_later(TOKEN_B), 0);
    assert_int_equal(tenants_load_errors(tenants), 0);
}

/* Secrets are mounted as link -> ..data -> directory of a version. */
static void a_swap_of_links_is_seen(void **state)
{
    const char *data = pool_printf(pool, "%s/..data", dir);
    const char *one = pool_printf(pool, "%s/v1", dir), *two = pool_printf(pool, "%s/v2", dir);
    const char *next = pool_printf(pool, "%s/..tmp", dir), *keys = path;
    mkdir(one, 0700);
    mkdir(two, 0700);
    path = pool_printf(pool, "%s/keys", one);
    put(DOC_A);
    path = pool_printf(pool, "%s/keys", two);
    put(DOC_B);
    path = keys;
    assert_int_equal(symlink("v1", data), 0);
    assert_int_equal(symlink("..data/keys", keys), 0);
    start_with_file(NULL);
    assert_int_equal(check(TOKEN_A), 0);
    assert_int_equal(symlink("v2", next), 0);
    assert_int_equal(rename(next, data), 0);
    assert_int_equal(check_later(TOKEN_B), 0);
    assert_int_equal(check(TOKEN_A), E_UNAUTHORIZED);
}

static void a_broken_new_file_leaves_the_last_good_one_in_force(void **state)
{
    char *huge = pool_alloc(pool, CAP_TENANT_KEYS_BYTES + 2);
    memset(huge, ' ', CAP_TENANT_KEYS_BYTES + 1);
    const struct {
        const char *text;
        size_t len;
    } cases[] = {
        {"", 0},
        {"garbage", 7},
        {DOC_B, strlen(DOC_B) - 3}, /* cut */
        {"\0\0\0\0", 4},
        {"{\"tenant_keys\":{\"" TOKEN_B "\":{},\"" TOKEN_B "\":{}}}", 154},
        {"{\"tenant_keys\":[]}", 18},
        {huge, CAP_TENANT_KEYS_BYTES + 1},
    };
    start_with_file(DOC_A);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        put_bytes(cases[i].text, cases[i].len);
        assert_int_equal(check_later(TOKEN_A), 0);
        assert_int_equal(tenants_load_errors(tenants), (int)i + 1);
        assert_int_equal(check_later(TOKEN_A), 0);
        assert_int_equal(tenants_load_errors(tenants), (int)i + 1); /* each file counts once */
    }
    put(DOC_B);
    assert_int_equal(check_later(TOKEN_B), 0);
    assert_int_equal(check(TOKEN_A), E_UNAUTHORIZED);
}

static void what_is_no_file_is_not_waited_for(void **state)
{
    start_with_file(DOC_A);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(check_later(TOKEN_A), 0);
    assert_int_equal(tenants_load_errors(tenants), 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(check_later(TOKEN_A), 0);
    assert_int_equal(tenants_load_errors(tenants), 2);
}

static void a_file_that_is_gone_has_a_time_of_grace(void **state)
{
    start_with_file(DOC_A);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(check_later(TOKEN_A), 0);
    assert_int_equal(tenants_load_errors(tenants), 1);
    pass(TENANTS_GRACE_MS - 1);
    assert_int_equal(check(TOKEN_A), 0);
    assert_int_equal(check_later(TOKEN_A), E_UNAUTHORIZED);
    assert_int_equal(tenants_load_errors(tenants), 1);
    put(DOC_A);
    assert_int_equal(check_later(TOKEN_A), 0);
}

static void grace_is_not_prolonged_by_further_broken_files(void **state)
{
    start_with_file(DOC_A);
    for (int i = 0; i < 10; i++) {
        put(pool_printf(pool, "broken %d", i));
        assert_int_equal(check_later(TOKEN_A), 0);
        pass(TENANTS_GRACE_MS / 10 - TENANTS_LOOK_MS);
    }
    assert_int_equal(check_later(TOKEN_A), E_UNAUTHORIZED);
}

static void grace_starts_anew_after_a_good_file(void **state)
{
    start_with_file(DOC_A);
    put("broken");
    assert_int_equal(check_later(TOKEN_A), 0);
    pass(TENANTS_GRACE_MS - 5000);
    put(DOC_A); /* the very same bytes */
    assert_int_equal(check_later(TOKEN_A), 0);
    put("broken again");
    assert_int_equal(check_later(TOKEN_A), 0);
    pass(TENANTS_GRACE_MS - 5000);
    assert_int_equal(check(TOKEN_A), 0);
}

static void a_bad_file_at_the_start_means_nobody_and_heals(void **state)
{
    start_with_file("{");
    assert_int_equal(check(TOKEN_A), E_UNAUTHORIZED);
    assert_int_equal(tenants_load_errors(tenants), 1);
    put(DOC_A);
    assert_int_equal(check_later(TOKEN_A), 0);
}

static void a_missing_file_at_the_start_means_nobody_and_heals(void **state)
{
    start_with_file(NULL);
    assert_int_equal(check(TOKEN_A), E_UNAUTHORIZED); /* and not 503 */
    put(DOC_A);
    assert_int_equal(check_later(TOKEN_A), 0);
}

static void a_jump_of_the_wall_clock_does_not_hide_a_change(void **state)
{
    start_with_file(DOC_A);
    wall_us -= INT64_C(86400000000) * 400;
    put(DOC_B);
    assert_int_equal(check_later(TOKEN_B), 0);
}

static void a_token_expires_by_the_wall_clock(void **state)
{
    start_with_file("{\"tenant_keys\":{\"" TOKEN_A
                    "\":{\"tenant_id\":\"acme\",\"expires_at\":1500000060}}}");
    assert_int_equal(check(TOKEN_A), 0);
    wall_us += 60 * INT64_C(1000000);
    pass(0);
    assert_int_equal(check(TOKEN_A), E_UNAUTHORIZED);
}

static void who_keeps_callers_hears_of_reloads_and_of_dates(void **state)
{
    unsigned char sha256[ID_SHA256_BYTES];
    char ends[CLOCK_ISO_BYTES];
    clock_iso(clock_wall_us() + 60000000, ends);
    id_sha256(TOKEN_A, strlen(TOKEN_A), sha256);
    start_with_file(pool_printf(pool,
                                "{\"tenant_keys\":{\"" TOKEN_A "\":{\"tenant_id\":\"acme\","
                                "\"expires_at\":\"%s\"}}}",
                                ends));
    uint64_t first = tenants_generation(tenants);
    assert_string_equal(tenants_recheck(tenants, sha256)->id, "acme");
    pass(59000);
    assert_true(tenants_generation(tenants) == first);
    pass(1000);
    uint64_t second = tenants_generation(tenants);
    assert_true(second != first);
    assert_true(tenants_generation(tenants) == second);
    assert_null(tenants_recheck(tenants, sha256));
    put(DOC_A);
    pass(TENANTS_LOOK_MS);
    assert_true(tenants_generation(tenants) != second);
    assert_string_equal(tenants_recheck(tenants, sha256)->id, "acme");
    put(DOC_B);
    pass(TENANTS_LOOK_MS);
    assert_null(tenants_recheck(tenants, sha256));
}

static void tenants_of_this_turn_outlive_a_reload(void **state)
{
    start_with_file(DOC_A);
    assert_int_equal(check(TOKEN_A), 0);
    const struct tenant *held = tenant;
    put(DOC_B);
    assert_int_equal(check_later(TOKEN_B), 0);
    assert_string_equal(held->id, "acme");
    clock_fake_off();
    assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 1), 0); /* now it is freed */
}

struct late_look {
    struct loop_fd *watch;
    struct loop_timer timer;
    const struct tenant *held;
    bool done;
};

static bool looked(void *arg)
{
    return ((struct late_look *)arg)->done;
}

static void look_late(void *arg)
{
    struct late_look *look = arg;
    assert_string_equal(look->held->id, "acme");
    look->done = true;
}

static void reload_in_between(void *arg, uint32_t events)
{
    struct late_look *look = arg;
    loop_fd_remove(look->watch);
    assert_int_equal(check(TOKEN_A), 0);
    look->held = tenant;
    put(DOC_B);
    assert_int_equal(check_later(TOKEN_B), 0);
    loop_timer_set(loop, &look->timer, 0, look_late, look);
}

static void they_do_so_for_every_callback_of_the_turn(void **state)
{
    struct late_look look = {.done = false};
    int fd = eventfd(1, EFD_CLOEXEC);
    start_with_file(DOC_A);
    assert_int_equal(loop_fd_add(loop, fd, EPOLLIN, reload_in_between, &look, &look.watch, NULL),
                     0);
    assert_int_equal(loop_wait(loop, looked, &look, clock_mono_ms() + 5000), 0);
    close(fd);
}

static void by_id_says_what_the_file_says_now(void **state)
{
    start_with_file(DOC_A);
    assert_non_null(tenants_by_id(tenants, "acme"));
    put(DOC_B);
    pass(TENANTS_LOOK_MS);
    assert_null(tenants_by_id(tenants, "acme"));
    assert_string_equal(tenants_by_id(tenants, "beta")->id, "beta");
}

static void a_document_of_the_environment_becomes_a_private_file(void **state)
{
    struct stat st;
    settings.tenant_keys_json = DOC_A;
    start();
    assert_int_equal(check(TOKEN_A), 0);
    path = pool_printf(pool, "%s/tenant_keys.json", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    put(DOC_B); /* from here on it is a keys file like others */
    assert_int_equal(check_later(TOKEN_B), 0);
}

static void a_document_that_cannot_be_written_ends_the_start(void **state)
{
    settings.tenant_keys_json = DOC_A;
    settings.data_dir = "/nonexistent/data";
    assert_int_equal(tenants_create(loop, &settings, &tenants, &err), E_IO);
    assert_null(tenants);
}

static void secrets_are_read_at_each_use(void **state)
{
    start();
    path = pool_printf(pool, "%s/webhook_acme", dir);
    assert_string_equal(tenants_secret(tenants, pool, "webhook_acme"), "");
    put("  one\n");
    assert_string_equal(tenants_secret(tenants, pool, "webhook_acme"), "one");
    put("two");
    assert_string_equal(tenants_secret(tenants, pool, "webhook_acme"), "two");
}

static void a_secret_is_one_file_of_its_directory(void **state)
{
    static const char *const names[] = {
        "", ".", "..", ".hidden", "a/b", "../keys", "/etc/hostname", "a\nb", "absent"};
    path = pool_printf(pool, "%s/.hidden", dir);
    put("hidden");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_string_equal(secret_read(pool, dir, names[i]), "");
    path = pool_printf(pool, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_string_equal(secret_read(pool, dir, "pipe"), "");
    path = pool_printf(pool, "%s/big", dir);
    char *big = pool_alloc(pool, CAP_SECRET_BYTES + 2);
    memset(big, 'x', CAP_SECRET_BYTES + 1);
    put(big);
    assert_string_equal(secret_read(pool, dir, "big"), "");
    path = pool_printf(pool, "%s/binary", dir);
    put_bytes("a\0b", 3);
    assert_string_equal(secret_read(pool, dir, "binary"), "");
    path = pool_printf(pool, "%s/empty", dir);
    put("");
    assert_string_equal(secret_read(pool, dir, "empty"), "");
    assert_int_equal(symlink("real", pool_printf(pool, "%s/link", dir)), 0);
    path = pool_printf(pool, "%s/real", dir);
    put("\t value with blanks \r\n");
    assert_string_equal(secret_read(pool, dir, "link"), "value with blanks");
    assert_true(id_is_file_name("anthropic_api_key_acme"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_keys_and_token_nothing_is_configured),
        TEST(one_token_is_tenant_default),
        TEST(missing_and_wrong_tokens_are_told_apart),
        TEST(the_keys_file_wins_over_the_single_token),
        TEST(a_change_counts_within_five_seconds),
        TEST(a_file_changed_in_place_counts_too),
        TEST(a_young_file_is_read_again_though_nothing_shows),
        TEST(a_swap_of_links_is_seen),
        TEST(a_broken_new_file_leaves_the_last_good_one_in_force),
        TEST(what_is_no_file_is_not_waited_for),
        TEST(a_file_that_is_gone_has_a_time_of_grace),
        TEST(grace_is_not_prolonged_by_further_broken_files),
        TEST(grace_starts_anew_after_a_good_file),
        TEST(a_bad_file_at_the_start_means_nobody_and_heals),
        TEST(a_missing_file_at_the_start_means_nobody_and_heals),
        TEST(a_jump_of_the_wall_clock_does_not_hide_a_change),
        TEST(a_token_expires_by_the_wall_clock),
        TEST(who_keeps_callers_hears_of_reloads_and_of_dates),
        TEST(tenants_of_this_turn_outlive_a_reload),
        TEST(they_do_so_for_every_callback_of_the_turn),
        TEST(by_id_says_what_the_file_says_now),
        TEST(a_document_of_the_environment_becomes_a_private_file),
        TEST(a_document_that_cannot_be_written_ends_the_start),
        TEST(secrets_are_read_at_each_use),
        TEST(a_secret_is_one_file_of_its_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
