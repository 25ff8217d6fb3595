#include "run/steps/find.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/more.h"

#define FAR_PX            20000
#define SEARCH_MS         90000 /* going through a list that grows */
#define STEPS_WITHOUT_DOM 6 /* screens below the first, where a reader sees only what is in view   \
                             */

int find_here(struct run *run, const struct target_query *query, struct observation *obs,
              struct target *out, struct err *err)
{
    struct err miss = {0};
    int r = run_bring_query(run, query, obs, out, &miss);
    return r && r != E_NOT_FOUND ? err_set(err, r, "%s", miss.msg) : r;
}

/* A page that is read whole: what is not on it may come at its end, once more and again. */
static int search_list(struct run *run, const struct target_query *query, struct observation *obs,
                       struct target *out, struct err *err)
{
    int64_t end = clock_mono_ms() + SEARCH_MS;
    bool grew = true;
    int r = E_NOT_FOUND;
    while (r == E_NOT_FOUND && grew && clock_mono_ms() < end) {
        struct pool *pool = pool_create(run->step_pool);
        struct observation before;
        r = run_look_in(run, pool, &before, err);
        if (!r)
            r = run_load_more(run, &before, true, &grew, err);
        pool_destroy(pool);
        if (!r)
            r = find_here(run, query, obs, out, err);
    }
    return r;
}

/* Pixels have to be gone through, from the top down. */
static int search_screens(struct run *run, const struct target_query *query,
                          struct observation *obs, struct target *out, struct err *err)
{
    int w, h, moved = 0;
    plane_size(run->plane, &w, &h);
    int r = run_scroll_px(run, -FAR_PX, &moved, err);
    for (int i = 0; !r && i <= STEPS_WITHOUT_DOM; i++) {
        r = find_here(run, query, obs, out, err);
        if (r != E_NOT_FOUND)
            return r;
        r = run_scroll_px(run, h * 8 / 10, &moved, err);
        if (!moved)
            break;
    }
    return r ? r : E_NOT_FOUND;
}

static int search_panes(struct run *run, const struct target_query *query, struct observation *obs,
                        struct target *out, struct err *err)
{
    int moved, r = run_scroll_px(run, -FAR_PX, &moved, err);
    return r ? r : find_in_panes(run, query, obs, out, err);
}

/* What a press may be meant for; a field says its name in other ways. */
static bool may_be_icon(enum target_kind kind)
{
    return kind == TARGET_ANY || kind == TARGET_BUTTON || kind == TARGET_TAB ||
           kind == TARGET_NAV_LINK || kind == TARGET_MENU_ITEM;
}

static int search_page(struct run *run, const struct target_query *query, struct observation *obs,
                       struct target *out, struct err *err)
{
    int r = search_list(run, query, obs, out, err);
    if (r == E_NOT_FOUND)
        r = search_panes(run, query, obs, out, err);
    if (r == E_NOT_FOUND && may_be_icon(query->kind))
        r = find_by_hover(run, query, obs, out, err);
    return r;
}

/* What else could serve the step's purpose? Only a model can tell; it is asked once, at the end. */
static int search_by_purpose(struct run *run, const struct target_query *query,
                             struct observation *obs, struct target *out, struct err *err)
{
    struct target_query q = *query;
    q.by_purpose = true;
    if (!reader_is_model(run->reader) || str_empty(q.intent))
        return E_NOT_FOUND;
    return find_here(run, &q, obs, out, err);
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
    bool dom = plane_caps(run->plane) & PLANE_HAS_DOM;
    r = (dom ? search_page : search_screens)(run, query, obs, out, err);
    if (r == E_NOT_FOUND)
        r = search_by_purpose(run, query, obs, out, err);
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
    q.filter = !strcmp(run->step->type, "filter");
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
