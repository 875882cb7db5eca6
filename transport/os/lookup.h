// SPDX-License-Identifier: MIT
// Looking up names under a deadline, and finding which of a name's addresses answers. Any thread.
#ifndef HAWSER_TRANSPORT_OS_LOOKUP_H
#define HAWSER_TRANSPORT_OS_LOOKUP_H

#include "transport/os/address.h"

enum { HWI_LOOKUP_ADDRESSES_MAX = 8 };

// The addresses of "HOST:PORT" or "[IPV6]:PORT", IPv4 before IPv6, within `within_ms`: a name
// service that does not answer is left to a thread of its own, which ends when the system's
// resolver does. NULL, or what is wrong (static text).
const char *hwi_look_up(const char *text, uint32_t within_ms,
                        struct hwi_address list[HWI_LOOKUP_ADDRESSES_MAX], uint32_t *count);

// The first of `count` addresses (1 to HWI_LOOKUP_ADDRESSES_MAX; borrowed until return) at which a
// server accepts connections, which are closed again; it tries all of them until `within_ms` have
// passed. Returns its index, or -1.
int hwi_first_that_accepts(const struct hwi_address *list, uint32_t count, uint32_t within_ms);

#endif
