#include "run/progress.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_VERSION 2

enum field_kind { INT, NUM, FLAG, TEXT, LIST, OBJECT };

static const struct field {
    const char *key;
    enum field_kind kind;
    size_t at;
} fields[] = {
#define F(key, kind, member)                                                                       \
    {                                                                                              \
        key, kind, offsetof(struct progress, member)                                               \
    }
    F("step_index", INT, step_index),
    F("current_page", INT, current_page),
    F("page", INT, current_page),
    F("viewport_stage", INT, viewport_stage),
    F("listings_on_page", INT, listings_on_page),
    F("retries", INT, retries),
    F("blocked_reloads", INT, blocked_reloads),
    F("effects", INT, effects),
    F("steps_executed", INT, steps_executed),
    F("n_tasks", INT, n_tasks),
    F("scroll_y", INT, scroll_y),
    F("row_images", INT, row_images),
    F("row_image_bytes", INT, row_image_bytes),
    F("shared_seen_hits", INT, shared_seen_hits),
    F("user_inputs", INT, inputs),
    F("user_input_asked", FLAG, asked),
    F("elapsed_s", NUM, elapsed_s),
    F("detail_open", FLAG, detail_open),
    F("status", TEXT, status),
    F("halt_reason", TEXT, halt_reason),
    F("session_name", TEXT, session_name),
    F("plan_signature", TEXT, plan_signature),
    F("run_key", TEXT, run_key),
    F("current_url", TEXT, current_url),
    F("reentry_url", TEXT, reentry_url),
    F("results_base_url", TEXT, results_base_url),
    F("listing_url", TEXT, listing_url),
    F("detail_url", TEXT, detail_url),
    F("drift_hint", TEXT, drift_hint),
    F("card_title", TEXT, card_title),
    F("card_key", TEXT, card_key),
    F("user_input_prompt", TEXT, ask_prompt),
    F("user_input_reason", TEXT, ask_reason),
    F("timestamp", TEXT, timestamp),
    F("seen_urls", LIST, seen_urls),
    F("extracted_leads", LIST, leads),
    F("step_results", LIST, step_results),
    F("extracted_titles", LIST, titles),
    F("tried_cards", LIST, tried),
    F("required_filter_tokens", LIST, filter_tokens),
    F("rows", LIST, rows),
    F("healing_events", LIST, healing),
    F("warnings", LIST, warnings),
    F("schema_fields", LIST, schema_fields),
    F("accounts", LIST, accounts),
    F("downloads", LIST, downloads),
    F("collected_urls", LIST, collected_urls),
    F("loop_counters", OBJECT, loop_counters),
    F("state_vars", OBJECT, state_vars),
    F("step_failures", OBJECT, failures),
    F("plan_edits", LIST, edits),
    F("intent_overrides", OBJECT, overrides),
    F("recoveries", INT, recoveries),
    F("step_recoveries", OBJECT, step_recoveries),
    F("state_print", TEXT, state_print),
    F("state_repeats", INT, state_repeats),
    F("off_source_steps", INT, off_source),
    F("executor_backend_counts", OBJECT, backends),
    F("last_extracted", OBJECT, last_extracted),
    F("time_buckets", OBJECT, time_buckets),
    F("costs", OBJECT, costs),
    F("claude_cost_by_path", OBJECT, cost_by_path),
    F("dynamic_coverage", OBJECT, coverage),
    F("learned", OBJECT, learned),
    F("browser_state", OBJECT, browser_state),
    F("tile", OBJECT, tile),
    F("suite_state", OBJECT, suite),
#undef F
};

static void *member(const struct progress *p, const struct field *f)
{
    return (char *)p + f->at;
}

static char *must_dup(const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        BUG("out of memory");
    return copy;
}

void progress_init(struct progress *p)
{
    *p = (struct progress){.current_page = 1};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        void *m = member(p, &fields[i]);
        if (fields[i].kind == TEXT)
            *(char **)m = must_dup("");
        else if (fields[i].kind == LIST)
            *(json_t **)m = json_array();
        else if (fields[i].kind == OBJECT)
            *(json_t **)m = json_object();
    }
}

void progress_release(struct progress *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        void *m = member(p, &fields[i]);
        if (fields[i].kind == TEXT) {
            free(*(char **)m);
            *(char **)m = NULL;
        } else if (fields[i].kind == LIST || fields[i].kind == OBJECT) {
            json_decref(*(json_t **)m);
            *(json_t **)m = NULL;
        }
    }
}

void progress_set(char **field, const char *value)
{
    char *old = *field;
    *field = must_dup(value);
    free(old);
}

static json_t *field_json(const struct field *f, const void *m)
{
    switch (f->kind) {
    case INT:
        return json_integer(*(const int *)m);
    case NUM:
        return json_real(*(const double *)m);
    case FLAG:
        return json_boolean(*(const bool *)m);
    case TEXT:
        return json_string_safe(*(char *const *)m);
    case LIST:
    case OBJECT:
        break;
    }
    return json_incref(*(json_t *const *)m);
}

json_t *progress_to_json(const struct progress *p)
{
    json_t *doc = json_object();
    json_put_int(doc, "version", CHECKPOINT_VERSION);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        json_put(doc, fields[i].key, field_json(&fields[i], member(p, &fields[i])));
    return doc;
}

/* The lists are copied: the caller's document may be read again for another attempt. */
static void read_field(const struct field *f, void *m, const json_t *v)
{
    if (f->kind == INT && json_is_integer(v))
        *(int *)m = (int)json_integer_value(v);
    else if (f->kind == NUM && json_is_number(v))
        *(double *)m = json_number_value(v);
    else if (f->kind == FLAG && json_is_boolean(v))
        *(bool *)m = json_is_true(v);
    else if (f->kind == TEXT && json_is_string(v))
        progress_set(m, json_string_value(v));
    else if ((f->kind == LIST && json_is_array(v)) || (f->kind == OBJECT && json_is_object(v))) {
        json_decref(*(json_t **)m);
        *(json_t **)m = json_deep_copy(v);
    }
}

int progress_from_json(struct progress *p, const json_t *doc, struct err *err)
{
    if (!json_is_object(doc) || json_int(doc, "version", 0) != CHECKPOINT_VERSION)
        return err_set(err, E_INVALID, "checkpoint: expected a version %d document",
                       CHECKPOINT_VERSION);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        read_field(&fields[i], member(p, &fields[i]), json_object_get(doc, fields[i].key));
    return 0;
}

bool progress_has(const json_t *array, const char *value)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)array, i, v)
        if (json_is_string(v) && !strcmp(json_string_value(v), value))
            return true;
    return false;
}

void progress_add(json_t *array, const char *value)
{
    if (!progress_has(array, value))
        json_push(array, json_string_safe(value));
}

int progress_counter(const json_t *counters, int index)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", index);
    return (int)json_int(counters, key, 0);
}

static int key_index(const char *key)
{
    char *end;
    long n = strtol(key, &end, 10);
    return *key && !*end ? (int)n : -1;
}

void progress_shift(json_t *by_index, int at, int n)
{
    json_t *moved = json_object(), *v;
    const char *key;
    char name[16];
    json_object_foreach (by_index, key, v) {
        int i = key_index(key);
        snprintf(name, sizeof(name), "%d", i >= at ? i + n : i);
        json_put(moved, i < 0 ? key : name, json_incref(v));
    }
    json_object_clear(by_index);
    json_object_update(by_index, moved);
    json_decref(moved);
}

void progress_set_counter(json_t *counters, int index, int value)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", index);
    json_put_int(counters, key, value);
}
