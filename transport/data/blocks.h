// SPDX-License-Identifier: MIT
// Blocks of the shared state: hashed, sent, placed.
#ifndef HAWSER_TRANSPORT_DATA_BLOCKS_H
#define HAWSER_TRANSPORT_DATA_BLOCKS_H

#include "transport/data/outgoing.h"
#include "transport/data/row.h"

enum {
    HWI_BLOCK_ROWS_MAX = 1 << 16, // blocks awaited
};

// Where a block from a member goes.
struct hwi_block_row {
    struct hwi_link link;
    struct hwi_data_op *op;
    struct hwi_block_row *next, **at; // of the operation, and what points here
    uint64_t from;
    uint32_t block;
    uint32_t bytes;
    struct hwi_location memory;
    bool claimed; // coming in
};

void hwi_block_hash(struct hwi_data *data, const struct hwi_msg_block_hash *msg);
void hwi_block_send(struct hwi_data *data, const struct hwi_msg_block_send *msg);
void hwi_block_place(struct hwi_data *data, const struct hwi_msg_block_place *msg);
void hwi_block_cut(struct hwi_data *data, const struct hwi_waiting *waiting,
                   struct hwi_frame_out *out);
enum hwi_fit hwi_block_fit(const struct hwi_data *data, uint64_t peer,
                           const struct hwi_frame *frame, struct hwi_block_row **row,
                           const char **why);
enum hwi_verdict hwi_block_received(struct hwi_data *data, const struct hwi_frame_in *in,
                                    const char **why);
void hwi_block_row_free(struct hwi_data *data, struct hwi_block_row *row); // takes

#endif
