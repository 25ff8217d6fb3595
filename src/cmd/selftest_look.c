#include "cmd/selftest_look.h"

#include <arpa/inet.h>
#include <libgen.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "sched/sched.h"
#include "sys/file.h"
#include "sys/httpd.h"
#include "sys/proc.h"

#define END_MS 800 /* for a worker that is told to end: whoever ends us waits for 1 s (engine/trial.c) */

/* --- the page -------------------------------------------------------------------------------- */

/* Middles in percent of what a browser shows: corners, edges and between, so that a wrong scale
 * shows as well as a shift. Small, so that 40 px beside it is beside it. Names that sound and look
 * different. */
static const struct {
    const char *label;
    int x, y;
} buttons[] = {{"Alder", 7, 12},   {"Birch", 93, 16}, {"Cedar", 50, 47}, {"Elm", 8, 92},
               {"Poplar", 92, 90}, {"Hazel", 30, 29}, {"Maple", 71, 66}, {"Oak", 27, 71}};

static const char page_head[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Buttons</title><style>"
    "body{margin:0;background:#fff;font:15px "
    "sans-serif;overflow:hidden}h1{font-size:20px;text-align:center}"
    "button{position:fixed;width:72px;height:28px;transform:translate(-50%,-50%);font:14px "
    "sans-serif;"
    "background:#e8eef7;color:#123;border:1px solid #567;border-radius:4px;padding:0}</style>"
    "<h1>Trees</h1>";

static const char *page_text_of(struct pool *pool)
{
    const char *out = page_head;
    for (size_t i = 0; i < ARRAY_SIZE(buttons); i++)
        out = pool_printf(pool, "%s<button style='left:%d%%;top:%d%%'>%s</button>", out,
                          buttons[i].x, buttons[i].y, buttons[i].label);
    return out;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    const char *page = arg;
    bool there = !strcmp(url, "/") && !strcmp(method, "GET");
    struct MHD_Response *r = MHD_create_response_from_buffer(
        there ? strlen(page) : 0, (void *)(uintptr_t)page, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "text/html");
    enum MHD_Result ok = MHD_queue_response(conn, there ? 200 : 404, r);
    MHD_destroy_response(r);
    return ok;
}

static int serve_page(struct pool *pool, struct loop *loop, struct httpd *out, int *ret_port,
                      struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request,
                                            (void *)(uintptr_t)page_text_of(pool),
                                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at,
                                            MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
    if (!d)
        return err_sys(err, E_IO, "cannot listen on 127.0.0.1");
    *ret_port = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port;
    return httpd_start(out, loop, d, err);
}

/* --- the worker ------------------------------------------------------------------------------ */

struct errand {
    struct pool *pool;
    struct loop *loop;
    const struct settings *settings;
    const char *dir, *program;
    struct proc proc;
};

/* One that no run works as: behind the last slot's. */
static uid_t user_of(const struct settings *s)
{
    return geteuid() == 0 ? (uid_t)(s->run_uid_base + s->concurrency) : 0;
}

static int make_dir(struct errand *e, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = pool_printf(e->pool, "%s/mantis-selftest-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return err_sys(err, E_IO, "cannot make a directory '%s'", dir);
    e->dir = dir;
    int r = file_mkdirs(pool_printf(e->pool, "%s/tmp", dir), 0700, err);
    return r ? r : file_mkdirs(pool_printf(e->pool, "%s/profile", dir), 0700, err);
}

static int write_wanted(struct errand *e, const struct profile *p, int width, int height, int port,
                        struct err *err)
{
    static const char *const formats[PICTURE_FORMATS] = {
        [PICTURE_PNG] = "png", [PICTURE_JPEG] = "jpeg", [PICTURE_WEBP] = "webp"};
    int w, h;
    request_image_size(p, width, height, &w, &h);
    json_t *doc = json_pack("{s:s,s:i,s:i,s:s,s:b,s:{s:i,s:i,s:s,s:i}}", "url",
                            pool_printf(e->pool, "http://127.0.0.1:%d/", port), "width", width,
                            "height", height, "browser", e->settings->browser, "sandbox_off",
                            e->settings->sandbox_off, "picture", "width", w, "height", h, "format",
                            formats[p->format], "quality", p->quality);
    const char *text = json_text(e->pool, json_keep(e->pool, doc));
    int r = file_write_soon(pool_printf(e->pool, "%s/shot.json", e->dir), text, strlen(text), 0600,
                            err);
    return r || !user_of(e->settings) ? r : file_chown_tree(e->dir, user_of(e->settings), err);
}

static int spawn(struct errand *e, unsigned flags, struct err *err)
{
    const char *path = getenv("PATH");
    const char *tmp = flags & PROC_ISOLATE ? "/tmp" : pool_printf(e->pool, "%s/tmp", e->dir);
    const char *argv[] = {e->program, "--shot", e->dir, NULL};
    const char *keep[] = {e->dir, dirname(pool_strdup(e->pool, e->program)), NULL};
    const char *env[] = {
        pool_printf(e->pool, "PATH=%s", path && *path ? path : "/usr/local/bin:/usr/bin:/bin"),
        pool_printf(e->pool, "HOME=%s", e->dir),
        pool_printf(e->pool, "TMPDIR=%s", tmp),
        "LANG=C.UTF-8",
        "TZ=UTC",
        NULL};
    struct proc_spec spec = {.argv = argv,
                             .env = env,
                             .cwd = e->dir,
                             .uid = user_of(e->settings),
                             .flags = flags,
                             .keep = keep};
    return proc_spawn(&spec, &e->proc, err);
}

/* Isolated as a run is, where the kernel lets us. */
static int start_worker(struct errand *e, struct err *err)
{
    struct err refused = {0};
    int r = spawn(e, PROC_ISOLATE | PROC_DIE_WITH_PARENT, &refused);
    if (r == E_FORBIDDEN)
        return spawn(e, PROC_DIE_WITH_PARENT, err);
    return r ? err_set(err, r, "%s", refused.msg) : 0;
}

static void on_end(void *arg, uint32_t events)
{
    *(bool *)arg = true;
}

static bool is_true(void *arg)
{
    return *(bool *)arg;
}

static int run_worker(struct errand *e, int64_t deadline_mono_ms, struct err *err)
{
    struct loop_fd *watch = NULL;
    bool ended = false;
    int r = start_worker(e, err);
    r = r ? r : loop_fd_add(e->loop, e->proc.pidfd, EPOLLIN, on_end, &ended, &watch, err);
    if (!r) {
        r = loop_wait(e->loop, is_true, &ended, deadline_mono_ms);
        if (r)
            err_set(err, r, r == E_TIMEOUT ? "the page was not drawn in time" : "interrupted");
    }
    loop_fd_remove(watch);
    proc_end(&e->proc, END_MS);
    return r;
}

/* --- what it saw ----------------------------------------------------------------------------- */

static bool read_box(const json_t *list, struct rect *out)
{
    int v[4];
    for (size_t i = 0; i < 4; i++)
        v[i] = (int)json_integer_value(json_array_get(list, i));
    *out = (struct rect){v[0], v[1], v[2], v[3]};
    return out->w > 0 && out->h > 0;
}

static int read_targets(struct pool *pool, const json_t *seen, struct selftest_sight *out,
                        struct err *err)
{
    struct selftest_target *targets = pool_alloc(pool, ARRAY_SIZE(buttons) * sizeof(*targets));
    const json_t *list = json_object_get(seen, "buttons");
    size_t i;
    json_t *one;
    out->n = 0;
    json_array_foreach ((json_t *)list, i, one)
        for (size_t b = 0; b < ARRAY_SIZE(buttons); b++)
            if (out->n < (int)ARRAY_SIZE(buttons) &&
                !strcmp(json_str(one, "label", ""), buttons[b].label) &&
                read_box(json_object_get(one, "box"), &targets[out->n].box))
                targets[out->n++].label = buttons[b].label;
    out->targets = targets;
    return out->n == (int)ARRAY_SIZE(buttons)
               ? 0
               : err_set(err, E_INTERNAL, "the page shows %d of its %zu buttons", out->n,
                         ARRAY_SIZE(buttons));
}

static int read_sight(struct errand *e, const struct profile *p, struct selftest_sight *out,
                      struct err *err)
{
    char *data;
    json_t *doc;
    int r = json_parse_file(pool_printf(e->pool, "%s/seen.json", e->dir), &doc, NULL);
    if (r)
        return err_set(err, E_IO, "the worker ended without a picture of the page");
    json_keep(e->pool, doc);
    const char *why = json_str(doc, "error", NULL);
    if (why)
        return err_set(err, E_UNAVAILABLE, "%s", why);
    out->screen_w = (int)json_int(doc, "width", 0);
    out->screen_h = (int)json_int(doc, "height", 0);
    request_image_size(p, out->screen_w, out->screen_h, &out->picture.width, &out->picture.height);
    r = file_read(e->pool, pool_printf(e->pool, "%s/picture", e->dir), CAP_SCREENSHOT_BYTES, &data,
                  &out->picture.len, err);
    out->picture.data = (const uint8_t *)data;
    return r ? r : read_targets(e->pool, doc, out, err);
}

int selftest_look(struct pool *pool, struct loop *loop, const struct settings *settings,
                  const struct profile *profile, int width, int height, int64_t deadline_mono_ms,
                  struct selftest_sight *out, struct err *err)
{
    struct errand e = {.pool = pool,
                       .loop = loop,
                       .settings = settings,
                       .program = ready_worker_program(pool),
                       .proc = PROC_NONE};
    struct httpd httpd = {0};
    int port = 0, r = make_dir(&e, err);
    r = r ? r : serve_page(pool, loop, &httpd, &port, err);
    r = r ? r : write_wanted(&e, profile, width, height, port, err);
    r = r ? r : run_worker(&e, deadline_mono_ms, err);
    r = r ? r : read_sight(&e, profile, out, err);
    httpd_stop(&httpd);
    if (e.dir && file_remove_tree(e.dir, NULL))
        fprintf(stderr, "warning: '%s' is left behind\n", e.dir);
    return r;
}
