/* Training rows of labelled traces, of rollouts, and pairs (promotion.md section 4). */
#include "unit/fixtures.h"
#include "unit/model_rig.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "brain/model/request.h"
#include "core/action.h"
#include "gate/sft.h"
#include "gate/sft_action.h"
#include "gate/tree.h"
#include "sys/file.h"

static struct pool *pool;
static char dir[] = "/tmp/mantis-trace-XXXXXX";
static json_t *rows; /* what was written */

static int setup(void **state)
{
    pool = pool_create(NULL);
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    int r = file_remove_tree(dir, NULL);
    pool_destroy(pool);
    return r;
}

static const char *times(int n, const char *text)
{
    const char *out = "";
    for (int i = 0; i < n; i++)
        out = pool_printf(pool, "%s%s", out, text);
    return out;
}

/* --- words ------------------------------------------------------------------------------------- */

static void a_brief_is_two_sentences(void **state)
{
    const struct {
        const char *text, *want;
    } briefs[] = {
        {"", ""},
        {"The page opens", "The page opens."},
        {"The page opens.", "The page opens."},
        {"One. Two. Three.", "One. Two."},
        {"One. Two", "One. Two."},
        {"One.\nTwo.\nThree", "One. Two."},
        {"url_changed, title_changed", "url_changed, title_changed."},
        {times(200, "a"), pool_printf(pool, "%s...", times(197, "a"))},
        {times(199, "a"), pool_printf(pool, "%s.", times(199, "a"))},
        {times(300, "ä"), pool_printf(pool, "%s...", times(197, "ä"))},
    };
    for (size_t i = 0; i < ARRAY_SIZE(briefs); i++)
        assert_string_equal(sft_brief(pool, briefs[i].text), briefs[i].want);
}

static const struct {
    const char *action, *want; /* NULL: dropped */
} actions[] = {
    {"{'action_type':'click','params':{'x':412,'y':318}}", "click(x=412, y=318)"},
    {"{'action_type':'click','params':{'x':412,'y':318,'button':'left'}}", "click(x=412, y=318)"},
    {"{'action_type':'click','params':{'x':412,'y':318,'button':'right'}}", NULL},
    {"{'action_type':'click'}", "click(x=0, y=0)"},
    {"{'action_type':'double_click','params':{'x':1,'y':2}}", "double_click(x=1, y=2)"},
    {"{'action_type':'type_text','params':{'text':'oak desk'}}", "type_text(text=\"oak desk\")"},
    {"{'type':'type','params':{'text':'oak'}}", "type_text(text=\"oak\")"},
    {"{'action_type':'type_text','params':{'text':''}}", NULL},
    {"{'action_type':'type_text'}", NULL},
    {"{'action_type':'type_text','params':{'text':'••••••'}}", NULL},
    {"{'action_type':'type_text','params':{'text':'{{user_input}}'}}", NULL},
    {"{'action_type':'type_text','params':{'text':'{{user_input:2}}'}}", NULL},
    {"{'action_type':'key_press','params':{'keys':'ctrl+l'}}", "key_press(keys=\"ctrl+l\")"},
    {"{'action_type':'key_press','params':{'key':'Return'}}", "key_press(keys=\"Return\")"},
    {"{'action_type':'key_press','params':{}}", NULL},
    {"{'action_type':'scroll','params':{'direction':'up','amount':5}}", "scroll(direction=\"up\", amount=5)"},
    {"{'action_type':'scroll'}", "scroll(direction=\"down\", amount=3)"},
    {"{'action_type':'wait'}", "wait(seconds=1.0)"},
    {"{'action_type':'wait','params':{'seconds':2.5}}", "wait(seconds=2.5)"},
    {"{'action_type':'done','params':{'success':true,'summary':'3 rows'}}", "done(success=true, summary=\"3 rows\")"},
    {"{'action_type':'done'}", "done(success=false, summary=\"\")"},
    {"{'action_type':'drag','params':{'start_x':1}}", NULL},
    {"{'action_type':'launch_app'}", NULL},
    {"{'action_type':'tool_call'}", NULL},
    {"{'action_type':'move','params':{'x':1,'y':2}}", NULL},
    {"{}", NULL},
    {"null", NULL},
};

static void an_action_is_written_or_dropped(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        const char *got = sft_action(pool, json_of(pool, actions[i].action));
        if (strcmp(got ? got : "dropped", actions[i].want ? actions[i].want : "dropped"))
            fail_msg("%s: %s", actions[i].action, got ? got : "dropped");
    }
}

