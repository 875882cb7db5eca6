// SPDX-License-Identifier: MIT
// The state that the port keeps for each edge: queues, and a stash.
#ifndef HAWSER_TRANSPORT_DATA_EDGE_H
#define HAWSER_TRANSPORT_DATA_EDGE_H

#include "transport/data/index.h"
#include "transport/data/outgoing.h"
#include "transport/data/stash.h"

struct hwi_port_edge {
    struct hwi_link link;
    uint64_t peer;
    struct hwi_queue queues[HWI_LANES][HWI_URGENCIES];
    struct hwi_stash stash;
};

struct hwi_port_edge *hwi_port_edge_find(const struct hwi_data *data, uint64_t peer);
struct hwi_port_edge *hwi_port_edge_next(const struct hwi_data *data,
                                         const struct hwi_port_edge *edge);

#endif
