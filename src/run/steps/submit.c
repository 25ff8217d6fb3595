/*
 * submit.c - press one labelled thing (plans.md 8.5). A submit is always journalled (journal.h), a click when its
 * label says that it commits something.
 */
#include "run/steps/steps.h"

#include "run/complaint.h"
#include "run/effect.h"
#include "run/journal.h"
#include "run/look.h"

/* What the page says before the press is no answer to it. */
static void note_complaints(struct run *run, const struct observation *obs, struct step_result *out)
{
    out->complaint_before = complaint_find(run->step_pool, obs->page);
    out->undone_before = obs->page && complaint_says_undone(
                                          page_text(run->step_pool, obs->page, 0, PAGE_TEXT_BYTES));
}

static int press_labelled(struct run *run, enum target_kind kind, struct step_result *out,
                          struct err *err)
{
    struct aim aim;
    struct effect effect;
    bool found;
    int r = step_names_place(run->step) ? step_point(run, &aim, &found, out, err)
                                        : step_aim(run, kind, 0, &aim, &found, out, err);
    if (r || !found)
        return r;
    note_complaints(run, &aim.obs, out);
    r = effect_begin(run, &aim.obs, &effect, err);
    if (!r)
        r = journal_announce(run, &aim.obs, out, err);
    if (!r)
        r = step_press(run, kind, &aim, &effect, out, err);
    if (r)
        return r;
    return step_ok(run, out, "submit:%s@(%d,%d)", out->label, out->at.x, out->at.y);
}

int step_submit(struct run *run, struct step_result *out, struct err *err)
{
    out->effect_key = journal_key(run);
    return press_labelled(run, TARGET_BUTTON, out, err);
}

int step_click(struct run *run, struct step_result *out, struct err *err)
{
    if (step_is_listing(run->step))
        return step_click_listing(run, out, err);
    return press_labelled(run, TARGET_ANY, out, err);
}
