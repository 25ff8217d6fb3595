/*
 * page_visible.c - does the page show what a sentence says?
 *
 * The sentence is cut into clauses; each clause is offered to the claims below in order, and those
 * that recognise something in it answer from the page. YES needs something that was seen; NO needs
 * something that would have been seen; everything else is UNKNOWN, with what was looked for. A word
 * that merely occurs somewhere decides nothing.
 */
#include "reader/page_claims.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "reader/patterns.h"
#include "reader/words.h"

#define ASK_MAX_CARDS 200
#define PAGE_TEXT_MAX (1u << 20)

struct verdict claim_say(struct asker *a, enum answer answer, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *reason = pool_vprintf(a->s->pool, fmt, ap);
    va_end(ap);
    return (struct verdict){answer, reason};
}

/* --- what the page says, read once ----------------------------------------------------------- */

const char *claim_all_text(struct asker *a)
{
    if (a->all_text)
        return a->all_text;
    struct buf b;
    buf_init(&b, 2 * PAGE_TEXT_MAX);
    if (a->s->page->n_nodes)
        buf_adds(&b, scene_text(a->s, 0, PAGE_TEXT_MAX));
    for (int i = 0; i < a->s->page->n_nodes; i++) {
        const struct node *n = &a->s->page->nodes[i];
        bool button = strcmp(n->tag, "input") == 0 && strcmp(n->role, "button") == 0;
        if ((n->value[0] || button) && scene_shown(a->s, i)) {
            buf_addc(&b, '\n');
            buf_adds(&b, n->value[0] ? n->value : n->name);
        }
    }
    a->all_text = str_lower(a->s->pool, b.data);
    buf_release(&b);
    return a->all_text;
}

int claim_count_cards(struct asker *a)
{
    struct err err = {0};
    if (!a->listed && page_list(a->reader, a->s->pool, a->obs, NULL, ASK_MAX_CARDS, &a->cards,
                                &a->n_cards, &a->list_status, &err))
        a->list_status = LIST_ERROR;
    a->listed = true;
    return a->n_cards;
}

/* The page's own count, "1,234 results"; -1 when it states none. */
static int stated_count(struct asker *a)
{
    const struct scene *s = a->s;
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        double v;
        if (n->tag[0] == '#' || scene_text_bytes(s, i) > 80 || !scene_text_count(s, i) ||
            (s->zone[i] & (ZONES_CHROME | ZONE_ASIDE)))
            continue;
        const char *hit = pattern_first(s->pool, PATTERN_COUNT, scene_text(s, i, 80));
        if (hit && pattern_number(hit, &v) && v < 1e9)
            return (int)v;
    }
    return -1;
}

const char *claim_heading(struct asker *a)
{
    const struct scene *s = a->s;
    return s->heading >= 0     ? s->page->nodes[s->heading].name
           : s->page->title[0] ? s->page->title
                               : "(no heading)";
}

/* Where all the words stand together: title, a heading, checked filters, a field's value, the
 * address, or most cards. The text they were seen in, or NULL. */
static const char *words_seen(struct asker *a, const char *const *words, int n)
{
    const struct scene *s = a->s;
    struct pool *pool = s->pool;
    if (n == 0)
        return NULL;
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *node = &s->page->nodes[i];
        bool heading = node->level && scene_shown(s, i) && !(s->zone[i] & ZONE_RELATED);
        bool checked = (node->flags & (NODE_CHECKED | NODE_SELECTED)) && scene_shown(s, i);
        if ((heading || checked) && clause_stems_in(words_plain(pool, node->name), words, n) == n)
            return node->name;
        if (node->value[0] && scene_shown(s, i) &&
            clause_stems_in(words_plain(pool, node->value), words, n) == n)
            return node->value;
    }
    if (clause_stems_in(words_plain(pool, s->page->title), words, n) == n)
        return s->page->title;
    if (clause_stems_in(words_split(pool, s->page->url), words, n) == n)
        return s->page->url;
    return NULL;
}

/* --- claims ---------------------------------------------------------------------------------- */

static bool url_has(struct asker *a, const char *part)
{
    const char *url = a->obs->url && *a->obs->url ? a->obs->url : a->s->page->url;
    return str_contains_fold(url, part);
}

