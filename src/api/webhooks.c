/*
 * webhooks.c - what became of a tenant's webhooks, and sending one again (http-api.md section 15).
 * An address is shown without its query and userinfo, where receivers keep their secrets.
 */
#include "api/request.h"

#include <string.h>

#include "base/clock.h"
#include "store/outbox.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000
#define ALL_STATES   (1u << DELIVERY_PENDING | 1u << DELIVERY_DELIVERED | 1u << DELIVERY_DEAD)

static void put_time(json_t *doc, const char *key, int64_t wall_us)
{
    char iso[CLOCK_ISO_BYTES];
    json_put_str(doc, key, wall_us ? clock_iso(wall_us, iso) : NULL);
}

static json_t *delivery_doc(struct request *req, const struct store_delivery *d)
{
    json_t *doc = json_object();
    json_put_str(doc, "delivery_id", d->id);
    json_put_str(doc, "run_id", d->run_id);
    json_put_str(doc, "event", d->event);
    json_put(doc, "url", json_string_safe(webhook_shown_url(req->pool, d->url)));
    json_put_str(doc, "state", delivery_state_name(d->state));
    json_put_int(doc, "attempts", d->attempts);
    put_time(doc, "created_at", d->created_us);
    put_time(doc, "next_attempt_at", d->state == DELIVERY_PENDING ? d->next_us : 0);
    json_put_int(doc, "last_status", d->last_status);
    json_put(doc, "last_error", json_string_safe(d->last_error ? d->last_error : ""));
    return doc;
}

/* E_NOT_FOUND also when the run is another tenant's. */
static int of_run(struct request *req, const char *run_id, struct store_delivery **ret, int *ret_n,
                  struct err *err)
{
    struct run_record rec;
    int r = run_id_check(run_id, err);
    r = r ? r : store_run_get(req->api->store, req->pool, request_run(req, run_id), 0, &rec, err);
    return r ? r
             : store_outbox_list(req->api->store, req->pool, req->tenant_id, run_id, ALL_STATES,
                                 LIST_MAX, ret, ret_n, err);
}

int run_webhook_get(struct request *req, struct err *err)
{
    struct store_delivery *list;
    json_t *doc = json_keep(req->pool, json_object()), *docs = json_array(), *log;
    int n = 0, r = of_run(req, req->params[0], &list, &n, err);
    json_put_str(doc, "run_id", req->params[0]);
    json_put(doc, "deliveries", docs);
    for (int i = 0; !r && i < n; i++) {
        r = store_outbox_log(req->api->store, req->pool, req->tenant_id, list[i].id, &log, err);
        if (r)
            break;
        json_t *one = delivery_doc(req, &list[i]);
        json_put(one, "log", json_incref(log));
        json_push(docs, one);
    }
    return r ? r : respond_json(req, 200, doc);
}

static int respond_replayed(struct request *req, const char *run_id, int n)
{
    json_t *doc = json_keep(req->pool, json_object());
    json_put_int(doc, "replayed", n);
    audit_line(req, run_id, "webhook replay deliveries=%d", n);
    webhooks_wake(req->api->webhooks);
    return respond_json(req, 200, doc);
}

int run_webhook_replay_post(struct request *req, struct err *err)
{
    struct store_delivery *list;
    const char *run_id = req->params[0];
    int n = 0, r = of_run(req, run_id, &list, &n, err);
    if (!r && !n)
        return err_set(err, E_NOT_FOUND,
                       "run '%s' has no webhook to send: it is not over, or none was asked for",
                       run_id);
    for (int i = 0; !r && i < n; i++)
        r = store_outbox_replay(req->api->store, req->tenant_id, list[i].id, err);
    return r ? r : respond_replayed(req, run_id, n);
}

int webhook_replay_post(struct request *req, struct err *err)
{
    int r = store_outbox_replay(req->api->store, req->tenant_id, req->params[0], err);
    return r ? r : respond_replayed(req, NULL, 1);
}

static int read_state(struct request *req, unsigned *ret_mask, struct err *err)
{
    const char *text = query_get(req, "state");
    *ret_mask = ALL_STATES;
    if (!text || !*text)
        return 0;
    for (int s = DELIVERY_PENDING; s <= DELIVERY_DEAD; s++)
        if (strcmp(text, delivery_state_name((enum delivery_state)s)) == 0) {
            *ret_mask = 1u << s;
            return 0;
        }
    return value_refuse(req, "query", "state", "enum", text, err,
                        "'state' takes pending, delivered or dead, not '%.80s'", text);
}

int webhooks_get(struct request *req, struct err *err)
{
    struct store_delivery *list;
    int64_t limit = LIST_DEFAULT;
    unsigned mask = 0;
    int n = 0, r = read_state(req, &mask, err);
    r = r ? r : query_int(req, "limit", 1, LIST_MAX, &limit, err);
    r = r ? r
          : store_outbox_list(req->api->store, req->pool, req->tenant_id, NULL, mask, (int)limit,
                              &list, &n, err);
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object()), *docs = json_array();
    json_put(doc, "deliveries", docs);
    for (int i = 0; i < n; i++)
        json_push(docs, delivery_doc(req, &list[i]));
    return respond_json(req, 200, doc);
}
