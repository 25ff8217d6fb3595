#include "brain/model/reading.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* --- values ------------------------------------------------------------------------------- */

/* The first of the names (blank-separated) that is there and not null. */
const json_t *argument(const json_t *args, const char *names)
{
    char name[32];
    while (*names) {
        size_t len = strcspn(names, " ");
        snprintf(name, sizeof(name), "%.*s", (int)len, names);
        const json_t *v = json_object_get(args, name);
        if (v && !json_is_null(v))
            return v;
        names += len;
        names += *names == ' ';
    }
    return NULL;
}

/* A number, or a text that starts with one; *decimal: it is written with a decimal point. */
static bool number_at(const char *s, double *out, bool *decimal, const char **end)
{
    s += strspn(s, " ([");
    size_t len = strspn(s, "+-0123456789.");
    char *stop;
    double v = len && len <= 24 ? strtod(s, &stop) : NAN;
    if (!isfinite(v) || stop == s)
        return false;
    *out = v;
    *decimal = memchr(s, '.', (size_t)(stop - s)) != NULL;
    *end = stop;
    return true;
}

/* False, and *out as it was, when it is none. */
bool argument_number(const json_t *v, double *out, bool *decimal)
{
    const char *end;
    if (json_is_string(v))
        return number_at(json_string_value(v), out, decimal, &end);
    if (!json_is_number(v) || !isfinite(json_number_value(v)))
        return false;
    *out = json_number_value(v);
    *decimal = json_is_real(v);
    return true;
}

const char *argument_text(struct pool *pool, const json_t *v)
{
    return json_is_string(v)   ? pool_strdup(pool, json_string_value(v))
           : json_is_number(v) ? json_text(pool, v)
                               : NULL;
}

/* Truth as models say it: true/1/yes/success; *known is false for anything else. */
bool argument_truth(const json_t *v, bool *known)
{
    static const char *const yes[] = {"true", "1", "yes", "success"};
    static const char *const no[] = {"false", "0", "no", "failure", "fail", "failed", "failure"};
    const char *s = json_is_string(v) ? json_string_value(v) : NULL;
    *known = json_is_boolean(v) || json_is_number(v);
    if (*known)
        return json_truthy(v);
    for (size_t i = 0; s && i < ARRAY_SIZE(yes); i++)
        if (str_eq_fold(s, yes[i]))
            return *known = true;
    for (size_t i = 0; s && i < ARRAY_SIZE(no); i++)
        *known = *known || str_eq_fold(s, no[i]);
    return false;
}

bool argument_flag(const json_t *args, const char *names)
{
    bool known;
    return argument_truth(argument(args, names), &known);
}

/* --- points ---------------------------------------------------------------------------------- */

struct pair {
    double x, y;
    bool x_decimal, y_decimal;
};

/* [x, y], or [left, top, right, bottom] of which it is the middle. */
static bool pair_of_list(const json_t *list, struct pair *out)
{
    bool decimal;
    double right, bottom;
    if (!argument_number(json_array_get(list, 0), &out->x, &out->x_decimal) ||
        !argument_number(json_array_get(list, 1), &out->y, &out->y_decimal))
        return false;
    if (json_array_size(list) == 4 && argument_number(json_array_get(list, 2), &right, &decimal) &&
        argument_number(json_array_get(list, 3), &bottom, &decimal)) {
        out->x = (out->x + right) / 2;
        out->y = (out->y + bottom) / 2;
    }
    return true;
}

/* "640, 360" */
static bool pair_of_text(const char *s, struct pair *out)
{
    const char *end;
    if (!number_at(s, &out->x, &out->x_decimal, &end))
        return false;
    end += strspn(end, ", ");
    return number_at(end, &out->y, &out->y_decimal, &end);
}

static bool find_pair(const json_t *args, const char *const *names, const char *x_key,
                      const char *y_key, struct pair *out)
{
    for (; *names; names++) {
        const json_t *v = json_object_get(args, *names);
        if (json_is_array(v))
            return pair_of_list(v, out);
        if (json_is_string(v) && pair_of_text(json_string_value(v), out))
            return true;
        if (json_is_object(v) && argument_number(json_object_get(v, "x"), &out->x, &out->x_decimal))
            return argument_number(json_object_get(v, "y"), &out->y, &out->y_decimal);
    }
    return argument_number(json_object_get(args, x_key), &out->x, &out->x_decimal) &&
           argument_number(json_object_get(args, y_key), &out->y, &out->y_decimal);
}

static bool in_unit(double v)
{
    return v >= 0 && v <= 1;
}

bool point_read(struct reading *r, const json_t *args, const char *const *names, const char *x_key,
                const char *y_key, struct point *out)
{
    const struct space *space = &r->profile->space;
    struct pair p = {0};
    if (!find_pair(args, names, x_key, y_key, &p))
        return false;
    if (r->in_words && (p.x < 0 || p.y < 0 || (p.x == 0 && p.y == 0)))
        return false;
    bool fraction = p.x_decimal && p.y_decimal && in_unit(p.x) && in_unit(p.y);
    r->out->point = (struct said_point){true, p.x, p.y, fraction};
    if (!fraction && space->kind != SPACE_UNIT) {
        p.x = trunc(p.x);
        p.y = trunc(p.y);
    }
    *out = space_to_screen(space, &r->facts->view, p.x, p.y, fraction);
    return true;
}
