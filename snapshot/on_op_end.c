// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

// Blocks that are in place stay, also after an abort: the next sync finds by their hashes what is
// good.
void hwi_snapshot_on_op_end(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_op_end *end = &event->msg->u.op_end;
    HWI_CHECK(snapshot->phase != HWI_SNAPSHOT_IDLE && snapshot->phase < HWI_SNAPSHOT_ENDING);
    HWI_CHECK(hwi_op_equal(snapshot->op, end->op));
    if (end->committed && snapshot->phase == HWI_SNAPSHOT_HOLDING) {
        snapshot->synced.view = snapshot->op.view;
        snapshot->synced.revision = snapshot->revision;
        snapshot->synced.root = snapshot->root; // unhashed: as it was
    }
    snapshot->phase = HWI_SNAPSHOT_ENDING;
    hwi_snapshot_quiesce(snapshot, effects);
}
