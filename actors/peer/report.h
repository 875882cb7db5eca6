// SPDX-License-Identifier: MIT
// Reports of calls to the master: Done, and withdrawn.
#ifndef HAWSER_ACTORS_PEER_REPORT_H
#define HAWSER_ACTORS_PEER_REPORT_H

#include "actors/peer/peer.h"

// `lasts` of the collectives that this names first had been called by all others before.
void hwi_peer_tell_done(struct hwi_peer *peer, const struct hwi_peer_channel *channel,
                        uint32_t lasts, struct hwi_effects *effects);
// Once; `fault` says why.
void hwi_peer_withdraw(struct hwi_peer *peer, struct hwi_peer_call *call,
                       const struct hwi_fault *fault, struct hwi_effects *effects);
void hwi_peer_tell_withdraw(struct hwi_peer *peer, const struct hwi_peer_call *call,
                            struct hwi_effects *effects);

#endif
