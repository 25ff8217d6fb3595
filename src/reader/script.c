/*
 * script.c - the "script" kind: answers from a JSON file, for tests of the runner and for planes
 * without a DOM. docs/internals/script-reader.md describes the file.
 *
 * One list per question, answered in order. A list that runs out is E_INVALID, so that a test that
 * asks more than it foresaw says so.
 */
#include "reader/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum question {
    Q_FIND,
    Q_NEXT_PAGE,
    Q_MORE,
    Q_REVEAL,
    Q_DISMISS,
    Q_LIST,
    Q_EXTRACT,
    Q_ROWS,
    Q_VISIBLE,
    Q_NAVIGATED,
    Q_SHOWN_VALUE,
    Q_N
};

static const char *const question_names[Q_N] = {
    [Q_FIND] = "find",
    [Q_NEXT_PAGE] = "next_page",
    [Q_MORE] = "more",
    [Q_REVEAL] = "reveal",
    [Q_DISMISS] = "dismiss",
    [Q_LIST] = "list",
    [Q_EXTRACT] = "extract",
    [Q_ROWS] = "rows",
    [Q_VISIBLE] = "visible",
    [Q_NAVIGATED] = "navigated",
    [Q_SHOWN_VALUE] = "shown_value",
};

struct script {
    struct reader base;
    json_t *answers;
    size_t next[Q_N];
};

static struct script *script_of(struct reader *reader)
{
    if (reader->driver != &reader_script)
        BUG("not a script reader");
    return (struct script *)reader;
}

static int script_create(const char *argument, const struct reader_needs *needs,
                         struct reader **out, struct err *err)
{
    json_t *answers = NULL, *list;
    const char *key;
    if (!*argument)
        return err_set(err, E_INVALID, "reader script: needs a file: script:<file>");
    int r = json_parse_file(argument, &answers, err);
    if (r)
        return r;
    if (!json_is_object(answers)) {
        json_decref(answers);
        return err_set(err, E_INVALID,
                       "reader script '%s': must be an object with a list per question", argument);
    }
    json_object_foreach (answers, key, list) {
        size_t q = 0;
        if (strcmp(key, "actions") == 0) /* the brain's half: a run gives both the same file */
            continue;
        while (q < Q_N && strcmp(question_names[q], key) != 0)
            q++;
        if (q == Q_N || !json_is_array(list)) {
            r = err_set(err, E_INVALID, "reader script '%s': '%.60s' %s", argument, key,
                        q == Q_N ? "is no question" : "must be a list");
            json_decref(answers);
            return r;
        }
    }
    struct script *s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    s->base.driver = &reader_script;
    s->answers = answers;
    *out = &s->base;
    return 0;
}

static void script_destroy(struct reader *reader)
{
    struct script *s = script_of(reader);
    json_decref(s->answers);
    free(s);
}

/* The next answer; {"error": "...", "code": "not_found"} is an error instead. Borrowed. */
static int next_answer(struct reader *reader, enum question q, const json_t **out, struct err *err)
{
    struct script *s = script_of(reader);
    const json_t *answer =
        json_array_get(json_object_get(s->answers, question_names[q]), s->next[q]);
    if (!answer)
        return err_set(err, E_INVALID, "reader script: no answer %zu for '%s'", s->next[q] + 1,
                       question_names[q]);
    s->next[q]++;
    const char *error = json_str(answer, "error", NULL);
    if (!error) {
        *out = answer;
        return 0;
    }
    bool unsupported = strcmp(json_str(answer, "code", "not_found"), "unsupported") == 0;
    return err_set(err, unsupported ? E_UNSUPPORTED : E_NOT_FOUND, "%s", error);
}

