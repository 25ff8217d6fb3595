#include "base/str.h"
#include "base/pool.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Lower-case one UTF-8 text in place where the folded letter has the same length: ASCII, Latin-1
 * (U+00C0..U+00DE), Greek capitals (U+0391..U+03A9) and Cyrillic (U+0410..U+042F). */
static void fold_in_place(char *s)
{
    for (unsigned char *p = (unsigned char *)s; *p; p++) {
        if (*p < 0x80) {
            *p = (unsigned char)tolower(*p);
        } else if (p[0] == 0xC3 && p[1] >= 0x80 && p[1] <= 0x9E && p[1] != 0x97) {
            *++p += 0x20;
        } else if (p[0] == 0xCE && p[1] >= 0x91 && p[1] <= 0x9F) {
            *++p += 0x20;
        } else if (p[0] == 0xCE && p[1] >= 0xA0 && p[1] <= 0xA9) {
            p[0] = 0xCF;
            *++p -= 0x20;
        } else if (p[0] == 0xD0 && p[1] >= 0x90 && p[1] <= 0x9F) {
            *++p += 0x20;
        } else if (p[0] == 0xD0 && p[1] >= 0xA0 && p[1] <= 0xAF) {
            p[0] = 0xD1;
            *++p -= 0x20;
        }
    }
}

char *str_lower(struct pool *pool, const char *s)
{
    char *out = pool_strdup(pool, s);
    fold_in_place(out);
    return out;
}

bool str_empty(const char *s)
{
    return !s || !s[strspn(s, " \t\r\n")];
}

bool str_eq_fold(const char *a, const char *b)
{
    if (strcasecmp(a, b) == 0)
        return true;
    if (strlen(a) != strlen(b))
        return false;
    struct pool *tmp = pool_create(NULL);
    bool eq = strcmp(str_lower(tmp, a), str_lower(tmp, b)) == 0;
    pool_destroy(tmp);
    return eq;
}

bool str_contains_fold(const char *hay, const char *needle)
{
    if (strcasestr(hay, needle))
        return true;
    struct pool *tmp = pool_create(NULL);
    bool found = strstr(str_lower(tmp, hay), str_lower(tmp, needle)) != NULL;
    pool_destroy(tmp);
    return found;
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t ls = strlen(s), lx = strlen(suffix);
    return ls >= lx && strcmp(s + ls - lx, suffix) == 0;
}

/* Bytes of a word: letters, digits and every byte of a multi-byte character. */
static bool word_byte(unsigned char c)
{
    return c >= 0x80 || isalnum(c);
}

static bool has_word(const char *folded_text, const char *word, size_t len)
{
    for (const char *p = folded_text; (p = strchr(p, word[0])); p++) {
        bool starts = p == folded_text || !word_byte((unsigned char)p[-1]);
        if (starts && strncmp(p, word, len) == 0 && !word_byte((unsigned char)p[len]))
            return true;
    }
    return false;
}

bool str_has_words_fold(const char *text, const char *words)
{
    struct pool *tmp = pool_create(NULL);
    const char *t = str_lower(tmp, text), *w = str_lower(tmp, words);
    bool any = false, all = true;
    while (*w && all) {
        while (*w && !word_byte((unsigned char)*w))
            w++;
        size_t len = 0;
        while (word_byte((unsigned char)w[len]))
            len++;
        if (len) {
            any = true;
            all = has_word(t, w, len);
        }
        w += len;
    }
    pool_destroy(tmp);
    return any && all;
}

/* Length in bytes of the white space at s, 0 when there is none. */
static size_t space_at(const char *s)
{
    if (isspace((unsigned char)*s))
        return 1;
    if ((unsigned char)s[0] == 0xC2 && (unsigned char)s[1] == 0xA0)
        return 2;
    return 0;
}

int str_switch(const char *s)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"},
                                           {"f", "t"},        {"n", "y"},    {"0", "1"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        for (int v = 0; v < 2; v++)
            if (strcasecmp(s, words[i][v]) == 0)
                return v;
    return -1;
}

