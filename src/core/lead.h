/*
 * lead.h - a lead: a row as one line, "VIABLE | Year: 2014 | Url: https://x" (agent-loop.md 14.5).
 */
#ifndef MANTIS_CORE_LEAD_H
#define MANTIS_CORE_LEAD_H

#include "base/json.h"

/* {"status":"VIABLE","year":"2014","url":"https://x"}; of two parts with one name the first counts.
 * New reference. */
json_t *lead_to_json(struct pool *pool, const char *line);

/* "Sale Price" -> "sale_price": what lead_to_json() calls it. */
char *lead_key(struct pool *pool, const char *label);

/* What makes two leads the same: the address after "Url:" in any case, else the first 100 bytes. In pool. */
const char *lead_dedup_key(struct pool *pool, const char *line);

/* The line of a row's values; empty ones are left out. */
const char *lead_from_values(struct pool *pool, const json_t *values);

#endif
