// SPDX-License-Identifier: MIT
#include "tests/support/tensors.h"

#include <string.h>

#include "actors/base/dtype.h"
#include "tests/support/kernel_check.h"

enum {
    GUARD_BYTES = 64,
    GUARD = 0x5a,
    OLD = 500, // what an output held: inputs of a member that is none
};

static uint64_t bytes_of(const struct made_call *made, uint64_t count)
{
    return hwi_dtype_bytes(made->call.dtype, count);
}

// `count`, or a few more that fill a whole byte.
static uint64_t whole(const struct made_call *made, uint64_t count)
{
    return hwi_dtype_count(made->call.dtype, bytes_of(made, count));
}

static bool adds(uint8_t kind)
{
    return kind == HWI_KIND_ALL_REDUCE || kind == HWI_KIND_REDUCE_SCATTER;
}

// ---- values -------------------------------------------------------------------------------------

// Values whose sums depend on the order of addition.
double input_value(uint32_t node, uint32_t step, uint64_t index)
{
    uint64_t mixed = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    mixed += step * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 31)) * UINT64_C(0x94d049bb133111eb) + (node + 1) * 0x2545f491u;
    return (double)(mixed >> 40) / 8191.0 - 1024.0;
}

// Halves of moderate size; integers of all bits.
static uint64_t narrow_bits(uint8_t dtype, uint32_t node, uint32_t step, uint64_t index)
{
    double value = input_value(node, step, index);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = (bits ^ bits >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    bits ^= bits >> 32;
    if (dtype == HWS_F16) {
        return (bits & 0x83ff) | (12 + (bits >> 20) % 6) << 10;
    }
    if (dtype == HWS_BF16) {
        return (bits & 0x807f) | (124 + (bits >> 20) % 6) << 7;
    }
    return bits & UINT64_MAX >> (64 - hwi_dtype_bits(dtype));
}

static uint64_t input_bits(const struct made_call *made, uint32_t node, uint64_t index)
{
    double wide = input_value(node, made->call.step, index);
    float narrow = (float)wide;
    uint64_t bits = 0;
    if (made->call.dtype == HWS_F64) {
        memcpy(&bits, &wide, sizeof wide);
    } else if (made->call.dtype == HWS_F32) {
        memcpy(&bits, &narrow, sizeof narrow);
    } else {
        bits = narrow_bits(made->call.dtype, node, made->call.step, index);
    }
    return bits;
}

// By the oracle; sums of f32, which are most of them, here.
static uint64_t combined(const struct made_call *made, const uint64_t *operands, uint32_t count)
{
    float sum = 0, one;
    uint64_t bits = 0;
    if (count == 1) {
        return operands[0];
    }
    if (made->call.dtype != HWS_F32 || made->call.redop > HWS_AVG) {
        return kernel_oracle(made->call.dtype, made->call.redop, operands, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&one, &operands[i], sizeof one);
        sum = i == 0 ? one : sum + one;
    }
    sum = made->call.redop == HWS_AVG ? sum / (float)count : sum;
    memcpy(&bits, &sum, sizeof sum);
    return bits;
}

// The value of element `index` over these members, in the order of the plan.
static uint64_t reduced_bits(const struct made_call *made, const uint32_t *nodes, uint32_t count,
                             uint64_t index)
{
    uint64_t operands[SCENARIO_NODES_MAX];
    uint32_t order[SCENARIO_NODES_MAX];
    uint32_t parted = tensors_order(&made->call, index, order, count);
    for (uint32_t i = 0; i < count; i++) {
        operands[i] = input_bits(made, nodes[order[i]], index);
    }
    if (parted == 0) {
        return combined(made, operands, count);
    }
    operands[parted - 1] = combined(made, operands, parted);
    return combined(made, operands + parted - 1, count - parted + 1);
}

// ---- memory -------------------------------------------------------------------------------------

// Unequal counts: some none, some more than others.
uint64_t gathered_count(uint64_t count, uint32_t node)
{
    return count * (node % 3) + node;
}

// Where element `at` begins in its byte.
static uint32_t shift_of(const struct made_call *made, uint64_t at)
{
    uint32_t bits = hwi_dtype_bits(made->call.dtype);
    return bits < 8 ? (uint32_t)(at * bits % 8) : 0;
}

static uint64_t get(const struct made_call *made, const void *memory, uint64_t at)
{
    uint64_t bits = 0, mask = UINT64_MAX >> (64 - hwi_dtype_bits(made->call.dtype));
    uint64_t from = bytes_of(made, at + 1) - bytes_of(made, 1);
    memcpy(&bits, (const unsigned char *)memory + from, bytes_of(made, 1));
    return bits >> shift_of(made, at) & mask;
}

static void put(const struct made_call *made, void *memory, uint64_t at, uint64_t bits)
{
    uint64_t from = bytes_of(made, at + 1) - bytes_of(made, 1);
    unsigned char *here = (unsigned char *)memory + from;
    if (shift_of(made, at) > 0) {
        bits = *here | bits << shift_of(made, at); // from the low bits up
    }
    memcpy(here, &bits, bytes_of(made, 1));
}

static void fill(const struct made_call *made, void *memory, uint32_t node, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        put(made, memory, i, input_bits(made, node, i));
    }
}

