#include "brain/model/reply.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/reading.h"

#define TEXT_SHOWN 100 /* characters of a reply that nobody could read */
#define LABELS_MAX 2   /* "Action:" and a code fence before a call */

struct reply_strategy {
    const char *name;
    bool (*read)(struct reading *r, struct action *out);
};

/* --- tool calls ------------------------------------------------------------------------------ */

/* One tool for everything: {"name":"computer_use","arguments":{"action":"left_click", ...}}. */
static const char *inner_name(const struct reading *r, const char *name, const json_t *args)
{
    const char *action = json_str(args, "action", NULL);
    bool wraps = str_starts(name, "computer") || !vocabulary_has(r, name);
    return action && wraps ? action : name;
}

static bool is_host_tool(const struct reading *r, const char *name)
{
    size_t i;
    json_t *tool;
    json_array_foreach ((json_t *)r->facts->host_tools, i, tool)
        if (!strcmp(json_str(tool, "name", ""), name))
            return true;
    return false;
}

static bool tool_call(struct reading *r, struct action *out)
{
    const struct said_call *c = r->said->calls;
    if (!r->said->n_calls)
        return false;
    if (is_host_tool(r, c->name)) {
        r->out->tool = c->name;
        r->out->tool_args = c->arguments;
        *out = (struct action){.type = ACTION_WAIT};
        return true;
    }
    return vocabulary_read(r, inner_name(r, c->name, c->arguments), c->arguments, NULL, false, out);
}

/* --- calls in the text ----------------------------------------------------------------------- */

static const char *trimmed_end(const char *text, const char *end)
{
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    return end;
}

/* Without an "Action:" or the opening of a code fence at the end. */
static const char *without_label(const char *text, const char *end)
{
    static const char label[] = "action:", fence[] = "```";
    size_t len = strlen(label);
    const char *line = end;
    while (line > text && line[-1] != '\n')
        line--;
    if ((size_t)(end - text) >= len && !strncasecmp(end - len, label, len))
        return end - len;
    return str_starts(line, fence) ? line : end;
}

/* What was said before the call is thought, unless thinking came apart from it. */
static void think_before(struct reading *r, const char *begin)
{
    const char *text = r->text, *end = trimmed_end(text, begin);
    if (*r->out->thinking)
        return;
    for (int i = 0; i < LABELS_MAX; i++)
        end = trimmed_end(text, without_label(text, end));
    text += strspn(text, " \t\r\n");
    r->out->thinking = end > text ? pool_strndup(r->pool, text, (size_t)(end - text)) : "";
}

typedef bool wanted_fn(const struct reading *r, const struct call *c);

static bool is_plain(const struct reading *r, const struct call *c)
{
    return !*c->prefix && vocabulary_has(r, c->name);
}

static bool is_pyautogui(const struct reading *r, const struct call *c)
{
    return !strcmp(c->prefix, "pyautogui") || !strcmp(c->prefix, "computer");
}

static bool is_terminate(const struct reading *r, const struct call *c)
{
    return !strcmp(c->name, "terminate");
}

static bool is_computer_use(const struct reading *r, const struct call *c)
{
    return !strcmp(c->name, "computer_use");
}

/* The first or the last wanted call that is an action. */
static bool read_calls(struct reading *r, wanted_fn *wanted, bool last, struct action *out)
{
    struct call c;
    const char *begin = NULL;
    struct action a;
    r->in_words = true;
    for (const char *p = r->text; (last || !begin) && literal_call(r->pool, r->text, p, &c);
         p = c.end) {
        if (!wanted(r, &c))
            continue;
        const char *name = inner_name(r, c.name, c.named);
        if (vocabulary_read(r, name, c.named, c.positional, c.bare, &a)) {
            begin = c.begin;
            *out = a;
        }
    }
    r->in_words = false;
    if (begin)
        think_before(r, begin);
    return begin != NULL;
}

