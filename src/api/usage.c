/*
 * usage.c - GET /v1/usage: what the caller's token may, and what its tenant has used.
 */
#include "api/request.h"

#include "base/clock.h"
#include "store/store.h"

#define DAYS 30

static json_t *scopes_of(const struct tenant *tenant)
{
    json_t *list = json_array();
    for (unsigned bit = SCOPE_RUN; bit <= SCOPE_LOGS; bit <<= 1)
        if (tenant_may(tenant, bit))
            json_push(list, json_string(scope_name((enum scope)bit)));
    return list;
}

static json_t *limits_of(const struct request *req)
{
    const struct tenant *t = req->tenant;
    const struct settings *s = req->api->settings;
    json_t *o = json_object(), *hosts = json_array();
    bool cheaper = s->max_cost_usd < t->max_cost_per_run;
    bool shorter = s->max_runtime_minutes < t->max_time_minutes_per_run;
    for (int i = 0; t->allowed_domains[i]; i++)
        json_push(hosts, json_string_safe(t->allowed_domains[i]));
    json_put_int(o, "max_concurrent_runs", t->max_concurrent_runs);
    json_put_num(o, "max_cost_per_run", cheaper ? s->max_cost_usd : t->max_cost_per_run);
    json_put(o, "max_cost_per_day",
             t->max_cost_per_day > 0 ? json_real(t->max_cost_per_day) : json_null());
    json_put_int(o, "max_time_minutes_per_run",
                 shorter ? s->max_runtime_minutes : t->max_time_minutes_per_run);
    json_put(o, "rate_limit_per_minute",
             t->rate_limit_per_minute > 0 ? json_integer(t->rate_limit_per_minute) : json_null());
    json_put(o, "allowed_domains", hosts);
    return o;
}

static json_t *day_of(const struct store_day *day)
{
    char iso[CLOCK_ISO_BYTES];
    json_t *o = json_object();
    clock_iso(day->day_us, iso);
    iso[sizeof("2026-03-04") - 1] = 0;
    json_put_str(o, "date", iso);
    json_put_int(o, "runs", day->runs);
    json_put_int(o, "succeeded", day->succeeded);
    json_put_int(o, "ended_badly", day->ended_badly);
    json_put_num(o, "cost_usd", day->cost_usd);
    return o;
}

int usage_get(struct request *req, struct err *err)
{
    int64_t now_us = clock_wall_us(), midnight_us = now_us - now_us % DAY_US;
    struct store_day days[DAYS];
    double today = 0;
    int n, r = store_days(req->api->store, req->tenant_id, midnight_us - (DAYS - 1) * DAY_US,
                          days, DAYS, &n, err);
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object()), *list = json_array();
    for (int i = 0; i < n; i++) {
        json_push(list, day_of(&days[i]));
        if (days[i].day_us == midnight_us)
            today = days[i].cost_usd;
    }
    json_put_str(doc, "tenant_id", req->tenant_id);
    json_put_str(doc, "label", req->tenant->label);
    json_put(doc, "scopes", scopes_of(req->tenant));
    json_put_int(doc, "live_runs", sched_live_runs(req->api->sched, req->tenant_id));
    json_put_num(doc, "cost_today_usd", today);
    json_put(doc, "limits", limits_of(req));
    json_put(doc, "days", list);
    return respond_json(req, 200, doc);
}
