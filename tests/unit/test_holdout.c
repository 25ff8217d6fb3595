#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gate/holdout.h"
#include "gate/task_file.h"
#include "sys/file.h"

/* What version 1 was frozen as. A set that changes gets another version and another directory; this
 * line stays. */
#define SHIPPED_DIGEST "f77bdf577f9b538b197e8fc34b1f3f7af63c0139e73014e51255da34da8418ac"

#define MANIFEST(version, more)                                                                    \
    "{\"name\":\"h\",\"version\":" version                                                         \
    ",\"splits\":{\"visible_seed\":42,\"sealed_seed\":7},\"tasks\":["                              \
    "{\"task_id\":\"a\",\"task_text\":\"A\",\"plan\":\"a.json\",\"metadata\":{\"split\":"          \
    "\"visible\",\"mode\":\"plan\"}},"                                                             \
    "{\"task_id\":\"b\",\"task_text\":\"B\",\"plan\":\"b.txt\",\"metadata\":{\"split\":"           \
    "\"sealed\",\"mode\":\"words\"}},"                                                             \
    "{\"task_id\":\"c\",\"task_text\":\"C\",\"plan\":\"c.txt\",\"metadata\":{\"split\":"           \
    "\"sealed\",\"mode\":\"cua\"}}" more "]}"

static struct pool *pool;
static char dir[64];

static void put(const char *name, const char *text)
{
    struct err err = {0};
    assert_int_equal(
        file_write_atomic(pool_printf(pool, "%s/%s", dir, name), text, strlen(text), 0600, &err),
        0);
}

static int make_holdout(void **state)
{
    pool = pool_create(NULL);
    snprintf(dir, sizeof(dir), "/tmp/mantis-holdout-XXXXXX");
    assert_non_null(mkdtemp(dir));
    put("manifest.json", MANIFEST("1", ""));
    put("a.json", "[{\"type\":\"navigate\",\"intent\":\"Open it\"}]\n");
    put("b.txt", "1. Open {env_url}/\n2. Press \"Go\"\n");
    put("c.txt", "Press \"Go\".\n");
    return 0;
}

static int drop_holdout(void **state)
{
    struct err err = {0};
    assert_int_equal(file_remove_tree(dir, &err), 0);
    pool_destroy(pool);
    return 0;
}

static struct holdout frozen(void)
{
    struct holdout h;
    struct err err = {0};
    bool changed = false;
    assert_int_equal(holdout_freeze(pool, dir, &h, &changed, &err), 0);
    assert_true(changed);
    return h;
}

static void refused(int (*fn)(struct holdout *h, struct err *err), int code, const char *why)
{
    struct holdout h;
    struct err err = {0};
    assert_int_equal(fn(&h, &err), code);
    if (!strstr(err.msg, why))
        fail_msg("'%s' does not say '%s'", err.msg, why);
}

static int read_it(struct holdout *h, struct err *err)
{
    return holdout_read(pool, dir, h, err);
}

static int freeze_it(struct holdout *h, struct err *err)
{
    bool changed;
    return holdout_freeze(pool, dir, h, &changed, err);
}

static void what_was_never_frozen_is_refused(void **state)
{
    refused(read_it, E_INVALID, "holdout freeze");
}

static void a_frozen_set_reads_back_and_freezing_it_again_changes_nothing(void **state)
{
    struct holdout was = frozen(), is;
    struct err err = {0};
    bool changed = true;
    assert_int_equal(holdout_read(pool, dir, &is, &err), 0);
    assert_string_equal(is.digest, was.digest);
    assert_int_equal(strlen(is.digest), 64);
    assert_int_equal(holdout_freeze(pool, dir, &is, &changed, &err), 0);
    assert_false(changed);
}

static void a_changed_plan_is_refused_until_the_version_is_raised(void **state)
{
    const char *digest = frozen().digest;
    put("b.txt", "Open {env_url}/elsewhere\n");
    refused(read_it, E_CONFLICT, "b.txt is not what was frozen as h version 1");
    refused(freeze_it, E_CONFLICT, "raise 'version'");
    put("manifest.json", MANIFEST("2", ""));
    assert_string_not_equal(frozen().digest, digest);
    struct holdout h;
    struct err err = {0};
    assert_int_equal(holdout_read(pool, dir, &h, &err), 0);
    assert_int_equal(h.version, 2);
}

static void a_task_that_was_added_or_taken_away_is_a_change(void **state)
{
    frozen();
    put("manifest.json", MANIFEST("1", ",{\"task_id\":\"d\",\"plan\":\"c.txt\",\"metadata\":{"
                                       "\"split\":\"sealed\",\"mode\":\"cua\"}}"));
    refused(read_it, E_CONFLICT, "manifest.json");
}

