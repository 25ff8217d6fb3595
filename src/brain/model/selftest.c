#include "brain/model/selftest.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"

#define SAID_BYTES  160
#define STEADY_PX   8    /* what is left of each error once the shift is taken out */
#define CLOSER      0.5  /* another space must halve the median error to be the better one */
#define KNOWN_SHARE 0.02 /* a size that is so near a known one is that one */

/* --- asking ---------------------------------------------------------------------------------- */

static int task_for(struct pool *pool, const struct model_link *link, const char *label,
                    const char **out, struct err *err)
{
    const struct prompt_value value = {"LABEL", label};
    struct prompt prompt;
    int r = prompt_load(pool, &link->dirs, "selftest", &prompt, err);
    return r ? r : prompt_fill(pool, &prompt, &value, 1, out, err);
}

static int build(struct pool *pool, const struct model_link *link, const struct profile *profile,
                 const struct model_frame *picture, const struct space_view *view,
                 const char *label, json_t **out, struct err *err)
{
    struct model_turn turn = {
        .frames = picture, .n_frames = 1, .screen_w = view->screen_w, .screen_h = view->screen_h};
    int r = task_for(pool, link, label, &turn.task, err);
    return r ? r : request_build(pool, profile, &link->server, &turn, out, err);
}

static bool points(enum action_type type)
{
    return type == ACTION_CLICK || type == ACTION_DOUBLE_CLICK || type == ACTION_MOVE;
}

static void read_click(struct pool *pool, const struct profile *profile, const struct said *said,
                       const struct space_view *view, struct selftest_click *out)
{
    const struct reply_facts facts = {.view = *view, .pointer = {-1, -1}};
    struct model_reply reply;
    reply_read(pool, profile, said, &facts, &reply);
    const char *text = *said->text     ? said->text
                       : said->n_calls ? json_text(pool, said->calls[0].arguments)
                                       : said->thinking;
    *out = (struct selftest_click){.said = str_cut(pool, str_squash(pool, text), SAID_BYTES),
                                   .is_click = points(reply.action.type) && reply.point.there,
                                   .point = reply.point};
}

int selftest_ask(struct pool *pool, const struct model_link *link, const struct profile *profile,
                 const struct model_frame *picture, const struct space_view *view,
                 const char *label, int64_t deadline_mono_ms, struct selftest_click *out,
                 struct err *err)
{
    struct profile once = *profile;
    struct err why = {0};
    struct said said;
    json_t *body;
    once.attempts = 1;
    int r = build(pool, link, profile, picture, view, label, &body, err);
    if (r)
        return r;
    r = model_ask(pool, link, &once, body, deadline_mono_ms, &said, &why);
    if (r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        *out = (struct selftest_click){.failure = pool_strdup(pool, why.msg), .said = ""};
    else
        read_click(pool, profile, &said, view, out);
    return 0;
}

/* --- one space ------------------------------------------------------------------------------- */

static struct point middle(struct rect box)
{
    return (struct point){box.x + box.w / 2, box.y + box.h / 2};
}

static bool hits(struct rect box, struct point at)
{
    return at.x >= box.x && at.x < box.x + box.w && at.y >= box.y && at.y < box.y + box.h;
}

double selftest_error_px(const struct space *space, const struct space_view *view,
                         const struct selftest_target *target, const struct selftest_click *click,
                         struct point *ret_at)
{
    const struct said_point *p = &click->point;
    struct point m = middle(target->box);
    *ret_at = space_to_screen(space, view, p->x, p->y, p->fraction);
    return hypot(ret_at->x - m.x, ret_at->y - m.y);
}

static int by_size(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

/* Sorts what it is given; 0 of nothing. */
static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof(*v), by_size);
    return n == 0 ? 0 : n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Everything that judging looks at. */
struct trial {
    struct pool *pool;
    const struct profile *profile;
    const struct space_view *view;
    const struct selftest_target *targets;
    const struct selftest_click *clicks;
    int n;
    double *scratch; /* n of them */
};

static struct selftest_fit fit(const struct trial *t, const char *name, const struct space *space)
{
    struct selftest_fit f = {.name = name, .space = *space};
    int n = 0;
    for (int i = 0; i < t->n; i++) {
        struct point at;
        if (!t->clicks[i].is_click)
            continue;
        double error = selftest_error_px(space, t->view, &t->targets[i], &t->clicks[i], &at);
        f.hits += hits(t->targets[i].box, at);
        f.max_px = fmax(f.max_px, error);
        t->scratch[n++] = error;
    }
    f.median_px = median(t->scratch, n);
    return f;
}

static const char *space_name(struct pool *pool, const struct space *s)
{
    static const char *const names[] = {[SPACE_SCREEN] = "screen",
                                        [SPACE_RESIZED] = "resized",
                                        [SPACE_UNIT] = "unit",
                                        [SPACE_PER_MILLE] = "per_mille"};
    return s->kind == SPACE_FIXED ? pool_printf(pool, "fixed:%dx%d", s->width, s->height)
                                  : names[s->kind];
}

/* --- which space fits ------------------------------------------------------------------------ */

/* How large a picture the points are of, along one side: what the middle one of them says. */
static double side_of(const struct trial *t, bool across)
{
    int n = 0;
    for (int i = 0; i < t->n; i++) {
        const struct selftest_click *c = &t->clicks[i];
        struct point m = middle(t->targets[i].box);
        double said = across ? c->point.x : c->point.y, is = across ? m.x : m.y;
        if (c->is_click && !c->point.fraction && is > 0)
            t->scratch[n++] = said / is * (across ? t->view->screen_w : t->view->screen_h);
    }
    return median(t->scratch, n);
}

static bool nearly(double a, double b)
{
    return fabs(a - b) <= KNOWN_SHARE * b;
}

/* A size that the clicks themselves speak of: one that is known, or as they have it. */
static struct space fixed_by(const struct trial *t)
{
    static const struct {
        int w, h;
    } known[] = {{1428, 896}, {1024, 768}, {1280, 720}, {1280, 800}, {1366, 768}, {1920, 1080}};
    double w = side_of(t, true), h = side_of(t, false);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (nearly(w, known[i].w) && nearly(h, known[i].h))
            return (struct space){.kind = SPACE_FIXED, .width = known[i].w, .height = known[i].h};
    double shape = (double)t->view->screen_h / t->view->screen_w;
    if (nearly(h, w * shape)) /* the screen made smaller or larger */
        h = rint(w) * shape;
    return (struct space){
        .kind = SPACE_FIXED, .width = (int)fmax(1, rint(w)), .height = (int)fmax(1, rint(h))};
}

static bool better(const struct selftest_fit *a, const struct selftest_fit *b)
{
    return a->hits > b->hits || (a->hits == b->hits && a->median_px < b->median_px);
}

/* The named spaces first: a size of its own always fits a little better, and is believed only when
 * none of them does. */
static struct selftest_fit best_of(const struct trial *t, int enough)
{
    static const enum space_kind kinds[] = {SPACE_SCREEN, SPACE_RESIZED, SPACE_PER_MILLE,
                                            SPACE_UNIT};
    struct space space = t->profile->space;
    struct selftest_fit best = fit(t, space_name(t->pool, &space), &space);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        space.kind = kinds[i];
        struct selftest_fit f = fit(t, space_name(t->pool, &space), &space);
        if (better(&f, &best))
            best = f;
    }
    if (best.hits >= enough)
        return best;
    space = fixed_by(t);
    struct selftest_fit f = fit(t, space_name(t->pool, &space), &space);
    return better(&f, &best) ? f : best;
}

