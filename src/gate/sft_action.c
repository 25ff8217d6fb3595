#include "gate/sft_action.h"

#include <string.h>

#include "base/str.h"
#include "core/passwords.h"

#define BRIEF_CHARS  200
#define ANSWER_MARK  "{{user_input" /* core/answer.h */
#define SENTENCE_END ". "

/* --- text -------------------------------------------------------------------------------------- */

static size_t bytes_of(const char *s, size_t chars)
{
    const char *p = s;
    for (; *p; p++)
        if (((unsigned char)*p & 0xc0) != 0x80 && chars-- == 0)
            break;
    return (size_t)(p - s);
}

const char *sft_cut(struct pool *pool, const char *text, size_t n)
{
    return str_length(text) <= n
               ? text
               : pool_printf(pool, "%.*s...", (int)bytes_of(text, n), text);
}

static const char *one_line(struct pool *pool, const char *text)
{
    char *s = pool_strdup(pool, text);
    for (char *p = s; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    s += strspn(s, " ");
    for (size_t n = strlen(s); n && s[n - 1] == ' ';)
        s[--n] = 0;
    return s;
}

const char *sft_brief(struct pool *pool, const char *predicted_outcome)
{
    const char *text = one_line(pool, predicted_outcome);
    const char *end = strstr(text, SENTENCE_END);
    end = end ? strstr(end + strlen(SENTENCE_END), SENTENCE_END) : NULL;
    if (end)
        text = pool_strndup(pool, text, (size_t)(end - text));
    if (!*text)
        return "";
    if (!str_ends(text, "."))
        text = pool_printf(pool, "%s.", text);
    return str_length(text) > BRIEF_CHARS ? sft_cut(pool, text, BRIEF_CHARS - 3) : text;
}

/* As a model has to write it: what would end the string, or the line, is escaped. */
static const char *quoted(struct pool *pool, const char *text)
{
    static const struct {
        char c, mark;
    } escapes[] = {{'\\', '\\'}, {'"', '"'}, {'\n', 'n'}, {'\r', 'r'}};
    char *out = pool_alloc(pool, 2 * strlen(text) + 3), *to = out;
    *to++ = '"';
    for (const char *p = text; *p; p++) {
        size_t i = 0;
        while (i < ARRAY_SIZE(escapes) && escapes[i].c != *p)
            i++;
        if (i < ARRAY_SIZE(escapes))
            *to++ = '\\';
        *to++ = i < ARRAY_SIZE(escapes) ? escapes[i].mark : *p;
    }
    *to++ = '"';
    *to = 0;
    return out;
}

static const char *number(struct pool *pool, const json_t *params, const char *key, const char *def)
{
    const json_t *v = json_object_get(params, key);
    return json_is_number(v) ? json_text(pool, v) : def;
}

/* --- actions ----------------------------------------------------------------------------------- */

/* The words have no place for another button: such a click would be learnt as a plain one. */
static const char *write_click(struct pool *pool, const json_t *params)
{
    if (strcmp(json_str(params, "button", "left"), "left"))
        return NULL;
    return pool_printf(pool, "(x=%s, y=%s)", number(pool, params, "x", "0"),
                       number(pool, params, "y", "0"));
}

static const char *write_text(struct pool *pool, const json_t *params)
{
    const char *text = json_str(params, "text", "");
    if (!*text || strstr(text, PASSWORD_MARK) || strstr(text, ANSWER_MARK))
        return NULL;
    return pool_printf(pool, "(text=%s)", quoted(pool, text));
}

static const char *write_keys(struct pool *pool, const json_t *params)
{
    const char *keys = json_str(params, "keys", json_str(params, "key", ""));
    return *keys && !strstr(keys, PASSWORD_MARK)
               ? pool_printf(pool, "(keys=%s)", quoted(pool, keys))
               : NULL;
}

static const char *write_scroll(struct pool *pool, const json_t *params)
{
    return pool_printf(pool, "(direction=%s, amount=%s)",
                       quoted(pool, json_str(params, "direction", "down")),
                       number(pool, params, "amount", "3"));
}

static const char *write_wait(struct pool *pool, const json_t *params)
{
    return pool_printf(pool, "(seconds=%s)", number(pool, params, "seconds", "1.0"));
}

static const char *write_done(struct pool *pool, const json_t *params)
{
    return pool_printf(pool, "(success=%s, summary=%s)",
                       json_flag(params, "success", false) ? "true" : "false",
                       quoted(pool, json_str(params, "summary", "")));
}

static const struct {
    const char *type, *name;
    const char *(*write)(struct pool *pool, const json_t *params);
} actions[] = {
    {"click", "click", write_click},       {"double_click", "double_click", write_click},
    {"type_text", "type_text", write_text}, {"type", "type_text", write_text},
    {"key_press", "key_press", write_keys}, {"scroll", "scroll", write_scroll},
    {"wait", "wait", write_wait},          {"done", "done", write_done},
};

const char *sft_action_type(const json_t *action)
{
    return json_str(action, "action_type", json_str(action, "type", ""));
}

const char *sft_action(struct pool *pool, const json_t *action)
{
    const char *type = sft_action_type(action), *arguments = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        if (!strcmp(actions[i].type, type)) {
            arguments = actions[i].write(pool, json_object_get(action, "params"));
            return arguments ? pool_printf(pool, "%s%s", actions[i].name, arguments) : NULL;
        }
    return NULL;
}
