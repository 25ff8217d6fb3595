#include "base/json_scan.h"

#include <stdbool.h>
#include <string.h>

#include "base/caps.h"
#include "base/json.h"

struct scan {
    const char *start, *at, *end;
    int depth;
    bool too_deep;
    struct json_field *field; /* NULL none */
};

static bool value(struct scan *s);

static void blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    bool there = s->at < s->end && *s->at == c;
    s->at += there;
    return there;
}

static bool word(struct scan *s, const char *w)
{
    size_t len = strlen(w);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, w, len) != 0)
        return false;
    s->at += len;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the backslash. */
static bool escape(struct scan *s)
{
    if (s->at == s->end || !memchr("\"\\/bfnrtu", *s->at, 9))
        return false;
    if (*s->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, s->at++)
        if (s->at == s->end || !is_hex(*s->at))
            return false;
    return true;
}

static bool string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at;
        if (c < ' ')
            return false;
        s->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !escape(s))
            return false;
    }
    return false;
}

static bool digits(struct scan *s)
{
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first;
}

static bool number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !digits(s))
        return false;
    if (take(s, '.') && !digits(s))
        return false;
    if (!take(s, 'e') && !take(s, 'E'))
        return true;
    if (!take(s, '+'))
        take(s, '-');
    return digits(s);
}

bool json_scan_reads(const char *text, size_t len, const char *string)
{
    if (!len || *text != '"')
        return false;
    if (!memchr(text, '\\', len))
        return len == strlen(string) + 2 && memcmp(text + 1, string, len - 2) == 0;
    json_t *read = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    bool same = json_is_string(read) && strcmp(json_string_value(read), string) == 0;
    json_decref(read);
    return same;
}

static bool member(struct scan *s)
{
    const char *name = s->at;
    if (!string(s))
        return false;
    bool wanted =
        s->depth == 1 && s->field && json_scan_reads(name, (size_t)(s->at - name), s->field->name);
    blanks(s);
    if (!take(s, ':'))
        return false;
    blanks(s);
    const char *first = s->at;
    if (!value(s))
        return false;
    if (wanted) {
        s->field->at = (size_t)(first - s->start);
        s->field->len = (size_t)(s->at - first);
        s->field->times++;
    }
    return true;
}

/* Behind the bracket that opens. */
static bool items(struct scan *s, char close, bool (*item)(struct scan *s))
{
    if (++s->depth > CAP_JSON_DEPTH) {
        s->too_deep = true;
        return false;
    }
    blanks(s);
    bool done = take(s, close);
    while (!done) {
        if (!item(s))
            return false;
        blanks(s);
        done = take(s, close);
        if (!done && !take(s, ','))
            return false;
        if (!done)
            blanks(s);
    }
    s->depth--;
    return true;
}

static bool value(struct scan *s)
{
    if (s->at == s->end)
        return false;
    switch (*s->at) {
    case '{':
        s->at++;
        return items(s, '}', member);
    case '[':
        s->at++;
        return items(s, ']', value);
    case '"':
        return string(s);
    case 't':
        return word(s, "true");
    case 'f':
        return word(s, "false");
    case 'n':
        return word(s, "null");
    default:
        return number(s);
    }
}

int json_scan(const char *text, size_t len, const char *what, struct json_field *field,
              struct err *err)
{
    struct scan s = {.start = text, .at = text, .end = text + len, .field = field};
    if (field)
        *field = (struct json_field){.name = field->name};
    blanks(&s);
    bool fine = value(&s);
    blanks(&s);
    if (s.too_deep)
        return err_set(err, E_INVALID, "%s: JSON is nested deeper than %d levels", what,
                       CAP_JSON_DEPTH);
    if (!fine || s.at < s.end)
        return err_set(err, E_INVALID, "%s is not valid JSON: byte %zu", what,
                       (size_t)(s.at - s.start) + 1);
    return 0;
}
