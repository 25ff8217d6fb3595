/*
 * settings.c - the settings table and where values come from.
 *
 * A row says where a value goes, what it takes and what it is without one. A value comes from the
 * environment, else from the config file, else from the row; an empty value counts as none. The
 * address, the directories, the brain and who may call have rules of their own below the table.
 */
#include "sys/settings.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/input.h"
#include "sys/secrets.h"

#define WARNINGS_MAX 32

enum kind {
    OWN_RULE, /* read by its own function; here for the help and for the config file's check */
    TEXT,
    WHOLE,  /* int within min..max */
    NUMBER, /* double within min..max */
    SWITCH,
    SWITCH_INVERTED, /* the field is true when the switch is off */
};

enum row_flags {
    LENIENT = 1 << 0, /* what cannot be read becomes the default, with a warning */
    CLAMPED = 1 << 1, /* out of range becomes the nearest end */
    SECRET = 1 << 2,  /* wiped from the environment once read */
};

struct row {
    const char *key;
    enum kind kind;
    size_t offset; /* into struct settings */
    const char *def;
    double min, max;
    unsigned flags;
    const char *help;
};

#define AT(field) offsetof(struct settings, field)
#define STR_(x)   #x
#define STR(x)    STR_(x)

/* clang-format off */
static const struct row rows[] = {
    {"MANTIS_TENANT_KEYS_PATH", OWN_RULE, AT(tenant_keys_path), "", 0, 0, 0,
     "keys file of many tenants; read again when it changes; MANTIS_API_TOKEN is then ignored"},
    {"MANTIS_TENANT_KEYS_JSON", OWN_RULE, AT(tenant_keys_json), "", 0, 0, SECRET,
     "the keys document itself, where secrets arrive as variables only"},
    {"MANTIS_API_TOKEN", OWN_RULE, AT(api_token), "", 0, 0, SECRET,
     "token that callers send as X-Mantis-Token; else <secrets>/mantis_api_token; without one every run route is 503"},
    {"MANTIS_SECRETS_DIR", OWN_RULE, AT(secrets_dir), "/secrets", 0, 0, 0, "directory of secret files, one value each"},
    {"MANTIS_METRICS_TOKEN", TEXT, AT(metrics_token), "", 0, 0, SECRET,
     "token that /metrics asks for; without one it is open to all"},
    {"MANTIS_WEBHOOK_SECRET_DEFAULT", TEXT, AT(webhook_secret_default), "", 0, 0, SECRET,
     "signs the webhooks of tenants that name no secret of their own"},
    {"MANTIS_WEBHOOK_ALLOW_PRIVATE", SWITCH, AT(webhook_allow_private), "0", 0, 0, 0,
     "let webhooks go to private and loopback addresses"},
    {"MANTIS_DATA_DIR", OWN_RULE, AT(data_dir), "", 0, 0, 0,
     "where everything is kept; default /workspace/mantis-data if it exists, /var/lib/mantis as root, else "
     "$XDG_STATE_HOME/mantis (~/.local/state/mantis)"},
    {"MANTIS_REPO_ROOT", OWN_RULE, AT(repo_root), "", 0, 0, 0,
     "plan paths are resolved below it; default the source tree, else <prefix>/share/mantis"},
    {"MANTIS_PROFILES_DIR", OWN_RULE, AT(profiles_dir), "", 0, 0, 0,
     "model profiles of one's own: a file here stands before ours of the same name"},
    {"MANTIS_PROMPTS_DIR", OWN_RULE, AT(prompts_dir), "", 0, 0, 0, "prompts of one's own, likewise"},
    {"MANTIS_BRAIN", OWN_RULE, AT(brain), "page", 0, 0, 0, "who decides the next action (before MANTIS_MODEL)"},
    {"MANTIS_MODEL", OWN_RULE, AT(brain), "", 0, 0, 0, "the same, older name"},
    {"MANTIS_LLAMA_SERVER", TEXT, AT(llama_server), "/opt/llama.cpp/build/bin/llama-server", 0, 0, 0,
     "program that serves GGUF models"},
    {"MANTIS_VLLM_SERVER", TEXT, AT(vllm_server), "", 0, 0, 0,
     "program that serves Fara; default python3 -m vllm.entrypoints.openai.api_server"},
    {"MANTIS_LLAMA_PORT", WHOLE, AT(llama_port), "18080", 1, 65535, 0, "port of the model server, on 127.0.0.1"},
    {"MANTIS_CONTEXT_SIZE", WHOLE, AT(context_size), "0", 0, 16777216, 0,
     "tokens of the model server's context; 0: 8192 for llama-server, 32768 for vLLM"},
    {"MANTIS_UBATCH_SIZE", WHOLE, AT(ubatch_size), "2048", 1, 1048576, 0,
     "tokens that llama-server takes at once; more than an image has"},
    {"MANTIS_MODEL_START_TIMEOUT_S", WHOLE, AT(model_start_timeout_s), "0", 0, 86400, 0,
     "seconds a model server may take to start; 0: 360 for llama-server, 900 for vLLM"},
    {"MANTIS_VLLM_TIMEOUT_S", WHOLE, AT(vllm_timeout_s), "0", 0, 86400, 0, "the same for vLLM only, older name"},
    {"MANTIS_HOLO3_MODEL_DIR", TEXT, AT(holo3.dir), "/models/holo3", 0, 0, 0, "directory of Holo3's files"},
    {"MANTIS_HOLO3_GGUF", TEXT, AT(holo3.gguf), "", 0, 0, 0, "its model file: a path, or a name in the directory"},
    {"MANTIS_HOLO3_MMPROJ", TEXT, AT(holo3.mmproj), "", 0, 0, 0, "its vision projector, likewise"},
    {"MANTIS_GEMMA4_MODEL_DIR", TEXT, AT(gemma4.dir), "/models/gemma4", 0, 0, 0, "directory of Gemma 4's files"},
    {"MANTIS_GEMMA4_GGUF", TEXT, AT(gemma4.gguf), "", 0, 0, 0, "its model file: a path, or a name in the directory"},
    {"MANTIS_GEMMA4_MMPROJ", TEXT, AT(gemma4.mmproj), "", 0, 0, 0, "its vision projector, likewise"},
    {"MANTIS_FARA_MODEL_DIR", TEXT, AT(fara_model_dir), "/models/fara", 0, 0, 0, "directory of Fara's files"},
    {"MANTIS_FARA_REPO", TEXT, AT(fara_repo), "microsoft/Fara-7B", 0, 0, 0, "what vLLM downloads without that directory"},
    {"MANTIS_FARA_TOOL_PARSER", TEXT, AT(fara_tool_parser), "hermes", 0, 0, 0, "vLLM's parser of Fara's tool calls"},
    {"MANTIS_VLLM_GPU_UTIL", NUMBER, AT(vllm_gpu_util), "0.90", 0.01, 1, 0, "share of the GPU's memory that vLLM takes"},
    {"MANTIS_VLLM_DTYPE", TEXT, AT(vllm_dtype), "auto", 0, 0, 0, "vLLM's number type"},
    {"MANTIS_LORA_ADAPTER", TEXT, AT(lora_adapter), "", 0, 0, 0,
     "adapter laid over the model: a .gguf file (llama-server) or a directory (vLLM), absolute"},
    {"MANTIS_LORA_SCALE", TEXT, AT(lora_scale), "", 0, 0, 0, "its weight, llama-server only; default 1.0"},
    {"MANTIS_MODEL_LOG", TEXT, AT(model_log), "", 0, 0, 0,
     "file for what the model server writes; default /tmp/llama.log or /tmp/vllm.log"},
    {"MANTIS_MODEL_TAG", TEXT, AT(model_tag), "", 0, 0, 0, "tells models of a comparison apart, in /v1/version, /v1/models, runs and metrics"},
    {"MANTIS_MODEL_URL", TEXT, AT(model_url), "", 0, 0, 0,
     "address of a model server that runs already (OpenAI-compatible): none is started"},
    {"MANTIS_MODEL_NAME", TEXT, AT(model_name), "", 0, 0, 0, "what a call to that server names its model; default by brain"},
    {"MANTIS_MODEL_KEY_SECRET", TEXT, AT(model_key_secret), "", 0, 0, 0, "name of the secret that is that server's key"},
    {"MANTIS_SELFTEST", OWN_RULE, AT(selftest), "warn", 0, 0, 0,
     "off, warn or strict: a model that does not click where it means to is said so, or is never ready"},
    {"MANTIS_SELFTEST_TIMEOUT_S", WHOLE, AT(selftest_timeout_s), "120", 5, 3600, 0, "seconds for all of that"},
    {"MANTIS_CAPTURE_LOGPROBS", SWITCH, AT(capture_logprobs), "0", 0, 0, 0, "ask models for the probabilities of their tokens"},
    {"MANTIS_LOGPROBS_TOP_K", WHOLE, AT(logprobs_top_k), "0", 0, 20, 0, "and for so many alternatives of each"},
    {"ANTHROPIC_API_KEY", TEXT, AT(anthropic_key), "", 0, 0, SECRET,
     "key of tenants that have none of their own; else <secrets>/anthropic_api_key"},
    {"MANTIS_DECOMPOSE_MODEL", TEXT, AT(decompose_model), "claude-opus-4-7", 0, 0, 0,
     "makes plans of words where there is a key; rules: none is asked, the words are read by rules"},
    {"MANTIS_LORA_NAME", OWN_RULE, AT(lora_name), "challenger", 0, 0, 0, "what vLLM calls it"},
    {"MANTIS_RUNTIME_CONCURRENCY", WHOLE, AT(concurrency), "1", 1, 256, 0, "runs carried out at the same time"},
    {"MANTIS_MAX_STEPS_PER_PLAN", WHOLE, AT(max_steps_per_plan), STR(CAP_PLAN_STEPS), 1, 100000, LENIENT,
     "a plan with more steps is refused"},
    {"MANTIS_MAX_LOOP_ITERATIONS", WHOLE, AT(max_loop_iterations), STR(CAP_LOOP_ITERATIONS), 1, 100000, LENIENT,
     "loop_count is lowered to this"},
    {"MANTIS_MAX_RUNTIME_MINUTES", WHOLE, AT(max_runtime_minutes), STR(CAP_RUN_MINUTES), 1, 100000, LENIENT,
     "minutes a run may take"},
    {"MANTIS_MAX_COST_USD", NUMBER, AT(max_cost_usd), STR(CAP_RUN_COST_USD), 0.000001, 1e6, LENIENT,
     "US dollars a run may cost"},
    {"MANTIS_RUN_TTL_DAYS", WHOLE, AT(run_ttl_days), "7", 0, 36500, 0,
     "days a finished run is kept; 0 for ever"},
    {"MANTIS_ARTIFACT_TTL_DAYS", WHOLE, AT(artifact_ttl_days), "3", 0, 36500, 0,
     "days a finished run's files are kept; 0 for ever"},
    {"MANTIS_TRACE_EXPORT_DIR", TEXT, AT(trace_export_dir), "", 0, 0, 0,
     "directory for traces of ended runs, <tenant>/<run_id>.json; they go with their runs (MANTIS_RUN_TTL_DAYS)"},
    {"MANTIS_TRACE_INCLUDE_SCREENSHOTS", SWITCH, AT(trace_screenshots), "0", 0, 0, 0,
     "and their screenshots, <tenant>/<run_id>_screens/<step>.png"},
    {"MANTIS_SHADOW_CANDIDATE_URL", TEXT, AT(shadow_url), "", 0, 0, 0,
     "address of a second model server (OpenAI-compatible), which the candidate's share of runs asks; none: no split"},
    {"MANTIS_SHADOW_CANDIDATE_PCT", NUMBER, AT(shadow_pct), "0", 0, 100, CLAMPED,
     "per cent of workflows whose runs ask it; `mantis shadow route` shows which"},
    {"MANTIS_SHADOW_SALT", TEXT, AT(shadow_salt), "", 0, 0, 0, "another salt draws other workflows"},
    {"MANTIS_PROFILE_MAX_MB", WHOLE, AT(profile_max_mb), "512", 0, 1000000, 0,
     "a browser profile that holds more, its caches not counted, starts no run; 0 any"},
    {"MANTIS_COST_GPU_HOURLY_USD", NUMBER, AT(cost_gpu_hourly_usd), "3.25", 0, 1e6, 0, "an hour of the model's GPU"},
    {"MANTIS_COST_GPU_SECONDS_PER_STEP", NUMBER, AT(cost_gpu_seconds_per_step), "3", 0, 1e6, 0,
     "GPU seconds of a step that were not measured"},
    {"MANTIS_COST_CLAUDE_CALL_USD", NUMBER, AT(cost_claude_call_usd), "0.003", 0, 1e6, 0,
     "a Claude call whose tokens were not said"},
    {"MANTIS_COST_CLAUDE_INPUT_PER_MTOK", NUMBER, AT(cost_claude_input_per_mtok), "3", 0, 1e6, 0,
     "a million input tokens"},
    {"MANTIS_COST_CLAUDE_OUTPUT_PER_MTOK", NUMBER, AT(cost_claude_output_per_mtok), "15", 0, 1e6, 0,
     "a million output tokens"},
    {"MANTIS_COST_CLAUDE_CACHED_INPUT_PER_MTOK", NUMBER, AT(cost_claude_cached_input_per_mtok), "0.3", 0, 1e6, 0,
     "a million input tokens read from the cache"},
    {"MANTIS_MODEL_PRICES", TEXT, AT(model_prices), "", 0, 0, 0,
     "prices by how a model's name begins, before the built-in ones: {\"gpt-5\": [input, output, cache read, cache "
     "write]}, USD per million tokens"},
    {"MANTIS_COST_PROXY_PER_GB_USD", NUMBER, AT(cost_proxy_per_gb_usd), "5", 0, 1e6, 0, "1024 MB through the proxy"},
    {"MANTIS_COST_PROXY_MB_PER_NAV", NUMBER, AT(cost_proxy_mb_per_nav), "5", 0, 1e6, 0, "MB of a page load, not measured"},
    {"MANTIS_COST_PROXY_MB_PER_SCROLL", NUMBER, AT(cost_proxy_mb_per_scroll), "0.5", 0, 1e6, 0,
     "MB of a scroll, not measured"},
    {"MANTIS_DEFAULT_MICRO", TEXT, AT(default_micro), "", 0, 0, 0, "plan used when a call names none"},
    {"MANTIS_ENV_URL", TEXT, AT(env_url), "", 0, 0, 0,
     "replaces {{ENV_URL}} in plans; `mantis env start` prints it"},
    {"MANTIS_BROWSER", TEXT, AT(browser), "", 0, 0, 0,
     "browser program; default the first of chromium, google-chrome-stable, google-chrome"},
    {"MANTIS_CHROMIUM_SANDBOX", SWITCH_INVERTED, AT(sandbox_off), "on", 0, 0, 0,
     "off starts Chromium without its sandbox: only where the kernel allows none"},
    {"MANTIS_RUN_UID_BASE", WHOLE, AT(run_uid_base), "460000", 1000, 2000000000, 0,
     "as root, run slot n works as user id base + n"},
    {"MANTIS_DISPLAY_WIDTH", WHOLE, AT(display_width), "1280", 320, CAP_SCREEN_SIDE_PX, 0, "screen width in pixels"},
    {"MANTIS_DISPLAY_HEIGHT", WHOLE, AT(display_height), "720", 240, CAP_SCREEN_SIDE_PX, 0, "screen height in pixels"},
    {"MANTIS_NAV_WAIT_SECONDS", NUMBER, AT(nav_wait_s), "18", 0, 120, CLAMPED, "longest wait for a page to load"},
    {"MANTIS_TYPE_DELAY_MS", WHOLE, AT(type_delay_ms), "0", 0, 5000, 0, "pause between typed characters"},
    {"MANTIS_PAUSE_ON_CAPTCHA", SWITCH, AT(pause_on_captcha), "1", 0, 0, 0, "pause when a site asks for a human"},
    {"MANTIS_PAUSE_HOLD_SECONDS", WHOLE, AT(pause_hold_s), "600", 0, 86400, 0,
     "seconds a paused run keeps its slot and its browser; then the page is noted and opened again later"},
    {"MANTIS_TAKEOVER_SECONDS", WHOLE, AT(takeover_s), "120", 5, 86400, 0,
     "seconds without input after which a person who took a run over has its controls no more"},
    {"MANTIS_VIEW_TOKEN_SECONDS", WHOLE, AT(view_token_s), "3600", 1, 604800, 0,
     "seconds that an address to watch a run at is good for"},
    {"MANTIS_AUTO_URL_GATE", SWITCH, AT(auto_url_gate), "1", 0, 0, 0, "let gates be answered by the address"},
    {"MANTIS_DONE_GATE", SWITCH, AT(done_gate), "1", 0, 0, 0, "a brain that says done is held against what was seen"},
    {"MANTIS_FORM_CONTROLLER", SWITCH, AT(form_controller), "1", 0, 0, 0, "type a pending value when a brain clicks its field again"},
    {"MANTIS_LOOP_RECOVERY", SWITCH, AT(loop_recovery), "1", 0, 0, 0, "lead a brain that goes in circles out of a form"},
    {"MANTIS_LOOP_ADAPTIVE", SWITCH, AT(loop_adaptive), "1", 0, 0, 0, "how long a brain may repeat itself depends on what it gets done"},
    {"MANTIS_ADAPTIVE_CLICK_TOL", SWITCH, AT(adaptive_click_tol), "1", 0, 0, 0, "what counts as one spot depends on the screen and the target; off: 8 pixels"},
    {"MANTIS_CLAUDE_DIRECTOR_MODEL", TEXT, AT(director_model), "claude-sonnet-4-5", 0, 0, 0, "the model that leads a brain out of circles"},
    {"MANTIS_CUA_DIRECTOR", SWITCH, AT(cua_director), "1", 0, 0, 0, "a brain that goes in circles is led out by another model, where there is one"},
    {"MANTIS_VERIFY_TYPE", SWITCH, AT(verify_type), "1", 0, 0, 0, "read back what a brain typed"},
    {"MANTIS_PREDICATE_VERIFY", SWITCH, AT(predicate_verify), "1", 0, 0, 0, "hold a brain's predictions against what came"},
    {"MANTIS_PERCEPTUAL_VERIFY", SWITCH, AT(perceptual_verify), "1", 0, 0, 0, "look for the effect of presses that weigh"},
    {"MANTIS_RECOVERY_TAB_BLUR", SWITCH, AT(recovery_tab_blur), "1", 0, 0, 0, "press Tab after a submit without effect, so that fields say what is wrong"},
    {"MANTIS_RECOVERY_TAB_BLUR_COUNT", WHOLE, AT(recovery_tab_blur_count), "12", 1, 100, 0, "how often"},
    {"MANTIS_CRITIC_FRONTIER", SWITCH, AT(critic_frontier), "0", 0, 0, 0, "enabled: recovery is also asked for steps that are not required, after two failures"},
    {"MANTIS_FORM_TARGET_PROVIDER", TEXT, AT(form_target_provider), "", 0, 0, 0,
     "who says where a form's controls are, of a reader that is Claude: claude, or the profile of the model here, as holo3"},
    {"MANTIS_CLAUDE_IMAGE_FORMAT", TEXT, AT(claude_image_format), "jpeg", 0, 0, 0, "of the screenshots that a Claude reader is sent: jpeg, jpg or png"},
    {"MANTIS_CLAUDE_IMAGE_QUALITY", WHOLE, AT(claude_image_quality), "85", 1, 95, 0, "of a jpeg"},
    {"MANTIS_VERIFY_MODEL", TEXT, AT(verify_model), "", 0, 0, 0,
     "Claude model that is asked first whether something shows; default claude-haiku-4-5-20251001"},
    {"MANTIS_VERIFY_ESCALATION_MODEL", TEXT, AT(verify_escalation_model), "", 0, 0, 0,
     "the one that decides when the first says no; default claude-sonnet-4-6"},
    {"MANTIS_PHONE_REEXTRACT", SWITCH, AT(phone_reextract), "1", 0, 0, 0, "look again for a telephone number that was not read"},
    {"MANTIS_PHONE_REEXTRACT_MODEL", TEXT, AT(phone_reextract_model), "", 0, 0, 0,
     "with this model; default the one that decides"},
    {"MANTIS_ENABLE_DOCS_UI", OWN_RULE, AT(docs_ui), "1", 0, 0, 0, "serve /docs and /redoc"},
    {"MANTIS_ENABLE_CONSOLE", SWITCH, AT(console), "1", 0, 0, 0, "serve /console"},
    {"MANTIS_DEPLOY_AGE_WARN", TEXT, AT(deploy_age_warn), "", 0, 0, 0,
     "a note about this deployment, shown with every failed run"},
    {"MANTIS_VERSION", TEXT, AT(version), MANTIS_VERSION, 0, 0, 0, "shown by /v1/version and in the OpenAPI document"},
    {"MANTIS_GIT_SHA", TEXT, AT(git_sha), "", 0, 0, 0, "shown by /v1/version"},
    {"MANTIS_BUILD_TIME", TEXT, AT(build_time), "", 0, 0, 0, "shown by /v1/version"},
    {"LOG_LEVEL", OWN_RULE, 0, "INFO", 0, 0, 0, "DEBUG, INFO, WARNING or ERROR"},
    {"MANTIS_LOG_FORMAT", OWN_RULE, 0, "json", 0, 0, 0, "anything else prints plain lines"},
};
/* clang-format on */

