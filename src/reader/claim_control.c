/*
 * claim_control.c - what a clause says about one control: that it is there, what it shows, its
 * state.
 *
 * Everything that is said has to be checked: a clause with a word that none of the tables below
 * knows stays UNKNOWN, for the control alone does not make it true.
 */
#include "reader/page_claims.h"

#include <string.h>

#include "base/str.h"
#include "reader/words.h"

static const struct {
    const char *word;
    enum target_kind kind;
} control_words[] = {
    {"button", TARGET_BUTTON},       {"link", TARGET_ANY},         {"tab", TARGET_TAB},
    {"field", TARGET_FIELD},         {"text box", TARGET_FIELD},   {"input", TARGET_FIELD},
    {"menu item", TARGET_MENU_ITEM}, {"drop-down", TARGET_SELECT}, {"dropdown", TARGET_SELECT},
    {"checkbox", TARGET_ANY},        {"radio", TARGET_ANY},        {"switch", TARGET_ANY},
};

/* Words that say what kind of thing it is or that something follows, beside those of clauses.c. */
static const char relation_words[] =
    "button tab input box menu drop down dropdown checkbox radio switch control option options "
    "text value labelled labeled named called holds includes equals saying reading containing "
    "showing offers offered there exists exist present chosen currently";

/* --- states ---------------------------------------------------------------------------------- */

struct thing {
    struct asker *a;
    const struct node *node;
    int i;
};

static bool is_disabled(const struct thing *t)
{
    const char *aria = node_attr(t->node, "aria-disabled");
    return (t->node->flags & NODE_DISABLED) || (aria && !strcmp(aria, "true"));
}

static bool is_secret(const struct thing *t)
{
    const char *type = node_attr(t->node, "type");
    return type && str_eq_fold(type, "password");
}

/* What the control shows: a field's value, else its words. */
static const char *shown_text(const struct thing *t)
{
    const struct scene *s = t->a->s;
    bool holds = (t->node->flags & NODE_EDITABLE) ||
                 in_words("input textarea select", t->node->tag) ||
                 in_words("combobox textbox searchbox spinbutton listbox", t->node->role);
    bool button = strcmp(t->node->role, "button") == 0;
    if (t->node->value[0] || (holds && !button && in_words("input textarea select", t->node->tag)))
        return t->node->value;
    return scene_text_count(s, t->i) ? scene_text(s, t->i, 400)
           : holds && !button        ? ""
                                     : t->node->name;
}

static enum answer answer_of(bool yes)
{
    return yes ? ANSWER_YES : ANSWER_NO;
}

static enum answer state_disabled(const struct thing *t)
{
    return answer_of(is_disabled(t));
}

static enum answer state_enabled(const struct thing *t)
{
    return answer_of(!is_disabled(t));
}

static enum answer state_on(const struct thing *t)
{
    int on = claim_switch(t->a->s, t->node->name);
    return on < 0 ? ANSWER_UNKNOWN : answer_of(on);
}

static enum answer state_off(const struct thing *t)
{
    int on = claim_switch(t->a->s, t->node->name);
    return on < 0 ? ANSWER_UNKNOWN : answer_of(!on);
}

static enum answer state_empty(const struct thing *t)
{
    return is_secret(t) ? ANSWER_UNKNOWN : answer_of(str_empty(shown_text(t)));
}

static enum answer state_filled(const struct thing *t)
{
    return is_secret(t) ? ANSWER_UNKNOWN : answer_of(!str_empty(shown_text(t)));
}

static enum answer state_focused(const struct thing *t)
{
    return answer_of(t->node->flags & NODE_FOCUSED);
}

static enum answer state_expanded(const struct thing *t)
{
    bool known = (t->node->flags & NODE_EXPANDED) || node_attr(t->node, "aria-expanded");
    return known ? answer_of(t->node->flags & NODE_EXPANDED) : ANSWER_UNKNOWN;
}

static enum answer state_collapsed(const struct thing *t)
{
    enum answer open = state_expanded(t);
    return open == ANSWER_UNKNOWN ? open : answer_of(open == ANSWER_NO);
}

typedef enum answer state_fn(const struct thing *t);

static const struct {
    const char *phrase;
    state_fn *is;
} states[] = {
    {"disabled", state_disabled}, {"greyed out", state_disabled}, {"grayed out", state_disabled},
    {"inactive", state_disabled}, {"enabled", state_enabled},     {"clickable", state_enabled},
    {"checked", state_on},        {"ticked", state_on},           {"selected", state_on},
    {"active", state_on},         {"pressed", state_on},          {"turned on", state_on},
    {"unchecked", state_off},     {"unticked", state_off},        {"turned off", state_off},
    {"empty", state_empty},       {"blank", state_empty},         {"filled", state_filled},
    {"filled in", state_filled},  {"focused", state_focused},     {"has focus", state_focused},
    {"expanded", state_expanded}, {"collapsed", state_collapsed},
};

/* --- reading the clause ---------------------------------------------------------------------- */

/* Which quoted piece names the control: the one that stands right before or behind its word. */
static int named_by(const struct clause *c, const char *word)
{
    const char *p = c->form;
    for (int k = 0; (p = strstr(p, CLAUSE_QUOTE)); k++) {
        const char *after = p + strlen(CLAUSE_QUOTE);
        after += strspn(after, " ");
        size_t len = strlen(word);
        if (strncmp(after, word, len) == 0 && (after[len] == ' ' || !after[len]))
            return k;
        p += strlen(CLAUSE_QUOTE);
    }
    return 0;
}

