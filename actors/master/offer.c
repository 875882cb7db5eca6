// SPDX-License-Identifier: MIT
// A sync as the master sees it: members' offers, the plan, and that it was committed. Each group
// has its own.
#include "actors/master/master.h"

#include <hawser/state.h>

uint32_t hwi_master_syncs_committed(const struct hwi_master *master, uint32_t group)
{
    const struct hwi_master_channel *c =
        hwi_master_channel_known((struct hwi_master *)master, HWI_KIND_SYNC, group, 0);
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

static struct hwi_op op_of(const struct hwi_master *master, uint32_t count)
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
        .op = op_of(master, g->plan.count),
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

void hwi_master_tell_plan(struct hwi_master *master, struct hwi_master_session *s,
                          struct hwi_effects *effects)
{
    const struct hwi_master_group *g = hwi_master_group(master, s->group);
    if (g != NULL && g->plan.count > 0) {
        struct hwi_msg_sync_plan made = plan(master, g, effects);
        *HWI_MASTER_TELL(s, effects, sync_plan) = made;
    }
}

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
            ask_to_hash(s, op_of(master, count), effects);
            asked++;
        }
    }
    g->offers -= asked;
    g->verify = asked > 0 ? count : g->verify;
    return asked > 0;
}

static void tell_plan(struct hwi_master *master, const struct hwi_master_group *g,
                      struct hwi_effects *effects)
{
    struct hwi_msg_sync_plan made = plan(master, g, effects); // one list for all addressees
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (hwi_master_is_of(&master->sessions[i], g)) {
            *HWI_MASTER_TELL(&master->sessions[i], effects, sync_plan) = made;
        }
    }
}

// Once all members of the group have offered. If one of the view is out by now nothing is elected
// any more: who is gone might have won, and the next view is being formed.
static void elect(struct hwi_master *master, struct hwi_master_group *g,
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
    const struct hwi_master_session *winner = hwi_master_choose(master, g, effects);
    if (winner == NULL) {
        return;
    }
    g->plan.count = count;
    g->plan.revision = winner->offer.revision;
    g->plan.root = winner->offer.root;
    g->plan.unhashed = unhashed;
    tell_plan(master, g, effects);
}

void hwi_master_on_sync_offer(struct hwi_master *master, struct hwi_master_session *s,
                              const struct hwi_msg_sync_offer *o, struct hwi_effects *effects)
{
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
    elect(master, g, effects);
}
