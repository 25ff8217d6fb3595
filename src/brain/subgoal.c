#include "brain/subgoal.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "core/action.h"

#define MAX_ALIASES       16
#define SCROLL_PASSES_MAX 20

/* --- the lines of the text -----------------------------------------------------------------------
 */

/* What stands behind one of the prefixes at the start of line; NULL when none does. */
static const char *after_prefix(const char *line, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (strncasecmp(line, *prefixes, strlen(*prefixes)) == 0) {
            line += strlen(*prefixes);
            return line + strspn(line, " ");
        }
    return NULL;
}

static const char *const *alias_list(struct pool *pool, const char *text)
{
    const char **list = pool_alloc(pool, sizeof(*list) * (MAX_ALIASES + 1));
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(json) && n < MAX_ALIASES; i++)
        if (json_is_string(json_array_get(json, i)))
            list[n++] = pool_strdup(pool, json_string_value(json_array_get(json, i)));
    for (const char *p = text; !json && *p && n < MAX_ALIASES;
         p += strcspn(p, ",") + (strchr(p, ',') != NULL))
        list[n++] = str_squash(pool, pool_strndup(pool, p, strcspn(p, ",")));
    json_decref(json);
    return list;
}

/* "- label: Search" and the like. */
static void read_hint(struct pool *pool, const char *line, struct subgoal *g)
{
    static const char *const label[] = {
        "label:", "dropdown_label:", "preferred_target_description:", NULL};
    static const char *const value[] = {"value:", "option_label:", "text:", NULL};
    static const char *const kind[] = {"kind:", NULL};
    static const char *const aliases[] = {"aliases:", NULL}, *const near[] = {"near:", NULL};
    const char *v;
    if ((v = after_prefix(line, label)) && !*g->label)
        g->label = v;
    else if ((v = after_prefix(line, value)) && !*g->value)
        g->value = v;
    else if ((v = after_prefix(line, kind)))
        target_kind_parse(v, &g->kind);
    else if ((v = after_prefix(line, near)))
        g->near = v;
    else if ((v = after_prefix(line, aliases)))
        g->aliases = alias_list(pool, v);
}

static void read_line(struct pool *pool, const char *line, struct subgoal *g)
{
    static const char *const goal[] = {"sub-goal:", "subgoal:", "goal:", "task:", NULL};
    static const char *const criterion[] = {
        "it is reached when:", "success criterion:", "success:", "verify:", "done when:", NULL};
    const char *v;
    struct point p;
    while (*line == ' ' || *line == '\t')
        line++;
    if ((v = after_prefix(line, goal)))
        g->sentence = v;
    else if ((v = after_prefix(line, criterion)))
        g->criterion = v;
    else if (*line == '-' && sscanf(line, "- (%d,%d)", &p.x, &p.y) == 2) {
        if (g->n_avoid < SUBGOAL_MAX_AVOID && p.x >= 0 && p.y >= 0)
            g->avoid[g->n_avoid++] = p;
    } else if (*line == '-') {
        read_hint(pool, line + 1 + strspn(line + 1, " "), g);
    } else if (!*g->sentence) {
        g->sentence = line;
    }
}

/* --- the sentence
 * ---------------------------------------------------------------------------------- */

static bool starts_with_any(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (strncasecmp(s, *words, strlen(*words)) == 0 &&
            !isalpha((unsigned char)s[strlen(*words)]))
            return true;
    return false;
}

static bool has_any(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (str_has_words_fold(s, *words))
            return true;
    return false;
}

