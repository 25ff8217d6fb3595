/*
 * typing.h - an answer that is typed at the terminal and not shown: it may be a code.
 */
#ifndef MANTIS_CMD_TYPING_H
#define MANTIS_CMD_TYPING_H

#include <stdbool.h>
#include <stddef.h>

#define TYPING_BYTES 4096 /* of one answer */

/* Can somebody be asked: are stdin and stderr a terminal? */
bool typing_possible(void);

/* What is typed from now on is not shown; typing_end() shows it again. The latter may be called from a signal
 * handler, and when nothing was begun. */
void typing_begin(void);
void typing_end(void);

/* The line that was typed: 1. 0: none yet. -1: there will be none. Does not block. */
int typing_line(char *line, size_t size);

#endif
