// SPDX-License-Identifier: MIT
// The fence: after a failure or a change of view new calls are held back until the trainer knows.
#ifndef HAWSER_ACTORS_PEER_FENCE_H
#define HAWSER_ACTORS_PEER_FENCE_H

#include "actors/peer/peer.h"

// A request made now was made without knowing of a failure, or of the view.
bool hwi_peer_fence_stops(const struct hwi_peer *peer, const struct hwi_msg_request *request);
// The call, whose turn has come, may enter the view.
bool hwi_peer_fence_open(const struct hwi_peer *peer, const struct hwi_peer_call *call);
// It enters.
void hwi_peer_fence_pass(struct hwi_peer *peer, const struct hwi_peer_call *call);
// hws_view: lifts it and returns HWS_OK; HWS_E_BUSY: calls of the earlier view, or failures, were
// not waited for.
int hwi_peer_fence_lift(struct hwi_peer *peer, const struct hwi_msg_request *request);
// The trainer learns the view from its own call: open, or a joint admission.
void hwi_peer_fence_acknowledge(struct hwi_peer *peer);
// The request is refused.
void hwi_peer_fence_refused(struct hwi_peer *peer, const struct hwi_msg_request *request);
// The call is about to be replied.
void hwi_peer_fence_ended(struct hwi_peer *peer, const struct hwi_peer_call *call);

#endif
