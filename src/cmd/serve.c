/*
 * serve.c - `mantis serve`: settings, store, scheduler and API put together on one loop.
 *
 * The first SIGTERM or SIGINT drains: no new connections and runs, calls in progress are answered,
 * running plans checkpoint and are taken up at the next start. The second one ends at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/brains.h"
#include "base/caps.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/serve_models.h"
#include "engine/engine.h"
#include "sched/control.h"
#include "sched/meters.h"
#include "sched/sched.h"
#include "sched/tenants.h"
#include "sched/webhook.h"
#include "store/store.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/settings.h"

#define DRAIN_MS   10000 /* cli.md section 11.1 */
#define EXIT_USAGE 2     /* wrong configuration, port in use */
#define EXIT_MODEL 1     /* the model cannot be what was asked for */

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#define UNDER_SANITIZER __has_feature(address_sanitizer)
#else
#define UNDER_SANITIZER 0
#endif

struct flags {
    const char *host, *data_dir, *config;
    int port, ready_fd;
    bool check, no_model, settings;
};

struct server {
    struct pool *pool;
    struct settings settings;
    const char *const *warnings; /* of the settings */
    struct loop *loop;
    struct store *store;
    struct tenants *tenants;
    struct sched *sched;
    struct meters *meters;
    struct webhooks *webhooks;
    struct control *control;
    struct api *api;
    struct engine_target target; /* settings NULL: no model server is needed */
    struct engine *engine;       /* NULL likewise */
    struct serve_models models;  /* what the gateway asks */
    struct gateway *gateway;
    struct author *author;
    int left_to_drain; /* API and scheduler, then the model server */
    bool stopping, cut_short, model_failed;
};

/* A flag wins over the environment by being put there. */
static void apply_flags(const struct flags *flags)
{
    if (flags->data_dir)
        setenv("MANTIS_DATA_DIR", flags->data_dir, 1);
    if (flags->no_model)
        setenv("MANTIS_BRAIN", "none", 1);
}

static void hide_secrets(void)
{
    settings_hide_secrets();
    if (!UNDER_SANITIZER) /* its leak check attaches to the process */
        prctl(PR_SET_DUMPABLE, 0);
}

static int load_settings(struct server *sv, const struct flags *flags)
{
    struct err err = {0};
    apply_flags(flags);
    if (settings_load(sv->pool, flags->config, &sv->settings, &sv->warnings, &err)) {
        cmd_error("%s", err.msg);
        return EXIT_USAGE;
    }
    hide_secrets();
    log_setup();
    sv->settings.host = flags->host;
    sv->settings.port = flags->port;
    if (flags->port < 0 || flags->port > 65535) {
        cmd_error("--port takes a number from 0 to 65535, not %d", flags->port);
        return EXIT_USAGE;
    }
    if (!api_brain_find(sv->settings.brain)) {
        cmd_error(
            "there is no brain '%.80s' in this version; known are %s (MANTIS_BRAIN, MANTIS_MODEL)",
            sv->settings.brain, api_brain_names(sv->pool));
        return EXIT_MODEL;
    }
    if (*sv->settings.shadow_url &&
        engine_origin(sv->pool, sv->settings.shadow_url, &sv->settings.shadow_url, NULL)) {
        cmd_error("MANTIS_SHADOW_CANDIDATE_URL takes an http or https address without a password: the "
                  "key is the one that MANTIS_MODEL_KEY_SECRET names");
        return EXIT_MODEL;
    }
    if (serve_models_check(sv->pool, &sv->settings, &sv->target, &err)) {
        cmd_error("%s", err.msg);
        return EXIT_MODEL;
    }
    return 0;
}

static bool has_auth(const struct settings *s)
{
    return *s->api_token || *s->tenant_keys_path || *s->tenant_keys_json;
}

/* Does the keys file or document name more than one tenant? */
static bool has_tenants(const struct server *sv)
{
    struct pool *pool = pool_create(NULL);
    struct tenant_set *set;
    const char *const *warnings, *first = NULL;
    bool more = false;
    if ((*sv->settings.tenant_keys_path || *sv->settings.tenant_keys_json) &&
        tenants_try(pool, &sv->settings, &set, &warnings, NULL) == 0) {
        size_t i;
        const json_t *row;
        json_array_foreach (tenant_set_list(pool, set, 0), i, row) {
            const char *id = json_str(row, "tenant_id", "");
            first = first ? first : id;
            more = more || strcmp(first, id) != 0;
        }
    }
    pool_destroy(pool);
    return more;
}

