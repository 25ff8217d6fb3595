#include "core/lead.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

char *lead_key(struct pool *pool, const char *label)
{
    char *s = str_lower(pool, str_squash(pool, label));
    for (char *p = s; *p; p++)
        if (*p == ' ')
            *p = '_';
    return s;
}

json_t *lead_to_json(struct pool *pool, const char *line)
{
    json_t *row = json_object();
    for (const char *p = line;; p++) {
        size_t len = strcspn(p, "|");
        char *part = str_squash(pool, pool_strndup(pool, p, len));
        char *colon = strchr(part, ':');
        if (colon)
            *colon = 0;
        const char *key = colon ? lead_key(pool, part) : "status";
        if ((colon || p == line) && !json_object_get(row, key))
            json_put(row, key, json_string_safe(colon ? str_squash(pool, colon + 1) : part));
        p += len;
        if (!*p)
            return row;
    }
}

#define KEY_BYTES 100

const char *lead_dedup_key(struct pool *pool, const char *line)
{
    for (const char *p = line; *p; p += *p == '|') {
        p += strspn(p, " ");
        if (!strncasecmp(p, "url:", 4)) {
            const char *url = str_squash(pool, pool_strndup(pool, p + 4, strcspn(p + 4, "|")));
            if (*url)
                return url;
        }
        p += strcspn(p, "|");
    }
    return str_cut(pool, line, KEY_BYTES);
}

static char *label_of(struct pool *pool, const char *name)
{
    char *s = str_lower(pool, name);
    bool start = true;
    for (char *p = s; *p; p++) {
        if (*p == '_')
            *p = ' ';
        if (start)
            *p = (char)toupper((unsigned char)*p);
        start = *p == ' ';
    }
    return s;
}

const char *lead_from_values(struct pool *pool, const json_t *values)
{
    const char *key, *lead = "VIABLE";
    json_t *value;
    json_object_foreach ((json_t *)values, key, value) {
        const char *text = json_as_text(pool, value);
        if (!str_empty(text))
            lead = pool_printf(pool, "%s | %s: %s", lead, label_of(pool, key), text);
    }
    return lead;
}
