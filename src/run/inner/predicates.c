#include "run/inner/predicates.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { NO, YES, UNKNOWN };

typedef int check_fn(const char *arg, const struct predicate_view *before,
                     const struct predicate_view *after);

static int url_contains(const char *arg, const struct predicate_view *b,
                        const struct predicate_view *a)
{
    return !*a->url ? UNKNOWN : *arg && strstr(a->url, arg);
}

static int url_equals(const char *arg, const struct predicate_view *b,
                      const struct predicate_view *a)
{
    return !*a->url ? UNKNOWN : *arg && !strcmp(a->url, arg);
}

static int url_changed(const char *arg, const struct predicate_view *b,
                       const struct predicate_view *a)
{
    return !*a->url && !*b->url ? UNKNOWN : strcmp(a->url, b->url) != 0;
}

static int url_unchanged(const char *arg, const struct predicate_view *b,
                         const struct predicate_view *a)
{
    return !*a->url && !*b->url ? UNKNOWN : !strcmp(a->url, b->url);
}

static int title_contains(const char *arg, const struct predicate_view *b,
                          const struct predicate_view *a)
{
    return !*a->title ? UNKNOWN : *arg && str_contains_fold(a->title, arg);
}

static int title_changed(const char *arg, const struct predicate_view *b,
                         const struct predicate_view *a)
{
    return !*a->title || !*b->title ? UNKNOWN : strcmp(a->title, b->title) != 0;
}

/* The name may be any that the field goes by. */
static int field_focused(const char *arg, const struct predicate_view *b,
                         const struct predicate_view *a)
{
    static const char *const attrs[] = {"name", "id", "placeholder", "aria-label"};
    if (!a->focused || !*arg)
        return a->focused != NULL;
    if (str_contains_fold(a->focused->name, arg))
        return YES;
    for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
        const char *v = node_attr(a->focused, attrs[i]);
        if (v && str_contains_fold(v, arg))
            return YES;
    }
    return NO;
}

static int field_unfocused(const char *arg, const struct predicate_view *b,
                           const struct predicate_view *a)
{
    return a->focused == NULL;
}

static int frame_changed(const char *arg, const struct predicate_view *b,
                         const struct predicate_view *a)
{
    return !*a->frame || !*b->frame ? UNKNOWN : strcmp(a->frame, b->frame) != 0;
}

static int frame_stable(const char *arg, const struct predicate_view *b,
                        const struct predicate_view *a)
{
    return !*a->frame || !*b->frame ? UNKNOWN : !strcmp(a->frame, b->frame);
}

static int never_known(const char *arg, const struct predicate_view *b,
                       const struct predicate_view *a)
{
    return UNKNOWN;
}

static const struct kind {
    const char *name;
    check_fn *check;
} kinds[] = {
    {"url_contains", url_contains},     {"url_equals", url_equals},
    {"url_changed", url_changed},       {"url_unchanged", url_unchanged},
    {"title_contains", title_contains}, {"title_changed", title_changed},
    {"field_focused", field_focused},   {"field_unfocused", field_unfocused},
    {"frame_changed", frame_changed},   {"frame_stable", frame_stable},
    {"element_appears", never_known},   {"element_disappears", never_known},
    {"modal_opens", never_known},       {"modal_closes", never_known},
};

static const struct kind *kind_of(const char *token)
{
    size_t len = strcspn(token, ":");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strlen(kinds[i].name) == len && !strncasecmp(kinds[i].name, token, len))
            return &kinds[i];
    return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

static void add_token(struct pool *pool, json_t *out, const char *token)
{
    const char *clean = str_squash(pool, token);
    if (kind_of(clean) && json_array_size(out) < PREDICATES_MAX)
        json_push(out, json_string_safe(clean));
}

static void add_line(struct pool *pool, json_t *out, const char *line)
{
    const char *text = str_cut(pool, line, PREDICATED_BYTES);
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, ",;");
        add_token(pool, out, pool_strndup(pool, p, len));
        p += len + (p[len] != 0);
    }
}

static void add_list(struct pool *pool, json_t *out, const json_t *list)
{
    size_t i, bytes = 0;
    json_t *v;
    json_array_foreach ((json_t *)list, i, v) {
        bytes += json_string_length(v);
        if (json_is_string(v) && bytes <= PREDICATED_BYTES)
            add_token(pool, out, json_string_value(v));
    }
}

json_t *predicates_read(struct pool *pool, const json_t *predicted, const char *text)
{
    json_t *out = json_array();
    const json_t *list =
        json_is_object(predicted) ? json_object_get(predicted, "expected") : predicted;
    if (json_is_array(list))
        add_list(pool, out, list);
    else if (json_is_string(list))
        add_line(pool, out, json_string_value(list));
    const char *said = text && !json_array_size(out) ? strcasestr(text, "Predicted:") : NULL;
    if (said) {
        said += strlen("Predicted:");
        add_line(pool, out, pool_strndup(pool, said, strcspn(said, "\n")));
    }
    return out;
}

/* --- checking -------------------------------------------------------------------------------- */

static const char *why(int result)
{
    static const char *const reasons[] = {
        [NO] = "it is not so", [YES] = "it is so", [UNKNOWN] = "it cannot be seen here"};
    return reasons[result];
}

json_t *predicates_check(struct pool *pool, const json_t *tokens,
                         const struct predicate_view *before, const struct predicate_view *after,
                         struct predicate_score *score)
{
    json_t *out = json_array(), *v;
    size_t i;
    *score = (struct predicate_score){0};
    json_array_foreach ((json_t *)tokens, i, v) {
        const char *token = json_string_value(v), *arg = strchr(token, ':');
        const struct kind *kind = kind_of(token);
        if (!kind)
            continue;
        int result = kind->check(arg ? str_squash(pool, arg + 1) : "", before, after);
        score->total++;
        score->evaluated += result != UNKNOWN;
        score->correct += result == YES;
        json_push(out, json_pack("{s:O,s:o,s:s}", "predicate", v, "result",
                                 result == UNKNOWN ? json_null() : json_boolean(result == YES),
                                 "reason", why(result)));
    }
    return out;
}

double predicates_error(const struct predicate_score *score)
{
    if (!score->evaluated)
        return 0;
    return -WORLD_MODEL_COST * (score->evaluated - score->correct) / score->evaluated;
}

json_t *predicates_sum(int total, int evaluated, int correct)
{
    return json_pack("{s:i,s:i,s:i,s:f}", "total", total, "evaluated", evaluated, "correct",
                     correct, "accuracy", evaluated ? (double)correct / evaluated : 0.0);
}
