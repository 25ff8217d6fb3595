#include "engine/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "engine/model_check.h"
#include "sys/input.h"
#include "sys/proc.h"

#define ARGS_MAX      64
#define WARNINGS_MAX  8
#define IMAGE_TOKENS  1024 /* of a full-HD frame, rounded up: one micro-batch must take it */
#define LLAMA_CONTEXT 8192
#define VLLM_CONTEXT  32768
#define LLAMA_START_S 360
#define VLLM_START_S  900
#define FARA_DIR      "/models/fara" /* as settings.c has them */
#define FARA_REPO     "microsoft/Fara-7B"

/* --- before the start --------------------------------------------------------------------------- */

struct preparation {
    struct pool *pool;
    struct launch launch;
    const char **warnings;
    int n_warnings;
    struct err *err;
};

static void warn(struct preparation *p, const char *text)
{
    if (p->n_warnings < WARNINGS_MAX)
        p->warnings[p->n_warnings++] = text;
}

static const struct settings_weights *weights_of(const struct launch *l)
{
    return (const struct settings_weights *)((const char *)l->settings + l->base->weights);
}

/* As many as runs at a time, if each then has room for a prompt with images. */
static int count_slots(struct preparation *p)
{
    const struct launch *l = &p->launch;
    int wanted = l->settings->concurrency, fit = l->context / LAUNCH_SLOT_TOKENS;
    fit = fit > 1 ? fit : 1;
    if (wanted <= fit)
        return wanted;
    warn(p, pool_printf(p->pool,
                        "MANTIS_CONTEXT_SIZE=%d is shared by all slots and is enough for %d, not for "
                        "the %d of MANTIS_RUNTIME_CONCURRENCY: each needs %d tokens",
                        l->context, fit, wanted, LAUNCH_SLOT_TOKENS));
    return fit;
}

static void warn_of_llama(struct preparation *p)
{
    const struct launch *l = &p->launch;
    if (l->settings->ubatch_size < IMAGE_TOKENS)
        warn(p, pool_printf(p->pool,
                            "MANTIS_UBATCH_SIZE=%d is less than the tokens of one image (%d)",
                            l->settings->ubatch_size, IMAGE_TOKENS));
    if (l->weights.context_length && l->context > l->weights.context_length)
        warn(p, pool_printf(p->pool, "MANTIS_CONTEXT_SIZE=%d is more than the %lld of the model",
                            l->context, (long long)l->weights.context_length));
    if (l->weights.n_unknown)
        warn(p, pool_printf(p->pool,
                            "%zu tensors of '%.200s' are of a type that this version does not know",
                            l->weights.n_unknown, l->model));
}

static int check_llama_files(struct preparation *p)
{
    struct launch *l = &p->launch;
    const struct model_file *weights = &l->files.weights, *projector = &l->files.projector;
    int r = model_check_weights(p->pool, weights->variable, weights->path, &l->weights, p->err);
    if (!r)
        r = model_check_projector(p->pool, projector->variable, projector->path, p->err);
    if (!r && l->lora.path)
        r = model_check_adapter(p->pool, "MANTIS_LORA_ADAPTER", l->lora.path, &l->weights, p->err);
    return r;
}

