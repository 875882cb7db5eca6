// SPDX-License-Identifier: MIT
#include "collectives/reducer/memory.h"

#include "collectives/reducer/reducer.h"

// In place: what may be overwritten.
static void save_part(const struct hwi_collective *collective, struct hwi_msg_op_memory *memory)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    bool root = shape->kind == HWI_KIND_BROADCAST && shape->root == collective->self;
    bool gather = shape->kind == HWI_KIND_ALL_GATHER;
    if (!collective->in_place || root || (shape->world == 1 && !gather)) {
        return;
    }
    memory->save_bytes = shape->bytes;
    if (shape->kind == HWI_KIND_REDUCE_SCATTER) {
        memory->save_from = shape->begin[collective->self];
        memory->save_bytes = shape->begin[collective->self + 1] - memory->save_from;
    }
}

static void emit_memory(const struct hwi_collective *collective, struct hwi_effects *effects)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    struct hwi_msg_op_memory *memory = HWI_EMIT(effects, hwi_to_data(), op_memory);
    memory->op = collective->op;
    memory->request = collective->request;
    memory->in_place = collective->in_place;
    memory->dtype = collective->signature.dtype;
    memory->redop = collective->signature.redop;
    memory->bytes = shape->bytes;
    memory->chunk_bytes = shape->chunk_bytes;
    save_part(collective, memory);
    if (shape->begin == NULL) {
        return;
    }
    memory->regions = hwi_effects_memory(effects, shape->world * sizeof *memory->regions);
    memory->regions_count = shape->world;
    for (uint32_t rank = 0; rank < shape->world; rank++) {
        memory->regions[rank].value = shape->begin[rank + 1] - shape->begin[rank];
    }
    if (shape->kind == HWI_KIND_ALL_GATHER) {
        memory->input_from = shape->begin[collective->self];
    } else if (!collective->in_place) {
        memory->output_from = shape->begin[collective->self];
    }
}

static void emit_row(const struct hwi_collective *collective, uint32_t phase, uint64_t from,
                     struct hwi_run run, struct hwi_effects *effects)
{
    if (run.chunks == 0) {
        return;
    }
    struct hwi_plan_phase seen = hwi_collective_phase(collective, phase);
    const struct hwi_ledger *ledger =
        seen.stage != 0 ? &collective->stages[seen.stage - 1].ledger : NULL;
    struct hwi_msg_place *place = HWI_EMIT(effects, hwi_to_data(), place);
    place->op = collective->op;
    place->phase = (uint8_t)phase;
    place->from = from;
    place->first = run.first;
    place->chunks = run.chunks;
    place->granted = ledger != NULL ? ledger->granted : run.chunks;
    place->slots = seen.scratch ? ledger->window : 0;
}

void hwi_memory_tell(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                     struct hwi_effects *effects)
{
    emit_memory(collective, effects);
    for (uint32_t i = 0; i + 1 < collective->shape.world; i++) {
        uint32_t rank = hwi_reducer_other(reducer, i);
        for (uint32_t phase = 1; phase <= collective->shape.phases; phase++) {
            emit_row(collective, phase, reducer->members[rank],
                     hwi_collective_run_from(collective, phase, rank), effects);
        }
    }
}
