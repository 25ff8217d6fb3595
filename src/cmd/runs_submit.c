/*
 * mantis runs submit - a plan becomes a run. Each call carries an Idempotency-Key, so that what is
 * lost or refused for a while can be sent again and still makes one run.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "cmd/runs.h"
#include "cmd/table.h"
#include "sys/input.h"

#define NOT_GIVEN        INT_MIN
#define PATIENCE_MINUTES 180 /* with a run whose time cap is the plan's or the server's own */
#define RETRIES_MAX      100

struct submit {
    struct session s;
    const char *micro, *suite, *plan_text, *body;
    const char *state_key, *profile_id, *workflow_id, *proxy_city, *proxy_state, *callback_url;
    const char *idempotency_key;
    double max_cost;
    int max_time_minutes, retries;
    bool attach, resume_state, dry_run;
};

static int put_plan(struct submit *c, json_t *body)
{
    char *text;
    size_t len;
    json_t *suite;
    if (c->plan_text) {
        json_put_str(body, "plan_text", c->plan_text);
        return 0;
    }
    if (!c->suite) {
        json_put_str(body, "micro", c->micro);
        return 0;
    }
    int r = input_read(c->s.pool, c->suite, CAP_HTTP_BODY_BYTES, &text, &len, &c->s.err);
    r = r ? r : json_parse(text, len, c->suite, &suite, &c->s.err);
    if (!r)
        json_put(body, "task_suite", suite);
    return r;
}

/* --body is sent as it is; otherwise the flags make the request. */
static int make_body(struct submit *c, char **out)
{
    size_t len;
    if (c->body)
        return input_read(c->s.pool, c->body, CAP_HTTP_BODY_BYTES, out, &len, &c->s.err);
    json_t *body = json_keep(c->s.pool, json_object());
    const char *const texts[][2] = {{"state_key", c->state_key},      {"profile_id", c->profile_id},
                                    {"workflow_id", c->workflow_id},  {"proxy_city", c->proxy_city},
                                    {"proxy_state", c->proxy_state},  {"run_id", c->s.run_id},
                                    {"callback_url", c->callback_url}};
    int r = put_plan(c, body);
    json_put_bool(body, "detached", !c->attach);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i][1])
            json_put_str(body, texts[i][0], texts[i][1]);
    if (c->dry_run)
        json_put_bool(body, "dry_run", true);
    if (c->resume_state)
        json_put_bool(body, "resume_state", true);
    if (c->max_cost != NOT_GIVEN)
        json_put_num(body, "max_cost", c->max_cost);
    if (c->max_time_minutes != NOT_GIVEN)
        json_put_int(body, "max_time_minutes", c->max_time_minutes);
    *out = json_text(c->s.pool, body);
    return r;
}

