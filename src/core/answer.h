/*
 * answer.h - what a person answered when the run asked: {{user_input}} (plans.md 9.5).
 *
 * The n-th request_user_input step that is carried out gets answer n. Answers live in memory only: here
 * and in `serve`. A step is given them by answer_fill() right before it is carried out, and all that
 * leaves for the host goes through answer_hide(), which puts the placeholder back. What a plan's own
 * extraction reads from a page (rows and leads) is the page's and stays as it is.
 */
#ifndef MANTIS_CORE_ANSWER_H
#define MANTIS_CORE_ANSWER_H

#include "base/json.h"
#include "core/plan.h"

struct answers {
    const char *mark; /* what stands in place of a hidden one; NULL: its placeholder */
    json_t *texts; /* {"1": "4711"}, owned, NULL none */
    json_t *list, *hidden; /* of answer_hide_list(): what it was given last and made of it; owned, NULL */
};

/* {"number": any value}: strings as they are, everything else as compact JSON. NULL and null: none. */
void answers_take(struct answers *a, const json_t *given);
void answers_release(struct answers *a);

const char *answers_get(const struct answers *a, int n); /* NULL when it is not known */

/* Does the text, or the step in its intent, verify, params, hints or extract, hold the placeholder? */
bool answer_in_text(const char *text);
bool answer_in_step(const struct step *step);

/* The step with text in place of every {{user_input}}; the step itself when it has none. In pool. */
const struct step *answer_fill(struct pool *pool, const struct step *step, const char *text);

/* A copy of doc with placeholders in place of answers, as they are or URL-encoded; doc itself when there
 * is no answer. New reference. An answer of less than 4 bytes is only hidden where it stands alone. */
json_t *answer_hide(const struct answers *a, const json_t *doc);
/* The same of a list whose elements do not change: one that was hidden before is not hidden again. Borrowed
 * until the next call. */
const json_t *answer_hide_list(struct answers *a, const json_t *list);
const char *answer_hide_text(const struct answers *a, struct pool *pool, const char *text);

/* Does text hold an answer however it is written: "(207) 555-0142" of 2075550142? Only letters and digits count;
 * one with less than 4 of them must be all of the text. */
bool answer_shows_in(const struct answers *a, const char *text);

/* The other way round, for what a checkpoint holds. New reference. */
json_t *answer_show(const struct answers *a, const json_t *doc);

#endif
