// SPDX-License-Identifier: MIT
#include "transport/data/edge.h"
#include "transport/data/incoming.h"
#include "transport/data/port.h"

struct hwi_port_edge *hwi_port_edge_find(const struct hwi_data *data, uint64_t peer)
{
    struct hwi_link *link = hwi_index_find(&data->edges, hwi_mix(0, peer));

    while (link != NULL && ((struct hwi_port_edge *)link)->peer != peer) {
        link = hwi_index_same(link);
    }
    return (struct hwi_port_edge *)link;
}

struct hwi_port_edge *hwi_port_edge_next(const struct hwi_data *data,
                                         const struct hwi_port_edge *edge)
{
    return (struct hwi_port_edge *)hwi_index_next(&data->edges, edge != NULL ? &edge->link : NULL);
}

void hwi_data_edge_add(struct hwi_data *data, uint64_t peer)
{
    if (hwi_port_edge_find(data, peer) != NULL) {
        return;
    }
    struct hwi_port_edge *edge = hwi_new(data->alloc, sizeof *edge);
    edge->peer = peer;
    hwi_index_add(&data->edges, &edge->link, hwi_mix(0, peer));
}

void hwi_data_edge_remove(struct hwi_data *data, uint64_t peer)
{
    struct hwi_port_edge *edge = hwi_port_edge_find(data, peer);

    if (edge == NULL) {
        return;
    }
    hwi_frames_out_abandon_edge(data, peer);
    hwi_frames_in_discard_edge(data, peer);
    hwi_queue_drop_all(data, edge);
    hwi_stash_drop(data, edge);
    hwi_index_remove(&data->edges, &edge->link);
    hwi_free(data->alloc, edge);
}
