// SPDX-License-Identifier: MIT
#include "runtime/call/operation.h"

#include "actors/base/dtype.h"
#include "runtime/call/options.h"
#include "runtime/call/sized.h"

// An operation being judged.
struct making {
    const char *function;
    const hws_op *op;
    struct hwi_call *call;
    struct hwi_error *error;
};

// ---- types and counts ---------------------------------------------------------------------------

static hws_status check_dtype(struct making *m)
{
    if (hws_dtype_bytes(m->op->dtype) == 0) {
        return hwi_error_say(m->error, HWS_E_INVALID, "%s: dtype %d is not an element type",
                             m->function, (int)m->op->dtype);
    }
    m->call->request.dtype = (uint8_t)m->op->dtype;
    return HWS_OK;
}

static hws_status check_redop(const struct making *m)
{
    if (m->op->redop < HWS_SUM || m->op->redop > HWS_MIN) {
        return hwi_error_say(m->error, HWS_E_INVALID, "%s: redop %d is not a reduction",
                             m->function, (int)m->op->redop);
    }
    m->call->request.redop = (uint8_t)m->op->redop;
    return HWS_OK;
}

// Elements of the largest tensor.
static uint64_t count_max(const struct making *m)
{
    return hwi_dtype_count(m->call->request.dtype, HWI_TENSOR_BYTES_MAX);
}

static hws_status check_count(const struct making *m)
{
    if (m->op->count == 0 && !m->call->request.unequal) {
        return hwi_error_say(m->error, HWS_E_INVALID, "%s: count is 0", m->function);
    }
    if (m->op->count > count_max(m)) {
        return hwi_error_say(m->error, HWS_E_LIMIT, "%s: count %zu is more than 2^40 bytes",
                             m->function, m->op->count);
    }
    m->call->request.count = m->op->count;
    return HWS_OK;
}

// ---- memory -------------------------------------------------------------------------------------

static hws_status check_pointers(const struct making *m, bool needs_input)
{
    if (m->op->output == NULL) {
        return hwi_error_say_null(m->error, m->function, "output");
    }
    if (m->op->input == NULL && needs_input) {
        return hwi_error_say_null(m->error, m->function, "input");
    }
    return HWS_OK;
}

// No operation is larger, so neither is the room that matters.
static uint64_t room_of(const struct making *m)
{
    return HWI_MIN((uint64_t)m->op->room, count_max(m));
}

static void give_memory(const struct making *m, uint64_t input_count, uint64_t output_count)
{
    struct hwi_call *call = m->call;
    call->input = m->op->input;
    call->output = m->op->output;
    call->input_bytes = hwi_dtype_bytes(call->request.dtype, input_count);
    call->output_bytes = hwi_dtype_bytes(call->request.dtype, output_count);
}

static bool overlap(const struct hwi_call *call)
{
    uintptr_t input = (uintptr_t)call->input, output = (uintptr_t)call->output;
    return input < output ? output - input < call->input_bytes
                          : input - output < call->output_bytes;
}

static hws_status check_overlap(const struct making *m)
{
    m->call->request.in_place = m->op->input == m->op->output;
    if (!m->call->request.in_place && overlap(m->call)) {
        return hwi_error_say(
            m->error, HWS_E_INVALID,
            "%s: input and output overlap: pass the same pointer or disjoint memory", m->function);
    }
    return HWS_OK;
}

// ---- each operation -----------------------------------------------------------------------------

// An all-reduce, or a reduce-scatter, whose output is the own part only.
static hws_status make_reduction(struct making *m)
{
    bool whole = m->op->what == HWS_ALL_REDUCE || m->op->input == m->op->output;
    hws_status status = check_redop(m);
    if (status == HWS_OK) {
        status = check_count(m);
    }
    if (status == HWS_OK) {
        status = check_pointers(m, true);
    }
    if (status != HWS_OK) {
        return status;
    }
    uint64_t room = whole ? m->op->count : room_of(m);
    give_memory(m, m->op->count, room);
    m->call->request.room = room;
    return check_overlap(m);
}

// In place the input lies where some member's elements go.
static hws_status place_gathered(const struct making *m)
{
    struct hwi_call *call = m->call;
    if (call->input_bytes == 0 || !overlap(call)) {
        return HWS_OK;
    }
    uintptr_t input = (uintptr_t)call->input, output = (uintptr_t)call->output;
    bool fits = !call->request.unequal && input >= output &&
                (input - output) % call->input_bytes == 0 &&
                call->output_bytes - (input - output) >= call->input_bytes;
    if (!fits) {
        return hwi_error_say(m->error, HWS_E_INVALID,
                             "%s: input and output overlap: input must be disjoint from output, or "
                             "lie in it at a multiple of count, with equal counts",
                             m->function);
    }
    call->request.in_place = 1;
    return HWS_OK;
}

