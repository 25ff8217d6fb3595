/*
 * model_ask.c - one question about screenshots to a model: in its words, with its pictures, until
 * there is an answer that fits; counted, and remembered for as long as the screen stays the same.
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/literal.h"
#include "brain/model/parts.h"
#include "reader/model_reader.h"

#define DUTIES   "reader_duties"
#define QUIET_MS 20000

struct inquiry {
    struct model_reader *m;
    struct pool *pool;
    const struct look_question *q;
    const struct mind *mind;
    struct look_body body;
    struct profile limits; /* the profile, with the call's own timeout and tries */
    struct profile pictures;
    int64_t deadline_ms;
};

/* --- what it is shown ------------------------------------------------------------------------ */

static int take_picture(const struct inquiry *in, const struct observation *obs,
                        struct model_frame *out, struct err *err)
{
    const struct model_link *link = in->mind->link;
    const struct profile *p = &in->pictures;
    const struct frame *f = &obs->frame;
    const char *type = parts_media_type(p);
    int w, h;
    if (f->width < 1 || f->height < 1)
        return err_set(err, E_UNSUPPORTED, "a model needs a screenshot, and there is none");
    request_image_size(p, f->width, f->height, &w, &h);
    if (obs->png && w == f->width && h == f->height && !strcmp(type, "image/png")) {
        *out = (struct model_frame){obs->png, obs->png_len, w, h};
        return 0;
    }
    if (link->picture)
        return link->picture(link->picture_arg, in->pool, p, f, w, h, out, err);
    return err_set(err, E_UNSUPPORTED,
                   "a model is sent %s of %dx%d, and there is none of the screen", type, w, h);
}

static int take_pictures(struct inquiry *in, struct look_answer *out, struct err *err)
{
    const struct look_question *q = in->q;
    int first = q->n_obs > CALL_IMAGES ? q->n_obs - CALL_IMAGES : 0, n = q->n_obs - first, r = 0;
    struct model_frame *frames = pool_alloc(in->pool, sizeof(*frames) * (size_t)n);
    const char **labels = pool_alloc(in->pool, sizeof(*labels) * (size_t)n);
    for (int i = 0; !r && i < n; i++) {
        r = take_picture(in, q->obs[first + i], &frames[i], err);
        labels[i] =
            q->labels ? q->labels[first + i] : pool_printf(in->pool, "part %d of %d", i + 1, n);
    }
    if (r)
        return r;
    const struct frame *last = &q->obs[q->n_obs - 1]->frame;
    out->view =
        (struct space_view){last->width, last->height, frames[n - 1].width, frames[n - 1].height};
    in->body.frames = frames;
    in->body.labels = n > 1 ? labels : NULL;
    in->body.n_frames = n;
    return 0;
}

/* --- what it is told ------------------------------------------------------------------------- */

static int tell(struct inquiry *in, const struct space_view *view, struct err *err)
{
    const struct look_question *q = in->q;
    const struct profile_dirs *dirs = &in->m->needs.model->dirs;
    int n = q->n_values;
    struct prompt duties = {.text = ""}, prompt;
    struct prompt_value *values = pool_alloc(in->pool, sizeof(*values) * (size_t)(n + 2));
    const char *text;
    if (n)
        memcpy(values, q->values, sizeof(*values) * (size_t)n);
    values[n] = (struct prompt_value){"WIDTH", pool_printf(in->pool, "%d", view->image_w)};
    values[n + 1] = (struct prompt_value){"HEIGHT", pool_printf(in->pool, "%d", view->image_h)};
    int r = in->body.parameters ? prompt_load(in->pool, dirs, DUTIES, &duties, err) : 0;
    r = r ? r : prompt_load(in->pool, dirs, in->body.call->prompt, &prompt, err);
    r = r ? r : prompt_fill(in->pool, &prompt, values, n + 2, &text, err);
    if (!r)
        in->body.text = *duties.text ? pool_printf(in->pool, "%s\n%s", duties.text, text) : text;
    return r;
}

static const char *model_name(const struct inquiry *in)
{
    const struct model_server *server = &in->mind->link->server;
    const struct profile *p = in->mind->profile;
    if (in->mind->roles)
        return in->m->models[in->body.call->role];
    return server->model ? server->model : server->ours ? p->pod_model : p->model;
}

static int set_tool(struct inquiry *in, struct err *err)
{
    const struct look_call *call = in->body.call;
    const json_t *tool = call->tool ? json_object_get(in->m->tools, call->tool) : NULL;
    if (!call->tool)
        return 0;
    in->body.parameters =
        in->q->parameters ? in->q->parameters : json_object_get(tool, "parameters");
    in->body.description = json_str(tool, "description", "");
    return json_is_object(in->body.parameters)
               ? 0
               : err_set(err, E_INTERNAL, "profiles/tools/reader.json: '%s' has no parameters",
                         call->tool);
}

static int prepare(struct inquiry *in, struct look_answer *out, struct err *err)
{
    const struct look_call *call = call_of(in->q->call);
    in->body = (struct look_body){.mind = in->mind, .call = call, .pictures = &in->pictures};
    in->body.model = model_name(in);
    in->limits = *in->mind->profile;
    in->limits.timeout_s = call->timeout_s;
    in->limits.attempts = call->tries;
    in->pictures = in->mind->profile == in->m->mind.profile ? in->m->pictures : *in->mind->profile;
    if (in->q->quality)
        in->pictures.quality = in->q->quality;
    int r = set_tool(in, err);
    r = r ? r : take_pictures(in, out, err);
    return r ? r : tell(in, &out->view, err);
}

