// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_blocks_want(struct hwi_snapshot *snapshot, const struct hwi_event *event,
                                 struct hwi_effects *effects)
{
    const struct hwi_msg_blocks_want *m = &event->msg->u.blocks_want;
    struct hwi_reader *reader = hwi_serve_reader(snapshot, event->from.id, &m->op);
    if (reader == NULL) {
        return;
    }
    for (uint32_t i = 0; i < m->blocks_count; i++) {
        if (snapshot->phase == HWI_SNAPSHOT_HOLDING) {
            hwi_serve_block(snapshot, reader, m->blocks[i].index, effects);
        } else if (reader->early_count < HWI_FETCH_WINDOW) {
            reader->early_blocks[reader->early_count++] = m->blocks[i].index;
        }
    }
}
