/*
 * plan_words.h - words on the command line become steps: by a model where there is a key for it, else by the
 * rules (cli.md sections 3 to 6).
 */
#ifndef MANTIS_CMD_PLAN_WORDS_H
#define MANTIS_CMD_PLAN_WORDS_H

#include "base/err.h"
#include "base/pool.h"
#include "plan/decompose.h"
#include "sys/loop.h"

struct plan_words {
    struct decomposer decomposer; /* for struct intake_config, after plan_words_begin() */
    /* as the options say; zeroed: the usual */
    const char *model, *key;
    bool no_model;
    double max_cost; /* USD; 0: MANTIS_MAX_COST_USD, else 25 */
    struct loop *loop; /* the call turns it, and ends on loop_interrupt(); NULL: one of its own */
    double spent; /* USD, afterwards */
    /* private */
    const struct intake_config *intake;
};

#define PLAN_WORDS_OPTIONS(w)                                                                           \
    {"--model", NULL, OPTION_STRING, &(w)->model, "NAME",                                               \
     "who makes steps of words: a model, or rules [claude-opus-4-7 where there is a key, else rules]"}, \
        {"--no-model", NULL, OPTION_FLAG, &(w)->no_model, NULL, "the same as --model rules"},           \
        {"--anthropic-api-key", NULL, OPTION_STRING, &(w)->key, "KEY",                                  \
         "its key [ANTHROPIC_API_KEY, secret anthropic_api_key]"}

/* intake: what a plan is held against; borrowed, and gets the decomposer. E_INVALID: a model was asked for,
 * and there is no key. */
int plan_words_begin(struct pool *pool, struct plan_words *words, struct intake_config *intake,
                     struct err *err) MUST_CHECK;

/* Will a model be asked, if the words are not known yet? After plan_words_begin(). */
bool plan_words_by_model(const struct plan_words *words);

#endif