/* --- a shift --------------------------------------------------------------------------------- */

static double median_way(const struct trial *t, bool across)
{
    int n = 0;
    for (int i = 0; i < t->n; i++) {
        struct point at, m = middle(t->targets[i].box);
        if (!t->clicks[i].is_click)
            continue;
        selftest_error_px(&t->profile->space, t->view, &t->targets[i], &t->clicks[i], &at);
        t->scratch[n++] = across ? at.x - m.x : at.y - m.y;
    }
    return median(t->scratch, n);
}

/* Is what is left of the errors small once the shift is taken out? */
static bool is_steady(const struct trial *t, struct point shift)
{
    int n = 0;
    for (int i = 0; i < t->n; i++) {
        struct point at, m = middle(t->targets[i].box);
        if (!t->clicks[i].is_click)
            continue;
        selftest_error_px(&t->profile->space, t->view, &t->targets[i], &t->clicks[i], &at);
        t->scratch[n++] = hypot(at.x - m.x - shift.x, at.y - m.y - shift.y);
    }
    return n > 1 && median(t->scratch, n) <= STEADY_PX;
}

/* --- in words -------------------------------------------------------------------------------- */

static const char *space_words(struct pool *pool, const struct selftest_fit *f,
                               const struct space_view *view)
{
    int w, h;
    space_size(&f->space, view->image_w, view->image_h, &w, &h);
    switch (f->space.kind) {
    case SPACE_SCREEN:
        return pool_printf(pool, "pixels of the picture it is sent, %dx%d", w, h);
    case SPACE_RESIZED:
        return pool_printf(pool, "pixels of the picture after its own resizing, %dx%d", w, h);
    case SPACE_PER_MILLE:
        return "thousandths of the screen";
    case SPACE_UNIT:
        return "shares of the screen, 0 to 1";
    case SPACE_FIXED:
        break;
    }
    return pool_printf(pool, "pixels of a picture of %dx%d", w, h);
}

static const char *file_of(const struct profile *p)
{
    return p->path ? p->path : "the profile";
}

static void say_fits(const struct trial *t, struct selftest_result *o)
{
    o->words =
        pool_printf(t->pool, "the model clicks where it means to: %d of %d inside the button",
                    o->profile.hits, o->n_answered);
}

