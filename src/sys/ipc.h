/*
 * ipc.h - framed JSON messages over a stream socket between `serve` and a worker (fd 3).
 *
 * Wire: 4 bytes length, little-endian, then that many bytes of compact JSON: an object with a
 * string field "type". docs/processes.md lists the types. A frame over CAP_IPC_MESSAGE_BYTES, or
 * anything that is not such an object, breaks the connection: on_close gets E_PROTOCOL.
 * Threads: loop thread only.
 */
#ifndef MANTIS_SYS_IPC_H
#define MANTIS_SYS_IPC_H

#include "base/err.h"
#include "base/json.h"
#include "sys/loop.h"

struct ipc;

typedef void ipc_message_fn(void *arg, const char *type, const json_t *message); /* borrowed */
typedef void ipc_close_fn(void *arg, int code); /* E_GONE at end of stream, E_PROTOCOL, E_IO; once */

/* Takes over fd on success. Handlers may call ipc_destroy(). */
int ipc_create(struct loop *loop, int fd, ipc_message_fn *on_message, ipc_close_fn *on_close, void *arg,
               struct ipc **out, struct err *err) MUST_CHECK;
void ipc_destroy(struct ipc *ipc); /* NULL is fine; unsent bytes are lost */

/* Queue one message; written as the socket takes it. E_TOOBIG, E_GONE. Takes over no reference. */
int ipc_send(struct ipc *ipc, const json_t *message) MUST_CHECK;

/* Bytes that the other side has not made room for yet. */
size_t ipc_unsent(const struct ipc *ipc);

/* Wait until all queued bytes are in the kernel. Not from callbacks. E_TIMEOUT, E_GONE. */
int ipc_flush(struct ipc *ipc, int timeout_ms) MUST_CHECK;

#endif
