/*
 * plane.h - the computer of one run: a display, a browser on it, and hands.
 *
 * Kinds: "browser_use_plane" (Xvfb + Chromium + DevTools pipe), "computer_plane" (the same without
 * any debugging switch: pixels only), "fake" (tests: a scripted page, no processes).
 * Input is always X input. The pipe navigates, goes back, answers what the browser asks (dialogs,
 * sign-ins, file choosers) and reads; it never types, clicks or scrolls.
 *
 * Every call that touches the screen blocks in loop_wait(): it ends at its deadline (E_TIMEOUT), on
 * loop_interrupt() (E_CANCELLED), or when Xvfb or Chromium died (E_GONE: destroy the plane).
 * Threads: loop thread only.
 */
#ifndef MANTIS_PLANE_PLANE_H
#define MANTIS_PLANE_PLANE_H

#include "base/err.h"
#include "base/pool.h"
#include "core/action.h"
#include "core/hand.h"
#include "core/observation.h"
#include "sys/loop.h"

struct plane;

enum plane_caps {
    PLANE_HAS_DOM = 1 << 0,  /* observe can give a page; URL and title are exact */
    PLANE_HAS_TABS = 1 << 1, /* knows which tab is in front and how many there are */
};

struct plane_config {
    int width, height;       /* display, px; default 1280x720 */
    const char *profile_dir; /* Chromium's --user-data-dir; this run holds its lease */
    const char *tmp_dir;     /* private scratch of this run */
    const char *download_dir;
    const char *browser;      /* program name or path; NULL: the first found (design.md section 8) */
    bool sandbox_off;         /* operator's MANTIS_CHROMIUM_SANDBOX=off */
    const char *lang, *timezone; /* "en-US", "UTC"; NULL: default */
    int type_delay_ms;        /* between typed characters; default 0 */
    double settle_ceiling_s;  /* upper bound of every settle; 0: none */
};

/* Start the processes and wait until the browser shows a blank page. timeout_ms for all of it.
 * E_UNSUPPORTED unknown kind; E_NOT_FOUND a program is missing (message names the package);
 * E_UNAVAILABLE no kind of browser sandbox works here, and it is not switched off;
 * E_TIMEOUT, E_IO, E_CANCELLED. */
int plane_create(const char *kind, struct loop *loop, const struct plane_config *config, int timeout_ms,
                 struct plane **out, struct err *err) MUST_CHECK;

enum plane_end {
    PLANE_END_NOW,   /* what the profile had not written yet is lost */
    PLANE_END_CLEAN, /* SIGTERM, at most 3 s: logins are on disk */
    PLANE_END_SOON,  /* likewise, within what a cancel allows */
};

/* End the browser, then the display; nothing is left. A clean end also keeps the cookies that a browser
 * forgets when it ends (session cookies): the next run with this profile has them. NULL is fine. */
void plane_destroy(struct plane *plane, enum plane_end how);

unsigned plane_caps(const struct plane *plane); /* enum plane_caps */
const char *plane_kind(const struct plane *plane);
void plane_size(const struct plane *plane, int *width, int *height);

enum observe_flags {
    OBSERVE_FRAME = 1 << 0,
    OBSERVE_PNG = 1 << 1, /* implies FRAME */
    OBSERVE_PAGE = 1 << 2, /* ignored without PLANE_HAS_DOM */
};

/* Look. url and title are always filled when they can be read. Blocks up to timeout_ms. */
int plane_observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                  struct observation *out, struct err *err) MUST_CHECK;

/* The screen now, for whoever watches: the plane's own memory, which may be painted on and lasts until its next
 * call. Takes no pool and reads no page: < 1 ms. E_GONE; E_UNSUPPORTED where nobody can watch. */
int plane_glance(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err) MUST_CHECK;

/* The same without a wait for the display: asked for, and taken when it is there; until then E_TIMEOUT. Whoever can
 * only glance does so when it is taken. */
void plane_ask_picture(struct plane *plane);
int plane_take_picture(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err) MUST_CHECK;

/* Call fn whenever something was drawn: from whatever call or turn of the loop heard of it, often, so it only
 * notes it down. One watcher; NULL takes it away. */
typedef void plane_damage_fn(void *arg);
void plane_watch(struct plane *plane, plane_damage_fn *fn, void *arg);

/* What an action or navigation did, besides what the next observation shows. */
struct settled {
    bool url_changed;   /* the front tab's URL differs from before */
    bool navigated;     /* a main-frame navigation was started by it */
    bool new_tab;       /* it opened a tab that is now in front */
    bool blank_tab;     /* that tab stayed about:blank */
    bool capped;        /* the cap ended the wait; something was still going on */
    int dialogs;        /* alert/confirm/prompt boxes answered meanwhile */
    int declined;       /* of them, how many with "no" */
    int files;          /* file choosers that were given the file */
    int refused_sign_ins; /* servers that asked for a name and password nobody gave */
    int downloads;      /* begun; a wait of this kind also waits for their end, as long as it may */
    const char *dialog_text; /* of the last one, pool memory; "" when none */
    int64_t input_us, settle_us; /* time spent */
};

