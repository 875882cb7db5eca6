// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_quiesced(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_quiesced *quiesced = &event->msg->u.quiesced;
    HWI_CHECK(snapshot->phase == HWI_SNAPSHOT_QUIESCING &&
              hwi_op_equal(snapshot->op, quiesced->op));
    struct hwi_msg_op_ended *ended = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, 0), op_ended);
    ended->op = snapshot->op;
    ended->bytes_sent = quiesced->bytes_sent;
    ended->bytes_received = quiesced->bytes_received;
    ended->sources = hwi_fetch_givers(&snapshot->fetch);
    ended->hash_us = snapshot->hash_ns / 1000;
    ended->move_us = snapshot->move_ns / 1000;
    hwi_fetch_forget(&snapshot->fetch, snapshot->alloc);
    snapshot->phase = HWI_SNAPSHOT_IDLE;
}
