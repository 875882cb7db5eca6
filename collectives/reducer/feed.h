// SPDX-License-Identifier: MIT
// The sender's side: what another member called and granted, and what goes to it.
#ifndef HAWSER_COLLECTIVES_REDUCER_FEED_H
#define HAWSER_COLLECTIVES_REDUCER_FEED_H

#include "collectives/reducer/collective.h"

// A member's call, the first one of this operation (borrowed until return): compares signatures,
// and takes its grant. Reports a mismatch to the peer.
void hwi_feed_called(struct hwi_reducer *reducer, struct hwi_collective *collective, uint32_t rank,
                     const struct hwi_msg_call *call, struct hwi_effects *effects);
void hwi_feed_granted(struct hwi_collective *collective, uint32_t phase, uint32_t rank,
                      uint32_t granted);
// Sends the member what it lets come by now and is there.
void hwi_feed_member(struct hwi_reducer *reducer, struct hwi_collective *collective, uint32_t rank,
                     struct hwi_effects *effects);
void hwi_feed_all(struct hwi_reducer *reducer, struct hwi_collective *collective,
                  struct hwi_effects *effects);
// A chunk of a stage is complete: forwards it to the members that have granted it.
void hwi_feed_on(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                 uint32_t stage, uint32_t chunk, struct hwi_effects *effects);

#endif
