/*
 * bench_settle.c - how long an action takes until the next observation shows its effect, and
 * whether it always does (issue "main job", done-when 2). Times include capture and encode.
 *
 * usage: bench_settle [rounds [plane]]     default: 10, both planes
 * Exits 1 when an effect was not shown; prints medians, asserts none. On both planes; on computer_plane, which
 * cannot know of them, without requests of the page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/str.h"
#include "plane/plane.h"
#include "sys/file.h"
#include "tools/http_stub.h"

#define CAP_MS     8000
#define ROUNDS_MAX 100

static const char page_html[] =
    "<!doctype html><meta charset=utf-8><title>settle</title><style>body{margin:0;height:4000px;"
    "background:linear-gradient(#fff,#88f)}#go{position:absolute;left:40px;top:40px;width:160px;"
    "height:50px}#in{position:absolute;left:40px;top:120px;width:400px;height:30px;padding:0;border:0;"
    "font:20px/30px monospace}#mark{position:absolute;left:0;top:0;width:4px;height:4px;background:#f0f}"
    "#box{position:absolute;left:600px;top:100px;width:200px;height:200px;background:#fff}"
    "@keyframes "
    "r{to{transform:rotate(360deg)}}#spin{position:absolute;left:900px;top:100px;width:120px;"
    "height:120px;background:#f80;animation:r 1s linear "
    "infinite}#tick{position:absolute;left:900px;"
    "top:300px}</style><div id=mark></div><button id=go>Go</button><input id=in><div id=box></div><script>"
    "const q=new URLSearchParams(location.search),fx=q.get('fx'),ms=q.get('ms')||0;let n=0;"
    "const show=()=>{box.style.background=++n%2?'rgb(0,160,0)':'rgb(0,0,160)'};"
    "go.onclick=()=>{if(fx=='now')show();else if(fx=='timer')setTimeout(show,+ms);"
    "else if(fx=='request')fetch('/data?delay='+ms).then(r=>r.text()).then(show);"
    "else location='/done?delay='+ms};"
    "if(q.get('anim')){const d=document.createElement('div');d.id='spin';document.body.append(d);"
    "const t=document.createElement('div');t.id='tick';document.body.append(t);"
    "const f=()=>{t.textContent=performance.now();requestAnimationFrame(f)};f()}</script>";
static const char done_html[] =
    "<!doctype html><title>done</title><style>body{margin:0}#box{position:"
    "absolute;left:600px;top:100px;width:200px;height:200px;"
    "background:rgb(0,160,0)}</style><div id=box></div><h1>Done</h1>";
static const struct http_page pages[] = {
    {.path = "/page", .body = page_html},
    {.path = "/done", .body = done_html},
    {.path = "/data", .body = "ok", .type = "text/plain"},
    {0},
};

struct bench {
    struct plane *plane;
    struct http_stub *site;
    int top; /* px of the screen above the page */
    int rounds, missed;
    double perceive_ms[4096];
    int n_perceive;
};

struct fx {
    const char *label, *fx;
    int ms;
};

static void must(int r, const struct err *err)
{
    if (!r)
        return;
    fprintf(stderr, "bench_settle: %s\n", err->msg);
    exit(2);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *v, int n, double q)
{
    if (!n)
        return 0;
    qsort(v, (size_t)n, sizeof(*v), compare);
    int i = (int)(q * (n - 1) + 0.5);
    return v[i];
}

static void look(struct bench *b, struct pool *pool, unsigned what, struct observation *out)
{
    struct err err = {0};
    must(plane_observe(b->plane, pool, what, 5000, out, &err), &err);
    if ((what & OBSERVE_PNG) && b->n_perceive < (int)ARRAY_SIZE(b->perceive_ms))
        b->perceive_ms[b->n_perceive++] = (double)out->perceive_us / 1000;
}

static uint32_t pixel(const struct frame *f, struct point p)
{
    return *(const uint32_t *)(f->pixels + (size_t)p.y * (size_t)f->stride + (size_t)p.x * 4) &
           0xffffff;
}

/* The page begins at its mark. */
static bool find_top(struct bench *b, struct pool *pool)
{
    struct observation o;
    look(b, pool, OBSERVE_FRAME, &o);
    for (b->top = 0; b->top < o.frame.height; b->top++)
        if (pixel(&o.frame, (struct point){2, b->top}) == 0xff00ff)
            return true;
    return false;
}

