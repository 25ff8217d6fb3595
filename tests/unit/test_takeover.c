/*
 * test_takeover.c - runs that are watched and taken over, as `serve` sees it: a scripted worker, a real store.
 */
#include "unit/sched_rig.h"

#include <string.h>

#include "base/caps.h"
#include "sched/live.h"

#define PAUSED "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"step_index\":1}}"
#define TAKEN  STEP(1, ONE_ROW) "," EXPECT("person") "," PAUSED
#define DONE   STEP(2, TWO_ROWS) "," END("completed", "", 3, TWO_ROWS)
#define ASKS                                                                                       \
    "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"kind\":\"user_input\",\"step_index\":1,"  \
    "\"reason\":\"otp\",\"prompt\":\"The code?\",\"input\":1}}"
#define CHALLENGE                                                                                  \
    "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"kind\":\"captcha\",\"step_index\":1,"     \
    "\"reason\":\"cf_challenge_human_takeover\"}}"

#define ANN "aaaaaaaaaaaaaaaa"
#define BOB "bbbbbbbbbbbbbbbb"

/* A screen of 200x80: two cells. A JPEG is its first four bytes and a mark. */
#define CELL0(mark)          "0000" "0000" "8000" "5000" "05000000" "ffd8ffe0" mark
#define CELL1(mark)          "8000" "0000" "4800" "5000" "05000000" "ffd8ffe0" mark
#define WHOLE(mark)          "0000" "0000" "c800" "5000" "05000000" "ffd8ffe0" mark
#define HEX(kind, flags, n)  kind flags n "00" "c800" "5000" "4042434445464700"
#define PICTURE(hex)         "{\"do\":\"picture\",\"bytes\":\"" hex "\"}"
#define FIRST                PICTURE(HEX("01", "01", "02") CELL0("11") CELL1("22"))
#define SECOND               PICTURE(HEX("01", "00", "01") CELL1("33"))
#define FRAME(mark)          PICTURE(HEX("02", "01", "01") WHOLE(mark))

static struct lease lease_copy;

static int take_with(const char *id, const struct takeover *ask, struct sched_view *view, struct err *err)
{
    const struct lease *l = NULL;
    int r = sched_takeover(sched, ACME(id), ask, view, &l, err);
    if (!r)
        lease_copy = *l;
    return r;
}

static int take(const char *id, const char *who, struct sched_view *view, struct err *err)
{
    const struct takeover ask = {.who = who};
    return take_with(id, &ask, view, err);
}

static int release(const char *id, const char *token, const json_t *input, enum run_state *ret, struct err *err)
{
    return sched_takeover_release(sched, ACME(id), token, input, ret, err);
}

/* --- views ------------------------------------------------------------------------------------- */

struct eye {
    struct sched_view *view;
    int news;
    char clipboard[64];
};

static void on_news(void *arg)
{
    ((struct eye *)arg)->news++;
}

static void on_clipboard(void *arg, const char *text)
{
    snprintf(((struct eye *)arg)->clipboard, sizeof(((struct eye *)arg)->clipboard), "%s", text);
}

static const struct sched_view_events events = {on_news, on_clipboard};

static int open_eye(struct eye *eye, const char *id, enum patches_kind kind, struct err *err)
{
    *eye = (struct eye){0};
    return sched_view_open(sched, ACME(id), kind, &events, eye, &eye->view, err);
}

/* The last bytes of the regions of the next message, for example "11 22"; "" when there is none. */
static const char *next_marks(struct eye *eye)
{
    struct buf out;
    struct patches m;
    struct patch p;
    const char *marks = "";
    buf_init(&out, 1 << 20);
    if (sched_view_next(eye->view, &out)) {
        assert_int_equal(patches_read(out.data, out.len, &m, NULL), 0);
        while (patches_next(&m, &p, NULL) == 1)
            marks = pool_printf(pool, "%s%s%02x", marks, *marks ? " " : "", p.data[p.len - 1]);
    }
    buf_release(&out);
    return marks;
}

static struct sched_view_state look(struct eye *eye)
{
    struct sched_view_state now;
    sched_view_state(eye->view, &now);
    return now;
}

