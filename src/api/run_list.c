/*
 * run_list.c - GET /v1/runs: the tenant's runs, page by page. A cursor names the last run of the
 * page before it, by time and id, so that runs that come meanwhile move nothing.
 */
#include "api/request.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/store.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     200
#define ALL_STATES    ((1u << RUN_N_STATES) - 1)
#define CURSOR_MARK   '~' /* between time and id; needs no escape in a query */

/* ---- what is asked ---- */

struct wanted {
    struct request *req;
    unsigned mask;
    int r;
    struct err *err;
};

static void take_word(struct wanted *w, const char *word)
{
    enum run_state state;
    if (run_state_parse(word, &state))
        w->mask |= 1u << state;
    else
        w->r = value_refuse(w->req, "query", "status", "enum", word, w->err,
                            "'status' takes words of a run's status, like running or failed, not "
                            "'%.80s'",
                            word);
}

static enum MHD_Result take_value(void *arg, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    struct wanted *w = arg;
    char *rest = strcmp(key, "status") == 0 && value ? pool_strdup(w->req->pool, value) : NULL;
    for (char *word; !w->r && (word = strsep(&rest, ","));)
        if (*word)
            take_word(w, word);
    return w->r ? MHD_NO : MHD_YES;
}

static int read_states(struct request *req, unsigned *ret_mask, struct err *err)
{
    struct wanted w = {.req = req, .err = err};
    MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND, take_value, &w);
    *ret_mask = w.mask ? w.mask : ALL_STATES;
    return w.r;
}

/* "<created_at>" or "<created_at>~<run_id>"; a '+' that was not escaped came as a blank. */
static int read_place(struct request *req, struct store_place *out, struct err *err)
{
    const char *text = query_get(req, "before");
    *out = (struct store_place){.created_us = INT64_MAX, .run_id = ""};
    if (!text || !*text)
        return 0;
    char *time = pool_strdup(req->pool, text), *mark = strchr(time, CURSOR_MARK);
    if (mark) {
        *mark = 0;
        out->run_id = mark + 1;
    }
    for (char *p = time; *p; p++)
        if (*p == ' ')
            *p = '+';
    if (clock_parse_iso(time, &out->created_us))
        return 0;
    return value_refuse(req, "query", "before", "cursor", text, err,
                        "'before' takes next_before of the page before, or a time as created_at "
                        "shows it");
}

/* ---- what is answered ---- */

static void put_time(json_t *doc, const char *key, int64_t us)
{
    char iso[CLOCK_ISO_BYTES];
    json_put_str(doc, key, us ? clock_iso(us, iso) : NULL);
}

/* What its request calls the plan; NULL nothing. */
static const char *plan_of(const struct run_record *rec)
{
    static const char *const keys[] = {"plan_name", "micro", "instruction", "micro_path",
                                       "task_file"};
    const json_t *payload = json_object_get(rec->doc, "payload");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (*json_str(payload, keys[i], ""))
            return json_str(payload, keys[i], "");
    return NULL;
}

static json_t *line_of(const struct run_record *rec)
{
    json_t *doc = json_object();
    json_put_str(doc, "run_id", rec->run_id);
    json_put_str(doc, "status", run_state_name(rec->state));
    json_put_str(doc, "phase", run_state_phase(rec->state));
    json_put_bool(doc, "terminal", run_state_terminal(rec->state));
    put_time(doc, "created_at", rec->created_us);
    put_time(doc, "started_at", rec->started_us);
    put_time(doc, "finished_at", rec->finished_us);
    put_time(doc, "updated_at", rec->updated_us);
    json_put_str(doc, "profile_id", rec->profile_id);
    json_put_str(doc, "workflow_id", rec->workflow_id);
    json_put_str(doc, "model", json_str(rec->doc, "model", NULL));
    json_put_str(doc, "mode", json_str(rec->doc, "mode", NULL));
    json_put_str(doc, "plan", plan_of(rec));
    json_put_num(doc, "cost_usd", rec->cost_usd);
    json_put_str(doc, "halt_class",
                 json_str(rec->doc, "halt_class", json_str(rec->doc, "halt_reason", NULL)));
    return doc;
}

/* Of the last run that is shown: "2026-03-04T05:06:07.123456Z~<run_id>". */
static const char *cursor_of(struct pool *pool, const struct run_record *rec)
{
    char iso[CLOCK_ISO_BYTES];
    clock_iso(rec->created_us, iso);
    return pool_printf(pool, "%.*sZ%c%s", (int)strcspn(iso, "+"), iso, CURSOR_MARK, rec->run_id);
}

int runs_get(struct request *req, struct err *err)
{
    int64_t limit = LIMIT_DEFAULT;
    unsigned mask = 0;
    struct store_place behind;
    struct run_record *runs;
    const char *text = query_get(req, "q");
    int n = 0, r = read_states(req, &mask, err);
    r = r ? r : query_int(req, "limit", 1, LIMIT_MAX, &limit, err);
    r = r ? r : read_place(req, &behind, err);
    r = r ? r
          : store_run_page(req->api->store, req->pool, req->tenant_id, mask, text ? text : "",
                           behind, (int)limit + 1, &runs, &n, err); /* is there one more? */
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object()), *list = json_array();
    for (int i = 0; i < n && i < limit; i++)
        json_push(list, line_of(&runs[i]));
    json_put(doc, "runs", list);
    json_put_str(doc, "next_before", n > limit ? cursor_of(req->pool, &runs[limit - 1]) : NULL);
    return respond_json(req, 200, doc);
}
