// SPDX-License-Identifier: MIT
// The end of this incarnation: by the trainer's close, an eviction, or a decision that does not
// arrive.
#ifndef HAWSER_ACTORS_PEER_FINISH_H
#define HAWSER_ACTORS_PEER_FINISH_H

#include "actors/peer/peer.h"

enum { HWI_PEER_LEAVE_MS = 1000 };

void hwi_peer_finish(struct hwi_peer *peer, int status, const char *reason,
                     struct hwi_effects *effects);
// For what hwi_peer_end or hwi_peer_ended returned: nothing for HWS_OK.
void hwi_peer_finish_with(struct hwi_peer *peer, int status, struct hwi_effects *effects);
// The master named as committed what is not Done here.
void hwi_peer_finish_not_done(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_close(struct hwi_peer *peer, uint64_t request, struct hwi_effects *effects);
void hwi_peer_closed(struct hwi_peer *peer, struct hwi_effects *effects); // answers hws_close

#endif
