// SPDX-License-Identifier: MIT
// Nodes: starting, stopping and restarting the processes on them.
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

struct hwi_sim_node *hwi_sim_node_of(struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node == HWI_SIM_MASTER || node < sim->node_count);
    return node == HWI_SIM_MASTER ? &sim->master_node : &sim->nodes[node];
}

struct hwi_sim_process *hwi_sim_process_of(const struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node == HWI_SIM_MASTER || node < sim->node_count);
    return node == HWI_SIM_MASTER ? sim->master : sim->nodes[node].process;
}

// ---- starting

void hwi_sim_keep_member(struct hwi_sim *sim, struct hwi_sim_process *process)
{
    if (sim->member_count == sim->member_capacity) {
        HWI_CHECK(sim->member_capacity < HWI_SIM_PROCESSES_MAX);
        sim->member_capacity = HWI_MAX(16, 2 * sim->member_capacity);
        sim->members = hwi_resize(&hwi_alloc_libc, sim->members,
                                  sim->member_capacity * sizeof(struct hwi_sim_process *));
    }
    sim->members[sim->member_count++] = process;
}

static void start_member(struct hwi_sim *sim, uint32_t node, uint32_t min_members)
{
    struct hwi_sim_process *process = hwi_sim_process_create(sim, &sim->nodes[node], node);
    process->incarnation = HWI_SIM_INCARNATION_FIRST + sim->member_count;
    process->rank = 1 + sim->member_count;
    hwi_sim_keep_member(sim, process);
    hwi_sim_watch(process);
    if (!sim->master->alive) {
        hwi_sim_control_down(process, HWI_SIM_RECONNECT_NS);
    }
    hwi_sim_trainer_open(process, min_members);
}

uint32_t hwi_sim_node_add(struct hwi_sim *sim)
{
    if (sim->node_count == sim->node_capacity) {
        HWI_CHECK(sim->node_capacity < HWI_SIM_NODES_MAX);
        sim->node_capacity = HWI_MAX(16, 2 * sim->node_capacity);
        sim->nodes = hwi_resize(&hwi_alloc_libc, sim->nodes,
                                sim->node_capacity * sizeof(struct hwi_sim_node));
    }
    uint32_t node = sim->node_count++;
    sim->nodes[node] = (struct hwi_sim_node){0};
    return node;
}

uint32_t hwi_sim_member_at(struct hwi_sim *sim, uint32_t min_members,
                           const struct hwi_sim_place *place)
{
    uint32_t number = hwi_sim_node_add(sim);
    struct hwi_sim_node *node = &sim->nodes[number];
    node->group = place->group;
    node->unit_size = place->unit_size;
    node->revision = place->revision;
    node->has_revision = place->has_revision;
    snprintf(node->unit, sizeof node->unit, "%s", place->unit != NULL ? place->unit : "");
    start_member(sim, number, min_members);
    node->revision = 0;
    node->has_revision = false;
    return number;
}

uint32_t hwi_sim_member(struct hwi_sim *sim, uint32_t min_members)
{
    return hwi_sim_member_at(sim, min_members, &(struct hwi_sim_place){0});
}

static void tell_view_file(struct hwi_sim *sim)
{
    struct hwi_msg msg;
    void *block = NULL;
    HWI_CHECK(hwi_sim_packet_read(sim->view_file, NULL, &msg, &block));
    hwi_sim_process_tell(sim->master, hwi_addr_of(HWI_ROLE_DISK, 0), HWI_ROLE_MASTER, &msg, 0);
    free(block);
}