/* What an operator should know once: said at the start, and by --check. Number of warnings. */
static int warn(const struct server *sv, void say(const char *text))
{
    const struct settings *s = &sv->settings;
    const char *own[] = {
        s->sandbox_off ? "MANTIS_CHROMIUM_SANDBOX=off: Chromium runs without its own sandbox"
                       : NULL,
        has_auth(s) ? NULL
                    : "no token is configured: every route that needs one answers 503 until "
                      "MANTIS_API_TOKEN or MANTIS_TENANT_KEYS_PATH is set and serve is restarted",
        *s->model_url && !sv->target.profile
            ? "MANTIS_MODEL_URL is set, but runs of this brain do not ask it, only "
              "/v1/chat/completions does: set MANTIS_BRAIN, too"
            : NULL,
        *s->shadow_url && !sv->target.profile
            ? "MANTIS_SHADOW_CANDIDATE_URL is set, but runs of this brain ask no model here: there is "
              "no split"
            : NULL,
        s->shadow_pct > 0 && !*s->shadow_url
            ? "MANTIS_SHADOW_CANDIDATE_PCT is set without MANTIS_SHADOW_CANDIDATE_URL: there is no "
              "split"
            : NULL,
        !*s->metrics_token && has_tenants(sv)
            ? "/metrics is open to everybody and names the tenants: set MANTIS_METRICS_TOKEN"
            : NULL,
    };
    int n = 0;
    for (const char *const *w = sv->warnings; *w; w++, n++)
        say(*w);
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (own[i])
            say(own[i]);
        n += own[i] != NULL;
    }
    return n;
}

static void log_one(const char *text)
{
    log_warning("mantis.serve", NULL, "%s", text);
}

static void print_one(const char *text)
{
    printf("warning    %s\n", text);
}

static void count_one(const char *text)
{
}

static void raise_descriptor_limit(void)
{
    struct rlimit rl;
    rlim_t want = CAP_HTTP_CONNECTIONS + 1024;
    if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur >= want)
        return;
    rl.rlim_cur = rl.rlim_max < want ? rl.rlim_max : want;
    setrlimit(RLIMIT_NOFILE, &rl);
}

static int make_data_dir(struct server *sv, struct err *err)
{
    struct stat st;
    const char *dir = sv->settings.data_dir;
    if (stat(dir, &st)) {
        /* as root, run users pass through it to their own directories (design.md section 1) */
        int r = file_mkdirs(dir, geteuid() == 0 ? 0711 : 0700, err);
        return r ? err_prefix(err, "data directory") : 0;
    }
    if (!S_ISDIR(st.st_mode) || access(dir, W_OK | X_OK))
        return err_set(err, E_INVALID, "the data directory '%s' cannot be written", dir);
    return 0;
}

static void all_drained(void *arg)
{
    struct server *sv = arg;
    loop_stop(sv->loop);
}

/* Runs may need the model until their last checkpoint. */
static void part_drained(void *arg)
{
    struct server *sv = arg;
    if (--sv->left_to_drain)
        return;
    if (sv->engine)
        engine_stop(sv->engine, all_drained, sv);
    else
        loop_stop(sv->loop);
}

static void drain(struct server *sv)
{
    sv->stopping = true;
    sv->left_to_drain = 2;
    api_drain(sv->api, DRAIN_MS, part_drained, sv);
    sched_drain(sv->sched, part_drained, sv);
}

static void on_signal(void *arg, int signo)
{
    struct server *sv = arg;
    if (sv->stopping) {
        log_warning("mantis.serve", NULL, "second signal: ending at once");
        sv->cut_short = true;
        loop_stop(sv->loop);
        return;
    }
    log_info("mantis.serve", NULL, "stopping on signal %d: running plans are checkpointed", signo);
    drain(sv);
}

/* Whole lines, in as many pieces as a log line's length asks for. */
static void log_lines(const char *lines)
{
    while (*lines) {
        size_t len = strnlen(lines, LOG_MESSAGE_BYTES / 2);
        while (lines[len] && len > 1 && lines[len - 1] != '\n')
            len--;
        log_error("mantis.engine", NULL, "%.*s", (int)len, lines);
        lines += len;
    }
}

/* The platform starts the pod again; runs that are under way are taken up then. */
static void on_model_end(void *arg, const char *why, const char *lines)
{
    struct server *sv = arg;
    sv->model_failed = true;
    log_error("mantis.serve", NULL, "stopping: %s%s", why, *lines ? "; its last lines:" : "");
    log_lines(lines);
    if (!sv->stopping)
        drain(sv);
}