static const char *const no_aliases[] = {NULL};

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct {
    const char *const *starts;
    enum verb verb;
} verbs[] = {
    {LIST("scroll", "page down", "page up", "move down the page"), VERB_SCROLL},
    {LIST("go back", "return to", "navigate back", "back to", "go to the previous page"),
     VERB_BACK},
    {LIST("wait", "pause for"), VERB_WAIT},
    {LIST("verify", "check that", "check whether", "check if", "confirm that", "make sure",
          "ensure"),
     VERB_LOOK},
    {LIST("tick", "untick", "uncheck", "check"), VERB_TICK},
    {LIST("hover", "point at", "move the pointer", "move the mouse"), VERB_HOVER},
    {LIST("dismiss", "get rid of"), VERB_DISMISS},
    {LIST("type", "enter", "fill", "write", "input", "search for", "search", "put", "set",
          "change"),
     VERB_TYPE},
    {LIST("select", "choose", "pick"), VERB_SELECT},
};

static const struct {
    const char *said, *keys;
} key_names[] = {
    {"enter", "Return"},        {"return", "Return"}, {"escape", "Escape"},
    {"esc", "Escape"},          {"tab", "Tab"},       {"space", "space"},
    {"backspace", "BackSpace"}, {"delete", "Delete"}, {"page down", "Page_Down"},
    {"page up", "Page_Up"},     {"home", "Home"},     {"end", "End"},
    {"arrow down", "Down"},     {"arrow up", "Up"},   {"down arrow", "Down"},
    {"up arrow", "Up"},         {"f5", "F5"},
};

/* "press Enter", "press the Escape key", "press ctrl+a": the chord, or NULL. */
static const char *key_in(struct pool *pool, const char *sentence)
{
    static const char *const presses[] = {"press the", "press", "hit the", "hit", NULL};
    const char *rest = NULL;
    for (size_t i = 0; presses[i] && !rest; i++)
        if (strncasecmp(sentence, presses[i], strlen(presses[i])) == 0 &&
            sentence[strlen(presses[i])] == ' ')
            rest = sentence + strlen(presses[i]) + 1;
    if (!rest)
        return NULL;
    size_t len = strcspn(rest, " .,");
    const char *word = pool_strndup(pool, rest, len), *names[8];
    const char *left = rest + len + strspn(rest + len, " .,");
    int n;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(key_names); i++) {
        size_t k = strlen(key_names[i].said);
        const char *after = rest + k + strspn(rest + k, " .");
        if (strncasecmp(rest, key_names[i].said, k) == 0 && !isalpha((unsigned char)rest[k]) &&
            (!*after || strncasecmp(after, "key", 3) == 0 || strncasecmp(after, "to ", 3) == 0))
            return key_names[i].keys;
    }
    bool chord = strchr(word, '+') && (!*left || strncasecmp(left, "key", 3) == 0);
    return chord && action_keys(pool, word, names, 8, &n, &err) == 0 ? word : NULL;
}

static void parse_scroll(struct pool *pool, struct subgoal *g)
{
    const char *s = g->sentence;
    g->direction = has_any(s, LIST("up", "top")) ? -1 : 1;
    g->to_end = has_any(s, LIST("bottom", "top", "end"));
    g->times = 1;
    for (const char *p = s; *p; p++)
        if (isdigit((unsigned char)*p) && (p == s || p[-1] == ' ')) {
            g->times = atoi(p);
            break;
        }
    g->times = has_any(s, LIST("twice"))      ? 2
               : g->times < 1                 ? 1
               : g->times > SCROLL_PASSES_MAX ? SCROLL_PASSES_MAX
                                              : g->times;
    const char *until = strcasestr(s, "until ");
    if (until && !*g->criterion)
        g->criterion = pool_strdup(pool, until + 6);
}

/* "type X into Y", "fill Y with X", "search for X": the first quoted piece is X, except after
 * "fill". */