void hwi_sim_master_start(struct hwi_sim *sim)
{
    sim->master = hwi_sim_process_create(sim, &sim->master_node, HWI_SIM_MASTER);
    sim->master->incarnation = sim->master_node.starts;
    hwi_sim_watch(sim->master);
    struct hwi_msg msg = {.type = HWI_MSG_master_start};
    msg.u.master_start = (struct hwi_msg_master_start){
        .run = sim->master_node.starts,
        .master = sim->master_node.starts,
        .min_members = HWI_MAX(1, sim->config.min_members),
        .first_members = sim->config.first_members,
        .heartbeat_ms = sim->config.heartbeat_ms,
        .dead_ms = sim->config.dead_ms,
        .propose_ms = sim->config.propose_ms,
        .gather_ms = sim->config.gather_ms,
        .durable = sim->config.durable,
    };
    if (sim->view_file != NULL) {
        tell_view_file(sim);
    }
    hwi_sim_process_tell(sim->master, hwi_addr_of(HWI_ROLE_TRAINER, 0), HWI_ROLE_MASTER, &msg, 0);
}

// ---- stopping

void hwi_sim_kill(struct hwi_sim *sim, uint32_t node)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    sim->faults[HWI_SIM_KILLED] += process->alive;
    hwi_sim_process_kill(process);
}

void hwi_sim_restart(struct hwi_sim *sim, uint32_t node, uint32_t min_members)
{
    hwi_sim_kill(sim, node);
    sim->faults[HWI_SIM_RESTARTED]++;
    if (node == HWI_SIM_MASTER) {
        hwi_sim_keep_member(sim, sim->master); // it replays like all others
        hwi_sim_master_start(sim);
    } else {
        hwi_sim_trainer_fini(sim->nodes[node].process); // nobody can ask for its replies any more
        start_member(sim, node, min_members);
    }
}

void hwi_sim_disk_full(struct hwi_sim *sim, bool on)
{
    sim->disk_full = on;
}

void hwi_sim_freeze(struct hwi_sim *sim, uint32_t node)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    sim->faults[HWI_SIM_FROZEN] += process->alive && !process->frozen;
    process->frozen = true;
    hwi_sim_sleep_update(process);
}

void hwi_sim_thaw(struct hwi_sim *sim, uint32_t node)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    process->frozen = false;
    hwi_sim_queue_release(sim, &process->held);
    hwi_sim_sleep_update(process);
}

void hwi_sim_unreachable(struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node != HWI_SIM_MASTER);
    hwi_sim_node_of(sim, node)->unreachable = true;
}

void hwi_sim_build(struct hwi_sim *sim, uint32_t node, enum hwi_sim_build build)
{
    hwi_sim_node_of(sim, node)->build = build;
}

void hwi_sim_undialled(struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node != HWI_SIM_MASTER);
    hwi_sim_node_of(sim, node)->undialled = true;
}

void hwi_sim_reachable(struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node != HWI_SIM_MASTER);
    hwi_sim_node_of(sim, node)->unreachable = false;
}

void hwi_sim_kill_at(struct hwi_sim *sim, uint32_t node, enum hwi_role role, uint32_t n)
{
    struct hwi_sim_fate *fate = &hwi_sim_process_of(sim, node)->fate;
    fate->role = (uint8_t)role;
    fate->role_count = n;
}

void hwi_sim_kill_on(struct hwi_sim *sim, uint32_t node, uint16_t type, uint32_t n)
{
    struct hwi_sim_fate *fate = &hwi_sim_process_of(sim, node)->fate;
    fate->type = type;
    fate->type_count = n;
}

// ---- looking

uint32_t hwi_sim_events(const struct hwi_sim *sim, uint32_t node, enum hwi_role role)
{
    return hwi_sim_process_of(sim, node)->events_seen[role];
}

bool hwi_sim_alive(const struct hwi_sim *sim, uint32_t node)
{
    return hwi_sim_process_of(sim, node)->alive;
}

uint64_t hwi_sim_incarnation(const struct hwi_sim *sim, uint32_t node)
{
    return hwi_sim_process_of(sim, node)->incarnation;
}

uint64_t hwi_sim_memory(const struct hwi_sim *sim, uint32_t node)
{
    return hwi_sim_process_of(sim, node)->memory_bytes;
}
