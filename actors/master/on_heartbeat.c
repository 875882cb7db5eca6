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
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_heartbeat *heartbeat = &event->msg->u.heartbeat;
    // `received` counts this heartbeat, `sent` does not.
    if (heartbeat->sent + 1 != session->received) {
        hwi_master_tell(session, effects, HWI_MSG_register_again);
        return;
    }
    if (heartbeat->view > session->acked && heartbeat->view <= master->view.number) {
        session->acked = heartbeat->view;
        hwi_master_past_prune(master);
    }
    uint32_t tallies = heartbeat->view == master->view.number ? heartbeat->tallies_count : 0;
    if (tallies != session->tally_count) {
        session->tallies =
            hwi_resize(master->alloc, session->tallies, tallies * sizeof *session->tallies);
        session->tally_count = tallies;
    }
    if (tallies > 0) {
        memcpy(session->tallies, heartbeat->tallies,
               session->tally_count * sizeof *session->tallies);
    }
    session->facts.revision = heartbeat->revision;
    session->facts.bytes_sent = heartbeat->bytes_sent;
    session->facts.bytes_received = heartbeat->bytes_received;
    session->facts.counters = heartbeat->counters;
    uint64_t sent = session->sent;
    struct hwi_msg_pong *p = HWI_MASTER_TELL(session, effects, pong);
    p->sent = sent;
    p->pending = hwi_master_waiting(master);
    memcpy(p->trouble, master->trouble, sizeof p->trouble);
}
