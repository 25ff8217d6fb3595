/*
 * api_live.h - what tests of live views tell the fake scheduler, and hear of it.
 */
#ifndef MANTIS_TESTS_API_LIVE_H
#define MANTIS_TESTS_API_LIVE_H

#include "sched/live.h"

struct fake_live {
    const char *tenant; /* whose run it is; NULL: default */
    int64_t token_s;    /* tokens are good for so long */
    int version;        /* of what is shown; raised by fake_picture() */
    size_t frame_len;
    struct sched_view *views[PATCHES_FRAME + 1]; /* the newest of each kind */
    int n_views;
    struct sched_view *holder;
    struct lease lease;
    bool ready, answered;
    const char *released;
    int hands, x; /* x: of the last one */
};
extern struct fake_live fake_live;

void fake_picture(void);             /* something else is shown: views are told */
void fake_copied(const char *text);  /* by the person who has the controls */

#endif
