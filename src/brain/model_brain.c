#include "brain/model_brain.h"

#include <string.h>

#include "base/str.h"
#include "brain/memory.h"
#include "brain/model/ask.h"
#include "brain/model/parts.h"

struct model_brain {
    struct brain base;
    struct pool *pool;
    const struct model_link *link;
    const struct profile *profile;
    struct memory *memory;
};

/* --- create ---------------------------------------------------------------------------------- */

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Frames that are shown beside the current one, or steps of a conversation. */
static int turns_kept(const struct profile *p)
{
    return larger(larger(p->frames, p->plan_frames) - 1, p->exchanges);
}

static int load(struct model_brain *b, enum profile_api api, const char *name, struct err *err)
{
    int r = profile_load(b->pool, &b->link->dirs, name, &b->profile, err);
    if (!r && b->profile->api != api)
        r = err_set(err, E_INVALID,
                    "brain '%s:%.60s': the profile's server speaks another protocol (api in %s)",
                    b->base.driver->kind, name, b->profile->path);
    return r;
}

int model_brain_create(const struct brain_driver *driver, enum profile_api api, const char *profile,
                       const struct brain_needs *needs, struct brain **out, struct err *err)
{
    if (!needs->model)
        return err_set(err, E_INVALID, "brain '%s': there is no model server to ask", driver->kind);
    if (!*profile)
        return err_set(err, E_INVALID, "brain '%s': needs a profile: %s:<profile>", driver->kind,
                       driver->kind);
    struct pool *pool = pool_create(NULL);
    struct model_brain *b = pool_alloc(pool, sizeof(*b));
    *b = (struct model_brain){.base.driver = driver, .pool = pool, .link = needs->model};
    int r = load(b, api, profile, err);
    if (r) {
        pool_destroy(pool);
        return r;
    }
    b->memory = memory_create(turns_kept(b->profile));
    *out = &b->base;
    return 0;
}

void model_brain_destroy(struct brain *brain)
{
    struct model_brain *b = (struct model_brain *)brain;
    memory_destroy(b->memory);
    pool_destroy(b->pool);
}

/* --- what it is shown ------------------------------------------------------------------------ */

/* The screenshot in the size and format that the model is sent. */
static int take_picture(const struct model_brain *b, struct pool *pool,
                        const struct observation *obs, struct model_frame *out, struct err *err)
{
    const struct profile *p = b->profile;
    const struct frame *f = &obs->frame;
    int w, h;
    if (f->width < 1 || f->height < 1)
        return err_set(err, E_INVALID, "the model '%s' needs a screenshot", p->name);
    request_image_size(p, f->width, f->height, &w, &h);
    if (obs->png && p->format == PICTURE_PNG && w == f->width && h == f->height) {
        *out = (struct model_frame){obs->png, obs->png_len, w, h};
        return 0;
    }
    if (b->link->picture)
        return b->link->picture(b->link->picture_arg, pool, p, f, w, h, out, err);
    return err_set(err, E_UNSUPPORTED,
                   "the model '%s' is sent an %s of %dx%d, and there is none of the screen (%dx%d)",
                   p->name, parts_media_type(p), w, h, f->width, f->height);
}

static int build(const struct model_brain *b, struct pool *pool, const struct brain_turn *turn,
                 const struct model_frame *now, json_t **out, struct err *err)
{
    const struct profile *p = b->profile;
    const struct frame *f = &turn->obs->frame;
    struct model_turn t = {.in_plan = turn->in_plan,
                           .screen_w = f->width,
                           .screen_h = f->height,
                           .task = turn->task,
                           .prompt = turn->prompt,
                           .history = turn->history,
                           .n_history = turn->n_history,
                           .step_type = turn->step_type};
    int frames = turn->in_plan ? p->plan_frames : p->frames;
    t.n_frames = memory_frames(b->memory, pool, now, frames - 1, &t.frames);
    if (p->exchanges)
        t.n_exchanges = memory_exchanges(b->memory, pool, p->exchanges, &t.exchanges);
    return request_build(pool, p, &b->link->server, &t, out, err);
}

/* --- what it says ---------------------------------------------------------------------------- */

/* Where the last action left the pointer. */
static struct point pointer_of(const struct brain_turn *turn)
{
    for (int i = turn->n_history - 1; i >= 0; i--) {
        const struct action *a = &turn->history[i];
        if (a->type == ACTION_DRAG)
            return (struct point){a->to_x, a->to_y};
        if (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK || a->type == ACTION_MOVE)
            return (struct point){a->x, a->y};
    }
    return (struct point){-1, -1};
}

static void count(const struct model_brain *b, const struct said *said, struct brain_reply *out)
{
    const char *hosted = b->link->server.model ? b->link->server.model : b->profile->model;
    if (b->link->server.ours)
        out->gpu_s = said->server_s;
    else
        out->model = *said->model ? said->model : hosted;
    out->input_tokens = said->input_tokens - said->cached_tokens - said->cache_write_tokens;
    out->output_tokens = said->output_tokens;
    out->cache_read_tokens = said->cached_tokens;
    out->cache_write_tokens = said->cache_write_tokens;
}

static void read_reply(const struct model_brain *b, struct pool *pool,
                       const struct brain_turn *turn, const struct model_frame *now,
                       const struct said *said, struct brain_reply *out)
{
    const struct frame *f = &turn->obs->frame;
    const struct reply_facts facts = {.view = {f->width, f->height, now->width, now->height},
                                      .pointer = pointer_of(turn)};
    struct model_reply reply;
    reply_read(pool, b->profile, said, &facts, &reply);
    out->action = reply.action;
    out->thinking = reply.thinking;
    out->predicted = reply.predicted;
    count(b, said, out);
}

int model_brain_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                      struct brain_reply *out, struct err *err)
{
    struct model_brain *b = (struct model_brain *)brain;
    struct model_frame now;
    struct said said;
    json_t *body;
    int r = take_picture(b, pool, turn->obs, &now, err);
    if (r)
        return r;
    memory_begin(b->memory, turn, &now);
    r = build(b, pool, turn, &now, &body, err);
    if (!r)
        r = model_ask(pool, b->link, b->profile, body, turn->deadline_mono_ms, &said, err);
    if (r)
        return r;
    read_reply(b, pool, turn, &now, &said, out);
    memory_add(b->memory, turn, &now, said.content);
    return 0;
}
