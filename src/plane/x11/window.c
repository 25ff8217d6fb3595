/*
 * window.c - the browser's windows. No window manager runs, so this file does the little of one
 * that Chromium needs: the screen's whole size, and the input focus (ICCCM 4.1.7).
 */
#include "plane/x11/priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define TITLE_MAX_BYTES 4096
#define REFIT_MAX       8 /* times we insist when a window changes its size again */

static struct x_window *find(struct display *d, xcb_window_t id)
{
    for (int i = 0; i < d->n_windows; i++)
        if (d->windows[i].id == id)
            return &d->windows[i];
    return NULL;
}

static struct x_window *note(struct display *d, xcb_window_t id)
{
    struct x_window *w = find(d, id);
    if (w || d->n_windows == X_WINDOWS_MAX)
        return w;
    w = &d->windows[d->n_windows++];
    *w = (struct x_window){.id = id};
    return w;
}

static void forget(struct display *d, xcb_window_t id)
{
    struct x_window *w = find(d, id);
    if (w)
        *w = d->windows[--d->n_windows];
    if (d->front == id)
        d->front = 0;
}

static void set_mapped(struct display *d, xcb_window_t id, bool override_redirect)
{
    struct x_window *w = note(d, id);
    if (!w)
        return;
    w->override_redirect = override_redirect;
    w->mapped_order = ++d->map_count;
    if (!override_redirect) { /* tells us of its title */
        uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE;
        xcb_change_window_attributes(d->conn, id, XCB_CW_EVENT_MASK, &mask);
    }
}

static void on_property(struct display *d, const xcb_property_notify_event_t *e)
{
    if (e->atom == d->atoms[X_NET_WM_NAME])
        d->title_changes++;
}

/* The browser sends a ping back to the root window. */
static void on_message(struct display *d, const xcb_client_message_event_t *e)
{
    if (e->type == d->atoms[X_WM_PROTOCOLS] && e->data.data32[0] == d->atoms[X_NET_WM_PING])
        d->ponged = e->data.data32[1];
}

unsigned display_title_changes(const struct display *d)
{
    return d->title_changes;
}

static void on_create(struct display *d, const xcb_create_notify_event_t *e)
{
    struct x_window *w = e->parent == d->root ? note(d, e->window) : NULL;
    if (!w)
        return;
    w->rect = (struct rect){e->x, e->y, e->width, e->height};
    w->border = e->border_width;
    w->override_redirect = e->override_redirect;
}

static void on_configure(struct display *d, const xcb_configure_notify_event_t *e)
{
    struct x_window *w = find(d, e->window);
    if (!w)
        return;
    w->rect = (struct rect){e->x, e->y, e->width, e->height};
    w->border = e->border_width;
    w->override_redirect = e->override_redirect;
}

static void on_unmap(struct display *d, xcb_window_t id)
{
    struct x_window *w = find(d, id);
    if (w)
        w->mapped_order = 0;
}

bool windows_event(struct display *d, const xcb_generic_event_t *ev)
{
    const void *e = ev;
    switch (ev->response_type & 0x7f) {
    case XCB_CREATE_NOTIFY:
        on_create(d, e);
        return true;
    case XCB_DESTROY_NOTIFY:
        forget(d, ((const xcb_destroy_notify_event_t *)e)->window);
        return true;
    case XCB_MAP_NOTIFY:
        set_mapped(d, ((const xcb_map_notify_event_t *)e)->window,
                   ((const xcb_map_notify_event_t *)e)->override_redirect);
        return true;
    case XCB_UNMAP_NOTIFY:
        on_unmap(d, ((const xcb_unmap_notify_event_t *)e)->window);
        return true;
    case XCB_CLIENT_MESSAGE:
        on_message(d, e);
        return true;
    case XCB_PROPERTY_NOTIFY:
        on_property(d, e);
        return true;
    case XCB_CONFIGURE_NOTIFY:
        on_configure(d, e);
        return true;
    default:
        return false;
    }
}

static int scan_window(struct display *d, xcb_window_t id, struct err *err)
{
    void *attrs = NULL, *geometry = NULL;
    int r = x_reply(d, xcb_get_window_attributes(d->conn, id).sequence, &attrs, err);
    if (!r)
        r = x_reply(d, xcb_get_geometry(d->conn, id).sequence, &geometry, err);
    const xcb_get_window_attributes_reply_t *a = attrs;
    const xcb_get_geometry_reply_t *g = geometry;
    struct x_window *w = !r && a && g ? note(d, id) : NULL;
    if (w) {
        w->rect = (struct rect){g->x, g->y, g->width, g->height};
        w->border = g->border_width;
        w->override_redirect = a->override_redirect;
        if (a->map_state == XCB_MAP_STATE_VIEWABLE)
            set_mapped(d, id, a->override_redirect);
    }
    free(attrs);
    free(geometry);
    return r;
}

