/*
 * model_server.h - a model server for tests that says what a script tells it to (model_script.h).
 *
 * It speaks OpenAI's chat completions as llama-server does (POST /v1/chat/completions, GET /v1/models,
 * GET /health) and Anthropic's messages (POST /v1/messages), each whole and streamed; the same without
 * /v1. Tokens are four bytes of text each, 1000 of a picture; of OpenAI's, what a prompt has in common
 * with the one before it in its slot ("id_slot") is cached.
 *
 * Listens on 127.0.0.1, or on a Unix socket; one thread per connection. What it was sent is written to
 * a file, one JSON object a line: {"n", "method", "path", "headers", "body", "rule", "status"} as soon
 * as the answer is chosen, and {"n", "ended": "aborted"} when the client left before its end.
 */
#ifndef MANTIS_TESTS_MODEL_SERVER_H
#define MANTIS_TESTS_MODEL_SERVER_H

#include "base/err.h"
#include "base/json.h"

struct model_server_config {
    const json_t *script; /* borrowed until stop */
    const char *record;   /* path, NULL: nothing is written */
    const char *socket;   /* path of a Unix socket; NULL: a port */
    int port;             /* 0: a free one */
};

struct scripted_server;

int model_server_start(const struct model_server_config *config, struct scripted_server **out, struct err *err) MUST_CHECK;
void model_server_stop(struct scripted_server *server); /* ends answers at once; NULL is fine */

int model_server_port(const struct scripted_server *server);
int model_server_count(struct scripted_server *server); /* requests answered so far, or being answered */

#endif
