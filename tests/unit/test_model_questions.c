/*
 * What a model is asked besides the next action, what its answers say, and what is remembered of a
 * point that was looked at again.
 */
#include "unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/grounding.h"
#include "brain/model/questions.h"
#include "unit/model_rig.h"

static struct pool *pool;
static const struct space_view view = {1280, 720, 0, 0};

/* --- answers --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
    const char *row;
    enum question question;
    const char *profile, *reply, *want; /* want "": no answer */
} rows[] = {
    {"brains 8 form values", QUESTION_FORM_VALUES, "holo3", "Sure: [{\"label\":\"First Name\",\"value\":\"Ann\"},{\"label\":\"zip\",\"value\":80331}]", "first name=Ann; zip=80331"},
    {"brains 8 form values without labels or values are left out", QUESTION_FORM_VALUES, "holo3", "[{\"label\":\"\",\"value\":\"x\"},{\"label\":\"a\"},7]", ""},
    {"brains 8 no form values", QUESTION_FORM_VALUES, "holo3", "There are none.", ""},
    {"brains 8 a focused field", QUESTION_FOCUSED, "holo3", "```json\n{\"focused\": true, \"label\": \"E-Mail\", \"type\": \"email\"}\n```", "yes e-mail (email)"},
    {"brains 8 a type of field that nobody knows is another one", QUESTION_FOCUSED, "holo3", "{'focused': True, 'label': 'Colour', 'type': 'colour'}", "yes colour (other)"},
    {"brains 8 nothing is focused", QUESTION_FOCUSED, "holo3", "{\"focused\": false}", "no  (other)"},
    {"brains 8 whether a field is focused is not said", QUESTION_FOCUSED, "holo3", "{\"label\": \"x\"}", ""},
    {"brains 8 what is claimed is visible", QUESTION_DONE, "holo3", "{\"valid\": true, \"reason\": \"the order number is shown\"}", "yes the order number is shown"},
    {"brains 8 what is claimed is not visible", QUESTION_DONE, "holo3", "I think {\"valid\": \"false\", \"reason\": \"an error\"}", "no an error"},
    {"brains 8 no answer about what is claimed", QUESTION_DONE, "holo3", "Yes!", ""},
    {"brains 8 the submit button, in the model's own points", QUESTION_SUBMIT, "holo3", "{\"found\": true, \"x\": 644, \"y\": 364, \"label\": \"Send\"}", "640,360 Send"},
    {"brains 8 the submit button of fara", QUESTION_SUBMIT, "fara", "{\"found\": true, \"coordinate\": [714, 448], \"label\": \"Send\"}", "640,360 Send"},
    {"brains 8 no submit button", QUESTION_SUBMIT, "holo3", "{\"found\": false}", "not found"},
    {"brains 8 a submit button at (0,0) is none", QUESTION_SUBMIT, "holo3", "{\"found\": true, \"x\": 0, \"y\": 0}", "not found"},
    {"brains 8 the director clicks", QUESTION_DIRECTOR, "claude", "{\"action_type\":\"click\",\"x\":10,\"y\":20,\"rationale\":\"the menu\"}", "click 10,20 # claude-director: the menu"},
    {"brains 8 the director scrolls by five", QUESTION_DIRECTOR, "claude", "{\"action_type\":\"scroll\",\"direction\":\"down\",\"rationale\":\"r\"}", "scroll down 5 # claude-director: r"},
    {"brains 8 the director waits two seconds", QUESTION_DIRECTOR, "claude", "{\"action_type\":\"wait\"}", "wait 2 # claude-director: "},
    {"brains 8 the director presses a key", QUESTION_DIRECTOR, "claude", "{\"action_type\":\"key_press\",\"keys\":\"Escape\",\"rationale\":\"r\"}", "key escape # claude-director: r"},
    {"brains 8 the director must not type", QUESTION_DIRECTOR, "claude", "{\"action_type\":\"type_text\",\"text\":\"x\"}", ""},
    {"brains 8 the director must not end it", QUESTION_DIRECTOR, "claude", "{\"action_type\":\"done\",\"success\":true}", ""},
    {"brains 11 two numbers", QUESTION_GROUNDING, "claude", "(612, 233)", "612,233"},
    {"brains 11 x= and y=", QUESTION_GROUNDING, "llamacpp", "x=612 y=233", "612,233"},
    {"brains 11 JSON", QUESTION_GROUNDING, "claude", "{\"x\": 612, \"y\": 233}", "612,233"},
    {"brains 11 clamped to the image", QUESTION_GROUNDING, "claude", "5000 233", "1279,233"},
    {"brains 11 none", QUESTION_GROUNDING, "claude", "{\"none\": true}", ""},
    {"brains 11 none in words", QUESTION_GROUNDING, "claude", "none", ""},
    {"brains 11 one number is none", QUESTION_GROUNDING, "claude", "612", ""},
};
/* clang-format on */

