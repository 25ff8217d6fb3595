/*
 * observation.h - what a run saw at one moment. Everything lives in the pool it was made in.
 */
#ifndef MANTIS_CORE_OBSERVATION_H
#define MANTIS_CORE_OBSERVATION_H

#include <stddef.h>
#include <stdint.h>

#include "core/frame.h"
#include "core/page.h"

struct observation {
    const char *url;   /* "" when it cannot be read */
    const char *title; /* "" when it cannot be read */
    struct frame frame; /* pixels NULL when no frame was asked for */
    const uint8_t *png; /* the frame encoded, NULL unless asked for */
    size_t png_len;
    const struct page *page; /* NULL when the plane has no DOM or it was not asked for */
    int64_t perceive_us; /* time spent on capture and encode */
};

#endif
