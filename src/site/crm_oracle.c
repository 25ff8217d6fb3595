/*
 * Grading is a comparison: what is different from the customers the seed made must be exactly what
 * the task asked for, so a task fails for a change too many as for one that is missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "site/crm.h"

struct change {
    int id;
    const char *field, *to; /* field "note": its text; "created": its name */
};

/* clang-format off */
static const struct goal {
    const char *task;
    struct change changes[6]; /* ends with an id of 0 */
} goals[] = {
    {"sign_in",         {{0}}},
    {"edit_phone",      {{17, "phone", "(207) 555-0188"}}},
    {"edit_details",    {{11, "company", "Marlin & Sons"}, {11, "since", "2024-05-14"},
                         {11, "about", "Wants one invoice a month."}, {11, "status", "Active"}}},
    {"set_status",      {{22, "status", "On hold"}}},
    {"add_note",        {{9, "note", "Called back, wants the spring catalog."}}},
    {"archive",         {{31, "archived", "true"}}},
    {"delete",          {{12, "deleted", "true"}}},
    {"bulk_status",     {{4, "status", "Closed"}, {7, "status", "Closed"}, {13, "status", "Closed"}}},
    {"create",          {{CRM_CUSTOMERS + 1, "created", "Ottoline Marsh"}}},
    {"list_on_hold",    {{0}}},
    {"export_active",   {{0}}},
};
/* clang-format on */

static void add_change(json_t *list, int64_t id, const char *field, json_t *from, const json_t *to)
{
    json_push(list, json_pack("{s:I,s:s,s:o,s:O}", "customer", (json_int_t)id, "field", field,
                              "from", from, "to", to));
}

static void compare(json_t *list, const json_t *before, json_t *now)
{
    int64_t id = json_int(now, "id", 0);
    const char *field;
    json_t *value;
    size_t i;
    json_object_foreach (now, field, value) {
        json_t *old = json_object_get(before, field);
        if (strcmp(field, "notes") != 0 && !json_equal(old, value))
            add_change(list, id, field, json_incref(old), value);
    }
    json_t *notes = json_object_get(now, "notes"), *note;
    json_array_foreach (notes, i, note)
        if (i >= json_array_size(json_object_get(before, "notes")))
            add_change(list, id, "note", json_null(), json_object_get(note, "text"));
}

/* [{customer, field, from, to}] of everything that is not as the seed made it. */
static json_t *changes_of(const struct crm *crm)
{
    json_t *list = json_array(), *now;
    size_t i;
    json_array_foreach (crm->customers, i, now) {
        if (i < json_array_size(crm->before))
            compare(list, json_array_get(crm->before, i), now);
        else
            add_change(list, json_int(now, "id", 0), "created", json_null(),
                       json_object_get(now, "name"));
    }
    return list;
}

static void complain(json_t *reasons, const char *what, const json_t *change)
{
    char *text = json_dumps(change, JSON_COMPACT), line[400];
    snprintf(line, sizeof(line), "%s: %s", what, text ? text : "");
    json_push(reasons, json_string_safe(line));
    free(text);
}

static bool is_wanted(const json_t *change, const struct change *want)
{
    const json_t *to = json_object_get(change, "to");
    return json_int(change, "customer", 0) == want->id &&
           strcmp(json_str(change, "field", ""), want->field) == 0 &&
           (json_is_string(to) ? strcmp(json_string_value(to), want->to) == 0
                               : strcmp(json_is_true(to) ? "true" : "false", want->to) == 0);
}

