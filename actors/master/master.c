// SPDX-License-Identifier: MIT
// The master actor: one event in, effects out.
#include "actors/master/master.h"

#include "actors/master/channel.h"
#include "actors/master/handlers.h"
#include "actors/master/past.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"

static const struct hwi_handlers handlers = {
#define HEARD_BY_MASTER(message) HWI_HANDLES(message, hwi_master_on_##message)
#include "actors/loop/handlers.h"
};

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_past *past = hwi_new(alloc, HWI_PAST_VIEWS_MAX * sizeof *past);
    struct hwi_master *master = hwi_try_new(alloc, sizeof *master);
    if (master == NULL) {
        hwi_free(alloc, past);
    }
    HWI_CHECK_MEMORY(master != NULL);
    master->alloc = alloc;
    master->probe_at_ns = HWI_NEVER;
    master->store_again_ns = HWI_NEVER;
    master->reform_at_ns = HWI_NEVER;
    master->gather_until_ns = HWI_NEVER;
    master->past = past;
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
        hwi_master_past_drop(master);
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

// Counts a peer's messages, and asks an unregistered peer to register. False = the sender is
// unknown, so the message is dropped.
static bool note_speaker(struct hwi_master *master, const struct hwi_event *event,
                         struct hwi_effects *effects)
{
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    if (event->msg->type == HWI_MSG_unreachable) {
        return session != NULL; // said by the own control link, in its name
    }
    if (session != NULL) {
        session->heard_ns = master->now_ns;
        session->unreachable = false;
        session->received++;
    } else if (event->msg->type != HWI_MSG_registration) {
        hwi_emit(effects, hwi_addr_of(HWI_ROLE_PEER, event->from.id), HWI_MSG_register_again);
        return false;
    }
    return true;
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
    if (master->stage == HWI_STAGE_OPEN && master->ready_due > 0) {
        at = HWI_MIN(at, master->proposal_until_ns);
    }
    if (hwi_master_gathers(master)) {
        at = HWI_MIN(at, master->gather_until_ns);
    }
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = at;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    bool peer = event->from.role == HWI_ROLE_PEER;
    if (master->session_count > 0) {
        excuse_own_sleep(master, event->now_ns);
    }
    master->now_ns = event->now_ns;
    if (!master->booted && (peer || event->from.role == HWI_ROLE_TOOL)) {
        return; // they say it again
    }
    if (!peer || note_speaker(master, event, effects)) {
        hwi_dispatch(&handlers, master, event, effects);
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
