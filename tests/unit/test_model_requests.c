/*
 * What models are asked: whole bodies against tests/golden/requests/<name>.json, and their parts.
 * MANTIS_GOLDEN_WRITE=1 writes the files anew; look at the difference before keeping it.
 */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "brain/model/request.h"
#include "sys/file.h"
#include "unit/model_rig.h"

static struct pool *pool;

static const struct model_frame frames[] = {{(const uint8_t *)"one", 3, 1280, 720},
                                            {(const uint8_t *)"two", 3, 1280, 720},
                                            {(const uint8_t *)"three", 5, 1280, 720}};
static const struct model_frame fara_frames[] = {{(const uint8_t *)"one", 3, 1428, 896},
                                                 {(const uint8_t *)"two", 3, 1428, 896}};

static const struct action history[] = {
    {.type = ACTION_CLICK, .x = 64, .y = 210, .button = BUTTON_LEFT, .reasoning = "the field"},
    {.type = ACTION_WAIT, .seconds = 0.2, .fact = "Total 12"},
    {.type = ACTION_TYPE_TEXT, .text = "a, b"},
    {.type = ACTION_SCROLL, .x = 640, .y = 360, .dy = 5},
    {.type = ACTION_DRAG, .x = 1, .y = 2, .to_x = 30, .to_y = 40},
    {.type = ACTION_KEY_PRESS, .keys = "Tab"},
};

static const struct model_server hosted = {0}, ours = {.ours = true},
                                 constrains = {.constrains = true};

static struct model_turn turn_of(int n_frames, int n_history)
{
    return (struct model_turn){.frames = frames,
                               .n_frames = n_frames,
                               .screen_w = 1280,
                               .screen_h = 720,
                               .task = "Open the billing tab",
                               .history = history,
                               .n_history = n_history};
}

/* The profile with a system text that does not change with our wording. */
static struct profile plain(const char *name)
{
    struct profile p = *rig_profile(pool, name);
    p.system.text = "You see __WIDTH__x__HEIGHT__.";
    return p;
}

static json_t *build(const struct profile *p, const struct model_server *server,
                     const struct model_turn *turn)
{
    struct err err = {0};
    json_t *body;
    if (request_build(pool, p, server, turn, &body, &err))
        fail_msg("%s", err.msg);
    return body;
}

/* --- whole bodies ---------------------------------------------------------------------------- */

/* clang-format off */
static const struct golden {
    const char *row, *name, *profile;
    const struct model_server *server;
    int n_frames, n_history;
} goldens[] = {
    {"brains 1.1 the skeleton of a request, hosted", "holo3_hosted", "holo3", &hosted, 1, 1},
    {"brains 1.1 the same with tools, self-hosted", "holo3_ours", "holo3", &ours, 1, 1},
    {"brains 3 fara's request", "fara", "fara", &hosted, 2, 2},
    {"brains 4 the skeleton of a request to Anthropic", "claude", "claude", &hosted, 3, 6},
    {"brains 5 opencua's request", "opencua", "opencua", &hosted, 2, 0},
    {"brains 6 llamacpp's request, tools required", "llamacpp", "llamacpp", &ours, 2, 1},
    {"brains 6 agent-s's request", "agent_s", "agent-s", &hosted, 3, 1},
    {"brains 1 an answer held to a schema", "openai_schema", "openai", &constrains, 1, 1},
};
/* clang-format on */

static void one_golden(void **state)
{
    const struct golden *g = *state;
    const char *path = pool_printf(pool, "%s/tests/golden/requests/%s.json",
                                   getenv("MANTIS_SOURCE_ROOT"), g->name);
    struct profile p = plain(g->profile);
    struct model_turn turn = turn_of(g->n_frames, g->n_history);
    if (p.space.kind == SPACE_FIXED)
        turn.frames = fara_frames;
    const char *text = json_pretty(pool, build(&p, g->server, &turn));
    char *want;
    size_t len;
    if (getenv("MANTIS_GOLDEN_WRITE"))
        assert_int_equal(file_write_soon(path, text, strlen(text), 0644, NULL), 0);
    assert_int_equal(file_read(pool, path, CAP_PLAN_FILE_BYTES, &want, &len, NULL), 0);
    assert_string_equal(text, want);
}

/* --- parts ----------------------------------------------------------------------------------- */

