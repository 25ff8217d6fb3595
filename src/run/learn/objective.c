#include "run/learn/objective.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "reader/fields.h"
#include "reader/scene.h"
#include "reader/words.h"

#define COUNT_MAX       1000
#define FIELD_MAX_WORDS 3
#define NAME_MAX_WORDS  6
#define QUOTE_MARK                                                                                 \
    '\x01' /* stands where a quoted piece stood; no page and no plan has this byte                 \
            */

/* What the words behind a separator are about. */
enum about { ABOUT_FIELDS, ABOUT_NAMES, ABOUT_SKIPS, ABOUT_SEARCH, ABOUT_SAME };

static const struct separator {
    const char *text;
    enum about about;
} separators[] = {
    {" search for ", ABOUT_SEARCH},
    {" searching for ", ABOUT_SEARCH},
    {" matching ", ABOUT_SEARCH},
    {" list of ", ABOUT_FIELDS},
    {" table of ", ABOUT_FIELDS},
    {" listed by ", ABOUT_NAMES},
    {" offered by ", ABOUT_NAMES},
    {" sold by ", ABOUT_NAMES},
    {" without ", ABOUT_SKIPS},
    {" except ", ABOUT_SKIPS},
    {" excluding ", ABOUT_SKIPS},
    {" skip ", ABOUT_SKIPS},
    {" ignore ", ABOUT_SKIPS},
    {" not from ", ABOUT_SKIPS},
    {" no ", ABOUT_SKIPS},
    {" not ", ABOUT_SKIPS},
    {" of ", ABOUT_NAMES},
    {" from ", ABOUT_NAMES},
    {" by ", ABOUT_NAMES},
    {" in ", ABOUT_NAMES},
    {" near ", ABOUT_NAMES},
    {" at ", ABOUT_NAMES},
    {" for ", ABOUT_NAMES},
    {" on ", ABOUT_NAMES},
    {" that are ", ABOUT_NAMES},
    {" which are ", ABOUT_NAMES},
    {" with ", ABOUT_FIELDS},
    {" including ", ABOUT_FIELDS},
    {" plus ", ABOUT_FIELDS},
    {" incl. ", ABOUT_FIELDS},
    {" their ", ABOUT_FIELDS},
    {" its ", ABOUT_FIELDS},
    {" get ", ABOUT_FIELDS},
    {" read ", ABOUT_FIELDS},
    {" extract ", ABOUT_FIELDS},
    {" collect ", ABOUT_FIELDS},
    {" note ", ABOUT_FIELDS},
    {" give me ", ABOUT_FIELDS},
    {" and ", ABOUT_SAME},
    {" or ", ABOUT_SAME},
    {" & ", ABOUT_SAME},
    {", ", ABOUT_SAME},
    {": ", ABOUT_FIELDS},
    {"; ", ABOUT_FIELDS},
    {". ", ABOUT_FIELDS},
    {"? ", ABOUT_FIELDS},
    {" (", ABOUT_FIELDS},
    {") ", ABOUT_FIELDS},
};

static const char fillers[] =
    "the a an this that these those all any each every of me us please get read list lists show "
    "find look "
    "open extract collect note give take fetch return want need i we to first next top last new "
    "newest latest only also as well both about info information details data values value fields "
    "field";

static const char *const numbers[] = {"zero",  "one",   "two",  "three", "four",   "five",  "six",
                                      "seven", "eight", "nine", "ten",   "eleven", "twelve"};

char *objective_singular(struct pool *pool, const char *word)
{
    size_t n = strlen(word);
    if (n > 4 && str_ends(word, "ies"))
        return pool_printf(pool, "%.*sy", (int)(n - 3), word);
    if (n > 4 && (str_ends(word, "xes") || str_ends(word, "ches") || str_ends(word, "shes") ||
                  str_ends(word, "sses")))
        return pool_strndup(pool, word, n - 2);
    if (n > 3 && word[n - 1] == 's' && !str_ends(word, "ss") && !str_ends(word, "us") &&
        !str_ends(word, "is"))
        return pool_strndup(pool, word, n - 1);
    return pool_strdup(pool, word);
}

/* The next word of plain text at *p, in pool; NULL at its end. */
static char *next_word(struct pool *pool, const char **p)
{
    *p += strspn(*p, " -/,.:;()");
    size_t n = strcspn(*p, " -/,.:;()");
    char *word = n ? pool_strndup(pool, *p, n) : NULL;
    *p += n;
    return word;
}

