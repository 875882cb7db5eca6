// SPDX-License-Identifier: MIT
// view_file: what an earlier master of this run knew, from its file; comes before master_start.
#include "actors/master/handlers.h"
#include "actors/master/master.h"

void hwi_master_on_view_file(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    (void)effects;
    const struct hwi_msg_view_file *file = &event->msg->u.view_file;
    master->run = file->run;
    master->incarnation = file->master + 1;
    master->highest = file->highest;
    master->next_peer = file->next_peer;
}
