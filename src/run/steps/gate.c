/*
 * gate.c - is this the page the plan expects? (plans.md 9.3) The live URL answers first; then the
 * reader, which is asked again once the page has come to rest.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/url.h"

#define REASON_BYTES 100

static const char *joined(struct pool *pool, const json_t *list)
{
    if (json_is_string(list))
        return json_string_value(list);
    const char *out = "";
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)list, i, v)
        if (json_is_string(v))
            out = pool_printf(pool, "%s%s%s", out, *out ? "," : "", json_string_value(v));
    return out;
}

static int answer(struct run *run, struct step_result *out, bool pass, const char *reason)
{
    run_event(run, "reader", "gate",
              json_pack("{s:b,s:o}", "pass", pass, "reason", json_string_safe(reason)),
              "gate %s: %s", pass ? "passed" : "failed", reason);
    if (pass)
        return step_ok(run, out, "gate:PASS:%s", reason);
    return step_fail(run, out, "", "gate:FAIL:%s", str_cut(run->step_pool, reason, REASON_BYTES));
}

int step_gate(struct run *run, struct step_result *out, struct err *err)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_url_contains");
    const json_t *unwanted = json_object_get(run->step->hints, "expect_url_excludes");
    struct pool *pool = run->step_pool;
    const char *url, *hit;
    int r = run_read_url(run, &url, err);
    if (r)
        return r;
    if (url_contains_any(url, unwanted, &hit))
        return answer(run, out, false, pool_printf(pool, "the URL contains '%s'", hit));
    const char *list = joined(pool, wanted);
    if (*list && url_contains_all(url, wanted, NULL))
        return answer(run, out, true, pool_printf(pool, "url_shortcircuit:%s", list));
    struct verdict v;
    r = run_ask(run, *run->step->verify ? run->step->verify : run->step->intent, &v, err);
    return r ? r : answer(run, out, v.answer == ANSWER_YES, v.reason);
}
