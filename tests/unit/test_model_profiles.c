/*
 * Models as files: what the shipped ones say, what a wrong one is told, and a new one that is
 * nothing but a file.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "base/str.h"
#include "brain/model/profile_fields.h"
#include "sys/file.h"
#include "unit/model_rig.h"

static struct pool *pool;
static char dir[64];

/* --- the shipped ones ------------------------------------------------------------------------ */

/* clang-format off */
static const struct shipped {
    const char *row, *name, *base_url, *model, *pod_model;
    int max_tokens, pod_max_tokens, frames, history;
    double temperature;
    enum profile_tools_use tools;
    const char *choice;
    int attempts;
    const char *key_env;
    int load_tries, load_gap_s;
    enum space_kind space;
} shipped[] = {
    {"brains 1 holo3", "holo3", "https://api.hcompany.ai/v1", "holo3-35b-a3b", "holo3", 2048, 2048, 1, 5, 0, TOOLS_SELF_HOSTED, "auto", 4, "HAI_API_KEY", 12, 10, SPACE_RESIZED},
    {"brains 1 fara", "fara", "http://localhost:5000/v1", "microsoft/Fara-7B", "model", 2048, 2048, 2, 5, 0, TOOLS_ALWAYS, "auto", 4, "FARA_API_KEY", 12, 10, SPACE_FIXED},
    {"brains 1 claude", "claude", "https://api.anthropic.com/v1", "claude-opus-4-7", "claude-opus-4-7", 4096, 4096, 2, 10, -1, TOOLS_ALWAYS, "auto", 2, "ANTHROPIC_API_KEY", 1, 10, SPACE_SCREEN},
    {"brains 1 opencua", "opencua", "http://localhost:8000/v1", "opencua-7b", "opencua-7b", 2048, 2048, 2, 10, 0, TOOLS_NEVER, "auto", 4, "", 36, 10, SPACE_RESIZED},
    {"brains 1 evocua", "evocua", "http://localhost:8000/v1", "opencua-7b", "opencua-7b", 2048, 2048, 2, 10, 0, TOOLS_NEVER, "auto", 4, "", 36, 10, SPACE_RESIZED},
    {"brains 1 llamacpp", "llamacpp", "http://localhost:8080/v1", "gemma-4", "gemma4-cua", 2048, 512, 2, 10, 0, TOOLS_ALWAYS, "required", 1, "", 1, 10, SPACE_SCREEN},
    {"brains 1 gemma4-cua", "gemma4-cua", "http://localhost:8080/v1", "gemma4-cua", "gemma4-cua", 2048, 512, 2, 10, 0, TOOLS_ALWAYS, "required", 1, "", 1, 10, SPACE_SCREEN},
    {"brains 1 agent-s", "agent-s", "http://localhost:8000/v1", "opencua", "opencua", 2048, 2048, 3, 8, 0, TOOLS_NEVER, "auto", 1, "", 12, 10, SPACE_SCREEN},
};

static const struct alias {
    const char *row, *said, *name;
} aliases[] = {
    {"brains 7 gemma4 is gemma4-cua", "gemma4", "gemma4-cua"},
    {"brains 7 evocua-8b", "evocua-8b", "evocua"},
    {"brains 7 evocua-32b", "evocua-32b", "evocua"},
    {"brains 7 opencua-32b", "opencua-32b", "opencua"},
    {"brains 7 opencua-72b", "opencua-72b", "opencua"},
};
/* clang-format on */

