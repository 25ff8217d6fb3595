#include "sched/gateway_private.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "sched/private.h"
#include "sys/file.h"

#define SOCKET "model.sock"
#define IDLE_S   300 /* of a kept connection */
#define MOMENT_S .05 /* workers hear of seconds with three digits */

/* --- runs ------------------------------------------------------------------------------------ */

/* Every one is compared, so that time tells nothing. */
struct gateway_run *gateway_find(struct gateway *g, const char *credential, uid_t uid)
{
    struct gateway_run *found = NULL;
    for (struct gateway_run *r = g->runs; r; r = r->next) {
        bool same = id_secret_equal(r->credential, credential);
        if (same && *r->credential && uid == (r->uid ? r->uid : geteuid()))
            found = r;
    }
    return found;
}

struct gateway_run *gateway_run_of(struct gateway *g, struct run_key key)
{
    struct gateway_run *r = g->runs;
    while (r && !run_key_equal(r->key, key))
        r = r->next;
    return r;
}

static struct gateway_tenant *tenant_of(struct gateway *g, const char *id)
{
    struct gateway_tenant *t = g->tenants;
    while (t && strcmp(t->id, id))
        t = t->next;
    if (t)
        return t;
    t = pool_alloc(g->pool, sizeof(*t) + strlen(id) + 1);
    memcpy(t->id, id, strlen(id) + 1);
    t->next = g->tenants;
    return g->tenants = t;
}

struct gateway_run *gateway_run_create(struct gateway *g, struct run_key key)
{
    struct pool *pool = pool_create(NULL);
    struct gateway_run *r = pool_alloc(pool, sizeof(*r));
    *r = (struct gateway_run){
        .gateway = g,
        .pool = pool,
        .key = RUN_KEY(pool_strdup(pool, key.tenant), pool_strdup(pool, key.run_id)),
        .tenant = tenant_of(g, key.tenant),
        .paid = json_keep(pool, json_object()),
        .anthropic_secret = "",
        .slot = -1,
        .next = g->runs,
        .link = &g->runs};
    if (r->next)
        r->next->link = &r->next;
    g->runs = r;
    return r;
}

static void run_destroy(struct gateway_run *r)
{
    gateway_close(r);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    pool_destroy(r->pool);
}

/* What its calls have cost before this gateway knew it. */
static void take_up(struct gateway_run *r, const json_t *account)
{
    const json_t *costs = json_object_get(account, "costs");
    cost_pay_rows(r->paid, json_object_get(json_object_get(account, "claude_cost_by_path"), "by_path"));
    r->gpu_seconds = json_num(costs, "gpu_seconds", 0);
    r->models = json_num(costs, "claude", 0) + json_num(costs, "gpu", 0);
}

struct gateway_run *gateway_open(struct gateway *g, const struct gateway_client *client)
{
    struct gateway_run *r = gateway_run_of(g, client->key);
    if (r) {
        gateway_close(r);
    } else {
        r = gateway_run_create(g, client->key);
        take_up(r, client->account);
    }
    r->uid = client->uid;
    r->purse.cap = client->max_cost;
    r->day_cap = client->day_cap;
    r->anthropic_secret = pool_strdup(r->pool, client->anthropic_secret);
    r->anthropic_required = client->anthropic_required;
    r->candidate = client->candidate;
    gateway_told_cost(r, json_object_get(client->account, "costs"));
    id_random_hex(32, r->credential);
    return r;
}

/* What calls have come to since is not in it. */
void gateway_told_cost(struct gateway_run *r, const json_t *costs)
{
    r->told = json_num(costs, "total", 0);
    double other = json_num(costs, "proxy", 0);
    r->purse.spent = fmax(r->purse.spent, fmax(r->told, r->models + other));
}

/* The copy of an object under key, made when it is not there. Borrowed. */
static json_t *own_object(json_t *doc, const char *key)
{
    const json_t *there = json_object_get(doc, key);
    json_t *own = there ? json_deep_copy(there) : json_object();
    json_put(doc, key, own);
    return own;
}

