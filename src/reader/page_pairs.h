/*
 * page_pairs.h - every "label, value" that a piece of a page shows, in whatever markup.
 */
#ifndef MANTIS_READER_PAGE_PAIRS_H
#define MANTIS_READER_PAGE_PAIRS_H

#include "reader/scene.h"

struct pair {
    const char *label; /* plain */
    const char *value; /* as shown */
    const char *method; /* "definition_list", "table", "label_text", "labelled", "table_column" */
    double quality;     /* 0..1: how surely the markup says that they belong together */
    int node;           /* of the value */
};

#define PAIRS_MAX 4000
#define PAIR_LABEL_BYTES 60
#define PAIR_VALUE_BYTES 4000

/* Pairs below root, in document order; at most PAIRS_MAX. */
int page_pairs(const struct scene *s, int root, struct pair **out);

#endif