struct entry {
    const char *key, *value;
};

struct loader {
    struct pool *pool;
    struct entry *entries; /* of the config file */
    size_t n_entries;
    const char **warnings;
    int n_warnings;
};

static void warn(struct loader *ld, const char *text)
{
    if (ld->n_warnings < WARNINGS_MAX)
        ld->warnings[ld->n_warnings++] = text;
}

/* NULL when neither the environment nor the config file has a value. */
static const char *lookup(const struct loader *ld, const char *key)
{
    const char *value = getenv(key);
    if (value && *value)
        return value;
    for (size_t i = ld->n_entries; i-- > 0;)
        if (strcmp(ld->entries[i].key, key) == 0)
            return *ld->entries[i].value ? ld->entries[i].value : NULL;
    return NULL;
}

static bool known_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].key, key) == 0)
            return true;
    return false;
}

static int take_config_line(struct loader *ld, const char *path, int number, char *line,
                            struct err *err)
{
    char *key, *value;
    int r = input_key_value(line, &key, &value);
    if (r < 0)
        return err_set(err, r, "config file '%s' line %d: expected KEY=VALUE", path, number);
    if (r == 0)
        return 0;
    if (!known_key(key))
        warn(ld, pool_printf(ld->pool,
                             "config file '%s' line %d: '%s' is not a setting of this version",
                             path, number, key));
    ld->entries[ld->n_entries++] = (struct entry){key, value};
    return 0;
}

