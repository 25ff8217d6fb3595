#include "brain/clauses.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"

/* A word that begins an act. alone: it needs nothing behind it. */
static const struct {
    const char *word;
    bool alone;
} verbs[] = {
    {"click", false},  {"press", false},   {"tap", false},      {"hit", false},
    {"open", false},   {"go", false},      {"navigate", false}, {"visit", false},
    {"type", false},   {"enter", false},   {"fill", false},     {"write", false},
    {"put", false},    {"input", false},   {"search", false},   {"select", false},
    {"choose", false}, {"pick", false},    {"set", false},      {"scroll", true},
    {"wait", true},    {"check", false},   {"tick", false},     {"uncheck", false},
    {"untick", false}, {"verify", false},  {"confirm", false},  {"make", false},
    {"ensure", false}, {"close", false},   {"dismiss", false},  {"accept", false},
    {"reject", false}, {"decline", false}, {"hover", false},    {"log", false},
    {"login", true},   {"sign", false},    {"add", false},      {"remove", false},
    {"delete", false}, {"submit", true},   {"save", true},      {"send", true},
    {"follow", false}, {"return", false},  {"apply", false},    {"sort", false},
    {"clear", false},  {"expand", false},  {"toggle", false},   {"switch", false},
    {"mark", false},   {"edit", false},    {"create", false},   {"archive", false},
    {"read", false},   {"extract", false}, {"download", false}, {"view", false},
    {"leave", false},  {"change", false},  {"use", false},      {"start", false},
    {"find", false},
};

static bool word_at(const char *p, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(p, word, n) == 0 && !isalnum((unsigned char)p[n]) && p[n] != '-' &&
           p[n] != '\'';
}

/* Does an act begin at p? strict: with something to act on, or a verb that needs nothing. */
static bool act_at(const char *p, bool strict)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        size_t n = strlen(verbs[i].word);
        if (!word_at(p, verbs[i].word))
            continue;
        const char *rest = p + n + strspn(p + n, " \t");
        return !strict || verbs[i].alone || (*rest && !strchr(".,;\n", *rest));
    }
    return false;
}

/* Past "and", "then", "next", "finally", list marks and blanks. */
static const char *past_links(const char *p)
{
    static const char *const links[] = {"and",        "then",  "next",   "finally", "afterwards",
                                        "after that", "first", "lastly", "please",  "now"};
    for (bool again = true; again;) {
        again = false;
        p += strspn(p, " \t\r\n,;");
        size_t digits = strspn(p, "0123456789");
        if (digits && (p[digits] == '.' || p[digits] == ')') && p[digits + 1] == ' ') {
            p += digits + 2;
            again = true;
        } else if ((*p == '-' || *p == '*') && p[1] == ' ') {
            p += 2;
            again = true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
            if (word_at(p, links[i]) && p[strlen(links[i])] &&
                !act_at(p, true)) { /* "next page" is no link */
                const char *after = p + strlen(links[i]);
                after += strspn(after, " ,");
                if (!act_at(after, false) && !word_at(after, "then") && !word_at(after, "finally"))
                    continue;
                p = after;
                again = true;
                break;
            }
    }
    return p;
}

/* A separator at p: how many bytes of it belong to no clause; 0 none. strict: a verb must have an
 * object. */
static size_t separator_at(const char *start, const char *p, bool *ret_strict)
{
    *ret_strict = true;
    if (*p == '\n' || *p == ';') {
        *ret_strict = false;
        return 1;
    }
    if ((*p == '.' || *p == '!') && (p[1] == ' ' || p[1] == '\n')) {
        *ret_strict = false;
        return 1;
    }
    if (*p == ',')
        return 1;
    bool blank_before = p > start && p[-1] == ' ';
    if (blank_before && word_at(p, "then")) {
        *ret_strict = false;
        return 4;
    }
    return blank_before && word_at(p, "and") ? 3 : 0;
}

/* --- a login ------------------------------------------------------------------------------------
 */

static const char *quoted_or_word(struct pool *pool, const char *p)
{
    const char *at = p;
    const char *quoted = str_quote_at(pool, p, &at, SIZE_MAX);
    if (quoted)
        return quoted;
    size_t len = strcspn(p, " ,;\n");
    while (len && strchr(".!", p[len - 1]))
        len--;
    return pool_strndup(pool, p, len);
}

/* What stands behind the first of the words that is there; NULL none. */
static const char *after_word(struct pool *pool, const char *s, const char *const *words)
{
    for (; *words; words++)
        for (const char *p = s; (p = strcasestr(p, *words)); p++)
            if (p > s && p[-1] == ' ' && word_at(p, *words)) {
                p += strlen(*words);
                p += strspn(p, " :=");
                return *p ? quoted_or_word(pool, p) : NULL;
            }
    return NULL;
}

static int add_login(struct pool *pool, const char *s, struct clause *out)
{
    static const char *const users[] = {"username", "user name", "email", "e-mail",
                                        "user",     "as",        NULL};
    static const char *const passwords[] = {"password", "pass", NULL};
    const char *user = after_word(pool, s, users), *password = after_word(pool, s, passwords);
    if (!user || !password)
        return 0;
    out[0] = (struct clause){
        "Type the user name",
        pool_printf(pool,
                    "Target:\n- label: Username\n- aliases: [\"User name\",\"Email\","
                    "\"E-mail\",\"Email address\",\"Login\",\"User\"]\n- value: %s\n",
                    user)};
    out[1] =
        (struct clause){"Type the password",
                        pool_printf(pool, "Target:\n- label: Password\n- value: %s\n", password)};
    out[2] = (struct clause){
        "Click the sign in button",
        "Target:\n- label: Sign in\n- kind: button\n- aliases: [\"Log in\",\"Login\","
        "\"Sign on\",\"Continue\",\"Submit\"]\n"};
    return 3;
}

static bool is_login(const char *s)
{
    static const char *const starts[] = {"log in", "login",    "sign in",
                                         "log on", "log into", "sign into"};
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (word_at(s, starts[i]))
            return true;
    return false;
}

/* --- splitting -----------------------------------------------------------------------------------
 */

static int add_clause(struct pool *pool, const char *from, const char *to, struct clause *out,
                      int n)
{
    const char *s = str_squash(pool, pool_strndup(pool, from, (size_t)(to - from)));
    if (str_empty(s))
        return n;
    int login = is_login(s) && n + 3 <= CLAUSES_MAX ? add_login(pool, s, out + n) : 0;
    if (login)
        return n + login;
    out[n] = (struct clause){s, ""};
    return n + 1;
}

/* "Log in as x and password y" is one act although "and" stands in it; no verb follows there. */
int clauses_split(struct pool *pool, const char *sentence, struct clause *out)
{
    const char *start = past_links(sentence), *p = start;
    int n = 0;
    while (*p) {
        const char *at = p;
        bool strict;
        if (str_quote_at(pool, sentence, &at, SIZE_MAX)) {
            p = at;
            continue;
        }
        size_t len = separator_at(start, p, &strict);
        const char *next = len ? past_links(p + len) : p;
        if (len && n < CLAUSES_MAX - 3 && act_at(next, strict)) {
            n = add_clause(pool, start, p, out, n);
            start = p = next;
        } else {
            p += len ? len : 1;
        }
    }
    return add_clause(pool, start, p, out, n);
}
