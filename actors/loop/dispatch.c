// SPDX-License-Identifier: MIT
#include "actors/loop/dispatch.h"

// Nobody in the master's process hears it; the others are named by their ids.
static bool is_of_another_process(struct hwi_addr from)
{
    return from.id != 0 || from.role == HWI_ROLE_MASTER;
}

void hwi_dispatch(const struct hwi_handlers *handlers, void *state, const struct hwi_event *event,
                  struct hwi_effects *effects)
{
    struct hwi_heard heard = {0};
    if (event->msg->type < HWI_MSG_TYPE_MAX && event->from.role < HWI_ROLE_MAX) {
        heard = handlers->by_type[event->msg->type];
    }
    if ((heard.says & 1u << event->from.role) != 0) {
        heard.handle(state, event, effects);
    } else {
        HWI_CHECK(is_of_another_process(event->from));
    }
}
