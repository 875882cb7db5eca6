// SPDX-License-Identifier: MIT
// The network between simulated processes: events, messages and frames on their way, connections,
// links. Each struct is owned as world.h says.
#ifndef HAWSER_TRANSPORT_SIM_NET_H
#define HAWSER_TRANSPORT_SIM_NET_H

#include "actors/wire/codec.h"
#include "transport/sim/sim.h"
#include "transport/stripe/stripe.h"

struct hwi_sim_process;
struct hwi_sim_conn;
struct hwi_sim_stripe;
struct hwi_sim_event;

// ---- packet.c: encoded messages. Counted references.

struct hwi_sim_packet {
    uint32_t references;
    uint32_t length;
    bool sealed; // a letter: the message's checksum is behind it; others are without damage
    struct hwi_sim_packet *next_free;
    struct hwi_msg *decoded; // of a shared packet, once one was delivered; owned
    void *decoded_block;
    size_t capacity;
    unsigned char bytes[];
};

// The packets of one step whose long lists are the same memory share one encoding.
struct hwi_sim_burst {
    uint64_t step; // number of the step they came from
    struct hwi_msg msg;
    struct hwi_sim_packet *packet; // a reference is owned; NULL = none
};

struct hwi_sim_packet *hwi_sim_packet_encode(struct hwi_sim *sim, const struct hwi_msg *msg);
// Of encoded bytes, which are borrowed until return.
struct hwi_sim_packet *hwi_sim_packet_of(struct hwi_sim *sim, const unsigned char *bytes,
                                         size_t length);
// The packet that a process of another build (not SAME) sends in place of `packet`, which is
// borrowed.
struct hwi_sim_packet *hwi_sim_packet_of_build(struct hwi_sim *sim,
                                               const struct hwi_sim_packet *packet,
                                               enum hwi_sim_build build);
// A message that nobody here knows, which such a process sends now and then; NULL = not now.
struct hwi_sim_packet *hwi_sim_packet_unknown(struct hwi_sim *sim);
// Encodes `msg` (borrowed until return). *flat is NULL, or owned (free()): then the packet's bytes
// are those of another message that differs in the fields of *flat only, lists excepted.
struct hwi_sim_packet *hwi_sim_packet_new(struct hwi_sim *sim, const struct hwi_msg *msg,
                                          struct hwi_msg **flat);
struct hwi_sim_packet *hwi_sim_packet_cut(struct hwi_sim *sim, const struct hwi_sim_packet *packet,
                                          uint32_t length);
// A copy that became a letter of `session` and of which one bit, drawn, was flipped.
struct hwi_sim_packet *hwi_sim_packet_flip(struct hwi_sim *sim, const struct hwi_sim_packet *packet,
                                           struct hwi_addr session);
// Its checksum holds, where it has one; then it has none any more.
bool hwi_sim_packet_open(struct hwi_sim_packet *packet, struct hwi_addr session);
void hwi_sim_packet_release(struct hwi_sim *sim, struct hwi_sim_packet *packet); // NULL allowed
// Decodes; false if the bytes are no message. *block is to be freed, or NULL: then what *msg points
// to is the packet's.
bool hwi_sim_packet_read(struct hwi_sim_packet *packet, const struct hwi_msg *flat,
                         struct hwi_msg *msg, void **block);
void hwi_sim_packets_fini(struct hwi_sim *sim);

// A frame on its way, as bytes. Counted references: its head, and then its tail, each hold one.
struct hwi_sim_flight {
    uint32_t references;
    uint32_t bytes; // header, payload and trailer
    uint32_t left;  // of them, so far
    bool damaged;
    unsigned char frame[];
};

// ---- events.c

// Something that will happen to a process. It waits while the process is frozen and is dropped once
// it is dead.
struct hwi_sim_event {
    uint64_t at_ns;
    uint64_t sequence; // orders equal times: filled in when it is first scheduled
    struct hwi_sim_process *process;
    void (*happen)(struct hwi_sim_process *process, struct hwi_sim_event *event);
    void (*refuse)(struct hwi_sim *sim, struct hwi_sim_event *event); // or NULL: process is dead
    struct hwi_sim_event *next;                                       // in a queue
    bool anyway;        // the network's doing: whether the process lives or is frozen
    bool travels, both; // waits while the link (or either direction) is blocked
    uint8_t lane;
    uint32_t generation;         // of the control connection
    uint32_t from_node, to_node; // if it travels
    struct hwi_addr from, to;
    struct hwi_sim_packet *packet; // one reference is owned
    struct hwi_msg *flat;          // see hwi_sim_packet_new: owned
    struct hwi_sim_process *other; // who sent it, if that matters
    struct hwi_sim_conn *conn;     // one reference is owned
    struct hwi_sim_stripe *stripe;
    struct hwi_sim_flight *flight; // one reference is owned
    uint64_t peer;
    uint64_t sent_ns;   // when it was handed to a control link
    const char *reason; // static
};

