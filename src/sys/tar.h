/*
 * tar.h - a directory as one file, ustar in gzip, and back. For what people carry to another machine.
 *
 * Only directories and plain files go in: links, sockets and devices are left out. What comes back is
 * somebody else's: every path has to stay below the directory, nothing but directories and plain files is
 * made, and both caps hold before a byte too many is written.
 * Source: POSIX.1-2017 pax, ustar and its "path" record; GNU tar's type 'L'.
 */
#ifndef MANTIS_SYS_TAR_H
#define MANTIS_SYS_TAR_H

#include <stdint.h>

#include "base/err.h"

/* Write dir's content to file (0600; beside it first, then renamed). *ret_bytes: of the files packed. */
int tar_pack(const char *dir, const char *file, int64_t *ret_bytes, struct err *err) MUST_CHECK;

/* Unpack into dir, which must be empty. E_INVALID names what is wrong with the archive; E_TOOBIG over one
 * of the caps. On error dir may hold part of it. */
int tar_unpack(const char *file, const char *dir, int64_t max_bytes, int max_files, int64_t *ret_bytes,
               struct err *err) MUST_CHECK;

#endif
