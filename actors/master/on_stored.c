// SPDX-License-Identifier: MIT
// stored: what was to be durable is, or is tried again.
#include <stdio.h>

#include <hawser/types.h>

#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"

enum { STORE_AGAIN_MS = 1000 };

void hwi_master_on_stored(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    const struct hwi_msg_stored *stored = &event->msg->u.stored;
    snprintf(master->trouble, sizeof master->trouble, "%s", stored->reason);
    if (stored->status != HWS_OK) {
        master->store_again_ns = master->now_ns + STORE_AGAIN_MS * HWI_NS_PER_MS;
    } else if (!master->booted) {
        master->booted = true;
    } else {
        hwi_master_durable(master, effects);
    }
}
