/*
 * person.h - a person has the mouse and keyboard of a run that stands still (docs/live.md).
 *
 * The loop only notes down that a person came, went, or did something; it is carried out by whoever waits in
 * pause.c, top to bottom, so a person's hands and the run's own are never on one mouse. What the page was like
 * is looked at when the person comes and again when the run goes on: the run is told what is different. What
 * was typed is compared here and told nobody: a field is named, never quoted.
 */
#ifndef MANTIS_RUN_PERSON_H
#define MANTIS_RUN_PERSON_H

#include "core/hand.h"
#include "core/observation.h"

struct run;

#define PERSON_KEYS_MAX 16

struct person { /* zeroed: nobody came */
    bool here;     /* has the controls */
    bool was_here; /* since the run stands still: before is what the page was like */
    json_t *queue; /* hands not carried out yet, owned */
    size_t queued_bytes; /* of their texts */
    struct pool *before_pool;
    struct page_view {
        const char *url, *title;
        json_t *fields; /* of page_state_fields(); NULL: the page cannot be read */
        bool typed;     /* something, somewhere: what is masked may be another thing now */
    } before;
    char *news; /* for the next prompt of a brain, owned; NULL nothing */
    bool typed;       /* since then */
    unsigned buttons; /* held down: 1 << enum button */
    char *keys[PERSON_KEYS_MAX]; /* likewise, owned */
    int n_keys;
    bool left; /* who held them went: they are let go first */
    int64_t acted_ms, looked_ms; /* 0: since the last look nothing was done; when that look was */
};

void person_release(struct person *p);

/* From a callback of the loop. */
void person_here(struct run *run, bool here);
void person_does(struct run *run, const json_t *hand); /* dropped when nobody is here */

/* Is there anything to carry out? For the wait of a run that stands still. */
bool person_waits(const struct run *run);
/* When the page is to be looked at, so that the masks of what is watched fit it; INT64_MAX: need not be. */
int64_t person_look_due(const struct run *run);
/* Carry out what there is, and look when that is due. E_GONE, E_CANCELLED. */
int person_serve(struct run *run, struct err *err) MUST_CHECK;

/* The run goes on: if a person was here, let go of what is held, look, and tell. E_GONE, E_CANCELLED. */
int person_left(struct run *run, struct err *err) MUST_CHECK;

/* A brain was told of person.news. */
void person_told(struct run *run);

/* What is different, as the detail of an event: {"url", "title": {"before","after"}, "fields": [{"name","change"}]}.
 * Pure. New reference. */
json_t *person_changes(const struct page_view *before, const struct page_view *after);

#endif
