// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"

void hwi_snapshot_on_lane_view(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects)
{
    (void)effects;
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_lane_view *view = &event->msg->u.lane_view;
    hwi_serve_forget(snapshot);
    snapshot->members = hwi_resize(snapshot->alloc, snapshot->members,
                                   view->members_count * sizeof *snapshot->members);
    for (uint32_t i = 0; i < view->members_count; i++) {
        snapshot->members[i] = view->members[i].value;
    }
    snapshot->member_count = view->members_count;
    snapshot->view = view->view;
    snapshot->self = view->self;
    // A sync of the view that is gone waits for its op_end and asks for nothing more.
    if (snapshot->phase != HWI_SNAPSHOT_IDLE && snapshot->phase < HWI_SNAPSHOT_STOPPED &&
        snapshot->op.view != snapshot->view) {
        snapshot->phase = HWI_SNAPSHOT_STOPPED;
    }
}
