// SPDX-License-Identifier: MIT
// heartbeat: a member lives, and says what it holds and what it is in.
#include <string.h>

#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/past.h"
#include "actors/master/session.h"

void hwi_master_on_heartbeat(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *s = hwi_master_session(master, event->from.id);
    const struct hwi_msg_heartbeat *h = &event->msg->u.heartbeat;
    // `received` counts this heartbeat, `sent` does not.
    if (h->sent + 1 != s->received) {
        hwi_master_tell(s, effects, HWI_MSG_register_again);
        return;
    }
    if (h->view > s->acked && h->view <= master->view.number) {
        s->acked = h->view;
        hwi_master_past_prune(master);
    }
    uint32_t tallies = h->view == master->view.number ? h->tallies_count : 0;
    if (tallies != s->tally_count) {
        s->tallies = hwi_resize(master->alloc, s->tallies, tallies * sizeof *s->tallies);
        s->tally_count = tallies;
    }
    if (tallies > 0) {
        memcpy(s->tallies, h->tallies, s->tally_count * sizeof *s->tallies);
    }
    uint64_t sent = s->sent;
    struct hwi_msg_pong *p = HWI_MASTER_TELL(s, effects, pong);
    p->sent = sent;
}
