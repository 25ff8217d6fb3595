/*
 * hands.h - one action carried out as X input, without waiting for what it causes.
 */
#ifndef MANTIS_PLANE_HANDS_H
#define MANTIS_PLANE_HANDS_H

#include "core/action.h"
#include "core/hand.h"
#include "plane/x11/display.h"

/* The action has been checked by plane.c. ACTION_WAIT does nothing. E_GONE, E_CANCELLED, E_INVALID. */
int hands_do(struct display *d, struct pool *pool, const struct action *action, int type_delay_ms,
             struct err *err) MUST_CHECK;

/* What a person does, at once; *ret_text is what HAND_COPY copied, in pool. E_GONE, E_CANCELLED, E_TIMEOUT. */
int hands_person(struct display *d, struct pool *pool, const struct hand *hand, const char **ret_text,
                 struct err *err) MUST_CHECK;

/* True for actions whose effect may come on a timer (design.md rule 8); typing, scrolling and
 * pointing show theirs at once. */
bool hands_need_chance(const struct action *action);

#endif
