#include "run/steps/steps.h"

#include "base/str.h"
#include "run/look.h"

#define FAR_PX            20000
#define STEPS_WITHOUT_DOM 6 /* screens looked through where a reader sees only what is in view */

/* A page that is read whole only needs its end to be loaded; pixels have to be gone through. */
static int search_on(struct run *run, const struct target_query *query, struct observation *obs,
                     struct target *out, struct err *err)
{
    bool dom = plane_caps(run->plane) & PLANE_HAS_DOM;
    int w, h, moved = 0, r;
    plane_size(run->plane, &w, &h);
    r = run_scroll_px(run, -FAR_PX, &moved, err);
    for (int i = 0; !r && i < (dom ? 1 : STEPS_WITHOUT_DOM); i++) {
        struct err miss = {0};
        r = run_scroll_px(run, dom ? FAR_PX : h * 8 / 10, &moved, err);
        if (r)
            return r;
        r = run_bring_query(run, query, obs, out, &miss);
        if (r != E_NOT_FOUND)
            return r ? err_set(err, r, "%s", miss.msg) : 0;
        r = 0;
        if (!moved)
            break;
    }
    return r ? r : E_NOT_FOUND;
}

int step_find(struct run *run, const struct target_query *query, struct observation *obs,
              struct target *out, struct err *err)
{
    struct err miss = {0};
    int r = run_bring_query(run, query, obs, out, &miss);
    if (r && r != E_NOT_FOUND)
        return err_set(err, r, "%s", miss.msg);
    if (r == 0)
        return 0;
    r = search_on(run, query, obs, out, err);
    if (r != E_NOT_FOUND)
        return r;
    run_event(run, "reader", "target_not_found",
              json_pack("{s:o,s:o}", "label", json_string_safe(query->label), "reason",
                        json_string_safe(miss.msg)),
              "%s", miss.msg);
    return err_set(err, E_NOT_FOUND, "%s", miss.msg);
}

int step_aim(struct run *run, enum target_kind kind, int settle_ms, struct aim *out,
             bool *ret_found, struct step_result *result, struct err *err)
{
    struct target_query q = step_query(run, kind);
    int r = settle_ms > 0 ? run_settle(run, settle_ms, err) : 0;
    if (!r)
        r = step_find(run, &q, &out->obs, &out->target, err);
    *ret_found = r == 0;
    if (r == E_NOT_FOUND)
        return step_fail(run, result, "selector_miss", "form_target_not_found");
    if (r)
        return r;
    result->at = out->target.at;
    result->label = *q.label ? q.label : out->target.label;
    return 0;
}
