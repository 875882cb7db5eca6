// SPDX-License-Identifier: MIT
// The memory of calls: guards around input and output, and what may have become of them.
#include "tools/swarm/crew.h"

#include <xxhash.h>

#include <string.h>

enum { GUARD_BYTES = 32, GUARD = 0xa5, OLD = 0x5a, ALIGNMENTS = 8 };

static size_t element_bytes(const struct swarm_call *call)
{
    return hws_dtype_bytes((hws_dtype)call->asked.dtype);
}

bool swarm_is_data(uint8_t kind)
{
    return hwi_channel_kind(kind) == HWI_KIND_ALL_REDUCE;
}

// Elements of the output.
static uint64_t room_of(const struct swarm_call *call)
{
    bool room = call->asked.kind == HWI_KIND_ALL_GATHER ||
                (call->asked.kind == HWI_KIND_REDUCE_SCATTER && !call->in_place);
    return room ? call->asked.room : call->asked.count;
}

static bool has_input(const struct swarm_seat *seat, const struct swarm_call *call)
{
    bool root = call->asked.kind != HWI_KIND_BROADCAST || call->asked.root == seat->peer;
    return root && call->asked.count > 0;
}

// guard, input (unless it lies in the output), guard, output, guard
static void lay_out(const struct swarm_seat *seat, struct swarm_call *call, uint32_t place)
{
    call->apart = has_input(seat, call) && !call->in_place;
    call->input_bytes = call->apart ? call->asked.count * element_bytes(call) : 0;
    call->output_bytes = room_of(call) * element_bytes(call);
    call->bytes = ALIGNMENTS + 3 * GUARD_BYTES + call->input_bytes + call->output_bytes;
    call->memory = hwi_resize(&hwi_alloc_libc, NULL, call->bytes);
    memset(call->memory, GUARD, call->bytes);
    unsigned char *input = call->memory + GUARD_BYTES + call->order % ALIGNMENTS;
    unsigned char *output = input + call->input_bytes + GUARD_BYTES;
    memset(output, OLD, call->output_bytes);
    size_t offset = call->asked.kind == HWI_KIND_ALL_GATHER
                        ? place * call->asked.count * element_bytes(call)
                        : 0;
    call->asked.output = output;
    call->asked.input = call->in_place ? output + offset : call->apart ? input : NULL;
}

void swarm_memory_give(const struct swarm_seat *seat, struct swarm_call *call, uint32_t place)
{
    const struct trainer_call *asked = &call->asked;
    lay_out(seat, call, place);
    if (has_input(seat, call)) {
        swarm_fill(asked->dtype, seat->incarnation, call->key, 0, asked->count,
                   (void *)(uintptr_t)asked->input);
    }
    call->input_hash = XXH3_64bits(asked->input, call->input_bytes);
    call->output_hash = XXH3_64bits(asked->output, call->output_bytes);
}

static bool is_guard(const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != GUARD) {
            return false;
        }
    }
    return true;
}

bool swarm_guards_hold(const struct swarm_call *call)
{
    const unsigned char *output = call->asked.output;
    const unsigned char *before = output - GUARD_BYTES, *after = output + call->output_bytes;
    size_t front = (size_t)(before - call->input_bytes - call->memory);
    return is_guard(call->memory, front) && is_guard(before, GUARD_BYTES) &&
           is_guard(after, (size_t)(call->memory + call->bytes - after));
}

// An input apart is never written; one in the output is put back after an error, with all of it.
bool swarm_memory_kept(const struct swarm_call *call, bool ok)
{
    bool input = XXH3_64bits(call->asked.input, call->input_bytes) == call->input_hash;
    bool output = XXH3_64bits(call->asked.output, call->output_bytes) == call->output_hash;
    return (!call->apart || input) && (ok || !call->in_place || output);
}

// Elements `from` to `to` of the output hold what they held before.
bool swarm_memory_old(const struct swarm_call *call, uint64_t from, uint64_t to)
{
    const unsigned char *at = (const unsigned char *)call->asked.output;
    for (uint64_t i = from * element_bytes(call); i < to * element_bytes(call); i++) {
        if (at[i] != OLD) {
            return false;
        }
    }
    return true;
}