/* {"x","y","w","h"} or {"box":[x,y,w,h]}; x and y are the middle when there is no box. */
static void read_target(struct pool *pool, const json_t *a, struct target *out)
{
    const json_t *box = json_object_get(a, "box");
    int v[4] = {0};
    for (size_t i = 0; i < 4; i++)
        v[i] = (int)json_integer_value(json_array_get(box, i));
    struct point at = {(int)json_int(a, "x", v[0] + v[2] / 2),
                       (int)json_int(a, "y", v[1] + v[3] / 2)};
    *out = (struct target){
        .at = at,
        .box =
            box ? (struct rect){v[0], v[1], v[2], v[3]} : (struct rect){at.x - 5, at.y - 5, 10, 10},
        .in_view = json_flag(a, "in_view", true),
        .covered = json_flag(a, "covered", false),
        .label = pool_strdup(pool, json_str(a, "label", "")),
        .tag = pool_strdup(pool, json_str(a, "tag", "")),
        .role = pool_strdup(pool, json_str(a, "role", "")),
        .node = -1,
        .confidence = json_num(a, "confidence", 1),
    };
}

static int target_answer(struct reader *reader, struct pool *pool, enum question q,
                         struct target *out, struct err *err)
{
    const json_t *a = NULL;
    int r = next_answer(reader, q, &a, err);
    if (r == 0)
        read_target(pool, a, out);
    return r;
}

static int script_find(struct reader *reader, struct pool *pool, const struct observation *obs,
                       const struct target_query *query, struct target *out, struct err *err)
{
    return target_answer(reader, pool, Q_FIND, out, err);
}

static int script_find_next_page(struct reader *reader, struct pool *pool,
                                 const struct observation *obs, int current_page,
                                 struct target *out, struct err *err)
{
    return target_answer(reader, pool, Q_NEXT_PAGE, out, err);
}

/* Asked whenever something is not found: a file that has no such list has no such control. */
static int script_find_more(struct reader *reader, struct pool *pool, const struct observation *obs,
                            struct target *out, struct err *err)
{
    if (!json_object_get(script_of(reader)->answers, question_names[Q_MORE]))
        return err_set(err, E_NOT_FOUND, "reader script: nothing loads more");
    return target_answer(reader, pool, Q_MORE, out, err);
}

static int script_find_reveal(struct reader *reader, struct pool *pool,
                              const struct observation *obs, const struct schema *schema,
                              const char *const *done, int n_done, struct target *out,
                              struct err *err)
{
    return target_answer(reader, pool, Q_REVEAL, out, err);
}

static int script_find_dismiss(struct reader *reader, struct pool *pool,
                               const struct observation *obs, struct target *out, struct err *err)
{
    return target_answer(reader, pool, Q_DISMISS, out, err);
}

static const char *const list_names[] = {
    [LIST_OK] = "ok", [LIST_EMPTY] = "empty", [LIST_BLOCKED] = "blocked", [LIST_ERROR] = "error"};

/* {"status":"ok","cards":[{"title","href","sponsored", target...}]} */
static int script_list(struct reader *reader, struct pool *pool, const struct observation *obs,
                       const struct schema *schema, int max_cards, struct card **ret_cards,
                       int *ret_n, enum list_status *ret_status, struct err *err)
{
    const json_t *a = NULL;
    int r = next_answer(reader, Q_LIST, &a, err);
    if (r)
        return r;
    const json_t *cards = json_object_get(a, "cards");
    int n = (int)json_array_size(cards);
    n = n > max_cards ? max_cards : n;
    const char *status = json_str(a, "status", n ? "ok" : "empty");
    *ret_status = LIST_ERROR;
    for (size_t i = 0; i < ARRAY_SIZE(list_names); i++)
        if (strcmp(list_names[i], status) == 0)
            *ret_status = (enum list_status)i;
    *ret_cards = pool_alloc(pool, sizeof(**ret_cards) * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        const json_t *c = json_array_get(cards, (size_t)i);
        struct card *card = &(*ret_cards)[i];
        card->title = pool_strdup(pool, json_str(c, "title", "unknown"));
        card->href = pool_strdup(pool, json_str(c, "href", ""));
        card->sponsored = json_flag(c, "sponsored", false);
        card->text = pool_strdup(pool, json_str(c, "text", ""));
        read_target(pool, c, &card->target);
    }
    *ret_n = n;
    return 0;
}

