// SPDX-License-Identifier: MIT
// "127.0.0.1:4000", "[::1]:4000", "name:4000", "*:4000" and what the sockets want. Any thread.
#ifndef HAWSER_TRANSPORT_OS_ADDRESS_H
#define HAWSER_TRANSPORT_OS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "actors/base/limits.h"

struct hwi_address {
    struct sockaddr_storage storage;
    socklen_t bytes;
    uint16_t
        port_last; // to listen: the last port to try, from the one in `storage` on; 0 = only that
};

enum hwi_address_lookup {
    HWI_ADDRESS_NUMERIC, // no look-up: never blocks
    HWI_ADDRESS_NAME,    // names too: may block for seconds
};

// Parses `text`; of a name's addresses the first IPv4 one is taken, else the first. NULL, or what
// is wrong with it (static text).
const char *hwi_address_parse(const char *text, enum hwi_address_lookup lookup,
                              struct hwi_address *address);
// The same of all addresses of a name, IPv4 before IPv6: the first `room` (at least 1) of them.
const char *hwi_address_parse_all(const char *text, struct hwi_address *list, uint32_t room,
                                  uint32_t *count);
// Numeric, IPv6 in brackets.
void hwi_address_print(const struct hwi_address *address, char text[HWI_ADDRESS_BYTES_MAX]);

uint16_t hwi_address_port(const struct hwi_address *address);
void hwi_address_set_port(struct hwi_address *address, uint16_t port);
bool hwi_address_is_wildcard(const struct hwi_address *address);
bool hwi_address_is_loopback(const struct hwi_address *address);

// The same host, whatever the ports.
bool hwi_address_same_host(const struct hwi_address *a, const struct hwi_address *b);
// This host's addresses at which others can reach it: of interfaces that are up, not loopback, not
// link-local; those of `family` (AF_INET6: both). Writes at most `room`, port 0; returns how many.
uint32_t hwi_address_of_host(int family, struct hwi_address *list, uint32_t room);

// The local address from which `remote` is reached, port 0; false if there is no route.
bool hwi_address_toward(const struct hwi_address *remote, struct hwi_address *local);

#endif
