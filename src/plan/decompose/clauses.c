/*
 * clauses.c - sentences cut into clauses, each with its rule.
 *
 * A sentence may be cut at commas, "and", "then" and line ends. It is cut as often as every part
 * has a form, so "open the first result and extract title and price" is two clauses. What cannot be
 * cut so is named from the place where understanding ended.
 */
#include "plan/decompose/rules.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define QUOTED_BYTES 120
#define CLAUSE_WORDS 120 /* longer is nothing anybody says in one go */

struct cut {
    struct pool *pool;
    const char *prose;
    const struct sentence *s;
    int sentence;
    bool *dead; /* from this word on nothing is understood */
    int deepest;
    struct clause *found;
    int n, room;
};

static bool is_cut(const struct word *w)
{
    return w->line || (w->mark && strchr(",;:", *w->text)) || word_is(w, "and|then|after|&");
}

/* The fields of a read clause are looked at when the clause is cut: "price and go" are none. */
static bool makes_sense(const struct cut *c, const struct rule *rule, const struct match *m)
{
    struct field_list f;
    if (rule->build != build_extract)
        return true;
    return fields_read(c->pool, c->prose, m->words + m->pieces[0].from, m->pieces[0].n, &f);
}

static void add(struct cut *c, const struct rule *rule, const struct match *m)
{
    if (c->n == c->room) {
        int room = c->room ? 2 * c->room : 16;
        struct clause *more = pool_alloc(c->pool, sizeof(*more) * (size_t)room);
        if (c->n)
            memcpy(more, c->found, sizeof(*more) * (size_t)c->n);
        c->found = more;
        c->room = room;
    }
    const char *text =
        str_squash(c->pool, pool_strndup(c->pool, c->prose + m->words[0].from,
                                         (size_t)(m->words[m->n - 1].to - m->words[0].from)));
    c->found[c->n++] =
        (struct clause){.rule = rule, .match = *m, .text = text, .sentence = c->sentence};
}

static bool understand(struct cut *c, int i)
{
    const struct word *w = c->s->words;
    int n = c->s->n, before = c->n;
    i = rule_skip(w, n, i);
    if (i == n)
        return true;
    if (c->dead[i])
        return false;
    if (i > c->deepest)
        c->deepest = i;
    for (int end = i + 1; end <= n && end - i <= CLAUSE_WORDS; end++) {
        struct match m;
        if (end < n && !is_cut(&w[end]))
            continue;
        const struct rule *rule = rule_find(w + i, end - i, &m);
        if (!rule || !makes_sense(c, rule, &m))
            continue;
        add(c, rule, &m);
        if (understand(c, end))
            return true;
        c->n = before;
    }
    c->dead[i] = true;
    return false;
}

/* Where the clause that is not understood ends: before the next one that is, else with the
 * sentence. */
static int end_of_unknown(const struct cut *c, int from)
{
    const struct word *w = c->s->words;
    int n = c->s->n;
    for (int cut = from + 1; cut < n; cut++) {
        struct match m;
        int next = is_cut(&w[cut]) ? rule_skip(w, n, cut) : n;
        for (int end = next + 1; end <= n; end++)
            if ((end == n || is_cut(&w[end])) && rule_find(w + next, end - next, &m))
                return cut;
    }
    return n;
}

static int not_understood(const struct cut *c, struct err *err)
{
    const struct word *w = c->s->words + c->deepest;
    int n = end_of_unknown(c, c->deepest) - c->deepest;
    const char *all = str_squash(
        c->pool, pool_strndup(c->pool, c->prose + w->from, (size_t)(w[n - 1].to - w->from)));
    const char *text = str_cut(c->pool, all, QUOTED_BYTES), *advice = rule_advice(w, n);
    if (advice)
        return err_set(err, E_INVALID, "\"%s%s\" is not understood: %s", text,
                       strlen(all) > strlen(text) ? "..." : "", advice);
    return err_set(err, E_INVALID, "\"%s%s\" is not understood; a clause can say: %s", text,
                   strlen(all) > strlen(text) ? "..." : "", rules_help);
}

int clauses_read(struct pool *pool, const char *prose, struct clause **out, int *ret_n,
                 struct err *err)
{
    int n;
    const struct sentence *s = words_read(pool, prose, &n);
    struct cut c = {.pool = pool, .prose = prose};
    for (int i = 0; i < n; i++) {
        c.s = &s[i];
        c.sentence = i;
        c.deepest = rule_skip(s[i].words, s[i].n, 0);
        c.dead = pool_alloc(pool, (size_t)s[i].n + 1);
        if (!understand(&c, 0))
            return not_understood(&c, err);
    }
    *out = c.found;
    *ret_n = c.n;
    return 0;
}
