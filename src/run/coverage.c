#include "run/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/str.h"

#define MAX_EVENTS 500

static const char *const state_names[] = {"found", "attempted", "opened", "completed", "failed"};
static const char *const event_names[] = {"viewport_scan", "item_attempt", "item_opened",
                                          "item_completed", "item_failed"};

void coverage_init(struct coverage *c, const json_t *saved)
{
    const json_t *pages = json_object_get(saved, "pages"),
                 *events = json_object_get(saved, "events");
    c->pages = json_is_array(pages) ? json_deep_copy(pages) : json_array();
    c->events = json_is_array(events) ? json_deep_copy(events) : json_array();
    c->dropped = (int)json_int(saved, "events_dropped", 0);
}

void coverage_release(struct coverage *c)
{
    json_decref(c->pages);
    json_decref(c->events);
    c->pages = c->events = NULL;
}

static void add_event(struct coverage *c, const char *kind, int page, const char *title)
{
    json_t *e = json_pack("{s:s,s:i}", "event", kind, "page", page);
    if (*title)
        json_put(e, "title", json_string_safe(title));
    json_push(c->events, e);
    while (json_array_size(c->events) > MAX_EVENTS) {
        json_array_remove(c->events, 0);
        c->dropped++;
    }
}

static json_t *page_of(struct coverage *c, int page)
{
    size_t i;
    json_t *p;
    json_array_foreach (c->pages, i, p)
        if (json_int(p, "page", 0) == page)
            return p;
    p = json_pack("{s:i,s:s,s:n,s:b,s:{}}", "page", page, "url", "", "filters_present", "exhausted",
                  0, "items");
    json_push(c->pages, p);
    return p;
}

void coverage_page(struct coverage *c, int page, const char *url)
{
    if (page == 1)
        json_array_clear(c->pages); /* another list of results begins */
    json_put(page_of(c, page), "url", json_string_safe(url));
    add_event(c, "page_start", page, "");
}

void coverage_filters(struct coverage *c, int page, bool present)
{
    json_t *p = page_of(c, page);
    if (json_is_boolean(json_object_get(p, "filters_present")) &&
        json_flag(p, "filters_present", false) == present)
        return;
    json_put_bool(p, "filters_present", present);
    add_event(c, "filter_check", page, "");
}

static json_t *item_of(struct coverage *c, int page, const char *title, bool *ret_new)
{
    struct pool *pool = pool_create(NULL);
    json_t *key_json = json_string_safe(str_lower(pool, str_squash(pool, title)));
    json_t *items = json_object_get(page_of(c, page), "items");
    json_t *item = json_object_get(items, json_string_value(key_json));
    *ret_new = !item;
    if (!item) {
        item = json_pack("{s:s,s:b,s:b,s:b,s:b}", "state", "found", "attempted", 0, "opened", 0,
                         "completed", 0, "failed", 0);
        json_put(items, json_string_value(key_json), item);
    }
    json_decref(key_json);
    pool_destroy(pool);
    return item;
}

void coverage_found(struct coverage *c, int page, const char *title)
{
    bool fresh;
    item_of(c, page, title, &fresh);
    if (fresh)
        add_event(c, event_names[ITEM_FOUND], page, title);
}

void coverage_item(struct coverage *c, int page, const char *title, enum coverage_state state)
{
    bool fresh;
    json_t *item = item_of(c, page, title, &fresh);
    json_put_str(item, "state", state_names[state]);
    json_put_bool(item, state_names[state], true);
    add_event(c, event_names[state], page, title);
}

void coverage_exhausted(struct coverage *c, int page)
{
    json_put_bool(page_of(c, page), "exhausted", true);
    add_event(c, "page_exhausted", page, "");
}

void coverage_paginated(struct coverage *c, int from_page, int to_page)
{
    json_put_bool(page_of(c, from_page), "paginated", true);
    add_event(c, "pagination", to_page, "");
}

/* --- report ---------------------------------------------------------------------------------- */

struct counts {
    int found, attempted, opened, completed, failed;
};

