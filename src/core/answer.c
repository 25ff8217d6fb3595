#include "core/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "core/delta.h"

#define PLACEHOLDER "{{user_input}}"
#define HIDDEN_MARK "{{user_input" /* also of those of later answers: {{user_input:2}} */
#define ALONE_BYTES 4
#define TEXT_BYTES  (CAP_IPC_MESSAGE_BYTES)

static void forget_list(struct answers *a)
{
    json_decref(a->list);
    json_decref(a->hidden);
    a->list = a->hidden = NULL;
}

void answers_take(struct answers *a, const json_t *given)
{
    const char *n;
    json_t *value;
    struct pool *pool = pool_create(NULL);
    forget_list(a); /* there may be more to hide in it */
    json_object_foreach ((json_t *)given, n, value) {
        if (json_is_null(value))
            continue;
        if (!a->texts)
            a->texts = json_object();
        json_put_str(a->texts, n, json_as_text(pool, value));
    }
    pool_destroy(pool);
}

void answers_release(struct answers *a)
{
    json_decref(a->texts);
    a->texts = NULL;
    forget_list(a);
}

const char *answers_get(const struct answers *a, int n)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", n);
    return json_str(a->texts, key, NULL);
}

/* --- one for another ------------------------------------------------------------------------- */

/* Where a text stands alone, its neighbours are no letters or digits. */
static bool alone(const char *text, const char *at, size_t len)
{
    return (at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[len]);
}

/* New reference; string itself when nothing was replaced. */
static json_t *replaced(json_t *string, const char *from, const char *to, bool only_alone)
{
    const char *text = json_string_value(string), *at = text, *hit;
    size_t len = strlen(from);
    struct buf b;
    if (!len || !strstr(text, from))
        return json_incref(string);
    buf_init(&b, TEXT_BYTES);
    while ((hit = strstr(at, from))) {
        bool take = !only_alone || alone(text, hit, len);
        buf_add(&b, at, (size_t)(hit - at));
        buf_adds(&b, take ? to : from);
        at = hit + len;
    }
    buf_adds(&b, at);
    json_t *out = b.failed ? json_string("") : json_string_safe(b.data);
    buf_release(&b);
    return out;
}

/* What is done to every string of a document. New reference. */
typedef json_t *change_fn(const void *arg, json_t *string);

static json_t *changed(const json_t *doc, change_fn *change, const void *arg);

static json_t *changed_object(const json_t *doc, change_fn *change, const void *arg)
{
    const char *key;
    json_t *value, *out = json_object();
    json_object_foreach ((json_t *)doc, key, value)
        json_put(out, key, changed(value, change, arg));
    return out;
}

static json_t *changed(const json_t *doc, change_fn *change, const void *arg)
{
    size_t i;
    json_t *value, *out;
    if (json_is_string(doc))
        return change(arg, (json_t *)doc);
    if (json_is_object(doc))
        return changed_object(doc, change, arg);
    if (!json_is_array(doc))
        return json_incref((json_t *)doc);
    out = json_array();
    json_array_foreach ((json_t *)doc, i, value)
        json_push(out, changed(value, change, arg));
    return out;
}

/* --- into a step ----------------------------------------------------------------------------- */

bool answer_in_text(const char *text)
{
    return strstr(text, HIDDEN_MARK) != NULL;
}

static bool in_json(const json_t *doc)
{
    const char *key;
    size_t i;
    json_t *value;
    if (json_is_string(doc))
        return answer_in_text(json_string_value(doc));
    json_object_foreach ((json_t *)doc, key, value)
        if (in_json(value))
            return true;
    if (json_is_array(doc))
        json_array_foreach ((json_t *)doc, i, value)
            if (in_json(value))
                return true;
    return false;
}

bool answer_in_step(const struct step *s)
{
    return answer_in_text(s->intent) || answer_in_text(s->verify) || in_json(s->params) ||
           in_json(s->hints) || in_json(s->extract);
}

static json_t *put_answer(const void *arg, json_t *string)
{
    return replaced(string, PLACEHOLDER, arg, false);
}

static const json_t *filled(struct pool *pool, const json_t *doc, const char *text)
{
    return doc ? json_keep(pool, changed(doc, put_answer, text)) : NULL;
}

static const char *filled_text(struct pool *pool, const char *s, const char *text)
{
    json_t *whole = json_keep(pool, json_string_safe(s));
    return json_string_value(json_keep(pool, replaced(whole, PLACEHOLDER, text, false)));
}

