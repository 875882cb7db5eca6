// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_sync_go(struct hwi_snapshot *s, const struct hwi_event *event,
                             struct hwi_effects *fx)
{
    const struct hwi_msg_sync_go *m = &event->msg->u.sync_go;
    HWI_CHECK(s->phase != HWI_SNAPSHOT_IDLE && hwi_op_equal(s->op, m->op));
    if (s->phase >= HWI_SNAPSHOT_STOPPED)
        return;
    HWI_CHECK(s->phase == HWI_SNAPSHOT_HASHED);
    s->revision = m->revision;
    s->since_ns = event->now_ns;
    if (hwi_hash_equal(s->root, m->root)) {
        hwi_snapshot_hold(s, fx);
        hwi_serve_early(s, fx);
        return;
    }
    HWI_CHECK(!s->unhashed); // what is held is not known
    s->root = m->root;
    hwi_fetch_begin(s, m->sources, m->sources_count, fx);
}
