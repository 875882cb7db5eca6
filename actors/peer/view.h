// SPDX-License-Identifier: MIT
// Views coming into force.
#ifndef HAWSER_ACTORS_PEER_VIEW_H
#define HAWSER_ACTORS_PEER_VIEW_H

#include "actors/peer/peer.h"

// Notes who of the view in force is in the announced one no more.
void hwi_peer_note_lost(struct hwi_peer *peer, const struct hwi_msg_announce *announce);
// The announced view is in force.
void hwi_peer_switch_view(struct hwi_peer *peer, const struct hwi_msg_announce *announce,
                          struct hwi_effects *effects);

#endif
