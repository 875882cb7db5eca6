// SPDX-License-Identifier: MIT
#include "actors/master/seal.h"

#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/past.h"
#include "actors/master/session.h"
#include "actors/master/trial.h"
#include "actors/master/unit.h"

static void put_in_force(struct hwi_master *master)
{
    hwi_master_channels_clear(master);
    master->fault_count = 0;
    master->change = false;
    master->view.number = master->proposal;
    master->admitting = false;
    master->any_late = false;
    master->gather_until_ns = HWI_NEVER;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        session->acked = session->proposed && !session->member ? master->proposal : session->acked;
        session->suspect = false;
        session->offer.count = 0;
        hwi_master_late(master, session, false);
        hwi_free(master->alloc, session->tallies);
        session->tallies = NULL;
        session->tally_count = 0;
    }
    hwi_master_seat(master);
    hwi_master_trial_count(master);
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
