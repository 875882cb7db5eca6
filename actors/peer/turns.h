// SPDX-License-Identifier: MIT
// Calls that wait enter the view when their turn has come.
#ifndef HAWSER_ACTORS_PEER_TURNS_H
#define HAWSER_ACTORS_PEER_TURNS_H

#include "actors/peer/peer.h"

void hwi_peer_start_queued(struct hwi_peer *peer, struct hwi_effects *effects);

#endif