/* What is written is read back by the very reader of the model's replies. */
static void text_comes_back_as_it_was(void **state)
{
    static const char *const texts[] = {"say \"hi\"", "a\\b", "two\nlines", "C:\\new \"x\"\\", "ä “quoted”", "it's",
                                        "\\\"", "f(x), g"};
    const struct profile *profile = rig_profile(pool, "holo3");
    const struct reply_facts facts = {.view = {.screen_w = 1280, .screen_h = 720}, .pointer = {-1, -1}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *action = json_keep(
            pool, json_pack("{s:s,s:{s:s}}", "action_type", "type_text", "params", "text", texts[i]));
        const char *written = sft_action(pool, action);
        struct said said = {.text = pool_printf(pool, "A field.\n%s", written), .thinking = ""};
        struct model_reply reply;
        reply_read(pool, profile, &said, &facts, &reply);
        assert_int_equal(reply.action.type, ACTION_TYPE_TEXT);
        if (strcmp(reply.action.text, texts[i]))
            fail_msg("%s came back as '%s'", written, reply.action.text);
    }
}

/* --- rows -------------------------------------------------------------------------------------- */

static int keep(void *arg, const json_t *row, struct err *err)
{
    json_push(rows, json_incref((json_t *)row));
    return 0;
}

static const struct sft_sink sink = {keep, NULL};

static struct sft_config config(void)
{
    rows = json_keep(pool, json_array());
    return (struct sft_config){.profile = rig_profile(pool, "holo3"),
                               .screenshots_root = dir,
                               .screen_w = 1280,
                               .screen_h = 720};
}

/* A picture's first bytes are all that is looked at. */
static void put_picture(const char *below, int width, int height)
{
    unsigned char png[33] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    for (int i = 0; i < 2; i++) {
        png[18 + i] = (unsigned char)(width >> (8 - 8 * i));
        png[22 + i] = (unsigned char)(height >> (8 - 8 * i));
    }
    const char *path = pool_printf(pool, "%s/%s", dir, below);
    char *parent = pool_strdup(pool, path);
    *strrchr(parent, '/') = 0;
    assert_int_equal(file_mkdirs(parent, 0700, NULL), 0);
    assert_int_equal(file_write_soon(path, png, sizeof(png), 0600, NULL), 0);
}

#define STEP(n, label, action)                                                                                   \
    "{'step_index':" #n ",'intent':'Open the card','type':'click','label':'" label "','label_reason':'why'," \
    "'predicted_outcome':'The detail page opens. It has a price. And more.','last_action':" action "}"
#define CLICK "{'action_type':'click','params':{'x':4,'y':5}}"
#define TRACE(run, tenant, steps)                                                                                \
    "{'run_id':'" run "','tenant_id':'" tenant "','plan_signature':'5b1e','steps':[" steps "]}"

static struct sft_counts write_rows(const struct sft_config *c, const char *labels, const char *trace)
{
    struct sft_counts counts = {0};
    struct err err = {0};
    if (sft_labelled(c, json_of(pool, labels), json_of(pool, trace), &sink, &counts, &err))
        fail_msg("%s", err.msg);
    return counts;
}

static const char *said(const json_t *row, size_t part)
{
    return json_str(json_array_get(json_object_get(row, "conversations"), part), "value", "");
}

static void a_row_has_three_turns_and_where_it_is_from(void **state)
{
    struct sft_config c = config();
    put_picture("acme/r1_screens/0003.png", 1280, 720);
    struct sft_counts n = write_rows(&c, "['positive']", TRACE("r1", "acme", STEP(3, "positive", CLICK)));
    const json_t *row = json_array_get(rows, 0);
    assert_int_equal(n.written, 1);
    assert_int_equal(n.other_size, 0);
    assert_string_equal(said(row, 1), "<image>\nTask: Open the card\nScreen size: 1280x720 pixels");
    assert_string_equal(said(row, 2), "The detail page opens. It has a price.\nclick(x=4, y=5)");
    assert_string_equal(json_str(row, "image", ""), pool_printf(pool, "%s/acme/r1_screens/0003.png", dir));
    assert_string_equal(json_text(pool, json_object_get(row, "metadata")),
                        "{\"source\":\"labelled_trace\",\"run_id\":\"r1\",\"tenant_id\":\"acme\",\"step\":3,"
                        "\"label\":\"positive\",\"label_reason\":\"why\",\"action_type\":\"click\"}");
    static const char *const who[] = {"system", "human", "gpt"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_str(json_array_get(json_object_get(row, "conversations"), i), "from", ""), who[i]);
}

