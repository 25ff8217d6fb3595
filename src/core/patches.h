/*
 * patches.h - regions of a screen as JPEGs, in one message: what a worker sends up and what viewers are sent
 * (docs/live.md has the bytes).
 *
 * A screen is a grid of cells of PATCH_W x PATCH_H, cut at the right and lower edge; a region is one cell, or, in a
 * message of kind PATCH_FRAME, the only one and all of the screen.
 */
#ifndef MANTIS_CORE_PATCHES_H
#define MANTIS_CORE_PATCHES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/page.h"

#define PATCH_W 128 /* whole blocks of a JPEG */
#define PATCH_H 80
#define PATCHES_HEAD_BYTES 16
#define PATCH_HEAD_BYTES   12

enum patches_kind { PATCHES_REGIONS = 1, PATCHES_FRAME = 2 };
#define PATCHES_WHOLE 1 /* flag: the whole screen */

struct patches { /* a message, its head read */
    enum patches_kind kind;
    unsigned flags;
    int n, width, height;
    int64_t taken_us; /* Unix time */
    const unsigned char *at, *end; /* what is left of it */
};

struct patch {
    struct rect rect;
    const unsigned char *data;
    size_t len;
};

/* Columns and rows of cells. */
int patch_columns(int width);
int patch_rows(int height);
struct rect patch_rect(int width, int height, int cell); /* row by row */

/* Begin a message in out, which is empty; add regions; and say at the end how many they are. */
void patches_begin(struct buf *out, const struct patches *head);
void patches_add(struct buf *out, const struct rect *rect, const void *jpeg, size_t len);
void patches_end(struct buf *out, int n);

/* E_PROTOCOL for what is no message. Borrows data. */
int patches_read(const void *data, size_t len, struct patches *out, struct err *err) MUST_CHECK;

/* The next region; 0 behind the last one (n is counted down), 1 when there is one, E_PROTOCOL: not inside
 * the screen, no JPEG, cut off, or bytes are left over. */
int patches_next(struct patches *p, struct patch *out, struct err *err) MUST_CHECK;

#endif
