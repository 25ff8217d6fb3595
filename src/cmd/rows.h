/*
 * rows.h - the rows of a result as a client sees them.
 */
#ifndef MANTIS_CMD_ROWS_H
#define MANTIS_CMD_ROWS_H

#include "base/json.h"
#include "base/pool.h"

/* Array of objects: the extracted rows, else the leads taken apart. result may be NULL. */
json_t *rows_of_result(struct pool *pool, const json_t *result);

#endif
