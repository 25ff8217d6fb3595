/*
 * page_reader.c - the "page" kind: reads the DOM that the plane gave, no model, no network.
 */
#include "reader/page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int page_create(const char *argument, struct reader **out, struct err *err)
{
    if (*argument)
        return err_set(err, E_INVALID, "reader 'page' takes no argument, not '%.60s'", argument);
    struct reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return err_set(err, E_NOMEM, "reader: out of memory");
    reader->driver = &reader_page;
    *out = reader;
    return 0;
}

static void page_destroy(struct reader *reader)
{
    free(reader);
}

const struct reader_driver reader_page = {
    .kind = "page",
    .create = page_create,
    .destroy = page_destroy,
    .find = page_find,
    .find_next_page = page_find_next_page,
    .find_reveal = page_find_reveal,
    .find_dismiss = page_find_dismiss,
    .list = page_list,
    .extract = page_extract,
    .rows = page_rows,
    .visible = page_visible,
};

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

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

/* Where the quote opened before s closes; NULL when it does not. A single quote closes only at a
 * word's end. */
static const char *closing(const char *s, const char *mark)
{
    for (const char *p = s; (p = strstr(p, mark)); p++)
        if (mark[0] != '\'' || !is_word_byte(p[1]))
            return p;
    return NULL;
}

const char *page_quote_at(struct pool *pool, const char *start, const char **at)
{
    const char *p = *at;
    for (size_t i = 0; i < ARRAY_SIZE(quotes); i++) {
        if (!str_starts(p, quotes[i].open) || (*p == '\'' && p > start && is_word_byte(p[-1])))
            continue;
        const char *from = p + strlen(quotes[i].open), *to = closing(from, quotes[i].close);
        if (!to || to == from || to - from > 200)
            continue;
        *at = to + strlen(quotes[i].close);
        return pool_strndup(pool, from, (size_t)(to - from));
    }
    return NULL;
}

const char *page_quoted(struct pool *pool, const char **text)
{
    const char *start = *text, *quoted = NULL;
    while (**text && !(quoted = page_quote_at(pool, start, text)))
        ++*text;
    return quoted;
}
