// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/link.h"
#include "actors/peer/report.h"

static bool is_barrier(const struct hwi_peer_call *call)
{
    return call->request.kind == HWI_KIND_BARRIER || call->request.kind == HWI_KIND_BARRIER_RUN;
}

void hwi_peer_tell_done(struct hwi_peer *peer, const struct hwi_peer_channel *channel,
                        uint32_t lasts, struct hwi_effects *effects)
{
    struct hwi_op last = {.view = peer->view.number,
                          .kind = channel->kind,
                          .tag = channel->tag,
                          .seq = channel->done - 1};
    const struct hwi_peer_call *call = hwi_peer_call_of(peer, last);
    struct hwi_msg_done *done = HWI_PEER_TELL(peer, effects, done);
    done->view = peer->view.number;
    done->kind = channel->kind;
    done->tag = channel->tag;
    done->count = channel->done;
    done->group = peer->config.group;
    done->last = lasts;
    if (hwi_kind_is_agreement(channel->kind) && call != NULL) {
        done->redop = is_barrier(call) ? HWI_AGREE_BARRIER : call->request.redop;
        done->value = is_barrier(call) ? 0 : call->request.value;
    }
}

void hwi_peer_tell_withdraw(struct hwi_peer *peer, const struct hwi_peer_call *call,
                            struct hwi_effects *effects)
{
    struct hwi_msg_withdraw *withdraw = HWI_PEER_TELL(peer, effects, withdraw);
    withdraw->op = call->op;
    withdraw->fault = call->fault;
}

void hwi_peer_withdraw(struct hwi_peer *peer, struct hwi_peer_call *call,
                       const struct hwi_fault *fault, struct hwi_effects *effects)
{
    if (!call->withdrawn) {
        call->withdrawn = true;
        call->fault = *fault;
        hwi_peer_tell_withdraw(peer, call, effects);
    }
}
