/*
 * choices.h - what a select_option step wants, and what a drop-down offers and shows.
 * Pure: everything is read from a step or a page. Strings live in the pool or the page.
 */
#ifndef MANTIS_RUN_STEPS_CHOICES_H
#define MANTIS_RUN_STEPS_CHOICES_H

#include "core/observation.h"
#include "core/plan.h"

#define CHOICES_MAX 32

struct choices {
    const char *dropdown; /* params.dropdown_label, label, or the last quoted piece of the intent */
    const char *names[CHOICES_MAX]; /* params.option_label or value, or the first quoted piece */
    int n;
    const char *text; /* all of them, as the record says it */
};

void choices_read(struct pool *pool, const struct step *step, struct choices *out);

/* "A, B" as two names. */
void choices_split(struct pool *pool, struct choices *c);

/* The options of one <select>, in order. */
struct native {
    const struct node *select;
    const struct node **options;
    int n;
};

/* n = 0 when node is no <select> of page. */
struct native native_read(struct pool *pool, const struct page *page, int node);

bool native_is_list(const struct node *select); /* stands open: multiple, or size > 1 */
const char *native_name(const struct native *n, int option);
bool native_disabled(const struct native *n, int option);
int native_selected(const struct native *n); /* the first, -1 none */

/* First option that is equal, else the first that contains the name; -1. Any case. */
int native_find(struct pool *pool, const struct native *n, const char *name);

/* Presses of Down (negative: Up) from one option to another: disabled ones are passed over. */
int native_steps(const struct native *n, int from, int to);

/* Exactly these options are chosen. */
bool native_is_set(const struct native *n, const int *options, int count);

/* Which way an open list must roll to show an option: 1 down, -1 up, 0 it is shown. */
int native_hidden(const struct native *n, int option);

const char *native_shown(struct pool *pool, const struct native *n); /* "A, B" */

/* What a control of the page's own shows near node: its value, its words, or those of the box around
 * it when they hold name; "" when that cannot be told. */
const char *choice_shown(struct pool *pool, const struct observation *obs, int node, const char *name);

/* The innermost visible element at a point, -1. */
int choice_node_at(const struct observation *obs, struct point at);

#endif
