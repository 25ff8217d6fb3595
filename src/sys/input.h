/*
 * input.h - files a person named: on the command line, in a variable, or - for standard input.
 * Unlike file_read() it follows links and reads pipes, since the person chose what is there.
 */
#ifndef MANTIS_SYS_INPUT_H
#define MANTIS_SYS_INPUT_H

#include <stddef.h>

#include "base/err.h"
#include "base/pool.h"

/* All of it, NUL added. E_NOT_FOUND, E_TOOBIG over cap_bytes, E_IO; the message names the path. */
int input_read(struct pool *pool, const char *path, size_t cap_bytes, char **ret_data, size_t *ret_len,
               struct err *err) MUST_CHECK;

/* s without the blanks around it; writes into s. */
char *input_trim(char *s);

/* "NAME = value" cut into its two parts, blanks and one pair of quotes around the value dropped.
 * 1: such a line. 0: a comment or nothing. E_INVALID: something else. Writes into line. */
int input_key_value(char *line, char **ret_key, char **ret_value) MUST_CHECK;

/* path seen from the working directory. */
char *input_absolute(struct pool *pool, const char *path);

#endif