static void a_shipped_one(void **state)
{
    const struct shipped *s = *state;
    const struct profile *p = rig_profile(pool, s->name);
    assert_string_equal(p->base_url, s->base_url);
    assert_string_equal(p->model, s->model);
    assert_string_equal(p->pod_model, s->pod_model);
    assert_string_equal(p->tool_choice, s->choice);
    assert_int_equal(p->max_tokens, s->max_tokens);
    assert_int_equal(p->pod_max_tokens, s->pod_max_tokens);
    assert_int_equal(p->frames, s->frames);
    assert_int_equal(p->history, s->history);
    assert_int_equal(p->tools_use, s->tools);
    assert_int_equal(p->attempts, s->attempts);
    assert_int_equal(p->timeout_s, 120);
    assert_true(p->temperature == s->temperature);
    assert_string_equal(p->key_env, s->key_env);
    assert_int_equal(p->load_tries, s->load_tries);
    assert_int_equal(p->load_gap_s, s->load_gap_s);
    assert_int_equal(p->space.kind, s->space);
    assert_int_equal(p->format, PICTURE_PNG);
}

static void an_alias(void **state)
{
    const struct alias *a = *state;
    assert_string_equal(rig_profile(pool, a->said)->name, a->name);
}

static void every_shipped_profile_is_whole(void **state)
{
    struct profile_dirs dirs = rig_dirs();
    const char *const *names = profile_names(pool, &dirs);
    int n = 0;
    for (; names[n]; n++) {
        const struct profile *p = rig_profile(pool, names[n]);
        assert_string_equal(p->name, names[n]);
        assert_true(*p->about && p->replies[0] && strlen(p->system.version) == 8);
    }
    assert_int_equal(n, 9);
}

static void every_system_prompt_has_the_duties(void **state)
{
    static const char *const duties[] = {
        "CURRENT",      "exactly one action", "middle",      "Click an input field once",
        "has the focus, type next", "address of the final page last", "finish as failed",
        "Tab key",      "Return key",         "three times", "scroll",
        "wait",         "whole task",         "\" | \"",     "\"none\"",
        "five actions", "without acting"};
    struct profile_dirs dirs = rig_dirs();
    for (const char *const *name = profile_names(pool, &dirs); *name; name++)
        for (size_t i = 0; i < ARRAY_SIZE(duties); i++)
            if (!strstr(rig_profile(pool, *name)->system.text, duties[i]))
                fail_msg("%s is not told '%s'", *name, duties[i]);
}

/* clang-format off */
static const struct told {
    const char *row, *prompt;
    const char *words[12];
} tolds[] = {
    {"brains 2 the duties of holo3", "holo3_system", {"one sentence", "one call", "Predicted:", "leave this line out with done", "absolute pixels", "click(x=…, y=…)", "type_text(text=\"…\")",
      "key_press(keys=\"…\")", "scroll(direction=\"…\", amount=…)", "wait(seconds=…)", "done(success=…, summary=\"…\")"}},
    {"brains 2 what holo3 knows of fields, addresses and notes", "holo3_system", {"\"no visible change\"", "has the focus", "address bar at the top", "press Return", "\"done when ...\"", "not the task", "__EXAMPLES__"}},
    {"brains 2 the module for scroll steps", "holo3_scroll", {"10 or more", "Page_Down and End", "two to four scrolls", "end of the page", "no longer moves", "pictures and videos", "next or previous"}},
    {"brains 2 the module for extract steps", "holo3_extract", {"Escape", "Close, No thanks or Reject", "Never"}},
    {"brains 3 the duties of fara", "fara_system", {"checkout, booking, purchase", "a call, a mail, an order", "personal data or consent", "Do everything up to there", "visit_url", "history_back", "whole plan"}},
    {"brains 4 the duties of claude", "claude_system", {"exactly one tool", "absolute pixels", "whole task", "Predicted:", "when you are not sure"}},
    {"brains 5 the duties of opencua", "opencua_system", {"pyautogui.click(", "pyautogui.doubleClick(", "pyautogui.typewrite(", "pyautogui.hotkey(", "pyautogui.press(", "negative to go down",
      "terminate('success')", "terminate('failure')", "with your eyes", "{\"expected\": ["}},
    {"brains 6 the duties of llamacpp", "llamacpp_system", {"one of the tools", "absolute pixels", "whole task"}},
    {"brains 6 the duties of gemma4", "gemma4_system", {"exactly one tool", "absolute pixels", "whole task"}},
    {"brains 1 the duties of any other model", "system_v1", {"one JSON object", "absolute pixels", "\"expected\""}},
    {"brains 1 a prompt for recovery", "recovery_analysis", {"halt"}},
    {"brains 1 a prompt for form targets", "find_form_target", {"exactly one"}},
    {"brains 1 a prompt for extraction", "extract_listing", {""}},
    {"brains 1 a prompt for extraction further down", "extract_listing_scrolled", {""}},
    {"brains 1 a prompt for extraction from several looks", "extract_listing_multi", {""}},
    {"brains 1 a prompt for content controls", "find_listing_content_control", {""}},
};
/* clang-format on */

