// SPDX-License-Identifier: MIT
#include "tests/support/table_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/kernel_check.h"

enum {
    COUNT = 5003,
    BYTES_MAX = COUNT * 8,
    MEMBERS_MAX = KERNEL_CHECK_OPERANDS_MAX,
    TYPES_AND_REDUCTIONS = 60,
    KINDS = 4,
};

// One call and what it is about.
struct row {
    hws_op op;
    uint32_t number;
    size_t element;
    unsigned char *input, *output;
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 29;
}

// Bits of an input: whole numbers of all bits, fractions of moderate size.
static uint64_t input_bits(const struct row *row, uint64_t peer, size_t index)
{
    uint64_t bits = mix(index * 1031 + peer * UINT64_C(0x9e3779b97f4a7c15) + row->number);
    float f32 = (float)((double)(bits >> 40) / 8191.0 - 1024.0);
    double f64 = (double)f32 / 3;
    uint64_t result = 0;
    switch (row->op.dtype) {
    case HWS_F16:
        return (bits & 0x83ff) | (12 + (bits >> 20) % 6) << 10;
    case HWS_BF16:
        return (bits & 0x807f) | (124 + (bits >> 20) % 6) << 7;
    case HWS_F32:
        memcpy(&result, &f32, sizeof f32);
        return result;
    case HWS_F64:
        memcpy(&result, &f64, sizeof f64);
        return result;
    default:
        return bits & UINT64_MAX >> (64 - 8 * row->element);
    }
}

// The expected value of element `index` of the whole.
static uint64_t wanted_bits(const struct row *row, const hws_result *result, size_t index)
{
    uint64_t operands[MEMBERS_MAX];
    uint32_t members = result->member_count;
    if (row->op.what == HWS_BROADCAST) {
        return input_bits(row, row->op.root.value, index);
    }
    if (row->op.what == HWS_ALL_GATHER) {
        return input_bits(row, result->members[index / COUNT].value, index % COUNT);
    }
    for (uint32_t rank = 0; rank < members; rank++) {
        operands[rank] = input_bits(row, result->members[rank].value, index);
    }
    if (members == 1) {
        return operands[0];
    }
    return kernel_oracle((uint8_t)row->op.dtype, (uint8_t)row->op.redop, operands, members);
}

static bool holds(const struct row *row, const unsigned char *at, uint64_t bits)
{
    return memcmp(at, &bits, row->element) == 0;
}

static bool is_right(const struct row *row, const hws_result *result)
{
    bool part = row->op.what == HWS_REDUCE_SCATTER;
    bool in_place = row->op.input == row->op.output;
    size_t first = part ? (size_t)result->offset : 0;
    size_t count = part                             ? (size_t)result->count
                   : row->op.what == HWS_ALL_GATHER ? COUNT * (size_t)result->member_count
                                                    : COUNT;
    const unsigned char *base = row->output + (part && in_place ? first * row->element : 0);
    for (size_t i = 0; i < count; i++) {
        if (!holds(row, base + i * row->element, wanted_bits(row, result, first + i))) {
            return false;
        }
    }
    return true;
}

// Row `number` of the sample, by this member: each pass over all types and reductions makes other
// calls of them.
static void describe(struct row *row, uint32_t number, const hws_result *view)
{
    uint64_t self = view->members[view->rank].value;
    uint32_t pass = number / TYPES_AND_REDUCTIONS;
    bool in_place = (number / 24 + pass / 2) % 2 != 0;
    row->number = number;
    row->op = (hws_op)HWS_OP_INIT;
    row->op.what = (hws_what)(HWS_ALL_REDUCE + (number + pass) % KINDS);
    row->op.dtype = (hws_dtype)(HWS_U8 + number % 12);
    row->op.redop = (hws_redop)(HWS_SUM + number / 12 % 5);
    row->op.root = view->members[number % view->member_count];
    row->op.options.plan = 1 + (number / 12 + pass) % 2;
    row->op.options.tag = number % 7;
    row->op.count = COUNT;
    row->op.room = (size_t)COUNT * view->member_count;
    row->element = hws_dtype_bytes(row->op.dtype);
    bool gather = row->op.what == HWS_ALL_GATHER;
    unsigned char *own = row->output + (gather ? (size_t)view->rank * COUNT * row->element : 0);
    row->op.output = row->output;
    row->op.input = in_place ? own : row->input;
    unsigned char *at = in_place ? own : row->input;
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t bits = input_bits(row, self, i);
        memcpy(at + i * row->element, &bits, row->element);
    }
}

static hws_status make(hws_comm *comm, const struct row *row, hws_result *result)
{
    hws_request *request;
    hws_status status = hws_start(comm, &row->op, &request);
    return status != HWS_OK ? status : hws_wait(request, UINT32_MAX, result);
}

// Every type and reduction (60) with every kind, both plans and both places.
static bool sample(hws_comm *comm, struct row *row, char error[TABLE_SAMPLE_BYTES])
{
    hws_result view = HWS_RESULT_INIT, result = HWS_RESULT_INIT;
    if (hws_view(comm, &view) != HWS_OK || view.member_count > MEMBERS_MAX) {
        snprintf(error, TABLE_SAMPLE_BYTES, "no view, or too many members");
        return false;
    }
    for (uint32_t number = 0; number < TABLE_SAMPLE_ROWS; number++) {
        describe(row, number, &view);
        hws_status status = make(comm, row, &result);
        if (status != HWS_OK || !is_right(row, &result)) {
            snprintf(error, TABLE_SAMPLE_BYTES, "row %u: %s, %s %s: %s", number,
                     hws_dtype_name(row->op.dtype), hws_redop_name(row->op.redop),
                     hws_status_name(status), status ? hws_last_error() : "wrong bytes");
            return false;
        }
    }
    return true;
}

bool table_sample(hws_comm *comm, char error[TABLE_SAMPLE_BYTES])
{
    struct row row = {.input = malloc(BYTES_MAX), .output = malloc(BYTES_MAX * MEMBERS_MAX)};
    bool right = row.input != NULL && row.output != NULL && sample(comm, &row, error);
    free(row.input);
    free(row.output);
    return right;
}
