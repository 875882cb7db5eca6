// SPDX-License-Identifier: MIT
// The smallest actors that make a simulated run: a master that gives peer ids and proposes
// everybody to everybody once all are there; peers that register, open their edges, and answer
// their opening with the number that came up; reducers that pass on what they receive.
#ifndef HAWSER_TESTS_SUPPORT_TINY_H
#define HAWSER_TESTS_SUPPORT_TINY_H

#include "transport/sim/sim.h"

extern const struct hwi_actor_ops tiny_master, tiny_peer, tiny_reducer, tiny_snapshot;

// The effects of a call's value on a tiny peer. Each call is answered with the number of calls so
// far. With a tag: grant{granted=value} to the member with that peer id, over its stripes. Else
// heartbeat{sent=calls} to the master, but for:
enum {
    TINY_FAILS = 13,  // a check fails
    TINY_SLEEPS = 15, // heartbeat{sent=now in ms} once the call's timeout has passed
};

// Makes the call; returns its request's number.
uint64_t tiny_call(struct hwi_sim *sim, uint32_t node, uint64_t tag, uint64_t value,
                   uint64_t timeout_ms);

// 5 ms to the master, 1 ms between members, two stripes.
struct hwi_sim_config tiny_config(uint32_t members);
struct hwi_sim *tiny_start(uint32_t members);
struct hwi_sim *tiny_start_with(const struct hwi_sim_config *config, uint32_t members);
void tiny_run_ms(struct hwi_sim *sim, uint64_t ms);
// Proves that all actors replay, and frees (takes).
void tiny_finish(struct hwi_sim *sim);
// How many edges of a member came up; UINT64_MAX while it is opening them.
uint64_t tiny_opened(struct hwi_sim *sim, uint32_t node);

#endif
