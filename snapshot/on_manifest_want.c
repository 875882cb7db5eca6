// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_manifest_want(void *state, const struct hwi_event *event,
                                   struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_manifest_want *want = &event->msg->u.manifest_want;
    struct hwi_reader *reader = hwi_serve_reader(snapshot, event->from.id, &want->op);
    if (reader == NULL) {
        return;
    }
    if (snapshot->phase == HWI_SNAPSHOT_HOLDING) {
        hwi_serve_page(snapshot, reader, want->first, effects);
    } else if (want->first == 0) {
        reader->early_list = true;
    }
}
