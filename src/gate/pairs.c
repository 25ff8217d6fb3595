/*
 * pairs.c - good and bad answers to one prompt. Runs of one plan meet the same steps: what one did well there and another
 * badly is a pair. The prompt, its picture too, is that of the good one.
 */
#include "gate/sft.h"

#include <stdlib.h>
#include <string.h>

#include "gate/label.h"

struct pairs {
    json_t *steps; /* {"<plan signature>/<step>": {"positive": [row], "negative": [row]}} */
};

struct pairs *pairs_create(void)
{
    struct pairs *p = calloc(1, sizeof(*p));
    if (!p)
        BUG("out of memory");
    p->steps = json_object();
    return p;
}

void pairs_destroy(struct pairs *p)
{
    if (!p)
        return;
    json_decref(p->steps);
    free(p);
}

/* --- gathering --------------------------------------------------------------------------------- */

/* A result's own number differs between runs where a loop went round more often. */
static int64_t place_of(const json_t *labelled, const json_t *row)
{
    int64_t n = json_int(json_object_get(row, "metadata"), "step", 0);
    const json_t *steps = json_object_get(labelled, "steps"), *step;
    size_t i;
    json_array_foreach ((json_t *)steps, i, step)
        if (json_int(step, "step_index", -1) == n)
            return json_int(step, "plan_step", n);
    return n;
}

struct gathering {
    struct pairs *pairs;
    const json_t *labelled;
};

static json_t *list_at(json_t *object, const char *key, json_t *empty)
{
    json_t *found = json_object_get(object, key);
    if (found) {
        json_decref(empty);
        return found;
    }
    json_put(object, key, empty);
    return empty;
}

static int gather(void *arg, const json_t *row, struct err *err)
{
    const struct gathering *g = arg;
    struct pool *pool = pool_create(NULL);
    const char *key = pool_printf(pool, "%s/%lld", json_str(g->labelled, "plan_signature", ""),
                                  (long long)place_of(g->labelled, row));
    json_t *both = list_at(g->pairs->steps, key, json_object());
    const char *label = json_str(json_object_get(row, "metadata"), "label", "");
    json_push(list_at(both, label, json_array()), json_incref((json_t *)row));
    pool_destroy(pool);
    return 0;
}

int pairs_add(struct pairs *pairs, const struct sft_config *config, const json_t *labelled,
              struct sft_counts *counts, struct err *err)
{
    struct gathering g = {pairs, labelled};
    const struct sft_sink sink = {gather, &g};
    struct sft_counts seen = *counts;
    json_t *labels = json_pack("[s,s]", LABEL_POSITIVE, LABEL_NEGATIVE);
    bool has_plan = *json_str(labelled, "plan_signature", "");
    int r = has_plan ? sft_labelled(config, labels, labelled, &sink, &seen, err)
                     : label_check(labelled, err);
    seen.written = counts->written; /* nothing is written yet */
    *counts = seen;
    json_decref(labels);
    return r;
}

/* --- writing ----------------------------------------------------------------------------------- */

enum { QUESTION = 1, ANSWER = 2 };

static const char *said_in(const json_t *row, size_t part)
{
    return json_str(json_array_get(json_object_get(row, "conversations"), part), "value", "");
}

/* To the same question, and something else. */
static bool is_pair(const json_t *good, const json_t *bad)
{
    return !strcmp(said_in(good, QUESTION), said_in(bad, QUESTION)) &&
           strcmp(said_in(good, ANSWER), said_in(bad, ANSWER));
}

static json_t *pair_of(const json_t *good, const json_t *bad, const char *key)
{
    const json_t *talk = json_object_get(good, "conversations");
    const json_t *meta = json_object_get(good, "metadata"), *other = json_object_get(bad, "metadata");
    json_t *pair = json_pack("{s:[O,O],s:O,s:O}", "conversations", json_array_get(talk, 0),
                             json_array_get(talk, 1), "chosen", json_array_get(talk, 2), "rejected",
                             json_array_get(json_object_get(bad, "conversations"), 2));
    if (json_object_get(good, "image"))
        json_object_set(pair, "image", json_object_get(good, "image"));
    json_put(pair, "metadata",
             json_pack("{s:s,s:o,s:O,s:O,s:O,s:O,s:O}", "source", "labelled_trace_pair",
                       "plan_signature",
                       json_stringn(key, (size_t)(strrchr(key, '/') - key)), "step",
                       json_object_get(meta, "step"), "chosen_run_id",
                       json_object_get(meta, "run_id"), "rejected_run_id",
                       json_object_get(other, "run_id"), "chosen_reason",
                       json_object_get(meta, "label_reason"), "rejected_reason",
                       json_object_get(other, "label_reason")));
    return pair;
}

/* Good ones take turns. NULL none. */
static const json_t *better_than(const json_t *good, const json_t *bad, size_t turn)
{
    size_t n = json_array_size(good);
    for (size_t k = 0; k < n; k++) {
        const json_t *row = json_array_get(good, (turn + k) % n);
        if (is_pair(row, bad))
            return row;
    }
    return NULL;
}

int pairs_write(struct pairs *pairs, const struct sft_sink *sink, struct sft_counts *counts,
                struct err *err)
{
    const char *key;
    json_t *both, *bad;
    size_t i;
    int r = 0;
    json_object_foreach (pairs->steps, key, both)
        json_array_foreach (json_object_get(both, LABEL_NEGATIVE), i, bad) {
            const json_t *good = better_than(json_object_get(both, LABEL_POSITIVE), bad, i);
            json_t *pair = r || !good ? NULL : pair_of(good, bad, key);
            if (pair)
                r = sink->take(sink->arg, pair, err);
            counts->written += !r && pair;
            json_decref(pair);
        }
    return r;
}
