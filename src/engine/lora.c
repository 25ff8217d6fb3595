#include "engine/lora.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/json.h"
#include "base/str.h"

#define ADAPTER "MANTIS_LORA_ADAPTER"

struct request {
    struct pool *pool;
    const struct settings *settings;
    const struct engine_base *base; /* NULL none */
    struct err *err;
};

static int refuse(const struct request *q, const char *why)
{
    return err_set(q->err, E_INVALID, ADAPTER "='%.200s': %s", q->settings->lora_adapter, why);
}

/* A variable that looks as if it asked for a challenger, but is none of ours, and its value. */
static const char *challenger_variable(struct pool *pool)
{
    static const char prefix[] = "MANTIS_CHALLENGER";
    for (char **e = environ; e && *e; e++) {
        const char *eq = strchr(*e, '=');
        if (str_starts(*e, prefix) && eq && !str_empty(eq + 1))
            return pool_printf(pool, "%.*s='%.160s'", (int)(eq - *e), *e, eq + 1);
    }
    return NULL;
}

/* serving.md section 2.3: "<volume>:/path". */
static bool names_volume(const char *ref)
{
    size_t n = 0;
    while (isalnum((unsigned char)ref[n]) || (n && ref[n] && strchr("_.-", ref[n])))
        n++;
    return n && ref[n] == ':' && ref[n + 1] == '/' && ref[n + 2];
}

static int check_reference(const struct request *q)
{
    const char *ref = q->settings->lora_adapter;
    if (!q->base)
        return err_set(q->err, E_INVALID,
                       ADAPTER "='%.160s': the brain '%.60s' (MANTIS_BRAIN, MANTIS_MODEL) takes no "
                       "adapter: unset it, or serve one of %.60s",
                       ref, q->settings->brain, engine_base_names(q->pool));
    if (names_volume(ref))
        return refuse(q, "it names a volume, and this host has none: give an absolute path");
    if (ref[0] != '/')
        return refuse(q, "it takes an absolute path");
    if (q->base->no_adapter)
        return refuse(q, "adapters of this model are known to fail in llama.cpp: merge it and point "
                         "MANTIS_HOLO3_GGUF at the merged model");
    if (q->base->engine == ENGINE_LLAMA && !str_ends(ref, ".gguf"))
        return refuse(q, "llama.cpp takes a .gguf file, and there is no converter here: convert it "
                         "first");
    if (q->base->engine == ENGINE_LLAMA && strpbrk(ref, ",:"))
        return refuse(q, "llama.cpp cannot take a path with ',' or ':' in it: rename it");
    if (q->base->engine == ENGINE_VLLM && strpbrk(ref, ",="))
        return refuse(q, "vLLM cannot take a path with ',' or '=' in it: rename it");
    if (q->base->engine == ENGINE_VLLM && str_ends(ref, ".gguf"))
        return refuse(q, "vLLM takes the directory of a PEFT adapter, not a .gguf file");
    return 0;
}

static int check_there(const struct request *q)
{
    struct stat st;
    bool vllm = q->base->engine == ENGINE_VLLM;
    if (stat(q->settings->lora_adapter, &st))
        return refuse(q, vllm ? "there is no such directory" : "there is no such file");
    if (vllm ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return refuse(q, vllm ? "it is no directory" : "it is no file");
    return 0;
}

/* vLLM refuses a higher rank than it was started with, minutes later. */
static int check_rank(const struct request *q)
{
    json_t *config;
    const char *path = pool_printf(q->pool, "%s/adapter_config.json", q->settings->lora_adapter);
    if (access(path, F_OK))
        return 0;
    int r = json_parse_file(path, &config, q->err);
    if (r)
        return err_prefix(q->err, ADAPTER);
    int64_t rank = json_int(json_keep(q->pool, config), "r", 0);
    if (rank <= LORA_MAX_RANK)
        return 0;
    return err_set(q->err, E_INVALID, ADAPTER "='%.200s': it has rank %lld, at most %d can be served",
                   q->settings->lora_adapter, (long long)rank, LORA_MAX_RANK);
}

static int read_scale(const struct request *q, double *out)
{
    const char *text = q->settings->lora_scale;
    char *end;
    *out = 1.0;
    if (!*text)
        return 0;
    *out = strtod(text, &end);
    if (*end || !isfinite(*out) || strspn(text, "+-.0123456789eE") != strlen(text))
        return err_set(q->err, E_INVALID, "MANTIS_LORA_SCALE takes a number, not '%.80s'", text);
    return 0;
}

static int read_name(const struct request *q, const char **out)
{
    static const char *const rule = "a name without ',' and '=', other than 'model'";
    const char *name = q->settings->lora_name;
    *out = name ? name : "challenger";
    if (!name || (!str_empty(name) && !strpbrk(name, ",=") && strcmp(name, "model") != 0))
        return 0;
    return err_set(q->err, E_INVALID, "MANTIS_LORA_NAME takes %s, not '%.80s'", rule, name);
}

/* The last n parts of a path. */
static const char *path_tail(const char *path, int n)
{
    const char *at = path + strlen(path);
    while (at > path && at[-1] == '/')
        at--;
    for (; at > path; at--)
        if (at[-1] == '/' && --n == 0)
            break;
    return at;
}

static const char *tag_of(struct pool *pool, const char *reference)
{
    char digest[9];
    const char *name = path_tail(reference, 1);
    id_sha1_hex(reference, strlen(reference), digest, sizeof(digest));
    return pool_printf(pool, "%.*s-%s", (int)strcspn(name, "/"), name, digest);
}

int lora_check_alone(const struct lora *lora, const struct engine_base *base, const char *model,
                     struct err *err)
{
    int parts = base->engine == ENGINE_LLAMA ? 2 : 1; /* a file and its directory, or a directory */
    if (!lora->path || !str_contains_fold(path_tail(model, parts), "challenger"))
        return 0;
    return err_set(err, E_INVALID,
                   ADAPTER "='%.160s': the model is a challenger itself, '%.200s': serve one of the "
                   "two",
                   lora->path, model);
}

int lora_check_variables(struct pool *pool, struct err *err)
{
    const char *unknown = challenger_variable(pool);
    if (!unknown)
        return 0;
    return err_set(err, E_INVALID,
                   "%.260s is set, but there is no such variable: a challenger is an adapter in " ADAPTER
                   ", or a whole model in MANTIS_<MODEL>_GGUF",
                   unknown);
}

int lora_resolve(struct pool *pool, const struct settings *settings, const struct engine_base *base,
                 struct lora *out, struct err *err)
{
    struct request q = {pool, settings, base, err};
    struct lora found = {.scale = 1.0, .tag = ""};
    int r = lora_check_variables(pool, err);
    if (r)
        return r;
    *out = found;
    if (str_empty(settings->lora_adapter))
        return 0;
    r = check_reference(&q);
    r = r ? r : check_there(&q);
    r = r ? r : read_scale(&q, &found.scale);
    if (!r && base->engine == ENGINE_VLLM)
        r = read_name(&q, &found.name);
    if (!r && base->engine == ENGINE_VLLM)
        r = check_rank(&q);
    if (r)
        return r;
    found.path = settings->lora_adapter;
    found.tag = tag_of(pool, found.path);
    *out = found;
    return 0;
}
