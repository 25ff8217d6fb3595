/*
 * find_words.c - what is wanted, in words, and how well a text matches it.
 */
#include "reader/page_find.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "reader/words.h"

#define NAME_WORD_BYTES 64

/* --- what is wanted -------------------------------------------------------------------------- */

static void want(struct search *f, const char *text, double weight)
{
    const char *plain = words_plain(f->s->pool, text);
    if (!*plain || f->n_wanted == FIND_MAX_WANTED)
        return;
    for (int i = 0; i < f->n_wanted; i++)
        if (strcmp(f->wanted[i].plain, plain) == 0)
            return;
    f->wanted[f->n_wanted++] = (struct wanted){.plain = plain, .weight = weight};
}

/* Words of an intent that say what to do or what kind of thing it is, not what it is called. */
static const char filler[] =
    "click clicks press presses tap select choose open opens go to the a an on in into of at for "
    "and then with its "
    "button link tab field box input menu item option drop-down dropdown page icon find locate use "
    "hit push "
    "type enter fill write please called named labelled labeled that says this top left right main "
    "navigate visit follow check tick toggle submit form set beside next near it";

/* The words of text without filler; all of them when nothing else is there. */
static const char *without_filler(struct search *f, const char *text)
{
    struct buf b;
    buf_init(&b, 2048);
    const char *plain = words_plain(f->s->pool, str_cut(f->s->pool, text, 300));
    for (const char *p = plain; *(p += strspn(p, " ,.;:!?()")); p += strcspn(p, " ,.;:!?()")) {
        size_t len = strcspn(p, " ,.;:!?()");
        const char *word = pool_strndup(f->s->pool, p, len);
        if (in_words(filler, word))
            continue;
        if (b.len)
            buf_addc(&b, ' ');
        buf_adds(&b, word);
    }
    const char *out = pool_strdup(f->s->pool, b.data);
    buf_release(&b);
    return *out ? out : plain;
}

/* "Write 'Ann' into the first name field": what stands behind "into", without filler. */
static const char *after_into(struct search *f)
{
    static const char *const marks[] = {" into ", " in "};
    const char *at = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(marks) && !at; i++)
        if ((at = strcasestr(f->intent, marks[i])))
            at += strlen(marks[i]);
    return at ? without_filler(f, at) : "";
}

/* --- where it is wanted ----------------------------------------------------------------------- */

/* "Press 'Renew' in the row of Permit 7319". only: what is elsewhere is not meant. */
static const struct {
    const char *mark;
    bool only;
} places[] = {
    {" in the row of ", true},
    {" in the row for ", true},
    {" in the row with ", true},
    {" in the row named ", true},
    {" in the row ", true},
    {" in the line of ", true},
    {" in the line with ", true},
    {" in the card of ", true},
    {" on the card of ", true},
    {" in the card with ", true},
    {" next to ", false},
    {" beside ", false},
    {" near ", false},
};

/* Nouns that say what kind of thing stands there are not shown on the page: "the customer C-0017".
 */
static const char *without_nouns(const char *text)
{
    for (const char *p = text; *p >= 'a' && *p <= 'z'; text = p) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
        if (!*p)
            break;
    }
    return text;
}

static const char *place_words(struct search *f, const char *at)
{
    const char *p = at, *quoted = str_quoted(f->s->pool, &p, PAGE_QUOTE_BYTES);
    if (quoted)
        return words_plain(f->s->pool, quoted);
    return words_plain(f->s->pool,
                       without_nouns(pool_strndup(f->s->pool, at, strcspn(at, ".,;:(\n"))));
}

static bool names_something(struct search *f, const char *intent)
{
    const char *p = intent;
    return f->q->label[0] || str_quoted(f->s->pool, &p, PAGE_QUOTE_BYTES);
}

/* What the query says, else what the intent does; that part of the intent names nothing else. */
static void gather_place(struct search *f)
{
    f->intent = f->q->intent;
    f->near = words_plain(f->s->pool, f->q->near ? f->q->near : "");
    f->only_near = *f->near;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        const char *at = strcasestr(f->q->intent, places[i].mark);
        if (!at)
            continue;
        const char *before = pool_strndup(f->s->pool, f->q->intent, (size_t)(at - f->q->intent));
        if (!places[i].only && !names_something(f, before))
            return;
        f->intent = before;
        if (*f->near)
            return;
        f->near = place_words(f, at + strlen(places[i].mark));
        f->only_near = places[i].only && *f->near;
        return;
    }
}

