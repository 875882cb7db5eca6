// SPDX-License-Identifier: MIT
// The edges of a member: for each other member a set of stripes on both lanes, opened by one side,
// up when all are proven, down as a whole when one breaks. Host thread only.
#ifndef HAWSER_TRANSPORT_HOST_EDGES_H
#define HAWSER_TRANSPORT_HOST_EDGES_H

#include "actors/loop/drain.h"
#include "transport/host/address.h"
#include "transport/host/meters.h"
#include "transport/host/stripe.h"

enum {
    HWI_EDGES_MAX = HWI_MEMBERS_MAX,
    HWI_UNPROVEN_MAX = 256, // accepted connections that no edge has yet; more wait in the kernel
};

#define HWI_PROVE_NS_MAX (5 * HWI_NS_PER_S)       // from connecting, or accepting, to proven
#define HWI_ACCEPT_PAUSE_NS (100 * HWI_NS_PER_MS) // when the system has no descriptors left

enum hwi_edge_state {
    HWI_EDGE_DIALLING = 1,
    HWI_EDGE_EXPECTED, // the other side dials
    HWI_EDGE_UP,
    HWI_EDGE_CLOSED,
};

struct hwi_edge {
    struct hwi_msg_edge_open want; // what the peer actor asked for
    uint8_t state;                 // enum hwi_edge_state
    uint64_t attempt;              // of its stripes; 0 = none yet
    uint32_t count;                // stripes per lane of this attempt
    uint32_t proven;               // of both lanes
    uint64_t deadline_ns;          // while dialling
    struct hwi_stripe *stripes[HWI_LANES][HWI_STRIPES_MAX];
    const char *broken;           // static text: the data port wants it down
    struct hwi_edge_meter *meter; // while UP; NULL = none could be had
    bool dirty;                   // in the list of edges with something to do at the turn's end
    struct hwi_edge *next_dirty, *next_closed;
};

struct hwi_edges {
    int poller;              // borrowed
    struct hwi_drain *drain; // borrowed
    struct hwi_data *data;   // borrowed
    struct hwi_watch listener;
    uint64_t accept_after_ns; // 0 = the listener is not paused
    struct hwi_edge **sorted; // by peer id
    uint32_t count, capacity;
    uint64_t dials_until_ns; // no edge's deadline is before it: all are looked at only then
    struct hwi_edge *dirty;
    struct hwi_stripe *unproven; // oldest first
    uint32_t unproven_count;
    struct hwi_edge *closed_edges;     // freed at the turn's end: the turn may still
    struct hwi_stripe *closed_stripes; // name what was closed in its course
    struct hwi_staging *staging;
    uint64_t refused; // connections dropped before they were proven
    uint64_t downs;   // edges that went down
    struct hwi_meters meters;
    uint64_t now_ns; // of the turn before, for the meters
};

// Listens on `listen` (port 0 = any; then has it). `edges` is zeroed memory that stays in place;
// the rest is borrowed until fini. False with errno.
bool hwi_edges_init(struct hwi_edges *edges, int poller, struct hwi_drain *drain,
                    struct hwi_data *data, struct hwi_address *listen);
// Closes everything quietly and frees. Nothing if init did not succeed.
void hwi_edges_fini(struct hwi_edges *edges);

// After a failed check: closes all sockets and touches nothing else.
void hwi_edges_abandon(struct hwi_edges *edges);

// The peer actor's edge_open and edge_close.
void hwi_edges_open(struct hwi_edges *edges, const struct hwi_msg_edge_open *want);
void hwi_edges_close(struct hwi_edges *edges, uint64_t peer);

// The data port's kick and broken: noted, done by the next settle.
void hwi_edges_kick(struct hwi_edges *edges, uint64_t peer);
void hwi_edges_broken(struct hwi_edges *edges, uint64_t peer, const char *why);

// What the poller told of the listener or a stripe.
void hwi_edges_ready(struct hwi_edges *edges, const struct hwi_ready *ready);
// Writes what waits on the noted edges and takes down the broken ones; true if bytes are left over
// for the next turn.
bool hwi_edges_settle(struct hwi_edges *edges);
// Frees what was closed: nothing from the poller's last answer is looked at after it.
void hwi_edges_bury(struct hwi_edges *edges);

// Deadlines: drops what is late; the next time to call again.
void hwi_edges_expire(struct hwi_edges *edges, uint64_t now_ns);
uint64_t hwi_edges_next_deadline(const struct hwi_edges *edges);

// ---- between edges.c, dial.c and accept.c ------------------------------------------------------

struct hwi_edge *hwi_edges_find(struct hwi_edges *edges, uint64_t peer);
// Closes the edge's stripes and begins again: as if none had come.
void hwi_edge_reset(struct hwi_edges *edges, struct hwi_edge *edge);
// Closes and forgets the edge, and the peer actor hears edge_down with this sentence.
void hwi_edge_fail(struct hwi_edges *edges, struct hwi_edge *edge, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// One more stripe of it is proven; with the last one the edge is up.
void hwi_edge_proven(struct hwi_edges *edges, struct hwi_edge *edge, struct hwi_stripe *stripe);
// Closes the stripe; its memory goes at the turn's end.
void hwi_edges_close_stripe(struct hwi_edges *edges, struct hwi_stripe *stripe);

// Connects all stripes of a DIALLING edge; the edge may be gone afterwards.
void hwi_edge_dial(struct hwi_edges *edges, struct hwi_edge *edge);
// A CONNECTING or ASKING stripe is ready.
void hwi_stripe_dialled(struct hwi_edges *edges, struct hwi_stripe *stripe);

// Connections wait at the listener.
void hwi_edges_accept(struct hwi_edges *edges);
// An accepted stripe without an edge is ready.
void hwi_stripe_accepted(struct hwi_edges *edges, struct hwi_stripe *stripe);
// Gives an EXPECTED edge the stripes that came before it.
void hwi_edge_adopt(struct hwi_edges *edges, struct hwi_edge *edge);
// Unproven connections past their deadline are dropped; a paused listener may go on.
void hwi_edges_expire_unproven(struct hwi_edges *edges, uint64_t now_ns);
// Closes all unproven connections.
void hwi_edges_drop_unproven(struct hwi_edges *edges);

#endif
