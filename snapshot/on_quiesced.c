// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_quiesced(struct hwi_snapshot *s, const struct hwi_event *event,
                              struct hwi_effects *fx)
{
    const struct hwi_msg_quiesced *m = &event->msg->u.quiesced;
    HWI_CHECK(s->phase == HWI_SNAPSHOT_QUIESCING && hwi_op_equal(s->op, m->op));
    struct hwi_msg_op_ended *ended = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_PEER, 0), op_ended);
    ended->op = s->op;
    ended->bytes_sent = m->bytes_sent;
    ended->bytes_received = m->bytes_received;
    ended->sources = hwi_fetch_givers(&s->fetch);
    ended->hash_us = s->hash_ns / 1000;
    ended->move_us = s->move_ns / 1000;
    hwi_fetch_forget(&s->fetch, s->alloc);
    s->phase = HWI_SNAPSHOT_IDLE;
}
