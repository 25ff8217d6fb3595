/*
 * mantis runs list - one page of the runs that the token's tenant has on a server.
 */
#include "cmd/runs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/table.h"

struct list {
    struct option_list status;
    const char *before;
    int limit;
};

static const char *path_of(struct pool *pool, const struct list *c)
{
    const char *path = pool_printf(pool, "/v1/runs?limit=%d", c->limit);
    for (int i = 0; i < c->status.n; i++)
        path = pool_printf(pool, "%s&status=%s", path, client_escape(pool, c->status.items[i]));
    return c->before ? pool_printf(pool, "%s&before=%s", path, client_escape(pool, c->before))
                     : path;
}

static void print_page(struct session *s, const json_t *reply)
{
    static const char *const columns[] = {"run_id", "status", "created_at", "profile_id", "model"};
    const json_t *runs = json_object_get(reply, "runs");
    const char *next = json_str(reply, "next_before", "");
    json_t *keys = json_keep(s->pool, json_array());
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
        json_push(keys, json_string(columns[i]));
    if (json_array_size(runs))
        fputs(table_text(s->pool, keys, runs, table_terminal_width(STDOUT_FILENO)), stdout);
    else
        puts("(no runs)");
    if (*next)
        fprintf(stderr, "older ones: --before %s\n", table_clean(s->pool, next, 0));
}

static int list(struct session *s, const struct list *c)
{
    json_t *reply;
    if (session_open(s) ||
        client_call(&s->client, s->pool, "GET", path_of(s->pool, c), NULL, &reply, &s->err))
        return session_fail(s);
    if (s->json)
        session_print_json(s, reply);
    else
        print_page(s, reply);
    return 0;
}

int runs_list(int argc, char **argv)
{
    struct session s = {.flags = CLIENT_FLAGS_DEFAULT};
    struct list c = {.limit = 50};
    const struct option table[] = {
        {"--status", NULL, OPTION_LIST, &c.status, "WORD",
         "only runs with this status, like failed; may be repeated"},
        {"--limit", NULL, OPTION_INT, &c.limit, "N", "at most so many, up to 200 [50]"},
        {"--before", NULL, OPTION_STRING, &c.before, "PLACE",
         "older ones: what the page before named, or a time"},
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON"},
        ENDPOINT_OPTION(&s.flags),
        CLIENT_OPTIONS(&s.flags),
        {0},
    };
    int n, code = 0;
    if (!options_read(table, "mantis runs list [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    s.pool = pool_create(NULL);
    code = list(&s, &c);
    session_close(&s);
    return code;
}
