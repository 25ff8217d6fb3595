/*
 * mantis tenant - who may call a server: edits the keys file that `mantis serve` reads again by
 * itself (tenancy.md section 3). A token is printed once, by the command that made it, and nowhere
 * else.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/keys_file.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "sched/webhook.h"
#include "sys/settings.h"

#define TOKEN_BYTES    32
#define PREFIX_MINIMUM 4
#define EXIT_USAGE     2

struct given {
    const char *keys, *label, *token_file;
    bool hash, json;
    /* add; the numbers keep these values when they are not given */
    const char *scopes, *webhook, *webhook_secret, *anthropic_secret, *expires;
    double max_cost, max_cost_per_day;
    int max_time, rate, concurrency;
    struct option_list domains;
    /* rotate, revoke */
    int grace_s;
    const char *token_prefix;
};

#define NOT_GIVEN INT_MIN
/* clang-format off */
#define GIVEN_NOTHING {.max_cost = NOT_GIVEN, .max_cost_per_day = NOT_GIVEN, .max_time = NOT_GIVEN, \
                       .rate = NOT_GIVEN, .concurrency = NOT_GIVEN, .grace_s = NOT_GIVEN}

#define KEYS_OPTION(g) \
    {"--keys", NULL, OPTION_STRING, &(g)->keys, "FILE", \
     "keys file [MANTIS_TENANT_KEYS_PATH, else <secrets>/mantis_tenant_keys]"}
#define TOKEN_OPTIONS(g) \
    {"--label", NULL, OPTION_STRING, &(g)->label, "TEXT", "what the token is for"}, \
    {"--hash", NULL, OPTION_FLAG, &(g)->hash, NULL, "keep only the token's SHA-256 in the file"}, \
    {"--token-file", NULL, OPTION_STRING, &(g)->token_file, "FILE", \
     "write the token there, mode 0600, instead of printing it"}
/* clang-format on */

static int fail(const struct err *err)
{
    cmd_error("%s", err->msg);
    return EXIT_FAILURE;
}

static void say_warnings(const struct keys_file *file)
{
    for (const char *const *w = file->warnings; *w; w++)
        cmd_warning("%s", *w);
}

static int open_file(struct pool *pool, const struct given *g, bool to_edit, struct keys_file *out,
                     struct err *err)
{
    int r = keys_file_open(pool, settings_keys_path(pool, g->keys), to_edit, out, err);
    if (!r)
        say_warnings(out);
    return r;
}

/* --- a new token ------------------------------------------------------------------------------ */

static int write_token_file(const char *path, const char *token, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, E_IO, "cannot create '%s'", path);
    int r = dprintf(fd, "%s\n", token) < 0 || fsync(fd)
                ? err_sys(err, E_IO, "cannot write '%s'", path)
                : 0;
    close(fd);
    if (r)
        unlink(path);
    return r;
}

/* The entry goes to the end of the file. Nothing is left behind when something fails. */
static int issue(struct keys_file *file, const struct given *g, json_t *entry, struct err *err)
{
    char token[2 * TOKEN_BYTES + 1];
    id_random_hex(TOKEN_BYTES, token);
    const char *key = !g->hash
                          ? pool_strdup(file->pool, token)
                          : pool_printf(file->pool, "sha256:%s", keys_file_hash(file->pool, token));
    json_put(file->tokens, key, json_incref(entry));
    int r = g->token_file ? write_token_file(g->token_file, token, err) : 0;
    if (r)
        return r;
    r = keys_file_save(file, token, err);
    if (r && g->token_file)
        unlink(g->token_file);
    if (r)
        return r;
    fprintf(stderr, "%s: tenant '%s' has a new token, %s; a running server takes it within 5 s\n",
            file->path, json_str(entry, "tenant_id", ""), keys_file_shown(file->pool, key));
    if (!g->token_file)
        printf("%s\n", token);
    explicit_bzero(token, sizeof(token));
    return 0;
}

/* --- add -------------------------------------------------------------------------------------- */

