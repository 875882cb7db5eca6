// SPDX-License-Identifier: MIT
// counted: what the master's process has dropped.
#include "actors/master/handlers.h"
#include "actors/master/master.h"

void hwi_master_on_counted(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    (void)effects;
    master->counters = event->msg->u.counted.counters;
}
