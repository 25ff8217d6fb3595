/*
 * question.c - what brains are asked besides their next action: metered, paid for and told about.
 */
#include "run/inner/priv.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/grounding.h"

#define DESCRIPTION_BYTES 200 /* of a thought */

static const struct {
    const char *name; /* what its calls are paid as, and how an event calls it */
    int timeout_ms;
} questions[] = {
    [QUESTION_FORM_VALUES] = {"form_values", 60000}, [QUESTION_FOCUSED] = {"focused_field", 30000},
    [QUESTION_DONE] = {"verify_done", 30000},        [QUESTION_SUBMIT] = {"submit_button", 30000},
    [QUESTION_DIRECTOR] = {"director", 20000},       [QUESTION_GROUNDING] = {"grounding", 15000},
};

bool inner_may_ask(const struct inner *in)
{
    return brain_abilities(in->run->brain) & BRAIN_ANSWERS;
}

static void tell(struct inner *in, enum question which, const struct brain_answer *a)
{
    json_t *o = json_object();
    json_put_str(o, "question", questions[which].name);
    json_put_bool(o, "answered", a->known);
    if (!a->known)
        json_put(o, "why", json_string_safe(a->why));
    run_event(in->run, "brain", "question", o, "%s: %s", questions[which].name,
              a->known ? "answered" : a->why);
}

int inner_question(struct inner *in, struct brain *who, enum question which,
                   const struct question_facts *facts, struct brain_answer *out, struct err *err)
{
    struct run *run = in->run;
    double cap = run->config->max_cost;
    struct brain_query q = {.which = which,
                            .facts = *facts,
                            .obs = &in->now.obs,
                            .deadline_mono_ms = clock_mono_ms() + questions[which].timeout_ms};
    *out = (struct brain_answer){.why = ""};
    if (cap > 0 && json_num(run->progress.costs, "total", 0) >= cap)
        return 0;
    int64_t start = clock_mono_us();
    int r = brain_query(who, in->now.pool, &q, out, err);
    meter_add(&run->step_meter, which == QUESTION_GROUNDING ? METER_GROUND : METER_THINK,
              clock_mono_us() - start);
    if (r)
        return r;
    if (out->model)
        run_count_call(run, questions[which].name, out->model, &out->used);
    if (out->gpu_s > 0)
        run_count_gpu(run, out->gpu_s, 0);
    tell(in, which, out);
    return 0;
}

/* --- a better point (15) --------------------------------------------------------------------- */

static bool wants_ground(const struct inner *in, const struct chosen *c)
{
    const struct action *a = &c->action;
    return in->run->config->grounder && (in->goal->ground || in->run->config->ground_clicks) &&
           (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK) && !c->acted;
}

/* A site may want it for a layout, a section or a type of step. */
static bool is_independent(const struct run *run)
{
    const struct step *s = run->step;
    const json_t *wanted = json_object_get(run->plan->site_config, "require_independent_grounding");
    if (!s)
        return false;
    return json_flag(s->hints, "independent_grounding", false) || json_holds(wanted, s->type) ||
           json_holds(wanted, s->section) || json_holds(wanted, json_str(s->hints, "layout", ""));
}

static int look_up(struct inner *in, const char *description, struct point from, struct point *to,
                   double *confidence, struct err *err)
{
    const struct question_facts facts = {.description = description, .at = from};
    struct brain_answer answer;
    int r = inner_question(in, in->run->config->grounder, QUESTION_GROUNDING, &facts, &answer, err);
    if (r)
        return r;
    *to = answer.known ? answer.at : from;
    *confidence = answer.known ? grounding_confidence(from, *to) : GROUNDING_FAILED;
    return 0;
}

/* The cache lives as long as its run: a worker carries out one. */
static struct grounding_cache *cache_of(struct run *run)
{
    if (!run->grounding)
        run->grounding = grounding_cache_create();
    return run->grounding;
}

struct found {
    struct point from, to;
    double confidence;
    bool cached, taken;
};

/* For the metrics, too (sched/meters_runs.c). */
static void tell_grounding(struct inner *in, const struct found *f, int64_t evicted)
{
    struct run *run = in->run;
    json_t *o = json_object();
    struct grounding_counts counts = {0};
    if (run->grounding)
        counts = grounding_cache_counts(run->grounding);
    json_put_bool(o, "cached", f->cached);
    json_put_bool(o, "answered", f->confidence > GROUNDING_FAILED);
    json_put_bool(o, "accepted", f->taken);
    json_put_bool(o, "independent", is_independent(run));
    json_put_num(o, "confidence", f->confidence);
    json_put_num(o, "distance_px", hypot(f->to.x - f->from.x, f->to.y - f->from.y));
    json_put_int(o, "entries", counts.size);
    json_put_int(o, "evictions", counts.evictions - evicted);
    run_event(run, "brain", "grounding", o, "the click at (%d,%d) is meant at (%d,%d)%s", f->from.x,
              f->from.y, f->to.x, f->to.y, f->taken ? "" : ": not believed");
}

static int find_better(struct inner *in, const char *description, struct found *f, struct err *err)
{
    struct run *run = in->run;
    const char *model = brain_name(run->config->grounder);
    const char *key = is_independent(run) ? NULL
                                          : grounding_key(in->now.pool, &in->now.obs.frame, f->from,
                                                          description, model);
    f->cached = key && grounding_cache_get(cache_of(run), key, clock_mono_ms(), f->from, &f->to,
                                           &f->confidence);
    if (f->cached)
        return 0;
    int r = look_up(in, description, f->from, &f->to, &f->confidence, err);
    if (!r && key)
        grounding_cache_put(cache_of(run), key, clock_mono_ms(), f->from, f->to, f->confidence);
    return r;
}

int inner_ground(struct inner *in, const char *thinking, struct chosen *c, struct err *err)
{
    struct pool *pool = in->run->step_pool;
    const struct point from = {c->action.x, c->action.y};
    struct found f = {.from = from, .to = from, .confidence = GROUNDING_NO_KEY};
    int64_t evicted = 0;
    const char *description = !str_empty(c->action.reasoning)
                                  ? c->action.reasoning
                                  : str_cut(pool, thinking, DESCRIPTION_BYTES);
    if (!wants_ground(in, c) || str_empty(description) || grounding_skipped(description))
        return 0;
    if (in->run->grounding)
        evicted = grounding_cache_counts(in->run->grounding).evictions;
    int r = find_better(in, description, &f, err);
    if (r)
        return r;
    f.taken = grounding_taken("inner", from, f.to, f.confidence);
    tell_grounding(in, &f, evicted);
    if (!f.taken)
        return 0;
    c->action.x = f.to.x;
    c->action.y = f.to.y;
    c->grounding = json_keep(pool, json_pack("{s:i,s:i,s:i,s:i,s:f,s:b}", "from_x", from.x,
                                             "from_y", from.y, "x", f.to.x, "y", f.to.y,
                                             "confidence", f.confidence, "cached", f.cached));
    return 0;
}
