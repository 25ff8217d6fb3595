#include "plan/decompose/match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define LABEL_WORDS  6
#define NAME_WORDS   5
#define NOUN_WORDS   3
#define TEXT_WORDS   30
#define NUMBER_LIMIT 10000

#define ARTICLES "the|a|an|this|that|these|those|its|their|your|my|his|her|our"

/* What an unquoted label cannot begin with, or hold: they name nothing that stands on a page. */
#define PRONOUNS "it|this|that|them|these|those|one|ones|something|anything|everything|there|here"
#define GENERIC                                                                                    \
    "button|link|tab|icon|field|box|page|menu|item|row|option|element|result|list|table|form|site"
#define CHOOSERS                                                                                   \
    "best|cheapest|lowest|highest|newest|latest|oldest|biggest|largest|smallest|nearest|closest|"  \
    "most|least|relevant|appropriate|suitable|correct|right|matching|similar|another|other|any|"   \
    "some|whichever|whatever|which|whose|if|when|unless|until|not|without"

bool word_is(const struct word *w, const char *alternatives)
{
    size_t len = strlen(w->fold);
    if (w->quoted)
        return false;
    for (const char *p = alternatives; *p;) {
        size_t n = strcspn(p, "| ]");
        if (n == len && strncmp(p, w->fold, n) == 0)
            return true;
        p += n;
        if (*p != '|')
            break;
        p++;
    }
    return false;
}

int word_number(const struct word *w)
{
    static const char *const names[] = {"one",     "two",       "three",    "four",     "five",
                                        "six",     "seven",     "eight",    "nine",     "ten",
                                        "eleven",  "twelve",    "thirteen", "fourteen", "fifteen",
                                        "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
    if (w->quoted || w->mark)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(w->fold, names[i]) == 0)
            return (int)i + 1;
    if (strcmp(w->fold, "once") == 0 || strcmp(w->fold, "twice") == 0)
        return *w->fold == 'o' ? 1 : 2;
    size_t digits = strspn(w->fold, "0123456789");
    if (!digits || digits > 5 || w->fold[digits])
        return 0;
    int n = atoi(w->fold);
    return n <= NUMBER_LIMIT ? n : 0;
}

static bool is_domain(const char *s)
{
    size_t len = strcspn(s, "/?#:"), last = 0;
    int dots = 0;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '.')
            return false;
        if (s[i] == '.' && (i == last || i + 1 == len))
            return false; /* an empty label */
        if (s[i] == '.') {
            dots++;
            last = i + 1;
        }
    }
    for (size_t i = last; i < len; i++)
        if (!isalpha((unsigned char)s[i]))
            return false;
    return dots > 0 && len - last >= 2;
}

char *match_address(struct pool *pool, const struct word *w)
{
    const char *s = w->text;
    if (w->mark || strpbrk(s, " \t\n"))
        return NULL;
    if (strncmp(w->fold, "http://", 7) == 0 || strncmp(w->fold, "https://", 8) == 0)
        return pool_strdup(pool, s);
    return is_domain(s) ? pool_printf(pool, "https://%s", s) : NULL;
}

static bool is_key(const struct word *w)
{
    static const char names[] =
        "enter|return|tab|escape|esc|space|backspace|delete|insert|home|end|"
        "pageup|pagedown|page_up|page_down|up|down|left|right|f1|f2|f3|f4|f5|"
        "f6|f7|f8|f9|f10|f11|f12";
    if (w->mark || w->quoted)
        return false;
    const char *plus = strchr(w->fold, '+');
    if (!plus)
        return word_is(w, names);
    return plus > w->fold && plus[1] && !strchr(plus, ' ');
}

static bool marks_in(const struct word *w, int n)
{
    for (int i = 0; i < n; i++)
        if (w[i].mark)
            return true;
    return false;
}

static bool holds(const struct word *w, int n, const char *alternatives)
{
    for (int i = 0; i < n; i++)
        if (word_is(&w[i], alternatives))
            return true;
    return false;
}

/* Quoted, or a few words that could stand on a page as they are; "the button" names none. */
static bool is_label(const struct word *w, int n)
{
    if (n == 1 && word_is(w, GENERIC))
        return false;
    if (n == 1 && w->quoted)
        return true;
    for (int i = 0; i < n; i++)
        if (w[i].quoted)
            return false;
    return n <= LABEL_WORDS && !marks_in(w, n) && !word_is(w, PRONOUNS) && !word_is(w, ARTICLES) &&
           !holds(w, n, CHOOSERS) &&
           !word_is(w, "first|second|third|fourth|fifth|last|next|every|each|all");
}

static bool is_name(const struct word *w, int n)
{
    bool capital = isupper((unsigned char)w->text[0]) || (unsigned char)w->text[0] >= 0xC3;
    return is_label(w, n) && (w->quoted || (n <= NAME_WORDS && capital));
}

typedef bool kind_fn(const struct word *w, int n);

static bool is_quoted(const struct word *w, int n)
{
    return n == 1 && w->quoted;
}

static bool is_anything(const struct word *w, int n)
{
    return true;
}

/* What is typed or searched for: one quoted piece, or words that do not lead on to something else.
 */