/* Each wanted change must be there once and no other. */
static void grade_changes(const struct goal *goal, const json_t *changes, json_t *reasons)
{
    size_t i, n_wanted = 0, found[ARRAY_SIZE(goal->changes)] = {0};
    json_t *change;
    while (n_wanted < ARRAY_SIZE(goal->changes) && goal->changes[n_wanted].id)
        n_wanted++;
    json_array_foreach (changes, i, change) {
        size_t w = 0;
        while (w < n_wanted && !is_wanted(change, &goal->changes[w]))
            w++;
        if (w == n_wanted)
            complain(reasons, "this was not asked for", change);
        else if (found[w]++)
            complain(reasons, "this was done more than once", change);
    }
    for (size_t w = 0; w < n_wanted; w++) {
        char line[200];
        if (found[w])
            continue;
        snprintf(line, sizeof(line), "customer %d: %s is not '%s'", goal->changes[w].id,
                 goal->changes[w].field, goal->changes[w].to);
        json_push(reasons, json_string(line));
    }
}

static const char *const created[][2] = {{"company", "Marsh Lanterns"},
                                         {"email", "ottoline@marshlanterns.example"},
                                         {"phone", "(207) 555-0190"},
                                         {"status", "Lead"}};

static void grade_created(const struct crm *crm, json_t *reasons)
{
    const json_t *c = json_array_get(crm->customers, CRM_CUSTOMERS);
    for (size_t i = 0; c && i < ARRAY_SIZE(created); i++) {
        char line[200];
        if (strcmp(json_str(c, created[i][0], ""), created[i][1]) == 0)
            continue;
        snprintf(line, sizeof(line), "the new customer's %s is not '%s'", created[i][0],
                 created[i][1]);
        json_push(reasons, json_string(line));
    }
}

static bool was_asked(const json_t *queries, const char *status)
{
    size_t i;
    json_t *q;
    json_array_foreach (queries, i, q)
        if (strcmp(json_str(q, "status", ""), status) == 0 && !*json_str(q, "q", "") &&
            !*json_str(q, "owner", ""))
            return true;
    return false;
}

bool crm_grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff)
{
    struct crm *crm = site_state(site);
    const struct goal *goal = goals;
    while (strcmp(goal->task, task_id) != 0) /* every task has a goal: crm_tasks */
        goal++;
    json_t *changes = changes_of(crm);
    grade_changes(goal, changes, reasons);
    json_put(diff, "changes", changes);
    json_put_int(diff, "sign_ins", crm->sign_ins);
    json_put(diff, "exports", json_deep_copy(crm->exports));
    if (!crm->sign_ins)
        json_push(reasons, json_string("nobody signed in"));
    if (strcmp(task_id, "create") == 0)
        grade_created(crm, reasons);
    if (strcmp(task_id, "list_on_hold") == 0 && !was_asked(crm->lists, "On hold"))
        json_push(reasons, json_string("the customers on hold were never listed"));
    if (strcmp(task_id, "export_active") == 0 && !was_asked(crm->exports, "Active"))
        json_push(reasons, json_string("the active customers were never exported"));
    return json_array_size(reasons) == 0;
}

json_t *crm_rows(struct site *site)
{
    const struct crm *crm = site_state(site);
    return json_deep_copy(crm->customers);
}

static json_t *rows_with_status(struct site *site, const char *status)
{
    const struct crm_query q = {"", status, "", ""};
    json_t *list = crm_select(site_state(site), &q), *rows = json_deep_copy(list);
    json_decref(list);
    return rows;
}

static json_t *on_hold_rows(struct site *site)
{
    return rows_with_status(site, "On hold");
}

static json_t *active_rows(struct site *site)
{
    return rows_with_status(site, "Active");
}

/* clang-format off */
const struct site_task crm_tasks[] = {
    {"sign_in", NULL, NULL},
    {"edit_phone", NULL, NULL},
    {"edit_details", NULL, NULL},
    {"set_status", NULL, NULL},
    {"add_note", NULL, NULL},
    {"archive", NULL, NULL},
    {"delete", NULL, NULL},
    {"bulk_status", NULL, NULL},
    {"create", NULL, NULL},
    {"list_on_hold", NULL, on_hold_rows},
    {"export_active", NULL, active_rows},
    {NULL, NULL, NULL},
};
/* clang-format on */
