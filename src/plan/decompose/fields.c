/*
 * fields.c - what is to be read: "the title, price (number) and phone if shown of each boat".
 */
#include "plan/decompose/rules.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

#define FIELD_WORDS 5
#define TAIL_WORDS  8

/* Words that name no field. */
#define VAGUE                                                                                      \
    "everything|anything|information|info|data|details|detail|it|them|this|that|stuff|contents|"   \
    "content|facts|fields|all|values|results|page|answer"

#define LISTS "results|list|listings|table|rows|items|entries|products|cards|grid"

static const struct {
    const char *words, *type;
} types[] = {
    {"number|decimal|float|amount|money", "float"},
    {"integer|int|count", "int"},
    {"text|string|str|date|words|url|link", "str"},
    {"boolean|bool|yes/no|flag", "bool"},
};

/* What a list of results may be of; the forms are tried on the end of the words. */
static const struct {
    const char *form;
    bool rows;
} tails[] = {
    {"from|for|of|in|on each|every [result] [page]", true},
    {"from|for|of|in|on each|every [one] [of] ~ [result]", true},
    {"from|for|of|in|on each|every|all [of] ~ [first|top|next] {n:n} {w:noun}", true},
    {"from|for|of|in|on each|every [one] [of] ~ {w:noun}", true},
    {"from|for|of|in|on all [of] ~ {w:noun} [on] ~ [page]", true},
    {"from|for|of|in|on each|every {w:noun} on|in ~ page|list|results|table", true},
    {"from|for|of|in|on ~ first|top|next {n:n} {w:noun} [on] ~ [page|list]", true},
    {"from|for|of|in|on up to {n:n} {w:noun}", true},
    {"from|of|in|on ~ " LISTS " [page|list]", true},
    {"from|of|in|on ~ [current|open|detail|details|product|result|same] "
     "page|screen|dialog|panel|profile|record",
     false},
    {"from|of|in|on it", false},
    {"from|of|in|on ~ {w:noun} page|section|panel|profile|dialog|card|form|header|summary|record",
     false},
    {"shown|visible|displayed on|in ~ page", false},
    {"on|from ~ page", false},
};

static bool take_tail(struct pool *pool, const char *prose, const struct word *w, int *n,
                      struct field_list *out)
{
    for (int i = *n > TAIL_WORDS ? *n - TAIL_WORDS : 1; i < *n; i++)
        for (size_t k = 0; k < ARRAY_SIZE(tails); k++) {
            struct match m;
            if (!match_form(tails[k].form, w + i, *n - i, &m))
                continue;
            if (tails[k].rows) {
                out->rows = true;
                out->max = match_number(&m, 'n', 0);
                if (match_has(&m, 'w'))
                    out->noun = match_text(pool, prose, &m, 'w');
            }
            *n = i;
            return true;
        }
    return false;
}

/* "all products with name and price", "the first 10 boats with their title": the list comes first.
 */
static const char *const heads[] = {
    "~ first|top|next {n:n} {w:noun} with|including|showing ~ [field|fields] {f:list}",
    "all|every|each [of] ~ {w:noun} with|including|showing ~ [field|fields] {f:list}",
    "all|every|each [of] ~ {w:noun} on|in ~ page|list|table with|including|showing ~ {f:list}",
    "~ list of {w:noun} with|including ~ {f:list}",
    "up to {n:n} {w:noun} with|including ~ {f:list}",
};

static const struct piece *piece_of(const struct match *m, char name)
{
    for (int i = 0; i < m->n_pieces; i++)
        if (m->pieces[i].name == name)
            return &m->pieces[i];
    return NULL;
}

static void take_head(struct pool *pool, const char *prose, const struct word **w, int *n,
                      struct field_list *out)
{
    struct match m;
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        if (!match_form(heads[i], *w, *n, &m))
            continue;
        const struct piece *list = piece_of(&m, 'f');
        out->rows = true;
        out->max = match_number(&m, 'n', 0);
        out->noun = match_text(pool, prose, &m, 'w');
        *w += list->from;
        *n = list->n;
        return;
    }
}

static char *snake(struct pool *pool, const char *text)
{
    char *out = pool_alloc(pool, strlen(text) + 1), *to = out;
    for (const char *p = text; *p; p++) {
        bool letter = isalnum((unsigned char)*p) || (unsigned char)*p >= 0x80;
        if (letter)
            *to++ = (char)((unsigned char)*p < 0x80 ? tolower((unsigned char)*p) : *p);
        else if (to > out && to[-1] != '_')
            *to++ = '_';
    }
    while (to > out && to[-1] == '_')
        to--;
    *to = 0;
    return out;
}

static const char *type_named(const struct word *w)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (word_is(w, types[i].words))
            return types[i].type;
    return NULL;
}

