// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_block_hashed(struct hwi_snapshot *snapshot, const struct hwi_event *event,
                                  struct hwi_effects *effects)
{
    const struct hwi_msg_block_hashed *m = &event->msg->u.block_hashed;
    if (snapshot->hashes_heard == snapshot->hashes_asked) {
        return; // asked for before a check failed
    }
    HWI_CHECK(m->block < snapshot->hashes_asked);
    snapshot->held[m->block] = m->hash;
    snapshot->hashes_heard++;
    if (snapshot->phase == HWI_SNAPSHOT_ENDING) {
        hwi_snapshot_quiesce(snapshot, effects);
    }
    if (snapshot->phase == HWI_SNAPSHOT_HASHING) {
        hwi_snapshot_hash(snapshot, event->now_ns, effects);
    }
}
