/*
 * toolbar.h - Chromium's own toolbar, read and used like a person does: is the page loading, which
 * address is it, go to another. For planes without a DevTools pipe.
 *
 * Positions hold for a window at 0,0 that is the whole screen, without bars (docs/internals/
 * computer-plane.md has the picture).
 */
#ifndef MANTIS_PLANE_TOOLBAR_H
#define MANTIS_PLANE_TOOLBAR_H

#include "plane/x11/display.h"

#define TOOLBAR_BOTTOM 87 /* px: where the page begins */

struct toolbar {
    struct display *display;
    struct loop *loop;
    int width;
    uint64_t idle_button; /* the reload button as it looks when nothing loads */
    uint64_t button;      /* as it looked last */
    int64_t button_seen_us; /* damage up to here has been looked at */
    int pointer_x, pointer_y; /* a button under the pointer looks different: it tells nothing then */
    char *url;           /* last read, "" before; owned */
    uint64_t url_look;   /* what the address bar looked like then */
    char *url_title;     /* title of the window then; owned */
    bool user_has_it;    /* the run is typing into the address bar itself: leave it alone */
};

/* The browser shows a page at rest. */
int toolbar_init(struct toolbar *t, struct display *d, struct loop *loop, struct err *err) MUST_CHECK;
void toolbar_release(struct toolbar *t); /* also of a zeroed one */

/* True while the reload button is a stop button. One small capture when it changed. */
bool toolbar_loading(struct toolbar *t);

/* True when the address bar looks as it did when the URL was read, and the title is the same. */
bool toolbar_same(struct toolbar *t, const char *title);

/*
 * The URL of the page, in t->url: from memory when nothing looks changed, else copied from the address
 * bar; the page has the focus again after. On failure t->url is as it was. E_TIMEOUT: the address
 * bar did not answer (a dialog is in front).
 */
int toolbar_read_url(struct toolbar *t, struct pool *pool, const char *title, int64_t deadline_mono_ms,
                     struct err *err) MUST_CHECK;

/* Replace the address and press Return. */
int toolbar_open_url(struct toolbar *t, struct pool *pool, const char *url, int64_t deadline_mono_ms,
                     struct err *err) MUST_CHECK;

#endif
