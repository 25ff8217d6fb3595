/*
 * What readers that are models send, how often they ask, whom, and what they count.
 */
#include "unit/model_reader_rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/parts.h"
#include "brain/model/http_transport.h"
#include "reader/model_calls.h"
#include "reader/model_reader.h"
#include "tools/model_server.h"
#include "unit/model_rig.h"

/* --- what is sent ---------------------------------------------------------------------------- */

/* Texts and pictures are for people: their kinds and order are what counts here. */
static void blank(json_t *v)
{
    const char *key;
    json_t *one;
    size_t i;
    json_array_foreach (v, i, one)
        blank(one);
    json_object_foreach (v, key, one)
        if (json_is_string(one) &&
            (!strcmp(key, "text") || !strcmp(key, "data") || !strcmp(key, "description")))
            json_string_set(one, "");
        else
            blank(one);
}

static void sent_is(int call, const char *file)
{
    const char *path =
        pool_printf(pool, "%s/tests/golden/requests/%s.json", getenv("MANTIS_SOURCE_ROOT"), file);
    json_t *wanted = NULL, *got = json_keep(pool, json_deep_copy(server.bodies[call]));
    struct err err = {0};
    blank(got);
    if (json_parse_file(path, &wanted, &err))
        fail_msg("%s; sent was:\n%s", err.msg, json_pretty(pool, got));
    if (!json_equal(json_keep(pool, wanted), got))
        fail_msg("%s is not what was sent:\n%s", file, json_pretty(pool, got));
}

#define GATE_YES GATE("{\"passed\":true,\"reason\":\"r\"}")

/* clang-format off */
static const struct golden {
    const char *row, *spec, *file;
    ask_fn *ask;
    const char *with;
    struct fake_answer answer;
} goldens[] = {
    {"brains 10 the request of a gate", "claude", "reader_gate", ask_visible, "Is it so?", GATE_YES},
    {"brains 10 the request of an extraction", "claude", "reader_extract", ask_extract, DESK, LISTING("{\"is_spam\":false}")},
    {"brains 10 the request of several looks", "claude", "reader_multi", ask_extract_two, DESK, LISTING("{\"is_spam\":false}")},
    {"brains 10 the request of rows", "claude", "reader_rows", ask_rows, DESK, ROWS("{\"rows\":[]}")},
    {"brains 10 the request of a post-click check", "claude", "reader_navigated", ask_navigated, "Boat",
     OK(TOOL("report_post_click_navigation", "{\"navigated\":false,\"kind\":\"no_change\",\"reason\":\"r\"}"))},
    {"brains 10 the request of a content control names what is allowed", "claude", "reader_control", ask_reveal, REVEAL, CONTROL("{\"action\":\"none\"}")},
    {"brains 10 the request of a form target to the in-pod model", "vlm", "reader_click", ask_find_label, "Search", OK(CHAT("click(x=1, y=2)"))},
    {"brains 10 the request of a verification to the in-pod model", "vlm", "reader_gate_vlm", ask_visible, "Is it so?", OK(CHAT("{\\\"passed\\\":true,\\\"reason\\\":\\\"r\\\"}"))},
};
/* clang-format on */

static void a_golden_request(void **state)
{
    const struct golden *g = *state;
    answers(&g->answer, 1);
    to_server.server.constrains = true;
    struct reader *reader = reader_of(g->spec);
    g->ask(reader, &pixels, g->with);
    reader_destroy(reader);
    sent_is(0, g->file);
}

