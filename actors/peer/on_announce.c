// SPDX-License-Identifier: MIT
// announce: a view is in force; it decides all calls of the one before.
#include "actors/base/rows.h"
#include "actors/peer/calls.h"
#include "actors/peer/end.h"
#include "actors/peer/fence.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/members.h"
#include "actors/peer/outcome.h"
#include "actors/peer/reply.h"
#include "actors/peer/turns.h"
#include "actors/peer/view.h"

#include <hawser/types.h>

static const struct hwi_past *past_of(const struct hwi_msg_announce *announce, uint64_t view)
{
    for (uint32_t i = 0; i < announce->past_count; i++) {
        if (announce->past[i].view == view) {
            return &announce->past[i];
        }
    }
    return NULL;
}

static bool lists_us(const struct hwi_peer *peer, const struct hwi_msg_announce *announce)
{
    const struct hwi_member *us = HWI_ROWS_FIND(struct hwi_member, peer, announce->members,
                                                announce->members_count, peer->id);
    return us != NULL && us->group == peer->config.group;
}

static bool is_for_us(const struct hwi_peer *peer, const struct hwi_msg_announce *announce)
{
    return announce->incarnation == peer->config.incarnation &&
           announce->view > peer->view.number &&
           hwi_peer_members_ordered(announce->members, announce->members_count) &&
           lists_us(peer, announce);
}

static void become_member(struct hwi_peer *peer, struct hwi_effects *effects)
{
    peer->phase = HWI_PEER_PHASE_MEMBER;
    hwi_peer_fence_acknowledge(peer);
    hwi_peer_reply(peer, peer->config.request, HWI_KIND_NONE, HWS_OK, &peer->view, effects);
}

static void answer_admit(struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage == HWI_CALL_ENDING && call->op.kind == HWI_KIND_ADMIT) {
            hwi_peer_finish_with(peer, hwi_peer_ended(peer, call, NULL, effects), effects);
        }
    }
}

static void come_into_force(struct hwi_peer *peer, const struct hwi_msg_announce *announce,
                            struct hwi_effects *effects)
{
    hwi_peer_switch_view(peer, announce, effects);
    if (peer->phase == HWI_PEER_PHASE_JOINING) {
        become_member(peer, effects);
    }
    answer_admit(peer, effects);
    hwi_peer_start_queued(peer, effects);
    hwi_peer_forget_before(peer);
}

void hwi_peer_on_announce(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_announce *announce = &event->msg->u.announce;
    if (!is_for_us(peer, announce)) {
        return;
    }
    const struct hwi_past *past = past_of(announce, peer->view.number);
    if (peer->phase == HWI_PEER_PHASE_MEMBER && past == NULL) {
        hwi_peer_finish(peer, HWS_E_OUTCOME_UNKNOWN, "too many views passed unheard", effects);
        return;
    }
    peer->trouble[0] = '\0'; // the view has changed
    peer->pending = announce->pending;
    hwi_peer_note_lost(peer, announce);
    if (peer->phase == HWI_PEER_PHASE_MEMBER) {
        hwi_peer_decide(peer, past, effects);
    }
    if (peer->phase != HWI_PEER_PHASE_FINISHED) {
        come_into_force(peer, announce, effects);
    }
}
