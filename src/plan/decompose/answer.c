/*
 * answer.c - the plan in what a model wrote (brains.md section 9): JSON alone, in a code fence, or
 * the first brackets of a plan that match and can be read. The text is untrusted and the work is
 * bounded.
 */
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "plan/decompose.h"

#define TRIES       100 /* brackets that turn out to be no plan */
#define QUOTE_CHARS 300
#define FENCE       "```"

/* In the order in which they are told. */
static const char *const shapes[] = {"listings", "form", "workflow", "inspect"};

/* --- where it stands ------------------------------------------------------------------------- */

/* An object with a list of steps that is no step itself (a loop has such a list), or a list of
 * steps. */
static bool is_plan(const json_t *value, bool list_too)
{
    if (json_is_object(value))
        return json_is_array(json_object_get(value, "steps")) && !json_object_get(value, "type");
    return list_too && json_is_object(json_array_get(value, 0));
}

static json_t *read_piece(struct pool *pool, const char *text, size_t len, bool list_too)
{
    json_t *value = NULL;
    if (json_parse(text, len, "answer", &value, NULL))
        return NULL;
    return is_plan(json_keep(pool, value), list_too) ? value : NULL;
}

/* Length of the brackets that begin at p, strings in them skipped; 0: they are not closed. */
static size_t balanced(const char *p)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; p[i]; i++) {
        if (in_string) {
            if (p[i] == '\\' && p[i + 1])
                i++;
            else
                in_string = p[i] != '"';
            continue;
        }
        in_string = p[i] == '"';
        depth += (p[i] == '{' || p[i] == '[') - (p[i] == '}' || p[i] == ']');
        if (!depth)
            return i + 1;
    }
    return 0;
}

/* A list inside of brackets that are no plan, or that are not closed, is a part of one: half a plan
 * must not pass for a whole one. */
static json_t *find_plan(struct pool *pool, const char *text)
{
    const char *p = text, *inside_of = text;
    json_t *found = NULL;
    for (int i = 0; !found && i < TRIES && (p = strpbrk(p, "{[")); i++, p++) {
        size_t len = balanced(p);
        const char *end = len ? p + len : p + strlen(p);
        found = len ? read_piece(pool, p, len, p >= inside_of) : NULL;
        inside_of = end > inside_of ? end : inside_of;
    }
    return found;
}

/* What stands between the first fence and the last one; the text itself when there is none. */
static const char *without_fence(struct pool *pool, const char *text)
{
    const char *begin = strstr(text, FENCE), *end;
    if (!begin)
        return text;
    begin += strlen(FENCE);
    begin += strcspn(begin, "\n{[");
    for (end = begin + strlen(begin); end > begin && strncmp(end, FENCE, strlen(FENCE)); end--)
        continue;
    return end > begin ? pool_strndup(pool, begin, (size_t)(end - begin)) : begin;
}

/* --- what it says ---------------------------------------------------------------------------- */

static json_t *known_shapes(const json_t *said)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
        if (json_holds(said, shapes[i]))
            json_push(list, json_string(shapes[i]));
    return list;
}

static json_t *document_of(struct pool *pool, json_t *plan)
{
    json_t *out = json_keep(pool, json_object());
    const char *template = json_str(plan, "pagination_url_template", "");
    if (json_is_array(plan)) {
        json_object_set(out, "steps", plan);
        return out;
    }
    json_object_set(out, "steps", json_object_get(plan, "steps"));
    if (json_object_get(plan, "shapes"))
        json_put(out, "shapes", known_shapes(json_object_get(plan, "shapes")));
    if (*template)
        json_put(out, "pagination_url_template", json_string_safe(template));
    return out;
}

int plan_decompose_answer(struct pool *pool, const char *answer, json_t **out, struct err *err)
{
    const char *text = pool_strndup(pool, answer, strnlen(answer, CAP_PLAN_ANSWER_BYTES));
    const char *inner = without_fence(pool, text);
    json_t *plan = read_piece(pool, inner, strlen(inner), true);
    plan = plan ? plan : find_plan(pool, text);
    if (!plan)
        return err_set(err, E_UPSTREAM, "the model's answer holds no plan as JSON; it begins: '%s'",
                       str_cut(pool, str_squash(pool, text), QUOTE_CHARS));
    if (!json_array_size(json_is_array(plan) ? plan : json_object_get(plan, "steps")))
        return err_set(err, E_UPSTREAM, "the model's plan has no steps");
    *out = document_of(pool, plan);
    return 0;
}
