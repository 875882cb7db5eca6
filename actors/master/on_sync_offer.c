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
static bool alike(const struct hwi_master *master, const struct hwi_master_group *g)
{
    const struct hwi_master_session *first = NULL;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *s = &master->sessions[i];
        if (!hwi_master_is_of(s, g)) {
            continue;
        }
        first = first == NULL ? s : first;
        if (!s->offer.unhashed || s->offer.revision != first->offer.revision ||
            !hwi_hash_equal(s->offer.root, first->offer.root)) {
            return false;
        }
    }
    return true;
}

static void ask_to_hash(struct hwi_master_session *s, struct hwi_op op, struct hwi_effects *effects)
{
    HWI_MASTER_TELL(s, effects, sync_verify)->op = op;
}

// Takes back the offers that were made without hashes; true if there was one.
static bool ask_all_to_hash(struct hwi_master *master, struct hwi_master_group *g, uint32_t count,
                            struct hwi_effects *effects)
{
    uint32_t asked = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        if (hwi_master_is_of(s, g) && s->offer.unhashed) {
            s->offer.count = count - 1;
            ask_to_hash(s, hwi_master_sync_op(master, count), effects);
            asked++;
        }
    }
    g->offers -= asked;
    g->verify = asked > 0 ? count : g->verify;
    return asked > 0;
}

// Once all members of the group have offered. If one of the view is out by now nothing is elected
// any more: who is gone might have won, and the next view is being formed.
static void elect_when_all_offered(struct hwi_master *master, struct hwi_master_group *g,
                                   struct hwi_effects *effects)
{
    uint32_t count = hwi_master_syncs_committed(master, g->number) + 1;
    if (g->plan.count >= count || g->offers < g->count) {
        return; // decided, or not all have offered
    }
    bool unhashed = alike(master, g);
    if (!unhashed && ask_all_to_hash(master, g, count, effects)) {
        return;
    }
    const struct hwi_master_session *winner = hwi_master_elect(master, g, effects);
    if (winner == NULL) {
        return;
    }
    g->plan.count = count;
    g->plan.revision = winner->offer.revision;
    g->plan.root = winner->offer.root;
    g->plan.unhashed = unhashed;
    hwi_master_tell_plan_to_all(master, g, effects);
}

void hwi_master_on_sync_offer(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *s = hwi_master_session(master, event->from.id);
    const struct hwi_msg_sync_offer *o = &event->msg->u.sync_offer;
    struct hwi_master_group *g = hwi_master_group(master, s->group);
    if (!s->member || g == NULL || o->op.view != master->view.number ||
        o->op.kind != HWI_KIND_SYNC) {
        return;
    }
    if (o->unhashed && g->verify > o->op.seq) { // it did not hear so
        ask_to_hash(s, o->op, effects);
        return;
    }
    if (s->offer.count > o->op.seq) {
        return; // said before
    }
    g->offers -= hwi_master_offered(master, s);
    s->offer.count = o->op.seq + 1;
    g->offers += hwi_master_offered(master, s);
    s->offer.revision = o->revision;
    s->offer.root = o->root;
    s->offer.layout = o->layout;
    s->offer.dirty = o->dirty;
    s->offer.strategy = o->strategy;
    s->offer.unhashed = o->unhashed;
    hwi_master_shape_note(master, o);
    elect_when_all_offered(master, g, effects);
}
