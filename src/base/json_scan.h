/*
 * json_scan.h - where a field stands in JSON text, for text that is passed on byte for byte.
 *
 * Nothing is built and no number is read, so a large picture in a body costs one look at each byte.
 * Strict about form (RFC 8259), at most CAP_JSON_DEPTH deep; whether the bytes are UTF-8 is not looked at.
 */
#ifndef MANTIS_BASE_JSON_SCAN_H
#define MANTIS_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A field of the object at the top. */
struct json_field {
    const char *name;
    size_t at, len; /* its value; of the last one, where it is repeated */
    int times;      /* that it stands there; 0: not at all */
};

/*
 * One JSON value, with blanks around it. field NULL: only whether it is one; else its other members are
 * filled, with times 0 where the value is no object. A name counts as it reads: "\u006dodel" is model.
 * what names the text in messages. E_INVALID; *field is then of no use.
 */
int json_scan(const char *text, size_t len, const char *what, struct json_field *field, struct err *err) MUST_CHECK;

/* Is this value, which json_scan() found, a string that reads so? */
bool json_scan_reads(const char *text, size_t len, const char *string);

#endif