static void a_prompt_says_its_duties(void **state)
{
    const struct told *t = *state;
    struct profile_dirs dirs = rig_dirs();
    struct prompt p;
    struct err err = {0};
    if (prompt_load(pool, &dirs, t->prompt, &p, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < ARRAY_SIZE(t->words) && t->words[i]; i++)
        if (!strstr(p.text, t->words[i]))
            fail_msg("%s does not say '%s'", t->prompt, t->words[i]);
}

static void only_the_newest_prompt_counts_in_a_plan(void **state)
{
    assert_int_equal(rig_profile(pool, "fara")->plan_frames, 1);
    assert_int_equal(rig_profile(pool, "opencua")->plan_frames, 2);
}

static void the_profile_of_a_brain_or_reader(void **state)
{
    static const char *const specs[][2] = {
        {"chat:holo3", "holo3"}, {"vlm:fara", "fara"},        {"claude", "claude"},
        {"claude:small", "small"}, {"page", NULL},            {"vlm", NULL},
        {"script:/tmp/x", NULL}, {"claudette", NULL},         {"ladder:page,chat:holo3", NULL},
        {"ladder:claude,page", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        const char *name = profile_of_spec(specs[i][0]);
        assert_string_equal(name ? name : "none", specs[i][1] ? specs[i][1] : "none");
    }
}

/* --- a folder of one's own ------------------------------------------------------------------- */

static struct profile_dirs own_dirs(void)
{
    struct profile_dirs dirs = rig_dirs();
    dirs.profiles = dirs.prompts = dir;
    return dirs;
}

static void put_file(const char *name, const char *text)
{
    struct err err = {0};
    if (file_write_soon(pool_printf(pool, "%s/%s", dir, name), text, strlen(text), 0600, &err))
        fail_msg("%s", err.msg);
}

static void a_new_model_is_a_new_file(void **state)
{
    put_file("tapper.json",
             "{\"name\": \"tapper\", \"also\": [\"tapper-3b\"], \"api\": \"openai_chat\","
             "\"endpoint\": {\"base_url\": \"http://127.0.0.1:9/v1\", \"model\": \"tapper-3b-q4\"},"
             "\"coordinates\": \"per_mille\", \"image\": {\"format\": \"jpeg\", \"quality\": 70},"
             "\"prompt\": {\"system\": \"tapper_system\"}, \"replies\": [\"native\", \"keyword\"],"
             "\"actions\": {\"tap\": \"click\", \"swipe\": \"scroll\"}}");
    put_file("tapper_system.txt", "Tap on a screen of __WIDTH__ by __HEIGHT__.\n");
    struct profile_dirs dirs = own_dirs();
    const struct profile *p;
    struct err err = {0};
    if (profile_load(pool, &dirs, "tapper-3b", &p, &err))
        fail_msg("%s", err.msg);
    const struct said said = {.text = "There. tap(x=500, y=500)", .thinking = "", .finish = ""};
    const struct reply_facts facts = {.view = {1280, 720, 0, 0}, .pointer = {-1, -1}};
    struct model_reply reply;
    reply_read(pool, p, &said, &facts, &reply);
    assert_string_equal(rig_words(pool, &reply.action), "click 640,360");
    const struct said swipe = {.text = "swipe('up', 4)", .thinking = "", .finish = ""};
    reply_read(pool, p, &swipe, &facts, &reply);
    assert_string_equal(rig_words(pool, &reply.action), "scroll up 4");
}

static void an_own_file_stands_before_ours(void **state)
{
    static const char text[] = "My words.\n";
    struct profile_dirs dirs = own_dirs();
    struct prompt ours, own;
    assert_int_equal(prompt_load(pool, &dirs, "fara_system", &ours, NULL), 0);
    put_file("fara_system.txt", text);
    assert_int_equal(prompt_load(pool, &dirs, "fara_system", &own, NULL), 0);
    assert_string_equal(own.text, text);
    assert_string_equal(own.version, "616df736"); /* printf 'My words.\n' | sha1sum */
    assert_string_not_equal(ours.version, own.version);
    assert_int_equal(prompt_load(pool, &dirs, "opencua_system", &own, NULL), 0);
}

static void placeholders_are_filled(void **state)
{
    static const struct prompt_value values[] = {{"WIDTH", "1280"}, {"HEIGHT", "720"}};
    struct prompt p = {.name = "p", .text = "__WIDTH__x__HEIGHT__ __init__ __ _x_ __WIDTH__"};
    const char *out;
    struct err err = {0};
    assert_int_equal(prompt_fill(pool, &p, values, 2, &out, &err), 0);
    assert_string_equal(out, "1280x720 __init__ __ _x_ 1280");
    p.text = "__WIDTH__ __COLOUR_MODE__";
    assert_int_equal(prompt_fill(pool, &p, values, 2, &out, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "__COLOUR_MODE__"));
}

static void a_missing_prompt_is_named(void **state)
{
    struct profile_dirs dirs = rig_dirs();
    struct prompt p;
    struct err err = {0};
    assert_int_equal(prompt_load(pool, &dirs, "no_such", &p, &err), E_INTERNAL);
    assert_non_null(strstr(err.msg, "'no_such'"));
    assert_non_null(strstr(err.msg, "/prompts/no_such.txt"));
    assert_int_equal(prompt_load(pool, &dirs, "../secret", &p, &err), E_INVALID);
}

/* At the start, not in every run. */
static void a_placeholder_nothing_stands_for_refuses_the_profile(void **state)
{
    struct profile_dirs dirs = own_dirs();
    const struct profile *p;
    struct err err = {0};
    put_file("tapper.json",
             "{\"name\": \"tapper\", \"api\": \"openai_chat\", \"coordinates\": \"per_mille\","
             " \"endpoint\": {\"base_url\": \"http://127.0.0.1:1/v1\", \"model\": \"t\"},"
             " \"prompt\": {\"system\": \"tapper_system\"}, \"replies\": [\"native\"]}");
    put_file("tapper_system.txt", "Tap on __COLOUR__.\n");
    assert_int_equal(profile_load(pool, &dirs, "tapper", &p, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "prompt.system"));
    assert_non_null(strstr(err.msg, "__COLOUR__"));
    put_file("tapper_system.txt", "Tap on __WIDTH__ by __HEIGHT__. __EXAMPLES__ __DUTIES__\n");
    assert_int_equal(profile_load(pool, &dirs, "tapper", &p, &err), 0);
}

static void an_unknown_model_lists_the_known(void **state)
{
    struct profile_dirs dirs = rig_dirs();
    const struct profile *p;
    struct err err = {0};
    assert_int_equal(profile_load(pool, &dirs, "nimbus", &p, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "'nimbus'"));
    assert_non_null(strstr(err.msg, "agent-s, claude, evocua"));
    assert_null(strstr(err.msg, "sites"));
    assert_int_equal(profile_load(pool, &dirs, "../profiles/holo3", &p, &err), E_NOT_FOUND);
}

static void fara_sees_the_size_that_is_set(void **state)
{
    struct profile_dirs dirs = rig_dirs();
    const struct profile *p;
    struct err err = {0};
    setenv("MANTIS_FARA_INPUT_WH", "1024x640", 1);
    assert_int_equal(profile_load(pool, &dirs, "fara", &p, &err), 0);
    assert_true(p->space.width == 1024 && p->space.height == 640);
    setenv("MANTIS_FARA_INPUT_WH", "big", 1);
    assert_int_equal(profile_load(pool, &dirs, "fara", &p, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "MANTIS_FARA_INPUT_WH"));
    unsetenv("MANTIS_FARA_INPUT_WH");
    p = rig_profile(pool, "fara");
    assert_true(p->space.width == 1428 && p->space.height == 896);
}

static void claude_is_sent_the_format_that_is_set(void **state)
{
    static const struct {
        const char *value;
        enum picture_format format;
    } formats[] = {{"jpeg", PICTURE_JPEG},
                   {"JPG", PICTURE_JPEG},
                   {"png", PICTURE_PNG},
                   {"webp", PICTURE_WEBP},
                   {"", PICTURE_PNG}};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        setenv("MANTIS_CLAUDE_IMAGE_FORMAT", formats[i].value, 1);
        assert_int_equal(rig_profile(pool, "claude")->format, formats[i].format);
    }
    unsetenv("MANTIS_CLAUDE_IMAGE_FORMAT");
    setenv("MANTIS_CLAUDE_IMAGE_QUALITY", "95", 1);
    assert_int_equal(rig_profile(pool, "claude")->quality, 95);
    assert_int_equal(rig_profile(pool, "fara")->quality, 85); /* not its variable */
    unsetenv("MANTIS_CLAUDE_IMAGE_QUALITY");
}

static void a_wrong_format_or_quality_names_its_variable(void **state)
{
    static const char *const wrong[][2] = {{"MANTIS_CLAUDE_IMAGE_FORMAT", "gif"},
                                           {"MANTIS_CLAUDE_IMAGE_QUALITY", "96"},
                                           {"MANTIS_CLAUDE_IMAGE_QUALITY", "0"},
                                           {"MANTIS_CLAUDE_IMAGE_QUALITY", "85%"}};
    struct profile_dirs dirs = rig_dirs();
    const struct profile *p;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct err err = {0};
        setenv(wrong[i][0], wrong[i][1], 1);
        assert_int_equal(profile_load(pool, &dirs, "claude", &p, &err), E_INVALID);
        assert_non_null(strstr(err.msg, wrong[i][0]));
        assert_non_null(strstr(err.msg, wrong[i][1]));
        unsetenv(wrong[i][0]);
    }
}

