/*
 * client.h - talking to a Mantis server: where it is, who we are, and what its errors say
 * (cli.md sections 1, 9.2 and 13). Tokens come from flags or the environment and are never printed.
 */
#ifndef MANTIS_CMD_CLIENT_H
#define MANTIS_CMD_CLIENT_H

#include "base/json.h"
#include "base/pool.h"
#include "cmd/options.h"
#include "sys/httpc.h"
#include "sys/loop.h"

struct client_flags {
    const char *env_file; /* ".env": used when it is there; another name must be there */
    const char *endpoint, *model_id, *environment;
    const char *token, *gateway_key;
    int timeout_s; /* of one request */
    struct option_list headers;
};
#define CLIENT_FLAGS_DEFAULT                                                                           \
    {                                                                                                  \
        .env_file = ".env", .environment = "", .timeout_s = 300                                        \
    }

/* The rows of an option table that fill a struct client_flags; endpoint is each command's own, since
 * --endpoint of `plan run` means a model's server (cli.md section 6). */
#define CLIENT_OPTIONS(f)                                                                              \
    {"--env-file", NULL, OPTION_STRING, &(f)->env_file, "FILE", "variables as KEY=VALUE lines [.env]"}, \
        {"--model-id", NULL, OPTION_STRING, &(f)->model_id, "ID", "hosted model [BASETEN_MODEL_ID]"},   \
        {"--environment", NULL, OPTION_STRING, &(f)->environment, "NAME", "of the hosted model [production]"}, \
        {"--token", NULL, OPTION_STRING, &(f)->token, "TOKEN", "tenant token; better: MANTIS_API_TOKEN"}, \
        {"--gateway-key", NULL, OPTION_STRING, &(f)->gateway_key, "KEY", "of the host; better: BASETEN_API_KEY"}, \
        {"--header", NULL, OPTION_LIST, &(f)->headers, "K=V", "further header, may be repeated"},       \
        {"--timeout", NULL, OPTION_INT, &(f)->timeout_s, "S", "longest wait for one answer [300]"}

struct client {
    struct loop *loop; /* borrowed */
    struct httpc *httpc;
    const char *base;        /* without a slash or /v1 at the end */
    const char *predict_url; /* where plans and actions are posted */
    const char *const *headers; /* NULL-terminated, tokens included */
    int timeout_ms;
    int status, retry_after_s; /* of the last answer; 0 none */
};

/* Strings live in pool. E_INVALID: the message says which flag or variable is missing. */
int client_open(struct pool *pool, struct loop *loop, const struct client_flags *flags, struct client *out,
                struct err *err) MUST_CHECK;

/* The same for an address and token that are known. */
int client_open_at(struct pool *pool, struct loop *loop, const char *endpoint, const char *token,
                   struct client *out, struct err *err) MUST_CHECK;
void client_close(struct client *client);

/* Do flags or environment name a server? */
int client_configured(struct pool *pool, const struct client_flags *flags, bool *out, struct err *err) MUST_CHECK;

/*
 * One request. url: absolute, or a path below base. body: NULL none. *reply is kept by pool.
 * A status of 400 and more is an error: "request failed (404): <detail>", code by status.
 */
int client_call(struct client *client, struct pool *pool, const char *method, const char *url,
                const json_t *body, json_t **reply, struct err *err) MUST_CHECK;

/* A value of a query: everything that is not plainly harmless is escaped. In pool. */
const char *client_escape(struct pool *pool, const char *text);

/* The headers of every request and one more (NULL: none). */
const char *const *client_headers_and(struct pool *pool, const struct client *client, const char *line);

/* An answer that is no 2xx, as the error that client_call() makes of it. */
int client_refusal(struct pool *pool, const struct httpc_answer *answer, struct err *err);

/*
 * A body as it is, posted to predict with an Idempotency-Key (NULL: a fresh one), so that it may be sent
 * again: up to retries times, when the server is full (429, 503 with Retry-After of at most
 * CLIENT_RETRY_MAX_S) or the connection was lost before the answer. Each wait is said on stderr.
 */
#define CLIENT_RETRIES     4
#define CLIENT_RETRY_MAX_S 60
int client_submit(struct client *client, struct pool *pool, const char *body, const char *key, int retries,
                  json_t **reply, struct err *err) MUST_CHECK;

/* {"action", "run_id", ...extra}; extra may be NULL. */
int client_action(struct client *client, struct pool *pool, const char *action, const char *run_id,
                  const json_t *extra, json_t **reply, struct err *err) MUST_CHECK;

/* An artifact of a run. */
int client_artifact(struct client *client, struct pool *pool, const char *run_id, const char *name,
                    char **data, size_t *len, struct err *err) MUST_CHECK;

/* "/v1" and slashes at the end of a server address are dropped. */
char *client_base(struct pool *pool, const char *endpoint);

#endif
