/*
 * cost.h - what a run's counters come to in US dollars (agent-loop.md 17).
 *
 * Counters of the checkpoint's "costs": gpu_seconds, gpu_steps, claude_extract, claude_grounding (calls),
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
};

/* From an object with these names as keys; what is missing is the contract's default. json may be NULL. */
void cost_rates_read(const json_t *json, struct cost_rates *out);

/* Sets gpu, claude, proxy and total from the counters; costs that count nothing stay as they are. */
void cost_update(json_t *costs, const struct cost_rates *rates);

#endif
