/*
 * mantis runs events - the events of a run as they come, until its end.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/event_stream.h"
#include "cmd/follow.h"
#include "cmd/runs.h"
#include "cmd/table.h"

#define LOOK_MS 60000 /* nothing happens in between; a wait has to end */

struct events {
    const char *since;
};

/* One line: {"event", "id" of an event, "data"}. */
static char *json_line(struct pool *pool, const struct event_frame *f, json_t *data)
{
    json_t *line = json_keep(pool, json_object());
    json_put_str(line, "event", f->name);
    if (*f->id)
        json_put_str(line, "id", f->id);
    json_put(line, "data", data ? json_incref(data) : json_string_safe(f->data));
    return json_text(pool, line);
}

static char *human_line(struct pool *pool, const struct event_frame *f, const json_t *data)
{
    int width = table_terminal_width(STDOUT_FILENO);
    const char *class = json_str(data, "halt_class", "");
    if (*f->id)
        return follow_log_line(pool, f->data, width);
    return table_clean(pool,
                       pool_printf(pool, "%s: %s%s%s",
                                   strcmp(f->name, "terminal") == 0 ? "end" : f->name,
                                   json_str(data, "phase", "?"), *class ? ", " : "", class),
                       width);
}

static int print_frame(struct session *s, const struct event_frame *f)
{
    struct pool *pool = pool_create(NULL);
    json_t *data = NULL;
    if (json_parse(f->data, strlen(f->data), "event", &data, NULL) == 0)
        json_keep(pool, data);
    puts(s->json ? json_line(pool, f, data) : human_line(pool, f, data));
    pool_destroy(pool);
    return fflush(stdout) ? err_sys(&s->err, E_IO, "cannot write to stdout") : 0;
}

static int follow_stream(struct session *s, struct event_stream *stream)
{
    struct event_frame f = {0};
    while (!f.name || strcmp(f.name, "terminal") != 0) {
        int r = event_stream_next(stream, clock_mono_ms() + LOOK_MS, &f, &s->err);
        if (!r && f.lost)
            cmd_warning("%s; trying again for a minute", f.lost);
        if (!r && f.name)
            r = print_frame(s, &f);
        if (r)
            return r;
    }
    return 0;
}

static int events(struct session *s, void *arg)
{
    const struct events *e = arg;
    session_end_on_signals();
    struct event_stream *stream = event_stream_create(&s->client, s->run_id, e->since);
    int r = follow_stream(s, stream);
    event_stream_destroy(stream);
    return r ? session_fail(s) : 0;
}

int runs_events(int argc, char **argv)
{
    struct events e = {.since = ""};
    const struct option extra[] = {
        {"--since", NULL, OPTION_STRING, &e.since, "CURSOR",
         "what came behind this event's id, or this time"},
        {0},
    };
    return session_with_run("mantis runs events RUN_ID [options]", extra, 0, NULL, argc, argv,
                            events, &e);
}