/* --- wrong files ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct wrong {
    const char *in, *field, *value; /* in: group, "" the top; value as JSON, NULL: taken out */
    const char *named, *also_named; /* both in the message */
} wrongs[] = {
    {"", "name", NULL, "name is missing", ""},
    {"", "name", "\"other\"", "name must be 'wrong'", "'other'"},
    {"", "api", "\"grpc\"", "api must be one of openai_chat, anthropic_messages", "\"grpc\""},
    {"", "api", NULL, "api is missing", ""},
    {"", "colour", "1", "'colour' is no field", "there are name, about, also, api, endpoint, engine, coordinates, resize,"},
    {"", "colour", "1", "'colour' is no field", "keys, unknown_wait_seconds"},
    {"endpoint", "port", "80", "'endpoint.port' is no field", "there are base_url, model, pod_model, key_env, headers,"},
    {"endpoint", "port", "80", "'endpoint.port' is no field", "load_gap_seconds in endpoint"},
    {"endpoint", "base_url", "\"localhost:80\"", "endpoint.base_url must start with http", ""},
    {"endpoint", "base_url", "\"http://a.test/v1/\"", "endpoint.base_url must not end", ""},
    {"endpoint", "base_url", "\"\"", "endpoint.base_url must be a text", ""},
    {"endpoint", "base_url", "\"http://me:word@a.test/v1\"", "endpoint.base_url must hold no user", "endpoint.key_env"},
    {"endpoint", "base_url", "\"http://me@a.test\"", "endpoint.base_url must hold no user", ""},
    {"endpoint", "base_url", "\"http://a.test/v1?key=1\"", "endpoint.base_url must be a host and a path", ""},
    {"endpoint", "base_url", "\"http://a.test/#v1\"", "endpoint.base_url must be a host and a path", ""},
    {"endpoint", "base_url", "\"http://a.test/v 1\"", "endpoint.base_url must be a host and a path", ""},
    {"endpoint", "base_url", "\"http://:80/v1\"", "endpoint.base_url must be a host and a path", ""},
    {"endpoint", "base_url", "\"http://a.test/v1\\n\"", "endpoint.base_url must be a text of one line", ""},
    {"endpoint", "headers", "{\"X-A\":\"1\\r\\nX-B: 2\"}", "endpoint.headers must be an object of texts of one line", ""},
    {"endpoint", "headers", "{\"X-A\":\"1\\u007f\"}", "endpoint.headers must be an object of texts of one line", ""},
    {"endpoint", "headers", "{\"X-A\\nX-B\":\"1\"}", "endpoint.headers: 'X-A", "no name of a header"},
    {"endpoint", "headers", "{\"X A\":\"1\"}", "endpoint.headers: 'X A' is no name of a header", ""},
    {"endpoint", "headers", "{\"X-A:\":\"1\"}", "endpoint.headers: 'X-A:' is no name of a header", ""},
    {"endpoint", "headers", "{\"\":\"1\"}", "endpoint.headers: '' is no name of a header", ""},
    {"endpoint", "key_env", "\"../key\"", "endpoint.key_env: '../key' is no name of a secret", ""},
    {"endpoint", "model", "\"a\\tb\"", "endpoint.model must be a text of one line", ""},
    {"endpoint", "model", "5", "endpoint.model must be a text", "5"},
    {"endpoint", "attempts", "0", "endpoint.attempts must be a whole number from 1 to 10", "0"},
    {"endpoint", "attempts", "\"4\"", "endpoint.attempts must be a whole number", "\"4\""},
    {"endpoint", "headers", "{\"a\":1}", "endpoint.headers must be an object of texts", ""},
    {"", "endpoint", "[]", "endpoint must be an object", ""},
    {"", "coordinates", "\"inches\"", "coordinates: must be screen, resized", "'inches'"},
    {"", "coordinates", "7", "coordinates must be a text", ""},
    {"resize", "max_pixels", "100", "resize.min_pixels must not be above", ""},
    {"image", "format", "\"gif\"", "image.format must be one of png, jpeg", "\"gif\""},
    {"image", "quality", "100", "image.quality must be a whole number from 1 to 95", ""},
    {"", "frames", "0", "frames must be a whole number from 1 to 8", ""},
    {"", "history", "1.5", "history must be a whole number", "1.5"},
    {"sampling", "temperature", "3", "sampling.temperature must be a number from -1 to 2", "3"},
    {"tools", "use", "\"maybe\"", "tools.use must be one of never, self_hosted, always", ""},
    {"tools", "file", "\"none_such\"", "tools.file: there is no profiles/tools/none_such.json", ""},
    {"tools", "file", "\"\"", "tools.file is missing", ""},
    {"thinking", "on", "\"yes\"", "thinking.on must be true or false", ""},
    {"thinking", "pod_switch", "\"magic\"", "thinking.pod_switch must be one of none, thinking, chat_template_kwargs", ""},
    {"prompt", "system", NULL, "prompt.system is missing", ""},
    {"prompt", "system", "\"none_such\"", "prompt.system: prompt 'none_such'", ""},
    {"prompt", "contexts", "{\"scroll\":\"none_such\"}", "prompt.contexts.scroll: prompt 'none_such'", ""},
    {"", "replies", "[]", "replies must be a list of texts", ""},
    {"", "replies", "[\"telepathy\"]", "'telepathy' is no way to read a reply", "tool_call, native"},
    {"", "replies", "[\"json\",\"json\",\"json\",\"json\",\"json\",\"json\",\"json\",\"json\",\"json\",\"json\",\"json\",\"json\"]", "replies: at most 11", ""},
    {"", "actions", "{\"tap\":\"poke\"}", "actions.tap: 'poke' is no action", ""},
    {"", "actions", "{\"tap\":1}", "actions must be an object of texts", ""},
    {"", "keys", "\"loud\"", "keys must be one of as_said, plain", ""},
};
/* clang-format on */