static const char *user_text(const json_t *body)
{
    const json_t *messages = json_object_get(body, "messages");
    const json_t *user = json_array_get(messages, json_array_size(messages) - 1);
    const json_t *content = json_object_get(user, "content");
    return json_str(json_array_get(content, json_array_size(content) - 1), "text", "");
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void old_frames_are_left_out(void **state)
{
    struct profile holo3 = plain("holo3"), opencua = plain("opencua");
    struct model_turn turn = turn_of(3, 0);
    const char *one = json_text(pool, build(&holo3, &hosted, &turn));
    assert_int_equal(count(one, "base64,"), 1);
    assert_non_null(strstr(one, "[Frame t-2] (left out)"));
    const char *two = json_text(pool, build(&opencua, &hosted, &turn));
    assert_int_equal(count(two, "base64,"), 2);
    assert_true(strstr(two, "[Frame t-1]") < strstr(two, "[Frame CURRENT]"));
    struct profile fara = plain("fara");
    turn.in_plan = true;
    assert_int_equal(count(json_text(pool, build(&fara, &hosted, &turn)), "base64,"), 1);
}

static void history_is_cut_and_in_the_models_own_points(void **state)
{
    struct profile holo3 = plain("holo3");
    struct model_turn turn = turn_of(1, 6);
    const char *text = user_text(build(&holo3, &hosted, &turn));
    assert_int_equal(count(text, "\n  "), 5);
    assert_null(strstr(text, "the field")); /* the sixth from the end */
    assert_non_null(strstr(text, "\n  2. type_text({\"text\":\"a, b\"})"));
    assert_non_null(
        strstr(text, "\n  3. scroll({\"direction\":\"down\",\"amount\":5,\"x\":644,\"y\":364})"));
    turn.n_history = 1;
    text = user_text(build(&holo3, &hosted, &turn));
    assert_non_null(
        strstr(text, "\n  1. click({\"x\":65,\"y\":213,\"button\":\"left\"}) # the field"));
    turn.n_history = 0;
    assert_non_null(strstr(user_text(build(&holo3, &hosted, &turn)), "Recent actions:\n  none"));
}

static void earlier_attempts_are_told(void **state)
{
    static const char attempts[] =
        "[{\"x\":1,\"y\":1,\"label\":\"old\",\"kind\":\"selector_miss\"},"
        "{\"x\":64,\"y\":72,\"label\":\"Billing\",\"kind\":\"no_state_change\"},"
        "{\"x\":64,\"y\":72,\"label\":\"Billing\",\"kind\":\"wrong_target\",\"reason\":\"it opened "
        "a menu\",\"hit\":{\"tag\":\"a\",\"text\":\"Bills\"}},"
        "{\"x\":64,\"y\":72,\"label\":\"Billing\",\"kind\":\"http_4xx\",\"hit\":\"the sidebar\"}]";
    struct profile fara = plain("fara"), opencua = plain("opencua");
    struct model_turn turn = turn_of(1, 0);
    turn.attempts = json_keep(pool, json_loads(attempts, 0, NULL));
    const char *text = user_text(build(&fara, &hosted, &turn));
    assert_non_null(strstr(text, "Do not repeat them:\n- clicked (71,90) targeting \"Billing\" → "
                                 "registered but the page did not react\n"));
    assert_non_null(
        strstr(text, "→ changed something, not the goal; it opened a menu [hit a: \"Bills\"]\n"));
    assert_non_null(strstr(text, "→ failed (http_4xx) [hit the sidebar]"));
    assert_null(strstr(text, "old"));
    assert_null(strstr(user_text(build(&opencua, &hosted, &turn)), "Billing"));
}

static const struct {
    const char *kind, *told;
} outcomes[] = {
    {"no_state_change", "registered but the page did not react"},
    {"wrong_target", "changed something, not the goal"},
    {"brain_loop_exhausted", "ran out of moves"},
    {"selector_miss", "not interactive"},
    {"nav_timeout", "failed (nav_timeout)"},
};

static void what_came_of_an_attempt_has_its_words(void **state)
{
    struct profile fara = plain("fara");
    struct model_turn turn = turn_of(1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        turn.attempts = json_keep(pool, json_pack("[{s:i,s:i,s:s,s:s,s:s}]", "x", 64, "y", 72, "label", "Bills",
                                                  "kind", outcomes[i].kind, "reason", pool_printf(pool, "%0150d", 7)));
        const char *text = user_text(build(&fara, &hosted, &turn));
        const char *at = strstr(text, pool_printf(pool, "targeting \"Bills\" → %s; 0", outcomes[i].told));
        if (!at)
            fail_msg("%s", text);
        assert_int_equal(strspn(strstr(at, "; 0") + 2, "0"), 120); /* of the reason */
    }
}

static void the_last_ten_facts_are_told(void **state)
{
    struct action many[30] = {{0}};
    struct profile fara = plain("fara"), holo3 = plain("holo3");
    struct model_turn turn = turn_of(1, 30);
    for (int i = 0; i < 30; i++)
        many[i] = (struct action){.type = ACTION_WAIT,
                                  .fact = i % 2 ? pool_printf(pool, "fact %d.", i) : ""};
    turn.history = many;
    const char *text = user_text(build(&fara, &hosted, &turn));
    assert_non_null(strstr(text, "remember:\n- fact 11.\n- fact 13."));
    assert_non_null(strstr(text, "\n- fact 29."));
    assert_null(strstr(user_text(build(&holo3, &hosted, &turn)), "remember:"));
}

static void the_thinking_switch_has_the_servers_form(void **state)
{
    struct profile holo3 = plain("holo3");
    struct model_turn turn = turn_of(1, 0);
    assert_null(strstr(json_text(pool, build(&holo3, &ours, &turn)), "thinking"));
    holo3.thinking = false;
    assert_non_null(strstr(json_text(pool, build(&holo3, &hosted, &turn)), "\"thinking\":false"));
    assert_non_null(strstr(json_text(pool, build(&holo3, &ours, &turn)),
                           "\"chat_template_kwargs\":{\"enable_thinking\":false}"));
    struct profile claude = plain("claude");
    claude.thinking_budget = 0;
    assert_null(json_object_get(build(&claude, &hosted, &turn), "thinking"));
}

static void log_probabilities_are_asked_for_when_wanted(void **state)
{
    const struct model_server curious = {.logprobs = true, .top_logprobs = 5};
    struct profile holo3 = plain("holo3");
    struct model_turn turn = turn_of(1, 0);
    const json_t *body = build(&holo3, &curious, &turn);
    assert_true(json_is_true(json_object_get(body, "logprobs")));
    assert_int_equal(json_int(body, "top_logprobs", 0), 5);
    assert_null(json_object_get(build(&holo3, &hosted, &turn), "logprobs"));
}

static void steps_of_a_kind_are_told_more(void **state)
{
    struct profile holo3 = plain("holo3");
    struct model_turn turn = turn_of(1, 0);
    turn.step_type = "scroll";
    const char *text = json_text(pool, build(&holo3, &hosted, &turn));
    assert_non_null(strstr(text, "This step is about scrolling"));
    turn.step_type = "extract_data";
    assert_non_null(strstr(json_text(pool, build(&holo3, &hosted, &turn)), "press Escape"));
    turn.step_type = "click";
    assert_null(strstr(json_text(pool, build(&holo3, &hosted, &turn)), "This step"));
}

static void host_tools_stand_behind_ours(void **state)
{
    struct profile holo3 = plain("holo3"), claude = plain("claude");
    struct model_turn turn = turn_of(1, 0);
    turn.host_tools = json_keep(
        pool, json_loads(
                  "[{\"name\":\"ask\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}]",
                  0, NULL));
    const json_t *tools = json_object_get(build(&holo3, &ours, &turn), "tools");
    assert_int_equal(json_array_size(tools), 9);
    assert_string_equal(json_str(json_object_get(json_array_get(tools, 8), "function"), "name", ""),
                        "ask");
    tools = json_object_get(build(&claude, &hosted, &turn), "tools");
    const json_t *last = json_array_get(tools, json_array_size(tools) - 1);
    assert_string_equal(json_str(last, "name", ""), "ask");
    assert_non_null(json_object_get(last, "cache_control"));
}

static void the_turns_prompt_stands_in_for_the_task(void **state)
{
    struct profile holo3 = plain("holo3"), claude = plain("claude");
    struct model_turn turn = turn_of(1, 0);
    turn.prompt = "Task: Open the billing tab\nWARNING: You repeat yourself.\n";
    assert_true(str_starts(user_text(build(&holo3, &hosted, &turn)),
                           "\nTask: Open the billing tab\nWARNING: You repeat yourself.\nScreen "
                           "size: 1280x720 pixels\n"));
    const char *text = json_text(pool, build(&claude, &hosted, &turn));
    assert_int_equal(count(text, "Task: Open"), 1);
    assert_true(strstr(text, "Task: Open") < strstr(text, "[Frame CURRENT]"));
    assert_true(strstr(text, "[Frame CURRENT]") < strstr(text, "WARNING"));
}

/* What a server can keep from turn to turn is the same, byte for byte. */
static void the_stable_part_comes_first(void **state)
{
    struct profile claude = plain("claude");
    struct model_turn a = turn_of(2, 2), b = turn_of(2, 4);
    b.frames = frames + 1;
    const char *one = json_text(pool, build(&claude, &hosted, &a));
    const char *two = json_text(pool, build(&claude, &hosted, &b));
    size_t same = 0;
    while (one[same] && one[same] == two[same])
        same++;
    assert_true(same > (size_t)(strstr(one, "Screen size") - one));
    assert_string_equal(one, json_text(pool, build(&claude, &hosted, &a)));
}

static json_t *json_of(const char *text)
{
    return json_keep(pool, json_loads(text, 0, NULL));
}

static void the_last_steps_are_a_conversation(void **state)
{
    struct profile claude = plain("claude");
    struct model_turn turn = turn_of(1, 2);
    const struct model_exchange steps[] = {
        {json_of("[{\"type\":\"text\",\"text\":\"too old\"}]"), "", NULL},
        {json_of("[{\"type\":\"text\",\"text\":\"I look.\"}]"), "done", &frames[0]},
        {json_of("[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},"
                 "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"computer\",\"input\":{}},"
                 "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"wait\",\"input\":{}}]"),
         "page navigated to https://a.test/", &frames[1]},
        {json_of("[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"wait\",\"input\":{}}]"), "",
         NULL},
    };
    turn.exchanges = steps;
    turn.n_exchanges = 4;
    const json_t *list = json_object_get(build(&claude, &hosted, &turn), "messages");
    assert_int_equal(json_array_size(list), 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(json_str(json_array_get(list, i), "role", ""),
                            i % 2 ? "assistant" : "user");
    const char *text = json_text(pool, list);
    assert_null(strstr(text, "too old"));
    assert_non_null(strstr(text, "\"signature\":\"s\""));
    assert_non_null(strstr(text, "\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":"
                                 "\"page navigated to https://a.test/\"}"));
    assert_non_null(strstr(text, "{\"type\":\"tool_result\",\"tool_use_id\":\"b\",\"content\":"
                                 "\"not carried out: one action at a time\"}"));
    assert_non_null(strstr(text, "[Frame t-2] (left out)"));
    assert_int_equal(count(text, "\"data\":"), 2); /* frames: 2, the current one included */
    assert_true(strstr(text, "\"tool_use_id\":\"c\"") < strstr(text, "[Frame CURRENT]"));
    claude.exchanges = 0;
    assert_int_equal(json_array_size(json_object_get(build(&claude, &hosted, &turn), "messages")),
                     1);
}

static void other_ways_to_be_told(void **state)
{
    struct profile p = plain("gemma4-cua");
    struct model_turn turn = turn_of(1, 0);
    p.system_in_user = true;
    const json_t *messages = json_object_get(build(&p, &hosted, &turn), "messages");
    assert_int_equal(json_array_size(messages), 1);
    assert_non_null(strstr(json_text(pool, json_array_get(messages, 0)),
                           "[{\"type\":\"text\",\"text\":\"You see 1280x720.\"}"));
    p.space.kind = SPACE_PER_MILLE;
    p.format = PICTURE_JPEG;
    const char *text = json_text(pool, build(&p, &hosted, &turn));
    assert_non_null(strstr(text, "points are given from 0 to 1000"));
    assert_non_null(strstr(text, "data:image/jpeg;base64,"));
}

/* The screen has 1280x720 pixels, the picture of it fewer. */
static void what_is_shown_is_the_size_that_is_told(void **state)
{
    static const struct model_frame small[] = {{(const uint8_t *)"one", 3, 768, 432}};
    struct profile claude = plain("claude"), fara = plain("fara");
    struct model_turn turn = turn_of(1, 4);
    turn.frames = small;
    const char *text = json_text(pool, build(&claude, &hosted, &turn));
    assert_non_null(strstr(text, "Screen size: 768x432"));
    assert_non_null(strstr(text, "You see 768x432."));
    assert_non_null(strstr(text, "\"display_width_px\":768,\"display_height_px\":432"));
    assert_non_null(strstr(text, "\\\"x\\\":384,\\\"y\\\":216")); /* of the scroll at (640,360) */
    assert_non_null(strstr(json_text(pool, build(&fara, &hosted, &turn)), "Screen size: 1428x896"));
}

static void large_screens_are_sent_smaller(void **state)
{
    struct profile p = plain("claude");
    int w, h;
    request_image_size(&p, 1920, 1080, &w, &h);
    assert_true(w == 1920 && h == 1080);
    p.max_side = 1280;
    request_image_size(&p, 1920, 1080, &w, &h);
    assert_true(w == 1280 && h == 720);
    request_image_size(&p, 1000, 2000, &w, &h);
    assert_true(w == 640 && h == 1280);
    request_image_size(&p, 800, 600, &w, &h);
    assert_true(w == 800 && h == 600);
    p = plain("fara");
    request_image_size(&p, 1920, 1080, &w, &h);
    assert_true(w == 1428 && h == 896);
}

static void questions_have_the_servers_form(void **state)
{
    const struct profile *holo3 = rig_profile(pool, "holo3"), *claude = rig_profile(pool, "claude");
    assert_string_equal(
        json_text(pool, request_question(pool, holo3, &hosted, "Why?", NULL, 64)),
        "{\"model\":\"holo3-35b-a3b\",\"max_tokens\":64,\"temperature\":0.0,\"messages\":"
        "[{\"role\":\"user\",\"content\":\"Why?\"}]}");
    const char *look =
        json_text(pool, request_question(pool, holo3, &hosted, "Why?", &frames[0], 256));
    assert_non_null(strstr(look, "data:image/png;base64,b25l"));
    assert_non_null(
        strstr(json_text(pool, request_question(pool, claude, &hosted, "Why?", &frames[0], 256)),
               "{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"b25l\"}"));
    assert_string_equal(request_path(API_OPENAI_CHAT), "/chat/completions");
    assert_string_equal(request_path(API_ANTHROPIC_MESSAGES), "/messages");
}

static void keys_go_where_the_server_wants_them(void **state)
{
    const char *const *chat = request_headers(pool, rig_profile(pool, "holo3"), "k1");
    const char *const *open = request_headers(pool, rig_profile(pool, "holo3"), "");
    const char *const *claude = request_headers(pool, rig_profile(pool, "claude"), "k2");
    assert_string_equal(chat[0], "Content-Type: application/json");
    assert_string_equal(chat[1], "Authorization: Bearer k1");
    assert_null(chat[2]);
    assert_null(open[1]);
    assert_string_equal(claude[1], "anthropic-version: 2023-06-01");
    assert_string_equal(claude[2],
                        "anthropic-beta: computer-use-2025-11-24,context-management-2025-06-27");
    assert_string_equal(claude[3], "x-api-key: k2");
    assert_null(claude[4]);
}

static int begin(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int end(void **state)
{
    pool_destroy(pool);
    return 0;
}

static const struct CMUnitTest others[] = {
    row_test("brains 1 frames are labelled, old ones left out", old_frames_are_left_out),
    row_test("brains 1 history as compact JSON, the last five",
             history_is_cut_and_in_the_models_own_points),
    row_test("brains 1 the last three attempts, and what came of them", earlier_attempts_are_told),
    row_test("brains 1 the words for what came of an attempt",
             what_came_of_an_attempt_has_its_words),
    row_test("brains 3 memorised facts", the_last_ten_facts_are_told),
    row_test("brains 2 the thinking switch", the_thinking_switch_has_the_servers_form),
    row_test("brains 2 log probabilities", log_probabilities_are_asked_for_when_wanted),
    row_test("brains 2 scroll and extract steps are told more", steps_of_a_kind_are_told_more),
    row_test("brains 1.1 host tools are appended", host_tools_stand_behind_ours),
    row_test("agent-loop 1.3 the turn's prompt is what the brain is told",
             the_turns_prompt_stands_in_for_the_task),
    row_test("brains 4 stable text before images", the_stable_part_comes_first),
    row_test("brains 4 the last steps as a real conversation", the_last_steps_are_a_conversation),
    row_test("agent-loop 3 a smaller picture is the space that is told",
             what_is_shown_is_the_size_that_is_told),
    cmocka_unit_test(large_screens_are_sent_smaller),
    row_test("brains 6 system text in the user message", other_ways_to_be_told),
    row_test("design 1 a key is sent as the server's api has it",
             keys_go_where_the_server_wants_them),
    row_test("brains 1 query and look", questions_have_the_servers_form),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(goldens) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(goldens); i++)
        tests[n++] =
            (struct CMUnitTest){goldens[i].row, one_golden, NULL, NULL, (void *)&goldens[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
