#include "core/cost.h"

#include <stddef.h>

#define SECONDS_PER_HOUR 3600
#define MTOK             1e6
#define MB_PER_GB        1024

static const struct {
    const char *key;
    size_t at;
    double usual;
} rates_table[] = {
#define RATE(name, usual)                                                                          \
    {                                                                                              \
#name, offsetof(struct cost_rates, name), usual                                            \
    }
    RATE(gpu_hourly_usd, 3.25),      RATE(gpu_seconds_per_step, 3),
    RATE(claude_call_usd, .003),     RATE(claude_input_per_mtok, 3),
    RATE(claude_output_per_mtok, 15), RATE(claude_cached_input_per_mtok, .3),
    RATE(proxy_per_gb_usd, 5),
#undef RATE
};

void cost_rates_read(const json_t *json, struct cost_rates *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(rates_table); i++)
        *(double *)((char *)out + rates_table[i].at) =
            json_num(json, rates_table[i].key, rates_table[i].usual);
}

static double gpu_usd(const json_t *c, const struct cost_rates *r)
{
    double seconds = json_num(c, "gpu_seconds", 0);
    if (seconds <= 0)
        seconds = json_num(c, "gpu_steps", 0) * r->gpu_seconds_per_step;
    return seconds / SECONDS_PER_HOUR * r->gpu_hourly_usd;
}

static double claude_usd(const json_t *c, const struct cost_rates *r)
{
    double in = json_num(c, "claude_input_tokens", 0), out = json_num(c, "claude_output_tokens", 0);
    double cached = json_num(c, "claude_cached_input_tokens", 0);
    if (in + out + cached > 0)
        return (in * r->claude_input_per_mtok + out * r->claude_output_per_mtok +
                cached * r->claude_cached_input_per_mtok) /
               MTOK;
    return (json_num(c, "claude_extract", 0) + json_num(c, "claude_grounding", 0)) *
           r->claude_call_usd;
}

static bool anything_counted(const json_t *costs)
{
    static const char *const counters[] = {
        "gpu_seconds",         "gpu_steps",           "claude_extract",
        "claude_grounding",    "claude_input_tokens", "claude_output_tokens",
        "claude_cached_input_tokens", "proxy_mb"};
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        if (json_num(costs, counters[i], 0) > 0)
            return true;
    return false;
}

void cost_update(json_t *costs, const struct cost_rates *rates)
{
    if (!anything_counted(costs) && json_object_get(costs, "total"))
        return;
    double gpu = gpu_usd(costs, rates), claude = claude_usd(costs, rates);
    double proxy = json_num(costs, "proxy_mb", 0) / MB_PER_GB * rates->proxy_per_gb_usd;
    json_put_num(costs, "gpu", gpu);
    json_put_num(costs, "claude", claude);
    json_put_num(costs, "proxy", proxy);
    json_put_num(costs, "total", gpu + claude + proxy);
}
