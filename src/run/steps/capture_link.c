/*
 * capture_link.c - capture_link_in_new_tab: open a link in a tab of its own, note where that leads,
 * and come back (plans.md 8.11). The page the link stands on is left as it is.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "core/selector.h"
#include "run/look.h"
#include "run/url.h"

static int find_selected(struct run *run, void *arg, const struct observation *obs,
                         struct target *out, struct err *err)
{
    const struct selector *selector = arg;
    const struct page *page = obs->page;
    int i = page ? selector_next(selector, page, 0) : -1;
    while (i >= 0 && !(page->nodes[i].flags & NODE_VISIBLE))
        i = selector_next(selector, page, i + 1);
    if (i < 0)
        return err_set(err, E_NOT_FOUND, "nothing visible fits '%.200s'",
                       json_str(run->step->params, "source_selector", ""));
    const struct node *n = &page->nodes[i];
    *out = (struct target){.at = node_point(page, n),
                           .box = n->box,
                           .in_view = n->flags & NODE_IN_VIEW,
                           .covered = n->flags & NODE_COVERED,
                           .label = n->name,
                           .tag = n->tag,
                           .role = n->role,
                           .node = i,
                           .confidence = 1};
    return 0;
}

static int aim_by_selector(struct run *run, const char *text, struct aim *out, bool *ret_found,
                           struct step_result *result, struct err *err)
{
    const struct selector *selector;
    struct err miss = {0};
    int r = selector_parse(run->step_pool, text, &selector, err);
    if (r)
        return r;
    r = run_bring(run, find_selected, (void *)selector, &out->obs, &out->target, &miss);
    *ret_found = r == 0;
    if (r == E_NOT_FOUND)
        return step_fail(run, result, "selector_miss", "form_target_not_found:%s", miss.msg);
    if (r)
        return err_set(err, r, "%s", miss.msg);
    result->at = out->target.at;
    result->label = out->target.label;
    return 0;
}

/* By its selector, else by label, role and intent as a click does. */
static int aim_at_link(struct run *run, struct aim *out, bool *ret_found,
                       struct step_result *result, struct err *err)
{
    enum target_kind kind = TARGET_ANY;
    const char *selector = json_str(run->step->params, "source_selector", "");
    target_kind_parse(json_str(run->step->params, "target_role", ""), &kind);
    return *selector ? aim_by_selector(run, selector, out, ret_found, result, err)
                     : step_aim(run, kind, 0, out, ret_found, result, err);
}

static int read_tab(struct run *run, const char **ret_url, const char **ret_title, struct err *err)
{
    struct observation obs;
    int r = run_observe(run, 0, &obs, err);
    if (r)
        return r;
    *ret_url = obs.url;
    *ret_title = obs.title;
    return 0;
}

/* on_no_navigation: skip, retry, halt; without it an ordinary failure. */
static int nowhere(struct run *run, struct step_result *out)
{
    const char *what = json_str(run->step->params, "on_no_navigation", "");
    if (!strcmp(what, "skip")) {
        out->skip = true;
        out->skip_reason = "no_navigation";
    } else if (!strcmp(what, "halt")) {
        out->outcome = OUTCOME_REJECTED;
    } else if (!strcmp(what, "retry")) {
        out->outcome = OUTCOME_AGAIN;
    }
    return step_fail(run, out, out->skip ? "" : "no_state_change", "capture_link:no_navigation");
}

static json_t *captured(struct run *run, const char *url, const char *title)
{
    bool with_title =
        !strcmp(json_str(run->step->params, "emit", "current_url"), "current_url_title");
    json_t *fields = json_pack("{s:o}", "url", json_string_safe(url));
    if (with_title)
        json_put(fields, "title", json_string_safe(title));
    return fields;
}

int step_capture_link(struct run *run, struct step_result *out, struct err *err)
{
    struct aim aim;
    struct settled s = {0};
    const char *url = "", *title = "";
    bool found;
    int r = aim_at_link(run, &aim, &found, out, err);
    if (r || !found)
        return r;
    struct action open = {.type = ACTION_CLICK,
                          .x = out->at.x,
                          .y = out->at.y,
                          .button = BUTTON_LEFT,
                          .keys = "ctrl+shift"}; /* in front; the middle button opens it behind */
    r = run_act(run, &open, CAP_LOAD_MS, &s, err);
    if (r || !s.new_tab)
        return r ? r : nowhere(run, out);
    r = read_tab(run, &url, &title, err);
    if (!r)
        r = run_close_tab(run, err);
    if (r)
        return r;
    if (!url_is_web(url))
        return nowhere(run, out);
    progress_add(run->progress.collected_urls, url);
    out->fields = captured(run, url, title);
    out->verified_change = true;
    if (json_object_get(out->fields, "title"))
        return step_ok(run, out, "capture_link:%s|%s", url, title);
    return step_ok(run, out, "capture_link:%s", url);
}
