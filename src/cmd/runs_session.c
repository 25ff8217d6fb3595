#include "cmd/runs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/follow.h"
#include "cmd/table.h"
#include "cmd/typing.h"

int session_fail(const struct session *s)
{
    cmd_error("%s", s->err.msg);
    return EXIT_FAILED;
}

int session_open(struct session *s)
{
    int r = loop_create(&s->loop, &s->err);
    return r ? r : client_open(s->pool, s->loop, &s->flags, &s->client, &s->err);
}

void session_close(struct session *s)
{
    client_close(&s->client);
    loop_destroy(s->loop);
    pool_destroy(s->pool);
}

void session_print_json(struct session *s, const json_t *value)
{
    fputs(json_pretty(s->pool, value), stdout);
}

void session_print_word(struct session *s, const char *run_id, const json_t *doc)
{
    const char *reason = follow_succeeded(doc) ? "" : follow_reason(s->pool, doc);
    printf("%s %s%s%s\n", table_clean(s->pool, run_id, 0),
           table_clean(s->pool, json_str(doc, "status", "?"), 0), *reason ? ": " : "", reason);
}

static bool have_run_id(struct session *s, const char *const *args, int n, const char *usage,
                        int *code)
{
    if (!s->run_id && n > 0)
        s->run_id = args[0];
    if (s->run_id && *s->run_id)
        return true;
    cmd_error("which run? give its RUN_ID");
    fprintf(stderr, "usage: %s\n", usage);
    *code = EXIT_USAGE;
    return false;
}

int session_with_run(const char *usage, const struct option *extra, int extra_args,
                     const char **ret_args, int argc, char **argv, run_fn *fn, void *arg)
{
    struct session s = {.flags = CLIENT_FLAGS_DEFAULT};
    const struct option common[] = {
        {"--run-id", NULL, OPTION_STRING, &s.run_id, "ID",
         "the run; may also stand as an argument"},
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON"},
        ENDPOINT_OPTION(&s.flags),
        CLIENT_OPTIONS(&s.flags),
        {0},
    };
    struct option table[ARRAY_SIZE(common) + 8] = {0};
    const char *args[4];
    int n = 0, n_args, code = 0;
    for (; extra && extra->name; extra++)
        table[n++] = *extra;
    memcpy(table + n, common, sizeof(common));
    if (!options_read(table, usage, argc, argv, args, 1 + extra_args, &n_args, &code))
        return code;
    int first = s.run_id ? 0 : 1; /* further arguments follow RUN_ID */
    if (!have_run_id(&s, args, n_args, usage, &code))
        return code;
    for (int i = 0; i < extra_args; i++)
        ret_args[i] = first + i < n_args ? args[first + i] : NULL;
    s.pool = pool_create(NULL);
    code = session_open(&s) ? session_fail(&s) : fn(&s, arg);
    session_close(&s);
    return code;
}

static volatile sig_atomic_t on_terminal;

static void end_now(int signo)
{
    static const char clear[] = "\r\033[J";
    typing_end();
    if (on_terminal && write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
        on_terminal = 0; /* it ends all the same */
    _exit(128 + signo);
}

void session_end_on_signals(void)
{
    struct sigaction action = {.sa_handler = end_now};
    on_terminal = isatty(STDERR_FILENO);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
