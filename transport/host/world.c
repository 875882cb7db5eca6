// SPDX-License-Identifier: MIT
// The world around a host's actors: where each effect goes, and how the data port's events come
// back.
#include <hawser/types.h>

#include "transport/host/loop.h"
#include "transport/os/os_ticks.h"

static void to_disk(struct hwi_host *host, const struct hwi_msg *msg)
{
    struct hwi_msg stored = {.type = HWI_MSG_stored};
    stored.u.stored.status = host->viewfile.lock >= 0
                                 ? hwi_viewfile_store(&host->viewfile, msg, stored.u.stored.reason)
                                 : HWS_E_SYSTEM;
    hwi_drain_post(host->drain, hwi_addr_of(HWI_ROLE_DISK, 0), hwi_addr_of(HWI_ROLE_MASTER, 0),
                   &stored);
}

static void to_data(struct hwi_host *host, const struct hwi_envelope *envelope)
{
    if (envelope->msg.type == HWI_MSG_edge_open) {
        hwi_edges_open(&host->edges, &envelope->msg.u.edge_open);
    } else if (envelope->msg.type == HWI_MSG_edge_close) {
        hwi_edges_close(&host->edges, envelope->msg.u.edge_close.peer);
    } else {
        hwi_data_command(host->data, envelope);
    }
}

// A call has failed, or a member was removed from the run: the events that led to it are kept
// before the news is passed on.
static void note_failure(struct hwi_host *host, const struct hwi_msg *msg)
{
    int status = msg->type == HWI_MSG_reply     ? msg->u.reply.status
                 : msg->type == HWI_MSG_evicted ? msg->u.evicted.status
                                                : HWS_OK;
    if (status != HWS_OK && status != HWS_E_CLOSED) {
        hwi_flight_want(&host->flight, hwi_host_now());
    }
}

static void to_trainer(struct hwi_host *host, const struct hwi_msg *msg)
{
    hwi_host_publish(host); // who reads the counters after a reply finds its operation in them
    host->ops->trainer(host->user, msg);
}

static void to_control(struct hwi_host *host, const struct hwi_envelope *envelope)
{
    const unsigned char *bytes;
    size_t length;
    if (hwi_encoder_encode(&host->encoder, &envelope->msg, &bytes, &length) == HWI_CODEC_OK) {
        hwi_control_forward(&host->control, envelope->to, bytes, length);
    } else {
        host->control.dropped_out++;
    }
}

static void carry(void *world, const struct hwi_envelope *envelope)
{
    struct hwi_host *host = world;
    bool member = host->data != NULL, remote = envelope->to.id != 0;
    uint8_t role = envelope->to.role;
    hwi_ringport_learn(&host->ringport, &envelope->msg);
    note_failure(host, &envelope->msg);
    if (role == HWI_ROLE_TRAINER) {
        to_trainer(host, &envelope->msg);
    } else if (member && role == HWI_ROLE_MASTER) {
        to_control(host, envelope);
    } else if (member && role == HWI_ROLE_DATA) {
        to_data(host, envelope);
    } else if (member && remote && (role == HWI_ROLE_REDUCER || role == HWI_ROLE_SNAPSHOT)) {
        hwi_data_command(host->data, envelope);
    } else if (!member && remote && (role == HWI_ROLE_PEER || role == HWI_ROLE_TOOL)) {
        to_control(host, envelope);
    } else if (!member && role == HWI_ROLE_DISK) {
        to_disk(host, &envelope->msg);
    } else if (role == HWI_ROLE_RING && envelope->msg.type == HWI_MSG_trace_relay) {
        hwi_relay_ask(&host->relay, &envelope->msg.u.trace_relay, hwi_host_now());
    } else {
        host->counters.undeliverable++;
    }
}

static void check_failed(void *world, const struct hwi_actor_ops *actor,
                         const struct hwi_trap *trap)
{
    struct hwi_host *host = world;
    host->failed_roles |= 1u << actor->role;
    hwi_flight_want(&host->flight, hwi_host_now());
    host->ops->check_failed(host->user, actor->name, trap->what, trap->file, trap->line);
}

static hwi_observe_fn observer;
static void *observer_user;

void hwi_host_observe(hwi_observe_fn observe, void *user)
{
    observer = observe;
    observer_user = user;
}

static void record(void *world, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                   const struct hwi_effects *effects)
{
    struct hwi_host *host = world;
    hwi_ringport_learn(&host->ringport, event->msg);
    hwi_encoder_forget(&host->encoder); // the lists of the last step's effects are gone
    if (host->journal != NULL) {
        hwi_journal_step(host->journal, actor, event, effects,
                         host->failed_roles & 1u << actor->role);
    }
    if (observer != NULL) {
        observer(observer_user, actor, event, effects);
    }
}

static uint64_t ticks(void *world)
{
    (void)world;
    return hwi_os_ticks();
}

const struct hwi_world_ops hwi_host_world_ops = {
    .carry = carry, .record = record, .check_failed = check_failed, .ticks = ticks};

static void deliver(void *user, struct hwi_addr from, struct hwi_addr to, const struct hwi_msg *msg)
{
    struct hwi_host *host = user;
    if (host->roles & 1u << to.role) {
        hwi_drain_post(host->drain, from, to, msg);
    } else {
        host->counters.undeliverable++;
    }
}

static void kick(void *user, uint64_t peer, enum hwi_lane lane)
{
    struct hwi_host *host = user;
    (void)lane; // the edge's turn serves both
    hwi_edges_kick(&host->edges, peer);
}

static void broken(void *user, uint64_t peer, const char *why)
{
    struct hwi_host *host = user;
    hwi_edges_broken(&host->edges, peer, why);
}

const struct hwi_data_ops hwi_host_data_ops = {.deliver = deliver, .kick = kick, .broken = broken};