/* --- remembered ------------------------------------------------------------------------------ */

static const json_t *kept(const struct model_reader *m, uint64_t key)
{
    for (int i = 0; i < MODEL_KEPT_ANSWERS; i++)
        if (m->kept[i].input && m->kept[i].key == key)
            return m->kept[i].input;
    return NULL;
}

static void keep(struct model_reader *m, uint64_t key, const json_t *input)
{
    struct kept_answer *k = &m->kept[m->next_kept];
    m->next_kept = (m->next_kept + 1) % MODEL_KEPT_ANSWERS;
    json_decref(k->input);
    *k = (struct kept_answer){key, json_deep_copy(input)};
}

/* --- asked ----------------------------------------------------------------------------------- */

static void count(const struct inquiry *in, const struct said *said)
{
    const struct reader_needs *needs = &in->m->needs;
    const char *paid = *said->model ? said->model : in->body.model;
    const struct reader_use use = {
        .source = in->body.call->name,
        .counter = in->body.call->counter,
        .model = in->mind->link->server.ours ? NULL : paid,
        .tokens = said_use(said),
        .seconds = said->server_s};
    if (needs->count)
        needs->count(needs->count_arg, &use);
}

/* E_TIMEOUT is the page's word for something else, and E_UPSTREAM an answer that is none: nobody was heard. */
static int send(struct inquiry *in, const json_t *body, struct said *out, struct err *err)
{
    struct err why = {0};
    int r = model_ask(in->pool, in->mind->link, &in->limits, body, in->deadline_ms, out, &why);
    if (!r)
        count(in, out);
    if (r == E_TIMEOUT || r == E_UPSTREAM)
        r = E_UNAVAILABLE;
    if (r == E_UNAVAILABLE)
        in->m->quiet_until_ms = clock_mono_ms() + QUIET_MS;
    return r ? err_set(err, r, "%s", why.msg) : 0;
}

/* The tool's input, or the first object in what it says. NULL: neither. */
static const json_t *input_in(const struct inquiry *in, const struct said *said)
{
    const char *p = said->text;
    for (int i = 0; i < said->n_calls; i++)
        if (!strcmp(said->calls[i].name, in->body.call->tool))
            return said->calls[i].arguments;
    return literal_find(in->pool, &p, false);
}

static int read_input(const struct inquiry *in, const struct said *said, const json_t **out,
                      struct err *err)
{
    const json_t *wanted = in->q->reads_as ? in->q->reads_as : in->body.parameters;
    const json_t *input = input_in(in, said);
    json_t *fitted;
    if (!input)
        return err_set(err, E_INVALID, "there is no %s in it", in->body.call->tool);
    int r = model_fit(in->pool, wanted, input, &fitted, err);
    if (!r)
        *out = fitted;
    return r;
}

static int read_action(const struct inquiry *in, const struct said *said, struct look_answer *out,
                       struct err *err)
{
    const struct reply_facts facts = {.view = out->view, .pointer = {-1, -1}};
    reply_read(in->pool, in->mind->profile, said, &facts, &out->reply);
    return out->reply.action.unparsed ? err_set(err, E_INVALID, "there is no action in it") : 0;
}

static int read_answer(const struct inquiry *in, const struct said *said, struct look_answer *out,
                       struct err *err)
{
    return in->body.parameters ? read_input(in, said, &out->input, err)
                               : read_action(in, said, out, err);
}

/* Once more when it is no good, then no more. */
static int ask_and_read(struct inquiry *in, const json_t *body, struct look_answer *out,
                        struct err *err)
{
    struct said said;
    struct err bad = {0};
    int r = send(in, body, &said, err);
    if (r || !read_answer(in, &said, out, &bad))
        return r;
    body = model_body_again(in->pool, &in->body, body, &said, bad.msg);
    err_clear(&bad);
    r = send(in, body, &said, err);
    if (r || !read_answer(in, &said, out, &bad))
        return r;
    return err_set(err, E_UPSTREAM, "the answer of '%.60s' to '%s' cannot be used: %.200s",
                   in->body.model, in->body.call->name, bad.msg);
}

static int ask_or_remember(struct inquiry *in, struct look_answer *out, struct err *err)
{
    const json_t *body = model_body(in->pool, &in->body);
    const char *text = json_text(in->pool, body);
    uint64_t key = str_hash(STR_HASH_START, text, strlen(text));
    out->input = in->body.parameters ? kept(in->m, key) : NULL;
    if (out->input) {
        out->input = json_keep(in->pool, json_deep_copy(out->input));
        return 0;
    }
    int r = ask_and_read(in, body, out, err);
    if (!r && out->input)
        keep(in->m, key, out->input);
    return r;
}

int model_look(struct model_reader *m, struct pool *pool, const struct look_question *q,
               struct look_answer *out, struct err *err)
{
    const struct look_call *call = call_of(q->call);
    const struct mind *mind = q->mind ? q->mind : &m->mind;
    struct inquiry in = {.m = m, .pool = pool, .q = q, .mind = mind};
    *out = (struct look_answer){.mind = mind};
    if (q->has_page && clock_mono_ms() < m->quiet_until_ms)
        return err_set(err, E_UNAVAILABLE, "%s did not answer just now", mind->link->transport->where);
    in.deadline_ms =
        clock_mono_ms() + CALL_WAITS_MS + 1000 * (int64_t)call->timeout_s * call->tries;
    int r = prepare(&in, out, err);
    return r ? r : ask_or_remember(&in, out, err);
}