/* Of the same turn, asked as the brain asks it. */
static const char *asked_system(const struct profile *profile, const char *type)
{
    const struct model_server server = {.ours = true};
    const struct model_frame frame = {.data = (const uint8_t *)"x", .len = 1, .width = 1280, .height = 720};
    const struct model_turn turn = {.frames = &frame, .n_frames = 1, .screen_w = 1280, .screen_h = 720,
                                    .task = "t", .step_type = type};
    json_t *body;
    assert_int_equal(request_build(pool, profile, &server, &turn, &body, NULL), 0);
    return json_str(json_array_get(json_object_get(body, "messages"), 0), "content", "");
}

static void the_system_text_is_what_the_brain_is_told(void **state)
{
    struct sft_config c = config();
    put_picture("acme/r1_screens/0003.png", 1280, 720);
    write_rows(&c, "['positive']", TRACE("r1", "acme", STEP(3, "positive", CLICK)));
    assert_string_equal(said(json_array_get(rows, 0), 0), asked_system(c.profile, "click"));
    const char *scroll;
    assert_int_equal(request_system(pool, c.profile, 1280, 720, "scroll", &scroll, NULL), 0);
    assert_string_equal(scroll, asked_system(c.profile, "scroll"));
}

static const struct {
    const char *name, *labels, *trace;
    bool require;
    int written, other_label, no_text, no_image, other_size;
} kept[] = {
    {"other labels are dropped", "['positive']",
     TRACE("r2", "acme", STEP(0, "negative", CLICK) "," STEP(1, "neutral", CLICK)), false, 0, 2, 0, 0, 0},
    {"those that are named are kept", "['negative','neutral']",
     TRACE("r2", "acme", STEP(0, "negative", CLICK) "," STEP(1, "neutral", CLICK)), false, 2, 0, 0, 0, 0},
    {"no picture, and one is required", "['positive']", TRACE("r2", "acme", STEP(0, "positive", CLICK)), true, 0, 0,
     0, 1, 0},
    {"no picture, and none is", "['positive']", TRACE("r2", "acme", STEP(0, "positive", CLICK)), false, 1, 0, 0, 0, 0},
    {"a run without a tenant", "['positive']", TRACE("r3", "", STEP(1, "positive", CLICK)), true, 1, 0, 0, 0, 0},
    {"another size", "['positive']", TRACE("r4", "acme", STEP(0, "positive", CLICK)), true, 1, 0, 0, 0, 1},
    {"no picture after all", "['positive']", TRACE("r5", "acme", STEP(0, "positive", CLICK)), true, 0, 0, 0, 1, 0},
    {"names lead nowhere else", "['positive']", TRACE("r1", "../acme", STEP(3, "positive", CLICK)), true, 0, 0, 0, 1, 0},
    {"a drag makes no row", "['positive']", TRACE("r2", "acme", STEP(0, "positive", "{'action_type':'drag'}")), false,
     0, 0, 1, 0, 0},
    {"nor does a step without an action", "['positive']", TRACE("r2", "acme", STEP(0, "positive", "null")), false, 0,
     0, 1, 0, 0},
};