static hws_status make_all_gather(struct making *m)
{
    struct hwi_msg_request *request = &m->call->request;
    request->unequal = m->op->counts != NULL;
    hws_status status = check_count(m);
    if (status == HWS_OK) {
        status = check_pointers(m, m->op->count > 0);
    }
    if (status != HWS_OK) {
        return status;
    }
    uint64_t room = room_of(m);
    if (room < m->op->count) {
        return hwi_error_say(m->error, HWS_E_INVALID,
                             "%s: room is %zu: not even this member's %zu elements fit",
                             m->function, m->op->room, m->op->count);
    }
    give_memory(m, m->op->count, room);
    request->room = room;
    m->call->counts = m->op->counts;
    m->call->counts_room = m->op->counts_room;
    return place_gathered(m);
}

// Only the request's start knows who the root is: there it is found out whether it has an input.
static hws_status make_broadcast(struct making *m)
{
    struct hwi_msg_request *request = &m->call->request;
    if (m->op->root.value == 0 || m->op->root.value > HWI_ID_MAX) {
        return hwi_error_say(m->error, HWS_E_INVALID, "%s: root is %llu, which is not a member",
                             m->function, (unsigned long long)m->op->root.value);
    }
    hws_status status = check_count(m);
    if (status == HWS_OK) {
        status = check_pointers(m, false);
    }
    if (status != HWS_OK) {
        return status;
    }
    give_memory(m, m->op->input != NULL ? m->op->count : 0, m->op->count);
    request->room = m->op->count;
    request->root = m->op->root.value;
    return check_overlap(m);
}

static hws_status make_agree(const struct making *m)
{
    if (m->op->agree_op != HWS_AGREE_AND && m->op->agree_op != HWS_AGREE_MIN) {
        return hwi_error_say(m->error, HWS_E_INVALID, "%s: agree_op %d is unknown", m->function,
                             (int)m->op->agree_op);
    }
    m->call->request.redop = (uint8_t)m->op->agree_op;
    m->call->request.value = m->op->value;
    return HWS_OK;
}

static hws_status make_data(struct making *m)
{
    hws_status status = check_dtype(m);
    if (status != HWS_OK) {
        return status;
    }
    switch (m->op->what) {
    case HWS_ALL_REDUCE:
    case HWS_REDUCE_SCATTER:
        return make_reduction(m);
    case HWS_ALL_GATHER:
        return make_all_gather(m);
    default:
        return make_broadcast(m);
    }
}

static const uint8_t kinds[] = {
    [HWS_ALL_REDUCE] = HWI_KIND_ALL_REDUCE, [HWS_REDUCE_SCATTER] = HWI_KIND_REDUCE_SCATTER,
    [HWS_ALL_GATHER] = HWI_KIND_ALL_GATHER, [HWS_BROADCAST] = HWI_KIND_BROADCAST,
    [HWS_BARRIER] = HWI_KIND_BARRIER,       [HWS_AGREE] = HWI_KIND_AGREE,
};

static hws_status make_barrier(struct making *m)
{
    m->call->request.redop = HWI_AGREE_BARRIER;
    return HWS_OK;
}

hws_status hwi_operation_make(const char *function, const hws_op *op, struct hwi_call *call,
                              struct hwi_error *error)
{
    hws_op own;
    struct making m = {.function = function, .op = &own, .call = call, .error = error};
    if (op == NULL) {
        return hwi_error_say_null(error, function, "op");
    }
    if (!hwi_sized_read(&own, sizeof own, op)) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "%s: bytes_of_struct of hws_op is not set: begin with HWS_OP_INIT",
                             function);
    }
    if ((unsigned)own.what >= HWI_COUNT(kinds) || kinds[own.what] == HWI_KIND_NONE) {
        return hwi_error_say(error, HWS_E_INVALID, "%s: what is %d, which is not an operation",
                             function, (int)own.what);
    }
    *call = hwi_call_of(kinds[own.what]);
    hws_status status = own.what == HWS_AGREE     ? make_agree(&m)
                        : own.what == HWS_BARRIER ? make_barrier(&m)
                                                  : make_data(&m);
    return status != HWS_OK ? status : hwi_call_options_read(&own.options, &call->request, error);
}
