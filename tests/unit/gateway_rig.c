#include "unit/gateway_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "brain/model/transport.h"
#include "sys/file.h"

#define PATIENCE_MS 60000

struct rig rig;

static bool show_pod(void *arg, struct pool *pool, struct gateway_pod *out)
{
    *out = rig.pod;
    return rig.pod.profile != NULL;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make_profile(const char *from, const char *name)
{
    json_t *doc;
    struct err err = {0};
    const char *path = pool_printf(rig.pool, "%s/profiles/%s.json", rig.settings.share_dir, from);
    if (json_parse_file(path, &doc, &err))
        fail_msg("%s", err.msg);
    json_put_str(doc, "name", name);
    json_put_str(json_object_get(doc, "endpoint"), "base_url",
                 pool_printf(rig.pool, "http://127.0.0.1:%d/v1", model_server_port(rig.server)));
    write_file(pool_printf(rig.pool, "%s/profiles/%s.json", rig.dir, name),
               json_text(rig.pool, doc));
    json_decref(doc);
}

void rig_secret(const char *name, const char *value)
{
    write_file(pool_printf(rig.pool, "%s/secrets/%s", rig.dir, name), value);
}

static void start_server(const char *rules)
{
    struct err err = {0};
    rig.script = json_loads(pool_printf(rig.pool, "{\"key\":\"" RIG_KEY "\",\"rules\":%s}", rules), 0, NULL);
    assert_non_null(rig.script);
    rig.record = pool_printf(rig.pool, "%s/sent", rig.dir);
    const struct model_server_config config = {.script = rig.script, .record = rig.record};
    if (model_server_start(&config, &rig.server, &err))
        fail_msg("%s", err.msg);
}

static void make_files(void)
{
    static const char *const folders[] = {"profiles", "secrets", "data"};
    strcpy(rig.dir, "/var/tmp/gateway.XXXXXX");
    assert_non_null(mkdtemp(rig.dir));
    chmod(rig.dir, 0711);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        assert_int_equal(mkdir(pool_printf(rig.pool, "%s/%s", rig.dir, folders[i]), 0711), 0);
}

static void raise_descriptor_limit(void)
{
    struct rlimit rl;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
    rl.rlim_cur = rl.rlim_max < 8192 ? rl.rlim_max : 8192;
    setrlimit(RLIMIT_NOFILE, &rl);
}

void rig_start(const char *rules, uid_t uid_base)
{
    struct err err = {0};
    rig = (struct rig){.pool = pool_create(NULL)};
    raise_descriptor_limit();
    make_files();
    rig.settings = (struct settings){.data_dir = pool_printf(rig.pool, "%s/data", rig.dir),
                                     .secrets_dir = pool_printf(rig.pool, "%s/secrets", rig.dir),
                                     .share_dir = getenv("MANTIS_SOURCE_ROOT"),
                                     .profiles_dir = pool_printf(rig.pool, "%s/profiles", rig.dir),
                                     .prompts_dir = "",
                                     .cost_gpu_hourly_usd = 3.6,
                                     .model_prices = "",
                                     .concurrency = 4,
                                     .run_uid_base = (int)uid_base};
    start_server(rules);
    make_profile("holo3", "chatty");
    make_profile("claude", "claude");
    rig_secret("anthropic_api_key", RIG_KEY "\n");
    rig_secret("hai_api_key", RIG_KEY "\n");
    const struct gateway_config config = {.settings = &rig.settings, .pod = show_pod};
    struct gateway_config c = config;
    int r = loop_create(&rig.loop, &err);
    c.loop = rig.loop;
    r = r ? r : httpc_create(rig.loop, &rig.client, &err);
    r = r ? r : gateway_create(&c, &rig.gateway, &err);
    if (r)
        fail_msg("%s", err.msg);
}

void rig_set_up(const char *rules)
{
    rig_start(rules, 0);
}

void rig_tear_down(void)
{
    httpc_destroy(rig.client);
    gateway_destroy(rig.gateway);
    loop_destroy(rig.loop);
    model_server_stop(rig.server);
    json_decref(rig.script);
    assert_int_equal(file_remove_tree(rig.dir, NULL), 0);
    pool_destroy(rig.pool);
}

void rig_pod(int slots, bool keeps_prompts)
{
    rig.pod = (struct gateway_pod){
        .profile = "chatty",
        .base_url = pool_printf(rig.pool, "http://127.0.0.1:%d/v1", model_server_port(rig.server)),
        .model = "m",
        .key_secret = "hai_api_key",
        .slots = slots,
        .keeps_prompts = keeps_prompts};
}

struct gateway_run *rig_run(const char *tenant, const char *run_id, double max_cost)
{
    const struct gateway_client client = {
        .key = RUN_KEY(tenant, run_id), .max_cost = max_cost, .anthropic_secret = ""};
    return gateway_open(rig.gateway, &client);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void on_answer(void *arg, int result, const struct httpc_answer *answer,
                      const struct err *err)
{
    struct asked *a = arg;
    json_t *body = NULL;
    a->done = true;
    a->result = result;
    a->exchange = NULL;
    a->error = "";
    if (result)
        return;
    a->status = answer->status;
    a->retry_after_s = answer->retry_after_s;
    a->seconds = strtod(answer->header, NULL);
    a->body = pool_strdup(rig.pool, answer->body);
    if (json_parse(answer->body, answer->len, "answer", &body, NULL) == 0)
        a->error = json_str(json_object_get(json_keep(rig.pool, body), "error"), "type", "");
}

struct asked *rig_send_as(const char *credential, const char *path, const char *body, size_t len)
{
    struct asked *a = pool_alloc(rig.pool, sizeof(*a));
    struct err err = {0};
    const char *headers[] = {
        credential ? pool_printf(rig.pool, "Authorization: Bearer %s", credential) : NULL, NULL};
    const struct httpc_request request = {.method = body ? "POST" : "GET",
                                          .url = pool_printf(rig.pool, "http://gateway%s", path),
                                          .headers = headers,
                                          .body = body,
                                          .body_len = len,
                                          .timeout_ms = PATIENCE_MS,
                                          .max_answer_bytes = CAP_MODEL_ANSWER_BYTES,
                                          .want_header = TRANSPORT_SECONDS_HEADER,
                                          .socket = rig.gateway->socket};
    if (httpc_start(rig.client, &request, on_answer, a, &a->exchange, &err))
        fail_msg("%s", err.msg);
    return a;
}

struct asked *rig_send(const struct gateway_run *run, const char *path, const char *body)
{
    return rig_send_as(run->credential, path, body, body ? strlen(body) : 0);
}

static bool is_done(void *arg)
{
    return ((struct asked *)arg)->done;
}

/* What a condition looks at may change without the loop. */
static void look_again(void *arg)
{
    loop_timer_set(rig.loop, arg, 5, look_again, arg);
}

bool rig_until(loop_cond_fn *cond, void *arg)
{
    struct loop_timer timer = {0};
    look_again(&timer);
    int r = loop_wait(rig.loop, cond, arg, clock_mono_ms() + PATIENCE_MS);
    loop_timer_clear(&timer);
    return r == 0;
}

struct asked *rig_await(struct asked *a)
{
    assert_true(rig_until(is_done, a));
    return a;
}

void rig_await_all(struct asked **asked, int n)
{
    for (int i = 0; i < n; i++)
        rig_await(asked[i]);
}

struct asked *rig_ask(const struct gateway_run *run, const char *path, const char *body)
{
    return rig_await(rig_send(run, path, body));
}

const char *rig_chat(const char *text)
{
    json_t *body = json_pack("{s:s,s:i,s:[{s:s,s:s}]}", "model", "m", "max_tokens", 100, "messages",
                             "role", "user", "content", text);
    return json_text(rig.pool, json_keep(rig.pool, body));
}

const char *rig_message(const char *model, const char *text, int max_tokens)
{
    json_t *body = json_pack("{s:s,s:i,s:[{s:s,s:s}]}", "model", model, "max_tokens", max_tokens,
                             "messages", "role", "user", "content", text);
    return json_text(rig.pool, json_keep(rig.pool, body));
}

/* --- what the server was sent ---------------------------------------------------------------- */

static json_t *lines_with(const char *key)
{
    json_t *list = json_keep(rig.pool, json_array()), *line;
    FILE *f = fopen(rig.record, "r");
    assert_non_null(f);
    while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL))) {
        if (json_object_get(line, key))
            json_array_append(list, line);
        json_decref(line);
    }
    fclose(f);
    return list;
}

json_t *rig_sent(void)
{
    return lines_with("method");
}

json_t *rig_ended(void)
{
    return lines_with("ended");
}