/* "the URL contains '/boats/'", "the address is ...": quoted, or a token with a slash or dot. */
static struct verdict claim_url(struct asker *a, const struct clause *c)
{
    if (!ANY_OF(c->text, "url", "address", "adresse", "link of the page", "web address"))
        return NOT_MINE;
    const char *part = c->n_quotes ? c->quotes[0] : NULL;
    for (const char *p = c->text; !part && *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        const char *word = pool_strndup(a->s->pool, p, strcspn(p, " "));
        if (strpbrk(word, "/.=?") && strlen(word) > 2)
            part = word;
    }
    if (!part)
        return NOT_MINE;
    bool has = url_has(a, part);
    return claim_say(a, has ? ANSWER_YES : ANSWER_NO, "the address %s %s '%s'", a->s->page->url,
                     has ? "contains" : "does not contain", part);
}

int claim_switch(const struct scene *s, const char *quote)
{
    const char *want = words_plain(s->pool, quote);
    int state = -1;
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        if (!in_words("checkbox radio switch option tab button link menuitemcheckbox menuitemradio",
                      n->role) ||
            page_words_match(want, words_plain(s->pool, n->name)) < 0.7)
            continue;
        const char *pressed = node_attr(n, "aria-pressed"), *current = node_attr(n, "aria-current");
        bool on = (n->flags & (NODE_CHECKED | NODE_SELECTED)) ||
                  (pressed && !strcmp(pressed, "true")) ||
                  (current && strcmp(current, "false") != 0) ||
                  scene_classed(s, i, "active selected checked applied chip");
        if (on)
            return 1;
        if (in_words("checkbox radio switch option", n->role))
            state = 0;
    }
    return state;
}

/* "the filter 'Private seller' is applied", "'Blue' is selected" */
static struct verdict claim_filter(struct asker *a, const struct clause *c)
{
    if (!c->n_quotes || !ANY_OF(c->text, "filter", "filters", "applied", "checked", "ticked",
                                "selected", "active", "enabled", "turned on"))
        return NOT_MINE;
    int on = claim_switch(a->s, c->quotes[0]);
    const char *url = words_split(a->s->pool, a->s->page->url);
    if (on < 0 && words_has(url, words_plain(a->s->pool, c->quotes[0])))
        on = 1;
    if (on < 0)
        return claim_say(a, ANSWER_UNKNOWN, "no filter or option named '%s' on the page",
                         c->quotes[0]);
    return claim_say(a, on ? ANSWER_YES : ANSWER_NO, "'%s' is %s", c->quotes[0], on ? "on" : "off");
}

static struct verdict claim_blocked(struct asker *a, const struct clause *c)
{
    if (!ANY_OF(c->text, "captcha", "blocked", "block page", "challenge", "cloudflare", "bot check",
                "access denied"))
        return NOT_MINE;
    const char *mark = scene_blocked(a->s);
    return mark ? claim_say(a, ANSWER_YES, "the page says '%s'", mark)
                : claim_say(a, ANSWER_NO, "nothing blocks the page '%s'", claim_heading(a));
}

static struct verdict claim_overlay(struct asker *a, const struct clause *c)
{
    if (!ANY_OF(c->text, "cookie", "cookies", "consent", "banner", "overlay", "popup", "pop-up",
                "modal", "newsletter box", "dialog"))
        return NOT_MINE;
    struct target t;
    struct err err = {0};
    if (page_find_dismiss(a->reader, a->s->pool, a->obs, &t, &err) == 0)
        return claim_say(a, ANSWER_YES, "an overlay with '%s' covers the page", t.label);
    for (int i = 0; i < a->s->page->n_nodes; i++)
        if (in_words("dialog alertdialog", a->s->page->nodes[i].role) && scene_shown(a->s, i))
            return claim_say(a, ANSWER_YES, "a dialog '%s' is shown", scene_label(a->s, i));
    return claim_say(a, ANSWER_NO, "%s", err.msg);
}

static int control_named(const struct scene *s, enum phrases which)
{
    for (int i = 0; i < s->page->n_nodes; i++)
        if (in_words("link button menuitem", s->page->nodes[i].role) && scene_shown(s, i) &&
            strlen(s->page->nodes[i].name) < 40 && words_is(which, s->page->nodes[i].name))
            return i;
    return -1;
}

static struct verdict claim_login(struct asker *a, const struct clause *c)
{
    bool in = ANY_OF(c->text, "logged in", "signed in", "logged-in", "signed-in", "angemeldet",
                     "eingeloggt");
    bool out = ANY_OF(c->text, "logged out", "signed out");
    if (!in && !out)
        return NOT_MINE;
    int yes = control_named(a->s, WORDS_LOGOUT), no = control_named(a->s, WORDS_LOGIN);
    if (yes < 0 && no < 0)
        return claim_say(a, ANSWER_UNKNOWN, "neither a log-in nor a log-out control is shown");
    bool is_in = yes >= 0;
    return claim_say(a, is_in == in ? ANSWER_YES : ANSWER_NO, "the page offers '%s'",
                     a->s->page->nodes[is_in ? yes : no].name);
}

