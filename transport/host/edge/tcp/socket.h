// SPDX-License-Identifier: MIT
// TCP sockets as stripes want them: non-blocking, no delay, little unsent data in the kernel.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_TCP_SOCKET_H
#define HAWSER_TRANSPORT_HOST_EDGE_TCP_SOCKET_H

#include "transport/os/address.h"

// Listens on `address`: any port (0), or the first free one of its range, which *address has then.
// Returns owned, or -1 with errno.
int hwi_socket_listen(struct hwi_address *address);
// Begins to connect: done when writable. Returns owned, or -1 with errno.
int hwi_socket_dial(const struct hwi_address *address);
// Options of an open stripe, dialled or accepted.
void hwi_socket_tune(int fd);
// The error that a connect ended with; 0 = connected.
int hwi_socket_error(int fd);

#endif
