// SPDX-License-Identifier: MIT
// A simulated process: its drain, its data port, and where its effects go.
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#include <hawser/types.h>

enum { TURN_EVENTS_MAX = 1 << 20 }; // of one turn; beyond it its actors never come to rest

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
    hwi_sim_post(process, from, to, msg);
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
        struct hwi_sim_event *event = hwi_sim_event_new(process->sim, process, break_edge);
        event->conn = edge->conn;
        event->conn->references++;
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

// ---- the disk

static void keep(struct hwi_sim *sim, struct hwi_sim_packet *file)
{
    hwi_sim_packet_release(sim, sim->view_file);
    sim->view_file = file;
    file->references++;
}

static void stored(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    static const struct hwi_msg refused = {
        .type = HWI_MSG_stored,
        .u.stored = {HWS_E_SYSTEM, "cannot write its state file: no room (simulated)"}};
    struct hwi_msg msg = {.type = HWI_MSG_stored};
    if (process->sim->disk_full) {
        msg = refused;
    } else {
        keep(process->sim, event->packet);
    }
    hwi_sim_post(process, hwi_addr_of(HWI_ROLE_DISK, 0), hwi_addr_of(HWI_ROLE_MASTER, 0), &msg);
}

// The master died over it: the file may be the new one or the old one.
static void half_stored(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    if (event->process == sim->master && !sim->disk_full && hwi_sim_draw(sim, 2) == 0) {
        keep(sim, event->packet);
    }
}

static void store(struct hwi_sim_process *process, const struct hwi_msg *msg)
{
    struct hwi_sim_event *event = hwi_sim_event_new(process->sim, process, stored);
    event->refuse = half_stored;
    event->packet = hwi_sim_packet_encode(process->sim, msg);
    hwi_sim_schedule(process->sim, event, HWI_SIM_DISK_NS);
}

// ---- where effects go

static void close_edge(struct hwi_sim_process *process, uint64_t peer)
{
    if (process->sim->config.virtual_edges) {
        hwi_sim_virtual_close(process, peer);
    }
    hwi_sim_edge_close(process, peer);
}

static void data_command(struct hwi_sim_process *process, const struct hwi_envelope *envelope)
{
    const struct hwi_msg *msg = &envelope->msg;
    bool command = envelope->to.role == HWI_ROLE_DATA;
    bool virtual_edges = process->sim->config.virtual_edges;
    if (command && msg->type == HWI_MSG_edge_open && virtual_edges) {
        hwi_sim_virtual_open(process, &msg->u.edge_open);
    } else if (command && msg->type == HWI_MSG_edge_open) {
        hwi_sim_edge_open(process, &msg->u.edge_open);
    } else if (command && msg->type == HWI_MSG_edge_close) {
        close_edge(process, msg->u.edge_close.peer);
    } else {
        if (virtual_edges && !command) {
            hwi_sim_virtual_need(process, envelope->to.id);
        }
        hwi_data_command(process->data, envelope);
    }
}

void hwi_sim_carry(struct hwi_sim_process *process, const struct hwi_envelope *envelope)
{
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
        store(process, &envelope->msg);
        break;
    case HWI_ROLE_RING: // nobody asks for a relay here
        break;
    default:
        HWI_CHECK(process->data != NULL);
        data_command(process, envelope);
        break;
    }
}

static void carry(void *world, const struct hwi_envelope *envelope)
{
    hwi_sim_carry(world, envelope);
}

void hwi_sim_post(struct hwi_sim_process *process, struct hwi_addr from, struct hwi_addr to,
                  const struct hwi_msg *msg)
{
    if (process->driven == NULL) {
        hwi_drain_post(process->drain, from, to, msg);
    } else {
        hwi_sim_driven_post(process, from, to, msg);
    }
}

static void record(void *world, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                   const struct hwi_effects *effects)
{
    struct hwi_sim_process *process = world;
    process->sim->step++; // what is carried from now on are this step's effects
    if (!process->dying) {
        hwi_sim_watch_step(process, (uint8_t)actor->role, event, effects);
    }
    if (!process->dying && event->msg->type != HWI_MSG_NONE) {
        hwi_sim_record(process, (uint8_t)actor->role, event, effects);
    }
    process->step_failed = false;
}

static void note_failure(struct hwi_sim_process *process, const char *who,
                         const struct hwi_trap *trap)
{
    char line[HWI_SIM_LINE_BYTES_MAX];
    int length = snprintf(line, sizeof line, "%s's %s at %.3f ms: %s:%d: %s", process->name, who,
                          (double)process->sim->now_ns / (double)HWI_NS_PER_MS, trap->file,
                          trap->line, trap->what);
    struct hwi_sim_text *failure = &process->sim->failure;
    if (failure->length == 0 && length > 0) {
        hwi_sim_text_add(failure, line, HWI_MIN((size_t)length, sizeof line - 1) + 1);
        failure->bytes[failure->length - 1] = '\0';
    }
}

static void check_failed(void *world, const struct hwi_actor_ops *actor,
                         const struct hwi_trap *trap)
{
    struct hwi_sim_process *process = world;
    process->step_failed = true;
    note_failure(process, actor->name, trap);
}

static uint64_t ticks(void *world)
{
    const struct hwi_sim_process *process = world;
    return process->sim->now_ns;
}

static const struct hwi_world_ops world_ops = {
    .ticks = ticks,
    .carry = carry,
    .record = record,
    .check_failed = check_failed,
};

// ---- life

static void name_process(struct hwi_sim_process *process)
{
    char *name = process->name;
    if (process->node == HWI_SIM_MASTER) {
        snprintf(name, sizeof process->name, "master");
    } else if (process->starts == 1) {
        snprintf(name, sizeof process->name, "process %u", process->node);
    } else {
        snprintf(name, sizeof process->name, "process %u.%u", process->node, process->starts - 1);
    }
}