/* clang-format off */
/* The table of brains.md section 10: whom each is asked of, how much it may say, how long and how often. */
static const struct call_row {
    const char *row;
    enum call_id id;
    const char *tool, *model;
    int max_tokens, timeout_s, tries;
} call_rows[] = {
    {"brains 10 the call of an extraction", CALL_EXTRACT, "report_extracted_listing", "claude-sonnet-4-6", 1500, 30, 4},
    {"brains 10 the call of rows", CALL_ROWS, "report_extracted_rows", "claude-sonnet-4-6", 4000, 45, 4},
    {"brains 10 the call of several looks", CALL_EXTRACT_MULTI, "report_extracted_listing", "claude-sonnet-4-6", 1500, 45, 4},
    {"brains 10 the call that finds listings", CALL_LISTINGS, "report_listings", "claude-sonnet-4-6", 1500, 20, 1},
    {"brains 10 the call that finds the next page", CALL_PAGINATE, "report_pagination", "claude-sonnet-4-6", 500, 30, 4},
    {"brains 10 the call that finds a filter", CALL_FILTER, "report_filter_target", "claude-sonnet-4-6", 500, 30, 4},
    {"brains 10 the call that finds a content control", CALL_CONTROL, "report_content_control", "claude-sonnet-4-6", 500, 30, 4},
    {"brains 10 the call of a post-click check", CALL_NAVIGATED, "report_post_click_navigation", "claude-sonnet-4-6", 500, 45, 4},
    {"brains 10 the call of a gate", CALL_GATE, "report_gate_verification", "claude-haiku-4-5-20251001", 500, 30, 4},
    {"brains 10 the call of a gate that was answered no", CALL_GATE_AGAIN, "report_gate_verification", "claude-sonnet-4-6", 500, 30, 4},
    {"brains 10 the call that finds a form target", CALL_TARGET, "report_form_target", "claude-sonnet-4-6", 500, 30, 4},
    {"brains 10 the call that finds by affordance", CALL_AFFORDANCE, "report_target_by_affordance", "claude-sonnet-4-6", 500, 30, 4},
    {"brains 10 the call that reads a dropdown", CALL_DROPDOWN, "report_dropdown_value", "claude-sonnet-4-6", 200, 30, 4},
    {"brains 10 the call that finds the description", CALL_DESCRIPTION, "report_description_screenshots", "claude-sonnet-4-6", 80, 45, 4},
    {"brains 10 the call that reads a telephone number", CALL_PHONE, "report_seller_phone", "claude-sonnet-4-6", 500, 45, 4},
    {"brains 10 the call that looks at a point again", CALL_REGARD, "report_clickable", "claude-sonnet-4-6", 100, 15, 2},
};
/* clang-format on */

static void a_call_is_made_as_the_table_says(void **state)
{
    const struct call_row *row = *state;
    const struct look_call *call = call_of(row->id);
    assert_string_equal(call->tool, row->tool);
    assert_string_equal(call_usual_model(call->role), row->model);
    assert_int_equal(call->max_tokens, row->max_tokens);
    assert_int_equal(call->timeout_s, row->timeout_s);
    assert_int_equal(call->tries, row->tries);
}

static void a_bad_answer_is_answered(void **state)
{
    const struct fake_answer list[] = {GATE("{\"reason\":\"r\"}"), GATE_YES};
    answers(list, 2);
    struct reader *reader = reader_of("claude");
    assert_string_equal(ask_visible(reader, &pixels, "Is it so?"), "yes: r");
    reader_destroy(reader);
    assert_non_null(strstr(json_text(pool, server.bodies[1]), "'passed' is missing"));
    sent_is(1, "reader_repair");
}

static void duties_go_with_every_question(void **state)
{
    static const char *const words[] = {"never an instruction", "Results for \\\"boats\\\"",
                                        "http://a.test/"};
    const struct fake_answer list[] = {GATE_YES};
    answers(list, 1);
    struct reader *reader = reader_of("claude");
    ask_visible(reader, &pixels, "Results for \"boats\"");
    reader_destroy(reader);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_non_null(strstr(json_text(pool, server.bodies[0]), words[i]));
}

static const char *media_type_of(int call)
{
    const json_t *messages = json_object_get(server.bodies[call], "messages");
    const json_t *content = json_object_get(json_array_get(messages, 0), "content");
    return json_str(json_object_get(json_array_get(content, 0), "source"), "media_type", "");
}

static const char *as_base64(const char *text)
{
    return parts_base64(pool, &(struct model_frame){(const uint8_t *)text, strlen(text), 1, 1});
}

static void pictures_are_jpeg_and_sharper_for_phones(void **state)
{
    const struct fake_answer list[] = {
        LISTING("{\"title\":\"Boat\",\"is_spam\":false}"),
        OK(TOOL("report_seller_phone", "{\"phone\":\"\",\"context_quote\":\"\"}"))};
    answers(list, 2);
    struct reader *reader = reader_of("claude");
    ask_extract(reader, &pixels, PHONE);
    reader_destroy(reader);
    assert_string_equal(media_type_of(0), "image/jpeg");
    assert_non_null(
        strstr(json_text(pool, server.bodies[0]), as_base64("a picture of 1280x720 q85")));
    assert_non_null(
        strstr(json_text(pool, server.bodies[1]), as_base64("a picture of 1280x720 q95")));
}

/* --- how often, and by whom ------------------------------------------------------------------ */

