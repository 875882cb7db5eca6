// SPDX-License-Identifier: MIT
// Edges over TCP: a connection for each stripe of each lane. The dialler says hello on each, the
// other side answers once its peer actor expects it (hello.h). Host thread only.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_TCP_TCP_H
#define HAWSER_TRANSPORT_HOST_EDGE_TCP_TCP_H

#include "transport/host/edge/edge.h"
#include "transport/os/address.h"

extern const struct hwi_edge_ops hwi_tcp_ops;

// Listens on `listen` (port 0 = any; then has it). `edges` is borrowed until destroy. Returns owned
// (hwi_edges_add takes it), or NULL with errno.
struct hwi_edge_kind *hwi_tcp_create(struct hwi_edges *edges, struct hwi_address *listen);

#endif
