/*
 * test_person.c - a person uses the browser of a run that stands still, and the run is told what changed.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/person.h"
#include "unit/run_rig.h"

#define SITE   "http://login.test"
#define SECRET "correct horse 7"

static char hands[1000]; /* that the display was given */
static char clipboard[64];
static struct loop_timer later;

static void login_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    out->title = strstr(url, "/in") ? "Account" : "Sign in";
    fake_add(out, "", "h1", "Welcome", "");
    fake_add(out, "input", "input", "Code", "");
    fake_add(out, "button", "a", "Verify", SITE "/in");
}

static int on_hand(struct plane *plane, struct pool *pool, const struct hand *h, const char **ret_text,
                   struct err *err)
{
    static const char *const names[] = {"move", "down",  "up",   "wheel", "keydown", "keyup",
                                        "key",  "text", "paste", "clipboard", "copy"};
    struct fake_web *web = (struct fake_web *)plane;
    *ret_text = h->type == HAND_COPY ? "copied" : "";
    snprintf(hands + strlen(hands), sizeof(hands) - strlen(hands), "%s%s", *hands ? " " : "", names[h->type]);
    if (h->type == HAND_TEXT) {
        web->focus = 1;
        web->typed = pool_strdup(web->pool, h->text);
    }
    return 0;
}

static void on_copied(void *arg, const char *text)
{
    snprintf(clipboard, sizeof(clipboard), "%s", text);
}

#define OPEN  "{'type':'navigate','intent':'Open','params':{'url':'" SITE "/code'}}"
#define WAIT  "{'type':'wait','intent':'wait','params':{'seconds':1}}"
#define PRESS "{'type':'click','intent':'Press','hints':{'layout':'single'},'params':{'label':'Verify'}}"
#define ASK   "{'type':'request_user_input','intent':'Ask','params':{'prompt':'Which code?'}}"

static void does(struct run *run, const char *json)
{
    json_t *hand = json_loads(json, 0, NULL);
    assert_non_null(hand);
    person_does(run, hand);
    json_decref(hand);
}

static void let_it_go_on(void *arg)
{
    struct rig *rig = arg;
    json_t *answer = json_pack("{s:s}", "1", "4711");
    person_here(&rig->run, false);
    run_answer(&rig->run, answer);
    run_pause(&rig->run, false);
    json_decref(answer);
}

static void type_it(struct rig *rig, const json_t *pause)
{
    person_here(&rig->run, true);
    does(&rig->run, "{\"type\":\"pointer\",\"event\":\"down\",\"x\":5,\"y\":6}");
    does(&rig->run, "{\"type\":\"pointer\",\"event\":\"up\",\"x\":5,\"y\":6}");
    does(&rig->run, "{\"type\":\"text\",\"text\":\"" SECRET "\"}");
    loop_timer_set(rig->loop, &later, 5000, let_it_go_on, rig);
}

static void begin(struct rig *rig, const char *steps, void (*on_paused)(struct rig *rig, const json_t *pause))
{
    static struct plane_driver with_hands;
    *hands = *clipboard = '\0';
    rig_init(rig, login_page, steps);
    with_hands = *rig->web.plane.driver;
    with_hands.hand = on_hand;
    rig->web.plane.driver = &with_hands;
    rig->on_paused = on_paused;
    rig->host.clipboard = on_copied;
}

static const json_t *takeover_event(const struct rig *rig)
{
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "kind", ""), "takeover"))
            return e;
    fail_msg("no takeover in %s", json_text(rig->pool, rig->events));
    return NULL;
}

static bool told(const struct rig *rig, const char *text)
{
    bool found = strstr(json_text(rig->pool, rig->events), text) || strstr(json_text(rig->pool, rig->final), text) ||
                 strstr(json_text(rig->pool, rig->pauses), text);
    for (int i = 0; i < rig->n_checkpoints; i++)
        found = found || strstr(json_text(rig->pool, rig->checkpoints[i]), text);
    return found;
}

static void what_was_typed_is_told_as_a_field_and_nowhere_quoted(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN "," ASK "," PRESS "]", type_it);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(hands, "down up text");
    const json_t *e = takeover_event(&rig);
    assert_string_equal(json_str(e, "summary", ""), "a person used the browser: the field 'Code' was filled");
    const json_t *field = json_array_get(json_object_get(json_object_get(e, "detail"), "fields"), 0);
    assert_string_equal(json_str(field, "name", ""), "Code");
    assert_string_equal(json_str(field, "change", ""), "filled");
    assert_false(told(&rig, SECRET));
    rig_release(&rig);
}

static void only_watch(struct rig *rig, const json_t *pause)
{
    person_here(&rig->run, true);
    loop_timer_set(rig->loop, &later, 5000, let_it_go_on, rig);
}

static void a_person_who_did_nothing_is_told_too(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN "," ASK "]", only_watch);
    rig_run(&rig, NULL);
    assert_non_null(strstr(json_str(takeover_event(&rig), "summary", ""), "the same page is there"));
    rig_release(&rig);
}

static void nobody(struct rig *rig, const json_t *pause)
{
    does(&rig->run, "{\"type\":\"copy\"}"); /* of nobody: dropped */
    loop_timer_set(rig->loop, &later, 5000, let_it_go_on, rig);
}

static void a_pause_without_a_person_tells_of_none(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN "," ASK "]", nobody);
    rig_run(&rig, NULL);
    assert_string_equal(hands, "");
    assert_int_equal(rig_n_events(&rig, "takeover"), 0);
    rig_release(&rig);
}