static const char *form_words(const char *reply)
{
    struct form_value values[8];
    int n = answer_form_values(pool, reply, values, 8);
    const char *out = "";
    for (int i = 0; i < n; i++)
        out = pool_printf(pool, "%s%s%s=%s", out, i ? "; " : "", values[i].label, values[i].value);
    return out;
}

static const char *focused_words(const char *reply)
{
    struct focused_answer a;
    return answer_focused(pool, reply, &a)
               ? pool_printf(pool, "%s %s (%s)", a.focused ? "yes" : "no", a.label, a.type)
               : "";
}

static const char *done_words(const char *reply)
{
    struct done_answer a;
    return answer_done(pool, reply, &a)
               ? pool_printf(pool, "%s %s", a.valid ? "yes" : "no", a.reason)
               : "";
}

static const char *submit_words(const struct profile *p, const char *reply)
{
    struct submit_answer a;
    if (!answer_submit(pool, p, &view, reply, &a))
        return "";
    return a.found ? pool_printf(pool, "%d,%d %s", a.at.x, a.at.y, a.label) : "not found";
}

static const char *director_words(const struct profile *p, const char *reply)
{
    struct action a;
    return answer_director(pool, p, &view, reply, &a)
               ? pool_printf(pool, "%s # %s", rig_words(pool, &a), a.reasoning)
               : "";
}

static const char *grounding_words(const struct profile *p, const char *reply)
{
    struct point at;
    return answer_grounding(pool, p, &view, reply, &at) ? pool_printf(pool, "%d,%d", at.x, at.y)
                                                        : "";
}

static const char *answer_words(const struct row *row)
{
    const struct profile *p = rig_profile(pool, row->profile);
    switch (row->question) {
    case QUESTION_FORM_VALUES:
        return form_words(row->reply);
    case QUESTION_FOCUSED:
        return focused_words(row->reply);
    case QUESTION_DONE:
        return done_words(row->reply);
    case QUESTION_SUBMIT:
        return submit_words(p, row->reply);
    case QUESTION_DIRECTOR:
        return director_words(p, row->reply);
    case QUESTION_GROUNDING:
        return grounding_words(p, row->reply);
    }
    return "?";
}

static void one_row(void **state)
{
    const struct row *row = *state;
    assert_string_equal(answer_words(row), row->want);
}

/* --- questions ------------------------------------------------------------------------------- */

static const struct action typed[] = {{.type = ACTION_CLICK, .x = 1, .y = 2, .button = BUTTON_LEFT},
                                      {.type = ACTION_TYPE_TEXT, .text = "s3cret"}};

static const char *ask(const char *profile, enum question which, const struct question_facts *facts)
{
    struct profile_dirs dirs = rig_dirs();
    struct err err = {0};
    const char *text;
    if (question_text(pool, &dirs, rig_profile(pool, profile), which, facts, &text, &err))
        fail_msg("%s", err.msg);
    return text;
}

static void every_question_can_be_asked(void **state)
{
    const struct question_facts facts = {.view = view, .task = "Log in as ann", .at = {640, 360}};
    for (int which = QUESTION_FORM_VALUES; which <= QUESTION_GROUNDING; which++) {
        const char *text = ask("holo3", (enum question)which, &facts);
        assert_non_null(strstr(text, "JSON and nothing else"));
        assert_null(strstr(text, "__"));
        assert_true(question_max_tokens((enum question)which) >= 50);
    }
    assert_false(question_sees(QUESTION_FORM_VALUES));
    assert_true(question_sees(QUESTION_GROUNDING));
}

