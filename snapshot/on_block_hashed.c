// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_block_hashed(struct hwi_snapshot *s, const struct hwi_event *event,
                                  struct hwi_effects *fx)
{
    const struct hwi_msg_block_hashed *m = &event->msg->u.block_hashed;
    if (s->hashes_heard == s->hashes_asked)
        return; // asked for before a check failed
    HWI_CHECK(m->block < s->hashes_asked);
    s->held[m->block] = m->hash;
    s->hashes_heard++;
    if (s->phase == HWI_SNAPSHOT_ENDING)
        hwi_snapshot_quiesce(s, fx);
    if (s->phase == HWI_SNAPSHOT_HASHING)
        hwi_snapshot_hash(s, event->now_ns, fx);
}
