#include "core/passwords.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum {
    PIECES = 32,      /* of one intent */
    PIECE_BYTES = 200,
    JOINED_BYTES = 8, /* between "Password" and what belongs to it: ` with `, ` = `, `: ` */
};

struct piece {
    const char *text;
    const char *start, *end; /* in the intent, with its quotes */
};

bool password_in_words(const char *text)
{
    static const char *const words[] = {"password", "passphrase", "passcode", "pin"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_has_words_fold(text, words[i]))
            return true;
    return false;
}

static void keep(json_t *out, const char *text)
{
    char name[16];
    if (!*text || strstr(text, "{{"))
        return;
    snprintf(name, sizeof(name), "%zu", json_object_size(out) + 1);
    json_put_str(out, name, text);
}

static int pieces_of(struct pool *pool, const char *intent, struct piece *out)
{
    int n = 0;
    for (const char *at = intent; *at && n < PIECES;) {
        const char *start = at, *text = str_quote_at(pool, intent, &at, PIECE_BYTES);
        if (text)
            out[n++] = (struct piece){text, start, at};
        else
            at++;
    }
    return n;
}

static bool between_speaks(struct pool *pool, const char *from, const char *to)
{
    return to > from && password_in_words(pool_strndup(pool, from, (size_t)(to - from)));
}

static bool is_password(struct pool *pool, const char *intent, const struct piece *p, int i, int n)
{
    const struct piece *before = i ? &p[i - 1] : NULL, *next = i + 1 < n ? &p[i + 1] : NULL;
    if (password_in_words(p[i].text))
        return false;
    if (between_speaks(pool, before ? before->end : intent, p[i].start))
        return true;
    if (before && password_in_words(before->text) && p[i].start - before->end <= JOINED_BYTES)
        return true;
    const char *rest = p[i].end, *end = next ? next->start : rest + strcspn(rest, ".;,");
    bool joined = next && password_in_words(next->text) && end - rest <= JOINED_BYTES;
    return joined || between_speaks(pool, rest, end);
}

static void read_intent(struct pool *pool, const char *intent, json_t *out)
{
    struct piece pieces[PIECES];
    int n = password_in_words(intent) ? pieces_of(pool, intent, pieces) : 0;
    for (int i = 0; i < n; i++)
        if (is_password(pool, intent, pieces, i, n))
            keep(out, pieces[i].text);
}

json_t *passwords_of(const struct plan *plan)
{
    json_t *out = json_object();
    struct pool *pool = pool_create(NULL);
    for (int i = 0; plan && i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        const char *label = json_str(s->params, "label", "");
        if (password_in_words(*label ? label : s->intent))
            keep(out, json_str(s->params, "value", ""));
        read_intent(pool, s->intent, out);
    }
    pool_destroy(pool);
    return out;
}
