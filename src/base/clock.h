/*
 * clock.h - the two clocks, fakeable in tests.
 * Deadlines use the monotonic clock; what callers see uses the wall clock.
 */
#ifndef MANTIS_BASE_CLOCK_H
#define MANTIS_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_us(void); /* since 1970, UTC */

#define DAY_US (INT64_C(24) * 3600 * 1000000) /* days begin where the wall clock divides by it */

/* "2026-03-04T05:06:07.123456+00:00": always six fractional digits, so string order is time order
 * (http-api.md section 1). Returns out. */
#define CLOCK_ISO_BYTES 33
const char *clock_iso(int64_t wall_us, char out[CLOCK_ISO_BYTES]);

/* Such a text, or a shorter form of it: without fraction, seconds, clock or zone (then UTC), with "Z" or a
 * blank instead of the 'T'. False: it is no time. */
bool clock_parse_iso(const char *text, int64_t *ret_us);

/* Whole days since a text that begins with an ISO date; -1 when it does not, or is to come. */
int clock_days_since(const char *iso_date);

/* Tests only: freeze both clocks at these values; clock_fake_off() goes back to the real ones. */
void clock_fake(int64_t mono_us, int64_t wall_us);
void clock_fake_off(void);

/* Tests only: both clocks are ahead by this much more. */
void clock_skip_ms(int64_t ms);

#endif