struct wait_mark {
    struct eye *eye;
    const char *marks;
    const char *seen;
};

static bool has_marks(void *arg)
{
    struct wait_mark *w = arg;
    const char *marks = next_marks(w->eye);
    if (*marks)
        w->seen = marks;
    return *w->seen && !strcmp(w->seen, w->marks);
}

static void wait_marks(struct eye *eye, const char *marks)
{
    struct wait_mark w = {eye, marks, ""};
    wait_until(has_marks, &w);
}

static void each_view_gets_what_it_has_not_seen(void **state)
{
    struct eye a, b;
    submit("r1", "[[" EXPECT("view") "," FIRST "," STEP(1, "") "," EXPECT("cancel") "]]");
    assert_int_equal(open_eye(&a, "r1", PATCHES_REGIONS, NULL), 0); /* before it runs */
    wait_marks(&a, "11 22");
    assert_string_equal(next_marks(&a), "");
    assert_int_equal(open_eye(&b, "r1", PATCHES_REGIONS, NULL), 0);
    assert_string_equal(next_marks(&b), "11 22"); /* nothing is asked of the worker for it */
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_int_equal(look(&a).state, RUN_CANCELLED);
    assert_true(a.news > 0);
    sched_view_close(a.view);
    sched_view_close(b.view);
    wait_state("r1", RUN_CANCELLED);
}

