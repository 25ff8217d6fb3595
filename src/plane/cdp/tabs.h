/*
 * tabs.h - what the browser is doing, kept from its events: tabs, their frames, the requests in
 * flight. Also closes pop-ups over the cap; what is asked, asks.h answers.
 *
 * One session per tab and one per frame that lives in another process (cross-site iframes); a
 * session knows the frames of its own process. Events only ever add facts here; whoever waits looks
 * at the facts between turns of the loop.
 * Never sent: Runtime.enable, which a page can notice.
 * Threads: loop thread only. Source: DevTools protocol, domains Target, Page, Network.
 */
#ifndef MANTIS_PLANE_CDP_TABS_H
#define MANTIS_PLANE_CDP_TABS_H

#include "base/err.h"
#include "plane/cdp/asks.h"
#include "plane/cdp/pipe.h"

struct frame_info {
    char id[CDP_ID_BYTES], loader[CDP_ID_BYTES];
    char parent[CDP_ID_BYTES]; /* of the same session, else "" */
    int world;            /* execution context of our isolated world, 0: not made yet */
    int64_t loading_us;   /* since when it loads, 0: it does not */
    int64_t requested_us; /* the page asked for a navigation that has not started yet, 0: none */
    int64_t committed_us; /* when its document was last replaced */
    struct frame_info *next;
};

struct session {
    char id[CDP_ID_BYTES], target[CDP_ID_BYTES];
    struct session *tab;    /* the tab it belongs to; itself for a tab */
    struct session *parent; /* who attached it; NULL for a tab */
    struct frame_info *frames; /* oldest first */
    int n_frames;
    bool crashed;
    /* tabs only */
    int64_t opened_us;
    char *url;       /* owned; of the last committed document, "" before one */
    char *title;     /* owned; as the browser last told */
    int http_status; /* of that document's response, 0 unknown */
    int next_status; /* of the response that will become the document next_loader */
    char next_loader[CDP_ID_BYTES];
    struct session *next;
};

struct request {
    char id[CDP_ID_BYTES], frame[CDP_ID_BYTES], loader[CDP_ID_BYTES];
    const struct session *session;
    int64_t start_us; /* clock_mono_us() */
    uint64_t place;   /* hash of the URL without its query */
    bool counts;      /* an action may have caused it and it will be answered */
    struct request *next;
};

#define TABS_PLACES 32 /* remembered addresses of each kind below */

struct place_list {
    uint64_t places[TABS_PLACES];
    int n; /* ever added; the oldest are overwritten */
};

struct tabs {
    struct loop *loop;
    struct cdp *cdp; /* set by the owner before tabs_attach() */
    struct session *sessions; /* oldest first */
    struct session *front;    /* the tab in front; NULL while there is none */
    int n_tabs, n_sessions;
    struct request *requests;
    int n_requests;
    struct place_list given_up; /* waited for in vain before */
    struct place_list pending;  /* in flight when the action began: a long poll asks again */
    struct place_list asked;    /* since the action began, repeats included */
    struct asks asks;
    int navigations, opened; /* counters that only rise */
    int strange_links; /* the same, of links whose scheme the browser asks about in a box */
    int64_t window_asked_us; /* a page asked for a window that has not come yet, 0: none */
};

/* cdp_open() gets tabs_on_event as handler and the tabs as arg. */
void tabs_init(struct tabs *t, struct loop *loop);
void tabs_release(struct tabs *t);
cdp_event_fn tabs_on_event;

/* Attach to the browser and wait until the first tab is known. E_TIMEOUT, E_GONE, E_CANCELLED. */
int tabs_attach(struct tabs *t, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* The tab's frame without a parent; NULL before it is known. */
struct frame_info *tabs_main_frame(const struct session *tab);
struct session *tabs_find_session(const struct tabs *t, const char *id);

/* An action begins: what is in flight now is not its doing. Returns clock_mono_us(). */
int64_t tabs_begin(struct tabs *t);

/* What is under way that began at or after since_us, in any tab. */
struct tabs_work {
    int loading;       /* frames that load or are about to, windows about to open, downloads */
    int requests;      /* answers awaited; streams and background polls do not count */
    int64_t oldest_us; /* start of the oldest such request, 0: none */
};
void tabs_work(const struct tabs *t, int64_t since_us, struct tabs_work *out);

/* Requests that began between the two are waited for no longer, nor are later ones like them. */
void tabs_give_up(struct tabs *t, int64_t since_us, int64_t until_us);

#endif
