#include "core/delta.h"

#define RESULTS "step_results"
#define FROM    "step_results_from"

static size_t common(const json_t *a, const json_t *b)
{
    size_t n = 0;
    while (n < json_array_size(a) && json_array_get(a, n) == json_array_get(b, n) &&
           json_array_get(b, n))
        n++;
    return n;
}

/* The same elements in another array. */
static json_t *part(const json_t *array, size_t from, size_t to)
{
    json_t *out = json_array();
    for (size_t i = from; i < to; i++)
        json_array_append(out, json_array_get(array, i));
    return out;
}

json_t *delta_make(struct delta *d, const json_t *checkpoint)
{
    const json_t *results = json_object_get(checkpoint, RESULTS);
    size_t n = json_array_size(results), from = common(d->sent, results);
    json_t *out = json_copy((json_t *)checkpoint);
    json_put_int(out, FROM, (json_int_t)from);
    json_put(out, RESULTS, part(results, from, n));
    json_decref(d->sent);
    d->sent = part(results, 0, n);
    return out;
}

void delta_release(struct delta *d)
{
    json_decref(d->sent);
    d->sent = NULL;
}

json_t *delta_apply(const json_t *before, const json_t *received)
{
    const json_t *had = json_object_get(before, RESULTS),
                 *fresh = json_object_get(received, RESULTS);
    int64_t from = json_int(received, FROM, 0);
    if (!json_is_object(received) || from < 0 || (size_t)from > json_array_size(had))
        return NULL;
    json_t *out = json_copy((json_t *)received), *all = part(had, 0, (size_t)from);
    json_object_del(out, FROM);
    if (json_is_array(fresh))
        json_array_extend(all, (json_t *)fresh);
    json_put(out, RESULTS, all);
    return out;
}