static int read_config(struct loader *ld, const char *path, struct err *err)
{
    char *text, *line, *rest;
    size_t len, lines = 1;
    struct err why = {0};
    if (input_read(ld->pool, path, CAP_SETTINGS_FILE_BYTES, &text, &len, &why))
        return err_set(err, E_INVALID, "config file: %s", why.msg);
    int r = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    ld->entries = pool_alloc(ld->pool, lines * sizeof(*ld->entries));
    rest = text;
    for (int number = 1; !r && (line = strsep(&rest, "\n")); number++)
        r = take_config_line(ld, path, number, line, err);
    return r;
}

static bool read_number(const char *text, double *out)
{
    char *end;
    double d = strtod(text, &end);
    if (end == text || !str_empty(end) || !isfinite(d))
        return false;
    *out = d;
    return true;
}

static bool read_switch(const char *text, bool *out)
{
    int v = strcasecmp(text, "enabled") == 0    ? 1
            : strcasecmp(text, "disabled") == 0 ? 0
                                                : str_switch(text);
    *out = v == 1;
    return v >= 0;
}

/* What the row takes, for messages. */
static const char *takes(struct pool *pool, const struct row *row)
{
    if (row->kind == SWITCH || row->kind == SWITCH_INVERTED)
        return "on or off";
    return pool_printf(pool, "a %snumber from %g to %g", row->kind == WHOLE ? "whole " : "",
                       row->min, row->max);
}

