/*
 * normalise.c - one authored step becomes one struct step: aliases, defaults, inferences and the
 * authoring-only keys of plans.md section 3; nested loop bodies become plain steps.
 */
#include "plan/normalise.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define DEFAULT_BUDGET 5
#define FIRST_ROOM     16      /* steps */
#define MAX_WAIT_S     600     /* plans.md 8.11 */
#define MAX_COUNT      1000000 /* budgets, counts and targets; beyond it only typing mistakes live */

static const char *const step_keys[] = {
    "intent",
    "type",
    "step_type",
    "action",
    "verify",
    "expected_outcome",
    "budget",
    "reverse",
    "reverse_action",
    "grounding",
    "claude_only",
    "section",
    "required",
    "gate",
    "loop_target",
    "loop_count",
    "stop_var",
    "condition_var",
    "then_target",
    "else_target",
    "guard",
    "out_var",
    "params",
    "hints",
    "extract",
    "url",
    "seconds",
    "wait_for_load",
    "max_steps",
    "hint",
    "steps",
    "name",
    "args",
    "notes",
    "index",
    "target_role",
    "source_selector",
    "emit",
    "on_no_navigation",
    "allow_pagination_urls",
    NULL,
};

struct step plan_blank_step(struct pool *pool, const char *type, const char *intent)
{
    json_t *nothing = json_keep(pool, json_object());
    return (struct step){.type = type,
                         .intent = intent,
                         .verify = "",
                         .reverse = "",
                         .section = "",
                         .loop_target = -1,
                         .then_target = -1,
                         .else_target = -1,
                         .stop_var = "",
                         .condition_var = "",
                         .guard = "",
                         .out_var = "",
                         .params = nothing,
                         .hints = nothing,
                         .extract = nothing};
}

void normalise_warn(json_t *warnings, const char *fmt, ...)
{
    size_t n = json_array_size(warnings);
    if (n > CAP_PLAN_WARNINGS)
        return;
    if (n == CAP_PLAN_WARNINGS) {
        json_push(warnings, json_string("further warnings are left out"));
        return;
    }
    char line[ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    json_push(warnings, json_string_safe(line));
}

/* The first of two names that says something. */
static json_t *either(const json_t *o, const char *name, const char *alias)
{
    json_t *v = json_object_get(o, name), *other = json_object_get(o, alias);
    return json_truthy(v) || !json_truthy(other) ? v : other;
}

static int read_text(const json_t *v, const char *key, const char **out, struct err *err)
{
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return err_set(err, E_INVALID, "'%s' must be a string", key);
    *out = json_string_value(v);
    return 0;
}

/* Integer of a step or of its params. */
static int read_count(const json_t *o, const char *key, int min, int *out, struct err *err)
{
    int64_t v = *out;
    int r = json_read_int(o, key, &v, err);
    if (r)
        return r;
    if (v < min || v > MAX_COUNT)
        return err_set(err, E_INVALID, "'%s' must be %d..%d, not %lld", key, min, MAX_COUNT,
                       (long long)v);
    *out = (int)v;
    return 0;
}

/* A name that may stand in the step, in its params or in its hints: the first that says something. */
static int read_var_name(const json_t *o, const struct step *s, const char *key, const char **out,
                         struct err *err)
{
    const json_t *places[] = {o, s->params, s->hints};
    *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(places) && !**out; i++) {
        int r = read_text(json_object_get(places[i], key), key, out, err);
        if (r)
            return r;
    }
    return 0;
}

static void warn_unknown_keys(struct normaliser *n, const json_t *o, const char *where)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)o, key, value) {
        bool known = false;
        for (const char *const *k = step_keys; *k && !known; k++)
            known = strcmp(*k, key) == 0;
        if (!known)
            normalise_warn(n->warnings, "%s: unknown key '%.80s' is ignored", where, key);
    }
}

