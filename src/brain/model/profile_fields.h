/*
 * profile_fields.h - the table of a profile's fields: where each stands in the file, what it may be,
 * and where it goes in struct profile. Also what a file may hold at all.
 */
#ifndef MANTIS_BRAIN_MODEL_PROFILE_FIELDS_H
#define MANTIS_BRAIN_MODEL_PROFILE_FIELDS_H

#include "brain/model/profile.h"

/* Read every field of file into *out, which holds zeroes. The message names the field, not the file. */
int profile_read_fields(struct pool *pool, const json_t *file, struct profile *out, struct err *err) MUST_CHECK;

/* The table as Markdown, for docs/brains.md. */
const char *profile_describe(struct pool *pool);

#endif