/* {"values":{},"evidence":{},"spam":false,"spam_reason":""} */
static void read_extraction(struct pool *pool, const json_t *a, struct extraction *out)
{
    json_t *values = json_object_get(a, "values"), *evidence = json_object_get(a, "evidence");
    *out = (struct extraction){
        .values = json_keep(pool, values ? json_deep_copy(values) : json_object()),
        .evidence = json_keep(pool, evidence ? json_deep_copy(evidence) : json_object()),
        .spam = json_flag(a, "spam", false),
        .sponsored = json_flag(a, "sponsored", false),
        .spam_reason = pool_strdup(pool, json_str(a, "spam_reason", "")),
    };
}

static int script_extract(struct reader *reader, struct pool *pool, const struct observation *obs,
                          int n_obs, const struct schema *schema, struct extraction *out,
                          struct err *err)
{
    const json_t *a = NULL;
    int r = next_answer(reader, Q_EXTRACT, &a, err);
    if (r == 0)
        read_extraction(pool, a, out);
    return r;
}

/* {"rows":[extraction...]} */
static int script_rows(struct reader *reader, struct pool *pool, const struct observation *obs,
                       const struct schema *schema, int max_rows, struct extraction **ret_rows,
                       int *ret_n, struct err *err)
{
    const json_t *a = NULL;
    int r = next_answer(reader, Q_ROWS, &a, err);
    if (r)
        return r;
    const json_t *rows = json_object_get(a, "rows");
    int n = (int)json_array_size(rows);
    n = n > max_rows ? max_rows : n;
    *ret_rows = pool_alloc(pool, sizeof(**ret_rows) * (size_t)(n + 1));
    for (int i = 0; i < n; i++)
        read_extraction(pool, json_array_get(rows, (size_t)i), &(*ret_rows)[i]);
    *ret_n = n;
    return 0;
}

static enum answer answer_of(const char *word)
{
    return strcmp(word, "yes") == 0  ? ANSWER_YES
           : strcmp(word, "no") == 0 ? ANSWER_NO
                                     : ANSWER_UNKNOWN;
}

/* {"answer":"yes","reason":"..."} */
static int script_visible(struct reader *reader, struct pool *pool, const struct observation *obs,
                          const char *question, struct verdict *out, struct err *err)
{
    const json_t *a = NULL;
    int r = next_answer(reader, Q_VISIBLE, &a, err);
    if (r)
        return r;
    out->answer = answer_of(json_str(a, "answer", "unknown"));
    out->reason = pool_strdup(pool, json_str(a, "reason", "scripted"));
    return 0;
}

/* Not in the file: nobody knows. {"answer":"yes","kind":"modal","reason":"..."} */
static int script_navigated(struct reader *reader, struct pool *pool,
                            const struct observation *before, const struct observation *after,
                            const char *wanted, struct passage *out, struct err *err)
{
    const json_t *a = NULL;
    *out = (struct passage){ANSWER_UNKNOWN, "", "the script does not say"};
    if (!json_object_get(script_of(reader)->answers, question_names[Q_NAVIGATED]))
        return 0;
    int r = next_answer(reader, Q_NAVIGATED, &a, err);
    if (!r)
        *out = (struct passage){answer_of(json_str(a, "answer", "unknown")),
                                pool_strdup(pool, json_str(a, "kind", "")),
                                pool_strdup(pool, json_str(a, "reason", "scripted"))};
    return r;
}

/* {"value":"..."} */
static int script_shown_value(struct reader *reader, struct pool *pool,
                              const struct observation *obs, const char *dropdown, const char **out,
                              struct err *err)
{
    const json_t *a = NULL;
    if (!json_object_get(script_of(reader)->answers, question_names[Q_SHOWN_VALUE]))
        return err_set(err, E_NOT_FOUND, "reader script: '%.60s' shows no value", dropdown);
    int r = next_answer(reader, Q_SHOWN_VALUE, &a, err);
    if (!r)
        *out = pool_strdup(pool, json_str(a, "value", ""));
    return r;
}

const struct reader_driver reader_script = {
    .kind = "script",
    .create = script_create,
    .destroy = script_destroy,
    .find = script_find,
    .find_next_page = script_find_next_page,
    .find_more = script_find_more,
    .find_reveal = script_find_reveal,
    .find_dismiss = script_find_dismiss,
    .list = script_list,
    .extract = script_extract,
    .rows = script_rows,
    .visible = script_visible,
    .navigated = script_navigated,
    .shown_value = script_shown_value,
};