static void open_page(struct bench *b, struct pool *pool, const char *fx, int ms, bool animated)
{
    struct settled s;
    struct err err = {0};
    const char *url = pool_printf(pool, "%s?fx=%s&ms=%d%s", http_stub_url(b->site, "/page"), fx, ms,
                                  animated ? "&anim=1" : "");
    must(plane_navigate(b->plane, pool, url, CAP_MS, &s, &err), &err);
}

/* Act, look, and return the time of both. */
static double timed(struct bench *b, struct pool *pool, const struct action *a,
                    struct observation *out)
{
    struct settled s;
    struct err err = {0};
    int64_t start = clock_mono_us();
    must(plane_act(b->plane, pool, a, CAP_MS, &s, &err), &err);
    look(b, pool, OBSERVE_PNG, out);
    return (double)(clock_mono_us() - start) / 1000;
}

static void print_row(struct bench *b, const char *label, bool animated, int shown, double *ms)
{
    double median = quantile(ms, b->rounds, 0.5), p95 = quantile(ms, b->rounds, 0.95);
    printf("%-34s %-9s %3d/%-3d %8.0f %8.0f\n", label, animated ? "animated" : "still", shown,
           b->rounds, median, p95);
    fflush(stdout);
    b->missed += b->rounds - shown;
}

static void bench_click(struct bench *b, const struct fx *fx, bool animated)
{
    double ms[ROUNDS_MAX];
    int shown = 0;
    struct pool *pool = pool_create(NULL);
    bool leaves = strcmp(fx->fx, "nav") == 0;
    open_page(b, pool, fx->fx, fx->ms, animated);
    struct point button = {120, b->top + 65}, box = {700, b->top + 200};
    for (int i = 0; i < b->rounds; i++) {
        struct pool *step = pool_create(pool);
        struct observation o;
        struct action click = {
            .type = ACTION_CLICK, .x = button.x, .y = button.y, .button = BUTTON_LEFT};
        if (leaves && i)
            open_page(b, step, fx->fx, fx->ms, animated);
        ms[i] = timed(b, step, &click, &o);
        shown += pixel(&o.frame, box) == (leaves || i % 2 == 0 ? 0x00a000u : 0x0000a0u);
        pool_destroy(step);
    }
    print_row(b, fx->label, animated, shown, ms);
    pool_destroy(pool);
}

/* Of the last of 20 characters in the field: a sum that another digit changes. */
static uint32_t last_character(const struct bench *b, const struct frame *f)
{
    uint32_t sum = 0;
    for (int y = 121; y < 149; y++)
        for (int x = 40 + 19 * 12; x < 40 + 20 * 12 + 2; x++)
            sum = sum * 31 + (pixel(f, (struct point){x, b->top + y}) < 0x808080);
    return sum;
}

static void bench_type(struct bench *b, bool animated)
{
    uint32_t before = 0;
    double ms[ROUNDS_MAX];
    int shown = 0;
    struct pool *pool = pool_create(NULL);
    open_page(b, pool, "now", 0, animated);
    struct point in = {240, b->top + 135};
    for (int i = 0; i < b->rounds; i++) {
        struct pool *step = pool_create(pool);
        struct observation o;
        struct action click = {.type = ACTION_CLICK, .x = in.x, .y = in.y, .button = BUTTON_LEFT};
        struct action clear = {.type = ACTION_KEY_PRESS, .keys = "ctrl+a"};
        const char *text = pool_printf(step, "twenty characters %02d", i);
        struct action type = {.type = ACTION_TYPE_TEXT, .text = text};
        timed(b, step, &click, &o);
        timed(b, step, &clear, &o);
        ms[i] = timed(b, step, &type, &o);
        uint32_t now = last_character(b, &o.frame);
        shown += now != before && now;
        before = now;
        pool_destroy(step);
    }
    print_row(b, "type 20 characters", animated, shown, ms);
    pool_destroy(pool);
}

