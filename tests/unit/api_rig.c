#include "unit/test.h"

#include "unit/api_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "sched/gateway.h"
#include "sys/file.h"

struct sched fake;

struct sched_watch {
    int unused;
};
static struct sched_watch fake_watch;

struct sched_submit {
    int unused;
};
static struct sched_submit fake_submit;

/* ---- submissions and runs ---- */

static void submit_answered(void *arg)
{
    struct sched *s = arg;
    sched_submit_fn *fn = s->submit_fn;
    s->submit_fn = NULL;
    fn(s->submit_arg, s->submit_result, &s->submit_err);
}

static int judge(const char *run_id, struct err *err)
{
    if (strcmp(run_id, "taken") == 0)
        return err_set(err, E_CONFLICT, "run 'taken' exists");
    if (strcmp(run_id, "many") == 0)
        return err_set(err, E_RATE_LIMITED, "too many live runs");
    if (strcmp(run_id, "disk") == 0)
        return err_set(err, E_IO, "cannot write '/data/secret/path'");
    return 0;
}

struct sched_submit *sched_submit(struct sched *s, const struct submission *sub,
                                  sched_submit_fn *fn, void *arg)
{
    err_clear(&s->submit_err);
    s->submit_result = judge(sub->key.run_id, &s->submit_err);
    s->submitted += !s->submit_result;
    snprintf(s->run_id, sizeof(s->run_id), "%s", sub->key.run_id);
    snprintf(s->profile, sizeof(s->profile), "%s", sub->profile_id);
    snprintf(s->workflow, sizeof(s->workflow), "%s", sub->workflow_id);
    snprintf(s->plane, sizeof(s->plane), "%s", sub->plane);
    snprintf(s->mode, sizeof(s->mode), "%s", sub->mode);
    s->max_cost = sub->max_cost;
    s->max_minutes = sub->max_time_minutes;
    s->warnings = json_array_size(sub->warnings);
    free(s->payload);
    s->payload = json_dumps(sub->payload, JSON_COMPACT);
    s->submit_fn = fn;
    s->submit_arg = arg;
    if (!s->hold_submit)
        loop_timer_set(s->loop, &s->submit_timer, 0, submit_answered, s);
    return &fake_submit;
}

void sched_submit_forget(struct sched_submit *submit)
{
    if (!submit)
        return;
    loop_timer_clear(&fake.submit_timer);
    fake.submit_forgotten++;
}

static int known(const char *run_id, struct err *err)
{
    bool there =
        !fake.forgotten && (strcmp(run_id, RUN_ID) == 0 || strcmp(run_id, fake.run_id) == 0);
    return there ? 0 : err_set(err, E_NOT_FOUND, "there is no run '%s'", run_id);
}

int sched_handle(struct sched *s, struct pool *pool, struct run_key key, const char **ret_text,
                 struct err *err)
{
    *ret_text = pool_printf(pool, "{\"status\":\"queued\",\"run_id\":\"%s\"}", key.run_id);
    return known(key.run_id, err);
}

const char *sched_no_checkpoint(struct pool *pool, const char *workflow_id)
{
    return pool_printf(pool, "no checkpoint of %s", workflow_id);
}

int sched_live_runs(const struct sched *s, const char *tenant)
{
    return s->submitted;
}

int sched_cancel(struct sched *s, struct run_key key, const char *reason, struct err *err)
{
    int r = known(key.run_id, err);
    s->cancelled += !r;
    snprintf(s->cancel_reason, sizeof(s->cancel_reason), "%s", reason);
    return r;
}

int sched_pause(struct sched *s, struct run_key key, const char *reason, struct err *err)
{
    return known(key.run_id, err);
}

int sched_resume(struct sched *s, struct run_key key, const json_t *user_input,
                 int64_t *ret_resumed_us, struct err *err)
{
    return known(key.run_id, err);
}

