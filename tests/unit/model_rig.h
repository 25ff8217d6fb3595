/*
 * model_rig.h - profiles of the source tree, and actions as words, for the tests of model brains.
 */
#ifndef MANTIS_TESTS_MODEL_RIG_H
#define MANTIS_TESTS_MODEL_RIG_H

#include "brain/model/profile.h"
#include "brain/model/reply.h"

struct profile_dirs rig_dirs(void); /* profiles/ and prompts/ of the source tree */
const struct profile *rig_profile(struct pool *pool, const char *name);

/* "click 640,360", "type abc", "scroll down 5 at 640,600", "done false: why", "wait 1 unread" */
const char *rig_words(struct pool *pool, const struct action *action);

/* The body of an answer that says text and calls one tool (NULL: none). */
json_t *rig_answer(struct pool *pool, const struct profile *profile, const char *text, const char *thinking,
                   const char *tool, const char *args);

#endif
