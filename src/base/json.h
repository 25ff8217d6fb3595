/*
 * json.h - jansson, with this project's caps and the lenient reading of http-api.md section 1.
 * json_t values are used directly everywhere; this header is the only one that includes jansson.
 */
#ifndef MANTIS_BASE_JSON_H
#define MANTIS_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"

/* Parse text a stranger sent: at most CAP_JSON_DEPTH deep, no duplicate keys, any value at the top.
 * what names the source in messages ("request body", a file name). New reference. E_INVALID. */
int json_parse(const char *text, size_t len, const char *what, json_t **out, struct err *err) MUST_CHECK;

/* The same, and a number that is too large for JSON's readers is said with its field: for text whose keys
 * may be repeated. */
int json_parse_named(const char *text, size_t len, const char *what, json_t **out,
                     struct err *err) MUST_CHECK;

/* The same for a file of at most CAP_PLAN_FILE_BYTES. E_NOT_FOUND, E_TOOBIG, E_INVALID, E_IO. */
int json_parse_file(const char *path, json_t **out, struct err *err) MUST_CHECK;

/* How what callers see is printed: enough digits for a time in microseconds or a price; 17 would show
 * 0.56399999999999995. */
#define JSON_REAL_DIGITS JSON_REAL_PRECISION(15)
#define JSON_FOR_CALLERS (JSON_COMPACT | JSON_REAL_DIGITS)

/* Compact text in pool. */
char *json_text(struct pool *pool, const json_t *value);

/* Two-space indented, with a newline at the end. */
char *json_pretty(struct pool *pool, const json_t *value);

/* Canonical form of plans.md section 7: keys sorted, no spaces, everything outside 0x20..0x7e
 * escaped as lower-case \uXXXX, DEL too. */
char *json_canonical(struct pool *pool, const json_t *value);

/* Tie a reference to the life of pool; takes over the caller's reference and returns value. */
json_t *json_keep(struct pool *pool, json_t *value);

/* Lenient reading of one field. A missing or null field leaves *out as it was and returns 0;
 * a value that cannot be read that way is E_INVALID naming the field. */
int json_read_bool(const json_t *obj, const char *key, bool *out, struct err *err) MUST_CHECK;
int json_read_int(const json_t *obj, const char *key, int64_t *out, struct err *err) MUST_CHECK;
int json_read_number(const json_t *obj, const char *key, double *out, struct err *err) MUST_CHECK;
int json_read_string(const json_t *obj, const char *key, const char **out, struct err *err) MUST_CHECK;

/* Trusting reading of our own documents: def when missing or of another type. Borrowed. */
const char *json_str(const json_t *obj, const char *key, const char *def);
int64_t json_int(const json_t *obj, const char *key, int64_t def);
double json_num(const json_t *obj, const char *key, double def);
bool json_flag(const json_t *obj, const char *key, bool def);

/* A string as it is, "" for missing or null, else compact JSON in pool. */
const char *json_as_text(struct pool *pool, const json_t *value);

/* Does an array hold this string? */
bool json_holds(const json_t *array, const char *text);

/* plans.md: true, non-zero number, non-empty string, array or object. */
bool json_truthy(const json_t *value);

/* Set a key, taking over the new reference; aborts when out of memory. NULL value sets null. */
void json_put(json_t *obj, const char *key, json_t *value);
void json_put_str(json_t *obj, const char *key, const char *value); /* NULL sets null */
void json_put_int(json_t *obj, const char *key, int64_t value);
void json_put_num(json_t *obj, const char *key, double value);
void json_put_bool(json_t *obj, const char *key, bool value);
void json_push(json_t *array, json_t *value);

/* A JSON string from bytes that may be broken UTF-8: bad bytes become U+FFFD. New reference. */
json_t *json_string_safe(const char *s);
json_t *json_texts(const char *const *list); /* an array of them; NULL-terminated */

#endif