/* A word of the clause that says something which nothing here can check, NULL when there is none.
 */
static const char *unread_word(struct asker *a, const struct clause *c)
{
    const char *words[CLAUSE_MAX_WORDS];
    int n = clause_words(a->s->pool, c, words);
    for (int i = 0; i < n; i++) {
        bool known = in_words(relation_words, words[i]);
        for (size_t k = 0; k < ARRAY_SIZE(states) && !known; k++)
            known = words_has(c->text, states[k].phrase) && in_words(states[k].phrase, words[i]);
        if (!known)
            return words[i];
    }
    return NULL;
}

static bool offers(const struct thing *t, const char *want)
{
    const struct node *nodes = t->a->s->page->nodes;
    for (int k = t->i + 1; k < t->node->end; k++)
        if (strcmp(nodes[k].role, "option") == 0 &&
            strcmp(words_plain(t->a->s->pool, nodes[k].name), words_plain(t->a->s->pool, want)) ==
                0)
            return true;
    return false;
}

/* The control shows the quoted text; "is" and "says" mean all of it, "contains" a part. */
static struct verdict judge_value(const struct thing *t, const struct clause *c, const char *want)
{
    struct asker *a = t->a;
    bool part = ANY_OF(c->text, "contains", "contain", "includes", "include", "with", "containing");
    bool whole =
        ANY_OF(c->text, "is", "are", "says", "say", "reads", "shows", "show", "has", "have", "set",
               "equals", "displays", "saying", "holds", "value", "selected", "chosen");
    if (is_secret(t))
        return claim_say(a, ANSWER_UNKNOWN, "what a password field holds is not read");
    if (words_has(c->text, "option") && !ANY_OF(c->text, "selected", "chosen", "set"))
        return claim_say(a, answer_of(offers(t, want)), "'%s' %s '%s'", scene_label(a->s, t->i),
                         offers(t, want) ? "offers" : "does not offer", want);
    if (!part && !whole)
        return claim_say(a, ANSWER_UNKNOWN, "what '%s' has to do with '%s' is not clear", want,
                         scene_label(a->s, t->i));
    const char *have = shown_text(t);
    bool same = strcmp(words_plain(a->s->pool, have), words_plain(a->s->pool, want)) == 0 ||
                (part && claim_stands_in(a, have, want));
    return claim_say(a, answer_of(same), "'%s' shows '%s'", scene_label(a->s, t->i),
                     str_cut(a->s->pool, have, 80));
}

/* Everything the clause says about the control that was found. */
static struct verdict judge_thing(const struct thing *t, const struct clause *c, int name,
                                  const char *word)
{
    struct asker *a = t->a;
    const char *label = scene_label(a->s, t->i), *unread = unread_word(a, c);
    struct verdict v = claim_say(a, ANSWER_YES, "there is a %s '%s'", word, label);
    if (unread)
        return claim_say(a, ANSWER_UNKNOWN, "there is a %s '%s', but nothing decides '%s'", word,
                         label, unread);
    for (int k = 0; k < c->n_quotes; k++)
        if (k != name && (v = judge_value(t, c, c->quotes[k])).answer != ANSWER_YES)
            return v;
    for (size_t k = 0; k < ARRAY_SIZE(states); k++) {
        bool of_value =
            c->n_quotes > 1 && (states[k].is == state_on || states[k].is == state_filled);
        if (of_value || !words_has(c->text, states[k].phrase))
            continue;
        enum answer is = states[k].is(t);
        if (is != ANSWER_YES)
            return claim_say(a, is, "'%s' is %s %s", label, is == ANSWER_NO ? "not" : "perhaps",
                             states[k].phrase);
        v = claim_say(a, ANSWER_YES, "'%s' is %s", label, states[k].phrase);
    }
    return v;
}

static bool says_more(const struct clause *c)
{
    for (size_t k = 0; k < ARRAY_SIZE(states); k++)
        if (words_has(c->text, states[k].phrase))
            return true;
    return c->n_quotes > 1;
}

/* "a button 'Search'", "the field 'E-mail' contains 'ann@'", "the 'Send' button is disabled" */
struct verdict claim_control(struct asker *a, const struct clause *c)
{
    size_t w = 0;
    while (w < ARRAY_SIZE(control_words) && !words_has(c->text, control_words[w].word))
        w++;
    if (!c->n_quotes || w == ARRAY_SIZE(control_words))
        return NOT_MINE;
    int name = named_by(c, control_words[w].word);
    struct target_query q = {.label = c->quotes[name], .intent = "", .kind = control_words[w].kind};
    struct target t;
    struct err err = {0};
    bool several = false;
    int r = page_find_sure(a->s->pool, a->obs, &q, &t, &several, &err);
    if (several || (r && c->negated && says_more(c)))
        return claim_say(a, ANSWER_UNKNOWN, "%s", err.msg);
    if (r || t.confidence < 0.6)
        return claim_say(a, ANSWER_NO, "%s", err.msg[0] ? err.msg : "no such control");
    struct thing thing = {a, &a->s->page->nodes[t.node], t.node};
    return judge_thing(&thing, c, name, control_words[w].word);
}
