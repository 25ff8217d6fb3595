#include "plane/chromium.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAST_WORDS_BYTES 4096 /* of stderr, kept to explain a death */
#define LAST_BREATH_MS   500

struct chromium {
    struct loop *loop;
    struct proc proc;
    int status; /* wait status once reaped */
    int pipe_fd, stderr_fd;
    struct loop_fd *stderr_watch;
    struct buf words; /* the tail of stderr */
    char *profile_dir;
};

/* --- the program ---------------------------------------------------------------------------- */

static int find_program(struct pool *pool, const char *wanted, const char **out, struct err *err)
{
    static const char *const usual[] = {"chromium", "google-chrome-stable", "google-chrome"};
    if (wanted && *wanted) {
        *out = proc_find_program(pool, wanted);
        return *out ? 0 : err_set(err, E_NOT_FOUND, "browser '%s' (MANTIS_BROWSER) is not there", wanted);
    }
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
        if ((*out = proc_find_program(pool, usual[i])))
            return 0;
    return err_set(err, E_NOT_FOUND,
                   "no browser found: install the packages chromium and chromium-sandbox, or set "
                   "MANTIS_BROWSER");
}

/* --- the profile ---------------------------------------------------------------------------- */

/* Everything that would put a bubble or bar over the page. Written into the profile's Preferences,
 * other settings in there are kept. */
static const char quiet_preferences[] =
    "{\"credentials_enable_service\":false,"
    "\"profile\":{\"password_manager_enabled\":false,\"exit_type\":\"Normal\"},"
    "\"autofill\":{\"profile_enabled\":false,\"credit_card_enabled\":false},"
    "\"translate\":{\"enabled\":false},"
    "\"download\":{\"prompt_for_download\":false},"
    "\"download_bubble\":{\"partial_view_enabled\":false},"
    "\"printing\":{\"enabled\":false}," /* print() would show a preview over the page */
    "\"savefile\":{\"type\":0}}";

static void merge(json_t *into, const json_t *from)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)from, key, value) {
        json_t *old = json_object_get(into, key);
        if (json_is_object(old) && json_is_object(value))
            merge(old, value);
        else
            json_object_set(into, key, value);
    }
}

/* Links to other programs would ask "Open xdg-open?" in a box over the page. Allowed beforehand,
 * they start xdg-open, and that $BROWSER, which is `true`. */
static const char *const other_programs[] = {
    "tel",    "mailto",  "sms",      "callto", "facetime", "skype",   "geo",
    "webcal", "magnet",  "whatsapp", "tg",     "viber",    "zoommtg", "msteams",
    "slack",  "spotify", "steam",    "intent", "market",   "maps",
};

bool chromium_opens_elsewhere(const char *url)
{
    size_t len = strcspn(url, ":");
    for (size_t i = 0; i < ARRAY_SIZE(other_programs); i++)
        if (strlen(other_programs[i]) == len && strncasecmp(url, other_programs[i], len) == 0)
            return true;
    return false;
}

static void allow_other_programs(json_t *prefs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(other_programs); i++)
        json_push(list,
                  json_pack("{s:s,s:[s]}", "protocol", other_programs[i], "allowed_origins", "*"));
    json_t *ours = json_pack("{s:{s:{s:o}}}", "protocol_handler", "policy",
                             "auto_launch_protocols_from_origins", list);
    merge(prefs, ours);
    json_decref(ours);
}

static int write_preferences(struct pool *pool, const struct chromium_config *config,
                             struct err *err)
{
    struct err ignored = {0};
    json_t *prefs = NULL, *quiet = NULL;
    const char *dir = pool_printf(pool, "%s/Default", config->profile_dir);
    const char *path = pool_printf(pool, "%s/Preferences", dir);
    int r = file_mkdirs(dir, 0700, err);
    if (r)
        return r;
    /* An unreadable file is one Chromium would throw away too. */
    if (json_parse_file(path, &prefs, &ignored) || !json_is_object(prefs)) {
        json_decref(prefs);
        prefs = json_object();
    }
    if (json_parse(quiet_preferences, strlen(quiet_preferences), "preferences", &quiet, err))
        BUG("our own preferences do not parse");
    merge(prefs, quiet);
    allow_other_programs(prefs);
    if (config->download_dir)
        json_put_str(json_object_get(prefs, "download"), "default_directory", config->download_dir);
    const char *text = json_text(pool, prefs);
    r = file_write_atomic(path, text, strlen(text), 0600, err);
    json_decref(prefs);
    json_decref(quiet);
    return r;
}