static int prepare_llama(struct preparation *p)
{
    struct launch *l = &p->launch;
    const struct settings_weights *where = weights_of(l);
    int r = lora_resolve(p->pool, l->settings, l->base, &l->lora, p->err);
    r = r ? r : model_files_find(p->pool, l->base->variables, where, &l->files, p->err);
    r = r ? r : lora_check_alone(&l->lora, l->base, l->files.weights.path, p->err);
    r = r ? r : check_llama_files(p);
    if (r)
        return r;
    l->model = l->files.weights.path;
    l->context = l->settings->context_size ? l->settings->context_size : LLAMA_CONTEXT;
    l->start_timeout_s = LLAMA_START_S;
    l->log_path = "/tmp/llama.log";
    l->slots = count_slots(p);
    warn_of_llama(p);
    return 0;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A challenger that is not where it was said to be must not become the base. */
static int check_download(struct preparation *p)
{
    const struct settings *s = p->launch.settings;
    bool elsewhere = strcmp(s->fara_model_dir, FARA_DIR) != 0;
    bool challenger = *s->model_tag || str_contains_fold(s->fara_model_dir, "challenger");
    if (!elsewhere || !challenger || strcmp(s->fara_repo, FARA_REPO) != 0)
        return 0;
    return err_set(p->err, E_NOT_FOUND,
                   "MANTIS_FARA_MODEL_DIR: there is no directory '%.200s', and the base '" FARA_REPO
                   "' is not served in a challenger's place: mount it there, or name its repository in "
                   "MANTIS_FARA_REPO",
                   s->fara_model_dir);
}

static int prepare_vllm(struct preparation *p)
{
    struct launch *l = &p->launch;
    const struct settings *s = l->settings;
    l->context = s->context_size ? s->context_size : VLLM_CONTEXT;
    l->start_timeout_s = s->vllm_timeout_s ? s->vllm_timeout_s : VLLM_START_S;
    l->log_path = "/tmp/vllm.log";
    bool there = is_dir(s->fara_model_dir); /* the server is not where we are: it gets the whole path */
    l->model = there ? input_absolute(p->pool, s->fara_model_dir) : s->fara_repo;
    if (!there)
        warn(p, pool_printf(p->pool,
                            "MANTIS_FARA_MODEL_DIR: there is no directory '%.200s'; '%.100s' is "
                            "downloaded instead",
                            s->fara_model_dir, s->fara_repo));
    int r = lora_resolve(p->pool, s, l->base, &l->lora, p->err);
    r = r || there ? r : check_download(p);
    r = r ? r : lora_check_alone(&l->lora, l->base, l->model, p->err);
    if (!r && l->lora.path && l->lora.scale != 1.0)
        warn(p, "MANTIS_LORA_SCALE: vLLM serves an adapter at its own scale, this one is not used");
    return r;
}

int launch_prepare(struct pool *pool, const struct settings *settings, struct launch *out,
                   struct err *err)
{
    struct preparation p = {.pool = pool, .err = err};
    struct launch *l = &p.launch;
    l->settings = settings;
    l->base = engine_base_find(settings->brain);
    p.warnings = pool_alloc(pool, (WARNINGS_MAX + 1) * sizeof(*p.warnings));
    if (!l->base) { /* an adapter for no model is said first: it would go unserved */
        int r = lora_resolve(pool, settings, NULL, &l->lora, err);
        return r ? r
                 : err_set(err, E_INVALID,
                           "for the brain '%.80s' (MANTIS_BRAIN, MANTIS_MODEL) no model server is started: set it "
                           "to one of %s, or name a server that runs already in MANTIS_MODEL_URL",
                           settings->brain, engine_base_names(pool));
    }
    int r = l->base->engine == ENGINE_VLLM ? prepare_vllm(&p) : prepare_llama(&p);
    if (r)
        return r;
    if (*settings->model_log)
        l->log_path = settings->model_log;
    if (settings->model_start_timeout_s)
        l->start_timeout_s = settings->model_start_timeout_s;
    l->request_model = l->lora.name ? l->lora.name : l->base->served_name;
    l->warnings = p.warnings;
    *out = *l;
    return 0;
}

/* --- the command -------------------------------------------------------------------------------- */

struct args {
    struct pool *pool;
    const char **items;
    int n;
};

static void add(struct args *a, const char *item)
{
    if (a->n == ARGS_MAX)
        BUG("more than %d arguments", ARGS_MAX);
    a->items[a->n++] = item;
}

/* A name is looked for by who starts it; a path must hold from there, too. */
static void add_program(struct args *a, const char *program)
{
    add(a, strchr(program, '/') ? input_absolute(a->pool, program) : program);
}

static void add_pair(struct args *a, const char *flag, const char *value)
{
    add(a, flag);
    add(a, value);
}

static void add_number(struct args *a, const char *flag, int value)
{
    add_pair(a, flag, pool_printf(a->pool, "%d", value));
}

/* "0.90", "0.925": at least two digits behind the point, and as many as it takes. */
static const char *share_text(struct pool *pool, double share)
{
    const char *text = "";
    for (int digits = 2; digits <= 9; digits++) {
        text = pool_printf(pool, "%.*f", digits, share);
        if (strtod(text, NULL) == share)
            break;
    }
    return text;
}

static void add_llama_lora(struct args *a, const struct lora *lora)
{
    if (!lora->path)
        return;
    if (lora->scale == 1.0)
        add_pair(a, "--lora", lora->path);
    else /* one argument: llama.cpp b8948 knows no other form */
        add_pair(a, "--lora-scaled", pool_printf(a->pool, "%s:%.9g", lora->path, lora->scale));
}

static void add_llama(struct args *a, const struct launch *l, int port)
{
    add_program(a, l->settings->llama_server);
    add_pair(a, "-m", l->model);
    add_pair(a, "--host", "127.0.0.1");
    add_number(a, "--port", port);
    add_pair(a, "-ngl", "99");
    add_number(a, "-c", l->context);
    add_number(a, "-ub", l->settings->ubatch_size);
    add_pair(a, "--fit", "off");
    add_pair(a, "--mmproj", l->files.projector.path);
    add(a, "--jinja");
    add_pair(a, "--flash-attn", "on");
    if (l->base->reasoning_budget)
        add_pair(a, "--reasoning-budget", l->base->reasoning_budget);
    add_number(a, "--parallel", l->slots);
    add_llama_lora(a, &l->lora);
}

int launch_check_program(struct pool *pool, const struct launch *launch, struct err *err)
{
    const char *program = *launch_argv(pool, launch, 0);
    if (proc_find_program(pool, program))
        return 0;
    return err_set(err, E_NOT_FOUND, "there is no program '%.200s': install it, or set %s to where it is", program,
                   launch->base->engine == ENGINE_VLLM ? "MANTIS_VLLM_SERVER" : "MANTIS_LLAMA_SERVER");
}

static void add_vllm(struct args *a, const struct launch *l, int port)
{
    const struct settings *s = l->settings;
    if (*s->vllm_server) {
        add_program(a, s->vllm_server);
    } else {
        add_pair(a, "python3", "-m");
        add(a, "vllm.entrypoints.openai.api_server");
    }
    add_pair(a, "--model", l->model);
    add_pair(a, "--served-model-name", l->base->served_name);
    add_pair(a, "--host", "127.0.0.1");
    add_number(a, "--port", port);
    add(a, "--trust-remote-code");
    add_pair(a, "--gpu-memory-utilization", share_text(a->pool, s->vllm_gpu_util));
    add_number(a, "--max-model-len", l->context);
    add_pair(a, "--dtype", s->vllm_dtype);
    add(a, "--enable-auto-tool-choice");
    add_pair(a, "--tool-call-parser", s->fara_tool_parser);
    if (!l->lora.path)
        return;
    add(a, "--enable-lora");
    add_pair(a, "--lora-modules", pool_printf(a->pool, "%s=%s", l->lora.name, l->lora.path));
    add_number(a, "--max-lora-rank", LORA_MAX_RANK);
}

const char *const *launch_argv(struct pool *pool, const struct launch *launch, int port)
{
    struct args a = {.pool = pool,
                     .items = pool_alloc(pool, (ARGS_MAX + 1) * sizeof(const char *))};
    if (launch->base->engine == ENGINE_VLLM)
        add_vllm(&a, launch, port);
    else
        add_llama(&a, launch, port);
    return a.items;
}
