// SPDX-License-Identifier: MIT
#include "actors/master/seal.h"

#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/past.h"
#include "actors/master/session.h"
#include "actors/master/unit.h"

static void put_in_force(struct hwi_master *master)
{
    hwi_master_channels_clear(master);
    master->fault_count = 0;
    master->change = false;
    master->view.number = master->proposal;
    master->admitting = false;
    master->any_late = false;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        s->acked = s->proposed && !s->member ? master->proposal : s->acked;
        s->suspect = false;
        s->offer.count = 0;
        hwi_master_late(master, s, false);
        hwi_free(master->alloc, s->tallies);
        s->tallies = NULL;
        s->tally_count = 0;
    }
    hwi_master_seat(master);
    master->proposal = 0;
    master->view.pending = hwi_master_waiting(master);
}

void hwi_master_seal(struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_past *past = hwi_master_past_record(master, effects);
    put_in_force(master);
    if (past != NULL) {
        past->pending = master->view.pending;
    }
    master->stage = HWI_STAGE_SEALING;
}
