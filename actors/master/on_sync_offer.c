// SPDX-License-Identifier: MIT
// sync_offer: what a member holds, and what it asks for. Once all of its group have said it, the
// state is elected.
#include "actors/master/elect.h"
#include "actors/master/group.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"
#include "actors/master/shape.h"
#include "actors/master/sync.h"

// Those that go without hashes offer what all others offer, and nobody hashed.
static bool alike(const struct hwi_master *master, const struct hwi_master_group *group)
{
    const struct hwi_master_session *first = NULL;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        if (!hwi_master_is_of(session, group)) {
            continue;
        }
        first = first == NULL ? session : first;
        if (!session->offer.unhashed || session->offer.revision != first->offer.revision ||
            !hwi_hash_equal(session->offer.root, first->offer.root)) {
            return false;
        }
    }
    return true;
}

static void ask_to_hash(struct hwi_master_session *session, struct hwi_op op,
                        struct hwi_effects *effects)
{
    HWI_MASTER_TELL(session, effects, sync_verify)->op = op;
}

// Takes back the offers that were made without hashes; true if there was one.
static bool ask_all_to_hash(struct hwi_master *master, struct hwi_master_group *group,
                            uint32_t count, struct hwi_effects *effects)
{
    uint32_t asked = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        if (hwi_master_is_of(session, group) && session->offer.unhashed) {
            session->offer.count = count - 1;
            ask_to_hash(session, hwi_master_sync_op(master, count), effects);
            asked++;
        }
    }
    group->offers -= asked;
    group->verify = asked > 0 ? count : group->verify;
    return asked > 0;
}

// Once all members of the group have offered. If a member of the view is already removed, nothing
// is elected: that member might have won, and the next view is being formed.
static void elect_when_all_offered(struct hwi_master *master, struct hwi_master_group *group,
                                   struct hwi_effects *effects)
{
    uint32_t count = hwi_master_syncs_committed(master, group->number) + 1;
    if (group->plan.count >= count || group->offers < group->count) {
        return; // decided, or not all have offered
    }
    bool unhashed = alike(master, group);
    if (!unhashed && ask_all_to_hash(master, group, count, effects)) {
        return;
    }
    const struct hwi_master_session *winner = hwi_master_elect(master, group, effects);
    if (winner == NULL) {
        return;
    }
    group->plan.count = count;
    group->plan.revision = winner->offer.revision;
    group->plan.root = winner->offer.root;
    group->plan.unhashed = unhashed;
    hwi_master_tell_plan_to_all(master, group, effects);
}

void hwi_master_on_sync_offer(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_sync_offer *offer = &event->msg->u.sync_offer;
    struct hwi_master_group *group = hwi_master_group(master, session->group);
    if (!session->member || group == NULL || offer->op.view != master->view.number ||
        offer->op.kind != HWI_KIND_SYNC) {
        return;
    }
    if (offer->unhashed && group->verify > offer->op.seq) { // it did not hear so
        ask_to_hash(session, offer->op, effects);
        return;
    }
    if (session->offer.count > offer->op.seq) {
        return; // said before
    }
    group->offers -= hwi_master_offered(master, session);
    session->offer.count = offer->op.seq + 1;
    group->offers += hwi_master_offered(master, session);
    session->offer.revision = offer->revision;
    session->offer.root = offer->root;
    session->offer.layout = offer->layout;
    session->offer.dirty = offer->dirty;
    session->offer.strategy = offer->strategy;
    session->offer.unhashed = offer->unhashed;
    hwi_master_shape_note(master, offer);
    elect_when_all_offered(master, group, effects);
}
