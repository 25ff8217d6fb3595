/*
 * mantis engine argv, check - how the model server of this pod is started, and whether it could be
 * (serving.md sections 1 and 2). Nothing is started.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/gguf_words.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "engine/launch.h"
#include "sys/settings.h"

#define EXIT_MODEL   1 /* the model cannot be what was asked for */
#define EXIT_USAGE   2 /* wrong configuration */
#define COMMAND_BYTES (64u << 10)

struct start {
    struct pool *pool;
    const char *config;
    int port; /* 0: the setting's */
    bool json;
    struct settings settings;
    struct launch launch;
};

/* --- argv --------------------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+-";
    return *word && strspn(word, safe) == strlen(word);
}

/* As a shell takes it. */
static void add_word(struct buf *b, const char *word)
{
    if (is_plain(word)) {
        buf_adds(b, word);
        return;
    }
    buf_addc(b, '\'');
    for (; *word; word++)
        buf_adds(b, *word == '\'' ? "'\\''" : (const char[]){*word, '\0'});
    buf_addc(b, '\'');
}

static void print_command(const char *const *argv)
{
    struct buf b;
    buf_init(&b, COMMAND_BYTES);
    for (const char *const *word = argv; *word; word++) {
        if (word != argv)
            buf_addc(&b, ' ');
        add_word(&b, *word);
    }
    printf("%s\n", b.data);
    buf_release(&b);
}

static json_t *words_json(const char *const *words)
{
    json_t *list = json_array();
    for (; *words; words++)
        json_push(list, json_string_safe(*words));
    return list;
}

static json_t *maybe(const char *text)
{
    return text && *text ? json_string_safe(text) : json_null();
}

static json_t *launch_json(struct start *s, const char *const *argv)
{
    const struct launch *l = &s->launch;
    json_t *doc = json_object();
    json_put_str(doc, "brain", l->base->brain);
    json_put_str(doc, "engine", engine_kind_name(l->base->engine));
    json_put(doc, "argv", words_json(argv));
    json_put(doc, "model", maybe(l->model));
    json_put(doc, "projector", maybe(l->files.projector.path));
    json_put(doc, "adapter", maybe(l->lora.path));
    json_put(doc, "challenger", maybe(l->lora.tag));
    json_put_str(doc, "request_model", l->request_model);
    json_put_int(doc, "port", s->port);
    json_put_int(doc, "context", l->context);
    json_put(doc, "slots", l->slots ? json_integer(l->slots) : json_null());
    json_put_int(doc, "start_timeout_s", l->start_timeout_s);
    json_put_str(doc, "log", l->log_path);
    json_put(doc, "warnings", words_json(l->warnings));
    return json_keep(s->pool, doc);
}

static int print_argv(struct start *s)
{
    const char *const *argv = launch_argv(s->pool, &s->launch, s->port);
    if (s->json)
        fputs(json_pretty(s->pool, launch_json(s, argv)), stdout);
    else
        print_command(argv);
    for (const char *const *w = s->launch.warnings; *w && !s->json; w++)
        cmd_warning("%s", *w);
    return 0;
}

/* --- check -------------------------------------------------------------------------------------- */

static const char *model_text(struct start *s)
{
    const struct launch *l = &s->launch;
    if (l->base->engine == ENGINE_VLLM)
        return l->model;
    return pool_printf(s->pool, "%s (%s)", l->model, gguf_words(s->pool, &l->weights));
}

static const char *adapter_text(struct start *s)
{
    const struct lora *lora = &s->launch.lora;
    if (!lora->path)
        return "none";
    return pool_printf(s->pool, "%s (%s)%s", lora->path, lora->tag,
                       s->launch.base->engine == ENGINE_LLAMA
                           ? pool_printf(s->pool, ", scale %.9g", lora->scale)
                           : "");
}

/* A program that is named by its path can be looked for; another one is found through PATH. */
static bool program_there(const char *program)
{
    return !strchr(program, '/') || access(program, X_OK) == 0;
}

static int print_check(struct start *s)
{
    const struct launch *l = &s->launch;
    const char *program = *launch_argv(s->pool, l, s->port);
    bool there = program_there(program);
    if (s->json) {
        json_t *doc = launch_json(s, launch_argv(s->pool, l, s->port));
        json_put_bool(doc, "program_found", there);
        fputs(json_pretty(s->pool, doc), stdout);
    } else {
        printf("brain      %s\n", l->base->brain);
        printf("engine     %s, %s%s\n", engine_kind_name(l->base->engine), program,
               there ? "" : ": not there");
        printf("model      %s\n", model_text(s));
        if (l->files.projector.path)
            printf("projector  %s\n", l->files.projector.path);
        printf("adapter    %s\n", adapter_text(s));
        printf("called     %s\n", l->request_model);
        printf("context    %d tokens", l->context);
        printf(l->slots ? ", %d at a time\n" : "\n", l->slots);
        printf("listens    127.0.0.1:%d, ready within %d s\n", s->port, l->start_timeout_s);
        for (const char *const *w = l->warnings; *w; w++)
            printf("warning    %s\n", *w);
    }
    if (there)
        return 0;
    cmd_error("there is no program '%s': set %s", program,
              l->base->engine == ENGINE_VLLM ? "MANTIS_VLLM_SERVER" : "MANTIS_LLAMA_SERVER");
    return EXIT_MODEL;
}

/* --- both --------------------------------------------------------------------------------------- */

static int prepare(struct start *s)
{
    struct err err = {0};
    const char *const *warnings;
    if (settings_load(s->pool, s->config, &s->settings, &warnings, &err)) {
        cmd_error("%s", err.msg);
        return EXIT_USAGE;
    }
    if (s->port < 0 || s->port > 65535) {
        cmd_error("--port takes a number from 1 to 65535, not %d", s->port);
        return EXIT_USAGE;
    }
    s->port = s->port ? s->port : s->settings.llama_port;
    if (launch_prepare(s->pool, &s->settings, &s->launch, &err)) {
        cmd_error("%s", err.msg);
        return EXIT_MODEL;
    }
    return 0;
}

static int with_start(const char *usage, int argc, char **argv, int (*print)(struct start *s))
{
    struct start s = {0};
    int n, code = 0;
    const struct option table[] = {
        {"--config", NULL, OPTION_STRING, &s.config, "FILE", "settings as KEY=VALUE lines; the environment wins"},
        {"--port", NULL, OPTION_INT, &s.port, "N", "port of the model server [MANTIS_LLAMA_PORT]"},
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON"},
        {.name = NULL},
    };
    if (!options_read(table, usage, argc, argv, NULL, 0, &n, &code))
        return code;
    s.pool = pool_create(NULL);
    code = prepare(&s);
    code = code ? code : print(&s);
    pool_destroy(s.pool);
    return code;
}

static int engine_argv(int argc, char **argv)
{
    return with_start("mantis engine argv [options]", argc, argv, print_argv);
}

static int engine_check(int argc, char **argv)
{
    return with_start("mantis engine check [options]", argc, argv, print_check);
}

static const struct command commands[] = {
    {"argv", engine_argv, "print the command that starts the model server"},
    {"check", engine_check, "look whether it could be started: files, adapter, program"},
    {NULL, NULL, NULL},
};

int cmd_engine(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis engine", "The model server of this pod.", argc, argv);
}