/* "run, status" -> ["run","status"]; "" and "none": no scopes. */
static json_t *scopes_of(struct pool *pool, const char *text, struct err *err)
{
    json_t *list = json_keep(pool, json_array());
    char *rest = pool_strdup(pool, strcmp(text, "none") == 0 ? "" : text), *word;
    while ((word = strsep(&rest, ", "))) {
        enum scope scope;
        if (*word && !scope_parse(word, &scope)) {
            err_set(err, E_INVALID,
                    "there is no scope '%.40s'; known are run, status, result, logs", word);
            return NULL;
        }
        if (*word && !json_holds(list, word))
            json_push(list, json_string(word));
    }
    return list;
}

static void put_text(json_t *entry, const char *key, const char *text)
{
    if (text)
        json_put(entry, key, json_string_safe(text));
}

static void put_whole(json_t *entry, const char *key, int value)
{
    if (value != NOT_GIVEN)
        json_put_int(entry, key, value);
}

static void put_number(json_t *entry, const char *key, double value)
{
    if (value != NOT_GIVEN)
        json_put_num(entry, key, value);
}

/* Only what was given is written: the rest follows the document's defaults. */
static int fill_entry(struct pool *pool, const struct given *g, const char *id, json_t *entry,
                      struct err *err)
{
    json_t *scopes = g->scopes ? scopes_of(pool, g->scopes, err) : NULL;
    if (g->scopes && !scopes)
        return E_INVALID;
    if (g->webhook && webhook_check_url(g->webhook, true, err))
        return err_prefix(err, "--webhook");
    json_put_str(entry, "tenant_id", id);
    put_text(entry, "label", g->label);
    if (scopes)
        json_put(entry, "scopes", json_incref(scopes));
    put_whole(entry, "max_concurrent_runs", g->concurrency);
    put_number(entry, "max_cost_per_run", g->max_cost);
    put_number(entry, "max_cost_per_day", g->max_cost_per_day);
    put_whole(entry, "max_time_minutes_per_run", g->max_time);
    put_whole(entry, "rate_limit_per_minute", g->rate);
    put_text(entry, "anthropic_secret_name", g->anthropic_secret);
    json_t *domains = json_array();
    for (int i = 0; i < g->domains.n; i++)
        json_push(domains, json_string_safe(g->domains.items[i]));
    if (g->domains.n)
        json_put(entry, "allowed_domains", json_incref(domains));
    json_decref(domains);
    put_text(entry, "webhook_url", g->webhook);
    put_text(entry, "webhook_secret_name", g->webhook_secret);
    put_text(entry, "expires_at", g->expires);
    return 0;
}

static int add(struct pool *pool, const struct given *g, const char *id, struct err *err)
{
    struct keys_file file;
    json_t *entry = json_keep(pool, json_object());
    int r = fill_entry(pool, g, id, entry, err);
    if (!r)
        r = open_file(pool, g, true, &file, err);
    if (r)
        return r;
    r = issue(&file, g, entry, err);
    keys_file_close(&file);
    return r;
}

/* Ids of new tenants name their directories as they are. */
static bool id_fits(struct pool *pool, const char *id)
{
    if (id_is_clean(id) && strlen(id) <= CAP_TENANT_ID_BYTES)
        return true;
    cmd_error(
        "a tenant's ID has 1 to %d letters, digits, '.', '_' and '-', and starts and ends with "
        "none of '.' and '_'; not '%s'",
        CAP_TENANT_ID_BYTES, table_clean(pool, id, 80));
    return false;
}

