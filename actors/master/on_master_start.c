// SPDX-License-Identifier: MIT
// master_start: the run's options; the first store says that the master can keep its promises.
#include "actors/master/announce.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"

void hwi_master_on_master_start(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    const struct hwi_msg_master_start *start = &event->msg->u.master_start;
    master->config = *start;
    master->config.first_members = HWI_MAX(start->first_members, start->min_members);
    if (master->config.first_members > 1) {
        master->config.gather_ms = 0; // their number says when all are here
    }
    master->started = true;
    master->run = master->run == 0 ? start->run : master->run;
    master->incarnation = master->incarnation == 0 ? start->master : master->incarnation;
    if (master->config.durable) {
        hwi_master_store(master, effects);
    } else {
        master->booted = true;
    }
}