static bool store_number(const struct row *row, void *field, const char *text)
{
    double d;
    if (!read_number(text, &d))
        return false;
    if (row->flags & CLAMPED)
        d = fmin(fmax(d, row->min), row->max);
    if (d < row->min || d > row->max || (row->kind == WHOLE && d != floor(d)))
        return false;
    if (row->kind == WHOLE)
        *(int *)field = (int)d;
    else
        *(double *)field = d;
    return true;
}

static bool store_value(struct pool *pool, const struct row *row, struct settings *out,
                        const char *text)
{
    void *field = (char *)out + row->offset;
    bool on;
    switch (row->kind) {
    case OWN_RULE:
        return true;
    case TEXT:
        *(const char **)field = input_trim(pool_strdup(pool, text));
        return true;
    case WHOLE:
    case NUMBER:
        return store_number(row, field, text);
    case SWITCH:
    case SWITCH_INVERTED:
        if (!read_switch(text, &on))
            return false;
        *(bool *)field = row->kind == SWITCH ? on : !on;
        return true;
    }
    return false;
}

static int load_row(struct loader *ld, const struct row *row, struct settings *out, struct err *err)
{
    const char *text = lookup(ld, row->key);
    if (text && store_value(ld->pool, row, out, text))
        return 0;
    if (text && !(row->flags & LENIENT))
        return err_set(err, E_INVALID, "%s takes %s, not '%.80s'", row->key, takes(ld->pool, row),
                       text);
    if (text)
        warn(ld, pool_printf(ld->pool, "%s takes %s, not '%.80s'; using %s", row->key,
                             takes(ld->pool, row), text, row->def));
    if (!store_value(ld->pool, row, out, row->def))
        BUG("the default of %s is out of its own range", row->key);
    return 0;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int load_data_dir(struct loader *ld, struct settings *out, struct err *err)
{
    const char *dir = lookup(ld, "MANTIS_DATA_DIR"), *state = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    if (dir)
        out->data_dir = input_absolute(ld->pool, dir);
    else if (is_dir("/workspace/mantis-data"))
        out->data_dir = "/workspace/mantis-data";
    else if (geteuid() == 0)
        out->data_dir = "/var/lib/mantis";
    else if (state && *state == '/')
        out->data_dir = pool_printf(ld->pool, "%s/mantis", state);
    else if (home && *home == '/')
        out->data_dir = pool_printf(ld->pool, "%s/.local/state/mantis", home);
    else
        return err_set(err, E_INVALID,
                       "there is no data directory: set MANTIS_DATA_DIR (HOME is not set)");
    return 0;
}

/* The parent of the program's directory when it is this project's source tree, else NULL. */
static const char *source_tree(struct pool *pool)
{
    const char *parent = pool_printf(pool, "%s/..", file_program_dir(pool));
    if (!is_dir(pool_printf(pool, "%s/plans", parent)) ||
        access(pool_printf(pool, "%s/meson.build", parent), F_OK))
        return NULL;
    char *real = realpath(parent, NULL);
    const char *result = real ? pool_strdup(pool, real) : NULL;
    free(real);
    return result;
}

/* NULL: it is not set. */
static int load_given_dir(struct loader *ld, const char *key, const char **out, struct err *err)
{
    const char *given = lookup(ld, key);
    if (given && !is_dir(given))
        return err_set(err, E_INVALID, "%s is not a directory: '%.200s'", key, given);
    *out = given ? input_absolute(ld->pool, given) : NULL;
    return 0;
}

static int load_roots(struct loader *ld, struct settings *out, struct err *err)
{
    const char *given, *profiles, *prompts, *tree = source_tree(ld->pool);
    const char *installed = pool_printf(ld->pool, "%s/../share/mantis", file_program_dir(ld->pool));
    int r = load_given_dir(ld, "MANTIS_REPO_ROOT", &given, err);
    r = r ? r : load_given_dir(ld, "MANTIS_PROFILES_DIR", &profiles, err);
    r = r ? r : load_given_dir(ld, "MANTIS_PROMPTS_DIR", &prompts, err);
    if (r)
        return r;
    out->profiles_dir = profiles ? profiles : "";
    out->prompts_dir = prompts ? prompts : "";
    out->repo_root = given ? given : tree ? tree : installed;
    out->share_dir = tree ? tree : installed;
    if (is_dir(pool_printf(ld->pool, "%s/sites", out->repo_root)))
        out->share_dir = out->repo_root;
    return 0;
}

static void load_brain(struct loader *ld, struct settings *out)
{
    const char *brain = lookup(ld, "MANTIS_BRAIN");
    if (!brain)
        brain = lookup(ld, "MANTIS_MODEL");
    out->brain = pool_strdup(ld->pool, brain ? brain : "page");
}

/* Empty is not unset here: an adapter needs a name (serving.md section 2.2). */
static int load_selftest(struct loader *ld, struct settings *out, struct err *err)
{
    static const char *const names[] = {
        [SELFTEST_OFF] = "off", [SELFTEST_WARN] = "warn", [SELFTEST_STRICT] = "strict"};
    const char *text = lookup(ld, "MANTIS_SELFTEST");
    out->selftest = SELFTEST_WARN;
    for (size_t i = 0; text && i < ARRAY_SIZE(names); i++)
        if (!strcasecmp(text, names[i])) {
            out->selftest = (int)i;
            return 0;
        }
    return text ? err_set(err, E_INVALID, "MANTIS_SELFTEST must be off, warn or strict, not '%.40s'",
                          text)
                : 0;
}

static void load_lora_name(struct loader *ld, struct settings *out)
{
    const char *name = getenv("MANTIS_LORA_NAME");
    for (size_t i = ld->n_entries; !name && i-- > 0;)
        if (strcmp(ld->entries[i].key, "MANTIS_LORA_NAME") == 0)
            name = ld->entries[i].value;
    out->lora_name = name ? input_trim(pool_strdup(ld->pool, name)) : NULL;
}

static const char *secrets_dir(const struct loader *ld)
{
    const char *dir = lookup(ld, "MANTIS_SECRETS_DIR");
    return input_absolute(ld->pool, dir ? dir : "/secrets");
}

/* A file that is not there is no token; one that cannot be used must not look like that. */
static int read_token_file(struct loader *ld, const struct settings *s, const char **out,
                           struct err *err)
{
    const char *path = pool_printf(ld->pool, "%s/mantis_api_token", s->secrets_dir);
    char *text;
    size_t len;
    struct err why = {0};
    int r = input_read(ld->pool, path, CAP_TOKEN_BYTES, &text, &len, &why);
    if (!r)
        *out = input_trim(text);
    return r && r != E_NOT_FOUND ? err_set(err, E_INVALID, "secret mantis_api_token: %s", why.msg)
                                 : 0;
}

/* Who may call: keys file, keys document or one token. Two answers would be a guess about who
 * gets in, so they are refused. */
static int load_callers(struct loader *ld, struct settings *out, struct err *err)
{
    const char *path = lookup(ld, "MANTIS_TENANT_KEYS_PATH");
    const char *json = lookup(ld, "MANTIS_TENANT_KEYS_JSON");
    const char *token = lookup(ld, "MANTIS_API_TOKEN");
    if (path && json)
        return err_set(err, E_INVALID,
                       "MANTIS_TENANT_KEYS_PATH and MANTIS_TENANT_KEYS_JSON are both set; unset "
                       "the one that does not count");
    if (json && strlen(json) > CAP_TENANT_KEYS_BYTES)
        return err_set(err, E_INVALID, "MANTIS_TENANT_KEYS_JSON is larger than %u bytes",
                       CAP_TENANT_KEYS_BYTES);
    if (token && strlen(token) > CAP_TOKEN_BYTES)
        return err_set(err, E_INVALID, "MANTIS_API_TOKEN is longer than %d bytes", CAP_TOKEN_BYTES);
    out->tenant_keys_path = path ? input_absolute(ld->pool, path) : "";
    out->tenant_keys_json = json ? pool_strdup(ld->pool, json) : "";
    out->api_token = token ? input_trim(pool_strdup(ld->pool, token)) : "";
    if (!path && !json)
        return token ? 0 : read_token_file(ld, out, &out->api_token, err);
    if (token)
        warn(ld, "MANTIS_API_TOKEN is ignored: the tenant keys say who may call");
    out->api_token = "";
    return 0;
}

/* Everything but a clear yes turns the pages off (http-api.md section 2). */
static void load_docs_ui(struct loader *ld, struct settings *out)
{
    const char *text = lookup(ld, "MANTIS_ENABLE_DOCS_UI");
    out->docs_ui = !text || str_switch(text) == 1;
}

/* log_setup() reads the environment; a value from the config file is put there. */
static void export_log_settings(struct loader *ld)
{
    static const char *const keys[] = {"LOG_LEVEL", "MANTIS_LOG_FORMAT"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *value = lookup(ld, keys[i]);
        if (value)
            setenv(keys[i], value, 1);
    }
}

void settings_hide_secrets(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *value = rows[i].flags & SECRET ? getenv(rows[i].key) : NULL;
        if (value) {
            explicit_bzero(value, strlen(value));
            unsetenv(rows[i].key);
        }
    }
}

