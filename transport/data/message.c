// SPDX-License-Identifier: MIT
// Messages between reducers and between snapshots of different processes, as frames.
#include "transport/data/edge.h"
#include "transport/data/message.h"
#include "transport/data/outgoing.h"
#include "transport/data/port.h"

#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"

static enum hwi_lane lane_of(uint8_t role)
{
    return role == HWI_ROLE_SNAPSHOT ? HWI_LANE_SNAPSHOT : HWI_LANE_REDUCER;
}

void hwi_message_send(struct hwi_data *data, const struct hwi_envelope *envelope)
{
    struct hwi_port_edge *edge = hwi_port_edge_find(data, envelope->to.id);
    unsigned char *bytes;
    size_t length;

    if (edge == NULL) {
        return;
    }
    int encoded = hwi_encode(&envelope->msg, &bytes, &length);
    HWI_CHECK_MEMORY(encoded != HWI_CODEC_MEMORY);
    HWI_CHECK(encoded == HWI_CODEC_OK);
    struct hwi_waiting *waiting = hwi_try_new(data->alloc, sizeof *waiting);
    unsigned char *copy = waiting != NULL ? hwi_pool_take(&data->pool, length) : NULL;
    if (copy != NULL) {
        memcpy(copy, bytes, length);
    } else {
        hwi_free(data->alloc, waiting);
    }
    free(bytes);
    HWI_CHECK_MEMORY(copy != NULL);
    waiting->message = copy;
    waiting->bytes = (uint32_t)length;
    hwi_queue_push(data, edge, lane_of(envelope->to.role), HWI_URGENCY_MESSAGE, waiting);
}

enum hwi_verdict hwi_message_received(struct hwi_data *data, const struct hwi_frame_in *in,
                                      const char **why)
{
    bool snapshot = in->frame.lane == HWI_LANE_SNAPSHOT;
    enum hwi_role role = snapshot ? HWI_ROLE_SNAPSHOT : HWI_ROLE_REDUCER;
    struct hwi_msg msg;
    void *block = NULL;

    if (hwi_decode(in->target, in->frame.payload_bytes, &msg, &block) != HWI_CODEC_OK) {
        *why = "a message cannot be decoded";
        return HWI_VERDICT_BROKEN;
    }
    bool belongs = hwi_msg_may_come(msg.type, HWI_LINK_STRIPES, (uint8_t)role, (uint8_t)role);
    if (belongs) {
        data->stats.messages_received++;
        data->ops->deliver(data->user, hwi_addr_of(role, in->peer), hwi_addr_of(role, 0), &msg);
    } else {
        *why = "a message is not one for its lane";
    }
    free(block);
    return belongs ? HWI_VERDICT_OK : HWI_VERDICT_BROKEN;
}