static int number_of(const char *word)
{
    size_t n = strlen(word);
    if (n && n <= 4 && strspn(word, "0123456789") == n)
        return atoi(word);
    for (size_t i = 1; i < ARRAY_SIZE(numbers); i++)
        if (!strcmp(word, numbers[i]))
            return (int)i;
    return 0;
}

/* One piece between two separators: how many it speaks of, and the words that mean something. */
struct piece {
    const char *words[NAME_MAX_WORDS];
    int n, count;
    bool all;
};

static void read_piece(struct pool *pool, const char *text, struct piece *out)
{
    const char *p = words_plain(pool, text);
    char *word;
    *out = (struct piece){0};
    while ((word = next_word(pool, &p))) {
        int number = number_of(word);
        out->all = out->all || in_words("all every", word);
        if (number > 0 && number <= COUNT_MAX && !out->n && !out->count)
            out->count = number;
        else if (*word != QUOTE_MARK && !in_words(fillers, word) && out->n < NAME_MAX_WORDS)
            out->words[out->n++] = word;
    }
}

/* The words of the piece, the last one singular when asked. */
static char *joined(struct pool *pool, const struct piece *piece, bool singular)
{
    char *out = pool_strdup(pool, "");
    for (int i = 0; i < piece->n; i++) {
        const char *w = piece->words[i];
        if (singular && i == piece->n - 1)
            w = objective_singular(pool, w);
        out = pool_printf(pool, "%s%s%s", out, *out ? " " : "", w);
    }
    return out;
}

static bool is_known_field(struct pool *pool, const char *plain)
{
    struct field f = {.name = plain, .label = plain, .example = ""};
    return field_meaning(pool, &f) != MEANS_OTHER;
}

static void add_name(struct objective *o, const char *name, const char *quoted)
{
    for (int i = 0; i < o->n_names; i++)
        if (!strcmp(o->names[i], name))
            return;
    if (!*name || o->n_names == OBJECTIVE_NAMES_MAX)
        return;
    o->quoted[o->n_names] = quoted;
    o->names[o->n_names++] = name;
}

static void add_field(struct objective *o, const char *name)
{
    for (int i = 0; i < o->n_fields; i++)
        if (!strcmp(o->fields[i], name))
            return;
    if (*name && o->n_fields < OBJECTIVE_FIELDS_MAX)
        o->fields[o->n_fields++] = name;
}

struct parse {
    struct pool *pool;
    struct objective *out;
    enum about about;
    bool listed;  /* the piece before was a field: what follows in the list is one too */
    bool in_list; /* ", " or "and" stands before or behind the piece */
};

/* "first 3 used boats": the last word is what they are. */
static void take_entity(struct parse *p, const struct piece *piece)
{
    struct objective *o = p->out;
    o->count = piece->count;
    o->all = piece->all && !piece->count;
    if (!piece->n)
        return;
    o->entity = objective_singular(p->pool, piece->words[piece->n - 1]);
    o->what = joined(p->pool, piece, false);
}

static bool is_plural(struct pool *pool, const struct piece *piece)
{
    return piece->n && strcmp(joined(pool, piece, true), joined(pool, piece, false)) != 0;
}

static void take_fields(struct parse *p, const struct piece *piece)
{
    const char *one = joined(p->pool, piece, true);
    bool known = is_known_field(p->pool, one);
    const char *name = known || piece->n == 1 ? one : joined(p->pool, piece, false);
    bool first = !p->listed && !p->out->n_fields && is_plural(p->pool, piece);
    if (!p->out->entity && (piece->count || piece->all || (!known && (first || !p->in_list)))) {
        take_entity(p, piece);
        return;
    }
    if (piece->n > 0 && piece->n <= FIELD_MAX_WORDS && (known || p->in_list)) {
        add_field(p->out, name);
        p->listed = true;
    }
}

static void take_names(struct parse *p, const struct piece *piece, bool fresh)
{
    bool plural = is_plural(p->pool, piece);
    bool known = piece->n && is_known_field(p->pool, joined(p->pool, piece, true));
    if (!fresh && !plural && known) { /* the list of fields goes on */
        p->about = ABOUT_FIELDS;
        take_fields(p, piece);
    } else if (!p->out->entity && (piece->count || piece->all || (plural && !known)))
        take_entity(p, piece);
    else
        add_name(p->out, joined(p->pool, piece, false), NULL);
}

