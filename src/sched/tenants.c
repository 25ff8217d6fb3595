/*
 * tenants.c - the keys file and its reloads.
 *
 * The file is looked at (one stat) when a call comes and the last look is a second old, and now and
 * then without calls. That follows links, so it also sees the swap of links by which platforms
 * mount secrets, and it works where change notices do not come: network file systems, bind mounts.
 * It is read only when its identity, size or times changed; a file younger than the clock's ticks
 * may change again without showing it, so it is read until it is old enough, and parsed only when
 * its bytes differ.
 */
#include "sched/tenants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "sys/file.h"
#include "sys/secrets.h"

#define LOGGER       "mantis.tenants"
#define IDLE_LOOK_MS 2000 /* a change shows within 5 s also when nobody calls */
#define SETTLED_US   2000000 /* a file that old cannot change without showing it */
#define ENV_FILE     "tenant_keys.json"

enum mode { MODE_UNCONFIGURED, MODE_SINGLE, MODE_MANY };

/* By what a file is known. All zero: it is not there. */
struct stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    int64_t modified_us, changed_us;
};

/* What was loaded at once; retired ones live until the loop's next turn. */
struct keys {
    struct keys *next_retired;
    struct pool *pool;
    struct tenant_set *set;
};

struct tenants {
    struct loop *loop;
    const struct settings *settings;
    struct pool *pool;
    enum mode mode;
    const char *path;
    struct keys *keys; /* NULL: nobody may call */
    uint64_t generation;
    int64_t next_change_us; /* of keys, by the wall clock */
    struct keys *retired;
    uint64_t retired_turn; /* loop_turns() of the last of them */
    struct loop_timer retire_timer, idle_timer;

    struct stamp stamp; /* of the file as last read */
    bool stamp_settled;
    unsigned char content[ID_SHA256_BYTES]; /* of the last good file */
    int64_t looked_at_ms;

    bool failing; /* the file cannot be used */
    int64_t failing_since_ms, load_errors;
};

struct text {
    size_t size;
    char data[];
};

/* --- the file --------------------------------------------------------------------------------- */

