// SPDX-License-Identifier: MIT
// Operations, what of their memory is saved, and where their chunks lie in it.
#ifndef HAWSER_TRANSPORT_DATA_OP_H
#define HAWSER_TRANSPORT_DATA_OP_H

#include "collectives/kernels/kernels.h"
#include "transport/data/codec/codec.h"
#include "transport/data/grid.h"
#include "transport/data/index.h"
#include "transport/memory/memory.h"

struct hwi_data;
struct hwi_port_request;

enum {
    HWI_DATA_OPS_MAX = 4 * HWI_OPS_MAX, // operations begun and not quiesced, of all views
};

// An operation of the reducer, or a sync of the snapshot (then without memory).
struct hwi_data_op {
    struct hwi_link link;
    struct hwi_op name;
    struct hwi_port_request *request;
    const struct hwi_kernel *kernel;   // NULL = nothing is reduced
    const struct hwi_codec_ops *codec; // what it sends is encoded by
    uint8_t dtype;                     // hws_dtype; 0 = a sync
    struct hwi_grid grid;
    struct hwi_location input; // the memory's, or its saved copy
    uint64_t input_from;       // its first byte is this one of the whole
    uint64_t output_from;      // the memory's output likewise
    struct hwi_row *rows;
    struct hwi_block_row *blocks;
    uint64_t scratch_bytes;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    unsigned char *backup;        // in place only: what the saved chunks of the output held
    uint64_t save_from, save_end; // in the whole: what may be overwritten, and is saved before
    // In place only: a bit per chunk that is saved, then one per chunk that left
    uint64_t saved[];
};

struct hwi_data_op *hwi_data_op_find(const struct hwi_data *data, struct hwi_op name);
struct hwi_data_op *hwi_data_op_sync(struct hwi_data *data, struct hwi_op name); // made if needed
void hwi_data_op_begin(struct hwi_data *data, const struct hwi_msg_op_memory *msg);
void hwi_data_op_free(struct hwi_data *data, struct hwi_data_op *op); // takes; with its rows
// Where the chunk lies in the caller's memory, which must hold it.
struct hwi_location hwi_data_op_input(const struct hwi_data_op *op, uint32_t chunk);
struct hwi_location hwi_data_op_output(const struct hwi_data_op *op, uint32_t chunk);
// The chunk of the output is about to be overwritten: in place, keeps what it holds, unless it is
// kept already.
void hwi_data_op_save(struct hwi_data_op *op, uint32_t chunk);
// The chunk of the input, to be sent. In an all-reduce in place it is saved, for its result will
// come over it. `kept`: that may be before it has left, so it is sent from the copy; otherwise from
// where it is.
struct hwi_location hwi_data_op_leaving(struct hwi_data_op *op, uint32_t chunk, bool kept);
// The chunk of the input has left, or is in a partial result: its result may come.
void hwi_data_op_left(struct hwi_data_op *op, uint32_t chunk);
// True if a result for the chunk may not come yet: in place, it has not left.
bool hwi_data_op_unsent(const struct hwi_data_op *op, uint32_t chunk);
void hwi_data_op_restore(struct hwi_data_op *op);

#endif