int sched_status(struct sched *s, struct pool *pool, struct run_key key, json_t **out,
                 struct err *err)
{
    int r = known(key.run_id, err);
    if (r)
        return r;
    *out = json_keep(pool, json_pack("{s:s,s:s,s:s,s:s}", "run_id", key.run_id, "status", "queued",
                                     "mode", "detached", "tenant_id", key.tenant));
    return 0;
}

static int text_of(struct run_key key, const char *word, const char **ret_text, size_t *ret_len,
                   struct err *err)
{
    static char text[200];
    snprintf(text, sizeof(text), "{\"run_id\":\"%s\",\"%s\":\"queued\"}", key.run_id, word);
    *ret_text = text;
    *ret_len = strlen(text);
    return known(key.run_id, err);
}

int sched_status_text(struct sched *s, struct run_key key, const char **ret_text, size_t *ret_len,
                      struct err *err)
{
    return text_of(key, "status", ret_text, ret_len, err);
}

int sched_phase_text(struct sched *s, struct run_key key, const char **ret_text, size_t *ret_len,
                     struct err *err)
{
    return text_of(key, "phase", ret_text, ret_len, err);
}

int sched_result(struct sched *s, struct pool *pool, struct run_key key, json_t **out,
                 struct err *err)
{
    *out = json_keep(pool, json_pack("{s:{s:s}}", "result", "terminal_status", "completed"));
    return known(key.run_id, err);
}

int sched_logs(struct sched *s, struct pool *pool, struct run_key key, int tail, json_t **out,
               struct err *err)
{
    s->tail = tail;
    *out = json_keep(pool, json_pack("{s:s,s:[]}", "run_id", key.run_id, "events"));
    return known(key.run_id, err);
}

int sched_queue(struct sched *s, struct pool *pool, const char *tenant, json_t **out,
                struct err *err)
{
    *out = json_keep(pool, json_pack("{s:s}", "tenant_id", tenant));
    return 0;
}

int sched_artifact(struct sched *s, struct pool *pool, struct run_key key, const char *name,
                   int *ret_fd, const char **ret_mime, struct err *err)
{
    if (strcmp(name, "leads.csv") != 0)
        return err_set(err, E_NOT_FOUND, "run '%s' has no artifact '%s'", key.run_id, name);
    int r = known(key.run_id, err);
    *ret_mime = "text/csv";
    *ret_fd = r ? -1 : open(s->artifact, O_RDONLY | O_CLOEXEC);
    return r || *ret_fd >= 0 ? r : err_set(err, E_NOT_FOUND, "run '%s' has no artifact", key.run_id);
}

int sched_steps(struct sched *s, struct pool *pool, struct run_key key, int64_t after, json_t **out,
                struct err *err)
{
    *out = json_keep(pool, json_pack("{s:s,s:I}", "run_id", key.run_id, "after", (json_int_t)after));
    return known(key.run_id, err);
}

int sched_screenshot(struct sched *s, struct pool *pool, struct run_key key, const char *name,
                     int *ret_fd, struct err *err)
{
    int r = known(key.run_id, err);
    return r ? r : err_set(err, E_NOT_FOUND, "run '%s' has no screenshot '%s'", key.run_id, name);
}

int sched_video_track(struct sched *s, struct pool *pool, struct run_key key, bool raw, const char *track,
                      int *ret_fd, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "run '%s' has no recording", key.run_id);
}

int sched_video(struct sched *s, struct pool *pool, struct run_key key, bool raw, int *ret_fd,
                const char **ret_mime, const char **ret_format, struct err *err)
{
    int r = known(key.run_id, err);
    *ret_mime = "video/mp4";
    *ret_format = "mp4";
    *ret_fd = r ? -1 : open(s->artifact, O_RDONLY | O_CLOEXEC);
    return r || *ret_fd >= 0 ? r : err_set(err, E_NOT_FOUND, "run '%s' has no recording", key.run_id);
}

struct sched_watch *sched_watch(struct sched *s, struct run_key key, sched_watch_fn *fn, void *arg)
{
    s->watch_fn = fn;
    s->watch_arg = arg;
    return &fake_watch;
}

