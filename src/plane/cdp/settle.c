#include "plane/cdp/settle.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define ARM_MS             250 /* a page that is busier than this is watched without its help */
#define BARRIER_MS         400 /* hidden pages paint nothing: go on without them */
#define PAINT_US           30000 /* from our last frame callback to the glass, when the page is quick */
#define QUIET_US           50000   /* no damage for this long: three frames */
#define RESTLESS_MS        450     /* still moving after this: it moves by itself */
#define RESTLESS_MEMORY_MS 200     /* of that time, what says where */
#define AFTER_LOAD_US      5000000 /* a request that goes on so long after the load is background */
#define PATIENCE_US        10000000 /* the same without a navigation */
#define TURN_MS            100 /* how often conditions of time are looked at while waiting for events */
#define FRONT_MIN_MS       50   /* to learn which tab is in front when the deadline has passed */
#define FIT_MS             1000 /* for a new window to become the screen */
#define BASELINE_MAX_MS    2000

/* What the page must see, how long to wait after the last such event, and how much later to believe
 * that it went elsewhere (to the browser's own controls). */
static const struct {
    const char *events;
    int gap_ms, unseen_ms;
} watches[] = {
    [SETTLE_EFFECT] =
        {"pointerdown pointerup mousedown mouseup click auxclick dblclick contextmenu "
         "keydown keyup dragend drop",
         200, 350},
    [SETTLE_TYPE] = {"keydown keyup input", 12, 120},
    [SETTLE_SCROLL] = {"wheel scroll", 20, 120},
    [SETTLE_LOAD] = {0},
    [SETTLE_QUIET] = {0},
};

/*
 * armUtil(): stop watching. armUtil.p: resolves with the milliseconds that two frames took.
 * The inner setTimeout(0) puts our timer behind those that the page's handlers of this event set.
 */
static const char arm_script[] =
    "((names,gap)=>{const key='armUtil$';if(typeof self[key]==='function'&&self[key].p)self[key]();"
    "let t=0,turn=0,done;const off=()=>{for(const n of names)removeEventListener(n,on,true);"
    "clearTimeout(t);done(0)};"
    "const paint=k=>{const at=performance.now();const "
    "fin=()=>{if(k===turn){done(1+performance.now()-at);"
    "off()}};setTimeout(fin,150);requestAnimationFrame(()=>requestAnimationFrame(fin))};"
    "const on=e=>{if(!e.isTrusted)return;off.seen=1;const k=++turn;clearTimeout(t);"
    "t=setTimeout(()=>{t=setTimeout(()=>paint(k),gap)},0)};"
    "off.p=new Promise(r=>done=r);off.seen=0;self[key]=off;"
    "for(const n of names)addEventListener(n,on,{capture:true,passive:true});return 1})"
    "('%s'.split(' '),%d)";
static const char armed_script[] = "self['armUtil$'].p";
static const char seen_script[] = "(self['armUtil$']||{}).seen|0";

/* Two frames from now, after a moment for what an answer set in motion. On a fresh document also
 * its first paint, if there is anything to paint. */
static const char barrier_script[] =
    "new Promise(r=>{const at=performance.now(),fin=()=>r(1+performance.now()-at);"
    "setTimeout(()=>requestAnimationFrame(()=>requestAnimationFrame(fin)),8);setTimeout(fin,200)})";
static const char first_paint_script[] =
    "new Promise(r=>{const at=performance.now(),two=()=>requestAnimationFrame(()=>"
    "requestAnimationFrame(()=>r(1+performance.now()-at)));setTimeout(()=>r(1),300);"
    "const empty=!document.body||!(document.body.innerText||'').trim()&&"
    "!document.querySelector('img,svg,canvas,video,iframe');"
    "if(empty||performance.getEntriesByName('first-contentful-paint').length)return "
    "setTimeout(two,8);"
    "new PerformanceObserver((l,o)=>{if(l.getEntriesByName('first-contentful-paint').length)"
    "{o.disconnect();two()}}).observe({type:'paint',buffered:true})})";

/* --- waiting --------------------------------------------------------------------------------- */

