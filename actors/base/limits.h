// SPDX-License-Identifier: MIT
// Every bound of the runtime in one place. Passing one is a documented event, never growth.
#ifndef HAWSER_ACTORS_BASE_LIMITS_H
#define HAWSER_ACTORS_BASE_LIMITS_H

#include <stdint.h>

enum {
    HWI_MEMBERS_MAX = 16384,         // members of one view, newcomers included
    HWI_GROUPS_MAX = 1024,           // groups are numbered below it
    HWI_ADDRESS_BYTES_MAX = 64,      // "[v6]:port" with its NUL
    HWI_TEXT_BYTES_MAX = 128,        // a sentence or name in a message, with its NUL
    HWI_TAGS_MAX = 4096,             // distinct channels in one view, all groups together
    HWI_OPS_MAX = 256,               // operations in flight on one communicator
    HWI_PAST_VIEWS_MAX = 16,         // earlier views whose outcomes the master still keeps
    HWI_STATUS_NAMES_MAX = 64,       // members that a status names for one operation
    HWI_STRIPES_MAX = 32,            // TCP connections per pair and lane
    HWI_TENSORS_MAX = 4096,          // tensors in one state object
    HWI_NAME_BYTES_MAX = 64,         // a tensor's name, with its NUL
    HWI_MANIFEST_PAGE_MAX = 1024,    // block hashes in one manifest message
    HWI_BLOCKS_WANTED_MAX = 64,      // blocks in one request
    HWI_MESSAGE_BYTES_MAX = 2 << 20, // one encoded message, any kind
    HWI_CHUNK_BYTES_MAX = 256 << 10,
    HWI_CHUNK_BYTES_MIN = 16 << 10,
    HWI_ONE_SHOT_BYTES_MAX = 64 << 10, // up to here everyone sends everything to everyone
    HWI_EAGER_BYTES_MAX = 256 << 10,   // bytes sent ahead of the grant, per edge
    HWI_SCRATCH_BYTES_MAX = 8 << 20,   // scratch of one operation, all senders together
    // Of all of them; beyond it one has a chunk for each sender, for nothing moves without
    HWI_SCRATCH_ALL_BYTES_MAX = 64 << 20,
    HWI_BLOCK_BYTES = 1 << 20, // the hashed unit of shared state
    HWI_FRAME_PAYLOAD_MAX = HWI_MESSAGE_BYTES_MAX,
    HWI_TRACE_TOOLS_MAX = 4,   // that a run's trace is relayed to at once
    HWI_TRACE_MS_MAX = 3000,   // until it must be asked for again
    HWI_TRACE_BATCH_MAX = 512, // records in one message
    HWI_TRACE_BYTES_PER_S_MAX = 8 << 20,
};

#define HWI_TENSOR_BYTES_MAX (UINT64_C(1) << 40)
#define HWI_ID_MAX (UINT64_MAX - 2)

#endif
