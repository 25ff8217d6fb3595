/*
 * secrets.h - the secrets directory: one file per secret, named by an operator (tenancy.md section 1).
 * Read at each use, so a rotated file counts at once; never copied into the environment.
 */
#ifndef MANTIS_SYS_SECRETS_H
#define MANTIS_SYS_SECRETS_H

#include "base/pool.h"

/* The file's content without surrounding whitespace, in pool and wiped with it; "" when it is absent,
 * unreadable, larger than CAP_SECRET_BYTES or not id_is_file_name(). Follows links: platforms mount
 * secrets as links. */
const char *secret_read(struct pool *pool, const char *dir, const char *name);

#endif
