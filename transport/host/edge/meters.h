// SPDX-License-Identifier: MIT
// The bytes that the stripes of a host carry, counted by its thread and read by others meanwhile.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_METERS_H
#define HAWSER_TRANSPORT_HOST_EDGE_METERS_H

#include <pthread.h>
#include <stdatomic.h>

#include <hawser/comm.h>

#include "actors/base/limits.h"
#include "transport/data/frame.h"

#define HWI_METER_WINDOW_NS HWI_NS_PER_S // a rate is of one such window, or of the part that passed

// Bytes in one direction. Only the host's thread writes.
struct hwi_meter {
    _Atomic uint64_t bytes;
    _Atomic uint64_t window_ns, window_bytes; // when the window began, and bytes before it
    _Atomic uint64_t per_s;                   // of the window before; 0 = there was none
};

struct hwi_stripe_meter {
    struct hwi_meter sent, received;
};

// Of all stripes to one member.
struct hwi_edge_meter {
    struct hwi_edge_meter *next;
    uint64_t peer;
    uint32_t stripes; // of each lane
    struct hwi_stripe_meter meters[HWI_LANES][HWI_STRIPES_MAX];
};

struct hwi_meters {
    pthread_mutex_t mutex;        // guards who is in the list
    struct hwi_edge_meter *first; // by peer id
};

void hwi_meters_init(struct hwi_meters *meters);
void hwi_meters_fini(struct hwi_meters *meters); // all were removed

// A member's stripes are open: NULL if memory is short; these stripes are then not counted. Owned
// by `meters`, until removed.
struct hwi_edge_meter *hwi_meters_add(struct hwi_meters *meters, uint64_t peer, uint32_t stripes,
                                      uint64_t now_ns);
void hwi_meters_remove(struct hwi_meters *meters,
                       struct hwi_edge_meter *edge); // takes; NULL allowed

// The bytes in all.
void hwi_meter_set(struct hwi_meter *meter, uint64_t bytes, uint64_t now_ns);

// Any thread: tells each member's, by peer id; borrowed until `tell` returns.
typedef void (*hwi_edges_fn)(void *user, const hws_edge_stats *edge);
void hwi_meters_read(struct hwi_meters *meters, uint64_t now_ns, hwi_edges_fn tell, void *user);

#endif
