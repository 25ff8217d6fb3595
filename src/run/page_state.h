/*
 * page_state.h - the page that a paused run stands on, so that a new browser can be brought to where the old
 * one was: address, scroll offset and what stands in its form (agent-loop.md 13).
 *
 * {"url", "scroll_x", "scroll_y", "viewport_w", "viewport_h", "captured_at", "step_index", "form_state":
 * {selector: {"kind": "text"|"select"|"checkbox"|"radio"|"contenteditable", "value", "masked"}}}. A selector is
 * the field's first data attribute, its id, or its place. Passwords and what a person answered are masked and
 * have no value; files are not in it. It goes back by X input, like everything a run types.
 */
#ifndef MANTIS_RUN_PAGE_STATE_H
#define MANTIS_RUN_PAGE_STATE_H

#include "run/run.h"

/* Into run->progress, for the step that comes next. A page that cannot be read leaves it empty. E_GONE,
 * E_CANCELLED. */
int page_state_take(struct run *run, struct err *err) MUST_CHECK;

/* Before a step: the page of a pause was opened again (run->reopened) and the run is back where it stood: fill
 * in what is not there yet, and forget it. Masked fields were filled in by the plan's steps, if at all. Tells
 * {applied, skipped, missing} as an event. E_GONE, E_CANCELLED. */
int page_state_due(struct run *run, struct err *err) MUST_CHECK;

/* What stands in the fields of a page: the "form_state" above. New reference. */
json_t *page_state_form(struct pool *pool, const struct page *page, const struct answers *answers);

/* What stands in the fields of a page: {selector: {"kind", "label", "value", "masked"}}. For a comparison in memory; it
 * is told nobody. What stands in a password field is not read at all: it is masked. New reference. */
json_t *page_state_fields(struct pool *pool, const struct page *page);

/* The address to open for step index; "" when there is no state for it. */
const char *page_state_url(const struct run *run, int index);

#endif