static void a_slow_view_gets_what_is_newest_and_once(void **state)
{
    struct eye a;
    submit("r1", "[[" EXPECT("view") "," FIRST "," SECOND "," PICTURE(HEX("01", "00", "01") CELL1("44")) ","
                 STEP(1, "") "," EXPECT("cancel") "]]");
    assert_int_equal(open_eye(&a, "r1", PATCHES_REGIONS, NULL), 0);
    wait_event("r1", "step 1");
    while (loop_wait(loop, NULL, NULL, clock_mono_ms() + 20) == 0 && a.news < 4)
        continue;
    assert_string_equal(next_marks(&a), "11 44");
    assert_string_equal(next_marks(&a), "");
    sched_view_close(a.view);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static bool has_frame(void *arg)
{
    struct eye *eye = arg;
    struct picture *p = sched_view_frame(eye->view);
    bool found = p != NULL;
    if (p)
        eye->clipboard[0] = (char)p->data[p->len - 1];
    picture_put(p);
    return found;
}

static void a_frame_is_for_who_asked_for_frames(void **state)
{
    struct eye frames, regions;
    submit("r1", "[[" EXPECT("view") "," FRAME("77") "," STEP(1, "") "," EXPECT("cancel") "]]");
    assert_int_equal(open_eye(&frames, "r1", PATCHES_FRAME, NULL), 0);
    wait_until(has_frame, &frames);
    assert_int_equal(frames.clipboard[0], 0x77);
    assert_null(sched_view_frame(frames.view)); /* once */
    assert_int_equal(open_eye(&regions, "r1", PATCHES_REGIONS, NULL), 0);
    assert_string_equal(next_marks(&regions), "");
    sched_view_close(frames.view);
    sched_view_close(regions.view);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static void a_worker_that_sends_no_picture_is_ended(void **state)
{
    struct eye eye;
    submit("r1", "[[" EXPECT("view") "," PICTURE("0123") "," DO("hang") "],[" END("completed", "", 1, "") "]]");
    assert_int_equal(open_eye(&eye, "r1", PATCHES_REGIONS, NULL), 0);
    wait_event("r1", "not a picture");
    sched_view_close(eye.view);
    wait_state("r1", RUN_SUCCEEDED);
}

/* The view stays, and is asked for again of the next worker. */
static void a_view_goes_on_with_the_next_attempt(void **state)
{
    struct eye eye;
    submit("r1", "[[" EXPECT("view") "," FIRST "," LOST("gone", "plane_gone") "],["
                 EXPECT("view") "," SECOND "," STEP(1, "") "," EXPECT("cancel") "]]");
    assert_int_equal(open_eye(&eye, "r1", PATCHES_REGIONS, NULL), 0);
    wait_marks(&eye, "33");
    sched_view_close(eye.view);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static void there_is_a_limit_to_views_and_a_run_that_is_over_has_none(void **state)
{
    static struct eye eyes[CAP_VIEWERS_RUN + 1];
    struct err err = {0};
    submit("r1", "[[" STEP(1, "") "," EXPECT("cancel") "]]");
    for (int i = 0; i < CAP_VIEWERS_RUN; i++)
        assert_int_equal(open_eye(&eyes[i], "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(open_eye(&eyes[CAP_VIEWERS_RUN], "r1", PATCHES_REGIONS, &err), E_RATE_LIMITED);
    for (int i = 0; i < CAP_VIEWERS_RUN; i++)
        sched_view_close(eyes[i].view);
    assert_int_equal(sched_view_open(sched, RUN_KEY("other", "r1"), PATCHES_REGIONS, &events, &eyes[0],
                                     &eyes[0].view, &err),
                     E_NOT_FOUND);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(open_eye(&eyes[0], "r1", PATCHES_REGIONS, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "is over"));
}

/* --- taking over ------------------------------------------------------------------------------- */

static bool is_ready(void *arg)
{
    return look(arg).ready;
}

static void a_person_takes_a_run_over_and_gives_it_back(void **state)
{
    struct eye eye;
    enum run_state now;
    submit("r1", "[[" TAKEN "," EXPECT("hand") "," EXPECT("person") "," EXPECT("resume") "," DONE "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&eye, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(look(&eye).control, CONTROL_FREE);
    assert_int_equal(take("r1", ANN, eye.view, NULL), 0);
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    assert_string_equal(look(&eye).pause_reason, "takeover");
    wait_until(is_ready, &eye);
    assert_int_equal(look(&eye).control, CONTROL_YOURS);
    json_t *hand = json_keep(pool, json_pack("{s:s,s:s}", "type", "text", "text", "hunter2"));
    assert_int_equal(sched_view_hand(eye.view, hand, NULL), 0);
    assert_int_equal(release("r1", lease_copy.token, NULL, &now, NULL), 0);
    assert_int_equal(now, RUN_RUNNING);
    struct sched_view_state after = look(&eye);
    assert_string_equal(after.released, "released");
    assert_int_equal(after.control, CONTROL_FREE);
    assert_null(look(&eye).released); /* told once */
    sched_view_close(eye.view);
    wait_state("r1", RUN_SUCCEEDED);
    assert_true(has_event("r1", "a person took the controls", NULL));
    assert_true(has_event("r1", "gave the controls back", NULL));
    assert_false(has_event("r1", "hunter2", NULL));
}

static void what_a_person_does_needs_the_controls_and_a_run_that_stands(void **state)
{
    struct eye ann, bob;
    struct err err = {0};
    json_t *move = json_keep(pool, json_pack("{s:s,s:i,s:i}", "type", "pointer", "x", 1, "y", 2));
    json_t *wrong = json_keep(pool, json_pack("{s:s}", "type", "pointer"));
    submit("r1", "[[" STEP(1, "") "," EXPECT("person") "," DO("wait_file") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&ann, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(open_eye(&bob, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(sched_view_hand(ann.view, move, &err), E_CONFLICT);
    assert_int_equal(take("r1", ANN, ann.view, NULL), 0);
    assert_int_equal(sched_view_hand(ann.view, wrong, &err), E_INVALID);
    assert_int_equal(sched_view_hand(ann.view, move, &err), E_UNAVAILABLE);
    assert_int_equal(look(&bob).control, CONTROL_HELD);
    assert_int_equal(sched_view_hand(bob.view, move, &err), E_CONFLICT);
    assert_int_equal(sched_view_renew(bob.view, &err), E_CONFLICT);
    assert_int_equal(sched_view_release(bob.view, NULL, &err), E_CONFLICT);
    assert_int_equal(take("r1", BOB, bob.view, &err), E_CONFLICT);
    assert_int_equal(release("r1", "0123", NULL, &(enum run_state){0}, &err), E_CONFLICT);
    sched_view_close(ann.view);
    sched_view_close(bob.view);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

/* The socket is cut and comes back with the lease; then another window of the same person takes it. */
static void a_lease_survives_its_socket(void **state)
{
    struct eye first, second;
    char token[LEASE_TOKEN_BYTES];
    submit("r1", "[[" TAKEN "," EXPECT("person") "," EXPECT("person") "," STEP(2, "") "," EXPECT("cancel") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&first, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(take("r1", ANN, first.view, NULL), 0);
    strcpy(token, lease_copy.token);
    sched_view_close(first.view);
    int64_t left;
    assert_int_equal(sched_control(sched, ACME("r1"), &left), CONTROL_HELD);
    assert_true(left > 0);
    assert_int_equal(open_eye(&first, "r1", PATCHES_REGIONS, NULL), 0);
    const struct takeover again = {.who = BOB, .token = token};
    assert_int_equal(take_with("r1", &again, first.view, NULL), 0);
    assert_string_equal(lease_copy.token, token);
    assert_int_equal(look(&first).control, CONTROL_YOURS);
    assert_int_equal(open_eye(&second, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(take("r1", ANN, second.view, NULL), E_CONFLICT);
    const struct takeover steal = {.who = ANN, .take = true};
    assert_int_equal(take_with("r1", &steal, second.view, NULL), 0);
    assert_string_equal(look(&first).released, "taken");
    assert_int_equal(look(&first).control, CONTROL_HELD);
    assert_int_equal(look(&second).control, CONTROL_YOURS);
    wait_event("r1", "step 2"); /* it was told that one went and one came: what was held down is let go */
    assert_int_equal(record("r1", 0).attempts, 1);
    sched_view_close(first.view);
    sched_view_close(second.view);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(sched_control(sched, ACME("r1"), &left), CONTROL_FREE);
}

static bool is_free(void *arg)
{
    int64_t left;
    return sched_control(sched, ACME("r1"), &left) == CONTROL_FREE;
}

/* Paused runs never go on by themselves. */
static void a_lease_that_runs_out_leaves_the_run_paused(void **state)
{
    struct eye eye;
    settings.takeover_s = 1;
    submit("r1", "[[" TAKEN "," EXPECT("person") "," EXPECT("resume") "," DONE "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&eye, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(take("r1", ANN, eye.view, NULL), 0);
    wait_until(is_free, NULL);
    wait_event("r1", "stays paused");
    assert_string_equal(look(&eye).released, "expired");
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    sched_view_close(eye.view);
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), 0);
    wait_state("r1", RUN_SUCCEEDED);
}

static bool hold_runs(void *arg)
{
    const struct slot *slot = sched_slot_of(sched, ACME("r1"));
    return slot && slot->hold_timer.loop;
}

static bool stands(void *arg)
{
    const struct slot *slot = sched_slot_of(sched, ACME("r1"));
    return slot && slot->paused;
}

/* The browser of a run that is taken over is not closed under the person's hands. */
static void the_hold_waits_for_the_person(void **state)
{
    submit("r1", "[[" TAKEN "," EXPECT("cancel") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(take("r1", ANN, NULL, NULL), 0);
    wait_until(stands, NULL);
    assert_false(hold_runs(NULL));
    settings.takeover_s = 1;
    const struct takeover steal = {.who = ANN, .take = true};
    assert_int_equal(take_with("r1", &steal, NULL, NULL), 0);
    wait_until(hold_runs, NULL);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static void a_challenge_goes_on_at_the_release(void **state)
{
    enum run_state now;
    submit("r1", "[[" STEP(1, ONE_ROW) "," CHALLENGE "," EXPECT("person") "," EXPECT("resume") "," DONE "]]");
    wait_state("r1", RUN_PAUSED);
    json_t *doc = status_text_of(ACME("r1"));
    assert_string_equal(json_str(doc, "takeover_url", ""), "/v1/runs/r1/takeover");
    assert_non_null(strstr(json_str(doc, "viewer_url", ""), "/v1/runs/r1/view.mjpeg?token=view."));
    assert_int_equal(take("r1", ANN, NULL, NULL), 0);
    assert_string_equal(json_str(status_of("r1"), "pause_reason", ""), "cf_challenge_human_takeover");
    assert_int_equal(release("r1", lease_copy.token, NULL, &now, NULL), 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_null(json_object_get(status_text_of(ACME("r1")), "takeover_url"));
}

static void a_question_goes_on_with_an_answer_only(void **state)
{
    enum run_state now;
    json_t *answer = json_keep(pool, json_string("4711"));
    submit("r1", "[[" STEP(1, ONE_ROW) "," ASKS "," EXPECT("resume") "," DO("answers") "," DONE "]]");
    wait_state("r1", RUN_PAUSED);
    assert_int_equal(take("r1", ANN, NULL, NULL), 0);
    assert_int_equal(release("r1", lease_copy.token, NULL, &now, NULL), 0);
    assert_int_equal(now, RUN_PAUSED);
    assert_int_equal(take("r1", ANN, NULL, NULL), 0);
    assert_int_equal(release("r1", lease_copy.token, answer, &now, NULL), 0);
    assert_int_equal(now, RUN_RUNNING);
    assert_string_equal(wait_event("r1", "answers 1"), "answers 1=4");
    wait_state("r1", RUN_SUCCEEDED);
}

/* An answer that is none is no answer: the person keeps the controls. */
static void a_resume_that_is_refused_leaves_the_controls(void **state)
{
    enum run_state now;
    struct err err = {0};
    int64_t left;
    json_t *empty = json_keep(pool, json_string("")), *answer = json_keep(pool, json_string("4711"));
    submit("r1", "[[" STEP(1, ONE_ROW) "," ASKS "," EXPECT("resume") "," DO("answers") "," DONE "]]");
    wait_state("r1", RUN_PAUSED);
    assert_int_equal(take("r1", ANN, NULL, NULL), 0);
    assert_int_equal(release("r1", lease_copy.token, empty, &now, &err), E_INVALID);
    assert_int_equal(sched_control(sched, ACME("r1"), &left), CONTROL_HELD);
    assert_false(has_event("r1", "gave the controls back", NULL));
    assert_int_equal(release("r1", lease_copy.token, answer, &now, NULL), 0);
    assert_int_equal(sched_control(sched, ACME("r1"), &left), CONTROL_FREE);
    wait_state("r1", RUN_SUCCEEDED);
    assert_true(has_event("r1", "gave the controls back", NULL));
}

/* It stays alive whatever a person sends. */
static void a_worker_that_does_not_read_is_spared(void **state)
{
    enum { TEXT = 60000, MOST = 200 };
    struct eye eye;
    struct err err = {0};
    static char text[TEXT + 1];
    int n = 0, r = 0;
    memset(text, 'a', TEXT);
    json_t *hand = json_keep(pool, json_pack("{s:s,s:s}", "type", "text", "text", text));
    json_t *move = json_keep(pool, json_pack("{s:s,s:i,s:i}", "type", "pointer", "x", 1, "y", 2));
    json_t *up = json_keep(pool, json_pack("{s:s,s:s,s:i,s:i}", "type", "pointer", "event", "up", "x", 1, "y", 2));
    submit("r1", "[[" TAKEN ",{\"do\":\"wait_file\",\"name\":\"go\"}," EXPECT("cancel") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&eye, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(take("r1", ANN, eye.view, NULL), 0);
    wait_until(is_ready, &eye);
    while (!r && n++ < MOST)
        r = sched_view_hand(eye.view, hand, &err);
    assert_int_equal(r, E_UNAVAILABLE);
    assert_int_equal(sched_view_hand(eye.view, move, NULL), 0);
    assert_int_equal(sched_view_hand(eye.view, up, NULL), 0);
    assert_true(stands(NULL));
    sched_view_close(eye.view);
    assert_int_equal(file_write_atomic(run_file("r1", "work/downloads/go"), "", 0, 0644, NULL), 0);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static void a_run_without_a_browser_cannot_be_taken_over(void **state)
{
    struct err err = {0};
    submit("r0", "[[" STEP(1, "") "," EXPECT("cancel") "]]");
    submit("r1", QUICK);
    assert_int_equal(take("r1", ANN, NULL, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "no browser yet"));
    assert_int_equal(sched_takeover(sched, RUN_KEY("other", "r0"), &(struct takeover){.who = ANN}, NULL,
                                    &(const struct lease *){0}, &err),
                     E_NOT_FOUND);
    assert_int_equal(sched_cancel(sched, ACME("r0"), "", NULL), 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(take("r1", ANN, NULL, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "is over"));
}

static bool has_no_slot(void *arg)
{
    return !sched_slot_of(sched, ACME("r1"));
}

static void a_worker_that_dies_under_a_person_ends_the_lease(void **state)
{
    struct eye eye;
    struct err err = {0};
    submit("r1", "[[" TAKEN "," DO("die") "],[" DONE "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&eye, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(take("r1", ANN, eye.view, NULL), 0);
    wait_until(is_free, NULL);
    assert_string_equal(look(&eye).released, "browser_gone");
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    wait_until(has_no_slot, NULL);
    assert_int_equal(take("r1", ANN, eye.view, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "its browser is gone"));
    assert_non_null(strstr(err.msg, "resume the run (action \"resume\")"));
    sched_view_close(eye.view);
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), 0);
    wait_state("r1", RUN_SUCCEEDED);
}

static void what_was_copied_reaches_the_person_alone(void **state)
{
    struct eye ann, bob;
    submit("r1", "[[" TAKEN ",{\"do\":\"send\",\"message\":{\"type\":\"clipboard\",\"text\":\"copied\"}},"
                 STEP(2, "") "," EXPECT("cancel") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(open_eye(&ann, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(open_eye(&bob, "r1", PATCHES_REGIONS, NULL), 0);
    assert_int_equal(take("r1", ANN, ann.view, NULL), 0);
    wait_event("r1", "step 2");
    assert_string_equal(ann.clipboard, "copied");
    assert_string_equal(bob.clipboard, "");
    assert_false(has_event("r1", "copied", NULL));
    sched_view_close(ann.view);
    sched_view_close(bob.view);
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static void an_address_outlives_the_server_that_gave_it(void **state)
{
    struct view_token t;
    int64_t expires_us;
    char token[CAP_VIEW_TOKEN_BYTES];
    submit("r1", QUICK);
    snprintf(token, sizeof(token), "%s", sched_view_token(sched, pool, ACME("r1"), VIEW_WATCH, ANN, &expires_us));
    assert_true(expires_us > clock_wall_us());
    wait_state("r1", RUN_SUCCEEDED);
    restart_all(1);
    assert_int_equal(sched_view_admit(sched, pool, token, "r1", &t, NULL), 0);
    assert_string_equal(t.tenant, "acme");
    assert_int_equal(sched_view_admit(sched, pool, token, "r2", &t, NULL), E_UNAUTHORIZED);
}

#define WITH_SCHED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCHED(each_view_gets_what_it_has_not_seen),
        WITH_SCHED(a_slow_view_gets_what_is_newest_and_once),
        WITH_SCHED(a_frame_is_for_who_asked_for_frames),
        WITH_SCHED(a_worker_that_sends_no_picture_is_ended),
        WITH_SCHED(a_view_goes_on_with_the_next_attempt),
        WITH_SCHED(there_is_a_limit_to_views_and_a_run_that_is_over_has_none),
        WITH_SCHED(a_person_takes_a_run_over_and_gives_it_back),
        WITH_SCHED(what_a_person_does_needs_the_controls_and_a_run_that_stands),
        WITH_SCHED(a_lease_survives_its_socket),
        WITH_SCHED(a_lease_that_runs_out_leaves_the_run_paused),
        WITH_SCHED(the_hold_waits_for_the_person),
        WITH_SCHED(a_challenge_goes_on_at_the_release),
        WITH_SCHED(a_question_goes_on_with_an_answer_only),
        WITH_SCHED(a_resume_that_is_refused_leaves_the_controls),
        WITH_SCHED(a_worker_that_does_not_read_is_spared),
        WITH_SCHED(a_run_without_a_browser_cannot_be_taken_over),
        WITH_SCHED(a_worker_that_dies_under_a_person_ends_the_lease),
        WITH_SCHED(what_was_copied_reaches_the_person_alone),
        WITH_SCHED(an_address_outlives_the_server_that_gave_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
