// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_sync_go(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_sync_go *go = &event->msg->u.sync_go;
    HWI_CHECK(snapshot->phase != HWI_SNAPSHOT_IDLE && hwi_op_equal(snapshot->op, go->op));
    if (snapshot->phase >= HWI_SNAPSHOT_STOPPED) {
        return;
    }
    HWI_CHECK(snapshot->phase == HWI_SNAPSHOT_HASHED);
    snapshot->revision = go->revision;
    snapshot->since_ns = event->now_ns;
    if (hwi_hash_equal(snapshot->root, go->root)) {
        hwi_snapshot_hold(snapshot, effects);
        hwi_serve_early(snapshot, effects);
        return;
    }
    HWI_CHECK(!snapshot->unhashed); // what is held is not known
    snapshot->root = go->root;
    hwi_fetch_begin(snapshot, go->sources, go->sources_count, effects);
}
