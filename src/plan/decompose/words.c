/*
 * words.c - one pass over the bytes makes words, a second cuts them into sentences.
 */
#include "plan/decompose/words.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define TAB_COLUMNS 4

/* What is known of one word while the prose is read. */
struct scanned {
    struct word word;
    bool starts; /* a list item, or the first after a blank line */
    bool item;
    int indent;
    bool ends;   /* a full stop, question or exclamation mark stood behind it */
    bool stop;   /* it was a full stop: an abbreviation may have one */
    bool inside; /* it stood before the closing quote */
};

struct scanner {
    struct pool *pool;
    const char *prose, *at;
    struct scanned *found;
    int n, room;
    bool starts, item, line; /* of the next word */
    int indent;
};

static bool is_mark(char c)
{
    return c && strchr(",;:()", c);
}

static struct scanned *add(struct scanner *s, const char *text, const char *from, const char *to)
{
    if (s->n == s->room) {
        int room = s->room ? 2 * s->room : 64;
        struct scanned *more = pool_alloc(s->pool, sizeof(*more) * (size_t)room);
        if (s->n)
            memcpy(more, s->found, sizeof(*more) * (size_t)s->n);
        s->found = more;
        s->room = room;
    }
    struct scanned *w = &s->found[s->n++];
    *w = (struct scanned){.word = {.text = text,
                                   .fold = str_lower(s->pool, text),
                                   .from = (int)(from - s->prose),
                                   .to = (int)(to - s->prose),
                                   .line = s->line},
                          .starts = s->starts,
                          .item = s->item,
                          .indent = s->indent};
    s->starts = s->line = false;
    return w;
}

/* Length of a list mark ("- ", "3. ", "b) ", "Step 2: ", "[ ] "), 0 none. */
static size_t list_mark(const char *p)
{
    static const char *const bullets[] = {"-",           "*", "+", "\xE2\x80\xA2", "\xE2\x80\x93",
                                          "\xE2\x97\xA6"};
    size_t len = 0, digits;
    for (size_t i = 0; i < ARRAY_SIZE(bullets) && !len; i++)
        if (str_starts(p, bullets[i]))
            len = strlen(bullets[i]);
    if (!len) {
        const char *step = strncmp(p, "Step ", 5) == 0 || strncmp(p, "step ", 5) == 0 ? p + 5 : p;
        digits = strspn(step, "0123456789");
        if (!digits && step == p && islower((unsigned char)*p))
            digits = 1;
        if (digits && step[digits] && strchr(step > p ? ".):" : ".)", step[digits]))
            len = (size_t)(step - p) + digits + 1;
    }
    if (len && p[len] != ' ' && p[len] != '\t')
        return 0;
    if (len && strncmp(p + len + 1, "[ ] ", 4) == 0)
        len += 4;
    return len;
}

/* White space up to the next word; what begins a line is noted. */
static void skip_space(struct scanner *s)
{
    int breaks = 0, column = 0;
    bool at_start = s->at == s->prose;
    for (; *s->at && isspace((unsigned char)*s->at); s->at++) {
        column = *s->at == '\n' ? 0 : column + (*s->at == '\t' ? TAB_COLUMNS : 1);
        breaks += *s->at == '\n';
    }
    if (!breaks && !at_start)
        return;
    size_t mark = list_mark(s->at);
    s->line = true;
    if (mark || breaks > 1 || at_start) {
        s->starts = true;
        s->item = mark > 0;
        s->indent = column;
    } else if (s->item && column <= s->indent) {
        s->starts = true; /* back from a list */
        s->item = false;
        s->indent = column;
    }
    s->at += mark;
    while (mark && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
}

/* Bytes of the word at p: up to white space, a bracket, or a mark that white space follows. An
 * address may hold brackets. */
static size_t word_length(const char *p)
{
    bool address = str_starts(p, "http") || str_starts(p, "{{");
    size_t len = 0;
    for (; p[len] && !isspace((unsigned char)p[len]); len++) {
        bool last = !p[len + 1] || isspace((unsigned char)p[len + 1]);
        bool bracket = p[len] == '(' || p[len] == ')';
        if (is_mark(p[len]) && (last || (bracket && !address)))
            break;
    }
    return len;
}

static bool ends_sentence(char c)
{
    return c == '.' || c == '!' || c == '?';
}

static void note_end(struct scanned *w, const char *marks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        w->ends = true;
        w->inside = false;
        w->stop = marks[i] == '.';
    }
}

