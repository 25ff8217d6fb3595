/*
 * card_wants.c - which cards an intent leaves: "skip dealers", "from a private seller".
 *
 * Only what a card says of itself in a short line of its own (a badge) decides. A wish that no card
 * answers is not one about badges and leaves the list as it is.
 */
#include "reader/reader.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "reader/clauses.h"
#include "reader/words.h"

#define BADGE_MAX_WORDS 4
#define TERM_MAX        8

static const char *const skips[] = {
    "skip ",   "skipping ",  "ignore ",  "ignoring ",  "avoid ",    "avoiding ", "except for ",
    "except ", "excluding ", "without ", "leave out ", "not from ", "not by "};
static const char *const wants[] = {" from ", " by ", " marked "};

struct term {
    const char *words[CLAUSE_MAX_WORDS];
    int n;
};

/* The terms of "advertisements and dealers, or agents"; up to the end of the sentence's part. */
static int read_terms(struct pool *pool, const char *from, struct term *out)
{
    static const char *const breaks[] = {" and ", " or ", ","};
    int n = 0;
    const char *text = pool_strndup(pool, from, strcspn(from, ".;:!?\n"));
    while (*text && n < TERM_MAX) {
        const char *cut = text + strlen(text);
        size_t skip = 0;
        for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
            const char *p = strstr(text, breaks[i]);
            if (p && p < cut) {
                cut = p;
                skip = strlen(breaks[i]);
            }
        }
        struct clause c = {.text =
                               words_plain(pool, pool_strndup(pool, text, (size_t)(cut - text)))};
        out[n].n = clause_words(pool, &c, out[n].words);
        n += out[n].n > 0;
        text = cut + skip;
    }
    return n;
}

/* A short line of the card says the term. */
static bool says(struct pool *pool, const struct card *card, const struct term *t)
{
    for (const char *p = card->text ? card->text : ""; *p;) {
        size_t len = strcspn(p, "\n");
        const char *line = words_plain(pool, pool_strndup(pool, p, len));
        if (words_count(line) <= BADGE_MAX_WORDS && clause_stems_in(line, t->words, t->n) == t->n)
            return true;
        p += len + (p[len] == '\n');
    }
    return false;
}

static bool says_any(struct pool *pool, const struct card *card, const struct term *terms, int n)
{
    for (int i = 0; i < n; i++)
        if (says(pool, card, &terms[i]))
            return true;
    return false;
}

/* Keep the cards that say one of the terms (or none of them), in order; how many there are. */
static int keep(struct pool *pool, struct card *cards, int n, const struct term *terms, int n_terms,
                bool saying)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (says_any(pool, &cards[i], terms, n_terms) == saying)
            cards[kept++] = cards[i];
    return kept;
}

static int count_saying(struct pool *pool, const struct card *cards, int n, const struct term *t)
{
    int hits = 0;
    for (int i = 0; i < n; i++)
        hits += says(pool, &cards[i], t);
    return hits;
}

/* Where the part that says what to leave out begins; its end is the intent's end when there is
 * none. */
static const char *skip_part(const char *intent, const char **ret_terms)
{
    const char *first = intent + strlen(intent);
    *ret_terms = first;
    for (size_t i = 0; i < ARRAY_SIZE(skips); i++) {
        const char *p = strstr(intent, skips[i]);
        if (p && p < first && (p == intent || p[-1] == ' ')) {
            first = p;
            *ret_terms = p + strlen(skips[i]);
        }
    }
    return first;
}

int reader_wanted_cards(struct pool *pool, const char *intent, struct card *cards, int n)
{
    struct pool *tmp = pool_create(NULL);
    struct term terms[TERM_MAX];
    const char *low = str_lower(tmp, str_cut(tmp, intent, 1000)), *skipped;
    const char *part = skip_part(low, &skipped);
    int n_terms = read_terms(tmp, skipped, terms);
    if (n_terms)
        n = keep(tmp, cards, n, terms, n_terms, false);
    const char *wish = pool_strndup(tmp, low, (size_t)(part - low));
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        const char *p = strstr(wish, wants[i]);
        /* the first term alone: behind an "and" comes what else is to be done */
        n_terms = p ? read_terms(tmp, p + strlen(wants[i]), terms) : 0;
        int saying = n_terms ? count_saying(tmp, cards, n, &terms[0]) : 0;
        if (saying)
            n = keep(tmp, cards, n, terms, 1, true);
    }
    pool_destroy(tmp);
    return n;
}

const char *reader_named_card(struct pool *pool, const char *intent)
{
    const char *skipped, *low = str_lower(pool, intent);
    const char *text = pool_strndup(pool, intent, (size_t)(skip_part(low, &skipped) - low));
    return str_quoted(pool, &text, SIZE_MAX);
}
