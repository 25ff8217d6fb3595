#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/settings.h"

static struct pool *pool;
static char dir[64];
static struct settings s;
static const char *const *warnings;
static struct err err;

static int set_up(void **state)
{
    clearenv(); /* what the shell happens to export is not part of a test */
    pool = pool_create(NULL);
    snprintf(dir, sizeof(dir), "/tmp/test_settings_XXXXXX");
    assert_non_null(mkdtemp(dir));
    setenv("MANTIS_SECRETS_DIR", dir, 1);
    err_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static const char *put(const char *name, const char *text)
{
    const char *path = pool_printf(pool, "%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    return path;
}

static int load(const char *config)
{
    return settings_load(pool, config, &s, &warnings, &err);
}

static void defaults_need_no_environment(void **state)
{
    setenv("HOME", "/home/nobody", 1);
    assert_int_equal(load(NULL), 0);
    assert_null(warnings[0]);
    assert_string_equal(s.host, "0.0.0.0");
    assert_int_equal(s.port, 8000);
    assert_string_equal(s.brain, "page");
    assert_string_equal(s.api_token, "");
    assert_int_equal(s.concurrency, 1);
    assert_int_equal(s.max_steps_per_plan, 200);
    assert_int_equal(s.max_loop_iterations, 50);
    assert_int_equal(s.max_runtime_minutes, 60);
    assert_true(s.max_cost_usd == 25.0);
    assert_true(s.nav_wait_s == 18);
    assert_int_equal(s.type_delay_ms, 0);
    assert_int_equal(s.display_width, 1280);
    assert_int_equal(s.display_height, 720);
    assert_int_equal(s.run_uid_base, 460000);
    assert_true(s.pause_on_captcha);
    assert_true(s.auto_url_gate);
    assert_false(s.sandbox_off);
    assert_int_equal(s.data_dir[0], '/');
    assert_string_equal(s.env_url, "");
}

static void environment_wins_over_the_file_and_the_file_over_defaults(void **state)
{
    const char *config = put(
        "c.env", "# a comment\n\n MANTIS_GIT_SHA = \"abc def\"\nMANTIS_BROWSER='/b'\n"
                 "MANTIS_RUNTIME_CONCURRENCY=3\nMANTIS_TYPE_DELAY_MS=5\nMANTIS_TYPE_DELAY_MS=6\n"
                 "MANTIS_API_TOKEN=from-file\n");
    setenv("MANTIS_RUNTIME_CONCURRENCY", "2", 1);
    setenv("MANTIS_BROWSER", "", 1); /* empty counts as none */
    setenv("MANTIS_CHROMIUM_SANDBOX", "off", 1);
    setenv("MANTIS_AUTO_URL_GATE", "Disabled", 1);
    setenv("MANTIS_NAV_WAIT_SECONDS", "500", 1);
    assert_int_equal(load(config), 0);
    assert_null(warnings[0]);
    assert_string_equal(s.git_sha, "abc def");
    assert_string_equal(s.browser, "/b");
    assert_int_equal(s.concurrency, 2);
    assert_int_equal(s.type_delay_ms, 6);
    assert_string_equal(s.api_token, "from-file");
    assert_true(s.sandbox_off);
    assert_false(s.auto_url_gate);
    assert_true(s.nav_wait_s == 120); /* clamped */
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"MANTIS_RUNTIME_CONCURRENCY", "0"},
        {"MANTIS_RUNTIME_CONCURRENCY", "1.5"},
        {"MANTIS_RUNTIME_CONCURRENCY", "many"},
        {"MANTIS_DISPLAY_WIDTH", "99999"},
        {"MANTIS_PAUSE_ON_CAPTCHA", "perhaps"},
        {"MANTIS_CHROMIUM_SANDBOX", "2"},
        {"MANTIS_NAV_WAIT_SECONDS", "soon"},
        {"MANTIS_REPO_ROOT", "/nonexistent/tree"},
        {"MANTIS_RUN_TTL_DAYS", "-1"},
        {"MANTIS_ARTIFACT_TTL_DAYS", "soon"},
        {"MANTIS_WEBHOOK_ALLOW_PRIVATE", "maybe"},
        {"MANTIS_SELFTEST", "loud"},
        {"MANTIS_SELFTEST_TIMEOUT_S", "0"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setenv(cases[i].key, cases[i].value, 1);
        if (load(NULL) != E_INVALID)
            fail_msg("%s=%s was accepted", cases[i].key, cases[i].value);
        assert_non_null(strstr(err.msg, cases[i].key));
        unsetenv(cases[i].key);
    }
}

static void server_caps_that_cannot_be_read_fall_back_with_a_warning(void **state)
{
    setenv("MANTIS_MAX_STEPS_PER_PLAN", "lots", 1);
    setenv("MANTIS_MAX_COST_USD", "-1", 1);
    setenv("MANTIS_MAX_LOOP_ITERATIONS", "7", 1);
    assert_int_equal(load(NULL), 0);
    assert_int_equal(s.max_steps_per_plan, 200);
    assert_true(s.max_cost_usd == 25.0);
    assert_int_equal(s.max_loop_iterations, 7);
    assert_non_null(strstr(warnings[0], "MANTIS_MAX_STEPS_PER_PLAN"));
    assert_non_null(strstr(warnings[1], "MANTIS_MAX_COST_USD"));
    assert_null(warnings[2]);
}

static void a_config_file_is_checked_line_by_line(void **state)
{
    assert_int_equal(load(put("bad.env", "MANTIS_BRAIN=page\nnonsense\n")), E_INVALID);
    assert_non_null(strstr(err.msg, "line 2"));
    assert_int_equal(load("/nonexistent/mantis.env"), E_INVALID);
    assert_non_null(strstr(err.msg, "/nonexistent/mantis.env"));
    assert_int_equal(load(put("typo.env", "MANTIS_BRIAN=mock\n")), 0);
    assert_non_null(strstr(warnings[0], "MANTIS_BRIAN"));
    assert_string_equal(s.brain, "page");
}

static void the_token_comes_from_the_secrets_directory_last(void **state)
{
    put("real", "  s3cret\n");
    assert_int_equal(symlink("real", pool_printf(pool, "%s/mantis_api_token", dir)), 0);
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.api_token, "s3cret"); /* trimmed, through the link a mount makes */
    setenv("MANTIS_API_TOKEN", "from-env", 1);
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.api_token, "from-env");
}

