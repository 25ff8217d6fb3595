/*
 * toggle.h - did a click switch the thing itself? A star that turns yellow says nothing in words: its
 * attributes and its picture are what changed.
 */
#ifndef MANTIS_RUN_TOGGLE_H
#define MANTIS_RUN_TOGGLE_H

#include "run/steps/steps.h"

/* The target's attributes, or those of what is in it, are different, and so is its picture once the
 * pointer is elsewhere (a hover or a ripple is no switch). after: the look behind the click. */
int toggle_seen(struct run *run, const struct aim *aim, const struct observation *after,
                bool *ret_seen, struct err *err) MUST_CHECK;

/* The two halves of it. node: in both pages. */
bool toggle_attrs_differ(const struct page *a, const struct page *b, int node);
bool toggle_looks_differ(const struct frame *a, const struct frame *b, struct rect box);

#endif
