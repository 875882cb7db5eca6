// SPDX-License-Identifier: MIT
// What reducer and snapshot say of the calls they work on, and the sync's talk with the master.
#include "actors/peer/peer.h"

#include <hawser/state.h>
#include <hawser/types.h>

void hwi_peer_on_op_fault(struct peer *p, enum hwi_role lane, const struct hwi_msg_op_fault *f,
                          struct hwi_effects *fx)
{
    if (f->fault.status == HWS_E_INTERNAL) {
        hwi_peer_lane_failed(p, lane, fx);
        return;
    }
    struct call *c = hwi_peer_call_of(p, f->op);
    if (c != NULL) {
        hwi_peer_withdraw(p, c, &f->fault, fx);
    }
}

void hwi_peer_start_sync(const struct call *c, uint8_t verify, struct hwi_effects *fx)
{
    struct hwi_msg_sync_start *s = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_SNAPSHOT), sync_start);
    s->op = c->op;
    s->revision = c->request.value;
    s->verify = verify;
}

static struct hwi_msg_sync_offer *tell_offer(struct peer *p, const struct call *c,
                                             struct hwi_effects *fx)
{
    struct hwi_msg_sync_offer *o = PEER_TELL(p, fx, sync_offer);
    o->op = c->op;
    o->revision = c->request.value;
    o->root = c->sync.root;
    o->layout = c->sync.layout;
    o->dirty = p->state_dirty;
    o->strategy = c->request.strategy;
    o->unhashed = c->sync.unhashed;
    return o;
}

// Said again, without the tensors: they are there to name what is wrong with them, and are not
// kept.
void hwi_peer_tell_offer(struct peer *p, const struct call *c, struct hwi_effects *fx)
{
    tell_offer(p, c, fx);
}

void hwi_peer_on_state_hashed(struct peer *p, const struct hwi_msg_state_hashed *s,
                              struct hwi_effects *fx)
{
    struct call *c = hwi_peer_call_of(p, s->op);
    if (c == NULL || c->sync.offered) {
        return;
    }
    c->sync.offered = true;
    c->sync.root = s->root;
    c->sync.layout = s->layout;
    c->sync.unhashed = s->unhashed;
    struct hwi_msg_sync_offer *o = tell_offer(p, c, fx);
    o->tensors = hwi_effects_copy(fx, s->tensors, s->tensors_count * sizeof *s->tensors);
    o->tensors_count = s->tensors_count;
}

// Others hashed, or are at another revision: what was offered without hashing does not count.
void hwi_peer_on_sync_verify(struct peer *p, const struct hwi_msg_sync_verify *v,
                             struct hwi_effects *fx)
{
    struct call *c = hwi_peer_call_of(p, v->op);
    if (c == NULL || !c->sync.offered || !c->sync.unhashed || c->sync.planned) {
        return;
    }
    c->sync.offered = c->sync.unhashed = false;
    hwi_peer_start_sync(c, 0, fx);
}

// No honest master has bytes fetched into a state that is only to be sent, or that is not hashed.
static bool may_receive(const struct call *c)
{
    return c->request.strategy != HWS_SYNC_SEND_ONLY && !c->sync.unhashed;
}

void hwi_peer_on_sync_plan(struct peer *p, const struct hwi_msg_sync_plan *s,
                           struct hwi_effects *fx)
{
    struct call *c = hwi_peer_call_of(p, s->op);
    if (c == NULL || !c->sync.offered || c->sync.planned || c->sync.unhashed != s->unhashed) {
        return;
    }
    bool receiver = !hwi_hash_equal(c->sync.root, s->root);
    if (receiver && !may_receive(c)) {
        const struct hwi_fault fault = {.status = HWS_E_WITHDRAWN, .peer_a = p->id};
        hwi_peer_withdraw(p, c, &fault, fx);
        return;
    }
    c->sync.planned = true;
    c->sync.receiver = receiver;
    c->sync.revision = s->revision;
    c->sync.root = s->unhashed ? (struct hwi_hash){0} : s->root; // nobody knows it
    p->state_dirty |= c->sync.receiver; // until this sync commits
    struct hwi_msg_sync_go *g = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_SNAPSHOT), sync_go);
    g->op = c->op;
    g->root = s->root;
    g->revision = s->revision;
    g->sources = hwi_effects_copy(fx, s->sources, s->sources_count * sizeof *s->sources);
    g->sources_count = s->sources_count;
}