static int tenant_add(int argc, char **argv)
{
    struct given g = GIVEN_NOTHING;
    const struct option table[] = {
        {"--scopes", NULL, OPTION_STRING, &g.scopes, "LIST",
         "of run, status, result, logs; or none [all]"},
        {"--max-cost", NULL, OPTION_NUMBER, &g.max_cost, "USD", "of a run [25]"},
        {"--max-cost-per-day", NULL, OPTION_NUMBER, &g.max_cost_per_day, "USD",
         "of all runs [no cap]"},
        {"--max-time", NULL, OPTION_INT, &g.max_time, "MINUTES", "of a run [60]"},
        {"--rate", NULL, OPTION_INT, &g.rate, "N", "runs asked for per minute, 0 for any [30]"},
        {"--concurrency", NULL, OPTION_INT, &g.concurrency, "N", "live runs [5]"},
        {"--domain", NULL, OPTION_LIST, &g.domains, "HOST",
         "may be visited, like x.com or *.x.com; may be repeated [any]"},
        {"--webhook", NULL, OPTION_STRING, &g.webhook, "URL", "told when a run ends"},
        {"--webhook-secret", NULL, OPTION_STRING, &g.webhook_secret, "NAME",
         "file in the secrets directory that signs webhooks"},
        {"--anthropic-secret", NULL, OPTION_STRING, &g.anthropic_secret, "NAME",
         "file in the secrets directory with the tenant's key [anthropic_api_key]"},
        {"--expires", NULL, OPTION_STRING, &g.expires, "TIME", "like 2027-01-31T00:00:00Z [never]"},
        TOKEN_OPTIONS(&g),
        KEYS_OPTION(&g),
        {.name = NULL},
    };
    const char *args[1];
    int n, code = 0;
    if (!options_read(table, "mantis tenant add ID [options]", argc, argv, args, 1, &n, &code))
        return code;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    if (n < 1)
        cmd_error("which tenant? mantis tenant add ID");
    code = n < 1 || !id_fits(pool, args[0]) ? EXIT_USAGE
           : add(pool, &g, args[0], &err)   ? fail(&err)
                                            : 0;
    pool_destroy(pool);
    return code;
}

/* --- list ------------------------------------------------------------------------------------- */

/* What stands in the file for each token the server would take, by its hash. */
static json_t *shown_by_hash(const struct keys_file *file)
{
    json_t *shown = json_keep(file->pool, json_object()), *entry;
    const char *key;
    json_object_foreach (file->tokens, key, entry)
        json_put_str(shown, keys_file_hash(file->pool, key), keys_file_shown(file->pool, key));
    return shown;
}

static const char *joined(struct pool *pool, const json_t *list, const char *none)
{
    char *text = NULL;
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item)
        text =
            pool_printf(pool, "%s%s%s", text ? text : "", text ? "," : "", json_string_value(item));
    return text ? text : none;
}

static void print_table(struct pool *pool, const json_t *rows)
{
    json_t *cells = json_keep(pool, json_array()), *row;
    size_t i;
    json_array_foreach (rows, i, row) {
        json_t *cell = json_object();
        json_put_str(cell, "tenant", json_str(row, "tenant_id", ""));
        json_put_str(cell, "token", json_str(row, "token", ""));
        json_put_str(cell, "state", json_str(row, "state", ""));
        json_put_str(cell, "scopes", joined(pool, json_object_get(row, "scopes"), "none"));
        json_put_int(cell, "runs", json_int(row, "max_concurrent_runs", 0));
        json_put_num(cell, "usd", json_num(row, "max_cost_per_run", 0));
        json_put_int(cell, "minutes", json_int(row, "max_time_minutes_per_run", 0));
        json_put_int(cell, "rate", json_int(row, "rate_limit_per_minute", 0));
        json_put_str(cell, "domains", joined(pool, json_object_get(row, "allowed_domains"), "any"));
        json_put_str(cell, "label", json_str(row, "label", ""));
        json_push(cells, cell);
    }
    fputs(table_text(pool, NULL, cells, table_terminal_width(STDOUT_FILENO)), stdout);
}

static int list(struct pool *pool, const struct given *g, struct err *err)
{
    struct keys_file file;
    int r = open_file(pool, g, false, &file, err);
    if (r)
        return r;
    json_t *rows = tenant_set_list(pool, file.set, clock_wall_us()), *row;
    const json_t *shown = shown_by_hash(&file);
    size_t i;
    json_array_foreach (rows, i, row) {
        json_put_str(row, "token", json_str(shown, json_str(row, "sha256", ""), ""));
        json_object_del(row, "sha256");
    }
    if (g->json)
        fputs(json_pretty(pool, rows), stdout);
    else if (json_array_size(rows))
        print_table(pool, rows);
    else
        puts("(no tenants)");
    keys_file_close(&file);
    return 0;
}

