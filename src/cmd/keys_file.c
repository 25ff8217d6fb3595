/*
 * keys_file.c - reading, locking and replacing the tenant keys file.
 *
 * The lock is on the directory: the file itself is replaced, and a lock file of its own would stay
 * behind among the secrets.
 */
#include "cmd/keys_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "sys/file.h"

#define LOCK_SECONDS  10
#define HASH_PREFIX   "sha256:"
#define HASH_SHOWN    12 /* hex digits */
#define TOKEN_SHOWN   4  /* characters (cli.md section 11.2) */
#define TOKEN_MINIMUM 16 /* of a shorter token nothing is shown */

static void on_alarm(int signo)
{
}

/* The alarm ends a wait for an editor that hangs. */
static int lock_directory(struct keys_file *file, struct err *err)
{
    char *dir = pool_strdup(file->pool, file->path);
    *strrchr(dir, '/') = 0;
    file->lock_fd = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->lock_fd < 0)
        return err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot open the directory '%s'",
                       dir);
    struct sigaction old, ours = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &ours, &old);
    alarm(LOCK_SECONDS);
    int r = (int)syscall(SYS_flock, file->lock_fd, LOCK_EX); /* <sys/file.h> would be ours */
    int why = errno;
    alarm(0);
    sigaction(SIGALRM, &old, NULL);
    errno = why;
    if (r && why == EINTR)
        return err_set(err, E_TIMEOUT, "somebody else is editing '%s'; nothing was changed",
                       file->path);
    return r ? err_sys(err, E_IO, "cannot lock the directory '%s'", dir) : 0;
}

static int parse(struct keys_file *file, struct err *err)
{
    return tenant_set_parse(file->pool, file->document, &file->set, &file->warnings, err);
}

static int read_document(struct keys_file *file, struct err *err)
{
    char *text;
    size_t len;
    int r = file_read(file->pool, file->path, CAP_TENANT_KEYS_BYTES, &text, &len, err);
    if (!r)
        r = json_parse(text, len, file->path, &file->document, err);
    if (r)
        return r;
    json_keep(file->pool, file->document);
    return parse(file, err) ? err_prefix(err, "'%s'", file->path) : 0;
}

static int new_document(struct keys_file *file, struct err *err)
{
    file->document = json_keep(file->pool, json_object());
    json_put_int(file->document, "schema_version", 1);
    json_put(file->document, "tenant_keys", json_object());
    return parse(file, err);
}

int keys_file_open(struct pool *pool, const char *path, bool to_edit, struct keys_file *out,
                   struct err *err)
{
    char *real = realpath(path, NULL);
    int r = 0;
    *out = (struct keys_file){.pool = pool, .lock_fd = -1};
    out->path = pool_strdup(pool, real ? real : path);
    free(real);
    if (to_edit)
        r = lock_directory(out, err);
    out->exists = access(out->path, F_OK) == 0;
    if (!r)
        r = out->exists || !to_edit ? read_document(out, err) : new_document(out, err);
    if (r)
        keys_file_close(out);
    else
        out->tokens = json_object_get(out->document, "tenant_keys");
    return r;
}

void keys_file_close(struct keys_file *file)
{
    if (file->lock_fd >= 0)
        close(file->lock_fd);
    file->lock_fd = -1;
}

/* The reason is the last thing that was said about the document: new entries stand at its end. */
static int check_token(const struct keys_file *file, const char *token, struct err *err)
{
    if (!token || tenant_set_find(file->set, token, clock_wall_us()))
        return 0;
    const char *why = "it is not valid yet, disabled or expired";
    for (const char *const *w = file->warnings; *w; w++)
        why = *w;
    return err_set(err, E_INVALID, "the new token would not work: %s", why);
}

/* The server may read it as another user than the one who edits it. */
static void keep_owner(const struct keys_file *file, const struct stat *before)
{
    if ((before->st_uid != geteuid() || before->st_gid != getegid()) &&
        lchown(file->path, before->st_uid, before->st_gid))
        cmd_warning("'%s' belongs to user %d now; the server may be unable to read it", file->path,
                    (int)geteuid());
}

int keys_file_save(struct keys_file *file, const char *token, struct err *err)
{
    struct stat before;
    int r = parse(file, err);
    if (!r)
        r = check_token(file, token, err);
    if (r)
        return r;
    bool existed = stat(file->path, &before) == 0;
    const char *text = json_pretty(file->pool, file->document);
    if (strlen(text) > CAP_TENANT_KEYS_BYTES)
        return err_set(err, E_TOOBIG, "the keys file would have more than %u bytes",
                       CAP_TENANT_KEYS_BYTES);
    r = file_write_atomic(file->path, text, strlen(text), 0600, err);
    if (!r && existed)
        keep_owner(file, &before);
    return r;
}

const char *keys_file_hash(struct pool *pool, const char *key)
{
    if (str_starts(key, HASH_PREFIX))
        return str_lower(pool, key + strlen(HASH_PREFIX));
    char *hex = pool_alloc(pool, ID_SHA256_HEX_BYTES);
    id_sha256_hex(key, strlen(key), hex);
    return hex;
}

const char *keys_file_shown(struct pool *pool, const char *key)
{
    size_t len = strlen(key);
    if (str_starts(key, HASH_PREFIX))
        return str_cut(pool, key, strlen(HASH_PREFIX) + HASH_SHOWN);
    return pool_printf(pool, "%s... (%zu)",
                       len < TOKEN_MINIMUM ? "" : str_cut(pool, key, TOKEN_SHOWN), len);
}