/* Shown: the row of pixels that was left of everything moves with the page's gradient. */
static void bench_scroll(struct bench *b, bool animated)
{
    double ms[ROUNDS_MAX];
    int shown = 0;
    struct pool *pool = pool_create(NULL);
    open_page(b, pool, "now", 0, animated);
    for (int i = 0; i < b->rounds; i++) {
        struct pool *step = pool_create(pool);
        struct observation before, after;
        struct action wheel = {.type = ACTION_SCROLL, .x = 500, .y = 600, .dy = i % 2 ? -5 : 5};
        look(b, step, OBSERVE_FRAME, &before);
        ms[i] = timed(b, step, &wheel, &after);
        struct point p = {20, 650};
        shown += pixel(&before.frame, p) != pixel(&after.frame, p);
        pool_destroy(step);
    }
    print_row(b, "scroll 5 notches", animated, shown, ms);
    pool_destroy(pool);
}

static const struct fx effects[] = {
    {"click, effect at once", "now", 0},
    {"click, effect by 200 ms timer", "timer", 200},
    {"click, request answered in 0 ms", "request", 0},
    {"click, request answered in 300 ms", "request", 300},
    {"click, request answered in 1000 ms", "request", 1000},
    {"click, request answered in 2000 ms", "request", 2000},
    {"click, navigation in 0 ms", "nav", 0},
    {"click, navigation in 300 ms", "nav", 300},
    {"click, navigation in 1000 ms", "nav", 1000},
    {"click, navigation in 2000 ms", "nav", 2000},
};

static void run_all(struct bench *b, bool requests)
{
    printf("%-34s %-9s %-7s %8s %8s\n", "case", "page", "shown", "median", "p95 ms");
    for (int animated = 0; animated < 2; animated++) {
        for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
            if (requests || strcmp(effects[i].fx, "request"))
                bench_click(b, &effects[i], animated);
        bench_type(b, animated);
        bench_scroll(b, animated);
    }
    printf("%-34s %-9s %-7d %8.1f %8.1f\n", "perceive (capture + encode)", "", b->n_perceive,
           quantile(b->perceive_ms, b->n_perceive, 0.5),
           quantile(b->perceive_ms, b->n_perceive, 0.95));
}

static void run_on(struct bench *b, const char *plane, const char *dir, bool requests)
{
    struct err err = {0};
    struct loop *loop;
    struct pool *pool = pool_create(NULL);
    struct plane_config config = {.profile_dir = pool_printf(pool, "%s/%s", dir, plane),
                                  .tmp_dir = dir};
    must(loop_create(&loop, &err), &err);
    must(plane_create(plane, loop, &config, 30000, &b->plane, &err), &err);
    printf("%s\n", plane);
    open_page(b, pool, "now", 0, false);
    if (!find_top(b, pool)) {
        fprintf(stderr, "bench_settle: the page is not shown\n");
        exit(2);
    }
    b->n_perceive = 0;
    run_all(b, requests);
    plane_destroy(b->plane, false);
    loop_destroy(loop);
    pool_destroy(pool);
}

int main(int argc, char **argv)
{
    static struct bench b;
    static const struct {
        const char *name;
        bool requests; /* of the page: it is known when they are answered */
    } planes[] = {{"browser_use_plane", true}, {"computer_plane", false}};
    char dir[] = "/tmp/bench_settleXXXXXX";
    struct err err = {0};
    b.rounds = argc > 1 ? atoi(argv[1]) : 10;
    if (b.rounds < 1 || b.rounds > ROUNDS_MAX || !mkdtemp(dir) || chmod(dir, 0711)) {
        fprintf(stderr, "usage: bench_settle [1..%d [browser_use_plane|computer_plane]]\n", ROUNDS_MAX);
        return 2;
    }
    b.site = http_stub_start(pages);
    for (size_t i = 0; i < ARRAY_SIZE(planes); i++)
        if (argc < 3 || strcmp(argv[2], planes[i].name) == 0)
            run_on(&b, planes[i].name, dir, planes[i].requests);
    http_stub_stop(b.site);
    if (file_remove_tree(dir, &err))
        fprintf(stderr, "bench_settle: %s\n", err.msg);
    if (b.missed)
        fprintf(stderr, "bench_settle: %d effects were not shown\n", b.missed);
    return b.missed ? 1 : 0;
}
