/*
 * clipboard.c - owner and reader of CLIPBOARD (ICCCM 2). Texts are capped, so that one property
 * holds them and INCR transfers are not needed.
 */
#include "plane/x11/priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

int display_clipboard_set(struct display *d, const char *utf8, struct err *err)
{
    if (strlen(utf8) > CAP_CLIPBOARD_BYTES)
        return err_set(err, E_TOOBIG, "a text over %u bytes cannot be pasted", CAP_CLIPBOARD_BYTES);
    free(d->clip);
    d->clip = strdup(utf8);
    if (!d->clip)
        BUG("out of memory");
    xcb_set_selection_owner(d->conn, d->helper, d->atoms[X_CLIPBOARD], XCB_CURRENT_TIME);
    return x_sync(d, err);
}

static bool is_text(const struct display *d, xcb_atom_t target)
{
    return target == d->atoms[X_UTF8_STRING] || target == d->atoms[X_TEXT_PLAIN_UTF8] ||
           target == XCB_ATOM_STRING;
}

/* Put the answer on the asker's window; false when we cannot give that target. */
static bool answer(struct display *d, const xcb_selection_request_event_t *e, xcb_atom_t property)
{
    xcb_atom_t targets[] = {d->atoms[X_TARGETS], d->atoms[X_UTF8_STRING],
                            d->atoms[X_TEXT_PLAIN_UTF8], XCB_ATOM_STRING};
    if (!d->clip || e->selection != d->atoms[X_CLIPBOARD])
        return false;
    if (e->target == d->atoms[X_TARGETS]) {
        xcb_change_property(d->conn, XCB_PROP_MODE_REPLACE, e->requestor, property, XCB_ATOM_ATOM,
                            32, ARRAY_SIZE(targets), targets);
    } else if (is_text(d, e->target)) {
        xcb_change_property(d->conn, XCB_PROP_MODE_REPLACE, e->requestor, property, e->target, 8,
                            (uint32_t)strlen(d->clip), d->clip);
    } else {
        return false;
    }
    return true;
}

static void on_request(struct display *d, const xcb_selection_request_event_t *e)
{
    /* Obsolete clients give no property: the target's name is used then (ICCCM 2.2). */
    xcb_atom_t property = e->property ? e->property : e->target;
    bool done = answer(d, e, property);
    xcb_selection_notify_event_t reply = {
        .response_type = XCB_SELECTION_NOTIFY,
        .time = e->time,
        .requestor = e->requestor,
        .selection = e->selection,
        .target = e->target,
        .property = done ? property : XCB_NONE,
    };
    xcb_send_event(d->conn, 0, e->requestor, 0, (const char *)&reply);
}

static void on_clear(struct display *d, const xcb_selection_clear_event_t *e)
{
    if (e->selection != d->atoms[X_CLIPBOARD])
        return;
    free(d->clip);
    d->clip = NULL;
}

static void on_notify(struct display *d, const xcb_selection_notify_event_t *e)
{
    if (e->requestor != d->helper)
        return;
    d->paste_answered = true;
    d->paste_property = e->property;
}

bool clipboard_event(struct display *d, const xcb_generic_event_t *ev)
{
    const void *e = ev;
    switch (ev->response_type & 0x7f) {
    case XCB_SELECTION_REQUEST:
        on_request(d, e);
        return true;
    case XCB_SELECTION_CLEAR:
        on_clear(d, e);
        return true;
    case XCB_SELECTION_NOTIFY:
        on_notify(d, e);
        return true;
    default:
        return false;
    }
}

static bool paste_answered(void *arg)
{
    return ((struct display *)arg)->paste_answered;
}

static bool clipboard_lost(void *arg)
{
    return !((struct display *)arg)->clip;
}

int display_clipboard_wait_taken(struct display *d, int64_t deadline_mono_ms, struct err *err)
{
    return x_wait(d, clipboard_lost, d, deadline_mono_ms, "waiting for a copy", err);
}

int display_clipboard_get(struct display *d, struct pool *pool, int64_t deadline_mono_ms,
                          const char **ret_text, struct err *err)
{
    void *reply = NULL;
    d->paste_answered = false;
    xcb_convert_selection(d->conn, d->helper, d->atoms[X_CLIPBOARD], d->atoms[X_UTF8_STRING],
                          d->atoms[X_PASTE], XCB_CURRENT_TIME);
    int r = x_wait(d, paste_answered, d, deadline_mono_ms, "reading the clipboard", err);
    *ret_text = "";
    if (r || !d->paste_property)
        return r;
    r = x_reply(d,
                xcb_get_property(d->conn, 1, d->helper, d->atoms[X_PASTE],
                                 XCB_GET_PROPERTY_TYPE_ANY, 0, CAP_CLIPBOARD_BYTES / 4)
                    .sequence,
                &reply, err);
    if (!r && reply && ((xcb_get_property_reply_t *)reply)->format == 8)
        *ret_text = pool_strndup(pool, xcb_get_property_value(reply),
                                 (size_t)xcb_get_property_value_length(reply));
    free(reply);
    return r;
}
