/*
 * record.h - what stays of a step: its result record, rows, screenshot, events.
 */
#ifndef MANTIS_RUN_RECORD_H
#define MANTIS_RUN_RECORD_H

#include "run/rules.h"

/* A step begins. */
void record_start(struct run *run);

/* Look once more: final URL and title, and the picture of how the step left the page. E_GONE only:
 * an interrupted look does not undo the step. */
int record_look(struct run *run, struct step_result *result, struct err *err) MUST_CHECK;

/* Take over rows and leads of a successful step, note or clear its failure history. */
void record_effects(struct run *run, struct step_result *result);

/* Take over the rows and leads alone: of an item within a step. */
void record_rows(struct run *run, struct step_result *result);

/* The result record and the step_end event, which goes with the next checkpoint. */
void record_end(struct run *run, const struct step_result *result, const struct next *next);

/* A PNG among the run's screenshots. E_IO, told once as a warning. */
int record_picture(struct run *run, const char *name, const uint8_t *png, size_t len) MUST_CHECK;

/* screenshots/final.png: the last thing the run saw. */
void record_final(struct run *run);

#endif
