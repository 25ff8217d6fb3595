#include "run/late.h"

#include <stdio.h>
#include <string.h>

#include "run/journal.h"
#include "run/look.h"
#include "run/url.h"

/* Of the last attempt, when that pressed something and nothing was seen to come of it; NULL: it did not. */
static const json_t *without_effect(const struct run *run)
{
    const struct step_type *type = step_type_find(run->step->type);
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    const json_t *all = json_object_get(run->progress.failures, key);
    const json_t *last = json_array_get(all, json_array_size(all) - 1);
    bool waits = run->progress.retries > 0 && type && type->flags & STEP_MUST_CHANGE;
    return waits && !strcmp(json_str(last, "kind", ""), "no_state_change") ? last : NULL;
}

int late_effect(struct run *run, bool *ret_late, struct step_result *out, struct err *err)
{
    const json_t *last = without_effect(run);
    const char *from = json_str(last, "url", ""), *url, *label;
    *ret_late = false;
    if (!last || !*from)
        return 0;
    int r = run_read_url(run, &url, err);
    if (r || !*url || url_same_page(url, from))
        return r;
    *ret_late = true;
    *out = step_result_empty();
    out->label = label = pool_strdup(run->step_pool, json_str(last, "label", ""));
    out->at = (struct point){(int)json_int(last, "x", -1), (int)json_int(last, "y", -1)};
    out->verified_change = out->navigated = out->late = true;
    out->sent = journal_wanted(run->step);
    return step_ok(run, out, "%s:%s@(%d,%d):late", run->step->type, label, out->at.x, out->at.y);
}
