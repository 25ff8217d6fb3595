/*
 * fixtures.h - what several tests are written with: files of the source tree, captured pages, and
 * JSON that can be read inside a C string. Whatever is wrong with them fails the test.
 */
#ifndef MANTIS_TESTS_FIXTURES_H
#define MANTIS_TESTS_FIXTURES_H

#include "base/json.h"
#include "base/pool.h"
#include "core/observation.h"
#include "core/schema.h"

/* A path below the source tree. */
char *source_path(struct pool *pool, const char *below);

/* JSON written with single quotes. Borrowed: the pool keeps it. */
json_t *json_of(struct pool *pool, const char *single_quoted);

/* JSON as it stands. Borrowed likewise. */
json_t *json_as_is(struct pool *pool, const char *text);

/* A page of tests/golden/pages, by name, as if it were looked at now. */
struct observation golden_look(struct pool *pool, const char *name);

/* "year:int,make", or a whole schema in single quotes. */
struct schema *schema_of(struct pool *pool, const char *spec);

#endif
