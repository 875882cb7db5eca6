// SPDX-License-Identifier: MIT
// Which kinds of edges a member has, in the order in which they are asked. A new kind is one more
// line here.
#include "transport/host/edge/tcp/tcp.h"
#include "transport/host/loop.h"

static hwi_edge_make_fn first_kind;

void hwi_host_edge_kind(hwi_edge_make_fn make)
{
    first_kind = make;
}

bool hwi_host_open_edges(struct hwi_host *host, struct hwi_address *listen)
{
    struct hwi_edges *edges = &host->edges;
    if (!hwi_edges_init(edges, host->poller, host->drain, host->data)) {
        return false;
    }
    if (first_kind != NULL && !hwi_edges_add(edges, first_kind(edges))) {
        return false;
    }
    return hwi_edges_add(edges, hwi_tcp_create(edges, listen));
}
