#include "run/rewrite.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static const char *const classes[] = {"brain_loop_exhausted", "wrong_target", "no_state_change"};

/* How a thing looks, how large it is, what kind it is: left out. */
static const char *const looks[] = {
    "the",   "a",      "an",     "big",    "large",    "small",   "little",    "tiny",
    "blue",  "red",    "green",  "yellow", "orange",   "grey",    "gray",      "black",
    "white", "purple", "bright", "dark",   "main",     "primary", "prominent", "round",
    "bold",  "button", "link",   "icon",   "labelled", "labeled", "called",    "named",
};

/* From such a word on the rest says where, or why. */
static const char *const places[] = {"at",    "in",    "near", "next", "below", "above", "beside",
                                     "under", "which", "that", "so",   "then",  "to",    "on"};

/* An order to do something else first. */
static const char *const firsts[] = {"first fix",      "first set",        "first scroll",
                                     "first dismiss",  "before click",     "before submit",
                                     "before filling", "dismiss the modal"};

static bool one_of(const char *const *list, size_t n, const char *word, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == len && !strncasecmp(list[i], word, len))
            return true;
    return false;
}

bool rewrite_helps(const char *class)
{
    return one_of(classes, ARRAY_SIZE(classes), class, strlen(class));
}

static size_t word_len(const char *s)
{
    return strcspn(s, " \t\n,;:.!");
}

bool rewrite_acceptable(const char *intent, const char *proposed)
{
    for (size_t i = 0; i < ARRAY_SIZE(firsts); i++)
        if (str_contains_fold(proposed, firsts[i]))
            return false;
    size_t len = word_len(intent);
    return len && word_len(proposed) == len && !strncasecmp(intent, proposed, len);
}

/* Verb and the first quoted name, when there is one: nothing is more exact. */
static const char *quoted_only(struct pool *pool, const char *intent)
{
    const char *rest = intent, *name = str_quoted(pool, &rest, 200);
    if (!name)
        return NULL;
    return pool_printf(pool, "%.*s \"%s\"", (int)word_len(intent), intent, name);
}

static const char *without_looks(struct pool *pool, const char *intent)
{
    const char *out = "";
    for (const char *p = intent; *p; p += strspn(p, " \t\n")) {
        size_t len = strcspn(p, " \t\n"), bare = word_len(p);
        bool verb = !*out;
        if (!verb && one_of(places, ARRAY_SIZE(places), p, bare) && strchr(out, ' '))
            break;
        if (verb || !one_of(looks, ARRAY_SIZE(looks), p, bare))
            out = pool_printf(pool, "%s%s%.*s", out, verb ? "" : " ", (int)len, p);
        p += len;
    }
    return out;
}

const char *rewrite_intent(struct pool *pool, const char *intent)
{
    const char *said = quoted_only(pool, intent);
    if (!said)
        said = without_looks(pool, intent);
    bool names_something = strchr(said, ' ') != NULL;
    return names_something && strcmp(said, intent) && rewrite_acceptable(intent, said) ? said
                                                                                       : NULL;
}

void rewrite_for_retry(struct run *run, const struct step_result *result)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    const char *intent = run->plan->steps[run->index].intent;
    if (!rewrite_helps(result->failure_class) || json_object_get(run->progress.overrides, key))
        return;
    const char *said = rewrite_intent(run->step_pool, intent);
    if (!said)
        return;
    json_put(run->progress.overrides, key, json_string_safe(said));
    run_heal(run, "rewrite", "rules",
             json_pack("{s:o,s:o,s:s}", "from_intent",
                       json_string_safe(str_cut(run->step_pool, intent, 200)), "to_intent",
                       json_string_safe(str_cut(run->step_pool, said, 200)), "failure_class",
                       result->failure_class));
}
