// SPDX-License-Identifier: MIT
// The peer actor: one event in, effects out.
#include "actors/peer/peer.h"

#include <hawser/types.h>

static void *create(const struct hwi_alloc *alloc)
{
    struct peer *p = hwi_new(alloc, sizeof *p);
    p->alloc = alloc;
    p->leave_until_ns = HWI_NEVER;
    p->speak_at_ns = HWI_NEVER;
    return p;
}

static void destroy(void *state)
{
    struct peer *p = state;
    hwi_peer_members_forget(p, &p->view);
    hwi_peer_members_forget(p, &p->before);
    hwi_peer_members_forget(p, &p->proposal);
    hwi_peer_targets_forget(p);
    hwi_free(p->alloc, p->lost);
    hwi_free(p->alloc, p->edges);
    hwi_free(p->alloc, p->channels);
    hwi_free(p->alloc, p->calls);
    hwi_free(p->alloc, p);
}

static void on_open(struct peer *p, const struct hwi_msg_open *open, struct hwi_effects *fx)
{
    p->config = *open;
    p->phase = PHASE_JOINING;
    p->open_until_ns = p->now_ns + open->timeout_ns;
    hwi_peer_register(p, fx);
}

static void check_open(struct peer *p, struct hwi_effects *fx)
{
    if (p->phase == PHASE_JOINING && p->now_ns >= p->open_until_ns) {
        if (p->heard_master) {
            hwi_peer_finish(p, HWS_E_TIMEOUT, "registered, but not admitted to a view in time", fx);
        } else {
            hwi_peer_finish(p, HWS_E_UNREACHABLE, "nothing was heard from the master", fx);
        }
    }
}

static void on_woken(struct peer *p, struct hwi_effects *fx)
{
    if (p->now_ns >= p->speak_at_ns && p->phase != PHASE_FINISHED) {
        hwi_peer_speak(p, fx);
    }
    if (p->now_ns >= p->ready_until_ns) {
        hwi_peer_say_ready(p, true, fx);
    }
    check_open(p, fx);
    hwi_peer_check_deadlines(p, fx);
    if (p->now_ns >= p->leave_until_ns) {
        hwi_peer_closed(p, fx);
    }
}

static void from_master(struct peer *p, const struct hwi_msg *msg, struct hwi_effects *fx)
{
    p->heard_master = true;
    p->received++;
    switch (msg->type) {
    case HWI_MSG_welcome:
        hwi_peer_on_welcome(p, &msg->u.welcome, fx);
        break;
    case HWI_MSG_refused:
        hwi_peer_on_refused(p, &msg->u.refused, fx);
        break;
    case HWI_MSG_evicted:
        hwi_peer_on_evicted(p, &msg->u.evicted, fx);
        break;
    case HWI_MSG_pong:
        hwi_peer_on_pong(p, &msg->u.pong, fx);
        break;
    case HWI_MSG_probe:
        if (p->welcomed) {
            hwi_peer_heartbeat(p, fx);
        }
        break;
    case HWI_MSG_register_again:
        if (p->welcomed) {
            hwi_peer_register_again(p, fx);
        }
        break;
    case HWI_MSG_propose:
        hwi_peer_on_propose(p, &msg->u.propose, fx);
        break;
    case HWI_MSG_announce:
        hwi_peer_on_announce(p, &msg->u.announce, fx);
        break;
    case HWI_MSG_commit:
        hwi_peer_on_commit(p, &msg->u.commit, fx);
        break;
    case HWI_MSG_sync_verify:
        hwi_peer_on_sync_verify(p, &msg->u.sync_verify, fx);
        break;
    case HWI_MSG_sync_plan:
        hwi_peer_on_sync_plan(p, &msg->u.sync_plan, fx);
        break;
    case HWI_MSG_trace_relay:
        *HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_RING), trace_relay) = msg->u.trace_relay;
        break;
    default:
        break;
    }
}

static void on_op_ended(struct peer *p, const struct hwi_msg_op_ended *e, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->call_capacity; i++) {
        struct call *c = &p->calls[i];
        if (c->stage == CALL_ENDING && hwi_op_equal(c->op, e->op)) {
            hwi_peer_ended(p, c, e, fx);
            break;
        }
    }
    if (p->phase == PHASE_FINISHED) {
        hwi_peer_closed(p, fx);
    }
    hwi_peer_start_queued(p, fx);
}