#define SOCKET_DIR "/tmp/org.chromium.Chromium." /* six letters, then /SingletonSocket */

/* The lock's socket lives in a directory of its own in /tmp; a killed browser leaves it there. */
static void remove_socket_dir(struct pool *pool, const char *profile_dir)
{
    char target[sizeof(SOCKET_DIR) + 64];
    ssize_t n =
        readlink(pool_printf(pool, "%s/SingletonSocket", profile_dir), target, sizeof(target) - 1);
    if (n <= 0)
        return;
    target[n] = 0;
    char *slash = strrchr(target, '/');
    if (!str_starts(target, SOCKET_DIR) || slash < target + strlen(SOCKET_DIR))
        return;
    *slash = 0;
    if (strchr(target + strlen(SOCKET_DIR), '/'))
        return;
    unlink(pool_printf(pool, "%s/SingletonSocket", target));
    unlink(pool_printf(pool, "%s/SingletonCookie", target));
    rmdir(target);
}

/* We hold the lease of the profile, so these locks are left over from a browser that was killed. In
 * a fresh PID namespace their pid may be alive again, and Chromium would ask what to do. */
static int remove_stale_locks(struct pool *pool, const char *profile_dir, struct err *err)
{
    static const char *const names[] = {"SingletonLock", "SingletonSocket", "SingletonCookie"};
    remove_socket_dir(pool, profile_dir);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int r = file_remove_tree(pool_printf(pool, "%s/%s", profile_dir, names[i]), err);
        if (r)
            return r;
    }
    return 0;
}

/* Chromium notes there what stands in forms, codes that were typed too, to restore tabs that we
 * never restore. Where a file stands in the directory's place it notes nothing. */
static int refuse_sessions(struct pool *pool, const char *profile_dir, struct err *err)
{
    const char *path = pool_printf(pool, "%s/Default/Sessions", profile_dir);
    int r = file_remove_tree(path, err);
    return r ? r : file_write_atomic(path, "", 0, 0400, err);
}

static int prepare_dirs(struct pool *pool, const struct chromium_config *config, uid_t uid,
                        struct err *err)
{
    int r = file_mkdirs(config->profile_dir, 0700, err);
    if (!r)
        r = remove_stale_locks(pool, config->profile_dir, err);
    if (!r)
        r = write_preferences(pool, config, err);
    if (!r)
        r = refuse_sessions(pool, config->profile_dir, err);
    if (!r && config->download_dir)
        r = file_mkdirs(config->download_dir, 0700, err);
    if (!r && uid)
        r = file_chown_tree(config->profile_dir, uid, err);
    if (!r && uid && config->download_dir)
        r = file_chown_tree(config->download_dir, uid, err);
    return r;
}

/* --- the command line ------------------------------------------------------------------------ */

/* BackForwardCache and Prerender2 would bring a page back whose frames and requests were never
 * announced on the pipe. */
#define DISABLED_FEATURES                                                                          \
    "Translate,MediaRouter,BackForwardCache,Prerender2,OptimizationHints,"                         \
    "AutofillServerCommunication,"                                                                 \
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup" /* a renderer each, warmed at every start */

static const char *const always[] = {
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-default-browser-check",
    "--password-store=basic",
    "--disable-smooth-scrolling", /* a wheel notch is one jump, not an animation to wait for */
    "--hide-crash-restore-bubble",
    "--disable-session-crashed-bubble",
    "--deny-permission-prompts",
    "--disable-breakpad",
    "--disable-search-engine-choice-screen",
    "--disable-notifications",
    "--disable-hang-monitor", /* "Page unresponsive" */
    "--window-position=0,0",
    "--disable-features=" DISABLED_FEATURES,
};

/* With the pipe navigator.webdriver would be true; the switch against that brings a warning bar,
 * which --test-type takes away again (design.md section 8). */
static const char *const with_pipe[] = {
    "--remote-debugging-pipe",
    "--disable-blink-features=AutomationControlled",
    "--test-type",
};

#define MAX_ARGS 40

