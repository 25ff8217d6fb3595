/*
 * id.h - random ids, hashes and the comparison of secrets (OpenSSL libcrypto).
 */
#ifndef MANTIS_BASE_ID_H
#define MANTIS_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

#define ID_RUN_BYTES 25        /* "YYYYMMDD_HHMMSS_xxxxxxxx" and NUL (http-api.md section 13) */
#define ID_SHA256_HEX_BYTES 65 /* 64 hex digits and NUL */
#define ID_NAME_MAX 128        /* longest sanitised id we accept, in bytes, NUL not counted */

/* bytes random bytes as lower-case hex; out holds 2 * bytes + 1. */
void id_random_hex(size_t bytes, char *out);

/* A fresh run id from the UTC wall clock and four random bytes. */
void id_run(char out[ID_RUN_BYTES]);

#define ID_SHA256_BYTES 32
void id_sha256(const void *data, size_t len, unsigned char out[ID_SHA256_BYTES]);
void id_sha256_hex(const void *data, size_t len, char out[ID_SHA256_HEX_BYTES]);

/* The first len - 1 hex digits of SHA-1, NUL added: for names of versions, not for secrets. */
void id_sha1_hex(const void *data, size_t data_len, char *out, size_t len);

/* HMAC-SHA256 of data under key, a NUL-terminated text. */
void id_hmac_sha256_hex(const char *key, const void *data, size_t len, char out[ID_SHA256_HEX_BYTES]);

/* Runs of characters outside [A-Za-z0-9_.-] become one '_', then leading and trailing '.' and '_'
 * go; empty becomes "micro_state". out holds len bytes, NUL included; longer results are cut. */
void id_sanitise(const char *in, char *out, size_t len);

/* True when in is what id_sanitise() would print and at most ID_NAME_MAX bytes. */
bool id_is_clean(const char *in);

/* True for a file name and nothing else: not "", no leading dot, no '/', no control characters. */
bool id_is_file_name(const char *name);

/* Equal without telling by time where they differ or how long the secret is: both are hashed first. */
bool id_secret_equal(const char *a, const char *b);

#endif
