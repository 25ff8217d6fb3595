/*
 * The site control protocol of promotion.md section 7, the same for every site.
 */
#include <string.h>

#include "base/id.h"
#include "site/server.h"

static void reply_error(struct site_request *req, int status, const char *detail)
{
    req_reply_json(req, status, json_pack("{s:s}", "detail", detail));
}

/* Everything but health may only be seen by who started the site. */
static bool is_admin(struct site_request *req)
{
    const char *token = req_header(req, "X-Env-Admin");
    if (token && id_secret_equal(token, req->site->admin_token))
        return true;
    reply_error(req, 401, token ? "X-Env-Admin is wrong" : "the header X-Env-Admin is missing");
    return false;
}

static void health(struct site_request *req)
{
    req_reply_json(req, 200,
                   json_pack("{s:b,s:s,s:I}", "ok", 1, "site", req->site->kind->name, "seed",
                             (json_int_t)req->site->seed));
}

/* {"seed":n}; without a body or seed the site starts again with the seed it has. */
static int read_seed(struct site_request *req, int64_t *seed, struct err *err)
{
    size_t len;
    json_t *body;
    const char *text = req_body(req, &len);
    if (!len)
        return 0;
    int r = json_parse(text, len, "request body", &body, err);
    if (r)
        return r;
    json_keep(req->pool, body);
    if (!json_is_object(body))
        return err_set(err, E_INVALID, "the body must be an object like {\"seed\":7}");
    return json_read_int(body, "seed", seed, err);
}

static void reset(struct site_request *req)
{
    struct err err = {0};
    int64_t seed = req->site->seed;
    if (!is_admin(req))
        return;
    if (read_seed(req, &seed, &err)) {
        reply_error(req, 400, err.msg);
        return;
    }
    site_reset(req->site, seed);
    health(req);
}

static const struct site_task *find_task(const struct site_kind *kind, const char *id)
{
    for (const struct site_task *t = kind->tasks; t->id; t++)
        if (strcmp(t->id, id) == 0)
            return t;
    return NULL;
}

static void reply_no_task(struct site_request *req, const char *id)
{
    char *list = pool_strdup(req->pool, "");
    for (const struct site_task *t = req->site->kind->tasks; t->id; t++)
        list = pool_printf(req->pool, "%s%s%s", list, *list ? ", " : "", t->id);
    reply_error(req, 404, pool_printf(req->pool, "there is no task '%s'; there are: %s", id, list));
}

static void oracle(struct site_request *req)
{
    if (!is_admin(req))
        return;
    const char *id = req_arg(req, "task_id", "");
    const struct site_task *task = find_task(req->site->kind, id);
    if (!task) {
        reply_no_task(req, id);
        return;
    }
    json_t *answer = json_object(), *reasons = json_array(), *diff = json_object();
    bool passed = task->grade ? task->grade(req->site, reasons, diff)
                              : req->site->kind->grade(req->site, id, reasons, diff);
    json_put_bool(answer, "passed", passed);
    json_put_num(answer, "score", passed ? 1.0 : 0.0);
    json_put(answer, "reasons", reasons);
    json_put(answer, "diff", diff);
    if (task->rows)
        json_put(answer, "rows", task->rows(req->site));
    req_reply_json(req, 200, answer);
}

static void rows(struct site_request *req)
{
    if (!is_admin(req))
        return;
    if (!req->site->kind->rows) {
        reply_error(req, 404, "this site has no rows");
        return;
    }
    req_reply_json(req, 200, json_pack("{s:o}", "rows", req->site->kind->rows(req->site)));
}

static void mutations(struct site_request *req)
{
    if (!is_admin(req))
        return;
    int64_t since = req_arg_int(req, "since", 0, INT64_MAX, 0);
    json_t *list = json_array(), *entry;
    size_t i;
    json_array_foreach (req->site->log, i, entry) {
        if (json_int(entry, "seq", 0) > since)
            json_array_append(list, entry);
    }
    req_reply_json(
        req, 200,
        json_pack("{s:o,s:I}", "mutations", list, "last", (json_int_t)req->site->log_seq));
}

static void other(struct site_request *req)
{
    if (is_admin(req) && !request_dispatch_to(req, req->site->kind->controls))
        reply_error(req, 404, "there is no such call; see docs/sites.md");
}

/* clang-format off */
const struct site_route control_routes[] = {
    {SITE_GET, "/__env__/health", health},
    {SITE_POST, "/__env__/reset", reset},
    {SITE_POST, "/__env__/seed", reset},
    {SITE_GET, "/__env__/oracle", oracle},
    {SITE_GET, "/__env__/rows", rows},
    {SITE_GET, "/__env__/mutations", mutations},
    {SITE_GET | SITE_POST, "/__env__/*", other},
    {0, NULL, NULL},
};
/* clang-format on */
