/*
 * plain.c - the kinds that decide nothing: "mock" is done with everything, for walking a plan;
 * "none" refuses.
 */
#include "brain/driver.h"

#include <stdlib.h>

static int create_plain(const struct brain_driver *driver, const char *argument, struct brain **out,
                        struct err *err)
{
    if (*argument)
        return err_set(err, E_INVALID, "brain '%s' takes no argument, not '%.60s'", driver->kind,
                       argument);
    struct brain *brain = calloc(1, sizeof(*brain));
    if (!brain)
        BUG("out of memory");
    brain->driver = driver;
    *out = brain;
    return 0;
}

static void plain_destroy(struct brain *brain)
{
    free(brain);
}

static int mock_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                       struct err *err)
{
    return create_plain(&brain_mock, argument, out, err);
}

static int mock_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                      struct brain_reply *out, struct err *err)
{
    out->action = (struct action){.type = ACTION_DONE,
                                  .success = true,
                                  .summary = "mock",
                                  .reasoning = "structural-only run"};
    return 0;
}

static int none_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                       struct err *err)
{
    return create_plain(&brain_none, argument, out, err);
}

static int none_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                      struct brain_reply *out, struct err *err)
{
    return err_set(err, E_UNAVAILABLE,
                   "no brain is configured (MANTIS_BRAIN=none), and this step needs one");
}

const struct brain_driver brain_mock = {.kind = "mock",
                                        .caps = BRAIN_CAN_PLAN,
                                        .create = mock_create,
                                        .destroy = plain_destroy,
                                        .think = mock_think};

const struct brain_driver brain_none = {.kind = "none",
                                        .caps = 0,
                                        .create = none_create,
                                        .destroy = plain_destroy,
                                        .think = none_think};
