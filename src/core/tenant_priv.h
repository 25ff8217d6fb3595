/*
 * tenant_priv.h - a set of tokens from the inside: tenant.c asks it, tenant_keys.c makes it.
 */
#ifndef MANTIS_CORE_TENANT_PRIV_H
#define MANTIS_CORE_TENANT_PRIV_H

#include "base/id.h"
#include "core/tenant.h"

#define TOKEN_WORDS (ID_SHA256_BYTES / sizeof(uint64_t))

struct token_hash {
    uint64_t words[TOKEN_WORDS]; /* SHA-256 of the token as it is in memory */
};

struct tenant_entry {
    struct tenant tenant;
    bool disabled;
    int64_t not_before_us, expires_at_us; /* 0 and INT64_MAX: none */
};

struct tenant_set {
    /* beside the entries, so that a look at all of them touches little memory */
    struct token_hash *hashes;
    struct tenant_entry *entries;
    size_t n;
};

struct token_hash tenant_token_hash(const char *token);
const char *tenant_hash_hex(struct pool *pool, const struct token_hash *hash);

#endif
