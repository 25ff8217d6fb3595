/*
 * csv.h - rows as CSV (RFC 4180: quotes where needed, CRLF).
 */
#ifndef MANTIS_CORE_CSV_H
#define MANTIS_CORE_CSV_H

#include "base/json.h"

/* Header and rows (array of objects) with these columns (array of keys); a missing value is an empty
 * cell, one that is no string is compact JSON. NULL when it would be larger than CAP_CSV_BYTES. */
char *csv_table(struct pool *pool, const json_t *columns, const json_t *rows);

#endif