/* How long a wait takes; what is too long for a run is cut to what it allows there. */
static int check_seconds(struct normaliser *n, const struct step *s, const char *where,
                         struct err *err)
{
    double seconds = 0;
    const json_t *given = json_object_get(s->params, "seconds");
    if (strcmp(s->type, "wait") != 0 || !given || json_is_null(given))
        return 0;
    seconds = json_number_value(given);
    if (!json_is_number(given) || seconds < 0 || seconds > MAX_COUNT)
        return err_set(err, E_INVALID, "'seconds' must be a number, 0..%d", MAX_WAIT_S);
    if (seconds > MAX_WAIT_S)
        normalise_warn(n->warnings, "%s: a wait of %g seconds is cut to %d", where, seconds,
                       MAX_WAIT_S);
    return 0;
}

static json_t *read_object(struct normaliser *n, const json_t *o, const char *key,
                           const char *where)
{
    json_t *v = json_object_get(o, key);
    if (v && !json_is_null(v) && !json_is_object(v))
        normalise_warn(n->warnings, "%s: '%s' is not an object and is ignored", where, key);
    return json_keep(n->pool, json_is_object(v) ? json_deep_copy(v) : json_object());
}

static void move_into(json_t *params, const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    if (v && !json_is_null(v) && !json_object_get(params, key))
        json_put(params, key, json_deep_copy(v));
}

/* Keys that authors write beside type and intent and that mean a param. */
static void take_authoring_keys(const json_t *o, const char *type, json_t *params)
{
    static const char *const plain[] = {"url", "seconds", "wait_for_load", "allow_pagination_urls"};
    static const char *const tool[] = {"name", "args"};
    static const char *const link[] = {"target_role", "source_selector", "emit",
                                       "on_no_navigation"};
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        move_into(params, o, plain[i]);
    for (size_t i = 0; i < ARRAY_SIZE(tool) && strcmp(type, "tool_call") == 0; i++)
        move_into(params, o, tool[i]);
    for (size_t i = 0; i < ARRAY_SIZE(link) && strcmp(type, "capture_link_in_new_tab") == 0; i++)
        move_into(params, o, link[i]);
}

/* An extract_data step that speaks of checking is a gate unless its author says otherwise. */
static bool sounds_like_gate(const char *intent)
{
    static const char *const words[] = {"verify",   "confirm",      "check that", "make sure",
                                        "wait for", "read the url", "ensure"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_contains_fold(intent, words[i]))
            return true;
    return false;
}

static int read_texts(struct normaliser *n, const json_t *o, struct step *s, struct err *err)
{
    const char *hint = "";
    s->intent = s->type = s->verify = s->reverse = s->section = s->stop_var = s->condition_var = "";
    int r = read_text(json_object_get(o, "intent"), "intent", &s->intent, err);
    r = r ? r : read_text(either(o, "type", "step_type"), "type", &s->type, err);
    if (!r && !*s->type)
        r = read_text(json_object_get(o, "action"), "action", &s->type, err);
    r = r ? r : read_text(either(o, "verify", "expected_outcome"), "verify", &s->verify, err);
    r = r ? r : read_text(either(o, "reverse", "reverse_action"), "reverse", &s->reverse, err);
    r = r ? r : read_text(json_object_get(o, "section"), "section", &s->section, err);
    r = r ? r : read_text(json_object_get(o, "stop_var"), "stop_var", &s->stop_var, err);
    r = r ? r
          : read_text(json_object_get(o, "condition_var"), "condition_var", &s->condition_var, err);
    r = r ? r : read_text(json_object_get(o, "hint"), "hint", &hint, err);
    if (r)
        return r;
    if (str_empty(s->intent))
        return err_set(err, E_INVALID, "'intent' is missing or empty");
    if (strlen(s->intent) > CAP_INTENT_BYTES)
        return err_set(err, E_INVALID, "'intent' must be at most %d bytes, not %zu",
                       CAP_INTENT_BYTES, strlen(s->intent));
    if (str_empty(s->type))
        return err_set(err, E_INVALID, "'type' is missing or empty");
    if (!str_empty(hint))
        s->intent = pool_printf(n->pool, "%s (%s)", s->intent, hint);
    return 0;
}

