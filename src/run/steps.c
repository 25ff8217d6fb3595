/*
 * steps.c - the table of step types, and which handler a step goes to (plans.md section 8).
 */
#include "run/step.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/asks.h"
#include "run/journal.h"
#include "run/look.h"
#include "run/steps/steps.h"
#include "run/subgoal.h"

#define OVERRIDE_AFTER  2 /* no_state_change records that hand a step to the brain */
#define FORM_STEPS      4 /* back from a submit, that may have filled its form (plans.md section 4) */
#define MAX_REST_S      120
#define OVERRIDE_BUDGET 25 /* actions it gets then (plans.md section 8, 2) */

/* clang-format off */
static const struct step_type types[] = {
    {"navigate",      step_navigate,      STEP_AIMS | STEP_OPENS,                          "Open page"},
    {"navigate_back", step_navigate_back, STEP_AIMS | STEP_MUST_CHANGE | STEP_OPENS,       "Go back"},
    {"click",         step_click,         STEP_AIMS | STEP_MUST_CHANGE,                    "Click"},
    {"submit",        step_submit,        STEP_AIMS | STEP_MUST_CHANGE | STEP_IRREVERSIBLE, "Submit"},
    {"fill_field",    step_fill_field,    0,                                               "Fill in"},
    {"filter",        step_filter,        0,                                               "Filter"},
    {"scroll",        step_scroll,        STEP_READ_ONLY,                                  "Scroll"},
    {"request_user_input", step_request_user_input, STEP_READ_ONLY,                        "Ask a person"},
    {"wait",          step_wait,          STEP_READ_ONLY,                                  "Wait"},
    {"paginate",      step_paginate,      STEP_OPENS,                                      "Next page"},
    {"extract_url",   step_extract_url,   STEP_READ_ONLY,                                  "Read URL"},
    {"extract_data",  step_extract_data,  STEP_READ_ONLY,                                  "Extract"},
    {"extract_rows",  step_extract_rows,  STEP_READ_ONLY,                                  "Extract rows"},
    {"task",          step_task,          STEP_OWN_PROOF,                                  "Task"},
    {"graph_learn",   step_learn,         STEP_OPENS,                                      "Learn the site"},
    {"right_click",   step_right_click,   0,                                               "Open menu"},
    {"double_click",  step_double_click,  STEP_AIMS | STEP_MUST_CHANGE | STEP_IRREVERSIBLE, "Double click"},
    {"drag",          step_drag,          STEP_MUST_CHANGE | STEP_IRREVERSIBLE,            "Drag"},
    {"key_press",     step_key_press,     0,                                               "Press keys"},
    {"type_text",     step_type_text,     0,                                               "Type"},
    {"detect_visible", step_detect_visible, STEP_READ_ONLY,                                "Look"},
    {"select_option", step_select_option, 0,                                               "Choose"},
    {"collect_urls",  step_collect_urls,  STEP_READ_ONLY,                                  "Collect links"},
    {"capture_link_in_new_tab", step_capture_link, STEP_READ_ONLY,                         "Note where a link leads"},
    {"tool_call",     step_tool_call,     STEP_READ_ONLY,                                  "Call tool"},
    {"holo3",         step_holo3,         0,                                               "Work out"},
    {"claude",        step_claude,        0,                                               "Work out"},
    {"done",          step_done,          STEP_READ_ONLY,                                  "Done"},
};
/* clang-format on */

const struct step_type *step_type_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

const struct step_type *step_type_at(size_t i)
{
    return i < ARRAY_SIZE(types) ? &types[i] : NULL;
}

struct step_result step_result_empty(void)
{
    return (struct step_result){.data = "",
                                .skip_reason = "",
                                .failure_class = "",
                                .failure_subclass = "",
                                .backend = "plan",
                                .label = "",
                                .complaint_before = "",
                                .final_url = "",
                                .page_title = "",
                                .screenshot = "",
                                .at = {-1, -1}};
}