static void hold_down(struct rig *rig, const json_t *pause)
{
    person_here(&rig->run, true);
    does(&rig->run, "{\"type\":\"key\",\"event\":\"down\",\"key\":\"Shift\"}");
    does(&rig->run, "{\"type\":\"pointer\",\"event\":\"down\",\"x\":5,\"y\":6}");
    does(&rig->run, "{\"type\":\"pointer\",\"x\":7,\"y\":6}");
    does(&rig->run, "{\"type\":\"pointer\",\"x\":8,\"y\":6}");
    does(&rig->run, "{\"type\":\"copy\"}");
    loop_timer_set(rig->loop, &later, 5000, let_it_go_on, rig);
}

/* And of moves in a row only the last one counts. */
static void what_is_held_down_is_let_go(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN "," ASK "]", hold_down);
    rig_run(&rig, NULL);
    assert_string_equal(hands, "keydown down move copy keyup up");
    assert_string_equal(clipboard, "copied");
    rig_release(&rig);
}

static struct loop_timer taken;

static void another_takes_over(void *arg)
{
    struct rig *rig = arg;
    person_here(&rig->run, false);
    person_here(&rig->run, true);
    does(&rig->run, "{\"type\":\"pointer\",\"x\":8,\"y\":6}");
    loop_timer_set(rig->loop, &later, 5000, let_it_go_on, rig);
}

static void change_windows(struct rig *rig, const json_t *pause)
{
    person_here(&rig->run, true);
    does(&rig->run, "{\"type\":\"key\",\"event\":\"down\",\"key\":\"Shift\"}");
    loop_timer_set(rig->loop, &taken, 1000, another_takes_over, rig);
}

static void the_next_person_begins_with_nothing_held_down(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN "," ASK "]", change_windows);
    rig_run(&rig, NULL);
    assert_string_equal(hands, "keydown keyup move");
    rig_release(&rig);
}

static int64_t came_at;

static void stay_long(struct rig *rig, const json_t *pause)
{
    came_at = clock_mono_ms();
    person_here(&rig->run, true);
    loop_timer_set(rig->loop, &later, 3600 * 1000, let_it_go_on, rig);
}

/* The time cap of the rig is 10 minutes. */
static void the_clock_stands_while_a_person_is_here(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN "," ASK "," WAIT "]", stay_long);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_true(clock_mono_ms() - came_at >= 3600 * 1000);
    rig_release(&rig);
}

/* --- what is different ------------------------------------------------------------------------- */

static json_t *field(const char *kind, const char *value)
{
    return json_pack("{s:s,s:s,s:s}", "kind", kind, "label", "", "value", value);
}

static void each_change_has_its_word(void **state)
{
    static const struct {
        const char *kind, *before, *after, *change;
    } rows[] = {{"text", "", "x", "filled"},           {"text", "x", "", "cleared"},
                {"text", "x", "y", "changed"},         {"select", "a", "b", "changed"},
                {"checkbox", "false", "true", "checked"}, {"radio", "true", "false", "unchecked"},
                {"text", "x", "x", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct page_view before = {SITE, "t", json_pack("{s:o}", "#f", field(rows[i].kind, rows[i].before)), false};
        struct page_view after = {SITE, "t", json_pack("{s:o}", "#f", field(rows[i].kind, rows[i].after)), false};
        json_t *changes = person_changes(&before, &after), *list = json_object_get(changes, "fields");
        assert_int_equal(json_array_size(list), rows[i].change != NULL);
        if (rows[i].change)
            assert_string_equal(json_str(json_array_get(list, 0), "change", ""), rows[i].change);
        assert_null(json_object_get(changes, "url"));
        json_decref(changes);
        json_decref(before.fields);
        json_decref(after.fields);
    }
}

static void a_password_is_not_compared_and_named_when_something_was_typed(void **state)
{
    json_t *secret = json_pack("{s:s,s:s,s:s,s:b}", "kind", "text", "label", "PIN", "value", "", "masked", 1);
    struct page_view before = {SITE, "t", json_pack("{s:o}", "#p", secret), false};
    struct page_view after = before;
    for (int typed = 0; typed < 2; typed++) {
        after.typed = typed;
        json_t *changes = person_changes(&before, &after), *list = json_object_get(changes, "fields");
        assert_int_equal(json_array_size(list), typed);
        if (typed)
            assert_string_equal(json_str(json_array_get(list, 0), "change", ""), "masked");
        json_decref(changes);
    }
    json_decref(before.fields);
}

static void fields_of_another_page_are_not_compared(void **state)
{
    struct page_view before = {SITE "/a", "A", json_pack("{s:o}", "#f", field("text", "x")), false};
    struct page_view after = {SITE "/b", "B", json_pack("{s:o}", "#f", field("text", "y")), false};
    json_t *changes = person_changes(&before, &after);
    assert_int_equal(json_array_size(json_object_get(changes, "fields")), 0);
    assert_string_equal(json_str(json_object_get(changes, "url"), "after", ""), SITE "/b");
    assert_string_equal(json_str(json_object_get(changes, "title"), "before", ""), "A");
    json_decref(changes);
    json_decref(before.fields);
    json_decref(after.fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_typed_is_told_as_a_field_and_nowhere_quoted),
        cmocka_unit_test(a_person_who_did_nothing_is_told_too),
        cmocka_unit_test(a_pause_without_a_person_tells_of_none),
        cmocka_unit_test(what_is_held_down_is_let_go),
        cmocka_unit_test(the_next_person_begins_with_nothing_held_down),
        cmocka_unit_test(the_clock_stands_while_a_person_is_here),
        cmocka_unit_test(each_change_has_its_word),
        cmocka_unit_test(a_password_is_not_compared_and_named_when_something_was_typed),
        cmocka_unit_test(fields_of_another_page_are_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
