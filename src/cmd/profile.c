/*
 * mantis profile - the browser profiles of a server: its tenants' logins. List and remove them, or carry
 * one to another machine.
 *
 * The files belong to a running `serve`: it is asked to keep runs off a profile first, and refuses when a
 * run has it. Without one the files are worked on as they are.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/serve_link.h"
#include "cmd/table.h"
#include "sys/file.h"
#include "sys/input.h"
#include "sys/settings.h"
#include "sys/tar.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define MB          (1024.0 * 1024)

/* One command under way. */
struct job {
    struct pool *pool;
    const char *data_dir_flag, *config, *tenant;
    const char *data_dir;
    bool json, replace;
    struct serve_link *serve; /* NULL: none runs */
    struct err err;
};

static int fail(struct job *j)
{
    cmd_error("%s", j->err.msg);
    return EXIT_FAILED;
}

static void print_json(struct job *j, json_t *value)
{
    fputs(json_pretty(j->pool, json_keep(j->pool, value)), stdout);
}

static int connect_serve(struct job *j)
{
    int r = serve_link_open(j->data_dir, &j->serve, &j->err);
    return r == E_NOT_FOUND ? 0 : r;
}

static const char *profiles_dir(struct job *j, const char *tenant)
{
    return pool_printf(j->pool, "%s/tenants/%s/chrome-profile", j->data_dir, tenant);
}

/* A profile is known by the id that a run gives; its directory also names the tenant. */
static const char *dir_name(struct job *j, const char *profile)
{
    const char *prefix = pool_printf(j->pool, "%s__", j->tenant);
    return str_starts(profile, prefix) ? profile : pool_printf(j->pool, "%s%s", prefix, profile);
}

static int check_name(struct job *j, const char *profile)
{
    if (!id_is_clean(j->tenant))
        return err_set(&j->err, E_INVALID, "'%.80s' is no tenant's name", j->tenant);
    if (!id_is_clean(dir_name(j, profile)))
        return err_set(&j->err, E_INVALID,
                       "'%.80s' is no profile's name: `mantis profile list` shows them", profile);
    return 0;
}

/* --- list ------------------------------------------------------------------------------------ */

static const char *user_of(const json_t *in_use, const char *tenant, const char *dir)
{
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)in_use, i, one)
        if (strcmp(json_str(one, "tenant", ""), tenant) == 0 &&
            strcmp(json_str(one, "profile", ""), dir) == 0)
            return json_str(one, "run_id", "");
    return "";
}

static void add_profile(struct job *j, json_t *list, const char *tenant, const char *name,
                        const json_t *in_use)
{
    const char *path = pool_printf(j->pool, "%s/%s", profiles_dir(j, tenant), name);
    const char *prefix = pool_printf(j->pool, "%s__", tenant);
    char at[CLOCK_ISO_BYTES] = "";
    struct stat st;
    int64_t bytes = 0;
    if (lstat(path, &st) || !S_ISDIR(st.st_mode) || file_tree_bytes(path, &bytes, &j->err))
        return;
    if (!stat(pool_printf(j->pool, "%s/Default/Preferences", path), &st) || !stat(path, &st))
        clock_iso((int64_t)st.st_mtim.tv_sec * 1000000, at);
    json_push(list, json_pack("{s:s,s:s,s:I,s:s,s:s}", "tenant", tenant, "profile_id",
                              str_starts(name, prefix) ? name + strlen(prefix) : name, "bytes",
                              (json_int_t)bytes, "last_used", at, "run_id",
                              user_of(in_use, tenant, name)));
}

/* Entries of a directory that can be names, in order. Empty when it cannot be read. */
static int names_in(struct job *j, const char *path, struct dirent ***ret)
{
    int n = scandir(path, ret, NULL, alphasort);
    if (n < 0 && errno == EACCES)
        cmd_warning("'%s' cannot be read: run this as the user of serve, or root", path);
    return n < 0 ? 0 : n;
}

static void add_tenant(struct job *j, json_t *list, const char *tenant, const json_t *in_use)
{
    struct dirent **names = NULL;
    int n = names_in(j, profiles_dir(j, tenant), &names);
    for (int i = 0; i < n; i++) {
        if (id_is_clean(names[i]->d_name))
            add_profile(j, list, tenant, names[i]->d_name, in_use);
        free(names[i]);
    }
    free(names);
}

static json_t *find_profiles(struct job *j, const json_t *in_use)
{
    struct dirent **tenants = NULL;
    json_t *list = json_keep(j->pool, json_array());
    int n = names_in(j, pool_printf(j->pool, "%s/tenants", j->data_dir), &tenants);
    for (int i = 0; i < n; i++) {
        const char *name = tenants[i]->d_name;
        if (id_is_clean(name) && (!j->tenant || strcmp(j->tenant, name) == 0))
            add_tenant(j, list, name, in_use);
        free(tenants[i]);
    }
    free(tenants);
    return list;
}