int step_ok(struct run *run, struct step_result *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    out->success = true;
    out->failure_class = "";
    out->data = pool_vprintf(run->step_pool, fmt, ap);
    va_end(ap);
    return 0;
}

int step_fail(struct run *run, struct step_result *out, const char *failure_class, const char *fmt,
              ...)
{
    va_list ap;
    va_start(ap, fmt);
    out->success = false;
    out->failure_class = failure_class;
    out->data = pool_vprintf(run->step_pool, fmt, ap);
    va_end(ap);
    return 0;
}

int step_unconfirmed(struct run *run, struct step_result *out, const char *why)
{
    out->outcome = OUTCOME_UNCONFIRMED;
    return step_fail(run, out, "no_state_change", "submit_unconfirmed:%s:%s", out->label, why);
}

const json_t *step_option(const struct step *step, const char *key)
{
    const json_t *v = json_object_get(step->params, key);
    return v ? v : json_object_get(step->hints, key);
}

bool step_is_listing(const struct step *step)
{
    const char *layout = json_str(step->hints, "layout", json_str(step->params, "layout", ""));
    if (strcmp(step->type, "click"))
        return false;
    if (!strcmp(layout, "listings"))
        return true;
    if (!strcmp(layout, "single") || *json_str(step->params, "label", ""))
        return false;
    return !strcmp(step->section, "extraction");
}

const char *step_label(struct run *run)
{
    const char *label = json_str(run->step->params, "label", ""), *intent = run->step->intent;
    if (*label)
        return label;
    label = str_quoted(run->step_pool, &intent, SIZE_MAX);
    return label ? label : run->step->intent;
}

static const char *const *string_list(struct pool *pool, const json_t *v)
{
    size_t n = json_is_array(v) ? json_array_size(v) : 0, used = 0;
    const char **out = pool_alloc(pool, (n + 2) * sizeof(*out));
    if (json_is_string(v))
        out[used++] = json_string_value(v);
    for (size_t i = 0; i < n; i++)
        if (json_is_string(json_array_get(v, i)))
            out[used++] = json_string_value(json_array_get(v, i));
    return out;
}

/* plans.md section 4: shares of the screen. */
static const struct {
    const char *name;
    double left, top, right, bottom;
} regions[] = {
    {"full", 0, 0, 1, 1},
    {"top", 0, 0, 1, 1 / 3.0},
    {"top-third", 0, 0, 1, 1 / 3.0},
    {"bottom", 0, 2 / 3.0, 1, 1},
    {"bottom-third", 0, 2 / 3.0, 1, 1},
    {"left", 0, 0, 1 / 3.0, 1},
    {"right", 2 / 3.0, 0, 1, 1},
    {"center", .25, .25, .75, .75},
    {"top-half", 0, 0, 1, .5},
    {"bottom-half", 0, .5, 1, 1},
    {"form-footer", 0, .6, 1, 1},
    {"form-header", 0, 0, 1, .25},
    {"sidebar-list-top", 0, .15, .14, .4},
    {"sidebar-list-mid", 0, .35, .14, .6},
    {"sidebar-list-bottom", 0, .55, .14, .8},
};

static const struct rect *named_region(struct run *run, const char *name)
{
    struct rect *out = pool_alloc(run->step_pool, sizeof(*out));
    int w, h;
    plane_size(run->plane, &w, &h);
    for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
        if (!strcmp(regions[i].name, name)) {
            out->x = (int)(regions[i].left * w + .5);
            out->y = (int)(regions[i].top * h + .5);
            out->w = (int)(regions[i].right * w + .5) - out->x;
            out->h = (int)(regions[i].bottom * h + .5) - out->y;
            return out;
        }
    return NULL;
}

static const struct rect *hinted_region(struct run *run)
{
    const json_t *v = json_object_get(run->step->hints, "region");
    struct rect *out = pool_alloc(run->step_pool, sizeof(*out));
    if (json_is_string(v))
        return named_region(run, json_string_value(v));
    *out = (struct rect){(int)json_num(v, "x", 0), (int)json_num(v, "y", 0),
                         (int)json_num(v, "w", 0), (int)json_num(v, "h", 0)};
    return out->w > 0 && out->h > 0 ? out : NULL;
}

