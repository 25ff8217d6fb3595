/*
 * run_fakes.h - a small web in memory for tests of the runner: a plane that browses it and a reader
 * that understands it. No process, no pixels worth looking at, and every failure on request.
 *
 * A page is a column of elements, 40 px each, below one another. An element's kind says what it is
 * to the reader: "card", "ad", "next", "reveal", "overlay", "field:<name>", "row", "input", "button",
 * "select", "alert", or "" for plain text.
 */
#ifndef MANTIS_TESTS_RUN_FAKES_H
#define MANTIS_TESTS_RUN_FAKES_H

#include "plane/driver.h"
#include "reader/driver.h"

#define FAKE_MAX_ELEMENTS 64
#define FAKE_ROW_PX 40
#define FAKE_VIEW_H 720

struct fake_element {
    const char *kind, *tag, *text, *href;
    bool covered;
    bool dead;   /* a click on it does nothing */
    bool in_tab; /* its link opens a new tab */
    bool wrapped; /* over two lines: its middle lies beside its words */
    struct attr attr; /* one more than its kind; name NULL none */
};

struct fake_page {
    const char *title;
    int status; /* HTTP */
    struct fake_element elements[FAKE_MAX_ELEMENTS];
    int n;
};

struct fake_web;
/* Describe the page at url as it is now; texts live in pool. */
typedef void fake_page_fn(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out);
/* Called for a click on an element without href. */
typedef void fake_click_fn(struct fake_web *web, const char *url, const struct fake_element *e);

#define FAKE_HISTORY 32

struct fake_web {
    struct plane plane; /* first: the plane is the web */
    fake_page_fn *page;
    fake_click_fn *click;
    const char *(*golden)(const char *url); /* a page of tests/golden/pages that is there; NULL: page() says */
    const struct page *fixed; /* what every look shows; NULL: page() says */
    struct loop *loop;
    struct pool *pool;
    char *history[FAKE_HISTORY];
    int at, depth, scroll;
    char *tab_from;     /* the page that a second tab was opened from; NULL: one tab */
    char *typed;        /* into the input under focus */
    int focus;          /* element index, -1 none */
    bool overlay_closed, phone_shown, flag;
    int settles, clicks, loads, typed_times, calls, counter;
    int die_at_call;    /* the n-th call finds the plane dead; 0 never */
    int fail_at_call;   /* the n-th call goes wrong with fail_code and the plane lives on */
    int fail_code;
    int stop_at_call;   /* the n-th call is interrupted */
    void (*on_stop)(void *arg);
    void *on_stop_arg;
    const char *chosen;   /* what a select shows; typing over it chooses type_ahead */
    const char *type_ahead;
    bool ticked;          /* by a click on "agree"; forgotten by a load, as typed text is */
    const char *leads_to; /* for the page function: where a form goes */
    int dialogs_per_click;
    bool full_frames;     /* pictures are as large as the screen, and blank */
    bool loads_never_end; /* navigations hit their cap */
    bool clock;           /* every look shows another time, at the end of the page and in its pixels */
    int live_frames, most_frames; /* pictures that are kept at the same time */
    int late_after;       /* for the page function: looks until something loads */
    int pngs;             /* looks that wanted the frame as a file */
    int looks, ticks_every; /* that many looks */
    int look_us;            /* that a look is said to take */
    bool no_wheel;        /* the page cannot be scrolled */
    bool no_url;          /* the address cannot be read */
    bool no_back;         /* the browser has nowhere to go back to */
    bool no_typing;       /* keys are lost */
    bool pixels;          /* fake_web_hide_dom(): what is out of view is not there */
    bool in_pane;         /* what scrolls is a pane: the document stands still */
    bool white;           /* pictures are blank */
    bool tab_order;       /* Tab goes to the next field or control, Return opens a link that has the focus */
    int tab_presses;      /* with tab_order */
    bool focus_stays;     /* clicks on what takes no text leave the focus where it is */
    const char *lands_on; /* where every load ends; NULL: where it was asked to */
    int lands_at;         /* how far down a load leaves the page */
    int load_cap_ms;      /* of the last load */
    const char *typed_into; /* text of the element */
    const char *download; /* a file that no settle told of; over at the n-th call, or when waited for */
    int download_at_call;
    const char *cookie;   /* the only one; "" or NULL none */
    char *hand;           /* what was done to the page by other inputs than a left click, wheel and text */
};

void fake_web_init(struct fake_web *web, struct loop *loop, fake_page_fn *page);
void fake_web_hide_dom(struct fake_web *web); /* a plane that shows only pixels */
void fake_web_release(struct fake_web *web);
const char *fake_web_url(const struct fake_web *web);
struct reader *fake_reader(void); /* static: nothing to destroy */

/* What the reader answers to list(): LIST_OK unless a test says otherwise. */
extern enum list_status fake_list_status;

void fake_add(struct fake_page *p, const char *kind, const char *tag, const char *text, const char *href);

#endif
