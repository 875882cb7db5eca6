// SPDX-License-Identifier: MIT
// Where to listen: an address or an interface of this host, with a port or a range of ports. Any
// thread.
#ifndef HAWSER_TRANSPORT_OS_LISTEN_H
#define HAWSER_TRANSPORT_OS_LISTEN_H

#include "transport/os/address.h"

enum { HWI_LISTEN_WHY_BYTES = 128 };

// Parses "HOST:PORTS", "[IPV6]:PORTS", "INTERFACE:PORTS" and "INTERFACE" (any port). PORTS is one
// port, 0 = any, or a range such as 5000-5010. An interface stands for its first IPv4 address, else
// for its first IPv6 address that is not link-local. A name may take seconds to look up. True and
// *address, with port_last; or false and what is wrong in `why` (HWI_LISTEN_WHY_BYTES).
bool hwi_listen_parse(const char *text, struct hwi_address *address, char *why);

// The next port of the range; false if the last one was tried.
bool hwi_listen_next(struct hwi_address *address);

#endif
