/*
 * model_regard.c - a point that is about to be clicked, looked at again (agent-loop.md 15,
 * brains.md 11). What is remembered is the way from the first point to the better one, never a
 * failure.
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "reader/model_reader.h"

#define WANTED_BYTES 200
#define OWN_MODEL    0.8 /* a server of ours is as sure of every point */

static int ask(struct model_reader *m, struct pool *pool, const struct observation *obs,
               struct point at, const char *wanted, struct regard *out, struct err *err)
{
    struct space_view view = {.screen_w = obs->frame.width, .screen_h = obs->frame.height};
    double x, y;
    request_image_size(m->mind.profile, view.screen_w, view.screen_h, &view.image_w, &view.image_h);
    space_from_screen(&m->mind.profile->space, &view, at, &x, &y);
    const struct prompt_value values[] = {
        {"WANTED", str_cut(pool, wanted, WANTED_BYTES)},
        {"X", pool_printf(pool, "%g", x)},
        {"Y", pool_printf(pool, "%g", y)},
    };
    const struct look_question q = {.call = CALL_REGARD,
                                    .obs = &obs,
                                    .n_obs = 1,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values)};
    struct look_answer a;
    struct point better;
    int r = model_look(m, pool, &q, &a, err);
    if (r || json_flag(a.input, "none", false) || !model_point(&a, a.input, &better))
        return r;
    *out = (struct regard){better, m->mind.roles ? grounding_confidence(at, better) : OWN_MODEL};
    return 0;
}

int model_regard(struct reader *reader, struct pool *pool, const struct observation *obs,
                 struct point at, const char *wanted, bool fresh, struct regard *out,
                 struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct err why = {0};
    if (obs->page) /* what stands there is known: *out as it is */
        return 0;
    *out = (struct regard){at, str_empty(wanted) ? GROUNDING_NO_KEY : GROUNDING_FAILED};
    if (str_empty(wanted))
        return 0;
    const char *key = obs->frame.pixels && !fresh
                          ? grounding_key(pool, &obs->frame, at, wanted, m->models[ROLE_REGARD])
                          : NULL;
    if (key &&
        grounding_cache_get(m->regards, key, clock_mono_ms(), at, &out->at, &out->confidence))
        return 0;
    int r = ask(m, pool, obs, at, wanted, out, &why);
    if (r && !model_unheard(r))
        return err_set(err, r, "%s", why.msg);
    if (key && !r)
        grounding_cache_put(m->regards, key, clock_mono_ms(), at, out->at, out->confidence);
    return 0;
}
