// SPDX-License-Identifier: MIT
// The peer actor: one event in, effects out.
#include "actors/peer/calls.h"
#include "actors/peer/deadlines.h"
#include "actors/peer/handlers.h"
#include "actors/peer/link.h"
#include "actors/peer/members.h"
#include "actors/peer/proposal.h"
#include "actors/peer/reply.h"
#include "actors/peer/state.h"

#include <hawser/types.h>

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_peer *peer = hwi_new(alloc, sizeof *peer);
    peer->alloc = alloc;
    peer->leave_until_ns = HWI_NEVER;
    peer->speak_at_ns = HWI_NEVER;
    return peer;
}

static void destroy(void *state)
{
    struct hwi_peer *peer = state;
    hwi_peer_members_forget(peer, &peer->view);
    hwi_peer_members_forget(peer, &peer->before);
    hwi_peer_members_forget(peer, &peer->proposal);
    hwi_peer_targets_forget(peer);
    hwi_free(peer->alloc, peer->lost);
    hwi_free(peer->alloc, peer->edges);
    hwi_free(peer->alloc, peer->channels);
    hwi_free(peer->alloc, peer->calls);
    hwi_free(peer->alloc, peer);
}

static void ask_to_be_woken(const struct hwi_peer *peer, struct hwi_effects *effects)
{
    uint64_t at = hwi_peer_next_deadline(peer);
    if (peer->phase != HWI_PEER_PHASE_FINISHED) {
        at = HWI_MIN(at, peer->speak_at_ns);
    }
    if (peer->phase != HWI_PEER_PHASE_FINISHED || peer->call_count == 0) {
        at = HWI_MIN(at, peer->leave_until_ns);
    }
    if (peer->phase == HWI_PEER_PHASE_JOINING) {
        at = HWI_MIN(at, peer->open_until_ns);
    }
    if (peer->proposal.number != 0 && !peer->ready_said) {
        at = HWI_MIN(at, peer->ready_until_ns);
    }
    HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_CLOCK), wake_at)->at_ns = at;
}

static const struct hwi_handlers handlers = {
#define HEARD_BY_PEER(message) HWI_HANDLES(message, hwi_peer_on_##message)
#include "actors/loop/handlers.h"
};

// The master has nothing more to say to an incarnation that is finished, but what answers its
// leave.
static bool listens(const struct hwi_peer *peer, bool master)
{
    return !master || peer->phase != HWI_PEER_PHASE_FINISHED || peer->leave_until_ns != HWI_NEVER;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    bool master = event->from.role == HWI_ROLE_MASTER;
    hwi_peer_notice_sleep(peer, event->now_ns);
    if (listens(peer, master)) {
        peer->heard_master |= master;
        peer->received += master;
        hwi_dispatch(&handlers, peer, event, effects);
    }
    ask_to_be_woken(peer, effects);
}

// After a failed check: every call in flight, and the opening, returns INTERNAL.
static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    peer->now_ns = now_ns;
    bool joining = peer->phase == HWI_PEER_PHASE_JOINING;
    peer->phase = HWI_PEER_PHASE_FINISHED;
    const struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        const struct hwi_msg_request *request = &call->request;
        hwi_peer_reply(peer, request->request, request->kind, HWS_E_INTERNAL, NULL, effects);
    }
    if (joining) {
        hwi_peer_reply(peer, peer->config.request, HWI_KIND_NONE, HWS_E_INTERNAL, NULL, effects);
    }
}

const struct hwi_actor_ops hwi_peer_ops = {
    .name = "peer",
    .role = HWI_ROLE_PEER,
    .create = create,
    .step = step,
    .failed = failed,
    .destroy = destroy,
    .image = hwi_peer_image,
};
