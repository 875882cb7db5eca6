// SPDX-License-Identifier: MIT
// The relay: sends what this process's ring says to tools that trace the whole run, through the
// master's control socket; and on a master lets the members' pieces pass. Bounded in every way: how
// many tools, how often, how many bytes; what does not fit is dropped, and the records' numbers
// tell the tool exactly how many. Nothing of it passes an actor, so tracing is not traced. Host
// thread.
#ifndef HAWSER_TRANSPORT_HOST_RELAY_H
#define HAWSER_TRANSPORT_HOST_RELAY_H

#include "actors/loop/ring.h"

struct hwi_control;

// A tool that this ring is sent to.
struct hwi_relay_tool {
    uint64_t id;       // its session; 0 = free
    uint64_t until_ns; // when it ends
    uint64_t bytes_per_s;
    uint64_t paid_ns; // what was sent is paid for by then
    uint64_t said_ns; // when the last batch went
    uint64_t first;   // number of the first record that it is sent
    struct hwi_ring_reader reader;
};

// A master's: a tool that asked, to which members' batches may pass.
struct hwi_relay_guest {
    uint64_t id; // its session; 0 = free
    uint64_t until_ns;
    uint64_t bytes_per_s;
    uint64_t paid_ns;
    uint64_t asked_ns;
};

struct hwi_relay {
    struct hwi_control *control; // borrowed
    const void *ring;            // borrowed; NULL = there is none
    size_t ring_bytes;
    struct hwi_relay_tool tools[HWI_TRACE_TOOLS_MAX];
    struct hwi_relay_guest guests[HWI_TRACE_TOOLS_MAX];
    struct hwi_trace_record *records; // of one batch; owned once somebody asked
    uint64_t next_ns;                 // next turn; HWI_NEVER = nobody is sent to
    uint32_t last;                    // index of the tool that was sent to last
    uint64_t dropped;                 // batches and questions that did not fit
};

// `control` and the ring's memory are borrowed until fini.
void hwi_relay_init(struct hwi_relay *relay, struct hwi_control *control, const void *ring,
                    size_t ring_bytes);
void hwi_relay_fini(struct hwi_relay *relay);

// The actor passed on that a tool wants this ring.
void hwi_relay_ask(struct hwi_relay *relay, const struct hwi_msg_trace_relay *ask, uint64_t now_ns);
// Sends what is due; to be called when `next_ns` has come.
void hwi_relay_turn(struct hwi_relay *relay, uint64_t now_ns);

// A master: a tool asks. False if its question is not to be heard: too soon, or too many tools.
bool hwi_relay_admit(struct hwi_relay *relay, uint64_t tool, const struct hwi_msg_trace_want *want,
                     uint64_t now_ns);
// A master: a batch came from the member of this session; `bytes` is its encoded form. False if it
// is for nobody, not that member's own, or more than was asked for.
bool hwi_relay_pass(struct hwi_relay *relay, uint64_t session,
                    const struct hwi_msg_trace_batch *batch, const unsigned char *bytes,
                    size_t length, uint64_t now_ns);

#endif
