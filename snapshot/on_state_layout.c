// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_state_layout(void *state, const struct hwi_event *event,
                                  struct hwi_effects *effects)
{
    (void)effects;
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_state_layout *layout = &event->msg->u.state_layout;
    HWI_CHECK(snapshot->phase == HWI_SNAPSHOT_IDLE);
    hwi_manifest_fini(&snapshot->manifest, snapshot->alloc);
    snapshot->synced = (struct hwi_synced){0};
    hwi_free(snapshot->alloc, snapshot->held);
    snapshot->held = NULL;
    hwi_manifest_init(&snapshot->manifest, snapshot->alloc, layout->tensors, layout->tensors_count);
    snapshot->held =
        hwi_new(snapshot->alloc, snapshot->manifest.block_count * sizeof *snapshot->held);
}
