/*
 * Plans that a model writes: what is found in an answer, and what is asked of a scripted server,
 * kept and asked again.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "author/author.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plan/decompose.h"
#include "sys/file.h"
#include "tools/model_server.h"
#include "unit/model_rig.h"

#define ONE          "{\"type\":\"navigate\",\"intent\":\"Open https://a.test/\"}"
#define PLAN         "{\"steps\":[" ONE "]}"
#define STEPS_OF_ONE "[{\"intent\":\"Open https://a.test/\",\"type\":\"navigate\"}]"

static struct pool *pool;

/* --- what is found in an answer -------------------------------------------------------------- */

/* clang-format off */
static const struct answer_row {
    const char *row, *answer;
    const char *document; /* canonical; NULL: none */
    const char *says;
} answers[] = {
    {"brains 9 an object is a plan", PLAN, "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 a bare array is a plan", "[" ONE "]", "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 13 decomposer reply: prose and a fenced object", "Here is the plan:\n```json\n" PLAN "\n```\nGood luck!",
     "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 a fence without a language, on one line", "```" PLAN "```", "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 a fence that is not closed", "```json\n" PLAN, "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 prose in front and behind", "I made {one} plan [see below].\n" PLAN "\nIt has {1} step.",
     "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 brackets and quotes inside of texts", "So: {\"steps\":[{\"type\":\"wait\",\"intent\":\"a } ] \\\" { b\"}]} done",
     "{\"steps\":[{\"intent\":\"a } ] \\\" { b\",\"type\":\"wait\"}]}", NULL},
    {"brains 9 unknown shapes are dropped, the others stand in their order",
     "{\"shapes\":[\"inspect\",\"poetry\",\"form\",\"listings\",7],\"steps\":[" ONE "]}",
     "{\"shapes\":[\"listings\",\"form\",\"inspect\"],\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 pagination_url_template is taken over",
     "{\"steps\":[" ONE "],\"pagination_url_template\":\"{base}?p={n}\"}",
     "{\"pagination_url_template\":\"{base}?p={n}\",\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 what else it says is no plan's: caps, domains",
     "{\"runtime\":{\"max_cost\":99},\"domain\":\"x.test\",\"steps\":[" ONE "]}", "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 a plan inside of another object", "{\"plan\":" PLAN "}", "{\"steps\":" STEPS_OF_ONE "}", NULL},
    {"brains 9 no JSON is an error with the first characters", "I am sorry,\nbut I cannot do that.", NULL,
     "it begins: 'I am sorry, but I cannot do that.'"},
    {"brains 9 an empty answer is an error", "", NULL, "it begins: ''"},
    {"brains 9 no steps is an error", "{\"steps\":[]}", NULL, "no steps"},
    {"brains 9 half a plan is none: its loop's body must not pass for it",
     "{\"steps\":[" ONE ",{\"type\":\"loop\",\"intent\":\"x\",\"steps\":[" ONE "]},{\"type\":\"wai", NULL, "holds no plan"},
    {"brains 9 a plan with a slip of the pen is none, and no part of it is",
     "{\"steps\":[" ONE ",{\"type\":\"loop\",\"intent\":\"x\",\"steps\":[" ONE "]},]}", NULL, "holds no plan"},
    {"brains 9 a list of words is none", "[\"navigate\",\"click\"]", NULL, "holds no plan"},
};
/* clang-format on */

static void one_answer(void **state)
{
    const struct answer_row *row = *state;
    json_t *document;
    struct err err = {0};
    int r = plan_decompose_answer(pool, row->answer, &document, &err);
    assert_int_equal(r, row->document ? 0 : E_UPSTREAM);
    if (row->document)
        assert_string_equal(json_canonical(pool, document), row->document);
    else if (!strstr(err.msg, row->says))
        fail_msg("'%s' without '%s'", err.msg, row->says);
}

