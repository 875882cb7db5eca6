// SPDX-License-Identifier: MIT
// A call's end: given up, decided, let go by its lane; then it is replied or queued again.
#ifndef HAWSER_ACTORS_PEER_END_H
#define HAWSER_ACTORS_PEER_END_H

#include "actors/peer/peer.h"

// It is not to be Done here, for this reason: withdrawn. One that waits for its turn takes its
// number first, so that no later call takes it and meets others' calls there.
void hwi_peer_give_up(struct hwi_peer *peer, struct hwi_peer_call *call, int status,
                      struct hwi_effects *effects);
// The call is decided: `status` HWS_OK = committed. Its lane lets go, then it ended. Returns what
// hwi_peer_ended returned, if it ended at once; else HWS_OK.
int hwi_peer_end(struct hwi_peer *peer, struct hwi_peer_call *call, int status,
                 struct hwi_effects *effects);
// The lane let go (`ended` NULL: it had no hold of it). Returns HWS_OK, or the status with which
// this whole incarnation is over, for hwi_peer_finish_with.
int hwi_peer_ended(struct hwi_peer *peer, struct hwi_peer_call *call,
                   const struct hwi_msg_op_ended *ended, struct hwi_effects *effects);
void hwi_peer_forget_before(struct hwi_peer *peer); // the view before, if no call needs it

#endif
