// SPDX-License-Identifier: MIT
#include <hawser/types.h>

#include "collectives/reducer/reducer.h"

// All operands of the chunk are here.
static void reduce(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                   uint32_t chunk, struct hwi_effects *effects)
{
    struct hwi_id *operands = hwi_effects_memory(effects, reducer->world * sizeof *operands);
    for (uint32_t rank = 0; rank < reducer->world; rank++) {
        operands[rank].value = rank == reducer->self ? HWI_OPERAND_SELF : reducer->members[rank];
    }
    struct hwi_msg_reduce *message = HWI_EMIT(effects, hwi_to_data(), reduce);
    message->op = reduction->op;
    message->chunk = chunk;
    message->operands = operands;
    message->operands_count = reducer->world;
    message->divisor = reduction->signature.redop == HWS_AVG ? reducer->world : 0;
}

// A result can be only when everybody has called; what a broadcast brings may be here before, and
// waits for those that have not.
static void send_result(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                        uint32_t chunk, struct hwi_effects *effects)
{
    bool wait = !hwi_reduction_adds(reduction);
    for (uint32_t i = 0; i < reducer->world - 1; i++) {
        uint32_t rank = hwi_reducer_other(reducer, i);
        if (hwi_reduction_result(reduction, reduction->self, rank).chunks == 0 ||
            (wait && !reduction->edges[rank].called)) {
            continue;
        }
        hwi_reduction_send(reducer, reduction, HWI_PHASE_GATHER, rank,
                           (struct hwi_part){.first = chunk, .chunks = 1}, effects);
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
    hwi_reduction_tell_grant(reducer, reduction, reduction->ledger.granted, effects);
}

// A chunk of the own share, for an owner.
static void share_came(const struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                       uint32_t chunk, struct hwi_effects *effects)
{
    struct hwi_ledger *ledger = &reduction->ledger;
    uint32_t first = hwi_reduction_owned(reduction, reduction->self).first;
    HWI_CHECK(chunk >= first);
    if (!hwi_ledger_arrive(ledger, chunk - first)) {
        return;
    }
    if (hwi_reduction_adds(reduction)) {
        reduce(reducer, reduction, chunk, effects);
    }
    send_result(reducer, reduction, chunk, effects);
    if (hwi_ledger_advance(ledger)) {
        grant_more(reducer, reduction, effects);
    }
}

static void chunk_came(struct hwi_reduction *reduction, struct hwi_part part, uint32_t chunk)
{
    HWI_CHECK(chunk >= part.first && chunk - part.first < part.chunks);
    HWI_CHECK(reduction->chunks_due > 0);
    reduction->chunks_due--;
}

void hwi_reducer_on_chunk(struct hwi_reducer *reducer, const struct hwi_msg_chunk *message,
                          struct hwi_effects *effects)
{
    uint32_t rank;
    struct hwi_reduction *reduction = hwi_reducer_find(reducer, message->op);
    HWI_CHECK(reduction != NULL);
    if (reduction->state != HWI_REDUCTION_RUNNING) {
        return;
    }
    HWI_CHECK(hwi_reducer_rank(reducer, message->from, &rank));
    if (message->phase == HWI_PHASE_GATHER) {
        chunk_came(reduction, hwi_reduction_result(reduction, rank, reduction->self),
                   message->chunk);
    } else if (hwi_reduction_has_owners(reduction)) {
        share_came(reducer, reduction, message->chunk, effects);
    } else {
        chunk_came(reduction, hwi_reduction_input(reduction, rank, reduction->self),
                   message->chunk);
    }
    hwi_reduction_finish(reduction, effects);
}
