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

int capture_setup(struct display *d, struct err *err)
{
    int r = need_shm(d, err);
    if (r)
        return r;
    d->shm_len = (size_t)d->width * (size_t)d->height * 4;
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
    d->shm = map;
    d->segment = xcb_generate_id(d->conn);
    xcb_shm_attach_fd(d->conn, d->segment, fd, 0); /* XCB closes fd */
    fd = -1;
out:
    if (fd >= 0)
        close(fd);
    return r;
}

void capture_finish(struct display *d)
{
    if (d->shm)
        munmap(d->shm, d->shm_len);
}

/* Copy area from the screen to the start of the shared memory, rows packed. */
static int fetch(struct display *d, const struct rect *area, struct err *err)
{
    void *reply = NULL;
    xcb_shm_get_image_cookie_t asked =
        xcb_shm_get_image(d->conn, d->root, (int16_t)area->x, (int16_t)area->y, (uint16_t)area->w,
                          (uint16_t)area->h, ~0u, XCB_IMAGE_FORMAT_Z_PIXMAP, d->segment, 0);
    int r = x_reply(d, asked.sequence, &reply, err);
    if (!r && !reply)
        r = err_set(err, E_IO, "the display server refused to copy the screen");
    free(reply);
    return r;
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
    *out = (struct frame){
        .width = d->width,
        .height = d->height,
        .stride = d->width * 4,
        .taken_us = clock_mono_us(),
        .pixels = d->shm,
    };
    *ret_pixels = d->shm;
    return 0;
}

int display_capture(struct display *d, struct pool *pool, struct frame *out, struct err *err)
{
    struct frame seen;
    uint8_t *shown;
    int r = display_glance(d, &seen, &shown, err);
    if (r)
        return r;
    uint8_t *pixels = pool_try(pool, d->shm_len);
    if (!pixels)
        return err_set(err, E_NOMEM, "no memory for a screen capture");
    memcpy(pixels, shown, d->shm_len);
    seen.pixels = pixels;
    *out = seen;
    return 0;
}
