/*
 * words.c - the parts of a reply that are said in words: thinking, prediction, DONE and FAIL.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "brain/model/reading.h"

const char *cut_chars(struct pool *pool, const char *s, size_t n)
{
    const char *p = s;
    for (; *p && n; n--)
        for (p++; ((unsigned char)*p & 0xc0) == 0x80; p++)
            ;
    return pool_strndup(pool, s, (size_t)(p - s));
}

static const char *trim(struct pool *pool, const char *begin, const char *end)
{
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    return pool_strndup(pool, begin, (size_t)(end - begin));
}

static const char *without(struct pool *pool, const char *text, const char *from, const char *to)
{
    return pool_printf(pool, "%.*s%s", (int)(from - text), text, to);
}

/* --- thinking -------------------------------------------------------------------------------- */

/* A thought that was not finished is all there is; one whose beginning stood in the prompt begins
 * the text. */
static const char *take_thinking(struct reading *r, const char *text)
{
    static const char open[] = "<think>", close[] = "</think>";
    const char *begin = strstr(text, open), *end = strstr(begin ? begin : text, close);
    if (!begin && !end)
        return text;
    const char *from = begin ? begin : text;
    const char *words = begin ? begin + strlen(open) : text;
    const char *to = end ? end + strlen(close) : text + strlen(text);
    if (!*r->out->thinking)
        r->out->thinking = trim(r->pool, words, end ? end : to);
    return without(r->pool, text, from, to);
}

/* --- prediction ------------------------------------------------------------------------------ */

/* It stands on a line of its own, or behind a whole call or sentence. */
static bool may_begin(const char *text, const char *p)
{
    while (p > text && strchr(" \t*#>-_`", p[-1]))
        p--;
    return p == text || strchr("\n).}", p[-1]);
}

static const char *take_prediction(struct reading *r, const char *text)
{
    static const char word[] = "Predicted:";
    const char *p = text;
    while ((p = strcasestr(p, word)) && !may_begin(text, p))
        p++;
    if (!p)
        return text;
    const char *said = p + strlen(word), *end = said + strcspn(said, "\n");
    said += strspn(said, " *\t");
    const char *line = cut_chars(r->pool, trim(r->pool, said, end), PREDICTED_CHARS);
    if (!r->out->predicted)
        r->out->predicted = json_keep(r->pool, json_string_safe(line));
    return without(r->pool, text, p, end);
}

/* {"expected": [...]}: taken, and left where it is; it is no action. */
static void find_expected(struct reading *r, const char *text)
{
    const json_t *o;
    for (const char *p = text; !r->out->predicted && (o = literal_find(r->pool, &p, false));) {
        const json_t *expected = json_object_get(o, "expected");
        if (json_is_array(expected))
            r->out->predicted = expected;
    }
}

void reply_split(struct reading *r)
{
    const char *text = str_cut(r->pool, r->said->text, CAP_MODEL_TEXT_BYTES);
    r->out->thinking = r->said->thinking;
    if (strcasestr(text, "\"expected\"") || strcasestr(text, "'expected'"))
        find_expected(r, text);
    r->text = take_prediction(r, take_thinking(r, text));
}

/* --- keywords -------------------------------------------------------------------------------- */

/* The letters and blanks of a line, without what decorates it: "**DONE**." is DONE. */
static bool line_is(const char *begin, size_t len, const char *word)
{
    const char *end = begin + len;
    while (begin < end && !isalnum((unsigned char)*begin))
        begin++;
    while (end > begin && !isalnum((unsigned char)end[-1]))
        end--;
    return (size_t)(end - begin) == strlen(word) && !strncasecmp(begin, word, strlen(word));
}

bool words_line(struct reading *r, const char *text, struct action *out)
{
    static const struct {
        const char *word;
        bool success;
    } words[] = {{"DONE", true},  {"TERMINATE SUCCESS", true},  {"DONE SUCCESS", true},
                 {"FAIL", false}, {"TERMINATE FAILURE", false}, {"FAILED", false}};
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
            if (line_is(line, len, words[i].word)) {
                const char *rest = without(r->pool, text, line, line + len);
                *out = (struct action){
                    .type = ACTION_DONE,
                    .success = words[i].success,
                    .summary = cut_chars(r->pool, str_squash(r->pool, rest), SUMMARY_CHARS)};
                return true;
            }
        line += len + (line[len] == '\n');
    }
    return false;
}
