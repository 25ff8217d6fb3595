/*
 * claim_quoted.c - quoted text: shown as whole words, in the place the clause names, and when there
 * are two pieces ("'Alder Quay' with '12' berths free"), together and under that name.
 */
#include "reader/page_claims.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "reader/fields.h"
#include "reader/page_pairs.h"
#include "reader/words.h"

#define UNIT_MAX_BYTES 1000 /* of a row, card or small block */

/* --- one piece ------------------------------------------------------------------------------- */

/* The digit at p belongs to a number that goes on on the other side of a separator. */
static bool number_goes_on(const char *text, const char *p, int step)
{
    if (!strchr(".,:/'", *p) || !*p)
        return false;
    return (step > 0 || p > text) && isdigit((unsigned char)p[step]);
}

static bool cuts_number(const char *text, const char *at, size_t len)
{
    bool starts = isdigit((unsigned char)at[0]) && at > text;
    bool ends = isdigit((unsigned char)at[len - 1]);
    return (starts && number_goes_on(text, at - 1, -1)) ||
           (ends && number_goes_on(text, at + len, 1));
}

bool claim_stands_in(struct asker *a, const char *text, const char *quote)
{
    const char *have = str_squash(a->s->pool, str_lower(a->s->pool, text));
    const char *want = str_squash(a->s->pool, str_lower(a->s->pool, quote));
    size_t len = strlen(want);
    bool bounded = (unsigned char)want[0] < 0xE3; /* as in words_has() */
    for (const char *p = have; len && (p = strstr(p, want)); p++) {
        bool before = p > have && isalnum((unsigned char)p[-1]) && isalnum((unsigned char)want[0]);
        bool after = isalnum((unsigned char)p[len]) && isalnum((unsigned char)want[len - 1]);
        bool high = (p > have && (unsigned char)p[-1] >= 0x80 && (unsigned char)want[0] >= 0x80) ||
                    ((unsigned char)p[len] >= 0x80 && (unsigned char)want[len - 1] >= 0x80);
        if (!bounded || (!before && !after && !high && !cuts_number(have, p, len)))
            return true;
    }
    return false;
}

/* "the heading is '...'": the page's own; "the heading '...' is shown": any of them. */
static bool means_main_heading(const struct clause *c)
{
    static const char *const forms[] = {
        "heading is",       "heading says",        "heading reads", "heading shows",
        "heading contains", "headline is",         "headline says", "headline reads",
        "headline shows",   "headline contains",   "main heading",  "headed",
        "title is",         "title says",          "title reads",   "title shows",
        "title contains",   "heading of the page", "page heading",  "page's heading"};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        if (words_has(c->form, forms[i]))
            return true;
    return false;
}

/* The page's main heading; with no h1 or h2 the first one that is shown. */
static const char *main_heading(const struct scene *s)
{
    if (s->heading >= 0)
        return s->page->nodes[s->heading].name;
    for (int i = 0; i < s->page->n_nodes; i++)
        if (s->page->nodes[i].level && scene_shown(s, i))
            return s->page->nodes[i].name;
    return "";
}

static bool in_heading(struct asker *a, const struct clause *c, const char *quote)
{
    const struct scene *s = a->s;
    if (claim_stands_in(a, main_heading(s), quote))
        return true;
    for (int i = 0; i < s->page->n_nodes && !means_main_heading(c); i++)
        if (s->page->nodes[i].level && scene_shown(s, i) &&
            claim_stands_in(a, s->page->nodes[i].name, quote))
            return true;
    return false;
}

static bool piece_shown(struct asker *a, const struct clause *c, const char *quote)
{
    if (ANY_OF(c->text, "heading", "headline", "headed"))
        return in_heading(a, c, quote);
    if (words_has(c->text, "title"))
        return claim_stands_in(a, a->s->page->title, quote) || in_heading(a, c, quote);
    return claim_stands_in(a, claim_all_text(a), quote);
}

/* --- what the other words of the clause are about -------------------------------------------- */

/* Words for the place where something stands, not for what it is. */
static const char place_words[] =
    "table row rows column line card cards block box panel section list next beside together costs "
    "item entry same";

struct about {
    const char *words[CLAUSE_MAX_WORDS];
    int n;
    enum meaning meaning; /* of them, MEANS_OTHER for none known */
};

static struct about what_about(struct asker *a, const struct clause *c)
{
    struct about out = {.n = 0, .meaning = MEANS_OTHER};
    const char *words[CLAUSE_MAX_WORDS], *name = "";
    int n = clause_words(a->s->pool, c, words);
    for (int i = 0; i < n; i++) {
        struct field f = {.name = words[i], .label = words[i], .example = ""};
        enum meaning m = field_meaning(a->s->pool, &f);
        bool place = in_words(place_words, words[i]);
        if (m == MEANS_OTHER && place)
            continue;
        out.meaning = m != MEANS_OTHER ? m : out.meaning;
        out.words[out.n++] = words[i];
        name = words[i];
    }
    if (!*name)
        out.meaning = MEANS_OTHER;
    return out;
}

