/*
 * listing_scan.h - which card of a page of results is opened next (plans.md 8.3).
 */
#ifndef MANTIS_RUN_STEPS_LISTING_SCAN_H
#define MANTIS_RUN_STEPS_LISTING_SCAN_H

#include "core/schema.h"
#include "run/run.h"

struct scan {
    struct schema *schema; /* for its card_exclusions; may be NULL */
    struct card card;      /* the chosen one; title NULL when none is left */
    const char *key;       /* what it is remembered by: its address, else its title */
    json_t *tile;          /* what it says of tile_carry_fields, of the step pool; NULL nothing */
    enum list_status status;
};

/* Fills scan->card, which lives as long as the last stage's look, in the step pool; its title stays
 * NULL when no card is left. E_GONE, E_CANCELLED. */
int scan_page(struct run *run, struct scan *scan, struct err *err) MUST_CHECK;

/* The name of the one card that the step may open: a quoted one of its sentence, where no hint prefers another and no
 * loop comes back for the next. In the step pool; NULL: any. */
const char *scan_only(struct run *run);

/* Where the card stands now: run_bring() asks again after each scroll; arg is the scan. */
int scan_find_card(struct run *run, void *arg, const struct observation *obs, struct target *out,
                   struct err *err) MUST_CHECK;

#endif
