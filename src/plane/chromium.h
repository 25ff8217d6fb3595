/*
 * chromium.h - the browser process of one plane: its command line, its profile, its end.
 *
 * The window is left where Chromium puts it (1279x719): display_fit_window() makes it the screen.
 * Chromium keeps its own sandbox; a root caller's browser runs as an unprivileged uid.
 * Threads: loop thread only.
 * Source: content/public/common/content_switches.cc and chrome/common/pref_names.h of Chromium 156;
 * the bubbles that the preferences silence were each seen on a screenshot first.
 */
#ifndef MANTIS_PLANE_CHROMIUM_H
#define MANTIS_PLANE_CHROMIUM_H

#include <sys/types.h>

#include "base/err.h"
#include "plane/plane.h"
#include "sys/loop.h"

struct chromium;

struct chromium_config {
    const char *display; /* ":3" */
    int width, height;
    const char *profile_dir;  /* made when missing; this run holds its lease */
    const char *download_dir; /* NULL: Chromium's own default inside the profile */
    const char *browser;      /* program name or path; NULL or "": the first found */
    bool sandbox_off;         /* only an operator's word adds --no-sandbox */
    const char *lang, *timezone; /* NULL: "en-US", "UTC" */
    bool with_pipe;           /* DevTools pipe, and the switches that hide it from pages */
    uid_t uid;                /* 0: keep; as root then CHROMIUM_FALLBACK_UID */
};

#define CHROMIUM_FALLBACK_UID 460000 /* root without a uid of its own: tests, `mantis env` */

/* What of a plane's configuration is the browser's; no pipe, no uid. */
struct chromium_config chromium_config_of(const struct plane_config *plane, const char *display);

/*
 * Start the browser on about:blank. Returns when the process runs, not when its window shows.
 * Blocks: no longer than the exec.
 * Errors: E_NOT_FOUND (message names the package), E_IO.
 */
int chromium_start(struct loop *loop, const struct chromium_config *config, struct chromium **out,
                   struct err *err) MUST_CHECK;

/* End it and everything it started, the profile on disk unless it is PLANE_END_NOW. NULL is fine. */
void chromium_stop(struct chromium *c, enum plane_end how);

bool chromium_alive(const struct chromium *c);
int chromium_pid(const struct chromium *c); /* 0 once it has been reaped */

/* Our end of the DevTools pipe, a stream socket; the chromium keeps owning it. -1 without a pipe. */
int chromium_pipe(const struct chromium *c);

/* For loop_wait(): arg is the struct chromium; true once the process has ended. */
bool chromium_has_ended(void *arg);

/* True for a link that Chromium hands to another program without asking: "tel:..." and the like. For
 * other schemes that are not the web's it asks in a box over the page. */
bool chromium_opens_elsewhere(const char *url);

/* The pipe has closed: set *err to why the browser ended. A missing sandbox says what to allow:
 * E_UNAVAILABLE; else E_GONE with its last words. Returns the code. Blocks: half a second at most. */
int chromium_explain_end(struct chromium *c, struct err *err);

#endif
