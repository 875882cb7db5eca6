// SPDX-License-Identifier: MIT
// The peer's side of a sync: what it tells the snapshot and the master, and how its state stands.
#ifndef HAWSER_ACTORS_PEER_SYNC_H
#define HAWSER_ACTORS_PEER_SYNC_H

#include "actors/peer/peer.h"

// hws_sync was called.
void hwi_peer_sync_attach(struct hwi_peer *peer);
// There is a shared state, and it does not hold what was elected.
bool hwi_peer_sync_missing(const struct hwi_peer *peer);
// It may hold bytes of two revisions.
bool hwi_peer_sync_cut(const struct hwi_peer *peer);
// Has the snapshot tell what is held; with `verify` it need not hash where nothing changed.
void hwi_peer_sync_start(const struct hwi_peer_call *call, uint8_t verify,
                         struct hwi_effects *effects);
// The snapshot told it.
void hwi_peer_sync_offer(struct hwi_peer *peer, struct hwi_peer_call *call,
                         const struct hwi_msg_state_hashed *hashed, struct hwi_effects *effects);
// An offer without an answer is sent again.
void hwi_peer_sync_offer_again(struct hwi_peer *peer, const struct hwi_peer_call *call,
                               struct hwi_effects *effects);
// Others hashed, or are at another revision: what was offered without hashing does not count.
void hwi_peer_sync_verify(struct hwi_peer_call *call, struct hwi_effects *effects);
// The elected state, to serve or to fetch.
void hwi_peer_sync_plan(struct hwi_peer *peer, struct hwi_peer_call *call,
                        const struct hwi_msg_sync_plan *plan, struct hwi_effects *effects);
void hwi_peer_sync_committed(struct hwi_peer *peer);

#endif
