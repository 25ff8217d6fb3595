#include "core/delta.h"

#define RESULTS "step_results"
#define FROM    "step_results_from"

void delta_cut(json_t *results, size_t n)
{
    for (size_t i = json_array_size(results); i > n; i--)
        json_array_remove(results, i - 1);
}

size_t delta_follow(json_t *kept, const json_t *results)
{
    size_t same = 0, n = json_array_size(results);
    while (same < n && json_array_get(kept, same) == json_array_get(results, same))
        same++;
    delta_cut(kept, same);
    for (size_t i = same; i < n; i++)
        json_array_append(kept, json_array_get(results, i));
    return same;
}

json_t *delta_make(struct delta *d, const json_t *checkpoint)
{
    const json_t *results = json_object_get(checkpoint, RESULTS);
    json_t *out = json_copy((json_t *)checkpoint), *fresh = json_array();
    if (!d->sent)
        d->sent = json_array();
    size_t from = delta_follow(d->sent, results);
    for (size_t i = from; i < json_array_size(results); i++)
        json_array_append(fresh, json_array_get(results, i));
    json_put_int(out, FROM, (json_int_t)from);
    json_put(out, RESULTS, fresh);
    return out;
}

void delta_release(struct delta *d)
{
    json_decref(d->sent);
    d->sent = NULL;
}

bool delta_apply(json_t **whole, const json_t *received)
{
    json_t *had = json_object_get(*whole, RESULTS), *fresh = json_object_get(received, RESULTS);
    int64_t from = json_int(received, FROM, 0);
    if (!json_is_object(received) || from < 0 || (size_t)from > json_array_size(had))
        return false;
    json_t *out = json_copy((json_t *)received);
    json_t *all = json_is_array(had) ? json_incref(had) : json_array();
    delta_cut(all, (size_t)from);
    if (json_is_array(fresh))
        json_array_extend(all, fresh);
    json_object_del(out, FROM);
    json_put(out, RESULTS, all);
    json_decref(*whole);
    *whole = out;
    return true;
}

json_t *delta_split(const json_t *part, const json_t **ret_results, int64_t *ret_from)
{
    const json_t *results = json_object_get(part, RESULTS);
    json_t *rest = json_copy((json_t *)part);
    *ret_results = json_is_array(results) ? results : NULL;
    *ret_from = json_int(part, FROM, 0);
    json_object_del(rest, FROM);
    if (*ret_results || *ret_from)
        json_put(rest, RESULTS, json_array());
    return rest;
}

void delta_join(json_t *rest, json_t *results)
{
    json_put(rest, RESULTS, results);
}