void sched_unwatch(struct sched_watch *watch)
{
    if (watch)
        fake.unwatched++;
}

bool sched_ready(struct sched *s, const char **ret_reason)
{
    *ret_reason = "there is no browser";
    return !s->not_ready;
}

/* ---- events ---- */

void fake_news(void)
{
    for (int i = 0; i < FAKE_FOLLOWERS; i++)
        if (fake.followers[i].fn)
            fake.followers[i].fn(fake.followers[i].arg);
}

void fake_event(const char *name, const char *json)
{
    struct fake_event *e = &fake.events[fake.n_events++];
    char ts[CLOCK_ISO_BYTES];
    clock_iso(1772600000000000 + fake.n_events, ts);
    snprintf(e->cursor, sizeof(e->cursor), "%s#%d", ts, fake.n_events);
    e->name = name;
    e->json = json;
    fake.peek.last_seq = fake.n_events;
    fake_news();
}

void fake_state(enum run_state state, bool over, const char *halt_class)
{
    fake.peek.state = state;
    fake.peek.over = over;
    fake.peek.halt_class = halt_class;
    fake_news();
}

int sched_cursor_parse(struct sched *s, struct run_key key, const char *cursor, int64_t *ret_seq,
                       struct err *err)
{
    *ret_seq = 0;
    if (!*cursor)
        return 0;
    for (int i = 0; i < s->n_events; i++) {
        size_t ts_len = strcspn(s->events[i].cursor, "#");
        if (strcmp(cursor, s->events[i].cursor) != 0 &&
            (strlen(cursor) != ts_len || strncmp(cursor, s->events[i].cursor, ts_len) != 0))
            continue;
        *ret_seq = i + 1;
        return 0;
    }
    return err_set(err, E_UNPROCESSABLE, "'%s' is no cursor", cursor);
}

int sched_events_after(struct sched *s, struct run_key key, int64_t seq, struct sched_event *out,
                       int limit, int *ret_n, struct err *err)
{
    int n = 0;
    s->events_asked++;
    for (int64_t i = seq; i < s->n_events && n < limit; i++, n++)
        out[n] = (struct sched_event){.seq = i + 1,
                                      .cursor = s->events[i].cursor,
                                      .name = s->events[i].name,
                                      .json = s->events[i].json};
    *ret_n = n;
    return known(key.run_id, err);
}

struct sched_follow *sched_follow(struct sched *s, struct run_key key, sched_watch_fn *fn,
                                  void *arg)
{
    for (int i = 0; i < FAKE_FOLLOWERS; i++) {
        if (s->followers[i].fn)
            continue;
        s->followers[i] = (struct sched_follow){fn, arg};
        s->n_followers++;
        return &s->followers[i];
    }
    return NULL;
}

void sched_unfollow(struct sched_follow *follow)
{
    if (!follow)
        return;
    follow->fn = NULL;
    fake.n_followers--;
    fake.unfollowed++;
}

int sched_peek(struct sched *s, struct run_key key, struct sched_peek *out, struct err *err)
{
    *out = s->peek;
    return known(key.run_id, err);
}

/* ---- the server ---- */

static void make_settings(struct fixture *fx, const char *token)
{
    strcpy(fx->data_dir, "/tmp/test_api_XXXXXX");
    assert_non_null(mkdtemp(fx->data_dir));
    snprintf(fx->keys_path, sizeof(fx->keys_path), "%s/keys.json", fx->data_dir);
    fx->settings = (struct settings){.host = "127.0.0.1",
                                     .data_dir = fx->data_dir,
                                     .repo_root = "/nonexistent",
                                     .share_dir = "/nonexistent",
                                     .tenant_keys_path = "",
                                     .tenant_keys_json = "",
                                     .api_token = token,
                                     .secrets_dir = "/nonexistent",
                                     .metrics_token = "",
                                     .webhook_secret_default = "",
                                     .max_steps_per_plan = 200,
                                     .max_loop_iterations = 50,
                                     .max_runtime_minutes = 240,
                                     .max_cost_usd = 75,
                                     .default_micro = "",
                                     .env_url = "",
                                     .brain = "page",
                                     .model_url = "",
                                     .model_name = "served",
                                     .model_key_secret = "",
                                     .model_tag = "",
                                     .model_prices = "",
                                     .cost_gpu_hourly_usd = 3.6,
                                     .lora_adapter = "",
                                     .browser = "",
                                     .deploy_age_warn = "",
                                     .git_sha = "abc",
                                     .build_time = "",
                                     .version = MANTIS_VERSION};
}

