// SPDX-License-Identifier: MIT
// Virtual edges: ten thousand members have fifty million pairs, and most never exchange a frame. A
// process keeps two bits for each other one: that it wants the edge, and that it knows that the
// edge is up. The first message for the other end makes the connection.
#include "transport/sim/world.h"

#include <stdio.h>

enum { WORD_BITS = 64 };

// ---- bits

static bool has(const struct hwi_sim_bits *bits, uint32_t index)
{
    return index / WORD_BITS < bits->count &&
           (bits->words[index / WORD_BITS] >> index % WORD_BITS & 1) != 0;
}

static void set(struct hwi_sim_bits *bits, uint32_t index)
{
    if (index / WORD_BITS >= bits->count) {
        uint32_t count = HWI_MAX(index / WORD_BITS + 1, 2 * bits->count);
        bits->words = hwi_resize(&hwi_alloc_libc, bits->words, count * sizeof *bits->words);
        for (; bits->count < count; bits->count++) {
            bits->words[bits->count] = 0;
        }
    }
    bits->words[index / WORD_BITS] |= UINT64_C(1) << index % WORD_BITS;
}

static void clear(struct hwi_sim_bits *bits, uint32_t index)
{
    if (index / WORD_BITS < bits->count) {
        bits->words[index / WORD_BITS] &= ~(UINT64_C(1) << index % WORD_BITS);
    }
}

// ---- who is who

static uint32_t index_of(const struct hwi_sim_process *process)
{
    return (uint32_t)(process->incarnation - HWI_SIM_INCARNATION_FIRST);
}

void hwi_sim_virtual_named(struct hwi_sim_process *process)
{
    struct hwi_sim *sim = process->sim;
    if (!sim->config.virtual_edges) {
        return;
    }
    HWI_CHECK(process->peer < HWI_SIM_PROCESSES_MAX);
    while (sim->peer_capacity <= process->peer) {
        uint32_t capacity = HWI_MAX(64, 2 * sim->peer_capacity);
        sim->by_peer =
            hwi_resize(&hwi_alloc_libc, sim->by_peer, capacity * sizeof(struct hwi_sim_process *));
        for (; sim->peer_capacity < capacity; sim->peer_capacity++) {
            sim->by_peer[sim->peer_capacity] = NULL;
        }
    }
    sim->by_peer[process->peer] = process;
}

static struct hwi_sim_process *by_peer(const struct hwi_sim *sim, uint64_t peer)
{
    return peer < sim->peer_capacity ? sim->by_peer[peer] : NULL;
}

static bool both_want(const struct hwi_sim_process *a, const struct hwi_sim_process *b)
{
    return has(&a->wanted, index_of(b)) && has(&b->wanted, index_of(a));
}

// ---- up

static void come_up(struct hwi_sim_process *process, uint32_t index)
{
    const struct hwi_sim_process *other = process->sim->members[index];
    if (!other->alive || !has(&other->wanted, index_of(process))) {
        return;
    }
    set(&process->up, index);
    hwi_sim_edge_tell(process, other->peer, NULL);
    hwi_sim_process_run(process); // its mailbox stays short
}

// All that both ends want and that this end does not know yet.
static void round_comes(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    (void)event;
    process->round_due = false;
    for (uint32_t i = 0; process->alive && i < process->wanted.count; i++) {
        uint64_t known = i < process->up.count ? process->up.words[i] : 0;
        uint64_t news = process->wanted.words[i] & ~known;
        for (uint32_t bit = 0; process->alive && news != 0; bit++, news >>= 1) {
            if ((news & 1) != 0) {
                come_up(process, i * WORD_BITS + bit);
            }
        }
    }
}

static void plan_round(struct hwi_sim_process *process)
{
    struct hwi_sim *sim = process->sim;
    if (!process->round_due) {
        process->round_due = true;
        hwi_sim_schedule(sim, hwi_sim_event_new(sim, process, round_comes),
                         2 * sim->config.edge_ns);
    }
}

// ---- down

static void go_down(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    uint32_t index = event->from_node;
    if (has(&process->wanted, index)) {
        clear(&process->wanted, index);
        clear(&process->up, index);
        hwi_sim_edge_tell(process, event->peer, event->reason);
    }
}

static void tell_down(struct hwi_sim_process *process, const struct hwi_sim_process *other,
                      uint64_t peer, const char *why)
{
    struct hwi_sim_event *event = hwi_sim_event_new(process->sim, process, go_down);
    event->from_node = index_of(other);
    event->peer = peer;
    event->reason = why;
    hwi_sim_schedule(process->sim, event, process->sim->config.edge_ns);
}

// ---- the peer actor's commands

void hwi_sim_virtual_open(struct hwi_sim_process *process, const struct hwi_msg_edge_open *open)
{
    struct hwi_sim_process *other = hwi_sim_process_by_incarnation(process->sim, open->incarnation);
    HWI_CHECK(other != NULL && other->node != HWI_SIM_MASTER);
    if (has(&process->up, index_of(other))) {
        hwi_sim_edge_tell(process, open->peer, NULL);
        return;
    }
    set(&process->wanted, index_of(other));
    if (!other->alive) {
        tell_down(process, other, open->peer, "connection refused");
    } else if (both_want(process, other)) {
        plan_round(process);
        plan_round(other);
    }
}

void hwi_sim_virtual_close(struct hwi_sim_process *process, uint64_t peer)
{
    struct hwi_sim_process *other = by_peer(process->sim, peer);
    if (other == NULL) {
        return;
    }
    clear(&process->wanted, index_of(other));
    clear(&process->up, index_of(other));
    if (other->alive && has(&other->up, index_of(process)) &&
        hwi_sim_edge_of(process, peer) == NULL) {
        tell_down(other, process, process->peer, "the other end closed it");
    }
}

void hwi_sim_virtual_forget(struct hwi_sim_process *process, uint64_t peer)
{
    if (process->sim->ending) {
        return; // the other one may be gone
    }
    const struct hwi_sim_process *other = by_peer(process->sim, peer);
    if (other != NULL) {
        clear(&process->wanted, index_of(other));
        clear(&process->up, index_of(other));
    }
}

void hwi_sim_virtual_kill(struct hwi_sim_process *process)
{
    struct hwi_sim *sim = process->sim;
    uint32_t index = index_of(process);
    for (uint32_t i = 0; process->wanted.count > 0 && !sim->ending && i < sim->member_count; i++) {
        struct hwi_sim_process *other = sim->members[i];
        if (other->alive && has(&other->wanted, index) &&
            hwi_sim_edge_of(other, process->peer) == NULL) {
            tell_down(other, process, process->peer, "connection reset");
        }
    }
    hwi_free(&hwi_alloc_libc, process->wanted.words);
    hwi_free(&hwi_alloc_libc, process->up.words);
    process->wanted = process->up = (struct hwi_sim_bits){0};
}

void hwi_sim_virtual_need(struct hwi_sim_process *process, uint64_t peer)
{
    struct hwi_sim_process *other = by_peer(process->sim, peer);
    if (other != NULL && other->alive && hwi_sim_edge_of(process, peer) == NULL &&
        has(&process->up, index_of(other)) && both_want(process, other)) {
        hwi_sim_edge_join(process, other);
    }
}
