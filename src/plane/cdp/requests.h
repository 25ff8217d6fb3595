/*
 * requests.h - the requests in flight of struct tabs, from the events of the domain Network: which of
 * them an action may have caused and will be answered. For tabs.c only; others ask tabs_work() and
 * tabs_give_up().
 * Threads: loop thread only.
 */
#ifndef MANTIS_PLANE_CDP_REQUESTS_H
#define MANTIS_PLANE_CDP_REQUESTS_H

#include "plane/cdp/tabs.h"

void requests_on_sent(struct tabs *t, struct session *s, const json_t *params);
void requests_on_response(struct tabs *t, struct session *s, const json_t *params);
void requests_on_over(struct tabs *t, struct session *s, const json_t *params);

/* What went away takes its requests along; a new document those of the one before it. */
void requests_drop_session(struct tabs *t, const struct session *s);
void requests_drop_frame(struct tabs *t, const char *frame);
void requests_drop_older(struct tabs *t, const struct frame_info *f);

void requests_begin(struct tabs *t); /* tabs_begin() */
void requests_work(const struct tabs *t, int64_t since_us, struct tabs_work *out); /* adds to *out */

#endif