static void model_ended(void *arg, const char *why, const char *log)
{
    fail_msg("the model server was given up: %s", why);
}

static void make_engine(struct fixture *fx)
{
    struct err err = {0};
    if (!*fx->settings.model_url)
        return;
    fx->pool = pool_create(NULL);
    if (engine_prepare(fx->pool, &fx->settings, (struct engine_asker){"holo3", "holo3"}, &fx->target, &err) ||
        engine_create(fx->loop, &fx->target, model_ended, NULL, &fx->engine, &err))
        fail_msg("%s", err.msg);
    engine_start(fx->engine);
}

static bool show_pod(void *arg, struct pool *pool, struct gateway_pod *out)
{
    const struct fixture *fx = arg;
    *out = (struct gateway_pod){.profile = "holo3",
                                .base_url = "http://127.0.0.1:9/v1",
                                .model = "served",
                                .key_secret = "",
                                .slots = fx->slots};
    return fx->engine != NULL;
}

static bool is_ready(void *arg)
{
    return engine_ready(arg, NULL);
}

static void begin(struct fixture *fx)
{
    struct err err = {0};
    memset(&fake, 0, sizeof(fake));
    fake.peek.state = RUN_RUNNING;
    assert_int_equal(loop_create(&fx->loop, NULL), 0);
    fake.loop = fx->loop;
    assert_int_equal(store_open("memory", "", &fx->store, NULL), 0);
    assert_int_equal(tenants_create(fx->loop, &fx->settings, &fx->tenants, NULL), 0);
    make_engine(fx);
    const struct gateway_config gateway = {.loop = fx->loop,
                                           .settings = &fx->settings,
                                           .store = fx->store,
                                           .pod = show_pod,
                                           .pod_arg = fx};
    if (gateway_create(&gateway, &fx->gateway, &err))
        fail_msg("%s", err.msg);
    struct api_parts parts = {.loop = fx->loop,
                              .store = fx->store,
                              .sched = &fake,
                              .tenants = fx->tenants,
                              .engine = fx->engine,
                              .gateway = fx->gateway,
                              .settings = &fx->settings};
    if (api_create(&parts, &fx->api, &err))
        fail_msg("%s", err.msg);
}

void start(struct fixture *fx)
{
    *fx = (struct fixture){0};
    make_settings(fx, TOKEN);
    begin(fx);
}

static void use_keys(struct fixture *fx, const char *keys)
{
    make_settings(fx, "");
    if (!*keys)
        return;
    FILE *f = fopen(fx->keys_path, "w");
    assert_non_null(f);
    assert_true(fputs(keys, f) >= 0);
    assert_int_equal(fclose(f), 0);
    fx->settings.tenant_keys_path = fx->keys_path;
}

void start_with_model(struct fixture *fx, const char *url, const char *keys)
{
    *fx = (struct fixture){0};
    use_keys(fx, keys);
    fx->settings.brain = "holo3";
    fx->settings.model_url = url;
    begin(fx);
    assert_int_equal(loop_wait(fx->loop, is_ready, fx->engine, clock_mono_ms() + 20000), 0);
}

void start_with_keys(struct fixture *fx, const char *keys)
{
    *fx = (struct fixture){0};
    use_keys(fx, keys);
    begin(fx);
}