static void add_actors(struct hwi_sim_process *process)
{
    process->drain = hwi_drain_create(&process->alloc, &world_ops, process);
    if (process->node == HWI_SIM_MASTER) {
        hwi_drain_add(process->drain, &hwi_sim_guards[HWI_ROLE_MASTER]);
    } else {
        hwi_drain_add(process->drain, &hwi_sim_guards[HWI_ROLE_PEER]);
        hwi_drain_add(process->drain, &hwi_sim_guards[HWI_ROLE_REDUCER]);
        hwi_drain_add(process->drain, &hwi_sim_guards[HWI_ROLE_SNAPSHOT]);
        process->data = hwi_data_create(&process->alloc, &data_ops, process);
    }
}

struct hwi_sim_process *hwi_sim_process_create(struct hwi_sim *sim, struct hwi_sim_node *node,
                                               uint32_t number)
{
    struct hwi_sim_process *process = hwi_new(&hwi_alloc_libc, sizeof *process);
    process->sim = sim;
    process->node = number;
    process->starts = ++node->starts;
    process->alive = true;
    process->wake_ns = HWI_NEVER;
    process->alloc = hwi_sim_alloc;
    process->alloc.user = process;
    process->clock.since_ns = process->clock.local_ns = sim->now_ns;
    name_process(process);
    add_actors(process);
    node->process = process;
    return process;
}

// Its actors and its data port are gone: all that they had must be, too.
static void check_leaks(struct hwi_sim_process *process)
{
    if (process->memory_bytes > 0) {
        const struct hwi_trap trap = {
            .what = "its actors left memory behind", .file = __FILE__, .line = __LINE__};
        note_failure(process, "process", &trap);
        hwi_sim_memory_drop(process);
    }
}

static void bury(struct hwi_sim_process *process)
{
    struct hwi_sim *sim = process->sim;
    process->alive = false;
    process->died_ns = sim->now_ns;
    hwi_sim_unwatch(process);
    hwi_sim_virtual_kill(process);
    hwi_sim_edges_kill(process);
    if (process->crashed) {
        hwi_sim_memory_drop(process);
    } else {
        if (process->data != NULL) {
            hwi_data_destroy(process->data);
        }
        hwi_drain_destroy(process->drain);
        check_leaks(process);
    }
    process->drain = NULL;
    process->data = NULL;
    hwi_sim_queue_drop(sim, &process->held);
    hwi_sim_queue_drop(sim, &process->control.waiting);
    hwi_sim_sleep_update(process);
}

// Nobody listens any more: members lose their connections, and try until there is a master again.
static void hang_up(struct hwi_sim *sim)
{
    for (uint32_t i = 0; i < sim->node_count; i++) {
        struct hwi_sim_process *member = sim->nodes[i].process;
        if (member->alive && !member->control.down) {
            hwi_sim_control_down(member, HWI_SIM_RECONNECT_NS);
        }
    }
}

void hwi_sim_process_kill(struct hwi_sim_process *process)
{
    struct hwi_sim *sim = process->sim;
    if (!process->alive) {
        return;
    }
    bury(process);
    if (process == sim->master) {
        hang_up(sim);
    }
}

void hwi_sim_process_crash(struct hwi_sim_process *process, const struct hwi_trap *trap)
{
    note_failure(process, "process", trap);
    process->crashed = true;
    hwi_sim_process_kill(process);
}

void hwi_sim_process_destroy(struct hwi_sim_process *process)
{
    if (process->alive) {
        bury(process);
    }
    hwi_sim_edges_kill(process); // those that were dialled to it since
    hwi_sim_driven_free(process);
    hwi_sim_control_fini(process);
    hwi_sim_trainer_fini(process);
    free(process->ring_memory);
    for (uint32_t role = 0; role < HWI_ROLE_MAX; role++) {
        hwi_sim_text_fini(&process->recordings[role]);
    }
    hwi_free(&hwi_alloc_libc, process);
}

void hwi_sim_process_run(struct hwi_sim_process *process)
{
    uint32_t events = 0;
    while (process->alive && !process->frozen &&
           hwi_drain_step(process->drain, hwi_sim_local(process))) {
        HWI_CHECK(++events < TURN_EVENTS_MAX);
        if (process->dying) {
            process->sim->faults[HWI_SIM_KILLED] += !process->left;
            hwi_sim_process_kill(process);
        }
    }
    hwi_sim_sleep_update(process);
}

static void hear(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_msg msg;
    void *block = NULL;
    HWI_CHECK(hwi_sim_packet_read(event->packet, NULL, &msg, &block));
    hwi_sim_post(process, event->from, event->to, &msg);
    free(block);
}

void hwi_sim_process_tell(struct hwi_sim_process *process, struct hwi_addr from, enum hwi_role to,
                          const struct hwi_msg *msg, uint64_t delay_ns)
{
    struct hwi_sim_event *event = hwi_sim_event_new(process->sim, process, hear);
    event->from = from;
    event->to = hwi_addr_of(to, 0);
    event->packet = hwi_sim_packet_encode(process->sim, msg);
    hwi_sim_schedule(process->sim, event, delay_ns);
}

struct hwi_sim_process *hwi_sim_process_by_incarnation(struct hwi_sim *sim, uint64_t incarnation)
{
    uint64_t index = incarnation - HWI_SIM_INCARNATION_FIRST;
    if (sim->config.driven) {
        return hwi_sim_driven_by_incarnation(sim, incarnation);
    }
    return index < sim->member_count ? sim->members[index] : NULL;
}
