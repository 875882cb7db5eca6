// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_state_layout(struct hwi_snapshot *s, const struct hwi_event *event,
                                  struct hwi_effects *fx)
{
    (void)fx;
    const struct hwi_msg_state_layout *m = &event->msg->u.state_layout;
    HWI_CHECK(s->phase == HWI_SNAPSHOT_IDLE);
    hwi_manifest_fini(&s->manifest, s->alloc);
    s->synced = (struct hwi_synced){0};
    hwi_free(s->alloc, s->held);
    s->held = NULL;
    hwi_manifest_init(&s->manifest, s->alloc, m->tensors, m->tensors_count);
    s->held = hwi_new(s->alloc, s->manifest.block_count * sizeof *s->held);
}