static int gone(const struct settle *s, struct err *err)
{
    if (cdp_gone(s->t->cdp))
        return err_set(err, E_GONE, "the browser has ended");
    return display_gone(s->d) ? err_set(err, E_GONE, "the display has ended") : 0;
}

struct condition {
    struct settle *s;
    bool (*holds)(struct settle *s);
};

static bool holds_or_gone(void *arg)
{
    struct condition *c = arg;
    return cdp_gone(c->s->t->cdp) || display_gone(c->s->d) || c->holds(c->s);
}

/* Until the condition holds or until_ms, whichever is first; both are 0. E_GONE, E_CANCELLED. */
static int wait_for(struct settle *s, bool (*holds)(struct settle *s), int64_t until_ms,
                    struct err *err)
{
    struct condition c = {s, holds};
    int r = loop_wait(s->t->loop, holds_or_gone, &c,
                      until_ms < s->deadline_ms ? until_ms : s->deadline_ms);
    if (r == E_CANCELLED)
        return err_set(err, r, "cancelled while waiting for the page");
    return gone(s, err);
}

static bool at_cap(const struct settle *s)
{
    return clock_mono_ms() >= s->deadline_ms;
}

/* --- before ---------------------------------------------------------------------------------- */

static bool watches_events(const struct settle *s)
{
    return watches[s->kind].events != NULL;
}

static int arm_frames(struct settle *s, struct err *err)
{
    char script[sizeof(arm_script) + 160];
    struct cdp_call set[SCRIPT_FRAMES] = {0};
    int64_t deadline = clock_mono_ms() + ARM_MS;
    snprintf(script, sizeof(script), arm_script, watches[s->kind].events, watches[s->kind].gap_ms);
    s->n_frames = s->t->front ? script_frames(s->t, s->t->front, s->frames) : 0;
    int r = script_prepare(s->t, s->frames, s->n_frames, deadline, err);
    for (int i = 0; i < s->n_frames && !r; i++)
        if (script_start(s->t, &s->frames[i], script, false, &set[i]) ||
            script_start(s->t, &s->frames[i], armed_script, true, &s->calls[i]))
            set[i].id = 0;
    for (int i = 0; i < s->n_frames; i++) {
        struct err e = {0};
        if (!set[i].id)
            continue;
        int got = r ? r : cdp_finish(s->t->cdp, &set[i], deadline, NULL, &e);
        cdp_drop(s->t->cdp, &set[i]);
        if (got)
            cdp_drop(s->t->cdp, &s->calls[i]);
        if (!r && (got == E_GONE || got == E_CANCELLED))
            r = err_set(err, got, "%s", e.msg);
    }
    return r;
}

static bool front_is_fresh(const struct settle *s)
{
    const struct frame_info *main = s->t->front ? tabs_main_frame(s->t->front) : NULL;
    return s->navigated || (main && main->committed_us >= s->since_us);
}

/* --- what moves by itself -------------------------------------------------------------------- */

/* Turning and growing things do not damage the same rectangle twice. */
static struct rect with_margin(struct rect r)
{
    int mx = r.w / 8 + 6, my = r.h / 8 + 6;
    return (struct rect){r.x - mx, r.y - my, r.w + 2 * mx, r.h + 2 * my};
}

static void add_moving(struct damage_baseline *to, const struct damage_baseline *from)
{
    for (int i = 0; i < from->n && to->n < (int)ARRAY_SIZE(to->rects); i++)
        to->rects[to->n++] = with_margin(from->rects[i]);
}

/* Damage since the last settle ended is the page's own: no action was going on. What was moving at
 * that end is known from then. */
static void take_baseline(struct settle *s)
{
    struct damage_baseline recent;
    int64_t ms = s->memory->end_us
                     ? (clock_mono_us() - s->memory->end_us) / 1000 + QUIET_US / 1000 - 5
                     : 300;
    display_damage_baseline(s->d, ms > BASELINE_MAX_MS ? BASELINE_MAX_MS : (int)ms, &recent);
    s->baseline = s->memory->restless;
    add_moving(&s->baseline, &recent);
}

static void remember(struct settle *s, bool restless)
{
    struct damage_baseline moving;
    s->memory->end_us = clock_mono_us();
    if (!restless && front_is_fresh(s))
        s->memory->restless.n = 0;
    if (!restless)
        return;
    display_damage_baseline(s->d, RESTLESS_MEMORY_MS, &moving);
    s->memory->restless.n = 0;
    add_moving(&s->memory->restless, &moving);
}

