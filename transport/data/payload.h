// SPDX-License-Identifier: MIT
// Elements to payloads and back, by the codec of their operation or frame.
#ifndef HAWSER_TRANSPORT_DATA_PAYLOAD_H
#define HAWSER_TRANSPORT_DATA_PAYLOAD_H

#include "transport/data/data.h"
#include "transport/data/op.h"

// Seals *out around the frame of `op`, whose elements (frame->element_bytes of them) are at
// `from`: borrowed until it is sent if the codec takes them as they are, or declines them, and
// their memory can be reached directly.
void hwi_payload_cut(struct hwi_data *data, const struct hwi_data_op *op, struct hwi_location from,
                     const struct hwi_frame *frame, struct hwi_frame_out *out);
// True if the payload of such a frame is received where its elements belong.
bool hwi_payload_is_plain(const struct hwi_frame *frame);
// The elements of a frame of `op` to where they belong. Returns NULL, or why the edge is broken: a
// stranger's payload does not give its elements (then what is there now means nothing), or memory
// is short.
const char *hwi_payload_place(struct hwi_data *data, const struct hwi_data_op *op,
                              const struct hwi_frame *frame, const void *payload,
                              struct hwi_location to);
extern const char hwi_payload_no_memory[];

#endif