static int tenant_list(int argc, char **argv)
{
    struct given g = GIVEN_NOTHING;
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, &g.json, NULL, "as JSON"},
        KEYS_OPTION(&g),
        {.name = NULL},
    };
    int n, code = 0;
    if (!options_read(table, "mantis tenant list [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    code = list(pool, &g, &err) ? fail(&err) : 0;
    pool_destroy(pool);
    return code;
}

/* --- which tokens are meant ------------------------------------------------------------------- */

static bool is_of(const json_t *entry, const char *id)
{
    return strcmp(json_str(entry, "tenant_id", ""), id) == 0;
}

/* A prefix of the token itself, or of its hash as "sha256:..." or bare. */
static bool has_prefix(struct pool *pool, const char *key, const char *prefix)
{
    const char *hash = keys_file_hash(pool, key);
    const char *bare = str_starts(prefix, "sha256:") ? prefix + strlen("sha256:") : prefix;
    return str_starts(key, prefix) || str_starts(hash, str_lower(pool, bare));
}

static bool is_meant(struct pool *pool, const struct given *g, const char *id, const char *key,
                     const json_t *entry)
{
    return (!id || is_of(entry, id)) &&
           (!g->label || strcmp(json_str(entry, "label", ""), g->label) == 0) &&
           (!g->token_prefix || has_prefix(pool, key, g->token_prefix));
}

static json_t *tokens_meant(const struct keys_file *file, const struct given *g, const char *id)
{
    json_t *meant = json_keep(file->pool, json_array()), *entry;
    const char *key;
    json_object_foreach (file->tokens, key, entry)
        if (is_meant(file->pool, g, id, key, entry))
            json_push(meant, json_string(key));
    return meant;
}

/* --- rotate ----------------------------------------------------------------------------------- */

/* The tenant's last entry without what belonged to that one token. */
static json_t *successor(const struct keys_file *file, const struct given *g, const char *id)
{
    static const char *const own[] = {"disabled", "not_before", "expires_at"};
    json_t *last = NULL, *entry;
    const char *key;
    json_object_foreach (file->tokens, key, entry)
        if (is_of(entry, id))
            last = entry;
    if (!last)
        return NULL;
    json_t *copy = json_keep(file->pool, json_deep_copy(last));
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        json_object_del(copy, own[i]);
    put_text(copy, "label", g->label);
    return copy;
}

/* The tenant's tokens end after the grace, unless they end before. */
static void end_old_ones(const struct keys_file *file, const struct given *g, const char *id)
{
    char iso[CLOCK_ISO_BYTES];
    int64_t now_us = clock_wall_us();
    const char *ends = clock_iso(now_us + (int64_t)g->grace_s * 1000000, iso);
    const json_t *rows = tenant_set_list(file->pool, file->set, now_us), *row;
    json_t *entry;
    const char *key;
    size_t i;
    json_object_foreach (file->tokens, key, entry) {
        bool sooner = false;
        json_array_foreach (rows, i, row)
            if (strcmp(json_str(row, "sha256", ""), keys_file_hash(file->pool, key)) == 0)
                sooner = strcmp(json_str(row, "expires_at", ends), ends) < 0;
        if (is_of(entry, id) && !sooner)
            json_put_str(entry, "expires_at", ends);
    }
}

static void tell_about_old_ones(struct pool *pool, const struct given *g, const json_t *old)
{
    size_t i;
    const json_t *key;
    if (g->grace_s != NOT_GIVEN) {
        fprintf(stderr, "the older tokens end in %d s\n", g->grace_s);
        return;
    }
    fputs("the older tokens stay valid; when nobody uses them any more:\n", stderr);
    json_array_foreach (old, i, key)
        fprintf(stderr, "  mantis tenant revoke --token-prefix sha256:%.12s\n",
                keys_file_hash(pool, json_string_value(key)));
}

static int rotate(struct pool *pool, const struct given *g, const char *id, struct err *err)
{
    struct keys_file file;
    int r = open_file(pool, g, true, &file, err);
    if (r)
        return r;
    const json_t *old = tokens_meant(&file, &(struct given){0}, id);
    json_t *entry = successor(&file, g, id);
    if (!entry)
        r = err_set(err, E_NOT_FOUND, "'%s' has no tenant '%.80s'", file.path, id);
    if (!r && g->grace_s != NOT_GIVEN)
        end_old_ones(&file, g, id);
    if (!r)
        r = issue(&file, g, entry, err);
    if (!r)
        tell_about_old_ones(pool, g, old);
    keys_file_close(&file);
    return r;
}

static int tenant_rotate(int argc, char **argv)
{
    struct given g = GIVEN_NOTHING;
    const struct option table[] = {
        {"--grace", NULL, OPTION_INT, &g.grace_s, "SECONDS",
         "the older tokens end after that [they stay until revoked]"},
        TOKEN_OPTIONS(&g),
        KEYS_OPTION(&g),
        {.name = NULL},
    };
    const char *args[1];
    int n, code = 0;
    if (!options_read(table, "mantis tenant rotate ID [options]", argc, argv, args, 1, &n, &code))
        return code;
    struct err err = {0};
    if (n < 1 || (g.grace_s != NOT_GIVEN && g.grace_s < 0)) {
        cmd_error(n < 1 ? "which tenant? mantis tenant rotate ID"
                        : "--grace takes 0 seconds or more");
        return EXIT_USAGE;
    }
    struct pool *pool = pool_create(NULL);
    code = rotate(pool, &g, args[0], &err) ? fail(&err) : 0;
    pool_destroy(pool);
    return code;
}

/* --- revoke ----------------------------------------------------------------------------------- */

static int drop(struct keys_file *file, const json_t *meant, struct err *err)
{
    size_t i;
    const json_t *key;
    json_array_foreach (meant, i, key)
        json_object_del(file->tokens, json_string_value(key));
    int r = keys_file_save(file, NULL, err);
    if (r)
        return r;
    json_array_foreach (meant, i, key)
        fprintf(stderr, "%s: token %s is revoked; a running server refuses it within 5 s\n",
                file->path, keys_file_shown(file->pool, json_string_value(key)));
    return 0;
}

static int revoke_tokens(struct pool *pool, const struct given *g, const char *id, struct err *err)
{
    struct keys_file file;
    int r = open_file(pool, g, true, &file, err);
    if (r)
        return r;
    const json_t *meant = tokens_meant(&file, g, id);
    size_t n = json_array_size(meant);
    if (n == 0)
        r = err_set(err, E_NOT_FOUND, "'%s' has no such token", file.path);
    else if (n > 1 && !id)
        r = err_set(
            err, E_CONFLICT,
            "%zu tokens are meant by that; give a longer prefix, or the tenant's ID as well", n);
    if (!r)
        r = drop(&file, meant, err);
    keys_file_close(&file);
    return r;
}

/* What is wrong with the choice; NULL nothing. */
static const char *choice_error(const struct given *g, const char *id)
{
    const char *prefix = g->token_prefix;
    if (!id && !prefix && !g->label)
        return "which token? mantis tenant revoke ID, --token-prefix or --label";
    if (prefix && str_starts(prefix, "sha256:"))
        prefix += strlen("sha256:");
    return prefix && strlen(prefix) < PREFIX_MINIMUM ? "--token-prefix takes 4 characters or more"
                                                     : NULL;
}

static int tenant_revoke(int argc, char **argv)
{
    struct given g = GIVEN_NOTHING;
    const struct option table[] = {
        {"--token-prefix", NULL, OPTION_STRING, &g.token_prefix, "P",
         "the token that starts with this, or whose SHA-256 does"},
        {"--label", NULL, OPTION_STRING, &g.label, "TEXT", "the token with this label"},
        KEYS_OPTION(&g),
        {.name = NULL},
    };
    const char *args[1];
    int n, code = 0;
    if (!options_read(table, "mantis tenant revoke [ID] [options]", argc, argv, args, 1, &n, &code))
        return code;
    const char *id = n ? args[0] : NULL, *wrong = choice_error(&g, id);
    if (wrong) {
        cmd_error("%s", wrong);
        return EXIT_USAGE;
    }
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    code = revoke_tokens(pool, &g, id, &err) ? fail(&err) : 0;
    pool_destroy(pool);
    return code;
}

int cmd_tenant(int argc, char **argv)
{
    static const struct command commands[] = {
        {"add", tenant_add, "make a token for a tenant and print it once"},
        {"list", tenant_list, "show the tenants and what their tokens may do"},
        {"rotate", tenant_rotate, "make a second token for the same tenant"},
        {"revoke", tenant_revoke, "take tokens out of force"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis tenant", "Who may call a server: edits its keys file.",
                        argc, argv);
}
