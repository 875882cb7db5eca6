// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_sync_go(struct hwi_snapshot *snapshot, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    const struct hwi_msg_sync_go *m = &event->msg->u.sync_go;
    HWI_CHECK(snapshot->phase != HWI_SNAPSHOT_IDLE && hwi_op_equal(snapshot->op, m->op));
    if (snapshot->phase >= HWI_SNAPSHOT_STOPPED) {
        return;
    }
    HWI_CHECK(snapshot->phase == HWI_SNAPSHOT_HASHED);
    snapshot->revision = m->revision;
    snapshot->since_ns = event->now_ns;
    if (hwi_hash_equal(snapshot->root, m->root)) {
        hwi_snapshot_hold(snapshot, effects);
        hwi_serve_early(snapshot, effects);
        return;
    }
    HWI_CHECK(!snapshot->unhashed); // what is held is not known
    snapshot->root = m->root;
    hwi_fetch_begin(snapshot, m->sources, m->sources_count, effects);
}