static void take_skips(struct parse *p, const struct piece *piece)
{
    const char *name = joined(p->pool, piece, false), *old = p->out->skips;
    p->out->skips = *old ? pool_printf(p->pool, "%s and %s", old, name) : name;
}

static void take(struct parse *p, const char *text, bool fresh)
{
    struct piece piece;
    read_piece(p->pool, text, &piece);
    if (!piece.n && !piece.count && !piece.all)
        return;
    if (p->about == ABOUT_FIELDS)
        take_fields(p, &piece);
    else if (p->about == ABOUT_NAMES)
        take_names(p, &piece, fresh);
    else if (p->about == ABOUT_SKIPS)
        take_skips(p, &piece);
    else if (!*p->out->search)
        p->out->search = joined(p->pool, &piece, false);
}

/* Lower case, one blank between words and at both ends; addresses left out, quoted pieces become
 * names of their own and a mark. */
static const char *ready(struct pool *pool, const char *text, struct objective *out)
{
    struct buf b;
    const char *cut = str_cut(pool, text, CAP_OBJECTIVE_BYTES), *quoted;
    buf_init(&b, 2 * CAP_OBJECTIVE_BYTES + 8);
    buf_addc(&b, ' ');
    for (const char *p = cut; *p;) {
        if (!strncasecmp(p, "http://", 7) || !strncasecmp(p, "https://", 8))
            p += strcspn(p, " \t\r\n\"'<>");
        else if ((quoted = str_quote_at(pool, cut, &p, 200))) {
            add_name(out, words_plain(pool, quoted), quoted);
            buf_adds(&b, (const char[]){' ', QUOTE_MARK, ' ', 0});
        } else {
            buf_addc(&b, *p == '\n' ? '.' : *p == QUOTE_MARK ? ' ' : *p);
            if (*p == '\n')
                buf_addc(&b, ' ');
            p++;
        }
    }
    buf_addc(&b, ' ');
    const char *out_text = str_lower(pool, b.data);
    buf_release(&b);
    return out_text;
}

/* The separator at p; two may share the blank between them. */
static const struct separator *separator_at(const char *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(separators); i++)
        if (str_starts(p, separators[i].text))
            return &separators[i];
    return NULL;
}

static bool is_comma(const struct separator *s)
{
    return s && s->about == ABOUT_SAME;
}

void objective_parse(struct pool *pool, const char *text, struct objective *out)
{
    *out = (struct objective){.what = "", .skips = "", .search = ""};
    const char *p = ready(pool, text, out), *start = p;
    struct parse parse = {.pool = pool, .out = out, .about = ABOUT_FIELDS};
    const struct separator *before = NULL;
    for (;;) {
        const struct separator *s = *p ? separator_at(p) : NULL;
        if (*p && !s) {
            p++;
            continue;
        }
        parse.in_list = is_comma(before) || is_comma(s) || parse.listed;
        take(&parse, pool_strndup(pool, start, (size_t)(p - start)), !is_comma(before));
        if (!*p)
            break;
        if (!is_comma(s)) {
            parse.about = s->about;
            parse.listed = !strcmp(s->text, " with ");
        }
        before = s;
        start = p += strlen(s->text) - 1; /* its last blank may begin the next one */
    }
    if (!out->entity)
        out->entity = "item";
}

double objective_names(struct pool *pool, const char *name, const char *label)
{
    struct piece said, shown;
    int hits = 0;
    read_piece(pool, name, &said);
    read_piece(pool, label, &shown);
    int meaning = 0;
    for (int i = 0; i < shown.n; i++) {
        bool there = false;
        if (in_words("from by of in with for only show and or", shown.words[i]) ||
            isdigit((unsigned char)shown.words[i][0]))
            continue;
        meaning++;
        for (int k = 0; k < said.n && !there; k++)
            there = !strcmp(objective_singular(pool, shown.words[i]),
                            objective_singular(pool, said.words[k]));
        if (!there)
            return 0;
        hits++;
    }
    return meaning && said.n ? (double)hits / (hits > said.n ? hits : said.n) : 0;
}