/* What prices, years and counts are when nobody says it. */
static const char *usual_type(const char *name)
{
    static const struct {
        const char *end, *type;
    } usual[] = {{"price", "float"}, {"total", "float"},  {"cost", "float"},
                 {"year", "int"},    {"quantity", "int"}, {"count", "int"}};
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        size_t rest = strlen(name) > strlen(usual[i].end) ? strlen(name) - strlen(usual[i].end) : 0;
        if (str_ends(name, usual[i].end) && (!rest || name[rest - 1] == '_'))
            return usual[i].type;
    }
    return "str";
}

/* Endings of one field: its type, and that it may be missing. */
static void take_remarks(const struct word *w, int *n, const char **type, bool *required)
{
    static const struct {
        const char *form;
        bool optional;
    } remarks[] = {
        {"( {t:noun} )", false},
        {"as ~ [whole|decimal] {t:noun}", false},
        {"if available|shown|any|present|given|visible|listed", true},
        {"if it is shown|available|there|given", true},
        {"( if available|shown|any|present|given|visible|listed )", true},
        {"when|where available|shown|present", true},
        {"( optional )", true},
    };
    for (size_t k = 0; k < ARRAY_SIZE(remarks); k++)
        for (int i = 1; i < *n; i++) {
            struct match m;
            if (!match_form(remarks[k].form, w + i, *n - i, &m))
                continue;
            const char *named =
                remarks[k].optional ? NULL : type_named(&w[*n - 1 - w[*n - 1].mark]);
            bool whole = i + 2 < *n && (word_is(&w[i + 2], "whole") || word_is(&w[i + 1], "whole"));
            if (!remarks[k].optional && !named)
                continue;
            if (named)
                *type = whole ? "int" : named;
            *required = *required && !remarks[k].optional;
            *n = i;
            k = (size_t)-1; /* there may be another */
            break;
        }
}

/* "the phone number of the seller" is the seller's phone number. */
static char *field_name(struct pool *pool, const char *prose, const struct word *w, int n)
{
    for (int i = 1; i + 2 < n; i++)
        if (word_is(&w[i], "of") && word_is(&w[i + 1], "the|its|their"))
            return snake(pool,
                         pool_printf(pool, "%s %s", match_words(pool, prose, w + i + 2, n - i - 2),
                                     match_words(pool, prose, w, i)));
    for (int i = 0; i < n; i++)
        if (n > 1 && word_is(&w[i], "the|an|it|them|is|are|to|from"))
            return NULL;
    return snake(pool, match_words(pool, prose, w, n));
}

static bool is_page_address(const struct word *w, int n)
{
    static const char *const forms[] = {
        "~ [page] url|address [of] ~ [current] [page]",
        "~ url|address|link of ~ {w:noun} page",
        "~ {w:noun} page url|address|link",
        "~ current url|address",
    };
    struct match m;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        if (match_form(forms[i], w, n, &m))
            return true;
    return false;
}

static bool add_field(struct pool *pool, const char *prose, const struct word *w, int n,
                      struct field_list *out)
{
    const char *type = NULL;
    bool required = true, address = is_page_address(w, n);
    take_remarks(w, &n, &type, &required);
    while (n > 1 && word_is(w, "the|a|an|its|their|his|her|each|also|both|full|all"))
        w++, n--;
    if (n < 1 || (!address && (n > FIELD_WORDS || word_is(&w[n - 1], VAGUE) || word_is(w, VAGUE))))
        return false;
    for (int i = 0; i < n; i++)
        if (w[i].mark || (n > 1 && w[i].quoted))
            return false;
    char *name = address ? pool_strdup(pool, "url") : field_name(pool, prose, w, n);
    if (!name || !*name)
        return false;
    json_t *field = json_object();
    json_put(field, "name", json_string_safe(name));
    json_put_str(field, "type", type ? type : usual_type(name));
    if (!required)
        json_put_bool(field, "required", false);
    json_push(out->fields, field);
    return true;
}

/* Between commas and "and". */
static bool read_fields(struct pool *pool, const char *prose, const struct word *w, int n,
                        struct field_list *out)
{
    int start = 0, depth = 0;
    for (int i = 0; i <= n; i++) {
        if (i < n && w[i].mark && strchr("()", *w[i].text))
            depth += *w[i].text == '(' ? 1 : -1;
        bool cut =
            i == n ||
            (!depth && ((w[i].mark && strchr(",;", *w[i].text)) || word_is(&w[i], "and|plus|&")));
        if (!cut)
            continue;
        if (i > start && !add_field(pool, prose, w + start, i - start, out))
            return false;
        start = i + 1;
    }
    return json_array_size(out->fields) > 0;
}

bool fields_read(struct pool *pool, const char *prose, const struct word *words, int n,
                 struct field_list *out)
{
    const struct word *w = words;
    *out = (struct field_list){.noun = "item"};
    if (is_page_address(w, n)) {
        out->address = true;
        return true;
    }
    take_head(pool, prose, &w, &n, out);
    take_tail(pool, prose, w, &n, out);
    while (n > 1 && (word_is(w, "the|following|fields|field|columns|these|values") ||
                     (w->mark && *w->text == ':')))
        w++, n--;
    out->fields = json_keep(pool, json_array());
    return read_fields(pool, prose, w, n, out);
}
