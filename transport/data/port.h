// SPDX-License-Identifier: MIT
// The data port itself, for the files of its core. Nobody else includes this.
#ifndef HAWSER_TRANSPORT_DATA_PORT_H
#define HAWSER_TRANSPORT_DATA_PORT_H

#include "transport/data/data.h"
#include "transport/data/index.h"
#include "transport/data/pool.h"

enum {
    HWI_PORT_REQUESTS_MAX = 1 << 16, // requests whose memory is known
};

// The memory that a request names.
struct hwi_port_request {
    struct hwi_link link;
    uint64_t request;
    struct hwi_location input, output;
    uint64_t input_bytes, output_bytes;
    uint32_t users; // operations on it
};

struct hwi_tensor_memory {
    struct hwi_location memory;
    uint64_t bytes;
};

struct hwi_data {
    const struct hwi_alloc *alloc;
    const struct hwi_data_ops *ops;
    void *user;
    uint64_t view;
    struct hwi_index requests, data_ops, rows, block_rows, edges, closed;
    struct hwi_pool pool;
    struct hwi_tensor_memory *tensors;
    uint32_t tensor_count;
    struct hwi_writes *writes; // borrowed; NULL = nobody asks
    const void **operands;     // [operand_room] for reduce.c
    uint32_t operand_room;
    struct hwi_frame_out *out; // in the driver's hands
    struct hwi_frame_in *in;   // likewise
    struct hwi_data_stats stats;
};

struct hwi_port_request *hwi_port_request_find(const struct hwi_data *data, uint64_t request);
// An event for a local actor, from the data port.
void hwi_port_tell(struct hwi_data *data, enum hwi_role role, const struct hwi_msg *msg);

#endif