/* Blocked before anything starts, so that none is missed. SIGPIPE: writes say EPIPE instead. */
static int take_signals(struct server *sv, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    return loop_signals(sv->loop, &set, on_signal, sv, err);
}

static void on_webhook(void *arg, const char *tenant, const char *outcome)
{
    struct server *sv = arg;
    meters_webhook(sv->meters, tenant, outcome);
}

static json_t *show_engine(void *arg)
{
    return engine_status(arg);
}

/* What stands on all the rest. */
static int open_service(struct server *sv, struct err *err)
{
    int r = webhooks_create(sv->loop, sv->store, sv->tenants, &sv->settings, on_webhook, sv,
                            &sv->webhooks, err);
    if (!r)
        r = control_create(sv->loop, sv->store, sv->sched, sv->settings.data_dir, &sv->control,
                           err);
    if (!r && sv->target.settings)
        r = engine_create(sv->loop, &sv->target, on_model_end, sv, &sv->engine, err);
    sv->models.engine = sv->engine;
    if (sv->engine)
        control_show_engine(sv->control, show_engine, sv->engine);
    const struct author_config plans = {.settings = &sv->settings,
                                        .model = sv->settings.decompose_model};
    if (!r)
        r = author_create(sv->loop, &plans, &sv->author, err);
    struct api_parts parts = {.loop = sv->loop,
                              .store = sv->store,
                              .sched = sv->sched,
                              .tenants = sv->tenants,
                              .webhooks = sv->webhooks,
                              .meters = sv->meters,
                              .engine = sv->engine,
                              .author = sv->author,
                              .gateway = sv->gateway,
                              .settings = &sv->settings};
    return r ? r : api_create(&parts, &sv->api, err);
}

static int open_all(struct server *sv, struct err *err)
{
    int r = make_data_dir(sv, err);
    if (!r)
        r = loop_create(&sv->loop, err);
    if (!r)
        r = take_signals(sv, err);
    if (!r)
        r = store_open("sqlite", pool_printf(sv->pool, "%s/mantis.db", sv->settings.data_dir),
                       &sv->store, err);
    if (!r)
        r = tenants_create(sv->loop, &sv->settings, &sv->tenants, err);
    if (!r) /* before the scheduler takes up what was under way */
        r = meters_create(sv->loop, sv->store, sv->tenants, &sv->settings, &sv->meters, err);
    if (!r)
        r = serve_models_open(&sv->models, sv->loop, sv->store, &sv->settings, &sv->gateway, err);
    if (!r)
        r = sched_create(sv->loop, sv->store, &sv->settings, &sv->sched, err);
    if (r)
        return r;
    sched_use_gateway(sv->sched, sv->gateway);
    return open_service(sv, err);
}

static void announce(const struct server *sv, int ready_fd)
{
    const char *host = sv->settings.host;
    bool v6 = strchr(host, ':') != NULL;
    log_info("mantis.serve", NULL,
             "listening on http://%s%s%s:%d host=%s port=%d pid=%d data_dir=%s brain=%s",
             v6 ? "[" : "", host, v6 ? "]" : "", api_port(sv->api), host, api_port(sv->api),
             (int)getpid(), sv->settings.data_dir, sv->settings.brain);
    if (ready_fd < 0)
        return;
    if (write(ready_fd, "\n", 1) != 1)
        log_warning("mantis.serve", NULL, "--ready-fd %d: %s", ready_fd, strerror(errno));
    close(ready_fd);
}

static void close_all(struct server *sv)
{
    api_destroy(sv->api);
    sv->models.engine = NULL;
    author_destroy(sv->author);
    engine_destroy(sv->engine);
    control_destroy(sv->control);
    sched_destroy(sv->sched);
    gateway_destroy(sv->gateway);
    webhooks_destroy(sv->webhooks);
    store_close(sv->store);
    meters_destroy(sv->meters);
    tenants_destroy(sv->tenants);
    loop_destroy(sv->loop);
    log_buffer(false);
}

static void flush_log(void *arg)
{
    log_flush();
}

