#include "reader/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "reader/words.h"

#define MATCH_LIMIT 200000 /* about 10 ms at worst for one text */

/* Digits with separators: 12,500 12.500,00 12'500 12 500 1234.5 */
#define NUM                                                                                        \
    "\\d{1,3}(?:[.,'\\x{2019}\\x{a0}\\x{202f} ]\\d{3})+(?:[.,]\\d{1,2})?|\\d+(?:[.,]\\d{1,2})?"
#define CURRENCY_BEFORE                                                                            \
    "(?:US\\s?\\$|CA?\\$|AU?\\$|NZ\\$|HK\\$|S\\$|R\\$|MX\\$|\\$|\\x{20ac}|\\x{a3}|\\x{a5}|\\x{"    \
    "20b9}|"                                                                                       \
    "\\x{20aa}|\\x{20bd}|\\x{20a9}|\\x{20ba}|\\bUSD|\\bEUR|\\bGBP|\\bCHF|\\bCAD|\\bAUD|\\bRs\\.?|" \
    "\\bINR|"                                                                                      \
    "\\bkr\\.?|\\bSEK|\\bNOK|\\bDKK|\\bPLN|\\bAED)"
#define CURRENCY_AFTER                                                                             \
    "(?:\\x{20ac}|\\$|\\x{a3}|\\x{a5}|\\x{20b9}|\\x{20aa}|\\x{20bd}|\\x{20a9}|\\x{20ba}|USD\\b|"   \
    "EUR\\b|"                                                                                      \
    "GBP\\b|CHF\\b|CAD\\b|AUD\\b|kr\\b|SEK\\b|NOK\\b|DKK\\b|z\\x{142}|PLN\\b|K\\x{10d}|lei\\b|"    \
    "Euro\\b|dollars?\\b|\\x{440}\\x{443}\\x{431}|AED\\b|\\x{5186}|\\x{5143})"
#define MONTH                                                                                      \
    "(?:jan|feb|mar|m\\x{e4}r|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|janv|f\\x{e9}vr|"    \
    "mars|avr|"                                                                                    \
    "juin|juil|ao\\x{fb}t|d\\x{e9}c|ene|abr|ago|dic|gen|mag|giu|lug|set|ott)[\\p{L}.]{0,8}"

static const char *const sources[PATTERN_N] = {
    [PATTERN_PHONE] =
        "(?<![\\d.,$\\x{20ac}\\x{a3}])\\+?\\(?\\d[\\d\\s().\\-/\\x{2010}-\\x{2015}\\x{a0}]{5,20}\\d"
        "(?:\\s?(?:x|ext\\.?)\\s?\\d{1,5})?(?![\\d*])",
    [PATTERN_PRICE] =
        CURRENCY_BEFORE "\\s?(?:" NUM ")(?:[.,]-|,\\x{2013})?(?:\\s?(?:k|m|million|mio)\\b)?|"
                        "(?<![\\d.,])(?:" NUM ")(?:[.,]-|,\\x{2013})?\\s?" CURRENCY_AFTER,
    [PATTERN_YEAR] = "(?<![\\d.,$\\x{20ac}\\x{a3}-])(?:19\\d\\d|20[0-4]\\d)(?![\\d%]|[.,]\\d)",
    [PATTERN_EMAIL] = "[\\w.+-]{1,64}@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,4}",
    [PATTERN_DATE] = "\\b\\d{4}-\\d{2}-\\d{2}\\b|\\b\\d{1,2}[./-]\\d{1,2}[./-](?:\\d{4}|\\d{2})\\b|"
                     "\\b\\d{1,2}\\.?\\s(?:de\\s)?" MONTH "\\s?(?:de\\s)?\\d{4}\\b|\\b" MONTH
                     "\\s\\d{1,2}(?:st|nd|rd|th)?,?\\s\\d{4}\\b",
    [PATTERN_NUMBER] = "(?<![\\p{L}\\d])[-+]?(?:" NUM ")",
    [PATTERN_DISTANCE] =
        "(?<![\\d.,$])(?:" NUM
        ")\\s?k?\\s?(?:miles?|mi\\.?|kms?|kilomet(?:er|re)s?|hours?|hrs?|stunden)\\b",
    [PATTERN_RATING] =
        "\\b(?:10|\\d)(?:[.,]\\d{1,2})?\\s?(?:/\\s?|out of |von |sur |de |su |van )(?:5|10)\\b|"
        "\\b[0-5](?:[.,]\\d{1,2})?\\s?(?:\\x{2605}|stars?|sterne?n?|\\x{e9}toiles?|estrellas?)",
    [PATTERN_PLACE] = "^\\p{Lu}[\\p{L}.'-]+(?:\\s\\p{L}[\\p{L}.'-]+){0,3},\\s?[A-Z]{2}(?:\\s\\d{5}("
                      "?:-\\d{4})?)?$",
    [PATTERN_CARD_HEADING] = "^(?:19\\d\\d|20[0-4]\\d)\\s+\\p{L}.*$",
    [PATTERN_COUNT] =
        "(?<![\\d.,/"
        "-])\\d[\\d.,'\\x{2019}\\x{a0}\\x{202f}]{0,12}\\+?\\s(?:[\\p{L}-]{1,20}\\s){0,3}?"
        "(?:results?|listings?|items?|ads?|matches|products?|offers?|jobs?|cars?|vehicles?|boats?|"
        "homes?|"
        "properties|records?|entries|hits|rows?|found|treffer|ergebnisse|anzeigen|angebote|r\\x{e9}"
        "sultats|"
        "annonces|resultados|anuncios|risultati|annunci|resultaten)\\b",
    [PATTERN_PERIOD] = "(?:/"
                       "|\\bper\\b|\\bpro\\b|\\ba\\b|\\bpar\\b|\\bal\\b)\\s?(?:mo|month|monat|mois|"
                       "mes|mese|wk|week|woche|yr|year|day|night)\\b|"
                       "\\bmonthly\\b|\\bmonatlich\\b",
};

