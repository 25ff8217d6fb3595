/*
 * Task suites on the web in memory: proof, failure, sessions, items and pages, going on after a
 * death.
 */
#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "core/result_suite.h"
#include "run/suite/suite.h"
#include "sys/file.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://boats.test"

static const struct action done_well[] = {
    {.type = ACTION_DONE, .success = true, .summary = "it is so"}};
static const struct action gave_up[] = {{.type = ACTION_DONE, .summary = "looked for 'x'"}};

#define TASK(id, more)                                                                             \
    "{'type':'task','intent':'Look','params':{'task_id':'" id "','start_url':'" SITE               \
    "/boats/'" more "}}"

static void run_suite(struct rig *rig, struct rig_brain *brain, const struct action *actions, int n,
                      const char *steps)
{
    rig_brain_init(brain, actions, n);
    rig_init(rig, boats_page, steps);
    rig->brain = &brain->base;
    rig_run(rig, NULL);
}

static const json_t *task_of(const struct rig *rig, int i)
{
    return json_object_get(rig_result(rig, i), "task");
}

/* --- proof ----------------------------------------------------------------------------------- */

static const struct {
    const char *row, *verify;
    bool passes;
    const char *reason; /* held by the data of a failure */
} verify_cases[] = {
    {"plans 12 url_contains holds in any case", "{'type':'url_contains','value':'/BOATS'}", true,
     ""},
    {"plans 12 url_contains fails and says where it stands",
     "{'type':'url_contains','value':'/cars'}", false, "the URL is http://boats.test/boats/"},
    {"plans 12 url_not_contains holds", "{'type':'url_not_contains','value':'/login'}", true, ""},
    {"plans 12 url_not_contains fails", "{'type':'url_not_contains','value':'/Boats'}", false,
     "the URL is"},
    {"plans 12 url_exact holds", "{'type':'url_exact','value':'http://boats.test/boats/'}", true,
     ""},
    {"plans 12 url_exact fails for a part",
     "{'type':'url_exact','value':'http://boats.test/boats'}", false, "the URL is"},
    {"plans 12 page_contains_text holds in any case",
     "{'type':'page_contains_text','value':'boats FOR sale'}", true, ""},
    {"plans 12 page_contains_text fails", "{'type':'page_contains_text','value':'Cars for sale'}",
     false, "does not say 'Cars for sale'"},
    {"plans 12 element_exists holds", "{'type':'element_exists','selector':'a[data-kind=card]'}",
     true, ""},
    {"plans 12 element_exists fails", "{'type':'element_exists','selector':'form'}", false,
     "there is no 'form'"},
    {"plans 12 element_text holds for one of several",
     "{'type':'element_text','selector':'a','value':'cedar'}", true, ""},
    {"plans 12 element_text fails and says what it says",
     "{'type':'element_text','selector':'h1','value':'Cars'}", false,
     "'h1' says 'Boats for sale', not 'Cars'"},
    {"plans 12 element_text fails without the element",
     "{'type':'element_text','selector':'h6','value':'Cars'}", false, "there is no 'h6'"},
    {"plans 12 download_exists fails without a file", "{'type':'download_exists','value':'*.csv'}",
     false, "no file '*.csv' was downloaded"},
};

static void proof_decides(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct rig rig;
    struct rig_brain brain;
    char steps[600];
    snprintf(steps, sizeof(steps), "[" TASK("a", ",'verify':%s") "]", verify_cases[i].verify);
    /* the proof decides, not the brain: it says the opposite of what is so */
    run_suite(&rig, &brain, verify_cases[i].passes ? gave_up : done_well, 1, steps);
    assert_int_equal(json_flag(rig_result(&rig, 0), "success", false), verify_cases[i].passes);
    assert_int_equal(json_flag(json_object_get(task_of(&rig, 0), "verify"), "passed", false),
                     verify_cases[i].passes);
    assert_string_equal(rig.end.status, verify_cases[i].passes ? "completed" : "halted");
    if (!verify_cases[i].passes && (!strstr(rig_data(&rig, 0), verify_cases[i].reason) ||
                                    !str_starts(rig_data(&rig, 0), "verify_failed:")))
        fail_msg("%s", rig_data(&rig, 0));
    rig_release(&rig);
}

