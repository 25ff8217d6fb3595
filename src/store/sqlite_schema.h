/*
 * sqlite_schema.h - the file behind sqlite.c. Private to src/store.
 */
#ifndef MANTIS_STORE_SQLITE_SCHEMA_H
#define MANTIS_STORE_SQLITE_SCHEMA_H

#include <sqlite3.h>

#include "base/err.h"

/* Make or open the file and migrate it. Errors as of store_open(). */
int sqlite_schema_open(const char *path, sqlite3 **out, struct err *err) MUST_CHECK;

int sqlite_schema_newest(void); /* version */

/* Bring an open database to version to of the schema, with foreign_keys off: a table that is made anew is
 * dropped. One that fails here must be closed, which rolls back. */
int sqlite_schema_migrate(sqlite3 *db, const char *path, int to, struct err *err) MUST_CHECK;

/* What db's last call failed with, as an error of store.h. Returns its code. */
int sqlite_fail(sqlite3 *db, const char *path, struct err *err);

#endif