/* An error of the page itself, not the word somewhere in its text. */
static const char *error_shown(const struct scene *s)
{
    if (s->page->http_status >= 400)
        return pool_printf(s->pool, "HTTP status %d", s->page->http_status);
    if (str_starts(s->page->url, "chrome-error://"))
        return "the browser's error page";
    for (int i = 0; i < s->page->n_nodes; i++) {
        const struct node *n = &s->page->nodes[i];
        bool place = strcmp(n->role, "alert") == 0 || n->level ||
                     scene_classed(s, i, "error errors alert danger invalid");
        if (place && scene_shown(s, i) && scene_text_count(s, i) && scene_text_bytes(s, i) < 300 &&
            (words_in(WORDS_ERROR, scene_text(s, i, 300)) || strcmp(n->role, "alert") == 0 ||
             scene_classed(s, i, "error errors danger")))
            return scene_text(s, i, 120);
    }
    return NULL;
}

static struct verdict claim_error(struct asker *a, const struct clause *c)
{
    if (!ANY_OF(c->text, "error", "errors", "error message", "something went wrong", "fehler",
                "failed"))
        return NOT_MINE;
    const char *text = error_shown(a->s);
    return text ? claim_say(a, ANSWER_YES, "an error is shown: %s", text)
                : claim_say(a, ANSWER_NO, "no error message on the page '%s'", claim_heading(a));
}

enum compare { AT_LEAST, AT_MOST, MORE, FEWER, EXACTLY };

static bool compares(enum compare how, int have, int want)
{
    switch (how) {
    case AT_LEAST:
        return have >= want;
    case AT_MOST:
        return have <= want;
    case MORE:
        return have > want;
    case FEWER:
        return have < want;
    case EXACTLY:
        break;
    }
    return have == want;
}

static enum compare comparison(const char *text)
{
    if (ANY_OF(text, "at least", "minimum", "or more", "no fewer than", "no less than",
               "mindestens", "au moins", "al menos"))
        return AT_LEAST;
    if (ANY_OF(text, "at most", "maximum", "or fewer", "or less", "no more than", "not more than",
               "up to"))
        return AT_MOST;
    if (ANY_OF(text, "more than", "over", "above", "mehr als", "plus de"))
        return MORE;
    return ANY_OF(text, "fewer than", "less than", "under", "below") ? FEWER : EXACTLY;
}

/* "at least 10 results", "24 boats are listed": what the page states, or what it lists. */
static struct verdict claim_count(struct asker *a, const struct clause *c)
{
    const char *p = c->text;
    while (*p && !(isdigit((unsigned char)*p) && (p == c->text || p[-1] == ' ')))
        p++;
    double v;
    bool counted = *p && (clause_has_any(c->text, clause_list_nouns) || words_has(c->text, "are") ||
                          words_has(c->text, "shows"));
    if (!counted || !pattern_number(p, &v) || v > 1e8)
        return NOT_MINE;
    enum compare how = comparison(c->text);
    int want = (int)v, stated = stated_count(a), cards = claim_count_cards(a);
    if (stated >= 0 && compares(how, stated, want))
        return claim_say(a, ANSWER_YES, "the page states %d", stated);
    if (a->list_status == LIST_OK && compares(how, cards, want) && (how != AT_MOST || stated < 0))
        return claim_say(a, ANSWER_YES, "%d items are listed", cards);
    if (stated < 0 && a->list_status != LIST_OK &&
        !words_in(WORDS_NO_RESULTS, str_cut(a->s->pool, claim_all_text(a), 20000)))
        return claim_say(a, ANSWER_UNKNOWN, "neither a count nor a list of items was found");
    return claim_say(a, ANSWER_NO, "%d items are listed%s", cards,
                     stated >= 0 ? pool_printf(a->s->pool, " and the page states %d", stated) : "");
}

/* "The page shows boat listings", "results are listed": a list, and where the clause says of what,
 * words that say so. */