/* A brain that downloads: the file is there when it is done. */
struct writer {
    struct rig_brain brain;
    const char *path;
};

static int write_think(struct brain *base, struct pool *pool, const struct brain_turn *turn,
                       struct brain_reply *out, struct err *err)
{
    struct writer *w = (struct writer *)base;
    FILE *f = fopen(w->path, "w");
    assert_non_null(f);
    fclose(f);
    *out = (struct brain_reply){.action = done_well[0], .thinking = ""};
    return 0;
}

static void no_destroy(struct brain *brain)
{
}

static void a_download_of_this_task_counts(void **state)
{
    static const struct brain_driver driver = {
        .kind = "writer", .destroy = no_destroy, .think = write_think};
    static const struct {
        const char *file;
        bool before, passes;
    } cases[] = {{"list.csv", false, true},
                 {"list.csv", true, false},
                 {"list.csv.crdownload", false, false},
                 {"list.txt", false, false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char dir[] = "/tmp/mantis-downloads-XXXXXX", path[200];
        struct rig rig;
        struct writer w = {.brain.base.driver = &driver, .path = path};
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/%s", dir, cases[i].before ? "other.bin" : cases[i].file);
        if (cases[i].before) {
            char old[200];
            snprintf(old, sizeof(old), "%s/%s", dir, cases[i].file);
            int fd = open(old, O_CREAT | O_WRONLY, 0600);
            assert_true(fd >= 0);
            close(fd);
        }
        rig_init(&rig, boats_page,
                 "[" TASK("a", ",'verify':{'type':'download_exists','value':'*.csv'}") "]");
        rig.config.download_dir = dir;
        rig.config.max_time_minutes = 10;
        rig.brain = &w.brain.base;
        rig_run(&rig, NULL);
        assert_int_equal(json_flag(rig_result(&rig, 0), "success", false), cases[i].passes);
        rig_release(&rig);
        assert_int_equal(file_remove_tree(dir, NULL), 0);
    }
}

/* --- one after the other ---------------------------------------------------------------------- */

static void the_first_failure_ends_a_suite(void **state)
{
    struct rig rig;
    struct rig_brain brain;
    run_suite(&rig, &brain, gave_up, 1, "[" TASK("a", "") "," TASK("b", "") "]");
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "task_failed");
    assert_int_equal(rig_n_results(&rig), 1);
    assert_string_equal(rig_data(&rig, 0), "done_failed:looked for 'x'");
    rig_release(&rig);
}