/* Holo3's file with one field changed; in: its group, "" none. value is taken, NULL: the field is taken out. */
static int load_changed(const char *in, const char *field, json_t *value, struct err *err)
{
    struct profile_dirs dirs = own_dirs();
    const struct profile *p;
    json_t *file = NULL;
    assert_int_equal(json_parse_file(rig_profile(pool, "holo3")->path, &file, NULL), 0);
    json_keep(pool, file);
    json_put_str(file, "name", "wrong");
    if (*in && !json_object_get(file, in))
        json_put(file, in, json_object());
    json_t *group = *in ? json_object_get(file, in) : file;
    if (value)
        json_put(group, field, value);
    else
        json_object_del(group, field);
    put_file("wrong.json", json_pretty(pool, file));
    return profile_load(pool, &dirs, "wrong", &p, err);
}

static void a_wrong_file_is_told_where(void **state)
{
    const struct wrong *w = *state;
    struct err err = {0};
    json_t *value = w->value ? json_loads(w->value, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(load_changed(w->in, w->field, value, &err) < 0);
    if (!strstr(err.msg, w->named) || !strstr(err.msg, w->also_named) ||
        !strstr(err.msg, "/wrong.json'"))
        fail_msg("%s", err.msg);
}

/* One below the range, one above it, and what is no number. */
static void a_number_out_of_its_range(const char *path, double least, double most)
{
    json_t *values[] = {json_integer((long)least - 1), json_integer((long)most + 1), json_string("1")};
    const char *dot = strchr(path, '.');
    const char *in = dot ? pool_strndup(pool, path, (size_t)(dot - path)) : "";
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct err err = {0};
        assert_int_equal(load_changed(in, dot ? dot + 1 : path, values[i], &err), E_INVALID);
        if (!strstr(err.msg, pool_printf(pool, "%s must be a", path)) || !strstr(err.msg, "number from"))
            fail_msg("%s: %s", path, err.msg);
    }
}

