// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_sync_start(struct hwi_snapshot *s, const struct hwi_event *event,
                                struct hwi_effects *fx)
{
    const struct hwi_msg_sync_start *m = &event->msg->u.sync_start;
    HWI_CHECK(s->phase == HWI_SNAPSHOT_IDLE);
    s->phase = HWI_SNAPSHOT_HASHING;
    s->op = m->op;
    s->revision = m->revision;
    HWI_CHECK(s->manifest.block_count > 0 && s->op.view == s->view);
    s->hashes_asked = 0;
    s->hashes_heard = 0;
    hwi_serve_forget(s);
    hwi_snapshot_ask_hashes(s, fx);
}
