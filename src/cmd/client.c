#include "cmd/client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/table.h"
#include "sys/input.h"

#define PREDICT      "/v1/predict"
#define KEY_BYTES    16 /* of an Idempotency-Key that we make */
#define LOST_RETRY_S 1  /* after a lost connection */

/* --- settings -------------------------------------------------------------------------------- */

/* Where a name is looked up: the environment first, then the lines of the env file. */
struct lookup {
    struct pool *pool;
    json_t *file; /* object */
};

static void add_line(struct lookup *l, char *line)
{
    char *name, *value;
    if (input_key_value(line, &name, &value) != 1)
        return; /* such files are often shell scripts */
    if (str_starts(name, "export "))
        name = input_trim(name + strlen("export "));
    json_put_str(l->file, name, value);
}

static int read_env_file(struct lookup *l, const char *path, struct err *err)
{
    char *text;
    size_t len;
    l->file = json_keep(l->pool, json_object());
    if (str_empty(path))
        return 0;
    int r = input_read(l->pool, path, CAP_SETTINGS_FILE_BYTES, &text, &len, err);
    if (r == E_NOT_FOUND && strcmp(path, ".env") == 0) {
        err_clear(err);
        return 0;
    }
    if (r)
        return r;
    for (char *line; (line = strsep(&text, "\n"));)
        add_line(l, line);
    return 0;
}

