/*
 * capture.h - what a stream gets goes to a file in memory meanwhile.
 */
#ifndef MANTIS_TESTS_CAPTURE_H
#define MANTIS_TESTS_CAPTURE_H

#include <stdio.h>

#include "base/pool.h"

struct capture {
    FILE *stream;
    int file, before;
};

struct capture capture_begin(FILE *stream);
char *capture_end(struct pool *pool, struct capture *c); /* what it got */

#endif
