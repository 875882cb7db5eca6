// SPDX-License-Identifier: MIT
#include "actors/master/sync.h"

#include <hawser/state.h>

#include "actors/master/channel.h"
#include "actors/master/master.h"

uint32_t hwi_master_syncs_committed(const struct hwi_master *master, uint32_t group)
{
    const struct hwi_master_channel *channel = hwi_master_channel(master, HWI_KIND_SYNC, group, 0);
    return channel == NULL ? 0 : channel->committed;
}

bool hwi_master_offered(const struct hwi_master *master, const struct hwi_master_session *session)
{
    return session->offer.count == hwi_master_syncs_committed(master, session->group) + 1;
}

void hwi_master_synced(struct hwi_master *master, struct hwi_master_group *group)
{
    group->ever_synced = true;
    group->offers = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        session->synced |= hwi_master_is_of(session, group);
        group->offers += hwi_master_is_of(session, group) && hwi_master_offered(master, session);
    }
}

struct hwi_op hwi_master_sync_op(const struct hwi_master *master, uint32_t count)
{
    return (struct hwi_op){.view = master->view.number, .kind = HWI_KIND_SYNC, .seq = count - 1};
}

// The members that are read: not the receive-only ones.
static bool is_source(const struct hwi_master_session *session,
                      const struct hwi_master_group *group)
{
    bool may_send = !session->offer.dirty && session->offer.strategy != HWS_SYNC_RECEIVE_ONLY;
    return hwi_master_is_of(session, group) && may_send &&
           hwi_hash_equal(session->offer.root, group->plan.root);
}

static struct hwi_msg_sync_plan plan(const struct hwi_master *master,
                                     const struct hwi_master_group *group,
                                     struct hwi_effects *effects)
{
    struct hwi_msg_sync_plan made = {
        .op = hwi_master_sync_op(master, group->plan.count),
        .revision = group->plan.revision,
        .root = group->plan.root,
        .unhashed = group->plan.unhashed,
        .sources = hwi_effects_memory(effects, group->members * sizeof *made.sources),
    };
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (is_source(&master->sessions[i], group)) {
            made.sources[made.sources_count++].value = master->sessions[i].peer;
        }
    }
    return made;
}

void hwi_master_tell_plan(const struct hwi_master *master, struct hwi_master_session *session,
                          struct hwi_effects *effects)
{
    const struct hwi_master_group *group = hwi_master_group(master, session->group);
    if (group != NULL && group->plan.count > 0) {
        struct hwi_msg_sync_plan made = plan(master, group, effects);
        *HWI_MASTER_TELL(session, effects, sync_plan) = made;
    }
}

void hwi_master_tell_plan_to_all(const struct hwi_master *master,
                                 const struct hwi_master_group *group, struct hwi_effects *effects)
{
    struct hwi_msg_sync_plan made = plan(master, group, effects); // one list for all addressees
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (hwi_master_is_of(&master->sessions[i], group)) {
            *HWI_MASTER_TELL(&master->sessions[i], effects, sync_plan) = made;
        }
    }
}