static void build_argv(struct pool *pool, const struct chromium_config *config, const char *program,
                       const char *argv[MAX_ARGS])
{
    int n = 0;
    argv[n++] = program;
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        argv[n++] = always[i];
    argv[n++] = pool_printf(pool, "--user-data-dir=%s", config->profile_dir);
    argv[n++] = pool_printf(pool, "--window-size=%d,%d", config->width, config->height);
    argv[n++] = pool_printf(pool, "--lang=%s", config->lang ? config->lang : "en-US");
    for (size_t i = 0; config->with_pipe && i < ARRAY_SIZE(with_pipe); i++)
        argv[n++] = with_pipe[i];
    if (config->sandbox_off)
        argv[n++] = "--no-sandbox";
    argv[n++] = "about:blank";
    argv[n] = NULL;
    static_assert(ARRAY_SIZE(always) + ARRAY_SIZE(with_pipe) + 7 < MAX_ARGS, "argv too short");
}

static void build_env(struct pool *pool, const struct chromium_config *config, const char *env[10])
{
    const char *path = getenv("PATH");
    char *lang = pool_strdup(pool, config->lang ? config->lang : "en-US");
    for (char *p = lang; *p; p++)
        if (*p == '-')
            *p = '_';
    env[0] = pool_printf(pool, "PATH=%s", path ? path : "/usr/bin:/bin");
    env[1] = pool_printf(pool, "DISPLAY=%s", config->display);
    env[2] = pool_printf(pool, "HOME=%s", config->profile_dir);
    env[3] = pool_printf(pool, "LANG=%s.UTF-8", lang);
    env[4] = pool_printf(pool, "TZ=%s", config->timezone ? config->timezone : "UTC");
    env[5] = pool_printf(pool, "XDG_CONFIG_HOME=%s/xdg", config->profile_dir);
    env[6] = pool_printf(pool, "XDG_CACHE_HOME=%s/xdg", config->profile_dir);
    env[7] = "NO_AT_BRIDGE=1";
    env[8] = "BROWSER=true"; /* what xdg-open starts */
    env[9] = NULL;
}

/* --- its last words -------------------------------------------------------------------------- */

static void keep_words(struct chromium *c)
{
    char chunk[2048];
    ssize_t n;
    while ((n = read(c->stderr_fd, chunk, sizeof(chunk))) > 0) {
        if (c->words.len + (size_t)n > LAST_WORDS_BYTES)
            buf_consume(&c->words, c->words.len + (size_t)n - LAST_WORDS_BYTES);
        if (buf_add(&c->words, chunk, (size_t)n))
            return;
    }
    if (n == 0) {
        loop_fd_remove(c->stderr_watch);
        c->stderr_watch = NULL;
    }
}

static void on_stderr(void *arg, uint32_t events)
{
    keep_words(arg);
}

static const char *last_line(struct pool *pool, const struct buf *words)
{
    const char *text = words->data ? words->data : "";
    size_t len = words->len;
    while (len && text[len - 1] == '\n')
        len--;
    size_t start = len;
    while (start && text[start - 1] != '\n')
        start--;
    return pool_strndup(pool, text + start, len - start > 200 ? 200 : len - start);
}

bool chromium_has_ended(void *arg)
{
    struct chromium *c = arg;
    return !chromium_alive(c);
}

int chromium_explain_end(struct chromium *c, struct err *err)
{
    keep_words(c);
    const char *words = c->words.data ? c->words.data : "";
    if (strstr(words, "No usable sandbox") ||
        strstr(words, "SUID sandbox helper binary was found, but"))
        return err_set(err, E_UNAVAILABLE,
                       "Chromium found no usable sandbox: install the package chromium-sandbox, or "
                       "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
                       "user.max_user_namespaces above 0), or let the container do so; "
                       "MANTIS_CHROMIUM_SANDBOX=off runs it without");
    struct pollfd ended = {.fd = c->proc.pidfd, .events = POLLIN};
    if (c->proc.pid)
        poll(&ended, 1, LAST_BREATH_MS); /* descriptors close before the process is a zombie */
    proc_reap(&c->proc, &c->status);
    if (c->proc.pid)
        return err_set(err, E_GONE, "Chromium has closed its DevTools pipe");
    struct pool *pool = pool_create(NULL);
    int r = err_set(err, E_GONE, "Chromium has ended: %s: %s",
                    proc_describe_status(pool, c->status), last_line(pool, &c->words));
    pool_destroy(pool);
    return r;
}

/* --- start and end --------------------------------------------------------------------------- */

