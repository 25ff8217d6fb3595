/*
 * mantis engine argv, check, status - how the model server of this pod is started, whether it could be
 * (serving.md sections 1 and 2), and how the one of a running `serve` does. Nothing is started, and one
 * that MANTIS_MODEL_URL names is not asked.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/gguf_words.h"
#include "cmd/options.h"
#include "cmd/serve_link.h"
#include "cmd/serve_models.h"
#include "cmd/table.h"
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
    struct engine_target target;
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

/* A server that runs already: there is less to be said. */
static json_t *their_json(struct start *s)
{
    const struct engine_target *t = &s->target;
    json_t *doc = json_object();
    json_put_str(doc, "brain", s->settings.brain);
    json_put_str(doc, "engine", "external");
    json_put_str(doc, "url", t->url);
    json_put(doc, "request_model", maybe(t->request_model));
    json_put(doc, "key_secret", maybe(s->settings.model_key_secret));
    json_put_int(doc, "start_timeout_s", t->start_timeout_s);
    json_put(doc, "warnings", words_json(t->warnings));
    return json_keep(s->pool, doc);
}

static json_t *launch_json(struct start *s, const char *const *argv)
{
    const struct launch *l = &s->target.launch;
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
    const struct launch *l = &s->target.launch;
    if (s->target.url) {
        cmd_error("nothing is started: MANTIS_MODEL_URL names a server that runs already, '%.200s'", s->target.url);
        return EXIT_MODEL;
    }
    const char *const *argv = launch_argv(s->pool, l, s->port);
    if (s->json)
        fputs(json_pretty(s->pool, launch_json(s, argv)), stdout);
    else
        print_command(argv);
    for (const char *const *w = l->warnings; *w && !s->json; w++)
        cmd_warning("%s", *w);
    return 0;
}

/* --- check -------------------------------------------------------------------------------------- */

static const char *model_text(struct start *s)
{
    const struct launch *l = &s->target.launch;
    if (l->base->engine == ENGINE_VLLM)
        return l->model;
    return pool_printf(s->pool, "%s (%s)", l->model, gguf_words(s->pool, &l->weights));
}

static const char *adapter_text(struct start *s)
{
    const struct lora *lora = &s->target.launch.lora;
    if (!lora->path)
        return "none";
    return pool_printf(s->pool, "%s (%s)%s", lora->path, lora->tag,
                       s->target.launch.base->engine == ENGINE_LLAMA
                           ? pool_printf(s->pool, ", scale %.9g", lora->scale)
                           : "");
}

static int print_their_check(struct start *s)
{
    const struct engine_target *t = &s->target;
    if (s->json) {
        fputs(json_pretty(s->pool, their_json(s)), stdout);
        return 0;
    }
    printf("brain      %s\n", s->settings.brain);
    printf("engine     external, %s: nothing is started\n", t->url);
    printf("key        %s\n", *s->settings.model_key_secret ? s->settings.model_key_secret : "none");
    printf("called     %s\n", *t->request_model ? t->request_model : "as the caller says (MANTIS_MODEL_NAME)");
    if (t->profile)
        printf("asked      `mantis selftest` asks it now\n");
    else
        printf("warning    runs of this brain do not ask it, only /v1/chat/completions does\n");
    return 0;
}

static int print_check(struct start *s)
{
    const struct launch *l = &s->target.launch;
    struct err err = {0};
    if (s->target.url)
        return print_their_check(s);
    const char *program = *launch_argv(s->pool, l, s->port);
    bool there = launch_check_program(s->pool, l, &err) == 0;
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
    cmd_error("%s", err.msg);
    return EXIT_MODEL;
}

/* --- both --------------------------------------------------------------------------------------- */

/* As serve does, but for the program: argv is for those, too, who have none here. */
static int prepare_target(struct start *s, struct err *err)
{
    return *s->settings.model_url ? serve_models_check(s->pool, &s->settings, &s->target, err)
                                  : launch_prepare(s->pool, &s->settings, &s->target.launch, err);
}

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
    if (prepare_target(s, &err)) {
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

/* --- status ------------------------------------------------------------------------------------- */

static void print_selftest(const json_t *t)
{
    const char *verdict = json_str(t, "verdict", ""), *advice = json_str(t, "advice", "");
    printf("self-test  %s", json_str(t, "state", ""));
    if (*verdict)
        printf(", %s: %s", verdict, json_str(t, "words", ""));
    if (json_num(t, "median_px", -1) >= 0)
        printf(" (%.0f px at the median, %.0f px at most)", json_num(t, "median_px", 0), json_num(t, "max_px", 0));
    printf("\n");
    if (*advice)
        printf("advice     %s\n", advice);
}

static void print_status(const json_t *e)
{
    const json_t *pid = json_object_get(e, "pid");
    const char *tag = json_str(e, "tag", ""), *log = json_str(e, "log", ""), *why = json_str(e, "why", "");
    printf("brain      %s%s%s\n", json_str(e, "brain", ""), *tag ? ", tag " : "", tag);
    printf("state      %s for %lld s\n", json_str(e, "state", ""), (long long)json_int(e, "seconds", 0));
    if (*why)
        printf("waits      %s\n", why);
    if (json_is_integer(pid))
        printf("process    %lld\n", (long long)json_integer_value(pid));
    printf("address    %s, called %s\n", json_str(e, "url", ""), json_str(e, "request_model", ""));
    print_selftest(json_object_get(e, "selftest"));
    printf("failures   %lld\n", (long long)json_int(e, "failures", 0));
    if (*log)
        printf("log        %s\n", log);
}

static int ask_status(struct pool *pool, const char *data_dir, bool as_json)
{
    struct err err = {0};
    struct serve_link *serve = NULL;
    const json_t *reply;
    int r = serve_link_open(data_dir, &serve, &err);
    r = r ? r : serve_link_ask(serve, json_keep(pool, json_pack("{s:s}", "type", "engine")), &reply, &err);
    const json_t *e = r ? NULL : json_object_get(reply, "engine");
    if (r)
        cmd_error("%s", err.msg);
    else if (as_json)
        fputs(json_pretty(pool, e), stdout);
    else
        print_status(e);
    bool ready = e && json_flag(e, "ready", false);
    serve_link_close(serve);
    return ready ? 0 : EXIT_MODEL;
}

static int engine_status_command(int argc, char **argv)
{
    const char *config = NULL, *given = NULL, *data_dir;
    bool as_json = false;
    int n, code = 0;
    struct err err = {0};
    const struct option table[] = {
        {"--data-dir", NULL, OPTION_STRING, &given, "DIR", "of the running serve [MANTIS_DATA_DIR]"},
        {"--config", NULL, OPTION_STRING, &config, "FILE", "settings as KEY=VALUE lines; the environment wins"},
        {"--json", NULL, OPTION_FLAG, &as_json, NULL, "print JSON, with the last lines of the log"},
        {.name = NULL},
    };
    if (!options_read(table, "mantis engine status [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    struct pool *pool = pool_create(NULL);
    if (settings_data_dir(pool, config, given, &data_dir, &err)) {
        cmd_error("%s", err.msg);
        code = EXIT_USAGE;
    } else {
        code = ask_status(pool, data_dir, as_json);
    }
    pool_destroy(pool);
    return code;
}

static const struct command commands[] = {
    {"argv", engine_argv, "print the command that starts the model server"},
    {"status", engine_status_command, "how the model server of a running serve does; exit 1: not ready"},
    {"check", engine_check, "look whether it could be started: files, adapter, program"},
    {NULL, NULL, NULL},
};

int cmd_engine(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis engine", "The model server of this pod.", argc, argv);
}
