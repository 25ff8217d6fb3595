/*
 * Any answer of a model: always one action, inside the screen, whose texts are UTF-8 and whose keys
 * exist; the same answer is the same action, and a printed action is read back.
 *
 * Input: a digit that chooses the profile, then "t" and the reply's text, "c" and a tool's name, a
 * line break and its arguments, or "q" and the answer to a question.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/questions.h"

#define WIDTH  1280
#define HEIGHT 720

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* clang-format off */
static const struct {
    enum profile_api api;
    struct space space;
    enum profile_keys keys;
    const char *replies[PROFILE_STRATEGIES];
} kinds[] = {
    {API_OPENAI_CHAT, {.kind = SPACE_RESIZED, .factor = 28, .min_pixels = 3136, .max_pixels = 12845056}, KEYS_AS_SAID,
     {"tool_call", "native", "json", "pyautogui", "terminate", "keyword"}},
    {API_OPENAI_CHAT, {.kind = SPACE_FIXED, .width = 1428, .height = 896}, KEYS_AS_SAID,
     {"tool_call", "computer_use", "json", "terminate", "keyword"}},
    {API_ANTHROPIC_MESSAGES, {.kind = SPACE_SCREEN}, KEYS_PLAIN, {"tool_call", "press_words", "done_words"}},
    {API_OPENAI_CHAT, {.kind = SPACE_PER_MILLE}, KEYS_PLAIN, {"pyautogui", "json", "terminate", "keyword"}},
};
/* clang-format on */

static struct profile profile_of(int kind)
{
    struct profile p = {.name = "fuzz",
                        .api = kinds[kind].api,
                        .space = kinds[kind].space,
                        .keys = kinds[kind].keys,
                        .unknown_wait_s = 1};
    for (int i = 0; i < PROFILE_STRATEGIES && kinds[kind].replies[i]; i++)
        p.replies[i] = reply_strategy(kinds[kind].replies[i]);
    return p;
}

static bool inside(int x, int y)
{
    return x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT;
}

static void check_text(const char *s)
{
    require(!s || str_is_utf8(s, strlen(s)));
}

static void check_keys(struct pool *pool, const char *keys)
{
    const char *names[8];
    int n;
    require(!action_keys(pool, keys, names, 8, &n, NULL));
}

static void check_action(struct pool *pool, const struct action *a)
{
    bool pointed =
        a->type <= ACTION_DOUBLE_CLICK || a->type == ACTION_MOVE || a->type == ACTION_DRAG;
    require(!pointed || inside(a->x, a->y));
    require(a->type != ACTION_DRAG || inside(a->to_x, a->to_y));
    require(a->type != ACTION_SCROLL || ((a->x == -1 && a->y == -1) || inside(a->x, a->y)));
    require(a->type != ACTION_SCROLL || (abs(a->dx) <= 40 && abs(a->dy) <= 40));
    require(a->type != ACTION_TYPE_TEXT || *a->text);
    require(a->type != ACTION_WAIT || (a->seconds >= 0 && a->seconds <= 10));
    if (a->type == ACTION_KEY_PRESS || a->keys)
        check_keys(pool, a->keys);
    check_text(a->text);
    check_text(a->summary);
    check_text(a->reasoning);
    check_text(a->fact);
}

/* What is told of an action is the action. */
static void check_printed(struct pool *pool, const struct action *a)
{
    struct action again;
    json_t *json = json_keep(pool, action_to_json(a));
    require(!action_parse(pool, action_type_name(a->type), json_object_get(json, "params"), &again,
                          NULL));
    again.reasoning = a->reasoning;
    require(json_equal(json, json_keep(pool, action_to_json(&again))));
}

static void read_reply(struct pool *pool, int kind, const struct said *said)
{
    const struct profile p = profile_of(kind);
    const struct reply_facts facts = {.view = {WIDTH, HEIGHT, 0, 0}, .pointer = {-1, -1}};
    struct model_reply one, two;
    reply_read(pool, &p, said, &facts, &one);
    require(one.action.unparsed == !*one.strategy);
    check_text(one.thinking);
    check_action(pool, &one.action);
    check_printed(pool, &one.action);
    reply_read(pool, &p, said, &facts, &two);
    require(json_equal(json_keep(pool, action_to_json(&one.action)),
                       json_keep(pool, action_to_json(&two.action))));
}

/* The whole way of an answer: a body, taken apart. */
static void read_call(struct pool *pool, int kind, const char *text)
{
    char *name = pool_strndup(pool, text, strcspn(text, "\n"));
    const char *args = text[strlen(name)] ? text + strlen(name) + 1 : "";
    json_t *body = json_pack("{s:[{s:{s:n,s:[{s:{s:s,s:s}}]}}]}", "choices", "message", "content",
                             "tool_calls", "function", "name", name, "arguments", args);
    struct said said;
    require(body && !said_read(pool, API_OPENAI_CHAT, json_keep(pool, body), &said, NULL));
    read_reply(pool, kind, &said);
}

static void read_answers(struct pool *pool, int kind, const char *text)
{
    const struct profile p = profile_of(kind);
    const struct space_view view = {WIDTH, HEIGHT, 0, 0};
    struct form_value values[4];
    struct focused_answer focused;
    struct done_answer done;
    struct submit_answer submit;
    struct action action;
    struct point at;
    int n = answer_form_values(pool, text, values, 4);
    for (int i = 0; i < n; i++) {
        check_text(values[i].label);
        check_text(values[i].value);
    }
    if (answer_focused(pool, text, &focused))
        check_text(focused.label);
    if (answer_done(pool, text, &done))
        check_text(done.reason);
    if (answer_submit(pool, &p, &view, text, &submit))
        require(!submit.found || inside(submit.at.x, submit.at.y));
    if (answer_director(pool, &p, &view, text, &action))
        check_action(pool, &action);
    if (answer_grounding(pool, &p, &view, text, &at))
        require(inside(at.x, at.y));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    if (size > 2 && str_is_utf8((const char *)data + 2, size - 2)) {
        int kind = data[0] % (int)ARRAY_SIZE(kinds);
        const char *text = pool_strndup(pool, (const char *)data + 2, size - 2);
        const struct said said = {.text = text, .thinking = "", .finish = ""};
        if (data[1] == 'c')
            read_call(pool, kind, text);
        else if (data[1] == 'q')
            read_answers(pool, kind, text);
        else
            read_reply(pool, kind, &said);
    }
    pool_destroy(pool);
    return 0;
}
