// SPDX-License-Identifier: MIT
// The control link: a master's ROUTER or a member's DEALER, messages as the codec writes them.
// Created on one thread, then used on the host's thread only.
#ifndef HAWSER_TRANSPORT_HOST_CONTROL_H
#define HAWSER_TRANSPORT_HOST_CONTROL_H

#include "actors/loop/drain.h"
#include "transport/os/address.h"

enum {
    HWI_CONTROL_QUEUE_MAX = 1024, // messages that wait per connection and direction
    HWI_CONTROL_TURN_MAX = 256,   // messages received before the others have their turn
};

struct hwi_relay;

struct hwi_control {
    struct hwi_drain *drain; // borrowed: where what comes is posted
    struct hwi_relay *relay; // borrowed, or NULL: what traces a whole run passes it, not the drain
    void *context, *socket;  // ZeroMQ's
    int fd;                  // readable when something may have come
    uint64_t incarnation;    // a member's: its session
    bool master;
    bool touched;         // its fd says nothing until `receive` has found it empty again
    uint64_t dropped_in;  // messages that are no messages, or not for here, ...
    uint64_t damaged;     // ... of them with a checksum that does not hold
    uint64_t dropped_out; // messages that could not be sent
};

// A master: binds `listen` (any port, or the first free one of a range, which it has then).
// `control` is zeroed. NULL, or the system's words for what went wrong; close() in both cases.
const char *hwi_control_bind(struct hwi_control *control, struct hwi_drain *drain,
                             struct hwi_address *listen);
// A member: connects to "host:port", again and again if it must; a name is looked up each time, as
// IPv4 or IPv6.
const char *hwi_control_connect(struct hwi_control *control, struct hwi_drain *drain,
                                const char *master, bool ipv6, uint64_t incarnation);
// Sent messages get up to 500 ms to leave.
void hwi_control_close(struct hwi_control *control);

// Posts what came to the local master or peer; true if more may wait. False: empty, the fd will
// tell.
bool hwi_control_receive(struct hwi_control *control);
// Sends to the master (from a member), or to the session `to.id` (from a master). Never waits: a
// message that cannot be sent is dropped and counted; the master gets `unreachable` for a member
// that is gone.
void hwi_control_send(struct hwi_control *control, struct hwi_addr to, const struct hwi_msg *msg);
// As hwi_control_send, with a message that is encoded already.
void hwi_control_forward(struct hwi_control *control, struct hwi_addr to,
                         const unsigned char *bytes, size_t length);

#endif
