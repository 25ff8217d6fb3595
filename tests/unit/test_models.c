/*
 * A worker's links to models, through a real gateway on the same loop to the scripted model server:
 * what the brain is told when it may not pay, is refused, or is cancelled.
 */
#include "unit/gateway_rig.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "reader/model_reader.h"
#include "run/minds.h"
#include "run/models.h"

#define SONNET "claude-sonnet-4-6"

static struct models *open_models(const struct gateway_run *run)
{
    json_t *message = json_keep(rig.pool, gateway_link(run));
    return models_open(rig.pool, rig.loop, message);
}

static int ask(struct models *models, const char *name, const char *text, struct said *said,
               struct err *err)
{
    const struct model_link *link;
    const struct profile *profile;
    json_t *body = json_pack("{s:s,s:i,s:[{s:s,s:s}]}", "model", SONNET, "max_tokens", 100,
                             "messages", "role", "user", "content", text);
    json_keep(rig.pool, body);
    if (models_link(models, name, &link, err) ||
        profile_load(rig.pool, &link->dirs, name, &profile, err))
        fail_msg("%s", err->msg);
    return model_ask(rig.pool, link, profile, body, clock_mono_ms() + 30000, said, err);
}

static void a_run_without_a_gateway_has_no_models(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct loop *loop;
    struct err err = {0};
    const struct model_link *link;
    assert_int_equal(loop_create(&loop, &err), 0);
    struct models *models = models_open(pool, loop, NULL);
    assert_int_equal(models_link(models, "holo3", &link, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "'holo3' cannot be asked"));
    pool_destroy(pool);
    loop_destroy(loop);
}

static void a_plan_may_name_the_model_that_extracts(void **state)
{
    static const char *const plans[][2] = {
        {"{}", SONNET}, {"{\"runtime\":{\"extractor_model\":\"claude-x\"}}", "claude-x"}};
    rig_set_up("[{\"text\":\"hello\"}]");
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        struct minds minds;
        struct err err = {0};
        json_t *start = json_pack("{s:s,s:s,s:o,s:o}", "brain", "page", "reader", "claude", "model",
                                  gateway_link(rig_run("acme", i ? "r2" : "r1", 1)), "plan",
                                  json_loads(plans[i][0], 0, NULL));
        if (minds_open(rig.pool, rig.loop, json_keep(rig.pool, start), NULL, NULL, &minds, &err))
            fail_msg("%s", err.msg);
        assert_string_equal(model_reader_of(minds.reader)->models[ROLE_EXTRACT], plans[i][1]);
        minds_close(&minds);
    }
    rig_tear_down();
}

static void a_link_knows_whose_server_it_is(void **state)
{
    const struct model_link *pod, *hosted, *again;
    struct err err = {0};
    rig_set_up("[{\"text\":\"hello\",\"delay_ms\":50}]");
    rig_pod(1, false);
    rig.settings.capture_logprobs = true;
    rig.settings.logprobs_top_k = 3;
    struct models *models = open_models(rig_run("acme", "r1", 1));
    assert_int_equal(models_link(models, "chatty", &pod, &err), 0);
    assert_int_equal(models_link(models, "claude", &hosted, &err), 0);
    assert_int_equal(models_link(models, "chatty", &again, &err), 0);
    assert_ptr_equal(pod, again);
    assert_true(pod->server.ours && pod->server.constrains && pod->server.logprobs);
    assert_int_equal(pod->server.top_logprobs, 3);
    assert_string_equal(pod->server.model, "m");
    assert_false(hosted->server.ours);
    assert_null(hosted->server.model);
    struct said said;
    assert_int_equal(ask(models, "chatty", "hi", &said, &err), 0);
    assert_string_equal(said.text, "hello");
    assert_true(said.server_s > .045 && said.server_s < 5);
    rig_tear_down();
}