static void read_word(struct scanner *s)
{
    const char *from = s->at;
    char *quoted = str_quote_at(s->pool, s->prose, &s->at, SIZE_MAX);
    if (quoted) {
        struct scanned *w = add(s, quoted, from, s->at);
        size_t n = strspn(s->at, ".!?");
        w->word.quoted = true;
        w->inside = w->ends = ends_sentence(quoted[strlen(quoted) - 1]);
        note_end(w, s->at, n);
        s->at += n;
        return;
    }
    if (is_mark(*from)) {
        s->at++;
        add(s, pool_strndup(s->pool, from, 1), from, s->at)->word.mark = true;
        return;
    }
    size_t len = word_length(from), bare = len;
    while (bare && !is_mark(from[len]) &&
           ends_sentence(from[bare - 1])) /* "s3cret!," keeps its mark */
        bare--;
    s->at += len;
    if (!bare) { /* nothing but stops */
        if (s->n)
            note_end(&s->found[s->n - 1], from, len);
        return;
    }
    note_end(add(s, pool_strndup(s->pool, from, bare), from, from + bare), from + bare, len - bare);
}

/* Words after which a full stop ends nothing, or ends something only before a capital letter. */
static bool is_abbreviation(const struct word *w, const struct word *next)
{
    static const char *const always[] = {"e.g", "i.e",  "vs",  "mr",  "mrs",    "ms",
                                         "dr",  "st",   "no",  "nos", "approx", "cf",
                                         "fig", "prof", "p.o", "jr",  "sr"};
    static const char *const sometimes[] = {"etc", "inc", "ltd", "co", "corp", "p.m", "a.m", "u.s"};
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        if (!w->quoted && strcmp(w->fold, always[i]) == 0)
            return next && (strcmp(w->fold, "no") != 0 || isdigit((unsigned char)next->text[0]));
    for (size_t i = 0; i < ARRAY_SIZE(sometimes); i++)
        if (!w->quoted && strcmp(w->fold, sometimes[i]) == 0)
            return next && !isupper((unsigned char)next->text[0]);
    return !w->quoted && strlen(w->text) == 1 && isupper((unsigned char)w->text[0]) && next &&
           isupper((unsigned char)next->text[0]) && !next->line;
}

static bool is_cut(const struct scanned *w, const struct scanned *next)
{
    if (!next || next->starts)
        return true;
    if (w->inside && !isupper((unsigned char)next->word.text[0]))
        return false;
    return w->ends && !(w->stop && is_abbreviation(&w->word, &next->word));
}

static struct sentence make_sentence(struct pool *pool, const struct scanned *from, int n)
{
    struct word *words = pool_alloc(pool, sizeof(*words) * (size_t)n);
    for (int i = 0; i < n; i++)
        words[i] = from[i].word;
    bool opens = words[n - 1].mark && *words[n - 1].text == ':';
    return (struct sentence){.words = words,
                             .n = opens ? n - 1 : n,
                             .indent = from->indent,
                             .item = from->item,
                             .opens = opens};
}

struct sentence *words_read(struct pool *pool, const char *prose, int *ret_n)
{
    struct scanner s = {.pool = pool, .prose = prose, .at = prose};
    for (skip_space(&s); *s.at; skip_space(&s))
        read_word(&s);
    struct sentence *out = pool_alloc(pool, sizeof(*out) * (size_t)(s.n + 1));
    *ret_n = 0;
    for (int i = 0, start = 0; i < s.n; i++) {
        if (!is_cut(&s.found[i], i + 1 < s.n ? &s.found[i + 1] : NULL))
            continue;
        struct sentence one = make_sentence(pool, s.found + start, i + 1 - start);
        if (one.n)
            out[(*ret_n)++] = one;
        start = i + 1;
    }
    return out;
}
