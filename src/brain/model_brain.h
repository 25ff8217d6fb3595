/*
 * model_brain.h - what the brains that are models share: a profile, a link to its server and a memory.
 * A kind of its own for each thing that servers speak: chat.c, claude.c.
 */
#ifndef MANTIS_BRAIN_MODEL_BRAIN_H
#define MANTIS_BRAIN_MODEL_BRAIN_H

#include "brain/driver.h"
#include "brain/model/profile.h"

#define MODEL_BRAIN_CAPS (BRAIN_CAN_PLAN | BRAIN_SEES | BRAIN_ANSWERS | BRAIN_TELLS_HISTORY)

/* profile: its name; one whose server speaks something else than api is E_INVALID. */
int model_brain_create(const struct brain_driver *driver, enum profile_api api, const char *profile,
                       const struct brain_needs *needs, struct brain **out, struct err *err) MUST_CHECK;
void model_brain_destroy(struct brain *brain);
int model_brain_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn, struct brain_reply *out,
                      struct err *err) MUST_CHECK;
int model_brain_query(struct brain *brain, struct pool *pool, const struct brain_query *query,
                      struct brain_answer *out, struct err *err) MUST_CHECK;

#endif
