/*
 * ready.c - could a run be carried out now? Looked at once in a while, not on every request.
 */
#include "sched/private.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/file.h"
#include "sys/proc.h"

#define RECHECK_READY_MS     30000
#define RECHECK_NOT_READY_MS 2000

char *ready_find_browser(struct pool *pool, const char *setting)
{
    static const char *const names[] = {"chromium", "google-chrome-stable", "google-chrome"};
    if (setting && *setting)
        return proc_find_program(pool, setting);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *found = proc_find_program(pool, names[i]);
        if (found)
            return found;
    }
    return NULL;
}

char *ready_worker_program(struct pool *pool)
{
    char *dir = file_program_dir(pool);
    char *beside = pool_printf(pool, "%s/mantis-worker", dir);
    if (proc_is_program(beside))
        return beside;
    char *slash = strrchr(dir, '/');
    int prefix = slash ? (int)(slash - dir) : 0;
    char *libexec = pool_printf(pool, "%.*s/libexec/mantis/mantis-worker", prefix, dir);
    return proc_is_program(libexec) ? libexec : beside;
}

/* Chromium's sandbox needs user namespaces for the run's user, or its setuid helper. */
static bool can_unshare(uid_t uid)
{
    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid == 0) {
        if (uid && setresuid(uid, uid, uid))
            _exit(1);
        _exit(unshare(CLONE_NEWUSER) ? 1 : 0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_setuid_helper(struct pool *pool, const char *browser)
{
    char real[PATH_MAX];
    const char *fixed[] = {"/usr/lib/chromium/chrome-sandbox", "/opt/google/chrome/chrome-sandbox"};
    struct stat st;
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        if (stat(fixed[i], &st) == 0 && st.st_uid == 0 && (st.st_mode & S_ISUID))
            return true;
    if (!realpath(browser, real))
        return false;
    *strrchr(real, '/') = 0;
    return stat(pool_printf(pool, "%s/chrome-sandbox", real), &st) == 0 && st.st_uid == 0 &&
           (st.st_mode & S_ISUID);
}

/* The first directory above path (itself included) that others may not pass through, or NULL. */
static const char *closed_directory(struct pool *pool, const char *path)
{
    char *p = pool_strdup(pool, path);
    struct stat st;
    while (*p) {
        if (stat(p, &st) == 0 && !(st.st_mode & S_IXOTH))
            return p;
        char *slash = strrchr(p, '/');
        if (!slash || slash == p)
            break;
        *slash = 0;
    }
    return NULL;
}

static const char *why_not(struct sched *s, struct pool *pool)
{
    uid_t uid = s->as_root ? (uid_t)s->settings->run_uid_base : 0;
    if (!proc_is_program(s->worker_program))
        return "the program mantis-worker is missing beside mantis: install it again";
    if (!proc_find_program(pool, "Xvfb"))
        return "there is no Xvfb: install the package xvfb";
    const char *browser = ready_find_browser(pool, s->settings->browser);
    if (!browser)
        return *s->settings->browser
                   ? "the browser that MANTIS_BROWSER names does not exist"
                   : "there is no browser: install the package chromium, or set MANTIS_BROWSER";
    if (!s->settings->sandbox_off && !has_setuid_helper(pool, browser) && !can_unshare(uid))
        return "the browser cannot sandbox itself: install the package chromium-sandbox or allow "
               "user namespaces (sysctl kernel.unprivileged_userns_clone=1); "
               "MANTIS_CHROMIUM_SANDBOX=off runs without";
    const char *no_space = reserve_hold(s, pool);
    if (no_space)
        return no_space;
    if (s->as_root && closed_directory(pool, s->settings->data_dir))
        return "the user that runs are carried out under cannot pass through a directory above the "
               "data directory: chmod o+x it, or choose another data directory";
    return NULL;
}

bool sched_ready(struct sched *s, const char **ret_reason)
{
    int64_t now = clock_mono_ms();
    int64_t age = s->ready ? RECHECK_READY_MS : RECHECK_NOT_READY_MS;
    if (!s->checked_ms || now - s->checked_ms >= age) {
        struct pool *pool = pool_create(NULL);
        const char *reason = why_not(s, pool);
        s->ready = !reason;
        snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "");
        s->checked_ms = now ? now : 1;
        pool_destroy(pool);
    }
    const char *reason = s->ready ? s->hold : s->reason;
    if (ret_reason)
        *ret_reason = reason;
    return !reason;
}
