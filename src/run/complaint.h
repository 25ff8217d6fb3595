/*
 * complaint.h - what a page says when it does not take what was sent: "Email is required".
 */
#ifndef MANTIS_RUN_COMPLAINT_H
#define MANTIS_RUN_COMPLAINT_H

#include <stdbool.h>

#include "base/pool.h"
#include "core/page.h"

/* The first visible message of an error: what describes an invalid field or stands beside it, behind the field's
 * name, or a required field that is empty and has the focus; else an alert with bad news or an element whose class
 * says error or invalid. At most 200 bytes in pool; "" when there is none. page may be NULL. */
const char *complaint_find(struct pool *pool, const struct page *page);

/* The text says that nothing was done, as opposed to that something is wrong: "Nothing was saved",
 * "please send the form again". */
bool complaint_says_undone(const char *text);

#endif
