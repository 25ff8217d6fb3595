/* The command of the model server for every combination of variables, and what ends a start (serving.md
 * sections 1.2, 1.3 and 2.2). */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "engine/launch.h"
#include "sys/file.h"
#include "tools/gguf_maker.h"

#define PORT 18080

static struct pool *pool;
static char dir[64];
static struct settings settings;
static struct launch launch;
static struct err err;

static void put_made(const char *name, struct gguf_maker *m)
{
    struct buf file;
    gguf_maker_finish(m, &file);
    assert_int_equal(file_write_soon(pool_printf(pool, "%s/%s", dir, name), file.data, file.len, 0644, NULL), 0);
    buf_release(&file);
    gguf_maker_release(m);
}

static void put_model(const char *name, const char *architecture)
{
    struct gguf_maker m;
    gguf_maker_init(&m);
    gguf_small_model(&m, architecture, "m");
    put_made(name, &m);
}

static void put_adapter(const char *name, const char *architecture)
{
    struct gguf_maker m;
    gguf_maker_init(&m);
    gguf_small_adapter(&m, architecture);
    put_made(name, &m);
}

static void put_projector(const char *name)
{
    struct gguf_maker m;
    gguf_maker_init(&m);
    gguf_small_projector(&m);
    put_made(name, &m);
}

static void make_dir(const char *name)
{
    assert_int_equal(mkdir(pool_printf(pool, "%s/%s", dir, name), 0755), 0);
}

static void put_text(const char *name, const char *text)
{
    assert_int_equal(file_write_soon(pool_printf(pool, "%s/%s", dir, name), text, strlen(text), 0644, NULL), 0);
}

/* holo3/, gemma4/ and fara/ with their files, adapters beside them. */
static int set_up(void **state)
{
    pool = pool_create(NULL);
    clearenv();
    snprintf(dir, sizeof(dir), "/tmp/test_launch_XXXXXX");
    assert_non_null(mkdtemp(dir));
    err_clear(&err);
    static const char *const dirs[] = {"holo3", "gemma4", "fara", "peft", "peft_128", "challenger", "empty"};
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
        make_dir(dirs[i]);
    put_model("holo3/m.Q8_0.gguf", "qwen35moe");
    put_projector("holo3/mmproj.gguf");
    put_model("gemma4/m.Q8_0.gguf", "gemma4");
    put_projector("gemma4/mmproj.gguf");
    put_model("challenger/m.Q8_0.gguf", "gemma4");
    put_projector("challenger/mmproj.gguf");
    put_model("gemma4/Challenger.gguf", "gemma4"); /* behind the q8_0 one */
    put_model("empty/m.Q8_0.gguf", "gemma4"); /* no projector */
    put_adapter("x.gguf", "gemma4");
    put_adapter("y,1.gguf", "gemma4");
    put_adapter("holo3.gguf", "qwen35moe");
    put_text("peft/adapter_config.json", "{\"r\": 16}");
    put_text("peft_128/adapter_config.json", "{\"r\": 128}");
    return 0;
}

