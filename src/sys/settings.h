/*
 * settings.h - every setting of the program in one table: flag > environment > --config FILE >
 * default (design.md section 8). The table also prints the help.
 */
#ifndef MANTIS_SYS_SETTINGS_H
#define MANTIS_SYS_SETTINGS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/pool.h"

/* What becomes of a model that does not click where it means to (docs/models.md). */
enum selftest_mode { SELFTEST_OFF, SELFTEST_WARN, SELFTEST_STRICT };

/* Where a GGUF model lies (serving.md section 1.2); files are paths or names in dir. "" none. */
struct settings_weights {
    const char *dir, *gguf, *mmproj;
};

struct settings {
    /* serve */
    const char *host;
    int port;
    const char *data_dir;   /* absolute */
    const char *repo_root;  /* plan paths are resolved here */
    const char *share_dir;  /* where recipes/, profiles/, prompts/, sites/ are found */
    const char *profiles_dir, *prompts_dir; /* of the operator, absolute: their files stand before those; "" none */
    /* who may call (tenancy.md section 2). The first that is set decides: keys file, keys document,
     * token. Secrets: never logged, wiped from the environment by settings_hide_secrets() */
    const char *tenant_keys_path; /* absolute; "" none */
    const char *tenant_keys_json; /* the document itself, for hosts without secret files; "" none */
    const char *api_token;        /* single-tenant token; "" none */
    const char *secrets_dir;      /* absolute; read by secret_read() */
    const char *metrics_token;    /* what /metrics asks for; "" open to all */
    const char *webhook_secret_default; /* HMAC key of tenants without one; "" none */
    bool webhook_allow_private;         /* receivers on private and loopback addresses */
    int concurrency;        /* executor slots */
    int max_steps_per_plan, max_loop_iterations, max_runtime_minutes;
    double max_cost_usd;
    const char *default_micro; /* "" none */
    const char *env_url;       /* replaces {{ENV_URL}} in plans; "" unset */
    /* the model server of this pod (serving.md sections 1 and 2) */
    const char *llama_server, *vllm_server; /* programs; vllm_server "": Python's */
    int llama_port;
    int context_size; /* tokens; 0: as the server's kind has it */
    int ubatch_size;  /* tokens */
    int model_start_timeout_s, vllm_timeout_s; /* 0: as the server's kind has it */
    struct settings_weights holo3, gemma4;
    const char *fara_model_dir, *fara_repo, *fara_tool_parser;
    double vllm_gpu_util; /* share of the GPU's memory */
    const char *vllm_dtype;
    const char *lora_adapter, *lora_scale; /* as they were given; "" none */
    const char *lora_name;                 /* NULL: not set at all */
    const char *model_log;  /* of the model server; "": as its kind has it */
    const char *model_tag;  /* tells arms of a comparison apart; "" none */
    const char *model_url;  /* of a server that runs already; "": one is started */
    const char *model_name; /* what a call to it names; "": as the brain has it */
    int selftest; /* enum selftest_mode */
    int selftest_timeout_s;
    bool capture_logprobs; /* ask for them */
    int logprobs_top_k;    /* alternatives of each token; 0 none */
    const char *model_key_secret; /* name of the secret that is its key; "" none */
    /* Claude, which makes plans of prose */
    const char *anthropic_key;   /* of tenants without one of their own; secret; "" none */
    const char *decompose_model; /* "rules": none, words are read by rules */
    /* runs */
    const char *brain;   /* MANTIS_BRAIN > MANTIS_MODEL > "page" */
    const char *browser; /* "" = first found */
    bool sandbox_off;
    int run_uid_base;
    int display_width, display_height;
    double nav_wait_s;
    int type_delay_ms;
    int pause_hold_s; /* a paused run's browser is kept for so long */
    int takeover_s;   /* a person who does nothing for so long has the controls no more */
    int view_token_s; /* an address to watch a run at is good for so long */
    bool pause_on_captcha, auto_url_gate;
    /* what helps a brain, and what is tried when a step fails (agent-loop.md); on unless it is switched off */
    bool done_gate, loop_recovery, loop_adaptive, adaptive_click_tol, predicate_verify, perceptual_verify,
        form_controller, verify_type, cua_director, recovery_tab_blur;
    const char *director_model;
    bool critic_frontier; /* off unless it is switched on */
    const char *form_target_provider, *verify_model, *verify_escalation_model, *phone_reextract_model, *claude_image_format; /* "" usual */
    int claude_image_quality;
    bool phone_reextract;
    int recovery_tab_blur_count;
    int run_ttl_days, artifact_ttl_days; /* 0: kept for ever */
    const char *trace_export_dir;        /* ended runs as training data, docs/promotion.md; "" none */
    bool trace_screenshots;              /* and their pictures */
    double shadow_pct;       /* of workflows, whose runs ask shadow_url instead of the model here */
    const char *shadow_salt, *shadow_url; /* url "": no run does; `serve` leaves "/v1" out */
    int profile_max_mb;                  /* 0: any size */
    /* what things cost (http-api.md section 20), US dollars */
    double cost_gpu_hourly_usd, cost_claude_call_usd;
    double cost_claude_input_per_mtok, cost_claude_output_per_mtok, cost_claude_cached_input_per_mtok;
    double cost_proxy_per_gb_usd;
    const char *model_prices; /* JSON, core/cost.h; "" the built-in ones */
    double cost_gpu_seconds_per_step, cost_proxy_mb_per_nav, cost_proxy_mb_per_scroll;
    /* pages and /v1/version */
    bool docs_ui;                /* /docs and /redoc */
    bool console;                /* /console */
    const char *deploy_age_warn; /* note in failure_help; "" none */
    const char *git_sha, *build_time, *version; /* version: MANTIS_VERSION of the build by default */
};

/*
 * Read environment and the optional config file (KEY=VALUE lines, same names as the variables) into
 * pool. config_path may be NULL. E_INVALID names the variable and what it takes. Unparsable server
 * caps fall back to their default with a warning in *ret_warnings (NULL-terminated, never NULL).
 */
int settings_load(struct pool *pool, const char *config_path, struct settings *out,
                  const char *const **ret_warnings, struct err *err) MUST_CHECK;

/* No child, no /proc/<pid>/environ and no core file shows a secret from here on. The strings of
 * struct settings are copies. */
void settings_hide_secrets(void);

/* The keys file of `mantis tenant`: given (--keys) > MANTIS_TENANT_KEYS_PATH >
 * <secrets>/mantis_tenant_keys. Absolute. */
const char *settings_keys_path(struct pool *pool, const char *given);

/* ANTHROPIC_API_KEY, else the secret anthropic_api_key; "" none. For a command that needs no other setting. */
const char *settings_anthropic_key(struct pool *pool);

/* data_dir alone, likewise; given (--data-dir) wins. */
int settings_data_dir(struct pool *pool, const char *config_path, const char *given, const char **out,
                      struct err *err) MUST_CHECK;

/* repo_root, share_dir, profiles_dir and prompts_dir alone, for a command that needs no other setting. */
int settings_roots(struct pool *pool, struct settings *out, struct err *err) MUST_CHECK;

/* One line per setting: name, default, what it does. */
char *settings_help(struct pool *pool);

#endif
