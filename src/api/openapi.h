/*
 * openapi.h - the description of this API, made from the route table and web/openapi/.
 */
#ifndef MANTIS_API_OPENAPI_H
#define MANTIS_API_OPENAPI_H

#include "base/json.h"

/* The OpenAPI 3.1 document; the paths, path order and scopes come from routes[], everything else from
 * document.json and operations.json. New reference. */
json_t *openapi_document(const char *version);

#endif