static bool is_text(const struct word *w, int n)
{
    if (n == 1)
        return !w->mark;
    for (int i = 0; i < n; i++)
        if (w[i].quoted || (w[i].line && i))
            return false;
    return !marks_in(w, n) && !holds(w, n, "and|then");
}

static bool is_url(const struct word *w, int n)
{
    struct pool *pool = pool_create(NULL);
    bool yes = n == 1 && match_address(pool, w);
    pool_destroy(pool);
    return yes;
}

static bool is_number(const struct word *w, int n)
{
    return n == 1 && word_number(w) > 0;
}

static bool is_noun(const struct word *w, int n)
{
    return n <= NOUN_WORDS && !marks_in(w, n) && !holds(w, n, CHOOSERS) &&
           !holds(w, n, "in|on|from|with|of|and|to|for");
}

static bool is_keys(const struct word *w, int n)
{
    return n == 1 && is_key(w);
}

static const struct {
    const char *name;
    kind_fn *is;
    int max; /* words */
} kinds[] = {
    {"label", is_label, LABEL_WORDS},
    {"name", is_name, NAME_WORDS},
    {"q", is_quoted, 1},
    {"text", is_text, TEXT_WORDS},
    {"url", is_url, 1},
    {"n", is_number, 1},
    {"noun", is_noun, NOUN_WORDS},
    {"key", is_keys, 1},
    {"list", is_anything, 120},
};

struct matcher {
    const struct word *words;
    int n;
    struct match *out;
};

static bool go(struct matcher *m, const char *p, int i);

static bool go_piece(struct matcher *m, const char *p, const char *rest, int i)
{
    const char *colon = strchr(p, ':');
    size_t k = 0;
    while (k < ARRAY_SIZE(kinds) &&
           !(str_starts(colon + 1, kinds[k].name) && colon[1 + strlen(kinds[k].name)] == '}'))
        k++;
    if (k == ARRAY_SIZE(kinds) || m->out->n_pieces == MATCH_PIECES)
        BUG("pattern with the piece '%.20s'", p);
    struct piece *piece = &m->out->pieces[m->out->n_pieces++];
    for (int n = 1; n <= kinds[k].max && i + n <= m->n; n++) {
        *piece = (struct piece){.name = p[1], .from = i, .n = n};
        if (kinds[k].is(m->words + i, n) && go(m, rest, i + n))
            return true;
    }
    m->out->n_pieces--;
    return false;
}

/* "opening" where the pattern begins with "open": people write "start by opening". */
static bool is_ing_form(const struct word *w, const char *alternatives)
{
    char base[32];
    size_t len = strlen(w->fold);
    if (len < 5 || len >= sizeof(base) || !str_ends(w->fold, "ing"))
        return false;
    struct word as = *w;
    as.fold = base;
    memcpy(base, w->fold, len - 3);
    base[len - 3] = 0;
    if (word_is(&as, alternatives))
        return true;
    if (base[len - 4] == base[len - 5]) { /* submitting */
        base[len - 4] = 0;
        return word_is(&as, alternatives);
    }
    base[len - 3] = 'e'; /* typing */
    base[len - 2] = 0;
    return word_is(&as, alternatives);
}

static bool is_literal(const struct matcher *m, int i, const char *p)
{
    return word_is(&m->words[i], p) || (i == 0 && !m->words[0].quoted && is_ing_form(m->words, p));
}

/* Do the words from i on have the form of the pattern from p on? */
static bool go(struct matcher *m, const char *p, int i)
{
    while (*p == ' ')
        p++;
    if (!*p)
        return i == m->n;
    const char *rest = p + strcspn(p, " ");
    if (*p == '~')
        return (i < m->n && word_is(&m->words[i], ARTICLES) && go(m, rest, i + 1)) ||
               go(m, rest, i);
    if (*p == '[')
        return (i < m->n && word_is(&m->words[i], p + 1) && go(m, rest, i + 1)) || go(m, rest, i);
    if (*p == '{')
        return go_piece(m, p, rest, i);
    return i < m->n && is_literal(m, i, p) && go(m, rest, i + 1);
}

bool match_form(const char *pattern, const struct word *words, int n, struct match *out)
{
    struct matcher m = {.words = words, .n = n, .out = out};
    *out = (struct match){.words = words, .n = n};
    return go(&m, pattern, 0);
}

static const struct piece *find(const struct match *m, char name)
{
    for (int i = 0; i < m->n_pieces; i++)
        if (m->pieces[i].name == name)
            return &m->pieces[i];
    return NULL;
}

bool match_has(const struct match *m, char name)
{
    return find(m, name) != NULL;
}

const char *match_words(struct pool *pool, const char *prose, const struct word *words, int n)
{
    if (n == 1)
        return words->text;
    return str_squash(
        pool, pool_strndup(pool, prose + words[0].from, (size_t)(words[n - 1].to - words[0].from)));
}

const char *match_text(struct pool *pool, const char *prose, const struct match *m, char name)
{
    const struct piece *p = find(m, name);
    return p ? match_words(pool, prose, m->words + p->from, p->n) : "";
}

int match_number(const struct match *m, char name, int def)
{
    const struct piece *p = find(m, name);
    return p ? word_number(&m->words[p->from]) : def;
}

bool match_quoted(const struct match *m, char name)
{
    const struct piece *p = find(m, name);
    return p && p->n == 1 && m->words[p->from].quoted;
}
