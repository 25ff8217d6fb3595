/* `mantis tenant` on a keys file of its own. */
#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "cmd/cmd.h"
#include "core/tenant.h"
#include "sys/file.h"
#include "unit/capture.h"

static struct pool *pool;
static char dir[64];
static char *keys, *printed, *said;

static int set_up(void **state)
{
    pool = pool_create(NULL);
    snprintf(dir, sizeof(dir), "/tmp/test_tenant_cmd_XXXXXX");
    assert_non_null(mkdtemp(dir));
    keys = pool_printf(pool, "%s/keys", dir);
    setenv("MANTIS_TENANT_KEYS_PATH", keys, 1);
    clock_fake(1, INT64_C(1772600767000000)); /* 2026-03-04T05:06:07 */
    return 0;
}

static int tear_down(void **state)
{
    clock_fake_off();
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

/* `mantis tenant` with these words; what it wrote is in printed and said. */
static int run(const char *first, ...)
{
    char *argv[24] = {(char *)(uintptr_t) "tenant", (char *)(uintptr_t)first};
    int argc = 2;
    va_list ap;
    va_start(ap, first);
    while ((argv[argc] = va_arg(ap, char *)))
        argc++;
    va_end(ap);
    struct capture out = capture_begin(stdout), errors = capture_begin(stderr);
    int code = cmd_tenant(argc, argv);
    said = capture_end(pool, &errors);
    printed = capture_end(pool, &out);
    return code;
}

static char *content(void)
{
    char *text;
    size_t len;
    assert_int_equal(file_read(pool, keys, CAP_TENANT_KEYS_BYTES, &text, &len, NULL), 0);
    return text;
}

static void put(const char *text)
{
    assert_int_equal(file_write_atomic(keys, text, strlen(text), 0644, NULL), 0);
}

static json_t *document(void)
{
    char *text = content();
    json_t *doc = NULL;
    assert_int_equal(json_parse(text, strlen(text), "keys", &doc, NULL), 0);
    return json_keep(pool, doc);
}

/* What a server would make of a token now. */
static const struct tenant *known(const char *token, int64_t after_s)
{
    struct tenant_set *set;
    const char *const *warnings;
    assert_int_equal(tenant_set_parse(pool, document(), &set, &warnings, NULL), 0);
    return tenant_set_find(set, token, clock_wall_us() + after_s * 1000000);
}

/* The one line on stdout. */
static const char *token(void)
{
    assert_int_equal(strspn(printed, "0123456789abcdef"), 64);
    assert_string_equal(printed + 64, "\n");
    return pool_strndup(pool, printed, 64);
}

static void add_makes_a_private_file_and_prints_the_token_once(void **state)
{
    struct stat st;
    umask(0);
    assert_int_equal(run("add", "acme", "--scopes", "status,logs", "--max-cost", "4.5",
                         "--max-time", "25", "--rate", "0", "--concurrency", "3", "--domain",
                         "*.x.com", "--domain", "y.com", "--webhook", "https://hooks.example.net/m",
                         "--label", "ci", NULL),
                     0);
    const char *t = token();
    assert_null(strstr(said, t));
    const struct tenant *tenant = known(t, 0);
    assert_non_null(tenant);
    assert_string_equal(tenant->id, "acme");
    assert_int_equal(tenant->scopes, SCOPE_STATUS | SCOPE_LOGS);
    assert_true(tenant->max_cost_per_run == 4.5);
    assert_int_equal(tenant->max_time_minutes_per_run, 25);
    assert_int_equal(tenant->rate_limit_per_minute, 0);
    assert_int_equal(tenant->max_concurrent_runs, 3);
    assert_string_equal(tenant->allowed_domains[1], "y.com");
    assert_string_equal(tenant->webhook_url, "https://hooks.example.net/m");
    assert_string_equal(tenant->label, "ci");
    assert_int_equal(stat(keys, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_is_not_given_is_not_written(void **state)
{
    assert_int_equal(run("add", "acme", NULL), 0);
    const json_t *entry = json_object_get(json_object_get(document(), "tenant_keys"), token());
    assert_string_equal(json_text(pool, entry), "{\"tenant_id\":\"acme\"}");
}

static void a_hashed_token_is_nowhere_in_the_file(void **state)
{
    assert_int_equal(run("add", "acme", "--hash", NULL), 0);
    assert_null(strstr(content(), token()));
    assert_non_null(strstr(content(), "\"sha256:"));
    assert_non_null(known(token(), 0));
}

static void a_token_can_go_to_a_file_of_its_own(void **state)
{
    char *path = pool_printf(pool, "%s/token", dir), *text;
    struct stat st;
    size_t len;
    assert_int_equal(run("add", "acme", "--token-file", path, NULL), 0);
    assert_string_equal(printed, "");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(file_read(pool, path, 1000, &text, &len, NULL), 0);
    assert_int_equal(len, 65);
    text[64] = 0;
    assert_non_null(known(text, 0));
    char *before = content();
    assert_int_equal(run("add", "beta", "--token-file", path, NULL), 1); /* never over another */
    assert_string_equal(content(), before);
}

static void unknown_fields_and_the_order_stay(void **state)
{
    put("{\"note\":\"ours\",\"tenant_keys\":{"
        "\"zzzzzzzzzzzzzzzzzzzz\":{\"tenant_id\":\"zeta\",\"team\":[1,2]},"
        "\"aaaaaaaaaaaaaaaaaaaa\":{\"x\":null,\"tenant_id\":\"alpha\"}},\"more\":{\"b\":1,\"a\":2}"
        "}");
    assert_int_equal(run("add", "mid", NULL), 0);
    char *text = json_text(pool, document());
    assert_string_equal(
        text, pool_printf(pool,
                          "{\"note\":\"ours\",\"tenant_keys\":{"
                          "\"zzzzzzzzzzzzzzzzzzzz\":{\"tenant_id\":\"zeta\",\"team\":[1,2]},"
                          "\"aaaaaaaaaaaaaaaaaaaa\":{\"x\":null,\"tenant_id\":\"alpha\"},"
                          "\"%s\":{\"tenant_id\":\"mid\"}},\"more\":{\"b\":1,\"a\":2}}",
                          token()));
}

static void a_broken_file_is_refused_with_its_place_and_left_alone(void **state)
{
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"{\n \"tenant_keys\": {,}\n}", "line 2 column 18"},
        {"", "line 1"},
        {"{\"tenant_keys\":[]}", "tenant_keys"},
        {"{\"tenant_keys\":{},\"schema_version\":9}", "schema_version"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        put(cases[i].text);
        assert_int_equal(run("add", "acme", NULL), 1);
        assert_string_equal(printed, "");
        assert_non_null(strstr(said, cases[i].named));
        assert_int_equal(run("list", NULL), 1);
        assert_int_equal(run("revoke", "acme", NULL), 1);
        assert_string_equal(content(), cases[i].text);
    }
}

static void a_token_that_would_not_work_is_not_written(void **state)
{
    put("{\"tenant_keys\":{\"aaaaaaaaaaaaaaaaaaaa\":{\"tenant_id\":\"ops board\"}}}");
    char *before = content(), *token_file = pool_printf(pool, "%s/token", dir);
    assert_int_equal(run("add", "ops_board", "--token-file", token_file, NULL), 1);
    assert_non_null(strstr(said, "ops board"));
    assert_int_not_equal(access(token_file, F_OK), 0);
    assert_int_equal(run("add", "acme", "--max-cost", "0", NULL), 1);
    assert_non_null(strstr(said, "max_cost_per_run"));
    assert_int_equal(run("add", "acme", "--expires", "2020-01-01", NULL), 1);
    assert_int_equal(run("add", "acme", "--webhook-secret", "../x", NULL), 1);
    assert_int_equal(run("add", "acme", "--webhook", "ftp://a", NULL), 1);
    assert_string_equal(content(), before);
}

static void wrong_words_are_usage_errors(void **state)
{
    assert_int_equal(run("add", NULL), 2);
    assert_int_equal(run("add", "a b", NULL), 2);
    assert_int_equal(run("add", "../x", NULL), 2);
    assert_int_equal(run("add", "acme", "--rate", "fast", NULL), 2);
    assert_int_equal(run("add", "acme", "--no-such-flag", NULL), 2);
    assert_int_equal(run("rotate", NULL), 2);
    assert_int_equal(run("rotate", "acme", "--grace", "-1", NULL), 2);
    assert_int_equal(run("revoke", NULL), 2);
    assert_int_equal(run("revoke", "--token-prefix", "ab", NULL), 2);
    assert_int_equal(run("revoke", "--token-prefix", "sha256:ab", NULL), 2);
    assert_int_equal(run("remove", "acme", NULL), 2);
    assert_int_equal(run("add", "--help", NULL), 0);
    assert_int_not_equal(access(keys, F_OK), 0);
    assert_int_equal(run("add", "acme", "--scopes", "run,admin", NULL), 1);
    assert_non_null(strstr(said, "admin"));
}

static void list_shows_no_token(void **state)
{
    assert_int_equal(run("list", NULL), 1); /* there is no file */
    assert_int_equal(run("add", "acme", "--label", "ci", NULL), 0);
    const char *clear = token();
    assert_int_equal(run("add", "beta", "--hash", "--scopes", "none", NULL), 0);
    assert_int_equal(run("list", NULL), 0);
    assert_null(strstr(printed, clear));
    assert_non_null(strstr(printed, pool_printf(pool, "%.4s... (64)", clear)));
    assert_non_null(strstr(printed, "run,status,result,logs"));
    assert_int_equal(run("list", "--json", NULL), 0);
    json_t *rows = NULL;
    assert_int_equal(json_parse(printed, strlen(printed), "list", &rows, NULL), 0);
    json_keep(pool, rows);
    assert_int_equal(json_array_size(rows), 2);
    const json_t *second = json_array_get(rows, 1);
    assert_string_equal(json_str(second, "tenant_id", ""), "beta");
    assert_int_equal(strlen(json_str(second, "token", "")), strlen("sha256:") + 12);
    assert_string_equal(json_text(pool, json_object_get(second, "scopes")), "[]");
    assert_null(strstr(printed, clear));
}

static void rotate_adds_a_token_that_may_do_the_same(void **state)
{
    assert_int_equal(run("add", "acme", "--scopes", "logs", "--rate", "7", NULL), 0);
    const char *old = token();
    assert_int_equal(run("rotate", "acme", "--label", "new", NULL), 0);
    const char *new = token();
    assert_string_not_equal(old, new);
    assert_non_null(known(old, 1 << 30));
    const struct tenant *tenant = known(new, 0);
    assert_int_equal(tenant->scopes, SCOPE_LOGS);
    assert_int_equal(tenant->rate_limit_per_minute, 7);
    assert_string_equal(tenant->label, "new");
    char hex[ID_SHA256_HEX_BYTES];
    id_sha256_hex(old, strlen(old), hex);
    char *how = pool_printf(pool, "--token-prefix sha256:%.12s", hex);
    assert_non_null(strstr(said, how)); /* and doing that removes the old one */
    assert_int_equal(run("revoke", "--token-prefix", strstr(how, "sha256:"), NULL), 0);
    assert_null(known(old, 0));
    assert_non_null(known(new, 0));
    assert_int_equal(run("rotate", "nobody", NULL), 1);
}

static void rotate_with_grace_ends_the_old_ones_by_itself(void **state)
{
    assert_int_equal(run("add", "acme", "--expires", "2026-03-04T05:07:07Z", NULL), 0);
    const char *soon = token();
    assert_int_equal(run("add", "acme", NULL), 0);
    const char *old = token();
    assert_int_equal(run("rotate", "acme", "--grace", "3600", NULL), 0);
    const char *new = token();
    assert_non_null(known(old, 3599));
    assert_null(known(old, 3600));
    assert_non_null(known(soon, 59));
    assert_null(known(soon, 60)); /* not prolonged */
    assert_non_null(known(new, 1 << 30));
}

static void revoke_takes_what_is_meant_and_nothing_else(void **state)
{
    put("{\"tenant_keys\":{\"abcd1111111111111111\":{\"tenant_id\":\"acme\",\"label\":\"a\"},"
        "\"abcd2222222222222222\":{\"tenant_id\":\"acme\",\"label\":\"b\"},"
        "\"abcd3333333333333333\":{\"tenant_id\":\"beta\",\"label\":\"b\"}}}");
    char *before = content();
    assert_int_equal(run("revoke", "--token-prefix", "abcd", NULL), 1);
    assert_non_null(strstr(said, "3 tokens"));
    assert_int_equal(run("revoke", "--label", "b", NULL), 1);
    assert_int_equal(run("revoke", "nobody", NULL), 1);
    assert_string_equal(content(), before);
    assert_int_equal(run("revoke", "acme", "--label", "b", NULL), 0);
    assert_null(known("abcd2222222222222222", 0));
    assert_int_equal(run("revoke", "--token-prefix", "abcd33", NULL), 0);
    assert_null(known("abcd3333333333333333", 0));
    assert_non_null(known("abcd1111111111111111", 0));
    assert_int_equal(run("revoke", "acme", NULL), 0);
    assert_null(known("abcd1111111111111111", 0));
    assert_null(strstr(said, "abcd1111111111111111"));
}

static void the_file_behind_a_link_is_the_one_that_changes(void **state)
{
    char *real = pool_printf(pool, "%s/real", dir);
    struct stat st;
    put("{\"tenant_keys\":{}}");
    assert_int_equal(rename(keys, real), 0);
    assert_int_equal(symlink("real", keys), 0);
    assert_int_equal(run("add", "acme", NULL), 0);
    assert_int_equal(lstat(keys, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    keys = real;
    assert_non_null(known(token(), 0));
}

static void a_file_given_by_flag_wins_over_the_environment(void **state)
{
    char *other = pool_printf(pool, "%s/other", dir);
    assert_int_equal(run("add", "acme", "--keys", other, NULL), 0);
    assert_int_not_equal(access(keys, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(run("add", "acme", "--keys", "/nonexistent/dir/keys", NULL), 1);
    assert_string_equal(printed, "");
}

static void mistakes_of_other_entries_are_said_and_stay(void **state)
{
    put("{\"tenant_keys\":{\"aaaaaaaaaaaaaaaaaaaa\":{\"tenant_id\":\"bad\",\"scopes\":1}}}");
    assert_int_equal(run("add", "acme", NULL), 0);
    assert_non_null(strstr(said, "warning: tenant 'bad'"));
    assert_non_null(known(token(), 0));
    assert_non_null(strstr(content(), "\"scopes\": 1"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(add_makes_a_private_file_and_prints_the_token_once),
        TEST(what_is_not_given_is_not_written),
        TEST(a_hashed_token_is_nowhere_in_the_file),
        TEST(a_token_can_go_to_a_file_of_its_own),
        TEST(unknown_fields_and_the_order_stay),
        TEST(a_broken_file_is_refused_with_its_place_and_left_alone),
        TEST(a_token_that_would_not_work_is_not_written),
        TEST(wrong_words_are_usage_errors),
        TEST(list_shows_no_token),
        TEST(rotate_adds_a_token_that_may_do_the_same),
        TEST(rotate_with_grace_ends_the_old_ones_by_itself),
        TEST(revoke_takes_what_is_meant_and_nothing_else),
        TEST(the_file_behind_a_link_is_the_one_that_changes),
        TEST(a_file_given_by_flag_wins_over_the_environment),
        TEST(mistakes_of_other_entries_are_said_and_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
