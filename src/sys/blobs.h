/*
 * blobs.h - messages of bytes over a stream socket, in one direction: pictures, from a worker to `serve`
 * (fd 4), so that no event has to wait for one.
 *
 * Wire: 4 bytes length, little-endian, then that many bytes, at most CAP_PICTURE_MESSAGE_BYTES.
 * The writer holds what was written at one moment; it has room for more when the reader is not behind.
 * Threads: the loop's. Blocks: never.
 */
#ifndef MANTIS_SYS_BLOBS_H
#define MANTIS_SYS_BLOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "sys/loop.h"

struct blobs_reader;
typedef void blobs_fn(void *arg, const void *data, size_t len); /* borrowed */
typedef void blobs_end_fn(void *arg, int code); /* E_GONE at the end of the stream, E_PROTOCOL; once */

/* Takes fd over on success. Handlers may call blobs_reader_destroy(). */
int blobs_reader_create(struct loop *loop, int fd, blobs_fn *on_blob, blobs_end_fn *on_end, void *arg,
                        struct blobs_reader **out, struct err *err) MUST_CHECK;
void blobs_reader_destroy(struct blobs_reader *r); /* NULL is fine */

struct blobs_writer;

/* Takes fd over on success. */
int blobs_writer_create(struct loop *loop, int fd, struct blobs_writer **out, struct err *err) MUST_CHECK;
void blobs_writer_destroy(struct blobs_writer *w); /* NULL is fine */

/* Room for more: all before has left, and the reader has taken most of it. */
bool blobs_has_room(const struct blobs_writer *w);

/* One message, held until it has left. E_TOOBIG: it, or what is held, would be; E_GONE: nobody reads. */
int blobs_write(struct blobs_writer *w, const void *data, size_t len) MUST_CHECK;

#endif
