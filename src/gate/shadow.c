#include "gate/shadow.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* In hundredths of a percent. */
static uint32_t bucket_of(const char *salt, const char *key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
    if (!sha1 || !EVP_DigestInit_ex(sha1, EVP_sha1(), NULL) || !EVP_DigestUpdate(sha1, salt, strlen(salt)) ||
        !EVP_DigestUpdate(sha1, ":", 1) || !EVP_DigestUpdate(sha1, key, strlen(key)) ||
        !EVP_DigestFinal_ex(sha1, digest, NULL))
        BUG("shadow: libcrypto gives no SHA-1");
    EVP_MD_CTX_free(sha1);
    uint32_t first = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
    return first % 10000;
}

double shadow_bucket(const char *salt, const char *key)
{
    return bucket_of(salt, key) / 100.0;
}

const char *shadow_variant(double candidate_pct, const char *salt, const char *key)
{
    if (!*key || !(candidate_pct > 0))
        return SHADOW_BASELINE;
    if (candidate_pct >= 100)
        return SHADOW_CANDIDATE;
    return shadow_bucket(salt, key) < candidate_pct ? SHADOW_CANDIDATE : SHADOW_BASELINE;
}
