/*
 * own_server.h - a `mantis serve` of this command's own, for one run: on 127.0.0.1 and a free port,
 * with a token nobody else knows (in its environment, never in argv) and a data directory that
 * goes with it. It dies with this process.
 */
#ifndef MANTIS_CMD_OWN_SERVER_H
#define MANTIS_CMD_OWN_SERVER_H

#include "base/err.h"
#include "base/pool.h"
#include "sys/loop.h"

struct own_server;

/* Its log goes to log_path. Waits until it listens. E_CANCELLED after loop_interrupt(). */
int own_server_start(struct pool *pool, struct loop *loop, const char *log_path, struct own_server **out,
                     struct err *err) MUST_CHECK;

/* Lets it finish, ends it, removes its directory; clears a loop_interrupt(). NULL is fine. */
void own_server_stop(struct own_server *server);

const char *own_server_url(const struct own_server *server);
const char *own_server_token(const struct own_server *server);

#endif
