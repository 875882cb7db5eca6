// SPDX-License-Identifier: MIT
#include <hawser/types.h>

#include "collectives/reducer/reducer.h"

static uint64_t operand_of(const struct hwi_reducer *reducer, uint32_t rank)
{
    if (rank == HWI_LEDGER_SUM)
        return HWI_OPERAND_OUTPUT;
    return rank == reducer->self ? HWI_OPERAND_SELF : reducer->members[rank];
}

// Adds what may be added now, while the operand that has just come is in the cache.
static void reduce(const struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                   uint32_t chunk, struct hwi_effects *effects)
{
    uint32_t a, b;
    bool average = reduction->signature.redop == HWS_AVG;
    while (hwi_ledger_take(&reduction->ledger, chunk, &a, &b)) {
        struct hwi_msg_reduce *message = HWI_EMIT(effects, hwi_to_data(), reduce);
        message->op = reduction->op;
        message->chunk = reduction->first + chunk;
        message->a = operand_of(reducer, a);
        message->b = operand_of(reducer, b);
        message->divisor = average && b == reducer->world - 1 ? reducer->world : 0;
    }
}

static void send_result(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                        uint32_t chunk, struct hwi_effects *effects)
{
    if (reduction->shape.plan == HWI_PLAN_ONE_SHOT)
        return;
    for (uint32_t i = 0; i < reducer->world - 1; i++) {
        struct hwi_msg_send *send = HWI_EMIT(effects, hwi_to_data(), send);
        send->op = reduction->op;
        send->phase = HWI_PHASE_GATHER;
        send->to = reducer->members[hwi_reducer_other(reducer, i)];
        send->first = reduction->first + chunk;
        send->chunks = 1;
    }
}

// The data port hears it before any sender can.
static void grant_more(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                       struct hwi_effects *effects)
{
    struct hwi_msg_place_more *more = HWI_EMIT(effects, hwi_to_data(), place_more);
    more->op = reduction->op;
    more->phase = HWI_PHASE_SCATTER;
    more->granted = reduction->ledger.granted;
    for (uint32_t i = 0; i < reducer->world - 1; i++) {
        uint64_t peer = reducer->members[hwi_reducer_other(reducer, i)];
        struct hwi_msg_grant *grant = HWI_EMIT(effects, hwi_to_reducer(peer), grant);
        grant->op = reduction->op;
        grant->granted = reduction->ledger.granted;
    }
}

static void scatter_came(const struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                         uint32_t rank, uint32_t chunk, struct hwi_effects *effects)
{
    struct hwi_ledger *ledger = &reduction->ledger;
    HWI_CHECK(chunk >= reduction->first);
    chunk -= reduction->first;
    hwi_ledger_arrive(ledger, chunk, rank);
    reduce(reducer, reduction, chunk, effects);
    if (!hwi_ledger_final(ledger, chunk))
        return;
    send_result(reducer, reduction, chunk, effects);
    if (hwi_ledger_advance(ledger))
        grant_more(reducer, reduction, effects);
}

static void gather_came(struct hwi_reduction *reduction, uint32_t rank, uint32_t chunk)
{
    uint32_t first = hwi_reduction_first(reduction, rank);
    HWI_CHECK(chunk >= first && chunk - first < hwi_reduction_chunks(reduction, rank));
    HWI_CHECK(reduction->gathers_due > 0);
    reduction->gathers_due--;
}

void hwi_reducer_on_chunk(struct hwi_reducer *reducer, const struct hwi_msg_chunk *message,
                          struct hwi_effects *effects)
{
    uint32_t rank;
    struct hwi_reduction *reduction = hwi_reducer_find(reducer, message->op);
    HWI_CHECK(reduction != NULL);
    if (reduction->state != HWI_REDUCTION_RUNNING)
        return;
    HWI_CHECK(hwi_reducer_rank(reducer, message->from, &rank));
    if (message->phase == HWI_PHASE_SCATTER)
        scatter_came(reducer, reduction, rank, message->chunk, effects);
    else
        gather_came(reduction, rank, message->chunk);
    hwi_reduction_finish(reduction, effects);
}
