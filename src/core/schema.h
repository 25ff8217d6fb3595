/*
 * schema.h - what an extraction is asked for (agent-loop.md 14.1), and what makes a row viable.
 */
#ifndef MANTIS_CORE_SCHEMA_H
#define MANTIS_CORE_SCHEMA_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

enum field_type { FIELD_STR, FIELD_INT, FIELD_FLOAT, FIELD_BOOL };

struct field {
    const char *name;
    const char *label; /* "sale_price" -> "Sale Price": underscores to blanks, words capitalised */
    enum field_type type;
    bool required;
    const char *example; /* "" when none */
};

/* What a row that does not count should lead to (rejection_intents). */
enum rejection { REJECTION_FAIL, REJECTION_SKIP, REJECTION_HALT, REJECTION_MORE };

struct schema {
    const char *entity_name; /* "item" when not given */
    struct field *fields;
    int n_fields;
    int max_items; /* 0 or 1: a single item */
    const char *const *spam_indicators; /* NULL-terminated lists, never NULL */
    const char *const *spam_seller_indicators;
    const char *const *forbidden_controls;
    const char *const *allowed_controls;
    const char *const *card_exclusions;
    const char *const *tile_required; /* what a row of results must have, when it says so */
    const char *const *tile_carry;    /* read from the result card for the page it leads to */
    const char *spam_label;
    enum rejection on_spam, on_incomplete; /* rejection_intents.dealer, .incomplete_required */
};

/* From a step's "extract" block, a request's extraction_schema or a recipe. *out is NULL and the
 * result 0 when the object has no usable field. E_INVALID for a wrong shape, naming the field. */
int schema_parse(struct pool *pool, const json_t *json, struct schema **out, struct err *err) MUST_CHECK;

/* What its author probably did not mean, in an object that schema_parse() takes: a field that stands twice,
 * a list of fields (required_fields, tile_required_fields, tile_carry_fields) that names none. E_INVALID;
 * prefix stands before the names in the message, as "extraction_schema.". */
int schema_check_names(const json_t *json, const char *prefix, struct err *err) MUST_CHECK;

/* "", "unknown", "n/a", "not visible" ... of agent-loop.md 14.3, trimmed, any case. */
bool schema_is_placeholder(const char *value);

/* rank, index, position ... : names that number a row instead of naming it (plans.md 8.10). */
bool schema_is_positional(const char *field_name);

/* One that names no row: the above and "null", "-", "?", "untitled", "no name" ... (14.3). */
bool schema_is_row_placeholder(const char *value);

/* Name of the first required field that is missing or a placeholder in the object values, or NULL. */
const char *schema_missing(const struct schema *schema, const json_t *values);

/* The same for a row on a page of results: tile_required_fields, when there are any, decide. */
const char *schema_missing_tile(const struct schema *schema, const json_t *values);

/* is_spam or is_dealer among the values says yes. */
bool schema_flagged_spam(const json_t *values);

/* A plan's schema over a recipe's (either may be NULL): fields and what is required come from the plan when
 * it names fields, lists are joined, the rest is the plan's where it says something. In pool; NULL when
 * both are. */
const json_t *schema_overlay(struct pool *pool, const json_t *plan, const json_t *recipe);

/* "VIABLE | Year: 2014 | Make: ..." in field order; empty values left out, an empty phone prints
 * "Phone: none" (agent-loop.md 14.4). */
char *schema_lead(struct pool *pool, const struct schema *schema, const json_t *values);

#endif