/* The value that a label in the unit gives for what the clause is about: 1 it is the quoted one, 0
 * it is another, -1 nothing says. */
static int labelled_so(struct asker *a, int unit, const struct about *w, const char *value)
{
    struct pair *pairs;
    int n = page_pairs(a->s, unit, &pairs), seen = -1;
    for (int i = 0; i < n; i++) {
        if (clause_stems_in(pairs[i].label, w->words, w->n) != w->n || pairs[i].quality < 0.8)
            continue;
        if (claim_stands_in(a, pairs[i].value, value))
            return 1;
        seen = 0;
    }
    return seen;
}

/* The value stands in the unit outside of struck-out text. */
static bool stands_current(struct asker *a, int unit, const char *value)
{
    const struct scene *s = a->s;
    for (int i = unit; i < s->page->nodes[unit].end; i++)
        if (scene_text_count(s, i) == 1 && scene_text_bytes(s, i) < 300 &&
            !(s->zone[i] & ZONE_OLD) && claim_stands_in(a, scene_text(s, i, 300), value))
            return true;
    return false;
}

/* Both pieces stand in the unit. Is the second what the clause says it is of the first? */
static struct verdict judge_unit(struct asker *a, const struct clause *c, int unit)
{
    struct about w = what_about(a, c);
    const char *value = c->quotes[c->n_quotes - 1];
    if (!stands_current(a, unit, value))
        return claim_say(a, ANSWER_UNKNOWN,
                         "'%s' and '%s' stand together, but not as one current value", c->quotes[0],
                         value);
    if (w.n == 0)
        return claim_say(a, ANSWER_YES, "'%s' and '%s' stand together", c->quotes[0], value);
    int so = labelled_so(a, unit, &w, value);
    if (so >= 0)
        return claim_say(a, so ? ANSWER_YES : ANSWER_NO, "'%s' %s the %s that stands with '%s'",
                         value, so ? "is" : "is not", w.words[w.n - 1], c->quotes[0]);
    enum pattern shape = meaning_pattern(w.meaning);
    if (w.n == 1 && shape != PATTERN_NONE && pattern_is(shape, value))
        return claim_say(a, ANSWER_YES, "'%s' and '%s' stand together", c->quotes[0], value);
    return claim_say(a, ANSWER_UNKNOWN,
                     "'%s' and '%s' stand together, but nothing says '%s' of them", c->quotes[0],
                     value, w.words[0]);
}

/* --- pieces that must stand together --------------------------------------------------------- */

/* Node i shows one thing: no two rows, cards, headings or terms in it. */
static bool one_thing(struct asker *a, int i)
{
    const struct scene *s = a->s;
    const struct node *nodes = s->page->nodes;
    int parts = 0, cards = 0;
    for (int k = i + 1; k < nodes[i].end && parts < 2; k++)
        parts += in_words("row listitem article term", nodes[k].role) ||
                 (nodes[k].level && scene_shown(s, k));
    int n = claim_count_cards(a);
    for (int k = 0; k < n; k++)
        cards += a->cards[k].target.node >= 0 && node_is_a(s->page, a->cards[k].target.node, i);
    return parts < 2 && cards < 2;
}

static bool holds_all(struct asker *a, int i, const struct clause *c)
{
    const char *text = scene_text(a->s, i, UNIT_MAX_BYTES + 200);
    for (int k = 0; k < c->n_quotes; k++)
        if (!claim_stands_in(a, text, c->quotes[k]))
            return false;
    return true;
}

/* "Year" and "2008" of a definition list: label and value of one pair. */
static bool are_pair(struct asker *a, const struct clause *c)
{
    struct pair *pairs;
    int n = c->n_quotes == 2 ? page_pairs(a->s, 0, &pairs) : 0;
    for (int i = 0; i < n; i++)
        if (pairs[i].quality >= 0.8 &&
            strcmp(pairs[i].label, words_plain(a->s->pool, c->quotes[0])) == 0 &&
            claim_stands_in(a, pairs[i].value, c->quotes[1]))
            return true;
    return false;
}