static int tear_down(void **state)
{
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

/* text with every $D the directory. */
static char *with_dir(const char *text)
{
    char *out = pool_strdup(pool, "");
    const char *at;
    while ((at = strstr(text, "$D"))) {
        out = pool_printf(pool, "%s%.*s%s", out, (int)(at - text), text, dir);
        text = at + 2;
    }
    return pool_printf(pool, "%s%s", out, text);
}

/* "A=1 B=2"; the directories of the three models unless it says another. */
static int prepare(const char *env)
{
    const char *const *warnings;
    setenv("HOME", "/home/nobody", 1);
    setenv("MANTIS_SECRETS_DIR", dir, 1);
    setenv("MANTIS_HOLO3_MODEL_DIR", with_dir("$D/holo3"), 1);
    setenv("MANTIS_GEMMA4_MODEL_DIR", with_dir("$D/gemma4"), 1);
    setenv("MANTIS_FARA_MODEL_DIR", with_dir("$D/fara"), 1);
    char *rest = with_dir(env), *word;
    while ((word = strsep(&rest, " "))) {
        char *eq = strchr(word, '=');
        assert_non_null(eq);
        *eq = '\0';
        for (char *p = eq + 1; *p; p++)
            *p = *p == '~' ? ' ' : *p;
        setenv(word, eq + 1, 1);
    }
    assert_int_equal(settings_load(pool, NULL, &settings, &warnings, &err), 0);
    return launch_prepare(pool, &settings, &launch, &err);
}

static const char *joined(const char *const *argv)
{
    const char *text = *argv;
    while (*++argv)
        text = pool_printf(pool, "%s %s", text, *argv);
    return text;
}

/* clang-format off */
/* --- commands ----------------------------------------------------------------------------------- */

#define LLAMA "/opt/llama.cpp/build/bin/llama-server"
#define FLAGS "--jinja --flash-attn on"
#define HOLO3 LLAMA " -m $D/holo3/m.Q8_0.gguf --host 127.0.0.1 --port 18080 -ngl 99 "
#define HOLO3_EYES "--fit off --mmproj $D/holo3/mmproj.gguf " FLAGS
#define GEMMA4                                                                                     \
    LLAMA " -m $D/gemma4/m.Q8_0.gguf --host 127.0.0.1 --port 18080 -ngl 99 -c 8192 -ub 2048 "      \
          "--fit off --mmproj $D/gemma4/mmproj.gguf " FLAGS " --reasoning-budget 512 --parallel 1"
#define VLLM "python3 -m vllm.entrypoints.openai.api_server"
#define FARA_HEAD "--served-model-name model --host 127.0.0.1 --port 18080 --trust-remote-code "
#define FARA_TAIL " --enable-auto-tool-choice --tool-call-parser hermes"
#define FARA                                                                                       \
    VLLM " --model $D/fara " FARA_HEAD "--gpu-memory-utilization 0.90 --max-model-len 32768 --dtype auto" FARA_TAIL
#define PEFT(name) " --enable-lora --lora-modules " name "=$D/peft --max-lora-rank 64"

static const struct argv_case {
    const char *row, *env, *argv, *model;
} argv_cases[] = {
    {"serving 1.2 holo3 by default", "MANTIS_BRAIN=holo3", HOLO3 "-c 8192 -ub 2048 " HOLO3_EYES " --parallel 1", "holo3"},
    {"serving 1.2 MANTIS_MODEL names it too", "MANTIS_MODEL=holo3", HOLO3 "-c 8192 -ub 2048 " HOLO3_EYES " --parallel 1",
     "holo3"},
    {"serving 1.2 context and micro-batch", "MANTIS_BRAIN=holo3 MANTIS_CONTEXT_SIZE=32768 MANTIS_UBATCH_SIZE=4096",
     HOLO3 "-c 32768 -ub 4096 " HOLO3_EYES " --parallel 1", "holo3"},
    {"serving 1.2 as many slots as runs", "MANTIS_BRAIN=holo3 MANTIS_CONTEXT_SIZE=32768 MANTIS_RUNTIME_CONCURRENCY=4",
     HOLO3 "-c 32768 -ub 2048 " HOLO3_EYES " --parallel 4", "holo3"},
    {"serving 1.2 a slot still holds a prompt with images",
     "MANTIS_BRAIN=holo3 MANTIS_CONTEXT_SIZE=32768 MANTIS_RUNTIME_CONCURRENCY=9",
     HOLO3 "-c 32768 -ub 2048 " HOLO3_EYES " --parallel 4", "holo3"},
    {"serving 1.2 another program", "MANTIS_BRAIN=gemma4 MANTIS_LLAMA_SERVER=/bin/x MANTIS_GEMMA4_GGUF=m.Q8_0.gguf",
     "/bin/x -m $D/gemma4/m.Q8_0.gguf --host 127.0.0.1 --port 18080 -ngl 99 -c 8192 -ub 2048 --fit off --mmproj "
     "$D/gemma4/mmproj.gguf " FLAGS " --reasoning-budget 512 --parallel 1", "gemma4-cua"},
    {"serving 1.1 gemma4 is gemma4-cua", "MANTIS_BRAIN=gemma4", GEMMA4, "gemma4-cua"},
    {"serving 2.1 a merged model, the projector elsewhere",
     "MANTIS_BRAIN=holo3 MANTIS_HOLO3_MODEL_DIR=$D/challenger MANTIS_HOLO3_MMPROJ=$D/holo3/mmproj.gguf",
     LLAMA " -m $D/challenger/m.Q8_0.gguf --host 127.0.0.1 --port 18080 -ngl 99 -c 8192 -ub 2048 " HOLO3_EYES
           " --parallel 1",
     "holo3"},
    {"serving 1.3 fara by default", "MANTIS_BRAIN=fara", FARA, "model"},
    {"serving 1.3 fara is downloaded without its directory", "MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=/nowhere",
     VLLM " --model microsoft/Fara-7B " FARA_HEAD
          "--gpu-memory-utilization 0.90 --max-model-len 32768 --dtype auto" FARA_TAIL,
     "model"},
    {"serving 1.3 every variable",
     "MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=/nowhere MANTIS_FARA_REPO=a/b MANTIS_CONTEXT_SIZE=4096 "
     "MANTIS_VLLM_GPU_UTIL=0.925 MANTIS_VLLM_DTYPE=bfloat16 MANTIS_FARA_TOOL_PARSER=other MANTIS_VLLM_SERVER=/bin/v",
     "/bin/v --model a/b " FARA_HEAD "--gpu-memory-utilization 0.925 --max-model-len 4096 --dtype bfloat16 "
     "--enable-auto-tool-choice --tool-call-parser other",
     "model"},
    {"serving 2.1 a merged Fara from its own repository",
     "MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=/nowhere/challenger MANTIS_FARA_REPO=org/challenger MANTIS_MODEL_TAG=arm-b",
     VLLM " --model org/challenger " FARA_HEAD "--gpu-memory-utilization 0.90 --max-model-len 32768 --dtype auto" FARA_TAIL,
     "model"},
    {"serving 2.2 a blank adapter is none", "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=~~", GEMMA4, "gemma4-cua"},
    {"serving 2.2 no adapter, scale and name alone do nothing",
     "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_SCALE=0.5 MANTIS_LORA_NAME=a=b", GEMMA4, "gemma4-cua"},
    {"serving 2.2 an adapter, no scale", "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf", GEMMA4 " --lora $D/x.gguf",
     "gemma4-cua"},
    {"serving 2.2 an adapter, scale 1.0", "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=1.0",
     GEMMA4 " --lora $D/x.gguf", "gemma4-cua"},
    {"serving 2.2 an adapter, scale 1", "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=1",
     GEMMA4 " --lora $D/x.gguf", "gemma4-cua"},
    {"serving 2.2 another scale is one argument",
     "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=0.50", GEMMA4 " --lora-scaled $D/x.gguf:0.5",
     "gemma4-cua"},
    {"serving 2.2 scale 0 is honoured", "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=0",
     GEMMA4 " --lora-scaled $D/x.gguf:0", "gemma4-cua"},
    {"serving 2.2 scales above 1 and below 0",
     "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=-1.25", GEMMA4 " --lora-scaled $D/x.gguf:-1.25",
     "gemma4-cua"},
    {"serving 2.2 llama.cpp has no use for a name",
     "MANTIS_BRAIN=gemma4-cua MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_NAME=model", GEMMA4 " --lora $D/x.gguf", "gemma4-cua"},
    {"serving 2.2 a directory on vLLM", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft", FARA PEFT("challenger"), "challenger"},
    {"serving 2.2 a directory on vLLM with a name", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_NAME=arm-b",
     FARA PEFT("arm-b"), "arm-b"},
    {"serving 2.2 vLLM has no use for a scale", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_SCALE=0.5",
     FARA PEFT("challenger"), "challenger"},
};
/* clang-format on */

static void launches(void **state)
{
    const struct argv_case *c = *state;
    set_up(NULL);
    if (prepare(c->env))
        fail_msg("%s", err.msg);
    assert_string_equal(joined(launch_argv(pool, &launch, PORT)), with_dir(c->argv));
    assert_string_equal(launch.request_model, c->model);
    tear_down(NULL);
}

/* --- every combination ---------------------------------------------------------------------------- */

/* The tables of serving.md sections 1.2, 1.3 and 2.2, said once more: what comes of one value of each. */
static const char *const bases[] = {"holo3", "gemma4-cua", "fara", "page", "claude"};
static const char *const adapters[] = {NULL, "~", "$D/x.gguf", "$D/peft", "x.gguf", "vol:/x.gguf", "/nowhere.gguf"};
static const char *const scales[] = {NULL, "1.0", "0", "0.5", "half"};
static const char *const names[] = {NULL, "arm-b", "", "a=b", "a,b", "model"};
static const char *const contexts[] = {NULL, "32768"};
static const char *const ubatches[] = {NULL, "4096"};
static const char *const concurrencies[] = {NULL, "3"};

struct combination {
    const char *base, *adapter, *scale, *name, *context, *ubatch, *concurrency;
};

static bool is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static const char *or(const char *value, const char *otherwise)
{
    return value ? value : otherwise;
}

static bool asks_for_adapter(const struct combination *c)
{
    return c->adapter && !is(c->adapter, "~");
}

/* The value that is at fault, or NULL: it is served. */
static const char *fault(const struct combination *c)
{
    bool fara = is(c->base, "fara"), gemma4 = is(c->base, "gemma4-cua");
    if (!asks_for_adapter(c))
        return fara || gemma4 || is(c->base, "holo3") ? NULL : c->base;
    if (!is(c->adapter, fara ? "$D/peft" : "$D/x.gguf") || !(fara || gemma4))
        return c->adapter;
    if (is(c->scale, "half"))
        return c->scale;
    bool bad_name = c->name && !is(c->name, "arm-b");
    return fara && bad_name ? c->name : NULL;
}

static const char *llama_line(const struct combination *c)
{
    bool gemma4 = is(c->base, "gemma4-cua"), whole = !c->scale || is(c->scale, "1.0");
    const char *dir_of = gemma4 ? "gemma4" : "holo3";
    const char *lora = !asks_for_adapter(c) ? ""
                       : whole              ? " --lora $D/x.gguf"
                                            : pool_printf(pool, " --lora-scaled $D/x.gguf:%s", c->scale);
    return pool_printf(pool,
                       LLAMA " -m $D/%s/m.Q8_0.gguf --host 127.0.0.1 --port 18080 -ngl 99 -c %s -ub %s --fit off --mmproj "
                             "$D/%s/mmproj.gguf " FLAGS "%s --parallel %s%s",
                       dir_of, or(c->context, "8192"), or(c->ubatch, "2048"), dir_of,
                       gemma4 ? " --reasoning-budget 512" : "", c->context ? or(c->concurrency, "1") : "1", lora);
}

static const char *vllm_line(const struct combination *c)
{
    const char *lora = asks_for_adapter(c) ? pool_printf(pool, PEFT("%s"), or(c->name, "challenger")) : "";
    return pool_printf(pool, "%s%s", FARA, lora);
}

static void set_or_not(const char *name, const char *value)
{
    if (value)
        setenv(name, is(value, "~") ? "  " : with_dir(value), 1);
}

static void try_combination(const struct combination *c)
{
    clearenv();
    err_clear(&err);
    set_or_not("MANTIS_LORA_ADAPTER", c->adapter);
    set_or_not("MANTIS_LORA_SCALE", c->scale);
    set_or_not("MANTIS_LORA_NAME", c->name);
    set_or_not("MANTIS_CONTEXT_SIZE", c->context);
    set_or_not("MANTIS_UBATCH_SIZE", c->ubatch);
    set_or_not("MANTIS_RUNTIME_CONCURRENCY", c->concurrency);
    const char *at_fault = fault(c);
    int r = prepare(pool_printf(pool, "MANTIS_BRAIN=%s", c->base));
    if (at_fault) {
        assert_true(r == E_INVALID || r == E_NOT_FOUND);
        assert_non_null(strstr(err.msg, "MANTIS_"));
        if (!strstr(err.msg, pool_printf(pool, "'%s'", with_dir(at_fault))))
            fail_msg("\"%s\" lacks '%s'", err.msg, at_fault);
        return;
    }
    if (r)
        fail_msg("%s", err.msg);
    const char *line = is(c->base, "fara") ? vllm_line(c) : llama_line(c);
    assert_string_equal(joined(launch_argv(pool, &launch, PORT)), with_dir(line));
}

#define EACH(i, list) for (size_t i = 0; i < ARRAY_SIZE(list); i++)

static void every_combination(void **state)
{
    struct pool *own = pool;
    int n = 0;
    EACH(b, bases) EACH(a, adapters) EACH(s, scales) EACH(m, names)
        EACH(c, contexts) EACH(u, ubatches) EACH(k, concurrencies) {
            const struct combination it = {bases[b], adapters[a], scales[s], names[m], contexts[c], ubatches[u], concurrencies[k]};
            pool = pool_create(NULL);
            try_combination(&it);
            pool_destroy(pool);
            n++;
        }
    pool = own;
    assert_int_equal(n, 5 * 7 * 5 * 6 * 8);
}

/* --- what ends a start -------------------------------------------------------------------------- */

/* clang-format off */
static const struct refusal {
    const char *row, *env, *says;
} refusals[] = {
    {"serving 1.1 an unknown brain is named", "MANTIS_BRAIN=holo4", "the brain 'holo4' (MANTIS_BRAIN, MANTIS_MODEL)"},
    {"serving 1.2 no model", "MANTIS_BRAIN=holo3 MANTIS_HOLO3_MODEL_DIR=$D/peft", "MANTIS_HOLO3_MODEL_DIR: there is no model"},
    {"serving 1.2 no directory", "MANTIS_BRAIN=holo3 MANTIS_HOLO3_MODEL_DIR=/nowhere",
     "MANTIS_HOLO3_MODEL_DIR: there is no directory '/nowhere'"},
    {"serving 1.2 no projector", "MANTIS_BRAIN=gemma4 MANTIS_GEMMA4_MODEL_DIR=$D/empty", "MANTIS_GEMMA4_MMPROJ: there is no"},
    {"serving 1.2 a projector as the model", "MANTIS_BRAIN=holo3 MANTIS_HOLO3_GGUF=mmproj.gguf",
     "MANTIS_HOLO3_GGUF: '$D/holo3/mmproj.gguf' is a vision projector, not a model"},
    {"serving 1.2 an adapter as the model", "MANTIS_BRAIN=gemma4 MANTIS_GEMMA4_GGUF=$D/x.gguf",
     "MANTIS_GEMMA4_GGUF: '$D/x.gguf' is a LoRA adapter, not a model"},
    {"serving 1.2 a model as the projector", "MANTIS_BRAIN=holo3 MANTIS_HOLO3_MMPROJ=m.Q8_0.gguf",
     "MANTIS_HOLO3_MMPROJ: '$D/holo3/m.Q8_0.gguf' is a model, not a vision projector"},
    {"serving 1.2 what is no GGUF file", "MANTIS_BRAIN=holo3 MANTIS_HOLO3_GGUF=$D/peft/adapter_config.json",
     "MANTIS_HOLO3_GGUF: '$D/peft/adapter_config.json': it is no GGUF file"},
    {"serving 2.2 a directory on llama.cpp", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/peft",
     "MANTIS_LORA_ADAPTER='$D/peft': llama.cpp takes a .gguf file"},
    {"serving 2.2 a file on vLLM", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/x.gguf",
     "MANTIS_LORA_ADAPTER='$D/x.gguf': vLLM takes the directory"},
    {"serving 2.2 a relative path", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=x.gguf",
     "MANTIS_LORA_ADAPTER='x.gguf': it takes an absolute path"},
    {"serving 2.2 a relative directory", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=./peft",
     "MANTIS_LORA_ADAPTER='./peft': it takes an absolute path"},
    {"serving 2.2 a volume", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=my-vol_1.a:/x.gguf",
     "MANTIS_LORA_ADAPTER='my-vol_1.a:/x.gguf': it names a volume"},
    {"serving 2.2 a scale that is no number", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=half",
     "MANTIS_LORA_SCALE takes a number, not 'half'"},
    {"serving 2.2 a scale with more behind it",
     "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=0.5x", "MANTIS_LORA_SCALE takes a number, not '0.5x'"},
    {"serving 2.2 a scale without an end", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_LORA_SCALE=inf",
     "MANTIS_LORA_SCALE takes a number, not 'inf'"},
    {"serving 2.2 a scale that is no number, on vLLM too",
     "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_SCALE=nan", "MANTIS_LORA_SCALE takes a number, not 'nan'"},
    {"serving 2.2 a brain without a model server", "MANTIS_BRAIN=page MANTIS_LORA_ADAPTER=$D/x.gguf",
     "MANTIS_LORA_ADAPTER='$D/x.gguf': the brain 'page' (MANTIS_BRAIN, MANTIS_MODEL) takes no adapter"},
    {"serving 2.2 an unknown base", "MANTIS_BRAIN=claude MANTIS_LORA_ADAPTER=$D/x.gguf", "the brain 'claude'"},
    {"serving 2.2 a file that is not there", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=/nowhere/x.gguf",
     "MANTIS_LORA_ADAPTER='/nowhere/x.gguf': there is no such file"},
    {"serving 2.2 a directory that is not there", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=/nowhere/peft",
     "MANTIS_LORA_ADAPTER='/nowhere/peft': there is no such directory"},
    {"serving 2.2 a file where a directory should be", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft/adapter_config.json",
     "it is no directory"},
    {"serving 2.2 an adapter over a challenger model",
     "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_GEMMA4_MODEL_DIR=$D/challenger",
     "MANTIS_LORA_ADAPTER='$D/x.gguf': the model is a challenger itself, '$D/challenger/m.Q8_0.gguf'"},
    {"serving 2.2 an adapter over a file that is a challenger",
     "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/x.gguf MANTIS_GEMMA4_GGUF=$D/gemma4/Challenger.gguf",
     "the model is a challenger itself, '$D/gemma4/Challenger.gguf'"},
    {"serving 2.2 an adapter over a directory that is a challenger",
     "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_FARA_MODEL_DIR=$D/challenger/",
     "the model is a challenger itself, '$D/challenger/'"},
    {"serving 2 no variable MANTIS_CHALLENGER*", "MANTIS_BRAIN=holo3 MANTIS_CHALLENGER_MODEL=/m.gguf",
     "MANTIS_CHALLENGER_MODEL='/m.gguf' is set, but there is no such variable"},
    {"serving 2.2 an adapter on holo3", "MANTIS_BRAIN=holo3 MANTIS_LORA_ADAPTER=$D/holo3.gguf",
     "MANTIS_LORA_ADAPTER='$D/holo3.gguf': adapters of this model are known to fail"},
    {"serving 2.2 an adapter on holo3 is said before what its files lack",
     "MANTIS_BRAIN=holo3 MANTIS_LORA_ADAPTER=/x.gguf MANTIS_HOLO3_MODEL_DIR=/nowhere", "MANTIS_LORA_ADAPTER='/x.gguf'"},
    {"serving 2.2 an adapter of holo3 on another base", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/holo3.gguf",
     "MANTIS_LORA_ADAPTER: '$D/holo3.gguf' is an adapter for 'qwen35moe', the architecture of Holo3"},
    {"serving 2.2 a model as an adapter", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/gemma4/m.Q8_0.gguf",
     "is a model, not a LoRA adapter"},
    {"serving 2.2 an empty name", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_NAME=",
     "MANTIS_LORA_NAME takes a name without ',' and '=', other than 'model', not ''"},
    {"serving 2.2 a blank name", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_NAME=~", "MANTIS_LORA_NAME"},
    {"serving 2.2 a name with =", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_NAME=a=b",
     "MANTIS_LORA_NAME takes a name without ',' and '=', other than 'model', not 'a=b'"},
    {"serving 2.2 a name with a comma", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_NAME=a,b", "not 'a,b'"},
    {"serving 2.2 the base's name", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_NAME=model", "not 'model'"},
    {"serving 2.2 a path that llama.cpp would take apart", "MANTIS_BRAIN=gemma4 MANTIS_LORA_ADAPTER=$D/y,1.gguf",
     "llama.cpp cannot take a path with ',' or ':'"},
    {"serving 2.2 a path that vLLM would take apart", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft=2",
     "vLLM cannot take a path with ',' or '='"},
    {"serving 2.2 a challenger of Fara that is not there is not the base", "MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=/nowhere/challenger",
     "MANTIS_FARA_MODEL_DIR: there is no directory '/nowhere/challenger', and the base"},
    {"serving 2.2 a tagged model of Fara that is not there is not the base",
     "MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=/nowhere MANTIS_MODEL_TAG=arm-b", "'microsoft/Fara-7B' is not served in a challenger's place"},
    {"serving 2.2 a rank that vLLM was not started for", "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft_128",
     "it has rank 128, at most 64 can be served"},
};
/* clang-format on */

static void refuses(void **state)
{
    const struct refusal *c = *state;
    set_up(NULL);
    int r = prepare(c->env);
    assert_true(r == E_INVALID || r == E_NOT_FOUND);
    if (!strstr(err.msg, with_dir(c->says)))
        fail_msg("\"%s\" lacks \"%s\"", err.msg, with_dir(c->says));
    tear_down(NULL);
}

/* --- the rest ----------------------------------------------------------------------------------- */

static void what_is_odd_is_warned_of(void **state)
{
    static const struct {
        const char *env, *says; /* NULL: nothing */
    } cases[] = {
        {"MANTIS_BRAIN=holo3", NULL},
        {"MANTIS_BRAIN=holo3 MANTIS_RUNTIME_CONCURRENCY=2", "is enough for 1, not for the 2 of MANTIS_RUNTIME_CONCURRENCY"},
        {"MANTIS_BRAIN=holo3 MANTIS_UBATCH_SIZE=512", "MANTIS_UBATCH_SIZE=512 is less than the tokens of one image"},
        {"MANTIS_BRAIN=holo3 MANTIS_CONTEXT_SIZE=300000", "MANTIS_CONTEXT_SIZE=300000 is more than the 262144 of the model"},
        {"MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=/nowhere", "'microsoft/Fara-7B' is downloaded instead"},
        {"MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=$D/peft MANTIS_LORA_SCALE=0.5", "MANTIS_LORA_SCALE: vLLM serves"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        clearenv();
        assert_int_equal(prepare(cases[i].env), 0);
        if (!cases[i].says)
            assert_null(launch.warnings[0]);
        else
            assert_true(launch.warnings[0] && strstr(launch.warnings[0], cases[i].says));
    }
}

static void servers_have_their_own_patience(void **state)
{
    static const struct {
        const char *env;
        int seconds;
    } cases[] = {
        {"MANTIS_BRAIN=holo3", 360},
        {"MANTIS_BRAIN=fara", 900},
        {"MANTIS_BRAIN=holo3 MANTIS_MODEL_START_TIMEOUT_S=30", 30},
        {"MANTIS_BRAIN=fara MANTIS_VLLM_TIMEOUT_S=60", 60},
        {"MANTIS_BRAIN=fara MANTIS_VLLM_TIMEOUT_S=60 MANTIS_MODEL_START_TIMEOUT_S=30", 30},
        {"MANTIS_BRAIN=holo3 MANTIS_VLLM_TIMEOUT_S=60", 360},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        clearenv();
        assert_int_equal(prepare(cases[i].env), 0);
        assert_int_equal(launch.start_timeout_s, cases[i].seconds);
    }
}

static void a_challenger_has_a_tag(void **state)
{
    static const char *const same[] = {"/peft", "/peft/"};
    char digest[41];
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        const char *path = pool_printf(pool, "%s%s", dir, same[i]);
        id_sha1_hex(path, strlen(path), digest, sizeof(digest));
        assert_int_equal(prepare(pool_printf(pool, "MANTIS_BRAIN=fara MANTIS_LORA_ADAPTER=%s", path)), 0);
        assert_string_equal(launch.lora.tag, pool_printf(pool, "peft-%.8s", digest));
    }
    id_sha1_hex("abc", 3, digest, sizeof(digest));
    assert_string_equal(digest, "a9993e364706816aba3e25717850c26c9cd0d89d"); /* FIPS 180-4 */
}

static void paths_hold_where_the_server_is(void **state)
{
    char *cwd = getcwd(NULL, 0);
    assert_int_equal(chdir(dir), 0);
    clearenv();
    assert_int_equal(prepare("MANTIS_BRAIN=gemma4 MANTIS_GEMMA4_MODEL_DIR=gemma4 MANTIS_LLAMA_SERVER=./x"), 0);
    const char *const *argv = launch_argv(pool, &launch, PORT);
    assert_string_equal(argv[0], with_dir("$D/./x"));
    assert_string_equal(argv[2], with_dir("$D/gemma4/m.Q8_0.gguf"));
    assert_int_equal(prepare("MANTIS_BRAIN=fara MANTIS_FARA_MODEL_DIR=fara MANTIS_VLLM_SERVER=vllm"), 0);
    argv = launch_argv(pool, &launch, PORT);
    assert_string_equal(argv[0], "vllm"); /* through PATH */
    assert_string_equal(argv[2], with_dir("$D/fara"));
    assert_int_equal(chdir(cwd), 0);
    free(cwd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest plain[] = {
        T(what_is_odd_is_warned_of),
        T(servers_have_their_own_patience),
        T(a_challenger_has_a_tag),
        T(paths_hold_where_the_server_is),
        cmocka_unit_test_setup_teardown(every_combination, set_up, tear_down),
    };
    struct CMUnitTest commands[ARRAY_SIZE(argv_cases)], ends[ARRAY_SIZE(refusals)];
    for (size_t i = 0; i < ARRAY_SIZE(argv_cases); i++)
        commands[i] = (struct CMUnitTest){argv_cases[i].row, launches, NULL, NULL, (void *)(uintptr_t)&argv_cases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        ends[i] = (struct CMUnitTest){refusals[i].row, refuses, NULL, NULL, (void *)(uintptr_t)&refusals[i]};
    int failed = cmocka_run_group_tests(plain, NULL, NULL);
    failed += cmocka_run_group_tests(commands, NULL, NULL);
    return failed + cmocka_run_group_tests(ends, NULL, NULL);
}
