// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/feed.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

// A grant beyond the call's follows our call, or chunks of ours, so none can be early: unknown
// operations are ended or invented ones. It may pass its sender's call on another stripe; then it
// counts with the call.
void hwi_reducer_on_grant(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_grant *message = &event->msg->u.grant;
    uint32_t rank;
    struct hwi_collective *collective = hwi_collective_find(reducer, message->op);
    if (collective == NULL || collective->state != HWI_COLLECTIVE_RUNNING) {
        return;
    }
    if (!hwi_reducer_rank(reducer, event->from.id, &rank) || message->phase < 1 ||
        message->phase > collective->phases_max) {
        return;
    }
    hwi_feed_granted(collective, message->phase, rank, message->granted);
    if (collective->edges[rank].called) {
        hwi_feed_member(reducer, collective, rank, effects);
    }
}