static void a_token_file_that_cannot_be_used_is_not_no_token(void **state)
{
    const char *path = pool_printf(pool, "%s/mantis_api_token", dir);
    char *big = pool_alloc(pool, 5001);
    memset(big, 'x', 5000);
    put("mantis_api_token", big);
    assert_int_equal(load(NULL), E_INVALID);
    assert_non_null(strstr(err.msg, "mantis_api_token"));
    setenv("MANTIS_API_TOKEN", "from-env", 1); /* then the file is not asked */
    assert_int_equal(load(NULL), 0);
    unsetenv("MANTIS_API_TOKEN");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(load(NULL), E_INVALID);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.api_token, "");
}

static void a_keys_file_comes_before_the_token(void **state)
{
    put("mantis_api_token", pool_printf(pool, "%2000s", "x")); /* not even read */
    setenv("MANTIS_TENANT_KEYS_PATH", "keys.json", 1);
    setenv("MANTIS_API_TOKEN", "old", 1);
    assert_int_equal(load(NULL), 0);
    char *cwd = getcwd(NULL, 0);
    assert_string_equal(s.tenant_keys_path, pool_printf(pool, "%s/keys.json", cwd));
    free(cwd);
    assert_string_equal(s.api_token, "");
    assert_non_null(strstr(warnings[0], "MANTIS_API_TOKEN"));
    setenv("MANTIS_TENANT_KEYS_JSON", "{}", 1);
    assert_int_equal(load(NULL), E_INVALID); /* which of the two? */
    assert_non_null(strstr(err.msg, "MANTIS_TENANT_KEYS_PATH"));
    assert_non_null(strstr(err.msg, "MANTIS_TENANT_KEYS_JSON"));
    unsetenv("MANTIS_TENANT_KEYS_PATH");
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.tenant_keys_json, "{}");
    assert_string_equal(s.api_token, "");
}

