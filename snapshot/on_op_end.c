// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

// Blocks that are in place stay, also after an abort: the next sync finds by their hashes what is
// good.
void hwi_snapshot_on_op_end(struct hwi_snapshot *s, const struct hwi_event *event,
                            struct hwi_effects *fx)
{
    const struct hwi_msg_op_end *m = &event->msg->u.op_end;
    HWI_CHECK(s->phase != HWI_SNAPSHOT_IDLE && s->phase < HWI_SNAPSHOT_ENDING);
    HWI_CHECK(hwi_op_equal(s->op, m->op));
    if (m->committed && s->phase == HWI_SNAPSHOT_HOLDING) {
        s->synced.view = s->op.view;
        s->synced.revision = s->revision;
        s->synced.root = s->root; // unhashed: as it was
    }
    s->phase = HWI_SNAPSHOT_ENDING;
    hwi_snapshot_quiesce(s, fx);
}
