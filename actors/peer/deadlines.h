// SPDX-License-Identifier: MIT
// Deadlines of calls.
#ifndef HAWSER_ACTORS_PEER_DEADLINES_H
#define HAWSER_ACTORS_PEER_DEADLINES_H

#include "actors/peer/peer.h"

enum { HWI_PEER_EXCUSE_MS = 1000 };

// A stopped process must first read what came meanwhile (an eviction, say) before it judges its
// deadlines. Sets the time, too.
void hwi_peer_notice_sleep(struct hwi_peer *peer, uint64_t now_ns);
void hwi_peer_check_deadlines(struct hwi_peer *peer, struct hwi_effects *effects);
// The earliest; HWI_NEVER = none
uint64_t hwi_peer_next_deadline(const struct hwi_peer *peer);

#endif
