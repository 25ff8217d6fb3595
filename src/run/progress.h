/*
 * progress.h - how far a run has come: everything a new worker needs to go on.
 *
 * One table (progress.c) names each field's key in the checkpoint document (version 2, see
 * core/result.h); reading and writing are loops over it. Lists are JSON because they are only ever
 * appended to and sent. What a step is doing is not here: a step that did not end did not happen.
 */
#ifndef MANTIS_RUN_PROGRESS_H
#define MANTIS_RUN_PROGRESS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"

struct progress {
    int step_index;   /* the next step */
    int current_page; /* of the results, from 1 */
    int viewport_stage, listings_on_page;
    int retries;         /* failed attempts of the step at step_index that were answered by a retry */
    int blocked_reloads; /* page_blocked_reload of the step at step_index */
    int effects;         /* irreversible attempts that were carried to their end: names the next one */
    int steps_executed;
    int recoveries;      /* decisions of recovery.h so far, of the whole run */
    int state_repeats;   /* steps in a row that left the state of state_print; guards.h */
    int off_source;      /* steps in a row that ended away from the pinned source */
    int n_tasks; /* of a suite, 0: no suite */
    int scroll_y;
    int row_images, row_image_bytes; /* pictures of rows that were kept */
    int shared_seen_hits;            /* passed over because an earlier run had them: cache_read */
    int inputs;          /* times a person was asked: the number of the newest answer */
    double elapsed_s;    /* of all attempts up to this checkpoint */
    bool asked;          /* it was not answered when this was written */
    bool detail_open;    /* a listing click opened a detail page that was not left yet */
    char *status, *halt_reason, *session_name, *plan_signature, *run_key; /* owned, never NULL */
    char *current_url, *reentry_url;
    char *results_base_url; /* where the results were first opened */
    char *listing_url;      /* the page of results the last card was clicked on */
    char *detail_url;       /* where that led */
    char *drift_hint;       /* to be checked by the next step; "" none */
    char *card_title;       /* of the open detail page */
    char *card_key;         /* what its account knows it by */
    char *state_print;      /* of the page after the last step; guards.h */
    char *ask_prompt, *ask_reason; /* what was asked last; "" nothing */
    char *timestamp;
    json_t *seen_urls, *leads, *step_results, *titles, *tried, *filter_tokens, *rows, *healing,
        *warnings, *schema_fields, *accounts, *downloads; /* arrays, never NULL */
    json_t *edits;                            /* array: edits.h */
    json_t *collected_urls;                   /* array: where links lead */
    json_t *loop_counters, *state_vars, *failures, *backends, *last_extracted, *time_buckets, *costs, *cost_by_path,
        *coverage, *learned, *suite, *browser_state, *tile; /* objects, never NULL; tile: {"values","evidence"} that the card
                                       of the open detail page gave */
    json_t *overrides, *step_recoveries; /* objects by step index: intents of rewrite.h, decisions */
};

void progress_init(struct progress *p);
void progress_release(struct progress *p);

/* Replace an owned string. */
void progress_set(char **field, const char *value);

json_t *progress_to_json(const struct progress *p); /* new reference; shares the lists */

/* Into a fresh progress. Keys of another type are ignored. E_INVALID: not a checkpoint. */
int progress_from_json(struct progress *p, const json_t *doc, struct err *err) MUST_CHECK;

/* Arrays of strings. */
bool progress_has(const json_t *array, const char *value);
void progress_add(json_t *array, const char *value); /* unless it is there */

int progress_counter(const json_t *counters, int index);
void progress_set_counter(json_t *counters, int index, int value);

/* n steps were inserted before step at: what is kept by index moves with its step. */
void progress_shift(json_t *by_index, int at, int n);

#endif