static void from_inside(struct peer *p, enum hwi_role from, const struct hwi_msg *msg,
                        struct hwi_effects *fx)
{
    struct call *c;
    switch (msg->type) {
    case HWI_MSG_open:
        on_open(p, &msg->u.open, fx);
        break;
    case HWI_MSG_request:
        hwi_peer_on_request(p, &msg->u.request, fx);
        break;
    case HWI_MSG_cancel:
        hwi_peer_on_cancel(p, &msg->u.cancel, fx);
        break;
    case HWI_MSG_woken:
        on_woken(p, fx);
        break;
    case HWI_MSG_edge_up:
        hwi_peer_on_edge_up(p, msg->u.edge_up.peer, fx);
        break;
    case HWI_MSG_edge_down:
        hwi_peer_on_edge_down(p, msg->u.edge_down.peer, fx);
        break;
    case HWI_MSG_op_done:
        c = hwi_peer_call_of(p, msg->u.op_done.op);
        if (c != NULL && c->stage == CALL_RUNNING) {
            hwi_peer_call_done(p, c, fx);
        }
        break;
    case HWI_MSG_op_fault:
        hwi_peer_on_op_fault(p, from, &msg->u.op_fault, fx);
        break;
    case HWI_MSG_op_ended:
        on_op_ended(p, &msg->u.op_ended, fx);
        break;
    case HWI_MSG_state_hashed:
        hwi_peer_on_state_hashed(p, &msg->u.state_hashed, fx);
        break;
    default:
        HWI_CHECK(!"a message that the peer does not know");
    }
}

static void ask_to_be_woken(struct peer *p, struct hwi_effects *fx)
{
    uint64_t at = hwi_peer_next_deadline(p);
    if (p->phase != PHASE_FINISHED) {
        at = HWI_MIN(at, p->speak_at_ns);
    }
    if (p->phase != PHASE_FINISHED || p->call_count == 0) {
        at = HWI_MIN(at, p->leave_until_ns);
    }
    if (p->phase == PHASE_JOINING) {
        at = HWI_MIN(at, p->open_until_ns);
    }
    if (p->proposal.number != 0 && !p->ready_said) {
        at = HWI_MIN(at, p->ready_until_ns);
    }
    HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_CLOCK), wake_at)->at_ns = at;
}

// A stopped process must first read what came meanwhile (an eviction, say) before it judges its
// deadlines.
static void notice_own_sleep(struct peer *p, uint64_t now_ns)
{
    if (p->welcomed && now_ns - p->now_ns > 2 * p->heartbeat_ns) {
        p->excused_until_ns = now_ns + PEER_EXCUSE_MS * HWI_NS_PER_MS;
    }
    p->now_ns = now_ns;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *fx)
{
    struct peer *p = state;
    notice_own_sleep(p, event->now_ns);
    if (event->from.role != HWI_ROLE_MASTER) {
        from_inside(p, event->from.role, event->msg, fx);
    } else if (p->phase != PHASE_FINISHED || p->leave_until_ns != HWI_NEVER) {
        from_master(p, event->msg, fx);
    }
    ask_to_be_woken(p, fx);
}

// After a failed check: every call in flight, and the opening, returns INTERNAL.
static void failed(void *state, uint64_t now_ns, struct hwi_effects *fx)
{
    struct peer *p = state;
    p->now_ns = now_ns;
    bool joining = p->phase == PHASE_JOINING;
    p->phase = PHASE_FINISHED;
    for (uint32_t i = 0; i < p->call_capacity; i++) {
        if (p->calls[i].stage != CALL_FREE) {
            const struct hwi_msg_request *r = &p->calls[i].request;
            hwi_peer_reply(p, r->request, r->kind, HWS_E_INTERNAL, NULL, fx);
        }
    }
    if (joining) {
        hwi_peer_reply(p, p->config.request, HWI_KIND_NONE, HWS_E_INTERNAL, NULL, fx);
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
