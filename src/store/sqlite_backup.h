/*
 * sqlite_backup.h - the copy of a database. Private to src/store.
 */
#ifndef MANTIS_STORE_SQLITE_BACKUP_H
#define MANTIS_STORE_SQLITE_BACKUP_H

#include "store/sqlite.h"
#include "store/sqlite_schema.h"

/* upkeep.h's copy of an open database. from must outlive it. */
int sqlite_backup_of(sqlite3 *from, const char *to, struct store_backup **out, struct err *err) MUST_CHECK;

int sqlite_backup_exists(const char *to, struct err *err); /* E_CONFLICT */

#endif
