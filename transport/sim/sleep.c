// SPDX-License-Identifier: MIT
// Clocks, and the times at which processes are woken: a binary heap of the processes that asked,
// ordered by time, then by rank.
#include "transport/sim/world.h"

#define MILLION UINT64_C(1000000)

// ---- clocks

static uint64_t scale(uint64_t ns, uint64_t times, uint64_t by)
{
    return ns / by * times + ns % by * times / by;
}

uint64_t hwi_sim_local(const struct hwi_sim_process *process)
{
    const struct hwi_sim_clock *clock = &process->clock;
    uint64_t passed = process->sim->now_ns - clock->since_ns;
    uint64_t rate = (uint64_t)((int64_t)MILLION + clock->ppm);
    return clock->local_ns + (clock->ppm == 0 ? passed : scale(passed, rate, MILLION));
}

// When it will be `local_ns` on the process's clock.
static uint64_t global_of(const struct hwi_sim_process *process, uint64_t local_ns)
{
    const struct hwi_sim_clock *clock = &process->clock;
    uint64_t ahead = local_ns > clock->local_ns ? local_ns - clock->local_ns : 0;
    if (ahead > HWI_NEVER / 4) {
        return HWI_NEVER;
    }
    uint64_t rate = (uint64_t)((int64_t)MILLION + clock->ppm);
    uint64_t passed = clock->ppm == 0 ? ahead : scale(ahead, MILLION, rate);
    while (clock->ppm != 0 && scale(passed, rate, MILLION) < ahead) {
        passed++;
    }
    return HWI_MAX(process->sim->now_ns, clock->since_ns + passed);
}

static void set_clock(struct hwi_sim_process *process, uint64_t jump_ns, int32_t ppm)
{
    process->clock = (struct hwi_sim_clock){
        .since_ns = process->sim->now_ns,
        .local_ns = hwi_sim_local(process) + jump_ns,
        .ppm = ppm,
    };
    hwi_sim_sleep_update(process);
}

void hwi_sim_clock_jump(struct hwi_sim *sim, uint32_t node, uint64_t ns)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    if (process->alive && ns > 0) {
        sim->faults[HWI_SIM_JUMPED]++;
        set_clock(process, ns, process->clock.ppm);
    }
}

void hwi_sim_clock_rate(struct hwi_sim *sim, uint32_t node, int32_t ppm)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    HWI_CHECK(ppm <= HWI_SIM_PPM_MAX && ppm >= -HWI_SIM_PPM_MAX);
    if (process->alive && ppm != process->clock.ppm) {
        sim->faults[HWI_SIM_SKEWED] += ppm != 0;
        set_clock(process, 0, ppm);
    }
}

// ---- the heap

static bool earlier(const struct hwi_sim_process *a, const struct hwi_sim_process *b)
{
    return a->wake_ns != b->wake_ns ? a->wake_ns < b->wake_ns : a->rank < b->rank;
}

static void put(struct hwi_sim *sim, uint32_t index, struct hwi_sim_process *process)
{
    sim->sleepers[index] = process;
    process->sleeper = index + 1;
}

static uint32_t sift_up(struct hwi_sim *sim, uint32_t index)
{
    struct hwi_sim_process *process = sim->sleepers[index];
    while (index > 0 && earlier(process, sim->sleepers[(index - 1) / 2])) {
        put(sim, index, sim->sleepers[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(sim, index, process);
    return index;
}

static void sift_down(struct hwi_sim *sim, uint32_t index)
{
    struct hwi_sim_process *process = sim->sleepers[index];
    for (uint32_t child = 2 * index + 1; child < sim->sleeper_count; child = 2 * index + 1) {
        if (child + 1 < sim->sleeper_count &&
            earlier(sim->sleepers[child + 1], sim->sleepers[child])) {
            child++;
        }
        if (!earlier(sim->sleepers[child], process)) {
            break;
        }
        put(sim, index, sim->sleepers[child]);
        index = child;
    }
    put(sim, index, process);
}

static void add(struct hwi_sim *sim, struct hwi_sim_process *process)
{
    if (sim->sleeper_count == sim->sleeper_capacity) {
        sim->sleeper_capacity = HWI_MAX(16, 2 * sim->sleeper_capacity);
        sim->sleepers = hwi_resize(&hwi_alloc_libc, sim->sleepers,
                                   sim->sleeper_capacity * sizeof(struct hwi_sim_process *));
    }
    put(sim, sim->sleeper_count++, process);
    sift_up(sim, sim->sleeper_count - 1);
}

static void take_out(struct hwi_sim *sim, struct hwi_sim_process *process)
{
    uint32_t index = process->sleeper - 1;
    struct hwi_sim_process *last = sim->sleepers[--sim->sleeper_count];
    process->sleeper = 0;
    if (last != process) {
        put(sim, index, last);
        sift_down(sim, sift_up(sim, index));
    }
}

static uint64_t wake_of(const struct hwi_sim_process *process)
{
    if (!process->alive || process->frozen) {
        return HWI_NEVER;
    }
    return global_of(process, hwi_drain_next_wake(process->drain));
}

void hwi_sim_sleep_update(struct hwi_sim_process *process)
{
    struct hwi_sim *sim = process->sim;
    uint64_t wake_ns = wake_of(process);
    if (wake_ns == process->wake_ns) {
        return;
    }
    process->wake_ns = wake_ns;
    if (wake_ns == HWI_NEVER) {
        take_out(sim, process);
    } else if (process->sleeper == 0) {
        add(sim, process);
    } else {
        sift_down(sim, sift_up(sim, process->sleeper - 1));
    }
}

struct hwi_sim_process *hwi_sim_sleep_first(const struct hwi_sim *sim)
{
    return sim->sleeper_count > 0 ? sim->sleepers[0] : NULL;
}
