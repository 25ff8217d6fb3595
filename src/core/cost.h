/*
 * cost.h - what a run's counters come to in US dollars (agent-loop.md 17).
 *
 * Calls that say their model and tokens are counted one by one, each at its model's price; what they
 * come to is the run's "claude", also for its cap. Counters of the checkpoint's "costs": gpu_seconds, gpu_steps, claude_extract, claude_grounding (calls),
 * claude_input_tokens (without cached ones, as the API says them), claude_output_tokens,
 * claude_cached_input_tokens, proxy_mb. Who uses something counts it; a brain that costs nothing counts
 * nothing.
 */
#ifndef MANTIS_CORE_COST_H
#define MANTIS_CORE_COST_H

#include "base/json.h"

struct cost_rates {
    double gpu_hourly_usd, gpu_seconds_per_step;
    double claude_call_usd, claude_input_per_mtok, claude_output_per_mtok,
        claude_cached_input_per_mtok;
    double proxy_per_gb_usd;
    const json_t *models; /* prices before the built-in ones: cost_prices_parse(). NULL none. Borrowed */
};

/* From an object with these names as keys ("models" too, borrowed from it); what is missing is the contract's
 * default. json may be NULL. */
void cost_rates_read(const json_t *json, struct cost_rates *out);

/* Of one call; input without what the cache held. */
struct token_use {
    int64_t input, output, cache_read, cache_write;
};

/* {"<how a model's name begins>": [input, output, cache read, cache write], ...}, USD per million tokens
 * (MANTIS_MODEL_PRICES). In pool; NULL for "". E_INVALID names the model. */
int cost_prices_parse(struct pool *pool, const char *text, const json_t **out, struct err *err) MUST_CHECK;

/* By the beginning of the model's name, a leading "claude-" aside, the longest that fits; one that is not
 * known costs what the dearest built-in one does. */
double cost_of_tokens(const struct cost_rates *rates, const char *model, const struct token_use *use);

/* Adds a call that source ("brain", "extract", ...) made to by_path: {"totals", "by_path": {"<source>::<model>"}},
 * each {calls, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost_usd}; and its
 * tokens to the counters of costs. */
void cost_count_call(json_t *costs, json_t *by_path, const struct cost_rates *rates, const char *source,
                     const char *model, const struct token_use *use);

/* Rows are {"<source>::<model>": {calls, ..., cost_usd}}, as by_path has them. Adds those that were counted elsewhere,
 * and their tokens. rows may be NULL. */
void cost_add_rows(json_t *costs, json_t *by_path, const json_t *rows);
double cost_of_rows(const json_t *rows); /* USD */

/* Adds a call to paid, {"<model>": row}. use NULL: only its price is known. */
void cost_pay(json_t *paid, const char *model, const struct token_use *use, double usd);
void cost_pay_rows(json_t *paid, const json_t *rows); /* which may be NULL */

#define COST_UNANSWERED "unanswered" /* source of what was paid and nobody counted */

/* What was paid for a model beyond what rows count of it, as rows of COST_UNANSWERED. New reference. */
json_t *cost_unanswered(const json_t *rows, const json_t *paid);

/* Sets gpu, claude, proxy and total from by_path (NULL or empty: no call was counted) and the counters; costs
 * that count nothing stay as they are. */
void cost_update(json_t *costs, const json_t *by_path, const struct cost_rates *rates);

#endif