static void print_table(struct job *j, const json_t *list)
{
    json_t *rows = json_keep(j->pool, json_array()), *one;
    size_t i;
    json_array_foreach ((json_t *)list, i, one) {
        json_t *row = json_object();
        json_object_set(row, "tenant", json_object_get(one, "tenant"));
        json_object_set(row, "profile_id", json_object_get(one, "profile_id"));
        json_put_str(row, "MB", pool_printf(j->pool, "%.1f", json_num(one, "bytes", 0) / MB));
        json_put_str(row, "last used", str_cut(j->pool, json_str(one, "last_used", ""), 19));
        json_put_str(row, "in use by", json_str(one, "run_id", ""));
        json_push(rows, row);
    }
    if (json_array_size(rows))
        fputs(table_text(j->pool, NULL, rows, table_terminal_width(STDOUT_FILENO)), stdout);
    else
        puts("(no profiles)");
}

static int list_all(struct job *j)
{
    const json_t *reply = NULL;
    int r = connect_serve(j);
    if (!r && j->serve)
        r = serve_link_ask(j->serve, json_keep(j->pool, json_pack("{s:s}", "type", "profiles")),
                           &reply, &j->err);
    if (r)
        return fail(j);
    json_t *list = find_profiles(j, json_object_get(reply, "in_use"));
    if (j->json)
        print_json(j, json_pack("{s:O}", "profiles", list));
    else
        print_table(j, list);
    return 0;
}

/* --- one profile ------------------------------------------------------------------------------ */

/* No run gets it until this command ends. */
static int hold(struct job *j, const char *profile)
{
    const json_t *reply;
    int r = check_name(j, profile);
    r = r ? r : connect_serve(j);
    if (r || !j->serve)
        return r;
    return serve_link_ask(j->serve,
                          json_keep(j->pool, json_pack("{s:s,s:s,s:s}", "type", "profile_hold", "tenant",
                                                       j->tenant, "profile", dir_name(j, profile))),
                          &reply, &j->err);
}

static const char *path_of(struct job *j, const char *profile)
{
    return pool_printf(j->pool, "%s/%s", profiles_dir(j, j->tenant), dir_name(j, profile));
}