static int64_t micros(struct timespec ts)
{
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct stamp stamp_of(const struct stat *st)
{
    return (struct stamp){st->st_dev, st->st_ino, st->st_size, micros(st->st_mtim),
                          micros(st->st_ctim)};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->modified_us == b->modified_us && a->changed_us == b->changed_us;
}

static void wipe_text(void *arg)
{
    struct text *text = arg;
    explicit_bzero(text->data, text->size);
}

static int read_exactly(int fd, struct text *text, const char *path, struct err *err)
{
    size_t got = 0;
    while (got < text->size) {
        ssize_t n = read(fd, text->data + got, text->size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, E_IO, "cannot read '%s'", path);
        if (n == 0)
            return err_set(err, E_IO, "'%s' is being written", path);
        got += (size_t)n;
    }
    return 0;
}

static int read_open_file(struct pool *pool, int fd, const char *path, struct text **out,
                          struct stamp *ret_stamp, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_sys(err, E_IO, "cannot read '%s'", path);
    *ret_stamp = stamp_of(&st);
    if (!S_ISREG(st.st_mode))
        return err_set(err, E_IO, "'%s' is not a file", path);
    if (st.st_size > CAP_TENANT_KEYS_BYTES)
        return err_set(err, E_TOOBIG, "'%s' is larger than %u bytes", path, CAP_TENANT_KEYS_BYTES);
    struct text *text = pool_alloc(pool, sizeof(*text) + (size_t)st.st_size + 1);
    text->size = (size_t)st.st_size;
    pool_defer(pool, wipe_text, text);
    *out = text;
    return read_exactly(fd, text, path, err);
}

/* *ret_stamp is zero when there is no such file. A pipe in its place must not stop the server. */
static int read_text(struct pool *pool, const char *path, struct text **out,
                     struct stamp *ret_stamp, struct err *err)
{
    *ret_stamp = (struct stamp){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        struct stat st;
        if (stat(path, &st) == 0)
            *ret_stamp = stamp_of(&st);
        return err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot open '%s'", path);
    }
    int r = read_open_file(pool, fd, path, out, ret_stamp, err);
    close(fd);
    return r;
}

/* The tokens of a document that is not needed any more. Nothing looks a key up afterwards. */
static void forget_document(void *arg)
{
    json_t *document = arg;
    const char *token;
    json_t *entry;
    json_object_foreach (json_object_get(document, "tenant_keys"), token, entry)
        explicit_bzero((char *)(uintptr_t)token, strlen(token));
    json_decref(document);
}

static int parse_text(struct pool *pool, const char *text, size_t len, const char *path,
                      struct tenant_set **out, const char *const **ret_warnings, struct err *err)
{
    json_t *document;
    int r = json_parse(text, len, path, &document, err);
    if (r)
        return r;
    r = tenant_set_parse(pool, document, out, ret_warnings, err);
    forget_document(document);
    return r ? err_prefix(err, "'%s'", path) : 0;
}

int tenants_try(struct pool *pool, const struct settings *settings, struct tenant_set **out,
                const char *const **ret_warnings, struct err *err)
{
    const char *json = settings->tenant_keys_json;
    if (*json)
        return parse_text(pool, json, strlen(json), "MANTIS_TENANT_KEYS_JSON", out, ret_warnings,
                          err);
    struct pool *scratch = pool_create(NULL);
    struct text *text;
    struct stamp stamp;
    int r = read_text(scratch, settings->tenant_keys_path, &text, &stamp, err);
    if (!r)
        r = parse_text(pool, text->data, text->size, settings->tenant_keys_path, out, ret_warnings,
                       err);
    pool_destroy(scratch);
    return r;
}

/* --- which set is in force -------------------------------------------------------------------- */

static void free_retired(struct tenants *t)
{
    while (t->retired) {
        struct keys *keys = t->retired;
        t->retired = keys->next_retired;
        pool_destroy(keys->pool);
    }
}

/* Callers of this turn may hold tenants of the old set, and a turn ends with its timers. */
static void free_later(void *arg)
{
    struct tenants *t = arg;
    if (loop_turns(t->loop) == t->retired_turn)
        loop_timer_set(t->loop, &t->retire_timer, 1, free_later, t);
    else
        free_retired(t);
}

static void put_in_force(struct tenants *t, struct keys *keys)
{
    if (t->keys) {
        t->keys->next_retired = t->retired;
        t->retired = t->keys;
        t->retired_turn = loop_turns(t->loop);
        loop_timer_set(t->loop, &t->retire_timer, 1, free_later, t);
    }
    t->keys = keys;
    t->generation++;
    t->next_change_us = keys ? tenant_set_next_change(keys->set, clock_wall_us()) : INT64_MAX;
}

static struct keys *keys_create(void)
{
    struct pool *pool = pool_create(NULL);
    struct keys *keys = pool_alloc(pool, sizeof(*keys));
    keys->pool = pool;
    return keys;
}

/* again: this file failed before, which was said and counted. */
static void load_failed(struct tenants *t, bool again, const struct err *why)
{
    if (!t->failing)
        t->failing_since_ms = clock_mono_ms();
    t->failing = true;
    if (again)
        return;
    t->load_errors++;
    if (t->keys)
        log_error(LOGGER, NULL,
                  "tenant keys: %s; the tokens read before stay in force for %d minutes at most",
                  why->msg, TENANTS_GRACE_MS / 60000);
    else
        log_error(LOGGER, NULL, "tenant keys: %s; no token is in force, every call gets 401",
                  why->msg);
}

static void load_text(struct tenants *t, const struct text *text, bool again)
{
    struct err err = {0};
    const char *const *warnings;
    unsigned char content[ID_SHA256_BYTES];
    id_sha256(text->data, text->size, content);
    bool same = t->keys && memcmp(content, t->content, sizeof(content)) == 0;
    struct keys *keys = same ? t->keys : keys_create();
    if (!same &&
        parse_text(keys->pool, text->data, text->size, t->path, &keys->set, &warnings, &err)) {
        pool_destroy(keys->pool);
        load_failed(t, again, &err);
        return;
    }
    if (!same || t->failing)
        log_info(LOGGER, NULL, "tenant keys: %zu tokens in force", tenant_set_size(keys->set));
    t->failing = false;
    if (same)
        return;
    for (; *warnings; warnings++)
        log_warning(LOGGER, NULL, "tenant keys: %s", *warnings);
    memcpy(t->content, content, sizeof(content));
    put_in_force(t, keys);
}

static void load(struct tenants *t)
{
    struct pool *scratch = pool_create(NULL);
    struct err err = {0};
    struct text *text;
    struct stamp before = t->stamp;
    bool failed_before = t->failing;
    int r = read_text(scratch, t->path, &text, &t->stamp, &err);
    bool again = failed_before && same_stamp(&before, &t->stamp);
    if (r)
        load_failed(t, again, &err);
    else
        load_text(t, text, again);
    t->stamp_settled = r == 0 && llabs(clock_wall_us() - t->stamp.changed_us) > SETTLED_US;
    pool_destroy(scratch);
}

static void look(struct tenants *t)
{
    struct stat st;
    struct stamp now = {0};
    t->looked_at_ms = clock_mono_ms();
    if (stat(t->path, &st) == 0)
        now = stamp_of(&st);
    if (!t->stamp_settled || !same_stamp(&now, &t->stamp))
        load(t);
    if (t->failing && t->keys && clock_mono_ms() - t->failing_since_ms >= TENANTS_GRACE_MS) {
        log_error(LOGGER, NULL,
                  "tenant keys: there was no usable file for %d minutes; no token is in force",
                  TENANTS_GRACE_MS / 60000);
        put_in_force(t, NULL);
    }
}

static void look_idle(void *arg)
{
    struct tenants *t = arg;
    look(t);
    loop_timer_set(t->loop, &t->idle_timer, IDLE_LOOK_MS, look_idle, t);
}

static void refresh(struct tenants *t)
{
    if (t->mode == MODE_MANY && clock_mono_ms() - t->looked_at_ms >= TENANTS_LOOK_MS)
        look(t);
}

/* --- public ----------------------------------------------------------------------------------- */

static int start_many(struct tenants *t, struct err *err)
{
    const struct settings *s = t->settings;
    int r = 0;
    t->mode = MODE_MANY;
    t->path = s->tenant_keys_path;
    if (*s->tenant_keys_json) {
        t->path = pool_printf(t->pool, "%s/" ENV_FILE, s->data_dir);
        r = file_write_atomic(t->path, s->tenant_keys_json, strlen(s->tenant_keys_json), 0600, err);
    }
    if (!r)
        look_idle(t);
    return r;
}

static int start(struct tenants *t, struct err *err)
{
    const struct settings *s = t->settings;
    if (*s->tenant_keys_path || *s->tenant_keys_json)
        return start_many(t, err);
    if (*s->api_token) {
        t->mode = MODE_SINGLE;
        t->keys = keys_create();
        t->keys->set = tenant_set_single(t->keys->pool, s->api_token);
    }
    return 0;
}

int tenants_create(struct loop *loop, const struct settings *settings, struct tenants **out,
                   struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct tenants *t = pool_alloc(pool, sizeof(*t));
    t->pool = pool;
    t->loop = loop;
    t->settings = settings;
    int r = start(t, err);
    if (r)
        tenants_destroy(t);
    else
        *out = t;
    return r;
}

void tenants_destroy(struct tenants *t)
{
    if (!t)
        return;
    loop_timer_clear(&t->retire_timer);
    loop_timer_clear(&t->idle_timer);
    free_retired(t);
    if (t->keys)
        pool_destroy(t->keys->pool);
    pool_destroy(t->pool);
}

int tenants_check(struct tenants *t, const char *presented, const struct tenant **out,
                  struct err *err)
{
    if (t->mode == MODE_UNCONFIGURED)
        return err_set(err, E_UNAVAILABLE,
                       "no token is configured on this server: set MANTIS_TENANT_KEYS_PATH or "
                       "MANTIS_API_TOKEN and restart it");
    if (!presented || !*presented)
        return err_set(err, E_UNAUTHORIZED, "the X-Mantis-Token header is missing");
    refresh(t);
    *out = t->keys ? tenant_set_find(t->keys->set, presented, clock_wall_us()) : NULL;
    return *out ? 0
                : err_set(err, E_UNAUTHORIZED,
                          "the X-Mantis-Token header is invalid: it matches no tenant");
}

uint64_t tenants_generation(struct tenants *t)
{
    refresh(t);
    int64_t now_us = clock_wall_us();
    if (t->mode == MODE_MANY && t->keys && now_us >= t->next_change_us) {
        t->generation++;
        t->next_change_us = tenant_set_next_change(t->keys->set, now_us);
    }
    return t->generation;
}

const struct tenant *tenants_recheck(struct tenants *t, const unsigned char *sha256)
{
    refresh(t);
    return t->keys ? tenant_set_find_hash(t->keys->set, sha256, clock_wall_us()) : NULL;
}

bool tenants_any(struct tenants *t, const char *tenant_id,
                 bool (*fn)(void *arg, const unsigned char *sha256), void *arg)
{
    refresh(t);
    return t->keys && tenant_set_any(t->keys->set, tenant_id, clock_wall_us(), fn, arg);
}

const struct tenant *tenants_by_id(struct tenants *t, const char *tenant_id)
{
    refresh(t);
    return t->keys ? tenant_set_by_id(t->keys->set, tenant_id) : NULL;
}

const char *tenants_secret(const struct tenants *t, struct pool *pool, const char *name)
{
    return secret_read(pool, t->settings->secrets_dir, name);
}

int64_t tenants_load_errors(const struct tenants *t)
{
    return t->load_errors;
}