static void a_task_that_may_fail_lets_the_others_run(void **state)
{
    static const struct action actions[] = {
        {.type = ACTION_DONE, .summary = "no"},
        {.type = ACTION_DONE, .success = true, .summary = "yes"}};
    struct rig rig;
    struct rig_brain brain;
    run_suite(&rig, &brain, actions, 2,
              "[" TASK("a", ",'continue_on_failure':true") "," TASK("b", "") "]");
    assert_string_equal(rig.end.status, "halted"); /* complete only when all passed */
    assert_int_equal(rig_n_results(&rig), 2);
    assert_false(json_flag(task_of(&rig, 0), "success", true));
    assert_true(json_flag(task_of(&rig, 1), "success", false));
    json_t *env = json_object();
    result_put_suite(env, rig.final);
    assert_string_equal(json_str(env, "mode", ""), "task_suite");
    assert_int_equal(json_int(env, "passed", 0), 1);
    assert_int_equal(json_int(env, "total", 0), 2);
    assert_true(json_num(env, "score", 0) == 50);
    assert_string_equal(json_str(env, "termination_reason", ""), "done_failed; done");
    const json_t *detail = json_array_get(json_object_get(env, "task_details"), 1);
    static const char *const keys[] = {
        "task_id", "success", "steps", "duration_s", "termination_reason", "final_url", "costs"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        assert_non_null(json_object_get(detail, keys[i]));
    json_decref(env);
    rig_release(&rig);
}

static void a_page_that_is_not_there_fails_the_task(void **state)
{
    struct rig rig;
    struct rig_brain brain;
    run_suite(&rig, &brain, done_well, 1,
              "[{'type':'task','intent':'Look','params':{'task_id':'a','start_url':'" SITE
              "/nowhere'}}]");
    assert_string_equal(rig_data(&rig, 0), "bad_url:not_found");
    assert_int_equal(brain.asked, 0);
    rig_release(&rig);
}

static void a_plan_of_steps_is_no_suite(void **state)
{
    json_t *env = json_object(), *checkpoint = json_pack("{s:[]}", "step_results");
    result_put_suite(env, checkpoint);
    assert_int_equal(json_object_size(env), 0);
    json_decref(checkpoint);
    json_decref(env);
}

/* Its fallback frees it: then the task is tried again, with steps of its own. */
static void a_stuck_task_is_freed_and_tried_again(void **state)
{
    static const struct action actions[] = {
        {.type = ACTION_DONE, .summary = "stuck"},
        {.type = ACTION_DONE, .success = true, .summary = "freed"},
        {.type = ACTION_DONE, .success = true, .summary = "now it is so"}};
    struct rig rig;
    struct rig_brain brain;
    run_suite(&rig, &brain, actions, 3,
              "[" TASK("a", ",'fallback_intent':'Close what is open','fallback_start_url':'" SITE
                            "/boats/Alder'") "]");
    assert_string_equal(rig_data(&rig, 0), "now it is so");
    assert_int_equal(json_int(task_of(&rig, 0), "steps", 0), 3);
    assert_int_equal(rig_n_events(&rig, "fallback"), 1);
    rig_release(&rig);
    run_suite(
        &rig, &brain, gave_up, 1,
        "[" TASK("a", ",'fallback_intent':'Close what is open','fallback_micro_retries':2") "]");
    assert_false(json_flag(rig_result(&rig, 0), "success", true));
    assert_int_equal(brain.asked, 3); /* the task, and the fallback twice */
    rig_release(&rig);
}

/* A worker that takes over a task which had bought something looks at the proof, and buys nothing.
 */
static void an_interrupted_task_is_only_looked_at(void **state)
{
    static const struct {
        const char *verify;
        bool passes;
    } cases[] = {{",'verify':{'type':'page_contains_text','value':'Boats for sale'}", true},
                 {",'verify':{'type':'page_contains_text','value':'Thank you'}", false},
                 {"", false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        struct rig_brain brain;
        char steps[500];
        snprintf(steps, sizeof(steps), "[" TASK("a", "%s") "]", cases[i].verify);
        rig_brain_init(&brain, done_well, 1);
        rig_init(&rig, boats_page, steps);
        rig.brain = &brain.base;
        json_put(
            rig.journal, "0#1",
            json_pack("{s:s,s:{s:s}}", "state", "sent", "detail", "label", "clicked 'Buy now'"));
        rig_run(&rig, NULL);
        assert_int_equal(brain.asked, 0);
        assert_int_equal(json_flag(rig_result(&rig, 0), "success", false), cases[i].passes);
        assert_string_equal(json_str(task_of(&rig, 0), "termination_reason", ""), "interrupted");
        assert_non_null(strstr(json_str(task_of(&rig, 0), "summary", ""), "Buy now"));
        rig_release(&rig);
    }
}

/* --- sessions --------------------------------------------------------------------------------- */

static void a_required_session_that_is_not_there_fails(void **state)
{
    struct rig rig;
    struct rig_brain brain;
    run_suite(&rig, &brain, done_well, 1, "[" TASK("a", ",'require_session':true") "]");
    assert_string_equal(rig_data(&rig, 0),
                        "session_missing:no session 'test' was saved in this profile");
    assert_int_equal(brain.asked, 0);
    assert_false(json_flag(task_of(&rig, 0), "session_restored", true));
    rig_release(&rig);
}

static void a_session_is_saved_and_restored_by_its_name(void **state)
{
    char dir[] = "/tmp/mantis-sessions-XXXXXX";
    struct rig rig;
    struct rig_brain brain;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 2; i++) {
        rig_brain_init(&brain, done_well, 1);
        rig_init(&rig, boats_page,
                 i ? "[" TASK("b", ",'require_session':true") "]"
                   : "[" TASK("a", ",'save_session':true") "]");
        rig.config.session_dir = dir;
        rig.brain = &brain.base;
        rig.web.cookie = i ? "" : "known";
        rig_run(&rig, NULL);
        assert_true(json_flag(task_of(&rig, 0), i ? "session_restored" : "session_saved", false));
        assert_string_equal(rig.web.cookie, "known");
        const char *path = pool_printf(rig.pool, "%s/test-9f86d081884c.json", dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        rig_release(&rig);
    }
    assert_int_equal(file_remove_tree(dir, NULL), 0);
}

/* A failed log in is not worth keeping: the page still says login. */
static void a_failed_task_on_a_login_page_saves_nothing(void **state)
{
    char dir[] = "/tmp/mantis-sessions-XXXXXX";
    struct rig rig;
    struct rig_brain brain;
    assert_non_null(mkdtemp(dir));
    rig_brain_init(&brain, gave_up, 1);
    rig_init(&rig, boats_page,
             "[{'type':'task','intent':'Log in','params':{'task_id':'a','start_url':'" SITE
             "/boats/login','save_session':true}}]");
    rig.config.session_dir = dir;
    rig.brain = &brain.base;
    rig_run(&rig, NULL);
    assert_null(json_object_get(task_of(&rig, 0), "session_saved"));
    rig_release(&rig);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
}

/* --- items and pages -------------------------------------------------------------------------- */

#define LOOP(more)                                                                                 \
    "[{'type':'task','intent':'Open the {ORDINAL} "                                                \
    "boat','params':{'task_id':'a','start_url':'" SITE "/boats/','loop':{" more                    \
    "}},'extract':{'fields':[{'name':'year'},{'name':'make'}]}}]"

/* Opens the n-th card of the page, or the next page, or says that there is none. */
struct clerk {
    struct brain base;
    int stage, wrong; /* wrong: this many tries fail first */
    char task[3000];
};

static int clerk_think(struct brain *base, struct pool *pool, const struct brain_turn *turn,
                       struct brain_reply *out, struct err *err)
{
    struct clerk *c = (struct clerk *)base;
    int n = 0, at = 0;
    const struct page *page = turn->obs->page;
    snprintf(c->task, sizeof(c->task), "%s", turn->task);
    *out = (struct brain_reply){.thinking = ""};
    if (turn->n_history > 0 && turn->history[turn->n_history - 1].type == ACTION_CLICK) {
        out->action = done_well[0];
        return 0;
    }
    if (c->wrong > 0 && c->wrong--) {
        out->action = (struct action){.type = ACTION_DONE, .summary = "it did not open"};
        return 0;
    }
    bool paging = sscanf(turn->task, "Task: Open the %d", &n) != 1;
    for (int i = 0; i < page->n_nodes; i++) {
        const char *kind = node_attr(&page->nodes[i], "data-kind");
        if (kind && !strcmp(kind, paging ? "next" : "card") && (paging || ++at == n)) {
            if (page->nodes[i].box.y > 690) {
                out->action = (struct action){.type = ACTION_SCROLL, .x = -1, .y = -1, .dy = 5};
                return 0;
            }
            out->action = (struct action){.type = ACTION_CLICK,
                                          .x = 600,
                                          .y = page->nodes[i].box.y + 20,
                                          .button = BUTTON_LEFT};
            return 0;
        }
    }
    out->action = (struct action){.type = ACTION_DONE,
                                  .summary = paging ? "there is no next page" : "no more items"};
    return 0;
}

static const struct brain_driver clerk_driver = {
    .kind = "clerk", .caps = BRAIN_AIMS_BY_PAGE, .destroy = no_destroy, .think = clerk_think};

static void start_clerk(struct rig *rig, struct clerk *clerk, const char *steps)
{
    *clerk = (struct clerk){.base.driver = &clerk_driver};
    rig_init(rig, boats_page, steps);
    rig->brain = &clerk->base;
}

static void items_of_all_pages_are_read(void **state)
{
    struct rig rig;
    struct clerk clerk;
    start_clerk(&rig, &clerk, LOOP(""));
    rig_run(&rig, NULL);
    const json_t *d = task_of(&rig, 0);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(json_int(d, "pages", 0), 2);
    assert_int_equal(json_int(d, "viable", 0), 7); /* of eight cards one is dead */
    assert_int_equal(json_array_size(rig_rows(&rig)), 7);
    assert_true(json_int(d, "iterations", 0) >= 8);
    assert_int_equal(json_int(json_object_get(d, "failure_breakdown"), "page_exhausted", 0), 2);
    assert_int_equal(json_object_size(json_object_get(rig.final, "suite_state")), 0);
    rig_release(&rig);
}

static void a_loop_ends_at_its_bounds(void **state)
{
    struct rig rig;
    struct clerk clerk;
    start_clerk(&rig, &clerk, LOOP("'max_iterations':3"));
    rig_run(&rig, NULL);
    assert_int_equal(json_int(task_of(&rig, 0), "iterations", 0), 3);
    rig_release(&rig);
    start_clerk(&rig, &clerk, LOOP("'max_pages':1"));
    rig_run(&rig, NULL);
    assert_int_equal(json_int(task_of(&rig, 0), "pages", 0), 1);
    assert_int_equal(json_int(task_of(&rig, 0), "viable", 0), 4);
    rig_release(&rig);
}

static void failures_in_a_row_are_told_and_the_page_opened_anew(void **state)
{
    struct rig rig;
    struct clerk clerk;
    start_clerk(&rig, &clerk, LOOP("'max_iterations':4,'max_retries_per_iteration':5"));
    clerk.wrong = 3;
    rig_run(&rig, NULL);
    assert_non_null(strstr(clerk.task, "WARNING: 3 tries in a row failed: do it another way"));
    assert_non_null(strstr(clerk.task, "Learned: unknown (it did not open)"));
    assert_int_equal(json_int(json_object_get(task_of(&rig, 0), "failure_breakdown"), "unknown", 0),
                     3);
    assert_int_equal(json_int(task_of(&rig, 0), "viable", 0), 1);
    rig_release(&rig);
}

static void a_worker_that_takes_over_goes_on_with_the_next_item(void **state)
{
    struct rig rig;
    struct clerk clerk;
    start_clerk(&rig, &clerk, LOOP(""));
    rig_run(&rig, NULL);
    int calls = rig.web.calls, rows = (int)json_array_size(rig_rows(&rig));
    rig_release(&rig);
    for (int at = 10; at < calls; at += 23) {
        start_clerk(&rig, &clerk, LOOP(""));
        rig.web.die_at_call = at;
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.status, "lost");
        json_t *last = json_deep_copy(rig.final);
        rig.web.die_at_call = 0;
        rig_run(&rig, last);
        json_decref(last);
        assert_string_equal(rig.end.status, "completed");
        assert_int_equal(json_array_size(rig_rows(&rig)), rows);
        rig_release(&rig);
    }
}

static void placeholders_are_filled(void **state)
{
    static const struct {
        const char *intent;
        int n, page;
        const char *filled;
    } cases[] = {
        {"Open the {ORDINAL} boat", 1, 1, "Open the 1st boat"},
        {"{ORDINAL} {ORDINAL}", 22, 1, "22nd 22nd"},
        {"{ORDINAL}", 13, 1, "13th"},
        {"{ORDINAL}", 103, 1, "103rd"},
        {"item {N} of {PAGE}", 4, 2, "item 4 of page 2"},
        {"?page={PAGE_N}", 4, 7, "?page=7"},
        {"nothing", 4, 7, "nothing"},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(items_fill(pool, cases[i].intent, cases[i].n, cases[i].page),
                            cases[i].filled);
    pool_destroy(pool);
}

/* --- categories ------------------------------------------------------------------------------- */

#define ENDED(how, words)                                                                          \
    {                                                                                              \
        .termination = (how), .summary = (words), .steps = 4                                       \
    }

static const struct inner_result
    unparsed = {.termination = "max_steps", .summary = "", .steps = 4, .unparsed = 3},
    viewer = {.termination = "max_steps", .summary = "", .steps = 4, .galleries = 1},
    stuck = ENDED("loop", ""), tired = ENDED("max_steps", ""), off = ENDED("off_allowlist", ""),
    empty = ENDED("done_failed", "no more listings"), odd = ENDED("done_failed", "I am lost");

static const struct {
    struct attempt_facts facts;
    const char *category;
} categories[] = {
    {{&odd, SITE "/", SITE "/", "ok", false, true}, "dealer_listing"},
    {{&odd, SITE "/", SITE "/", "blocked", false, false}, "cloudflare"},
    {{&odd, SITE "/", SITE "/x", "not_found", false, false}, "dead_link_404"},
    {{&odd, SITE "/", SITE "/x", "soft_404", false, false}, "dead_link_404"},
    {{&off, SITE "/", SITE "/x", "ok", false, false}, "off_source_drift"},
    {{&odd, SITE "/", "http://ads.test/", "ok", false, false}, "off_site"},
    {{&empty, SITE "/", SITE "/", "ok", false, false}, "page_exhausted"},
    {{&unparsed, SITE "/", SITE "/", "ok", false, false}, "parse_failure"},
    {{&viewer, SITE "/", SITE "/", "ok", false, false}, "gallery_trap"},
    {{&odd, SITE "/", SITE "/", "ok", true, false}, "popup_trap"},
    {{&stuck, SITE "/", SITE "/", "ok", false, false}, "loop_stuck"},
    {{&tired, SITE "/", SITE "/", "ok", false, false}, "context_rot"},
    {{&odd, SITE "/", SITE "/", "ok", false, false}, "unknown"},
};

static void failures_have_categories(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
        assert_string_equal(failure_category(&categories[i].facts), categories[i].category);
    static const char *const words[] = {"No more boats", "no listing",   "there are no items",
                                        "No results",    "empty page",   "the end of it",
                                        "Last page",     "no next page", "all processed",
                                        "none found",    "none left"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_true(says_no_more(words[i]));
    assert_false(says_no_more("nothing was done"));
}

int main(void)
{
    static struct CMUnitTest tests[64];
    static const struct CMUnitTest plain[] = {
        row_test("plans 12 download_exists counts a finished file of this task",
                 a_download_of_this_task_counts),
        row_test("plans 12 the first failure stops the suite", the_first_failure_ends_a_suite),
        row_test("plans 12 continue_on_failure, passed, total, score and details",
                 a_task_that_may_fail_lets_the_others_run),
        row_test("plans 12 a start_url that is not there fails the task",
                 a_page_that_is_not_there_fails_the_task),
        cmocka_unit_test(a_plan_of_steps_is_no_suite),
        row_test("plans 12 the fallback unsticks a task, which is then resumed",
                 a_stuck_task_is_freed_and_tried_again),
        row_test("plans 12 a task that had pressed what cannot be pressed twice is not begun anew",
                 an_interrupted_task_is_only_looked_at),
        row_test("plans 12 require_session without one fails with the reason",
                 a_required_session_that_is_not_there_fails),
        row_test("plans 12 save_session and require_session by session_name",
                 a_session_is_saved_and_restored_by_its_name),
        row_test("plans 12 a failed task on a login page saves no session",
                 a_failed_task_on_a_login_page_saves_nothing),
        row_test("plans 12 loop goes over items and pages until there are no more",
                 items_of_all_pages_are_read),
        row_test("plans 12 loop ends at max_iterations and max_pages", a_loop_ends_at_its_bounds),
        row_test("plans 12 failures in a row warn, demand and reload",
                 failures_in_a_row_are_told_and_the_page_opened_anew),
        row_test("plans 12 a loop goes on after a death with the next item",
                 a_worker_that_takes_over_goes_on_with_the_next_item),
        row_test("plans 12 placeholders of a loop's intent", placeholders_are_filled),
        row_test("plans 12 failure categories", failures_have_categories),
    };
    size_t n = ARRAY_SIZE(plain);
    memcpy(tests, plain, sizeof(plain));
    for (size_t i = 0; i < ARRAY_SIZE(verify_cases); i++)
        tests[n++] = (struct CMUnitTest){verify_cases[i].row, proof_decides, NULL, NULL,
                                         (void *)(uintptr_t)i};
    return _cmocka_run_group_tests("suite", tests, n, NULL, NULL);
}
