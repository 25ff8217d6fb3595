/*
 * display.h - one connection to one X display: eyes (MIT-SHM), hands (XTEST) and the sense that
 * something moved (DAMAGE). Knows nothing of browsers but how to fit and find their window.
 *
 * Sources: MIT-SHM 1.2, XTEST 2.2, DAMAGE 1.1, ICCCM 2.1 (selections), EWMH (_NET_WM_NAME).
 * Threads: loop thread only. The XCB descriptor is on the loop; damage is taken in while it turns.
 */
#ifndef MANTIS_PLANE_X11_DISPLAY_H
#define MANTIS_PLANE_X11_DISPLAY_H

#include "base/err.h"
#include "base/pool.h"
#include "core/action.h"
#include "core/frame.h"
#include "sys/loop.h"

struct display;

/* name like ":3". E_IO when it cannot be reached, E_UNSUPPORTED when an extension is missing. */
int display_open(struct loop *loop, const char *name, struct display **out, struct err *err) MUST_CHECK;
void display_close(struct display *d); /* NULL is fine */
bool display_gone(const struct display *d); /* the server died; every call gives E_GONE */
void display_size(const struct display *d, int *width, int *height);

/* Copy the screen into pool. < 1 ms. E_GONE. */
int display_capture(struct display *d, struct pool *pool, struct frame *out, struct err *err) MUST_CHECK;

/* The screen in the memory that the server copies it into: until the next call that looks at pixels. E_GONE. */
int display_glance(struct display *d, struct frame *out, uint8_t **ret_pixels, struct err *err) MUST_CHECK;

/* The same for whoever watches, in a memory of its own, without a wait: asked for, and taken when it is there, at most
 * once; until then E_TIMEOUT. Asking again forgets what was asked before. E_GONE, E_IO. */
void display_ask_picture(struct display *d);
int display_take_picture(struct display *d, struct frame *out, uint8_t **ret_pixels, struct err *err) MUST_CHECK;

/* A number that differs when the pixels of area do; area must be inside the screen. E_GONE. */
int display_fingerprint(struct display *d, const struct rect *area, uint64_t *ret,
                        struct err *err) MUST_CHECK;

/* All input below has been delivered to the X server when the call returns (one round trip). */
int display_move(struct display *d, int x, int y, struct err *err) MUST_CHECK;
int display_button(struct display *d, enum button button, int clicks, struct err *err) MUST_CHECK;
int display_press(struct display *d, enum button button, bool down, struct err *err) MUST_CHECK;
int display_drag(struct display *d, int x, int y, int to_x, int to_y, struct err *err) MUST_CHECK;
int display_wheel(struct display *d, int dx, int dy, struct err *err) MUST_CHECK; /* notches */
/* X keysym names pressed in order and released in reverse: {"Control_L", "a"}. */
int display_chord(struct display *d, const char *const *names, int n, struct err *err) MUST_CHECK;
/* Only press them, or only release them in reverse. */
int display_hold(struct display *d, const char *const *names, int n, bool down, struct err *err) MUST_CHECK;
/* Any Unicode text: keys of the map, then spare keys lent to the missing characters (keys.c). "\n" is Return,
 * "\t" is Tab. delay_ms between characters; waits in the loop. E_TIMEOUT: the browser is too busy to be told of
 * a key that is lent. */
int display_type(struct display *d, const char *utf8, int delay_ms, struct err *err) MUST_CHECK;
/* Own CLIPBOARD with this text and answer requests for it until replaced or closed. */
int display_clipboard_set(struct display *d, const char *utf8, struct err *err) MUST_CHECK;

/* Until another client (the browser) has taken CLIPBOARD over by copying something. */
int display_clipboard_wait_taken(struct display *d, int64_t deadline_mono_ms,
                                 struct err *err) MUST_CHECK; /* E_TIMEOUT */
/* What CLIPBOARD holds, in pool; "" when it is empty or no text. */
int display_clipboard_get(struct display *d, struct pool *pool, int64_t deadline_mono_ms,
                          const char **ret_text, struct err *err) MUST_CHECK;

/* --- damage ------------------------------------------------------------------------------- */

/* Where the screen has been changing by itself: what was drawn again and again in the last window_ms,
 * as a list of rectangles, and what was known to move and still does. Take one before an action;
 * damage inside it does not count after. */
struct damage_baseline {
    struct rect rects[16];
    int n;
};
void display_damage_baseline(const struct display *d, int window_ms, struct damage_baseline *out);

/* Call fn with every drawing, from wherever its event was read. One watcher; NULL: none. */
typedef void display_damage_fn(void *arg);
void display_watch(struct display *d, display_damage_fn *fn, void *arg);

/* When damage outside baseline (NULL: any) was last reported, clock_mono_us(); 0 never since
 * since_us. A blinking caret never counts. */
int64_t display_last_damage_us(const struct display *d, const struct damage_baseline *baseline,
                               int64_t since_us);

/* Damage inside area (for example the tab strip's spinner) since since_us; 0 none. */
int64_t display_area_damage_us(const struct display *d, const struct rect *area, int64_t since_us);

/* Wait until no damage outside baseline came for quiet_ms, at most until deadline; *ret_capped
 * when the deadline ended it. E_GONE, E_CANCELLED. */
int display_wait_quiet(struct display *d, const struct damage_baseline *baseline, int quiet_ms,
                       int64_t deadline_mono_ms, bool *ret_capped, struct err *err) MUST_CHECK;

/* --- the browser's window ------------------------------------------------------------------ */

/* Wait for a mapped top-level window that is at least half the screen, give it the focus and make it
 * exactly the screen: 0,0,width,height, no border. Also raises later top-level windows of that
 * kind the same way when called again. E_TIMEOUT, E_GONE. */
int display_fit_window(struct display *d, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Wait until the browser has taken in all input sent so far: it answers _NET_WM_PING (EWMH) in the order
 * of its events. Its pages run in other processes and may still be behind. From here on the input
 * counts as delivered. A window that answers no pings is not waited for. E_TIMEOUT: it is busy or has no window. */
int display_ping(struct display *d, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* _NET_WM_NAME (else WM_NAME) of the fitted window, in pool; "" when none. */
int display_window_title(struct display *d, struct pool *pool, const char **ret_title,
                         struct err *err) MUST_CHECK;

/* How often the title of a browser window has changed so far. */
unsigned display_title_changes(const struct display *d);

#endif
