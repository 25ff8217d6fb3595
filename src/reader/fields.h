/*
 * fields.h - what the fields of a schema usually mean: how pages label them, what schema.org calls
 * them, what their values look like. A field that means nothing known is found by its own name.
 */
#ifndef MANTIS_READER_FIELDS_H
#define MANTIS_READER_FIELDS_H

#include "core/schema.h"
#include "reader/patterns.h"

enum meaning {
    MEANS_OTHER,
    MEANS_PHONE,
    MEANS_PRICE,
    MEANS_YEAR,
    MEANS_MAKE,
    MEANS_MODEL,
    MEANS_TITLE,
    MEANS_URL,
    MEANS_EMAIL,
    MEANS_SELLER,
    MEANS_LOCATION,
    MEANS_RATING,
    MEANS_MILEAGE,
    MEANS_DATE,
    MEANS_DESCRIPTION,
    MEANS_IMAGE,
    MEANS_OLD_PRICE, /* struck out beside the price that holds now */
    MEANS_N,
};

/* Told from the name: "asking_price" and "priceUsd" are prices, "seller_phone" is a phone; "full_name"
 * is no title, for a page's heading names its entity and nothing else. */
enum meaning field_meaning(struct pool *pool, const struct field *field);

/* The same where the schema names its entity: "boat_name" of a boat is the title. */
enum meaning field_meaning_in(struct pool *pool, const struct field *field, const char *entity);

/* Shape of its values, PATTERN_NONE for free text. */
enum pattern meaning_pattern(enum meaning meaning);

/* NULL-terminated property names of schema.org, best first; a dot goes into a nested object. */
const char *const *meaning_properties(enum meaning meaning);

/* How surely a label on a page (plain text) labels this field: 0, else up to 1. */
double field_label_match(struct pool *pool, const struct field *field, enum meaning meaning, const char *plain);

/* The same at 0.95 and more, but quick; own is the field's label as plain text. */
bool field_is_labelled(enum meaning meaning, const char *own, const char *plain);

/* plain text holds one of the names of this meaning: "show phone number" names a phone. */
bool meaning_named(enum meaning meaning, const char *plain);

/*
 * The field's value in the text that a label or property points at: the part with the right shape, in
 * pool; NULL when there is none. labelled: a bare number will do for a price or a mileage.
 */
const char *field_text(struct pool *pool, const struct field *field, enum meaning meaning, const char *text,
                       bool labelled);

/* Same value, compared as numbers where both are numbers, as digits for phones, else as plain words. */
bool field_same(struct pool *pool, enum meaning meaning, const char *a, const char *b);

#endif
