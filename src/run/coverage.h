/*
 * coverage.h - did the run go through every listing it saw? (agent-loop.md section 16)
 * Listing steps report what they found and opened; the report judges each page of results.
 */
#ifndef MANTIS_RUN_COVERAGE_H
#define MANTIS_RUN_COVERAGE_H

#include <stdbool.h>

#include "base/json.h"

struct coverage {
    json_t *pages;  /* array of {page,url,filters_ok,exhausted,items{key:{state,title}}} */
    json_t *events; /* the last ones */
    int dropped;    /* events that were let go */
};

void coverage_init(struct coverage *c, const json_t *saved); /* saved: from a checkpoint or NULL */
void coverage_release(struct coverage *c);

void coverage_page(struct coverage *c, int page, const char *url);
void coverage_filters(struct coverage *c, int page, bool present);
void coverage_found(struct coverage *c, int page, const char *title); /* viewport_scan */
enum coverage_state { ITEM_FOUND, ITEM_ATTEMPTED, ITEM_OPENED, ITEM_COMPLETED, ITEM_FAILED };
void coverage_item(struct coverage *c, int page, const char *title, enum coverage_state state);
void coverage_exhausted(struct coverage *c, int page);
void coverage_paginated(struct coverage *c, int from_page, int to_page);

/* The full report. status: the run's ("running", "completed", ...). New reference. */
json_t *coverage_report(const struct coverage *c, const char *status, const char *plan_name,
                        const json_t *filter_tokens, bool listings_plan);

#endif
