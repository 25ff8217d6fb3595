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

int step_gate(struct run *run, struct step_result *out, struct err *err)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_url_contains");
    const json_t *unwanted = json_object_get(run->step->hints, "expect_url_excludes");
    const char *url, *hit;
    int r = run_read_url(run, &url, err);
    if (r)
        return r;
    if (url_contains_any(url, unwanted, &hit))
        return step_fail(run, out, "", "gate:FAIL:the URL contains '%s'",
                         str_cut(run->step_pool, hit, REASON_BYTES));
    const char *list = joined(run->step_pool, wanted);
    if (*list && url_contains_all(url, wanted, NULL))
        return step_ok(run, out, "gate:PASS:url_shortcircuit:%s", list);
    struct verdict v;
    r = run_ask(run, *run->step->verify ? run->step->verify : run->step->intent, &v, err);
    if (r)
        return r;
    run_event(run, "reader", "gate",
              json_pack("{s:b,s:o}", "pass", v.answer == ANSWER_YES, "reason",
                        json_string_safe(v.reason)),
              "gate %s: %s", v.answer == ANSWER_YES ? "passed" : "failed", v.reason);
    if (v.answer == ANSWER_YES)
        return step_ok(run, out, "gate:PASS:%s", v.reason);
    return step_fail(run, out, "", "gate:FAIL:%s", str_cut(run->step_pool, v.reason, REASON_BYTES));
}
