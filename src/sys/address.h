/*
 * address.h - is a network address one that anybody on the internet could be asked about, or one of
 * this machine's surroundings?
 *
 * Public is what the IANA special-purpose registries call globally reachable; an IPv4 address inside
 * an IPv6 one (mapped, NAT64) counts as itself. Source: iana.org/assignments/iana-ipv4-special-registry
 * and iana-ipv6-special-registry; RFC 6890, 6052, 4291.
 */
#ifndef MANTIS_SYS_ADDRESS_H
#define MANTIS_SYS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for every family but IPv4 and IPv6 too. */
bool address_is_public(const struct sockaddr *address);

/* 1 public, 0 not, -1 when text is no address ("10.0.0.1", "::1", "[::1]"). */
int address_text_is_public(const char *text);

#endif