const char *settings_keys_path(struct pool *pool, const char *given)
{
    struct loader ld = {.pool = pool};
    const char *path = given && *given ? given : lookup(&ld, "MANTIS_TENANT_KEYS_PATH");
    return path ? input_absolute(pool, path)
                : pool_printf(pool, "%s/mantis_tenant_keys", secrets_dir(&ld));
}

const char *settings_anthropic_key(struct pool *pool)
{
    struct loader ld = {.pool = pool};
    const char *key = lookup(&ld, "ANTHROPIC_API_KEY");
    return key ? input_trim(pool_strdup(pool, key))
               : secret_read(pool, secrets_dir(&ld), "anthropic_api_key");
}

int settings_data_dir(struct pool *pool, const char *config_path, const char *given,
                      const char **out, struct err *err)
{
    const char *warnings[WARNINGS_MAX + 1];
    struct loader ld = {.pool = pool, .warnings = warnings};
    struct settings found = {.data_dir = given ? input_absolute(pool, given) : NULL};
    int r = config_path ? read_config(&ld, config_path, err) : 0;
    if (!r && !given)
        r = load_data_dir(&ld, &found, err);
    *out = found.data_dir;
    return r;
}

int settings_roots(struct pool *pool, struct settings *out, struct err *err)
{
    struct loader ld = {.pool = pool};
    *out = (struct settings){0};
    return load_roots(&ld, out, err);
}