static void the_same_question_of_the_same_picture_is_asked_once(void **state)
{
    const struct fake_answer list[] = {GATE_YES};
    answers(list, 1);
    struct reader *reader = reader_of("claude");
    assert_string_equal(ask_visible(reader, &pixels, "Is it so?"), "yes: r");
    assert_string_equal(ask_visible(reader, &pixels, "Is it so?"), "yes: r");
    assert_int_equal(server.calls, 1);
    ask_visible(reader, &pixels, "Is it otherwise?");
    to_server.picture_arg = (void *)"another picture";
    ask_visible(reader, &pixels, "Is it so?");
    assert_int_equal(server.calls, 3);
    reader_destroy(reader);
}

static void an_answer_that_led_to_nothing_is_not_remembered(void **state)
{
    static uint8_t screen[720 * 1280 * 4];
    const struct fake_answer targets[] = {TARGET("{\"x\":640,\"y\":360,\"action\":\"click\"}"),
                                          TARGET("{\"x\":200,\"y\":300,\"action\":\"click\"}")};
    const struct fake_answer points[] = {OK(TOOL("report_clickable", "{\"x\":610,\"y\":240}")),
                                         OK(TOOL("report_clickable", "{\"x\":590,\"y\":240}"))};
    struct observation obs = pixels;
    obs.frame.pixels = screen;
    obs.frame.stride = 1280 * 4;
    struct reader *reader = reader_of("claude");
    answers(targets, 2);
    const char *first = ask_find_label(reader, &obs, "Search");
    assert_string_equal(ask_find_label(reader, &obs, "Search"), first);
    reader_forget(reader);
    assert_string_not_equal(ask_find_label(reader, &obs, "Search"), first);
    assert_int_equal(server.calls, 2);
    answers(points, 2);
    assert_string_equal(ask_regard(reader, &obs, "Open it"), "610,240 0.95");
    assert_string_equal(ask_regard(reader, &obs, "Open it"), "610,240 0.95");
    reader_forget(reader);
    assert_string_equal(ask_regard(reader, &obs, "Open it"), "590,240 0.95");
    assert_int_equal(server.calls, 2);
    reader_destroy(reader);
}

static void where_the_page_answers_nobody_is_waited_for_twice(void **state)
{
    const struct fake_answer dead = {E_UNAVAILABLE, 0, "refused", 0};
    const struct observation obs = with_page();
    answers(&dead, 1);
    struct reader *reader = reader_of("claude");
    ask_visible(reader, &obs, "The picture is cheerful");
    assert_int_equal(server.calls, 4);
    ask_visible(reader, &obs, "The picture is gloomy");
    assert_int_equal(server.calls, 4);
    clock_skip_ms(21000);
    ask_visible(reader, &obs, "The picture is gloomy");
    assert_int_equal(server.calls, 8);
    reader_destroy(reader);
}

static void every_answer_is_counted(void **state)
{
    const struct fake_answer list[] = {GATE("{\"reason\":\"r\"}"),
                                       GATE("{\"passed\":false,\"reason\":\"r\"}"), GATE_YES};
    answers(list, 3);
    struct reader *reader = reader_of("claude");
    ask_visible(reader, &pixels, "Is it so?");
    reader_destroy(reader);
    assert_string_equal(json_text(pool, counted),
                        "[\"gate claude_extract m 110+20\",\"gate claude_extract m 110+20\","
                        "\"gate claude_extract m 110+20\"]");
}

static void a_server_of_ours_has_no_price(void **state)
{
    const struct fake_answer list[] = {
        {.status = 200, .body = CHAT("click(x=1, y=2)"), .takes_ms = 9000}};
    answers(list, 1);
    server.server_s = 1.5;
    to_server.server.ours = true;
    struct reader *reader = reader_of("vlm");
    ask_find_label(reader, &pixels, "Search");
    reader_destroy(reader);
    assert_true(counted_s == 1.5); /* not what it waited in a line */
    assert_string_equal(json_text(pool, counted), "[\"target claude_grounding ours 0+0\"]");
    assert_string_equal(models_asked(), "holo3");
}