/*
 * Do one action and wait until the next observation shows what it caused (design.md rule 8):
 * requests and navigations it started are answered and painted, timers of up to 200 ms have had
 * their chance (click, double click, drag, key press), then damage is quiet. Typing and scrolling
 * wait for quiet damage only. Damage that was going on before the action does not count.
 * cap_ms bounds the wait; reaching it is not an error (settled.capped).
 * ACTION_WAIT waits; ACTION_DONE is E_INVALID. Unknown keys: E_INVALID before any input.
 */
int plane_act(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
              struct settled *out, struct err *err) MUST_CHECK;

/* What a person does, without waiting for what it causes; *ret_text ("" unless it is HAND_COPY) lives in pool.
 * E_GONE, E_CANCELLED; E_UNSUPPORTED: there is no mouse. */
int plane_hand(struct plane *plane, struct pool *pool, const struct hand *hand, const char **ret_text,
               struct err *err) MUST_CHECK;

/* Open url in the front tab and wait until it is shown, at most cap_ms. A page that never finishes
 * loading gives 0 with settled.capped; one that cannot be reached gives 0 and an observation whose
 * url starts with "chrome-error://". E_INVALID for schemes other than http, https, about:blank. */
int plane_navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                   struct settled *out, struct err *err) MUST_CHECK;

/* History back; settled.url_changed tells whether there was anywhere to go. */
int plane_back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
               struct err *err) MUST_CHECK;

/* Something came of it that the page itself need not show. */
bool settled_tells(const struct settled *s);

/* --- what is asked ---------------------------------------------------------------------------- */

typedef bool plane_confirm_fn(void *arg, const char *message);

/*
 * What to say when the page or the browser asks something; all zero: notices and "leave page?" are
 * accepted, everything else declined. Given before the action that may lead to the question, and
 * standing until replaced.
 */
struct plane_answers {
    plane_confirm_fn *confirm; /* is this confirm box accepted? Called from the loop. NULL: no */
    void *arg;
    const char *prompt;   /* typed into a prompt box; NULL: declined */
    bool prompt_as_is;    /* without prompt: accepted with what stands in it */
    const char *user, *password; /* for HTTP authentication; NULL: none */
    const char *origin;   /* the only server they are given to: "https://host[:port]" */
    const char *file;     /* absolute path, for a file chooser; NULL: it is cancelled */
};

/* Strings are copied. Does nothing on planes without PLANE_HAS_DOM. */
void plane_answer(struct plane *plane, const struct plane_answers *answers);

struct download {
    const char *name; /* in plane_config.download_dir */
    const char *url;  /* where it came from; "" not known */
    int64_t bytes;
    bool complete;    /* else it failed, or was stopped by a cap of base/caps.h (refused) */
    bool refused;
};

/* Downloads that ended since the last call, oldest first; waits at most wait_ms for those under way.
 * *ret_n 0 when there are none. E_GONE, E_CANCELLED. */
int plane_downloads(struct plane *plane, struct pool *pool, int wait_ms, struct download **ret,
                    int *ret_n, struct err *err) MUST_CHECK;

/* Close the front tab unless it is the only one (then E_INVALID); the tab before is in front again. */
int plane_close_tab(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                    struct err *err) MUST_CHECK;
int plane_tab_count(const struct plane *plane); /* 1 without PLANE_HAS_TABS */

/* Vertical scroll offset of the main document in CSS px. E_UNSUPPORTED without PLANE_HAS_DOM. */
int plane_scroll_y(struct plane *plane, int *ret_y, struct err *err) MUST_CHECK;

/* Keep the cookies as they are now in the profile, as a clean end does: the next browser has them although this
 * one is killed. At worst it does nothing. */
void plane_keep_login(struct plane *plane);

/* Wait until nothing is going on, without acting first. */
int plane_settle(struct plane *plane, int cap_ms, struct err *err) MUST_CHECK;

/* What makes the browser known to its sites: cookies, and the local storage of the page in front. A secret.
 * New reference. load sets the cookies at once, and the storage when the page in front is of its origin:
 * then *ret_storage is true and the page should be opened again. E_UNSUPPORTED on pixels only. */
int plane_save_logins(struct plane *plane, int timeout_ms, json_t **out, struct err *err) MUST_CHECK;
int plane_load_logins(struct plane *plane, const json_t *saved, int timeout_ms, bool *ret_storage,
                      struct err *err) MUST_CHECK;

/* Names of all kinds, NULL-terminated, for messages and tests. */
const char *const *plane_kinds(void);

/* Pids of the processes it runs, for tests that kill them; 0 when none. */
void plane_pids(const struct plane *plane, int *ret_display, int *ret_browser);

#endif