static int read_numbers(const json_t *o, struct step *s, struct err *err)
{
    bool in_params = !json_object_get(o, "loop_target"),
         count_in_params = !json_object_get(o, "loop_count");
    s->budget = DEFAULT_BUDGET;
    s->loop_target = s->then_target = s->else_target = -1;
    int r = read_count(o, "max_steps", 0, &s->budget, err);
    r = r ? r : read_count(o, "budget", 0, &s->budget, err);
    r = r ? r : read_count(in_params ? s->params : o, "loop_target", -1, &s->loop_target, err);
    r = r ? r : read_count(count_in_params ? s->params : o, "loop_count", 0, &s->loop_count, err);
    r = r ? r : read_count(o, "then_target", -1, &s->then_target, err);
    return r ? r : read_count(o, "else_target", -1, &s->else_target, err);
}

static int read_flags(const json_t *o, const struct step_kind *kind, struct step *s,
                      struct err *err)
{
    unsigned flags = kind ? kind->flags : 0;
    s->grounding = flags & STEP_GROUNDING;
    s->claude_only = flags & STEP_CLAUDE_ONLY;
    s->required = flags & STEP_REQUIRED;
    s->gate = !json_object_get(o, "gate") && strcmp(s->type, "extract_data") == 0 &&
              sounds_like_gate(s->intent);
    int r = json_read_bool(o, "grounding", &s->grounding, err);
    r = r ? r : json_read_bool(o, "claude_only", &s->claude_only, err);
    r = r ? r : json_read_bool(o, "required", &s->required, err);
    return r ? r : json_read_bool(o, "gate", &s->gate, err);
}

static void clamp_loop(struct normaliser *n, struct step *s, const char *where)
{
    int max =
        n->config->max_loop_iterations > 0 ? n->config->max_loop_iterations : CAP_LOOP_ITERATIONS;
    if (strcmp(s->type, "loop") != 0 || step_loop_limit(s) <= max)
        return;
    normalise_warn(n->warnings, "%s: loop_count %d%s is more than this server allows; %d is used",
                   where, step_loop_limit(s), s->loop_count ? "" : " by default", max);
    s->loop_count = max;
}

static void warn_of_notices(struct normaliser *n, const struct step *s, const char *where)
{
    const char *code, *words = step_notice(n->pool, s, 0, &code);
    for (size_t k = 0; code; words = step_notice(n->pool, s, ++k, &code))
        if (words)
            normalise_warn(n->warnings, "%s: %s: %s", where, code, words);
}

static int read_step(struct normaliser *n, const json_t *o, const char *where, struct step *s,
                     struct err *err)
{
    int r = read_texts(n, o, s, err);
    if (r)
        return r;
    const struct step_kind *kind = step_kind_find(s->type);
    json_t *params = read_object(n, o, "params", where);
    s->params = params;
    s->hints = read_object(n, o, "hints", where);
    s->extract = read_object(n, o, "extract", where);
    take_authoring_keys(o, s->type, params);
    const json_t *extract = json_object_get(o, "extract");
    if (extract && !json_is_null(extract) && !json_is_object(extract))
        return err_set(err, E_INVALID, "'extract' must be an object");
    r = read_numbers(o, s, err);
    r = r ? r : read_flags(o, kind, s, err);
    r = r ? r : check_seconds(n, s, where, err);
    r = r ? r : read_var_name(o, s, "guard", &s->guard, err);
    r = r ? r : read_var_name(o, s, "out_var", &s->out_var, err);
    if (r)
        return r;
    if (!*s->section && kind)
        s->section = kind->section;
    clamp_loop(n, s, where);
    if (!kind)
        normalise_warn(n->warnings, "%s: unknown_step_type '%.80s' is run as a brain sub-goal",
                       where, s->type);
    warn_unknown_keys(n, o, where);
    options_warn(n, s, where);
    warn_of_notices(n, s, where);
    return 0;
}