static bool native(struct reading *r, struct action *out)
{
    return read_calls(r, is_plain, true, out);
}

static bool terminate(struct reading *r, struct action *out)
{
    return read_calls(r, is_terminate, false, out);
}

static bool computer_use(struct reading *r, struct action *out)
{
    return read_calls(r, is_computer_use, false, out);
}

/* --- objects in the text --------------------------------------------------------------------- */

/* {"action":...,"parameters":{"x":...}}: one object of them all. */
static const json_t *flat(struct reading *r, const json_t *o)
{
    static const char *const nests[] = {"parameters", "arguments", "params", "args",
                                        "action_input"};
    json_t *args = json_keep(r->pool, json_copy((json_t *)o));
    for (size_t i = 0; i < ARRAY_SIZE(nests); i++) {
        json_t *inner = json_object_get(o, nests[i]);
        if (json_is_object(inner)) {
            json_object_del(args, nests[i]);
            json_object_update(args, inner);
        }
    }
    return args;
}

/* The same reading of a text inside the reply. */
static bool read_code(struct reading *r, const char *code, struct action *out)
{
    const char *whole = r->text;
    r->text = code;
    bool found = native(r, out) || read_calls(r, is_pyautogui, false, out);
    r->text = whole;
    return found;
}

/* What names the action, besides what only a tool call's text has. */
static const char *action_word(const json_t *o)
{
    static const char *const keys[] = {"action", "command", "code"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (json_is_string(json_object_get(o, keys[i])))
            return json_str(o, keys[i], NULL);
    bool nested = json_is_object(json_object_get(o, "arguments")) ||
                  json_is_object(json_object_get(o, "parameters"));
    return nested ? json_str(o, "name", NULL) : NULL;
}

static bool read_object(struct reading *r, const json_t *o, struct action *out)
{
    const char *word = action_word(o);
    if (!word)
        return false;
    if (strchr(word, '('))
        return read_code(r, word, out);
    const json_t *args = flat(r, o);
    return vocabulary_read(r, inner_name(r, word, args), args, NULL, false, out);
}

static bool json(struct reading *r, struct action *out)
{
    const json_t *o;
    const char *before;
    for (const char *p = r->text; before = p, (o = literal_find(r->pool, &p, false));)
        if (read_object(r, o, out)) {
            think_before(r, before + strcspn(before, "{"));
            return true;
        }
    return false;
}

/* A call that only waits leaves it to an object. */
static bool pyautogui(struct reading *r, struct action *out)
{
    struct action instead;
    bool found = read_calls(r, is_pyautogui, false, out);
    if (found && out->type == ACTION_WAIT && json(r, &instead))
        *out = instead;
    return found;
}

/* --- words ----------------------------------------------------------------------------------- */

static bool keyword(struct reading *r, struct action *out)
{
    return !strstr(r->text, "pyautogui.") && words_line(r, r->text, out);
}

/* "I press the Tab key", with a key call that names none. */
static bool press_words(struct reading *r, struct action *out)
{
    static const char *const keys[][2] = {{"Tab", "tab"},
                                          {"Return", "enter"},
                                          {"Enter", "enter"},
                                          {"Escape", "escape"},
                                          {"BackSpace", "backspace"}};
    const json_t *args = r->said->n_calls ? r->said->calls[0].arguments : NULL;
    const char *action = json_str(args, "action", "");
    if (strcmp(action, "key"))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *key = pool_printf(r->pool, "%s key", keys[i][0]);
        const char *press = pool_printf(r->pool, "press %s", keys[i][0]);
        if (str_contains_fold(r->text, key) || str_contains_fold(r->text, press)) {
            *out = (struct action){.type = ACTION_KEY_PRESS, .keys = keys[i][1]};
            return true;
        }
    }
    return false;
}

