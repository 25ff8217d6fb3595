/*
 * mantis runs cancel, pause, resume, queue - what a caller does to runs that exist.
 */
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "cmd/runs.h"
#include "cmd/table.h"
#include "cmd/typing.h"
#include "sys/input.h"

/* action with extra; the run's new word is printed. */
static int act(struct session *s, const char *action, const json_t *extra)
{
    json_t *reply;
    if (client_action(&s->client, s->pool, action, s->run_id, extra, &reply, &s->err))
        return session_fail(s);
    if (s->json)
        session_print_json(s, reply);
    else
        session_print_word(s, s->run_id, reply);
    return 0;
}

struct reason {
    const char *action, *text;
};

static int act_for_reason(struct session *s, void *arg)
{
    const struct reason *why = arg;
    json_t *extra = json_keep(s->pool, json_object());
    if (why->text)
        json_put_str(extra, "reason", why->text);
    return act(s, why->action, extra);
}

static int with_reason(const char *usage, const char *action, int argc, char **argv)
{
    struct reason why = {.action = action};
    const struct option extra[] = {
        {"--reason", NULL, OPTION_STRING, &why.text, "TEXT", "kept with the run"},
        {0},
    };
    return session_with_run(usage, extra, 0, NULL, argc, argv, act_for_reason, &why);
}

int runs_cancel(int argc, char **argv)
{
    return with_reason("mantis runs cancel RUN_ID [options]", "cancel", argc, argv);
}

int runs_pause(int argc, char **argv)
{
    return with_reason("mantis runs pause RUN_ID [options]", "pause", argc, argv);
}

/* --- resume ---------------------------------------------------------------------------------- */

struct answer {
    const char *input, *user_input; /* the same by two names */
    bool from_stdin;
};

/* Objects and arrays are JSON; everything else is text as it stands: a code may begin with a zero.
 */
static int put_input(struct session *s, const char *input, json_t *extra)
{
    char *text = pool_strdup(s->pool, input);
    size_t len;
    json_t *value = NULL;
    int r = strcmp(input, "-") == 0
                ? input_read(s->pool, "-", CAP_HTTP_BODY_BYTES, &text, &len, &s->err)
                : 0;
    if (r)
        return r;
    text = input_trim(text);
    if ((*text != '{' && *text != '[') || json_parse(text, strlen(text), "--input", &value, NULL))
        value = json_string_safe(text);
    json_put(extra, "user_input", value);
    return 0;
}

/* A line from the terminal, not shown: it may be a code. NULL at its end. */
static char *typed_answer(struct pool *pool, const char *prompt)
{
    char line[TYPING_BYTES];
    fprintf(stderr, "%s ", table_clean(pool, prompt, 0));
    typing_begin();
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    typing_end();
    fputc('\n', stderr);
    return got ? pool_strdup(pool, line) : NULL;
}

/* What the run asks is put to whoever sits at the terminal. */
static int ask_at_terminal(struct session *s, json_t *extra)
{
    json_t *status;
    if (!typing_possible())
        return 0;
    int r = client_action(&s->client, s->pool, "status", s->run_id, NULL, &status, &s->err);
    const char *prompt = r ? "" : json_str(status, "prompt", "");
    if (r || !*prompt)
        return r;
    char *answer = typed_answer(s->pool, prompt);
    if (!answer)
        return err_set(&s->err, E_INVALID, "no answer was typed");
    json_put(extra, "user_input", json_string_safe(input_trim(answer)));
    return 0;
}

static int resume(struct session *s, void *arg)
{
    const struct answer *a = arg;
    const char *given = a->from_stdin ? "-" : a->user_input ? a->user_input : a->input;
    json_t *extra = json_keep(s->pool, json_object());
    int r = given ? put_input(s, given, extra) : ask_at_terminal(s, extra);
    return r ? session_fail(s) : act(s, "resume", extra);
}

int runs_resume(int argc, char **argv)
{
    struct answer a = {0};
    const struct option extra[] = {
        {"--user-input", NULL, OPTION_STRING, &a.user_input, "TEXT|JSON",
         "what the run asked for; others on this machine can see it there"},
        {"--user-input-stdin", NULL, OPTION_FLAG, &a.from_stdin, NULL,
         "the same, read from stdin; at a terminal it is asked for without either"},
        {"--input", NULL, OPTION_STRING, &a.input, "TEXT|JSON", "the same, - for stdin"},
        {0},
    };
    return session_with_run("mantis runs resume RUN_ID [options]", extra, 0, NULL, argc, argv,
                            resume, &a);
}

/* --- queue ----------------------------------------------------------------------------------- */

static int queue(struct session *s)
{
    json_t *reply;
    if (session_open(s) ||
        client_call(&s->client, s->pool, "GET", "/v1/queue", NULL, &reply, &s->err))
        return session_fail(s);
    if (s->json)
        session_print_json(s, reply);
    else
        printf("%s: %d queued, %d running, %d recovering\n",
               table_clean(s->pool, json_str(reply, "tenant_id", "?"), 0),
               (int)json_int(reply, "queued", 0), (int)json_int(reply, "running", 0),
               (int)json_int(reply, "recovering", 0));
    return 0;
}

int runs_queue(int argc, char **argv)
{
    struct session s = {.flags = CLIENT_FLAGS_DEFAULT};
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON"},
        ENDPOINT_OPTION(&s.flags),
        CLIENT_OPTIONS(&s.flags),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, "mantis runs queue [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    s.pool = pool_create(NULL);
    code = queue(&s);
    session_close(&s);
    return code;
}
