/*
 * priv.h - the inside of a display connection, shared by the files of x11/ and nobody else.
 *
 * Rules: event handlers (x_dispatch) only note things down or send requests without a reply, so they
 * may run at any time; everything that needs an answer is written top to bottom and uses x_reply().
 * Whoever may have made XCB read from the socket calls x_dispatch() before going back to the loop:
 * an event that XCB holds in its own queue does not make the descriptor readable.
 */
#ifndef MANTIS_PLANE_X11_PRIV_H
#define MANTIS_PLANE_X11_PRIV_H

#include <xcb/damage.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>

#include "plane/x11/display.h"

#define X_REPLY_MS 2000 /* a server that has not answered by then is stuck */
#define X_WINDOWS_MAX 64
#define X_DAMAGE_RING 2048

enum x_atom {
    X_CLIPBOARD,
    X_TARGETS,
    X_UTF8_STRING,
    X_TEXT_PLAIN_UTF8,
    X_PASTE, /* the property on our helper window that answers are put in */
    X_WM_PROTOCOLS,
    X_WM_TAKE_FOCUS,
    X_NET_WM_NAME,
    X_NET_WM_PING,
    X_N_ATOMS,
};

struct damage_note {
    int64_t at_us;
    struct rect rect;
};

/* A child of the root window, followed by events. */
struct x_window {
    xcb_window_t id;
    struct rect rect;
    int border;
    unsigned mapped_order; /* 0: not mapped; else larger is later */
    bool override_redirect;
};

#define KEY_LEVELS 4 /* plain and shifted, and both in the second group, which Mode_switch selects */

struct keymap {
    xcb_keycode_t min, max;
    xcb_keysym_t syms[256][KEY_LEVELS];
    uint8_t spare[256];        /* keycodes without any symbol: free to borrow */
    int n_spare;
    unsigned used[256], uses;  /* when a key was used last, counted in uses */
    bool held[256];            /* down until whoever holds it lets it go: keeps its meaning */
};

struct display {
    struct loop *loop;
    xcb_connection_t *conn;
    struct loop_fd *watch;
    xcb_window_t root, helper;
    int width, height;
    bool gone;
    xcb_atom_t atoms[X_N_ATOMS];
    int64_t input_us; /* when input was last delivered */

    xcb_shm_seg_t segment;
    uint8_t *shm; /* mapping of the memory the server copies the screen into */
    size_t shm_len;
    xcb_shm_seg_t watch_segment; /* the same again, for whoever watches */
    uint8_t *watch_shm;
    unsigned asked; /* sequence of the copy that is awaited there; 0: none */

    uint8_t damage_event;
    struct damage_note damage[X_DAMAGE_RING];
    display_damage_fn *on_damage;
    void *on_damage_arg;
    unsigned n_damage; /* ever; the newest is damage[(n_damage - 1) % X_DAMAGE_RING] */

    int64_t quiet_at_us;          /* when the screen was last found quiet */
    struct damage_baseline known; /* but for these animations */

    struct x_window windows[X_WINDOWS_MAX];
    int n_windows;
    unsigned map_count, title_changes;
    xcb_window_t front; /* the browser window fitted last, 0 before */
    uint32_t pinged, ponged; /* number of the last ping sent and answered */

    struct keymap keymap;

    char *clip; /* what we offer as CLIPBOARD while we own it, else NULL */
    bool paste_answered;
    xcb_atom_t paste_property; /* 0: refused */
};

/* Read and handle what has arrived. */
void x_dispatch(struct display *d);

/* The answer to a request, malloc'ed; *ret is NULL when the server answered with an error.
 * E_GONE, E_TIMEOUT. */
int x_reply(struct display *d, unsigned sequence, void **ret, struct err *err) MUST_CHECK;

/* All requests so far have been carried out when it returns. */
int x_sync(struct display *d, struct err *err) MUST_CHECK;

/* loop_wait() that also ends when the server dies (E_GONE). what names the wait in the message. */
int x_wait(struct display *d, loop_cond_fn *cond, void *arg, int64_t deadline_mono_ms,
           const char *what, struct err *err) MUST_CHECK;

int x_gone(struct display *d, struct err *err); /* sets gone and the message; returns E_GONE */

/* One part each: set up at open, events, and an end. */
int capture_setup(struct display *d, struct err *err) MUST_CHECK;
void capture_finish(struct display *d);
int damage_setup(struct display *d, struct err *err) MUST_CHECK;
void damage_event(struct display *d, const xcb_generic_event_t *ev);
int windows_setup(struct display *d, struct err *err) MUST_CHECK;
bool windows_event(struct display *d, const xcb_generic_event_t *ev);
int keys_setup(struct display *d, struct err *err) MUST_CHECK;
bool clipboard_event(struct display *d, const xcb_generic_event_t *ev);

/* Key down or up, not flushed. */
void input_key(struct display *d, xcb_keycode_t code, bool down);

#endif
