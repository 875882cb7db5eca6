// SPDX-License-Identifier: MIT
// A view that is proposed: stripes to its members, and readiness.
#ifndef HAWSER_ACTORS_PEER_PROPOSAL_H
#define HAWSER_ACTORS_PEER_PROPOSAL_H

#include "actors/peer/peer.h"

enum { HWI_PEER_EDGE_TRIES_MAX = 8 };

// Its members, each to be reached; edges that are lacking are being opened.
void hwi_peer_proposal_set(struct hwi_peer *peer, const struct hwi_msg_propose *propose,
                           struct hwi_effects *effects);
void hwi_peer_proposal_forget(struct hwi_peer *peer);
// How to reach its members is not needed any more.
void hwi_peer_targets_forget(struct hwi_peer *peer);
// The edge is up or down from now on.
void hwi_peer_edge_settle(struct hwi_peer *peer, struct hwi_peer_edge *edge,
                          enum hwi_peer_edge_state state);
// The edge to the proposal's member of this rank went down: ready may have been sent, or the edge
// is opened again unless that was tried often enough.
void hwi_peer_proposal_lost(struct hwi_peer *peer, struct hwi_peer_edge *edge,
                            struct hwi_effects *effects);
// Says ready if it is time: nothing is being opened any more, or the time for it has `expired`.
void hwi_peer_say_ready(struct hwi_peer *peer, bool expired, struct hwi_effects *effects);
void hwi_peer_tell_ready(struct hwi_peer *peer, struct hwi_effects *effects);

#endif
