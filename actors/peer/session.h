// SPDX-License-Identifier: MIT
// The session with the master: registration, heartbeats.
#ifndef HAWSER_ACTORS_PEER_SESSION_H
#define HAWSER_ACTORS_PEER_SESSION_H

#include "actors/peer/peer.h"

enum { HWI_PEER_REGISTER_MS = 250 };

void hwi_peer_register(struct hwi_peer *peer, struct hwi_effects *effects);
// A message was lost, or came twice. Not sooner than HWI_PEER_REGISTER_MS after the last time:
// where counts never fit, answers to answers would flood the link.
void hwi_peer_register_again(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_heartbeat(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_speak(struct hwi_peer *peer, struct hwi_effects *effects); // speak_at_ns has come
void hwi_peer_tell_leave(struct hwi_peer *peer, struct hwi_effects *effects);

#endif