int settle_arm(struct settle *s, struct tabs *t, struct display *d, struct settle_memory *memory,
               struct pool *pool, enum settle_kind kind, struct err *err)
{
    *s = (struct settle){.t = t, .d = d, .memory = memory, .kind = kind};
    int r = gone(s, err);
    if (!r && watches_events(s))
        r = arm_frames(s, err);
    if (r) {
        settle_drop(s);
        return r;
    }
    take_baseline(s);
    s->navigations = t->navigations;
    s->opened = t->opened;
    s->dialogs = t->asks.dialogs;
    s->declined = t->asks.declined;
    s->files = t->asks.files;
    s->refused_sign_ins = t->asks.refused_sign_ins;
    s->downloads = t->asks.begun;
    s->n_tabs = t->n_tabs;
    s->url = pool_strdup(pool, t->front ? t->front->url : "");
    if (t->front)
        memcpy(s->front, t->front->id, CDP_ID_BYTES);
    s->since_us = s->input_us = tabs_begin(t);
    return 0;
}

void settle_drop(struct settle *s)
{
    for (int i = 0; i < s->n_frames; i++)
        cdp_drop(s->t->cdp, &s->calls[i]);
    s->n_frames = 0;
}

/* --- the event ------------------------------------------------------------------------------- */

static void note_barrier(struct settle *s, double ms)
{
    int64_t us = (int64_t)(ms * 1000);
    s->barrier_us = clock_mono_us();
    s->slow_us = us > 3 * PAINT_US ? 3 * PAINT_US : us;
}

/* A frame has seen and painted the event, or the main document is gone because of it. An <iframe>
 * that goes away meanwhile may do so by itself. */
static bool event_over(struct settle *s)
{
    bool over = false;
    for (int i = 0; i < s->n_frames; i++) {
        struct cdp_call *call = &s->calls[i];
        if (!call->id || !call->done)
            continue;
        double ms = json_number_value(script_value(call->result));
        if ((call->code == E_UPSTREAM && i == 0) || ms >= 1) {
            note_barrier(s, ms);
            over = true;
        }
        cdp_drop(s->t->cdp, call);
    }
    return over;
}

static bool watching(const struct settle *s)
{
    for (int i = 0; i < s->n_frames; i++)
        if (s->calls[i].id)
            return true;
    return false;
}

/* Nobody has reported the event. Ask: a page that is only busy answers late, and then it has. */
static int ask_seen(struct settle *s, bool *ret_seen, struct err *err)
{
    struct cdp_call calls[SCRIPT_FRAMES] = {0};
    int r = 0;
    *ret_seen = false;
    for (int i = 0; i < s->n_frames; i++)
        if (s->calls[i].id && script_start(s->t, &s->frames[i], seen_script, false, &calls[i]))
            calls[i].id = 0;
    for (int i = 0; i < s->n_frames; i++) {
        struct err e = {0};
        json_t *result = NULL;
        if (!calls[i].id)
            continue;
        int got = r || *ret_seen ? E_TIMEOUT
                                 : cdp_finish(s->t->cdp, &calls[i], s->deadline_ms, &result, &e);
        cdp_drop(s->t->cdp, &calls[i]);
        if (!got && json_integer_value(script_value(result)))
            *ret_seen = true;
        json_decref(result);
        if (!r && (got == E_GONE || got == E_CANCELLED))
            r = err_set(err, got, "%s", e.msg);
    }
    return r;
}

static bool event_over_or_elsewhere(struct settle *s)
{
    return event_over(s) || !watching(s);
}

