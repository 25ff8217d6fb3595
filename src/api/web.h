/*
 * web.h - the files of web/ inside the program (tools/embed.py makes the table).
 */
#ifndef MANTIS_API_WEB_H
#define MANTIS_API_WEB_H

#include <stddef.h>

struct web_file {
    const char *name, *mime;
    const char *etag; /* with its quotes; from the content */
    const char *data; /* NUL behind its len bytes */
    size_t len;
};

extern const struct web_file web_files[]; /* by name */
extern const size_t web_files_n;

/* NULL: not in this build (swagger-ui-* without npm), or never. */
const struct web_file *web_find(const char *name);

#endif