/* The button that sends a form stands below its fields. A page that is read whole is not cropped
 * for it: of several buttons of one name, that one is taken. */
static const struct rect *likely_region(struct run *run, enum target_kind kind)
{
    if (strcmp(run->step->type, "submit") || kind != TARGET_BUTTON)
        return NULL;
    for (int i = run->index - 1; i >= 0 && i >= run->index - FORM_STEPS; i--)
        if (!strcmp(run->plan->steps[i].type, "fill_field"))
            return named_region(run, "form-footer");
    return NULL;
}

static bool same_place(const json_t *a, const json_t *b)
{
    return json_int(a, "x", -1) == json_int(b, "x", -1) &&
           json_int(a, "y", -1) == json_int(b, "y", -1);
}

/* Of pixels a reader knows no more than a point. It was beside the thing when text landed nowhere,
 * or when two clicks on it changed nothing: the first may only have closed what lay over the page.
 */
static bool was_beside(const json_t *history, size_t i)
{
    const json_t *f = json_array_get(history, i);
    const char *kind = json_str(f, "kind", "");
    bool again = false;
    for (size_t k = 0; k < i; k++)
        again = again || (!strcmp(json_str(json_array_get(history, k), "kind", ""), kind) &&
                          same_place(f, json_array_get(history, k)));
    return !strcmp(kind, "type_not_landed") || (!strcmp(kind, "no_state_change") && again);
}

/* Points of this step's earlier attempts: the reader should not propose them again. */
static const struct point *avoid_points(struct run *run, int *ret_n)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    const json_t *history = json_object_get(run->progress.failures, key);
    bool pixels = !(plane_caps(run->plane) & PLANE_HAS_DOM);
    size_t n = json_array_size(history);
    struct point *out = pool_alloc(run->step_pool, (n + 1) * sizeof(*out));
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *f = json_array_get(history, i);
        int x = (int)json_int(f, "x", -1);
        bool wrong = !strcmp(json_str(f, "kind", ""), "wrong_target") ||
                     !strcmp(json_str(f, "subkind", ""), FAILURE_NOT_INPUT) ||
                     (pixels && was_beside(history, i));
        if (x >= 0 && wrong)
            out[(*ret_n)++] = (struct point){x, (int)json_int(f, "y", -1)};
    }
    return out;
}

struct target_query step_query(struct run *run, enum target_kind default_kind)
{
    struct target_query q = {.kind = default_kind, .intent = run->step->intent};
    const json_t *params = run->step->params;
    q.label = json_str(params, "label", "");
    q.aliases = string_list(run->step_pool, json_object_get(params, "aliases"));
    target_kind_parse(json_str(params, "kind", ""), &q.kind);
    q.near = json_str(run->step->hints, "near", "");
    q.region = hinted_region(run);
    q.prefer = q.region ? NULL : likely_region(run, q.kind);
    q.avoid = avoid_points(run, &q.n_avoid);
    const char *preferred = json_str(run->step->hints, "preferred_target_description", "");
    if (*preferred)
        q.intent = pool_printf(run->step_pool, "%s (%s)", q.intent, preferred);
    return q;
}

int step_schema(struct run *run, struct schema **out, struct err *err)
{
    return step_schema_of(run, run->step, out, err);
}

/* The recipe that a schema names, NULL none. */
static const json_t *recipe_of(const struct run *run, const json_t *schema)
{
    return json_object_get(run->config->recipes, json_str(schema, "schema_name", ""));
}

int step_schema_of(struct run *run, const struct step *step, struct schema **out, struct err *err)
{
    const json_t *sources[] = {step->extract, run->config->extraction_schema};
    int r = 0;
    *out = NULL;
    for (size_t i = 0; !r && !*out && i < ARRAY_SIZE(sources); i++)
        r = schema_parse(run->step_pool,
                         schema_overlay(run->step_pool, sources[i], recipe_of(run, sources[i])),
                         out, err);
    return r;
}