static int wait_event(struct settle *s, struct err *err)
{
    int64_t unseen_ms = s->input_us / 1000 + watches[s->kind].unseen_ms;
    bool seen = false;
    s->barrier_us = 0;
    int r = wait_for(s, event_over_or_elsewhere, unseen_ms, err);
    if (r || s->barrier_us)
        return r;
    /* A tab that went into the background has its timers slowed down: what it saw no longer
     * matters. */
    bool new_front = s->t->opened != s->opened;
    if (!new_front && watching(s) && !at_cap(s))
        r = ask_seen(s, &seen, err);
    if (!r && seen && !s->barrier_us)
        r = wait_for(s, event_over_or_elsewhere, s->deadline_ms, err);
    if (!r && !s->barrier_us)
        r = wait_for(s, event_over, s->input_us / 1000 + watches[s->kind].gap_ms, err);
    if (!s->barrier_us)
        note_barrier(s, 0);
    return r;
}

/* --- barriers -------------------------------------------------------------------------------- */

/* The main frame and the first frame of each other process: the rest share their threads. */
static int barrier_frames(const struct settle *s, struct frame_ref *out)
{
    struct frame_ref all[SCRIPT_FRAMES];
    int n = 0, n_all = s->t->front ? script_frames(s->t, s->t->front, all) : 0;
    for (int i = 0; i < n_all; i++)
        if (n == 0 || strcmp(all[i].session, all[i - 1].session) != 0)
            out[n++] = all[i];
    return n;
}

static int run_barrier(struct settle *s, bool fresh_document, struct err *err)
{
    struct frame_ref frames[SCRIPT_FRAMES];
    struct cdp_call calls[SCRIPT_FRAMES] = {0};
    double slowest = 0;
    int n = barrier_frames(s, frames);
    int64_t deadline = clock_mono_ms() + BARRIER_MS;
    if (deadline > s->deadline_ms)
        deadline = s->deadline_ms;
    int r = script_prepare(s->t, frames, n, deadline, err);
    for (int i = 0; i < n && !r; i++)
        if (script_start(s->t, &frames[i],
                         fresh_document && i == 0 ? first_paint_script : barrier_script, true,
                         &calls[i]))
            calls[i].id = 0;
    for (int i = 0; i < n; i++) {
        struct err e = {0};
        json_t *result = NULL;
        if (!calls[i].id)
            continue;
        int got = r ? r : cdp_finish(s->t->cdp, &calls[i], deadline, &result, &e);
        cdp_drop(s->t->cdp, &calls[i]);
        double ms = got ? 0 : json_number_value(script_value(result)) - 9;
        slowest = ms > slowest ? ms : slowest;
        json_decref(result);
        if (!r && (got == E_GONE || got == E_CANCELLED))
            r = err_set(err, got, "%s", e.msg);
    }
    note_barrier(s, slowest);
    return r;
}

/* --- requests and navigations ---------------------------------------------------------------- */

static bool work_is_done(struct settle *s)
{
    struct tabs_work w;
    int64_t now = clock_mono_us();
    tabs_work(s->t, s->since_us, &w);
    if (s->t->navigations != s->navigations || s->kind == SETTLE_LOAD)
        s->navigated = true;
    if (w.loading)
        s->loaded_us = 0;
    else if (!s->loaded_us)
        s->loaded_us = now;
    if (!w.loading && w.requests) {
        if (s->navigated && now - s->loaded_us > AFTER_LOAD_US)
            tabs_give_up(s->t, s->since_us, now);
        else
            tabs_give_up(s->t, s->since_us, now - PATIENCE_US);
        tabs_work(s->t, s->since_us, &w);
    }
    return !w.loading && !w.requests;
}

/* A new or closed window: which tab is in front now, and is its window the screen? */
static int follow_windows(struct settle *s, struct err *err)
{
    struct err e = {0};
    if (s->t->opened == s->opened && s->t->n_tabs == s->n_tabs && s->t->n_tabs < 2)
        return 0;
    int64_t deadline = clock_mono_ms() + FIT_MS;
    if (deadline > s->deadline_ms)
        deadline = s->deadline_ms;
    if (s->t->opened != s->opened || s->t->n_tabs != s->n_tabs) {
        int r = display_fit_window(s->d, deadline, &e);
        if (r == E_GONE || r == E_CANCELLED)
            return err_set(err, r, "%s", e.msg);
    }
    /* Which tab is in front must be known even then: one short answer of a living browser. */
    int64_t soon = clock_mono_ms() + FRONT_MIN_MS;
    return script_find_front(s->t, soon > deadline ? soon : deadline, err);
}