static void models_may_be_named(void **state)
{
    const struct fake_answer no = GATE("{\"passed\":false,\"reason\":\"r\"}");
    const struct fake_answer phone[] = {
        LISTING("{\"title\":\"B\",\"is_spam\":false}"),
        OK(TOOL("report_seller_phone", "{\"phone\":\"\",\"context_quote\":\"\"}"))};
    needs.verify_model = "v";
    needs.escalation_model = "x";
    needs.extract_model = "e";
    answers(&no, 1);
    struct reader *reader = reader_of("claude");
    ask_visible(reader, &pixels, "Is it so?");
    assert_string_equal(models_asked(), "v x");
    answers(phone, 2);
    ask_extract(reader, &pixels, PHONE);
    assert_string_equal(models_asked(), "e x");
    reader_destroy(reader);
    needs.phone_model = "p";
    answers(phone, 2);
    reader = reader_of("claude");
    ask_extract(reader, &pixels, PHONE);
    assert_string_equal(models_asked(), "e p");
    reader_destroy(reader);
    needs.phone_once = true;
    answers(phone, 2);
    reader = reader_of("claude");
    ask_extract(reader, &pixels, PHONE);
    assert_string_equal(models_asked(), "e");
    reader_destroy(reader);
}

static void the_in_pod_model_may_say_where(void **state)
{
    const struct fake_answer click = OK(CHAT("click(x=644, y=364)"));
    const struct fake_answer yes = GATE_YES;
    answers(&yes, 1);
    struct fake_transport pod_server;
    fake_transport_init(&pod_server, pool, &click, 1);
    struct model_link to_pod = link_to(&pod_server);
    to_pod.server.ours = true;
    needs.pod = &to_pod;
    needs.form_target = "holo3";
    struct reader *reader = reader_of("claude");
    assert_string_equal(ask_find_label(reader, &pixels, "Search"), "640,360 'Search' / node -1");
    assert_int_equal(server.calls, 0);
    assert_string_equal(ask_visible(reader, &pixels, "Is it so?"), "yes: r");
    assert_int_equal(pod_server.calls, 1);
    reader_destroy(reader);
}

static void interrupt(void *arg)
{
    loop_interrupt(arg);
}

static void a_cancel_ends_a_question_that_nobody_answers(void **state)
{
    const struct fake_answer none = GATE_YES;
    json_t *script = json_keep(pool, json_loads("{\"rules\":[{\"fault\":\"silence\"}]}", 0, NULL));
    const struct model_server_config config = {.script = script};
    struct scripted_server *real;
    struct transport *transport;
    struct loop *loop = NULL;
    struct loop_timer timer = {0};
    struct err err = {0};
    answers(&none, 1); /* for its picture */
    if (model_server_start(&config, &real, &err) || loop_create(&loop, &err))
        fail_msg("%s", err.msg);
    const struct http_transport_config where = {
        .base_url = pool_printf(pool, "http://127.0.0.1:%d/v1", model_server_port(real))};
    if (http_transport_create(loop, &where, &transport, &err))
        fail_msg("%s", err.msg);
    to_server = (struct model_link){.transport = transport,
                                    .dirs = rig_dirs(),
                                    .picture = to_server.picture,
                                    .picture_arg = to_server.picture_arg};
    struct reader *reader = reader_of("claude");
    int64_t begun = clock_mono_ms();
    loop_timer_set(loop, &timer, 100, interrupt, loop);
    assert_true(str_starts(ask_visible(reader, &pixels, "Is it so?"), "cancelled: "));
    assert_true(clock_mono_ms() - begun < 2000);
    assert_int_equal(model_server_count(real), 1);
    reader_destroy(reader);
    http_transport_destroy(transport);
    loop_destroy(loop);
    model_server_stop(real);
}

static void a_better_point_is_remembered(void **state)
{
    static uint8_t screen[720 * 1280 * 4];
    const struct fake_answer list[] = {OK(TOOL("report_clickable", "{\"x\":610,\"y\":240}")),
                                       OK(TOOL("report_clickable", "{\"none\":true}"))};
    struct observation obs = pixels;
    struct regard x;
    answers(list, 2);
    obs.frame.pixels = screen;
    obs.frame.stride = 1280 * 4;
    struct reader *reader = reader_of("claude");
    assert_string_equal(ask_regard(reader, &obs, "Open it"), "610,240 0.95");
    to_server.picture_arg = (void *)"what is elsewhere on the screen does not count";
    assert_string_equal(ask_regard(reader, &obs, "Open it"), "610,240 0.95");
    assert_int_equal(server.calls, 1);
    assert_int_equal(
        reader_regard(reader, pool, &obs, (struct point){600, 240}, "Open it", true, &x, NULL), 0);
    assert_int_equal(server.calls, 2);
    clock_skip_ms(3601000);
    assert_string_equal(ask_regard(reader, &obs, "Open it"), "600,240 0.20");
    to_server.picture_arg = (void *)"a failure is not remembered";
    ask_regard(reader, &obs, "Open it");
    assert_int_equal(server.calls, 3);
    reader_destroy(reader);
}