static void points_are_the_models_own(void **state)
{
    const struct question_facts facts = {.view = view, .at = {640, 360}, .description = "Save"};
    assert_non_null(strstr(ask("fara", QUESTION_FOCUSED, &facts), "(714,448)"));
    const char *grounding = ask("claude", QUESTION_GROUNDING, &facts);
    assert_non_null(strstr(grounding, "1280x720 pixels wants to click near (640,360) to: Save"));
}

static void what_was_typed_is_not_told_to_the_director(void **state)
{
    const struct question_facts facts = {.view = view,
                                         .task = "t",
                                         .history = typed,
                                         .n_history = 2,
                                         .filled = "user",
                                         .pending = "",
                                         .submitted = true};
    const char *text = ask("claude", QUESTION_DIRECTOR, &facts);
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "type_text({\"text\":\"<6 chars>\"})"));
    assert_non_null(strstr(
        text, "Fields that are filled: user\nFields that are not: none\nWas the form sent? yes"));
}

static void the_director_is_told_ten_actions(void **state)
{
    struct action many[12];
    for (int i = 0; i < 12; i++)
        many[i] = (struct action){.type = ACTION_CLICK, .x = 100 + i, .y = 2};
    const struct question_facts facts = {.view = view, .task = "t", .history = many, .n_history = 12};
    const char *text = ask("claude", QUESTION_DIRECTOR, &facts);
    assert_null(strstr(text, "\"x\":101,"));
    assert_non_null(strstr(text, "\"x\":102,"));
    assert_non_null(strstr(text, "\"x\":111,"));
}

static void the_director_is_told_what_it_must_not_do(void **state)
{
    static const char *const words[] = {"single safest", "Never type", "never fill a field again", "before every field is filled", "second time"};
    const struct question_facts facts = {.view = view, .task = "t"};
    const char *text = ask("claude", QUESTION_DIRECTOR, &facts);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (!strstr(text, words[i]))
            fail_msg("'%s' is not in: %s", words[i], text);
    assert_int_equal(question_max_tokens(QUESTION_DIRECTOR), 400);
}

static void tasks_are_cut(void **state)
{
    char *task = pool_alloc(pool, 7001);
    memset(task, 'x', 7000);
    const struct question_facts facts = {.view = view, .task = task};
    static const struct {
        enum question which;
        size_t told;
    } caps[] = {{QUESTION_FORM_VALUES, 6000},
                {QUESTION_DONE, 3000},
                {QUESTION_SUBMIT, 400},
                {QUESTION_DIRECTOR, 4000}};
    for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
        const char *at = strstr(ask("holo3", caps[i].which, &facts), "xxx");
        assert_int_equal(strspn(at, "x"), caps[i].told);
    }
}

/* --- grounding ------------------------------------------------------------------------------- */

static void confidence_falls_with_the_distance(void **state)
{
    assert_true(fabs(grounding_confidence((struct point){600, 240}, (struct point){612, 233}) -
                     0.95) < 1e-9);
    assert_true(fabs(grounding_confidence((struct point){0, 0}, (struct point){300, 0}) - 0.4) <
                1e-9);
    assert_true(fabs(grounding_confidence((struct point){0, 0}, (struct point){900, 0}) - 0.3) <
                1e-9);
}

static const struct taken_row {
    const char *kind;
    int px;
    double confidence;
    bool taken;
} taken_rows[] = {
    {"inner", 600, 0.301, true},    {"inner", 5, 0.3, false},
    {"listing", 199, 0.501, true},  {"listing", 200, 0.6, false},  {"listing", 5, 0.5, false},
    {"filter", 149, 0.501, true},   {"filter", 150, 0.6, false},   {"filter", 5, 0.5, false},
    {"paginate", 149, 0.501, true}, {"paginate", 150, 0.6, false}, {"paginate", 5, 0.5, false},
};

