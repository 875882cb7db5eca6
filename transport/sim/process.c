// SPDX-License-Identifier: MIT
// A simulated process: its drain, its data port, and where its effects go.
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

static void *resize(void *user, void *pointer, size_t bytes)
{
    (void)user;
    return hwi_alloc_libc.resize(hwi_alloc_libc.user, pointer, bytes);
}

// ---- the data port's ops

// The node that has this peer id on one of our edges.
static const char *name_of_peer(struct hwi_sim_process *process, uint64_t peer)
{
    const struct hwi_sim_edge *edge = hwi_sim_edge_of(process, peer);
    if (edge == NULL || edge->conn == NULL) {
        return "nobody";
    }
    return edge->conn->ends[edge->conn->ends[0] == process]->name;
}

static void deliver(void *user, struct hwi_addr from, struct hwi_addr to, const struct hwi_msg *msg)
{
    struct hwi_sim_process *process = user;
    if (from.id != 0) {
        hwi_sim_transcript_add(process->sim, name_of_peer(process, from.id), process->name, msg);
    }
    hwi_drain_post(process->drain, from, to, msg);
}

static void break_edge(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    hwi_sim_edge_break(process, event->conn, event->reason);
}

static void kick(void *user, uint64_t peer, enum hwi_lane lane)
{
    hwi_sim_stripes_kick(user, peer, lane);
}

// The core is in the middle of a command: the edge breaks right after it.
static void broken(void *user, uint64_t peer, const char *why)
{
    struct hwi_sim_process *process = user;
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, peer);
    if (edge != NULL && edge->up) {
        struct hwi_sim_event *event = hwi_sim_event_new();
        event->process = process;
        event->happen = break_edge;
        event->conn = edge->conn;
        event->reason = why;
        hwi_sim_schedule(process->sim, event, 0);
    }
}

static const struct hwi_data_ops data_ops = {.deliver = deliver, .kick = kick, .broken = broken};

// ---- the drain's world

static void told_tool(struct hwi_sim *sim, const struct hwi_msg *msg)
{
    free(sim->status_block);
    HWI_CHECK(hwi_msg_clone(msg, sim->status, &sim->status_block));
}

static void store(struct hwi_sim_process *process)
{
    struct hwi_msg stored = {.type = HWI_MSG_stored};
    hwi_sim_process_tell(process, hwi_addr_of(HWI_ROLE_DISK, 0), HWI_ROLE_MASTER, &stored,
                         HWI_SIM_DISK_NS);
}

static void data_command(struct hwi_sim_process *process, const struct hwi_envelope *envelope)
{
    const struct hwi_msg *msg = &envelope->msg;
    if (envelope->to.role == HWI_ROLE_DATA && msg->type == HWI_MSG_edge_open) {
        hwi_sim_edge_open(process, &msg->u.edge_open);
    } else if (envelope->to.role == HWI_ROLE_DATA && msg->type == HWI_MSG_edge_close) {
        hwi_sim_edge_close(process, msg->u.edge_close.peer);
    } else {
        hwi_data_command(process->data, envelope);
    }
}

static void carry(void *world, const struct hwi_envelope *envelope)
{
    struct hwi_sim_process *process = world;
    switch (envelope->to.role) {
    case HWI_ROLE_MASTER:
    case HWI_ROLE_PEER:
        hwi_sim_control_send(process, envelope);
        break;
    case HWI_ROLE_TOOL:
        told_tool(process->sim, &envelope->msg);
        break;
    case HWI_ROLE_TRAINER:
        hwi_sim_trainer_told(process, &envelope->msg);
        break;
    case HWI_ROLE_DISK:
        store(process);
        break;
    case HWI_ROLE_RING: // nobody asks for a relay here
        break;
    default:
        HWI_CHECK(process->data != NULL);
        data_command(process, envelope);
        break;
    }
}

static void record(void *world, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                   const struct hwi_effects *effects)
{
    struct hwi_sim_process *process = world;
    if (!process->dying && event->msg->type != HWI_MSG_NONE) {
        hwi_sim_record(process, (uint8_t)actor->role, event, effects);
    }
}

