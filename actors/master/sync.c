// SPDX-License-Identifier: MIT
#include "actors/master/sync.h"

#include <hawser/state.h>

#include "actors/master/channel.h"
#include "actors/master/master.h"

uint32_t hwi_master_syncs_committed(const struct hwi_master *master, uint32_t group)
{
    const struct hwi_master_channel *c = hwi_master_channel(master, HWI_KIND_SYNC, group, 0);
    return c == NULL ? 0 : c->committed;
}

bool hwi_master_offered(const struct hwi_master *master, const struct hwi_master_session *s)
{
    return s->offer.count == hwi_master_syncs_committed(master, s->group) + 1;
}

void hwi_master_synced(struct hwi_master *master, struct hwi_master_group *g)
{
    g->ever_synced = true;
    g->offers = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        s->synced |= hwi_master_is_of(s, g);
        g->offers += hwi_master_is_of(s, g) && hwi_master_offered(master, s);
    }
}

struct hwi_op hwi_master_sync_op(const struct hwi_master *master, uint32_t count)
{
    return (struct hwi_op){.view = master->view.number, .kind = HWI_KIND_SYNC, .seq = count - 1};
}

// Who is read from: not who only receives.
static bool is_source(const struct hwi_master_session *s, const struct hwi_master_group *g)
{
    bool may_send = !s->offer.dirty && s->offer.strategy != HWS_SYNC_RECEIVE_ONLY;
    return hwi_master_is_of(s, g) && may_send && hwi_hash_equal(s->offer.root, g->plan.root);
}

static struct hwi_msg_sync_plan plan(const struct hwi_master *master,
                                     const struct hwi_master_group *g, struct hwi_effects *effects)
{
    struct hwi_msg_sync_plan made = {
        .op = hwi_master_sync_op(master, g->plan.count),
        .revision = g->plan.revision,
        .root = g->plan.root,
        .unhashed = g->plan.unhashed,
        .sources = hwi_effects_memory(effects, g->members * sizeof *made.sources),
    };
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (is_source(&master->sessions[i], g)) {
            made.sources[made.sources_count++].value = master->sessions[i].peer;
        }
    }
    return made;
}

void hwi_master_tell_plan(const struct hwi_master *master, struct hwi_master_session *s,
                          struct hwi_effects *effects)
{
    const struct hwi_master_group *g = hwi_master_group(master, s->group);
    if (g != NULL && g->plan.count > 0) {
        struct hwi_msg_sync_plan made = plan(master, g, effects);
        *HWI_MASTER_TELL(s, effects, sync_plan) = made;
    }
}

void hwi_master_tell_plan_to_all(const struct hwi_master *master, const struct hwi_master_group *g,
                                 struct hwi_effects *effects)
{
    struct hwi_msg_sync_plan made = plan(master, g, effects); // one list for all addressees
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (hwi_master_is_of(&master->sessions[i], g)) {
            *HWI_MASTER_TELL(&master->sessions[i], effects, sync_plan) = made;
        }
    }
}
