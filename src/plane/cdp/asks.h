/*
 * asks.h - what a page or the browser asks while something goes on, answered at once: dialogs, file
 * choosers, sign-ins of HTTP (RFC 7617), and the downloads that are told of.
 *
 * These are services of the browser, outside of the page: its own box for each of them would take
 * the keyboard from the page, and a file chooser is a window of another program's.
 * Threads: loop thread only. Source: DevTools protocol, domains Page, Fetch, DOM, Browser.
 */
#ifndef MANTIS_PLANE_CDP_ASKS_H
#define MANTIS_PLANE_CDP_ASKS_H

#include "base/json.h"
#include "plane/cdp/pipe.h"
#include "plane/plane.h"

struct tabs;
struct session;

struct download_entry {
    char id[CDP_ID_BYTES];
    char *name; /* in the download directory, owned */
    char *url;  /* where it came from, owned */
    int64_t bytes, start_us;
    bool over, complete, refused, told;
    struct download_entry *next;
};

struct asks {
    /* The caller's answers; strings owned. */
    plane_confirm_fn *confirm;
    void *arg;
    char *prompt, *user, *password, *origin, *file;
    bool prompt_as_is; /* a prompt keeps what stands in it */
    char signed_in[CDP_ID_BYTES]; /* the request that was given the password: once is enough */
    /* counters that only rise */
    int dialogs, declined, files, refused_sign_ins, begun;
    char dialog_text[512]; /* of the last dialog */
    struct download_entry *downloads; /* newest first, of the whole run */
    int64_t download_bytes;           /* of all that are over */
};

void asks_release(struct asks *a);

/* Strings are copied. Also arms the tabs that are open for a file. */
void asks_set(struct tabs *t, const struct plane_answers *answers);

/* Once per session; is_tab: a tab rather than a frame of another process. */
void asks_set_up(struct tabs *t, const struct session *s, bool is_tab);

/* A download that began at or after since_us goes on. */
bool asks_downloading(const struct asks *a, int64_t since_us);

/* The oldest download that is over and was not told of yet; NULL none. */
struct download_entry *asks_next_download(struct asks *a);

typedef void asks_event_fn(struct tabs *t, struct session *s, const json_t *params);
asks_event_fn asks_on_dialog, asks_on_chooser, asks_on_sign_in, asks_on_paused, asks_on_download,
    asks_on_progress;

#endif
