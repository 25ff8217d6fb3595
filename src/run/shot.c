#include "run/shot.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "brain/model/picture.h"
#include "plane/plane.h"
#include "sys/file.h"
#include "sys/proc.h"

enum {
    START_MS = 45000, /* for the browser */
    OPEN_MS = 15000,
    LOOK_MS = 10000,
};

struct shot {
    struct loop *loop;
    struct pool *pool;
    const char *dir;
    const json_t *wanted;
    struct plane *plane;
    struct observation seen;
};

/* SIGTERM ends every wait. What the browser orphans comes to us; the plane reaps its own. */
static void on_signal(void *arg, int signo)
{
    struct shot *s = arg;
    if (signo == SIGTERM)
        loop_interrupt(s->loop);
}

static int set_up(struct shot *s, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int r = loop_create(&s->loop, err);
    return r ? r : loop_signals(s->loop, &set, on_signal, s, err);
}

static const char *file_in(const struct shot *s, const char *name)
{
    return pool_printf(s->pool, "%s/%s", s->dir, name);
}

static int read_wanted(struct shot *s, struct err *err)
{
    json_t *doc;
    int r = json_parse_file(file_in(s, "shot.json"), &doc, err);
    s->wanted = r ? NULL : json_keep(s->pool, doc);
    return r;
}

/* --- the look -------------------------------------------------------------------------------- */

static int open_page(struct shot *s, struct err *err)
{
    const char *browser = json_str(s->wanted, "browser", ""), *url = json_str(s->wanted, "url", "");
    struct plane_config config = {.width = (int)json_int(s->wanted, "width", 0),
                                  .height = (int)json_int(s->wanted, "height", 0),
                                  .profile_dir = file_in(s, "profile"),
                                  .tmp_dir = file_in(s, "tmp"),
                                  .browser = *browser ? browser : NULL,
                                  .sandbox_off = json_flag(s->wanted, "sandbox_off", false)};
    struct settled settled;
    int r = plane_create("browser_use_plane", s->loop, &config, START_MS, &s->plane, err);
    return r ? r : plane_navigate(s->plane, s->pool, url, OPEN_MS, &settled, err);
}

static json_t *buttons_of(const struct page *page)
{
    json_t *list = json_array();
    for (int i = 0; page && i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (!strcmp(n->tag, "button") && (n->flags & NODE_IN_VIEW))
            json_push(list, json_pack("{s:o,s:[i,i,i,i]}", "label", json_string_safe(n->name),
                                      "box", n->box.x, n->box.y, n->box.w, n->box.h));
    }
    return list;
}

static int keep_picture(struct shot *s, struct err *err)
{
    static const char *const names[PICTURE_FORMATS] = {
        [PICTURE_PNG] = "png", [PICTURE_JPEG] = "jpeg", [PICTURE_WEBP] = "webp"};
    const json_t *p = json_object_get(s->wanted, "picture");
    struct profile profile = {.quality = (int)json_int(p, "quality", 85)};
    struct model_frame out;
    for (int i = 0; i < PICTURE_FORMATS; i++)
        if (!strcmp(names[i], json_str(p, "format", "")))
            profile.format = (enum picture_format)i;
    int r = model_picture(NULL, s->pool, &profile, &s->seen.frame, (int)json_int(p, "width", 0),
                          (int)json_int(p, "height", 0), &out, err);
    return r ? r : file_write_soon(file_in(s, "picture"), out.data, out.len, 0644, err);
}

static int look(struct shot *s, struct err *err)
{
    int r = open_page(s, err);
    if (!r)
        r = plane_observe(s->plane, s->pool, OBSERVE_FRAME | OBSERVE_PAGE, LOOK_MS, &s->seen, err);
    return r ? r : keep_picture(s, err);
}

/* --- what is told ---------------------------------------------------------------------------- */

static int tell(const struct shot *s, int r, const struct err *why)
{
    const struct frame *f = &s->seen.frame;
    json_t *doc =
        r ? json_pack("{s:o}", "error", json_string_safe(*why->msg ? why->msg : err_name(r)))
          : json_pack("{s:i,s:i,s:o}", "width", f->width, "height", f->height, "buttons",
                      buttons_of(s->seen.page));
    const char *text = json_text(s->pool, json_keep(s->pool, doc));
    return file_write_soon(file_in(s, "seen.json"), text, strlen(text), 0644, NULL) ? 1 : 0;
}

static void end_plane(struct shot *s)
{
    if (s->loop)
        loop_interrupt_clear(s->loop);
    plane_destroy(s->plane, PLANE_END_NOW);
    proc_kill_descendants();
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

int shot_main(const char *dir)
{
    struct shot s = {.pool = pool_create(NULL), .dir = dir};
    struct err err = {0};
    int r = set_up(&s, &err);
    r = r ? r : read_wanted(&s, &err);
    r = r ? r : look(&s, &err);
    end_plane(&s);
    int status = tell(&s, r, &err);
    loop_destroy(s.loop);
    pool_destroy(s.pool);
    return status;
}
