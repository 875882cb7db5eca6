// SPDX-License-Identifier: MIT
// Shared by the files of the TCP kind. Only they and their tests include this.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_TCP_PORT_H
#define HAWSER_TRANSPORT_HOST_EDGE_TCP_PORT_H

#include "transport/host/edge/tcp/hello.h"
#include "transport/host/edge/tcp/tcp.h"

enum {
    HWI_TCP_UNPROVEN_MAX = 256, // accepted connections that no edge has yet; one more takes the
                                // place of the oldest silent one
    HWI_TCP_ACCEPTS_MAX = 64,   // in one turn of the host
    HWI_TCP_FRAMES_MAX = 8,     // that a stripe has in hand
    HWI_TCP_WHY_BYTES_MAX = 96,
};

#define HWI_TCP_PAUSE_NS (100 * HWI_NS_PER_MS) // when the system has no descriptors left

enum hwi_tcp_stripe_state {
    HWI_TCP_CONNECTING = 1, // dialled: no answer yet
    HWI_TCP_ASKING,         // dialled: hello sent, the ack not here
    HWI_TCP_HELLO,          // accepted: the hello is not whole
    HWI_TCP_WAITING,        // accepted: the hello is here, nobody wants it yet
    HWI_TCP_PROVEN,         // both sides know what it is; frames pass once its edge is up
    HWI_TCP_CLOSED,
};

struct hwi_tcp_edge;

// One connection: its way to being proven, then frames in and out.
struct hwi_tcp_stripe {
    struct hwi_edge_watch watch;
    uint8_t state;                          // enum hwi_tcp_stripe_state
    bool blocked;                           // the socket is full: wait until it is writable
    struct hwi_tcp_edge *edge;              // NULL while nobody wants it
    struct hwi_tcp_stripe *next;            // in the list of unproven ones, then of closed ones
    uint64_t deadline_ns;                   // of an unproven one
    struct hwi_hello hello;                 // sent, or received
    unsigned char partial[HWI_HELLO_BYTES]; // hello or ack of which more is to come
    uint32_t partial_bytes;
    struct hwi_stripe_reader reader;
    struct hwi_stripe_writer writer;
    struct hwi_frame_out frames[HWI_TCP_FRAMES_MAX]; // the writer's
};

struct hwi_tcp_edge {
    struct hwi_edge edge;
    uint64_t attempt; // of its stripes; 0 = none yet
    uint32_t count;   // stripes per lane of this attempt
    uint32_t proven;  // of both lanes
    struct hwi_tcp_stripe *stripes[HWI_LANES][HWI_STRIPES_MAX];
};

// The kind's part of a host.
struct hwi_tcp {
    struct hwi_edge_kind kind;
    struct hwi_edge_watch listener;
    uint64_t accept_after_ns;        // 0 = the listener is not paused
    struct hwi_tcp_stripe *unproven; // oldest first
    uint32_t unproven_count;
    struct hwi_tcp_stripe *closed; // freed at the turn's end
};

static inline struct hwi_tcp *hwi_tcp_of(const struct hwi_tcp_edge *edge)
{
    return (struct hwi_tcp *)edge->edge.kind; // its first member
}

static inline int hwi_tcp_poller(const struct hwi_tcp *tcp)
{
    return hwi_edges_poller(tcp->kind.edges);
}

// ---- tcp.c

// Closes the edge's stripes and begins again: as if none had come.
void hwi_tcp_edge_reset(struct hwi_tcp_edge *edge);
// One more stripe of it is proven; with the last one the edge is up.
void hwi_tcp_edge_proven(struct hwi_tcp_edge *edge, struct hwi_tcp_stripe *stripe);

// ---- dial.c

// Connects all stripes of a DIALLING edge; the edge may be gone afterwards.
void hwi_tcp_dial(struct hwi_tcp_edge *edge);
// A CONNECTING or ASKING stripe is ready.
void hwi_tcp_dialled(struct hwi_tcp_stripe *stripe);

// ---- accept.c

// Connections wait at the listener.
void hwi_tcp_accept(struct hwi_tcp *tcp);
// An accepted stripe without an edge is ready.
void hwi_tcp_accepted(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe);
// Gives an EXPECTED edge the stripes that came before it.
void hwi_tcp_adopt(struct hwi_tcp_edge *edge);
// Unproven connections past their deadline are dropped; a paused listener may continue.
void hwi_tcp_expire_unproven(struct hwi_tcp *tcp, uint64_t now_ns);
void hwi_tcp_drop_unproven(struct hwi_tcp *tcp);

// ---- stripe.c

// Takes `fd` on success; NULL if memory is short.
struct hwi_tcp_stripe *hwi_tcp_stripe_create(struct hwi_tcp *tcp, int fd,
                                             enum hwi_tcp_stripe_state state);
// Gives frames in hand back and closes it. Its memory goes at the turn's end.
void hwi_tcp_stripe_close(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe);
// Frames of a PROVEN stripe whose edge is up. It may be the end of the edge.
enum hwi_progress hwi_tcp_stripe_write(struct hwi_tcp_stripe *stripe);
void hwi_tcp_stripe_read(struct hwi_tcp_stripe *stripe);
// Reads on towards `bytes` of stripe->partial, never beyond; IDLE when they are there, BLOCKED
// while not, OVER with `why`.
enum hwi_progress hwi_tcp_stripe_read_partial(struct hwi_tcp_stripe *stripe, uint32_t bytes,
                                              char why[HWI_TCP_WHY_BYTES_MAX]);
// Writes a few bytes to a stripe that has sent next to nothing: all or nothing.
bool hwi_tcp_stripe_write_all(struct hwi_tcp_stripe *stripe, const unsigned char *bytes,
                              uint32_t count, char why[HWI_TCP_WHY_BYTES_MAX]);

#endif