/* Milliseconds that a run of so many minutes may take, a minute more, and not less than least. */
static int patience_ms(int minutes, int least)
{
    int64_t ms = ((int64_t)minutes + 1) * 60000;
    return ms < least ? least : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* "4 steps: 1 click, 3 navigate" and what they may cost. */
static void print_dry_run(struct pool *pool, const json_t *reply)
{
    const json_t *plan = json_object_get(reply, "plan_summary");
    const json_t *cost = json_object_get(reply, "cost_estimate");
    const char *type;
    json_t *n;
    int printed = 0;
    printf("%d steps", (int)json_int(plan, "step_count", 0));
    json_object_foreach (json_object_get(plan, "by_type"), type, n)
        printf("%s%s %s", printed++ ? ", " : ": ", json_as_text(pool, n),
               table_clean(pool, type, 0));
    printf("\nabout %.3f USD, estimated\n%s\n", json_num(cost, "estimated_total_usd", 0),
           table_clean(pool, json_str(reply, "next_step", "nothing was started"), 0));
}

static void print_reply(struct submit *c, const json_t *reply)
{
    if (c->s.json)
        session_print_json(&c->s, reply);
    else if (json_flag(reply, "dry_run", false))
        print_dry_run(c->s.pool, reply);
    else
        session_print_word(&c->s, json_str(reply, "run_id", "?"), reply);
}

static int submit(struct submit *c)
{
    char *body;
    json_t *reply;
    int r = make_body(c, &body);
    r = r ? r : session_open(&c->s);
    if (!r && c->attach) /* the answer comes with the end of the run */
        c->s.client.timeout_ms =
            patience_ms(c->max_time_minutes == NOT_GIVEN ? PATIENCE_MINUTES : c->max_time_minutes,
                        c->s.client.timeout_ms);
    r = r ? r
          : client_submit(&c->s.client, c->s.pool, body, c->idempotency_key, c->retries, &reply,
                          &c->s.err);
    if (r)
        return session_fail(&c->s);
    print_reply(c, reply);
    const char *end = json_str(reply, "terminal_status", "");
    return *end && strcmp(end, "completed") != 0 ? EXIT_FAILED : 0;
}

int runs_submit(int argc, char **argv)
{
    struct submit c = {.micro = "plans/example/extract_listings.json",
                       .max_cost = NOT_GIVEN,
                       .max_time_minutes = NOT_GIVEN,
                       .retries = CLIENT_RETRIES,
                       .s.flags = CLIENT_FLAGS_DEFAULT};
    const struct option table[] = {
        {"--micro", NULL, OPTION_STRING, &c.micro, "PATH",
         "plan file on the server [plans/example/extract_listings.json]"},
        {"--suite", NULL, OPTION_STRING, &c.suite, "FILE", "plan file here, - for stdin"},
        {"--plan-text", NULL, OPTION_STRING, &c.plan_text, "TEXT", "plan in prose"},
        {"--body", NULL, OPTION_STRING, &c.body, "FILE", "request body sent as it is, - for stdin"},
        {"--attach", NULL, OPTION_FLAG, &c.attach, NULL, "wait for the result"},
        {"--run-id", NULL, OPTION_STRING, &c.s.run_id, "ID", "id of the new run"},
        {"--profile-id", NULL, OPTION_STRING, &c.profile_id, "ID", "browser profile"},
        {"--workflow-id", NULL, OPTION_STRING, &c.workflow_id, "ID", "whose checkpoint to use"},
        {"--state-key", NULL, OPTION_STRING, &c.state_key, "ID", "both, older name"},
        {"--resume-state", NULL, OPTION_FLAG, &c.resume_state, NULL,
         "go on from the last checkpoint"},
        {"--max-cost", NULL, OPTION_NUMBER, &c.max_cost, "USD",
         "cost cap [the plan's, else the server's]"},
        {"--max-time-minutes", NULL, OPTION_INT, &c.max_time_minutes, "N",
         "time cap [the plan's, else the server's]"},
        {"--dry-run", NULL, OPTION_FLAG, &c.dry_run, NULL,
         "start nothing: print the plan as understood and its likely cost"},
        {"--callback-url", NULL, OPTION_STRING, &c.callback_url, "URL",
         "told when the run is over [the tenant's]"},
        {"--idempotency-key", NULL, OPTION_STRING, &c.idempotency_key, "KEY",
         "the same key and request make one run [a fresh one]"},
        {"--retries", NULL, OPTION_INT, &c.retries, "N",
         "when the server is full, or the answer was lost [4]"},
        {"--json", NULL, OPTION_FLAG, &c.s.json, NULL, "print the server's answer as JSON"},
        {"--proxy-city", NULL, OPTION_STRING, &c.proxy_city, "NAME", "egress"},
        {"--proxy-state", NULL, OPTION_STRING, &c.proxy_state, "NAME", "egress"},
        ENDPOINT_OPTION(&c.s.flags),
        CLIENT_OPTIONS(&c.s.flags),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, "mantis runs submit [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    if ((c.suite != NULL) + (c.plan_text != NULL) + (c.body != NULL) > 1) {
        cmd_error("give only one of --suite, --plan-text and --body");
        return EXIT_USAGE;
    }
    if (c.body && (c.dry_run || c.callback_url)) {
        cmd_error("--body is sent as it is: put %s into it",
                  c.dry_run ? "\"dry_run\": true" : "\"callback_url\"");
        return EXIT_USAGE;
    }
    if (c.retries < 0 || c.retries > RETRIES_MAX) {
        cmd_error("--retries takes a number from 0 to %d", RETRIES_MAX);
        return EXIT_USAGE;
    }
    c.s.pool = pool_create(NULL);
    code = submit(&c);
    session_close(&c.s);
    return code;
}
