/*
 * errorpage.h - is this Chromium's own page for a site that cannot be reached? For planes that have
 * only pixels: the address bar goes on showing the URL that was asked for.
 */
#ifndef MANTIS_PLANE_ERRORPAGE_H
#define MANTIS_PLANE_ERRORPAGE_H

#include "core/frame.h"

#define ERRORPAGE_URL "chrome-error://chromewebdata/" /* what a plane with a pipe is told */

/* The tab's title is the host and nothing else: worth looking at the pixels. */
bool errorpage_title(const char *url, const char *title);

/* The page area (from top on) is white but for a middle column that begins with the sad sheet of
 * paper. top: first row of the page. */
bool errorpage_shown(const struct frame *frame, int top);

#endif
