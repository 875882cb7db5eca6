// SPDX-License-Identifier: MIT
#include "actors/peer/link.h"
#include "actors/peer/report.h"
#include "actors/peer/sync.h"

#include <hawser/state.h>
#include <hawser/types.h>

void hwi_peer_sync_attach(struct hwi_peer *peer)
{
    peer->shared.attached = true;
}

bool hwi_peer_sync_missing(const struct hwi_peer *peer)
{
    return peer->shared.attached && (!peer->shared.synced || peer->shared.dirty);
}

bool hwi_peer_sync_cut(const struct hwi_peer *peer)
{
    return peer->shared.dirty;
}

void hwi_peer_sync_committed(struct hwi_peer *peer)
{
    peer->shared.dirty = false;
    peer->shared.synced = true;
}

void hwi_peer_sync_start(const struct hwi_peer_call *call, uint8_t verify,
                         struct hwi_effects *effects)
{
    struct hwi_msg_sync_start *start =
        HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_SNAPSHOT), sync_start);
    start->op = call->op;
    start->revision = call->request.value;
    start->verify = verify;
}

static struct hwi_msg_sync_offer *
tell_offer(struct hwi_peer *peer, const struct hwi_peer_call *call, struct hwi_effects *effects)
{
    struct hwi_msg_sync_offer *offer = HWI_PEER_TELL(peer, effects, sync_offer);
    offer->op = call->op;
    offer->revision = call->request.value;
    offer->root = call->sync.root;
    offer->layout = call->sync.layout;
    offer->dirty = peer->shared.dirty;
    offer->strategy = call->request.strategy;
    offer->unhashed = call->sync.unhashed;
    return offer;
}

void hwi_peer_sync_offer(struct hwi_peer *peer, struct hwi_peer_call *call,
                         const struct hwi_msg_state_hashed *hashed, struct hwi_effects *effects)
{
    if (call->sync.offered) {
        return;
    }
    call->sync.offered = true;
    call->sync.root = hashed->root;
    call->sync.layout = hashed->layout;
    call->sync.unhashed = hashed->unhashed;
    struct hwi_msg_sync_offer *offer = tell_offer(peer, call, effects);
    offer->tensors =
        hwi_effects_copy(effects, hashed->tensors, hashed->tensors_count * sizeof *hashed->tensors);
    offer->tensors_count = hashed->tensors_count;
}

// Without the tensors: they are there to name what is wrong with them, and are not kept.
void hwi_peer_sync_offer_again(struct hwi_peer *peer, const struct hwi_peer_call *call,
                               struct hwi_effects *effects)
{
    if (call->sync.offered && !call->sync.planned) {
        tell_offer(peer, call, effects);
    }
}

void hwi_peer_sync_verify(struct hwi_peer_call *call, struct hwi_effects *effects)
{
    if (call->sync.offered && call->sync.unhashed && !call->sync.planned) {
        call->sync.offered = call->sync.unhashed = false;
        hwi_peer_sync_start(call, 0, effects);
    }
}

// No honest master has bytes fetched into a state that is only to be sent, or that is not hashed.
static bool may_receive(const struct hwi_peer_call *call)
{
    return call->request.strategy != HWS_SYNC_SEND_ONLY && !call->sync.unhashed;
}

static void go(const struct hwi_peer_call *call, const struct hwi_msg_sync_plan *plan,
               struct hwi_effects *effects)
{
    struct hwi_msg_sync_go *message = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_SNAPSHOT), sync_go);
    message->op = call->op;
    message->root = plan->root;
    message->revision = plan->revision;
    message->sources =
        hwi_effects_copy(effects, plan->sources, plan->sources_count * sizeof *plan->sources);
    message->sources_count = plan->sources_count;
}

void hwi_peer_sync_plan(struct hwi_peer *peer, struct hwi_peer_call *call,
                        const struct hwi_msg_sync_plan *plan, struct hwi_effects *effects)
{
    if (!call->sync.offered || call->sync.planned || call->sync.unhashed != plan->unhashed) {
        return;
    }
    bool receiver = !hwi_hash_equal(call->sync.root, plan->root);
    if (receiver && !may_receive(call)) {
        const struct hwi_fault fault = {.status = HWS_E_WITHDRAWN, .peer_a = peer->id};
        hwi_peer_withdraw(peer, call, &fault, effects);
        return;
    }
    call->sync.planned = true;
    call->sync.receiver = receiver;
    call->sync.revision = plan->revision;
    call->sync.root = plan->unhashed ? (struct hwi_hash){0} : plan->root; // nobody knows it
    peer->shared.dirty |= receiver;                                       // until this sync commits
    go(call, plan, effects);
}