int step_no_schema(struct run *run, struct step_result *out)
{
    out->failure_subclass = "no_schema_configured";
    run_warn(run, "no_schema_configured",
             "step %d has no extract block and the request no extraction_schema",
             run->index + 1);
    return step_fail(run, out, "extractor_error", "REJECTED_INCOMPLETE|no_schema_configured");
}

/* --- dispatch -------------------------------------------------------------------------------- */

bool step_guard_holds(const struct run *run)
{
    const char *name = run->step->guard;
    return !*name || json_truthy(json_object_get(run->progress.state_vars, name));
}

static int guarded(struct run *run, struct step_result *out)
{
    const char *name = run->step->guard;
    progress_set_counter(run->progress.loop_counters, run->index, 0); /* a loop that is left begins anew */
    out->skip = true;
    out->skip_reason = pool_printf(run->step_pool, "guard_%s_false", name);
    return step_fail(run, out, "", "guard:%s=False:skipped", name);
}

static bool brain_takes_over(const struct run *run)
{
    char key[16];
    size_t i, n = 0;
    json_t *f;
    snprintf(key, sizeof(key), "%d", run->index);
    json_array_foreach (json_object_get(run->progress.failures, key), i, f)
        n += !strcmp(json_str(f, "kind", ""), "no_state_change");
    return n >= OVERRIDE_AFTER;
}

static int by_brain(struct run *run, const char *backend, int budget, struct step_result *out,
                    struct err *err)
{
    out->backend = backend;
    return subgoal_run(run, run->step->intent, budget, out, err);
}

/* hints.wait_after_load_seconds on any step: that much longer for the page to come to rest. */
static int rest_after(struct run *run, const struct step_result *out, struct err *err)
{
    double s = json_num(run->step->hints, "wait_after_load_seconds", 0);
    if (!out->success || s <= 0 || !strcmp(run->step->type, "navigate"))
        return 0;
    return run_settle(run, (int)((s > MAX_REST_S ? MAX_REST_S : s) * 1000), err);
}

/* A box that got a "no" the step did not ask for is part of what happened. */
static int act(struct run *run, const struct step_type *type, struct step_result *out,
               struct err *err)
{
    asks_begin(run);
    int r = type->run(run, out, err);
    if (!r && *asks_declined(run))
        out->data =
            pool_printf(run->step_pool, "%s:dialog_dismissed:%s", out->data, asks_declined(run));
    return r ? r : rest_after(run, out, err);
}

/* agent-loop.md 9.2: our own hands missed twice. */
static int escalated(struct run *run, struct step_result *out, struct err *err)
{
    int budget = run->step->budget;
    run_heal(run, "handler_escalation", "runner",
             json_pack("{s:s,s:s,s:s}", "from_handler", run->step->type, "to_handler", "brain",
                       "trigger", "no_state_change"));
    return by_brain(run, "vision", budget > OVERRIDE_BUDGET ? budget : OVERRIDE_BUDGET, out, err);
}

int step_dispatch(struct run *run, struct step_result *out, struct err *err)
{
    const struct step *s = run->step;
    const struct step_type *type = step_type_find(s->type);
    *out = step_result_empty();
    out->steps_used = 1;
    if (!step_guard_holds(run))
        return guarded(run, out);
    bool over = false, own_proof = type && type->flags & STEP_OWN_PROOF;
    int r = own_proof ? 0 : journal_look_back(run, out, &over, err);
    if (r || over)
        return r;
    if (type && !journal_wanted(s) && brain_takes_over(run))
        return escalated(run, out, err);
    if (s->gate && strcmp(s->type, "click"))
        return step_gate(run, out, err);
    if (!type && s->claude_only)
        return step_fail(run, out, "", "extract_error: no handler for '%s'", s->type);
    if (!type)
        return by_brain(run, "brain_fallback", subgoal_budget(run, s->budget), out, err);
    return act(run, type, out, err);
}