static void how_much_is_believed_depends_on_the_use(void **state)
{
    const struct point from = {100, 100};
    for (size_t i = 0; i < ARRAY_SIZE(taken_rows); i++) {
        const struct taken_row *t = &taken_rows[i];
        if (grounding_taken(t->kind, from, (struct point){100 + t->px, 100}, t->confidence) != t->taken)
            fail_msg("%s, %d px, %g", t->kind, t->px, t->confidence);
    }
}

static void some_clicks_are_not_looked_at_again(void **state)
{
    static const char *const skipped[] = {"close the banner", "go back",    "press the X button",
                                          "force-submit",     "Dismiss it", "claude-director: r",
                                          "press Escape",     "exit",       "force-fill",
                                          "leave the gallery"};
    static const char *const looked_at[] = {"background colour", "the closest shop",
                                            "feedback form", "", NULL};
    for (size_t i = 0; i < ARRAY_SIZE(skipped); i++)
        if (!grounding_skipped(skipped[i]))
            fail_msg("'%s' is looked at again", skipped[i]);
    for (size_t i = 0; i < ARRAY_SIZE(looked_at); i++)
        if (grounding_skipped(looked_at[i]))
            fail_msg("'%s' is not looked at again", looked_at[i]);
}

static void the_way_is_remembered_not_the_place(void **state)
{
    struct grounding_cache *cache = grounding_cache_create();
    struct point to;
    double confidence;
    grounding_cache_put(cache, "k", 0, (struct point){100, 100}, (struct point){110, 95}, 0.9);
    assert_true(grounding_cache_get(cache, "k", 1, (struct point){300, 400}, &to, &confidence));
    assert_true(to.x == 310 && to.y == 395 && confidence > 0.89);
    assert_false(grounding_cache_get(cache, "other", 1, to, &to, &confidence));
    assert_true(grounding_cache_get(cache, "k", 3600000 - 1, to, &to, &confidence));
    assert_false(grounding_cache_get(cache, "k", 3600000, to, &to, &confidence));
    struct grounding_counts n = grounding_cache_counts(cache);
    assert_true(n.hits == 2 && n.misses == 2 && n.expirations == 1 && n.size == 0);
    grounding_cache_destroy(cache);
}

static void what_led_to_nothing_is_forgotten(void **state)
{
    struct grounding_cache *cache = grounding_cache_create();
    struct point at = {1, 1};
    double confidence;
    grounding_cache_forget(NULL);
    grounding_cache_forget(cache);
    grounding_cache_put(cache, "kept", 0, at, at, 0.9);
    grounding_cache_put(cache, "put", 0, at, at, 0.9);
    grounding_cache_forget(cache);
    grounding_cache_forget(cache); /* only what was last */
    assert_false(grounding_cache_get(cache, "put", 1, at, &at, &confidence));
    assert_true(grounding_cache_get(cache, "kept", 1, at, &at, &confidence));
    grounding_cache_forget(cache);
    assert_false(grounding_cache_get(cache, "kept", 1, at, &at, &confidence));
    assert_int_equal(grounding_cache_counts(cache).size, 0);
    grounding_cache_destroy(cache);
}

static void failures_are_not_remembered(void **state)
{
    struct grounding_cache *cache = grounding_cache_create();
    grounding_cache_put(cache, "k", 0, (struct point){1, 1}, (struct point){1, 1},
                        GROUNDING_FAILED);
    assert_int_equal(grounding_cache_counts(cache).size, 0);
    grounding_cache_destroy(cache);
}

static void the_longest_unused_makes_room(void **state)
{
    struct grounding_cache *cache = grounding_cache_create();
    struct point to, from = {0, 0};
    double confidence;
    for (int i = 0; i < 1024; i++)
        grounding_cache_put(cache, pool_printf(pool, "k%d", i), 0, from, from, 0.9);
    assert_true(grounding_cache_get(cache, "k0", 1, from, &to, &confidence));
    grounding_cache_put(cache, "new", 1, from, from, 0.9);
    assert_true(grounding_cache_get(cache, "k0", 1, from, &to, &confidence));
    assert_false(grounding_cache_get(cache, "k1", 1, from, &to, &confidence));
    struct grounding_counts n = grounding_cache_counts(cache);
    assert_true(n.evictions == 1 && n.size == 1024);
    grounding_cache_destroy(cache);
}

