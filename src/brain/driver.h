/*
 * driver.h - what one kind of brain implements. brain.c checks arguments once and calls these.
 * All callbacks but query are mandatory.
 */
#ifndef MANTIS_BRAIN_DRIVER_H
#define MANTIS_BRAIN_DRIVER_H

#include "brain/query.h"

struct brain_driver {
    const char *kind;
    unsigned caps; /* enum brain_caps */
    int (*create)(const char *argument, const struct brain_needs *needs, struct brain **out,
                  struct err *err); /* argument: after "kind:" */
    void (*destroy)(struct brain *brain);
    int (*think)(struct brain *brain, struct pool *pool, const struct brain_turn *turn, struct brain_reply *out,
                 struct err *err);
    int (*query)(struct brain *brain, struct pool *pool, const struct brain_query *query, struct brain_answer *out,
                 struct err *err); /* NULL: it has no answers */
};

/* First member of every kind's own struct; downcast after a check of driver. */
struct brain {
    const struct brain_driver *driver;
    unsigned also; /* enum brain_caps of this one beside its kind's */
};

extern const struct brain_driver brain_page, brain_script, brain_mock, brain_none, brain_chat, brain_claude,
    brain_ladder;

#endif
