#include "brain/model/profile_fields.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"

enum field_type { TEXT, WHOLE, NUMBER, SWITCH, CHOICE, OBJECT, WORDS };

struct field {
    const char *path; /* "image.format" */
    enum field_type type;
    size_t offset;
    const char *def;            /* as JSON; NULL: must be given; "": NULL or "" */
    double min, max;            /* WHOLE, NUMBER */
    const char *const *choices; /* CHOICE: NULL-terminated, in the order of the enum */
    const char *help;
};

#define AT(member) offsetof(struct profile, member)

static const char *const apis[] = {"openai_chat", "anthropic_messages", NULL};
static const char *const formats[] = {"png", "jpeg", "webp", NULL};
static const char *const layouts[] = {"frames_first", "task_first", NULL};
static const char *const uses[] = {"never", "self_hosted", "always", NULL};
static const char *const switches[] = {"none", "thinking", "chat_template_kwargs", NULL};
static const char *const constraints[] = {"none", "json_schema", NULL};
static const char *const key_names[] = {"as_said", "plain", NULL};

#define NO_PLACE ((size_t)-1) /* read by profile.c */

/* clang-format off */
static const struct field fields[] = {
    {"name", TEXT, AT(name), NULL, 0, 0, NULL, "the file's name without .json"},
    {"about", TEXT, AT(about), "", 0, 0, NULL, "one line for people"},
    {"also", WORDS, AT(also), "", 0, 0, NULL, "further names it is chosen by"},
    {"api", CHOICE, AT(api), NULL, 0, 0, apis, "what the server speaks"},
    {"endpoint.base_url", TEXT, AT(base_url), NULL, 0, 0, NULL, "without a slash at the end"},
    {"endpoint.model", TEXT, AT(model), NULL, 0, 0, NULL, "its name there"},
    {"endpoint.pod_model", TEXT, AT(pod_model), "", 0, 0, NULL, "its name on a server of ours; empty: the same"},
    {"endpoint.key_env", TEXT, AT(key_env), "", 0, 0, NULL, "the secret that holds the key"},
    {"endpoint.headers", OBJECT, AT(headers), "", 0, 0, NULL, "extra headers, texts"},
    {"endpoint.timeout_seconds", WHOLE, AT(timeout_s), "120", 1, 3600, NULL, "of one call"},
    {"endpoint.attempts", WHOLE, AT(attempts), "1", 1, 10, NULL, "calls until it is given up"},
    {"endpoint.load_tries", WHOLE, AT(load_tries), "12", 1, 1000, NULL, "looks at /models before it counts as missing"},
    {"endpoint.load_gap_seconds", WHOLE, AT(load_gap_s), "10", 0, 600, NULL, "between them"},
    {"engine", OBJECT, AT(engine), "", 0, 0, NULL, "how a server of ours is launched"},
    {"coordinates", TEXT, NO_PLACE, "\"screen\"", 0, 0, NULL, "screen, resized, unit, per_mille or fixed:WxH"},
    {"resize.factor", WHOLE, AT(space.factor), "28", 1, 512, NULL, "resized: sides are multiples of it"},
    {"resize.min_pixels", NUMBER, AT(space.min_pixels), "3136", 1, 1e9, NULL, "resized: of the whole image"},
    {"resize.max_pixels", NUMBER, AT(space.max_pixels), "12845056", 1, 1e9, NULL, "resized: of the whole image"},
    {"image.format", CHOICE, AT(format), "\"png\"", 0, 0, formats, "what it is sent"},
    {"image.quality", WHOLE, AT(quality), "85", 1, PROFILE_QUALITY_MAX, NULL, "of jpeg and webp"},
    {"image.max_side", WHOLE, AT(max_side), "0", 0, CAP_SCREEN_SIDE_PX, NULL, "larger screens are sent smaller; 0: as they are"},
    {"image.format_env", TEXT, NO_PLACE, "", 0, 0, NULL, "variable that sets another format; jpg is jpeg"},
    {"image.quality_env", TEXT, NO_PLACE, "", 0, 0, NULL, "variable that sets another quality"},
    {"image.size_env", TEXT, NO_PLACE, "", 0, 0, NULL, "fixed: variable that sets another WxH"},
    {"frames", WHOLE, AT(frames), "1", 1, 8, NULL, "screenshots it is shown, the newest last"},
    {"plan_frames", WHOLE, AT(plan_frames), "1", 1, 8, NULL, "the same within a plan"},
    {"history", WHOLE, AT(history), "5", 0, 100, NULL, "earlier actions it is told"},
    {"sampling.max_tokens", WHOLE, AT(max_tokens), "2048", 1, 1e6, NULL, "of a reply"},
    {"sampling.pod_max_tokens", WHOLE, AT(pod_max_tokens), "0", 0, 1e6, NULL, "on a server of ours; 0: the same"},
    {"sampling.least_percent", WHOLE, AT(least_percent), "100", 1, 100, NULL, "of the tokens of any reply: with money for so many it is asked for, and cut there"},
    {"sampling.temperature", NUMBER, AT(temperature), "0", -1, 2, NULL, "below 0: not sent"},
    {"tools.use", CHOICE, AT(tools_use), "\"never\"", 0, 0, uses, "when it is given tools"},
    {"tools.file", TEXT, AT(tools_file), "", 0, 0, NULL, "profiles/tools/<file>.json"},
    {"tools.choice", TEXT, AT(tool_choice), "\"auto\"", 0, 0, NULL, "tool_choice"},
    {"tools.computer", TEXT, AT(computer_tool), "", 0, 0, NULL, "anthropic: version of the computer tool"},
    {"constraint", CHOICE, AT(constraint), "\"none\"", 0, 0, constraints, "where no tools are given and the engine can"},
    {"thinking.on", SWITCH, AT(thinking), "true", 0, 0, NULL, "off is said by the switch"},
    {"thinking.hosted_switch", CHOICE, AT(hosted_switch), "\"none\"", 0, 0, switches, "how its maker's server is told"},
    {"thinking.pod_switch", CHOICE, AT(pod_switch), "\"none\"", 0, 0, switches, "how a server of ours is told"},
    {"thinking.budget_tokens", WHOLE, AT(thinking_budget), "0", 0, 1e6, NULL, "anthropic: 0 none"},
    {"prompt.system", TEXT, NO_PLACE, NULL, 0, 0, NULL, "prompts/<name>.txt"},
    {"prompt.in_user", SWITCH, AT(system_in_user), "false", 0, 0, NULL, "at the start of the user message"},
    {"prompt.layout", CHOICE, AT(layout), "\"frames_first\"", 0, 0, layouts, "what comes first in the user message"},
    {"prompt.contexts", OBJECT, AT(contexts), "", 0, 0, NULL, "{step type: prompt added for it}"},
    {"prompt.attempts", SWITCH, AT(tell_attempts), "false", 0, 0, NULL, "tell of earlier failures"},
    {"prompt.facts", SWITCH, AT(tell_facts), "false", 0, 0, NULL, "tell what it wanted remembered"},
    {"prompt.exchanges", WHOLE, AT(exchanges), "0", 0, 20, NULL, "anthropic: earlier steps kept as a conversation"},
    {"replies", WORDS, NO_PLACE, NULL, 0, 0, NULL, "how a reply is read: the first that finds an action"},
    {"actions", OBJECT, AT(actions), "", 0, 0, NULL, "{word of the model: action it is}"},
    {"keys", CHOICE, AT(keys), "\"as_said\"", 0, 0, key_names, "plain: in lower case, cmd is ctrl"},
    {"unknown_wait_seconds", NUMBER, AT(unknown_wait_s), "1", 0, 10, NULL, "what an unknown action becomes"},
};

