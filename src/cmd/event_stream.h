/*
 * event_stream.h - the events of a run as a server streams them (http-api.md section 11), each once,
 * however often the connection is lost or the server ends a stream that was open long enough.
 */
#ifndef MANTIS_CMD_EVENT_STREAM_H
#define MANTIS_CMD_EVENT_STREAM_H

#include <stdint.h>

#include "cmd/client.h"

struct event_stream;

/* Good until the next call. */
struct event_frame {
    const char *id;   /* cursor; "" for frames that are no event */
    const char *name; /* "phase", "terminal", else the event's kind */
    const char *data; /* JSON */
    const char *lost; /* NULL, or what happened to the connection: said once, while name is NULL */
};

/* Borrows client. since: a cursor or time to go on behind, "" from the start. Connects with the first
 * call of event_stream_next(). */
struct event_stream *event_stream_create(struct client *client, const char *run_id, const char *since);
void event_stream_destroy(struct event_stream *stream); /* NULL is fine */

/*
 * The next frame. out->name is NULL when the deadline (of clock_mono_ms()) passed first: ask again. A
 * phase that was told already, short frames without an id and the server's own `timeout` are left out.
 * After the frame `terminal` nothing more comes.
 * A server that cannot be reached at all is an error at once; one that is busy, or was lost, is asked
 * again for a minute. E_CANCELLED after loop_interrupt(); E_UNSUPPORTED: no event stream here; else as
 * client_call().
 */
int event_stream_next(struct event_stream *stream, int64_t deadline_mono_ms, struct event_frame *out,
                      struct err *err) MUST_CHECK;

#endif
