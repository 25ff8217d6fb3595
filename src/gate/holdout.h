/*
 * holdout.h - a frozen set of tasks on the practice sites: a manifest, a plan per task, and the hashes of both.
 *
 * DIR/manifest.json says what there is; each task names its plan, a file below DIR; DIR/frozen.json holds the
 * SHA-256 of all of them. A set whose files are not those that were frozen is refused: results are comparable
 * as long as the digest is the same. Source: promotion.md section 7.
 */
#ifndef MANTIS_GATE_HOLDOUT_H
#define MANTIS_GATE_HOLDOUT_H

#include <stdbool.h>

#include "base/json.h"
#include "base/pool.h"

struct holdout {
    const char *dir, *name;
    int version;
    const char *digest; /* hex SHA-256 over all files; "" before it is frozen */
    const json_t *manifest;
};

/* What a run of a task is submitted as: metadata.mode. */
#define HOLDOUT_MODE_CUA "cua" /* an instruction to /v1/cua; the others are a plan, or one in words */

/* Manifest and plans, held against frozen.json. E_NOT_FOUND, E_INVALID: no holdout, or not frozen. E_CONFLICT:
 * changed since; the message names the first file. */
int holdout_read(struct pool *pool, const char *dir, struct holdout *out, struct err *err) MUST_CHECK;

/* Write frozen.json. E_CONFLICT: files changed, and the manifest's version is not above the frozen one.
 * *ret_changed: there was something to write. */
int holdout_freeze(struct pool *pool, const char *dir, struct holdout *out, bool *ret_changed,
                   struct err *err) MUST_CHECK;

/*
 * The tasks as a task file (promotion.md section 6.1) with their plans in it and `holdout` {name, version,
 * digest, split} beside them; metadata.seed is that of the task's split. In pool.
 * split: "visible", "sealed" or "all". keys (NULL-terminated, may be NULL): only these, of any split.
 * E_INVALID: no such split; a key that is not there, which is named.
 */
int holdout_tasks(struct pool *pool, const struct holdout *holdout, const char *split, const char *const *keys,
                  json_t **out, struct err *err) MUST_CHECK;

#endif