// `count` elements with a guard behind them.
static void *take(struct scenario *scenario, const struct made_call *made, uint64_t count)
{
    size_t bytes = bytes_of(made, count);
    unsigned char *memory = arena_take(&scenario->arena, bytes + GUARD_BYTES, made->call.misalign);
    memset(memory + bytes, GUARD, GUARD_BYTES);
    return memory;
}

static uint64_t gathered_room(const struct scenario *scenario, const struct call *call)
{
    uint64_t room = 0;
    for (uint32_t node = 0; node < scenario->nodes; node++) {
        room += call->unequal ? gathered_count(call->count, node) : call->count;
    }
    return room;
}

static void give_gathered(struct scenario *scenario, struct made_call *made)
{
    struct call *call = &made->call;
    call->room = call->room != 0 ? call->room : gathered_room(scenario, call);
    made->output = take(scenario, made, call->room);
    fill(made, made->output, OLD, call->room);
    call->count = call->unequal ? gathered_count(call->count, made->node) : call->count;
    made->input = call->in_place
                      ? (unsigned char *)made->output + bytes_of(made, made->node * call->count)
                      : take(scenario, made, call->count);
    fill(made, made->input, made->node, call->count);
}

static void give_broadcast(struct scenario *scenario, struct made_call *made)
{
    bool root = made->node == made->call.root;
    made->output = take(scenario, made, made->call.count);
    fill(made, made->output, OLD, made->call.count);
    if (made->call.in_place) {
        made->input = made->output;
    } else if (root) {
        made->input = take(scenario, made, made->call.count);
    }
    if (root) {
        fill(made, made->input, made->node, made->call.count);
    }
}

static void give_reduced(struct scenario *scenario, struct made_call *made)
{
    struct call *call = &made->call;
    bool room = call->kind == HWI_KIND_REDUCE_SCATTER && !call->in_place && call->room != 0;
    call->room = room ? call->room : call->count;
    made->input = take(scenario, made, call->count);
    fill(made, made->input, made->node, call->count);
    made->output = made->input;
    if (!call->in_place) {
        made->output = take(scenario, made, call->room);
        fill(made, made->output, OLD, call->room);
    }
}

void tensors_give(struct scenario *scenario, struct made_call *made)
{
    struct call *call = &made->call;
    call->dtype = call->dtype != 0 ? call->dtype : HWS_F32;
    if (adds(call->kind)) {
        call->redop = call->redop != 0 ? call->redop : HWS_SUM;
    }
    if (call->kind == HWI_KIND_ALL_GATHER) {
        give_gathered(scenario, made);
    } else if (call->kind == HWI_KIND_BROADCAST) {
        give_broadcast(scenario, made);
    } else {
        give_reduced(scenario, made);
    }
}

// ---- what it must hold --------------------------------------------------------------------------

static void check_element(const struct made_call *made, const void *memory, uint64_t at,
                          uint64_t bits, const char *what)
{
    if (get(made, memory, at) != bits) {
        expect(false, "member %u, request %llu, step %u: %s, element %llu", made->node,
               (unsigned long long)made->request, made->call.step, what, (unsigned long long)at);
    }
}

static void check_guard(const struct made_call *made, const void *memory, uint64_t count)
{
    if (memory == NULL) {
        return;
    }
    const unsigned char *guard = (const unsigned char *)memory + bytes_of(made, count);
    for (uint32_t i = 0; i < GUARD_BYTES; i++) {
        expect(guard[i] == GUARD, "member %u, request %llu: written %u bytes beyond its memory",
               made->node, (unsigned long long)made->request, i);
    }
}

static uint64_t output_count(const struct made_call *made)
{
    bool room =
        made->call.kind == HWI_KIND_ALL_GATHER || made->call.kind == HWI_KIND_REDUCE_SCATTER;
    return room ? made->call.room : made->call.count;
}

static void check_guards(const struct made_call *made)
{
    check_guard(made, made->output, output_count(made));
    if (!made->call.in_place) {
        check_guard(made, made->input, made->call.count);
    }
}

static void check_input(const struct made_call *made)
{
    bool none = made->call.kind == HWI_KIND_BROADCAST && made->node != made->call.root;
    for (uint64_t i = 0; !none && i < made->call.count; i++) {
        check_element(made, made->input, i, input_bits(made, made->node, i),
                      "the input was written");
    }
}