int settings_load(struct pool *pool, const char *config_path, struct settings *out,
                  const char *const **ret_warnings, struct err *err)
{
    struct loader ld = {.pool = pool};
    struct settings loaded = {.host = "0.0.0.0", .port = 8000};
    int r = 0;
    ld.warnings = pool_alloc(pool, (WARNINGS_MAX + 1) * sizeof(*ld.warnings));
    if (config_path)
        r = read_config(&ld, config_path, err);
    for (size_t i = 0; !r && i < ARRAY_SIZE(rows); i++)
        r = load_row(&ld, &rows[i], &loaded, err);
    loaded.secrets_dir = secrets_dir(&ld);
    if (!r)
        r = load_callers(&ld, &loaded, err);
    if (!r)
        r = load_data_dir(&ld, &loaded, err);
    if (!r)
        r = load_roots(&ld, &loaded, err);
    if (!r)
        r = load_selftest(&ld, &loaded, err);
    if (r)
        return r;
    load_brain(&ld, &loaded);
    load_lora_name(&ld, &loaded);
    load_docs_ui(&ld, &loaded);
    export_log_settings(&ld);
    *out = loaded;
    *ret_warnings = ld.warnings;
    return 0;
}

char *settings_help(struct pool *pool)
{
    char *text = pool_strdup(pool, "");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *def = *rows[i].def ? pool_printf(pool, " [%s]", rows[i].def) : "";
        text = pool_printf(pool, "%s  %-28s %s%s\n", text, rows[i].key, rows[i].help, def);
    }
    return text;
}