/* No tool at all: the text may say that it is over. */
static bool done_words(struct reading *r, struct action *out)
{
    static const char *const over[] = {"done", "complete", "completed", "finished"};
    static const char *const not_yet[] = {"not done",     "not yet",    "not complete",
                                          "not finished", "isn't done", "almost done",
                                          "be done"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_SIZE(over); i++)
        found = found || str_has_words_fold(r->text, over[i]);
    for (size_t i = 0; i < ARRAY_SIZE(not_yet); i++)
        found = found && !str_contains_fold(r->text, not_yet[i]);
    if (r->said->n_calls || !found)
        return false;
    bool failed = str_contains_fold(r->text, "fail") || str_contains_fold(r->text, "cannot");
    *out = (struct action){
        .type = ACTION_DONE, .success = !failed, .summary = str_squash(r->pool, r->text)};
    return true;
}

static const struct reply_strategy strategies[] = {
    {"tool_call", tool_call},       /* the first of the reply's tool calls */
    {"native", native},             /* the last known call in the text: click(x=1, y=2) */
    {"json", json},                 /* the first object with action, command or code */
    {"pyautogui", pyautogui},       /* the first pyautogui.x(...) */
    {"computer_use", computer_use}, /* computer_use({...}) in the text */
    {"terminate", terminate},       /* terminate('success') */
    {"keyword", keyword},           /* a line DONE or FAIL */
    {"press_words", press_words},   /* the text names the key that the call does not */
    {"done_words", done_words},     /* the text says that it is over */
};

const struct reply_strategy *reply_strategy(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(strategies); i++)
        if (!strcmp(name, strategies[i].name))
            return &strategies[i];
    return NULL;
}

const char *reply_strategies(struct pool *pool)
{
    const char *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(strategies); i++)
        out = pool_printf(pool, "%s%s%s", out, *out ? ", " : "", strategies[i].name);
    return out;
}

/* --- a reply --------------------------------------------------------------------------------- */

static bool was_cut(const struct said *said)
{
    return !strcmp(said->finish, "length") || !strcmp(said->finish, "max_tokens");
}

static struct action unreadable(struct reading *r)
{
    const char *text = cut_chars(r->pool, str_squash(r->pool, r->said->text), TEXT_SHOWN);
    const char *cut = was_cut(r->said) ? " (it was cut off)" : "";
    const char *why = r->note ? r->note : pool_printf(r->pool, "could not parse%s: %s", cut, text);
    return (struct action){.type = ACTION_WAIT,
                           .seconds = r->note ? r->profile->unknown_wait_s : 1,
                           .unparsed = true,
                           .reasoning = why};
}

/* Anthropic's models think in blocks beside the tool call: that is the action's reason. */
static void add_reasoning(struct reading *r)
{
    struct model_reply *out = r->out;
    if (r->profile->api != API_ANTHROPIC_MESSAGES || out->action.reasoning)
        return;
    const char *both = str_squash(r->pool, pool_printf(r->pool, "%s %s", out->thinking, r->text));
    if (*both)
        out->action.reasoning = cut_chars(r->pool, both, REASONING_CHARS);
}

void reply_read(struct pool *pool, const struct profile *profile, const struct said *said,
                const struct reply_facts *facts, struct model_reply *out)
{
    struct reading r = {.pool = pool, .profile = profile, .said = said, .facts = facts, .out = out};
    *out = (struct model_reply){.strategy = "", .thinking = ""};
    reply_split(&r);
    if (!*said->text && !said->n_calls && !was_cut(said)) /* all that was said was thought */
        r.text = said->thinking;
    for (int i = 0; profile->replies[i]; i++)
        if (profile->replies[i]->read(&r, &out->action)) {
            out->strategy = profile->replies[i]->name;
            add_reasoning(&r);
            if (!*out->thinking && said->n_calls)
                out->thinking = str_squash(pool, r.text);
            return;
        }
    out->action = unreadable(&r);
    if (!*out->thinking)
        out->thinking = str_squash(pool, r.text);
}
