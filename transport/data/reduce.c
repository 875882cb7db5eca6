// SPDX-License-Identifier: MIT
#include "transport/data/port.h"

#include <string.h>

// A chunk that one member sent, in its scratch slot.
static const unsigned char *scratch_of(struct hwi_data *data, struct hwi_data_op *op,
                                       uint32_t chunk, uint64_t peer)
{
    const struct hwi_row *row = hwi_row_find(data, op, HWI_PHASE_SCATTER, peer);

    HWI_CHECK(row && row->slots > 0 && chunk >= row->first && chunk - row->first < row->chunks);
    HWI_CHECK(hwi_bit_get(row->claimed, chunk - row->first));
    return hwi_row_target(row, chunk);
}

static const unsigned char *operand(struct hwi_data *data, struct hwi_data_op *op,
                                    const struct hwi_msg_reduce *msg, uint64_t which)
{
    uint32_t chunk = msg->chunk;
    bool first = msg->a != HWI_OPERAND_OUTPUT && msg->b != HWI_OPERAND_OUTPUT;

    if (which == HWI_OPERAND_SELF && first) // nothing was written over it yet, and it is hot
        return op->memory->input + hwi_data_op_offset(op, chunk);
    if (which == HWI_OPERAND_SELF)
        return hwi_data_op_input(op, chunk);
    if (which == HWI_OPERAND_OUTPUT)
        return op->memory->output + hwi_data_op_offset(op, chunk);
    return scratch_of(data, op, chunk, which);
}

// Alone and in place the result is there already, and nothing need be saved.
static bool is_identity(const struct hwi_data_op *op, const struct hwi_msg_reduce *msg)
{
    return op->backup && msg->a == HWI_OPERAND_SELF && msg->b == HWI_OPERAND_NONE &&
           msg->divisor <= 1 && !hwi_bit_get(op->saved, msg->chunk);
}

void hwi_port_reduce(struct hwi_data *data, const struct hwi_msg_reduce *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    HWI_CHECK(op && op->memory && msg->chunk < op->chunks);
    HWI_CHECK(msg->divisor == 0 || op->kernel->divide);
    uint32_t bytes = hwi_data_op_size(op, msg->chunk);
    data->stats.reduce_bytes += bytes;
    if (is_identity(op, msg))
        return;
    size_t count = bytes / op->kernel->element_bytes;
    unsigned char *out = op->memory->output + hwi_data_op_offset(op, msg->chunk);
    // In place, what is about to be overwritten is saved first, whatever the operands are.
    hwi_data_op_save(op, msg->chunk);
    const unsigned char *a = operand(data, op, msg, msg->a);

    if (msg->b != HWI_OPERAND_NONE)
        op->kernel->reduce(out, a, operand(data, op, msg, msg->b), count);
    else if (a != out)
        memcpy(out, a, bytes);
    if (msg->divisor > 1)
        op->kernel->divide(out, count, msg->divisor);
}
