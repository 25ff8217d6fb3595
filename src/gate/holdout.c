#include "gate/holdout.h"

#include <string.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "gate/task_file.h"
#include "gate/tree.h"
#include "sys/file.h"

#define MANIFEST "manifest.json"
#define FROZEN   "frozen.json"

static char *path_in(struct pool *pool, const char *dir, const char *name)
{
    return pool_printf(pool, "%s/%s", dir, name);
}

static const json_t *tasks_of(const json_t *manifest)
{
    return json_object_get(manifest, "tasks");
}

/* --- hashes ----------------------------------------------------------------------------------- */

static int hash_file(struct pool *pool, const char *dir, const char *name, json_t *hashes,
                     struct err *err)
{
    char *data, hex[ID_SHA256_HEX_BYTES];
    size_t len;
    int r = file_read(pool, path_in(pool, dir, name), CAP_GATE_FILE_BYTES, &data, &len, err);
    if (r)
        return r;
    id_sha256_hex(data, len, hex);
    json_put_str(hashes, name, hex);
    return 0;
}

/* {"manifest.json": hash, "plans/...": hash}; a task without a plan is refused here. */
static int hash_all(struct pool *pool, const struct holdout *h, json_t **out, struct err *err)
{
    json_t *hashes = json_keep(pool, json_object()), *task;
    size_t i;
    int r = hash_file(pool, h->dir, MANIFEST, hashes, err);
    json_array_foreach ((json_t *)tasks_of(h->manifest), i, task) {
        const char *id = json_str(task, "task_id", ""), *plan = json_str(task, "plan", "");
        if (!r && !tree_is_below(plan)) /* so that copying the directory copies all of it */
            r = err_set(err, E_INVALID, "%s: task '%.100s' has no plan beside the manifest", h->dir,
                        id);
        if (!r && hash_file(pool, h->dir, plan, hashes, err))
            r = err_prefix(err, "the plan of task '%.100s'", id);
    }
    *out = hashes;
    return r;
}

static const char *digest_of(struct pool *pool, const json_t *hashes)
{
    char hex[ID_SHA256_HEX_BYTES];
    const char *text = json_canonical(pool, hashes);
    id_sha256_hex(text, strlen(text), hex);
    return pool_strdup(pool, hex);
}

/* The first file whose hash is another one, or that only one side has; NULL: none. */
static const char *first_difference(const json_t *was, const json_t *is)
{
    const char *name;
    json_t *hash;
    json_object_foreach ((json_t *)is, name, hash)
        if (!json_equal(hash, json_object_get(was, name)))
            return name;
    json_object_foreach ((json_t *)was, name, hash)
        if (!json_object_get(is, name))
            return name;
    return NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_manifest(struct pool *pool, const char *dir, struct holdout *out, struct err *err)
{
    json_t *manifest;
    *out = (struct holdout){.dir = dir, .digest = ""};
    int r = gate_json_read(pool, path_in(pool, dir, MANIFEST), &manifest, err);
    if (r)
        return r;
    out->manifest = manifest;
    out->name = json_str(manifest, "name", "");
    out->version = (int)json_int(manifest, "version", 0);
    if (!*out->name || out->version < 1 || json_array_size(tasks_of(manifest)) == 0)
        return err_set(err, E_INVALID, "%s/" MANIFEST " needs 'name', 'version' from 1 and 'tasks'",
                       dir);
    return 0;
}

int holdout_read(struct pool *pool, const char *dir, struct holdout *out, struct err *err)
{
    json_t *frozen, *hashes;
    int r = read_manifest(pool, dir, out, err);
    r = r ? r : hash_all(pool, out, &hashes, err);
    if (!r && gate_json_read(pool, path_in(pool, dir, FROZEN), &frozen, err)) {
        if (err->code != E_NOT_FOUND)
            return err->code;
        err_clear(err);
        return err_set(err, E_INVALID, "the holdout in %s is not frozen: mantis holdout freeze %s",
                       dir, dir);
    }
    if (r)
        return r;
    const char *changed = first_difference(json_object_get(frozen, "files"), hashes);
    if (changed)
        return err_set(
            err, E_CONFLICT,
            "%s/%.200s is not what was frozen as %s version %d: put it back, or raise 'version' "
            "in " MANIFEST
            " and freeze the set again (its results are then comparable with none before)",
            dir, changed, json_str(frozen, "name", "?"), (int)json_int(frozen, "version", 0));
    out->digest = digest_of(pool, hashes);
    return 0;
}

static int write_frozen(struct pool *pool, struct holdout *h, json_t *hashes, struct err *err)
{
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "name", h->name);
    json_put_int(doc, "version", h->version);
    json_put_str(doc, "digest", h->digest);
    json_put(doc, "files", json_incref(hashes));
    const char *text = json_pretty(pool, doc);
    return file_write_atomic(path_in(pool, h->dir, FROZEN), text, strlen(text), 0644, err);
}

