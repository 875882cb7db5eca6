// SPDX-License-Identifier: MIT
// Frames in the driver's hands that come in.
#ifndef HAWSER_TRANSPORT_DATA_INCOMING_H
#define HAWSER_TRANSPORT_DATA_INCOMING_H

#include "transport/data/data.h"

// Discarded frames are dropped from now on; the room that they claimed is free again.
void hwi_frames_in_discard(struct hwi_data *data, struct hwi_op op);
void hwi_frames_in_discard_edge(struct hwi_data *data, uint64_t peer);
void hwi_frames_in_discard_before(struct hwi_data *data, uint64_t view);
// Eager frames of an edge that come for its stash, of views before this one.
void hwi_frames_in_discard_stash(struct hwi_data *data, uint64_t peer, uint64_t view);

#endif