static void parse_type(struct pool *pool, struct subgoal *g)
{
    const char *p = g->sentence, *first = str_quoted(pool, &p, SIZE_MAX),
               *second = first ? str_quoted(pool, &p, SIZE_MAX) : NULL;
    bool fill = starts_with_any(g->sentence, LIST("fill"));
    if (starts_with_any(g->sentence, LIST("search"))) {
        g->press_enter = true;
        const char *plain = g->sentence + 6 + strspn(g->sentence + 6, " ");
        if (!first && strncasecmp(plain, "for ", 4) == 0)
            first = pool_strndup(pool, plain + 4, strcspn(plain + 4, ".\n"));
        if (!*g->label && !second)
            g->label = "search";
    }
    if (!*g->value && first)
        g->value = fill && second ? second : first;
    if (!*g->label && second)
        g->label = fill ? first : second;
    const char *into = strcasestr(g->sentence, " into ");
    into = into ? into + 6 : (into = strcasestr(g->sentence, " in ")) ? into + 4 : NULL;
    if (!*g->label && into)
        g->label = pool_strndup(pool, into, strcspn(into, ".,;\n"));
    if (!*g->value && strcasestr(g->sentence, " with ") && fill)
        g->value = strcasestr(g->sentence, " with ") + 6;
    g->kind = TARGET_FIELD;
}

/* "select X from Y" */
static void parse_select(struct pool *pool, struct subgoal *g)
{
    const char *p = g->sentence, *first = str_quoted(pool, &p, SIZE_MAX),
               *second = first ? str_quoted(pool, &p, SIZE_MAX) : NULL;
    if (!*g->value && first)
        g->value = first;
    if (!*g->label && second)
        g->label = second;
    const char *from = strcasestr(g->sentence, " from ");
    if (!*g->label && from)
        g->label = pool_strndup(pool, from + 6, strcspn(from + 6, ".,;\n"));
    if (!*g->label || !*g->value) { /* nothing to choose from: a thing to click */
        g->verb = VERB_CLICK;
        if (!*g->label)
            g->label = g->value;
    } else {
        g->kind = TARGET_SELECT;
    }
}

/* "set 'Country' to 'Spain'": what to set, and to what; a list of choices when the page says so. */
static void parse_set(struct pool *pool, struct subgoal *g)
{
    const char *p = g->sentence, *first = str_quoted(pool, &p, SIZE_MAX),
               *second = first ? str_quoted(pool, &p, SIZE_MAX) : NULL;
    g->kind = TARGET_FIELD;
    if (!*g->label && second)
        g->label = first;
    if (!*g->value && first)
        g->value = second ? second : first;
    const char *what = g->sentence + strcspn(g->sentence, " "), *to = strcasestr(what, " to ");
    if (!*g->label && to)
        g->label = str_squash(pool, pool_strndup(pool, what, (size_t)(to - what)));
    if (!*g->value && to)
        g->value = pool_strndup(pool, to + 4, strcspn(to + 4, ".,;\n"));
}

/* --- things that a page lists --------------------------------------------------------------------
 */

static int ordinal_in(const char *s)
{
    static const char *const names[] = {"first", "second",  "third",  "fourth", "fifth",
                                        "sixth", "seventh", "eighth", "ninth",  "tenth"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_has_words_fold(s, names[i]))
            return (int)i + 1;
    if (str_has_words_fold(s, "last"))
        return -1;
    for (const char *p = s; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
        size_t digits = strspn(p, "0123456789");
        if (digits && digits < 5 && p[digits] && strchr("snrt", p[digits]) &&
            strchr("tdh", p[digits + 1]) && !isalnum((unsigned char)p[digits + 2]))
            return atoi(p);
    }
    return 0;
}

/* Without a quoted name: "open the 3rd listing", not "open the first 'Edit'". */
static void parse_item(struct pool *pool, struct subgoal *g)
{
    static const char *const things[] = {
        "result", "results", "listing", "item",    "card",    "product", "offer", "boat",
        "car",    "entry",   "article", "message", "contact", "lead",    "row",   "post",
        "one",    "hit",     "advert",  "ad",      "book",    "match",   "record"};
    const char *p = g->sentence;
    if (*g->label || str_quoted(pool, &p, SIZE_MAX) || !(g->ordinal = ordinal_in(g->sentence)))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(things); i++)
        if (str_has_words_fold(g->sentence, things[i]))
            g->verb = VERB_ITEM;
}