static json_t *complete(const struct gateway_run *r, const json_t *checkpoint, const json_t *rows)
{
    json_t *out = json_copy((json_t *)checkpoint);
    json_t *costs = own_object(out, "costs"), *by_path = own_object(out, "claude_cost_by_path");
    cost_add_rows(costs, by_path, rows);
    json_put_num(costs, "gpu_seconds", fmax(json_num(costs, "gpu_seconds", 0), r->gpu_seconds));
    cost_update(costs, by_path, &r->gateway->rates);
    return out;
}

json_t *gateway_complete(const struct gateway_run *r, const json_t *checkpoint)
{
    if (!r || !checkpoint)
        return json_incref((json_t *)checkpoint);
    const json_t *by_path = json_object_get(checkpoint, "claude_cost_by_path");
    double counted_s = json_num(json_object_get(checkpoint, "costs"), "gpu_seconds", 0);
    json_t *rows = cost_unanswered(json_object_get(by_path, "by_path"), r->paid);
    bool whole = !json_object_size(rows) && r->gpu_seconds <= counted_s + MOMENT_S;
    json_t *out = whole ? json_incref((json_t *)checkpoint) : complete(r, checkpoint, rows);
    json_decref(rows);
    return out;
}

void gateway_close(struct gateway_run *r)
{
    struct err err;
    if (!r)
        return;
    explicit_bzero(r->credential, sizeof(r->credential));
    err_set(&err, E_UNAUTHORIZED, "the attempt of the run is over");
    for (struct call *c = r->gateway->calls; c; c = c->next)
        if (c->run == r) {
            call_stop(c);
            call_fail(c, &err);
        }
}

void gateway_forget(struct gateway *g, struct run_key key)
{
    struct gateway_run *r = gateway_run_of(g, key);
    if (r)
        run_destroy(r);
}

void gateway_entry(const struct gateway_run *r, const char **ret_socket, const char **ret_credential)
{
    *ret_socket = r->gateway->own_socket;
    *ret_credential = r->credential;
}

json_t *gateway_link(const struct gateway_run *r)
{
    struct gateway *g = r->gateway;
    struct gateway_pod pod;
    struct pool *pool = pool_create(NULL);
    json_t *link = json_object();
    json_put_str(link, "socket", g->socket);
    json_put_str(link, "credential", r->credential);
    json_put(link, "dirs",
             json_pack("{s:s,s:s,s:s}", "profiles", g->dirs.profiles, "prompts", g->dirs.prompts,
                       "share", g->dirs.share));
    json_put_bool(link, "claude", upstream_has_claude(g, r));
    json_put_bool(link, "logprobs", g->config.settings->capture_logprobs);
    json_put_int(link, "top_logprobs", g->config.settings->logprobs_top_k);
    json_put(link, "pod",
             upstream_pod(g, pool, &pod)
                 ? json_pack("{s:s,s:s}", "profile", pod.profile, "model", pod.model)
                 : json_null());
    pool_destroy(pool);
    return link;
}

/* --- the socket ------------------------------------------------------------------------------ */

const char *gateway_dir(const struct gateway *g)
{
    return g->dir;
}

const struct profile_dirs *gateway_profile_dirs(const struct gateway *g)
{
    return &g->dirs;
}

const struct cost_rates *gateway_rates(const struct gateway *g)
{
    return &g->rates;
}

/* The data directory's path may be longer than a socket's address. Workers that have a uid of their
 * own connect, too: who they are is looked at when they do. */