/* clang-format on */

/* --- one field ------------------------------------------------------------------------------- */

static int wrong(struct err *err, const struct field *f, const char *must, const json_t *got)
{
    char *text = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT);
    int r =
        err_set(err, E_INVALID, "%s must be %s, not %.80s", f->path, must, text ? text : "that");
    free(text);
    return r;
}

static const char *choices_text(struct pool *pool, const struct field *f)
{
    const char *out = "one of";
    for (const char *const *c = f->choices; *c; c++)
        out = pool_printf(pool, "%s%s %s", out, c == f->choices ? "" : ",", *c);
    return out;
}

static int read_choice(struct pool *pool, const struct field *f, const json_t *v, int *to,
                       struct err *err)
{
    for (int i = 0; json_is_string(v) && f->choices[i]; i++)
        if (!strcmp(json_string_value(v), f->choices[i])) {
            *to = i;
            return 0;
        }
    return wrong(err, f, choices_text(pool, f), v);
}

/* Without control characters: none of these texts is more than a line, and a header of two would be two headers. */
static bool is_line(const json_t *v)
{
    const char *s = json_string_value(v);
    while (s && *s && (unsigned char)*s >= ' ' && *s != 0x7f)
        s++;
    return s && !*s;
}

static bool all_texts(const json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)list, i, v)
        if (!is_line(v))
            return false;
    return json_is_array(list);
}

static bool all_texts_in(const json_t *object)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)object, key, v)
        if (!is_line(v))
            return false;
    return json_is_object(object);
}

static bool in_range(const struct field *f, const json_t *v)
{
    return json_number_value(v) >= f->min && json_number_value(v) <= f->max;
}

static const char *range_text(struct pool *pool, const struct field *f)
{
    return pool_printf(pool, "a%s number from %g to %g", f->type == WHOLE ? " whole" : "", f->min,
                       f->max);
}

