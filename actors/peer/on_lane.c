// SPDX-License-Identifier: MIT
// What reducer and snapshot say of the calls they work on, and the sync's talk with the master.
#include "actors/peer/peer.h"

#include <hawser/state.h>
#include <hawser/types.h>

void hwi_peer_on_op_fault(struct hwi_peer *peer, enum hwi_role lane,
                          const struct hwi_msg_op_fault *f, struct hwi_effects *effects)
{
    if (f->fault.status == HWS_E_INTERNAL) {
        hwi_peer_lane_failed(peer, lane, effects);
        return;
    }
    struct hwi_peer_call *c = hwi_peer_call_of(peer, f->op);
    if (c != NULL) {
        hwi_peer_withdraw(peer, c, &f->fault, effects);
    }
}

void hwi_peer_start_sync(const struct hwi_peer_call *c, uint8_t verify, struct hwi_effects *effects)
{
    struct hwi_msg_sync_start *s = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_SNAPSHOT), sync_start);
    s->op = c->op;
    s->revision = c->request.value;
    s->verify = verify;
}

static struct hwi_msg_sync_offer *tell_offer(struct hwi_peer *peer, const struct hwi_peer_call *c,
                                             struct hwi_effects *effects)
{
    struct hwi_msg_sync_offer *o = HWI_PEER_TELL(peer, effects, sync_offer);
    o->op = c->op;
    o->revision = c->request.value;
    o->root = c->sync.root;
    o->layout = c->sync.layout;
    o->dirty = peer->state_dirty;
    o->strategy = c->request.strategy;
    o->unhashed = c->sync.unhashed;
    return o;
}

// Said again, without the tensors: they are there to name what is wrong with them, and are not
// kept.
void hwi_peer_tell_offer(struct hwi_peer *peer, const struct hwi_peer_call *c,
                         struct hwi_effects *effects)
{
    tell_offer(peer, c, effects);
}

void hwi_peer_on_state_hashed(struct hwi_peer *peer, const struct hwi_msg_state_hashed *s,
                              struct hwi_effects *effects)
{
    struct hwi_peer_call *c = hwi_peer_call_of(peer, s->op);
    if (c == NULL || c->sync.offered) {
        return;
    }
    c->sync.offered = true;
    c->sync.root = s->root;
    c->sync.layout = s->layout;
    c->sync.unhashed = s->unhashed;
    struct hwi_msg_sync_offer *o = tell_offer(peer, c, effects);
    o->tensors = hwi_effects_copy(effects, s->tensors, s->tensors_count * sizeof *s->tensors);
    o->tensors_count = s->tensors_count;
}

// Others hashed, or are at another revision: what was offered without hashing does not count.
void hwi_peer_on_sync_verify(struct hwi_peer *peer, const struct hwi_msg_sync_verify *v,
                             struct hwi_effects *effects)
{
    struct hwi_peer_call *c = hwi_peer_call_of(peer, v->op);
    if (c == NULL || !c->sync.offered || !c->sync.unhashed || c->sync.planned) {
        return;
    }
    c->sync.offered = c->sync.unhashed = false;
    hwi_peer_start_sync(c, 0, effects);
}

// No honest master has bytes fetched into a state that is only to be sent, or that is not hashed.
static bool may_receive(const struct hwi_peer_call *c)
{
    return c->request.strategy != HWS_SYNC_SEND_ONLY && !c->sync.unhashed;
}

void hwi_peer_on_sync_plan(struct hwi_peer *peer, const struct hwi_msg_sync_plan *s,
                           struct hwi_effects *effects)
{
    struct hwi_peer_call *c = hwi_peer_call_of(peer, s->op);
    if (c == NULL || !c->sync.offered || c->sync.planned || c->sync.unhashed != s->unhashed) {
        return;
    }
    bool receiver = !hwi_hash_equal(c->sync.root, s->root);
    if (receiver && !may_receive(c)) {
        const struct hwi_fault fault = {.status = HWS_E_WITHDRAWN, .peer_a = peer->id};
        hwi_peer_withdraw(peer, c, &fault, effects);
        return;
    }
    c->sync.planned = true;
    c->sync.receiver = receiver;
    c->sync.revision = s->revision;
    c->sync.root = s->unhashed ? (struct hwi_hash){0} : s->root; // nobody knows it
    peer->state_dirty |= c->sync.receiver;                       // until this sync commits
    struct hwi_msg_sync_go *g = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_SNAPSHOT), sync_go);
    g->op = c->op;
    g->root = s->root;
    g->revision = s->revision;
    g->sources = hwi_effects_copy(effects, s->sources, s->sources_count * sizeof *s->sources);
    g->sources_count = s->sources_count;
}
