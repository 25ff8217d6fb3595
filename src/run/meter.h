/*
 * meter.h - where a run's time goes (agent-loop.md section 17). Money joins it with the first model
 * that costs some: the page brain and reader cost nothing.
 */
#ifndef MANTIS_RUN_METER_H
#define MANTIS_RUN_METER_H

#include <stdint.h>

#include "base/json.h"

enum meter_bucket {
    METER_PERCEIVE,
    METER_THINK,
    METER_ACT,
    METER_SETTLE,
    METER_GROUND,  /* reader: where is it */
    METER_EXTRACT, /* reader: what does it say */
    METER_VERIFY,  /* reader: is it so */
    METER_LOAD,    /* navigations */
    METER_N,
};

struct meter {
    int64_t us[METER_N];
    int64_t start_us;
};

void meter_start(struct meter *m);
void meter_add(struct meter *m, enum meter_bucket bucket, int64_t us);
double meter_elapsed_s(const struct meter *m);

/* The buckets in which time passed, in seconds with three decimals. A result names them all, and what
 * none of them explains as "overhead" (core/result.c). New reference. */
json_t *meter_to_json(const struct meter *m);

/* total += one, bucket by bucket. */
void meter_sum(json_t *total, const json_t *one);

#endif