const struct step *answer_fill(struct pool *pool, const struct step *step, const char *text)
{
    if (!text || !answer_in_step(step))
        return step;
    struct step *s = pool_alloc(pool, sizeof(*s));
    *s = *step;
    s->intent = filled_text(pool, step->intent, text);
    s->verify = filled_text(pool, step->verify, text);
    s->params = filled(pool, step->params, text);
    s->hints = filled(pool, step->hints, text);
    s->extract = filled(pool, step->extract, text);
    return s;
}

/* --- out of what is told --------------------------------------------------------------------- */

static void encode(const char *text, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (isalnum(*p) || strchr("-._~", *p)) {
            *out++ = (char)*p;
            continue;
        }
        *out++ = '%';
        *out++ = hex[*p >> 4];
        *out++ = hex[*p & 15];
    }
    *out = 0;
}

static void placeholder_of(const char *n, char out[32])
{
    if (strcmp(n, "1") == 0)
        snprintf(out, 32, PLACEHOLDER);
    else
        snprintf(out, 32, "{{user_input:%.10s}}", n);
}

static json_t *hide_string(const void *arg, json_t *string)
{
    const struct answers *a = arg;
    const char *n;
    char mark[32];
    json_t *value, *out = json_incref(string);
    json_object_foreach (a->texts, n, value) {
        const char *text = json_string_value(value);
        char *encoded = malloc(3 * strlen(text) + 1);
        if (!encoded)
            BUG("out of memory");
        encode(text, encoded);
        placeholder_of(n, mark);
        const char *const forms[] = {text, encoded};
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
            json_t *before = out;
            out = replaced(before, forms[i], a->mark ? a->mark : mark, strlen(text) < ALONE_BYTES);
            json_decref(before);
        }
        free(encoded);
    }
    return out;
}

/* What was extracted stays: the leads, and the values of the rows. */
static void keep_extracted(json_t *hidden, const json_t *doc)
{
    size_t i;
    json_t *row, *leads = json_object_get(doc, "extracted_leads");
    const json_t *rows = json_object_get(doc, "rows");
    if (leads)
        json_object_set(hidden, "extracted_leads", leads);
    json_array_foreach (json_object_get(hidden, "rows"), i, row) {
        json_t *values = json_object_get(json_array_get(rows, i), "values");
        if (values)
            json_object_set(row, "values", values);
    }
}

json_t *answer_hide(const struct answers *a, const json_t *doc)
{
    if (!a->texts)
        return json_incref((json_t *)doc);
    json_t *out = changed(doc, hide_string, a);
    if (json_is_object(doc))
        keep_extracted(out, doc);
    return out;
}

const json_t *answer_hide_list(struct answers *a, const json_t *list)
{
    if (!a->texts)
        return list;
    if (!a->list) {
        a->list = json_array();
        a->hidden = json_array();
    }
    size_t same = delta_follow(a->list, list);
    delta_cut(a->hidden, same);
    for (size_t i = same; i < json_array_size(list); i++)
        json_push(a->hidden, answer_hide(a, json_array_get(list, i)));
    return a->hidden;
}

const char *answer_hide_text(const struct answers *a, struct pool *pool, const char *text)
{
    if (!a->texts)
        return text;
    json_t *whole = json_keep(pool, json_string_safe(text));
    return json_string_value(json_keep(pool, hide_string(a, whole)));
}

/* The letters and digits of text, in pool. */
static char *core_of(struct pool *pool, const char *text)
{
    char *core = pool_alloc(pool, strlen(text) + 1), *to = core;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (isalnum(*p) || *p >= 0x80)
            *to++ = (char)tolower(*p);
    *to = 0;
    return core;
}

bool answer_shows_in(const struct answers *a, const char *text)
{
    struct pool *pool = pool_create(NULL);
    const char *n, *whole = core_of(pool, text);
    bool shows = false;
    json_t *value;
    json_object_foreach (a->texts, n, value) {
        const char *core = core_of(pool, json_string_value(value));
        bool is_short = strlen(core) < ALONE_BYTES;
        shows = shows || (is_short ? *core && !strcmp(whole, core) : strstr(whole, core) != NULL);
    }
    pool_destroy(pool);
    return shows;
}

static json_t *show_string(const void *arg, json_t *string)
{
    const struct answers *a = arg;
    const char *n;
    char mark[32];
    json_t *value, *out = json_incref(string);
    json_object_foreach (a->texts, n, value) {
        json_t *before = out;
        placeholder_of(n, mark);
        out = replaced(before, mark, json_string_value(value), false);
        json_decref(before);
    }
    return out;
}

json_t *answer_show(const struct answers *a, const json_t *doc)
{
    return a->texts ? changed(doc, show_string, a) : json_incref((json_t *)doc);
}
