/*
 * survey.h - what one page is, and what of it an objective names: read, never touched.
 * Strings live in the pool that is passed in.
 */
#ifndef MANTIS_RUN_LEARN_SURVEY_H
#define MANTIS_RUN_LEARN_SURVEY_H

#include "core/observation.h"
#include "core/schema.h"
#include "reader/reader.h"
#include "run/learn/objective.h"

#define SURVEY_MANY_CARDS 5 /* so many are results, whatever stands beside them */

enum page_kind { PAGE_OTHER, PAGE_RESULTS, PAGE_DETAIL, PAGE_FORM, PAGE_BLOCKED };
const char *page_kind_name(enum page_kind kind); /* "results", ... */

struct wanted_field {
    const char *name;    /* "engine_hours" */
    const char *example; /* as the page showed it; "" not seen */
    bool whole_number;
    bool seen;           /* the page shows it */
    bool in_rows;        /* most of its cards do, as such and not as a part of their titles */
    const char *reveal;  /* the control that seems to show it; "" none */
};

struct survey {
    struct observation obs;
    enum page_kind kind;
    const char *title;  /* its heading, else its title */
    const char *proof;  /* a sentence that the reader confirmed about it: for a gate; "" none */
    struct card *cards; /* that were asked for and are no advertisements */
    int n_cards;
    int n_listed; /* with those that were not asked for */
    bool opens;         /* the cards lead to pages of this site */
    bool rows_do;       /* all fields are in_rows */
    struct wanted_field *fields; /* what was asked for, or what a detail page offers */
    int n_fields;
    int n_seen, n_labelled; /* fields that the page shows; of these, under a label of their own */
};

/* intent: which cards, as a click step's intent says it. E_UNSUPPORTED: nothing to read here. */
int survey_page(struct reader *reader, struct pool *pool, const struct objective *want, const char *intent,
                const struct observation *obs, struct survey *out, struct err *err) MUST_CHECK;

/* {"entity_name","fields":[...], ...} of an extract block. New reference. */
json_t *survey_schema(const struct objective *want, const struct survey *s, int max_items);

/* A control that chooses among the results as the objective says. */
struct choice {
    const char *label;  /* what to look for on the page */
    const char *option; /* of a drop-down; "" none */
    const char *href;   /* a link does it: where to; "" it has to be pressed */
    const char *name;   /* of the objective */
};

/* The best control for each name; entity: also one for what is wanted as such ("Boats"). */
int survey_choices(struct pool *pool, const struct objective *want, const struct survey *s, bool entity,
                   struct choice out[OBJECTIVE_NAMES_MAX + 1]);

/* The search field's label; "" when there is none. */
const char *survey_search_field(struct pool *pool, const struct survey *s);

/* A field of a form that the objective names in quotes, and what it is to hold: the next quoted piece. */
struct entry {
    const char *label, *value;
};
int survey_entries(struct pool *pool, const struct objective *want, const struct survey *s,
                   struct entry out[OBJECTIVE_NAMES_MAX]);

/* The button that the objective names in quotes; "" none. */
const char *survey_button(struct pool *pool, const struct objective *want, const struct survey *s);

#endif