static void without_the_in_pod_model_claude_says_where(void **state)
{
    const struct fake_answer there = TARGET("{\"x\":640,\"y\":360,\"action\":\"click\"}");
    answers(&there, 1);
    needs.form_target = "holo3";
    struct reader *reader = reader_of("claude");
    assert_string_equal(ask_find_label(reader, &pixels, "Search"), "640,360 '' / node -1");
    assert_string_equal(models_asked(), "claude-sonnet-4-6");
    reader_destroy(reader);
}

static void no_picture_is_said(void **state)
{
    const struct fake_answer yes = GATE_YES;
    const struct observation blind = {.url = "", .title = ""};
    answers(&yes, 1);
    struct reader *reader = reader_of("claude");
    assert_true(str_starts(ask_visible(reader, &blind, "Is it so?"),
                           "unsupported: a model needs a screenshot"));
    to_server.picture = NULL;
    assert_true(str_starts(ask_visible(reader, &pixels, "Is it so?"),
                           "unsupported: a model is sent image/jpeg of 1280x720"));
    assert_int_equal(server.calls, 0);
    reader_destroy(reader);
}

static void what_is_missing_is_said(void **state)
{
    struct reader *reader;
    struct err err = {0};
    const struct fake_answer yes = GATE_YES;
    answers(&yes, 1);
    needs.model = NULL;
    assert_int_equal(reader_create("claude", &needs, &reader, &err), E_INVALID);
    assert_string_equal(err.msg, "reader 'claude': there is no model server to ask");
    assert_int_equal(reader_create("vlm", NULL, &reader, &err), E_INVALID);
    needs.model = &to_server;
    assert_int_equal(reader_create("claude:holo3", &needs, &reader, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "speaks another protocol"));
    assert_int_equal(reader_create("vlm:nobody", &needs, &reader, &err), E_NOT_FOUND);
    needs.pod = &to_server;
    needs.form_target = "nobody";
    assert_int_equal(reader_create("claude", &needs, &reader, &err), E_NOT_FOUND);
}

static void the_free_opinion_asks_nobody(void **state)
{
    const struct fake_answer yes = GATE_YES;
    const struct observation obs = with_page();
    answers(&yes, 1);
    struct reader *reader = reader_of("claude");
    assert_true(reader_is_model(reader));
    assert_true(
        str_starts(ask_visible(reader_free(reader), &obs, "The picture is cheerful"), "unknown: "));
    assert_int_equal(server.calls, 0);
    reader_destroy(reader);
}

/* --- fitting --------------------------------------------------------------------------------- */

#define ALL_TYPES                                                                                  \
    "{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\"},\"n\":{\"type\":\"number\"}" \
    ","                                                                                            \
    "\"b\":{\"type\":\"boolean\"},\"e\":{\"type\":\"string\",\"enum\":[\"one\",\"two\"]},"         \
    "\"l\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"integer\"}}},\"required\":["   \
    "\"s\"]}"

/* clang-format off */
static const struct fitting {
    const char *row, *value, *fits; /* fits: JSON, or what is wrong */
} fittings[] = {
    {"brains 10 fit: as it is", "{\"s\":\"a\",\"n\":1,\"b\":true,\"e\":\"one\",\"l\":[1]}", "{\"b\":true,\"e\":\"one\",\"l\":[1],\"n\":1,\"s\":\"a\"}"},
    {"brains 10 fit: what is meant", "{\"s\":12,\"n\":\"1.5\",\"b\":\"no\",\"e\":\" TWO\",\"l\":[\"3\",4,5]}", "{\"b\":false,\"e\":\"two\",\"l\":[3,4],\"n\":1.5,\"s\":\"12\"}"},
    {"brains 10 fit: what is not required and wrong is left out", "{\"s\":\"\",\"n\":[],\"b\":\"maybe\",\"e\":\"three\",\"l\":\"x\"}", "{\"s\":\"\"}"},
    {"brains 10 fit: required", "{\"n\":1}", "'s' is missing"},
    {"brains 10 fit: null is missing", "{\"s\":null}", "'s' is missing"},
    {"brains 10 fit: a text is no list", "{\"s\":[\"a\"]}", "'s' must be a text"},
    {"brains 10 fit: an object", "[]", "the answer must be an object"},
};
/* clang-format on */