static void the_first_300_characters_are_quoted(void **state)
{
    char *text = pool_alloc(pool, 1001);
    json_t *document;
    struct err err = {0};
    memset(text, 'x', 1000);
    assert_int_equal(plan_decompose_answer(pool, text, &document, &err), E_UPSTREAM);
    const char *quoted = strstr(err.msg, "begins: '") + strlen("begins: '");
    assert_int_equal(strspn(quoted, "x"), 300);
}

/* Every start of a bracket is looked at to its end: that must not take for ever. */
static void brackets_without_end_are_given_up(void **state)
{
    char *text = pool_alloc(pool, CAP_PLAN_ANSWER_BYTES + 1);
    json_t *document;
    struct err err = {0};
    int64_t begun = clock_mono_ms();
    memset(text, '[', CAP_PLAN_ANSWER_BYTES);
    assert_int_equal(plan_decompose_answer(pool, text, &document, &err), E_UPSTREAM);
    assert_true(clock_mono_ms() - begun < 5000);
}

static void goals_are_the_intents_in_order(void **state)
{
    json_t *document = json_keep(
        pool,
        json_loads("{\"steps\":[{\"intent\":\"Open it\"},{\"intent\":\"\"},{\"intent\":\" Press "
                   "\\n OK \"}]}",
                   0, NULL));
    const char *text = author_goals(pool, document);
    assert_non_null(strstr(text, "in order"));
    assert_non_null(strstr(text, "\n1. Open it\n2. Press OK"));
    json_object_clear(document);
    assert_string_equal(author_goals(pool, document), "");
}

/* --- a scripted server ----------------------------------------------------------------------- */

struct bench {
    struct loop *loop;
    struct scripted_server *server;
    struct author *author;
    json_t *script;
    char dir[40];
    struct settings settings;
    const char *kept, *record;
    struct intake_config intake;
};

struct heard {
    bool done;
    int result, n;
    struct err err;
    const char *document, *model;
    struct token_use use;
    double broken_usd;
};

static void hear(void *arg, int result, const struct author_answer *answer, const struct err *err)
{
    struct heard *h = arg;
    h->done = true;
    h->n++;
    h->result = result;
    if (result)
        h->err = *err;
    else
        h->document = json_canonical(pool, answer->document);
    h->model = pool_strdup(pool, answer->model);
    h->use = answer->use;
    h->broken_usd = answer->broken_usd;
}

/* The source tree's profile, at another address. */
static void write_profile(struct bench *b, const char *url)
{
    struct err err = {0};
    json_t *file;
    const char *share = rig_dirs().share;
    if (json_parse_file(pool_printf(pool, "%s/profiles/claude.json", share), &file, &err))
        fail_msg("%s", err.msg);
    json_put_str(json_object_get(file, "endpoint"), "base_url", url);
    const char *text = json_text(pool, file), *dir = pool_printf(pool, "%s/profiles", b->dir);
    assert_int_equal(file_mkdirs(pool_printf(pool, "%s/tools", dir), 0700, &err), 0);
    assert_int_equal(
        file_write_soon(pool_printf(pool, "%s/claude.json", dir), text, strlen(text), 0600, &err),
        0);
    json_decref(file);
}