/* The first piece is the page's own heading: what the page says of its one entity. */
static struct verdict judge_entity(struct asker *a, const struct about *w, const struct clause *c)
{
    const char *value = c->quotes[c->n_quotes - 1], *name = w->words[w->n - 1];
    struct field f = {.name = name, .label = name, .type = FIELD_STR, .example = ""};
    static const char *const none[] = {NULL};
    struct schema schema = {.entity_name = "item",
                            .fields = &f,
                            .n_fields = 1,
                            .spam_indicators = none,
                            .spam_seller_indicators = none,
                            .forbidden_controls = none,
                            .allowed_controls = none,
                            .card_exclusions = none,
                            .spam_label = ""};
    struct extraction x;
    struct err err = {0};
    const char *got = "";
    if (page_extract(a->reader, a->s->pool, a->obs, 1, &schema, &x, &err) == 0)
        got = json_str(x.values, name, "");
    if (!*got)
        return claim_say(a, ANSWER_UNKNOWN, "'%s' is shown, but nothing says that it is the %s",
                         value, name);
    bool same = field_same(a->s->pool, w->meaning, got, value);
    return claim_say(a, same ? ANSWER_YES : ANSWER_NO, "the %s is '%s'", name, got);
}

/* A row or card shows the first piece but not all of them. */
static bool stands_apart(struct asker *a, const struct clause *c)
{
    const struct scene *s = a->s;
    for (int i = 0; i < s->page->n_nodes; i++)
        if (in_words("row listitem article", s->page->nodes[i].role) && scene_text_count(s, i) &&
            scene_text_bytes(s, i) <= UNIT_MAX_BYTES && one_thing(a, i) &&
            claim_stands_in(a, scene_text(s, i, UNIT_MAX_BYTES + 200), c->quotes[0]))
            return true;
    return false;
}

static struct verdict judge_together(struct asker *a, const struct clause *c)
{
    const struct scene *s = a->s;
    struct verdict best = NOT_MINE;
    int inside = -1; /* a smaller node than i already held all */
    for (int i = s->page->n_nodes - 1; i >= 0 && best.answer != ANSWER_YES; i--) {
        const struct node *n = &s->page->nodes[i];
        if (n->tag[0] == '#' || !scene_text_count(s, i) ||
            scene_text_bytes(s, i) > UNIT_MAX_BYTES ||
            (inside >= 0 && node_is_a(s->page, inside, i) && strcmp(n->role, "row") != 0) ||
            !holds_all(a, i, c) || !one_thing(a, i))
            continue;
        inside = i;
        struct verdict v = judge_unit(a, c, i);
        if (!best.reason || v.answer == ANSWER_YES)
            best = v;
    }
    if (best.reason)
        return best;
    struct about w = what_about(a, c);
    if (w.n == 0 && are_pair(a, c))
        return claim_say(a, ANSWER_YES, "'%s' is '%s'", c->quotes[0], c->quotes[1]);
    if (w.n && claim_stands_in(a, main_heading(s), c->quotes[0]))
        return judge_entity(a, &w, c);
    if (stands_apart(a, c))
        return claim_say(a, ANSWER_NO, "'%s' is shown, but not with '%s'", c->quotes[0],
                         c->quotes[c->n_quotes - 1]);
    return claim_say(a, ANSWER_UNKNOWN, "'%s' and '%s' are shown, but not together", c->quotes[0],
                     c->quotes[c->n_quotes - 1]);
}

/* "The price is '$5'": one piece, and words that say which value of the page it is. */
static struct verdict judge_named_value(struct asker *a, const struct clause *c)
{
    static const char *const verbs[] = {" is " CLAUSE_QUOTE, " are " CLAUSE_QUOTE,
                                        ": " CLAUSE_QUOTE, " equals " CLAUSE_QUOTE};
    struct about w = what_about(a, c);
    bool said = false;
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        said |= strstr(c->form, verbs[i]) != NULL;
    bool known = w.n && meaning_pattern(w.meaning) != PATTERN_NONE;
    return said && known ? judge_entity(a, &w, c) : NOT_MINE;
}

struct verdict claim_quoted(struct asker *a, const struct clause *c)
{
    bool either = words_has(c->text, "or");
    int hits = 0;
    if (!c->n_quotes)
        return NOT_MINE;
    for (int i = 0; i < c->n_quotes; i++) {
        bool hit = piece_shown(a, c, c->quotes[i]);
        hits += hit;
        if (!hit && !either)
            return claim_say(a, ANSWER_NO, "'%s' is not shown; the page is headed '%s'",
                             c->quotes[i], claim_heading(a));
    }
    if (!hits)
        return claim_say(a, ANSWER_NO, "none of the quoted texts is shown; the page is headed '%s'",
                         claim_heading(a));
    bool heading = ANY_OF(c->text, "heading", "headline", "title", "headed");
    if (c->n_quotes > 1 && !either && !heading)
        return judge_together(a, c);
    struct verdict named = c->n_quotes == 1 && !heading ? judge_named_value(a, c) : NOT_MINE;
    return named.reason ? named : claim_say(a, ANSWER_YES, "'%s' is shown", c->quotes[0]);
}
