#include "sched/payload.h"

#include <ctype.h>
#include <string.h>

#include "sched/webhook.h"

#define MASK "***"

/* Of what is echoed; it is in the run's row, which every step of the run writes. */
#define PAYLOAD_BYTES (8 << 10)

/* Left out wherever they stand. */
static const char *const secret_keys[] = {
    "auth",
    "user_input",
    "_oracle_admin_token",
    "_oracle_preview_token",
    "webhook_secret_name",
    "_browser_extra_headers",
};

static const char *const address_keys[] = {"callback_url", "webhook_url"};

/* What a step or a tool types, chooses or answers, where such things stand. */
static const char *const typed_keys[] = {"value", "text", "content", "password", "option_label"};
static const char *const typed_inside[] = {"params", "hints", "args"};

static bool is_one_of(const char *key, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], key) == 0)
            return true;
    return false;
}

#define IS_IN(key, list) is_one_of(key, list, ARRAY_SIZE(list))

static void clean(struct pool *pool, json_t *value, bool typed)
{
    const char *key;
    json_t *child;
    void *next;
    size_t i;
    json_array_foreach (value, i, child)
        clean(pool, child, typed);
    json_object_foreach_safe(value, next, key, child)
    {
        if (IS_IN(key, secret_keys))
            json_object_del(value, key);
        else if (typed && IS_IN(key, typed_keys) && !json_is_null(child))
            json_put_str(value, key, MASK);
        else if (IS_IN(key, address_keys) && json_is_string(child))
            json_put_str(value, key, webhook_shown_url(pool, json_string_value(child)));
        else
            clean(pool, child, typed || IS_IN(key, typed_inside));
    }
}

static bool inside_word(const char *text, const char *at, size_t len)
{
    return (at > text && isalnum((unsigned char)at[-1])) || isalnum((unsigned char)at[len]);
}

/* text without the words of what is typed: "Type ada into Name" keeps its "made". */
static const char *without(struct pool *pool, const char *text, const char *typed)
{
    const char *out = "", *from = text;
    size_t len = strlen(typed);
    for (const char *at = text; len && (at = strstr(at, typed)); at += len) {
        if (inside_word(text, at, len))
            continue;
        out = pool_printf(pool, "%s%.*s%s", out, (int)(at - from), from, MASK);
        from = at + len;
    }
    return pool_printf(pool, "%s%s", out, from);
}

void payload_mask_prose(struct pool *pool, json_t *payload, const struct plan *plan)
{
    const char *text = json_str(payload, "plan_text", "");
    if (!*text)
        return;
    for (int i = 0; i < plan->n_steps; i++)
        for (size_t k = 0; k < ARRAY_SIZE(typed_keys); k++)
            text = without(pool, text, json_str(plan->steps[i].params, typed_keys[k], ""));
    json_put(payload, "plan_text", json_string_safe(text));
}

/* A long plan, inline or as text, is not shown again. */
static void drop_long_fields(json_t *payload)
{
    size_t used = 0;
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(payload, next, key, value)
    {
        size_t size = strlen(key) + json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
        if (used + size > PAYLOAD_BYTES)
            json_object_del(payload, key);
        else
            used += size;
    }
}

json_t *payload_masked(struct pool *pool, const json_t *value)
{
    json_t *shown = json_keep(pool, json_deep_copy((json_t *)value));
    clean(pool, shown, false);
    return shown;
}

json_t *payload_of(struct pool *pool, const json_t *request)
{
    json_t *payload = json_keep(pool, json_copy((json_t *)request));
    json_object_del(payload, "task_file_contents");
    drop_long_fields(payload);
    return payload_masked(pool, payload);
}

/* What is ticked is no text. */
json_t *payload_masked_form(struct pool *pool, const json_t *browser_state)
{
    static const char *const texts[] = {"text", "select", "contenteditable"};
    json_t *shown = json_keep(pool, json_deep_copy((json_t *)browser_state)), *field;
    const char *name;
    json_object_foreach (json_object_get(shown, "form_state"), name, field)
        if (IS_IN(json_str(field, "kind", ""), texts) && *json_str(field, "value", ""))
            json_put_str(field, "value", MASK);
    return shown;
}
