// SPDX-License-Identifier: MIT
#include "collectives/reducer/copy.h"

#include "collectives/reducer/reducer.h"

enum { COPIES_MAX = 32 }; // chunks copied in one step

// An input that is gathered in place may still have to be moved, for ranks change: the data port
// sees whether it has.
struct hwi_run hwi_collective_copied(const struct hwi_collective *collective)
{
    bool moves = !collective->in_place || collective->signature.kind == HWI_KIND_ALL_GATHER;
    if (!moves || !hwi_collective_is_known(collective)) {
        return (struct hwi_run){0};
    }
    return collective->shape.ops->copied(&collective->shape, collective->self);
}

void hwi_collective_copy(struct hwi_collective *collective, uint64_t now_ns,
                         struct hwi_effects *effects)
{
    struct hwi_run run = hwi_collective_copied(collective);
    uint32_t count = HWI_MIN(collective->copies_due, (uint32_t)COPIES_MAX);
    uint32_t first = run.first + run.chunks - collective->copies_due;
    if (count == 0) {
        return;
    }
    struct hwi_id *operands = hwi_effects_memory(effects, sizeof *operands);
    operands->value = HWI_OPERAND_SELF;
    for (uint32_t i = 0; i < count; i++) {
        struct hwi_msg_reduce *copy = HWI_EMIT(effects, hwi_to_data(), reduce);
        copy->op = collective->op;
        copy->chunk = first + i;
        copy->operands = operands;
        copy->operands_count = 1;
    }
    collective->copies_due -= count;
    if (collective->copies_due > 0) {
        HWI_EMIT(effects, hwi_to_clock(), wake_at)->at_ns = now_ns + 1;
    }
}