static int listen_on(struct gateway *g, int *ret_fd, struct err *err)
{
    const char *dir = g->dir;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int r = file_mkdirs(dir, g->first_uid ? 0711 : 0700, err);
    if (r)
        return r;
    g->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (g->dir_fd < 0 || *ret_fd < 0)
        return err_sys(err, E_IO, "the model gateway cannot open '%s'", dir);
    g->own_socket = pool_printf(g->pool, "/proc/self/fd/%d/" SOCKET, g->dir_fd);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", g->own_socket);
    unlinkat(g->dir_fd, SOCKET, 0);
    mode_t before = umask(g->first_uid ? 0111 : 0177);
    int bad = bind(*ret_fd, (struct sockaddr *)&a, sizeof(a));
    umask(before);
    return bad || listen(*ret_fd, CAP_GATEWAY_CONNECTIONS) /* over it connecting fails at once */
               ? err_sys(err, E_IO, "the model gateway cannot listen on '%s/" SOCKET "'", dir)
               : 0;
}

/* Or this process itself, which asks for plans. */
static bool is_worker(const struct gateway *g, const struct ucred *who)
{
    bool worker = g->first_uid ? who->uid >= g->first_uid && who->uid <= g->last_uid
                               : who->uid == geteuid();
    return worker || who->pid == getpid();
}

/* A stranger's connection is over before a byte of it is read. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct ucred who;
    if (code != MHD_CONNECTION_NOTIFY_STARTED ||
        (gateway_peer(connection, &who) && is_worker(cls, &who)))
        return;
    log_warning(GATEWAY_LOGGER, NULL, "a process that is no worker's tried to call a model");
    shutdown(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
             SHUT_RDWR);
}

static void on_daemon_message(void *cls, const char *fmt, va_list ap)
{
    char text[512];
    vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\n")] = 0;
    log_debug(GATEWAY_LOGGER, NULL, "%s", text);
}

static int serve_on(struct gateway *g, int fd, struct err *err)
{
    /* clang-format off */
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_daemon_message, NULL},
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CAP_GATEWAY_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CAP_GATEWAY_HEADER_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)gateway_completed, g},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, g},
        {MHD_OPTION_END, 0, NULL},
    };
    /* clang-format on */
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
                         NULL, gateway_turn, g, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!daemon)
        return err_set(err, E_IO, "the model gateway's server cannot be started");
    return httpd_start(&g->httpd, g->config.loop, daemon, err);
}

/* --- create and destroy ---------------------------------------------------------------------- */

static struct gateway *alloc(const struct gateway_config *config)
{
    struct gateway *g = calloc(1, sizeof(*g));
    if (!g)
        BUG("out of memory");
    const struct settings *set = config->settings;
    *g = (struct gateway){.config = *config,
                          .pool = pool_create(NULL),
                          .dirs = profile_dirs_of(set),
                          .dir_fd = -1};
    g->waiting_end = &g->waiting;
    g->dir = pool_printf(g->pool, "%s/gateway", set->data_dir);
    g->socket = pool_printf(g->pool, "%s/" SOCKET, g->dir);
    if (geteuid() == 0) {
        g->first_uid = (uid_t)set->run_uid_base;
        g->last_uid = g->first_uid + (uid_t)set->concurrency;
    }
    cost_rates_read(json_keep(g->pool, account_rates(set)), &g->rates);
    return g;
}

int gateway_create(const struct gateway_config *config, struct gateway **out, struct err *err)
{
    int fd = -1;
    struct gateway *g = alloc(config);
    upstream_take_keys(g);
    int r = listen_on(g, &fd, err);
    if (!r)
        r = serve_on(g, fd, err);
    if (r) {
        if (fd >= 0 && !g->httpd.daemon)
            close(fd);
        gateway_destroy(g);
        return r;
    }
    *out = g;
    return 0;
}

void gateway_destroy(struct gateway *g)
{
    if (!g)
        return;
    ledger_write(g);
    while (g->runs)
        run_destroy(g->runs);
    loop_timer_clear(&g->round);
    loop_timer_clear(&g->ledger);
    httpd_stop(&g->httpd);
    httpc_destroy(g->httpc);
    if (g->dir_fd >= 0) {
        unlinkat(g->dir_fd, SOCKET, 0);
        close(g->dir_fd);
    }
    pool_destroy(g->pool);
    free(g);
}