static int serve(struct server *sv, const struct flags *flags)
{
    struct err err = {0};
    int code = EXIT_SUCCESS;
    raise_descriptor_limit();
    warn(sv, log_one);
    int r = open_all(sv, &err);
    if (r) {
        cmd_error("%s", err.msg);
        code = EXIT_USAGE;
    } else {
        announce(sv, flags->ready_fd);
        if (sv->engine)
            engine_start(sv->engine);
        log_buffer(true);
        loop_after_turn(sv->loop, flush_log, NULL);
        r = loop_run(sv->loop, &err);
        if (r)
            log_error("mantis.serve", NULL, "%s", err.msg);
        code = r || sv->cut_short || sv->model_failed ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    close_all(sv);
    return code;
}

/* What would become of the keys file or document. */
struct keys_check {
    bool asked, ok;
    size_t tokens;
    const char *const *warnings; /* NULL unless ok */
    struct err err;
};

static struct keys_check check_keys(const struct server *sv)
{
    struct keys_check c = {.asked =
                               *sv->settings.tenant_keys_path || *sv->settings.tenant_keys_json};
    struct tenant_set *set;
    if (c.asked && tenants_try(sv->pool, &sv->settings, &set, &c.warnings, &c.err) == 0) {
        c.ok = true;
        c.tokens = tenant_set_size(set);
    }
    return c;
}

static void print_keys(const struct keys_check *c)
{
    if (c->asked && !c->ok)
        printf("keys       %s\n", c->err.msg);
    else if (c->asked)
        printf("keys       %zu tokens\n", c->tokens);
    for (const char *const *w = c->warnings; c->ok && *w; w++)
        printf("keys       %s\n", *w);
}

static int count_warnings(const struct server *sv, const struct keys_check *keys)
{
    int n = warn(sv, count_one);
    for (const char *const *w = keys->warnings; keys->ok && *w; w++)
        n++;
    return n;
}

/* --check: one line each, nothing created, nothing started. */
static int check(const struct server *sv)
{
    const struct settings *s = &sv->settings;
    struct stat st;
    bool exists = stat(s->data_dir, &st) == 0;
    bool usable = !exists || (S_ISDIR(st.st_mode) && access(s->data_dir, W_OK | X_OK) == 0);
    struct keys_check keys = check_keys(sv);
    int n = count_warnings(sv, &keys);
    printf(n ? "settings   ok, %d warning%s\n" : "settings   ok\n", n, n == 1 ? "" : "s");
    warn(sv, print_one);
    printf("token      %s\n",
           has_auth(s) ? "set" : "not set: every route that needs one will answer 503");
    print_keys(&keys);
    printf("brain      %s\n", s->brain);
    if (sv->target.settings)
        printf("model      %s, called %s\n",
               sv->target.url ? sv->target.url : sv->target.launch.model, sv->target.request_model);
    printf("data       %s%s%s\n", s->data_dir, exists ? "" : " (will be created)",
           usable ? "" : ": cannot be written");
    printf("plans      %s%s\n", s->repo_root, access(s->repo_root, R_OK) ? ": not there" : "");
    printf("sandbox    %s\n", s->sandbox_off ? "OFF" : "on");
    return usable && (keys.ok || !keys.asked) ? EXIT_SUCCESS : EXIT_USAGE;
}

static bool read_flags(int argc, char **argv, struct flags *flags, int *exit_code)
{
    const struct option table[] = {
        {"--host", NULL, OPTION_STRING, &flags->host, "ADDRESS", "address to listen on [0.0.0.0]"},
        {"--port", NULL, OPTION_INT, &flags->port, "N",
         "port to listen on, 0 for a free one [8000]"},
        {"--data-dir", NULL, OPTION_STRING, &flags->data_dir, "DIR",
         "where everything is kept [MANTIS_DATA_DIR]"},
        {"--config", NULL, OPTION_STRING, &flags->config, "FILE",
         "settings as KEY=VALUE lines; the environment wins"},
        {"--ready-fd", NULL, OPTION_INT, &flags->ready_fd, "N",
         "write a newline to this descriptor once listening"},
        {"--check", NULL, OPTION_FLAG, &flags->check, NULL, "check the configuration and exit"},
        {"--no-model", NULL, OPTION_FLAG, &flags->no_model, NULL, "API only (MANTIS_BRAIN=none)"},
        {"--settings", NULL, OPTION_FLAG, &flags->settings, NULL, "list every setting and exit"},
        {.name = NULL},
    };
    int n;
    return options_read(table, "mantis serve [options]", argc, argv, NULL, 0, &n, exit_code);
}

int cmd_serve(int argc, char **argv)
{
    struct flags flags = {.host = "0.0.0.0", .port = 8000, .ready_fd = -1};
    struct server sv = {0};
    int code = 0;
    if (!read_flags(argc, argv, &flags, &code))
        return code;
    sv.pool = pool_create(NULL);
    if (flags.settings)
        fputs(settings_help(sv.pool), stdout);
    else if ((code = load_settings(&sv, &flags)) == 0)
        code = flags.check ? check(&sv) : serve(&sv, &flags);
    pool_destroy(sv.pool);
    return code;
}
