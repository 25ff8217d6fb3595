#include "run/account.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/completeness.h"

#define TITLE_BYTES 80

static json_t *account_new(struct run *run, const char *list, const char *url)
{
    json_t *account = json_object();
    json_put_str(account, "list", list);
    json_put_int(account, "step_index", run->index);
    json_put(account, "url", json_string_safe(str_cut(run->step_pool, url, 500)));
    json_push(run->progress.accounts, account);
    while (json_array_size(run->progress.accounts) > CAP_ACCOUNTS)
        json_array_remove(run->progress.accounts, 0);
    return account;
}

/* --- cards ----------------------------------------------------------------------------------- */

static json_t *page_account(struct run *run, const char *url)
{
    int page = run->progress.current_page;
    for (size_t i = json_array_size(run->progress.accounts); i > 0; i--) {
        json_t *a = json_array_get(run->progress.accounts, i - 1);
        if (json_object_get(a, "items") && json_int(a, "page", 0) == page &&
            !strcmp(json_str(a, "url", ""), url))
            return a;
    }
    json_t *a = account_new(run, "listings", url);
    json_put_int(a, "page", page);
    json_put(a, "items", json_object());
    return a;
}

static void put_word(json_t *item, const char *word)
{
    json_put(item, "word", json_string_safe(word));
}

bool account_card(struct run *run, const char *list_url, const char *key, const char *title,
                  const char *word)
{
    const char *url = str_cut(run->step_pool, list_url, 500);
    json_t *a = page_account(run, url), *items = json_object_get(a, "items");
    const char *safe = json_string_value(json_keep(run->step_pool, json_string_safe(key)));
    json_t *item = json_object_get(items, safe);
    if (item && (*json_str(item, "word", "") || !*word))
        return false;
    if (item) {
        put_word(item, word);
        return true;
    }
    if (json_object_size(items) >= CAP_ACCOUNT_ITEMS) {
        json_put_int(a, "more", json_int(a, "more", 0) + 1);
        return false;
    }
    item = json_object();
    json_put(item, "title", json_string_safe(str_cut(run->step_pool, title, TITLE_BYTES)));
    put_word(item, word);
    json_put(items, safe, item);
    return true;
}

void account_fate(struct run *run, const char *key, const char *word)
{
    const char *safe = json_string_value(json_keep(run->step_pool, json_string_safe(key)));
    for (size_t i = json_array_size(run->progress.accounts); i > 0; i--) {
        json_t *a = json_array_get(run->progress.accounts, i - 1);
        json_t *item = json_object_get(json_object_get(a, "items"), safe);
        if (!item)
            continue;
        if (strcmp(json_str(item, "word", ""), WORD_EMITTED))
            put_word(item, word);
        return;
    }
}

/* "REJECTED_INCOMPLETE|missing=price|..." says why in its second part. */
static const char *word_of(struct run *run, const struct step_result *result)
{
    if (result->outcome == OUTCOME_DUPLICATE)
        return WORD_DUPLICATE;
    const char *why = strchr(result->data, '|');
    if (!str_starts(result->data, "REJECTED_") || !why)
        return WORD_NOT_READ;
    why = pool_strndup(run->step_pool, why + 1, strcspn(why + 1, "|"));
    if (str_starts(why, "missing="))
        return pool_printf(run->step_pool, WORD_MISSING "%s", why + strlen("missing="));
    return pool_printf(run->step_pool, WORD_SPAM "%s", str_cut(run->step_pool, why, 80));
}

void account_detail(struct run *run, const struct step_result *result)
{
    const char *key = run->progress.card_key;
    bool reads = !strcmp(run->step->type, "extract_data") && !run->step->gate;
    bool found_twice = result->outcome == OUTCOME_DUPLICATE;
    if (!*key || !run->progress.detail_open || (!reads && !found_twice))
        return;
    account_fate(run, key, result->success ? WORD_EMITTED : word_of(run, result));
}

/* --- rows ------------------------------------------------------------------------------------ */

void account_list(struct run *run, const char *list, const char *url, const json_t *words,
                  int duplicates)
{
    json_t *a = account_new(run, list, url), *counts = json_object(), *word;
    const char *key;
    json_object_foreach ((json_t *)words, key, word)
        completeness_count(counts, json_string_value(word), key);
    if (duplicates > 0)
        completeness_count_many(counts, WORD_DUPLICATE, duplicates);
    json_put(a, "counts", counts);
}