static struct verdict claim_list(struct asker *a, const struct clause *c)
{
    if (!clause_has_any(c->text, clause_list_nouns))
        return NOT_MINE;
    int n = claim_count_cards(a);
    const char *words[CLAUSE_MAX_WORDS];
    int n_words = clause_words(a->s->pool, c, words);
    if (a->list_status == LIST_BLOCKED)
        return claim_say(a, ANSWER_NO, "the page is blocked: '%s'", a->s->page->title);
    if (n < 2)
        return claim_say(a, ANSWER_NO, "no list of items is shown; the page is headed '%s'",
                         claim_heading(a));
    if (n_words == 0)
        return claim_say(a, ANSWER_YES, "%d items are listed, the first is '%s'", n,
                         a->cards[0].title);
    const char *seen = words_seen(a, words, n_words);
    if (seen)
        return claim_say(a, ANSWER_YES, "%d items are listed under '%s'", n, seen);
    int fits = 0;
    for (int i = 0; i < n; i++)
        fits +=
            clause_stems_in(words_plain(a->s->pool, a->cards[i].title), words, n_words) == n_words;
    if (!c->negated && fits * 10 >= n * 8)
        return claim_say(a, ANSWER_YES, "%d of %d listed items are named so", fits, n);
    return claim_say(a, ANSWER_UNKNOWN,
                     "%d items are listed, but nothing says whether they are '%s'", n, c->text);
}

/* "the page has loaded" */
static struct verdict claim_loaded(struct asker *a, const struct clause *c)
{
    const char *words[CLAUSE_MAX_WORDS];
    if (!ANY_OF(c->text, "loaded", "loads", "is open", "has opened", "geladen") ||
        clause_words(a->s->pool, c, words))
        return NOT_MINE;
    const char *bad = error_shown(a->s) ? error_shown(a->s) : scene_blocked(a->s);
    if (bad || !a->s->page->n_nodes || scene_text_bytes(a->s, 0) < 20)
        return claim_say(a, ANSWER_NO, "%s", bad ? bad : "the page is empty");
    return claim_say(a, ANSWER_YES, "the page '%s' is shown", claim_heading(a));
}

/* Words of the clause that stand together in the title or a heading; one word only when it is all
 * of it. */
static struct verdict claim_words(struct asker *a, const struct clause *c)
{
    const char *words[CLAUSE_MAX_WORDS];
    int n = clause_words(a->s->pool, c, words);
    if (n == 0)
        return NOT_MINE;
    const char *seen = words_seen(a, words, n);
    bool enough = seen && (n >= 2 || words_count(words_plain(a->s->pool, seen)) == 1);
    if (enough && !c->negated)
        return claim_say(a, ANSWER_YES, "'%s' is shown", seen);
    return claim_say(a, ANSWER_UNKNOWN,
                     "looked for '%s' in title and headings; the page is headed '%s'", c->text,
                     claim_heading(a));
}

static claim_fn *const claims[] = {
    claim_url,   claim_control, claim_filter, claim_quoted, claim_stock,  claim_blocked, claim_overlay,
    claim_login, claim_error,   claim_count,  claim_list,   claim_loaded,  claim_words,
};

static struct verdict judge_clause(struct asker *a, const struct clause *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        struct verdict v = claims[i](a, c);
        if (!v.reason)
            continue;
        bool counted = claims[i] == claim_count; /* "no more than" is part of the comparison */
        if (c->negated && !counted && v.answer != ANSWER_UNKNOWN)
            v.answer = v.answer == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
        return v;
    }
    return NOT_MINE;
}

int page_visible(struct reader *reader, struct pool *pool, const struct observation *obs,
                 const char *question, struct verdict *out, struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err);
    if (r)
        return r;
    struct asker a = {.s = &s, .reader = reader, .obs = obs};
    struct clause clauses[CLAUSE_MAX];
    int n = clause_cut(pool, str_cut(pool, question, 2000), clauses);
    struct verdict yes = NOT_MINE, unknown = NOT_MINE;
    for (int i = 0; i < n; i++) {
        struct verdict v = judge_clause(&a, &clauses[i]);
        if (v.reason && v.answer == ANSWER_NO) {
            *out = v;
            return 0;
        }
        if (v.reason && v.answer == ANSWER_YES)
            yes = v;
        else if (v.reason && !unknown.reason)
            unknown = v;
    }
    if (yes.reason && unknown.reason)
        yes = claim_say(&a, ANSWER_UNKNOWN, "%s; but %s", yes.reason, unknown.reason);
    *out = yes.reason       ? yes
           : unknown.reason ? unknown
                            : claim_say(&a, ANSWER_UNKNOWN,
                                        "'%.200s' names nothing that can be looked for", question);
    return 0;
}
