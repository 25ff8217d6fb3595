/*
 * objective.h - what an objective asks for, in the few terms that a page can answer: what is wanted,
 * how many, which fields of it, and the words that say which ones.
 *
 * Plain word rules over one sentence or two, no model: "first 3 boats of private sellers with year,
 * make and price" wants three of the entity "boat", the fields "year", "make" and "price", and names
 * "private sellers". What the rules do not understand is left out, never guessed.
 */
#ifndef MANTIS_RUN_LEARN_OBJECTIVE_H
#define MANTIS_RUN_LEARN_OBJECTIVE_H

#include <stdbool.h>

#include "base/pool.h"

#define OBJECTIVE_FIELDS_MAX 20
#define OBJECTIVE_NAMES_MAX  8

struct objective {
    const char *entity; /* one of them: "boat"; "item" when the objective does not say */
    const char *what;   /* all that was said of them: "used boats"; "" none */
    int count;          /* how many; 0: it does not say */
    bool all;           /* "all", "every": also those of further pages */
    const char *fields[OBJECTIVE_FIELDS_MAX]; /* plain, singular: "asking price" */
    int n_fields;
    const char *names[OBJECTIVE_NAMES_MAX]; /* which ones, plain: "private sellers"; quoted pieces too */
    const char *quoted[OBJECTIVE_NAMES_MAX]; /* as it was written between quotes; NULL for other names */
    int n_names;
    const char *skips; /* what is to be left out, as it was said: "dealers"; "" none */
    const char *search; /* of "search for ..."; "" none */
};

void objective_parse(struct pool *pool, const char *text, struct objective *out);

/* "boats" -> "boat", "companies" -> "company"; in pool. */
char *objective_singular(struct pool *pool, const char *word);

/* How much of the name a label (as a page shows it) says, 0..1: all words of the label that mean
 * something must stand in the name, singular or plural. A count behind the label is no part of it. */
double objective_names(struct pool *pool, const char *name, const char *label);

#endif
