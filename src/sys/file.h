/*
 * file.h - files written so that a crash leaves the old or the new one, never a half.
 */
#ifndef MANTIS_SYS_FILE_H
#define MANTIS_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/pool.h"

/* Temp file beside it, fsync, rename, fsync of the directory. E_IO (message names the path). */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err) MUST_CHECK;

/* The same without waiting for the disk, for what can be made again: after a power cut, though not
 * after a crash of this process, the file may be missing or empty. */
int file_write_soon(const char *path, const void *data, size_t len, mode_t mode, struct err *err) MUST_CHECK;

/* The whole file, NUL added. Refuses anything but a regular file and never follows a link in the
 * last component. E_NOT_FOUND, E_TOOBIG over cap_bytes, E_IO. */
int file_read(struct pool *pool, const char *path, size_t cap_bytes, char **ret_data, size_t *ret_len,
              struct err *err) MUST_CHECK;

/* path and its missing parents, each with mode (umask is not applied). */
int file_mkdirs(const char *path, mode_t mode, struct err *err) MUST_CHECK;

/* Remove a file or a whole tree of any depth; links are removed, not followed. A missing path is fine. */
int file_remove_tree(const char *path, struct err *err) MUST_CHECK;
/* The same in pieces of at most max entries; *ret_done: it is gone. */
int file_remove_some(const char *path, size_t max, bool *ret_done, struct err *err) MUST_CHECK;

/* Bytes of all regular files at and below path, links not followed; what goes meanwhile counts 0. E_IO. */
int file_tree_bytes(const char *path, int64_t *ret_bytes, struct err *err) MUST_CHECK;

/* Give a directory and all below it, at any depth, to uid:uid; links included and not followed. A
 * file with further hard links is left as it is. */
int file_chown_tree(const char *path, uid_t uid, struct err *err) MUST_CHECK;

/* Directory of the running program, without a slash at the end. */
char *file_program_dir(struct pool *pool);

#endif
