// SPDX-License-Identifier: MIT
// Layouts of shared states as members told them, to name the first tensor in which two differ.
// Those that hold the run's state do not tell theirs again; some layouts are remembered, not all.
#ifndef HAWSER_ACTORS_MASTER_SHAPE_H
#define HAWSER_ACTORS_MASTER_SHAPE_H

#include "actors/master/session.h"

enum {
    HWI_MASTER_SHAPES_MAX = 32, // layouts that are remembered with their tensors
};

// The tensors of a layout that a member told.
struct hwi_master_shape {
    struct hwi_hash layout;
    struct hwi_tensor *tensors; // owned
    uint32_t tensor_count;
};

void hwi_master_shape_note(struct hwi_master *master,
                           const struct hwi_msg_sync_offer *offer); // if the offer has it
void hwi_master_shapes_forget(struct hwi_master *master);
// Says where a layout differs from that of `winner`.
void hwi_master_shape_compare(const struct hwi_master *master, struct hwi_hash layout,
                              const struct hwi_master_session *winner,
                              char reason[HWI_TEXT_BYTES_MAX]);

#endif
