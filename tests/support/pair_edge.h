// SPDX-License-Identifier: MIT
// A second kind of edges, for tests: stripes are socket pairs within this process. The side that
// dials makes them and leaves the far ends in a registry of the process; the side whose peer actor
// expects the edge takes them from there and answers each with one byte. No address is looked at.
#ifndef HAWSER_TESTS_SUPPORT_PAIR_EDGE_H
#define HAWSER_TESTS_SUPPORT_PAIR_EDGE_H

#include "transport/host/host.h"

// For hwi_host_edge_kind: all edges, all with sealed streams, or those alone whose two peer ids are
// odd in sum.
struct hwi_edge_kind *pair_edge_all(struct hwi_edges *edges);
struct hwi_edge_kind *pair_edge_sealed(struct hwi_edges *edges);
struct hwi_edge_kind *pair_edge_odd(struct hwi_edges *edges);

// Since the process began. Any thread.
struct pair_edge_counts {
    uint64_t ups;   // ends of edges that came up
    uint64_t bytes; // written, headers included
};
struct pair_edge_counts pair_edge_counts(void);

#endif
