/*
 * read.h - read the front tab: all its documents in one struct page.
 * Threads: loop thread only. Blocks in loop_wait().
 */
#ifndef MANTIS_PLANE_CDP_READ_H
#define MANTIS_PLANE_CDP_READ_H

#include "core/page.h"
#include "plane/cdp/tabs.h"

/* What one small script tells of the front tab's main document. */
struct read_view {
    const char *url, *title;
    double inner_w, inner_h, scale; /* CSS pixels; screen pixels per CSS pixel */
    int scroll_x, scroll_y;
};

/* Strings live in pool. E_TIMEOUT: the page's thread is busy. E_UPSTREAM, E_GONE, E_CANCELLED. */
int read_view(struct tabs *t, struct pool *pool, int64_t deadline_mono_ms, struct read_view *out,
              struct err *err) MUST_CHECK;

/* The same errors, and E_TOOBIG, E_NOMEM. The window is exactly the screen, its page at the bottom. */
int read_page(struct tabs *t, struct pool *pool, int screen_w, int screen_h, int64_t deadline_mono_ms,
              struct page **out, struct err *err) MUST_CHECK;

#endif
