#include "base/id.h"
#include "base/clock.h"
#include "base/err.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void to_hex(const unsigned char *in, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = 0;
}

void id_random_hex(size_t bytes, char *out)
{
    unsigned char raw[64];
    if (bytes > sizeof(raw))
        BUG("id_random_hex: %zu bytes", bytes);
    if (RAND_bytes(raw, (int)bytes) != 1)
        BUG("no randomness");
    to_hex(raw, bytes, out);
}

void id_run(char out[ID_RUN_BYTES])
{
    time_t s = (time_t)(clock_wall_us() / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    strftime(out, ID_RUN_BYTES, "%Y%m%d_%H%M%S_", &tm);
    id_random_hex(4, out + 16);
}

void id_sha256(const void *data, size_t len, unsigned char out[ID_SHA256_BYTES])
{
    unsigned int md_len = 0;
    if (!EVP_Digest(data, len, out, &md_len, EVP_sha256(), NULL) || md_len != ID_SHA256_BYTES)
        BUG("SHA-256 failed");
}

void id_sha256_hex(const void *data, size_t len, char out[ID_SHA256_HEX_BYTES])
{
    unsigned char md[ID_SHA256_BYTES];
    id_sha256(data, len, md);
    to_hex(md, sizeof(md), out);
}

void id_sha1_hex(const void *data, size_t data_len, char *out, size_t len)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned int md_len = 0;
    if (!EVP_Digest(data, data_len, md, &md_len, EVP_sha1(), NULL) || len > 2 * md_len + 1)
        BUG("SHA-1 failed");
    to_hex(md, md_len, hex);
    memcpy(out, hex, len - 1);
    out[len - 1] = '\0';
}

void id_hmac_sha256_hex(const char *key, const void *data, size_t len,
                        char out[ID_SHA256_HEX_BYTES])
{
    unsigned char md[ID_SHA256_BYTES];
    size_t key_len = strlen(key);
    if (key_len > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_len, data, len, md, NULL))
        BUG("HMAC-SHA256 failed");
    to_hex(md, sizeof(md), out);
}

static bool allowed(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

void id_sanitise(const char *in, char *out, size_t len)
{
    size_t n = 0;
    bool in_run = false;
    for (; *in && n + 1 < len; in++) {
        if (allowed(*in))
            out[n++] = *in;
        else if (!in_run)
            out[n++] = '_';
        in_run = !allowed(*in);
    }
    while (n && (out[n - 1] == '.' || out[n - 1] == '_'))
        n--;
    out[n] = 0;
    size_t lead = strspn(out, "._");
    memmove(out, out + lead, n - lead + 1);
    if (!out[0])
        snprintf(out, len, "micro_state");
}

bool id_is_clean(const char *in)
{
    char clean[ID_NAME_MAX + 2];
    if (!in[0] || strlen(in) > ID_NAME_MAX)
        return false;
    id_sanitise(in, clean, sizeof(clean));
    return strcmp(in, clean) == 0;
}

bool id_is_file_name(const char *name)
{
    if (!*name || *name == '.')
        return false;
    for (const char *p = name; *p; p++)
        if (*p == '/' || (unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    return true;
}

bool id_secret_equal(const char *a, const char *b)
{
    char ha[ID_SHA256_HEX_BYTES], hb[ID_SHA256_HEX_BYTES];
    id_sha256_hex(a, strlen(a), ha);
    id_sha256_hex(b, strlen(b), hb);
    return CRYPTO_memcmp(ha, hb, ID_SHA256_HEX_BYTES) == 0;
}
