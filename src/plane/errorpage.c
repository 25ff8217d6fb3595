/*
 * Source: a capture of Chromium 156's page at 1280x720, and components/neterror/resources: a column
 * of 600 px in the middle, in it an icon of 33x42 px whose left edge is a grey bar as high as the
 * icon.
 */
#include "plane/errorpage.h"

#include <string.h>
#include <strings.h>

#define COLUMN_W      600
#define ICON_H        42
#define ICON_SLACK    2 /* px: zoom and fonts move edges by a pixel */
#define DARKEST_LIGHT 0x80
#define SAMPLE_STEP   8

bool errorpage_title(const char *url, const char *title)
{
    const char *host = strstr(url, "://");
    if (!host)
        return false;
    host += 3;
    size_t len = strcspn(host, ":/?#");
    return len && strlen(title) == len && !strncasecmp(host, title, len);
}

static const uint8_t *at(const struct frame *f, int x, int y)
{
    return f->pixels + (size_t)y * (size_t)f->stride + (size_t)x * 4;
}

static bool is_white(const uint8_t *p)
{
    return p[0] == 0xff && p[1] == 0xff && p[2] == 0xff;
}

static bool is_dark_grey(const uint8_t *p)
{
    return p[0] == p[1] && p[1] == p[2] && p[0] < DARKEST_LIGHT;
}

static bool margins_are_white(const struct frame *f, int top, int left, int right)
{
    for (int y = top; y < f->height; y += SAMPLE_STEP)
        for (int x = 0; x < f->width; x += SAMPLE_STEP)
            if ((x < left || x >= right) && !is_white(at(f, x, y)))
                return false;
    return true;
}

bool errorpage_shown(const struct frame *frame, int top)
{
    int left = (frame->width - COLUMN_W) / 2, y = top;
    if (left < SAMPLE_STEP || !margins_are_white(frame, top + 1, left, left + COLUMN_W))
        return false;
    /* The first thing in the column, one pixel inside, is the bar. */
    for (y = top + 1; y < frame->height && is_white(at(frame, left + 1, y)); y++) {
    }
    int from = y;
    while (y < frame->height && is_dark_grey(at(frame, left + 1, y)))
        y++;
    return y - from >= ICON_H - ICON_SLACK && y - from <= ICON_H + ICON_SLACK;
}
