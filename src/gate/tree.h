/*
 * tree.h - traces as files: one, or all of a directory.
 */
#ifndef MANTIS_GATE_TREE_H
#define MANTIS_GATE_TREE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

struct tree {
    const char *root;         /* as it was given */
    bool is_dir;
    const char *const *files; /* below the root, sorted; of a file that was given alone its name */
    int n;
};

/* Every *.json at any depth; links are not followed, names with a leading dot are left out. E_NOT_FOUND, E_IO. */
int tree_list(struct pool *pool, const char *path, struct tree *out, struct err *err) MUST_CHECK;

const char *tree_path(struct pool *pool, const struct tree *tree, int i);

/* One JSON document of at most CAP_TRACE_FILE_BYTES. New reference. The message names the file. */
int tree_read(const char *path, json_t **out, struct err *err) MUST_CHECK;

/* Is path, which need not exist, the directory or in it? */
bool tree_holds(struct pool *pool, const char *dir, const char *path);

/* Would it lead to something below wherever it begins: relative, no ".." and no empty name in it? Links are not looked at. */
bool tree_is_below(const char *path);

#endif