static void what_is_kept_is_counted(void **state)
{
    put_picture("__shared__/r3_screens/0001.png", 1280, 720);
    put_picture("acme/r4_screens/0000.png", 1288, 728);
    assert_int_equal(file_mkdirs(pool_printf(pool, "%s/acme/r5_screens", dir), 0700, NULL), 0);
    assert_int_equal(file_write_soon(pool_printf(pool, "%s/acme/r5_screens/0000.png", dir), "no PNG, but long enough",
                                     24, 0600, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        struct sft_config c = config();
        c.require_screenshot = kept[i].require;
        struct sft_counts n = write_rows(&c, kept[i].labels, kept[i].trace);
        if (n.written != kept[i].written || n.other_label != kept[i].other_label || n.no_text != kept[i].no_text ||
            n.no_image != kept[i].no_image || n.other_size != kept[i].other_size ||
            (int)json_array_size(rows) != kept[i].written)
            fail_msg("%s: written %d, other label %d, no text %d, no image %d, other size %d", kept[i].name,
                     (int)n.written, (int)n.other_label, (int)n.no_text, (int)n.no_image, (int)n.other_size);
    }
}

static void a_long_task_is_cut(void **state)
{
    struct sft_config c = config();
    for (int n = 500; n <= 501; n++) {
        json_t *trace = json_of(pool, TRACE("r2", "acme", STEP(0, "positive", CLICK)));
        json_put_str(json_array_get(json_object_get(trace, "steps"), 0), "intent", times(n, "a"));
        struct sft_counts counts = {0};
        assert_int_equal(sft_labelled(&c, json_of(pool, "['positive']"), trace, &sink, &counts, NULL), 0);
        assert_non_null(strstr(said(json_array_get(rows, (size_t)(n - 500)), 1),
                               pool_printf(pool, "Task: %s%s\nScreen", times(500, "a"), n > 500 ? "..." : "")));
    }
}

/* --- pairs ------------------------------------------------------------------------------------- */

#define OTHER "{'action_type':'click','params':{'x':9,'y':9}}"

static void a_bad_answer_is_paired_with_a_good_one_to_the_same_question(void **state)
{
    static const struct {
        const char *name, *first, *second;
        int written;
    } cases[] = {
        {"the same plan and step", TRACE("a", "t", STEP(0, "positive", CLICK)), TRACE("b", "t", STEP(0, "negative", OTHER)), 1},
        {"another step", TRACE("a", "t", STEP(0, "positive", CLICK)), TRACE("b", "t", STEP(1, "negative", OTHER)), 0},
        {"the same answer", TRACE("a", "t", STEP(0, "positive", CLICK)), TRACE("b", "t", STEP(0, "negative", CLICK)), 0},
        {"no good one", TRACE("a", "t", STEP(0, "neutral", CLICK)), TRACE("b", "t", STEP(0, "negative", OTHER)), 0},
        {"in one run", TRACE("a", "t", "{'step_index':0,'plan_step':4,'label':'positive','last_action':" CLICK "},{'step_index':1,'plan_step':4,'label':'negative','last_action':" OTHER "}"),
         TRACE("b", "t", ""), 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sft_config c = config();
        struct sft_counts n = {0};
        struct pairs *pairs = pairs_create();
        assert_int_equal(pairs_add(pairs, &c, json_of(pool, cases[i].first), &n, NULL), 0);
        assert_int_equal(pairs_add(pairs, &c, json_of(pool, cases[i].second), &n, NULL), 0);
        assert_int_equal(pairs_write(pairs, &sink, &n, NULL), 0);
        if (n.written != cases[i].written)
            fail_msg("%s: %d pairs", cases[i].name, (int)n.written);
        pairs_destroy(pairs);
    }
    struct sft_config c = config();
    struct sft_counts n = {0};
    struct pairs *pairs = pairs_create();
    assert_int_equal(pairs_add(pairs, &c, json_of(pool, cases[0].first), &n, NULL), 0);
    assert_int_equal(pairs_add(pairs, &c, json_of(pool, cases[0].second), &n, NULL), 0);
    assert_int_equal(pairs_write(pairs, &sink, &n, NULL), 0);
    pairs_destroy(pairs);
    const json_t *pair = json_array_get(rows, 0);
    assert_int_equal(json_array_size(json_object_get(pair, "conversations")), 2);
    assert_non_null(strstr(json_str(json_object_get(pair, "chosen"), "value", ""), "click(x=4, y=5)"));
    assert_non_null(strstr(json_str(json_object_get(pair, "rejected"), "value", ""), "click(x=9, y=9)"));
    assert_string_equal(json_str(json_object_get(pair, "metadata"), "rejected_run_id", ""), "b");
}

/* --- rollouts ---------------------------------------------------------------------------------- */

#define ROLLOUT(success, reward)                                                                                 \
    "{'rollout_id':'q1','task_id':'t1','task':'Buy a desk','success':" success ",'terminal_reward':" reward        \
    ",'trajectory':[{'step':1,'screenshot_path':'shots/1.png','thinking':'The card. It is big.','action':"        \
    "{'type':'click','params':{'x':4,'y':5}}},{'step':2,'screenshot_path':'../1.png','action':{'type':'done'}}]}"

static void rollouts_make_the_same_rows(void **state)
{
    static const struct {
        const char *name, *rollout;
        bool include_failed, require;
        int most_steps, written;
    } cases[] = {
        {"one that got there", ROLLOUT("true", "1.0"), false, false, 0, 2},
        {"too little reward", ROLLOUT("true", "0.5"), false, false, 0, 0},
        {"failed", ROLLOUT("false", "1.0"), false, false, 0, 0},
        {"failed, and wanted", ROLLOUT("false", "0.0"), true, false, 0, 2},
        {"only the first steps", ROLLOUT("true", "1.0"), false, false, 1, 1},
        {"a path out of the root is none", ROLLOUT("true", "1.0"), false, true, 0, 1},
    };
    put_picture("shots/1.png", 1280, 720);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sft_source_config c = {.sft = config(), .source = "rejection_sampled_rollout", .min_reward = 1,
                                      .include_failed = cases[i].include_failed, .most_steps = cases[i].most_steps,
                                      .task = ""};
        c.sft.require_screenshot = cases[i].require;
        struct sft_counts n = {0};
        assert_int_equal(sft_rollout(&c, json_of(pool, cases[i].rollout), &sink, &n, NULL), 0);
        if (n.written != cases[i].written)
            fail_msg("%s: %d rows", cases[i].name, (int)n.written);
    }
    const json_t *row = json_array_get(rows, 0);
    assert_string_equal(said(row, 2), "The card. It is big.\nclick(x=4, y=5)");
    assert_string_equal(json_str(json_object_get(row, "metadata"), "source", ""), "rejection_sampled_rollout");
    assert_string_equal(json_str(json_object_get(row, "metadata"), "rollout_id", ""), "q1");
}

/* --- files ------------------------------------------------------------------------------------- */

static void an_output_within_the_input_is_seen(void **state)
{
    const char *in = pool_printf(pool, "%s/in", dir), *link = pool_printf(pool, "%s/link", dir);
    assert_int_equal(file_mkdirs(pool_printf(pool, "%s/a", in), 0700, NULL), 0);
    assert_int_equal(symlink(in, link), 0);
    assert_true(tree_holds(pool, in, in));
    assert_true(tree_holds(pool, in, pool_printf(pool, "%s/new/deeper", in)));
    assert_true(tree_holds(pool, in, pool_printf(pool, "%s/a/../out.json", link)));
    assert_true(tree_holds(pool, link, pool_printf(pool, "%s/a", in)));
    assert_false(tree_holds(pool, in, pool_printf(pool, "%s/in2", dir)));
    assert_false(tree_holds(pool, in, pool_printf(pool, "%s/out", dir)));
}

static void traces_are_found_at_any_depth_in_order(void **state)
{
    const char *root = pool_printf(pool, "%s/tree", dir);
    static const char *const names[] = {"b/2.json", "a.json", "b/1.json", "b/c/3.json", "b/x.png", ".hidden/4.json"};
    struct tree tree;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = pool_printf(pool, "%s/%s", root, names[i]), *parent = pool_strdup(pool, path);
        *strrchr(parent, '/') = 0;
        assert_int_equal(file_mkdirs(parent, 0700, NULL), 0);
        assert_int_equal(file_write_soon(path, "{}", 2, 0600, NULL), 0);
    }
    assert_int_equal(tree_list(pool, root, &tree, NULL), 0);
    static const char *const want[] = {"a.json", "b/1.json", "b/2.json", "b/c/3.json"};
    assert_int_equal(tree.n, ARRAY_SIZE(want));
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        assert_string_equal(tree.files[i], want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 4 a brief is two sentences and 200 characters", a_brief_is_two_sentences),
        row_test("promotion 4 each action is written in its own way, or dropped", an_action_is_written_or_dropped),
        row_test("promotion 4 text with quotes, backslashes and line breaks comes back as it was", text_comes_back_as_it_was),
        row_test("promotion 4 a row has three turns, an image and metadata", a_row_has_three_turns_and_where_it_is_from),
        row_test("promotion 4 the system text is the very bytes the brain is told", the_system_text_is_what_the_brain_is_told),
        row_test("promotion 4 labels and screenshots decide what is kept", what_is_kept_is_counted),
        row_test("promotion 4 a task of 501 characters is cut", a_long_task_is_cut),
        row_test("promotion 4 pairs join a good and a bad answer of one plan step", a_bad_answer_is_paired_with_a_good_one_to_the_same_question),
        row_test("promotion 4 rollouts and trajectories make the same rows", rollouts_make_the_same_rows),
        row_test("promotion 3 output inside the input tree is seen, through links too", an_output_within_the_input_is_seen),
        cmocka_unit_test(traces_are_found_at_any_depth_in_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
