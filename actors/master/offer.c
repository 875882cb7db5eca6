// SPDX-License-Identifier: MIT
// A sync as the master sees it: members' offers, the plan, and that it was committed. Each group
// has its own.
#include "actors/master/master.h"

#include <hawser/state.h>

uint32_t hwi_master_syncs_committed(const struct master *m, uint32_t group)
{
    const struct channel *c = hwi_master_channel_known((struct master *)m, HWI_KIND_SYNC, group, 0);
    return c == NULL ? 0 : c->committed;
}

bool hwi_master_offered(const struct master *m, const struct session *s)
{
    return s->offer.count == hwi_master_syncs_committed(m, s->group) + 1;
}

void hwi_master_synced(struct master *m, struct group *g)
{
    g->ever_synced = true;
    g->offers = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->synced |= hwi_master_is_of(s, g);
        g->offers += hwi_master_is_of(s, g) && hwi_master_offered(m, s);
    }
}

static struct hwi_op op_of(const struct master *m, uint32_t count)
{
    return (struct hwi_op){.view = m->view.number, .kind = HWI_KIND_SYNC, .seq = count - 1};
}

// Who is read from: not who only receives.
static bool is_source(const struct session *s, const struct group *g)
{
    bool may_send = !s->offer.dirty && s->offer.strategy != HWS_SYNC_RECEIVE_ONLY;
    return hwi_master_is_of(s, g) && may_send && hwi_hash_equal(s->offer.root, g->plan.root);
}

static struct hwi_msg_sync_plan plan(const struct master *m, const struct group *g,
                                     struct hwi_effects *fx)
{
    struct hwi_msg_sync_plan made = {
        .op = op_of(m, g->plan.count),
        .revision = g->plan.revision,
        .root = g->plan.root,
        .unhashed = g->plan.unhashed,
        .sources = hwi_effects_memory(fx, g->members * sizeof *made.sources),
    };
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (is_source(&m->sessions[i], g)) {
            made.sources[made.sources_count++].value = m->sessions[i].peer;
        }
    }
    return made;
}

void hwi_master_tell_plan(struct master *m, struct session *s, struct hwi_effects *fx)
{
    const struct group *g = hwi_master_group(m, s->group);
    if (g != NULL && g->plan.count > 0) {
        struct hwi_msg_sync_plan made = plan(m, g, fx);
        *MASTER_TELL(s, fx, sync_plan) = made;
    }
}

// Those that go without hashes offer what all others offer, and nobody hashed.
static bool alike(const struct master *m, const struct group *g)
{
    const struct session *first = NULL;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
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

static void ask_to_hash(struct session *s, struct hwi_op op, struct hwi_effects *fx)
{
    MASTER_TELL(s, fx, sync_verify)->op = op;
}

// Takes back the offers that were made without hashes; true if there was one.
static bool ask_all_to_hash(struct master *m, struct group *g, uint32_t count,
                            struct hwi_effects *fx)
{
    uint32_t asked = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (hwi_master_is_of(s, g) && s->offer.unhashed) {
            s->offer.count = count - 1;
            ask_to_hash(s, op_of(m, count), fx);
            asked++;
        }
    }
    g->offers -= asked;
    g->verify = asked > 0 ? count : g->verify;
    return asked > 0;
}

static void tell_plan(struct master *m, const struct group *g, struct hwi_effects *fx)
{
    struct hwi_msg_sync_plan made = plan(m, g, fx); // one list for all addressees
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (hwi_master_is_of(&m->sessions[i], g)) {
            *MASTER_TELL(&m->sessions[i], fx, sync_plan) = made;
        }
    }
}

// Once all members of the group have offered. If one of the view is out by now nothing is elected
// any more: who is gone might have won, and the next view is being formed.
static void elect(struct master *m, struct group *g, struct hwi_effects *fx)
{
    uint32_t count = hwi_master_syncs_committed(m, g->number) + 1;
    if (g->plan.count >= count || g->offers < g->count) {
        return; // decided, or not all have offered
    }
    bool unhashed = alike(m, g);
    if (!unhashed && ask_all_to_hash(m, g, count, fx)) {
        return;
    }
    const struct session *winner = hwi_master_choose(m, g, fx);
    if (winner == NULL) {
        return;
    }
    g->plan.count = count;
    g->plan.revision = winner->offer.revision;
    g->plan.root = winner->offer.root;
    g->plan.unhashed = unhashed;
    tell_plan(m, g, fx);
}

void hwi_master_on_sync_offer(struct master *m, struct session *s,
                              const struct hwi_msg_sync_offer *o, struct hwi_effects *fx)
{
    struct group *g = hwi_master_group(m, s->group);
    if (!s->member || g == NULL || o->op.view != m->view.number || o->op.kind != HWI_KIND_SYNC) {
        return;
    }
    if (o->unhashed && g->verify > o->op.seq) { // it did not hear so
        ask_to_hash(s, o->op, fx);
        return;
    }
    if (s->offer.count > o->op.seq) {
        return; // said before
    }
    g->offers -= hwi_master_offered(m, s);
    s->offer.count = o->op.seq + 1;
    g->offers += hwi_master_offered(m, s);
    s->offer.revision = o->revision;
    s->offer.root = o->root;
    s->offer.layout = o->layout;
    s->offer.dirty = o->dirty;
    s->offer.strategy = o->strategy;
    s->offer.unhashed = o->unhashed;
    hwi_master_shape_note(m, o);
    elect(m, g, fx);
}
