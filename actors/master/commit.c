// SPDX-License-Identifier: MIT
#include "actors/master/commit.h"

#include "actors/base/rows.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/sync.h"

// The operations before `until` that were not committed yet are, with so many newcomers waiting.
static void note_pending(struct hwi_master_channel *c, uint32_t until, uint32_t count)
{
    struct hwi_master_pending *last =
        c->pending_count > 0 ? &c->pendings[c->pending_count - 1] : NULL;
    if (last != NULL && last->count == count) {
        last->until = until;
        return;
    }
    if (c->pending_count == HWI_MASTER_PENDINGS_MAX) {
        HWI_ROWS_REMOVE(c->pendings, &c->pending_count, 0);
    }
    c->pendings[c->pending_count++] = (struct hwi_master_pending){.until = until, .count = count};
}

// Of many groups' members only those that it spans are looked up.
static void tell_members(struct hwi_master *master, const struct hwi_master_channel *c,
                         struct hwi_effects *effects)
{
    if (c->count == master->view.count) {
        for (uint32_t i = 0; i < master->session_count; i++) {
            if (master->sessions[i].member) {
                hwi_master_tell_commit(master, c, c->committed - 1, &master->sessions[i], effects);
            }
        }
        return;
    }
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        const struct hwi_master_seat *seat = &master->view.seats[rank];
        struct hwi_master_session *s =
            seat->group == c->group ? hwi_master_session_of_peer(master, seat->peer) : NULL;
        if (s != NULL && s->member) {
            hwi_master_tell_commit(master, c, c->committed - 1, s, effects);
        }
    }
}

void hwi_master_commit(struct hwi_master *master, struct hwi_master_channel *c, uint32_t count,
                       struct hwi_effects *effects)
{
    master->committed_total += count - c->committed;
    c->committed = count;
    c->value = c->folded;
    c->redop = 0;
    note_pending(c, count, hwi_master_waiting(master));
    c->ahead = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        c->ahead += c->counts[i] > count;
    }
    tell_members(master, c, effects);
    if (c->kind == HWI_KIND_SYNC) {
        hwi_master_synced(master, hwi_master_group(master, c->group));
    }
}
