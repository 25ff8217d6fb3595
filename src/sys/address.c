#include "sys/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

struct range {
    uint8_t net[16];
    int bits;
};

/* clang-format off */
static const struct range v4_special[] = {
    {{0},             8},  /* this network */
    {{10},            8},  /* private */
    {{100, 64},       10}, /* carrier-grade NAT */
    {{127},           8},  /* loopback */
    {{169, 254},      16}, /* link-local; the metadata services of clouds */
    {{172, 16},       12}, /* private */
    {{192, 0, 0},     24}, /* protocol assignments */
    {{192, 0, 2},     24}, /* documentation */
    {{192, 88, 99},   24}, /* 6to4 relays */
    {{192, 168},      16}, /* private */
    {{198, 18},       15}, /* benchmarks */
    {{198, 51, 100},  24}, /* documentation */
    {{203, 0, 113},   24}, /* documentation */
    {{224},           4},  /* multicast */
    {{240},           4},  /* reserved, broadcast */
};

static const struct range v6_global = {{0x20}, 3};
static const struct range v6_special[] = { /* inside v6_global */
    {{0x20, 0x01},             23}, /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02},             16}, /* 6to4 */
    {{0x3f, 0xff},             20}, /* documentation */
};

/* An IPv4 address in the last four bytes. */
static const struct range v6_holds_v4[] = {
    {{[10] = 0xff, [11] = 0xff},    96}, /* mapped */
    {{0x00, 0x64, 0xff, 0x9b},      96}, /* NAT64 */
};
/* clang-format on */

static bool in_range(const uint8_t *address, const struct range *r)
{
    int whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(address, r->net, (size_t)whole))
        return false;
    return !rest || ((address[whole] ^ r->net[whole]) >> (8 - rest)) == 0;
}

static bool in_any(const uint8_t *address, const struct range *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in_range(address, &list[i]))
            return true;
    return false;
}

static bool v4_is_public(const uint8_t *address)
{
    return !in_any(address, v4_special, ARRAY_SIZE(v4_special));
}

static bool v6_is_public(const uint8_t *address)
{
    if (in_any(address, v6_holds_v4, ARRAY_SIZE(v6_holds_v4)))
        return v4_is_public(address + 12);
    return in_range(address, &v6_global) && !in_any(address, v6_special, ARRAY_SIZE(v6_special));
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return v4_is_public((const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return v6_is_public(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    return false;
}

int address_text_is_public(const char *text)
{
    char bare[INET6_ADDRSTRLEN];
    uint8_t address[16];
    size_t len = strlen(text);
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof(bare))
        return -1;
    snprintf(bare, sizeof(bare), "%.*s", (int)len, text);
    if (inet_pton(AF_INET, bare, address) == 1)
        return v4_is_public(address);
    if (inet_pton(AF_INET6, bare, address) == 1)
        return v6_is_public(address);
    return -1;
}
