#include "run/live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "base/clock.h"
#include "core/patches.h"
#include "core/picture.h"
#include "sys/blobs.h"

#define FPS     15
#define QUALITY 75 /* of the JPEGs: text stays readable */

struct live {
    struct blobs_writer *writer;
    struct camera *camera;
    struct camera_watch *watch;
    bool regions, frames;
    uint8_t *shown; /* pixels that were sent, rows of 4 * width; NULL: nothing yet */
    int width, height;
};

/* --- one picture ------------------------------------------------------------------------------- */

static int64_t wall_us(const struct frame *f)
{
    return clock_wall_us() - (clock_mono_us() - f->taken_us);
}

/* The camera has painted the masks. */
static bool add(struct buf *out, struct pool *pool, const struct frame *f, struct rect at)
{
    struct frame part;
    const uint8_t *jpeg;
    size_t len;
    if (!frame_crop(f, &at, &part))
        return false;
    part.n_masks = 0;
    if (picture_encode(pool, &part, PICTURE_JPEG, QUALITY, &jpeg, &len, NULL))
        return false;
    patches_add(out, &at, jpeg, len);
    return true;
}

/* E_TOOBIG is left to a later picture, which may be smaller. */
static bool sent(struct live *live, const struct buf *message)
{
    return !message->failed && !blobs_write(live->writer, message->data, message->len);
}

static bool send_frame(struct live *live, const struct frame *f)
{
    struct pool *pool = pool_create(NULL);
    struct buf out;
    buf_init(&out, CAP_PICTURE_MESSAGE_BYTES);
    const struct patches head = {
        .kind = PATCHES_FRAME, .flags = PATCHES_WHOLE, .width = f->width, .height = f->height, .taken_us = wall_us(f)};
    patches_begin(&out, &head);
    bool ok = add(&out, pool, f, (struct rect){0, 0, f->width, f->height});
    patches_end(&out, 1);
    ok = ok && sent(live, &out);
    buf_release(&out);
    pool_destroy(pool);
    return ok;
}

static void forget(struct live *live)
{
    free(live->shown);
    live->shown = NULL;
}

static bool differs(const struct live *live, const struct frame *f, struct rect at)
{
    const uint8_t *now = f->pixels + (size_t)at.y * (size_t)f->stride + 4 * (size_t)at.x;
    const uint8_t *before = live->shown + 4 * ((size_t)at.y * (size_t)live->width + (size_t)at.x);
    for (int y = 0; y < at.h; y++, now += f->stride, before += 4 * (size_t)live->width)
        if (memcmp(now, before, 4 * (size_t)at.w))
            return true;
    return false;
}

static void remember(struct live *live, const struct frame *f, struct rect at)
{
    const uint8_t *now = f->pixels + (size_t)at.y * (size_t)f->stride + 4 * (size_t)at.x;
    uint8_t *before = live->shown + 4 * ((size_t)at.y * (size_t)live->width + (size_t)at.x);
    for (int y = 0; y < at.h; y++, now += f->stride, before += 4 * (size_t)live->width)
        memcpy(before, now, 4 * (size_t)at.w);
}

static int add_changes(struct live *live, struct buf *out, const struct frame *f, bool all)
{
    struct pool *pool = pool_create(NULL);
    int n = 0, cells = patch_columns(f->width) * patch_rows(f->height);
    for (int i = 0; i < cells; i++) {
        struct rect at = patch_rect(f->width, f->height, i);
        if (!all && !differs(live, f, at))
            continue;
        remember(live, f, at);
        n += add(out, pool, f, at);
    }
    pool_destroy(pool);
    return n;
}

static bool send_regions(struct live *live, const struct frame *f)
{
    struct buf out;
    bool all = !live->shown || live->width != f->width || live->height != f->height;
    if (all) {
        forget(live);
        live->width = f->width;
        live->height = f->height;
        live->shown = malloc(4 * (size_t)f->width * (size_t)f->height);
        if (!live->shown)
            BUG("out of memory");
    }
    buf_init(&out, CAP_PICTURE_MESSAGE_BYTES);
    const struct patches head = {.kind = PATCHES_REGIONS,
                                 .flags = all ? PATCHES_WHOLE : 0,
                                 .width = f->width,
                                 .height = f->height,
                                 .taken_us = wall_us(f)};
    patches_begin(&out, &head);
    int n = add_changes(live, &out, f, all);
    patches_end(&out, n);
    bool ok = !n || sent(live, &out);
    if (!ok)
        forget(live);
    buf_release(&out);
    return ok;
}

static bool on_picture(void *arg, const struct frame *frame)
{
    struct live *live = arg;
    if (!blobs_has_room(live->writer))
        return false;
    bool ok = !live->regions || send_regions(live, frame);
    return (!live->frames || send_frame(live, frame)) && ok;
}

/* --- life -------------------------------------------------------------------------------------- */

static bool is_socket(int fd)
{
    int type;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

struct live *live_create(struct loop *loop, int fd)
{
    struct live *live = is_socket(fd) ? calloc(1, sizeof(*live)) : NULL;
    if (live && blobs_writer_create(loop, fd, &live->writer, NULL)) {
        free(live);
        return NULL;
    }
    return live;
}

void live_destroy(struct live *live)
{
    if (!live)
        return;
    camera_unsubscribe(live->watch);
    blobs_writer_destroy(live->writer);
    forget(live);
    free(live);
}

bool live_is_watched(const struct live *live)
{
    return live && (live->regions || live->frames);
}

/* A new watch begins with a picture, whether something was drawn or not. */
static void look_again(struct live *live)
{
    camera_unsubscribe(live->watch);
    live->watch = live->camera && live_is_watched(live) ? camera_subscribe(live->camera, FPS, on_picture, live)
                                                        : NULL;
}

void live_use(struct live *live, struct camera *camera)
{
    if (!live)
        return;
    if (!camera)
        camera_unsubscribe(live->watch);
    live->watch = camera ? live->watch : NULL;
    live->camera = camera;
    if (camera)
        look_again(live);
}

void live_watch(struct live *live, bool regions, bool frames)
{
    if (!live)
        return;
    if (!regions || !live->regions)
        forget(live);
    live->regions = regions;
    live->frames = frames;
    look_again(live);
}