static void say_other(const struct trial *t, struct selftest_result *o)
{
    o->words = pool_printf(t->pool, "the model points in %s; the profile says %s (%s)",
                           space_words(t->pool, &o->best, t->view),
                           space_words(t->pool, &o->profile, t->view), o->profile.name);
    o->advice = pool_printf(t->pool, "set \"coordinates\": \"%s\" in %s%s", o->best.name,
                            file_of(t->profile),
                            o->best.space.kind == SPACE_FIXED
                                ? "; it is then also sent pictures of that size, so test again"
                                : "");
}

static const char *way(struct pool *pool, int px, const char *forth, const char *back)
{
    return pool_printf(pool, "%d px %s", abs(px), px < 0 ? back : forth);
}

static void say_shifted(const struct trial *t, struct selftest_result *o)
{
    o->words = pool_printf(t->pool, "every click is off by the same way: %s, %s",
                           way(t->pool, o->shift.x, "to the right", "to the left"),
                           way(t->pool, o->shift.y, "down", "up"));
    o->advice = pool_printf(t->pool,
                            "no coordinate space does that: look whether its server cuts or pads "
                            "pictures, and whether it was trained on screens of %dx%d",
                            t->view->screen_w, t->view->screen_h);
}

static void say_misses(const struct trial *t, struct selftest_result *o)
{
    o->words = pool_printf(
        t->pool,
        "the model misses: %d of %d inside the button, %.0f px from its middle at the median, "
        "and no coordinate space explains it",
        o->profile.hits, o->n_answered, o->profile.median_px);
    o->advice = "look whether the server has the model's vision projector, and the right model";
}

static void say_unread(const struct trial *t, struct selftest_result *o)
{
    const char *said = "";
    for (int i = 0; i < t->n && !*said; i++)
        if (!t->clicks[i].is_click && !t->clicks[i].failure)
            said = t->clicks[i].said;
    o->words = pool_printf(t->pool, "%d of %d answers name a point to click; one says '%s'",
                           o->n_clicks, o->n_answered, said);
    o->advice = pool_printf(
        t->pool, "look at \"replies\", \"actions\" and the prompt of %s, or choose another profile",
        file_of(t->profile));
}

static void say_unasked(const struct trial *t, struct selftest_result *o)
{
    const char *why = "";
    for (int i = 0; i < t->n && !*why; i++)
        why = t->clicks[i].failure ? t->clicks[i].failure : "";
    o->words =
        pool_printf(t->pool, "%d of %d questions were answered: %s", o->n_answered, o->n, why);
}

static const struct {
    const char *name;
    void (*say)(const struct trial *t, struct selftest_result *out);
} verdicts[] = {
    [SELFTEST_FITS] = {"fits", say_fits},
    [SELFTEST_OTHER_SPACE] = {"other_space", say_other},
    [SELFTEST_SHIFTED] = {"shifted", say_shifted},
    [SELFTEST_MISSES] = {"misses", say_misses},
    [SELFTEST_UNREAD] = {"unread", say_unread},
    [SELFTEST_UNASKED] = {"unasked", say_unasked},
};

const char *selftest_verdict_name(enum selftest_verdict verdict)
{
    return verdicts[verdict].name;
}

/* --- the verdict ----------------------------------------------------------------------------- */

static enum selftest_verdict verdict_of(const struct trial *t, const struct selftest_result *o,
                                        int enough)
{
    if (2 * o->n_answered < o->n)
        return SELFTEST_UNASKED;
    if (2 * o->n_clicks < o->n_answered)
        return SELFTEST_UNREAD;
    if (o->profile.hits >= enough)
        return SELFTEST_FITS;
    if (o->best.hits >= enough && o->best.median_px <= CLOSER * o->profile.median_px)
        return SELFTEST_OTHER_SPACE;
    return is_steady(t, o->shift) ? SELFTEST_SHIFTED : SELFTEST_MISSES;
}

void selftest_judge(struct pool *pool, const struct profile *profile, const struct space_view *view,
                    const struct selftest_target *targets, const struct selftest_click *clicks,
                    int n, struct selftest_result *out)
{
    struct trial t = {
        pool, profile, view, targets, clicks, n, pool_alloc(pool, (size_t)n * sizeof(double))};
    struct selftest_result o = {.n = n, .words = "", .advice = ""};
    for (int i = 0; i < n; i++) {
        o.n_answered += !clicks[i].failure;
        o.n_clicks += clicks[i].is_click;
    }
    int enough = (3 * o.n_answered + 3) / 4;
    o.profile = fit(&t, space_name(pool, &profile->space), &profile->space);
    o.best = best_of(&t, enough);
    o.shift = (struct point){(int)rint(median_way(&t, true)), (int)rint(median_way(&t, false))};
    o.verdict = verdict_of(&t, &o, enough);
    verdicts[o.verdict].say(&t, &o);
    *out = o;
}
