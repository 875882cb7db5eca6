// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_block_hashed(void *state, const struct hwi_event *event,
                                  struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_block_hashed *hashed = &event->msg->u.block_hashed;
    if (snapshot->hashes_heard == snapshot->hashes_asked) {
        return; // asked for before a check failed
    }
    HWI_CHECK(hashed->block < snapshot->hashes_asked);
    snapshot->held[hashed->block] = hashed->hash;
    snapshot->hashes_heard++;
    if (snapshot->phase == HWI_SNAPSHOT_ENDING) {
        hwi_snapshot_quiesce(snapshot, effects);
    }
    if (snapshot->phase == HWI_SNAPSHOT_HASHING) {
        hwi_snapshot_hash(snapshot, event->now_ns, effects);
    }
}
