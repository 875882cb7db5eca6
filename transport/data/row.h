// SPDX-License-Identifier: MIT
// Placement rows: which chunks may come from whom, and where they go.
#ifndef HAWSER_TRANSPORT_DATA_ROW_H
#define HAWSER_TRANSPORT_DATA_ROW_H

#include "transport/data/frame.h"
#include "transport/data/op.h"

struct hwi_data;

enum {
    HWI_PLACEMENTS_MAX =
        2 * HWI_OPS_MAX * HWI_MEMBERS_MAX, // rows of all operations, two for a member of each
};

// The treatment of an incoming frame.
enum hwi_fit { HWI_FIT_TAKE, HWI_FIT_STASH, HWI_FIT_DROP, HWI_FIT_BROKEN };

// Where the chunks of (operation, phase, from) go.
struct hwi_row {
    struct hwi_link link;
    struct hwi_data_op *op;
    struct hwi_row *next; // of the operation
    uint64_t from;
    uint8_t phase;
    uint32_t first, chunks, slots, granted;
    unsigned char *scratch;
    uint64_t claimed[]; // a bit per chunk: here, or coming in
};

struct hwi_row *hwi_row_find(const struct hwi_data *data, const struct hwi_data_op *op,
                             uint8_t phase, uint64_t from);
void hwi_row_place(struct hwi_data *data, const struct hwi_msg_place *msg);
void hwi_row_place_more(struct hwi_data *data, const struct hwi_msg_place_more *msg);
void hwi_row_free(struct hwi_data *data, struct hwi_row *row); // takes; its operation forgets it
// The slot of scratch in which the chunk of (phase, from) is, or comes.
unsigned char *hwi_row_scratch(const struct hwi_data *data, const struct hwi_data_op *op,
                               uint32_t chunk, uint8_t phase, uint64_t from);
// A frame that fits begins to come, or is here: claims its chunk and returns where it goes.
struct hwi_location hwi_row_claim(struct hwi_row *row, uint32_t chunk);
struct hwi_location hwi_row_at(const struct hwi_row *row, uint32_t chunk); // where it goes
// Where a CHUNK frame of `peer` goes. TAKE sets *row and *chunk; BROKEN sets *why.
enum hwi_fit hwi_row_fit(const struct hwi_data *data, uint64_t peer, const struct hwi_frame *frame,
                         struct hwi_row **row, uint32_t *chunk, const char **why);
// A claimed chunk is in its place and its frame's checksum, `sum`, held.
void hwi_row_arrived(struct hwi_data *data, struct hwi_row *row, uint32_t chunk,
                     const struct hwi_frame *frame, uint64_t sum);

#endif
