/*
 * docs.h - sends what is embedded, so that a browser keeps it as long as it is the same.
 */
#ifndef MANTIS_API_DOCS_H
#define MANTIS_API_DOCS_H

#include "api/request.h"
#include "api/web.h"

/* 200 with ETag, or 304 when the caller has it. Asked for with ?v=<etag> it may be kept for ever. file
 * must live for ever. */
int docs_send(struct request *req, const struct web_file *file);

#endif