void find_gather_wanted(struct search *f)
{
    gather_place(f);
    want(f, f->q->label, 1.0);
    for (const char *const *a = f->q->aliases; a && *a; a++)
        want(f, *a, 0.97);
    const char *quoted;
    for (const char *p = f->intent; (quoted = str_quoted(f->s->pool, &p, PAGE_QUOTE_BYTES));)
        want(f, quoted, f->q->label[0] ? 0.8 : 0.95);
    if (f->q->kind == TARGET_FIELD && !f->q->label[0])
        want(f, after_into(f), 0.95);
    if (f->n_wanted)
        return;
    want(f, without_filler(f, f->intent), 0.85);
    if (f->n_wanted)
        f->wanted[0].sentence = true;
}

/* --- how well a text matches ------------------------------------------------------------------ */

static double share(const char *part, const char *whole)
{
    size_t w = strlen(whole);
    return w ? (double)strlen(part) / (double)w : 0;
}

/* Words around a name that are none: "Your name" is "Name", "the Search button" is "Search". */
static const char name_filler[] =
    "the a an your my our please enter button link field box icon tab menu dropdown drop-down item "
    "required optional input checkbox";

/* Move *name behind its next word that says something; "" at its end. False when it is too long. */
static bool next_word(const char **name, char out[NAME_WORD_BYTES])
{
    static const char breaks[] = " ()*:,.";
    do {
        *name += strspn(*name, breaks);
        size_t len = strcspn(*name, breaks);
        if (len >= NAME_WORD_BYTES)
            return false;
        memcpy(out, *name, len);
        out[len] = 0;
        *name += len;
    } while (*out && in_words(name_filler, out));
    return true;
}

/* Same words but for those of name_filler; there must be others. */
static bool same_name(const char *a, const char *b)
{
    char x[NAME_WORD_BYTES], y[NAME_WORD_BYTES];
    int common = 0;
    while (next_word(&a, x) && next_word(&b, y) && strcmp(x, y) == 0) {
        if (!*x)
            return common > 0;
        common++;
    }
    return false;
}

/* want begins a word of have: "phone" in "phones", "sail" in "sailing boat". */
static bool begins_word(const char *have, const char *want)
{
    for (const char *p = have; (p = strstr(p, want)); p++)
        if (p == have || p[-1] == ' ')
            return true;
    return false;
}

double page_words_match(const char *want_plain, const char *have_plain)
{
    if (!*have_plain || !*want_plain)
        return 0;
    if (strcmp(want_plain, have_plain) == 0)
        return 1;
    if (same_name(want_plain, have_plain))
        return MATCH_WHOLE;
    double ratio = share(want_plain, have_plain);
    if (words_has(have_plain, want_plain))
        return 0.7 + 0.25 * ratio;
    if (words_all_in(want_plain, have_plain))
        return 0.6 + 0.25 * (ratio < 1 ? ratio : 1);
    if (strlen(want_plain) >= 4 && begins_word(have_plain, want_plain))
        return 0.5 + 0.2 * ratio;
    return 0;
}

/* A sentence holds the name of what it means, and most of it is the name. */
static double named_in_sentence(const char *sentence, const char *have)
{
    double back = share(have, sentence);
    bool most = strlen(have) >= 3 && back >= 0.5;
    return most && words_has(sentence, have) ? 0.4 + 0.4 * back : 0;
}

void find_take(struct search *f, const char *text, double weight, double *score)
{
    if (str_empty(text))
        return;
    const char *plain = words_plain(f->s->pool, str_cut(f->s->pool, text, 200));
    for (int i = 0; i < f->n_wanted; i++) {
        const struct wanted *w = &f->wanted[i];
        double match = page_words_match(w->plain, plain);
        if (match == 0 && w->sentence)
            match = named_in_sentence(w->plain, plain);
        double v = match * weight * w->weight;
        if (v > *score) {
            *score = v;
            f->text = text;
            f->by = match < MATCH_WHOLE && !w->sentence ? w->plain : NULL;
        }
    }
}
