// SPDX-License-Identifier: MIT
#include "actors/master/announce.h"

#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/past.h"

// How to reach them was proposed.
static struct hwi_member *list_members(const struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_member *members = hwi_effects_memory(effects, master->view.count * sizeof *members);
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        members[rank].peer = master->view.seats[rank].peer;
        members[rank].group = master->view.seats[rank].group;
    }
    return members;
}

static struct hwi_msg_announce announcement(const struct hwi_master *master,
                                            struct hwi_effects *effects)
{
    return (struct hwi_msg_announce){
        .view = master->view.number,
        .pending = master->view.pending,
        .members = list_members(master, effects),
        .members_count = master->view.count,
        .past = hwi_master_past_list(master, effects),
        .past_count = master->past_count,
        .groups = master->group_count,
        .largest = master->view.largest,
    };
}

static void tell(struct hwi_master_session *session, const struct hwi_msg_announce *made,
                 struct hwi_effects *effects)
{
    struct hwi_msg_announce *a = HWI_MASTER_TELL(session, effects, announce);
    *a = *made;
    a->incarnation = session->incarnation;
}

void hwi_master_announce(const struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_msg_announce made = announcement(master, effects); // one list for all addressees
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (master->sessions[i].member) {
            tell(&master->sessions[i], &made, effects);
        }
    }
}

void hwi_master_announce_to(const struct hwi_master *master, struct hwi_master_session *session,
                            struct hwi_effects *effects)
{
    struct hwi_msg_announce made = announcement(master, effects);
    tell(session, &made, effects);
}

void hwi_master_store(const struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_msg_view_file *file = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DISK, 0), view_file);
    file->run = master->run;
    file->master = master->incarnation;
    file->highest = master->highest;
    file->next_peer = master->next_peer;
}