static void secrets_are_hidden_once_read(void **state)
{
    static const char *const names[] = {"MANTIS_API_TOKEN", "MANTIS_TENANT_KEYS_JSON",
                                        "MANTIS_METRICS_TOKEN", "MANTIS_WEBHOOK_SECRET_DEFAULT"};
    const char *seen[ARRAY_SIZE(names)];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        setenv(names[i], "s3cret\n", 1); /* as a file read by a shell may end */
        seen[i] = getenv(names[i]);
    }
    assert_int_equal(load(NULL), 0);
    settings_hide_secrets();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_null(getenv(names[i]));
        assert_string_equal(seen[i], ""); /* where /proc/<pid>/environ would find it */
    }
    assert_string_equal(s.tenant_keys_json, "s3cret\n");
    assert_string_equal(s.api_token, "");
    assert_string_equal(s.metrics_token, "s3cret");
    assert_string_equal(s.webhook_secret_default, "s3cret");
    assert_non_null(getenv("MANTIS_SECRETS_DIR"));
}

static void costs_that_cannot_be_read_end_the_start(void **state)
{
    static const struct {
        const char *key;
        const double *value;
        double def;
    } costs[] = {
        {"MANTIS_COST_GPU_HOURLY_USD", &s.cost_gpu_hourly_usd, 3.25},
        {"MANTIS_COST_CLAUDE_CALL_USD", &s.cost_claude_call_usd, 0.003},
        {"MANTIS_COST_CLAUDE_INPUT_PER_MTOK", &s.cost_claude_input_per_mtok, 3},
        {"MANTIS_COST_CLAUDE_OUTPUT_PER_MTOK", &s.cost_claude_output_per_mtok, 15},
        {"MANTIS_COST_CLAUDE_CACHED_INPUT_PER_MTOK", &s.cost_claude_cached_input_per_mtok, 0.3},
        {"MANTIS_COST_PROXY_PER_GB_USD", &s.cost_proxy_per_gb_usd, 5},
        {"MANTIS_COST_GPU_SECONDS_PER_STEP", &s.cost_gpu_seconds_per_step, 3},
        {"MANTIS_COST_PROXY_MB_PER_NAV", &s.cost_proxy_mb_per_nav, 5},
        {"MANTIS_COST_PROXY_MB_PER_SCROLL", &s.cost_proxy_mb_per_scroll, 0.5},
    };
    static const char *const bad[] = {"free", "-1", "1,5", "nan", "inf", "3.25 USD"};
    for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
        assert_int_equal(load(NULL), 0);
        assert_true(*costs[i].value == costs[i].def);
        for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
            setenv(costs[i].key, bad[k], 1);
            if (load(NULL) != E_INVALID)
                fail_msg("%s=%s was accepted", costs[i].key, bad[k]);
            assert_non_null(strstr(err.msg, costs[i].key));
        }
        setenv(costs[i].key, "0", 1);
        assert_int_equal(load(NULL), 0);
        assert_true(*costs[i].value == 0);
        unsetenv(costs[i].key);
    }
}

