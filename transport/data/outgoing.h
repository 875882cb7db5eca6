// SPDX-License-Identifier: MIT
// The data that waits to be sent, and the frames that the driver is sending.
#ifndef HAWSER_TRANSPORT_DATA_OUTGOING_H
#define HAWSER_TRANSPORT_DATA_OUTGOING_H

#include "transport/data/data.h"

struct hwi_data_op;
struct hwi_port_edge;

enum {
    HWI_WAITING_MAX = 1 << 14,        // entries of one queue of an edge's lane
    HWI_WAITING_BYTES_MAX = 64 << 20, // encoded messages in one queue
};

// The data that one edge's lane has still to send: a message, a run of chunks, or a block. Those of
// one operation stand in one line; a queue is of lines, and a line's first entry stands for it
// there.
struct hwi_waiting {
    struct hwi_waiting *next;   // line; of a line's first entry, as ...
    struct hwi_waiting *tail;   // ... the line's last entry
    struct hwi_waiting *more;   // the next entry of the line
    struct hwi_data_op *op;     // NULL = a message
    unsigned char *message;     // from the pool
    struct hwi_location memory; // a block's
    uint32_t bytes;             // of the message or block
    uint32_t first, chunks;     // a run; a block's number is `first`
    uint64_t slot_from;         // a run in scratch, likewise
    uint8_t phase, place, slot_phase;
};

enum hwi_urgency { HWI_URGENCY_MESSAGE, HWI_URGENCY_SMALL, HWI_URGENCY_LARGE, HWI_URGENCIES };

struct hwi_queue {
    struct hwi_waiting *first, *last;
    uint32_t count;
    uint64_t bytes; // of messages
};

// Takes `waiting`. Kicks the driver if the lane had nothing; breaks the edge if the queue is full.
void hwi_queue_push(struct hwi_data *data, struct hwi_port_edge *edge, enum hwi_lane lane,
                    enum hwi_urgency urgency, struct hwi_waiting *waiting);
void hwi_queue_send(struct hwi_data *data, const struct hwi_msg_send *msg);
void hwi_queue_drop(struct hwi_data *data, struct hwi_port_edge *edge,
                    const struct hwi_data_op *op);
void hwi_queue_drop_all(struct hwi_data *data, struct hwi_port_edge *edge);
// The driver's frames that read this operation's memory are abandoned.
void hwi_frames_out_abandon(struct hwi_data *data, struct hwi_op op);
void hwi_frames_out_abandon_edge(struct hwi_data *data, uint64_t peer);
// Writes header and trailer around the payload that *out names already.
void hwi_frame_out_seal(struct hwi_frame_out *out, const struct hwi_frame *frame);

#endif