static int spawn(struct pool *pool, struct chromium *c, const struct chromium_config *config,
                 const char *program, uid_t uid, struct err *err)
{
    int pipe_pair[2] = {-1, -1}, words[2] = {-1, -1};
    int r = 0;
    const char *argv[MAX_ARGS], *env[10];
    build_argv(pool, config, program, argv);
    build_env(pool, config, env);
    /* One socket serves as both DevTools descriptors: unlike a pipe it can be written to without
     * SIGPIPE once the browser is dead. */
    if (pipe2(words, O_CLOEXEC) ||
        (config->with_pipe && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipe_pair))) {
        r = err_sys(err, E_IO, "cannot start '%s'", program);
        goto out;
    }
    struct proc_fd fds[] = {{words[1], 2}, {pipe_pair[1], 3}, {pipe_pair[1], 4}};
    struct proc_spec spec = {.argv = argv,
                             .env = env,
                             .fds = fds,
                             .n_fds = config->with_pipe ? 3 : 1,
                             .uid = uid,
                             .flags = PROC_DIE_WITH_PARENT};
    r = proc_spawn(&spec, &c->proc, err);
    if (r)
        goto out;
    c->stderr_fd = words[0];
    c->pipe_fd = pipe_pair[0];
    words[0] = pipe_pair[0] = -1;
    fcntl(c->stderr_fd, F_SETFL, O_NONBLOCK);
    r = loop_fd_add(c->loop, c->stderr_fd, EPOLLIN, on_stderr, c, &c->stderr_watch, err);
    if (!r && c->pipe_fd >= 0)
        fcntl(c->pipe_fd, F_SETFL, O_NONBLOCK);
out:
    for (int i = 0; i < 2; i++) {
        if (words[i] >= 0)
            close(words[i]);
        if (pipe_pair[i] >= 0)
            close(pipe_pair[i]);
    }
    return r;
}

struct chromium_config chromium_config_of(const struct plane_config *plane, const char *display)
{
    return (struct chromium_config){
        .display = display,
        .width = plane->width,
        .height = plane->height,
        .profile_dir = plane->profile_dir,
        .download_dir = plane->download_dir,
        .browser = plane->browser,
        .sandbox_off = plane->sandbox_off,
        .lang = plane->lang,
        .timezone = plane->timezone,
    };
}

int chromium_start(struct loop *loop, const struct chromium_config *config, struct chromium **out,
                   struct err *err)
{
    const char *program = NULL;
    struct pool *pool = pool_create(NULL);
    int r = find_program(pool, config->browser, &program, err);
    if (r) {
        pool_destroy(pool);
        return r;
    }
    struct chromium *c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    *c = (struct chromium){.loop = loop, .proc = PROC_NONE, .pipe_fd = -1, .stderr_fd = -1};
    buf_init(&c->words, LAST_WORDS_BYTES);
    c->profile_dir = strdup(config->profile_dir);
    if (!c->profile_dir)
        BUG("out of memory");
    uid_t uid = config->uid ? config->uid : geteuid() == 0 ? CHROMIUM_FALLBACK_UID : 0;
    r = prepare_dirs(pool, config, uid, err);
    if (!r)
        r = spawn(pool, c, config, program, uid, err);
    pool_destroy(pool);
    if (r) {
        chromium_stop(c, PLANE_END_NOW);
        return r;
    }
    *out = c;
    return 0;
}

void chromium_stop(struct chromium *c, enum plane_end how)
{
    static const int grace_ms[] = {
        [PLANE_END_NOW] = 0, [PLANE_END_CLEAN] = 3000, [PLANE_END_SOON] = 1200};
    if (!c)
        return;
    loop_fd_remove(c->stderr_watch);
    proc_end(&c->proc, grace_ms[how]);
    if (c->pipe_fd >= 0)
        close(c->pipe_fd);
    if (c->stderr_fd >= 0)
        close(c->stderr_fd);
    buf_release(&c->words);
    struct pool *pool = pool_create(NULL);
    /* what cannot be removed, the next start of this profile tries again and tells of */
    remove_stale_locks(pool, c->profile_dir, NULL);
    pool_destroy(pool);
    free(c->profile_dir);
    free(c);
}

bool chromium_alive(const struct chromium *c)
{
    return proc_alive(&c->proc);
}

int chromium_pid(const struct chromium *c)
{
    return (int)c->proc.pid;
}

int chromium_pipe(const struct chromium *c)
{
    return c->pipe_fd;
}
