/*
 * control.h - `serve`'s door for commands on the same machine: the socket <DATA>/control.sock.
 *
 * The store belongs to the running `serve`, so what needs it while it runs is asked for here. Only the
 * user that runs `serve`, and root, get in. Messages: sys/ipc.h frames; docs/processes.md lists them.
 * Threads: loop thread only. A copy is made a little per turn of the loop; requests go on being served.
 */
#ifndef MANTIS_SCHED_CONTROL_H
#define MANTIS_SCHED_CONTROL_H

#include "base/err.h"
#include "base/json.h"
#include "sched/sched.h"
#include "store/store.h"
#include "sys/loop.h"

#define CONTROL_SOCKET "control.sock" /* in the data directory */

struct control;

/* What stands the request "engine" answers; a new reference. NULL: no model server here. */
typedef json_t *control_engine_fn(void *arg);

/* Borrows everything; sched may be NULL: profiles cannot be asked for. A socket left behind by a killed `serve` is replaced: the caller has the store. */
int control_create(struct loop *loop, struct store *store, struct sched *sched, const char *data_dir,
                   struct control **out, struct err *err) MUST_CHECK;
void control_show_engine(struct control *control, control_engine_fn *fn, void *arg);
void control_destroy(struct control *control); /* before sched and the store; NULL is fine */

/* The other side: a connected socket. E_NOT_FOUND: no `serve` listens there. E_FORBIDDEN: it is another
 * user's. */
int control_connect(const char *data_dir, int *ret_fd, struct err *err) MUST_CHECK;

#endif
