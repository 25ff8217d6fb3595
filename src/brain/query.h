/*
 * query.h - what a brain can be asked besides its next action (brains.md sections 8 and 11): the values of a
 * form, whether a field has the focus, whether a claim shows, where the button is, a way out, a better point.
 *
 * Threads: loop thread only. Blocks at most until deadline_mono_ms.
 */
#ifndef MANTIS_BRAIN_QUERY_H
#define MANTIS_BRAIN_QUERY_H

#include "brain/brain.h"
#include "brain/model/questions.h"
#include "core/cost.h"

#define QUERY_MAX_VALUES 8

struct brain_query {
    enum question which;
    struct question_facts facts;   /* the view is filled in by who answers */
    const struct observation *obs; /* of a question that sees something */
    int64_t deadline_mono_ms;
};

/* Points and actions are in screen pixels. In pool. */
struct brain_answer {
    bool known;      /* false: there is no answer; who asks goes on without */
    const char *why; /* there is none, "" when nobody was asked */
    int n_values;
    struct form_value values[QUERY_MAX_VALUES];
    struct focused_answer focused;
    struct done_answer done;
    struct submit_answer submit;
    struct action action; /* of a director */
    struct point at;      /* of grounding */
    const char *model;    /* that is paid by the token; NULL: none is */
    struct token_use used;
    double gpu_s; /* of a server of ours, which is paid by the second */
};

/* E_CANCELLED only. */
int brain_query(struct brain *brain, struct pool *pool, const struct brain_query *query, struct brain_answer *out,
                struct err *err) MUST_CHECK;

#endif