/* Compiled on first use and kept for the life of the process. */
static pcre2_code *compiled[PATTERN_N];
static pcre2_match_data *match_data;
static pcre2_match_context *match_context;

static void compile(enum pattern pattern)
{
    int code;
    PCRE2_SIZE at;
    uint32_t flags = PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_MATCH_INVALID_UTF;
    if (pattern == PATTERN_PLACE || pattern == PATTERN_CARD_HEADING)
        flags &= ~(uint32_t)PCRE2_CASELESS;
    compiled[pattern] =
        pcre2_compile((PCRE2_SPTR)sources[pattern], PCRE2_ZERO_TERMINATED, flags, &code, &at, NULL);
    if (!compiled[pattern])
        BUG("pattern %d does not compile: error %d at %zu", (int)pattern, code, (size_t)at);
    if (match_data)
        return;
    match_data = pcre2_match_data_create(1, NULL);
    match_context = pcre2_match_context_create(NULL);
    if (!match_data || !match_context)
        BUG("out of memory");
    pcre2_set_match_limit(match_context, MATCH_LIMIT);
}

char *pattern_digits(struct pool *pool, const char *text)
{
    char *out = pool_alloc(pool, strlen(text) + 1);
    size_t n = 0;
    for (const char *p = text; *p; p++)
        if (isdigit((unsigned char)*p))
            out[n++] = *p;
    return out;
}

/* A phone number has 7..15 digits (E.164) and some sign of being one: a plus, separators between
 * groups, or ten digits and more in a row. Dates, ranges of years and decimals are none. */
static bool plausible_phone(const char *m)
{
    size_t digits = 0, groups = 0, first_group = 0;
    for (const char *p = m; *p && *p != 'x' && *p != 'e'; p++) {
        bool digit = isdigit((unsigned char)*p);
        digits += digit;
        groups += digit && (p == m || !isdigit((unsigned char)p[-1]));
        first_group += digit && groups == 1;
    }
    if (digits < 7 || digits > 15 || groups > 7)
        return false;
    bool spaced = strpbrk(m, " ()-/") != NULL;
    if (first_group == 4 && groups <= 3 && digits == 8) /* 2024-05-01, 1999-2004 */
        return false;
    if (strspn(m, "0123456789.") == strlen(m) && groups == 2) /* 1234567.89 */
        return false;
    return m[0] == '+' || (groups >= 2 && (spaced || groups >= 3)) || digits >= 10;
}

static bool plausible(enum pattern pattern, const char *m)
{
    return pattern != PATTERN_PHONE || plausible_phone(m);
}

/* Next match at or after *at; true and its bounds, *at moved behind it. */
static bool next_match(enum pattern pattern, const char *text, size_t len, size_t *at, size_t *from)
{
    if (!compiled[pattern])
        compile(pattern);
    if (pcre2_match(compiled[pattern], (PCRE2_SPTR)text, len, *at, 0, match_data, match_context) <=
        0)
        return false;
    PCRE2_SIZE *ov = pcre2_get_ovector_pointer(match_data);
    *from = ov[0];
    *at = ov[1] > ov[0] ? ov[1] : ov[1] + 1;
    return ov[1] > ov[0];
}

