/*
 * driver.h - what one kind of decomposer implements; decompose.c checks the text's size once.
 */
#ifndef MANTIS_PLAN_DECOMPOSE_DRIVER_H
#define MANTIS_PLAN_DECOMPOSE_DRIVER_H

#include "plan/decompose.h"

struct decomposer_driver {
    const char *kind;
    int (*decompose)(struct pool *pool, const char *text, json_t **out, struct err *err);
};

extern const struct decomposer_driver decomposer_rules;

#endif
