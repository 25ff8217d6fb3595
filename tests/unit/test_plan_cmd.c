/* `mantis plan validate`, `dry-run`, `walk` and `init`: exit codes and files (plans.md 13 and 14). */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "sys/file.h"
#include "unit/capture.h"

static struct pool *pool;
static char dir[64], start[4096];
static char *printed, *said;

/* Plan files are made where the command stands. */
static int set_up(void **state)
{
    pool = pool_create(NULL);
    unsetenv("ANTHROPIC_API_KEY"); /* no test asks a model */
    setenv("MANTIS_SECRETS_DIR", "/nonexistent", 1);
    memcpy(dir, "/tmp/test_plan_cmd_XXXXXX", sizeof("/tmp/test_plan_cmd_XXXXXX"));
    assert_non_null(mkdtemp(dir));
    assert_non_null(getcwd(start, sizeof(start)));
    return chdir(dir);
}

static int tear_down(void **state)
{
    pool_destroy(pool);
    return chdir(start) || file_remove_tree(dir, NULL);
}

/* `mantis plan` with words, blank-separated; "|" in a word is a blank. */
static int run(const char *words)
{
    char *argv[16] = {(char *)(uintptr_t) "plan"};
    int argc = 1;
    for (char *w = strtok(pool_strdup(pool, words), " "); w; w = strtok(NULL, " ")) {
        for (char *p = w; *p; p++)
            *p = *p == '|' ? ' ' : *p;
        argv[argc++] = w;
    }
    struct capture out = capture_begin(stdout), errors = capture_begin(stderr);
    int code = cmd_plan(argc, argv);
    said = capture_end(pool, &errors);
    printed = capture_end(pool, &out);
    return code;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(name, text, strlen(text), 0644, NULL), 0);
}

#define NAV "{\"type\":\"navigate\",\"intent\":\"Open https://a.test/\"}"

/* clang-format off */
static const struct code_case {
    const char *row, *plan; /* NULL: there is no file */
    const char *words;
    int code;
    const char *prints;
} code_cases[] = {
    {"plans 13 validate exits with 0 for a clean plan", "[" NAV "]", "validate p.json", 0, "no issues"},
    {"plans 13 validate exits with 1 for an error", "[{\"type\":\"wait\",\"intent\":\"w\"}]", "validate p.json", 1, "missing_navigate"},
    {"plans 13 validate exits with 2 for warnings only", "[" NAV ",{\"type\":\"dance\",\"intent\":\"x\"}]", "validate p.json", 2, "unknown_step_type"},
    {"plans 13 validate exits with 1 for what cannot be read", "[{", "validate p.json", 1, ""},
    {"plans 13 validate exits with 1 for a file that is not there", NULL, "validate p.json", 1, ""},
    {"plans 13 validate --json exits alike", "[{\"type\":\"wait\",\"intent\":\"w\"}]", "validate p.json --json", 1, "\"code\": \"missing_navigate\""},
    {"plans 14 dry-run exits with 0 whatever is wrong with the plan", "[{\"type\":\"wait\",\"intent\":\"w\"}]", "dry-run p.json", 0, "[00] wait"},
    {"plans 14 dry-run exits with 1 for what cannot be read", "[{", "dry-run p.json", 1, ""},
    {"plans 14 dry-run --json has the label, domain, count and sections", "[" NAV "]", "dry-run p.json --json", 0, "\"domain\": \"a.test\""},
    {"plans 14 dry-run shows words as the steps they become", "Open https://a.test/.", "dry-run p.txt", 0, "[00] navigate"},
    {"plans 14 walk follows what --set says", "[" NAV ",{\"type\":\"detect_visible\",\"intent\":\"x\",\"out_var\":\"v\"},{\"type\":\"wait\",\"intent\":\"w\",\"guard\":\"v\"}]", "walk p.json --set v=true", 0, "completed"},
};
/* clang-format on */

static void a_command_ends_with_its_code(void **state)
{
    const struct code_case *c = *state;
    if (c->plan)
        put(strstr(c->words, "p.txt") ? "p.txt" : "p.json", c->plan);
    int code = run(c->words);
    if (code != c->code || !strstr(printed, c->prints))
        fail_msg("%d: %s%s", code, printed, said);
}