static struct counts count_items(const json_t *page)
{
    struct counts n = {0};
    const char *key;
    json_t *item;
    json_object_foreach (json_object_get(page, "items"), key, item) {
        n.found++;
        n.attempted += json_flag(item, "attempted", false);
        n.opened += json_flag(item, "opened", false);
        n.completed += json_flag(item, "completed", false);
        n.failed += json_flag(item, "failed", false);
    }
    return n;
}

static void add_check(json_t *checks, int page, const char *name, bool pass, bool running)
{
    char full[96];
    snprintf(full, sizeof(full), "page_%d_%s", page, name);
    json_push(checks, json_pack("{s:s,s:s}", "name", full, "status",
                                pass      ? "pass"
                                : running ? "pending"
                                          : "fail"));
}

static void check_page(json_t *checks, const json_t *page, bool running)
{
    struct counts n = count_items(page);
    int number = (int)json_int(page, "page", 0);
    bool exhausted = json_flag(page, "exhausted", false),
         moved_on = json_flag(page, "paginated", false);
    const json_t *filters = json_object_get(page, "filters_present");
    add_check(checks, number, "required_filters_present", !json_is_false(filters), running);
    add_check(checks, number, "found_items_attempted", n.attempted >= n.found, running);
    add_check(checks, number, "attempted_items_opened", n.opened >= n.attempted, running);
    add_check(checks, number, "attempted_items_completed", n.completed >= n.attempted, running);
    add_check(checks, number, "completed_without_item_failures", n.failed == 0, running);
    add_check(checks, number, "page_exhausted_before_pagination",
              !moved_on || exhausted || n.attempted >= n.found, running);
    add_check(checks, number, "has_terminal_state", exhausted || moved_on || n.attempted >= n.found,
              running);
}

static json_t *totals_of(const struct coverage *c)
{
    struct counts all = {0};
    size_t i;
    json_t *page;
    json_array_foreach (c->pages, i, page) {
        struct counts n = count_items(page);
        all.found += n.found;
        all.attempted += n.attempted;
        all.opened += n.opened;
        all.completed += n.completed;
        all.failed += n.failed;
    }
    return json_pack(
        "{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "pages_seen", (int)json_array_size(c->pages),
        "found_items", all.found, "attempted_items", all.attempted, "opened_items", all.opened,
        "completed_items", all.completed, "successful_items",
        all.completed > all.failed ? all.completed - all.failed : 0, "failed_items", all.failed,
        "missing_attempts", all.found - all.attempted, "incomplete_attempts",
        all.attempted - all.completed, "unopened_attempts", all.attempted - all.opened);
}

static const char *verdict_of(const json_t *checks, const char *status, bool listings, bool running)
{
    size_t i;
    json_t *check;
    bool pending = false;
    if (!listings)
        return "not_applicable";
    if (running)
        return status;
    json_array_foreach ((json_t *)checks, i, check) {
        if (!strcmp(json_str(check, "status", ""), "fail"))
            return "fail";
        pending = pending || !strcmp(json_str(check, "status", ""), "pending");
    }
    return pending ? "partial" : "pass";
}

json_t *coverage_report(const struct coverage *c, const char *status, const char *plan_name,
                        const json_t *filter_tokens, bool listings_plan)
{
    bool running = !strcmp(status, "running") || !strcmp(status, "queued");
    json_t *out = json_object(), *checks = json_array(), *page;
    size_t i;
    if (listings_plan) {
        json_array_foreach (c->pages, i, page)
            check_page(checks, page, running);
        if (!json_array_size(c->pages))
            json_push(checks, json_pack("{s:s,s:s}", "name", "pages_discovered", "status",
                                        running ? "pending" : "fail"));
    }
    json_put_str(out, "status", status);
    json_put_str(out, "verdict", verdict_of(checks, status, listings_plan, running));
    json_put_str(out, "plan_name", plan_name);
    json_put(out, "required_filter_tokens", json_deep_copy(filter_tokens));
    json_put(out, "pages", json_deep_copy(c->pages));
    json_put(out, "totals", totals_of(c));
    json_put(out, "checks", checks);
    json_put(out, "events", json_deep_copy(c->events));
    json_put_int(out, "events_dropped", c->dropped);
    return out;
}