char *str_squash(struct pool *pool, const char *s)
{
    char *out = pool_alloc(pool, strlen(s) + 1);
    size_t n = 0;
    bool gap = false;
    while (*s) {
        size_t sp = space_at(s);
        if (sp) {
            gap = n > 0;
            s += sp;
            continue;
        }
        if (gap)
            out[n++] = ' ';
        gap = false;
        out[n++] = *s++;
    }
    out[n] = 0;
    return out;
}

/* Bytes of the control or bidi character that begins here; 0: none does. */
static size_t control_at(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x20 || u[0] == 0x7F)
        return 1;
    if (u[0] == 0xC2)
        return u[1] >= 0x80 && u[1] < 0xA0 ? 2 : 0;
    bool turns = u[0] == 0xE2 && ((u[1] == 0x80 && u[2] >= 0xA8 && u[2] <= 0xAE) ||
                                  (u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9));
    return turns ? 3 : 0;
}

char *str_line(struct pool *pool, const char *s)
{
    char *copy = pool_strdup(pool, s);
    for (char *p = copy; *p;) {
        size_t n = control_at(p);
        memset(p, ' ', n);
        p += n ? n : 1;
    }
    return str_squash(pool, copy);
}

size_t str_length(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

char *str_cut(struct pool *pool, const char *s, size_t max_bytes)
{
    size_t len = strlen(s);
    if (len > max_bytes) {
        len = max_bytes;
        while (len && ((unsigned char)s[len] & 0xC0) == 0x80)
            len--;
    }
    return pool_strndup(pool, s, len);
}

uint64_t str_hash(uint64_t before, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        before = (before ^ p[i]) * UINT64_C(1099511628211);
    return before;
}

bool str_is_utf8(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + len;
    while (p < end) {
        int more = *p < 0x80                 ? 0
                   : *p >= 0xC2 && *p < 0xE0 ? 1
                   : (*p & 0xF0) == 0xE0     ? 2
                   : *p >= 0xF0 && *p < 0xF5 ? 3
                                             : -1;
        if (more < 0 || *p == 0 || end - p <= more)
            return false;
        unsigned min2 = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
        unsigned max2 = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
        for (int i = 1; i <= more; i++)
            if (p[i] < (i == 1 ? min2 : 0x80) || p[i] > (i == 1 ? max2 : 0xBF))
                return false;
        p += more + 1;
    }
    return true;
}

/* --- quotes ---------------------------------------------------------------------------------- */

static const struct {
    const char *open, *close;
} quotes[] = {
    {"\"", "\""},
    {"'", "'"},
    {"\xE2\x80\x9C", "\xE2\x80\x9D"},
    {"\xE2\x80\x98", "\xE2\x80\x99"},
    {"\xE2\x80\x9E", "\xE2\x80\x9C"},
    {"\xC2\xAB", "\xC2\xBB"},
    {"`", "`"},
};

/* Where the quote opened before s closes; NULL when it does not. A single quote closes only at a
 * word's end. */
static const char *closing(const char *s, const char *mark)
{
    for (const char *p = s; (p = strstr(p, mark)); p++)
        if (mark[0] != '\'' || !word_byte((unsigned char)p[1]))
            return p;
    return NULL;
}

char *str_quote_at(struct pool *pool, const char *start, const char **at, size_t max_bytes)
{
    const char *p = *at;
    for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
        if (!str_starts(p, quotes[i].open) ||
            (*p == '\'' && p > start && word_byte((unsigned char)p[-1])))
            continue;
        const char *from = p + strlen(quotes[i].open), *to = closing(from, quotes[i].close);
        if (!to || to == from || (size_t)(to - from) > max_bytes)
            continue;
        *at = to + strlen(quotes[i].close);
        return pool_strndup(pool, from, (size_t)(to - from));
    }
    return NULL;
}

char *str_quoted(struct pool *pool, const char **text, size_t max_bytes)
{
    const char *start = *text;
    char *quoted = NULL;
    while (**text && !(quoted = str_quote_at(pool, start, text, max_bytes)))
        ++*text;
    return quoted;
}

#define MASK_MIN 8 /* shorter ones stand in half of all words */

void str_mask(char *data, size_t len, const char *secret)
{
    size_t n = strlen(secret);
    char *at = data, *end = data + len;
    while (n >= MASK_MIN && (at = memmem(at, (size_t)(end - at), secret, n)))
        memset(at, '*', n);
}
