// SPDX-License-Identifier: MIT
#include <string.h>

#include "collectives/reducer/collective.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

static void take_members(struct hwi_reducer *reducer, const struct hwi_msg_lane_view *message)
{
    uint32_t world = message->members_count;
    size_t count = HWI_MAX(world, 1u);
    reducer->members =
        hwi_resize(reducer->alloc, reducer->members, count * sizeof *reducer->members);
    reducer->ahead_bytes =
        hwi_resize(reducer->alloc, reducer->ahead_bytes, count * sizeof *reducer->ahead_bytes);
    memset(reducer->ahead_bytes, 0, count * sizeof *reducer->ahead_bytes);
    reducer->world = world;
    reducer->self = world;
    for (uint32_t i = 0; i < world; i++) {
        reducer->members[i] = message->members[i].value;
        // 0 names the own input in a reduce, and ascending ids make ranks searchable.
        HWI_CHECK(reducer->members[i] > (i > 0 ? reducer->members[i - 1] : 0));
        if (reducer->members[i] == message->self) {
            reducer->self = i;
        }
    }
}

// The peer has ended all operations of earlier views; some may still wait for quiesced.
void hwi_reducer_on_lane_view(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_lane_view *message = &event->msg->u.lane_view;
    HWI_CHECK(message->view == 0 || message->view > reducer->view);
    for (uint32_t i = 0; i < reducer->collective_count; i++) {
        HWI_CHECK(reducer->collectives[i]->state == HWI_COLLECTIVE_ENDING);
    }
    take_members(reducer, message);
    HWI_CHECK(message->view == 0 || reducer->self < reducer->world);
    reducer->view = message->view;
    hwi_early_forget(&reducer->early, reducer->alloc, reducer->view, reducer->members,
                     reducer->world);
    if (reducer->view != 0) {
        HWI_EMIT(effects, hwi_to_data(), data_view)->view = reducer->view;
    }
}
