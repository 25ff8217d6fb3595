#include "core/completeness.h"

#include <string.h>

#include "base/str.h"

#define MOST_EXAMPLES 5
#define EXAMPLE_BYTES 80

static const struct {
    const char *word, *why;
} whys[] = {
    {WORD_OPENED, "its page was opened, and nothing was extracted from it"},
    {WORD_DUPLICATE, "the same thing was taken already"},
    {WORD_NOT_READ, "its page was opened, and nothing could be read from it"},
    {WORD_MISSING, "a required field could not be found: "},
    {WORD_SPAM, "the schema does not want it: "},
    {WORD_SPONSORED, "it is an advertisement"},
    {WORD_EXCLUDED, "listing_card_exclusions name something that it says"},
    {WORD_UNWANTED, "the step's words leave it out"},
    {WORD_BEFORE, "it was opened or taken earlier in this run"},
    {WORD_CACHED, "cache_read: it was extracted by an earlier run"},
    {WORD_DEAD, "it leads to a page that is gone"},
    {WORD_OFF_SITE, "it leads to another site"},
    {WORD_NO_CHANGE, "a click on it changed nothing"},
    {WORD_LOGIN, "it leads to a login"},
    {WORD_BLANK, "it opened a tab that stayed empty"},
    {WORD_OVER_MAX, "max_items were there already"},
    {WORD_GONE, "it went away before it could be opened"},
    {WORD_UNRESOLVED, "no address could be found for it"},
    {"not_reached", "the run ended, or its loop was over, before it came to it"},
};

const char *completeness_why(struct pool *pool, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(whys); i++) {
        size_t len = strlen(whys[i].word);
        if (whys[i].word[len - 1] != ':' && !strcmp(whys[i].word, word))
            return whys[i].why;
        if (whys[i].word[len - 1] == ':' && str_starts(word, whys[i].word))
            return pool_printf(pool, "%s%s", whys[i].why, word + len);
    }
    return "";
}

void completeness_count_many(json_t *counts, const char *word, int n)
{
    json_t *c = json_object_get(counts, word);
    if (!c) {
        c = json_pack("{s:i,s:[]}", "n", 0, "examples");
        json_put(counts, word, c);
    }
    json_put_int(c, "n", json_int(c, "n", 0) + n);
}

void completeness_count(json_t *counts, const char *word, const char *name)
{
    completeness_count_many(counts, word, 1);
    json_t *examples = json_object_get(json_object_get(counts, word), "examples");
    struct pool *pool = pool_create(NULL);
    if (strcmp(word, WORD_EMITTED) != 0 && json_array_size(examples) < MOST_EXAMPLES)
        json_push(examples, json_string_safe(str_cut(pool, name, EXAMPLE_BYTES)));
    pool_destroy(pool);
}

/* --- the report ------------------------------------------------------------------------------ */

static json_t *counts_of_items(const json_t *account)
{
    json_t *counts = json_object(), *item;
    const char *key;
    json_object_foreach (json_object_get(account, "items"), key, item) {
        const char *word = json_str(item, "word", "");
        completeness_count(counts, *word ? word : "not_reached", json_str(item, "title", key));
    }
    if (json_int(account, "more", 0) > 0)
        completeness_count_many(counts, "not_reached", (int)json_int(account, "more", 0));
    return counts;
}

static json_t *skipped_of(struct pool *pool, const json_t *counts, int64_t *ret_seen,
                          int64_t *ret_emitted)
{
    json_t *skipped = json_array(), *c;
    const char *word;
    json_object_foreach ((json_t *)counts, word, c) {
        int64_t n = json_int(c, "n", 0);
        *ret_seen += n;
        if (!strcmp(word, WORD_EMITTED)) {
            *ret_emitted += n;
            continue;
        }
        json_t *one = json_object();
        json_put_str(one, "reason", word);
        json_put(one, "why", json_string_safe(completeness_why(pool, word)));
        json_put_int(one, "count", n);
        json_object_set(one, "examples", json_object_get(c, "examples"));
        json_push(skipped, one);
    }
    return skipped;
}

json_t *completeness_report(const json_t *accounts)
{
    static const char *const told[] = {"list", "step_index", "page", "url"};
    struct pool *pool = pool_create(NULL);
    json_t *report = json_array(), *account;
    size_t i;
    json_array_foreach ((json_t *)accounts, i, account) {
        json_t *one = json_object(), *counts = json_object_get(account, "counts");
        json_t *own = counts ? NULL : counts_of_items(account);
        int64_t seen = 0, emitted = 0;
        for (size_t k = 0; k < ARRAY_SIZE(told); k++)
            if (json_object_get(account, told[k]))
                json_object_set(one, told[k], json_object_get(account, told[k]));
        json_t *skipped = skipped_of(pool, counts ? counts : own, &seen, &emitted);
        json_put_int(one, "seen", seen);
        json_put_int(one, "emitted", emitted);
        json_put(one, "skipped", skipped);
        json_push(report, one);
        json_decref(own);
    }
    pool_destroy(pool);
    return report;
}