/* The first that is not empty: flag, then the names in order. "" none. */
static const char *first(const struct lookup *l, const char *flag, const char *const *names)
{
    if (flag && *flag)
        return flag;
    for (; *names; names++) {
        const char *v = getenv(*names);
        if (!v || !*v)
            v = json_str(l->file, *names, "");
        if (*v)
            return v;
    }
    return "";
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Address of the server, "" none. */
static const char *endpoint_of(const struct lookup *l, const struct client_flags *f)
{
    const char *given = first(
        l, f->endpoint, NAMES("MANTIS_ENDPOINT", "BASETEN_HOLO3_ENDPOINT", "BASETEN_ENDPOINT"));
    const char *model = first(l, f->model_id, NAMES("BASETEN_MODEL_ID"));
    const char *where = first(l, f->environment, NAMES("BASETEN_ENVIRONMENT"));
    if (*given || !*model)
        return given;
    return pool_printf(l->pool, "https://model-%s.api.baseten.co/%s/predict", model,
                       *where ? where : "production");
}

char *client_base(struct pool *pool, const char *endpoint)
{
    size_t len = strlen(endpoint);
    while (len && endpoint[len - 1] == '/')
        len--;
    if (len >= 3 && strncmp(endpoint + len - 3, "/v1", 3) == 0)
        len -= 3;
    while (len && endpoint[len - 1] == '/')
        len--;
    return pool_strndup(pool, endpoint, len);
}

static bool behind_gateway(const char *base)
{
    const char *host = strstr(base, "://");
    host = host ? host + 3 : base;
    size_t len = strcspn(host, "/:?#");
    const char *tail = ".baseten.co";
    return len >= strlen(tail) && strncasecmp(host + len - strlen(tail), tail, strlen(tail)) == 0;
}

/* An address may name the server or its predict route; a host's predict route has its API beside
 * it. */
static void set_addresses(struct pool *pool, const char *endpoint, struct client *c)
{
    char *base = client_base(pool, endpoint);
    if (!str_ends(base, "/predict")) {
        c->base = base;
        c->predict_url = pool_printf(pool, "%s" PREDICT, base);
        return;
    }
    c->predict_url = base;
    char *stem = pool_strndup(pool, base, strlen(base) - strlen("/predict"));
    c->base = behind_gateway(base) ? pool_printf(pool, "%s/sync", stem) : client_base(pool, stem);
}

/* K=V lines as headers, after our own. */
static int add_headers(struct pool *pool, const struct option_list *given, const char *token,
                       const char *key, struct client *c, struct err *err)
{
    const char **h = pool_alloc(pool, sizeof(*h) * (size_t)(given->n + 4));
    int n = 0;
    h[n++] = "Content-Type: application/json";
    if (*token)
        h[n++] = pool_printf(pool, "X-Mantis-Token: %s", token);
    if (*key)
        h[n++] = pool_printf(pool, "Authorization: Api-Key %s", key);
    for (int i = 0; i < given->n; i++) {
        const char *eq = strchr(given->items[i], '=');
        char *name = eq ? str_squash(pool, pool_strndup(pool, given->items[i],
                                                        (size_t)(eq - given->items[i])))
                        : NULL;
        if (!name || !*name || strpbrk(given->items[i], "\r\n"))
            return err_set(err, E_INVALID,
                           "--header takes NAME=VALUE, and number %d is something else", i + 1);
        h[n++] = pool_printf(pool, "%s: %s", name, str_squash(pool, eq + 1));
    }
    c->headers = h;
    return 0;
}

static int open_common(struct pool *pool, struct loop *loop, const char *endpoint,
                       const char *token, const char *key, const struct option_list *headers,
                       struct client *c, struct err *err)
{
    *c = (struct client){.loop = loop};
    if (strpbrk(token, "\r\n") || strpbrk(key, "\r\n"))
        return err_set(err, E_INVALID, "the token or gateway key holds a line break");
    set_addresses(pool, endpoint, c);
    int r = add_headers(pool, headers, token, key, c, err);
    return r ? r : httpc_create(loop, &c->httpc, err);
}

int client_open(struct pool *pool, struct loop *loop, const struct client_flags *flags,
                struct client *out, struct err *err)
{
    struct lookup l = {.pool = pool};
    int r = read_env_file(&l, flags->env_file, err);
    if (r)
        return r;
    const char *endpoint = endpoint_of(&l, flags);
    const char *token = first(&l, flags->token, NAMES("MANTIS_API_TOKEN", "MANTIS_TOKEN"));
    const char *key =
        first(&l, flags->gateway_key, NAMES("BASETEN_API_KEY", "BASETEN_KEY", "HAI_API_KEY"));
    if (!*endpoint)
        return err_set(err, E_INVALID,
                       "no server is named: give --endpoint URL or set MANTIS_ENDPOINT");
    if (!*token)
        return err_set(err, E_INVALID, "no tenant token: set MANTIS_API_TOKEN");
    if (behind_gateway(endpoint) && !*key)
        return err_set(err, E_INVALID, "this host needs a gateway key: set BASETEN_API_KEY");
    if (flags->timeout_s <= 0 || flags->timeout_s > INT_MAX / 1000 - 1)
        return err_set(err, E_INVALID, "--timeout takes a number of seconds, not %d",
                       flags->timeout_s);
    /* a key for a gateway is nobody else's business */
    r = open_common(pool, loop, endpoint, token,
                    behind_gateway(endpoint) || flags->gateway_key ? key : "", &flags->headers, out,
                    err);
    out->timeout_ms = flags->timeout_s * 1000;
    return r;
}

int client_open_at(struct pool *pool, struct loop *loop, const char *endpoint, const char *token,
                   struct client *out, struct err *err)
{
    static const struct option_list none;
    int r = open_common(pool, loop, endpoint, token, "", &none, out, err);
    out->timeout_ms = 30000;
    return r;
}

int client_configured(struct pool *pool, const struct client_flags *flags, bool *out,
                      struct err *err)
{
    struct lookup l = {.pool = pool};
    int r = read_env_file(&l, flags->env_file, err);
    if (!r)
        *out = *endpoint_of(&l, flags) != 0;
    return r;
}

void client_close(struct client *client)
{
    httpc_destroy(client->httpc);
    client->httpc = NULL;
}

const char *const *client_headers_and(struct pool *pool, const struct client *c, const char *line)
{
    int n = 0;
    while (c->headers[n])
        n++;
    const char **h = pool_alloc(pool, sizeof(*h) * (size_t)(n + 2));
    memcpy(h, c->headers, sizeof(*h) * (size_t)n);
    h[n] = line;
    h[n + 1] = NULL;
    return h;
}

/* --- requests -------------------------------------------------------------------------------- */

static int code_of_status(int status)
{
    for (int code = E_INVALID; code >= E_TIMEOUT; code--)
        if (err_http_status(code) == status)
            return code;
    return status >= 500 ? E_UPSTREAM : E_INVALID;
}

/* What the server says is wrong, as one clean line. */
static const char *detail_of(struct pool *pool, const struct httpc_answer *answer)
{
    json_t *body;
    if (json_parse(answer->body, answer->len, "answer", &body, NULL))
        return table_clean(pool, str_cut(pool, answer->body, 400), 0);
    json_keep(pool, body);
    const json_t *detail = json_object_get(body, "detail");
    const char *text = json_is_string(detail) ? json_string_value(detail)
                                              : json_text(pool, detail ? detail : body);
    return table_clean(pool, str_cut(pool, text, 400), 0);
}

/* A page for people, which Mantis never answers with. */
static bool is_page(const struct httpc_answer *answer)
{
    const char *body = answer->body + strspn(answer->body, " \t\r\n");
    return strncasecmp(answer->content_type, "text/html", strlen("text/html")) == 0 || *body == '<';
}

/* Behind a status of 500 and more there may still be Mantis, with a broken gateway before it. */
static int not_mantis(struct pool *pool, const struct httpc_answer *answer, int code,
                      struct err *err)
{
    const char *given = answer->content_type;
    char *type = str_squash(pool, pool_strndup(pool, given, strcspn(given, ";")));
    return err_set(err, code, "%s a Mantis server (status %d, %.80s)",
                   answer->status >= 500 ? "the answer is not that of" : "that is not",
                   answer->status, *type ? table_clean(pool, type, 0) : "a page");
}

int client_refusal(struct pool *pool, const struct httpc_answer *answer, struct err *err)
{
    int code = code_of_status(answer->status);
    if (is_page(answer))
        return not_mantis(pool, answer, code, err);
    const char *detail = detail_of(pool, answer);
    if (answer->retry_after_s > 0)
        return err_set(err, code, "request failed (%d): %s (try again in %d s)", answer->status,
                       detail, answer->retry_after_s);
    return err_set(err, code, "request failed (%d): %s", answer->status, detail);
}

static int exchange(struct client *c, struct pool *pool, const char *method, const char *url,
                    const char *body, struct httpc_answer *out, struct err *err)
{
    struct httpc_request req = {
        .method = method,
        .url = *url == '/' ? pool_printf(pool, "%s%s", c->base, url) : url,
        .headers = c->headers,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .timeout_ms = c->timeout_ms,
        .max_answer_bytes = CAP_CLIENT_ANSWER_BYTES,
    };
    *out = (struct httpc_answer){0};
    int r = httpc_call(c->httpc, pool, &req, out, err);
    c->status = out->status;
    c->retry_after_s = out->retry_after_s;
    if (!r && (out->status < 200 || out->status > 299))
        r = client_refusal(pool, out, err);
    return r;
}

static int json_exchange(struct client *c, struct pool *pool, const char *method, const char *url,
                         const char *body, json_t **reply, struct err *err)
{
    struct httpc_answer answer;
    int r = exchange(c, pool, method, url, body, &answer, err);
    if (r)
        return r;
    r = json_parse(answer.body, answer.len, "the server's answer", reply, err);
    if (r && is_page(&answer))
        return not_mantis(pool, &answer, E_UPSTREAM, err);
    if (r)
        return err_set(err, E_UPSTREAM, "the server's answer is not JSON");
    json_keep(pool, *reply);
    return 0;
}

int client_call(struct client *c, struct pool *pool, const char *method, const char *url,
                const json_t *body, json_t **reply, struct err *err)
{
    return json_exchange(c, pool, method, url, body ? json_text(pool, body) : NULL, reply, err);
}

/* Seconds until the same request may do better; 0: never. */
static int worth_waiting(const struct client *c, int code)
{
    bool full = c->status == 429 || c->status == 503;
    if (full && c->retry_after_s > 0 && c->retry_after_s <= CLIENT_RETRY_MAX_S)
        return c->retry_after_s;
    return code == E_UPSTREAM && c->status == 0 ? LOST_RETRY_S : 0;
}

static int post_again_and_again(struct client *c, struct pool *pool, const char *body, int retries,
                                json_t **reply, struct err *err)
{
    for (int i = 0;; i++) {
        int r = json_exchange(c, pool, "POST", c->predict_url, body, reply, err);
        int wait_s = r && i < retries ? worth_waiting(c, r) : 0;
        if (!wait_s)
            return r;
        cmd_warning("%s; sending it again in %d s (%d of %d)", err->msg, wait_s, i + 1, retries);
        if (loop_wait(c->loop, NULL, NULL, clock_mono_ms() + wait_s * 1000))
            return err_set(err, E_CANCELLED, "interrupted");
        err_clear(err);
    }
}

int client_submit(struct client *c, struct pool *pool, const char *body, const char *key,
                  int retries, json_t **reply, struct err *err)
{
    char made[2 * KEY_BYTES + 1];
    if (!key)
        id_random_hex(KEY_BYTES, made);
    key = key ? key : made;
    if (!*key || strpbrk(key, "\r\n"))
        return err_set(err, E_INVALID, "an idempotency key is a line of text that is not empty");
    const char *const *before = c->headers;
    c->headers = client_headers_and(pool, c, pool_printf(pool, "Idempotency-Key: %s", key));
    int r = post_again_and_again(c, pool, body, retries, reply, err);
    c->headers = before;
    return r;
}

int client_action(struct client *c, struct pool *pool, const char *action, const char *run_id,
                  const json_t *extra, json_t **reply, struct err *err)
{
    json_t *body = json_keep(pool, extra ? json_copy((json_t *)extra) : json_object());
    json_put_str(body, "action", action);
    json_put_str(body, "run_id", run_id);
    return client_call(c, pool, "POST", c->predict_url, body, reply, err);
}

int client_artifact(struct client *c, struct pool *pool, const char *run_id, const char *name,
                    char **data, size_t *len, struct err *err)
{
    struct httpc_answer answer;
    if (!id_is_clean(run_id) || !*name || strpbrk(name, "/?#% \r\n"))
        return err_set(err, E_INVALID, "'%.80s' of run '%.80s' is not the name of an artifact",
                       name, run_id);
    int r = exchange(c, pool, "GET", pool_printf(pool, "/v1/runs/%s/artifacts/%s", run_id, name),
                     NULL, &answer, err);
    if (r)
        return r;
    *data = answer.body;
    *len = answer.len;
    return 0;
}

const char *client_escape(struct pool *pool, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = pool_alloc(pool, strlen(text) * 3 + 1), *o = out;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '.' || c == '_';
        *o++ = plain ? (char)c : '%';
        if (!plain) {
            *o++ = hex[c >> 4];
            *o++ = hex[c & 15];
        }
    }
    *o = 0;
    return out;
}
