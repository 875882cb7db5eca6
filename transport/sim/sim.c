// SPDX-License-Identifier: MIT
// The run: virtual time, and what happens next.
#include "transport/sim/world.h"

#include <stdlib.h>

struct hwi_sim *hwi_sim_create(const struct hwi_sim_config *config)
{
    struct hwi_sim *sim = hwi_new(&hwi_alloc_libc, sizeof *sim);
    sim->config = *config;
    sim->random = config->seed;
    sim->digest = XXH3_createState();
    HWI_CHECK(sim->digest != NULL);
    XXH3_64bits_reset(sim->digest);
    sim->status = hwi_new(&hwi_alloc_libc, sizeof *sim->status);
    sim->staging = hwi_new(&hwi_alloc_libc, sizeof *sim->staging);
    if (!config->driven) {
        hwi_sim_master_start(sim);
    }
    return sim;
}

void hwi_sim_destroy(struct hwi_sim *sim)
{
    sim->ending = true;
    for (uint32_t i = 0; i < sim->member_count; i++) {
        hwi_sim_process_destroy(sim->members[i]);
    }
    if (sim->master != NULL) {
        hwi_sim_process_destroy(sim->master);
    }
    hwi_sim_links_fini(sim);
    hwi_sim_packet_release(sim, sim->view_file);
    hwi_sim_events_fini(sim);
    hwi_sim_packets_fini(sim);
    hwi_sim_text_fini(&sim->transcript);
    hwi_sim_text_fini(&sim->failure);
    hwi_sim_text_fini(&sim->scratch);
    hwi_free(&hwi_alloc_libc, sim->members);
    hwi_free(&hwi_alloc_libc, sim->nodes);
    hwi_free(&hwi_alloc_libc, sim->by_peer);
    hwi_free(&hwi_alloc_libc, sim->sleepers);
    XXH3_freeState(sim->digest);
    free(sim->status_block);
    hwi_free(&hwi_alloc_libc, sim->status);
    hwi_free(&hwi_alloc_libc, sim->staging);
    hwi_free(&hwi_alloc_libc, sim);
}

// ---- what happens

// Runs one event of its process, or with NULL its due wake-ups. A check that fails outside of the
// actors ends the process.
static void run_trapped(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        if (event != NULL) {
            event->happen(process, event);
        }
        if (process->alive && (event == NULL || !event->anyway)) {
            hwi_sim_process_run(process);
        }
        hwi_trap_leave(&trap);
    } else if (process->alive) {
        hwi_sim_process_crash(process, &trap);
    } else {
        hwi_check_failed(trap.what, trap.file, trap.line); // nobody's but the simulator's own
    }
}

// True if the event is over, false if it waits in a queue.
static bool happen(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    struct hwi_sim_process *process = event->process;
    if (hwi_sim_held_back(sim, event)) {
        return false;
    }
    if (!process->alive && !event->anyway) {
        if (event->refuse != NULL) {
            event->refuse(sim, event);
        }
        return true;
    }
    if (process->frozen && !event->anyway) {
        hwi_sim_queue_add(&process->held, event);
        return false;
    }
    run_trapped(process, event);
    return true;
}

bool hwi_sim_step(struct hwi_sim *sim, uint64_t end_ns)
{
    struct hwi_sim_process *sleeper = hwi_sim_sleep_first(sim);
    uint64_t event_ns = hwi_sim_event_time(sim);
    uint64_t wake_ns = sleeper != NULL ? sleeper->wake_ns : HWI_NEVER;
    uint64_t next_ns = HWI_MIN(event_ns, wake_ns);
    if (next_ns > end_ns || next_ns == HWI_NEVER) {
        return false;
    }
    sim->now_ns = HWI_MAX(sim->now_ns, next_ns);
    if (event_ns <= next_ns) {
        struct hwi_sim_event *event = hwi_sim_event_take(sim);
        if (happen(sim, event)) {
            hwi_sim_event_free(sim, event);
        }
    } else {
        run_trapped(sleeper, NULL);
    }
    return true;
}

void hwi_sim_skip(struct hwi_sim *sim, uint64_t at_ns)
{
    sim->now_ns = HWI_MAX(sim->now_ns, at_ns);
}

void hwi_sim_run(struct hwi_sim *sim, uint64_t ns)
{
    uint64_t end_ns = sim->now_ns + ns;
    while (hwi_sim_step(sim, end_ns)) {
    }
    sim->now_ns = end_ns;
}

bool hwi_sim_until(struct hwi_sim *sim, uint32_t node, uint64_t request, uint64_t ns)
{
    const struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    HWI_CHECK(request < process->request_count);
    uint64_t end_ns = sim->now_ns + ns;
    while (process->requests[request].reply == NULL) {
        if (!hwi_sim_step(sim, end_ns)) {
            sim->now_ns = end_ns;
            return false;
        }
    }
    return true;
}

// ---- looking

uint64_t hwi_sim_now(const struct hwi_sim *sim)
{
    return sim->now_ns;
}

void hwi_sim_costs(const struct hwi_sim *sim, struct hwi_sim_costs *costs)
{
    *costs = sim->costs;
}

void hwi_sim_status(struct hwi_sim *sim, struct hwi_msg_status *status)
{
    struct hwi_msg want = {.type = HWI_MSG_status_want};
    sim->status->type = HWI_MSG_NONE;
    *status = (struct hwi_msg_status){0};
    if (!sim->master->alive || sim->master->frozen) {
        return;
    }
    hwi_drain_post(sim->master->drain, hwi_addr_of(HWI_ROLE_TOOL, 1),
                   hwi_addr_of(HWI_ROLE_MASTER, 0), &want);
    hwi_sim_process_run(sim->master);
    if (sim->status->type == HWI_MSG_status) {
        *status = sim->status->u.status;
    }
}

const char *hwi_sim_check_failure(const struct hwi_sim *sim)
{
    return sim->failure.bytes;
}