static int must_exist(struct job *j, const char *profile)
{
    struct stat st;
    if (lstat(path_of(j, profile), &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return err_set(&j->err, E_NOT_FOUND, "tenant '%s' has no profile '%s': `mantis profile list`",
                   j->tenant, profile);
}

static int remove_one(struct job *j, const char *const *args)
{
    int64_t bytes = 0;
    int r = hold(j, args[0]);
    r = r ? r : must_exist(j, args[0]);
    r = r ? r : file_tree_bytes(path_of(j, args[0]), &bytes, &j->err);
    r = r ? r : file_remove_tree(path_of(j, args[0]), &j->err);
    if (r)
        return fail(j);
    if (j->json)
        print_json(j, json_pack("{s:s,s:s,s:b,s:I}", "tenant", j->tenant, "profile_id", args[0],
                                "removed", 1, "bytes", (json_int_t)bytes));
    else
        printf("removed profile '%s' of tenant '%s' (%.1f MB) and the logins in it\n", args[0],
               j->tenant, (double)bytes / MB);
    return 0;
}

static int export_one(struct job *j, const char *const *args)
{
    int64_t bytes = 0;
    const char *file = input_absolute(j->pool, args[1]);
    int r = hold(j, args[0]);
    r = r ? r : must_exist(j, args[0]);
    r = r ? r : tar_pack(path_of(j, args[0]), file, &bytes, &j->err);
    if (r)
        return fail(j);
    cmd_warning("'%s' holds cookies: whoever has it is signed in wherever this profile is", file);
    if (j->json)
        print_json(j, json_pack("{s:s,s:s,s:s,s:I}", "tenant", j->tenant, "profile_id", args[0],
                                "file", file, "bytes", (json_int_t)bytes));
    else
        printf("%s: profile '%s' of tenant '%s', %.1f MB\n", file, args[0], j->tenant,
               (double)bytes / MB);
    return 0;
}

/* Whole, or not at all: it is unpacked beside its place, looked at, and moved there. */
static int put_in_place(struct job *j, const char *file, const char *part, const char *path,
                        int64_t *ret_bytes)
{
    struct stat st;
    int r = tar_unpack(file, part, CAP_PROFILE_IMPORT_BYTES, CAP_PROFILE_IMPORT_FILES, ret_bytes,
                       &j->err);
    if (!r && (stat(pool_printf(j->pool, "%s/Default", part), &st) || !S_ISDIR(st.st_mode)))
        r = err_set(&j->err, E_INVALID, "'%s' holds no browser profile: it has no Default/", file);
    if (!r && j->replace)
        r = file_remove_tree(path, &j->err);
    if (!r && rename(part, path))
        r = err_sys(&j->err, E_IO, "cannot put the profile at '%s'", path);
    return r;
}

static int unpack(struct job *j, const char *profile, const char *file, int64_t *ret_bytes)
{
    char tail[17];
    struct stat st;
    const char *path = path_of(j, profile), *dir = profiles_dir(j, j->tenant);
    mode_t mode = geteuid() == 0 ? 0711 : 0700; /* as serve makes them */
    if (!j->replace && lstat(path, &st) == 0)
        return err_set(&j->err, E_CONFLICT,
                       "tenant '%s' has a profile '%s' already: --replace puts this one in its place",
                       j->tenant, profile);
    id_random_hex(8, tail);
    const char *part = pool_printf(j->pool, "%s/.import.%s", dir, tail);
    int r = file_mkdirs(dir, mode, &j->err);
    r = r ? r : file_mkdirs(part, 0700, &j->err);
    r = r ? r : put_in_place(j, file, part, path, ret_bytes);
    if (r && file_remove_tree(part, NULL))
        cmd_warning("'%s' could not be removed", part);
    return r;
}

static int import_one(struct job *j, const char *const *args)
{
    int64_t bytes = 0;
    const char *file = input_absolute(j->pool, args[1]);
    int r = hold(j, args[0]);
    r = r ? r : unpack(j, args[0], file, &bytes);
    if (r)
        return fail(j);
    if (j->json)
        print_json(j, json_pack("{s:s,s:s,s:s,s:I}", "tenant", j->tenant, "profile_id", args[0],
                                "file", file, "bytes", (json_int_t)bytes));
    else
        printf("profile '%s' of tenant '%s': %.1f MB from %s\n", args[0], j->tenant,
               (double)bytes / MB, file);
    return 0;
}

/* --- commands --------------------------------------------------------------------------------- */

/* Options, n_args arguments, where the data is. False: *code is the exit code. */
static bool begin(struct job *j, const char *usage, bool may_replace, int argc, char **argv,
                  const char **args, int n_args, int *code)
{
    const struct option table[] = {
        {"--tenant", NULL, OPTION_STRING, &j->tenant, "ID",
         n_args ? "whose profile [default]" : "only this tenant's"},
        {"--data-dir", NULL, OPTION_STRING, &j->data_dir_flag, "DIR",
         "where the server keeps everything [MANTIS_DATA_DIR]"},
        {"--config", NULL, OPTION_STRING, &j->config, "FILE", "settings of that server"},
        {"--json", NULL, OPTION_FLAG, &j->json, NULL, "print JSON"},
        {may_replace ? "--replace" : NULL, NULL, OPTION_FLAG, &j->replace, NULL,
         "put it in the place of one that is there"},
        {.name = NULL},
    };
    int n;
    if (!options_read(table, usage, argc, argv, n_args ? args : NULL, n_args, &n, code))
        return false;
    *code = EXIT_USAGE;
    if (n < n_args) {
        cmd_error(n ? "give the file as well" : "which profile? `mantis profile list` shows them");
        fprintf(stderr, "usage: %s\n", usage);
        return false;
    }
    if (n_args && !j->tenant)
        j->tenant = "default";
    j->pool = pool_create(NULL);
    if (!settings_data_dir(j->pool, j->config, j->data_dir_flag, &j->data_dir, &j->err))
        return true;
    cmd_error("%s", j->err.msg);
    pool_destroy(j->pool);
    return false;
}

static int end(struct job *j, int code)
{
    serve_link_close(j->serve);
    pool_destroy(j->pool);
    return code;
}

static int cmd_list(int argc, char **argv)
{
    struct job j = {0};
    int code = 0;
    if (!begin(&j, "mantis profile list [options]", false, argc, argv, NULL, 0, &code))
        return code;
    return end(&j, list_all(&j));
}

typedef int one_fn(struct job *j, const char *const *args);

static int on_one(one_fn *fn, const char *usage, int n_args, bool may_replace, int argc, char **argv)
{
    struct job j = {0};
    const char *args[2] = {0};
    int code = 0;
    if (!begin(&j, usage, may_replace, argc, argv, args, n_args, &code))
        return code;
    return end(&j, fn(&j, args));
}

static int cmd_rm(int argc, char **argv)
{
    return on_one(remove_one, "mantis profile rm PROFILE [options]", 1, false, argc, argv);
}

static int cmd_export(int argc, char **argv)
{
    return on_one(export_one, "mantis profile export PROFILE FILE [options]", 2, false, argc, argv);
}

static int cmd_import(int argc, char **argv)
{
    return on_one(import_one, "mantis profile import PROFILE FILE [options]", 2, true, argc, argv);
}

static const struct command commands[] = {
    {"list", cmd_list, "list browser profiles, their size and who uses them"},
    {"rm", cmd_rm, "remove a profile and the logins in it"},
    {"export", cmd_export, "write a profile, logins and all, into a .tar.gz"},
    {"import", cmd_import, "put an exported profile in its place"},
    {NULL, NULL, NULL},
};

int cmd_profile(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis profile",
                        "The browser profiles of a Mantis server: its logins.", argc, argv);
}
