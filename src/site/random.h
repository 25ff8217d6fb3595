/*
 * random.h - numbers that are the same on every machine for the same seed (splitmix64, Steele et
 * al. 2014). For practice data only.
 */
#ifndef MANTIS_SITE_RANDOM_H
#define MANTIS_SITE_RANDOM_H

#include <stdint.h>

struct site_random {
    uint64_t state;
};

static inline uint64_t site_random_next(struct site_random *r)
{
    uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline int site_random_below(struct site_random *r, int n)
{
    return (int)(site_random_next(r) % (uint64_t)n);
}

#endif
