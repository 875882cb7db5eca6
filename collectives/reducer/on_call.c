// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/feed.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/late.h"
#include "collectives/reducer/reducer.h"

// A member may be ahead of us: of the trainer's call, or of the announcement of a view. Then its
// call waits. Once an operation is Done no call of it is under way, so none waits for an ended one.
void hwi_reducer_on_call(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_call *call = &event->msg->u.call;
    uint32_t rank;
    bool member = hwi_reducer_rank(reducer, event->from.id, &rank);
    if (!hwi_kind_is_collective(call->op.kind) || call->op.view < reducer->view) {
        return;
    }
    if (call->op.view == reducer->view && !member) {
        return;
    }
    struct hwi_collective *collective = hwi_collective_find(reducer, call->op);
    if (collective == NULL) {
        hwi_early_keep(&reducer->early, reducer->alloc, event->from.id, call);
        return;
    }
    bool said = member && collective->edges[rank].called;
    if (!member || said || collective->state != HWI_COLLECTIVE_RUNNING) {
        return;
    }
    hwi_feed_called(reducer, collective, rank, call, effects);
    if (collective->state != HWI_COLLECTIVE_RUNNING) {
        return;
    }
    hwi_feed_member(reducer, collective, rank, effects);
    hwi_late_begin(reducer, collective, effects);
    hwi_collective_finish(collective, effects);
}