struct hwi_sim_queue {
    struct hwi_sim_event *first, *last;
    uint32_t count;
};

struct hwi_sim_slot {
    uint64_t at_ns;
    uint64_t sequence;
    struct hwi_sim_event *event;
};

struct hwi_sim_event *hwi_sim_event_new(struct hwi_sim *sim, struct hwi_sim_process *process,
                                        void (*happen)(struct hwi_sim_process *,
                                                       struct hwi_sim_event *));
void hwi_sim_event_free(struct hwi_sim *sim, struct hwi_sim_event *event); // takes
// Schedules it `delay_ns` from now; takes it.
void hwi_sim_schedule(struct hwi_sim *sim, struct hwi_sim_event *event, uint64_t delay_ns);
uint64_t hwi_sim_event_time(const struct hwi_sim *sim);        // of the earliest; HWI_NEVER = none
struct hwi_sim_event *hwi_sim_event_take(struct hwi_sim *sim); // the earliest: returns owned
void hwi_sim_events_fini(struct hwi_sim *sim);
void hwi_sim_queue_add(struct hwi_sim_queue *queue, struct hwi_sim_event *event); // takes
struct hwi_sim_event *hwi_sim_queue_take(struct hwi_sim_queue *queue); // owned; NULL = empty
void hwi_sim_queue_drop(struct hwi_sim *sim, struct hwi_sim_queue *queue);
// Schedules all of it now, each at its old place among its equals.
void hwi_sim_queue_release(struct hwi_sim *sim, struct hwi_sim_queue *queue);

// ---- connections between members

// One TCP connection of one lane, in one direction.
struct hwi_sim_stripe {
    struct hwi_sim_conn *conn;
    uint8_t from; // which end sends
    uint8_t lane;
    uint32_t index;
    uint32_t in_flight;            // frames, from the first byte's leaving to the last's arrival
    uint64_t last_ns;              // nothing on it arrives before what was sent before
    struct hwi_sim_flight *flight; // the frame that is leaving, or NULL: a reference is owned
    uint64_t left;                 // of it: bytes * 10^9 that have not left
    uint64_t began_ns;             // it, to leave
    struct hwi_frame_out out;      // it: the writer's ring
    struct hwi_stripe_writer writer;
    struct hwi_stripe_reader reader;
    void *wire; // what carries its bytes, once some have left. Owned; NULL = flights do
};

// All stripes between two processes, from a dial to the first break. Counted references: its two
// lists while it is open, edges, events.
struct hwi_sim_conn {
    uint32_t references;
    uint32_t stripes;                    // per lane and direction
    const struct hwi_sim_wire_ops *wire; // borrowed; NULL = flights keep their bytes
    struct hwi_sim_process *ends[2];     // 0 dialled
    uint64_t peers[2];                   // [0] from the hello, [1] from the dialler's edge_open
    uint64_t wanted;                     // the incarnation that is dialled
    struct hwi_sim_conn *next[2], *previous[2]; // in the lists of the ends
    bool open;                                  // nobody closed or broke it
    bool waits;                                 // its hello came and found nobody
    uint64_t up_ns[2];                          // no frame reaches the end before
    struct hwi_sim_stripe *lanes[2][HWI_LANES]; // made when the first frame leaves
};

// A member that the peer actor wants stripes to.
struct hwi_sim_edge {
    uint64_t peer; // 0 = no edge here
    uint64_t incarnation;
    struct hwi_sim_conn *conn; // NULL = waits for a hello; else a reference is owned
    bool up;
};

// Open addressing by peer id.
struct hwi_sim_edges {
    struct hwi_sim_edge *slots;
    uint32_t count, capacity; // 0 or a power of two
};

// ---- links

// The settings for one direction between two nodes; see link.c.
struct hwi_sim_pair {
    uint32_t from, to;
    struct hwi_sim_link link;
    bool blocked, cut;
    uint64_t blocked_ns; // since when
    struct hwi_sim_queue held;
};

struct hwi_sim_pairs {
    struct hwi_sim_pair **slots; // by (from, to)
    uint32_t count, capacity;    // 0 or a power of two
};

// The behaviour of a link, all settings together.
struct hwi_sim_quality {
    struct hwi_sim_link link;
    uint64_t node_ns; // of the delay: what the nodes' own settings add at least
};

// One direction of a control connection.
struct hwi_sim_pipe {
    uint64_t last_ns;           // nothing arrives before what was sent before
    struct hwi_sim_queue queue; // waits for bandwidth
    uint64_t left;              // of the first: bytes * 10^9 that have not left
    bool running;               // an event will look after it
};

// A member's control connection.
struct hwi_sim_control {
    bool down;
    uint32_t generation;          // counts connections: messages of another one are lost
    uint64_t until_ns;            // while down: not before
    struct hwi_sim_pipe pipes[2]; // to the master, to the member
    struct hwi_sim_queue waiting; // what the member says while down
};

#endif
