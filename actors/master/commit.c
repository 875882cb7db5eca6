// SPDX-License-Identifier: MIT
#include "actors/master/commit.h"

#include "actors/base/rows.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/sync.h"

// Commits the operations before `until` that were not committed yet, with that number of newcomers
// waiting.
static void note_pending(struct hwi_master_channel *channel, uint32_t until, uint32_t count)
{
    struct hwi_master_pending *last =
        channel->pending_count > 0 ? &channel->pendings[channel->pending_count - 1] : NULL;
    if (last != NULL && last->count == count) {
        last->until = until;
        return;
    }
    if (channel->pending_count == HWI_MASTER_PENDINGS_MAX) {
        HWI_ROWS_REMOVE(channel->pendings, &channel->pending_count, 0);
    }
    channel->pendings[channel->pending_count++] =
        (struct hwi_master_pending){.until = until, .count = count};
}

// Of many groups' members only those that it spans are looked up.
static void tell_members(struct hwi_master *master, const struct hwi_master_channel *channel,
                         struct hwi_effects *effects)
{
    if (channel->count == master->view.count) {
        for (uint32_t i = 0; i < master->session_count; i++) {
            if (master->sessions[i].member) {
                hwi_master_tell_commit(master, channel, channel->committed - 1,
                                       &master->sessions[i], effects);
            }
        }
        return;
    }
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        const struct hwi_master_seat *seat = &master->view.seats[rank];
        struct hwi_master_session *session =
            seat->group == channel->group ? hwi_master_session_of_peer(master, seat->peer) : NULL;
        if (session != NULL && session->member) {
            hwi_master_tell_commit(master, channel, channel->committed - 1, session, effects);
        }
    }
}

void hwi_master_commit(struct hwi_master *master, struct hwi_master_channel *channel,
                       uint32_t count, struct hwi_effects *effects)
{
    master->committed_total += count - channel->committed;
    channel->committed = count;
    channel->value = channel->folded;
    channel->redop = 0;
    note_pending(channel, count, hwi_master_waiting(master));
    channel->ahead = 0;
    for (uint32_t i = 0; i < channel->count; i++) {
        channel->ahead += channel->counts[i] > count;
    }
    tell_members(master, channel, effects);
    if (channel->kind == HWI_KIND_SYNC) {
        hwi_master_synced(master, hwi_master_group(master, channel->group));
    }
}