static void the_docs_pages_need_a_clear_yes(void **state)
{
    static const struct {
        const char *value;
        bool on;
    } cases[] = {
        {"", true},   {"1", true},   {"TRUE", true}, {"yes", true},     {"on", true},
        {"0", false}, {"no", false}, {"off", false}, {"enable", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setenv("MANTIS_ENABLE_DOCS_UI", cases[i].value, 1);
        assert_int_equal(load(NULL), 0);
        assert_int_equal(s.docs_ui, cases[i].on);
    }
}

static void rows_of_the_service_have_their_defaults(void **state)
{
    assert_int_equal(load(NULL), 0);
    assert_int_equal(s.run_ttl_days, 7);
    assert_int_equal(s.artifact_ttl_days, 3);
    assert_false(s.webhook_allow_private);
    assert_string_equal(s.metrics_token, "");
    assert_string_equal(s.webhook_secret_default, "");
    assert_string_equal(s.deploy_age_warn, "");
    assert_string_equal(s.version, MANTIS_VERSION);
    assert_string_equal(s.secrets_dir, dir);
    unsetenv("MANTIS_SECRETS_DIR");
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.secrets_dir, "/secrets");
}

static void tools_find_the_keys_file_like_the_server(void **state)
{
    assert_string_equal(settings_keys_path(pool, NULL),
                        pool_printf(pool, "%s/mantis_tenant_keys", dir));
    setenv("MANTIS_TENANT_KEYS_PATH", "/k/from-env", 1);
    assert_string_equal(settings_keys_path(pool, ""), "/k/from-env");
    assert_string_equal(settings_keys_path(pool, "/k/given"), "/k/given");
}

static void the_brain_is_named_by_two_variables(void **state)
{
    setenv("MANTIS_MODEL", "mock", 1);
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.brain, "mock");
    setenv("MANTIS_BRAIN", "none", 1);
    assert_int_equal(load(NULL), 0);
    assert_string_equal(s.brain, "none");
}

static void directories_follow_their_rules(void **state)
{
    setenv("MANTIS_DATA_DIR", "relative/data", 1);
    setenv("MANTIS_REPO_ROOT", dir, 1);
    assert_int_equal(mkdir(pool_printf(pool, "%s/sites", dir), 0700), 0);
    assert_int_equal(load(NULL), 0);
    char *cwd = getcwd(NULL, 0);
    assert_string_equal(s.data_dir, pool_printf(pool, "%s/relative/data", cwd));
    free(cwd);
    assert_string_equal(s.repo_root, dir);
    assert_string_equal(s.share_dir, dir);
}

static void folders_of_one_s_own(void **state)
{
    static const char *const keys[] = {"MANTIS_PROFILES_DIR", "MANTIS_PROMPTS_DIR"};
    const char **const fields[] = {&s.profiles_dir, &s.prompts_dir};
    const char *other = pool_printf(pool, "%s/sites", dir);
    assert_int_equal(mkdir(other, 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *file = put("own.env", pool_printf(pool, "%s=%s\n", keys[i], dir));
        assert_int_equal(load(NULL), 0);
        assert_string_equal(*fields[i], "");
        assert_int_equal(load(file), 0);
        assert_string_equal(*fields[i], dir);
        setenv(keys[i], other, 1); /* the environment wins */
        assert_int_equal(load(file), 0);
        assert_string_equal(*fields[i], other);
        setenv(keys[i], file, 1);
        assert_int_equal(load(NULL), E_INVALID);
        assert_non_null(strstr(err.msg, keys[i]));
        assert_non_null(strstr(err.msg, file));
        unsetenv(keys[i]);
    }
}

static void help_names_every_setting_once(void **state)
{
    char *help = settings_help(pool);
    for (char *line = help; *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line + 2, " ");
        char *key = pool_strndup(pool, line, len + 3); /* with the blanks around it */
        assert_null(strstr(line + 1, key));
    }
    assert_non_null(strstr(help, "MANTIS_MAX_COST_USD"));
    assert_non_null(strstr(help, "[460000]"));
}

/* What helps a brain is on; the operator switches each off by itself. */
#define SWITCH(row, name, field, on)                                                               \
    {                                                                                              \
        row, name, offsetof(struct settings, field), on                                            \
    }
