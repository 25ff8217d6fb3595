/*
 * capture.c - the screen by MIT-SHM 1.2. The memory is a memfd whose descriptor goes to the server,
 * so no System V segment exists that could be left behind.
 */
#include "plane/x11/priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

static int need_shm(struct display *d, struct err *err)
{
    void *reply = NULL;
    const xcb_query_extension_reply_t *x = xcb_get_extension_data(d->conn, &xcb_shm_id);
    if (!x || !x->present)
        return err_set(err, E_UNSUPPORTED, "the display server has no MIT-SHM extension");
    int r = x_reply(d, xcb_shm_query_version(d->conn).sequence, &reply, err);
    if (r)
        return r;
    const xcb_shm_query_version_reply_t *v = reply;
    bool passes_fds = v && (v->major_version > 1 || v->minor_version >= 2);
    free(reply);
    return passes_fds ? 0 : err_set(err, E_UNSUPPORTED, "the display server's MIT-SHM is too old");
}

static int attach(struct display *d, xcb_shm_seg_t *segment, uint8_t **shm, struct err *err)
{
    int r = 0;
    int fd = memfd_create("screen", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)d->shm_len)) {
        r = err_sys(err, E_IO, "cannot make the memory for screen captures");
        goto out;
    }
    void *map = mmap(NULL, d->shm_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        r = err_sys(err, E_IO, "cannot map the memory for screen captures");
        goto out;
    }
    *shm = map;
    *segment = xcb_generate_id(d->conn);
    xcb_shm_attach_fd(d->conn, *segment, fd, 0); /* XCB closes fd */
    fd = -1;
out:
    if (fd >= 0)
        close(fd);
    return r;
}

int capture_setup(struct display *d, struct err *err)
{
    int r = need_shm(d, err);
    d->shm_len = (size_t)d->width * (size_t)d->height * 4;
    if (!r)
        r = attach(d, &d->segment, &d->shm, err);
    return r ? r : attach(d, &d->watch_segment, &d->watch_shm, err);
}

void capture_finish(struct display *d)
{
    if (d->shm)
        munmap(d->shm, d->shm_len);
    if (d->watch_shm)
        munmap(d->watch_shm, d->shm_len);
}

/* Have area copied from the screen to the start of the shared memory, rows packed. Returns what to
 * await. */
static unsigned ask(struct display *d, const struct rect *area, xcb_shm_seg_t segment)
{
    return xcb_shm_get_image(d->conn, d->root, (int16_t)area->x, (int16_t)area->y,
                             (uint16_t)area->w, (uint16_t)area->h, ~0u, XCB_IMAGE_FORMAT_Z_PIXMAP,
                             segment, 0)
        .sequence;
}

static int copied(const void *reply, struct err *err)
{
    return reply ? 0 : err_set(err, E_IO, "the display server refused to copy the screen");
}

static int fetch(struct display *d, const struct rect *area, struct err *err)
{
    void *reply = NULL;
    int r = x_reply(d, ask(d, area, d->segment), &reply, err);
    if (!r)
        r = copied(reply, err);
    free(reply);
    return r;
}

static struct frame frame_of(const struct display *d, const uint8_t *pixels)
{
    return (struct frame){
        .width = d->width,
        .height = d->height,
        .stride = d->width * 4,
        .taken_us = clock_mono_us(),
        .pixels = pixels,
    };
}

int display_fingerprint(struct display *d, const struct rect *area, uint64_t *ret, struct err *err)
{
    int r = fetch(d, area, err);
    if (r)
        return r;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    const uint32_t *pixels = (const void *)d->shm;
    for (int i = 0; i < area->w * area->h; i++)
        h = (h ^ (pixels[i] & 0xffffff)) * 0x100000001b3u;
    *ret = h;
    return 0;
}

int display_glance(struct display *d, struct frame *out, uint8_t **ret_pixels, struct err *err)
{
    const struct rect all = {0, 0, d->width, d->height};
    int r = fetch(d, &all, err);
    if (r)
        return r;
    *out = frame_of(d, d->shm);
    *ret_pixels = d->shm;
    return 0;
}

void display_ask_picture(struct display *d)
{
    const struct rect all = {0, 0, d->width, d->height};
    if (d->asked)
        xcb_discard_reply(d->conn, d->asked);
    d->asked = d->gone ? 0 : ask(d, &all, d->watch_segment);
    xcb_flush(d->conn);
}

int display_take_picture(struct display *d, struct frame *out, uint8_t **ret_pixels,
                         struct err *err)
{
    void *reply = NULL;
    xcb_generic_error_t *refused = NULL;
    bool answered = d->asked && !d->gone && xcb_poll_for_reply(d->conn, d->asked, &reply, &refused);
    if (answered)
        d->asked = 0;
    x_dispatch(d);
    free(refused);
    int r = d->gone ? x_gone(d, err)
            : !answered
                ? err_set(err, E_TIMEOUT, "the display server has not copied the screen yet")
                : copied(reply, err);
    free(reply);
    if (r)
        return r;
    *out = frame_of(d, d->watch_shm);
    *ret_pixels = d->watch_shm;
    return 0;
}

int display_capture(struct display *d, struct pool *pool, struct frame *out, struct err *err)
{
    struct frame seen;
    uint8_t *shown;
    int r = display_glance(d, &seen, &shown, err);
    if (r)
        return r;
    uint8_t *pixels = pool_try_raw(pool, d->shm_len);
    if (!pixels)
        return err_set(err, E_NOMEM, "no memory for a screen capture");
    memcpy(pixels, shown, d->shm_len);
    seen.pixels = pixels;
    *out = seen;
    return 0;
}