static size_t usable_length(const char *text)
{
    size_t len = strlen(text);
    if (len > PATTERN_TEXT_BYTES)
        for (len = PATTERN_TEXT_BYTES; len && ((unsigned char)text[len] & 0xC0) == 0x80;)
            len--;
    return len;
}

char *pattern_first(struct pool *pool, enum pattern pattern, const char *text)
{
    size_t len = usable_length(text), at = 0, from;
    while (at <= len && next_match(pattern, text, len, &at, &from)) {
        char *m = str_squash(pool, pool_strndup(pool, text + from, at - from));
        if (plausible(pattern, m))
            return m;
    }
    return NULL;
}

bool pattern_is(enum pattern pattern, const char *text)
{
    struct pool *tmp = pool_create(NULL);
    const char *m = pattern_first(tmp, pattern, text);
    bool is = m && strcmp(words_plain(tmp, m), words_plain(tmp, text)) == 0;
    pool_destroy(tmp);
    return is;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Bytes of a separator that may stand inside a number at p; *ret_c is what it counts as. */
static size_t separator_at(const char *p, char *ret_c)
{
    static const char *const blanks[] = {"\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x99",
                                         "\xE2\x80\x89"};
    for (size_t i = 0; i < ARRAY_SIZE(blanks); i++)
        if (str_starts(p, blanks[i])) {
            *ret_c = ' ';
            return strlen(blanks[i]);
        }
    *ret_c = *p == '\'' ? ' ' : *p;
    return strchr(".,' ", *p) && *p ? 1 : 0;
}

/* Read digits and separators from p into out as plain "digits with '.', ',' or ' '"; returns the
 * end. */
static const char *read_number(const char *p, char *out, size_t size)
{
    size_t n = 0;
    while (n + 2 < size) {
        char c;
        size_t sep = separator_at(p, &c);
        if (isdigit((unsigned char)*p)) {
            out[n++] = *p++;
        } else if (sep && isdigit((unsigned char)p[sep])) {
            bool group = isdigit((unsigned char)p[sep + 1]) && isdigit((unsigned char)p[sep + 2]) &&
                         !isdigit((unsigned char)p[sep + 3]);
            if (c == ' ' && !group)
                break;
            out[n++] = c;
            p += sep;
        } else {
            break;
        }
    }
    out[n] = 0;
    return p;
}

/* Which of '.' and ',' is the decimal mark, 0 for none: the last of two kinds; a single one that is
 * not followed by exactly three digits. */
static char decimal_mark(const char *num)
{
    const char *dot = strrchr(num, '.'), *comma = strrchr(num, ',');
    if (dot && comma)
        return dot > comma ? '.' : ',';
    const char *last = dot ? dot : comma;
    if (!last || strchr(num, *last) != last)
        return 0;
    return strlen(last + 1) == 3 && num[0] != '0' && last - num <= 3 ? 0 : *last;
}

static double suffix_factor(const char *end)
{
    end += *end == ' ';
    bool k = (*end == 'k' || *end == 'K') && !isalpha((unsigned char)end[1]);
    if (k)
        return 1e3;
    if (strncasecmp(end, "million", 7) == 0 || (*end == 'M' && !isalpha((unsigned char)end[1])))
        return 1e6;
    return 1;
}

bool pattern_number(const char *text, double *out)
{
    const char *p = text;
    while (*p && !isdigit((unsigned char)*p))
        p++;
    if (!*p)
        return false;
    bool negative = p > text && p[-1] == '-' && (p - 1 == text || p[-2] == ' ');
    char num[64], plain[64];
    const char *end = read_number(p, num, sizeof(num));
    char mark = decimal_mark(num);
    size_t n = 0;
    for (const char *c = num; *c; c++)
        if (isdigit((unsigned char)*c))
            plain[n++] = *c;
        else if (*c == mark)
            plain[n++] = '.';
    plain[n] = 0;
    *out = strtod(plain, NULL) * suffix_factor(end) * (negative ? -1 : 1);
    return isfinite(*out);
}

json_t *pattern_value(struct pool *pool, enum field_type type, const char *text)
{
    double v;
    if (type == FIELD_BOOL) {
        bool yes = words_is(WORDS_YES, text) != NULL;
        return yes || words_is(WORDS_NO, text) ? json_boolean(yes) : NULL;
    }
    if (type == FIELD_STR) {
        const char *s = str_squash(pool, text);
        return *s ? json_string_safe(s) : NULL;
    }
    if (!pattern_number(text, &v) || fabs(v) > 9e15)
        return NULL;
    return type == FIELD_INT ? json_integer((json_int_t)llround(v)) : json_real(v);
}
