/*
 * cache.c - pages that need not be read again (agent-loop.md 14.6): tenants/<t>/cache/<key>.json.
 *
 * Only `serve` writes it, when a run is over, from the rows of its last checkpoint. A run that reads it
 * gets the fresh entries with its `start`. A file that cannot be read counts as empty: the pages are
 * read again, nothing else is lost.
 */
#include "sched/private.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "core/lead.h"
#include "sys/file.h"

#define VERSION     1
#define LABEL_BYTES 120
#define FILE_MODE   0600

static char *cache_path(struct sched *s, struct pool *pool, const char *tenant,
                        const json_t *settings)
{
    return pool_printf(pool, "%s/tenants/%s/cache/%s.json", s->settings->data_dir, tenant,
                       json_str(settings, "key", "default"));
}

/* {url: entry}, oldest first. New reference. */
static json_t *load(struct pool *pool, const char *path)
{
    struct err err = {0};
    char *text;
    size_t len;
    json_t *doc = NULL;
    int r = file_read(pool, path, CAP_CACHE_BYTES, &text, &len, &err);
    if (!r)
        r = json_parse(text, len, path, &doc, &err);
    if (r && r != E_NOT_FOUND)
        log_warning(LOGGER, NULL, "the extraction cache is taken as empty: %s", err.msg);
    json_t *entries = json_object_get(doc, "entries");
    json_t *out = !r && json_int(doc, "version", 0) == VERSION && json_is_object(entries)
                      ? json_incref(entries)
                      : json_object();
    json_decref(doc);
    return out;
}

static bool is_fresh(const json_t *entry, int64_t ttl_s)
{
    int64_t at_us, now_us = clock_wall_us();
    if (!clock_parse_iso(json_str(entry, "extracted_at", ""), &at_us) ||
        !json_is_object(json_object_get(entry, "fields")))
        return false;
    return ttl_s == 0 || now_us - at_us < ttl_s * 1000000;
}

json_t *cache_read(struct sched *s, struct pool *pool, const char *tenant, const json_t *settings)
{
    if (!json_flag(settings, "read", false))
        return NULL;
    json_t *all = load(pool, cache_path(s, pool, tenant, settings)), *out = json_object(), *entry;
    int64_t ttl_s = json_int(settings, "ttl_s", 0);
    const char *url;
    json_object_foreach (all, url, entry)
        if (is_fresh(entry, ttl_s))
            json_put(out, url,
                     json_pack("{s:O,s:s}", "fields", json_object_get(entry, "fields"),
                               "extracted_at", json_str(entry, "extracted_at", "")));
    json_decref(all);
    return out;
}

/* --- writing --------------------------------------------------------------------------------- */

/* The address of the thing itself, without fragment; NULL when the row is one of a list without any. */
static const char *address_of(struct pool *pool, const json_t *row)
{
    const char *url = json_str(json_object_get(row, "values"), "url", "");
    if (!*url)
        url = json_str(row, "page_url", "");
    if (!str_starts(url, "http://") && !str_starts(url, "https://"))
        return NULL;
    return pool_strndup(pool, url, strcspn(url, "#"));
}

static const char *label_of(struct pool *pool, const json_t *values)
{
    static const char *const names[] = {"title", "name"};
    const char *key, *first = NULL;
    json_t *v;
    for (size_t i = 0; i < ARRAY_SIZE(names) && !first; i++)
        first = json_str(values, names[i], NULL);
    json_object_foreach ((json_t *)values, key, v)
        if (!first && json_is_string(v))
            first = json_string_value(v);
    return str_cut(pool, first ? first : "", LABEL_BYTES);
}

/* It was taken from the cache: that does not make it younger. */
static bool was_cached(const json_t *row)
{
    const char *field;
    json_t *entry;
    json_object_foreach (json_object_get(row, "evidence"), field, entry)
        if (strcmp(json_str(entry, "method", ""), "cache") == 0)
            return true;
    return false;
}

static void add_row(struct pool *pool, json_t *entries, const json_t *row, const char *now)
{
    const json_t *values = json_object_get(row, "values");
    const char *url = address_of(pool, row);
    if (!url || !json_is_object(values) || was_cached(row))
        return;
    json_t *entry = json_object();
    json_put(entry, "summary", json_string_safe(lead_from_values(pool, values)));
    json_put_str(entry, "extracted_at", now);
    json_object_set(entry, "fields", (json_t *)values);
    json_put(entry, "item_label", json_string_safe(label_of(pool, values)));
    json_object_del(entries, url); /* the newest stands last */
    json_put(entries, url, entry);
}

static void drop_oldest(json_t *entries, size_t n)
{
    for (; n > 0 && json_object_size(entries); n--)
        json_object_del(entries, json_object_iter_key(json_object_iter(entries)));
}

/* As JSON, without the oldest ones when it is too long. */
static const char *to_text(struct pool *pool, json_t *entries)
{
    size_t n = json_object_size(entries);
    if (n > CAP_CACHE_ENTRIES)
        drop_oldest(entries, n - CAP_CACHE_ENTRIES);
    for (;;) {
        json_t *doc = json_pack("{s:i,s:O}", "version", VERSION, "entries", entries);
        const char *text = json_text(pool, doc);
        json_decref(doc);
        if (strlen(text) <= CAP_CACHE_BYTES || !json_object_size(entries))
            return text;
        drop_oldest(entries, json_object_size(entries) / 8 + 1);
    }
}

void cache_write(struct sched *s, struct pool *pool, const char *tenant, const json_t *settings,
                 const json_t *checkpoint)
{
    const json_t *rows = json_object_get(checkpoint, "rows");
    struct err err = {0};
    char now[CLOCK_ISO_BYTES];
    json_t *row;
    size_t i;
    if (!json_flag(settings, "write", false) || !json_array_size(rows))
        return;
    const char *path = cache_path(s, pool, tenant, settings);
    const char *dir = pool_strndup(pool, path, (size_t)(strrchr(path, '/') - path));
    json_t *entries = load(pool, path);
    clock_iso(clock_wall_us(), now);
    json_array_foreach ((json_t *)rows, i, row)
        add_row(pool, entries, row, now);
    const char *text = to_text(pool, entries);
    if (file_mkdirs(dir, 0700, &err) ||
        file_write_soon(path, text, strlen(text), FILE_MODE, &err))
        log_warning(LOGGER, NULL, "the extraction cache is not kept: %s", err.msg);
    json_decref(entries);
}
