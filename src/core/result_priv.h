/*
 * result_priv.h - what the files of the result envelope share.
 */
#ifndef MANTIS_CORE_RESULT_PRIV_H
#define MANTIS_CORE_RESULT_PRIV_H

#include "core/result.h"

json_t *result_row_values(const json_t *row); /* borrowed; NULL: it is no row */

/* All but its addresses say nothing. */
bool result_only_placeholders(struct pool *pool, const json_t *values);

/* The rows themselves, then every file, each once. New reference. */
json_t *result_artifacts(struct pool *pool, const char *run_id, const json_t *checkpoint,
                         const json_t *leads);

#endif