static void a_task_without_a_plan_beside_the_manifest_is_refused(void **state)
{
    static const char *const plans[] = {"", "\"plan\":\"\",", "\"plan\":\"../a.json\",",
                                        "\"plan\":\"/etc/passwd\","};
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        put("manifest.json",
            pool_printf(pool, MANIFEST("1", ",{\"task_id\":\"d\",%s\"metadata\":{}}"), plans[i]));
        refused(freeze_it, E_INVALID, "task 'd' has no plan");
    }
    put("manifest.json", MANIFEST("1", ",{\"task_id\":\"d\",\"plan\":\"gone.txt\"}"));
    refused(freeze_it, E_NOT_FOUND, "the plan of task 'd'");
}

static void two_tasks_of_one_name_are_not_frozen(void **state)
{
    put("manifest.json",
        MANIFEST("1", ",{\"task_id\":\"a\",\"plan\":\"c.txt\",\"metadata\":{\"mode\":\"cua\"}}"));
    refused(freeze_it, E_INVALID, "a");
}

static const json_t *task_of(const json_t *doc, size_t i)
{
    return json_array_get(json_object_get(doc, "tasks"), i);
}

static void tasks_come_with_their_plans_seeds_and_the_digest(void **state)
{
    struct holdout h = frozen();
    struct err err = {0};
    json_t *doc;
    assert_int_equal(holdout_tasks(pool, &h, "all", NULL, &doc, &err), 0);
    assert_int_equal(json_array_size(json_object_get(doc, "tasks")), 3);
    assert_string_equal(json_str(json_object_get(doc, "holdout"), "digest", ""), h.digest);
    assert_int_equal(json_array_size(json_object_get(task_of(doc, 0), "micro_plan")), 1);
    assert_string_equal(json_str(task_of(doc, 1), "plan_text", ""),
                        "1. Open {env_url}/\n2. Press \"Go\"");
    assert_string_equal(json_str(task_of(doc, 2), "task_text", ""), "Press \"Go\".");
    assert_null(json_object_get(task_of(doc, 2), "plan_text"));
    assert_int_equal(json_int(json_object_get(task_of(doc, 0), "metadata"), "seed", 0), 42);
    assert_int_equal(json_int(json_object_get(task_of(doc, 1), "metadata"), "seed", 0), 7);
}

static void a_split_or_named_tasks_may_be_chosen(void **state)
{
    struct holdout h = frozen();
    struct err err = {0};
    json_t *doc;
    assert_int_equal(holdout_tasks(pool, &h, "sealed", NULL, &doc, &err), 0);
    assert_int_equal(json_array_size(json_object_get(doc, "tasks")), 2);
    assert_int_equal(
        holdout_tasks(pool, &h, "sealed", (const char *const[]){"a", "a", NULL}, &doc, &err), 0);
    assert_int_equal(json_array_size(json_object_get(doc, "tasks")), 1);
    assert_string_equal(json_str(task_of(doc, 0), "task_id", ""), "a");
    assert_int_equal(
        holdout_tasks(pool, &h, "sealed", (const char *const[]){"nope", NULL}, &doc, &err),
        E_INVALID);
    assert_non_null(strstr(err.msg, "'nope'"));
    err_clear(&err);
    assert_int_equal(holdout_tasks(pool, &h, "secret", NULL, &doc, &err), E_INVALID);
}

static void the_shipped_set_is_the_one_that_was_frozen(void **state)
{
    struct holdout h;
    struct err err = {0};
    struct task_file tasks;
    json_t *doc;
    const char *root = getenv("MANTIS_SOURCE_ROOT");
    if (!root)
        skip();
    if (holdout_read(pool, pool_printf(pool, "%s/gate/holdout/v1", root), &h, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(h.digest, SHIPPED_DIGEST);
    assert_int_equal(holdout_tasks(pool, &h, "all", NULL, &doc, &err), 0);
    assert_int_equal(task_file_parse(pool, doc, "shipped", &tasks, &err), 0);
    assert_true(tasks.n >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_never_frozen_is_refused, make_holdout,
                                        drop_holdout),
        cmocka_unit_test_setup_teardown(
            a_frozen_set_reads_back_and_freezing_it_again_changes_nothing, make_holdout,
            drop_holdout),
        cmocka_unit_test_setup_teardown(a_changed_plan_is_refused_until_the_version_is_raised,
                                        make_holdout, drop_holdout),
        cmocka_unit_test_setup_teardown(a_task_that_was_added_or_taken_away_is_a_change,
                                        make_holdout, drop_holdout),
        cmocka_unit_test_setup_teardown(a_task_without_a_plan_beside_the_manifest_is_refused,
                                        make_holdout, drop_holdout),
        cmocka_unit_test_setup_teardown(two_tasks_of_one_name_are_not_frozen, make_holdout,
                                        drop_holdout),
        cmocka_unit_test_setup_teardown(tasks_come_with_their_plans_seeds_and_the_digest,
                                        make_holdout, drop_holdout),
        cmocka_unit_test_setup_teardown(a_split_or_named_tasks_may_be_chosen, make_holdout,
                                        drop_holdout),
        cmocka_unit_test_setup_teardown(the_shipped_set_is_the_one_that_was_frozen, make_holdout,
                                        drop_holdout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