static void check_old(const struct made_call *made, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        check_element(made, made->output, i, input_bits(made, OLD, i),
                      "what is no result was written");
    }
}

// Behind the result; an earlier attempt, over more members, may have written there.
static void check_rest(const struct made_call *made, const struct hwi_msg_reply *reply,
                       uint64_t from)
{
    if (reply->attempts == 1) {
        check_old(made, whole(made, from), made->call.room);
    }
}

static void check_all_reduced(const struct made_call *made, const uint32_t *nodes, uint32_t count)
{
    for (uint64_t i = 0; i < made->call.count; i++) {
        check_element(made, made->output, i, reduced_bits(made, nodes, count, i),
                      "the result is not the reference's");
    }
}

static void check_scattered(const struct made_call *made, const struct hwi_msg_reply *reply,
                            const uint32_t *nodes)
{
    uint64_t n = reply->members_count, in_all = made->call.count;
    uint64_t unit = hwi_dtype_unit(made->call.dtype), units = bytes_of(made, in_all) / unit;
    uint64_t from = hwi_dtype_count(made->call.dtype, reply->rank * units / n * unit);
    uint64_t to = hwi_dtype_count(made->call.dtype, (reply->rank + 1) * units / n * unit);
    to = HWI_MIN(to, in_all);
    expect(reply->offset == from && reply->count == to - from, "member %u has the part %llu + %llu",
           made->node, (unsigned long long)reply->offset, (unsigned long long)reply->count);
    for (uint64_t i = from; i < to; i++) {
        check_element(made, made->output, made->call.in_place ? i : i - from,
                      reduced_bits(made, nodes, reply->members_count, i),
                      "the part is not the reference's");
    }
    if (!made->call.in_place) {
        check_rest(made, reply, to - from);
        return;
    }
    for (uint64_t i = 0; i < in_all; i++) {
        if (i < from || i >= to) {
            check_element(made, made->output, i, input_bits(made, made->node, i),
                          "what is no result was written");
        }
    }
}

// The count of the member at `node`, as its call of this step gave it.
static uint64_t count_of(const struct made_call *made, uint32_t node)
{
    return made->call.unequal ? gathered_count(made->call.value, node) : made->call.count;
}

static void check_gathered(const struct made_call *made, const struct hwi_msg_reply *reply,
                           const uint32_t *nodes)
{
    uint64_t at = 0;
    expect(reply->counts_count == (made->call.unequal ? reply->members_count : 0),
           "member %u: %u counts", made->node, reply->counts_count);
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        uint64_t count = count_of(made, nodes[rank]);
        expect(!made->call.unequal || reply->counts[rank].value == count,
               "member %u: a wrong count of rank %u", made->node, rank);
        expect(rank != reply->rank || (reply->offset == at && reply->count == count),
               "member %u: a wrong place of its own", made->node);
        for (uint64_t i = 0; i < count; i++) {
            check_element(made, made->output, at + i, input_bits(made, nodes[rank], i),
                          "not the member's input");
        }
        at += count;
    }
    if (!made->call.in_place) { // an input that lay elsewhere stays there
        check_rest(made, reply, at);
    }
}

static void check_broadcast(const struct made_call *made)
{
    for (uint64_t i = 0; i < made->call.count; i++) {
        check_element(made, made->output, i, input_bits(made, made->call.root, i),
                      "not the root's input");
    }
}

void tensors_check_result(const struct made_call *made, const struct hwi_msg_reply *reply,
                          const uint32_t *nodes)
{
    check_guards(made);
    if (!made->call.in_place) {
        check_input(made);
    }
    switch (made->call.kind) {
    case HWI_KIND_REDUCE_SCATTER:
        check_scattered(made, reply, nodes);
        break;
    case HWI_KIND_ALL_GATHER:
        check_gathered(made, reply, nodes);
        break;
    case HWI_KIND_BROADCAST:
        check_broadcast(made);
        break;
    default:
        check_all_reduced(made, nodes, reply->members_count);
    }
}

// The former contents of the buffer of an in-place call.
static void check_restored(const struct made_call *made)
{
    uint64_t own = made->node * made->call.count;
    if (made->call.kind == HWI_KIND_ALL_GATHER) {
        check_old(made, 0, own);
        check_old(made, own + made->call.count, made->call.room);
    } else if (made->call.kind == HWI_KIND_BROADCAST && made->node != made->call.root) {
        check_old(made, 0, made->call.count);
    }
}

void tensors_check_failed(const struct made_call *made)
{
    check_guards(made);
    check_input(made);
    if (made->call.in_place) {
        check_restored(made);
    }
}
