// SPDX-License-Identifier: MIT
// The members of a view, as little of them as will do: a run of M members keeps M of these lists.
#ifndef HAWSER_ACTORS_PEER_MEMBERS_H
#define HAWSER_ACTORS_PEER_MEMBERS_H

#include "actors/peer/peer.h"

// `list` is borrowed until return.
void hwi_peer_members_set(struct hwi_peer *peer, struct hwi_peer_members *to, uint64_t number,
                          const struct hwi_member *list, uint32_t count);
void hwi_peer_members_forget(struct hwi_peer *peer, struct hwi_peer_members *members);
// Of the run, or of our group only; by rank. In the memory of the effects.
struct hwi_id *hwi_peer_ids(const struct hwi_peer_members *members, bool run_wide,
                            struct hwi_effects *effects);
// Its rank in the run; -1 = not in it.
int64_t hwi_peer_rank(const struct hwi_peer_members *members, uint64_t id);
// It is in it, and of our group: there is an edge to it, unless it is us.
bool hwi_peer_is_ours(const struct hwi_peer_members *members, uint64_t id);
bool hwi_peer_is_ours_at(const struct hwi_peer_members *members, uint32_t rank);
// Ranks follow from the order of peer ids; a master that lists them otherwise is not believed.
bool hwi_peer_members_ordered(const struct hwi_member *list, uint32_t count);

// The view in force has fewer members than the run wants.
bool hwi_peer_too_few(const struct hwi_peer *peer);

#endif