static void parse_address(struct pool *pool, struct subgoal *g)
{
    const char *url = strcasestr(g->sentence, "http://");
    url = url ? url : strcasestr(g->sentence, "https://");
    if (!url ||
        !starts_with_any(g->sentence, LIST("open", "go", "navigate", "visit", "load", "use")))
        return;
    size_t len = strcspn(url, " \t\n\"'<>");
    while (len && strchr(".,;!", url[len - 1]))
        len--;
    g->verb = VERB_ADDRESS;
    g->value = pool_strndup(pool, url, len);
}

/* "add the kettle to the cart": the button's name is not what is said. */
static void parse_add(struct pool *pool, struct subgoal *g)
{
    static const char *const cart[] = {"Add to cart", "Add to basket", "Add to bag", "Buy now",
                                       NULL};
    static const char *const places[] = {"cart", "basket", "bag"};
    const char *p = g->sentence, *quoted = str_quoted(pool, &p, SIZE_MAX);
    bool there = false;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        there = there || str_has_words_fold(g->sentence, places[i]);
    if (!there || !starts_with_any(g->sentence, LIST("add", "put")) || *g->label)
        return;
    g->verb = VERB_CLICK;
    g->kind = TARGET_BUTTON;
    g->label = cart[0];
    g->aliases = cart + 1;
    g->near = quoted ? quoted : "";
}

static void parse_tick(struct pool *pool, struct subgoal *g)
{
    const char *p = g->sentence, *quoted = str_quoted(pool, &p, SIZE_MAX);
    g->off = starts_with_any(g->sentence, LIST("untick", "uncheck"));
    if (!*g->label && quoted)
        g->label = quoted;
}

static double seconds_in(const char *s)
{
    s += strcspn(s, "0123456789");
    double v = *s ? atof(s) : 1;
    return v < 0.1 ? 0.1 : v > 10 ? 10 : v;
}

void subgoal_parse(struct pool *pool, const char *task, struct subgoal *g)
{
    *g = (struct subgoal){.sentence = "",
                          .criterion = "",
                          .label = "",
                          .value = "",
                          .keys = "",
                          .near = "",
                          .aliases = no_aliases};
    for (const char *p = task; *p;) {
        size_t len = strcspn(p, "\n");
        read_line(pool, pool_strndup(pool, p, len), g);
        p += len + (p[len] == '\n');
    }
    g->sentence = str_squash(pool, g->sentence);
    g->verb = VERB_CLICK;
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (starts_with_any(g->sentence, verbs[i].starts)) {
            g->verb = verbs[i].verb;
            break;
        }
    bool overlay = has_any(g->sentence, LIST("cookie", "cookies", "consent", "banner", "popup",
                                             "pop-up", "overlay", "dialog", "modal", "newsletter"));
    if (overlay && g->verb == VERB_CLICK &&
        starts_with_any(g->sentence,
                        LIST("close", "accept", "reject", "decline", "clear", "handle", "remove")))
        g->verb = VERB_DISMISS;
    const char *keys = key_in(pool, g->sentence);
    if (keys) {
        g->verb = VERB_KEY;
        g->keys = keys;
    }
    if (g->verb == VERB_SCROLL)
        parse_scroll(pool, g);
    else if (g->verb == VERB_TYPE && starts_with_any(g->sentence, LIST("set", "change")))
        parse_set(pool, g);
    else if (g->verb == VERB_TYPE)
        parse_type(pool, g);
    else if (g->verb == VERB_SELECT)
        parse_select(pool, g);
    else if (g->verb == VERB_TICK)
        parse_tick(pool, g);
    else if (g->verb == VERB_CLICK && str_has_words_fold(g->sentence, "next page"))
        g->verb = VERB_NEXT_PAGE;
    else if (g->verb == VERB_CLICK)
        parse_item(pool, g);
    parse_add(pool, g);
    parse_address(pool, g);
    g->seconds = seconds_in(g->sentence);
}