/* Follow the children of the root from now on, and take in those that are there. */
int windows_setup(struct display *d, struct err *err)
{
    void *reply = NULL;
    uint32_t mask = XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY;
    xcb_change_window_attributes(d->conn, d->root, XCB_CW_EVENT_MASK, &mask);
    int r = x_reply(d, xcb_query_tree(d->conn, d->root).sequence, &reply, err);
    if (r || !reply)
        return r;
    const xcb_window_t *children = xcb_query_tree_children(reply);
    int n = xcb_query_tree_children_length(reply);
    for (int i = 0; i < n && !r; i++)
        r = scan_window(d, children[i], err);
    free(reply);
    return r;
}

/* --- fitting ------------------------------------------------------------------------------- */

/* A window that stands by itself. The first must fill half the screen (Chromium maps helpers of a
 * few pixels too); once the browser is there, pop-up windows of any real size count. */
static bool is_browser(const struct display *d, const struct x_window *w)
{
    if (!w->mapped_order || w->override_redirect)
        return false;
    if (d->front)
        return w->rect.w >= 64 && w->rect.h >= 64;
    return (int64_t)w->rect.w * w->rect.h * 2 >= (int64_t)d->width * d->height;
}

static bool fits(const struct display *d, const struct x_window *w)
{
    return w->rect.x == 0 && w->rect.y == 0 && w->rect.w == d->width && w->rect.h == d->height &&
           w->border == 0;
}

static struct x_window *newest_browser(struct display *d)
{
    struct x_window *best = NULL;
    for (int i = 0; i < d->n_windows; i++) {
        struct x_window *w = &d->windows[i];
        if (is_browser(d, w) && (!best || w->mapped_order > best->mapped_order))
            best = w;
    }
    return best;
}

static bool browser_is_there(void *arg)
{
    return newest_browser(arg) != NULL;
}

/* Dialogs (file choosers) belong to a window and keep their own size. */
static int is_transient(struct display *d, xcb_window_t id, bool *ret, struct err *err)
{
    void *reply = NULL;
    int r = x_reply(
        d,
        xcb_get_property(d->conn, 0, id, XCB_ATOM_WM_TRANSIENT_FOR, XCB_ATOM_WINDOW, 0, 1).sequence,
        &reply, err);
    *ret = !r && reply && xcb_get_property_value_length(reply) >= 4 &&
           *(xcb_window_t *)xcb_get_property_value(reply) != d->root;
    free(reply);
    return r;
}

static void configure(struct display *d, const struct x_window *w)
{
    uint32_t full[] = {0, 0, (uint32_t)d->width, (uint32_t)d->height, 0, XCB_STACK_MODE_ABOVE};
    xcb_configure_window(d->conn, w->id,
                         XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH |
                             XCB_CONFIG_WINDOW_HEIGHT | XCB_CONFIG_WINDOW_BORDER_WIDTH |
                             XCB_CONFIG_WINDOW_STACK_MODE,
                         full);
}

/* Is the protocol (ICCCM 4.1.2.7, EWMH) one of the window's? */
static int speaks(struct display *d, xcb_window_t id, enum x_atom protocol, bool *ret, struct err *err)
{
    void *reply = NULL;
    int r = x_reply(
        d,
        xcb_get_property(d->conn, 0, id, d->atoms[X_WM_PROTOCOLS], XCB_ATOM_ATOM, 0, 32).sequence,
        &reply, err);
    *ret = false;
    if (r || !reply)
        return r;
    const xcb_atom_t *atoms = xcb_get_property_value(reply);
    int n = xcb_get_property_value_length(reply) / 4;
    for (int i = 0; i < n; i++)
        if (atoms[i] == d->atoms[protocol])
            *ret = true;
    free(reply);
    return 0;
}

/* A message of ICCCM 4.2.8 */
static void send_protocol(struct display *d, xcb_window_t id, enum x_atom protocol, uint32_t time)
{
    xcb_client_message_event_t e = {
        .response_type = XCB_CLIENT_MESSAGE,
        .format = 32,
        .window = id,
        .type = d->atoms[X_WM_PROTOCOLS],
        .data.data32 = {d->atoms[protocol], time, id},
    };
    xcb_send_event(d->conn, 0, id, 0, (const char *)&e);
}

static bool ponged(void *arg)
{
    const struct display *d = arg;
    return d->ponged == d->pinged || !d->front;
}