static int over_cap(const struct normaliser *n, struct err *err)
{
    return err_set(err, E_INVALID,
                   "the plan has more than %d steps; MANTIS_MAX_STEPS_PER_PLAN allows no more",
                   n->max_steps);
}

/* Room for one more. The cap may be far above any real plan, so it is not what is allocated. */
static void grow(struct normaliser *n)
{
    if (n->n_steps < n->room)
        return;
    int room = n->room ? 2 * n->room : FIRST_ROOM;
    struct step *steps = pool_alloc(n->pool, sizeof(*steps) * (size_t)room);
    if (n->n_steps)
        memcpy(steps, n->steps, sizeof(*steps) * (size_t)n->n_steps);
    n->steps = steps;
    n->room = room;
}

static int add_step(struct normaliser *n, const json_t *o, const char *where, struct err *err)
{
    if (n->n_steps == n->max_steps)
        return over_cap(n, err);
    grow(n);
    int r = read_step(n, o, where, &n->steps[n->n_steps], err);
    if (r)
        return err_prefix(err, "%s", where);
    n->n_steps++;
    return 0;
}

/* An index of the authored list as an index of the flat one. */
static int moved_target(int target, const int *first, int count, int end)
{
    if (target < 0)
        return -1;
    return target < count ? first[target] : end + (target - count);
}

static int add_list(struct normaliser *n, const json_t *list, const char *prefix, struct err *err);

/* Step i of a list: *ret_first is where a jump to it must land, *ret_own its own index. */
static int add_item(struct normaliser *n, const json_t *o, const char *where, int *ret_first,
                    int *ret_own, struct err *err)
{
    if (!json_is_object(o))
        return err_set(err, E_INVALID, "%s is not an object", where);
    const json_t *body = json_object_get(o, "steps");
    *ret_first = n->n_steps;
    if (body && !json_is_null(body)) {
        if (!json_is_array(body))
            return err_set(err, E_INVALID, "%s: 'steps' must be an array", where);
        int r = add_list(n, body, pool_printf(n->pool, "body of %s", where), err);
        if (r)
            return r;
    }
    int r = add_step(n, o, where, err);
    if (r)
        return r;
    *ret_own = n->n_steps - 1;
    if (json_array_size(body) && strcmp(n->steps[*ret_own].type, "loop") != 0)
        return err_set(err, E_INVALID, "%s: only a loop has nested 'steps'", where);
    return 0;
}

static int add_list(struct normaliser *n, const json_t *list, const char *prefix, struct err *err)
{
    if (json_array_size(list) > (size_t)(n->max_steps - n->n_steps))
        return over_cap(n, err);
    int count = (int)json_array_size(list);
    int *first = pool_alloc(n->pool, sizeof(int) * (size_t)(count + 1));
    int *own = pool_alloc(n->pool, sizeof(int) * (size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        char *where = prefix ? pool_printf(n->pool, "%s, step %d", prefix, i)
                             : pool_printf(n->pool, "step %d", i);
        int r = add_item(n, json_array_get(list, (size_t)i), where, &first[i], &own[i], err);
        if (r)
            return r;
    }
    for (int i = 0; i < count; i++) {
        struct step *s = &n->steps[own[i]];
        bool nested = first[i] != own[i];
        s->loop_target = nested ? first[i] : moved_target(s->loop_target, first, count, n->n_steps);
        s->then_target = moved_target(s->then_target, first, count, n->n_steps);
        s->else_target = moved_target(s->else_target, first, count, n->n_steps);
    }
    return 0;
}

int normalise_steps(struct normaliser *n, const json_t *list, struct err *err)
{
    n->max_steps = n->config->max_steps > 0 ? n->config->max_steps : CAP_PLAN_STEPS;
    return add_list(n, list, NULL, err);
}
