/*
 * serve_link.h - one question after the other to the `serve` that has a data directory, over its control
 * socket (sched/control.h).
 */
#ifndef MANTIS_CMD_SERVE_LINK_H
#define MANTIS_CMD_SERVE_LINK_H

#include "base/err.h"
#include "base/json.h"

struct serve_link;

/* E_NOT_FOUND: no `serve` listens there. E_FORBIDDEN: it is another user's. */
int serve_link_open(const char *data_dir, struct serve_link **out, struct err *err) MUST_CHECK;
void serve_link_close(struct serve_link *link); /* NULL is fine; what it held is free again */

/* *ret_reply: borrowed until the next question. An answer of type "error" becomes that error. */
int serve_link_ask(struct serve_link *link, const json_t *question, const json_t **ret_reply,
                   struct err *err) MUST_CHECK;

#endif
