#include "plan/decompose/rules.h"

#include <string.h>

#include "base/str.h"

int draft_count(const struct draft *d)
{
    return (int)json_array_size(d->steps);
}

json_t *draft_params(json_t *step)
{
    return json_object_get(step, "params");
}

json_t *draft_hints(json_t *step)
{
    return json_object_get(step, "hints");
}

json_t *draft_step(struct draft *d, const char *type, const char *intent)
{
    json_t *step = json_object();
    char *sentence = pool_strdup(d->pool, intent);
    if (*sentence >= 'a' && *sentence <= 'z')
        *sentence = (char)(*sentence - 'a' + 'A');
    json_put_str(step, "type", type);
    json_put(step, "intent", json_string_safe(sentence));
    json_put(step, "params", json_object());
    json_put(step, "hints", json_object());
    if (d->block.open && d->block.start >= 0)
        json_put_str(step, "section", "extraction");
    if (*d->guard && d->clauses[d->at].sentence == d->guard_sentence) {
        json_put_str(step, "guard", d->guard);
        json_put_bool(step, "required", false);
    }
    json_push(d->steps, step);
    return step;
}

const char *draft_piece(const struct draft *d, const struct clause *c, char name)
{
    return match_text(d->pool, d->prose, &c->match, name);
}

static const char *without_article(const char *s)
{
    static const char *const articles[] = {"the ",  "their ", "that ", "this ",
                                           "your ", "my ",    "a "};
    for (size_t i = 0; i < ARRAY_SIZE(articles); i++)
        if (str_starts(s, articles[i]))
            return s + strlen(articles[i]);
    return s;
}

/* "the code" after the user was asked for "the 6-digit code". */
static bool is_the_answer(const struct draft *d, const char *piece)
{
    static const char *const words[] = {"it",    "that",          "answer",
                                        "reply", "user's answer", "user's reply",
                                        "input", "user input",    "value"};
    const char *said = without_article(str_lower(d->pool, piece)),
               *asked = without_article(str_lower(d->pool, d->asked));
    if (!*asked)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(said, words[i]) == 0)
            return true;
    size_t shorter = strlen(said), longer = strlen(asked);
    return *said && str_ends(asked, said) &&
           (shorter == longer || asked[longer - shorter - 1] == ' ');
}

const char *draft_value(const struct draft *d, const struct clause *c, char name)
{
    const char *piece = draft_piece(d, c, name);
    return !match_quoted(&c->match, name) && is_the_answer(d, piece) ? "{{user_input}}" : piece;
}

void draft_aliases(json_t *step, const char *const *aliases)
{
    json_t *list = json_array();
    for (; *aliases; aliases++)
        json_push(list, json_string(*aliases));
    json_put(draft_params(step), "aliases", list);
}

json_t *draft_press(struct draft *d, const char *type, const char *intent, const char *label,
                    const char *kind)
{
    bool in_body = d->block.open, click = strcmp(type, "click") == 0;
    json_t *step = draft_step(d, type, intent);
    json_put(draft_params(step), "label", json_string_safe(label));
    if (*kind)
        json_put_str(draft_params(step), "kind", kind);
    if (click)
        json_put_str(draft_hints(step), "layout", "single");
    if (click && !in_body)
        json_put_str(step, "section", "setup");
    if (!json_object_get(step, "required"))
        json_put_bool(step, "required", !in_body);
    return step;
}
