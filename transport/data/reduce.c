// SPDX-License-Identifier: MIT
#include "transport/data/op.h"
#include "transport/data/port.h"
#include "transport/data/reduce.h"
#include "transport/data/row.h"

#include <string.h>

#include <hawser/types.h>

// In place, too, the own input is read from where it is: the result is written over it afterwards.
static const void *operand(const struct hwi_data *data, const struct hwi_data_op *op,
                           const struct hwi_msg_reduce *msg, uint32_t index)
{
    uint64_t who = msg->operands[index].value;
    uint64_t phase = msg->phases_count > 0 ? msg->phases[index].value : 1;

    HWI_CHECK(phase <= HWI_PHASES_MAX);
    return who == HWI_OPERAND_SELF ? hwi_data_op_input(op, msg->chunk)
                                   : hwi_row_scratch(data, op, msg->chunk, (uint8_t)phase, who);
}

_Static_assert((int)HWI_MEMBERS_MAX <= (int)HWI_KERNEL_OPERANDS_MAX,
               "a kernel takes all members' operands");

// In memory that is kept for the next one.
static const void **operands_of(struct hwi_data *data, const struct hwi_data_op *op,
                                const struct hwi_msg_reduce *msg)
{
    HWI_CHECK(msg->phases_count == 0 || msg->phases_count == msg->operands_count);
    HWI_CHECK(msg->operands_count > 0 && msg->operands_count <= HWI_MEMBERS_MAX);
    if (msg->operands_count > data->operand_room) {
        size_t bytes = msg->operands_count * sizeof *data->operands;
        data->operands = hwi_resize(data->alloc, data->operands, bytes);
        data->operand_room = msg->operands_count;
    }
    for (uint32_t i = 0; i < msg->operands_count; i++) {
        data->operands[i] = operand(data, op, msg, i);
    }
    return data->operands;
}

static void combine(const struct hwi_data_op *op, const struct hwi_msg_reduce *msg,
                    unsigned char *out, const void **operands, uint32_t bytes)
{
    HWI_CHECK(op->kernel != NULL && (op->kernel->redop == HWS_AVG) == (msg->divisor > 0));
    op->kernel->reduce(op->kernel, out, operands, msg->operands_count,
                       bytes / op->kernel->element_bytes, msg->divisor);
}

// A result of a part: what of the own input is in it need not be sent.
static unsigned char *part(const struct hwi_data *data, struct hwi_data_op *op,
                           const struct hwi_msg_reduce *msg)
{
    for (uint32_t i = 0; i < msg->operands_count; i++) {
        if (msg->operands[i].value == HWI_OPERAND_SELF) {
            hwi_data_op_left(op, msg->chunk);
        }
    }
    return hwi_row_scratch(data, op, msg->chunk, msg->into_phase, msg->into_from);
}

void hwi_port_reduce(struct hwi_data *data, const struct hwi_msg_reduce *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    HWI_CHECK(op != NULL && op->request != NULL && msg->chunk < op->grid.chunks);
    const void **operands = operands_of(data, op, msg);
    uint32_t bytes = hwi_grid_size(&op->grid, msg->chunk);
    bool partial = msg->into_phase > 0;
    unsigned char *out = partial ? part(data, op, msg) : hwi_data_op_output(op, msg->chunk);
    data->stats.reduce_bytes += bytes;
    // Alone and in place the result is there already, and nothing need be saved.
    if (msg->operands_count == 1 && operands[0] == out) {
        return;
    }
    if (!partial) {
        hwi_data_op_save(op, msg->chunk); // for the abort
    }
    if (msg->operands_count == 1) {
        memcpy(out, operands[0], bytes);
    } else {
        combine(op, msg, out, operands, bytes);
    }
}
