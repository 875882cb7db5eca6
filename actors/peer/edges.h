// SPDX-License-Identifier: MIT
// Stripes to the members of our group in the view in force and in the proposal.
#ifndef HAWSER_ACTORS_PEER_EDGES_H
#define HAWSER_ACTORS_PEER_EDGES_H

#include "actors/peer/peer.h"

// NULL = there is none
struct hwi_peer_edge *hwi_peer_edge_find(const struct hwi_peer *peer, uint64_t id);
// An edge for each other member of our group in the proposal and in the view, and for nobody else.
void hwi_peer_edges_list(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_edge_tell_lost(struct hwi_peer *peer, uint64_t view, uint64_t id,
                             struct hwi_effects *effects);
// Lost ones of the view in force
void hwi_peer_edges_report(struct hwi_peer *peer, struct hwi_effects *effects);
// To who is in no view of ours, or all
void hwi_peer_edges_close(struct hwi_peer *peer, bool all, struct hwi_effects *effects);

#endif
