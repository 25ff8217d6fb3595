/*
 * keys_file.h - the tenant keys file as `mantis tenant` edits it: unknown fields and the order of
 * entries stay, one editor at a time, the server sees the old file or the new one.
 */
#ifndef MANTIS_CMD_KEYS_FILE_H
#define MANTIS_CMD_KEYS_FILE_H

#include "base/json.h"
#include "base/pool.h"
#include "core/tenant.h"

struct keys_file {
    struct pool *pool; /* borrowed */
    const char *path;  /* where links lead to */
    bool exists;
    json_t *document;
    json_t *tokens;          /* its "tenant_keys" */
    struct tenant_set *set;  /* what the server would make of it */
    const char *const *warnings;
    int lock_fd; /* -1: opened for looking only */
};

/* A file that is not there is an empty document when to_edit. What is there and is no keys document is
 * refused: E_INVALID with line and column. E_TIMEOUT: somebody else is editing it. */
int keys_file_open(struct pool *pool, const char *path, bool to_edit, struct keys_file *out,
                   struct err *err) MUST_CHECK;
void keys_file_close(struct keys_file *file);

/* Write the document as it is now, mode 0600, owner kept. token, when not NULL, must be in force in it:
 * otherwise E_INVALID says why it is not, and nothing is written. */
int keys_file_save(struct keys_file *file, const char *token, struct err *err) MUST_CHECK;

/* How a map key is shown and named to a person: "5b1f... (64)" or "sha256:ab12cd34ef56". */
const char *keys_file_shown(struct pool *pool, const char *key);

/* The SHA-256 of the token a map key stands for, in lower-case hex. */
const char *keys_file_hash(struct pool *pool, const char *key);

#endif
