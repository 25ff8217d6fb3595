/*
 * mantis holdout list, emit, freeze - the frozen tasks of the gate (gate/holdout.h,
 * docs/promotion.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/holdout_dir.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "gate/holdout.h"
#include "sys/file.h"
#include "sys/settings.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

struct holdout_cmd {
    struct pool *pool;
    struct holdout holdout;
    const char *dir, *split, *output;
    struct option_list keys;
    bool json;
    struct err err;
};

int holdout_dir(struct pool *pool, const char *given, const char **out, struct err *err)
{
    const char *variable = getenv("MANTIS_HOLDOUT_DIR");
    struct settings found;
    *out = str_empty(given) ? variable : given;
    if (!str_empty(*out))
        return 0;
    int r = settings_roots(pool, &found, err);
    if (!r)
        *out = pool_printf(pool, "%s/gate/holdout/v1", found.share_dir);
    return r;
}

const char *const *holdout_keys(struct pool *pool, const struct option_list *given)
{
    const char **keys = pool_alloc(pool, sizeof(*keys) * (size_t)(given->n + 1));
    memcpy(keys, given->items, sizeof(*keys) * (size_t)given->n);
    return keys;
}

static int failed(struct holdout_cmd *c)
{
    cmd_error("%s", c->err.msg);
    return EXIT_USAGE;
}

/* --- list ------------------------------------------------------------------------------------- */

static json_t *row_of(const json_t *task)
{
    const json_t *m = json_object_get(task, "metadata");
    const char *const columns[][2] = {{"split", json_str(m, "split", "")},
                                      {"mode", json_str(m, "mode", "")},
                                      {"level", json_str(m, "level", "")},
                                      {"type", json_str(m, "type", "")},
                                      {"text", json_str(task, "task_text", "")}};
    json_t *row = json_object();
    json_put_str(row, "task", json_str(task, "task_id", ""));
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
        json_put_str(row, columns[i][0], columns[i][1]);
    return row;
}

static int list(struct holdout_cmd *c)
{
    json_t *doc, *task, *rows = json_keep(c->pool, json_array());
    size_t i;
    int r = holdout_read(c->pool, c->dir, &c->holdout, &c->err);
    r = r ? r
          : holdout_tasks(c->pool, &c->holdout, c->split, holdout_keys(c->pool, &c->keys), &doc,
                          &c->err);
    if (r)
        return failed(c);
    if (c->json) {
        fputs(json_pretty(c->pool, doc), stdout);
        return 0;
    }
    json_array_foreach (json_object_get(doc, "tasks"), i, task)
        json_push(rows, row_of(task));
    fputs(table_text(c->pool, NULL, rows, table_terminal_width(1)), stdout);
    printf("%zu tasks of %s version %d, %.12s\n", json_array_size(rows), c->holdout.name,
           c->holdout.version, c->holdout.digest);
    return 0;
}

/* --- emit ------------------------------------------------------------------------------------- */

static int emit(struct holdout_cmd *c)
{
    json_t *doc;
    int r = holdout_read(c->pool, c->dir, &c->holdout, &c->err);
    r = r ? r
          : holdout_tasks(c->pool, &c->holdout, c->split, holdout_keys(c->pool, &c->keys), &doc,
                          &c->err);
    if (r)
        return failed(c);
    const char *text = json_pretty(c->pool, doc);
    if (!c->output)
        fputs(text, stdout);
    else if (file_write_atomic(c->output, text, strlen(text), 0644, &c->err)) {
        cmd_error("%s", c->err.msg);
        return EXIT_FAILED;
    }
    return 0;
}

/* --- freeze ----------------------------------------------------------------------------------- */

static int freeze(struct holdout_cmd *c)
{
    bool changed;
    if (holdout_freeze(c->pool, c->dir, &c->holdout, &changed, &c->err))
        return failed(c);
    printf("%s version %d %s %s\n", c->holdout.name, c->holdout.version, c->holdout.digest,
           changed ? "frozen" : "was frozen so already");
    return 0;
}

static int with_options(const char *usage, int (*fn)(struct holdout_cmd *c), int argc, char **argv)
{
    struct holdout_cmd c = {.split = "all"};
    const struct option table[] = {
        {"--split", NULL, OPTION_STRING, &c.split, "NAME", "visible, sealed or all [all]"},
        {"--task", NULL, OPTION_LIST, &c.keys, "ID", "only this one, of either split; may be repeated"},
        {"--output", "-o", OPTION_STRING, &c.output, "FILE", "of emit [stdout]"},
        {"--json", NULL, OPTION_FLAG, &c.json, NULL, "list: whole tasks, as JSON"},
        {0},
    };
    const char *args[1];
    int n, code = 0;
    if (!options_read(table, usage, argc, argv, args, 1, &n, &code))
        return code;
    c.pool = pool_create(NULL);
    code = holdout_dir(c.pool, n ? args[0] : NULL, &c.dir, &c.err) ? failed(&c) : fn(&c);
    pool_destroy(c.pool);
    return code;
}

static int holdout_list(int argc, char **argv)
{
    return with_options("mantis holdout list [DIR] [options]", list, argc, argv);
}

static int holdout_emit(int argc, char **argv)
{
    return with_options("mantis holdout emit [DIR] [options]", emit, argc, argv);
}

static int holdout_freeze_cmd(int argc, char **argv)
{
    return with_options("mantis holdout freeze [DIR]", freeze, argc, argv);
}

int cmd_holdout(int argc, char **argv)
{
    static const struct command commands[] = {
        {"list", holdout_list, "list the tasks"},
        {"emit", holdout_emit, "write the tasks with their plans as a task file"},
        {"freeze", holdout_freeze_cmd, "pin manifest and plans by their hashes"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis holdout",
                        "Frozen tasks on the practice sites, which the gate decides by.", argc,
                        argv);
}