static void one_fit(void **state)
{
    const struct fitting *f = *state;
    json_t *schema = json_keep(pool, json_loads(ALL_TYPES, 0, NULL)), *out;
    json_t *value = json_keep(pool, json_loads(f->value, 0, NULL));
    struct err err = {0};
    int r = model_fit(pool, schema, value, &out, &err);
    assert_string_equal(r ? err.msg : json_canonical(pool, out), f->fits);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Not "nothing is found". */
static void a_missing_prompt_is_a_broken_installation(void **state)
{
    const struct fake_answer none = OK(SAYS(""));
    answers(&none, 1);
    struct reader *reader = reader_of("claude");
    to_server.dirs.share = "/nonexistent";
    const char *said = ask_find_label(reader, &pixels, "Search");
    if (!str_starts(said, "internal: ") || !strstr(said, "'/nonexistent/prompts/"))
        fail_msg("%s", said);
    assert_int_equal(server.calls, 0);
    reader_destroy(reader);
}

static void the_picture_may_be_chosen(void **state)
{
    const struct fake_answer yes = GATE_YES;
    struct reader *reader;
    struct err err = {0};
    answers(&yes, 1);
    needs.image_format = "PNG";
    needs.image_quality = 60;
    reader = reader_of("claude");
    ask_visible(reader, &pixels, "Is it so?");
    reader_destroy(reader);
    assert_string_equal(media_type_of(0), "image/png");
    assert_non_null(
        strstr(json_text(pool, server.bodies[0]), as_base64("a picture of 1280x720 q60")));
    needs.image_format = "gif";
    assert_int_equal(reader_create("claude", &needs, &reader, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "MANTIS_CLAUDE_IMAGE_FORMAT"));
}

static const struct CMUnitTest others[] = {
    row_test("brains 10 a bad answer is said what is wrong with it", a_bad_answer_is_answered),
    row_test("brains 10 what is written in a screenshot is no instruction",
             duties_go_with_every_question),
    row_test("brains 10 JPEG, at 95 for phones", pictures_are_jpeg_and_sharper_for_phones),
    row_test("brains 10 MANTIS_CLAUDE_IMAGE_FORMAT and _QUALITY", the_picture_may_be_chosen),
    cmocka_unit_test(a_missing_prompt_is_a_broken_installation),
    row_test("design 4 the same question of the same picture is asked once",
             the_same_question_of_the_same_picture_is_asked_once),
    row_test("design 4 a try that failed is not answered from memory",
             an_answer_that_led_to_nothing_is_not_remembered),
    row_test("design 4 where the page answers, a dead server is not waited for twice",
             where_the_page_answers_nobody_is_waited_for_twice),
    row_test("agent-loop 17 every answer is counted, a bad one too", every_answer_is_counted),
    row_test("agent-loop 17 a server of ours has no price", a_server_of_ours_has_no_price),
    row_test("brains 10 E, V, X and the phone's model may be named", models_may_be_named),
    row_test("brains 10 MANTIS_FORM_TARGET_PROVIDER=holo3: Claude for the rest",
             the_in_pod_model_may_say_where),
    row_test("agent-loop 15 a better point is remembered for an hour, a failure is not",
             a_better_point_is_remembered),
    row_test("brains 10 a cancel ends a question to a real server within 2 s",
             a_cancel_ends_a_question_that_nobody_answers),
    row_test("brains 10 MANTIS_FORM_TARGET_PROVIDER=holo3 needs holo3, else Claude",
             without_the_in_pod_model_claude_says_where),
    row_test("brains 10 without a picture nobody is asked", no_picture_is_said),
    row_test("brains 10 no server: no reader, and no request", what_is_missing_is_said),
    row_test("design 4 the first opinion is free", the_free_opinion_asks_nobody),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(goldens) + ARRAY_SIZE(fittings) +
                            ARRAY_SIZE(call_rows) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(call_rows); i++)
        tests[n++] = (struct CMUnitTest){call_rows[i].row, a_call_is_made_as_the_table_says, NULL,
                                         NULL, (void *)&call_rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(goldens); i++)
        tests[n++] =
            (struct CMUnitTest){goldens[i].row, a_golden_request, NULL, NULL, (void *)&goldens[i]};
    for (size_t i = 0; i < ARRAY_SIZE(fittings); i++)
        tests[n++] =
            (struct CMUnitTest){fittings[i].row, one_fit, NULL, NULL, (void *)&fittings[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    for (size_t i = 0; i < n; i++)
        tests[i].setup_func = reader_rig_fresh;
    return cmocka_run_group_tests(tests, reader_rig_begin, reader_rig_end);
}
