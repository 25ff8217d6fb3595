/*
 * xvfb.h - the virtual display server of one plane. Display number from -displayfd; DISPLAY is ignored.
 */
#ifndef MANTIS_PLANE_XVFB_H
#define MANTIS_PLANE_XVFB_H

#include "base/err.h"
#include "sys/loop.h"
#include "sys/proc.h"

struct xvfb {
    struct proc proc;
    char display[16]; /* ":3" */
};

/* E_NOT_FOUND names the package; E_TIMEOUT; E_CANCELLED; E_IO. */
int xvfb_start(struct loop *loop, int width, int height, int64_t deadline_mono_ms, struct xvfb *out,
               struct err *err) MUST_CHECK;
void xvfb_stop(struct xvfb *x); /* also of a zeroed one */

#endif
