// SPDX-License-Identifier: MIT
// Eager frames: they came before their operation was called here, or ahead of its grant.
#ifndef HAWSER_TRANSPORT_DATA_STASH_H
#define HAWSER_TRANSPORT_DATA_STASH_H

#include "transport/data/frame.h"
#include "transport/data/row.h"

struct hwi_data;
struct hwi_port_edge;

enum {
    HWI_STASH_FRAMES_MAX = 4096, // eager frames of one edge; their bytes: HWI_EAGER_BYTES_MAX
};

// An eager frame that waits for its row or for its grant.
struct hwi_stashed {
    struct hwi_stashed *next;
    struct hwi_frame frame;
    uint64_t sum;           // its checksum
    unsigned char *payload; // from the pool
};

struct hwi_stash {
    struct hwi_stashed *first, *last;
    uint64_t view;  // of all frames in it: the newest seen from this sender
    uint32_t bytes; // of elements; payloads have no more than their codecs' bounds
    uint32_t frames;
};

// An eager frame begins to come: STASH or DROP. Those under way do not count, for the sender may
// know already that their operation has room: there is one for each stripe, of a chunk's size at
// most.
enum hwi_fit hwi_stash_admit(struct hwi_data *data, struct hwi_port_edge *edge,
                             const struct hwi_frame *frame, const char **why);
// The frame is here whole, its checksum is `sum`: goes where it belongs, or is kept: then takes
// *payload and sets it to NULL. Returns NULL, or why the edge is broken.
const char *hwi_stash_arrived(struct hwi_data *data, struct hwi_port_edge *edge,
                              const struct hwi_frame *frame, uint64_t sum, void **payload);
// Delivers what has a row and a grant by now. Returns NULL, or why the edge is broken.
const char *hwi_stash_flush(struct hwi_data *data, struct hwi_port_edge *edge, struct hwi_op op,
                            uint8_t phase);
void hwi_stash_drop_op(struct hwi_data *data, struct hwi_port_edge *edge, struct hwi_op op);
void hwi_stash_drop(struct hwi_data *data, struct hwi_port_edge *edge);

#endif
