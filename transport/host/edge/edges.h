// SPDX-License-Identifier: MIT
// The edges of a member, of any kind: their table, their states, and the reports to the peer actor.
// Host thread only.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_EDGES_H
#define HAWSER_TRANSPORT_HOST_EDGE_EDGES_H

#include "actors/loop/drain.h"
#include "transport/host/edge/edge.h"

enum {
    HWI_EDGES_MAX = HWI_MEMBERS_MAX,
    HWI_EDGE_KINDS_MAX = 4, // of one host
};

struct hwi_edges {
    int poller;                                      // borrowed
    struct hwi_drain *drain;                         // borrowed
    struct hwi_data *data;                           // borrowed
    struct hwi_edge_kind *kinds[HWI_EDGE_KINDS_MAX]; // owned; in the order in which they are asked
    uint32_t kind_count;
    struct hwi_edge **sorted; // by peer id
    uint32_t count, capacity;
    uint64_t dials_until_ns; // no edge's deadline is before it: all are looked at only then
    struct hwi_edge *dirty;
    struct hwi_edge *closed; // freed at the turn's end: the turn may still name them
    struct hwi_staging *staging;
    uint64_t downs; // edges that went down
    struct hwi_meters meters;
    uint64_t now_ns; // of the turn before, for the meters
};

// `edges` is zeroed memory that stays in place; the rest is borrowed until fini. False if memory is
// short.
bool hwi_edges_init(struct hwi_edges *edges, int poller, struct hwi_drain *drain,
                    struct hwi_data *data);
// One more kind, asked after those that are there; takes. Before the first edge is opened. False if
// it is NULL.
bool hwi_edges_add(struct hwi_edges *edges, struct hwi_edge_kind *kind);
// Closes everything quietly and frees. Nothing if init did not succeed.
void hwi_edges_fini(struct hwi_edges *edges);

// After a failed check: closes all descriptors and touches nothing else.
void hwi_edges_abandon(struct hwi_edges *edges);

// The peer actor's edge_open and edge_close.
void hwi_edges_open(struct hwi_edges *edges, const struct hwi_msg_edge_open *want);
void hwi_edges_close(struct hwi_edges *edges, uint64_t peer);

// The data port's kick and broken: noted, done by the next settle.
void hwi_edges_kick(struct hwi_edges *edges, uint64_t peer);
void hwi_edges_broken(struct hwi_edges *edges, uint64_t peer, const char *why);

// The poller's report on a kind's watch.
void hwi_edges_ready(struct hwi_edges *edges, const struct hwi_ready *ready);
// Writes what waits on the noted edges and takes down the broken ones; true if bytes are left over
// for the next turn.
bool hwi_edges_settle(struct hwi_edges *edges);
// Frees what was closed: nothing from the poller's last answer is looked at after it.
void hwi_edges_bury(struct hwi_edges *edges);

// Deadlines: drops what is late; the next time to call again.
void hwi_edges_expire(struct hwi_edges *edges, uint64_t now_ns);
uint64_t hwi_edges_next_deadline(const struct hwi_edges *edges);

// Incoming connections that were dropped before they were proven, of all kinds.
uint64_t hwi_edges_refused(const struct hwi_edges *edges);

#endif