static void what_the_gateway_refuses_is_told(void **state)
{
    struct said said;
    struct err err = {0};
    rig_set_up("[{\"text\":\"hello\",\"usage\":{\"input\":2000,\"output\":100}}]");
    struct gateway_run *run = rig_run("acme", "r1", .012);
    struct models *models = open_models(run);
    assert_int_equal(ask(models, "claude", "hi", &said, &err), 0);
    assert_int_equal(said.input_tokens, 2000);
    assert_int_equal(ask(models, "claude", "hi", &said, &err), E_BUDGET); /* and not asked again */
    assert_non_null(strstr(err.msg, "of the run's 0.01 USD 0.0075 are spent"));
    assert_int_equal(model_server_count(rig.server), 1);
    gateway_close(run);
    assert_int_equal(ask(models, "claude", "hi", &said, &err), E_UPSTREAM);
    assert_non_null(strstr(err.msg, "'claude'/messages answered 401 (1 call)"));
    rig_tear_down();
}

struct told {
    const char *profile, *why;
    int calls, times;
    bool answered;
};

static void note_trouble(void *arg, const char *profile, const char *why, int calls, bool answered)
{
    struct told *t = arg;
    *t = (struct told){profile, pool_strdup(rig.pool, why), calls, t->times + 1, answered};
}

static void a_model_that_answers_after_all_is_told_of(void **state)
{
    struct said said;
    struct err err = {0};
    struct told told = {0};
    rig_set_up("[{\"times\":1,\"status\":429,\"retry_after\":1},{\"text\":\"hello\"}]");
    struct models *models = open_models(rig_run("acme", "r1", 1));
    models_listen(models, note_trouble, &told);
    assert_int_equal(ask(models, "claude", "hi", &said, &err), 0);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.calls, 2);
    assert_true(told.answered);
    assert_string_equal(told.profile, "claude");
    assert_non_null(strstr(told.why, "429"));
    rig_tear_down();
}

static void interrupt(void *arg)
{
    loop_interrupt(arg);
}

static void a_cancel_ends_a_call_on_both_sides(void **state)
{
    struct said said;
    struct err err = {0};
    struct loop_timer timer = {0};
    rig_set_up("[{\"text\":\"late\",\"delay_ms\":30000}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    struct models *models = open_models(run);
    loop_timer_set(rig.loop, &timer, 200, interrupt, rig.loop);
    int64_t begun = clock_mono_ms();
    assert_int_equal(ask(models, "chatty", "hi", &said, &err), E_CANCELLED);
    loop_interrupt_clear(rig.loop);
    struct gateway_run *other = rig_run("acme", "r2", 1);
    rig_ask(other, "/nobody/models", NULL); /* the loop turns: the gateway hears of it */
    assert_int_equal(run->running, 0);
    assert_int_equal(run->calls, 0);
    assert_true(clock_mono_ms() - begun < 2000);
    rig_tear_down();
}

/* The data directory's path is longer than a socket's address. */
static void a_socket_far_down_is_reached(void **state)
{
    struct said said;
    struct err err = {0};
    struct gateway *far;
    rig_set_up("[{\"text\":\"hello\"}]");
    const char *dir = rig.settings.data_dir;
    for (int i = 0; i < 5; i++) {
        dir = pool_printf(rig.pool, "%s/a-folder-with-a-rather-long-name", dir);
        assert_int_equal(mkdir(dir, 0711), 0);
    }
    rig.settings.data_dir = dir;
    struct gateway_config config = rig.gateway->config;
    assert_int_equal(gateway_create(&config, &far, &err), 0);
    const struct gateway_client client = {.key = RUN_KEY("acme", "r1"), .anthropic_secret = ""};
    struct models *models = open_models(gateway_open(far, &client));
    assert_int_equal(ask(models, "chatty", "hi", &said, &err), 0);
    assert_string_equal(said.text, "hello");
    gateway_destroy(far);
    rig_tear_down();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_without_a_gateway_has_no_models),
    row_test("brains 10 E: the suite's _extractor_model", a_plan_may_name_the_model_that_extracts),
    cmocka_unit_test(a_link_knows_whose_server_it_is),
    row_test("agent-loop 17 a call that there is no money for is a typed error",
             what_the_gateway_refuses_is_told),
    row_test("agent-loop 9.6 a model that answers after all is told of, by its profile",
             a_model_that_answers_after_all_is_told_of),
    row_test("brains 2 a cancel ends a call at worker and gateway",
             a_cancel_ends_a_call_on_both_sides),
    cmocka_unit_test(a_socket_far_down_is_reached),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