static void check_failed(void *world, const struct hwi_actor_ops *actor,
                         const struct hwi_trap *trap)
{
    struct hwi_sim_process *process = world;
    char line[HWI_SIM_LINE_BYTES_MAX];
    int length = snprintf(line, sizeof(line), "%s's %s at %.3f ms: %s:%d: %s", process->name,
                          actor->name, (double)process->sim->now_ns / (double)HWI_NS_PER_MS,
                          trap->file, trap->line, trap->what);
    struct hwi_sim_text *failure = &process->sim->failure;
    if (failure->length == 0 && length > 0) {
        hwi_sim_text_add(failure, line, HWI_MIN((size_t)length, sizeof(line) - 1) + 1);
        failure->bytes[failure->length - 1] = '\0';
    }
}

static const struct hwi_world_ops world_ops = {
    .carry = carry,
    .record = record,
    .check_failed = check_failed,
};

// ---- life

struct hwi_sim_process *hwi_sim_process_create(struct hwi_sim *sim, const char *name, uint32_t node,
                                               const enum hwi_role *roles, uint32_t count)
{
    struct hwi_sim_process *process = hwi_new(&hwi_alloc_libc, sizeof(*process));
    process->sim = sim;
    snprintf(process->name, sizeof(process->name), "%s", name);
    process->node = node;
    process->incarnation = HWI_SIM_INCARNATION_FIRST + node;
    process->alive = true;
    process->control_up = true;
    process->held_end = &process->held;
    process->alloc = (struct hwi_alloc){.resize = resize, .user = process};
    process->drain = hwi_drain_create(&process->alloc, &world_ops, process);
    for (uint32_t i = 0; i < count; i++) {
        hwi_drain_add(process->drain, &hwi_sim_guards[roles[i]]);
    }
    if (roles[0] != HWI_ROLE_MASTER) {
        process->data = hwi_data_create(&process->alloc, &data_ops, process);
    }
    return process;
}

static void drop_held(struct hwi_sim_process *process)
{
    while (process->held != NULL) {
        struct hwi_sim_event *event = process->held;
        process->held = event->next;
        hwi_sim_event_free(event);
    }
    process->held_end = &process->held;
}

static void end(struct hwi_sim_process *process)
{
    process->alive = false;
    hwi_sim_edges_kill(process);
    if (process->data != NULL) {
        hwi_data_destroy(process->data);
    }
    hwi_drain_destroy(process->drain);
    process->drain = NULL;
    process->data = NULL;
    drop_held(process);
}

void hwi_sim_process_kill(struct hwi_sim_process *process)
{
    if (process->alive) {
        process->died_ns = process->sim->now_ns;
        end(process);
    }
}

void hwi_sim_process_destroy(struct hwi_sim_process *process)
{
    if (process->alive) {
        end(process);
    }
    hwi_sim_trainer_fini(process);
    for (uint32_t role = 0; role < HWI_ROLE_MAX; role++) {
        hwi_sim_text_fini(&process->recordings[role]);
    }
    hwi_free(&hwi_alloc_libc, process);
}

void hwi_sim_process_run(struct hwi_sim_process *process)
{
    uint32_t events = 0;
    while (process->alive && !process->frozen &&
           hwi_drain_step(process->drain, process->sim->now_ns)) {
        HWI_CHECK(++events < HWI_DRAIN_EVENTS_MAX); // actors that never come to rest
        if (process->dying) {
            hwi_sim_process_kill(process);
        }
    }
}

static void hear(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_msg msg;
    void *block = NULL;
    HWI_CHECK(hwi_decode(event->bytes, event->length, &msg, &block) == HWI_CODEC_OK);
    hwi_drain_post(process->drain, event->from, event->to, &msg);
    free(block);
}

void hwi_sim_process_tell(struct hwi_sim_process *process, struct hwi_addr from, enum hwi_role to,
                          const struct hwi_msg *msg, uint64_t delay_ns)
{
    struct hwi_sim_event *event = hwi_sim_event_new();
    event->process = process;
    event->happen = hear;
    event->from = from;
    event->to = hwi_addr_of(to, 0);
    HWI_CHECK(hwi_encode(msg, &event->bytes, &event->length) == HWI_CODEC_OK);
    hwi_sim_schedule(process->sim, event, delay_ns);
}

struct hwi_sim_process *hwi_sim_process_by_incarnation(struct hwi_sim *sim, uint64_t incarnation)
{
    uint64_t node = incarnation - HWI_SIM_INCARNATION_FIRST;
    return node < sim->member_count ? sim->members[node] : NULL;
}