/* Wait for the work, then for the frames that show it, until no more work came meanwhile. */
static int wait_work(struct settle *s, bool *ret_any, struct err *err)
{
    int r = 0;
    *ret_any = false;
    while (!r && !at_cap(s)) {
        bool waited = false;
        while (!r && !work_is_done(s) && !at_cap(s)) {
            waited = true;
            r = wait_for(s, work_is_done, clock_mono_ms() + TURN_MS, err);
        }
        if (r || (!waited && (*ret_any || s->kind != SETTLE_LOAD)))
            break;
        *ret_any = true;
        r = follow_windows(s, err);
        if (!r)
            r = run_barrier(s, front_is_fresh(s), err);
        if (s->kind == SETTLE_LOAD && !waited)
            break;
    }
    return r;
}

/* --- the screen ------------------------------------------------------------------------------ */

static int64_t us_until_quiet(const struct settle *s)
{
    const struct damage_baseline *base = front_is_fresh(s) ? NULL : &s->baseline;
    int64_t now = clock_mono_us();
    int64_t painted = s->barrier_us + (s->slow_us > PAINT_US ? s->slow_us : PAINT_US);
    int64_t last = display_last_damage_us(s->d, base, now - QUIET_US);
    int64_t quiet = last ? last + QUIET_US : 0;
    int64_t until = painted > quiet ? painted : quiet;
    return until > now ? until - now : 0;
}

static bool screen_is_quiet(struct settle *s)
{
    return us_until_quiet(s) == 0;
}

static int wait_quiet(struct settle *s, struct err *err)
{
    int64_t restless_ms = clock_mono_ms() + RESTLESS_MS;
    int r = 0;
    while (!r && !screen_is_quiet(s) && clock_mono_ms() < restless_ms && !at_cap(s))
        r = wait_for(s, screen_is_quiet, clock_mono_ms() + us_until_quiet(s) / 1000 + 1, err);
    remember(s, !screen_is_quiet(s));
    return r;
}

/* --- after ----------------------------------------------------------------------------------- */

static bool waits_for_work(const struct settle *s)
{
    return s->kind != SETTLE_TYPE && s->kind != SETTLE_SCROLL;
}

static int wait_all(struct settle *s, struct err *err)
{
    bool more = true;
    int r = watches_events(s) ? wait_event(s, err) : 0;
    if (!s->barrier_us)
        note_barrier(s, 0);
    if (!waits_for_work(s))
        return r ? r : wait_quiet(s, err);
    r = r ? r : follow_windows(s, err);
    while (!r && more && !at_cap(s)) {
        r = wait_work(s, &more, err);
        if (!r)
            r = wait_quiet(s, err);
        more = !r && !work_is_done(s);
    }
    return r;
}

static void report(struct settle *s, struct pool *pool, struct settled *out)
{
    const struct session *front = s->t->front;
    const char *url = front ? front->url : "";
    out->new_tab = s->t->opened != s->opened && front && strcmp(front->id, s->front) != 0 &&
                   front->opened_us >= s->since_us;
    out->blank_tab = out->new_tab && (!*url || strcmp(url, "about:blank") == 0);
    out->url_changed = strcmp(url, s->url) != 0;
    out->navigated = s->t->navigations != s->navigations || (out->new_tab && !out->blank_tab);
    const struct asks *a = &s->t->asks;
    out->dialogs = a->dialogs - s->dialogs;
    out->declined = a->declined - s->declined;
    out->dialog_text = pool_strdup(pool, out->dialogs ? a->dialog_text : "");
    out->files = a->files - s->files;
    out->refused_sign_ins = a->refused_sign_ins - s->refused_sign_ins;
    out->downloads = a->begun - s->downloads;
    out->capped = waits_for_work(s) && (at_cap(s) || !work_is_done(s));
    out->settle_us = clock_mono_us() - s->input_us;
}

int settle_wait(struct settle *s, struct pool *pool, int cap_ms, struct settled *out,
                struct err *err)
{
    s->input_us = clock_mono_us();
    s->deadline_ms = clock_mono_ms() + cap_ms;
    int r = wait_all(s, err);
    settle_drop(s);
    if (r)
        return r;
    report(s, pool, out);
    return 0;
}
