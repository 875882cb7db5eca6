// SPDX-License-Identifier: MIT
// Descriptors that a child after fork must not keep: with a copy of them in a child, nobody notices
// that this process has died. Any thread.
#ifndef HAWSER_TRANSPORT_OS_OS_OWNED_H
#define HAWSER_TRANSPORT_OS_OS_OWNED_H

#include "transport/os/address.h"

// A child after fork closes its copy of `fd` (borrowed; below 0 = none). Closing it here needs no
// call: a descriptor that has become another file is left alone. Without memory the child keeps it.
void hwi_os_own(int fd);

// The same of the socket of this process that listens at `address` (borrowed until return), if
// there is one.
void hwi_os_own_listener(const struct hwi_address *address);

#endif
