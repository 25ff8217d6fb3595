/*
 * purse.h - may a call be made with what is left of a cap? Pure.
 *
 * A purse has a cap, what was spent, and what calls under way may come to at worst (held). What is
 * spent and held together never passes the cap: reserve first, settle afterwards.
 */
#ifndef MANTIS_CORE_PURSE_H
#define MANTIS_CORE_PURSE_H

#include "base/json.h"
#include "core/cost.h"

struct purse {
    double cap; /* USD; 0 or less: none */
    double spent, held;
};

enum purse_answer {
    PURSE_YES,
    PURSE_LATER, /* when what is held is settled there may be enough */
    PURSE_NO,    /* not even when all that is held comes to nothing */
};

enum purse_answer purse_ask(const struct purse *purse, double usd);
double purse_room(const struct purse *purse); /* USD, >= 0; infinite without a cap */
void purse_hold(struct purse *purse, double usd);
void purse_settle(struct purse *purse, double held, double spent);

/* What a call may cost at worst, and what of it is its answer. */
struct worst {
    const char *model;   /* in the pool */
    double usd;          /* all of it */
    double token_usd;    /* a token of the answer */
    int64_t max_tokens;  /* of the answer, */
    int64_t thought;     /* of them for thinking */
    bool cuttable;       /* max_tokens alone says so: a smaller one makes the call cheaper */
};

/* Its text at two bytes a token, its pictures by their size, all of max_tokens or max_completion_tokens, the larger,
 * n times; each at the model's dearest price for it. Pictures are looked at, not parsed. E_INVALID: no JSON object, or
 * no model in it. */
int worst_cost(struct pool *pool, const char *body, size_t len, const struct cost_rates *rates, struct worst *out,
               struct err *err) MUST_CHECK;

/* USD, with an answer of percent of its tokens for words and all of those for thinking; usd where nothing can be cut. */
double worst_cut(const struct worst *worst, int percent);

/* The tokens of an answer to a call that may come to no more than usd, which is no less than worst_cut() of it. */
int64_t worst_tokens(const struct worst *worst, double usd);

#endif