/* A frame with one white square at x. */
static struct frame frame_with(int width, int height, int x, int y)
{
    uint8_t *pixels = pool_alloc(pool, (size_t)width * height * 4);
    for (int row = y; row < y + 40; row++)
        memset(pixels + ((size_t)row * width + x) * 4, 255, 30 * 4);
    return (struct frame){.width = width, .height = height, .stride = width * 4, .pixels = pixels};
}

static void the_key_is_what_is_seen_and_wanted(void **state)
{
    struct frame here = frame_with(640, 480, 200, 200), moved = frame_with(640, 480, 400, 300);
    struct frame other = frame_with(640, 480, 150, 140), larger = frame_with(800, 480, 200, 200);
    const struct point at = {200, 200};
    const char *key = grounding_key(pool, &here, at, "Save", "m");
    assert_string_equal(key, grounding_key(pool, &here, at, "Save", "m"));
    assert_string_equal(key, grounding_key(pool, &moved, (struct point){400, 300}, "Save", "m"));
    assert_string_not_equal(key, grounding_key(pool, &other, at, "Save", "m"));
    assert_string_not_equal(key, grounding_key(pool, &here, at, "Send", "m"));
    assert_string_not_equal(key, grounding_key(pool, &here, at, "Save", "n"));
    assert_string_not_equal(key, grounding_key(pool, &larger, at, "Save", "m"));
    assert_true(strlen(grounding_key(pool, &here, (struct point){0, 479}, "Save", "m")) < 96);
    /* printf Save | sha1sum */
    assert_non_null(strstr(key, ":efc007a393f6:640x480:"));
}

/* The part around the point, 80 px to each side. */
static void the_key_sees_eighty_pixels(void **state)
{
    const struct point at = {200, 200};
    for (int out = 0; out < 2; out++) {
        struct frame empty = frame_with(640, 480, 500, 400), beside = frame_with(640, 480, 500, 400);
        for (int y = 150; y < 250; y++)
            memset((uint8_t *)beside.pixels + ((size_t)y * 640 + 120 - out) * 4, 255, 4);
        const char *a = grounding_key(pool, &empty, at, "Save", "m"),
                   *b = grounding_key(pool, &beside, at, "Save", "m");
        if (out)
            assert_string_equal(a, b);
        else
            assert_string_not_equal(a, b);
    }
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
    row_test("brains 8 every question can be asked", every_question_can_be_asked),
    row_test("brains 8 points in questions are the model's own", points_are_the_models_own),
    row_test("brains 8 the director is not told what was typed",
             what_was_typed_is_not_told_to_the_director),
    row_test("brains 8 the director is told the last ten actions", the_director_is_told_ten_actions),
    row_test("brains 8 the director is told what it must not do, in 400 tokens",
             the_director_is_told_what_it_must_not_do),
    row_test("brains 8 tasks are cut", tasks_are_cut),
    row_test("brains 11 the example: 13.9 pixels away", confidence_falls_with_the_distance),
    row_test("agent-loop 15 how much a better point is believed",
             how_much_is_believed_depends_on_the_use),
    row_test("agent-loop 15 clicks that close or go back are not looked at again",
             some_clicks_are_not_looked_at_again),
    row_test("agent-loop 15 the cache keeps the way, for an hour",
             the_way_is_remembered_not_the_place),
    row_test("agent-loop 15 the cache keeps no failures", failures_are_not_remembered),
    row_test("agent-loop 15 the cache keeps no point that led to nothing",
             what_led_to_nothing_is_forgotten),
    row_test("agent-loop 15 the cache has 1024 entries", the_longest_unused_makes_room),
    row_test("agent-loop 15 the key of the cache", the_key_is_what_is_seen_and_wanted),
    row_test("agent-loop 15 the key of the cache sees 80 px around the point", the_key_sees_eighty_pixels),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
