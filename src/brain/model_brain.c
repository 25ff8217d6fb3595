#include "brain/model_brain.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "brain/memory.h"
#include "brain/model/ask.h"
#include "brain/model/parts.h"

#define MAX_FRAMES 8 /* of http-api.md section 6 */

struct model_brain {
    struct brain base;
    struct pool *pool;
    const struct model_link *link;
    const struct profile *profile;
    struct memory *memory;
    bool answered; /* ever */
    bool zooms; /* it asked to see this part larger */
    struct rect zoom_area;
};

/* --- create ---------------------------------------------------------------------------------- */

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Frames that may be asked for beside the current one, or steps of a conversation. */
static int turns_kept(const struct profile *p)
{
    return larger(larger(larger(p->frames, p->plan_frames), MAX_FRAMES) - 1, p->exchanges);
}

/* A tool is called where tools are: told in words alone, it would be guessed at. */
static unsigned abilities_of(const struct model_brain *b)
{
    const struct profile *p = b->profile;
    bool tools =
        p->tools_use == TOOLS_ALWAYS || (p->tools_use == TOOLS_SELF_HOSTED && b->link->server.ours);
    return (p->tell_attempts ? BRAIN_TELLS_ATTEMPTS : 0u) | (tools ? BRAIN_CALLS_TOOLS : 0u);
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
    b->base.also = abilities_of(b);
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

/* The part that was asked for, as large as the whole picture can show it. What lies outside of the
 * screen, and a link that makes no pictures, show nothing. */
static int enlarge(struct model_brain *b, struct pool *pool, const struct frame *f,
                   const struct model_frame *now, struct model_turn *turn, struct err *err)
{
    struct rect a = b->zoom_area;
    struct frame part;
    struct model_frame *out = pool_alloc(pool, sizeof(*out));
    bool wanted = b->zooms && turn->n_history > 0;
    b->zooms = false;
    if (!wanted || !b->link->picture || !frame_crop(f, &a, &part))
        return 0;
    double times = fmin((double)now->width / a.w, (double)now->height / a.h);
    int w = larger(1, (int)(a.w * times)), h = larger(1, (int)(a.h * times));
    int r = b->link->picture(b->link->picture_arg, pool, b->profile, &part, w, h, out, err);
    if (r)
        return r;
    turn->zoom = out;
    turn->zoom_area = a;
    return 0;
}

static int build(struct model_brain *b, struct pool *pool, const struct brain_turn *turn,
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
                           .feedback = turn->feedback,
                           .n_history = turn->n_history,
                           .most_frames = turn->frames,
                           .attempts = turn->attempts,
                           .host_tools = turn->host_tools,
                           .step_type = turn->step_type};
    int frames = request_frames(p, &t);
    t.n_frames = memory_frames(b->memory, pool, now, frames - 1, &t.frames);
    if (p->exchanges)
        t.n_exchanges = memory_exchanges(b->memory, pool, p->exchanges, &t.exchanges);
    int r = enlarge(b, pool, f, now, &t, err);
    return r ? r : request_build(pool, p, &b->link->server, &t, out, err);
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

/* Who is paid by the token for it; NULL: a server of ours. */
static const char *paid_model(const struct model_brain *b, const struct said *said)
{
    const char *hosted = b->link->server.model ? b->link->server.model : b->profile->model;
    return b->link->server.ours ? NULL : *said->model ? said->model : hosted;
}

static double gpu_seconds(const struct model_brain *b, const struct said *said)
{
    return b->link->server.ours ? said->server_s : 0;
}

static void count(const struct model_brain *b, const struct said *said, struct brain_reply *out)
{
    const struct token_use use = said_use(said);
    out->model = paid_model(b, said);
    out->input_tokens = use.input;
    out->output_tokens = use.output;
    out->cache_read_tokens = use.cache_read;
    out->cache_write_tokens = use.cache_write;
    out->gpu_s = gpu_seconds(b, said);
}

static void read_reply(struct model_brain *b, struct pool *pool, const struct brain_turn *turn,
                       const struct model_frame *now, const struct said *said,
                       struct brain_reply *out)
{
    const struct frame *f = &turn->obs->frame;
    const struct reply_facts facts = {.view = {f->width, f->height, now->width, now->height},
                                      .pointer = pointer_of(turn),
                                      .host_tools = turn->host_tools};
    struct model_reply reply;
    reply_read(pool, b->profile, said, &facts, &reply);
    out->action = reply.action;
    out->thinking = reply.thinking;
    out->predicted = reply.predicted;
    b->zooms = reply.zoom;
    b->zoom_area = reply.zoom_area;
    out->tool = reply.tool;
    out->tool_args = reply.tool_args;
    count(b, said, out);
}

/* Whether a server of ours is there is known before a run begins. */
static int ask(struct model_brain *b, struct pool *pool, const json_t *body, int64_t deadline_mono_ms,
               struct said *out, struct err *err)
{
    bool first = !b->answered && !b->link->server.ours;
    int r = (first ? model_ask_first : model_ask)(pool, b->link, b->profile, body, deadline_mono_ms, out, err);
    b->answered = b->answered || !r;
    return r;
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
        r = ask(b, pool, body, turn->deadline_mono_ms, &said, err);
    if (r)
        return r;
    read_reply(b, pool, turn, &now, &said, out);
    memory_add(b->memory, turn, &now, said.content);
    return 0;
}

/* --- questions ------------------------------------------------------------------------------- */

static bool read_answer(const struct model_brain *b, struct pool *pool, const struct brain_query *q,
                        const struct space_view *view, const char *text, struct brain_answer *out)
{
    const struct profile *p = b->profile;
    switch (q->which) {
    case QUESTION_FORM_VALUES:
        out->n_values = answer_form_values(pool, text, out->values, QUERY_MAX_VALUES);
        return out->n_values > 0;
    case QUESTION_FOCUSED:
        return answer_focused(pool, text, &out->focused);
    case QUESTION_DONE:
        return answer_done(pool, text, &out->done);
    case QUESTION_SUBMIT:
        return answer_submit(pool, p, view, text, &out->submit);
    case QUESTION_DIRECTOR:
        return answer_director(pool, p, view, text, &out->action);
    case QUESTION_GROUNDING:
        return answer_grounding(pool, p, view, text, &out->at);
    }
    return false;
}

/* The body of the question; *view is what its picture shows. */
static int build_question(const struct model_brain *b, struct pool *pool,
                          const struct brain_query *q, struct space_view *view, json_t **out,
                          struct err *err)
{
    struct question_facts facts = q->facts;
    struct model_frame frame;
    const char *text;
    bool sees = question_sees(q->which);
    int r = sees ? take_picture(b, pool, q->obs, &frame, err) : 0;
    if (r)
        return r;
    if (sees)
        *view = (struct space_view){q->obs->frame.width, q->obs->frame.height, frame.width,
                                    frame.height};
    facts.view = *view;
    r = question_text(pool, &b->link->dirs, b->profile, q->which, &facts, &text, err);
    if (!r)
        *out = request_question(pool, b->profile, &b->link->server, text, sees ? &frame : NULL,
                                question_max_tokens(q->which));
    return r;
}

/* Who asks can go on without. */
int model_brain_query(struct brain *brain, struct pool *pool, const struct brain_query *q,
                      struct brain_answer *out, struct err *err)
{
    struct model_brain *b = (struct model_brain *)brain;
    struct space_view view = {0};
    struct said said;
    struct err why = {0};
    json_t *body;
    int r = build_question(b, pool, q, &view, &body, &why);
    if (!r)
        r = model_ask_twice(pool, b->link, b->profile, body, q->deadline_mono_ms, &said, &why);
    if (r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r) {
        out->why = pool_strdup(pool, why.msg);
        return 0;
    }
    out->model = paid_model(b, &said);
    out->used = said_use(&said);
    out->gpu_s = gpu_seconds(b, &said);
    out->known = read_answer(b, pool, q, &view, said.text, out);
    if (!out->known)
        out->why = "its answer says nothing that was asked";
    return 0;
}
