#include "run/meter.h"

#include <math.h>

#include "base/clock.h"

/* Two buckets belong to model readers only; callers expect every name, so they are there as zeros.
 */
static const struct {
    const char *key;
    int bucket; /* -1: none of ours */
} names[] = {
    {"perceive", METER_PERCEIVE},
    {"think", METER_THINK},
    {"act", METER_ACT},
    {"settle", METER_SETTLE},
    {"claude_ground", METER_GROUND},
    {"claude_extract", METER_EXTRACT},
    {"claude_verify", METER_VERIFY},
    {"claude_verify_haiku", -1},
    {"claude_verify_opus_escalation", -1},
    {"load", METER_LOAD},
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
    double known = 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        double s = names[i].bucket < 0 ? 0 : milli((double)m->us[names[i].bucket] / 1e6);
        json_put_num(out, names[i].key, s);
        known += s;
    }
    json_put_num(out, "overhead", milli(fmax(0, meter_elapsed_s(m) - known)));
    return out;
}

void meter_sum(json_t *total, const json_t *one)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)one, key, v)
        json_put_num(total, key, milli(json_num(total, key, 0) + json_number_value(v)));
}
