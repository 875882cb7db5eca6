// SPDX-License-Identifier: MIT
#include "actors/base/rows.h"
#include "snapshot/serve.h"

bool hwi_snapshot_is_member(const struct hwi_snapshot *snapshot, uint64_t peer)
{
    return hwi_rows_find_key(snapshot->members, snapshot->member_count, sizeof *snapshot->members,
                             0, peer) != NULL;
}

void hwi_snapshot_on_lane_view(struct hwi_snapshot *snapshot, const struct hwi_event *event,
                               struct hwi_effects *effects)
{
    (void)effects;
    const struct hwi_msg_lane_view *m = &event->msg->u.lane_view;
    hwi_serve_forget(snapshot);
    snapshot->members = hwi_resize(snapshot->alloc, snapshot->members,
                                   m->members_count * sizeof *snapshot->members);
    for (uint32_t i = 0; i < m->members_count; i++) {
        snapshot->members[i] = m->members[i].value;
    }
    snapshot->member_count = m->members_count;
    snapshot->view = m->view;
    snapshot->self = m->self;
    // A sync of the view that is gone waits for its op_end and asks for nothing more.
    if (snapshot->phase != HWI_SNAPSHOT_IDLE && snapshot->phase < HWI_SNAPSHOT_STOPPED &&
        snapshot->op.view != snapshot->view) {
        snapshot->phase = HWI_SNAPSHOT_STOPPED;
    }
}
