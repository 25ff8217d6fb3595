#include "run/effect.h"

#include "base/clock.h"
#include "run/look.h"

#define WATCH_MS      1600 /* a clock with seconds ticks within it */
#define WATCH_STEP_MS 200

int effect_begin(struct run *run, const struct observation *first, struct effect *out,
                 struct err *err)
{
    struct observation obs;
    struct pool *pool = pool_create(run->step_pool);
    snapshot_take(run->step_pool, first, &out->first);
    int r = run_look_in(run, pool, &obs, err);
    if (!r)
        snapshot_take(run->step_pool, &obs, &out->before);
    pool_destroy(pool);
    return r;
}

/* Strike out the places that are different from what they were right after the input. */
static int watch_once(struct run *run, const struct snapshot *after, uint64_t *places, int *n,
                      struct err *err)
{
    struct observation obs;
    struct snapshot now;
    struct pool *pool = pool_create(run->step_pool);
    int r = run_look_in(run, pool, &obs, err), left = 0;
    if (!r) {
        snapshot_take(pool, &obs, &now);
        for (int i = 0; i < *n; i++)
            if (!snapshot_differs_at(after, &now, places[i]))
                places[left++] = places[i];
        *n = left;
    }
    pool_destroy(pool);
    return r;
}

static int watch(struct run *run, const struct snapshot *after, uint64_t *places, int n,
                 bool *ret_changed, struct err *err)
{
    int64_t end = clock_mono_ms() + WATCH_MS;
    int r = 0;
    while (!r && n > 0 && clock_mono_ms() < end) {
        r = loop_wait(run->loop, NULL, NULL, clock_mono_ms() + WATCH_STEP_MS);
        if (r)
            return err_set(err, r, "interrupted while watching the page");
        r = watch_once(run, after, places, &n, err);
    }
    *ret_changed = n > 0;
    return r;
}

int effect_seen(struct run *run, const struct effect *e, const struct observation *obs,
                bool *ret_changed, struct err *err)
{
    struct snapshot after;
    int n;
    snapshot_take(run->step_pool, obs, &after);
    *ret_changed = snapshot_changed(&e->first, &e->before, &after);
    if (!*ret_changed)
        return 0;
    uint64_t *places = snapshot_figures_changed(run->step_pool, &e->first, &e->before, &after, &n);
    return places ? watch(run, &after, places, n, ret_changed, err) : 0;
}