/* Would these tasks be taken by `eval run`? A set that could not be used is not frozen. */
static int check_tasks(struct pool *pool, const struct holdout *h, struct err *err)
{
    json_t *doc;
    struct task_file tasks;
    int r = holdout_tasks(pool, h, "all", NULL, &doc, err);
    return r ? r : task_file_parse(pool, doc, h->name, &tasks, err);
}

int holdout_freeze(struct pool *pool, const char *dir, struct holdout *out, bool *ret_changed,
                   struct err *err)
{
    json_t *frozen = NULL, *hashes;
    struct err none = {0};
    int r = read_manifest(pool, dir, out, err);
    r = r ? r : hash_all(pool, out, &hashes, err);
    r = r ? r : check_tasks(pool, out, err);
    if (r)
        return r;
    if (gate_json_read(pool, path_in(pool, dir, FROZEN), &frozen, &none) &&
        none.code != E_NOT_FOUND)
        return err_set(err, none.code, "%s", none.msg);
    out->digest = digest_of(pool, hashes);
    const char *changed =
        frozen ? first_difference(json_object_get(frozen, "files"), hashes) : MANIFEST;
    *ret_changed = changed != NULL;
    if (!changed)
        return 0;
    if (frozen && out->version <= json_int(frozen, "version", 0))
        return err_set(
            err, E_CONFLICT,
            "%s/%.200s changed since version %d was frozen: raise 'version' in " MANIFEST, dir,
            changed, out->version);
    return write_frozen(pool, out, hashes, err);
}

/* --- as a task file --------------------------------------------------------------------------- */

/* The plan of a task: a list of steps, or words. */
static int put_plan(struct pool *pool, const struct holdout *h, const json_t *task, json_t *out,
                    struct err *err)
{
    const char *path = path_in(pool, h->dir, json_str(task, "plan", ""));
    json_t *steps;
    char *words;
    size_t len;
    if (str_ends(path, ".json")) {
        int r = gate_json_read(pool, path, &steps, err);
        if (!r)
            json_put(out, "micro_plan", json_incref(steps));
        return r;
    }
    int r = file_read(pool, path, CAP_PROSE_BYTES, &words, &len, err);
    if (r)
        return r;
    bool cua =
        strcmp(json_str(json_object_get(task, "metadata"), "mode", ""), HOLDOUT_MODE_CUA) == 0;
    while (len && strchr(" \r\n", words[len - 1]))
        words[--len] = '\0';
    json_put_str(out, cua ? "task_text" : "plan_text", words);
    return 0;
}

static int add_task(struct pool *pool, const struct holdout *h, const json_t *task, json_t *tasks,
                    struct err *err)
{
    json_t *out = json_copy((json_t *)task);
    json_t *metadata = json_copy(json_object_get(task, "metadata"));
    const char *split = json_str(metadata, "split", "");
    json_push(tasks, out);
    json_object_del(out, "plan");
    json_put(out, "metadata", metadata);
    json_put_int(
        metadata, "seed",
        json_int(json_object_get(h->manifest, "splits"), pool_printf(pool, "%s_seed", split), 42));
    return put_plan(pool, h, task, out, err);
}

static int find_key(const struct holdout *h, const char *key, const json_t **out, struct err *err)
{
    size_t i;
    json_t *task;
    json_array_foreach ((json_t *)tasks_of(h->manifest), i, task)
        if (strcmp(json_str(task, "task_id", ""), key) == 0) {
            *out = task;
            return 0;
        }
    return err_set(err, E_INVALID, "%s has no task '%.100s'; `mantis holdout list` names them",
                   h->name, key);
}

static bool named_before(const char *const *keys, const char *const *key)
{
    for (; keys < key; keys++)
        if (strcmp(*keys, *key) == 0)
            return true;
    return false;
}

int holdout_tasks(struct pool *pool, const struct holdout *h, const char *split,
                  const char *const *keys, json_t **out, struct err *err)
{
    json_t *doc = json_keep(pool, json_object()), *about = json_object(), *tasks = json_array(),
           *task;
    const json_t *found = NULL;
    bool all = strcmp(split, "all") == 0;
    size_t i;
    int r = 0;
    json_put_str(about, "name", h->name);
    json_put_int(about, "version", h->version);
    json_put_str(about, "digest", h->digest);
    json_put_str(about, "split", keys && *keys ? "" : split);
    json_put(doc, "holdout", about);
    json_put(doc, "tasks", tasks);
    for (const char *const *key = keys; !r && key && *key; key++) {
        r = find_key(h, *key, &found, err);
        r = r || named_before(keys, key) ? r : add_task(pool, h, found, tasks, err);
    }
    bool named = json_array_size(tasks) > 0;
    json_array_foreach ((json_t *)tasks_of(h->manifest), i, task)
        if (!r && !named &&
            (all || strcmp(json_str(json_object_get(task, "metadata"), "split", ""), split) == 0))
            r = add_task(pool, h, task, tasks, err);
    if (!r && json_array_size(tasks) == 0)
        r = err_set(err, E_INVALID, "%s has no split '%.40s': there are visible, sealed and all",
                    h->name, split);
    *out = doc;
    return r;
}