static void open_bench(struct bench *b, const char *script, int deadline_ms)
{
    struct err err = {0};
    strcpy(b->dir, "/tmp/test_author.XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    b->kept = pool_printf(pool, "%s/t/plan_cache", b->dir);
    b->record = pool_printf(pool, "%s/sent", b->dir);
    b->settings = (struct settings){.share_dir = rig_dirs().share,
                                    .profiles_dir = pool_printf(pool, "%s/profiles", b->dir),
                                    .prompts_dir = b->dir};
    b->script = json_loads(script, 0, NULL);
    assert_non_null(b->script);
    const struct model_server_config config = {.script = b->script, .record = b->record};
    const struct author_config plans = {
        .settings = &b->settings, .model = AUTHOR_MODEL, .deadline_ms = deadline_ms};
    if (model_server_start(&config, &b->server, &err) || loop_create(&b->loop, &err))
        fail_msg("%s", err.msg);
    write_profile(b, pool_printf(pool, "http://127.0.0.1:%d/v1", model_server_port(b->server)));
    assert_int_equal(author_create(b->loop, &plans, &b->author, &err), 0);
    b->intake = (struct intake_config){.repo_root = "", .env_url = "", .default_micro = ""};
}

static void close_bench(struct bench *b)
{
    author_destroy(b->author);
    loop_destroy(b->loop);
    model_server_stop(b->server);
    json_decref(b->script);
    assert_int_equal(file_remove_tree(b->dir, NULL), 0);
}

static struct author_order order(const struct bench *b, const char *tenant, const char *text)
{
    return (struct author_order){
        .text = text, .tenant = tenant, .dir = b->kept, .key = "k-test", .intake = &b->intake};
}

static struct author_wait *send_order(struct bench *b, const struct author_order *o,
                                      struct heard *h)
{
    struct author_wait *wait = NULL;
    struct err err = {0};
    *h = (struct heard){0};
    if (author_ask(b->author, o, hear, h, &wait, &err))
        fail_msg("%s", err.msg);
    assert_false(h->done);
    return wait;
}

static struct author_wait *ask(struct bench *b, const char *tenant, const char *text,
                               struct heard *h)
{
    const struct author_order o = order(b, tenant, text);
    return send_order(b, &o, h);
}

static bool was_heard(void *arg)
{
    return ((struct heard *)arg)->done;
}

static void await(struct bench *b, struct heard *h)
{
    assert_int_equal(loop_wait(b->loop, was_heard, h, clock_mono_ms() + 20000), 0);
    assert_int_equal(h->n, 1);
}

static int find(struct bench *b, const char *text, json_t **out)
{
    const struct author_order o = order(b, "t", text);
    struct err err = {0};
    return author_find(b->author, pool, &o, out, &err);
}

/* The n-th request that the server wrote down. */
static const json_t *sent(struct bench *b, int n)
{
    FILE *f = fopen(b->record, "r");
    json_t *line = NULL;
    for (int i = 0; i <= n; i++) {
        json_decref(line);
        line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
    }
    fclose(f);
    return json_keep(pool, line);
}

#define SCRIPT(plan)                                                                               \
    "{\"key\":\"k-test\",\"rules\":[{\"text\":\"" plan                                             \
    "\",\"usage\":{\"input\":900,\"output\":70}}]}"
#define NAVIGATE                                                                                   \
    "{\\\"steps\\\":[{\\\"type\\\":\\\"navigate\\\",\\\"intent\\\":\\\"Open "                      \
    "https://a.test/\\\"}]}"
#define CLICKS                                                                                     \
    "{\\\"steps\\\":[{\\\"type\\\":\\\"navigate\\\",\\\"intent\\\":\\\"Open "                      \
    "https://a.test/\\\"},{\\\"type\\\":\\\"click\\\",\\\"intent\\\":\\\"Click A\\\"}]}"

static int64_t asked_for(struct bench *b, int call)
{
    return json_int(json_object_get(sent(b, call), "body"), "max_tokens", 0);
}

/* Without a gateway: the first call is cut, and may have cost 1.25 USD and a little, or all that there was. */
static void its_cap_holds_all_tries(void **state)
{
    static const struct {
        double cap;
        int result, calls;
        double broken;
    } rows[] = {{.3, E_BUDGET, 0, 0}, {1, E_BUDGET, 1, .999}, {1.5, E_BUDGET, 1, 1.25}, {2, 0, 2, 1.25}, {5, 0, 2, 1.25}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bench b;
        struct heard h;
        struct cost_rates rates;
        open_bench(&b,
                   "{\"key\":\"k-test\",\"rules\":[{\"times\":1,\"text\":\"half\",\"fault\":\"cut\"},"
                   "{\"text\":\"" NAVIGATE "\",\"usage\":{\"input\":900,\"output\":70}}]}",
                   0);
        cost_rates_read(NULL, &rates);
        struct author_order o = order(&b, "t", "Look at a.test");
        o.rates = &rates;
        o.max_cost = rows[i].cap;
        send_order(&b, &o, &h);
        await(&b, &h);
        assert_int_equal(h.result, rows[i].result);
        assert_int_equal(model_server_count(b.server), rows[i].calls);
        if (h.broken_usd < rows[i].broken || h.broken_usd > rows[i].broken * 1.2)
            fail_msg("cap %.1f: %f USD broke off", rows[i].cap, h.broken_usd);
        bool whole = !rows[i].calls || rows[i].cap > 1.25;
        if (rows[i].calls)
            assert_int_equal(asked_for(&b, 0) == 16384, whole);
        if (h.result)
            assert_non_null(strstr(h.err.msg, "the call may cost 1."));
        else
            assert_int_equal(h.use.input, 900);
        close_bench(&b);
    }
}

static void it_is_asked_once_and_kept(void **state)
{
    struct bench b;
    struct heard h;
    json_t *kept;
    struct stat st;
    const char *hash;
    open_bench(&b, SCRIPT(NAVIGATE), 0);
    assert_int_equal(find(&b, "Look at a.test", &kept), E_NOT_FOUND);
    ask(&b, "t", "Look at a.test", &h);
    await(&b, &h);
    assert_int_equal(h.result, 0);
    assert_int_equal(author_hash(b.author, pool, "Look at a.test", &hash, NULL), 0);
    assert_string_equal(
        h.document, pool_printf(pool, "{\"plan_hash\":\"%s\",\"steps\":" STEPS_OF_ONE "}", hash));
    assert_string_equal(h.model, "claude-opus-4-7");
    assert_int_equal(h.use.input, 900);
    assert_int_equal(h.use.output, 70);
    assert_int_equal(find(&b, "Look at a.test", &kept), 0);
    assert_string_equal(json_canonical(pool, kept), h.document);
    assert_int_equal(find(&b, "Look at b.test", &kept), E_NOT_FOUND);
    assert_int_equal(strlen(hash), 32);
    const char *path = pool_printf(pool, "%s/decomposed_%s.json", b.kept, hash);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(model_server_count(b.server), 1);
    close_bench(&b);
}

static void the_call_is_what_the_contract_says(void **state)
{
    struct bench b;
    struct heard h;
    open_bench(&b, SCRIPT(NAVIGATE), 0);
    ask(&b, "t", "Look at a.test for \"x{y}\" and __PLAN__", &h);
    await(&b, &h);
    assert_int_equal(h.result, 0);
    const json_t *call = sent(&b, 0), *body = json_object_get(call, "body"),
                 *messages = json_object_get(body, "messages");
    const json_t *content = json_object_get(json_array_get(messages, 0), "content");
    assert_string_equal(json_str(call, "path", ""), "/v1/messages");
    assert_string_equal(json_str(body, "model", ""), "claude-opus-4-7");
    assert_int_equal(json_int(body, "max_tokens", 0), 16384);
    assert_int_equal(json_array_size(messages), 1);
    assert_int_equal(json_array_size(content), 1);
    assert_null(json_object_get(body, "tools"));
    const char *text = json_str(json_array_get(content, 0), "text", "");
    assert_non_null(strstr(text, "Look at a.test for \"x{y}\" and __PLAN__"));
    assert_null(strstr(text, "HARD CONSTRAINT"));
    assert_string_equal(json_str(json_object_get(call, "headers"), "anthropic-version", ""),
                        "2023-06-01");
    close_bench(&b);
}

static void a_read_only_text_gets_a_constraint_in_front(void **state)
{
    struct bench b;
    struct heard h;
    json_t *kept;
    open_bench(&b, SCRIPT(CLICKS), 0);
    ask(&b, "t", "Look at a.test, read-only", &h);
    await(&b, &h);
    assert_int_equal(h.result, E_INVALID);
    assert_non_null(strstr(h.err.msg, "read-only contract violated"));
    assert_non_null(strstr(h.err.msg, "step 1 is 'click'"));
    assert_int_equal(find(&b, "Look at a.test, read-only", &kept), E_NOT_FOUND);
    const json_t *messages = json_object_get(json_object_get(sent(&b, 0), "body"), "messages");
    const json_t *content = json_object_get(json_array_get(messages, 0), "content");
    assert_true(str_starts(json_str(json_array_get(content, 0), "text", ""), "HARD CONSTRAINT"));
    ask(&b, "t", "Look at a.test", &h);
    await(&b, &h);
    assert_int_equal(h.result, 0);
    close_bench(&b);
}

/* clang-format off */
static const struct failing_row {
    const char *row, *script, *says;
    int result, calls;
} failing[] = {
    {"brains 9 529, then an answer", "{\"rules\":[{\"times\":1,\"status\":529},{\"text\":\"" NAVIGATE "\"}]}", NULL, 0, 2},
    {"brains 9 an answer that is no JSON of the API is asked for again", "{\"rules\":[{\"times\":1,\"text\":\"x\",\"fault\":\"bad_json\"},{\"text\":\"" NAVIGATE "\"}]}", NULL, 0, 2},
    {"brains 9 words instead of a plan are an error that quotes them", "{\"rules\":[{\"text\":\"I would rather not.\"}]}", "'I would rather not.'", E_UPSTREAM, 1},
    {"brains 9 a plan that is cut off is an error", "{\"rules\":[{\"text\":\"{\\\"steps\\\":[\",\"finish\":\"max_tokens\"}]}", "cut off after 16384 tokens", E_UPSTREAM, 1},
    {"brains 9 a plan that no run could carry out is not taken", "{\"rules\":[{\"text\":\"{\\\"steps\\\":[{\\\"type\\\":\\\"loop\\\",\\\"intent\\\":\\\"x\\\",\\\"loop_target\\\":9}]}\"}]}", "refused: step 0: loop_target 9", E_UPSTREAM, 1},
    {"brains 9 a wrong key is not tried again, and named", "{\"key\":\"another\",\"rules\":[{\"text\":\"x\"}]}", "ANTHROPIC_API_KEY", E_UPSTREAM, 1},
    {"brains 9 a request that is refused is not made again", "{\"rules\":[{\"status\":400,\"message\":\"too long\"}]}", "answered 400 (1 call)", E_UPSTREAM, 1},
    {"brains 9 a wait that would end behind the deadline is not begun", "{\"rules\":[{\"status\":429,\"retry_after\":100}]}", "it limits the rate", E_UNAVAILABLE, 1},
    {"brains 9 nobody answers within the deadline", "{\"rules\":[{\"fault\":\"silence\"}]}", "did not answer (1 call)", E_UNAVAILABLE, 1},
};
/* clang-format on */

static void one_failure(void **state)
{
    const struct failing_row *row = *state;
    struct bench b;
    struct heard h;
    json_t *kept;
    open_bench(&b, row->script, row->result == E_UNAVAILABLE ? 1500 : 0);
    ask(&b, "t", "Look at a.test", &h);
    await(&b, &h);
    if (h.result != row->result)
        fail_msg("%s: %s", err_name(h.result), h.err.msg);
    if (row->says && !strstr(h.err.msg, row->says))
        fail_msg("'%s' without '%s'", h.err.msg, row->says);
    assert_null(strstr(h.err.msg, "k-test"));
    assert_int_equal(model_server_count(b.server), row->calls);
    assert_int_equal(find(&b, "Look at a.test", &kept), row->result ? E_NOT_FOUND : 0);
    close_bench(&b);
}

static void nobody_there_is_unavailable(void **state)
{
    struct bench b;
    struct heard h;
    open_bench(&b, SCRIPT(NAVIGATE), 900);
    model_server_stop(b.server);
    b.server = NULL;
    ask(&b, "t", "Look at a.test", &h);
    await(&b, &h);
    assert_int_equal(h.result, E_UNAVAILABLE);
    assert_non_null(strstr(h.err.msg, "did not answer"));
    close_bench(&b);
}

static void who_wants_the_same_waits_for_one_call(void **state)
{
    struct bench b;
    struct heard first, second, other;
    open_bench(&b, "{\"rules\":[{\"text\":\"" NAVIGATE "\",\"delay_ms\":150}]}", 0);
    ask(&b, "t", "Look at a.test", &first);
    ask(&b, "t", "Look at a.test", &second);
    ask(&b, "u", "Look at a.test", &other);
    await(&b, &first);
    await(&b, &second);
    await(&b, &other);
    assert_int_equal(model_server_count(b.server), 2); /* another tenant asks himself */
    assert_string_equal(second.document, first.document);
    assert_true(*first.model && first.use.input > 0);
    assert_string_equal(second.model, ""); /* it is paid once */
    assert_int_equal(second.use.input, 0);
    assert_true(*other.model);
    close_bench(&b);
}

static void the_call_ends_with_its_last_waiter(void **state)
{
    struct bench b;
    struct heard first, second;
    struct err err = {0};
    open_bench(&b, "{\"rules\":[{\"text\":\"" NAVIGATE "\",\"delay_ms\":150}]}", 0);
    struct author_wait *a = ask(&b, "t", "Look at a.test", &first);
    struct author_wait *c = ask(&b, "t", "Look at a.test", &second);
    author_leave(a);
    await(&b, &second);
    assert_false(first.done);
    assert_true(*second.model); /* who is left pays */
    c = ask(&b, "t", "Look at b.test", &second);
    author_leave(c);
    ask(&b, "t", "Look at c.test", &second);
    author_drain(b.author);
    assert_int_equal(second.result, E_UNAVAILABLE);
    assert_non_null(strstr(second.err.msg, "stopping"));
    const struct author_order o = order(&b, "t", "Look at a.test");
    assert_int_equal(author_ask(b.author, &o, hear, &first, &a, &err), E_UNAVAILABLE);
    close_bench(&b);
}

static void another_prompt_model_or_text_is_another_answer(void **state)
{
    struct bench b;
    const char *before, *other_text, *read_only, *other_prompt, *other_model;
    struct author *haiku;
    open_bench(&b, SCRIPT(NAVIGATE), 0);
    assert_int_equal(author_hash(b.author, pool, "Look", &before, NULL), 0);
    assert_int_equal(author_hash(b.author, pool, "Look!", &other_text, NULL), 0);
    assert_int_equal(author_hash(b.author, pool, "Just read", &read_only, NULL), 0);
    const struct author_config config = {.settings = &b.settings, .model = "claude-haiku-4-5"};
    assert_int_equal(author_create(b.loop, &config, &haiku, NULL), 0);
    assert_int_equal(author_hash(haiku, pool, "Look", &other_model, NULL), 0);
    author_destroy(haiku);
    const char *own = "Another way of asking.\n__CONSTRAINT__\n__PLAN__\n";
    assert_int_equal(
        file_write_soon(pool_printf(pool, "%s/decompose.txt", b.dir), own, strlen(own), 0600, NULL),
        0);
    assert_int_equal(author_hash(b.author, pool, "Look", &other_prompt, NULL), 0);
    const char *all[] = {before, other_text, read_only, other_prompt, other_model};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(all[i], all[k]);
    close_bench(&b);
}

static void a_wrong_prompt_is_no_missing_plan(void **state)
{
    struct bench b;
    json_t *kept;
    const char *own = "__PLAN__ and __NOTHING__\n";
    open_bench(&b, SCRIPT(NAVIGATE), 0);
    assert_int_equal(
        file_write_soon(pool_printf(pool, "%s/decompose.txt", b.dir), own, strlen(own), 0600, NULL),
        0);
    assert_int_equal(find(&b, "Look", &kept), E_INTERNAL);
    close_bench(&b);
}

static void put_kept(struct bench *b, const char *text, const char *content)
{
    const char *hash;
    assert_int_equal(author_hash(b->author, pool, text, &hash, NULL), 0);
    assert_int_equal(file_mkdirs(b->kept, 0700, NULL), 0);
    assert_int_equal(file_write_soon(pool_printf(pool, "%s/decomposed_%s.json", b->kept, hash),
                                     content, strlen(content), 0600, NULL),
                     0);
}

static void what_is_kept_is_held_against_the_rules_again(void **state)
{
    struct bench b;
    json_t *kept;
    open_bench(&b, SCRIPT(NAVIGATE), 0);
    put_kept(&b, "Look", PLAN);
    assert_int_equal(find(&b, "Look", &kept), 0);
    put_kept(&b, "Look", "{\"steps\":[{\"type\":\"loop\",\"intent\":\"x\",\"loop_target\":9}]}");
    assert_int_equal(find(&b, "Look", &kept), E_NOT_FOUND);
    put_kept(&b, "Look", "{\"steps\":");
    assert_int_equal(find(&b, "Look", &kept), E_NOT_FOUND);
    put_kept(&b, "Just read", "{\"steps\":[{\"type\":\"click\",\"intent\":\"Click A\"}]}");
    assert_int_equal(find(&b, "Just read", &kept), E_NOT_FOUND);
    close_bench(&b);
}

static int files_in(const char *dir)
{
    FILE *f = popen(pool_printf(pool, "ls %s | wc -l", dir), "r");
    int n = 0;
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    return n;
}

static void the_oldest_of_too_many_goes(void **state)
{
    struct bench b;
    struct heard h;
    open_bench(&b, SCRIPT(NAVIGATE), 0);
    assert_int_equal(file_mkdirs(b.kept, 0700, NULL), 0);
    for (int i = 0; i < CAP_PLAN_CACHE_FILES; i++) {
        FILE *f = fopen(pool_printf(pool, "%s/decomposed_%032d.json", b.kept, i), "w");
        assert_non_null(f);
        fclose(f);
    }
    ask(&b, "t", "Look at a.test", &h);
    await(&b, &h);
    assert_int_equal(files_in(b.kept), CAP_PLAN_CACHE_FILES);
    close_bench(&b);
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
    row_test("brains 9 no JSON: the first 300 characters", the_first_300_characters_are_quoted),
    row_test("brains 9 brackets without end do not take for ever",
             brackets_without_end_are_given_up),
    row_test("brains 9 cua: the intents as an ordered list", goals_are_the_intents_in_order),
    row_test("brains 9 equal text: no second call, the answer is kept", it_is_asked_once_and_kept),
    row_test("agent-loop 17 a plan's tries are held against their cap, also without a gateway",
             its_cap_holds_all_tries),
    row_test("brains 9 model, max_tokens, one text message", the_call_is_what_the_contract_says),
    row_test(
        "brains 13 decomposer reply with a click step for a read-only text: names step and type",
        a_read_only_text_gets_a_constraint_in_front),
    row_test("brains 9 upstream down is unavailable", nobody_there_is_unavailable),
    row_test("brains 9 one call for the same text of a tenant",
             who_wants_the_same_waits_for_one_call),
    row_test("brains 9 a call that nobody waits for any more ends",
             the_call_ends_with_its_last_waiter),
    row_test("brains 9 changed prompt version, model or text: new call",
             another_prompt_model_or_text_is_another_answer),
    row_test("brains 9 a prompt that is wrong is the operator's",
             a_wrong_prompt_is_no_missing_plan),
    row_test("brains 9 a kept answer goes through every pass again",
             what_is_kept_is_held_against_the_rules_again),
    row_test("brains 9 at most so many answers are kept", the_oldest_of_too_many_goes),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(answers) + ARRAY_SIZE(failing) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        tests[n++] =
            (struct CMUnitTest){answers[i].row, one_answer, NULL, NULL, (void *)&answers[i]};
    for (size_t i = 0; i < ARRAY_SIZE(failing); i++)
        tests[n++] =
            (struct CMUnitTest){failing[i].row, one_failure, NULL, NULL, (void *)&failing[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
