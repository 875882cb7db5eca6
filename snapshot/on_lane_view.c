// SPDX-License-Identifier: MIT
#include "actors/base/place.h"
#include "snapshot/serve.h"

bool hwi_snapshot_is_member(const struct hwi_snapshot *s, uint64_t peer)
{
    uint32_t at = hwi_place(s->members, s->member_count, sizeof *s->members, 0, peer);
    return at < s->member_count && s->members[at] == peer;
}

void hwi_snapshot_on_lane_view(struct hwi_snapshot *s, const struct hwi_event *event,
                               struct hwi_effects *fx)
{
    (void)fx;
    const struct hwi_msg_lane_view *m = &event->msg->u.lane_view;
    hwi_serve_forget(s);
    s->members = hwi_resize(s->alloc, s->members, m->members_count * sizeof *s->members);
    for (uint32_t i = 0; i < m->members_count; i++)
        s->members[i] = m->members[i].value;
    s->member_count = m->members_count;
    s->view = m->view;
    s->self = m->self;
    // A sync of the view that is gone waits for its op_end and asks for nothing more.
    if (s->phase != HWI_SNAPSHOT_IDLE && s->phase < HWI_SNAPSHOT_STOPPED && s->op.view != s->view)
        s->phase = HWI_SNAPSHOT_STOPPED;
}
