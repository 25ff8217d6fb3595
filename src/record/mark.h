/*
 * mark.h - what a hand did, for the eye: drawn over the recorded screen for a while (http-api.md section 17).
 */
#ifndef MANTIS_RECORD_MARK_H
#define MANTIS_RECORD_MARK_H

#include <stdint.h>

#include "base/caps.h"

enum mark_kind {
    MARK_CLICK,
    MARK_DOUBLE_CLICK,
    MARK_KEYS,
    MARK_TEXT,
    MARK_SCROLL,
    MARK_DRAG,
    MARK_KINDS,
};

struct mark {
    enum mark_kind kind;
    int64_t at_us;  /* clock_mono_us() */
    int x, y;       /* px; of a scroll: where the wheel was turned */
    int to_x, to_y; /* of a drag; of a scroll: in which direction, notches */
    char text[CAP_VIDEO_TEXT_BYTES]; /* keys and typed text, UTF-8 */
};

int mark_lasts_ms(enum mark_kind kind);

#endif
