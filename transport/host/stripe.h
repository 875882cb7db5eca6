// SPDX-License-Identifier: MIT
// One TCP connection between two processes: its way to being proven, then frames in and out.
// Host thread only.
#ifndef HAWSER_TRANSPORT_HOST_STRIPE_H
#define HAWSER_TRANSPORT_HOST_STRIPE_H

#include "transport/data/data.h"
#include "transport/host/hello.h"
#include "transport/host/os_epoll.h"

enum {
    HWI_STRIPE_FRAMES_MAX = 8,           // frames a stripe has in hand
    HWI_STRIPE_GATHER_BYTES = 64 << 10,  // it takes no further frame with this many in hand
    HWI_STRIPE_TURN_BYTES_MAX = 1 << 20, // read or written before the others have their turn
    HWI_STAGING_BYTES = 64 << 10,        // headers, trailers and small payloads are read here
};

enum hwi_stripe_state {
    HWI_STRIPE_CONNECTING = 1, // dialled: no answer yet
    HWI_STRIPE_ASKING,         // dialled: hello sent, the ack not here
    HWI_STRIPE_HELLO,          // accepted: the hello is not whole
    HWI_STRIPE_WAITING,        // accepted: the hello is here, nobody wants it yet
    HWI_STRIPE_PROVEN,         // both sides know what it is; frames pass once its edge is up
    HWI_STRIPE_CLOSED,
};

struct hwi_edge;

struct hwi_stripe {
    struct hwi_watch watch;
    uint8_t state;           // enum hwi_stripe_state
    bool blocked;            // the socket is full: wait until it is writable
    struct hwi_edge *edge;   // NULL while nobody wants it
    struct hwi_stripe *next; // in the list of unproven ones, then of closed ones
    uint64_t deadline_ns;    // of an unproven one
    struct hwi_hello hello;  // sent, or received
    // Hello, ack, header or trailer of which more is to come
    unsigned char partial[HWI_HELLO_BYTES];
    uint32_t partial_bytes;

    bool arriving;       // `in` is held
    uint32_t in_written; // payload bytes of it received
    struct hwi_frame_in in;

    struct hwi_frame_out out[HWI_STRIPE_FRAMES_MAX]; // a ring: the core holds pointers into it
    uint32_t out_first, out_count;

    uint64_t bytes_sent, bytes_received; // since it is proven, headers included
};

// Memory that all stripes of a host read through; nothing stays in it between calls.
struct hwi_staging {
    unsigned char bytes[HWI_STAGING_BYTES];
    unsigned char sink[HWI_STAGING_BYTES]; // what nobody wants
};

enum hwi_progress {
    HWI_PROGRESS_IDLE,    // all there was is done
    HWI_PROGRESS_BLOCKED, // write: the socket is full
    HWI_PROGRESS_MORE,    // the turn's bytes are used up
    HWI_PROGRESS_OVER,    // the stripe is broken; *why says so
};

enum { HWI_WHY_BYTES_MAX = 96 };

// Takes `fd` on success; NULL if memory is short.
struct hwi_stripe *hwi_stripe_create(int fd, enum hwi_stripe_state state);
// Gives frames in hand back to `data` (NULL if it has none), closes. The memory stays until free().
void hwi_stripe_close(struct hwi_stripe *stripe, int poller, struct hwi_data *data);

// Reads what is there and hands whole frames from `peer` to `data`.
enum hwi_progress hwi_stripe_read(struct hwi_stripe *stripe, struct hwi_data *data, uint64_t peer,
                                  struct hwi_staging *staging, char why[HWI_WHY_BYTES_MAX]);
// Writes frames for `peer` from `data` until none waits or the socket is full.
enum hwi_progress hwi_stripe_write(struct hwi_stripe *stripe, struct hwi_data *data, uint64_t peer,
                                   char why[HWI_WHY_BYTES_MAX]);

// Reads on towards `bytes` of stripe->partial, never beyond; IDLE when they are there.
enum hwi_progress hwi_stripe_read_partial(struct hwi_stripe *stripe, uint32_t bytes,
                                          char why[HWI_WHY_BYTES_MAX]);
// Writes a few bytes to a stripe that has sent next to nothing: all or nothing.
bool hwi_stripe_write_all(struct hwi_stripe *stripe, const unsigned char *bytes, uint32_t count,
                          char why[HWI_WHY_BYTES_MAX]);

#endif