/* --- init ------------------------------------------------------------------------------------ */

static json_t *written(const char *name)
{
    json_t *plan = NULL;
    if (json_parse_file(name, &plan, NULL))
        fail_msg("%s is not there (%s)", name, said);
    return json_keep(pool, plan);
}

static void init_writes_a_plan_named_after_the_host(void **state)
{
    run("init https://www.Foo-Bar.example/x --task Click|\"Sale\".");
    const json_t *steps = json_object_get(written("foo_bar_example_plan.json"), "steps");
    assert_string_equal(json_str(json_array_get(steps, 0), "type", ""), "navigate");
    assert_string_equal(json_str(json_object_get(json_array_get(steps, 0), "params"), "url", ""),
                        "https://www.Foo-Bar.example/x");
    assert_string_equal(json_str(json_object_get(json_array_get(steps, 1), "params"), "label", ""),
                        "Sale");
}

static void init_exits_as_validate_and_shows_findings_and_preview(void **state)
{
    int code = run("init https://a.test/ --task Scroll|down. --output p.json");
    const char *shown = printed;
    assert_int_equal(run("validate p.json"), code);
    assert_non_null(strstr(shown, printed)); /* the findings */
    assert_int_equal(run("dry-run p.json"), 0);
    assert_non_null(strstr(shown, printed)); /* and the preview */
}

static void init_leaves_out_what_is_not_wanted(void **state)
{
    assert_int_equal(run("init https://a.test/ --task Scroll|down. --no-validate --no-dry-run"), 0);
    assert_string_equal(printed, "");
    written("a_test_plan.json");
}

static void init_replaces_nothing_unless_told(void **state)
{
    put("p.json", "mine");
    assert_int_equal(run("init https://a.test/ --task Scroll|down. --output p.json"), 1);
    assert_non_null(strstr(said, "--overwrite"));
    assert_int_equal(access("p.json", F_OK), 0);
    run("init https://a.test/ --task Scroll|down. --output p.json --overwrite");
    written("p.json");
}

static void init_asks_for_the_key_of_a_model(void **state)
{
    assert_int_equal(run("init https://a.test/ --task Scroll|down. --model claude-haiku-4-5"), 1);
    assert_non_null(strstr(said, "ANTHROPIC_API_KEY"));
    assert_int_equal(access("a_test_plan.json", F_OK), -1);
    assert_int_not_equal(run("init https://a.test/ --task Scroll|down. --model rules"), 1);
    assert_int_not_equal(run("init https://a.test/ --task Scroll|down. --no-model --overwrite"), 1);
}

static void init_names_what_it_does_not_understand(void **state)
{
    assert_int_equal(run("init https://a.test/ --task Ponder|the|sea. --output p.json"), 1);
    assert_non_null(strstr(said, "Ponder the sea"));
    assert_int_not_equal(access("p.json", F_OK), 0);
}

#define T(row, fn) {row, fn, set_up, tear_down, NULL}

static const struct CMUnitTest plain_tests[] = {
    T("plans 14 init writes the plan to a file named after the host",
      init_writes_a_plan_named_after_the_host),
    T("plans 14 init prints findings and preview and exits as validate",
      init_exits_as_validate_and_shows_findings_and_preview),
    T("plans 14 init --no-validate and --no-dry-run", init_leaves_out_what_is_not_wanted),
    T("plans 14 init replaces a file with --overwrite only", init_replaces_nothing_unless_told),
    T("plans 14 init names the clause that is not understood", init_names_what_it_does_not_understand),
    T("plans 14 init --model without a key says what is missing", init_asks_for_the_key_of_a_model),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(plain_tests) + ARRAY_SIZE(code_cases)], *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(plain_tests); i++)
        *next++ = plain_tests[i];
    for (size_t i = 0; i < ARRAY_SIZE(code_cases); i++)
        *next++ = (struct CMUnitTest){code_cases[i].row, a_command_ends_with_its_code, set_up,
                                      tear_down, (void *)&code_cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