void stop(struct fixture *fx)
{
    api_destroy(fx->api);
    gateway_destroy(fx->gateway);
    engine_destroy(fx->engine);
    pool_destroy(fx->pool);
    assert_int_equal(fake.n_followers, 0);
    loop_timer_clear(&fake.submit_timer);
    tenants_destroy(fx->tenants);
    store_close(fx->store);
    loop_destroy(fx->loop);
    assert_int_equal(file_remove_tree(fx->data_dir, NULL), 0);
    free(fake.payload);
    fake.payload = NULL;
}

/* ---- clients ---- */

void client_open(struct client *c, struct fixture *fx)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)api_port(fx->api)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
    buf_init(&c->in, 4u << 20);
}

void client_close(struct client *c)
{
    close(c->fd);
    buf_release(&c->in);
}

size_t count(const char *hay, const char *needle)
{
    size_t n = 0;
    for (; (hay = strstr(hay, needle)); hay++)
        n++;
    return n;
}

/* In what came since the last look, and the end of what was there. */
static bool has_text(struct client *c)
{
    size_t overlap = c->text ? strlen(c->text) : 0;
    size_t from = c->searched > overlap ? c->searched - overlap : 0;
    bool found = c->text && c->in.data && memmem(c->in.data + from, c->in.len - from, c->text, overlap);
    c->searched = c->in.len;
    return found;
}

/* Send what is left, take what is there. */
static bool client_done(void *arg)
{
    struct client *c = arg;
    char piece[65536];
    ssize_t n;
    while (c->out_left && (n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL)) > 0) {
        c->out += n;
        c->out_left -= (size_t)n;
    }
    while ((n = recv(c->fd, piece, sizeof(piece), 0)) > 0)
        assert_int_equal(buf_add(&c->in, piece, (size_t)n), 0);
    c->error = n < 0 ? errno : 0;
    c->ended = n == 0 || (n < 0 && errno != EAGAIN);
    return c->error == ECONNRESET || (c->ended && !c->out_left) || has_text(c) ||
           (c->want && c->in.data && count(c->in.data, "HTTP/1.1 ") >= c->want);
}

void talk(struct fixture *fx, struct client *c, const char *bytes, size_t len)
{
    c->out = bytes;
    c->out_left = len;
    /* the client has no watch of its own on the loop, so it looks every few milliseconds */
    int64_t end = clock_mono_ms() + 20000;
    while (!client_done(c)) {
        if (loop_wait(fx->loop, NULL, NULL, clock_mono_ms() + 2))
            fail_msg("the loop was interrupted");
        if (clock_mono_ms() > end)
            fail_msg("no answer to %.80s; so far: %.200s", bytes, c->in.data ? c->in.data : "");
    }
}

void answer_read(struct answer *a, const struct client *c)
{
    buf_init(&a->text, 4u << 20);
    assert_int_equal(buf_add(&a->text, c->in.data ? c->in.data : "", c->in.len), 0);
    a->status = 0;
    if (a->text.len)
        sscanf(a->text.data, "HTTP/1.1 %d", &a->status);
    const char *gap = a->text.len ? strstr(a->text.data, "\r\n\r\n") : NULL;
    a->body = gap ? gap + 4 : "";
}

void talk_until(struct fixture *fx, struct client *c, const char *bytes, const char *text)
{
    c->text = text;
    c->searched = 0;
    talk(fx, c, bytes, strlen(bytes));
    c->text = NULL;
}

/* One call on a connection of its own. */
void call(struct fixture *fx, struct answer *a, const char *method, const char *path,
          const char *headers, const char *body)
{
    struct pool *pool = pool_create(NULL);
    struct client c;
    char *text = pool_printf(
        pool, "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, path, headers, strlen(body), body);
    client_open(&c, fx);
    talk(fx, &c, text, strlen(text));
    answer_read(a, &c);
    client_close(&c);
    pool_destroy(pool);
}

void answer_release(struct answer *a)
{
    buf_release(&a->text);
}
