/*
 * settings.h - every setting of the program in one table: flag > environment > --config FILE >
 * default (design.md section 8). The table also prints the help.
 */
#ifndef MANTIS_SYS_SETTINGS_H
#define MANTIS_SYS_SETTINGS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/pool.h"

struct settings {
    /* serve */
    const char *host;
    int port;
    const char *data_dir;   /* absolute */
    const char *repo_root;  /* plan paths are resolved here */
    const char *share_dir;  /* where recipes/, profiles/, prompts/, sites/ are found */
    const char *api_token;  /* single-tenant token; "" none. Never logged */
    int concurrency;        /* executor slots */
    int max_steps_per_plan, max_loop_iterations, max_runtime_minutes;
    double max_cost_usd;
    const char *default_micro; /* "" none */
    const char *env_url;       /* replaces {{ENV_URL}} in plans; "" unset */
    /* runs */
    const char *brain;   /* MANTIS_BRAIN > MANTIS_MODEL > "page" */
    const char *browser; /* "" = first found */
    bool sandbox_off;
    int run_uid_base;
    int display_width, display_height;
    double nav_wait_s;
    int type_delay_ms;
    bool pause_on_captcha, auto_url_gate;
    /* /v1/version */
    const char *git_sha, *build_time;
};

/*
 * Read environment and the optional config file (KEY=VALUE lines, same names as the variables) into
 * pool. config_path may be NULL. E_INVALID names the variable and what it takes. Unparsable server
 * caps fall back to their default with a warning in *ret_warnings (NULL-terminated, never NULL).
 */
int settings_load(struct pool *pool, const char *config_path, struct settings *out,
                  const char *const **ret_warnings, struct err *err) MUST_CHECK;

/* share_dir alone, for a command that needs no other setting. */
int settings_share_dir(struct pool *pool, const char **out, struct err *err) MUST_CHECK;

/* One line per setting: name, default, what it does. */
char *settings_help(struct pool *pool);

#endif