int display_ping(struct display *d, int64_t deadline_mono_ms, struct err *err)
{
    if (!d->front)
        return err_set(err, E_TIMEOUT, "the browser has no window");
    bool answers;
    int r = speaks(d, d->front, X_NET_WM_PING, &answers, err);
    if (r || !answers)
        return r;
    send_protocol(d, d->front, X_NET_WM_PING, ++d->pinged);
    r = x_wait(d, ponged, d, deadline_mono_ms, "waiting for the browser", err);
    d->input_us = clock_mono_us();
    return r;
}

static int give_focus(struct display *d, xcb_window_t id, struct err *err)
{
    bool take = false;
    xcb_set_input_focus(d->conn, XCB_INPUT_FOCUS_POINTER_ROOT, id, XCB_CURRENT_TIME);
    int r = speaks(d, id, X_WM_TAKE_FOCUS, &take, err);
    if (r || !take)
        return r;
    send_protocol(d, id, X_WM_TAKE_FOCUS, XCB_CURRENT_TIME);
    return x_sync(d, err);
}

static int focused_window(struct display *d, xcb_window_t *ret, struct err *err)
{
    void *reply = NULL;
    int r = x_reply(d, xcb_get_input_focus(d->conn).sequence, &reply, err);
    if (!r && reply)
        *ret = ((xcb_get_input_focus_reply_t *)reply)->focus;
    free(reply);
    return r;
}

/* Configure every browser window that is not yet the screen; skips dialogs. */
static int configure_all(struct display *d, struct err *err)
{
    for (int i = 0; i < d->n_windows; i++) {
        struct x_window *w = &d->windows[i];
        bool transient = false;
        if (!is_browser(d, w) || fits(d, w))
            continue;
        xcb_window_t id = w->id;
        int r = is_transient(d, id, &transient, err);
        if (r)
            return r;
        w = find(d, id); /* events were handled meanwhile */
        if (w && transient)
            w->override_redirect = true; /* from here on like a menu: left alone */
        else if (w)
            configure(d, w);
    }
    return x_sync(d, err);
}

static bool all_fit(void *arg)
{
    struct display *d = arg;
    for (int i = 0; i < d->n_windows; i++)
        if (is_browser(d, &d->windows[i]) && !fits(d, &d->windows[i]))
            return false;
    return true;
}

int display_fit_window(struct display *d, int64_t deadline_mono_ms, struct err *err)
{
    static const char what[] = "waiting for the browser window";
    int r = x_wait(d, browser_is_there, d, deadline_mono_ms, what, err);
    for (int i = 0; !r && !all_fit(d) && i < REFIT_MAX; i++)
        if (!(r = configure_all(d, err)))
            r = x_wait(d, all_fit, d, deadline_mono_ms, what, err);
    if (r)
        return r;
    struct x_window *w = newest_browser(d);
    xcb_window_t focus = 0;
    if (!w)
        return err_set(err, E_TIMEOUT, "the browser window went away");
    bool changed = w->id != d->front;
    d->front = w->id;
    if ((r = focused_window(d, &focus, err)))
        return r;
    /* A bubble or menu of the browser may hold the focus rightly; nobody or the root may not. */
    if (!changed && focus > XCB_INPUT_FOCUS_POINTER_ROOT && focus != d->root)
        return 0;
    uint32_t above = XCB_STACK_MODE_ABOVE;
    xcb_configure_window(d->conn, d->front, XCB_CONFIG_WINDOW_STACK_MODE, &above);
    return give_focus(d, d->front, err);
}

static int text_property(struct display *d, struct pool *pool, xcb_atom_t name, const char **ret,
                         struct err *err)
{
    void *reply = NULL;
    int r = x_reply(d,
                    xcb_get_property(d->conn, 0, d->front, name, XCB_GET_PROPERTY_TYPE_ANY, 0,
                                     TITLE_MAX_BYTES / 4)
                        .sequence,
                    &reply, err);
    *ret = "";
    if (!r && reply)
        *ret = pool_strndup(pool, xcb_get_property_value(reply),
                            (size_t)xcb_get_property_value_length(reply));
    free(reply);
    return r;
}

int display_window_title(struct display *d, struct pool *pool, const char **ret_title,
                         struct err *err)
{
    struct x_window *w = newest_browser(d);
    if (w && d->front)
        d->front = w->id;
    *ret_title = "";
    if (!d->front)
        return 0;
    int r = text_property(d, pool, d->atoms[X_NET_WM_NAME], ret_title, err);
    if (!r && !**ret_title)
        r = text_property(d, pool, XCB_ATOM_WM_NAME, ret_title, err);
    return r;
}
