// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

void hwi_snapshot_on_lane_view(struct hwi_snapshot *s, const struct hwi_event *event,
                               struct hwi_effects *fx)
{
    (void)fx;
    const struct hwi_msg_lane_view *m = &event->msg->u.lane_view;
    hwi_free(s->alloc, s->readers);
    s->readers = NULL;
    s->reader_count = 0;
    if (m->members_count > 0)
        s->readers = hwi_new(s->alloc, m->members_count * sizeof *s->readers);
    for (uint32_t i = 0; i < m->members_count; i++)
        s->readers[i].peer = m->members[i].value;
    s->reader_count = m->members_count;
    s->view = m->view;
    s->self = m->self;
    // A sync of the view that is gone waits for its op_end and asks for nothing more.
    if (s->phase != HWI_SNAPSHOT_IDLE && s->phase < HWI_SNAPSHOT_STOPPED && s->op.view != s->view)
        s->phase = HWI_SNAPSHOT_STOPPED;
}
