#include "run/meter.h"

#include <math.h>

#include "base/clock.h"

static const char *const names[METER_N] = {
    [METER_PERCEIVE] = "perceive",
    [METER_THINK] = "think",
    [METER_ACT] = "act",
    [METER_SETTLE] = "settle",
    [METER_GROUND] = "claude_ground",
    [METER_EXTRACT] = "claude_extract",
    [METER_VERIFY] = "claude_verify",
    [METER_LOAD] = "load",
};

void meter_start(struct meter *m)
{
    *m = (struct meter){.start_us = clock_mono_us()};
}

void meter_add(struct meter *m, enum meter_bucket bucket, int64_t us)
{
    if (us > 0)
        m->us[bucket] += us;
}

double meter_elapsed_s(const struct meter *m)
{
    return (double)(clock_mono_us() - m->start_us) / 1e6;
}

static double milli(double seconds)
{
    return round(seconds * 1000.0) / 1000.0;
}

json_t *meter_to_json(const struct meter *m)
{
    json_t *out = json_object();
    for (size_t i = 0; i < METER_N; i++) {
        double s = milli((double)m->us[i] / 1e6);
        if (s > 0)
            json_put_num(out, names[i], s);
    }
    return out;
}

void meter_sum(json_t *total, const json_t *one)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)one, key, v)
        json_put_num(total, key, milli(json_num(total, key, 0) + json_number_value(v)));
}
