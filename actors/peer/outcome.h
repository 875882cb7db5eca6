// SPDX-License-Identifier: MIT
// The outcomes of the calls of a past view.
#ifndef HAWSER_ACTORS_PEER_OUTCOME_H
#define HAWSER_ACTORS_PEER_OUTCOME_H

#include "actors/peer/peer.h"

// The announcement decides every call of the view in force. `past` is borrowed until return.
void hwi_peer_decide(struct hwi_peer *peer, const struct hwi_past *past,
                     struct hwi_effects *effects);

#endif
