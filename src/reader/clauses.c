#include "reader/clauses.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "reader/page_parts.h"
#include "reader/words.h"

#define WORD_ENDS " ,.;:!?()/-_\"'"

bool clause_has_any(const char *plain, const char *const *phrases)
{
    for (; *phrases; phrases++)
        if (words_has(plain, *phrases))
            return true;
    return false;
}

static bool is_negated(const char *plain)
{
    return ANY_OF(plain, "no", "not", "never", "without", "none", "isn't", "aren't", "doesn't",
                  "don't", "hasn't", "absent", "gone", "disappeared", "closed", "dismissed",
                  "hidden", "cannot", "can't", "kein", "keine", "nicht");
}

/* raw without the marks of its quoted pieces. */
static const char *unmarked(struct pool *pool, const char *raw)
{
    char *out = pool_strdup(pool, raw);
    for (char *p = out; (p = strstr(p, CLAUSE_QUOTE));)
        *p = ' ';
    return words_plain(pool, out);
}

static void add_clause(struct pool *pool, const char *raw, const char *const *quotes, int n,
                       struct clause *out, int *n_out)
{
    const char *plain = unmarked(pool, raw);
    if ((!*plain && !n) || *n_out == CLAUSE_MAX)
        return;
    struct clause *c = &out[(*n_out)++];
    *c = (struct clause){.text = plain,
                         .form = str_squash(pool, str_lower(pool, raw)),
                         .n_quotes = n,
                         .negated = is_negated(plain)};
    memcpy(c->quotes, quotes, sizeof(*quotes) * (size_t)n);
}

/* Bytes of a clause break at p: ";", ". ", ", ", " and ", " but ", new line. */
static size_t break_at(const char *p)
{
    static const char *const breaks[] = {" and ", " but ", " und ", " et ", " y ",
                                         "; ",    ". ",    ", ",    "\n"};
    for (size_t i = 0; i < ARRAY_SIZE(breaks); i++)
        if (strncasecmp(p, breaks[i], strlen(breaks[i])) == 0)
            return strlen(breaks[i]);
    return 0;
}

/* Cut outside quotes; a quoted piece stays with the clause it stands in. */
int clause_cut(struct pool *pool, const char *question, struct clause *out)
{
    struct buf b;
    const char *quotes[CLAUSE_MAX_QUOTES], *quoted;
    int n = 0, n_quotes = 0;
    buf_init(&b, 8192);
    for (const char *p = question; *p;) {
        size_t brk = break_at(p);
        if (brk) {
            add_clause(pool, b.data, quotes, n_quotes, out, &n);
            buf_clear(&b);
            n_quotes = 0;
            p += brk;
        } else if ((quoted = str_quote_at(pool, question, &p, PAGE_QUOTE_BYTES))) {
            if (n_quotes < CLAUSE_MAX_QUOTES) {
                quotes[n_quotes++] = quoted;
                buf_adds(&b, " " CLAUSE_QUOTE " ");
            }
        } else {
            buf_addc(&b, *p == CLAUSE_QUOTE[0] ? ' ' : *p);
            p++;
        }
    }
    add_clause(pool, b.data, quotes, n_quotes, out, &n);
    buf_release(&b);
    return n;
}

/* --- content words --------------------------------------------------------------------------- */

static const char stop_words[] =
    "the a an of in on at to for from by with and or is are was were be been being has have had it "
    "its this that these those there "
    "page pages site website screen shows show shown showing display displays displayed visible "
    "see seen appears appear contains contain "
    "listed list lists listing listings result results item items card cards search check checks "
    "make sure verify confirm that whether "
    "heading headings title text says reads message button link field url address only all some "
    "any more than least most exactly "
    "now still already loaded loads open opened opens should must can may we you i user currently "
    "not no none without does do did "
    "least fewer less over under about at up down left right top bottom new current correct filter "
    "filters filtered applied active "
    "selected set least one two three many several multiple area section content contents main "
    "view detail details";

const char *const clause_list_nouns[] = {
    "results",        "result",
    "listings",       "listing",
    "items",          "item",
    "cards",          "card",
    "products",       "ads",
    "offers",         "entries",
    "rows",           "records",
    "matches",        "hits",
    "search results", "listed",
    "treffer",        "ergebnisse",
    "anzeigen",       "r\xC3\xA9sultats",
    "resultados",     NULL,
};

/* Words that carry the clause's meaning, as stems ("boats" -> "boat"). */
int clause_words(struct pool *pool, const struct clause *c, const char **out)
{
    int n = 0;
    for (const char *p = c->text; *p && n < CLAUSE_MAX_WORDS;) {
        p += strspn(p, WORD_ENDS);
        size_t len = strcspn(p, WORD_ENDS);
        const char *word = pool_strndup(pool, p, len);
        bool noun = false;
        for (const char *const *l = clause_list_nouns; *l && !noun; l++)
            noun = strcmp(*l, word) == 0;
        if (len > 1 && !noun && !in_words(stop_words, word) && !isdigit((unsigned char)word[0]))
            out[n++] = word;
        p += len;
    }
    return n;
}

static size_t stem_length(const char *word)
{
    size_t len = strlen(word);
    if (len > 4 && str_ends(word, "ies"))
        return len - 3;
    if (len > 3 && word[len - 1] == 's' && word[len - 2] != 's')
        len--;
    return len;
}

/* A word of text starts with word's stem and is at most three bytes longer. */
static bool has_stem(const char *plain_text, const char *word)
{
    size_t stem = stem_length(word);
    for (const char *p = plain_text; *p;) {
        p += strspn(p, WORD_ENDS);
        size_t len = strcspn(p, WORD_ENDS);
        if (len >= stem && len <= stem + 3 && strncmp(p, word, stem) == 0)
            return true;
        p += len;
    }
    return false;
}

int clause_stems_in(const char *plain_text, const char *const *words, int n)
{
    int hits = 0;
    for (int i = 0; i < n; i++)
        hits += has_stem(plain_text, words[i]);
    return hits;
}
