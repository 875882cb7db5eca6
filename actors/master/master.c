// SPDX-License-Identifier: MIT
// The master actor: one event in, effects out.
#include "actors/master/master.h"

#include <hawser/types.h>

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_master *master = hwi_new(alloc, sizeof *master);
    master->alloc = alloc;
    master->probe_at_ns = HWI_NEVER;
    master->store_again_ns = HWI_NEVER;
    master->reform_at_ns = HWI_NEVER;
    master->past = hwi_new(alloc, HWI_PAST_VIEWS_MAX * sizeof *master->past);
    return master;
}

static void destroy(void *state)
{
    struct hwi_master *master = state;
    const struct hwi_alloc *alloc = master->alloc;
    hwi_master_channels_clear(master);
    for (uint32_t i = 0; i < master->session_count; i++) {
        master->sessions[i].gone = true;
    }
    hwi_master_sweep(master);
    while (master->past_count > 0) {
        hwi_master_drop_past(master);
    }
    hwi_master_shapes_forget(master);
    hwi_free(alloc, master->past);
    hwi_free(alloc, master->channels);
    hwi_free(alloc, master->sessions);
    hwi_free(alloc, master->names);
    hwi_free(alloc, master->units);
    hwi_free(alloc, master->groups);
    hwi_free(alloc, master->view.seats);
    hwi_free(alloc, master);
}

// What an earlier master of this run knew, from its file; comes before master_start.
static void on_view_file(struct hwi_master *master, const struct hwi_msg_view_file *f)
{
    master->run = f->run;
    master->incarnation = f->master + 1;
    master->highest = f->highest;
    master->next_peer = f->next_peer;
}

static void on_master_start(struct hwi_master *master, const struct hwi_msg_master_start *start,
                            struct hwi_effects *effects)
{
    master->config = *start;
    master->started = true;
    master->run = master->run == 0 ? start->run : master->run;
    master->incarnation = master->incarnation == 0 ? start->master : master->incarnation;
    if (master->config.durable) {
        hwi_master_store(master, effects);
    } else {
        master->booted = true;
    }
}

static void on_stored(struct hwi_master *master, const struct hwi_msg_stored *stored,
                      struct hwi_effects *effects)
{
    if (stored->status != HWS_OK) {
        master->store_again_ns = master->now_ns + HWI_MASTER_STORE_AGAIN_MS * HWI_NS_PER_MS;
    } else if (!master->booted) {
        master->booted = true;
    } else {
        hwi_master_stored(master, effects);
    }
}

static void on_peer(struct hwi_master *master, struct hwi_master_session *s,
                    const struct hwi_msg *msg, struct hwi_effects *effects)
{
    switch (msg->type) {
    case HWI_MSG_heartbeat:
        hwi_master_on_heartbeat(master, s, &msg->u.heartbeat, effects);
        break;
    case HWI_MSG_ready:
        hwi_master_on_ready(master, s, &msg->u.ready, effects);
        break;
    case HWI_MSG_done:
        hwi_master_on_done(master, s, &msg->u.done, effects);
        break;
    case HWI_MSG_withdraw:
        hwi_master_on_withdraw(master, s, &msg->u.withdraw, effects);
        break;
    case HWI_MSG_edge_lost:
        hwi_master_on_edge_lost(master, s, &msg->u.edge_lost, effects);
        break;
    case HWI_MSG_sync_offer:
        hwi_master_on_sync_offer(master, s, &msg->u.sync_offer, effects);
        break;
    case HWI_MSG_leave:
        hwi_master_on_leave(master, s, &msg->u.leave, effects);
        break;
    default:
        break; // nothing else comes from a peer
    }
}

static void from_peer(struct hwi_master *master, uint64_t from, const struct hwi_msg *msg,
                      struct hwi_effects *effects)
{
    struct hwi_master_session *s = hwi_master_session(master, from);
    if (msg->type == HWI_MSG_unreachable) {
        if (s != NULL) {
            hwi_master_on_unreachable(master, s, effects);
        }
        return;
    }
    if (s != NULL) {
        s->heard_ns = master->now_ns;
        s->unreachable = false;
        s->received++;
    }
    if (msg->type == HWI_MSG_registration) {
        hwi_master_on_registration(master, from, &msg->u.registration, effects);
    } else if (s != NULL) {
        on_peer(master, s, msg, effects);
    } else {
        hwi_emit(effects, hwi_addr_of(HWI_ROLE_PEER, from), HWI_MSG_register_again);
    }
}

// The master must not take its own sleep (a stopped process, a suspended machine) for its members'
// silence.
static void excuse_own_sleep(struct hwi_master *master, uint64_t now_ns)
{
    uint64_t gap = now_ns - master->now_ns;
    if (master->now_ns != 0 && gap > 2 * master->config.heartbeat_ms * HWI_NS_PER_MS) {
        for (uint32_t i = 0; i < master->session_count; i++) {
            master->sessions[i].heard_ns += gap;
        }
        master->proposal_until_ns += gap;
    }
    master->now_ns = now_ns;
}

static void ask_to_be_woken(struct hwi_master *master, struct hwi_effects *effects)
{
    uint64_t at =
        HWI_MIN(master->probe_at_ns, HWI_MIN(master->store_again_ns, master->reform_at_ns));
    if (master->session_count > 0) { // silence is seen in time, own sleep is noticed
        at = HWI_MIN(at, master->turn_at_ns);
    }
    if (master->stage == HWI_STAGE_OPEN) {
        at = HWI_MIN(at, master->proposal_until_ns);
    }
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = at;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    const struct hwi_msg *msg = event->msg;
    if (master->session_count > 0) {
        excuse_own_sleep(master, event->now_ns);
    }
    master->now_ns = event->now_ns;
    if (msg->type == HWI_MSG_view_file) {
        on_view_file(master, &msg->u.view_file);
    } else if (msg->type == HWI_MSG_master_start) {
        on_master_start(master, &msg->u.master_start, effects);
    } else if (msg->type == HWI_MSG_stored) {
        on_stored(master, &msg->u.stored, effects);
    } else if (msg->type == HWI_MSG_woken) {
        hwi_master_on_woken(master, effects);
    } else if (!master->booted) {
        return; // peers say it again
    } else if (event->from.role == HWI_ROLE_PEER) {
        from_peer(master, event->from.id, msg, effects);
    } else if (event->from.role == HWI_ROLE_TOOL && msg->type == HWI_MSG_status_want) {
        hwi_master_status(master, event->from.id, effects);
    } else if (event->from.role == HWI_ROLE_TOOL && msg->type == HWI_MSG_trace_want) {
        hwi_master_on_trace_want(master, event->from.id, &msg->u.trace_want, effects);
    }
    ask_to_be_woken(master, effects);
}

// Members reach no decision any more, and say OUTCOME_UNKNOWN by their deadlines.
static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)state;
    (void)now_ns;
    (void)effects;
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
