/*
 * What a run of a task is submitted as (promotion.md section 6.2): its steps, else its words, else
 * its instruction.
 */
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/batch.h"
#include "gate/holdout.h"

#define IDENTITY_BYTES 97 /* a tenant's name comes before it */

const char *batch_site_name(const struct gate_task *task)
{
    const char *env = json_str(task->metadata, "env", "");
    return str_starts(env, "mantis_") ? env + strlen("mantis_") : env;
}

static bool is_cua(const struct gate_task *task)
{
    return strcmp(json_str(task->metadata, "mode", ""), HOLDOUT_MODE_CUA) == 0;
}

const char *batch_route(const struct gate_task *task)
{
    return is_cua(task) ? "/v1/cua" : NULL;
}

/* text with each of a piece replaced. */
static const char *replaced(struct pool *pool, const char *text, const char *piece, const char *by)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    for (const char *at; (at = strstr(text, piece)); text = at + strlen(piece)) {
        buf_add(&b, text, (size_t)(at - text));
        buf_adds(&b, by);
    }
    buf_adds(&b, text);
    const char *out = pool_strdup(pool, b.data);
    buf_release(&b);
    return out;
}

static const char *at_site(struct pool *pool, const char *text, const char *env_url)
{
    return replaced(pool, replaced(pool, text, "{{ENV_URL}}", env_url), "{env_url}", env_url);
}

static void put_texts(json_t *obj, const char *const texts[][2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!str_empty(texts[i][1]))
            json_put_str(obj, texts[i][0], texts[i][1]);
}

/* The steps, opened at the task's address. An address is plain text: replacing it cannot break the
 * JSON. */
static json_t *steps_of(struct pool *pool, const struct gate_task *task, const char *url,
                        const char *env_url)
{
    const char *text = at_site(pool, json_text(pool, task->micro_plan), env_url);
    json_t *steps;
    if (json_parse(text, strlen(text), "plan", &steps, NULL))
        BUG("a plan is no JSON any more once its site's address is in it");
    if (*url)
        json_array_insert_new(steps, 0,
                              json_pack("{s:s,s:o,s:{s:s}}", "type", "navigate", "intent",
                                        json_string_safe(pool_printf(pool, "Open %s", url)),
                                        "params", "url", url));
    return steps;
}

static void put_suite(struct pool *pool, const struct batch *b, const struct batch_run *run,
                      const char *url, const char *env_url, json_t *body)
{
    json_t *suite = json_object();
    const char *const texts[][2] = {{"session_name", run->task->id},
                                    {"_plan_name", run->task->id},
                                    {"_lora_adapter", run->arm->lora_adapter},
                                    {"_challenger_model", run->arm->challenger_model}};
    put_texts(suite, texts, ARRAY_SIZE(texts));
    json_put(suite, "_micro_plan", steps_of(pool, run->task, url, env_url));
    if (b->caps.no_proxy)
        json_put_bool(suite, "_proxy_disabled", true);
    json_put(body, "task_suite", suite);
}

/* What is no suite asks for it beside its words. */
static void put_challenger(const struct batch_run *run, json_t *body)
{
    const char *const texts[][2] = {{"lora_adapter", run->arm->lora_adapter},
                                    {"challenger_model", run->arm->challenger_model}};
    put_texts(body, texts, ARRAY_SIZE(texts));
}

/* Words say where they begin; what has no plan in words is said by its text, or its name. */
static void put_words(struct pool *pool, const struct batch_run *run, const char *url,
                      const char *env_url, json_t *body)
{
    const struct gate_task *t = run->task;
    const char *words = *t->plan_text ? t->plan_text : *t->text ? t->text : t->id;
    words = at_site(pool, words, env_url);
    json_put_str(body, "plan_text", *url ? pool_printf(pool, "Open %s. %s", url, words) : words);
    put_challenger(run, body);
}

static void put_instruction(struct pool *pool, const struct batch_run *run, const char *url,
                            const char *env_url, json_t *body)
{
    const char *start = *url       ? url
                        : *env_url ? pool_printf(pool, "%s%s", env_url,
                                                 json_str(run->task->metadata, "start_path", "/"))
                                   : "";
    json_put_str(body, "instruction", at_site(pool, run->task->text, env_url));
    json_put_str(body, "start_url", start);
    put_challenger(run, body);
}

/* A fresh profile per run: neither locks nor cookies of an earlier one. The tag stays when a name
 * is cut. */
static char *identity_of(struct pool *pool, const struct batch *b, const struct batch_run *run)
{
    char out[IDENTITY_BYTES];
    const char *tail = pool_printf(pool, "-%s", b->tag);
    if (run->repeat)
        tail = pool_printf(pool, "%s-r%d", tail, run->repeat);
    const char *name = pool_printf(pool, "%.24s-%s", run->arm->label, run->task->id);
    id_sanitise(pool_printf(pool, "%.*s%s", (int)(sizeof(out) - 1 - strlen(tail)), name, tail), out,
                sizeof(out));
    return pool_strdup(pool, out);
}

json_t *batch_body(struct pool *pool, const struct batch *b, const struct batch_run *run,
                   const char *env_url)
{
    const struct gate_task *t = run->task;
    const struct batch_caps *caps = &b->caps;
    json_t *body = json_keep(pool, json_object());
    const char *identity = identity_of(pool, b, run), *url = at_site(pool, t->url, env_url);
    int steps = caps->max_steps ? caps->max_steps : t->max_steps;
    const char *const texts[][2] = {
        {"profile_id", identity}, {"workflow_id", identity}, {"cua_model", run->arm->cua_model}};
    json_put_bool(body, "detached", true);
    put_texts(body, texts, ARRAY_SIZE(texts));
    json_put_num(body, "max_cost", caps->max_cost > 0 ? caps->max_cost : t->max_cost);
    json_put_int(body, "max_time_minutes", caps->max_minutes ? caps->max_minutes : steps);
    json_put_int(body, "max_steps", steps);
    if (caps->no_proxy)
        json_put_bool(body, "proxy_disabled", true);
    if (is_cua(t))
        put_instruction(pool, run, url, env_url, body);
    else if (json_array_size(t->micro_plan) > 0)
        put_suite(pool, b, run, url, env_url, body);
    else
        put_words(pool, run, url, env_url, body);
    return body;
}
