// SPDX-License-Identifier: MIT
// The peer actor: one event in, effects out.
#include "actors/peer/peer.h"

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

static void on_open(struct hwi_peer *peer, const struct hwi_msg_open *open,
                    struct hwi_effects *effects)
{
    peer->config = *open;
    peer->phase = HWI_PEER_PHASE_JOINING;
    peer->open_until_ns = peer->now_ns + open->timeout_ns;
    hwi_peer_register(peer, effects);
}

static void check_open(struct hwi_peer *peer, struct hwi_effects *effects)
{
    if (peer->phase == HWI_PEER_PHASE_JOINING && peer->now_ns >= peer->open_until_ns) {
        if (peer->heard_master) {
            hwi_peer_finish(peer, HWS_E_TIMEOUT, "registered, but not admitted to a view in time",
                            effects);
        } else {
            hwi_peer_finish(peer, HWS_E_UNREACHABLE, "nothing was heard from the master", effects);
        }
    }
}

static void on_woken(struct hwi_peer *peer, struct hwi_effects *effects)
{
    if (peer->now_ns >= peer->speak_at_ns && peer->phase != HWI_PEER_PHASE_FINISHED) {
        hwi_peer_speak(peer, effects);
    }
    if (peer->now_ns >= peer->ready_until_ns) {
        hwi_peer_say_ready(peer, true, effects);
    }
    check_open(peer, effects);
    hwi_peer_check_deadlines(peer, effects);
    if (peer->now_ns >= peer->leave_until_ns) {
        hwi_peer_closed(peer, effects);
    }
}

static void from_master(struct hwi_peer *peer, const struct hwi_msg *msg,
                        struct hwi_effects *effects)
{
    peer->heard_master = true;
    peer->received++;
    switch (msg->type) {
    case HWI_MSG_welcome:
        hwi_peer_on_welcome(peer, &msg->u.welcome, effects);
        break;
    case HWI_MSG_refused:
        hwi_peer_on_refused(peer, &msg->u.refused, effects);
        break;
    case HWI_MSG_evicted:
        hwi_peer_on_evicted(peer, &msg->u.evicted, effects);
        break;
    case HWI_MSG_pong:
        hwi_peer_on_pong(peer, &msg->u.pong, effects);
        break;
    case HWI_MSG_probe:
        if (peer->welcomed) {
            hwi_peer_heartbeat(peer, effects);
        }
        break;
    case HWI_MSG_register_again:
        if (peer->welcomed) {
            hwi_peer_register_again(peer, effects);
        }
        break;
    case HWI_MSG_propose:
        hwi_peer_on_propose(peer, &msg->u.propose, effects);
        break;
    case HWI_MSG_announce:
        hwi_peer_on_announce(peer, &msg->u.announce, effects);
        break;
    case HWI_MSG_commit:
        hwi_peer_on_commit(peer, &msg->u.commit, effects);
        break;
    case HWI_MSG_sync_verify:
        hwi_peer_on_sync_verify(peer, &msg->u.sync_verify, effects);
        break;
    case HWI_MSG_sync_plan:
        hwi_peer_on_sync_plan(peer, &msg->u.sync_plan, effects);
        break;
    case HWI_MSG_trace_relay:
        *HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_RING), trace_relay) = msg->u.trace_relay;
        break;
    default:
        break;
    }
}

static void on_op_ended(struct hwi_peer *peer, const struct hwi_msg_op_ended *e,
                        struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->call_capacity; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        if (c->stage == HWI_CALL_ENDING && hwi_op_equal(c->op, e->op)) {
            hwi_peer_ended(peer, c, e, effects);
            break;
        }
    }
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        hwi_peer_closed(peer, effects);
    }
    hwi_peer_start_queued(peer, effects);
}

static void from_inside(struct hwi_peer *peer, enum hwi_role from, const struct hwi_msg *msg,
                        struct hwi_effects *effects)
{
    struct hwi_peer_call *c;
    switch (msg->type) {
    case HWI_MSG_open:
        on_open(peer, &msg->u.open, effects);
        break;
    case HWI_MSG_request:
        hwi_peer_on_request(peer, &msg->u.request, effects);
        break;
    case HWI_MSG_cancel:
        hwi_peer_on_cancel(peer, &msg->u.cancel, effects);
        break;
    case HWI_MSG_woken:
        on_woken(peer, effects);
        break;
    case HWI_MSG_edge_up:
        hwi_peer_on_edge_up(peer, msg->u.edge_up.peer, effects);
        break;
    case HWI_MSG_edge_down:
        hwi_peer_on_edge_down(peer, msg->u.edge_down.peer, effects);
        break;
    case HWI_MSG_op_done:
        c = hwi_peer_call_of(peer, msg->u.op_done.op);
        if (c != NULL && c->stage == HWI_CALL_RUNNING) {
            hwi_peer_call_done(peer, c, effects);
        }
        break;
    case HWI_MSG_op_fault:
        hwi_peer_on_op_fault(peer, from, &msg->u.op_fault, effects);
        break;
    case HWI_MSG_op_ended:
        on_op_ended(peer, &msg->u.op_ended, effects);
        break;
    case HWI_MSG_state_hashed:
        hwi_peer_on_state_hashed(peer, &msg->u.state_hashed, effects);
        break;
    default:
        HWI_CHECK(!"a message that the peer does not know");
    }
}

static void ask_to_be_woken(struct hwi_peer *peer, struct hwi_effects *effects)
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

// A stopped process must first read what came meanwhile (an eviction, say) before it judges its
// deadlines.
static void notice_own_sleep(struct hwi_peer *peer, uint64_t now_ns)
{
    if (peer->welcomed && now_ns - peer->now_ns > 2 * peer->heartbeat_ns) {
        peer->excused_until_ns = now_ns + HWI_PEER_EXCUSE_MS * HWI_NS_PER_MS;
    }
    peer->now_ns = now_ns;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    notice_own_sleep(peer, event->now_ns);
    if (event->from.role != HWI_ROLE_MASTER) {
        from_inside(peer, event->from.role, event->msg, effects);
    } else if (peer->phase != HWI_PEER_PHASE_FINISHED || peer->leave_until_ns != HWI_NEVER) {
        from_master(peer, event->msg, effects);
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
    for (uint32_t i = 0; i < peer->call_capacity; i++) {
        if (peer->calls[i].stage != HWI_CALL_FREE) {
            const struct hwi_msg_request *r = &peer->calls[i].request;
            hwi_peer_reply(peer, r->request, r->kind, HWS_E_INTERNAL, NULL, effects);
        }
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
