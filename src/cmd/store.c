/*
 * mantis store - back up, check and shrink the database of a server, also while it serves.
 *
 * The database belongs to a running `serve`: a backup is then made by it, asked for through its
 * control socket, and a check looks at such a backup, so that no request waits for it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "sched/control.h"
#include "store/upkeep.h"
#include "sys/input.h"
#include "sys/ipc.h"
#include "sys/loop.h"
#include "sys/settings.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define SILENCE_MS  120000 /* longest wait for a percent of a copy */

/* One command under way. */
struct upkeep {
    struct pool *pool;
    const char *data_dir_flag, *config;
    const char *data_dir, *path; /* of the database */
    bool json;
    struct progress_line line;
    struct err err;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signo)
{
    interrupted = signo;
}

/* A half copy is removed on the way out. */
static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = interrupt};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

static int fail(struct upkeep *u)
{
    progress_line_clear(&u->line);
    cmd_error("%s", u->err.msg);
    return interrupted ? 128 + interrupted : EXIT_FAILED;
}

static void print_json(struct upkeep *u, json_t *value)
{
    fputs(json_pretty(u->pool, json_keep(u->pool, value)), stdout);
}

static bool show_percent(void *arg, int percent)
{
    struct upkeep *u = arg;
    progress_line_show(&u->line, pool_printf(u->pool, "copying: %d %%", percent));
    return !interrupted;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

/* --- a copy made by a running serve -------------------------------------------------------------
 */

struct ask {
    struct upkeep *u;
    bool over, heard;
    int result;
};

static void on_message(void *arg, const char *type, const json_t *message)
{
    struct ask *a = arg;
    a->heard = true;
    if (strcmp(type, "progress") == 0) {
        show_percent(a->u, (int)json_int(message, "percent", 0));
        return;
    }
    a->over = true;
    if (strcmp(type, "done") != 0)
        a->result = err_set(&a->u->err, (int)json_int(message, "code", E_INTERNAL), "%s",
                            json_str(message, "message", "serve gave no reason"));
}

static void on_close(void *arg, int code)
{
    struct ask *a = arg;
    if (!a->over)
        a->result = err_set(&a->u->err, E_GONE, "serve ended before the copy was whole: try again");
    a->over = true;
}

static bool moved(void *arg)
{
    struct ask *a = arg;
    return a->over || a->heard || interrupted;
}

static int wait_for_answer(struct loop *loop, struct ask *a)
{
    while (!a->over) {
        a->heard = false;
        if (loop_wait(loop, moved, a, clock_mono_ms() + SILENCE_MS))
            return err_set(&a->u->err, E_TIMEOUT, "no word from serve in %d s", SILENCE_MS / 1000);
        if (interrupted)
            return err_set(&a->u->err, E_CANCELLED, "the copy was given up");
    }
    return a->result;
}

/* Takes over fd. */
static int copy_by_serve(struct upkeep *u, int fd, const char *to)
{
    struct loop *loop = NULL;
    struct ipc *ipc = NULL;
    struct ask ask = {.u = u};
    int r = loop_create(&loop, &u->err);
    r = r ? r : ipc_create(loop, fd, on_message, on_close, &ask, &ipc, &u->err);
    if (r) {
        close(fd);
    } else {
        json_t *request = json_keep(u->pool, json_pack("{s:s,s:s}", "type", "backup", "to", to));
        r = ipc_send(ipc, request)
                ? err_set(&u->err, E_TOOBIG, "the request for '%s' could not be sent", to)
                : wait_for_answer(loop, &ask);
    }
    ipc_destroy(ipc);
    loop_destroy(loop);
    return r;
}

/* fd of the serve that has the database; -1: none has it. */
static int find_serve(struct upkeep *u, int *ret_fd)
{
    *ret_fd = -1;
    int r = control_connect(u->data_dir, ret_fd, &u->err);
    return r == E_NOT_FOUND ? 0 : r;
}

/* --- commands ----------------------------------------------------------------------------------
 */

static int backup(struct upkeep *u, const char *given)
{
    const char *to = input_absolute(u->pool, given);
    int fd, r = find_serve(u, &fd);
    if (!r)
        r = fd >= 0 ? copy_by_serve(u, fd, to)
                    : store_backup(u->path, to, show_percent, u, &u->err);
    if (r)
        return fail(u);
    progress_line_clear(&u->line);
    if (u->json)
        print_json(u, json_pack("{s:s,s:s,s:I,s:b}", "store", u->path, "backup", to, "bytes",
                                (json_int_t)size_of(to), "by_serve", fd >= 0));
    else
        printf("%s: %lld bytes, copied from %s%s\n", to, (long long)size_of(to), u->path,
               fd >= 0 ? " while serve uses it" : "");
    return 0;
}

/* The findings of the file, or of a copy when it is in use. */
static int look(struct upkeep *u, const char *const **ret_findings, bool *ret_copied)
{
    char tail[17];
    int fd, r = find_serve(u, &fd);
    *ret_copied = fd >= 0;
    if (r || fd < 0)
        return r ? r : store_check(u->pool, u->path, ret_findings, &u->err);
    id_random_hex(8, tail);
    const char *copy = pool_printf(u->pool, "%s/check.%s.db", u->data_dir, tail);
    r = copy_by_serve(u, fd, copy);
    progress_line_clear(&u->line);
    r = r ? r : store_check(u->pool, copy, ret_findings, &u->err);
    unlink(copy);
    return r;
}

static int check(struct upkeep *u)
{
    const char *const *findings;
    bool copied;
    if (look(u, &findings, &copied))
        return fail(u);
    bool sound = !*findings;
    json_t *lines = json_keep(u->pool, json_array());
    for (const char *const *line = findings; *line; line++) {
        json_push(lines, json_string_safe(*line));
        if (!u->json)
            printf("%s\n", table_clean(u->pool, *line, 0));
    }
    if (u->json)
        print_json(u, json_pack("{s:s,s:b,s:b,s:O}", "store", u->path, "sound", sound, "copy",
                                copied, "findings", lines));
    else if (sound)
        printf("%s is sound%s\n", u->path, copied ? " (checked on a copy: serve uses it)" : "");
    if (sound)
        return 0;
    cmd_error("'%s' is damaged: stop serve, keep the file, and put a backup in its place", u->path);
    return EXIT_FAILED;
}

static int vacuum(struct upkeep *u)
{
    int64_t before, after;
    int fd, r = find_serve(u, &fd);
    if (!r && fd >= 0) {
        close(fd);
        r = err_set(
            &u->err, E_CONFLICT,
            "serve uses '%s', and shrinking it would hold every request up: stop serve first",
            u->path);
    }
    r = r ? r : store_vacuum(u->path, &before, &after, &u->err);
    if (r)
        return fail(u);
    if (u->json)
        print_json(u, json_pack("{s:s,s:I,s:I}", "store", u->path, "bytes_before",
                                (json_int_t)before, "bytes_after", (json_int_t)after));
    else
        printf("%s: %lld bytes, %lld before\n", u->path, (long long)after, (long long)before);
    return 0;
}

/* The beginning of each: options, up to one argument, where the database is. False: *code is it. */
static bool begin(struct upkeep *u, const char *usage, int argc, char **argv, const char **arg,
                  int *code)
{
    const struct option table[] = {
        {"--data-dir", NULL, OPTION_STRING, &u->data_dir_flag, "DIR",
         "where the server keeps everything [MANTIS_DATA_DIR]"},
        {"--config", NULL, OPTION_STRING, &u->config, "FILE", "settings of that server"},
        {"--json", NULL, OPTION_FLAG, &u->json, NULL, "print JSON"},
        {.name = NULL},
    };
    int n;
    if (!options_read(table, usage, argc, argv, arg, arg ? 1 : 0, &n, code))
        return false;
    if (arg && n < 1) {
        cmd_error("where to? give the file the backup goes to");
        fprintf(stderr, "usage: %s\n", usage);
        *code = EXIT_USAGE;
        return false;
    }
    u->pool = pool_create(NULL);
    progress_line_init(&u->line, stderr);
    if (u->json)
        u->line.width = 0;
    if (settings_data_dir(u->pool, u->config, u->data_dir_flag, &u->data_dir, &u->err)) {
        cmd_error("%s", u->err.msg);
        pool_destroy(u->pool);
        *code = EXIT_USAGE;
        return false;
    }
    u->path = pool_printf(u->pool, "%s/mantis.db", u->data_dir);
    catch_signals();
    return true;
}

static int cmd_backup(int argc, char **argv)
{
    struct upkeep u = {0};
    const char *to[1];
    int code = 0;
    if (!begin(&u, "mantis store backup FILE [options]", argc, argv, to, &code))
        return code;
    code = backup(&u, to[0]);
    pool_destroy(u.pool);
    return code;
}

static int cmd_check(int argc, char **argv)
{
    struct upkeep u = {0};
    int code = 0;
    if (!begin(&u, "mantis store check [options]", argc, argv, NULL, &code))
        return code;
    code = check(&u);
    pool_destroy(u.pool);
    return code;
}

static int cmd_vacuum(int argc, char **argv)
{
    struct upkeep u = {0};
    int code = 0;
    if (!begin(&u, "mantis store vacuum [options]", argc, argv, NULL, &code))
        return code;
    code = vacuum(&u);
    pool_destroy(u.pool);
    return code;
}

static const struct command commands[] = {
    {"backup", cmd_backup, "copy the database into a file, also while serve uses it"},
    {"check", cmd_check, "look whether the database is sound"},
    {"vacuum", cmd_vacuum, "give the database's free space back, with serve stopped"},
    {NULL, NULL, NULL},
};

int cmd_store(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis store", "The database of a Mantis server.", argc, argv);
}
