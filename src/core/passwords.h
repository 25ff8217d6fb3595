/*
 * passwords.h - which words of a plan are passwords: what is to be written into a field whose name says so.
 *
 * They stand in the plan in plain and are typed, so they are looked for wherever pictures of the screen or captions
 * leave the worker (mask.h, film.h). Pure.
 */
#ifndef MANTIS_CORE_PASSWORDS_H
#define MANTIS_CORE_PASSWORDS_H

#include "base/json.h"
#include "core/plan.h"

#define PASSWORD_MARK "\u2022\u2022\u2022\u2022\u2022\u2022" /* in place of one, whatever its length */

/* Does the text speak of a password? For what cannot be told by a page. */
bool password_in_words(const char *text);

/* {"1": "harbor-lantern-42", ...}: `value` of steps whose label (without one, whose intent) speaks of a password, and
 * what an intent quotes right before or behind such a name: `"..." into "Password"`, `"Password" with "..."`,
 * `the password "..."`. New reference. */
json_t *passwords_of(const struct plan *plan);

#endif
