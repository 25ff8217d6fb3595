#include "plane/x11/priv.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xcb/xtest.h>

#include "base/clock.h"

static const char *const atom_names[X_N_ATOMS] = {
    [X_CLIPBOARD] = "CLIPBOARD",         [X_TARGETS] = "TARGETS",
    [X_UTF8_STRING] = "UTF8_STRING",     [X_TEXT_PLAIN_UTF8] = "text/plain;charset=utf-8",
    [X_PASTE] = "MANTIS_PASTE",          [X_WM_PROTOCOLS] = "WM_PROTOCOLS",
    [X_WM_TAKE_FOCUS] = "WM_TAKE_FOCUS", [X_NET_WM_NAME] = "_NET_WM_NAME",
    [X_NET_WM_PING] = "_NET_WM_PING",
};

int x_gone(struct display *d, struct err *err)
{
    d->gone = true;
    return err_set(err, E_GONE, "the display server died");
}

static void handle(struct display *d, const xcb_generic_event_t *ev)
{
    uint8_t type = ev->response_type & 0x7f;
    if (type == d->damage_event)
        damage_event(d, ev);
    else if (!windows_event(d, ev))
        clipboard_event(d, ev);
}

void x_dispatch(struct display *d)
{
    xcb_generic_event_t *ev;
    while ((ev = xcb_poll_for_event(d->conn))) {
        handle(d, ev);
        free(ev);
    }
    xcb_flush(d->conn); /* answers that the handlers sent */
    if (!d->gone && xcb_connection_has_error(d->conn)) {
        d->gone = true;
        loop_fd_remove(d->watch); /* a dead socket is readable for ever */
        d->watch = NULL;
    }
}

static void on_readable(void *arg, uint32_t events)
{
    x_dispatch(arg);
}

int x_reply(struct display *d, unsigned sequence, void **ret, struct err *err)
{
    int64_t deadline = clock_mono_ms() + X_REPLY_MS;
    struct pollfd pfd = {.fd = xcb_get_file_descriptor(d->conn), .events = POLLIN};
    if (d->gone)
        return x_gone(d, err);
    xcb_flush(d->conn);
    for (;;) {
        void *reply = NULL;
        xcb_generic_error_t *refused = NULL;
        bool answered = xcb_poll_for_reply(d->conn, sequence, &reply, &refused);
        free(refused);
        if (xcb_connection_has_error(d->conn)) {
            free(reply);
            x_dispatch(d);
            return x_gone(d, err);
        }
        if (answered) {
            x_dispatch(d);
            *ret = reply;
            return 0;
        }
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0)
            break;
        poll(&pfd, 1, (int)left);
    }
    xcb_discard_reply(d->conn, sequence);
    x_dispatch(d);
    return err_set(err, E_TIMEOUT, "the display server did not answer within %d ms", X_REPLY_MS);
}

int x_sync(struct display *d, struct err *err)
{
    void *reply = NULL;
    int r = x_reply(d, xcb_get_input_focus(d->conn).sequence, &reply, err);
    if (!r)
        free(reply);
    return r;
}

struct wait {
    struct display *d;
    loop_cond_fn *cond;
    void *arg;
};

static bool over(void *arg)
{
    struct wait *w = arg;
    x_dispatch(w->d);
    return w->d->gone || (w->cond && w->cond(w->arg));
}

int x_wait(struct display *d, loop_cond_fn *cond, void *arg, int64_t deadline_mono_ms,
           const char *what, struct err *err)
{
    struct wait w = {d, cond, arg};
    int r = loop_wait(d->loop, over, &w, deadline_mono_ms);
    if (d->gone)
        return x_gone(d, err);
    if (r == E_CANCELLED)
        return err_set(err, r, "%s: cancelled", what);
    if (r == E_TIMEOUT)
        return err_set(err, r, "%s: nothing came before the deadline", what);
    return r;
}

static int intern_atoms(struct display *d, struct err *err)
{
    xcb_intern_atom_cookie_t cookies[X_N_ATOMS];
    for (int i = 0; i < X_N_ATOMS; i++)
        cookies[i] = xcb_intern_atom(d->conn, 0, (uint16_t)strlen(atom_names[i]), atom_names[i]);
    for (int i = 0; i < X_N_ATOMS; i++) {
        void *reply = NULL;
        int r = x_reply(d, cookies[i].sequence, &reply, err);
        if (r)
            return r;
        if (reply)
            d->atoms[i] = ((xcb_intern_atom_reply_t *)reply)->atom;
        free(reply);
    }
    return 0;
}

/* A window of our own that is never shown: owner and receiver of selections. */
static void make_helper(struct display *d)
{
    d->helper = xcb_generate_id(d->conn);
    xcb_create_window(d->conn, 0, d->helper, d->root, -1, -1, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                      XCB_COPY_FROM_PARENT, 0, NULL);
}

static int need_xtest(struct display *d, struct err *err)
{
    const xcb_query_extension_reply_t *x = xcb_get_extension_data(d->conn, &xcb_test_id);
    if (!x || !x->present)
        return err_set(err, E_UNSUPPORTED, "the display server has no XTEST extension");
    return 0;
}

static int set_up(struct display *d, struct err *err)
{
    int r;
    if ((r = intern_atoms(d, err)) || (r = need_xtest(d, err)))
        return r;
    make_helper(d);
    if ((r = windows_setup(d, err)) || (r = capture_setup(d, err)) || (r = damage_setup(d, err)) ||
        (r = keys_setup(d, err)))
        return r;
    if ((r = x_sync(d, err)))
        return r;
    return loop_fd_add(d->loop, xcb_get_file_descriptor(d->conn), EPOLLIN, on_readable, d,
                       &d->watch, err);
}

int display_open(struct loop *loop, const char *name, struct display **out, struct err *err)
{
    struct display *d = calloc(1, sizeof(*d));
    int number = 0;
    if (!d)
        BUG("out of memory");
    d->loop = loop;
    d->conn = xcb_connect(name, &number);
    int r = 0;
    if (xcb_connection_has_error(d->conn)) {
        r = err_set(err, E_IO, "cannot connect to display '%s'", name);
    } else {
        xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(d->conn)).data;
        d->root = screen->root;
        d->width = screen->width_in_pixels;
        d->height = screen->height_in_pixels;
        r = set_up(d, err);
    }
    if (r) {
        display_close(d);
        return r;
    }
    *out = d;
    return 0;
}

void display_close(struct display *d)
{
    if (!d)
        return;
    loop_fd_remove(d->watch);
    capture_finish(d);
    xcb_disconnect(d->conn);
    free(d->clip);
    free(d);
}

bool display_gone(const struct display *d)
{
    return d->gone;
}

void display_size(const struct display *d, int *width, int *height)
{
    *width = d->width;
    *height = d->height;
}
