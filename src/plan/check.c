/*
 * check.c - what a plan says that no run could carry out is refused before one starts: targets
 * outside the plan, addresses a browser may not open, values that are not text, broken schemas.
 */
#include "plan/normalise.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/action.h"
#include "core/schema.h"

#define NUMBER_BYTES 32

static int refused(struct err *err, const char *words)
{
    return err_set(err, E_INVALID, "%s", words);
}

static int check_loop(struct pool *pool, const struct plan *plan, struct step *s, struct err *err)
{
    if (strcmp(s->type, "loop") == 0 && s->loop_target >= plan->n_steps)
        return err_set(err, E_INVALID, "loop_target %d is outside the plan's %d steps",
                       s->loop_target, plan->n_steps);
    return 0;
}

static int check_extract(struct pool *pool, const struct plan *plan, struct step *s,
                         struct err *err)
{
    struct schema *schema;
    size_t i;
    json_t *field;
    if (schema_parse(pool, s->extract, &schema, err))
        return err_prefix(err, "'extract'");
    json_array_foreach (json_object_get(s->extract, "fields"), i, field) {
        const json_t *name = json_is_object(field) ? json_object_get(field, "name") : field;
        if (str_empty(json_is_string(name) ? json_string_value(name) : ""))
            return err_set(err, E_INVALID, "'extract': fields[%zu] has no name", i);
    }
    return 0;
}

/* Scheme of the first address in text that no run may open: "file", "javascript"; NULL: none. */
static char *other_scheme(struct pool *pool, const char *text)
{
    static const char *const opaque[] = {"javascript", "data", "about", "view-source"};
    for (const char *p = text; (p = strchr(p, ':')); p++) {
        const char *start = p;
        while (start > text && (isalnum((unsigned char)start[-1]) || strchr("+.-", start[-1])))
            start--;
        char *scheme = pool_strndup(pool, start, (size_t)(p - start));
        bool known = strncmp(p, "://", 3) == 0 && *scheme;
        for (size_t i = 0; i < ARRAY_SIZE(opaque) && !known; i++)
            known = str_eq_fold(scheme, opaque[i]) && p[1] && !isspace((unsigned char)p[1]);
        if (known)
            return scheme;
    }
    return NULL;
}

static int check_address(struct pool *pool, const struct plan *plan, struct step *s,
                         struct err *err)
{
    const json_t *given = json_object_get(s->params, "url");
    if (strcmp(s->type, "navigate") != 0 || s->gate)
        return 0;
    if (given && !json_is_null(given) && !json_is_string(given))
        return refused(err, "navigate needs params.url as a string");
    const char *param = json_is_string(given) ? json_string_value(given) : "";
    char *url = step_url(pool, s), *hole = step_placeholder(pool, url ? url : param);
    if (!url && !hole)
        hole = step_placeholder(pool, s->intent);
    if (hole)
        return err_set(err, E_INVALID, "the address holds '%.80s', which nothing replaces", hole);
    if (url)
        return 0;
    char *scheme = other_scheme(pool, str_empty(param) ? s->intent : param);
    if (scheme)
        return err_set(err, E_INVALID, "'%.40s:' cannot be opened, only http and https", scheme);
    if (!str_empty(param))
        return err_set(err, E_INVALID, "params.url '%.80s' is not an http or https address", param);
    return refused(err, "navigate names no address: give it as params.url or in the intent");
}

/* What the run types or chooses is text; a number is written as its author would write it. */
static void number_to_text(struct pool *pool, struct step *s, const char *key)
{
    const json_t *value = json_object_get(s->params, key);
    char text[NUMBER_BYTES];
    if (!json_is_number(value))
        return;
    if (json_is_integer(value))
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    else
        snprintf(text, sizeof(text), "%.15g", json_real_value(value));
    json_t *params = json_keep(pool, json_copy((json_t *)s->params));
    json_put_str(params, key, text);
    s->params = params;
}

static int check_value(struct pool *pool, const struct plan *plan, struct step *s, struct err *err)
{
    static const char *const keys[] = {"value", "text", "option_label"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        number_to_text(pool, s, keys[i]);
    if (strcmp(s->type, "fill_field") != 0 || s->gate ||
        json_is_string(json_object_get(s->params, "value")))
        return 0;
    return refused(err, "fill_field needs params.value as text");
}

/* Steps that are one action of the hand say what it is as a brain's tool call does. */
static int check_action(struct pool *pool, const struct plan *plan, struct step *s, struct err *err)
{
    struct action a;
    if (s->gate || (strcmp(s->type, "key_press") != 0 && strcmp(s->type, "type_text") != 0))
        return 0;
    return action_parse(pool, s->type, s->params, &a, err);
}

/* A list of choices, or one. */
static bool names_choice(const json_t *params, const char *key)
{
    const json_t *v = json_object_get(params, key);
    return json_is_string(v) ? !str_empty(json_string_value(v)) : json_array_size(v) > 0;
}

static int check_names(struct pool *pool, const struct plan *plan, struct step *s, struct err *err)
{
    const char *quoted = s->intent;
    if (s->gate)
        return 0;
    if (strcmp(s->type, "tool_call") == 0 && !*json_str(s->params, "name", "") &&
        !*json_str(s->params, "tool", ""))
        return refused(err, "tool_call needs 'name', the name of a tool");
    if (strcmp(s->type, "select_option") == 0 && !names_choice(s->params, "option_label") &&
        !names_choice(s->params, "value") && !str_quoted(pool, &quoted, SIZE_MAX))
        return refused(err, "select_option needs params.option_label, what to choose");
    return 0;
}

static int check_drag(struct pool *pool, const struct plan *plan, struct step *s, struct err *err)
{
    struct action a;
    if (strcmp(s->type, "drag") != 0 || s->gate || !action_parse(pool, "drag", s->params, &a, NULL) ||
        (*step_drag_label(pool, s, 0) && *step_drag_label(pool, s, 1)))
        return 0;
    return refused(err, "drag needs params.start_label and params.end_label, what to drag and onto what; or "
                        "start_x, start_y, end_x and end_y");
}

typedef int check_fn(struct pool *pool, const struct plan *plan, struct step *s, struct err *err);
static check_fn *const checks[] = {check_loop,  check_extract, check_address,
                                   check_value, check_action,  check_names, check_drag};

int plan_check(struct pool *pool, struct plan *plan, struct err *err)
{
    for (int i = 0; i < plan->n_steps; i++)
        for (size_t k = 0; k < ARRAY_SIZE(checks); k++)
            if (checks[k](pool, plan, &plan->steps[i], err))
                return err_prefix(err, "step %d", i);
    return 0;
}
