// SPDX-License-Identifier: MIT
// Which operations of the view are over.
#ifndef HAWSER_TRANSPORT_DATA_CLOSED_H
#define HAWSER_TRANSPORT_DATA_CLOSED_H

#include "actors/wire/msg.h"
#include "transport/data/index.h"

struct hwi_data;

// The last operation quiesced on a channel of the view in force.
struct hwi_closed {
    struct hwi_link link;
    uint64_t tag;
    uint32_t seq;
    uint8_t kind;
};

void hwi_closed_note(struct hwi_data *data, struct hwi_op name);
bool hwi_closed_has(const struct hwi_data *data, struct hwi_op name);
void hwi_closed_clear(struct hwi_data *data);

#endif
