#include "run/rewrite.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "run/helper.h"
#include "run/recovery.h"

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

/* A sentence with several quoted pieces orders several things: shortened it would be another goal.
 */
static bool orders_more(struct pool *pool, const char *intent)
{
    const char *rest = intent;
    return str_quoted(pool, &rest, 200) && str_quoted(pool, &rest, 200);
}

const char *rewrite_intent(struct pool *pool, const char *intent)
{
    if (orders_more(pool, intent))
        return NULL;
    const char *said = quoted_only(pool, intent);
    if (!said)
        said = without_looks(pool, intent);
    bool names_something = strchr(said, ' ') != NULL;
    return names_something && strcmp(said, intent) && rewrite_acceptable(intent, said) ? said
                                                                                       : NULL;
}

/* --- by a model ------------------------------------------------------------------------------ */

#define MODEL      "claude-opus-4-7"
#define MAX_TOKENS 200
#define TIMEOUT_S  20
#define TEXT_BYTES 500
#define KEEP       "KEEP"

/* The first line, without the quotes around it. */
static const char *first_line(struct pool *pool, const char *text)
{
    text += strspn(text, " \t\r\n");
    char *line = str_squash(pool, pool_strndup(pool, text, strcspn(text, "\r\n")));
    size_t len = strlen(line);
    if (len >= 2 && strchr("\"'", line[0]) && line[len - 1] == line[0]) {
        line[len - 1] = 0;
        line++;
    }
    return str_cut(pool, line, TEXT_BYTES);
}

static bool may_say(struct run *run, const struct step *step, const char *said)
{
    json_t *change =
        json_keep(run->step_pool, json_pack("{s:o}", "intent", json_string_safe(said)));
    return rewrite_acceptable(step->intent, said) && strcmp(said, step->intent) &&
           !recovery_refuses(run, step, change);
}

/* NULL: keep it, as when nobody answers. */
static const char *ask_model(struct run *run, const struct step *step,
                             const struct step_result *result)
{
    const struct prompt_value values[] = {
        {"INTENT", step->intent},
        {"FAILURE", pool_printf(run->step_pool, "%s: %s", result->failure_class,
                                str_cut(run->step_pool, result->data, TEXT_BYTES))}};
    const struct helper_call call = {.source = "rewrite",
                                     .model = MODEL,
                                     .prompt = "rewrite_intent",
                                     .values = values,
                                     .n_values = ARRAY_SIZE(values),
                                     .max_tokens = MAX_TOKENS,
                                     .timeout_s = TIMEOUT_S,
                                     .tries = 1};
    struct said said;
    if (!run->config->helper || helper_ask(run, &call, &said, NULL))
        return NULL; /* a cancel is met by whatever comes next */
    const char *line = first_line(run->step_pool, said.text);
    return strcasecmp(line, KEEP) && may_say(run, step, line) ? line : NULL;
}

/* --- for the next attempt -------------------------------------------------------------------- */

void rewrite_for_retry(struct run *run, const struct step_result *result)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    const struct step *step = &run->plan->steps[run->index];
    const char *intent = step->intent, *source = "rules";
    if (!rewrite_helps(result->failure_class) || json_object_get(run->progress.overrides, key))
        return;
    const char *said = rewrite_intent(run->step_pool, intent);
    if (!said) {
        said = ask_model(run, step, result);
        source = "model";
    }
    if (said || run->config->helper) /* "": a model was asked once, and kept it */
        json_put(run->progress.overrides, key, json_string_safe(said ? said : ""));
    if (!said)
        return;
    run_heal(run, "rewrite", source,
             json_pack("{s:o,s:o,s:s}", "from_intent",
                       json_string_safe(str_cut(run->step_pool, intent, 200)), "to_intent",
                       json_string_safe(str_cut(run->step_pool, said, 200)), "failure_class",
                       result->failure_class));
}