static const struct toggle {
    const char *row, *name;
    size_t at;
    bool on; /* by default */
} toggles[] = {
    SWITCH("agent-loop 6 MANTIS_DONE_GATE=disabled", "MANTIS_DONE_GATE", done_gate, true),
    SWITCH("agent-loop 5.3 MANTIS_LOOP_RECOVERY=disabled", "MANTIS_LOOP_RECOVERY", loop_recovery,
           true),
    SWITCH("agent-loop 5.2 MANTIS_LOOP_ADAPTIVE=disabled", "MANTIS_LOOP_ADAPTIVE", loop_adaptive,
           true),
    SWITCH("agent-loop 5.1 MANTIS_ADAPTIVE_CLICK_TOL=disabled", "MANTIS_ADAPTIVE_CLICK_TOL",
           adaptive_click_tol, true),
    SWITCH("agent-loop 8.1 MANTIS_PREDICATE_VERIFY=disabled", "MANTIS_PREDICATE_VERIFY",
           predicate_verify, true),
    SWITCH("agent-loop 8.2 MANTIS_PERCEPTUAL_VERIFY=disabled", "MANTIS_PERCEPTUAL_VERIFY",
           perceptual_verify, true),
    SWITCH("agent-loop 7 MANTIS_FORM_CONTROLLER=disabled", "MANTIS_FORM_CONTROLLER",
           form_controller, true),
    SWITCH("agent-loop 2.1 MANTIS_VERIFY_TYPE=disabled", "MANTIS_VERIFY_TYPE", verify_type, true),
    SWITCH("agent-loop 7.4 MANTIS_CUA_DIRECTOR=disabled", "MANTIS_CUA_DIRECTOR", cua_director,
           true),
    SWITCH("agent-loop 9.4 MANTIS_RECOVERY_TAB_BLUR=disabled", "MANTIS_RECOVERY_TAB_BLUR",
           recovery_tab_blur, true),
    SWITCH("agent-loop 9.3 MANTIS_CRITIC_FRONTIER=enabled", "MANTIS_CRITIC_FRONTIER",
           critic_frontier, false),
    SWITCH("brains 10 MANTIS_PHONE_REEXTRACT=0", "MANTIS_PHONE_REEXTRACT", phone_reextract, true),
};

static void a_switch_turns_its_own_field(void **state)
{
    const struct toggle *t = *state;
    setenv(t->name, t->on ? "disabled" : "enabled", 1);
    assert_int_equal(load(NULL), 0);
    for (size_t i = 0; i < sizeof(toggles) / sizeof(*toggles); i++) {
        bool now = *(bool *)((char *)&s + toggles[i].at);
        assert_int_equal(now, &toggles[i] == t ? !t->on : toggles[i].on);
    }
}

static int run_toggles(void)
{
    struct CMUnitTest tests[sizeof(toggles) / sizeof(*toggles)];
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tests[i] = (struct CMUnitTest){toggles[i].row, a_switch_turns_its_own_field, set_up,
                                       tear_down, (void *)&toggles[i]};
    return cmocka_run_group_tests_name("toggles", tests, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_need_no_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(environment_wins_over_the_file_and_the_file_over_defaults,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(server_caps_that_cannot_be_read_fall_back_with_a_warning,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_config_file_is_checked_line_by_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_token_comes_from_the_secrets_directory_last, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_file_that_cannot_be_used_is_not_no_token, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_keys_file_comes_before_the_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_are_hidden_once_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(costs_that_cannot_be_read_end_the_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_docs_pages_need_a_clear_yes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_of_the_service_have_their_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tools_find_the_keys_file_like_the_server, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_brain_is_named_by_two_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(directories_follow_their_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_of_one_s_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(help_names_every_setting_once, set_up, tear_down),
    };
    int wrong = cmocka_run_group_tests(tests, NULL, NULL);
    return wrong + run_toggles();
}
