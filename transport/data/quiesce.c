// SPDX-License-Identifier: MIT
// The end of an operation, and of a view: nothing refers to it any more when these return.
#include "transport/data/closed.h"
#include "transport/data/edge.h"
#include "transport/data/incoming.h"
#include "transport/data/op.h"
#include "transport/data/port.h"
#include "transport/data/quiesce.h"

static void tell_quiesced(struct hwi_data *data, struct hwi_op name, const struct hwi_data_op *op)
{
    struct hwi_msg msg = {.type = HWI_MSG_quiesced};

    msg.u.quiesced.op = name;
    msg.u.quiesced.bytes_sent = op != NULL ? op->bytes_sent : 0;
    msg.u.quiesced.bytes_received = op != NULL ? op->bytes_received : 0;
    hwi_port_tell(data, name.kind == HWI_KIND_SYNC ? HWI_ROLE_SNAPSHOT : HWI_ROLE_REDUCER, &msg);
}

static void drop_traffic(struct hwi_data *data, struct hwi_op name, const struct hwi_data_op *op)
{
    hwi_frames_out_abandon(data, name);
    hwi_frames_in_discard(data, name);
    struct hwi_port_edge *edge = NULL;
    while (((edge = hwi_port_edge_next(data, edge)) != NULL)) {
        hwi_queue_drop(data, edge, op);
        hwi_stash_drop_op(data, edge, name);
    }
}

void hwi_port_quiesce(struct hwi_data *data, const struct hwi_msg_quiesce *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    // A sync in which no block had to move was never heard of here.
    HWI_CHECK(op != NULL || msg->op.kind == HWI_KIND_SYNC);
    hwi_closed_note(data, msg->op);
    if (op != NULL) {
        drop_traffic(data, msg->op, op);
        if (msg->restore) {
            hwi_data_op_restore(op);
        }
    }
    tell_quiesced(data, msg->op, op);
    if (op != NULL) {
        hwi_data_op_free(data, op);
    }
}

void hwi_port_view(struct hwi_data *data, uint64_t view)
{
    struct hwi_port_edge *edge = NULL;

    data->view = view;
    hwi_closed_clear(data);
    hwi_frames_in_discard_before(data, view);
    while (((edge = hwi_port_edge_next(data, edge)) != NULL)) {
        if (edge->stash.view < view) {
            hwi_stash_drop(data, edge);
        }
    }
}
