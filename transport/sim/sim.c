// SPDX-License-Identifier: MIT
// The run: virtual time, the master, and what the test does to processes and links.
#include "transport/sim/world.h"

#include <stdlib.h>
#include <string.h>

static void start_master(struct hwi_sim *sim)
{
    static const enum hwi_role roles[] = {HWI_ROLE_MASTER};
    sim->master = hwi_sim_process_create(sim, "master", 64, roles, 1);
    struct hwi_msg msg = {.type = HWI_MSG_master_start};
    msg.u.master_start = (struct hwi_msg_master_start){
        .run = 1,
        .master = 1,
        .min_members = sim->config.min_members,
        .heartbeat_ms = sim->config.heartbeat_ms,
        .dead_ms = sim->config.dead_ms,
        .propose_ms = sim->config.propose_ms,
        .durable = sim->config.durable,
    };
    hwi_sim_process_tell(sim->master, hwi_addr_of(HWI_ROLE_TRAINER, 0), HWI_ROLE_MASTER, &msg, 0);
}

struct hwi_sim *hwi_sim_create(const struct hwi_sim_config *config)
{
    struct hwi_sim *sim = hwi_new(&hwi_alloc_libc, sizeof(*sim));
    sim->config = *config;
    sim->digest = XXH3_createState();
    HWI_CHECK(sim->digest != NULL);
    XXH3_64bits_reset(sim->digest);
    sim->status = hwi_new(&hwi_alloc_libc, sizeof(*sim->status));
    start_master(sim);
    return sim;
}

void hwi_sim_destroy(struct hwi_sim *sim)
{
    for (uint32_t i = 0; i < sim->member_count; i++) {
        hwi_sim_process_destroy(sim->members[i]);
    }
    hwi_sim_process_destroy(sim->master);
    hwi_sim_events_fini(sim);
    hwi_sim_conns_fini(sim);
    hwi_sim_text_fini(&sim->transcript);
    hwi_sim_text_fini(&sim->failure);
    XXH3_freeState(sim->digest);
    free(sim->status_block);
    hwi_free(&hwi_alloc_libc, sim->status);
    hwi_free(&hwi_alloc_libc, sim);
}

// ---- time

static void happen(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    struct hwi_sim_process *process = event->process;
    if (!process->alive) {
        if (event->refuse != NULL) {
            event->refuse(sim, event);
        }
    } else if (process->frozen) {
        event->next = NULL;
        *process->held_end = event;
        process->held_end = &event->next;
        return;
    } else {
        event->happen(process, event);
        hwi_sim_process_run(process);
    }
    hwi_sim_event_free(event);
}

static uint64_t wake_of(const struct hwi_sim_process *process)
{
    return process->alive && !process->frozen ? hwi_drain_next_wake(process->drain) : HWI_NEVER;
}

// The process that asked to be woken first.
static struct hwi_sim_process *first_sleeper(const struct hwi_sim *sim)
{
    struct hwi_sim_process *first = sim->master;
    for (uint32_t i = 0; i < sim->member_count; i++) {
        if (wake_of(sim->members[i]) < wake_of(first)) {
            first = sim->members[i];
        }
    }
    return first;
}

// Does the earliest pending thing if it is due by `end_ns`; false if there is none.
static bool advance(struct hwi_sim *sim, uint64_t end_ns)
{
    struct hwi_sim_process *sleeper = first_sleeper(sim);
    uint64_t event_ns = hwi_sim_event_time(sim);
    uint64_t next_ns = HWI_MIN(event_ns, wake_of(sleeper));
    if (next_ns > end_ns) {
        return false;
    }
    sim->now_ns = HWI_MAX(sim->now_ns, next_ns);
    if (event_ns <= next_ns) {
        happen(sim, hwi_sim_event_take(sim));
    } else {
        hwi_sim_process_run(sleeper);
    }
    return true;
}

void hwi_sim_run(struct hwi_sim *sim, uint64_t ns)
{
    uint64_t end_ns = sim->now_ns + ns;
    while (advance(sim, end_ns)) {
    }
    sim->now_ns = end_ns;
}

bool hwi_sim_until(struct hwi_sim *sim, uint32_t node, uint64_t request, uint64_t ns)
{
    HWI_CHECK(node < sim->member_count && request < sim->members[node]->request_count);
    uint64_t end_ns = sim->now_ns + ns;
    while (sim->members[node]->requests[request].reply == NULL) {
        if (!advance(sim, end_ns)) {
            sim->now_ns = end_ns;
            return false;
        }
    }
    return true;
}

uint64_t hwi_sim_now(const struct hwi_sim *sim)
{
    return sim->now_ns;
}

// ---- faults

static struct hwi_sim_process *member(const struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node < sim->member_count);
    return sim->members[node];
}

void hwi_sim_kill(struct hwi_sim *sim, uint32_t node)
{
    hwi_sim_process_kill(member(sim, node));
}

void hwi_sim_freeze(struct hwi_sim *sim, uint32_t node)
{
    member(sim, node)->frozen = true;
}

void hwi_sim_thaw(struct hwi_sim *sim, uint32_t node)
{
    struct hwi_sim_process *process = member(sim, node);
    process->frozen = false;
    while (process->held != NULL) {
        struct hwi_sim_event *event = process->held;
        process->held = event->next;
        hwi_sim_schedule(sim, event, 0);
    }
    process->held_end = &process->held;
}

void hwi_sim_control(struct hwi_sim *sim, uint32_t node, bool up)
{
    member(sim, node)->control_up = up;
}

void hwi_sim_unreachable(struct hwi_sim *sim, uint32_t node)
{
    member(sim, node)->unreachable = true;
}

void hwi_sim_kill_at(struct hwi_sim *sim, uint32_t node, enum hwi_role role, uint32_t n)
{
    struct hwi_sim_fate *fate = &member(sim, node)->fate;
    fate->role = (uint8_t)role;
    fate->role_count = n;
}

void hwi_sim_kill_on(struct hwi_sim *sim, uint32_t node, uint16_t type, uint32_t n)
{
    struct hwi_sim_fate *fate = &member(sim, node)->fate;
    fate->type = type;
    fate->type_count = n;
}

uint32_t hwi_sim_events(const struct hwi_sim *sim, uint32_t node, enum hwi_role role)
{
    return member(sim, node)->events_seen[role];
}

bool hwi_sim_alive(const struct hwi_sim *sim, uint32_t node)
{
    return member(sim, node)->alive;
}

// ---- looking

void hwi_sim_stats(struct hwi_sim *sim, uint32_t node, struct hwi_data_stats *stats)
{
    struct hwi_sim_process *process = member(sim, node);
    *stats = (struct hwi_data_stats){0};
    if (process->alive) {
        hwi_data_stats(process->data, stats);
    }
}

void hwi_sim_status(struct hwi_sim *sim, struct hwi_msg_status *status)
{
    struct hwi_msg want = {.type = HWI_MSG_status_want};
    sim->status->type = HWI_MSG_NONE;
    hwi_drain_post(sim->master->drain, hwi_addr_of(HWI_ROLE_TOOL, 1),
                   hwi_addr_of(HWI_ROLE_MASTER, 0), &want);
    hwi_sim_process_run(sim->master);
    HWI_CHECK(sim->status->type == HWI_MSG_status);
    *status = sim->status->u.status;
}

const char *hwi_sim_check_failure(const struct hwi_sim *sim)
{
    return sim->failure.bytes;
}
