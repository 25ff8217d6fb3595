/*
 * compile.h - from what was seen to a micro plan of ordinary steps, each with its sentence.
 */
#ifndef MANTIS_RUN_LEARN_COMPILE_H
#define MANTIS_RUN_LEARN_COMPILE_H

#include "run/learn/survey.h"

#define COMPILE_FILTERS_MAX (OBJECTIVE_NAMES_MAX + 1)

/* What was learnt of a site. Borrowed. */
struct lesson {
    const struct objective *want;
    const char *intent;          /* which cards to open */
    const struct survey *page;   /* where the work begins */
    const struct survey *detail; /* of one of its cards; NULL: the cards or the page itself are read */
    const char *url;             /* of page, as it opens again */
    struct choice filters[COMPILE_FILTERS_MAX]; /* to be pressed */
    int n_filters;
    const char *search_field; /* "" none */
    bool has_next;            /* there are further pages */
};

/* Array of steps; new reference. NULL: nothing of it could be made into one. */
json_t *compile_lesson(struct pool *pool, const struct lesson *lesson);

#endif
