// SPDX-License-Identifier: MIT
// welcome: registered. The peer sends again the messages that the old connection may have lost; all
// of them are idempotent.
#include <inttypes.h>
#include <stdio.h>

#include <hawser/types.h>

#include "actors/peer/calls.h"
#include "actors/peer/edges.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/proposal.h"
#include "actors/peer/report.h"
#include "actors/peer/session.h"
#include "actors/peer/sync.h"

static void tell_again_of_calls(struct hwi_peer *peer, struct hwi_effects *effects)
{
    const struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (hwi_peer_entered(call)) {
            hwi_peer_sync_offer_again(peer, call, effects);
        }
        if (hwi_peer_entered(call) && call->withdrawn) {
            hwi_peer_tell_withdraw(peer, call, effects);
        }
    }
}

static void tell_again(struct hwi_peer *peer, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->channel_count; i++) {
        if (peer->channels[i].done > peer->channels[i].heard) {
            hwi_peer_tell_done(peer, &peer->channels[i], 0, effects);
        }
    }
    tell_again_of_calls(peer, effects);
    if (peer->ready_said) {
        hwi_peer_tell_ready(peer, effects);
    }
    if (peer->phase == HWI_PEER_PHASE_MEMBER) {
        hwi_peer_edges_report(peer, effects);
    }
    if (peer->leave_until_ns != HWI_NEVER) {
        hwi_peer_tell_leave(peer, effects);
    }
}

// A newcomer that the master had forgotten has another id now: what was proposed to the old one,
// and the edges under that name, are over.
static void be_another(struct hwi_peer *peer, struct hwi_effects *effects)
{
    hwi_peer_proposal_forget(peer);
    hwi_peer_edges_close(peer, true, effects);
}

// True if this member may not be in a run with that min_members.
static bool other_run_wanted(struct hwi_peer *peer, const struct hwi_msg_welcome *welcome,
                             struct hwi_effects *effects)
{
    char reason[HWI_TEXT_BYTES_MAX];
    uint32_t wanted = peer->config.min_members;
    if (peer->phase != HWI_PEER_PHASE_JOINING || wanted == 0 || wanted == welcome->min_members) {
        return false;
    }
    snprintf(reason, sizeof reason,
             "min_members is %" PRIu32 " here (HAWSER_MIN_MEMBERS) and %" PRIu32
             " in the run (the master's --min-members)",
             wanted, welcome->min_members);
    hwi_peer_finish(peer, HWS_E_INVALID, reason, effects);
    return true;
}

void hwi_peer_on_welcome(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_welcome *welcome = &event->msg->u.welcome;
    peer->received = 1; // this message: the master counts from it
    if (peer->welcomed) {
        return; // registered twice, for the first answer took its time
    }
    if (welcome->peer != peer->id) {
        be_another(peer, effects);
    }
    peer->run = welcome->run;
    peer->master = welcome->master;
    peer->id = welcome->peer;
    peer->heartbeat_ns = HWI_MAX(1, welcome->heartbeat_ms) * HWI_NS_PER_MS;
    peer->min_members = welcome->min_members;
    peer->welcomed = true;
    peer->pong_ns = peer->now_ns;
    if (other_run_wanted(peer, welcome, effects)) {
        return;
    }
    tell_again(peer, effects);
    hwi_peer_heartbeat(peer, effects);
}
