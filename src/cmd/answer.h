/*
 * answer.h - what the commands of promotion answer with: one document, for a person or for a program.
 */
#ifndef MANTIS_CMD_ANSWER_H
#define MANTIS_CMD_ANSWER_H

#include "base/json.h"

/*
 * The document goes to the file output (NULL: none), and to stdout: as JSON when json asks for it or stdout
 * is no terminal, else as text. E_IO.
 */
int answer_document(struct pool *pool, const json_t *document, const char *text, const char *output, bool json,
                    struct err *err) MUST_CHECK;

/*
 * Calls fn for every labelled trace at path, a file or a directory. In a directory, what cannot be read or is
 * no labelled trace is warned of and left out. E_NOT_FOUND; E_INVALID: nothing there is a labelled trace.
 */
typedef int labelled_fn(void *arg, const json_t *labelled, struct err *err);
int answer_labelled(struct pool *pool, const char *path, labelled_fn *fn, void *arg, struct err *err) MUST_CHECK;

#endif
