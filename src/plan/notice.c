/*
 * notice.c - a step that would run, though hardly as its author thinks. These are no errors: what the contract
 * lets run goes on to run.
 */
#include "plan/normalise.h"

#include <string.h>

#include "base/str.h"
#include "plan/validate.h"

#define USER_INPUT "{{user_input}}" /* filled in while the run is under way */

/* Those of the server (src/run/tools.c: host_tools). */
static const char *const tools[] = {"request_user_input"};

char *step_placeholder(struct pool *pool, const char *text)
{
    for (const char *p = text; (p = strstr(p, "{{"));) {
        const char *end = strstr(p, "}}");
        if (!end)
            return NULL;
        size_t len = (size_t)(end - p) + 2;
        if (len != strlen(USER_INPUT) || strncmp(p, USER_INPUT, len) != 0)
            return pool_strndup(pool, p, len);
        p += len;
    }
    return NULL;
}

static const char *detect_without_out_var(struct pool *pool, const struct step *s)
{
    return strcmp(s->type, "detect_visible") || *s->out_var
               ? NULL
               : "detect_visible without out_var is left out: name the variable that takes the answer";
}

static const char *unknown_tool(struct pool *pool, const struct step *s)
{
    const char *name = json_str(s->params, "name", json_str(s->params, "tool", ""));
    if (strcmp(s->type, "tool_call") || !*name)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
        if (!strcmp(tools[i], name))
            return NULL;
    return pool_printf(pool, "there is no tool '%.80s', the step will fail; there is request_user_input", name);
}

/* Its words are looked for then, as those of a click. */
static const char *link_without_target(struct pool *pool, const struct step *s)
{
    static const char *const keys[] = {"source_selector", "label", "target_role", "aliases"};
    const char *intent = s->intent;
    if (strcmp(s->type, "capture_link_in_new_tab") || str_quoted(pool, &intent, SIZE_MAX))
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (json_truthy(json_object_get(s->params, keys[i])))
            return NULL;
    return "nothing but the intent says which link: give source_selector or params.label";
}

static const char *hole_in(struct pool *pool, const json_t *doc)
{
    const char *key, *hole = NULL;
    size_t i;
    json_t *value;
    if (json_is_string(doc))
        return step_placeholder(pool, json_string_value(doc));
    json_object_foreach ((json_t *)doc, key, value)
        hole = hole ? hole : hole_in(pool, value);
    json_array_foreach ((json_t *)doc, i, value)
        hole = hole ? hole : hole_in(pool, value);
    return hole;
}

/* A typing mistake, and typed as it stands. */
static const char *unknown_placeholder(struct pool *pool, const struct step *s)
{
    const char *hole = hole_in(pool, s->params);
    hole = hole ? hole : step_placeholder(pool, s->intent);
    return hole ? pool_printf(pool, "nothing replaces '%.80s', it is taken as it stands; there is " USER_INPUT, hole)
                : NULL;
}

static const struct {
    const char *code;
    const char *(*say)(struct pool *pool, const struct step *s);
} notices[] = {{"detect_without_out_var", detect_without_out_var},
               {"unknown_tool", unknown_tool},
               {"link_without_target", link_without_target},
               {"unknown_placeholder", unknown_placeholder}};

const char *step_notice(struct pool *pool, const struct step *s, size_t k, const char **ret_code)
{
    *ret_code = k < ARRAY_SIZE(notices) ? notices[k].code : NULL;
    return *ret_code && !s->gate ? notices[k].say(pool, s) : NULL;
}

bool plan_finding_is_warned(const char *warning)
{
    if (strstr(warning, ": unknown_step_type "))
        return true;
    for (size_t k = 0; k < ARRAY_SIZE(notices); k++)
        if (strstr(warning, notices[k].code)) /* "step 3: unknown_tool: ..." */
            return true;
    return false;
}
