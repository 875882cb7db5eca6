// SPDX-License-Identifier: MIT
// The parts of a process that can be read from outside: its ring and its journal, in virtual time.
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/loop/ring.h"
#include "transport/journal/journal.h"

enum { SEGMENT_BYTES = 1 << 20, RING_ALIGN = 64 };

#define EPOCH_NS (UINT64_C(1700000000) * HWI_NS_PER_S) // the time of day at virtual 0

// ---- the ring

static void tell_ring(struct hwi_sim_process *process)
{
    static const struct hwi_ring_clock clock = {.ns_per_tick = 1, .realtime_ns = EPOCH_NS};
    struct hwi_ring_owner owner = {
        .incarnation = process->data != NULL ? process->incarnation : 0,
        .peer = process->peer,
        .run = process->run,
    };
    bool master = process->node == HWI_SIM_MASTER;
    snprintf(owner.name, sizeof owner.name, "%s", master ? "master" : "member");
    if (!master) {
        snprintf(owner.address, sizeof owner.address, "sim:%u", process->node);
    }
    hwi_ring_tell(process->ring, &clock, &owner);
}

static void open_ring(struct hwi_sim_process *process)
{
    uint32_t records = process->sim->config.rings;
    size_t bytes = hwi_ring_bytes(records);
    bytes = (bytes + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
    process->ring_memory = aligned_alloc(RING_ALIGN, bytes);
    HWI_CHECK(process->ring_memory != NULL);
    memset(process->ring_memory, 0, bytes);
    process->ring = hwi_ring_create(&hwi_alloc_libc, process->ring_memory, records);
    tell_ring(process);
    hwi_drain_trace(process->drain, process->ring);
}

const struct hwi_ring_head *hwi_sim_ring(const struct hwi_sim *sim, uint32_t node)
{
    return hwi_sim_process_of(sim, node)->ring_memory;
}

// ---- the journal

static const void *state_of(void *user, const struct hwi_actor_ops *actor)
{
    const struct hwi_sim_process *process = user;
    return hwi_sim_guarded(hwi_drain_state(process->drain, actor->role));
}

static void tell_time(void *user, uint64_t *monotonic_ns, uint64_t *realtime_ns)
{
    const struct hwi_sim_process *process = user;
    *monotonic_ns = hwi_sim_local(process);
    *realtime_ns = EPOCH_NS + process->sim->now_ns;
}

static void open_journal(struct hwi_sim_process *process)
{
    static const uint8_t members[] = {HWI_ROLE_PEER, HWI_ROLE_REDUCER, HWI_ROLE_SNAPSHOT};
    bool master = process->node == HWI_SIM_MASTER;
    const struct hwi_actor_ops *actors[HWI_COUNT(members)];
    char name[HWI_JOURNAL_NAME_MAX], error[256];
    for (uint32_t i = 0; i < HWI_COUNT(members); i++) {
        actors[i] = hwi_sim_actor(process->sim, master ? (uint8_t)HWI_ROLE_MASTER : members[i]);
    }
    snprintf(name, sizeof name, "%s-%llx", master ? "master" : "member",
             (unsigned long long)process->incarnation);
    struct hwi_journal_config config = {
        .directory = process->sim->config.journal,
        .name = name,
        .segment_bytes = SEGMENT_BYTES,
        .incarnation = master ? 0 : process->incarnation,
        .actors = actors,
        .actor_count = master ? 1 : HWI_COUNT(members),
        .state_of = state_of,
        .clock = tell_time,
        .user = process,
    };
    int status = hwi_journal_create(&config, &process->journal, error, sizeof error);
    HWI_CHECK(status == 0); // a directory that can be written to is the caller's
}

// ---- both

void hwi_sim_watch(struct hwi_sim_process *process)
{
    if (process->sim->config.rings > 0) {
        open_ring(process);
    }
    if (process->sim->config.journal != NULL) {
        open_journal(process);
    }
}

void hwi_sim_watch_step(struct hwi_sim_process *process, uint8_t role,
                        const struct hwi_event *event, const struct hwi_effects *effects)
{
    if (process->journal != NULL) {
        hwi_journal_step(process->journal, hwi_sim_actor(process->sim, role), event, effects,
                         process->step_failed);
    }
    if (event->msg->type == HWI_MSG_welcome) {
        process->peer = event->msg->u.welcome.peer;
        process->run = event->msg->u.welcome.run;
        hwi_sim_virtual_named(process);
        if (process->ring != NULL) {
            tell_ring(process);
        }
    }
}

void hwi_sim_unwatch(struct hwi_sim_process *process)
{
    if (process->left || process->sim->ending) {
        hwi_journal_close(process->journal);
    } else {
        hwi_journal_abandon(process->journal);
    }
    process->journal = NULL;
    if (process->ring != NULL) {
        hwi_ring_destroy(process->ring);
        process->ring = NULL;
    }
}