static void every_number_has_a_range(void **state)
{
    int n = 0;
    for (const char *line = profile_describe(pool); (line = strstr(line, "\n| `")); line++) {
        char path[64];
        double least, most;
        if (sscanf(line, "\n| `%63[^`]` | a whole number from %lf to %lf |", path, &least, &most) == 3 ||
            sscanf(line, "\n| `%63[^`]` | a number from %lf to %lf |", path, &least, &most) == 3) {
            a_number_out_of_its_range(path, least, most);
            n++;
        }
    }
    assert_true(n > 15);
}

static void a_file_that_is_no_json_is_named(void **state)
{
    struct profile_dirs dirs = own_dirs();
    const struct profile *p;
    struct err err = {0};
    put_file("broken.json", "{\"name\": ");
    assert_true(profile_load(pool, &dirs, "broken", &p, &err) < 0);
    assert_non_null(strstr(err.msg, "broken.json"));
    put_file("broken.json", "[]");
    assert_int_equal(profile_load(pool, &dirs, "broken", &p, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "must be an object"));
}

static void a_pipe_is_no_profile(void **state)
{
    struct profile_dirs dirs = own_dirs();
    const struct profile *p;
    struct err err = {0};
    assert_int_equal(mkfifo(pool_printf(pool, "%s/pipe.json", dirs.profiles), 0600), 0);
    assert_int_equal(profile_load(pool, &dirs, "pipe", &p, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "pipe.json' is not a file"));
}

