/*
 * mantis plan - its subcommands, and how a plan named on the command line is read.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/plan_file.h"
#include "plan/intake.h"
#include "sys/input.h"

#define NO_CAP 1000000 /* the server applies its own */

/* A file named .json is none, and nothing that begins as JSON does. */
static bool is_prose(const char *path, const char *text)
{
    size_t len = strlen(path);
    text += strspn(text, " \t\r\n");
    return (len < 5 || strcasecmp(path + len - 5, ".json") != 0) && *text != '[' && *text != '{';
}

static int take_prose(struct pool *pool, struct intake_config *config, struct plan_words *words,
                      const char *text, size_t len, struct plan_file *out, struct err *err)
{
    if (!str_is_utf8(text, len))
        return err_set(err, E_INVALID, "%s is neither JSON (a name ending in .json) nor text",
                       out->label);
    out->prose = true;
    int r = plan_words_begin(pool, words, config, err);
    if (r)
        return r;
    r = intake_prose(pool, config, text, out->stem, &out->plan, err);
    return r ? err_prefix(err, "%s", out->label) : 0;
}

int plan_file_load(struct pool *pool, const char *path, bool for_looking, struct plan_words *words,
                   struct plan_file *out, struct err *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *env_url = getenv("MANTIS_ENV_URL"), *root = getenv("MANTIS_REPO_ROOT");
    struct intake_config config = {.repo_root = "",
                                   .env_url = env_url ? env_url : "",
                                   .default_micro = "",
                                   .share_dir = root ? root : ""};
    char *text;
    size_t len;
    json_t *document;
    if (for_looking && !*config.env_url)
        config.env_url = "http://practice-site.invalid"; /* nothing is opened */
    if (!for_looking) {
        config.max_steps = config.max_loop_iterations = config.max_time_minutes = NO_CAP;
        config.max_cost = NO_CAP;
    }
    out->label = from_stdin ? "<stdin>" : path;
    out->stem = from_stdin ? "plan" : intake_label(pool, path);
    int r = input_read(pool, path, CAP_PLAN_FILE_BYTES, &text, &len, err);
    if (r)
        return r;
    if (is_prose(path, text))
        return take_prose(pool, &config, words, text, len, out, err);
    r = json_parse(text, len, out->label, &document, err);
    return r ? r
             : intake_document(pool, &config, json_keep(pool, document), out->stem, &out->plan,
                               err);
}

static const struct command commands[] = {
    {"validate", plan_validate_cmd, "say what is wrong with a plan, and mend it"},
    {"dry-run", plan_dry_run_cmd, "show the steps of a plan"},
    {"walk", plan_walk_cmd, "follow the control flow of a plan without a browser"},
    {"run", plan_run, "run a plan and keep its results"},
    {"init", plan_init_cmd, "make a plan file from a sentence"},
    {"schema", plan_schema_cmd, "print the JSON Schema of plans"},
    {NULL, NULL, NULL},
};

int cmd_plan(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis plan", "Plans: lists of steps for a browser.", argc,
                        argv);
}
