/*
 * claim_stock.c - whether the thing that the page is about can be had: "it is sold out", "in stock".
 *
 * Only what stands below the main heading, up to the next one, speaks of that thing; other things further down
 * are sold out for themselves. A control that sells it says that it is there.
 */
#include "reader/page_claims.h"

#include <string.h>

#include "base/str.h"
#include "reader/words.h"

#define MARK_BYTES 60 /* a longer text is no mark but a description */

/* Words of the clause that are about the stock; the others name the thing. */
static const char stock_words[] =
    "sold out stock item product article thing available unavailable anymore currently still";

/* Index behind the part of the page that the main heading stands over. */
static int end_of_part(const struct scene *s)
{
    const struct node *nodes = s->page->nodes;
    for (int i = s->heading + 1; i < s->page->n_nodes; i++)
        if (nodes[i].level && nodes[i].level <= 2 && scene_shown(s, i))
            return i;
    return s->page->n_nodes;
}

static bool is_named(struct asker *a, const struct clause *c)
{
    const char *words[CLAUSE_MAX_WORDS];
    int n = clause_words(a->s->pool, c, words), kept = 0;
    for (int i = 0; i < n; i++)
        if (!in_words(stock_words, words[i]))
            words[kept++] = words[i];
    return clause_stems_in(words_plain(a->s->pool, claim_heading(a)), words, kept) == kept;
}

static bool sells(const struct node *n)
{
    return in_words("button link", n->role) || (n->flags & NODE_CLICKABLE);
}

/* A text of one variant among several is none of the whole. */
static bool is_mark(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    return n->tag[0] != '#' && !in_words("option radio", n->role) && strcmp(n->tag, "select") &&
           scene_shown(s, i) && scene_text_bytes(s, i) < MARK_BYTES &&
           words_is(WORDS_SOLD_OUT, scene_text(s, i, MARK_BYTES));
}

struct verdict claim_stock(struct asker *a, const struct clause *c)
{
    const struct scene *s = a->s;
    bool gone = ANY_OF(c->text, "sold out", "out of stock", "unavailable", "ausverkauft");
    if (c->n_quotes || (!gone && !ANY_OF(c->text, "in stock", "be bought", "can be ordered")))
        return NOT_MINE;
    if (s->heading < 0 || !is_named(a, c))
        return claim_say(a, ANSWER_UNKNOWN, "'%s' is not what the page is about: '%s'", c->text,
                         claim_heading(a));
    for (int i = s->heading + 1, end = end_of_part(s); i < end; i++) {
        const struct node *n = &s->page->nodes[i];
        if (is_mark(s, i))
            return claim_say(a, gone ? ANSWER_YES : ANSWER_NO, "'%s' is '%s'", claim_heading(a),
                             scene_text(s, i, MARK_BYTES));
        if (sells(n) && !(n->flags & NODE_DISABLED) && scene_shown(s, i) &&
            words_is(WORDS_BUY, scene_label(s, i)))
            return claim_say(a, gone ? ANSWER_NO : ANSWER_YES, "'%s' is offered with '%s'",
                             claim_heading(a), scene_label(s, i));
    }
    return claim_say(a, ANSWER_UNKNOWN, "nothing says whether '%s' can be had", claim_heading(a));
}