static int read_field(struct pool *pool, const struct field *f, const json_t *v, char *to,
                      struct err *err)
{
    switch (f->type) {
    case TEXT:
        if (!is_line(v) || (!f->def && str_empty(json_string_value(v))))
            return wrong(err, f, "a text of one line", v);
        *(const char **)to = pool_strdup(pool, json_string_value(v));
        return 0;
    case WHOLE:
        if (!json_is_integer(v) || !in_range(f, v))
            return wrong(err, f, range_text(pool, f), v);
        *(int *)to = (int)json_integer_value(v);
        return 0;
    case NUMBER:
        if (!json_is_number(v) || !in_range(f, v))
            return wrong(err, f, range_text(pool, f), v);
        *(double *)to = json_number_value(v);
        return 0;
    case SWITCH:
        if (!json_is_boolean(v))
            return wrong(err, f, "true or false", v);
        *(bool *)to = json_is_true(v);
        return 0;
    case CHOICE:
        return read_choice(pool, f, v, (int *)to, err);
    case WORDS:
        if (!all_texts(v) || (!f->def && !json_array_size(v)))
            return wrong(err, f, "a list of texts of one line each", v);
        *(const json_t **)to = json_keep(pool, json_incref((json_t *)v));
        return 0;
    case OBJECT:
        if (!json_is_object(v) || (strcmp(f->path, "engine") && !all_texts_in(v)))
            return wrong(err, f, "an object of texts of one line each", v);
        *(const json_t **)to = json_keep(pool, json_incref((json_t *)v));
        return 0;
    }
    BUG("field '%s' has no type", f->path);
}

/* --- the file -------------------------------------------------------------------------------- */

static const json_t *value_at(struct pool *pool, const json_t *file, const char *path)
{
    const char *dot = strchr(path, '.');
    const json_t *in =
        dot ? json_object_get(file, pool_strndup(pool, path, (size_t)(dot - path))) : file;
    return json_object_get(in, dot ? dot + 1 : path);
}

static const struct field *field_named(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (!strcmp(fields[i].path, path))
            return &fields[i];
    return NULL;
}

static bool is_group(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (!strncmp(fields[i].path, name, len) && fields[i].path[len] == '.')
            return true;
    return false;
}

/* Of a group what stands in it; at the top its fields and the groups. */
static const char *known_in(struct pool *pool, const char *group)
{
    const char *out = "", *last = "";
    size_t skip = *group ? strlen(group) + 1 : 0, len;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *path = fields[i].path, *name = path + skip;
        if (*group && (strncmp(path, group, skip - 1) || path[skip - 1] != '.'))
            continue;
        len = strcspn(name, ".");
        if (!strncmp(name, last, len) && !last[len])
            continue; /* of the same group */
        last = pool_strndup(pool, name, len);
        out = pool_printf(pool, "%s%s%s", out, *out ? ", " : "", last);
    }
    return out;
}

static int unknown(struct pool *pool, struct err *err, const char *group, const char *path)
{
    return err_set(err, E_INVALID, "'%.80s' is no field of a profile; there are %s%s%s", path,
                   known_in(pool, group), *group ? " in " : "", group);
}

static int check_names(struct pool *pool, const json_t *file, struct err *err)
{
    const char *key, *inner;
    json_t *v, *w;
    json_object_foreach ((json_t *)file, key, v) {
        if (field_named(key))
            continue;
        if (!is_group(key))
            return unknown(pool, err, "", key);
        if (!json_is_object(v))
            return err_set(err, E_INVALID, "%s must be an object", key);
        json_object_foreach (v, inner, w) {
            const char *path = pool_printf(pool, "%s.%s", key, inner);
            if (!field_named(path))
                return unknown(pool, err, key, path);
        }
    }
    return 0;
}

static int take_field(struct pool *pool, const struct field *f, const json_t *file,
                      struct profile *out, struct err *err)
{
    union {
        const char *text;
        const json_t *json;
        double number;
    } nowhere;
    char *to = f->offset == NO_PLACE ? (char *)&nowhere : (char *)out + f->offset;
    const json_t *v = value_at(pool, file, f->path);
    if (v)
        return read_field(pool, f, v, to, err);
    if (!f->def)
        return err_set(err, E_INVALID, "%s is missing: %s", f->path, f->help);
    if (*f->def)
        return read_field(pool, f, json_keep(pool, json_loads(f->def, JSON_DECODE_ANY, NULL)), to,
                          err);
    if (f->type == TEXT)
        *(const char **)to = "";
    return 0;
}

int profile_read_fields(struct pool *pool, const json_t *file, struct profile *out, struct err *err)
{
    if (!json_is_object(file))
        return err_set(err, E_INVALID, "a profile must be an object");
    int r = check_names(pool, file, err);
    for (size_t i = 0; i < ARRAY_SIZE(fields) && !r; i++)
        r = take_field(pool, &fields[i], file, out, err);
    return r;
}

const char *profile_describe(struct pool *pool)
{
    static const char *const types[] = {
        [TEXT] = "text", [WHOLE] = "whole number", [NUMBER] = "number",      [SWITCH] = "switch",
        [CHOICE] = "",   [OBJECT] = "object",      [WORDS] = "list of texts"};
    const char *out = "| field | what it may be | default | what it says |\n|---|---|---|---|\n";
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const struct field *f = &fields[i];
        const char *type = f->type == CHOICE                       ? choices_text(pool, f)
                           : f->type == WHOLE || f->type == NUMBER ? range_text(pool, f)
                                                                   : types[f->type];
        out = pool_printf(pool, "%s| `%s` | %s | %s | %s |\n", out, f->path, type,
                          !f->def   ? "must be given"
                          : *f->def ? f->def
                                    : "none",
                          f->help);
    }
    return out;
}