/* --- docs ------------------------------------------------------------------------------------ */

static void the_page_about_models_lists_the_fields(void **state)
{
    char *text;
    size_t len;
    const char *path = pool_printf(pool, "%s/docs/brains.md", getenv("MANTIS_SOURCE_ROOT"));
    assert_int_equal(file_read(pool, path, CAP_PLAN_FILE_BYTES, &text, &len, NULL), 0);
    if (!strstr(text, profile_describe(pool)))
        fail_msg("docs/brains.md must hold this table:\n%s", profile_describe(pool));
    if (!strstr(text, reply_strategies(pool)))
        fail_msg("docs/brains.md must hold this list: %s", reply_strategies(pool));
}

static int begin(void **state)
{
    struct err err = {0};
    snprintf(dir, sizeof(dir), "/tmp/mantis-profiles-XXXXXX");
    pool = pool_create(NULL);
    return mkdtemp(dir) && !file_mkdirs(dir, 0700, &err) ? 0 : -1;
}

static int end(void **state)
{
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static const struct CMUnitTest others[] = {
    cmocka_unit_test(every_shipped_profile_is_whole),
    row_test("brains 1.2 every system prompt has the shared duties",
             every_system_prompt_has_the_duties),
    row_test("brains 1 fara is shown one frame in plans", only_the_newest_prompt_counts_in_a_plan),
    row_test("brains 1 adding a model is adding a file", a_new_model_is_a_new_file),
    row_test("brains 1 a prompt override, and its version", an_own_file_stands_before_ours),
    row_test("brains 1 placeholders __NAME__", placeholders_are_filled),
    cmocka_unit_test(the_profile_of_a_brain_or_reader),
    cmocka_unit_test(a_missing_prompt_is_named),
    cmocka_unit_test(a_placeholder_nothing_stands_for_refuses_the_profile),
    row_test("brains 7 an unknown model is refused with the known ones",
             an_unknown_model_lists_the_known),
    row_test("brains 3 MANTIS_FARA_INPUT_WH", fara_sees_the_size_that_is_set),
    row_test("brains 10 MANTIS_CLAUDE_IMAGE_FORMAT, MANTIS_CLAUDE_IMAGE_QUALITY",
             claude_is_sent_the_format_that_is_set),
    cmocka_unit_test(a_wrong_format_or_quality_names_its_variable),
    cmocka_unit_test(every_number_has_a_range),
    cmocka_unit_test(a_file_that_is_no_json_is_named),
    cmocka_unit_test(a_pipe_is_no_profile),
    cmocka_unit_test(the_page_about_models_lists_the_fields),
};

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_SIZE(shipped) + ARRAY_SIZE(aliases) + ARRAY_SIZE(wrongs) +
              ARRAY_SIZE(tolds) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
        tests[n++] =
            (struct CMUnitTest){shipped[i].row, a_shipped_one, NULL, NULL, (void *)&shipped[i]};
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
        tests[n++] = (struct CMUnitTest){aliases[i].row, an_alias, NULL, NULL, (void *)&aliases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
        tests[n++] = (struct CMUnitTest){wrongs[i].named, a_wrong_file_is_told_where, NULL, NULL,
                                         (void *)&wrongs[i]};
    for (size_t i = 0; i < ARRAY_SIZE(tolds); i++)
        tests[n++] = (struct CMUnitTest){tolds[i].row, a_prompt_says_its_duties, NULL, NULL,
                                         (void *)&tolds[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
