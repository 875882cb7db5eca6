// SPDX-License-Identifier: MIT
// The master actor: one event in, effects out.
#include "actors/master/master.h"

#include <hawser/types.h>

static void *create(const struct hwi_alloc *alloc)
{
    struct master *m = hwi_new(alloc, sizeof *m);
    m->alloc = alloc;
    m->probe_at_ns = HWI_NEVER;
    m->store_again_ns = HWI_NEVER;
    m->reform_at_ns = HWI_NEVER;
    m->past = hwi_new(alloc, HWI_PAST_VIEWS_MAX * sizeof *m->past);
    return m;
}

static void destroy(void *state)
{
    struct master *m = state;
    const struct hwi_alloc *alloc = m->alloc;
    hwi_master_channels_clear(m);
    for (uint32_t i = 0; i < m->session_count; i++) {
        m->sessions[i].gone = true;
    }
    hwi_master_sweep(m);
    while (m->past_count > 0) {
        hwi_master_drop_past(m);
    }
    hwi_master_shapes_forget(m);
    hwi_free(alloc, m->past);
    hwi_free(alloc, m->channels);
    hwi_free(alloc, m->sessions);
    hwi_free(alloc, m->names);
    hwi_free(alloc, m->units);
    hwi_free(alloc, m->groups);
    hwi_free(alloc, m->view.seats);
    hwi_free(alloc, m);
}

// What an earlier master of this run knew, from its file; comes before master_start.
static void on_view_file(struct master *m, const struct hwi_msg_view_file *f)
{
    m->run = f->run;
    m->incarnation = f->master + 1;
    m->highest = f->highest;
    m->next_peer = f->next_peer;
}

static void on_master_start(struct master *m, const struct hwi_msg_master_start *start,
                            struct hwi_effects *fx)
{
    m->config = *start;
    m->started = true;
    m->run = m->run == 0 ? start->run : m->run;
    m->incarnation = m->incarnation == 0 ? start->master : m->incarnation;
    if (m->config.durable) {
        hwi_master_store(m, fx);
    } else {
        m->booted = true;
    }
}

static void on_stored(struct master *m, const struct hwi_msg_stored *stored, struct hwi_effects *fx)
{
    if (stored->status != HWS_OK) {
        m->store_again_ns = m->now_ns + MASTER_STORE_AGAIN_MS * HWI_NS_PER_MS;
    } else if (!m->booted) {
        m->booted = true;
    } else {
        hwi_master_stored(m, fx);
    }
}

static void on_peer(struct master *m, struct session *s, const struct hwi_msg *msg,
                    struct hwi_effects *fx)
{
    switch (msg->type) {
    case HWI_MSG_heartbeat:
        hwi_master_on_heartbeat(m, s, &msg->u.heartbeat, fx);
        break;
    case HWI_MSG_ready:
        hwi_master_on_ready(m, s, &msg->u.ready, fx);
        break;
    case HWI_MSG_done:
        hwi_master_on_done(m, s, &msg->u.done, fx);
        break;
    case HWI_MSG_withdraw:
        hwi_master_on_withdraw(m, s, &msg->u.withdraw, fx);
        break;
    case HWI_MSG_edge_lost:
        hwi_master_on_edge_lost(m, s, &msg->u.edge_lost, fx);
        break;
    case HWI_MSG_sync_offer:
        hwi_master_on_sync_offer(m, s, &msg->u.sync_offer, fx);
        break;
    case HWI_MSG_leave:
        hwi_master_on_leave(m, s, &msg->u.leave, fx);
        break;
    default:
        break; // nothing else comes from a peer
    }
}

static void from_peer(struct master *m, uint64_t from, const struct hwi_msg *msg,
                      struct hwi_effects *fx)
{
    struct session *s = hwi_master_session(m, from);
    if (msg->type == HWI_MSG_unreachable) {
        if (s != NULL) {
            hwi_master_on_unreachable(m, s, fx);
        }
        return;
    }
    if (s != NULL) {
        s->heard_ns = m->now_ns;
        s->unreachable = false;
        s->received++;
    }
    if (msg->type == HWI_MSG_registration) {
        hwi_master_on_registration(m, from, &msg->u.registration, fx);
    } else if (s != NULL) {
        on_peer(m, s, msg, fx);
    } else {
        hwi_emit(fx, hwi_addr_of(HWI_ROLE_PEER, from), HWI_MSG_register_again);
    }
}

// The master must not take its own sleep (a stopped process, a suspended machine) for its members'
// silence.
static void excuse_own_sleep(struct master *m, uint64_t now_ns)
{
    uint64_t gap = now_ns - m->now_ns;
    if (m->now_ns != 0 && gap > 2 * m->config.heartbeat_ms * HWI_NS_PER_MS) {
        for (uint32_t i = 0; i < m->session_count; i++) {
            m->sessions[i].heard_ns += gap;
        }
        m->proposal_until_ns += gap;
    }
    m->now_ns = now_ns;
}

static void ask_to_be_woken(struct master *m, struct hwi_effects *fx)
{
    uint64_t at = HWI_MIN(m->probe_at_ns, HWI_MIN(m->store_again_ns, m->reform_at_ns));
    if (m->session_count > 0) { // silence is seen in time, own sleep is noticed
        at = HWI_MIN(at, m->turn_at_ns);
    }
    if (m->stage == STAGE_OPEN) {
        at = HWI_MIN(at, m->proposal_until_ns);
    }
    HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = at;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *fx)
{
    struct master *m = state;
    const struct hwi_msg *msg = event->msg;
    if (m->session_count > 0) {
        excuse_own_sleep(m, event->now_ns);
    }
    m->now_ns = event->now_ns;
    if (msg->type == HWI_MSG_view_file) {
        on_view_file(m, &msg->u.view_file);
    } else if (msg->type == HWI_MSG_master_start) {
        on_master_start(m, &msg->u.master_start, fx);
    } else if (msg->type == HWI_MSG_stored) {
        on_stored(m, &msg->u.stored, fx);
    } else if (msg->type == HWI_MSG_woken) {
        hwi_master_on_woken(m, fx);
    } else if (!m->booted) {
        return; // peers say it again
    } else if (event->from.role == HWI_ROLE_PEER) {
        from_peer(m, event->from.id, msg, fx);
    } else if (event->from.role == HWI_ROLE_TOOL && msg->type == HWI_MSG_status_want) {
        hwi_master_status(m, event->from.id, fx);
    } else if (event->from.role == HWI_ROLE_TOOL && msg->type == HWI_MSG_trace_want) {
        hwi_master_on_trace_want(m, event->from.id, &msg->u.trace_want, fx);
    }
    ask_to_be_woken(m, fx);
}

// Members reach no decision any more, and say OUTCOME_UNKNOWN by their deadlines.
static void failed(void *state, uint64_t now_ns, struct hwi_effects *fx)
{
    (void)state;
    (void)now_ns;
    (void)fx;
}

const struct hwi_actor_ops hwi_master_ops = {
    .name = "master",
    .role = HWI_ROLE_MASTER,
    .create = create,
    .step = step,
    .failed = failed,
    .destroy = destroy,
    .image = hwi_master_image,
};
