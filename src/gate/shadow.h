/*
 * shadow.h - which side of live traffic a key goes to. The same key and salt go to the same side for ever;
 * raising the percentage only moves keys from the baseline to the candidate.
 * Source: promotion.md section 10. Threads: any.
 */
#ifndef MANTIS_GATE_SHADOW_H
#define MANTIS_GATE_SHADOW_H

#define SHADOW_BASELINE  "baseline"
#define SHADOW_CANDIDATE "candidate"

/* 0.00 to 99.99: the first four bytes, big-endian, of SHA-1("salt:key"), modulo 10000, by 100. */
double shadow_bucket(const char *salt, const char *key);

/* SHADOW_BASELINE or SHADOW_CANDIDATE. candidate_pct outside 0..100 is taken as the nearer end, no number
 * as 0; an empty key is never the candidate's. */
const char *shadow_variant(double candidate_pct, const char *salt, const char *key);

#endif
