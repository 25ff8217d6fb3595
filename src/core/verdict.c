/*
 * verdict.c - what a step's outcome means for whoever decides how to go on (agent-loop.md section
 * 10).
 */
#include "core/run.h"

#include <string.h>

#include "base/err.h"

static const char *const hopeless[] = {"cf_challenge", "http_4xx", "extractor_error",
                                       "budget_exceeded"};

static bool one_of(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

json_t *failure_verdict(bool success, const char *class)
{
    bool lost = one_of(hopeless, ARRAY_SIZE(hopeless), class);
    if (success)
        return json_pack("{s:s,s:f,s:s}", "verdict", "ok", "confidence", 1.0, "reason", "");
    return json_pack("{s:s,s:f,s:s}", "verdict", lost ? "non_recoverable" : "recoverable",
                     "confidence", lost ? .9 : .5, "reason", *class ? class : "unknown");
}

const char *failure_decision(const json_t *verdict, int attempts, bool required)
{
    const char *word = json_str(verdict, "verdict", "");
    if (strcmp(word, "ok") == 0)
        return "advance";
    if (strcmp(word, "non_recoverable") == 0)
        return "terminate";
    return attempts < 3 ? "retry" : required ? "terminate" : "advance";
}

const char *step_reversibility(const char *type)
{
    static const char *const irreversible[] = {"submit", "launch_app"};
    static const char *const read_only[] = {"scroll", "wait", "loop"};
    if (one_of(irreversible, ARRAY_SIZE(irreversible), type))
        return "irreversible";
    return one_of(read_only, ARRAY_SIZE(read_only), type) || strncmp(type, "extract_", 8) == 0
               ? "read_only"
               : "reversible";
}
