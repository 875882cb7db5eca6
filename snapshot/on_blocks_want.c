// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_blocks_want(void *state, const struct hwi_event *event,
                                 struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_blocks_want *want = &event->msg->u.blocks_want;
    struct hwi_reader *reader = hwi_serve_reader(snapshot, event->from.id, &want->op);
    if (reader == NULL) {
        return;
    }
    for (uint32_t i = 0; i < want->blocks_count; i++) {
        if (snapshot->phase == HWI_SNAPSHOT_HOLDING) {
            hwi_serve_block(snapshot, reader, want->blocks[i].index, effects);
        } else if (reader->early_count < HWI_FETCH_WINDOW) {
            reader->early_blocks[reader->early_count++] = want->blocks[i].index;
        }
    }
}
